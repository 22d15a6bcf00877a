// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The CCWs by which the channel may have come, and what they store into.

use alloc::vec::Vec;

use ccw::CCW_SIZE;
use pinning::Access;

use crate::{Buffers, chain::Op, limits, node::Node};

/// What the device may have stored into; kept from program to program for its storage.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// For each node whether the channel may have come by it.
    nodes: Vec<bool>,
    /// First byte and end of areas.
    pub(crate) areas: Vec<(u64, u64)>,
    /// Those of one CCW's output.
    pub(crate) output: Vec<(u64, u64)>,
}

impl Reached {
    /// Adds the data of every node that may come before node `last`, and `stored` bytes of that.
    pub(crate) fn up_to(&mut self, work: &Buffers, last: u16, stored: u16) {
        let comes_again = self.mark(work, last);
        let nodes = work.nodes.iter().zip(&self.nodes).zip(0..);
        for ((node, _), n) in nodes.filter(|((_, reached), _)| **reached) {
            let bytes = if n == last && !comes_again {
                stored
            } else {
                node.good
            };
            if matches!(node.op, Op::Input | Op::Backward) {
                add(&mut self.areas, work, node, bytes);
            }
        }
        if work.orb.transport {
            self.areas.extend(work.transport.status_area());
        }
    }

    /// Adds everything that is pinned for stores.
    pub(super) fn everything(&mut self, work: &Buffers) {
        let extents = work.extents.iter();
        let stores = extents.filter(|extent| extent.access == Access::DeviceWrites);
        self.areas.extend(stores.map(|extent| {
            let start = extent.start.get();
            (start, start.saturating_add(u64::from(extent.len)))
        }));
    }

    /// Marks the nodes from which control can lead to node `last`; says whether it can from that
    /// node itself.
    pub(crate) fn mark(&mut self, work: &Buffers, last: u16) -> bool {
        self.nodes.clear();
        self.nodes.resize(work.nodes.len(), false);
        if let Some(end) = self.nodes.get_mut(usize::from(last)) {
            *end = true;
        }
        for _ in 0..limits::REACH_PASSES {
            let (mut found, mut back) = (false, false);
            for n in (0..work.nodes.len()).rev() {
                if self.is_marked(n) {
                    continue;
                }
                let leads = work.behind(n).into_iter().flatten().any(|next| {
                    back |= next <= n;
                    self.is_marked(next)
                });
                if let Some(mark) = self.nodes.get_mut(n).filter(|_| leads) {
                    (*mark, found) = (true, true);
                }
            }
            // Without a way back, what leads to a node has a lower number.
            if !found || !back {
                let mut behind = work.behind(usize::from(last)).into_iter().flatten();
                return behind.any(|next| self.is_marked(next));
            }
        }
        self.nodes.fill(true);
        true
    }

    pub(crate) fn is_marked(&self, n: usize) -> bool {
        self.nodes.get(n).copied().unwrap_or(false)
    }

    /// Makes the areas ascending and disjoint.
    pub(crate) fn merge(&mut self) {
        merge(&mut self.areas);
    }
}

impl Buffers {
    /// The nodes to which control can come behind node `n`.
    pub(crate) fn behind(&self, n: usize) -> [Option<usize>; 2] {
        let Some(node) = self.nodes.get(n) else {
            return [None; 2];
        };
        let number = u16::try_from(n).unwrap_or(u16::MAX);
        let at = |ahead: u64| {
            let addr = u32::try_from(u64::from(node.addr) + ahead * CCW_SIZE).ok()?;
            // Most lie as they were read.
            let near = n.checked_add(usize::try_from(ahead).ok()?)?;
            let found = self.nodes.get(near).filter(|it| it.addr == addr);
            found
                .filter(|_| self.begins.is_empty())
                .map(|_| near)
                .or_else(|| self.find_from(number, addr).map(usize::from))
        };
        let ccw = node.ccw();
        match node.op {
            Op::Tic => [
                self.find_from(number, ccw.addr.get()).map(usize::from),
                None,
            ],
            Op::Onward => [self.next_entry(number).map(usize::from), None],
            Op::Fault | Op::Break(_) => [None; 2],
            _ if ccw.chains_data() || ccw.chains_command() => [at(1), at(2)],
            _ => [None; 2],
        }
    }
}

/// Makes `areas` ascending and disjoint.
pub(crate) fn merge(areas: &mut Vec<(u64, u64)>) {
    areas.sort_unstable();
    areas.dedup_by(|next, last| {
        let adjoins = next.0 <= last.1;
        if adjoins {
            last.1 = last.1.max(next.1);
        }
        adjoins
    });
}

/// Adds the first `bytes` bytes of the data of `node`; reading backward, the first ones lie highest.
pub(crate) fn add(areas: &mut Vec<(u64, u64)>, work: &Buffers, node: &Node, bytes: u16) {
    for piece in work.pieces(node, bytes).filter(|piece| !piece.skip) {
        let (start, end) = piece.area(node.op);
        match areas.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => areas.push((start, end)),
        }
    }
}
