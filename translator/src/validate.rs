// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The verdict: what is wrong with a program, and how sure that is.

use alloc::boxed::Box;

use ccw::CcwFlags;
use pinning::{Access, Extent, RegionMap};

use crate::{
    Buffers, Check, Code, Guards, Outcome, Program, Severity, Snapshot,
    chain::Op,
    commands,
    data::{Checker, DataFault, Notable, narrow},
    node::{Node, Reach},
    remarks, singles,
    site::{orb_site, site},
    transport,
};

/// Decides whether the program is legal: the rules for its ORB and for its data, on the copy.
///
/// `map` is the guest's storage as far as it exists. `guards` are its keys and limit, the same that
/// [`fetch`](crate::fetch) was given. Each stage asks them about what it looks at: `fetch` about
/// CCWs and lists, this one about data. So a key that the guest changes in between counts as it is
/// when it is asked for.
pub fn validate(snapshot: Snapshot, map: &RegionMap, guards: &Guards<'_>) -> Program {
    let mut validator = Validator {
        work: snapshot.work,
        shadowed: false,
    };
    validator.run(map, guards);
    Program {
        work: validator.work,
    }
}

struct Validator {
    work: Box<Buffers>,
    /// An earlier error or doubt decides: what follows is reached only if the device ends early.
    shadowed: bool,
}

impl Validator {
    fn run(&mut self, map: &RegionMap, guards: &Guards<'_>) {
        if let Some(code) = self.work.orb_fault {
            self.work.verdict.outcome = Outcome::Invalid;
            let site = orb_site(&self.work, code);
            self.work.find(code, Severity::Error, site);
            return;
        }
        if self.work.policy.remarks {
            remarks::orb(&mut self.work);
        }
        if self.work.orb.transport {
            transport::judge(&mut self.work, map, guards);
            return;
        }
        if let Some(policy) = guards.policy() {
            commands::judge(&mut self.work, policy);
        }
        self.data(map, guards);
        if let Some(n) = self.work.second_tic
            && !self.shadowed
        {
            self.error(Code::SeqTicTic, n, None);
        }
        if self.work.too_long {
            if !self.shadowed {
                self.work.verdict.outcome = Outcome::Indeterminate;
            }
            let last = self.work.nodes.len().saturating_sub(1);
            let site = self
                .work
                .ccw_site(u16::try_from(last).unwrap_or(u16::MAX), None);
            self.work.find(Code::EnvTooLong, Severity::Warning, site);
        }
        if self.work.policy.remarks {
            remarks::program(&mut self.work);
        }
    }

    /// Checks every CCW in the order of the walk, and collects the storage that they use.
    fn data(&mut self, map: &RegionMap, guards: &Guards<'_>) {
        let mut lookup = map.lookup();
        let mut done = 0;
        let Buffers {
            orb,
            control,
            nodes,
            words,
            extents,
            policy,
            ..
        } = &mut *self.work;
        let unasked = guards.keys.is_none() && guards.policy().is_none();
        if !policy.remarks && unasked && !orb.limit_check {
            let taken = singles::take(nodes, words, orb, &mut lookup, *control, extents);
            if taken == nodes.len() {
                self.work.verdict.plain = self.work.spans.len() == 1;
                return;
            }
            done = narrow(taken as u64);
        }
        let extents = core::mem::take(&mut self.work.extents);
        let Buffers { orb, control, .. } = &*self.work;
        let orb = *orb;
        let mut checker = Checker::new(&orb, guards, lookup, extents, *control);
        loop {
            let each =
                self.work.policy.remarks || guards.policy().is_some() || self.work.overlap.any();
            let Buffers { nodes, words, .. } = &mut *self.work;
            let rest = nodes.get_mut(usize::from(done)..).unwrap_or(&mut []);
            let Some(notable) = checker.check(rest, words, each) else {
                break;
            };
            done = done.saturating_add(notable.done);
            self.note(done.saturating_sub(1), &notable, &mut checker);
        }
        self.work.extents = checker.extents;
    }

