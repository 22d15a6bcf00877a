// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where guest storage lies in this process, and at which I/O addresses.

use std::ops::Range;

use ccw::{GuestAddr, HostAddr};
use pinning::{Region, RegionError, RegionMap};
use translator::GuestStorage;

use super::{GuestRegion, Places, Ranges, WindowError};
use crate::HostMemory;

/// All regions at one moment. A start works with one layout from its first fetch to its last, and
/// keeps the memory of it alive.
#[derive(Clone, Debug)]
pub(in crate::mediator) struct Layout {
    /// In ascending order.
    regions: Vec<GuestRegion>,
    /// What programs cannot use of them.
    holes: Ranges,
    /// What programs can use.
    map: RegionMap,
    /// What is added to a guest address.
    offset: u64,
    /// Some storage has several guest addresses.
    pub(super) has_aliases: bool,
}

impl Layout {
    /// No regions, to be mapped at their guest address plus `offset`.
    pub(super) fn new(offset: u64) -> Self {
        Self {
            regions: Vec::new(),
            holes: Ranges::default(),
            map: RegionMap::default(),
            offset,
            has_aliases: false,
        }
    }

    /// With `region` as well.
    pub(super) fn with(&self, region: GuestRegion) -> Result<Self, RegionError> {
        let mut layout = self.clone();
        layout.regions.push(region);
        layout.regions.sort_unstable_by_key(|region| region.start);
        // What is gone of its memory is gone here too.
        layout.holes = layout.closure(layout.holes.clone());
        layout.describe()
    }

    /// Without `region`.
    pub(super) fn without(&self, region: &GuestRegion) -> Result<Self, WindowError> {
        let mut layout = self.clone();
        layout.regions.retain(|other| !other.is(region));
        if layout.regions.len() == self.regions.len() {
            return Err(WindowError::NotARegion);
        }
        Ok(layout.describe()?)
    }

    /// With other holes.
    pub(super) fn with_holes(&self, change: impl FnOnce(&mut Ranges)) -> Result<Self, RegionError> {
        let mut layout = self.clone();
        change(&mut layout.holes);
        layout.describe()
    }

    /// Makes the map anew.
    fn describe(mut self) -> Result<Self, RegionError> {
        let mut ranges = self.regions.iter().map(GuestRegion::range);
        self.has_aliases = ranges.any(|range| self.same_storage(&range) != [range]);
        // A region that comes later has all of its memory, unless that is gone where it is already.
        let mut holes = Ranges::default();
        for range in self.regions.iter().map(GuestRegion::range) {
            let parts = self.holes.within(range.start.get()..range.end.get());
            parts.for_each(|part| holes.insert(part));
        }
        self.holes = holes;
        let mut whole = Vec::with_capacity(self.regions.len());
        for region in &self.regions {
            let guest = region.start;
            let host = guest.get().checked_add(self.offset);
            whole.push(Region {
                guest,
                len: region.len(),
                host: HostAddr::new(host.ok_or(RegionError::Wraps { guest })?),
                permission: region.permission,
            });
        }
        // A hole must not hide that two regions overlap.
        self.map = RegionMap::new(&whole)?;
        if !self.holes.is_empty() {
            let pieces: Vec<_> = whole
                .iter()
                .flat_map(|it| pieces(it, &self.holes))
                .collect();
            self.map = RegionMap::new(&pieces)?;
        }
        Ok(self)
    }

    /// Where it lies for the device.
    pub(in crate::mediator) fn map(&self) -> &RegionMap {
        &self.map
    }

    /// The same for programs that start.
    pub(super) fn places(&self) -> Places {
        Places::new(self.map.clone())
    }

    pub(super) fn regions(&self) -> &[GuestRegion] {
        &self.regions
    }

    /// The region that begins at `start`.
    pub(super) fn region(&self, start: GuestAddr) -> Option<&GuestRegion> {
        self.regions.iter().find(|region| region.start == start)
    }

    /// What programs cannot use of the regions.
    pub(super) fn holes(&self) -> &Ranges {
        &self.holes
    }

