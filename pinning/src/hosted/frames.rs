// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A word that says where a page lies.

use crate::PAGE_SIZE;

/// The bits of a word that count; the others are the frame's address.
const COUNT: u64 = PAGE_SIZE - 1;

/// Address of the frame of a page, and how many pages from it on lie in consecutive frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(u64);

impl Word {
    /// Address of the frame.
    #[inline]
    pub(super) fn address(self) -> u64 {
        self.0 & !COUNT
    }

    /// How many bytes from the beginning of the page on lie in consecutive frames; at most
    /// [`Self::MOST`], which may be followed by more.
    #[inline]
    pub(super) fn bytes(self) -> u64 {
        (self.0 & COUNT) * PAGE_SIZE
    }

    /// Whether the next page lies elsewhere.
    #[inline]
    pub(super) fn is_alone(self) -> bool {
        self.0 & COUNT == 1
    }

    /// Most bytes that a word counts.
    pub(super) const MOST: u64 = COUNT * PAGE_SIZE;

    /// The word of a page in the frame at `address`, a multiple of a page, when the next page has the
    /// word `next`.
    #[cfg(feature = "io-uring")]
    pub(super) fn new(address: u64, next: Option<Self>) -> Self {
        let follows = |next: &Self| address.checked_add(PAGE_SIZE) == Some(next.address());
        let count = match next.filter(follows) {
            Some(Self(next)) if next & COUNT == COUNT => COUNT,
            Some(Self(next)) => (next & COUNT).wrapping_add(1),
            None => 1,
        };
        Self(address | count)
    }
}
