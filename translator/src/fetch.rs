// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one copy of a guest's program: the walk that reads it.
//!
//! The walk goes where the channel would go, first along the path on which no command skips, then
//! along those that a status modifier opens. It reads each CCW address once and each list once per
//! CCW that names it, and only words that it reaches; after it, no stage can reach guest storage.
//! "PoP: Execution of I/O Operations".

use alloc::boxed::Box;

use ccw::{CCW_SIZE, Ccw, CcwFlags, Command, RawCcw, RawOrb};

use crate::{
    Buffers, Code, Guards, GuestStorage, Policy,
    chain::{Judged, Next, Op, State, judge},
    list,
    memory::key_allows,
    orb,
    work::{NOWHERE, Node, Reach, Span},
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
pub fn fetch<G: GuestStorage>(
    raw_orb: &RawOrb,
    storage: &G,
    policy: &Policy,
    guards: &Guards<'_>,
    mut work: Box<Buffers>,
) -> Snapshot {
    work.reset(raw_orb, policy);
    match orb::fault(raw_orb, policy) {
        Some(code) => work.orb_fault = Some(code),
        // A TCW is no CCW.
        None if work.orb.transport => {}
        None => Walk::new(&mut work, storage, guards).program(),
    }
    Snapshot { work }
}

/// How the walk came to an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Via {
    /// By the ORB.
    Orb,
    /// By going on behind a CCW.
    Sequence,
    /// By the TIC with this node number.
    Tic(u16),
}

struct Walk<'a, G> {
    work: &'a mut Buffers,
    storage: &'a G,
    guards: &'a Guards<'a>,
    /// The span that grows, as a position in `spans`.
    span: usize,
    /// Address behind its last node; 1, which no CCW has, when no span grows.
    tail: u32,
    /// Start of the next span above.
    ceiling: u32,
}

/// Node at an address, old or new.
enum Found {
    Old(u16),
    New(u16),
}

impl<'a, G: GuestStorage> Walk<'a, G> {
    fn new(work: &'a mut Buffers, storage: &'a G, guards: &'a Guards<'a>) -> Self {
        Self {
            work,
            storage,
            guards,
            span: 0,
            tail: 1,
            ceiling: u32::MAX,
        }
    }

    fn program(&mut self) {
        let cpa = self.work.orb.cpa.get();
        if let Some(code) = orb::cpa_fault(&self.work.orb) {
            self.fault_node(cpa, code, Reach::COMMAND | Reach::CERTAIN);
            return;
        }
        self.path(cpa, true);
        while let Some(at) = self.work.pending.pop() {
            self.path(at, false);
        }
        self.leave_span();
    }

    /// Follows the program from `at`, where it goes on with a new command.
    fn path(&mut self, start: u32, certain: bool) {
        let limit = self.work.orb.format.limit();
        let mut at = start;
        let mut state = State::Command;
        let mut via = if certain { Via::Orb } else { Via::Sequence };
        let mut skippable = Reach::empty();
        let mut last = None;
        loop {
            if u64::from(at) >= limit {
                self.fault_node(at, Code::CcwaWrap, reach_of(state, certain) | skippable);
                return;
            }
            let index = match self.locate(at) {
                Ok(Some(Found::New(index))) => index,
                Ok(Some(Found::Old(index))) => {
                    let Some(node) = self.work.nodes.get(usize::from(index)) else {
                        return;
                    };
                    if node.reach.intersects(reach_of(state, false))
                        && !node.is_tic_after(via)
                        && !node.is_tic_again(via)
                    {
                        if certain {
                            self.work.back = last.map(|last| (last, index));
                        }
                        return;
                    }
                    index
                }
                Ok(None) => {
                    self.work.too_long = true;
                    return;
                }
                Err(code) => {
                    self.unreadable(at, code, via, reach_of(state, certain) | skippable);
                    return;
                }
            };
            let Some(next) = self.visit(index, state, via, certain, skippable) else {
                return;
            };
            skippable = Reach::empty();
            last = Some(index);
            match next {
                Onward::Jump(target) => {
                    via = Via::Tic(index);
                    at = target;
                }
                Onward::Next(then) => {
                    via = Via::Sequence;
                    at = at.wrapping_add(8);
                    state = match then {
                        Next::End => return,
                        Next::Command => State::Command,
                        Next::Data { head } => State::Data { head },
                    };
                }
                Onward::Skippable => {
                    via = Via::Sequence;
                    at = at.wrapping_add(8);
                    state = State::Command;
                    skippable = Reach::SKIPPABLE;
                }
            }
        }
    }

