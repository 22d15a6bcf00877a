// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where each CCW goes in the host's program: the arrangement in segments.
//!
//! A host of this kind copies the program once more. It copies from the head of a segment on, as
//! long as CCWs chain or are TICs back into the part copied so far; any other TIC ends the segment
//! and begins, or names, another one. Control enters a segment at its head or by a TIC to what is
//! already copied. So the program is laid out as one line in the order of its execution: TICs are
//! straightened, only jumps back remain, and the line is cut where a segment would be too long.
//!
//! What a status modifier skips, and where it goes on, must lie in one segment; a program for which
//! that cannot be is refused by name, never run another way.

use alloc::vec::Vec;

use crate::{
    Buffers, Code, FirstByteFault,
    arrangement::links::Form,
    arrangement::{HostSlot, Laid, STOPS, Scratch},
    bounce::Bounce,
    chain::Op,
    node::{NOWHERE, Node},
};

/// A refusal, and the node that is the reason.
type Refusal = (Code, u16);

/// What a host of this kind takes.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// CCWs of one segment.
    pub(crate) ccws: usize,
    /// Segments of one program.
    pub(crate) segments: usize,
    /// Bytes of the blocks of all lists.
    pub(crate) block: u64,
}

/// Fills [`Buffers::slots`].
pub(crate) fn lay(work: &mut Buffers, shape: Shape) -> Result<Laid, Refusal> {
    let block = backward_block(work, shape.block);
    let mut scratch = core::mem::take(&mut work.segments);
    let mut result = line_up(work, &mut scratch, block, shape, true);
    // Copies take fewer CCWs than links do.
    if matches!(result, Err((Code::EnvTooLong, _))) && has_links(&scratch.line) {
        result = line_up(work, &mut scratch, block, shape, false).or(result);
    }
    let result = result.map(|()| Laid {
        block,
        last_head: place(work, &scratch),
    });
    work.segments = scratch;
    work.host_len = work.slots.len();
    // Control never comes to the others, and nothing is written for them.
    let others = work.nodes.iter_mut().filter(|node| node.host == NOWHERE);
    others.for_each(|node| node.usual = false);
    result
}

/// Lays the program out in one line, and cuts it. `links` says that several host CCWs may stand for
/// one of the guest's.
fn line_up(
    work: &mut Buffers,
    scratch: &mut Scratch,
    block: u64,
    shape: Shape,
    links: bool,
) -> Result<(), Refusal> {
    for node in &mut work.nodes {
        node.host = NOWHERE;
    }
    scratch.line.clear();
    scratch.loops.clear();
    scratch.cuts.clear();
    work.bounces.clear();
    straighten(work, block, scratch, links)?;
    work.bounces.sort_unstable_by_key(|bounce| bounce.node);
    cut(work, scratch, shape)
}

fn has_links(line: &[HostSlot]) -> bool {
    line.iter()
        .any(|slot| matches!(slot, HostSlot::Link { .. }))
}

