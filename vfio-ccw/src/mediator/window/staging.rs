// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where a program is written before the device can see it.

use translator::{GuestStorage, Translated};

use super::{Layout, ShadowWindow};
use crate::Errno;

/// Memory of the mediator's own, of the size of a slot. A program is written here first: the
/// arena is shared with a device, so there are no references to it.
#[derive(Debug)]
pub(in crate::mediator) struct Staging {
    pub(super) ccws: Box<[u8]>,
    pub(super) lists: Box<[u8]>,
    pub(super) copies: Box<[u8]>,
}

impl ShadowWindow {
    /// Staging memory for slots of this window.
    pub(in crate::mediator) fn staging(&self) -> Staging {
        let arena = self.arena();
        // All are far below 2 GiB.
        let zeros = |len| vec![0; usize::try_from(len).unwrap_or(0)].into_boxed_slice();
        Staging {
            ccws: zeros(arena.ccw_bytes),
            lists: zeros(arena.list_bytes),
            copies: zeros(arena.slot_bytes - arena.ccw_bytes - arena.list_bytes),
        }
    }
}

impl Staging {
    /// Copies from guest storage, as it is laid out in `layout`, what the device is to have of it by way
    /// of a copy.
    pub(in crate::mediator) fn copy_out<P: pinning::Pinner>(
        &mut self,
        program: &Translated<P>,
        layout: &Layout,
    ) -> Result<(), Errno> {
        for copy in program.copies_out() {
            let range = copy.at..copy.at.saturating_add(copy.len);
            let bytes = self.copies.get_mut(range.clone()).ok_or(Errno::EFAULT)?;
            if layout.read(copy.guest, bytes) != copy.len {
                return Err(Errno::EFAULT);
            }
            if let Some(kept) = copy.kept {
                if kept.saturating_add(copy.len) > self.copies.len() {
                    return Err(Errno::EFAULT);
                }
                self.copies.copy_within(range, kept);
            }
        }
        Ok(())
    }
}
