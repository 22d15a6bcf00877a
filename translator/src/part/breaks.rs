// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where a program must be left and fetched again.
//!
//! A break stands at the CCW behind a command: behind one that reads into what is still to come, and
//! where prefetching is forbidden behind one that tells the guest how far the program is. That is
//! earlier than need be where the words that change are used later on, and always right.

use alloc::vec::Vec;

use ccw::IdawFormat;

use crate::{
    Buffers, Cause, Code,
    chain::Op,
    dirty,
    limits::{MAX_BREAKS, MAX_CHAIN_STEPS},
    node::{Node, Reach},
};

/// Adds breaks that the program needs and has not yet; says whether there are any. What lies behind
/// these is fetched again, so whether it can be broken is asked only when there are no others.
pub(crate) fn add(work: &mut Buffers) -> bool {
    if work.begins_with_two_tics() {
        return false;
    }
    let mut ends = core::mem::take(&mut work.ends);
    ends.clear();
    let mut possible = collect(work, &mut ends);
    let before = work.breaks.len();
    for &end in &ends {
        possible &= add_behind(work, end);
    }
    work.ends = ends;
    let found = work.breaks.len() > before;
    work.verdict.unbroken = !possible && !found;
    found
}

/// Leaves the program before a TIC that leads to a break, and not behind it: the next part would not
/// know that a TIC came before, behind which there must be no second one. TICs that lead to each other
/// are all left so, up to a limit: each is one more break.
pub(crate) fn stop_before_tics(work: &mut Buffers) {
    let mut left = MAX_BREAKS;
    let mut found = true;
    while core::mem::take(&mut found) {
        for n in 1..work.nodes.len() {
            let Some(&node) = work.nodes.get(n).filter(|node| node.op == Op::Tic) else {
                continue;
            };
            let target = work.find_node(node.ccw().addr.get());
            let target = target.and_then(|target| work.node(target));
            let stops = target.is_some_and(|it| it.op == Op::Break(Cause::Refetch));
            if let Some(node) = work.nodes.get_mut(n).filter(|_| stops) {
                let Some(fewer) = left.checked_sub(1) else {
                    work.too_long = true;
                    return;
                };
                left = fewer;
                (node.op, found) = (Op::Break(Cause::Refetch), true);
            }
        }
    }
}

/// Finds the last CCWs of the commands behind which there must be a break. False if it would have to
/// be within a command, or is too long to be found out.
fn collect(work: &mut Buffers, ends: &mut Vec<u16>) -> bool {
    let mut chains = Chains {
        known: None,
        steps: MAX_CHAIN_STEPS,
    };
    let mut possible = true;
    if work.verdict.modified.is_some() && work.in_parts(work.policy.self_modifying) {
        possible = read_into(work, &mut chains, ends);
        // Those that come first need the room.
        ends.reverse();
    }
    if work.is_late() {
        let late = ends.len();
        for n in (0..work.last_number()).rev() {
            let Some(node) = work.nodes.get(usize::from(n)) else {
                continue;
            };
            let tells = node.ccw().flags.contains(ccw::CcwFlags::PCI);
            if tells
                && is_executed(node)
                && let Some(end) = chains.end(work, n)
            {
                ends.push(end);
            }
        }
        if let Some(late) = ends.get_mut(late..) {
            late.reverse();
        }
    }
    possible && chains.steps > 0
}

/// The same for commands that read into what is used later on. From the last node to the first, the
/// words are marked that are used from there on: no node is looked at twice.
fn read_into(work: &mut Buffers, chains: &mut Chains, ends: &mut Vec<u16>) -> bool {
    let mut possible = true;
    let mut areas = core::mem::take(&mut work.areas);
    work.overlap.forget();
    let mut used = work.last_number();
    for k in (0..work.writers.len()).rev() {
        let Some(&writer) = work.writers.get(k) else {
            break;
        };
        let Some(&node) = work.nodes.get(usize::from(writer)) else {
            break;
        };
        let again = match work.looped {
            Some((first, last)) if first <= writer && writer <= last => first,
            _ => writer.saturating_add(1),
        };
        while used > again {
            used -= 1;
            work.mark_used(used);
        }
        areas.clear();
        dirty::add(&mut areas, work, &node, node.good);
        if !areas.iter().any(|&area| work.overlap.is_near(area)) {
            continue;
        }
        dirty::merge(&mut areas);
        if chains.come_into(work, writer, &areas) {
            possible = false;
        } else if areas.iter().any(|&area| work.overlap.is_written(area)) {
            ends.extend(chains.end(work, writer));
        }
    }
    work.areas = areas;
    possible
}