    /// What node `n` contributes to the verdict.
    #[cold]
    fn note(&mut self, n: u16, notable: &Notable, checker: &mut Checker<'_>) {
        let Some(&node) = self.work.nodes.get(usize::from(n)) else {
            return;
        };
        if node.suspends() && !self.work.may_suspend() {
            self.work.verdict.suspend.get_or_insert(n);
        }
        if node.reach.contains(Reach::TWO_WAYS) {
            self.work.verdict.two_ways.get_or_insert(n);
        }
        let &Notable {
            fault,
            near_control,
            mark,
            ..
        } = notable;
        let stops = fault.and_then(|fault| self.stop_at(n, fault));
        let refused = self.refuse(n, stops);
        let copied = !refused && self.copied(n, stops);
        if refused || copied || (fault.is_some() && stops.is_none()) {
            mark.restore(&mut checker.extents);
        }
        let stops = stops.filter(|_| !refused);
        if node.is_midal() && node.op.transfers() && !refused && !copied {
            self.work.verdict.midaw.get_or_insert(n);
        }
        let ccw_is_read_in = self.work.ccw_is_written(&node);
        if near_control {
            self.work.writers.push(n);
            let new = checker.extents.get(mark.extents.saturating_sub(1)..);
            self.read_in(new.unwrap_or(&[]));
        }
        if self.work.policy.remarks {
            remarks::node(&mut self.work, n);
        }
        // Its own list is being read while it runs.
        if ccw_is_read_in || self.work.list_is_written(&node) || self.work.data_is_written(n) {
            self.modified(n);
        }
        if let Some(code) = self
            .work
            .nodes
            .get(usize::from(n))
            .and_then(|node| node.fault)
        {
            self.report(code, n, stops);
        }
        if self.work.commands.is_unjudged(n) {
            mark.restore(&mut checker.extents);
            self.shut(n);
        }
        self.come_back(n);
    }

    /// The data of node `n` stops at `fault`, unless no byte of it is ever asked for.
    #[cold]
    fn stop_at(&mut self, n: u16, fault: DataFault) -> Option<DataFault> {
        let device = self.work.policy.device;
        let node = self.work.nodes.get_mut(usize::from(n))?;
        if node.reach.contains(Reach::COMMAND) && device.is_immediate(node.ccw().command) {
            if !node.reach.intersects(Reach::CHAINED) {
                // The command ends by itself, so the address does not matter.
                node.op = Op::Skip;
                node.usual = false;
                return None;
            }
            // As part of another command's data it does.
            node.reach |= Reach::TWO_WAYS;
            self.work.verdict.two_ways.get_or_insert(n);
        }
        node.good = fault.good;
        node.fault = Some(fault.code);
        node.usual = false;
        Some(fault)
    }

    /// Refuses the command of node `n`, if it is to be; says whether it is. What is wrong with storage
    /// comes first where the device asks for it before it can refuse.
    fn refuse(&mut self, n: u16, stops: Option<DataFault>) -> bool {
        let Some(refusal) = self.work.commands.refusal(n) else {
            return false;
        };
        let Some(node) = self.work.nodes.get_mut(usize::from(n)) else {
            return false;
        };
        if stops.is_some_and(|fault| fault.good < refusal.taken) {
            return false;
        }
        node.op = Op::Fault;
        node.usual = false;
        node.fault = Some(refusal.code);
        node.good = refusal.taken.min(node.ccw().count);
        true
    }

    /// Gives the host no CCW for node `n`, which was not judged. There is nothing to say of that behind
    /// an error; a way there that lies open is an error itself.
    fn shut(&mut self, n: u16) {
        let code = Code::PolicyUnconfined;
        let Some(node) = self.work.nodes.get_mut(usize::from(n)) else {
            return;
        };
        node.op = Op::Fault;
        node.usual = false;
        node.fault = Some(code);
        node.good = 0;
        if node.reach.contains(Reach::CERTAIN) && !self.shadowed {
            self.error(code, n, None);
        }
    }

    /// Has the device given the copy of the data of node `n`, if there is one; says whether it is not
    /// given the data itself. Where it is not all there, the device is given none of it, and so where
    /// there are too many to be copied.
    fn copied(&mut self, n: u16, stops: Option<DataFault>) -> bool {
        let piece = self.work.commands.piece(n);
        if piece.is_none() && self.work.commands.refusal(n).is_none() {
            return false;
        }
        let Some(node) = self.work.nodes.get_mut(usize::from(n)) else {
            return false;
        };
        if stops.is_some() {
            node.good = 0;
        } else if let Some(piece) = piece.filter(|_| node.op == Op::Output) {
            node.op = Op::Copied;
            node.offset = piece;
        }
        true
    }

