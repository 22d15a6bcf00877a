// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest storage that is the same memory as other guest storage.

use std::ops::Range;

use ccw::GuestAddr;
use pinning::{Backing, Object};

use super::{GuestRegion, Layout, Ranges};
use crate::HostMemory;

impl Layout {
    /// Calls `each` for all guest addresses at which the storage of `range` is.
    pub(in crate::mediator) fn wherever(
        &self,
        range: Range<GuestAddr>,
        each: impl FnMut(Range<GuestAddr>),
    ) {
        match self.has_aliases {
            true => self.same_storage(&range).into_iter().for_each(each),
            false => std::iter::once(range).for_each(each),
        }
    }

    /// All guest addresses at which the storage of `range` is, in ascending order.
    pub(super) fn same_storage(&self, range: &Range<GuestAddr>) -> Vec<Range<GuestAddr>> {
        let mut wanted = Ranges::default();
        wanted.insert(range.start.get()..range.end.get());
        let found = self.closure(wanted);
        let found = found.as_slice().iter();
        found
            .map(|it| GuestAddr::new(it.start)..GuestAddr::new(it.end))
            .collect()
    }

    /// `ranges`, and all other addresses of that storage.
    pub(super) fn closure(&self, mut ranges: Ranges) -> Ranges {
        // Storage can be known by one name to one region, and by another to the next.
        loop {
            let more = self.expand(&ranges);
            if more == ranges {
                return ranges;
            }
            ranges = more;
        }
    }

    /// `ranges`, and whatever shares a name with storage there.
    fn expand(&self, ranges: &Ranges) -> Ranges {
        let wanted = self.names_in(ranges);
        let mut found = ranges.clone();
        for region in self.regions() {
            for name in names(&region.memory) {
                for part in wanted.iter().map(|other| shared(&name, other)) {
                    if !part.is_empty() {
                        let first = region.start.get() + (part.start - name.1.start);
                        found.insert(first..first + (part.end - part.start));
                    }
                }
            }
        }
        found
    }

    /// The names of the bytes of `ranges`.
    fn names_in(&self, ranges: &Ranges) -> Vec<(Object, Range<u64>)> {
        let mut found = Vec::new();
        for region in self.regions() {
            let range = region.range();
            for part in ranges.within(range.start.get()..range.end.get()) {
                for (object, bytes) in names(&region.memory) {
                    let ahead = part.start - range.start.get();
                    let first = bytes.start + ahead;
                    found.push((object, first..first + (part.end - part.start)));
                }
            }
        }
        found
    }

    /// The regions that have bytes of `memory`.
    pub(super) fn sharing(&self, memory: &HostMemory) -> Vec<GuestRegion> {
        let wanted = names(memory);
        let shares = |region: &&GuestRegion| {
            let names = names(&region.memory);
            names
                .iter()
                .any(|name| wanted.iter().any(|other| !shared(name, other).is_empty()))
        };
        self.regions().iter().filter(shares).cloned().collect()
    }

    /// Whether `region`, which need not be one of these, has storage of `ranges` outside of them.
    pub(super) fn has_elsewhere(&self, ranges: &[Range<GuestAddr>], region: &GuestRegion) -> bool {
        let mut inside = Ranges::default();
        for range in ranges {
            inside.insert(range.start.get()..range.end.get());
        }
        let wanted = self.names_in(&inside);
        names(&region.memory).iter().any(|name| {
            let mut parts = wanted.iter().map(|other| shared(name, other));
            parts.any(|part| {
                // The offset is that in the region, whose guest addresses may yet pass the end.
                let offset = part.start.saturating_sub(name.1.start);
                let first = region.start.get().saturating_add(offset);
                let place = first..first.saturating_add(part.end.saturating_sub(part.start));
                !part.is_empty() && inside.within(place.clone()).next() != Some(place)
            })
        })
    }
}

/// By what names the bytes of `memory` are known: that of what keeps them, and their addresses in this
/// process.
fn names(memory: &HostMemory) -> [(Object, Range<u64>); 2] {
    let len = memory.len() as u64;
    let Backing { object, offset } = memory.backing();
    let addr = memory.addr() as u64;
    [(object, offset), (Object::AddressSpace, addr)]
        .map(|(object, start)| (object, start..start.saturating_add(len)))
}

/// The bytes that two names have in common.
fn shared(one: &(Object, Range<u64>), other: &(Object, Range<u64>)) -> Range<u64> {
    match one.0 == other.0 {
        true => one.1.start.max(other.1.start)..one.1.end.min(other.1.end),
        false => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(regions: impl IntoIterator<Item = GuestRegion>) -> Layout {
        let mut regions = regions.into_iter();
        let layout = regions.try_fold(Layout::new(1 << 32), |layout, region| layout.with(region));
        layout.unwrap()
    }

    /// A file mapped twice, in part, and one mapping used twice.
    #[test]
    fn storage_is_the_same_by_its_file_and_by_its_address() {
        let whole = HostMemory::memfd(0x4000).unwrap();
        let again = whole.share(0x2000, 0x2000).unwrap();
        let other = HostMemory::sealed(0x4000).unwrap();
        let at =
            |start, memory: &HostMemory| GuestRegion::new(GuestAddr::new(start), memory.clone());
        let regions = [
            at(0, &other),
            at(0x10_0000, &whole),
            at(0x20_0000, &again),
            at(0x30_0000, &again),
        ];
        let layout = laid_out(regions);
        let range = |start, end| GuestAddr::new(start)..GuestAddr::new(end);
        let same = |start, end| layout.same_storage(&range(start, end));
        assert_eq!(same(0x1000, 0x3000), [range(0x1000, 0x3000)]);
        assert_eq!(same(0x10_1000, 0x10_2000), [range(0x10_1000, 0x10_2000)]);
        let pages = [0x10_3000, 0x20_1000, 0x30_1000].map(|at| range(at, at + 0x1000));
        for page in &pages {
            assert_eq!(layout.same_storage(page), pages);
        }
        // Over the end of one region into nothing the same.
        let parts = same(0x10_1000, 0x10_4000);
        let expected = [
            (0x10_1000, 0x10_4000),
            (0x20_0000, 0x20_2000),
            (0x30_0000, 0x30_2000),
        ];
        assert_eq!(parts, expected.map(|(start, end)| range(start, end)));
        let starts = |memory| {
            let regions = layout.sharing(memory).into_iter();
            regions.map(|region| region.start.get()).collect::<Vec<_>>()
        };
        assert_eq!(starts(&again), [0x10_0000, 0x20_0000, 0x30_0000]);
        assert_eq!(starts(&other), [0]);
    }
}
