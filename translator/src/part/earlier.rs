// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The parts of a program that were carried out before the next one.
//!
//! The end of a part is the end of a chain for the device. Where a device keeps what commands set
//! for those that follow in their chain, what was carried out is carried out again in front of the
//! next part: nothing is stored and nobody is told a second time.

use alloc::{boxed::Box, vec::Vec};

use ccw::{CcwFlags, Host, Irb};
use pinning::{Access, Pinner};

use crate::{
    Buffers, Cause, Code, Rejected, Running, Translated,
    chain::Op,
    data::narrow,
    dirty::{self, Reached},
    limits,
    node::{Begin, Node, Reach},
    singles,
};

/// Earlier parts of a program, of which the host has stopped executing the last: as much of them as
/// must be repeated in front of the next one, which may be nothing.
///
/// It holds no storage: the next part pins what of it is needed once more.
#[derive(Debug)]
#[must_use = "the next part needs it"]
pub struct Earlier(Option<Box<Buffers>>);

impl Earlier {
    /// Of a program that has only just begun.
    pub const NONE: Self = Self(None);

    /// Whether nothing is repeated: the next part is a chain of its own for the device.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Nothing is repeated after all: leaves its buffers in `buffers`, where the next program of several
    /// parts finds them.
    pub fn give_to(self, buffers: &mut Buffers) {
        if let Some(own) = self.0 {
            buffers.spare.get_or_insert(own);
        }
    }
}

impl<P: Pinner> Running<P> {
    /// The host has stopped with the status `host`, of which [`complete`](Self::complete) says where
    /// control has [arrived](crate::Completion::arrived): gives back what must be repeated, and buffers
    /// to fetch the next part into.
    ///
    /// After a suspension nothing is: resuming begins a new chain on a machine as well.
    ///
    /// # Errors
    ///
    /// A refusal by name, if a command would have to be repeated that cannot be.
    pub fn go_on(mut self, host: &Irb<Host>) -> Result<(Earlier, Box<Buffers>), Rejected> {
        match self.take() {
            Some(program) => program.go_on(host),
            None => Ok((Earlier::NONE, Buffers::new())),
        }
    }
}

impl<P: Pinner> Translated<P> {
    fn go_on(self, host: &Irb<Host>) -> Result<(Earlier, Box<Buffers>), Rejected> {
        let end = self.break_at(host);
        // The host has stopped: the pins go back.
        let mut work = self.release();
        let Some((n, Cause::Refetch)) = end.filter(|_| work.policy.device.keeps_chain_state())
        else {
            return Ok((Earlier::NONE, work));
        };
        if let Err((code, m)) = work.repeat_up_to(n) {
            let site = work.ccw_site(m, None);
            return Err(Rejected::new(work, code, site));
        }
        let buffers = work.spare.take().unwrap_or_default();
        Ok((Earlier(Some(work)), buffers))
    }

    /// The break at which the host stopped, if that is what this status says.
    fn break_at(&self, host: &Irb<Host>) -> Option<(u16, Cause)> {
        let n = self.spot(host.scsw.cpa)?.node;
        let node = self.work.nodes.get(usize::from(n))?;
        Some((n, self.work.break_at(node, &host.scsw)?))
    }
}

impl Buffers {
    /// Takes the parts that this one comes behind.
    #[inline]
    pub(crate) fn keep_earlier(&mut self, earlier: Earlier) {
        if let Some(work) = earlier.0 {
            self.spare = Some(work);
            self.behind = true;
        }
    }

    /// Gives them back.
    pub(crate) fn take_earlier(&mut self) -> Earlier {
        match core::mem::take(&mut self.behind) {
            true => Earlier(self.spare.take()),
            false => Earlier::NONE,
        }
    }

    /// Puts what is repeated of the parts before in front of this one, and says what prevents that
    /// both are repeated in front of the next one, wherever that may begin: a command that cannot be
    /// carried out twice, or one whose parameters are read in meanwhile.
    #[inline(always)]
    pub(crate) fn stand_behind(&mut self) -> Result<(), (Code, u16)> {
        if !self.behind && self.breaks.is_empty() && !self.part.passing {
            return Ok(());
        }
        self.put_together()
    }