/// Lays the program out in one line.
fn straighten(
    work: &mut Buffers,
    block: u64,
    scratch: &mut Scratch,
    links: bool,
) -> Result<(), Refusal> {
    let Scratch { line, loops, .. } = scratch;
    let mut n = 0;
    let mut after_tic = false;
    let mut skippable = false;
    while let Some(&node) = work.nodes.get(usize::from(n)) {
        if node.op == Op::Onward {
            // The line goes on; what is skipped has no place in it.
            let entry = work.next_entry(n).ok_or((Code::HostMap, n))?;
            if skippable {
                return Err((Code::EnvSkipLayout, n));
            }
            n = entry;
            continue;
        }
        if node.op == Op::Tic {
            if after_tic {
                line.push(HostSlot::SecondTic(n));
                return Ok(());
            }
            let target = work
                .find_from(n, node.ccw().addr.get())
                .ok_or((Code::HostMap, n))?;
            if !skippable {
                (n, after_tic) = (target, true);
                continue;
            }
            // The TIC keeps its place, so it must lead to what is copied already.
            let at = host_of(work, target).ok_or((Code::EnvSkipLayout, n))?;
            loops.push((at, line.len()));
            put(work, line, n);
        } else if host_of(work, n).is_some() {
            if skippable {
                return Err((Code::EnvSkipLayout, n));
            }
            line.push(HostSlot::Jump(n));
            return Ok(());
        } else {
            // A command that skips would land on the second link.
            match work.form(&node, block, links && !skippable) {
                Ok(Form::Whole) => put(work, line, n),
                Ok(Form::Links) => put_links(work, line, n, block),
                Ok(Form::Bounced) => {
                    work.bounces.push(Bounce::new(n));
                    put(work, line, n);
                }
                Err(code) => return Err((code, n)),
            }
            let stops = work.is_stop(&node);
            // The host goes by the flags.
            let copies_on = !stops && (node.ccw().chains_data() || node.ccw().chains_command());
            match (stops || !node.chains(&work.policy), skippable) {
                (true, false) => {
                    if copies_on {
                        line.push(HostSlot::Stop);
                    }
                    return Ok(());
                }
                // Behind a CCW that ends the program the host copies nothing.
                (true, true) if !stops && !copies_on => return Err((Code::EnvSkipLayout, n)),
                _ => {}
            }
        }
        // What comes behind in storage comes behind in the line.
        let was_skippable = skippable;
        skippable = node.may_skip(&work.policy);
        after_tic = false;
        n = match work.find_from(n, node.addr.wrapping_add(8)) {
            Some(next) => next,
            None if was_skippable => {
                line.push(HostSlot::Stop);
                return Ok(());
            }
            None => return Err((Code::HostMap, n)),
        };
    }
    Ok(())
}

/// Puts node `n` at the end of the line.
fn put(work: &mut Buffers, line: &mut Vec<HostSlot>, n: u16) {
    if let Some(node) = work.nodes.get_mut(usize::from(n)) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 3 places for a node"
        )]
        {
            node.host = line.len() as u32;
        }
    }
    line.push(HostSlot::Node(n));
}

/// Puts the links of node `n` at the end of the line.
fn put_links(work: &mut Buffers, line: &mut Vec<HostSlot>, n: u16, block: u64) {
    let Some(&node) = work.nodes.get(usize::from(n)) else {
        return;
    };
    let first = line.len();
    let mut left = node.ccw().count;
    for link in work.links(&node, block) {
        left = left.saturating_sub(link.len);
        line.push(HostSlot::Link { node: n, left });
    }
    // The last link has what is left.
    line.pop();
    line.push(HostSlot::Node(n));
    if let Some(node) = work.nodes.get_mut(usize::from(n)) {
        #[expect(clippy::cast_possible_truncation, reason = "refused when it is longer")]
        {
            node.host = first as u32;
        }
    }
}

/// Place of node `n`, if it has one.
fn host_of(work: &Buffers, n: u16) -> Option<usize> {
    let host = work.nodes.get(usize::from(n))?.host;
    (host != NOWHERE).then_some(host as usize)
}

/// Finds the places at which segments begin, the first one included.
fn cut(work: &Buffers, scratch: &mut Scratch, shape: Shape) -> Result<(), Refusal> {
    let Scratch {
        line, loops, cuts, ..
    } = scratch;
    let too_long = (Code::EnvTooLong, node_of(line.last()));
    let allowed = |at: usize| may_cut(work, line, loops, at);
    let jumps = matches!(line.last(), Some(HostSlot::Jump(_)));
    cuts.push(0);
    if line.len() <= shape.ccws && !jumps {
        return Ok(());
    }
    // One CCW is the TIC to the next segment, or the stop CCW that the host copies behind a jump
    // back.
    let room = shape.ccws.saturating_sub(1);
    let mut head = 0;
    while line.len() - head > room {
        let most = head + room;
        head = (head + 1..=most)
            .rev()
            .find(|&at| allowed(at))
            .ok_or(too_long)?;
        cuts.push(head);
        if cuts.len() > shape.segments {
            return Err(too_long);
        }
    }
    // Where the program may end, the host confuses segments whose length fills one of its
    // allocations; odd lengths from 3 on never do.
    if let [.., before, last] = cuts.as_mut_slice()
        && !jumps
    {
        let sound = |at: usize| {
            let len = line.len() - at;
            len >= 3 && !len.is_multiple_of(2) && len <= room
        };
        let best = (*before + 1..=*last)
            .rev()
            .find(|&at| sound(at) && allowed(at));
        *last = best.ok_or(too_long)?;
    }
    Ok(())
}

