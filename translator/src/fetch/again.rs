// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! CCWs to which the walk comes more than once.

use ccw::{Ccw, Class, Command, Guest};

use crate::{
    Code, GuestStorage,
    chain::{Judged, Op},
    node::{NOWHERE, Node, Reach},
};

use super::{
    list,
    walk::Walk,
    way::{Via, Way},
};

impl<G: GuestStorage> Walk<'_, G> {
    /// Comes to node `index` once more; none when that brings nothing new.
    pub(super) fn revisit(&mut self, index: u16, mut here: Way) -> Option<Way> {
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
            // Where both are wrong, one may suspend before.
            let suspends = Node { op, fault, ..*node }.suspends() != node.suspends();
            if node.op != op || turns || suspends {
                return self.second(index, here, op, fault);
            }
        }
        let goes_on = fault.is_none() && !matches!(op, Op::Break(_));
        (goes_on && self.follow(&mut here, index, op, word)).then_some(here)
    }

    /// Judges the CCW of node `index` a second time, in another state: it gets a node of its own,
    /// which has no place in the host's program, because one CCW cannot serve both.
    pub(super) fn second(
        &mut self,
        index: u16,
        mut here: Way,
        op: Op,
        fault: Option<Code>,
    ) -> Option<Way> {
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
    pub(super) fn note_loop(&mut self, index: u16, here: Way) {
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
}