    #[inline(never)]
    fn put_together(&mut self) -> Result<(), (Code, u16)> {
        if self.behind
            && let Some(earlier) = self.spare.take()
        {
            let result = self.put_behind(&earlier);
            self.spare = Some(earlier);
            result?;
        }
        let last = self.breaks.is_empty() && !self.part.passing;
        if last || !self.policy.device.keeps_chain_state() {
            return Ok(());
        }
        self.check_breaks()
    }

    fn check_breaks(&mut self) -> Result<(), (Code, u16)> {
        let is_break = |node: &Node| node.op == Op::Break(Cause::Refetch);
        let mut reached = core::mem::take(&mut self.reached);
        let mut result = Ok(());
        // What leads to the places of before was looked at when it became what is repeated.
        let newest = self.begins.last().map_or(0, |begin| begin.node);
        let nodes = self.nodes.iter().zip(0..).skip(newest.into());
        for (_, n) in nodes.filter(|(node, _)| is_break(node)) {
            result = reached.check_repeatable(self, n);
            if result.is_err() {
                break;
            }
        }
        self.reached = reached;
        result
    }

    /// Makes the program one that is repeated up to node `n`, from where it leads on.
    fn repeat_up_to(&mut self, n: u16) -> Result<(), (Code, u16)> {
        let mut reached = core::mem::take(&mut self.reached);
        let result = reached.check_repeatable(self, n);
        reached.areas.extend_from_slice(&self.stored);
        reached.merge();
        core::mem::swap(&mut self.stored, &mut reached.areas);
        if let Some(end) = self.next_entry(n) {
            self.drop_from(end);
        }
        for (node, number) in self.nodes.iter_mut().zip(0usize..) {
            node.usual = false;
            if node.op == Op::Onward && !reached.is_marked(number) {
                node.op = Op::Break(Cause::Refetch);
            } else if number == usize::from(n) {
                node.op = Op::Onward;
            } else if reached.is_marked(number) {
                node.repeat();
            } else if node.reach.contains(Reach::COMMAND) && !matches!(node.op, Op::Break(_)) {
                // Should the device take another course, what is there then is fetched.
                node.op = Op::Break(Cause::Refetch);
                node.fault = None;
            } else if !matches!(node.op, Op::Break(_)) {
                node.op = Op::Fault;
            }
        }
        self.reached = reached;
        self.commands.keep_named(&mut self.nodes);
        self.collect_extents();
        result?;
        // What may be stored in small pieces all over is not noted for ever.
        match self.stored.len() <= limits::MAX_STORED {
            true => Ok(()),
            false => Err((Code::EnvNotRepeatable, n)),
        }
    }

    /// Forgets the parts from node `n` on, which is the first of one.
    fn drop_from(&mut self, n: u16) {
        let kept = self.begins.partition_point(|begin| begin.node < n);
        if let Some(begin) = self.begins.get(kept) {
            self.spans.truncate(begin.span);
            self.words.truncate(begin.word);
        }
        self.begins.truncate(kept);
        self.nodes.truncate(usize::from(n));
    }

    /// Finds the storage of the commands that are left, in their order.
    fn collect_extents(&mut self) {
        let mut extents = core::mem::take(&mut self.extents);
        let mut areas = core::mem::take(&mut self.areas);
        extents.clear();
        for node in self.nodes.iter().filter(|node| node.op == Op::Output) {
            areas.clear();
            dirty::add(&mut areas, self, node, node.good);
            for &(start, end) in &areas {
                let len = narrow(end.saturating_sub(start));
                singles::add(&mut extents, start, len, Access::DeviceReads);
            }
        }
        self.areas = areas;
        self.extents = extents;
    }

