// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The walk along a program, as the channel would go.

use ccw::{Ccw, Guest, GuestAddr, RawCcw};

use crate::{
    Buffers, Cause, Code, Guards, GuestStorage,
    chain::{Judged, Op, State, judge},
    memory::key_allows,
    node::Node,
};

use super::{
    list,
    straight::{self, Stop, Unread},
    way::{Via, Way},
};

/// What is at an address that does not follow the last CCW that was read.
pub(super) enum Turn {
    /// A CCW that was not read before.
    New,
    /// A known one, behind which the walk goes on here.
    Known(Way),
    /// Nothing new.
    End,
}

/// No CCW can follow one here.
pub(super) const NO_SPAN: u32 = 1;

pub(super) struct Walk<'a, G> {
    pub(super) work: &'a mut Buffers,
    pub(super) storage: &'a G,
    pub(super) guards: &'a Guards<'a>,
    /// Usual commands may be read by themselves.
    pub(super) straight: bool,
    /// The span that grows, as a position in `spans`.
    pub(super) span: usize,
    /// Address behind its last node; [`NO_SPAN`] when none grows.
    pub(super) tail: u32,
    /// How far it can grow: to the next span above, or to the limit of the format.
    pub(super) ceiling: u32,
}

impl<'a, G: GuestStorage> Walk<'a, G> {
    pub(super) fn new(work: &'a mut Buffers, storage: &'a G, guards: &'a Guards<'a>) -> Self {
        Self {
            straight: straight::applies(work, guards),
            work,
            storage,
            guards,
            span: 0,
            tail: NO_SPAN,
            ceiling: 0,
        }
    }

    /// Reads the program, of which the usual commands up to `at` were read, where it stops so.
    #[cold]
    pub(super) fn from(&mut self, at: u32, stop: Stop) {
        let cpa = self.work.entry_addr();
        let mut here = Way {
            at: cpa,
            via: Via::Start,
            state: State::Command,
            certain: true,
            skippable: false,
        };
        self.open_span(cpa, 0);
        self.advance(&mut here, at);
        self.path(here, stop);
        while let Some(at) = self.work.pending.pop() {
            let here = Way {
                at,
                via: Via::Skip,
                certain: false,
                state: State::Command,
                ..here
            };
            if !self.breaks(here) {
                self.path(here, Stop::Limit);
            }
        }
        self.leave_span();
    }

    /// Follows the program from `here`, where it stops being usual for this reason.
    pub(super) fn path(&mut self, mut here: Way, mut stop: Stop) {
        here.state = State::Command;
        loop {
            let raw = match stop {
                Stop::Rare(raw) => Some(raw),
                Stop::Unread(why) => {
                    self.unread(why, &here);
                    return;
                }
                Stop::Limit => None,
                Stop::End => return,
            };
            if let Some(raw) = raw
                && (!self.rare(&mut here, raw) || self.breaks(here))
            {
                return;
            }
            let grows = here.at == self.tail && here.at < self.ceiling;
            if !grows {
                match self.turn(here) {
                    Turn::New => {}
                    Turn::Known(next) => {
                        if self.breaks(next) {
                            return;
                        }
                        here = next;
                        stop = Stop::Limit;
                        continue;
                    }
                    Turn::End => return,
                }
            }
            stop = self.next(&mut here);
        }
    }

    /// Reads on at `here`, where a CCW may be added.
    pub(super) fn next(&mut self, here: &mut Way) -> Stop {
        if self.straight && here.state == State::Command {
            let (at, stop) = straight::read(
                self.work,
                self.storage,
                self.guards,
                here.at,
                self.ceiling,
                here.reach(),
            );
            self.advance(here, at);
            return stop;
        }
        let at = GuestAddr::new(u64::from(here.at));
        if self.work.nodes.len() >= usize::from(self.work.policy.max_ccws) {
            return Stop::Unread(Unread::TooLong);
        }
        let Some(raw) = self.storage.read_doubleword(at) else {
            return Stop::Unread(Unread::Gone);
        };
        match self.guards.keys {
            Some(keys) if !key_allows(keys, self.work.orb.key, at, false) => {
                Stop::Unread(Unread::Protected)
            }
            _ => Stop::Rare(RawCcw(raw)),
        }
    }

    /// Usual commands were read, up to `at`.
    pub(super) fn advance(&mut self, here: &mut Way, at: u32) {
        if at != here.at {
            self.tail = at;
            here.at = at;
            here.via = Via::Sequence(self.work.last_node());
            here.skippable = false;
        }
    }

    /// Judges and adds a CCW that is not usual, and goes on behind it; false when the path ends.
    pub(super) fn rare(&mut self, here: &mut Way, raw: RawCcw) -> bool {
        let word = raw.format1(self.work.orb.format);
        let judged = self.judge(word, here);
        match self.append(here, raw, word, judged) {
            Some(index) => self.follow(here, index, judged.op, word),
            None => false,
        }
    }

    /// Goes on behind node `index`, which does `op`; false when the program ends there.
    #[inline(always)]
    pub(super) fn follow(&mut self, here: &mut Way, index: u16, op: Op, word: u64) -> bool {
        let ccw = Ccw::<Guest>::from_format1(word);
        here.skippable = false;
        if op == Op::Tic {
            here.via = Via::Tic(index);
            here.at = ccw.addr.get();
            return true;
        }
        let head = here.state.head(ccw.command);
        if ccw.chains_data() {
            if !self.work.policy.chains_data(head) {
                return false;
            }
            here.state = State::Data {
                head,
                skips: self.work.policy.may_skip(head),
            };
        } else if ccw.chains_command() {
            here.state = State::Command;
            if self.work.policy.may_skip(head) {
                // Beyond the limit of the format too: the status then names that address.
                self.work.pending.push(here.at.wrapping_add(16));
                here.skippable = true;
            }
        } else {
            return false;
        }
        here.via = Via::Sequence(index);
        here.at = here.at.wrapping_add(8);
        true
    }

    /// Adds the CCW that was read as a node, with its list; none when the channel stops there.
    pub(super) fn append(
        &mut self,
        here: &Way,
        raw: RawCcw,
        word: u64,
        judged: Judged,
    ) -> Option<u16> {
        let Judged { op, fault } = judged;
        let ccw = Ccw::<Guest>::from_format1(word);
        let head = here.state.head(ccw.command);
        let ignored = raw.ignored(self.work.orb.format);
        let index = self.push(Node {
            reach: here.reach(),
            fault,
            ..Node::new(self.work.next_node(), here.at, word, ignored, op, head)
        });
        let lost = op.has_list(ccw.flags) && !list::fetch(self.work, self.storage, self.guards);
        let over = fault.is_some() || matches!(op, Op::Break(_));
        (!over && !lost).then_some(index)
    }

    /// What the CCW `word` means where the walk has come to it so.
    pub(super) fn judge(&self, word: u64, here: &Way) -> Judged {
        let judged = judge(word, &self.work.orb, here.state, here.after_tic());
        if self.suspends(word, here, judged) {
            Judged {
                op: Op::Break(Cause::Suspend),
                fault: None,
            }
        } else {
            judged
        }
    }

    /// Goes where the growing span does not go on.
    #[cold]
    pub(super) fn turn(&mut self, here: Way) -> Turn {
        if u64::from(here.at) >= self.work.orb.format.limit() {
            self.fault_node(here.at, Code::CcwaWrap, here.reach());
            return Turn::End;
        }
        match self.seek(here.at) {
            Some(index) => self.revisit(index, here).map_or(Turn::End, Turn::Known),
            None => Turn::New,
        }
    }
}
