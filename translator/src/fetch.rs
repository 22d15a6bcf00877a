// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one copy of a guest's program: the walk that reads it.
//!
//! The walk goes where the channel would go, first along the path on which no command skips, then
//! along those that a status modifier opens. It reads each CCW address once and each list once per
//! CCW that names it, and only words that it reaches; after it, no stage can reach guest storage.
//! "PoP: Execution of I/O Operations".

use alloc::boxed::Box;

use ccw::{CCW_SIZE, Ccw, CcwFlags, Class, Command, Format, Guest, GuestAddr, RawCcw, RawOrb};

use crate::{
    Buffers, Cause, Code, Guards, GuestStorage, Policy, Segment, Stance,
    chain::{Judged, Op, State, judge},
    commands, list,
    memory::key_allows,
    node::{NOWHERE, Node, Reach, Span},
    orb,
    straight::{self, Stop, Unread},
    transport,
};

/// A guest's program as it was at one moment.
#[derive(Debug)]
#[must_use]
pub struct Snapshot {
    pub(crate) work: Box<Buffers>,
}

/// Copies the program that `raw_orb` starts out of `storage`.
///
/// Never fails: what is wrong with the program is told by the stages behind. `guards` are asked
/// for the keys of the storage that CCWs and lists are read from.
///
/// It is the whole program: one that would have to be carried out in segments is refused
/// ([`fetch_segment`](crate::fetch_segment) takes those).
pub fn fetch<G: GuestStorage>(
    raw_orb: &RawOrb,
    storage: &G,
    policy: &Policy,
    guards: &Guards<'_>,
    mut work: Box<Buffers>,
) -> Snapshot {
    work.breaks.clear();
    let policy = policy.in_one_piece();
    fetch_at(raw_orb, &Segment::START, storage, &policy, guards, work)
}

/// The same for any segment, with the breaks that [`Buffers`] say.
#[inline]
pub(crate) fn fetch_at<G: GuestStorage>(
    raw_orb: &RawOrb,
    segment: &Segment,
    storage: &G,
    policy: &Policy,
    guards: &Guards<'_>,
    mut work: Box<Buffers>,
) -> Snapshot {
    work.reset(raw_orb, segment, policy);
    match orb::fault(raw_orb, policy) {
        Some(code) => work.orb_fault = Some(code),
        // Its commands are not looked at.
        None if work.orb.transport && guards.policy().is_some() => {
            work.orb_fault = Some(Code::EnvTransport);
        }
        None if work.orb.transport => transport::fetch(&mut work, storage, guards),
        None => match orb::entry_fault(&work) {
            Some(code) => Walk::new(&mut work, storage, guards).refuse(code),
            None => {
                program(&mut work, storage, guards);
                if let Some(policy) = guards.policy() {
                    commands::fetch(&mut work, storage, policy);
                }
            }
        },
    }
    Snapshot { work }
}

/// Copies a program that may be looked for where the ORB says.
#[inline]
fn program<G: GuestStorage>(work: &mut Buffers, storage: &G, guards: &Guards<'_>) {
    let cpa = work.entry_addr();
    let (at, stop) = if straight::applies(work, guards) {
        let limit = ceiling(work.orb.format);
        straight::read(
            work,
            storage,
            guards,
            cpa,
            limit,
            Reach::COMMAND | Reach::CERTAIN,
        )
    } else {
        (cpa, Stop::Limit)
    };
    if matches!(stop, Stop::End) {
        work.in_one_span(cpa, at);
    } else {
        Walk::new(work, storage, guards).from(at, stop);
    }
}

/// First address at which no CCW of this format can lie.
fn ceiling(format: Format) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "2^24 or 2^31")]
    {
        format.limit() as u32
    }
}

/// How the walk comes to an address.
#[derive(Clone, Copy)]
struct Way {
    at: u32,
    via: Via,
    state: State,
    /// On the path on which no command skips.
    certain: bool,
    /// Straight behind a command that may skip what stands there.
    skippable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Via {
    /// By the ORB, or because the segment begins there.
    Start,
    /// By a command that skipped a CCW.
    Skip,
    /// By going on behind the CCW of this node.
    Sequence(u16),
    /// By the TIC of this node.
    Tic(u16),
}

/// What is at an address that does not follow the last CCW that was read.
enum Turn {
    /// A CCW that was not read before.
    New,
    /// A known one, behind which the walk goes on here.
    Known(Way),
    /// Nothing new.
    End,
}

/// No CCW can follow one here.
const NO_SPAN: u32 = 1;

struct Walk<'a, G> {
    work: &'a mut Buffers,
    storage: &'a G,
    guards: &'a Guards<'a>,
    /// Usual commands may be read by themselves.
    straight: bool,
    /// The span that grows, as a position in `spans`.
    span: usize,
    /// Address behind its last node; [`NO_SPAN`] when none grows.
    tail: u32,
    /// How far it can grow: to the next span above, or to the limit of the format.
    ceiling: u32,
}

