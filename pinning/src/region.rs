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

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn region(guest: u64, len: u64, host: u64) -> Region {
        Region {
            guest: GuestAddr::new(guest),
            len,
            host: HostAddr::new(host),
            permission: Permission::ReadWrite,
        }
    }

    /// [0x1000, 0x3000) and [0x3000, 0x4000) without a hole, then [0x8000, 0x9000).
    fn map() -> RegionMap {
        RegionMap::new(&[
            region(0x8000, 0x1000, 0x5000),
            region(0x1000, 0x2000, 0x9_0000),
            region(0x3000, 0x1000, 0x5000), // the same host page as the first
        ])
        .unwrap()
    }

    #[test]
    fn finds_the_first_and_the_last_byte_and_nothing_beside() {
        let map = map();
        let starts: Vec<u64> = map.regions().iter().map(|r| r.guest.get()).collect();
        assert_eq!(starts, [0x1000, 0x3000, 0x8000]);
        let mut lookup = map.lookup();
        for (at, expected) in [
            (0, None),
            (0xfff, None),
            (0x1000, Some((0x1000, 0))),
            (0x2fff, Some((0x1000, 0x1fff))),
            (0x3000, Some((0x3000, 0))),
            (0x3fff, Some((0x3000, 0xfff))),
            (0x4000, None),
            (0x7fff, None),
            (0x8fff, Some((0x8000, 0xfff))),
            (0x9000, None),
            (u64::MAX, None),
            (0x1001, Some((0x1000, 1))), // back again
        ] {
            let at = GuestAddr::new(at);
            let found = map.find(at).map(|r| (r.guest.get(), r.offset(at).unwrap()));
            assert_eq!(found, expected, "{at:?}");
            let located = lookup.locate(at).map(|(r, offset)| (r.guest.get(), offset));
            assert_eq!(located, expected, "{at:?}");
            assert_eq!(lookup.region(at), map.find(at));
        }
    }

    #[test]
    fn available_crosses_neighbours_and_ends_at_holes() {
        let map = map();
        for (at, len, expected) in [
            (0, 0x2000, 0),
            (0x1000, 0x3000, 0x3000),
            (0x1000, u64::MAX, 0x3000),
            (0x2fff, 2, 2),
            (0x2fff, 1, 1),
            (0x3fff, 2, 1),
            (0x8000, 0, 0),
            (u64::MAX, u64::MAX, 0),
        ] {
            assert_eq!(map.available(GuestAddr::new(at), len), expected, "{at:#x}");
        }
    }

    #[test]
    fn an_empty_map_holds_nothing() {
        let map = RegionMap::new(&[]).unwrap();
        for at in [0, 1, u64::MAX] {
            assert_eq!(map.lookup().region(GuestAddr::new(at)), None);
            assert_eq!(map.available(GuestAddr::new(at), 1), 0);
        }
    }

    #[test]
    fn refuses_regions_that_make_no_map() {
        const TOP: u64 = u64::MAX - 0xfff;
        let guest = GuestAddr::new;
        for (regions, error) in [
            (
                vec![region(0x1000, 0, 0)],
                RegionError::Empty {
                    guest: guest(0x1000),
                },
            ),
            (
                vec![region(0x1800, 0x1000, 0)],
                RegionError::Misaligned {
                    guest: guest(0x1800),
                },
            ),
            (
                vec![region(0, 0x1800, 0)],
                RegionError::Misaligned { guest: guest(0) },
            ),
            (
                vec![region(0, 0x1000, 0x800)],
                RegionError::Misaligned { guest: guest(0) },
            ),
            (
                vec![region(TOP, 0x1000, 0)],
                RegionError::Wraps { guest: guest(TOP) },
            ),
            (
                vec![region(0, 0x2000, TOP)],
                RegionError::Wraps { guest: guest(0) },
            ),
            (
                vec![region(0x2000, 0x1000, 0), region(0, 0x3000, 0)],
                RegionError::Overlap {
                    guest: guest(0x2000),
                },
            ),
            (
                vec![region(0, 0x1000, 0), region(0, 0x1000, 0)],
                RegionError::Overlap { guest: guest(0) },
            ),
            (
                vec![region(0, 0x1000, 0); MAX_REGIONS + 1],
                RegionError::TooMany {
                    count: MAX_REGIONS + 1,
                },
            ),
        ] {
            assert_eq!(RegionMap::new(&regions), Err(error));
        }
        let highest = region(TOP - 0x1000, 0x1000, TOP - 0x1000);
        assert!(RegionMap::new(&[highest]).is_ok());
    }
}
