// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A stretch of guest storage.

use std::ops::Range;

use ccw::GuestAddr;
use pinning::Permission;

use crate::HostMemory;

/// A stretch of guest storage and the memory that it is.
#[derive(Clone, Debug)]
pub struct GuestRegion {
    /// Its first byte in the guest; a multiple of 4 KiB.
    pub start: GuestAddr,
    /// The memory; whole pages of 4 KiB.
    pub memory: HostMemory,
    /// Whether a device may store there. vfio-ccw pins everything for storing, so a device cannot
    /// even fetch data from read-only storage; programs may lie there.
    pub permission: Permission,
}

impl GuestRegion {
    /// Storage that a device may use in both directions.
    pub const fn new(start: GuestAddr, memory: HostMemory) -> Self {
        let permission = Permission::ReadWrite;
        Self {
            start,
            memory,
            permission,
        }
    }

    /// Bytes.
    pub(super) fn len(&self) -> u64 {
        self.memory.len() as u64
    }

    /// Its guest addresses; a layout has no region that passes the end.
    pub(super) fn range(&self) -> Range<GuestAddr> {
        let end = self.start.get().saturating_add(self.len());
        self.start..GuestAddr::new(end)
    }

    /// Whether it is this very region.
    pub(super) fn is(&self, other: &Self) -> bool {
        let place = |region: &Self| (region.start, region.memory.addr(), region.memory.len());
        place(self) == place(other)
    }

    /// The bytes from `at` on, as an offset and how many there are, if `at` lies in the region.
    pub(super) fn from(&self, at: GuestAddr) -> Option<(usize, usize)> {
        let offset = at.get().checked_sub(self.start.get())?;
        let offset = usize::try_from(offset).ok()?;
        let left = self.memory.len().checked_sub(offset)?;
        (left > 0).then_some((offset, left))
    }
}