impl<'a, G: GuestStorage> Walk<'a, G> {
    fn new(work: &'a mut Buffers, storage: &'a G, guards: &'a Guards<'a>) -> Self {
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

    /// The channel stops where the ORB leads.
    fn refuse(&mut self, code: Code) {
        let cpa = self.work.entry_addr();
        self.fault_node(cpa, code, Reach::COMMAND | Reach::CERTAIN);
    }

    /// Reads the program, of which the usual commands up to `at` were read, where it stops so.
    #[cold]
    fn from(&mut self, at: u32, stop: Stop) {
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
    fn path(&mut self, mut here: Way, mut stop: Stop) {
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
    fn next(&mut self, here: &mut Way) -> Stop {
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
    fn advance(&mut self, here: &mut Way, at: u32) {
        if at != here.at {
            self.tail = at;
            here.at = at;
            here.via = Via::Sequence(self.work.last_node());
            here.skippable = false;
        }
    }

    /// Judges and adds a CCW that is not usual, and goes on behind it; false when the path ends.
    fn rare(&mut self, here: &mut Way, raw: RawCcw) -> bool {
        let word = raw.format1(self.work.orb.format);
        let judged = self.judge(word, here);
        match self.append(here, raw, word, judged) {
            Some(index) => self.follow(here, index, judged.op, word),
            None => false,
        }
    }

    /// Goes on behind node `index`, which does `op`; false when the program ends there.
    #[inline(always)]
    fn follow(&mut self, here: &mut Way, index: u16, op: Op, word: u64) -> bool {
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
    fn append(&mut self, here: &Way, raw: RawCcw, word: u64, judged: Judged) -> Option<u16> {
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
    fn judge(&self, word: u64, here: &Way) -> Judged {
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

    /// Whether the program is left at the CCW `word`, because it suspends itself there.
    fn suspends(&self, word: u64, here: &Way, judged: Judged) -> bool {
        let Buffers {
            policy, segment, ..
        } = &*self.work;
        // It looks at count and address only when it is resumed.
        let later = matches!(
            judged.fault,
            Some(Code::Cnt0Zero | Code::Cnt1ZeroCd | Code::Fmt1Bit32)
        );
        let flag = Ccw::<Guest>::from_format1(word)
            .flags
            .contains(CcwFlags::SUSPEND);
        // Only TICs can have come before.
        let first = here.via == Via::Start || (here.after_tic() && self.work.nodes.len() <= 1);
        flag && policy.suspend == Stance::Segments
            && here.state == State::Command
            && judged.op != Op::Tic
            && (judged.fault.is_none() || later)
            && !(segment.passing && first)
    }

    /// Whether the program is left at `here` because it must be fetched again there.
    #[inline]
    fn breaks(&mut self, here: Way) -> bool {
        if self.work.breaks.is_empty()
            || here.state != State::Command
            || !self.work.is_break(here.at)
        {
            return false;
        }
        self.break_node(here);
        true
    }

    /// Puts a node without bytes at `here`, where the segment ends.
    #[cold]
    fn break_node(&mut self, here: Way) {
        let op = Op::Break(Cause::Refetch);
        if (here.at != self.tail || here.at >= self.ceiling)
            && let Some(index) = self.seek(here.at)
        {
            let Some(&known) = self.work.nodes.get(usize::from(index)) else {
                return;
            };
            if known.op == op {
                self.reach(index, here.reach());
            } else if known.reach.intersects(Reach::CHAINED) {
                self.second(index, here, op, None);
            }
            return;
        }
        if self.work.nodes.len() >= usize::from(self.work.policy.max_ccws) {
            self.work.too_long = true;
            return;
        }
        self.push(Node {
            reach: here.reach(),
            ..Node::new(self.work.next_node(), here.at, 0, 0, op, Command(0))
        });
        self.leave_span();
    }

    /// Whether the channel passed over the suspension at node `index`, with which the segment begins,
    /// and comes there once more.
    fn would_suspend_now(&self, index: u16, here: &Way) -> bool {
        let node = self.work.nodes.get(usize::from(index));
        self.work.segment.passing
            && here.state == State::Command
            && node.is_some_and(|node| {
                node.reach.contains(Reach::COMMAND)
                    && self.judge(node.word, here).op == Op::Break(Cause::Suspend)
                    && node.op != Op::Break(Cause::Suspend)
            })
    }

    /// The segment ends before the TIC that leads to node `index`, which has another meaning there.
    fn leave_before(&mut self, index: u16, here: Way) {
        let tic = match here.via {
            Via::Tic(tic) => self.work.nodes.get_mut(usize::from(tic)),
            _ => None,
        };
        match tic.filter(|tic| !tic.reach.intersects(Reach::CHAINED)) {
            Some(tic) => tic.op = Op::Break(Cause::Refetch),
            None => {
                self.work.verdict.suspend.get_or_insert(index);
            }
        }
    }

    /// Node `index` is reached in one way more.
    fn reach(&mut self, index: u16, reach: Reach) {
        if let Some(node) = self.work.nodes.get_mut(usize::from(index)) {
            node.reach |= reach;
        }
    }

    /// Goes where the growing span does not go on.
    #[cold]
    fn turn(&mut self, here: Way) -> Turn {
        if u64::from(here.at) >= self.work.orb.format.limit() {
            self.fault_node(here.at, Code::CcwaWrap, here.reach());
            return Turn::End;
        }
        match self.seek(here.at) {
            Some(index) => self.revisit(index, here).map_or(Turn::End, Turn::Known),
            None => Turn::New,
        }
    }

    /// Comes to node `index` once more; none when that brings nothing new.
    fn revisit(&mut self, index: u16, mut here: Way) -> Option<Way> {
        self.note_loop(index, here);
        if self.would_suspend_now(index, &here) {
            self.leave_before(index, here);
            return None;
        }
        let node = self.work.nodes.get_mut(usize::from(index))?;
        let after_tic = here.after_tic();
        // A TIC that has only been reached in a legal way is judged anew behind another TIC. One
        // that has only been reached from another must become a TIC for who comes in a legal way.
        let second_tic = after_tic && node.op == Op::Tic;
        let again = !after_tic && node.fault == Some(Code::SeqTicTic);
        if node.reach.contains(here.state.way()) && !second_tic && !again {
            if let (true, Via::Sequence(last) | Via::Tic(last)) = (here.certain, here.via) {
                self.work.back = Some((last, index));
            }
            return None;
        }
        if again && node.reach.contains(Reach::CERTAIN) {
            node.reach.remove(Reach::CERTAIN);
            self.work.second_tic = Some(index);
        }
        let word = node.word;
        let Judged { op, fault } = self.judge(word, &here);
        let node = self.work.nodes.get_mut(usize::from(index))?;
        if fault == Some(Code::SeqTicTic) {
            // The host channel meets the same two TICs and stops at the same one.
            if here.certain {
                self.work.second_tic = Some(index);
            }
            return None;
        }
        if again {
            node.reach |= here.reach();
            node.head = here.state.head(node.head);
            node.op = op;
            node.fault = fault;
        } else {
            node.reach |= here.reach().difference(Reach::CERTAIN);
            // What is skipped has a list as well, which goes up or down.
            let goes_down = |head: Command| head.class() == Class::ReadBackward;
            let head = here.state.head(node.ccw().command);
            let turns = op == Op::Skip && goes_down(node.head) != goes_down(head);
            if node.op != op || turns {
                return self.second(index, here, op, fault);
            }
        }
        let goes_on = fault.is_none() && !matches!(op, Op::Break(_));
        (goes_on && self.follow(&mut here, index, op, word)).then_some(here)
    }

    /// Judges the CCW of node `index` a second time, in another state: it gets a node of its own,
    /// which has no place in the host's program, because one CCW cannot serve both.
    fn second(&mut self, index: u16, mut here: Way, op: Op, fault: Option<Code>) -> Option<Way> {
        if self.work.nodes.len() >= usize::from(self.work.policy.max_ccws) {
            self.work.too_long = true;
            return None;
        }
        let first = *self.work.nodes.get(usize::from(index))?;
        let word = first.word;
        let ccw = Ccw::<Guest>::from_format1(word);
        #[expect(clippy::cast_possible_truncation, reason = "max_ccws is a u16")]
        let index = self.work.nodes.len() as u16;
        self.work.nodes.push(Node {
            op,
            head: here.state.head(ccw.command),
            reach: here.reach() | Reach::TWO_WAYS,
            fault,
            usual: false,
            host: NOWHERE,
            ..first
        });
        // The same list serves both, unless the two need different numbers of words.
        let listed =
            first.op.has_list(ccw.flags) && (first.op == Op::Backward) == (op == Op::Backward);
        let lost =
            op.has_list(ccw.flags) && !listed && !list::fetch(self.work, self.storage, self.guards);
        let goes_on = fault.is_none() && !lost && !matches!(op, Op::Break(_));
        (goes_on && self.follow(&mut here, index, op, word)).then_some(here)
    }

    /// Remembers that the program comes back to node `index`, so that what it reads in behind may
    /// be a CCW that was read before.
    fn note_loop(&mut self, index: u16, here: Way) {
        let last = match here.via {
            Via::Sequence(last) | Via::Tic(last) => Some(last),
            Via::Skip => self.work.find_node(here.at.wrapping_sub(16)),
            Via::Start => None,
        };
        if let Some(last) = last.filter(|&last| index <= last) {
            let (from, to) = self.work.looped.unwrap_or((index, last));
            self.work.looped = Some((from.min(index), to.max(last)));
        }
    }

    /// Looks `at` up among the spans; when it is in none, starts one there.
    fn seek(&mut self, at: u32) -> Option<u16> {
        self.leave_span();
        let known = self.work.find_node(at);
        if known.is_none() {
            self.open_span(at, self.work.next_node());
        }
        known
    }

    /// Starts a span at `at`, which is in none, with node `first`.
    fn open_span(&mut self, at: u32, first: u32) {
        let Buffers { spans, orb, .. } = &mut *self.work;
        let limit = ceiling(orb.format);
        self.span = spans.partition_point(|span| span.start <= at);
        self.ceiling = spans.get(self.span).map_or(limit, |span| span.start);
        self.tail = at;
        #[expect(clippy::cast_possible_truncation, reason = "max_ccws is a u16")]
        let first = first as u16;
        let span = Span {
            start: at,
            first,
            len: 0,
        };
        self.work.spans.insert(self.span, span);
    }

    /// Adds a node to the growing span.
    #[inline(always)]
    fn push(&mut self, node: Node) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "max_ccws is a u16")]
        let index = self.work.nodes.len() as u16;
        self.tail = node.addr.wrapping_add(8);
        self.work.nodes.push(node);
        index
    }

    /// Writes down the length of the growing span; without any node it is none.
    fn leave_span(&mut self) {
        let Buffers { spans, .. } = &mut *self.work;
        let grown = if self.tail == NO_SPAN {
            None
        } else {
            spans.get_mut(self.span)
        };
        let tail = core::mem::replace(&mut self.tail, NO_SPAN);
        let Some(span) = grown else { return };
        if tail == span.start {
            spans.remove(self.span);
            return;
        }
        let bytes = tail.wrapping_sub(span.start);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "no more nodes than a u16 counts"
        )]
        let len = (bytes / CCW_SIZE as u32) as u16;
        span.len = len;
        let start = u64::from(span.start);
        self.work.widen_control(start, u64::from(bytes));
    }

    /// The CCW cannot be read.
    #[cold]
    fn unread(&mut self, why: Unread, here: &Way) {
        let code = match (why, here.via) {
            (Unread::TooLong, _) => {
                self.work.too_long = true;
                return;
            }
            (Unread::Protected, _) => Code::CcwaProt,
            (_, Via::Start) if self.work.goes_on() => Code::CcwaSeqUnavail,
            (_, Via::Start) => Code::CcwaCpaUnavail,
            (_, Via::Skip | Via::Sequence(_)) => Code::CcwaSeqUnavail,
            (_, Via::Tic(index)) => {
                // The status names the TIC, so the fault is the TIC's.
                if let Some(tic) = self.work.nodes.get_mut(usize::from(index)) {
                    tic.fault = Some(Code::CcwaTicUnavail);
                    tic.op = Op::Fault;
                }
                return;
            }
        };
        self.fault_node(here.at, code, here.reach());
    }

    /// Puts a node without bytes at `at`, where the channel stops.
    #[cold]
    fn fault_node(&mut self, at: u32, code: Code, reach: Reach) {
        if (at != self.tail || at >= self.ceiling) && self.seek(at).is_some() {
            return;
        }
        if self.work.nodes.len() >= usize::from(u16::MAX) {
            self.work.too_long = true;
            return;
        }
        self.push(Node {
            reach,
            fault: Some(code),
            ..Node::new(self.work.next_node(), at, 0, 0, Op::Fault, Command(0))
        });
        self.leave_span();
    }
}

impl Way {
    #[inline]
    fn after_tic(&self) -> bool {
        matches!(self.via, Via::Tic(_))
    }

    /// What a first visit leaves behind.
    #[inline]
    fn reach(&self) -> Reach {
        let mut reach = self.state.way();
        if self.certain {
            reach |= Reach::CERTAIN;
        }
        if self.skippable {
            reach |= Reach::SKIPPABLE;
        }
        reach
    }
}

impl State {
    /// The bits that remember a visit in this state.
    #[inline]
    fn way(self) -> Reach {
        let Self::Data { head, skips } = self else {
            return Reach::COMMAND;
        };
        let way = match head.class() {
            Class::Read | Class::Sense => Reach::INPUT,
            Class::ReadBackward => Reach::BACKWARD,
            // The others are no heads: the channel stops at them.
            Class::Write | Class::Control | Class::Invalid | Class::Tic => Reach::OUTPUT,
        };
        if skips { way | Reach::SKIPS } else { way }
    }
}
