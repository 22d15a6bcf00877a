// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The storage that a translated program is written to.

use core::ops::Range;

use ccw::{Addr31, CCW_SIZE, Host, HostAddr};
use thiserror::Error;

/// Doublewords that the host channel finds at an address below 2 GiB.
///
/// Whoever owns the storage makes it once; the guest can neither read nor write it.
#[derive(Debug)]
pub struct Area<'a> {
    base: Addr31<Host>,
    words: &'a mut [[u8; 8]],
}

/// Why storage cannot hold a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AreaError {
    /// The address is not a multiple of 8.
    #[error("the address {0:?} is not on a doubleword boundary")]
    Misaligned(HostAddr),
    /// It does not lie below 2 GiB as a whole.
    #[error("{len} bytes from {at:?} do not lie below 2 GiB")]
    TooHigh {
        /// First byte.
        at: HostAddr,
        /// Bytes.
        len: usize,
    },
    /// The scratch page does not begin on a page boundary.
    #[error("the scratch page {0:?} is not on a 4 KiB boundary")]
    Scratch(HostAddr),
    /// Two of CCWs, lists, copies and scratch page share storage.
    #[error("CCWs, lists, copies and scratch page overlap at {0:?}")]
    Overlap(HostAddr),
}

impl<'a> Area<'a> {
    /// The storage `bytes`, which the host channel finds at `base`. A last part of less than 8
    /// bytes is not used.
    ///
    /// # Errors
    ///
    /// [`AreaError`], if CCWs cannot lie there.
    pub fn new(base: HostAddr, bytes: &'a mut [u8]) -> Result<Self, AreaError> {
        let len = bytes.len();
        let too_high = AreaError::TooHigh { at: base, len };
        let start = Addr31::new(base).ok_or(too_high)?;
        if !base.is_aligned(CCW_SIZE) {
            return Err(AreaError::Misaligned(base));
        }
        match base.get().checked_add(len as u64) {
            Some(end) if end <= Addr31::<Host>::LIMIT => {}
            _ => return Err(too_high),
        }
        let (words, _) = bytes.as_chunks_mut();
        Ok(Self { base: start, words })
    }

    /// Address of the first doubleword.
    pub fn base(&self) -> Addr31<Host> {
        self.base
    }

    /// Number of doublewords.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no room at all.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The addresses of its doublewords.
    fn range(&self) -> Range<u64> {
        let start = u64::from(self.base.get());
        start..start + self.words.len() as u64 * CCW_SIZE
    }

    /// Address of doubleword `n`.
    #[inline]
    pub(crate) fn at(&self, n: usize) -> Addr31<Host> {
        #[expect(clippy::cast_possible_truncation, reason = "the area lies below 2^31")]
        Addr31::truncate(self.base.get().wrapping_add((n as u32).wrapping_mul(8)))
    }

    #[inline]
    pub(crate) fn words(&mut self) -> &mut [[u8; 8]] {
        self.words
    }

    #[inline]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        self.words.as_flattened_mut()
    }

    /// No storage at all.
    fn none() -> Self {
        Self {
            base: Addr31::truncate(0),
            words: &mut [],
        }
    }
}

/// Where one program goes: CCWs, lists, copies of data, and a page that nobody's data is in.
#[derive(Debug)]
pub struct Slot<'a> {
    pub(crate) ccws: Area<'a>,
    pub(crate) lists: Area<'a>,
    pub(crate) copies: Area<'a>,
    pub(crate) scratch: HostAddr,
}