    /// Judges node `index` in `state`; none when the path ends there.
    #[inline]
    fn visit(
        &mut self,
        index: u16,
        state: State,
        via: Via,
        certain: bool,
        skippable: Reach,
    ) -> Option<Onward> {
        let node = self.work.nodes.get_mut(usize::from(index))?;
        let again = node.is_tic_again(via);
        if again && node.reach.contains(Reach::CERTAIN) {
            node.reach.remove(Reach::CERTAIN);
            self.work.second_tic = Some(index);
        }
        let first = node.reach.is_empty() || again;
        let ccw = node.ccw;
        let judged = judge(
            node.raw,
            ccw,
            &self.work.orb,
            state,
            matches!(via, Via::Tic(_)),
        );
        if judged == Judged::Fault(Code::SeqTicTic) && !first {
            // The host channel meets the same two TICs and stops at the same one.
            if certain {
                self.work.second_tic = Some(index);
            }
            return None;
        }
        node.reach |= reach_of(state, certain && first) | skippable;
        let (op, fault) = match judged {
            Judged::Tic => (Op::Tic, None),
            Judged::Run { op, .. } => (op, None),
            Judged::Fault(code) => (Op::Fault, Some(code)),
        };
        if first {
            if let State::Data { head } = state {
                node.head = head;
            }
            node.op = op;
            node.fault = fault;
        } else if node.op != op {
            node.reach |= Reach::TWO_WAYS;
        }
        match judged {
            Judged::Fault(_) => None,
            Judged::Tic => Some(Onward::Jump(ccw.addr.get())),
            Judged::Run { op, next } => {
                let lists = CcwFlags::INDIRECT.union(CcwFlags::MODIFIED_INDIRECT);
                if first && op.transfers() && ccw.flags.intersects(lists) {
                    list::fetch(self.work, self.storage, self.guards, index, ccw);
                    if self.work.nodes.get(usize::from(index))?.fault.is_some() {
                        return None;
                    }
                }
                let head = match state {
                    State::Command => ccw.command,
                    State::Data { head } => head,
                };
                if next == Next::Command && self.may_skip(head) {
                    let node = self.work.nodes.get(usize::from(index))?;
                    // Beyond the limit of the format too: the status then names that address.
                    self.work.pending.push(node.addr.wrapping_add(16));
                    return Some(Onward::Skippable);
                }
                Some(Onward::Next(next))
            }
        }
    }

    fn may_skip(&self, head: Command) -> bool {
        self.work.policy.may_skip(head)
    }

    /// The node at `at`: the one that is there, or a new one with the bytes of storage. None
    /// when the program is too long.
    #[inline]
    fn locate(&mut self, at: u32) -> Result<Option<Found>, Code> {
        if (at != self.tail || at == self.ceiling)
            && let Some(index) = self.seek(at)
        {
            return Ok(Some(Found::Old(index)));
        }
        if self.work.nodes.len() >= usize::from(self.work.policy.max_ccws) {
            return Ok(None);
        }
        let guest = ccw::GuestAddr::new(u64::from(at));
        let raw = self
            .storage
            .read_doubleword(guest)
            .ok_or(Code::CcwaSeqUnavail)?;
        if let Some(keys) = self.guards.keys
            && !key_allows(keys, self.work.orb.key, guest, false)
        {
            return Err(Code::CcwaProt);
        }
        Ok(Some(Found::New(self.append(at, RawCcw(raw)))))
    }

    /// Looks `at` up among the spans; when it is in none, gets ready to start one there.
    #[cold]
    fn seek(&mut self, at: u32) -> Option<u16> {
        self.leave_span();
        let spans = &self.work.spans;
        let above = spans.partition_point(|span| span.start <= at);
        if let Some(span) = above.checked_sub(1).and_then(|below| spans.get(below))
            && at < span.end()
        {
            #[expect(clippy::cast_possible_truncation, reason = "at most the span's length")]
            return Some(span.first + ((at - span.start) / 8) as u16);
        }
        self.span = above;
        self.ceiling = spans.get(above).map_or(u32::MAX, |span| span.start);
        None
    }