    /// Whether regions have all of `range`, holes included.
    pub(super) fn has(&self, range: &Range<GuestAddr>) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.locate(at) {
                Some((region, ..)) => at = region.range().end,
                None => return false,
            }
        }
        true
    }

    /// The memory that holds `at`, the offset of `at` in it, and the bytes from there on that programs
    /// can use.
    fn find(&self, at: GuestAddr) -> Option<(&HostMemory, usize, usize)> {
        let (region, offset, mut left) = self.locate(at)?;
        if !self.holes.is_empty() {
            let rest = at.get()..at.get().saturating_add(left as u64);
            if let Some(hole) = self.holes.within(rest).next() {
                left = usize::try_from(hole.start - at.get()).ok()?;
            }
        }
        (left > 0).then_some((&region.memory, offset, left))
    }

    /// The region that holds `at`, the offset of `at` in it, and the bytes from there on.
    fn locate(&self, at: GuestAddr) -> Option<(&GuestRegion, usize, usize)> {
        let behind = self.regions.partition_point(|region| region.start <= at);
        let region = self.regions.get(behind.checked_sub(1)?)?;
        let (offset, left) = region.from(at)?;
        Some((region, offset, left))
    }
}

/// `region` without the holes.
fn pieces(region: &Region, holes: &Ranges) -> Vec<Region> {
    let start = region.guest.get();
    let end = start + region.len;
    let mut pieces = Vec::new();
    let mut push = |piece: Range<u64>| {
        if !piece.is_empty() {
            pieces.push(Region {
                guest: GuestAddr::new(piece.start),
                len: piece.end - piece.start,
                host: HostAddr::new(region.host.get() + (piece.start - start)),
                permission: region.permission,
            });
        }
    };
    let mut from = start;
    for hole in holes.within(start..end) {
        push(from..hole.start);
        from = hole.end;
    }
    push(from..end);
    pieces
}

impl Layout {
    /// Stores `bytes` at `at`, up to the first byte that is not there; says how many.
    pub(in crate::mediator) fn write(&self, at: GuestAddr, bytes: &[u8]) -> usize {
        let mut done = 0;
        while let Some(rest @ [_, ..]) = bytes.get(done..)
            && let Some(at) = at.checked_add(done as u64)
            && let Some((memory, offset, left)) = self.find(at)
        {
            let now = left.min(rest.len());
            let piece = rest.get(..now).unwrap_or(rest);
            if memory.write(offset, piece).is_err() {
                break;
            }
            done += now;
        }
        done
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
        laid_out(regions, 1 << 32).unwrap()
    }

    fn laid_out(
        regions: impl IntoIterator<Item = GuestRegion>,
        offset: u64,
    ) -> Result<Layout, RegionError> {
        let mut regions = regions.into_iter();
        regions.try_fold(Layout::new(offset), |layout, region| layout.with(region))
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
        let wrong = |start, offset| laid_out([region(start, 0x1000, 0)], offset).is_err();
        assert!(wrong(0x800, 0));
        assert!(wrong(0x1000, u64::MAX - 0xfff));
        let twice = vec![region(0, 0x2000, 0), region(0x1000, 0x1000, 0)];
        assert!(laid_out(twice, 0).is_err());
    }

    #[test]
    fn a_hole_splits_a_region_and_hides_no_overlap() {
        let hole = |holes: &mut Ranges| holes.insert(0x1000..0x5000);
        let layout = layout().with_holes(hole).unwrap();
        let map: Vec<_> = layout
            .map()
            .regions()
            .iter()
            .map(|r| (r.guest.get(), r.len))
            .collect();
        assert_eq!(map, [(0, 0x1000), (0x5000, 0x1000)]);
        assert_eq!(layout.map().regions()[1].host.get(), 0x1_0000_5000);
        let mut buf = [9; 4];
        assert_eq!(layout.read(GuestAddr::new(0xffe), &mut buf), 2);
        assert_eq!(layout.read(GuestAddr::new(0x4fff), &mut buf), 0);
        assert_eq!(layout.read(GuestAddr::new(0x5000), &mut buf), 4);
        assert!(layout.has(&(GuestAddr::new(0x4000)..GuestAddr::new(0x6000))));
        assert!(!layout.has(&(GuestAddr::new(0x1000)..GuestAddr::new(0x5000))));
        let over = layout.with(region(0x1000, 0x1000, 0)).unwrap_err();
        let guest = GuestAddr::new(0x1000);
        assert_eq!(over, RegionError::Overlap { guest });
        // What goes takes its holes with it.
        let first = layout.region(GuestAddr::new(0)).unwrap().clone();
        let without = layout.without(&first).unwrap();
        assert_eq!(without.holes().as_slice().first(), Some(&(0x4000..0x5000)));
    }
}
