// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writing lists: the blocks of pinned storage, and what stands for what is not there.

use ccw::{Class, HostAddr};

use super::Emitter;
use crate::{Code, FirstByteFault, chain::Op, node::Node};

impl Emitter<'_, '_> {
    #[inline]
    pub(super) fn put(&mut self, addr: HostAddr) -> Result<(), Code> {
        let word = self
            .slot
            .lists
            .words()
            .get_mut(self.used)
            .ok_or(Code::HostArena)?;
        *word = addr.get().to_be_bytes();
        self.used += 1;
        Ok(())
    }

    /// Writes `words` addresses of the scratch page.
    pub(super) fn fill(&mut self, words: u64) -> Result<(), Code> {
        (0..words).try_for_each(|_| self.put(self.slot.scratch))
    }

    /// Writes a list for input that is not stored, all of it in the scratch page. Reading
    /// backward, a word designates the last byte of its block.
    pub(super) fn skipped(&mut self, node: &Node, count: u16) -> Result<(), Code> {
        let count = u64::from(count);
        if node.head.class() != Class::ReadBackward {
            return self.fill(count.div_ceil(self.block));
        }
        let last = self
            .slot
            .scratch
            .checked_add(self.block - 1)
            .ok_or(Code::HostMap)?;
        // A host that counts blocks upward from there may read one word more.
        let extra = if self.work.profile.rebuilds_lists {
            self.block - 1
        } else {
            0
        };
        (0..(count + extra).div_ceil(self.block)).try_for_each(|_| self.put(last))
    }

    /// Writes the list of `node`: the blocks whose data is good, then what stops the channel.
    #[inline]
    pub(super) fn list(&mut self, node: &Node) -> Result<(), Code> {
        let start = self.used;
        let offset = node.offset() & (self.block - 1);
        if node.op == Op::Backward {
            self.backward(u64::from(node.good), offset)?;
        } else {
            self.forward(u64::from(node.good), offset)?;
        }
        if node.fault.is_some() {
            self.poison(node)?;
        }
        if self.work.profile.rebuilds_lists {
            self.complete(start, offset, node.ccw().count)?;
        }
        Ok(())
    }

    /// Writes the word at which the channel stops, behind the good data of `node`.
    pub(super) fn poison(&mut self, node: &Node) -> Result<(), Code> {
        let poison = match self.work.profile.first_byte_fault {
            FirstByteFault::Nowhere(nowhere) if node.good == 0 => nowhere,
            // Neither the first nor the last byte of a block.
            _ => self.slot.scratch.checked_add(1).ok_or(Code::HostMap)?,
        };
        self.put(poison)
    }

    /// Fills the list that began as word `start`, for `count` bytes from `offset` bytes into a block
    /// on, up to the words that a host reads which counts blocks upward from the first address,
    /// whatever the command.
    pub(super) fn complete(&mut self, start: usize, offset: u64, count: u16) -> Result<(), Code> {
        let need = (offset + u64::from(count)).div_ceil(self.block);
        let have = (self.used - start) as u64;
        self.fill(need.saturating_sub(have))
    }

    /// Writes the blocks of `left` bytes that begin `offset` bytes into a block.
    #[inline]
    pub(super) fn forward(&mut self, mut left: u64, mut offset: u64) -> Result<(), Code> {
        while left > 0 {
            let (host, room) = self.stream.rest().ok_or(Code::HostMap)?;
            let len = left.min(room);
            // Blocks lie in pages, and storage goes on from page to page within a run.
            if len < left && (offset + len) & (self.block - 1) != 0 {
                return Err(Code::HostMap);
            }
            let words = self.used..self.used + blocks(offset + len, self.block);
            let words = self
                .slot
                .lists
                .words()
                .get_mut(words)
                .ok_or(Code::HostArena)?;
            self.used += words.len();
            self.moved |= host ^ offset;
            write_blocks(words, host, offset, self.block);
            self.stream.advance(len);
            left -= len;
            offset = 0;
        }
        Ok(())
    }

    /// Writes the blocks of `left` bytes down from `offset` bytes into a block, each by its last
    /// byte.
    pub(super) fn backward(&mut self, mut left: u64, mut offset: u64) -> Result<(), Code> {
        while left > 0 {
            let mut len = left.min(offset + 1);
            left -= len;
            // An extent never crosses 2 KiB here; a block of the host may hold two.
            let mut below = None;
            while len > 0 {
                let (low, room) = self.stream.rest().ok_or(Code::HostMap)?;
                let here = len.min(room);
                let last = low.wrapping_add(here - 1);
                match below {
                    None => {
                        self.moved |= last ^ offset;
                        self.put(HostAddr::new(last))?;
                    }
                    Some(below) if last == below => {}
                    Some(_) => return Err(Code::HostMap),
                }
                below = Some(low.wrapping_sub(1));
                self.stream.advance(here);
                len -= here;
            }
            offset = self.block - 1;
        }
        Ok(())
    }
}

/// How many blocks of `block` bytes, a power of two, hold `bytes` from the start of the first.
#[inline]
pub(super) fn blocks(bytes: u64, block: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "less than 128 KiB")]
    {
        ((bytes + block - 1) >> block.trailing_zeros()) as usize
    }
}

/// Writes the list of the blocks of `block` bytes from `host` on, `offset` bytes into the first.
#[inline(always)]
pub(super) fn write_blocks(words: &mut [[u8; 8]], host: u64, offset: u64, block: u64) {
    let [first, others @ ..] = words else { return };
    *first = host.to_be_bytes();
    if others.is_empty() {
        return;
    }
    let mut addr = host.wrapping_sub(offset);
    for word in others {
        addr = addr.wrapping_add(block);
        *word = addr.to_be_bytes();
    }
}