    /// Adds a node at `at` to the growing span, or to a new one.
    #[inline]
    fn append(&mut self, at: u32, raw: RawCcw) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "max_ccws is a u16")]
        let index = self.work.nodes.len() as u16;
        if at != self.tail {
            self.open_span(at, index);
        }
        self.tail = at.wrapping_add(8);
        self.work.nodes.push(Node {
            addr: at,
            raw,
            ccw: Ccw::decode(raw, self.work.orb.format),
            list: 0,
            list_len: 0,
            good: 0,
            host: NOWHERE,
            head: raw.command(),
            op: Op::Nothing,
            reach: Reach::empty(),
            fault: None,
        });
        index
    }

    fn open_span(&mut self, at: u32, first: u16) {
        self.work.spans.insert(
            self.span,
            Span {
                start: at,
                first,
                len: 0,
            },
        );
    }

    /// Writes down the length of the growing span.
    fn leave_span(&mut self) {
        if self.tail == 1 {
            return;
        }
        if let Some(span) = self.work.spans.get_mut(self.span) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "no more nodes than a u16 counts"
            )]
            let len = (self.tail.wrapping_sub(span.start) / CCW_SIZE as u32) as u16;
            span.len = len;
            let start = u64::from(span.start);
            self.work.widen_control(start, u64::from(len) * CCW_SIZE);
        }
        self.tail = 1;
    }

    /// The CCW at `at` cannot be read.
    fn unreadable(&mut self, at: u32, code: Code, via: Via, reach: Reach) {
        match (code, via) {
            (Code::CcwaProt, _) => self.fault_node(at, Code::CcwaProt, reach),
            (_, Via::Orb) => self.fault_node(at, Code::CcwaCpaUnavail, reach),
            (_, Via::Sequence) => self.fault_node(at, Code::CcwaSeqUnavail, reach),
            (_, Via::Tic(index)) => {
                // The status names the TIC, so the fault is the TIC's.
                if let Some(tic) = self.work.nodes.get_mut(usize::from(index)) {
                    tic.fault = Some(Code::CcwaTicUnavail);
                    tic.op = Op::Fault;
                }
            }
        }
    }

    /// Puts a node without bytes at `at`, where the channel stops.
    fn fault_node(&mut self, at: u32, code: Code, reach: Reach) {
        if (at != self.tail || at == self.ceiling) && self.seek(at).is_some() {
            return;
        }
        let index = self.append(at, RawCcw::STOP);
        if let Some(node) = self.work.nodes.get_mut(usize::from(index)) {
            node.op = Op::Fault;
            node.fault = Some(code);
            node.reach = reach;
        }
        self.leave_span();
    }
}

/// Where a path goes after a CCW.
enum Onward {
    Jump(u32),
    Next(Next),
    /// To the next CCW as a new command, or past it.
    Skippable,
}

impl Node {
    /// Whether this is a TIC that has only been reached in a legal way and is now reached from a
    /// TIC, which must be judged anew.
    fn is_tic_after(&self, via: Via) -> bool {
        matches!(via, Via::Tic(_)) && self.op == Op::Tic
    }

    /// Whether this is a TIC that has only been reached from another and is now reached in a
    /// legal way, so that the host channel must find a TIC.
    fn is_tic_again(&self, via: Via) -> bool {
        !matches!(via, Via::Tic(_)) && self.fault == Some(Code::SeqTicTic)
    }
}

/// The bits that remember a visit in `state`.
#[inline]
fn reach_of(state: State, certain: bool) -> Reach {
    let way = match state {
        State::Command => Reach::COMMAND,
        State::Data { head } if head == Command::NOP => Reach::NOTHING,
        State::Data { head } => match head.class() {
            ccw::Class::Write | ccw::Class::Control => Reach::OUTPUT,
            ccw::Class::Read | ccw::Class::Sense => Reach::INPUT,
            ccw::Class::ReadBackward => Reach::BACKWARD,
            ccw::Class::Invalid | ccw::Class::Tic => Reach::NOTHING,
        },
    };
    if certain { way | Reach::CERTAIN } else { way }
}