impl<'a> Slot<'a> {
    /// A slot of an area for CCWs, one for lists, and the host address of a page that takes what
    /// nobody wants. The page belongs to whoever makes the slot; its contents have no meaning.
    ///
    /// # Errors
    ///
    /// [`AreaError::Scratch`], if the page is not on a page boundary; [`AreaError::Overlap`], if
    /// the device would store into the program, or one part of it would overwrite the other.
    pub fn new(ccws: Area<'a>, lists: Area<'a>, scratch: HostAddr) -> Result<Self, AreaError> {
        if !scratch.is_aligned(pinning::PAGE_SIZE) {
            return Err(AreaError::Scratch(scratch));
        }
        let slot = Self {
            ccws,
            lists,
            copies: Area::none(),
            scratch,
        };
        let (ccws, lists) = (slot.ccws.range(), slot.lists.range());
        disjoint(&ccws, &lists)?;
        disjoint(&ccws, &slot.page())?;
        disjoint(&lists, &slot.page())?;
        Ok(slot)
    }

    /// The same with an area for copies: data that the device takes from there, or leaves there, in
    /// the place of guest storage. Without one, a program that needs one is refused.
    ///
    /// # Errors
    ///
    /// [`AreaError::Overlap`], if another part of the slot lies there.
    pub fn with_copies(self, copies: Area<'a>) -> Result<Self, AreaError> {
        for other in [self.ccws.range(), self.lists.range(), self.page()] {
            disjoint(&other, &copies.range())?;
        }
        Ok(Self { copies, ..self })
    }

    /// The addresses of the scratch page.
    fn page(&self) -> Range<u64> {
        let start = self.scratch.get();
        start..start.saturating_add(pinning::PAGE_SIZE)
    }
}

/// Refuses storage that two parts of a slot share.
fn disjoint(one: &Range<u64>, other: &Range<u64>) -> Result<(), AreaError> {
    let first = one.start.max(other.start);
    if first < one.end.min(other.end) {
        return Err(AreaError::Overlap(HostAddr::new(first)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether CCWs at `ccws` and lists at `lists`, 64 bytes each, with scratch page 3000 overlap.
    fn slot(ccws: u64, lists: u64) -> Option<AreaError> {
        let (mut first, mut second) = ([0; 64], [0; 64]);
        let ccws = Area::new(HostAddr::new(ccws), &mut first).unwrap();
        let lists = Area::new(HostAddr::new(lists), &mut second).unwrap();
        Slot::new(ccws, lists, HostAddr::new(0x3000)).err()
    }

    #[test]
    fn parts_that_touch_do_not_overlap() {
        assert_eq!(slot(0x1000, 0x1040), None);
        assert_eq!(slot(0x1040, 0x1000), None);
        assert_eq!(slot(0x2fc0, 0x4000), None);
    }

    #[test]
    fn parts_that_share_a_doubleword_are_refused() {
        let overlap = |at| Some(AreaError::Overlap(HostAddr::new(at)));
        assert_eq!(slot(0x1000, 0x1038), overlap(0x1038));
        assert_eq!(slot(0x1038, 0x1000), overlap(0x1038));
        assert_eq!(slot(0x1000, 0x1000), overlap(0x1000));
        assert_eq!(slot(0x2fc8, 0x1000), overlap(0x3000));
        assert_eq!(slot(0x1000, 0x3ff8), overlap(0x3ff8));
        assert_eq!(slot(0x3800, 0x1000), overlap(0x3800));
    }

    #[test]
    fn copies_share_nothing_either() {
        let copies = |at| {
            let mut parts = [[0; 64]; 3];
            let [one, two, three] = &mut parts;
            let area = |at, bytes| Area::new(HostAddr::new(at), bytes).unwrap();
            let slot = Slot::new(area(0x1000, one), area(0x2000, two), HostAddr::new(0x3000));
            slot.unwrap().with_copies(area(at, three)).err()
        };
        let overlap = |at| Some(AreaError::Overlap(HostAddr::new(at)));
        for free in [0xfc0, 0x1040, 0x1fc0, 0x2040, 0x2fc0, 0x4000] {
            assert_eq!(copies(free), None, "{free:x}");
        }
        assert_eq!(copies(0xfc8), overlap(0x1000));
        assert_eq!(copies(0x2038), overlap(0x2038));
        assert_eq!(copies(0x3ff8), overlap(0x3ff8));
    }
}
