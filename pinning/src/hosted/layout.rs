// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where guest storage lies: what every pin looks at.

use std::boxed::Box;
use std::sync::Arc;

use ccw::{GuestAddr, HostAddr};

use super::frames::Word;
use crate::translate::{parts, permits};
use crate::{Extent, PAGE_SIZE, PinError, Region, RegionMap, Run, Runs};

/// Bits of an address within a page.
const PAGE_SHIFT: u32 = PAGE_SIZE.trailing_zeros();

/// Where guest storage lies, for all regions in the same terms.
#[derive(Debug)]
pub(super) enum Layout {
    /// Virtual addresses.
    Virtual(RegionMap),
    /// Frames.
    Physical(Box<[Framed]>),
}

/// A region and its frames.
#[derive(Clone, Debug)]
pub(super) struct Framed {
    pub(super) region: Region,
    pub(super) frames: Frames,
}

/// The frames from `first` on of those that were found together.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    pub(super) words: Arc<[Word]>,
    pub(super) first: usize,
}

impl Layout {
    /// Appends to `runs` the host-contiguous pieces of `extents`, in order.
    ///
    /// # Errors
    ///
    /// Those of [`RegionMap::translate`].
    #[inline]
    pub(super) fn translate(&self, extents: &[Extent], runs: &mut Runs) -> Result<(), PinError> {
        match self {
            Self::Virtual(map) => map.translate(extents, runs),
            Self::Physical(regions) => translate(regions, extents, runs),
        }
    }
}

fn translate(regions: &[Framed], extents: &[Extent], runs: &mut Runs) -> Result<(), PinError> {
    runs.try_reserve(extents.len())?;
    let mut last = regions.first();
    let mut done = 0_usize;
    while let Some(rest @ [_, ..]) = extents.get(done..) {
        // Extents in consecutive frames, as many as there are.
        let whole = rest.iter().map(|extent| {
            let framed = last.filter(|framed| permits(&framed.region, extent.access))?;
            framed.whole(extent)
        });
        done = done.wrapping_add(runs.extend_while_some(whole));
        let Some(extent) = extents.get(done) else {
            return Ok(());
        };
        // Then one that is not, or lies elsewhere.
        let here = |framed: &&Framed| framed.region.offset(extent.start).is_some();
        let framed = last.filter(here).or_else(|| find(regions, extent.start));
        last = framed.or(last);
        // Room for its pages, and for the others, if each is one run.
        runs.try_reserve(pages(extent.len).saturating_add(rest.len()))?;
        match framed.and_then(|framed| Some((framed, framed.holds(extent)?))) {
            Some((framed, offset)) if permits(&framed.region, extent.access) => {
                framed.append(offset, extent.len, true, runs);
            }
            _ => {
                let locate = |at| find(regions, at).and_then(|f| Some((f, f.region.offset(at)?)));
                let part = |framed: &Framed, (offset, len), is_first: bool| {
                    framed.append(offset, len, is_first, runs);
                };
                parts(done, extent, locate, |framed| &framed.region, part)?;
            }
        }
        done = done.wrapping_add(1);
    }
    Ok(())
}

/// Most pages that `len` bytes touch. The budget bounds `len`.
fn pages(len: u32) -> usize {
    usize::try_from(u64::from(len).div_ceil(PAGE_SIZE).wrapping_add(1)).unwrap_or(usize::MAX)
}

fn find(regions: &[Framed], at: GuestAddr) -> Option<&Framed> {
    let behind = regions.partition_point(|framed| framed.region.guest <= at);
    let framed = regions.get(behind.checked_sub(1)?)?;
    framed.region.offset(at).map(|_| framed)
}

impl Framed {
    /// How far behind its first byte the extent lies, if it is not empty and lies in the region.
    #[inline]
    fn holds(&self, extent: &Extent) -> Option<u64> {
        let offset = self.region.offset(extent.start)?;
        let most = self.region.len.wrapping_sub(offset);
        (extent.len != 0 && u64::from(extent.len) <= most).then_some(offset)
    }

    /// The run of an extent that lies in the region, in consecutive frames.
    #[inline]
    fn whole(&self, extent: &Extent) -> Option<Run> {
        let offset = self.holds(extent)?;
        let page = usize::try_from(offset / PAGE_SIZE).ok()?;
        let word = self
            .frames
            .words
            .get(self.frames.first.wrapping_add(page))?;
        let in_page = offset % PAGE_SIZE;
        let fits = u64::from(extent.len) <= word.bytes().wrapping_sub(in_page);
        fits.then(|| Run {
            host: HostAddr::new(word.address() | in_page),
            len: extent.len,
        })
    }

    /// Appends the runs of the `len` bytes from `offset` on, which lie in the region. The first run does
    /// not join what is there if `is_first`.
    #[inline]
    fn append(&self, offset: u64, len: u32, is_first: bool, runs: &mut Runs) {
        let page = usize::try_from(offset / PAGE_SIZE).unwrap_or(usize::MAX);
        let words = self
            .frames
            .words
            .get(self.frames.first.wrapping_add(page)..);
        let mut words = words.unwrap_or_default();
        let mut in_page = offset % PAGE_SIZE;
        let mut todo = len;
        let mut join = !is_first;
        // The words reach as far as the region.
        while todo > 0 && !words.is_empty() {
            let is_alone = words.first().is_some_and(|word| word.is_alone());
            if is_alone && in_page == 0 && !join {
                let alone = lone_pages(words, todo, runs);
                words = words.get(alone..).unwrap_or_default();
                // No more than `todo`.
                todo = todo.wrapping_sub(u32::try_from(alone << PAGE_SHIFT).unwrap_or(todo));
            }
            let Some(word) = words.first().filter(|_| todo > 0) else {
                return;
            };
            let run = word.bytes().wrapping_sub(in_page);
            let len = u32::try_from(run).map_or(todo, |run| run.min(todo));
            runs.push(HostAddr::new(word.address() | in_page), len, join);
            todo = todo.wrapping_sub(len);
            let end = in_page.wrapping_add(u64::from(len));
            let next = usize::try_from(end / PAGE_SIZE).unwrap_or(usize::MAX);
            words = words.get(next..).unwrap_or_default();
            in_page = end % PAGE_SIZE;
            join = word.bytes() == Word::MOST;
        }
    }
}

/// Appends the whole pages at the beginning of `len` bytes that stand alone; how many there were.
#[inline]
fn lone_pages(words: &[Word], len: u32, runs: &mut Runs) -> usize {
    let whole = usize::try_from(len >> PAGE_SHIFT).unwrap_or(usize::MAX);
    let words = words.get(..whole).unwrap_or(words);
    runs.extend_while_some(words.iter().map(|word| {
        word.is_alone().then(|| Run {
            host: HostAddr::new(word.address()),
            len: 1 << PAGE_SHIFT,
        })
    }))
}
