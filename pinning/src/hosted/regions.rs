// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The regions of a pinner, piece by piece, and who keeps each piece.

use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::vec::Vec;

use ccw::{GuestAddr, HostAddr};

use super::keep::{AddError, Keep};
use super::layout::{Framed, Frames, Layout};
use crate::sys::Piece;
use crate::{HostMemory, Permission, Region, RegionMap, Stability};

/// The regions, and what keeps them.
#[derive(Debug)]
pub(super) struct Regions<K: Keep> {
    keep: K,
    /// In no order.
    stretches: Vec<Stretch<K::Kept>>,
    /// What was withdrawn and is kept all the same.
    holes: Vec<Hole<K::Kept>>,
    map: RegionMap,
}

/// Guest storage that is kept as one piece, or a part of such.
#[derive(Debug)]
struct Stretch<T> {
    region: Region,
    frames: Option<Frames>,
    memory: HostMemory,
    /// Shared with other parts of the piece.
    kept: Arc<T>,
}

/// What was withdrawn of a piece.
#[derive(Debug)]
struct Hole<T> {
    /// Who holds storage there may hold the piece's. Empty if nobody can.
    range: Range<GuestAddr>,
    bytes: u64,
    #[expect(dead_code, reason = "stays mapped as long as it is kept")]
    memory: HostMemory,
    kept: Arc<T>,
}

impl<K: Keep> Regions<K> {
    pub(super) fn new(keep: K) -> Self {
        Self {
            keep,
            stretches: Vec::new(),
            holes: Vec::new(),
            map: RegionMap::default(),
        }
    }

    pub(super) fn keep(&self) -> &K {
        &self.keep
    }

    /// What the promise is worth for all regions.
    pub(super) fn stability(&self) -> Stability {
        let mut memories = self.stretches.iter().map(|stretch| &stretch.memory);
        let is_sealed = memories.len() > 0 && memories.all(HostMemory::is_sealed);
        self.keep.stability(is_sealed)
    }

    /// Where everything lies.
    pub(super) fn layout(&self) -> Layout {
        let framed = |stretch: &Stretch<_>| {
            let frames = stretch.frames.clone()?;
            Some(Framed {
                region: stretch.region,
                frames,
            })
        };
        let mut regions: Vec<_> = self.stretches.iter().filter_map(framed).collect();
        if regions.is_empty() {
            return Layout::Virtual(self.map.clone());
        }
        regions.sort_unstable_by_key(|framed| framed.region.guest);
        Layout::Physical(regions.into())
    }

    /// Adds a region and keeps it, in pieces if it is too large for one. All or nothing.
    pub(super) fn add(
        &mut self,
        guest: GuestAddr,
        memory: &HostMemory,
        permission: Permission,
    ) -> Result<(), AddError> {
        let pieces = pieces::<K>(guest, memory, permission);
        let all = self.stretches.iter().map(|stretch| stretch.region);
        let all: Vec<_> = all
            .chain(pieces.iter().map(|(region, _)| *region))
            .collect();
        let map = RegionMap::new(&all)?;
        let mut added = Vec::new();
        for (region, piece) in pieces {
            match self.keep_piece(region, piece, memory) {
                Ok(stretch) => added.push(stretch),
                Err(error) => {
                    for stretch in added {
                        self.let_go(stretch);
                    }
                    return Err(error);
                }
            }
        }
        self.stretches.append(&mut added);
        self.map = map;
        Ok(())
    }

    fn keep_piece(
        &mut self,
        region: Region,
        piece: Piece,
        memory: &HostMemory,
    ) -> Result<Stretch<K::Kept>, AddError> {
        let at = region.guest;
        let kept = self.keep.keep(piece);
        let mut stretch = Stretch {
            region,
            frames: None,
            memory: memory.clone(),
            kept: Arc::new(kept.map_err(|error| AddError::Keep { at, error })?),
        };
        // Pinning may move a page, for the last time.
        match self.keep.frames(piece) {
            Ok(words) => stretch.frames = words.map(|words| Frames { words, first: 0 }),
            Err(error) => {
                self.let_go(stretch);
                return Err(AddError::Keep { at, error });
            }
        }
        Ok(stretch)
    }

    /// Releases what no program can have seen. If that fails it remains as a hole.
    fn let_go(&mut self, stretch: Stretch<K::Kept>) {
        if self.keep.release(&stretch.kept).is_err() {
            let nobody = GuestAddr::new(0)..GuestAddr::new(0);
            self.holes.push(Hole {
                range: nobody,
                bytes: stretch.region.len,
                memory: stretch.memory,
                kept: stretch.kept,
            });
        }
    }

    /// Takes whole pages out of the regions; they are kept until [`settle`](Self::settle). False, with
    /// nothing changed, if that made too many regions.
    pub(super) fn cut(&mut self, range: &Range<GuestAddr>) -> bool {
        let parts = self.stretches.iter();
        let parts: Vec<_> = parts.flat_map(|stretch| stretch.without(range)).collect();
        let regions: Vec<_> = parts.iter().map(|stretch| stretch.region).collect();
        let Ok(map) = RegionMap::new(&regions) else {
            return false;
        };
        for stretch in mem::replace(&mut self.stretches, parts) {
            let (start, end) = stretch.overlap(range);
            if start < end {
                self.holes.push(Hole {
                    range: GuestAddr::new(start)..GuestAddr::new(end),
                    bytes: end.wrapping_sub(start),
                    memory: stretch.memory,
                    kept: stretch.kept,
                });
            }
        }
        self.map = map;
        true
    }

