// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The storage that a translated program is written to.

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
}

/// Where one program goes: CCWs, lists, and a page that nobody's data is in.
#[derive(Debug)]
pub struct Slot<'a> {
    ccws: Area<'a>,
    lists: Area<'a>,
    scratch: HostAddr,
}

impl<'a> Slot<'a> {
    /// A slot of an area for CCWs, one for lists, and the host address of a page that takes what
    /// nobody wants. The page belongs to whoever makes the slot; its contents have no meaning.
    ///
    /// # Errors
    ///
    /// [`AreaError::Scratch`], if the page is not on a page boundary.
    pub fn new(ccws: Area<'a>, lists: Area<'a>, scratch: HostAddr) -> Result<Self, AreaError> {
        if !scratch.is_aligned(pinning::PAGE_SIZE) {
            return Err(AreaError::Scratch(scratch));
        }
        Ok(Self {
            ccws,
            lists,
            scratch,
        })
    }

    pub(crate) fn into_parts(self) -> (Area<'a>, Area<'a>, HostAddr) {
        (self.ccws, self.lists, self.scratch)
    }
}
