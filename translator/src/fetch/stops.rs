// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the walk stops: breaks, suspension, and what cannot be read.

use ccw::{Ccw, CcwFlags, Command, Guest};

use crate::{
    Cause, Code, GuestStorage,
    chain::{Judged, Op, State},
    node::{Node, Reach},
};

use super::{
    straight::Unread,
    walk::Walk,
    way::{Via, Way},
};

impl<G: GuestStorage> Walk<'_, G> {
    /// The channel stops where the ORB leads.
    pub(super) fn refuse(&mut self, code: Code) {
        let cpa = self.work.entry_addr();
        self.fault_node(cpa, code, Reach::COMMAND | Reach::CERTAIN);
    }

    /// Whether the program is left at the CCW `word`, because it suspends itself there.
    pub(super) fn suspends(&self, word: u64, here: &Way, judged: Judged) -> bool {
        let part = &self.work.part;
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
        flag && self.work.may_suspend()
            && here.state == State::Command
            && judged.op != Op::Tic
            && (judged.fault.is_none() || later)
            && !(part.passing && first)
    }

    /// Whether the program is left at `here` because it must be fetched again there.
    #[inline]
    pub(super) fn breaks(&mut self, here: Way) -> bool {
        if self.work.breaks.is_empty()
            || here.state != State::Command
            || !self.work.is_break(here.at)
        {
            return false;
        }
        self.break_node(here);
        true
    }

    /// Puts a node without bytes at `here`, where the part ends.
    #[cold]
    pub(super) fn break_node(&mut self, here: Way) {
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

    /// Whether the channel passed over the suspension at node `index`, with which the part begins,
    /// and comes there once more.
    pub(super) fn would_suspend_now(&self, index: u16, here: &Way) -> bool {
        let node = self.work.nodes.get(usize::from(index));
        self.work.part.passing
            && here.state == State::Command
            && node.is_some_and(|node| {
                node.reach.contains(Reach::COMMAND)
                    && self.judge(node.word, here).op == Op::Break(Cause::Suspend)
                    && node.op != Op::Break(Cause::Suspend)
            })
    }

    /// The part ends before the TIC that leads to node `index`, which has another meaning there.
    pub(super) fn leave_before(&mut self, index: u16, here: Way) {
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
    pub(super) fn reach(&mut self, index: u16, reach: Reach) {
        if let Some(node) = self.work.nodes.get_mut(usize::from(index)) {
            node.reach |= reach;
        }
    }

    /// The CCW cannot be read.
    #[cold]
    pub(super) fn unread(&mut self, why: Unread, here: &Way) {
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
    pub(super) fn fault_node(&mut self, at: u32, code: Code, reach: Reach) {
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
