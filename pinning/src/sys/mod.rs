// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! System calls, and memory that others write to: everything here that needs `unsafe`.

use std::ops::Range;

mod backing;
mod current;
#[cfg(test)]
mod fork;
mod lock;
mod map;
mod memory;
#[cfg(feature = "io-uring")]
mod ring;
#[cfg(feature = "vm-memory")]
mod vm_memory;

pub use backing::{Backing, Object};
pub use current::Current;
pub(crate) use lock::{lock, memlock_limit, unlock};
pub(crate) use map::page_size;
pub use memory::HostMemory;
#[cfg(feature = "io-uring")]
pub(crate) use ring::BufferTable;

/// A piece of this process's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its first byte.
    pub addr: usize,
    /// Bytes.
    pub len: usize,
}

impl Piece {
    /// What of it lies before and behind the addresses in `hole`.
    pub(crate) fn without(self, hole: &Range<usize>) -> impl Iterator<Item = Self> + use<> {
        let end = self.addr.saturating_add(self.len);
        let before = self.addr..end.min(hole.start);
        let behind = self.addr.max(hole.end)..end;
        let parts = [before, behind].into_iter();
        parts.filter(|part| !part.is_empty()).map(|part| Self {
            addr: part.start,
            len: part.len(),
        })
    }
}
