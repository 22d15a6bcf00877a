// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where guest storage lies on the host.

use alloc::{boxed::Box, vec::Vec};

use ccw::{GuestAddr, HostAddr};
use thiserror::Error;

/// Granule of regions, in bytes.
pub const PAGE_SIZE: u64 = 4096;

/// Most regions that a [`RegionMap`] takes.
pub const MAX_REGIONS: usize = 4096;

/// Whether a device may store into a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Fetch and store.
    ReadWrite,
    /// Fetch only.
    ReadOnly,
}

/// A stretch of guest storage that is contiguous on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// Its first byte in the guest; a multiple of [`PAGE_SIZE`].
    pub guest: GuestAddr,
    /// Bytes; a multiple of [`PAGE_SIZE`], not 0.
    pub len: u64,
    /// Its first byte on the host; a multiple of [`PAGE_SIZE`].
    pub host: HostAddr,
    /// Whether a device may store there.
    pub permission: Permission,
}

impl Region {
    /// How far `at` lies behind the first byte, if it lies in the region.
    #[inline]
    pub fn offset(&self, at: GuestAddr) -> Option<u64> {
        let offset = at.get().wrapping_sub(self.guest.get());
        (offset < self.len).then_some(offset)
    }

    /// First guest address behind the region; [`RegionMap::new`] saw to it that there is one.
    fn end(&self) -> u64 {
        self.guest.get().wrapping_add(self.len)
    }
}

/// Why regions do not make a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum RegionError {
    /// A region of no bytes.
    #[error("region at {guest:?} is empty")]
    Empty {
        /// Its first byte.
        guest: GuestAddr,
    },
    /// Start, length or host address is not a multiple of [`PAGE_SIZE`].
    #[error("region at {guest:?} is not made of whole 4 KiB pages")]
    Misaligned {
        /// Its first byte.
        guest: GuestAddr,
    },
    /// The region reaches the end of the guest's or the host's 64-bit space.
    #[error("region at {guest:?} passes the end of the address space")]
    Wraps {
        /// Its first byte.
        guest: GuestAddr,
    },
    /// Two regions hold the same guest byte.
    #[error("region at {guest:?} overlaps the one before it")]
    Overlap {
        /// First byte of the second one.
        guest: GuestAddr,
    },
    /// More than [`MAX_REGIONS`].
    #[error("{count} regions are more than {MAX_REGIONS}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

/// Guest storage: regions in ascending order, without overlap. Several may share host storage.
///
/// ```
/// use ccw::{GuestAddr, HostAddr};
/// use pinning::{Permission, Region, RegionMap};
/// let map = RegionMap::new(&[Region {
///     guest: GuestAddr::new(0),
///     len: 0x10_0000,
///     host: HostAddr::new(0x1_0000_0000),
///     permission: Permission::ReadWrite,
/// }])?;
/// assert_eq!(map.available(GuestAddr::new(0xf_f000), 0x2000), 0x1000);
/// # Ok::<(), pinning::RegionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RegionMap(Box<[Region]>);

impl RegionMap {
    /// The map of `regions`, given in any order.
    ///
    /// # Errors
    ///
    /// See [`RegionError`].
    pub fn new(regions: &[Region]) -> Result<Self, RegionError> {
        if regions.len() > MAX_REGIONS {
            let count = regions.len();
            return Err(RegionError::TooMany { count });
        }
        let mut sorted = Vec::from(regions);
        sorted.sort_unstable_by_key(|region| region.guest);
        let mut free_from = GuestAddr::new(0);
        for region in &sorted {
            let guest = region.guest;
            if region.len == 0 {
                return Err(RegionError::Empty { guest });
            }
            if (guest.get() | region.len | region.host.get()) % PAGE_SIZE != 0 {
                return Err(RegionError::Misaligned { guest });
            }
            let (Some(end), Some(_)) = (
                guest.checked_add(region.len),
                region.host.checked_add(region.len),
            ) else {
                return Err(RegionError::Wraps { guest });
            };
            if guest < free_from {
                return Err(RegionError::Overlap { guest });
            }
            free_from = end;
        }
        Ok(Self(sorted.into_boxed_slice()))
    }

    /// The regions, in ascending order.
    pub fn regions(&self) -> &[Region] {
        &self.0
    }

    /// The region that holds `at`.
    pub fn find(&self, at: GuestAddr) -> Option<&Region> {
        let behind = self.0.partition_point(|region| region.guest <= at);
        let region = self.0.get(behind.checked_sub(1)?)?;
        region.offset(at).map(|_| region)
    }

    /// A cursor for many look-ups near each other.
    #[inline]
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup {
            map: self,
            last: self.0.first().unwrap_or(&NOWHERE),
        }
    }

    /// How many of the `len` bytes from `at` on are backed before the first hole. Regions that
    /// follow each other without a gap count as one stretch.
    pub fn available(&self, at: GuestAddr, len: u64) -> u64 {
        let mut backed = 0;
        while backed < len
            && let Some(next) = at.checked_add(backed)
            && let Some(region) = self.find(next)
        {
            backed = region.end().wrapping_sub(at.get());
        }
        backed.min(len)
    }
}

/// No storage at all: where a cursor of an empty map stands.
static NOWHERE: Region = Region {
    guest: GuestAddr::new(0),
    len: 0,
    host: HostAddr::new(0),
    permission: Permission::ReadOnly,
};

/// A cursor over a [`RegionMap`] that remembers the region of the last look-up.
#[derive(Clone, Debug)]
pub struct Lookup<'m> {
    map: &'m RegionMap,
    last: &'m Region,
}

impl<'m> Lookup<'m> {
    /// The region that holds `at`: a compare if it is the one of the last call, a binary search
    /// if not.
    #[inline]
    pub fn region(&mut self, at: GuestAddr) -> Option<&'m Region> {
        self.locate(at).map(|(region, _)| region)
    }

    /// The region that holds `at`, and how far behind its first byte that is.
    #[inline]
    pub fn locate(&mut self, at: GuestAddr) -> Option<(&'m Region, u64)> {
        if let Some(offset) = self.last.offset(at) {
            return Some((self.last, offset));
        }
        self.last = self.map.find(at)?;
        Some((self.last, self.last.offset(at)?))
    }
}