/// Goes along data chains, and not for ever.
struct Chains {
    /// A node, and the last one of its data chain.
    known: Option<(u16, u16)>,
    /// How many more CCWs are looked at.
    steps: u32,
}

impl Chains {
    /// The CCW that continues the data of node `n`.
    fn next(&mut self, work: &Buffers, n: u16) -> Option<u16> {
        let next = work.next_in_chain(n)?;
        self.steps = self.steps.saturating_sub(1);
        (self.steps > 0).then_some(next)
    }

    /// Whether one of `areas`, into which node `n` reads, has words of its own list or of the rest of
    /// its data chain.
    fn come_into(&mut self, work: &Buffers, mut n: u16, areas: &[(u64, u64)]) -> bool {
        let idaws = IdawFormat::of(&work.orb);
        let hits = |bytes: Option<(u64, u64)>| {
            bytes.is_some_and(|(start, end)| {
                let above = areas.partition_point(|area| area.1 <= start);
                areas.get(above).is_some_and(|area| area.0 < end)
            })
        };
        if work.node(n).is_some_and(|it| hits(it.list_bytes(idaws))) {
            return true;
        }
        for _ in 0..work.nodes.len() {
            let Some(next) = self.next(work, n) else {
                break;
            };
            n = next;
            if work
                .node(n)
                .is_some_and(|it| hits(it.ccw_bytes()) || hits(it.list_bytes(idaws)))
            {
                return true;
            }
        }
        false
    }

    /// The last CCW of the command that node `n` belongs to, if the program goes on behind it.
    fn end(&mut self, work: &Buffers, n: u16) -> Option<u16> {
        let mut end = n;
        for _ in 0..work.nodes.len() {
            if let Some((at, known)) = self.known
                && at == end
            {
                end = known;
                break;
            }
            match self.next(work, end) {
                Some(next) => end = next,
                None => break,
            }
        }
        self.known = Some((n, end));
        let node = work.node(end)?;
        let chains = !node.ccw().chains_data() && node.ccw().chains_command();
        (chains && is_executed(node)).then_some(end)
    }
}

/// Adds the breaks behind node `end`, if there is room. Where the part itself begins there, control
/// must be stopped before the command instead.
fn add_behind(work: &mut Buffers, end: u16) -> bool {
    let Some(&node) = work.nodes.get(usize::from(end)) else {
        return true;
    };
    let mut places = [Some(node.addr.wrapping_add(8)), None];
    if node.may_skip(&work.policy) {
        places[1] = Some(node.addr.wrapping_add(16));
    }
    let entry = work.entry_addr();
    if !places.contains(&Some(entry)) {
        let mut places = places.into_iter().flatten();
        return places.all(|at| work.add_break(at));
    }
    let mut chains = Chains {
        known: None,
        steps: MAX_CHAIN_STEPS,
    };
    for head in (0..work.last_number()).rev() {
        let Some(&first) = work.nodes.get(usize::from(head)) else {
            break;
        };
        let begins = first.reach.contains(Reach::COMMAND) && is_executed(&first);
        if begins && chains.end(work, head) == Some(end) {
            if first.addr == entry {
                return false;
            }
            if !work.add_break(first.addr) {
                return false;
            }
        }
    }
    chains.steps > 0
}

/// Whether a node stands for a CCW that is carried out.
fn is_executed(node: &Node) -> bool {
    !matches!(node.op, Op::Tic | Op::Fault | Op::Break(_) | Op::Onward)
}

impl Buffers {
    /// Whether control that comes to the CCW at `at` by command chaining, or by a TIC behind it, must
    /// be stopped there.
    pub(crate) fn is_break(&self, at: u32) -> bool {
        self.breaks.binary_search(&at).is_ok()
    }

    /// Whether there is a break at `at` now.
    fn add_break(&mut self, at: u32) -> bool {
        let Err(place) = self.breaks.binary_search(&at) else {
            return true;
        };
        let fits = self.breaks.len() < MAX_BREAKS;
        if fits {
            self.breaks.insert(place, at);
        }
        fits
    }

    /// Whether the program is over where it begins, with two TICs.
    fn begins_with_two_tics(&self) -> bool {
        let first = self.nodes.first().filter(|node| node.op == Op::Tic);
        let target = first.and_then(|tic| self.find_node(tic.ccw().addr.get()));
        let second = target.and_then(|target| self.node(target));
        second.is_some_and(|it| it.op == Op::Tic || it.fault == Some(Code::SeqTicTic))
    }

