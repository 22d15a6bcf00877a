// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The area for copies: data that the device takes from there, or leaves there, in the place of guest
//! storage.

use ccw::HostAddr;

use super::{
    Emitter,
    lists::{blocks, write_blocks},
};
use crate::{Code, node::Node};

/// A stretch of the area for copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its first byte in the area.
    pub(super) at: u32,
    /// Host address of that byte.
    pub(super) host: HostAddr,
}

impl Emitter<'_, '_> {
    /// Takes `len` bytes of the area, the first of which lies `offset` bytes into a block. They are
    /// zero.
    pub(super) fn reserve(&mut self, len: usize, offset: u64) -> Result<Place, Code> {
        let base = u64::from(self.slot.copies.base().get());
        let free = base + self.copied as u64;
        let gap = offset.wrapping_sub(free) & (self.block - 1);
        let start = u64::try_from(self.copied).ok().map(|used| used + gap);
        let start = start.and_then(|start| usize::try_from(start).ok());
        let start = start.ok_or(Code::HostArena)?;
        let end = start.checked_add(len).ok_or(Code::HostArena)?;
        let bytes = self.slot.copies.bytes().get_mut(start..end);
        bytes.ok_or(Code::HostArena)?.fill(0);
        self.copied = end;
        #[expect(clippy::cast_possible_truncation, reason = "the area lies below 2^31")]
        Ok(Place {
            at: start as u32,
            host: HostAddr::new(base + start as u64),
        })
    }

    /// Writes the parameters of `node` that were judged, and their list.
    pub(super) fn parameters(&mut self, node: &Node) -> Result<(), Code> {
        let work = self.work;
        let bytes = work.commands.piece_bytes(node.offset);
        if bytes.len() != usize::from(node.ccw().count) {
            return Err(Code::HostMap);
        }
        let copy = self.reserve_anywhere(bytes.len())?;
        self.write_copy(copy, bytes)?;
        let offset = copy.host.block_offset(self.block);
        let words = self.used..self.used + blocks(offset + bytes.len() as u64, self.block);
        let words = self.slot.lists.words().get_mut(words);
        let words = words.ok_or(Code::HostArena)?;
        self.used += words.len();
        write_blocks(words, copy.host.get(), offset, self.block);
        Ok(())
    }

    /// Takes `len` bytes of the area wherever they lie.
    pub(super) fn reserve_anywhere(&mut self, len: usize) -> Result<Place, Code> {
        let free = u64::from(self.slot.copies.base().get()) + self.copied as u64;
        self.reserve(len, free & (self.block - 1))
    }

    /// Writes what is known of a copy, from its first byte on.
    pub(super) fn write_copy(&mut self, place: Place, bytes: &[u8]) -> Result<(), Code> {
        let start = place.at as usize;
        let area = self.slot.copies.bytes();
        let place = area
            .get_mut(start..)
            .and_then(|area| area.get_mut(..bytes.len()));
        place.ok_or(Code::HostArena)?.copy_from_slice(bytes);
        Ok(())
    }
}