    /// Notes the control words that input into `areas` goes into.
    #[cold]
    fn read_in(&mut self, areas: &[Extent]) {
        for area in areas {
            let start = area.start.get();
            if area.access == Access::DeviceWrites {
                let end = start.saturating_add(u64::from(area.len));
                self.work.write_control(start, end);
            }
        }
    }

    /// Behind the last node of a loop all of it comes again, with what was read in meanwhile.
    fn come_back(&mut self, n: u16) {
        let Some((first, last)) = self.work.looped else {
            return;
        };
        if n != last || !self.work.overlap.any() {
            return;
        }
        let nodes = self.work.nodes.iter().zip(0..=last);
        let hit = nodes.skip(usize::from(first)).find(|&(node, m)| {
            self.work.ccw_is_written(node)
                || self.work.list_is_written(node)
                || self.work.data_is_written(m)
        });
        if let Some((_, m)) = hit {
            self.modified(m);
        }
    }

    /// A control word of node `n` was read in before it is used; only the first such node counts.
    fn modified(&mut self, n: u16) {
        if self.work.verdict.modified.is_none_or(|first| n < first) {
            self.work.verdict.modified = Some(n);
            self.doubt(n);
        }
    }

    /// The word at node `n` is read in by the program.
    fn doubt(&mut self, n: u16) {
        let certain = self
            .work
            .nodes
            .get(usize::from(n))
            .is_some_and(|n| n.reach.contains(Reach::CERTAIN));
        if certain && !self.shadowed {
            self.work.verdict.outcome = Outcome::Indeterminate;
            self.shadowed = true;
        }
        let site = self.work.ccw_site(n, None);
        self.work.find(Code::EnvOverlap, Severity::Warning, site);
    }

    /// The channel stops at node `n`, if it gets there.
    fn report(&mut self, code: Code, n: u16, data: Option<DataFault>) {
        let Some(node) = self.work.nodes.get(usize::from(n)) else {
            return;
        };
        let reach = node.reach;
        if self.shadowed || !reach.contains(Reach::CERTAIN) {
            let site = site(&self.work, code, n, data);
            self.work.find(code, Severity::Warning, site);
        } else if self.depends(node) {
            self.work.verdict.outcome = Outcome::Indeterminate;
            self.shadowed = true;
            let site = site(&self.work, code, n, data);
            self.work.find(code, Severity::Warning, site);
        } else {
            self.error(code, n, data);
        }
    }

    /// Whether the program alone does not decide that the condition of `node` is met.
    fn depends(&self, node: &Node) -> bool {
        let reach = node.reach;
        // A TIC behind a search: whether it is reached is for the device to say.
        let tic = node.ccw().command.is_tic(self.work.orb.format);
        // Which of its two ways comes first is not looked at.
        let both = reach.contains(Reach::COMMAND | Reach::TWO_WAYS);
        (tic && reach.contains(Reach::SKIPPABLE)) || (both && reach.intersects(Reach::CHAINED))
    }

    fn error(&mut self, code: Code, n: u16, data: Option<DataFault>) {
        self.work.verdict.outcome = Outcome::Invalid;
        self.work.verdict.error = Some((code, n));
        self.shadowed = true;
        let site = site(&self.work, code, n, data);
        self.work.find(code, Severity::Error, site);
    }
}

impl Node {
    /// Whether it has more to say for the verdict than which storage it uses, whatever its data is.
    #[inline]
    pub(crate) fn is_notable(&self) -> bool {
        let rare = CcwFlags::SUSPEND.union(CcwFlags::MODIFIED_INDIRECT);
        self.fault.is_some()
            || self.ccw().flags.intersects(rare)
            || self.reach.contains(Reach::TWO_WAYS)
    }

    /// Whether the channel suspends here. It looks at count and address only when it is resumed.
    pub(crate) fn suspends(&self) -> bool {
        let before_faults = match self.fault {
            Some(
                Code::Cnt0Zero
                | Code::Cnt1ZeroCd
                | Code::Fmt1Bit32
                | Code::IdalAlign
                | Code::MidalAlign,
            ) => true,
            Some(code) if code.check() == Check::UnitCheck => true,
            Some(_) if self.op == Op::Fault => false,
            _ => self.op != Op::Tic,
        };
        self.ccw().flags.contains(CcwFlags::SUSPEND) && before_faults
    }
}
