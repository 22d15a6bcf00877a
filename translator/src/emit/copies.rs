// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The area for copies: data that the device takes from there, or leaves there, in the place of guest
//! storage.

use core::ops::Range;

use ccw::HostAddr;

use super::{
    Emitter,
    lists::{blocks, write_blocks},
};
use crate::{Code, node::Node};

/// A stretch of the area for copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// Its bytes in the area.
    pub(super) bytes: Range<usize>,
    /// Host address of the first one.
    pub(super) host: HostAddr,
}

impl Emitter<'_, '_> {
    /// Takes `len` bytes of the area, the first of which lies `offset` bytes into a block.
    pub(super) fn reserve(&mut self, len: usize, offset: u64) -> Result<Copy, Code> {
        let area = &self.slot.copies;
        let base = u64::from(area.base().get());
        let at = base + self.copied as u64;
        let gap = offset.wrapping_sub(at) & (self.block - 1);
        let start = usize::try_from(gap)
            .ok()
            .and_then(|gap| self.copied.checked_add(gap));
        let start = start.ok_or(Code::HostArena)?;
        let end = start.checked_add(len).ok_or(Code::HostArena)?;
        if end > area.len() * 8 {
            return Err(Code::HostArena);
        }
        self.copied = end;
        Ok(Copy {
            bytes: start..end,
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
        let area = &self.slot.copies;
        let offset = (u64::from(area.base().get()) + self.copied as u64) & (self.block - 1);
        let copy = self.reserve(bytes.len(), offset)?;
        self.write_copy(&copy, bytes)?;
        let words = self.used..self.used + blocks(offset + bytes.len() as u64, self.block);
        let words = self.slot.lists.words().get_mut(words);
        let words = words.ok_or(Code::HostArena)?;
        self.used += words.len();
        write_blocks(words, copy.host.get(), offset, self.block);
        Ok(())
    }

    /// Writes what is known of a copy, from its first byte on.
    pub(super) fn write_copy(&mut self, copy: &Copy, bytes: &[u8]) -> Result<(), Code> {
        let area = self.slot.copies.words().as_flattened_mut();
        let place = area.get_mut(copy.bytes.clone());
        let place = place.and_then(|place| place.get_mut(..bytes.len()));
        place.ok_or(Code::HostArena)?.copy_from_slice(bytes);
        Ok(())
    }
}
