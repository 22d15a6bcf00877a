// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where each CCW goes in the host's program: the exact arrangement.
//!
//! The host program is the guest's, in the order of guest addresses, with every gap replaced by
//! two stop CCWs. What follows a CCW in guest storage follows it in the host's, or is a stop: so
//! going on, skipping and jumping need no thought. Two, because a status modifier skips one.

use crate::{
    Buffers, Code,
    arrangement::parts::Form,
    arrangement::{HostSlot, STOPS},
    bounce::Bounce,
};

/// Gives every node its host CCW, in the order of guest addresses.
#[inline(always)]
pub(crate) fn lay(work: &mut Buffers) {
    // In one piece it lies as it was read.
    if let [span] = *work.spans.as_slice() {
        work.host_len = usize::from(span.len) + STOPS;
    } else {
        in_pieces(work);
    }
}

#[inline(never)]
fn in_pieces(work: &mut Buffers) {
    let mut end = None;
    for (n, span) in work.spans.iter().enumerate() {
        let begins = work.begins.iter().any(|begin| begin.span == n);
        if begins || end.is_some_and(|end| end != span.start) {
            work.slots.extend([HostSlot::Stop; STOPS]);
        }
        end = Some(span.end());
        let numbers = span.first..span.first.saturating_add(span.len);
        let nodes = usize::from(numbers.start)..usize::from(numbers.end);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 3 slots for a node"
        )]
        let first = work.slots.len() as u32;
        for (node, host) in work
            .nodes
            .get_mut(nodes)
            .unwrap_or(&mut [])
            .iter_mut()
            .zip(first..)
        {
            node.host = host;
        }
        work.slots.extend(numbers.map(HostSlot::Node));
    }
    work.slots.extend([HostSlot::Stop; STOPS]);
    work.host_len = work.slots.len();
}

/// Finds what goes by way of a copy. Nothing takes several host CCWs here: what stands behind a CCW
/// must be where a device may skip to.
#[inline(always)]
pub(crate) fn lower(work: &mut Buffers, block: u64) -> Result<(), (Code, u16)> {
    if work.profile.midaws && !work.profile.rebuilds_lists {
        return Ok(());
    }
    bounce(work, block)
}

#[inline(never)]
fn bounce(work: &mut Buffers, block: u64) -> Result<(), (Code, u16)> {
    work.bounces.clear();
    let mut bounces = core::mem::take(&mut work.bounces);
    let mut result = Ok(());
    for (node, n) in work.nodes.iter().zip(0..) {
        match work.form(node, block, false) {
            Ok(Form::Bounced) => bounces.push(Bounce::new(n)),
            Ok(Form::Whole | Form::Parts) => {}
            Err(code) => result = Err((code, n)),
        }
    }
    work.bounces = bounces;
    result
}