    /// Lets go of the holes that nobody uses. The remaining parts of their pieces are kept by themselves
    /// first, so that no page is ever free between. Returns how many bytes of holes are left.
    pub(super) fn settle(&mut self, is_unused: impl Fn(&Range<GuestAddr>) -> bool) -> u64 {
        let mut left = Vec::new();
        while let Some(hole) = self.holes.pop() {
            let is_same = |other: &mut Hole<_>| Arc::ptr_eq(&other.kept, &hole.kept);
            let mut holes: Vec<_> = self.holes.extract_if(.., is_same).collect();
            holes.push(hole);
            if !holes.iter().all(|hole| is_unused(&hole.range)) || !self.release_piece(&holes) {
                left.append(&mut holes);
            }
        }
        self.holes = left;
        self.holes.iter().map(|hole| hole.bytes).sum()
    }

    /// Releases the piece of which these are the holes, after keeping what remains of it.
    fn release_piece(&mut self, holes: &[Hole<K::Kept>]) -> bool {
        let Some(Hole { kept: old, .. }) = holes.first() else {
            return true;
        };
        let mut fresh = Vec::new();
        for (index, stretch) in self.stretches.iter().enumerate() {
            if Arc::ptr_eq(&stretch.kept, old) {
                let Ok(kept) = self.keep.keep(stretch.piece()) else {
                    break;
                };
                fresh.push((index, Arc::new(kept)));
            }
        }
        let remaining = self.stretches.iter();
        let remaining = remaining.filter(|stretch| Arc::ptr_eq(&stretch.kept, old));
        if fresh.len() < remaining.count() {
            for (index, kept) in fresh {
                if self.keep.release(&kept).is_err()
                    && let Some(stretch) = self.stretches.get_mut(index)
                {
                    // Kept twice now; the first keeping may go.
                    stretch.kept = kept;
                }
            }
            return false;
        }
        for (index, kept) in fresh {
            if let Some(stretch) = self.stretches.get_mut(index) {
                stretch.kept = kept;
            }
        }
        self.keep.release(old).is_ok()
    }

    /// Releases everything that nobody uses. What somebody uses is kept for ever; returns how many bytes
    /// that are.
    pub(super) fn release_all(mut self, is_unused: impl Fn(&Range<GuestAddr>) -> bool) -> u64 {
        let everything = GuestAddr::new(0)..GuestAddr::new(u64::MAX);
        // Stretches become holes that make no parts.
        for stretch in mem::take(&mut self.stretches) {
            let (start, end) = stretch.overlap(&everything);
            self.holes.push(Hole {
                range: GuestAddr::new(start)..GuestAddr::new(end),
                bytes: stretch.region.len,
                memory: stretch.memory,
                kept: stretch.kept,
            });
        }
        self.settle(&is_unused);
        let used = self.holes.iter().filter(|hole| !is_unused(&hole.range));
        let kept = used.map(|hole| hole.bytes).sum();
        if kept > 0 {
            self.abandon();
        }
        kept
    }

    /// Keeps for ever what is kept.
    pub(super) fn abandon(self) {
        self.keep.abandon();
        self.stretches.into_iter().for_each(mem::forget);
        self.holes.into_iter().for_each(mem::forget);
    }
}

/// The pieces of a region, and where in this process they are.
fn pieces<K: Keep>(
    guest: GuestAddr,
    memory: &HostMemory,
    permission: Permission,
) -> Vec<(Region, Piece)> {
    let mut pieces = Vec::new();
    let mut offset = 0_usize;
    loop {
        let len = memory.len().wrapping_sub(offset).min(K::MOST);
        let piece = Piece {
            addr: memory.addr().saturating_add(offset),
            len,
        };
        let region = Region {
            guest: GuestAddr::new(guest.get().saturating_add(wide(offset))),
            len: wide(len),
            host: HostAddr::new(wide(piece.addr)),
            permission,
        };
        pieces.push((region, piece));
        offset = offset.saturating_add(len);
        if offset >= memory.len() {
            return pieces;
        }
    }
}

/// Sizes and addresses of this process are no wider than 64 bits.
fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl<T> Stretch<T> {
    /// Where it is in this process.
    fn piece(&self) -> Piece {
        let narrow = |number| usize::try_from(number).unwrap_or(usize::MAX);
        Piece {
            addr: narrow(self.region.host.get()),
            len: narrow(self.region.len),
        }
    }

    /// First byte, and first one behind, of what is in both; nothing if they are not in order.
    fn overlap(&self, range: &Range<GuestAddr>) -> (u64, u64) {
        let start = self.region.guest.get();
        let end = start.saturating_add(self.region.len);
        (start.max(range.start.get()), end.min(range.end.get()))
    }

    /// The parts of it outside `range`, which is made of whole pages.
    fn without(&self, range: &Range<GuestAddr>) -> impl Iterator<Item = Self> {
        let start = self.region.guest.get();
        let end = start.saturating_add(self.region.len);
        let (from, to) = self.overlap(range);
        let parts = match from < to {
            true => [start..from, to..end],
            false => [start..end, end..end],
        };
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.map(|part| self.part(part))
    }

    fn part(&self, part: Range<u64>) -> Self {
        let Region {
            guest,
            host,
            permission,
            ..
        } = self.region;
        let ahead = part.start.wrapping_sub(guest.get());
        let pages = usize::try_from(ahead / crate::PAGE_SIZE).unwrap_or(usize::MAX);
        Self {
            region: Region {
                guest: GuestAddr::new(part.start),
                len: part.end.wrapping_sub(part.start),
                host: HostAddr::new(host.get().wrapping_add(ahead)),
                permission,
            },
            frames: self.frames.clone().map(|frames| Frames {
                first: frames.first.saturating_add(pages),
                ..frames
            }),
            memory: self.memory.clone(),
            kept: Arc::clone(&self.kept),
        }
    }
}
