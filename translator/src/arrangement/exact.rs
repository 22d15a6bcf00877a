// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where each CCW goes in the host's program: the exact arrangement.
//!
//! The host program is the guest's, in the order of guest addresses, with every gap replaced by
//! two stop CCWs. What follows a CCW in guest storage follows it in the host's, or is a stop: so
//! going on, skipping and jumping need no thought. Two, because a status modifier skips one.

use crate::{
    Arrangement, Buffers, Code, HostProfile,
    arrangement::links::Form,
    arrangement::{HostSlot, Laid, STOPS},
    bounce::Bounce,
};

/// Lays a program for `profile` of which nothing else is to be asked, if it is one; says whether it is.
#[inline]
pub(crate) fn lay_plain(work: &mut Buffers, profile: &HostProfile) -> bool {
    let alone = work.breaks.is_empty() && work.part.from.is_none() && !work.part.passing;
    let asked = !work.orb.prefetch || work.too_long || !takes_all(profile);
    if !work.verdict.plain || !alone || asked || profile.arrangement != Arrangement::Exact {
        return false;
    }
    work.host_len = work.nodes.len() + STOPS;
    work.profile = *profile;
    work.laid = Laid {
        block: work.list_block(),
        last_head: 0,
    };
    true
}

/// Whether data never needs another form than the guest's.
fn takes_all(profile: &HostProfile) -> bool {
    profile.midaws && !profile.rebuilds_lists
}

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
    if takes_all(&work.profile) {
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
            Ok(Form::Whole | Form::Links) => {}
            Err(code) => result = Err((code, n)),
        }
    }
    work.bounces = bounces;
    result
}