    /// Puts what is repeated of the `earlier` parts in front of this one.
    fn put_behind(&mut self, earlier: &Self) -> Result<(), (Code, u16)> {
        let (nodes, spans) = (earlier.nodes.len(), earlier.spans.len());
        let limit = usize::from(self.policy.max_ccws);
        let last = u16::try_from(self.nodes.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let first = u16::try_from(nodes).ok();
        let Some(first) = first.filter(|_| nodes + self.nodes.len() <= limit) else {
            return Err((Code::EnvTooLong, last));
        };
        #[expect(clippy::cast_possible_truncation, reason = "512 words for each node")]
        let words = earlier.words.len() as u32;
        for node in &mut self.nodes {
            node.host = node.host.saturating_add(first.into());
            node.list += words;
        }
        for span in &mut self.spans {
            span.first += first;
        }
        let copies = self.commands.put_behind(&earlier.commands);
        let repeated = earlier.nodes.iter().map(|&node| match node.op {
            Op::Copied => Node {
                offset: node.offset.saturating_add(copies),
                ..node
            },
            _ => node,
        });
        self.nodes.splice(0..0, repeated);
        self.spans.splice(0..0, earlier.spans.iter().copied());
        self.words.splice(0..0, earlier.words.iter().copied());
        self.extents.splice(0..0, earlier.extents.iter().copied());
        self.begins.clone_from(&earlier.begins);
        self.begins.push(Begin {
            node: first,
            span: spans,
            word: earlier.words.len(),
        });
        self.stored.clone_from(&earlier.stored);
        Ok(())
    }

    /// The node to which `node` leads, which is a TIC or stands for the next part.
    pub(crate) fn target(&self, node: &Node) -> Option<u16> {
        let number = |node: &Node| {
            let at = self.nodes.iter().position(|it| it.host == node.host)?;
            u16::try_from(at).ok()
        };
        let mut to = if node.op == Op::Tic {
            let n = if self.begins.is_empty() {
                0
            } else {
                number(node)?
            };
            self.find_from(n, node.ccw().addr.get())?
        } else {
            self.next_entry(number(node)?)?
        };
        // A TIC must not lead to a TIC, and the guest's program has no second one here.
        for _ in 0..self.begins.len() {
            let next = self.nodes.get(usize::from(to))?;
            to = match next.op {
                Op::Onward => self.next_entry(to)?,
                _ => break,
            };
        }
        let entry = self.nodes.get(usize::from(to))?;
        let leads_on = self.begins.iter().any(|begin| begin.node == to);
        if node.op == Op::Onward && leads_on && entry.op == Op::Tic {
            return self.find_from(to, entry.ccw().addr.get());
        }
        Some(to)
    }
}

impl Reached {
    /// Marks what leads to node `n`, collects what it has stored into, and finds what of it cannot be
    /// repeated. What an earlier part has stored was there when a command behind was first carried
    /// out, and whether that changed a command of its own was found out when it became what is repeated.
    fn check_repeatable(&mut self, work: &Buffers, n: u16) -> Result<(), (Code, u16)> {
        self.areas.clear();
        self.up_to(work, n, 0);
        self.merge();
        let device = work.policy.device;
        for (node, m) in work.nodes.iter().zip(0..) {
            if !self.is_marked(usize::from(m)) {
                continue;
            }
            let command = node.reach.contains(Reach::COMMAND)
                && !matches!(node.op, Op::Tic | Op::Fault | Op::Break(_) | Op::Onward);
            let again = !command || device.is_repeatable(node.ccw().command);
            if !again || is_changed(work, node, &self.areas, &mut self.output) {
                return Err((Code::EnvNotRepeatable, m));
            }
        }
        Ok(())
    }
}

/// Whether the output of `node` lies in one of `areas`, which are ascending and disjoint.
fn is_changed(
    work: &Buffers,
    node: &Node,
    areas: &[(u64, u64)],
    output: &mut Vec<(u64, u64)>,
) -> bool {
    if node.op != Op::Output || areas.is_empty() {
        return false;
    }
    output.clear();
    dirty::add(output, work, node, node.good);
    output.iter().any(|&(start, end)| {
        let n = areas.partition_point(|area| area.1 <= start);
        areas.get(n).is_some_and(|area| area.0 < end)
    })
}

impl Node {
    /// It is carried out once more: what it takes in is not stored, and nobody is told.
    fn repeat(&mut self) {
        const SKIP: u64 = (CcwFlags::SKIP.bits() as u64) << 48;
        const PCI: u64 = (CcwFlags::PCI.bits() as u64) << 48;
        self.word &= !PCI;
        if matches!(self.op, Op::Input | Op::Backward) {
            self.word |= SKIP;
            self.op = Op::Skip;
            self.fault = None;
        }
    }
}

#[cfg(test)]
mod tests;