    fn node(&self, n: u16) -> Option<&Node> {
        self.nodes.get(usize::from(n))
    }

    /// Marks the control words that node `n` uses.
    fn mark_used(&mut self, n: u16) {
        let Some(node) = self.nodes.get(usize::from(n)) else {
            return;
        };
        let list = node.list_bytes(IdawFormat::of(&self.orb));
        let words = node.ccw_bytes().into_iter().chain(list);
        for (start, end) in words.chain(self.commands.areas_of(n)) {
            self.overlap.write(start, end);
        }
    }

    /// Number behind the last node's.
    fn last_number(&self) -> u16 {
        u16::try_from(self.nodes.len()).unwrap_or(u16::MAX)
    }

    /// The CCW that continues the data of node `n`, if it is one that is carried out.
    fn next_in_chain(&self, n: u16) -> Option<u16> {
        let node = self.nodes.get(usize::from(n))?;
        let chains = node.ccw().chains_data() && self.policy.chains_data(node.head);
        if !chains || !is_executed(node) {
            return None;
        }
        let next = self.find_node(node.addr.wrapping_add(8))?;
        let behind = self.nodes.get(usize::from(next))?;
        match behind.op {
            Op::Tic => self.find_node(behind.ccw().addr.get()),
            _ => Some(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use ccw::{GuestAddr, HostAddr, RawOrb};
    use pinning::{Permission, Region, RegionMap};

    use crate::{
        Buffers, Code, Guards, HostProfile, Part, Planned, Policy, fetch_part, words::Words,
    };

    /// The breaks of a program at 10000, or why it is refused: a write, `count` reads of 8 bytes with
    /// these flags, and another write, each with one IDAW, at 40008 and 40000. The first read goes into
    /// the IDAW of the last write, the others to `others`.
    fn breaks(count: u64, flags: u64, others: u64) -> Result<Vec<u32>, Code> {
        let read = |n| {
            let to = if n == 0 { 0x4_0000 } else { others };
            let flags = if n + 1 == count { 0x60 } else { flags };
            0x02 << 56 | flags << 48 | 8 << 32 | to
        };
        let words = (0x1_0008..).step_by(8).zip((0..count).map(read));
        let others = [
            (0x1_0000, 0x0164_0008_0004_0008),
            (0x1_0008 + 8 * count, 0x0124_0008_0004_0000),
            (0x4_0000, 0x5_0000),
            (0x4_0008, 0x5_0000),
        ];
        let storage = Words(words.chain(others).collect());
        let map = RegionMap::new(&[Region {
            guest: GuestAddr::new(0),
            len: 0x10_0000,
            host: HostAddr::new(0x1_0000_0000),
            permission: Permission::ReadWrite,
        }]);
        // Format 1, prefetching allowed, IDAWs of format 2 with blocks of 4 KiB.
        let orb = RawOrb::from_words([0, 0x00c2_8000, 0x1_0000]);
        let program = fetch_part(
            &orb,
            &Part::START,
            &storage,
            &map.unwrap(),
            &Policy::MEDIATE,
            &Guards::default(),
            Buffers::new(),
        );
        let breaks = program.work.breaks.clone();
        match program.plan(&HostProfile::SOFTWARE) {
            // That it may not be repeated is another matter.
            Ok(Planned::Run(_)) => Ok(breaks),
            Err(rejected) if rejected.finding.code == Code::EnvNotRepeatable => Ok(breaks),
            Ok(_) => panic!("not run"),
            Err(rejected) => Err(rejected.finding.code),
        }
    }

    #[test]
    fn a_chain_of_commands_stops_behind_each_that_reads_into_what_is_used_later() {
        let late = breaks(4000, 0x60, 0x4_0000).unwrap();
        assert!(late.iter().copied().eq((0x1_0010..).step_by(8).take(32)));
        assert_eq!(breaks(4000, 0x60, 0x4_0008), Ok(alloc::vec![0x1_0010]));
    }

    #[test]
    fn data_chains_are_gone_through_only_so_often() {
        // One command of 300 or 1000 CCWs.
        assert_eq!(breaks(300, 0x80, 0x4_0008), Ok(alloc::vec![0x1_0968]));
        assert_eq!(breaks(1000, 0x80, 0x4_0008), Err(Code::EnvOverlap));
    }
}
