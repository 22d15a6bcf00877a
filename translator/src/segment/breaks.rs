// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where a program must be left and fetched again.
//!
//! A break stands at the CCW behind a command: behind one that reads into what is still to come, and
//! where prefetching is forbidden behind one that tells the guest how far the program is. That is
//! earlier than need be where the words that change are used later on, and always right.

use alloc::vec::Vec;

use crate::{
    Buffers, Stance,
    chain::Op,
    dirty,
    limits::MAX_BREAKS,
    node::{Node, Reach},
};

/// Adds breaks that the program needs and has not yet; says whether there are any. What lies behind
/// these is fetched again, so whether it can be broken is asked only when there are no others.
pub(crate) fn add(work: &mut Buffers) -> bool {
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

/// Finds the last CCWs of the commands behind which there must be a break. False if it would have to
/// be within a command.
fn collect(work: &mut Buffers, ends: &mut Vec<u16>) -> bool {
    let mut possible = true;
    if work.verdict.modified.is_some() && work.policy.self_modifying == Stance::Segments {
        for k in 0..work.writers.len() {
            let Some(&writer) = work.writers.get(k) else {
                break;
            };
            let Some(hit) = changes(work, writer) else {
                continue;
            };
            if hit == Hit::Itself {
                possible = false;
            } else if let Some(end) = last_of(work, writer) {
                ends.push(end);
            }
        }
    }
    if work.is_late() {
        for n in 0..work.last_number() {
            let Some(node) = work.nodes.get(usize::from(n)) else {
                break;
            };
            let tells = node.ccw().flags.contains(ccw::CcwFlags::PCI);
            if tells
                && is_executed(node)
                && let Some(end) = last_of(work, n)
            {
                ends.push(end);
            }
        }
    }
    possible
}

/// What input goes into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hit {
    /// The command that reads it in.
    Itself,
    /// What comes later.
    Later,
}

/// Whether the input of node `writer` goes into control words that are used afterwards.
fn changes(work: &mut Buffers, writer: u16) -> Option<Hit> {
    let node = *work.nodes.get(usize::from(writer))?;
    let mut areas = core::mem::take(&mut work.areas);
    areas.clear();
    dirty::add(&mut areas, work, &node, node.good);
    work.overlap.forget();
    for &(start, end) in &areas {
        work.write_control(start, end);
    }
    work.areas = areas;
    if work.list_is_written(&node) {
        return Some(Hit::Itself);
    }
    // The rest of its own data chain.
    let mut own = work.next_in_chain(writer);
    for _ in 0..work.nodes.len() {
        let Some(n) = own else { break };
        let next = work.nodes.get(usize::from(n))?;
        if work.ccw_is_written(next) || work.list_is_written(next) {
            return Some(Hit::Itself);
        }
        own = work.next_in_chain(n);
    }
    let again = match work.looped {
        Some((first, last)) if first <= writer && writer <= last => first,
        _ => writer.saturating_add(1),
    };
    let mut later = work.nodes.iter().zip(0..).skip(usize::from(again));
    let hit = later.any(|(node, n)| {
        work.ccw_is_written(node) || work.list_is_written(node) || work.data_is_written(n)
    });
    hit.then_some(Hit::Later)
}

/// The last CCW of the command that node `n` belongs to, if the program goes on behind it.
fn last_of(work: &Buffers, mut n: u16) -> Option<u16> {
    for _ in 0..work.nodes.len() {
        match work.next_in_chain(n) {
            Some(next) => n = next,
            None => break,
        }
    }
    let node = work.nodes.get(usize::from(n))?;
    let chains = !node.ccw().chains_data() && node.ccw().chains_command();
    (chains && is_executed(node)).then_some(n)
}

/// Adds the breaks behind node `end`, if there is room. Where the segment itself begins there, control
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
    for head in 0..work.last_number() {
        let Some(&first) = work.nodes.get(usize::from(head)) else {
            break;
        };
        let begins = first.reach.contains(Reach::COMMAND) && is_executed(&first);
        if begins && last_of(work, head) == Some(end) {
            if first.addr == entry {
                return false;
            }
            if !work.add_break(first.addr) {
                return false;
            }
        }
    }
    true
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
