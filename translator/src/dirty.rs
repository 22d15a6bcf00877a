// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which guest storage the device may have stored into, once the host's status is there.
//!
//! The status names the CCW in control, and how many of its bytes are left. Which CCWs came before
//! it is a question to the program: those from which control can lead there. Any command is taken
//! to be able to skip here, so nothing depends on what devices are known to do.

use alloc::vec::Vec;
use core::ops::Range;

use ccw::{CCW_SIZE, FunctionControl, GuestAddr, Host, IdawFormat, Irb, SubchannelStatus};
use pinning::{Access, Pinner};

use crate::{Buffers, Translated, chain::Op, complete::Spot, limits, node::Node};

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

impl<P: Pinner> Translated<P> {
    /// See [`Running::dirty`](crate::Running::dirty).
    pub(crate) fn dirty(
        &mut self,
        host: &Irb<Host>,
    ) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let mut reached = core::mem::take(&mut self.work.reached);
        reached.areas.clear();
        reached.areas.extend_from_slice(&self.work.stored);
        match self.end_of(host) {
            Some((last, stored)) => reached.up_to(&self.work, last, stored),
            None => reached.everything(&self.work),
        }
        self.keep(reached)
    }

    /// See [`Running::dirty_at_most`](crate::Running::dirty_at_most).
    pub(crate) fn dirty_at_most(&mut self) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let mut reached = core::mem::take(&mut self.work.reached);
        reached.areas.clear();
        reached.areas.extend_from_slice(&self.work.stored);
        reached.everything(&self.work);
        self.keep(reached)
    }

    /// See [`Running::referenced`](crate::Running::referenced).
    pub(crate) fn referenced(&self) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let work = &self.work;
        let idaws = IdawFormat::of(&work.orb);
        let ccws = work.spans.iter().map(|span| {
            let start = u64::from(span.start);
            (start, start + u64::from(span.len) * CCW_SIZE)
        });
        let lists = work
            .nodes
            .iter()
            .filter_map(move |node| node.list_bytes(idaws));
        let data = work.extents.iter().map(|extent| {
            let start = extent.start.get();
            (start, start.saturating_add(u64::from(extent.len)))
        });
        let all = ccws.chain(lists).chain(work.commands.areas()).chain(data);
        all.filter(|(start, end)| start < end)
            .map(|(start, end)| GuestAddr::new(start)..GuestAddr::new(end))
    }

    fn keep(&mut self, mut reached: Reached) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        reached.merge();
        self.work.reached = reached;
        let areas = self.work.reached.areas.iter();
        areas.map(|&(start, end)| GuestAddr::new(start)..GuestAddr::new(end))
    }

    /// Number of the node at which the program has ended, and how many bytes of it were stored, if
    /// the status is one that says so.
    fn end_of(&self, host: &Irb<Host>) -> Option<(u16, u16)> {
        let (n, stored) = self.stored_at(host)?;
        let node = self.work.nodes.get(usize::from(n))?;
        Some((n, stored.unwrap_or(node.good)))
    }

    /// The same, with `None` for how many bytes when the residual count does not tell.
    pub(crate) fn stored_at(&self, host: &Irb<Host>) -> Option<(u16, Option<u16>)> {
        let scsw = &host.scsw;
        let addressless =
            SubchannelStatus::INTERFACE_CONTROL_CHECK | SubchannelStatus::CHANNEL_CONTROL_CHECK;
        let ended = scsw.function == FunctionControl::START
            && scsw.status.contains(ccw::StatusControl::PRIMARY)
            && scsw.deferred_cc == 0
            && !scsw.subchannel.intersects(addressless);
        let Spot {
            node: n,
            count,
            left,
        } = self.spot(scsw.cpa).filter(|_| ended)?;
        let node = self.work.nodes.get(usize::from(n))?;
        if !scsw.residual_is_valid() {
            return Some((n, None));
        }
        // More left than there ever was says nothing.
        let here = count.checked_sub(scsw.residual);
        let before = node.ccw().count.saturating_sub(count).saturating_sub(left);
        let stored = here.map(|here| before.saturating_add(here).min(node.good));
        Some((n, stored))
    }
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
    fn everything(&mut self, work: &Buffers) {
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

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, vec};

    use ccw::{HostAddr, RawIrb, RawOrb};
    use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};

    use super::*;
    use crate::{
        Area, Guards, GuestStorage, HostProfile, Planned, Policy, Running, Slot, fetch, validate,
    };

    /// Doublewords by address.
    struct Words(BTreeMap<u64, u64>);

    impl GuestStorage for Words {
        fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
            for (n, byte) in (0..).zip(buf.iter_mut()) {
                let at = at.get() + n;
                let word = self.0.get(&(at & !7)).copied().unwrap_or(0);
                *byte = word.to_be_bytes()[(at & 7) as usize];
            }
            buf.len()
        }
    }

    const CHAIN_DATA: u64 = 0x80 << 48;
    const CHAIN: u64 = 0x40 << 48;
    const SLI: u64 = 0x20 << 48;
    const SKIP: u64 = 0x10 << 48;
    const IDA: u64 = 0x04 << 48;
    const READ: u64 = 0x02 << 56;
    const READ_BACKWARD: u64 = 0x0c << 56;
    const WRITE: u64 = 0x01 << 56;

    fn ccw(command: u64, count: u64, addr: u64) -> u64 {
        command | count << 32 | addr
    }

    fn tic(to: u64) -> u64 {
        0x08 << 56 | to
    }

    /// What is dirty after the program at 2000 with `words` behind it, and other words elsewhere,
    /// ended with this status: where it stood in the host's program, device and subchannel status,
    /// and residual count.
    fn dirty(
        words: &[u64],
        others: &[(u64, u64)],
        host_ccw: u32,
        end: [u32; 2],
    ) -> Vec<(u64, u64)> {
        let status = [
            0x00c0_4007,
            0x10_0000 + 8 * host_ccw + 8,
            end[0] << 16 | end[1],
        ];
        ranges(words, others, |running| {
            let mut raw = RawIrb([0; 64]);
            for (to, from) in raw
                .0
                .iter_mut()
                .zip(status.iter().flat_map(|w| w.to_be_bytes()))
            {
                *to = from;
            }
            running.dirty(&Irb::decode(&raw)).collect()
        })
    }

    fn ranges(
        words: &[u64],
        others: &[(u64, u64)],
        ask: impl FnOnce(&mut Running<&PlainPinner>) -> Vec<Range<GuestAddr>>,
    ) -> Vec<(u64, u64)> {
        let storage = (0x2000..).step_by(8).zip(words.iter().copied());
        let storage = Words(storage.chain(others.iter().copied()).collect());
        let region = Region {
            guest: GuestAddr::new(0),
            len: 0x10_0000,
            host: HostAddr::new(0x1_0000_0000),
            permission: Permission::ReadWrite,
        };
        let map = RegionMap::new(&[region]).unwrap();
        let pinner = PlainPinner::new(map.clone(), Budget::default());
        let guards = Guards::default();
        // Format 1, prefetching allowed, IDAWs of format 2 with blocks of 4 KiB.
        let orb = RawOrb::from_words([0, 0x00c2_8000, 0x2000]);
        let snapshot = fetch(&orb, &storage, &Policy::CHECK, &guards, Buffers::new());
        let program = validate(snapshot, &map, &guards);
        let Ok(Planned::Run(plan)) = program.plan(&HostProfile::SOFTWARE) else {
            panic!("not run");
        };
        let (mut ccws, mut lists) = (vec![0; 4096], vec![0; 4096]);
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), &mut ccws).unwrap(),
            Area::new(HostAddr::new(0x10_1000), &mut lists).unwrap(),
            HostAddr::new(0x10_2000),
        );
        let translated = plan.pin(&pinner).unwrap().emit(slot.unwrap()).unwrap();
        let mut running = translated.start();
        let ranges = ask(&mut running);
        running.end();
        let pair = |range: Range<GuestAddr>| (range.start.get(), range.end.get());
        ranges.into_iter().map(pair).collect()
    }

    const NORMAL: u32 = 0x0c00;

    #[test]
    fn up_to_the_residual_count() {
        let program = [ccw(READ | SLI, 4096, 0x3001)];
        assert_eq!(dirty(&program, &[], 0, [NORMAL, 0]), [(0x3001, 0x4001)]);
        assert_eq!(dirty(&program, &[], 0, [NORMAL, 96]), [(0x3001, 0x3fa1)]);
        assert_eq!(dirty(&program, &[], 0, [NORMAL, 4096]), []);
        // With a unit check the residual count means as much, with a channel-data check nothing.
        assert_eq!(dirty(&program, &[], 0, [0x0e00, 96]), [(0x3001, 0x3fa1)]);
        assert_eq!(dirty(&program, &[], 0, [0x0c08, 96]), [(0x3001, 0x4001)]);
        // Nor with more left than there was.
        assert_eq!(dirty(&program, &[], 0, [NORMAL, 4097]), [(0x3001, 0x4001)]);
    }

    #[test]
    fn output_and_skipped_input_are_not_stored() {
        let program = [
            ccw(WRITE | CHAIN, 16, 0x3000),
            ccw(READ | SKIP | CHAIN, 16, 0x4000),
            ccw(READ, 16, 0x5000),
        ];
        assert_eq!(dirty(&program, &[], 2, [NORMAL, 0]), [(0x5000, 0x5010)]);
    }

    #[test]
    fn what_came_before_counts_whole_and_what_comes_behind_not_at_all() {
        let program = [
            ccw(READ | SLI | CHAIN, 16, 0x5000),
            ccw(READ | SLI | CHAIN, 16, 0x3000),
            ccw(READ | SLI, 16, 0x4000),
        ];
        assert_eq!(dirty(&program, &[], 0, [0x0e00, 4]), [(0x5000, 0x500c)]);
        assert_eq!(
            dirty(&program, &[], 1, [0x0e00, 4]),
            [(0x3000, 0x300c), (0x5000, 0x5010)]
        );
        assert_eq!(
            dirty(&program, &[], 2, [NORMAL, 15]),
            [(0x3000, 0x3010), (0x4000, 0x4001), (0x5000, 0x5010)]
        );
    }

    #[test]
    fn of_a_data_chain_the_residual_count_is_that_of_the_ccw_in_control() {
        let program = [
            ccw(READ | CHAIN_DATA, 0x800, 0x3000),
            ccw(CHAIN_DATA | SLI, 0x800, 0x3800),
            ccw(SLI, 16, 0x8000),
        ];
        assert_eq!(dirty(&program, &[], 1, [0x0c40, 0x700]), [(0x3000, 0x3900)]);
        assert_eq!(
            dirty(&program, &[], 2, [NORMAL, 1]),
            [(0x3000, 0x4000), (0x8000, 0x800f)]
        );
    }

    #[test]
    fn lists_are_followed() {
        let program = [ccw(READ | SLI | IDA, 0x2800, 0x7000)];
        let list = [(0x7000, 0x9800), (0x7008, 0x5000), (0x7010, 0x6000)];
        // 800 bytes, then a block, then another one that adjoins it.
        assert_eq!(
            dirty(&program, &list, 0, [NORMAL, 0x1800]),
            [(0x5000, 0x5800), (0x9800, 0xa000)]
        );
        assert_eq!(
            dirty(&program, &list, 0, [NORMAL, 0]),
            [(0x5000, 0x7000), (0x9800, 0xa000)]
        );
    }

    #[test]
    fn reading_backward_begins_at_the_top() {
        let direct = [ccw(READ_BACKWARD | SLI, 16, 0x500f)];
        assert_eq!(dirty(&direct, &[], 0, [NORMAL, 6]), [(0x5006, 0x5010)]);
        let program = [ccw(READ_BACKWARD | SLI | IDA, 0x1100, 0x7000)];
        let list = [(0x7000, 0x50ff), (0x7008, 0x9fff)];
        assert_eq!(
            dirty(&program, &list, 0, [NORMAL, 0xff0]),
            [(0x5000, 0x5100), (0x9ff0, 0xa000)]
        );
        assert_eq!(
            dirty(&program, &list, 0, [NORMAL, 0x10f0]),
            [(0x50f0, 0x5100)]
        );
    }

    /// A search with its TIC back, and reads in the loop and behind it.
    #[test]
    fn a_loop_counts_whole() {
        let program = [
            ccw(READ | SLI | CHAIN, 16, 0x3000),
            ccw(0x31 << 56 | CHAIN, 5, 0x9000),
            tic(0x2000),
            ccw(READ | SLI | CHAIN, 16, 0x4000),
            ccw(READ | SLI, 16, 0x5000),
        ];
        // The first read may have come round before.
        assert_eq!(dirty(&program, &[], 0, [0x0e00, 10]), [(0x3000, 0x3010)]);
        assert_eq!(
            dirty(&program, &[], 3, [0x0e00, 10]),
            [(0x3000, 0x3010), (0x4000, 0x4006)]
        );
    }

    /// Two ways to the last READ, of which the status does not tell which was taken.
    #[test]
    fn a_way_that_may_have_been_taken_counts() {
        let program = [
            ccw(0x31 << 56 | CHAIN, 5, 0x9000),
            tic(0x2100),
            ccw(READ | SLI | CHAIN, 16, 0x3000),
            tic(0x2200),
        ];
        let others = [
            (0x2100, ccw(READ | SLI | CHAIN, 16, 0x4000)),
            (0x2108, tic(0x2200)),
            (0x2200, ccw(READ | SLI, 16, 0x5000)),
        ];
        // At 2000 four host CCWs, two stops, at 2100 two, two stops, at 2200 one.
        assert_eq!(
            dirty(&program, &others, 10, [NORMAL, 0]),
            [(0x3000, 0x3010), (0x4000, 0x4010), (0x5000, 0x5010)]
        );
        // One of them is where it ended, and does not lead to the other.
        assert_eq!(dirty(&program, &others, 6, [0x0e00, 1]), [(0x4000, 0x400f)]);
        assert_eq!(dirty(&program, &others, 2, [0x0e00, 1]), [(0x3000, 0x300f)]);
    }

    /// The data stops at the end of storage: what lies before it may be stored, whatever the count.
    #[test]
    fn a_placed_fault_bounds_it() {
        let program = [ccw(READ | IDA, 0x2000, 0x7000)];
        let list = [(0x7000, 0x3000), (0x7008, 0x5001)];
        assert_eq!(dirty(&program, &list, 0, [0x0c20, 0]), [(0x3000, 0x4000)]);
    }

    #[test]
    fn everything_when_the_status_does_not_say() {
        let program = [
            ccw(READ | CHAIN, 16, 0x3000),
            ccw(WRITE | CHAIN, 16, 0x4000),
            ccw(READ, 16, 0x3010),
        ];
        let everything = [(0x3000, 0x3020)];
        assert_eq!(
            ranges(&program, &[], |running| running.dirty_at_most().collect()),
            everything
        );
        for (word0, cpa, word2) in [
            // Halted, cleared, deferred condition codes, no primary status.
            (0x00c0_6007, 0x10_0008, 0x0c00_0000),
            (0x0000_1001, 0, 0),
            (0x03c0_4011, 0, 0),
            (0x01c0_4017, 0x10_0008, 0x0c00_0000),
            (0x00c0_4003, 0x10_0008, 0x0400_0000),
            // A CCW address of no CCW, and checks with which it means nothing.
            (0x00c0_4007, 0x20_0008, 0x0c00_0000),
            (0x00c0_4007, 0x10_0000, 0x0c00_0000),
            (0x00c0_4017, 0x10_0008, 0x0004_0000),
            (0x00c0_4017, 0x10_0008, 0x0002_0000),
        ] {
            let mut raw = RawIrb([0; 64]);
            for (to, word) in raw.0.chunks_mut(4).zip([word0, cpa, word2]) {
                to.copy_from_slice(&u32::to_be_bytes(word));
            }
            let found = ranges(&program, &[], |it| it.dirty(&Irb::decode(&raw)).collect());
            assert_eq!(found, everything, "{word0:08x} {cpa:08x} {word2:08x}");
        }
    }

    /// Each block searches, goes back to the block before, and behind a match reads and goes on to
    /// the next block, the last one to a read that ends the program. The status of the first read
    /// tells of all blocks, and not of that end.
    #[test]
    fn too_many_ways_back_count_as_everything() {
        let read_before_the_end = |blocks: u64| {
            let block = |n: u64| 0x2000 + 0x100 * n;
            let mut words = vec![];
            for n in 0..blocks {
                words.push((block(n), ccw(0x31 << 56 | CHAIN, 5, 0x9000)));
                words.push((block(n) + 8, tic(block(n.saturating_sub(1)))));
                words.push((block(n) + 16, ccw(READ | SLI | CHAIN, 1, 0x5000 + 2 * n)));
                words.push((block(n) + 24, tic(block(n + 1))));
            }
            words.push((block(blocks), ccw(READ | SLI, 1, 0x4000)));
            dirty(&[], &words, 2, [0x0e00, 1])
        };
        let blocks = |n| (0..n).map(|n| (0x5000 + 2 * n, 0x5001 + 2 * n));
        // The last block does not lead back.
        assert_eq!(read_before_the_end(5), blocks(4).collect::<Vec<_>>());
        let everything = [(0x4000, 0x4001)].into_iter().chain(blocks(12));
        assert_eq!(read_before_the_end(12), everything.collect::<Vec<_>>());
    }
}
