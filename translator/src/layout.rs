// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where each CCW goes in the host's program: the exact arrangement.
//!
//! The host program is the guest's, in the order of guest addresses, with every gap replaced by
//! two stop CCWs. What follows a CCW in guest storage follows it in the host's, or is a stop: so
//! going on, skipping and jumping need no thought. Two, because a status modifier skips one.

use crate::{Buffers, work::HostSlot};

/// Stop CCWs behind each run of CCWs.
pub(crate) const STOPS: usize = 2;

/// Fills [`Buffers::slots`] in the order of guest addresses.
pub(crate) fn exact(work: &mut Buffers) {
    let mut end = None;
    for span in &work.spans {
        if end.is_some_and(|end| end != span.start) {
            work.slots.extend([HostSlot::Stop; STOPS]);
        }
        end = Some(span.end());
        for n in span.first..span.first.saturating_add(span.len) {
            if let Some(node) = work.nodes.get_mut(usize::from(n)) {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "at most 3 slots for a node"
                )]
                {
                    node.host = work.slots.len() as u32;
                }
            }
            work.slots.push(HostSlot::Node(n));
        }
    }
    work.slots.extend([HostSlot::Stop; STOPS]);
}