/// Whether a TIC to place `at` may be inserted before it.
fn may_cut(work: &Buffers, line: &[HostSlot], loops: &[(usize, usize)], at: usize) -> bool {
    let node = |at: usize| match line.get(at) {
        Some(HostSlot::Node(n)) => work.nodes.get(usize::from(*n)),
        _ => None,
    };
    let before = at.checked_sub(1);
    // It would take the place that the command before may skip.
    let skips = match before.and_then(|at| line.get(at)) {
        Some(HostSlot::Node(n)) => {
            let node = work.nodes.get(usize::from(*n));
            node.is_some_and(|node| node.may_skip(&work.policy))
        }
        Some(HostSlot::Link { .. }) => false,
        _ => return false,
    };
    // A TIC must not lead to a TIC.
    let to_tic = match line.get(at) {
        Some(HostSlot::Jump(_) | HostSlot::SecondTic(_) | HostSlot::Stop) | None => true,
        _ => node(at).is_some_and(|node| node.op == Op::Tic),
    };
    let in_loop = loops.iter().any(|&(target, tic)| target < at && at <= tic);
    !skips && !to_tic && !in_loop
}

fn node_of(slot: Option<&HostSlot>) -> u16 {
    match slot {
        Some(
            HostSlot::Node(n)
            | HostSlot::Link { node: n, .. }
            | HostSlot::Jump(n)
            | HostSlot::SecondTic(n),
        ) => *n,
        Some(HostSlot::Cut | HostSlot::Stop) | None => 0,
    }
}

/// Writes the segments down, stop CCWs behind each; returns the head of the last.
fn place(work: &mut Buffers, Scratch { line, cuts, .. }: &Scratch) -> usize {
    let mut head = 0;
    // Whether the slot before is a link of the same node.
    let mut begun = false;
    let ends = cuts.iter().skip(1).copied().map(Some).chain([None]);
    for (&start, end) in cuts.iter().zip(ends) {
        head = work.slots.len();
        for &slot in line.get(start..end.unwrap_or(line.len())).unwrap_or(&[]) {
            let goes_on = core::mem::replace(&mut begun, matches!(slot, HostSlot::Link { .. }));
            if let HostSlot::Node(n) | HostSlot::Link { node: n, .. } = slot
                && !goes_on
                && let Some(node) = work.nodes.get_mut(usize::from(n))
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "few more than the line has"
                )]
                {
                    node.host = work.slots.len() as u32;
                }
            }
            work.slots.push(slot);
        }
        if end.is_some() {
            work.slots.push(HostSlot::Cut);
        }
        work.slots.extend([HostSlot::Stop; STOPS]);
    }
    head
}

/// Bytes of blocks with which most read-backward CCWs need not be split.
fn backward_block(work: &Buffers, block: u64) -> u64 {
    let splits = |block| {
        let mut backward = work.nodes.iter().filter(|node| node.op == Op::Backward);
        backward.any(|node| !node.is_midal() && work.form(node, block, true) != Ok(Form::Whole))
    };
    if block > 2048 && splits(block) && !splits(2048) {
        2048
    } else {
        block
    }
}

impl Buffers {
    /// Whether the host CCW of `node` does nothing but stop the channel.
    pub(crate) fn is_stop(&self, node: &Node) -> bool {
        let moves_nothing = node.op.transfers() && node.good == 0 && node.fault.is_some();
        matches!(node.op, Op::Fault | Op::Break(_))
            || (moves_nothing && self.profile.first_byte_fault == FirstByteFault::Stop)
    }

    /// Whether the host CCW before that of `node` may skip it.
    pub(crate) fn is_skippable(&self, node: &Node) -> bool {
        let before = node.host.checked_sub(1).and_then(|n| self.slot(n as usize));
        let Some(HostSlot::Node(n)) = before else {
            return false;
        };
        let before = self.nodes.get(usize::from(n));
        before.is_some_and(|before| before.may_skip(&self.policy))
    }
}

impl Node {
    /// Whether a wrong length is not indicated for this CCW.
    pub(crate) fn suppresses(&self) -> bool {
        self.ccw().flags.contains(ccw::CcwFlags::SUPPRESS_LENGTH) && !self.ccw().chains_data()
    }
}
