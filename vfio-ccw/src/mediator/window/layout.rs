// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where guest storage lies in this process, and at which I/O addresses.

use ccw::{GuestAddr, HostAddr};
use pinning::{Permission, Region, RegionError, RegionMap};
use translator::GuestStorage;

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

    /// The bytes from `at` on, as an offset and how many there are, if `at` lies in the region.
    fn from(&self, at: GuestAddr) -> Option<(usize, usize)> {
        let offset = at.get().checked_sub(self.start.get())?;
        let offset = usize::try_from(offset).ok()?;
        let left = self.memory.len().checked_sub(offset)?;
        (left > 0).then_some((offset, left))
    }
}

/// All regions at one moment. A start works with one layout from its first fetch to its last, and
/// keeps the memory of it alive.
#[derive(Debug, Default)]
pub(in crate::mediator) struct Layout {
    /// In ascending order.
    regions: Vec<GuestRegion>,
    map: RegionMap,
}

impl Layout {
    /// The layout of `regions`, each at its guest address plus `offset`.
    pub(super) fn new(mut regions: Vec<GuestRegion>, offset: u64) -> Result<Self, RegionError> {
        regions.sort_unstable_by_key(|region| region.start);
        let mut described = Vec::with_capacity(regions.len());
        for region in &regions {
            let guest = region.start;
            let host = guest.get().checked_add(offset);
            described.push(Region {
                guest,
                len: region.len(),
                host: HostAddr::new(host.ok_or(RegionError::Wraps { guest })?),
                permission: region.permission,
            });
        }
        let map = RegionMap::new(&described)?;
        Ok(Self { regions, map })
    }

    /// Where it lies for the device.
    pub(in crate::mediator) fn map(&self) -> &RegionMap {
        &self.map
    }

    pub(super) fn regions(&self) -> &[GuestRegion] {
        &self.regions
    }

    /// The region that begins at `start`.
    pub(super) fn region(&self, start: GuestAddr) -> Option<&GuestRegion> {
        self.regions.iter().find(|region| region.start == start)
    }

    /// Whether a device may store everywhere.
    pub(super) fn all_writable(&self) -> bool {
        self.regions
            .iter()
            .all(|region| region.permission == Permission::ReadWrite)
    }

    /// The memory that holds `at`, the offset of `at` in it, and the bytes from there on.
    fn find(&self, at: GuestAddr) -> Option<(&HostMemory, usize, usize)> {
        let behind = self.regions.partition_point(|region| region.start <= at);
        let region = self.regions.get(behind.checked_sub(1)?)?;
        let (offset, left) = region.from(at)?;
        Some((&region.memory, offset, left))
    }
}

impl GuestStorage for Layout {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(rest @ [_, ..]) = buf.get_mut(done..)
            && let Some(at) = at.checked_add(done as u64)
            && let Some((memory, offset, left)) = self.find(at)
        {
            let now = left.min(rest.len());
            let Some(piece) = rest.get_mut(..now) else {
                break;
            };
            if memory.read(offset, piece).is_err() {
                break;
            }
            done += now;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: u64, len: usize, first: u8) -> GuestRegion {
        let memory = HostMemory::anonymous(len).unwrap();
        memory.write(0, &[first]).unwrap();
        memory.write(len - 1, &[first + 1]).unwrap();
        GuestRegion::new(GuestAddr::new(start), memory)
    }

    fn layout() -> Layout {
        let regions = [
            region(0x4000, 0x1000, 3),
            region(0, 0x2000, 1),
            region(0x5000, 0x1000, 5),
        ];
        Layout::new(regions.into(), 1 << 32).unwrap()
    }

    #[test]
    fn reads_up_to_the_first_byte_that_is_not_there() {
        let layout = layout();
        let read = |at, len| {
            let mut buf = vec![0xee; len];
            let done = layout.read(GuestAddr::new(at), &mut buf);
            buf.truncate(done);
            buf
        };
        assert_eq!(read(0x1fff, 8), [2]);
        assert_eq!(read(0x2000, 8), []);
        assert_eq!(read(0x3fff, 1), []);
        assert_eq!(read(0x4fff, 2), [4, 5], "into the region behind");
        assert_eq!(read(0x5fff, 3), [6]);
        assert_eq!(read(u64::MAX, 2), []);
        assert_eq!(read(0, 0), []);
    }

    #[test]
    fn lies_above_four_gib_for_the_device() {
        let layout = layout();
        let hosts = layout.map().regions().iter().map(|r| r.host.get());
        let expected = [0x1_0000_0000, 0x1_0000_4000, 0x1_0000_5000];
        assert_eq!(hosts.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_makes_no_map() {
        let wrong = |start, offset| Layout::new(vec![region(start, 0x1000, 0)], offset).is_err();
        assert!(wrong(0x800, 0));
        assert!(wrong(0x1000, u64::MAX - 0xfff));
        let twice = vec![region(0, 0x2000, 0), region(0x1000, 0x1000, 0)];
        assert!(Layout::new(twice, 0).is_err());
    }
}
