// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The storage of a program as memory that a device can use: only those blocks of it that the
//! program uses, whatever size it declares.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ccw::{CcwFlags, Format, GuestAddr};
use translator::GuestStorage;
use vfio_ccw::HostMemory;

use super::session::Session;
use crate::memory::{Memory, PAGE_BYTES, Working};

/// Bytes of a block.
const BLOCK: u64 = 64 << 10;
/// Most blocks: 256 MiB, as much as the longest program moves that vfio-ccw takes (4096 CCWs of
/// 64 KiB).
const MOST_BLOCKS: usize = 4096;
/// Where addresses that a CCW can name end.
const LIMIT: u64 = 1 << 31;

/// The blocks of storage that a program uses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    /// Their numbers.
    blocks: BTreeSet<u64>,
}

impl Uses {
    /// `len` bytes from `at` on are used.
    pub(crate) fn add(&mut self, at: u64, len: u64) {
        let Some(last) = len.checked_sub(1) else {
            return;
        };
        let last = at.saturating_add(last) / BLOCK;
        for block in at / BLOCK..=last {
            if self.is_too_much() {
                return;
            }
            self.blocks.insert(block);
        }
    }

    /// These and those.
    pub(crate) fn and(mut self, mut other: Self) -> Self {
        self.blocks.append(&mut other.blocks);
        self
    }

    /// Whether it is more than a program may use.
    fn is_too_much(&self) -> bool {
        self.blocks.len() > MOST_BLOCKS
    }

    /// The highest block that nothing uses and a CCW can name.
    fn free_block(&self) -> u64 {
        let below = (0..LIMIT / BLOCK).rev();
        let mut free = below.filter(|block| !self.blocks.contains(block));
        // There are more blocks below 2 GiB than a program may use.
        free.next().unwrap_or_default() * BLOCK
    }
}

/// Storage that writes down what is read of it.
pub(crate) struct Watched<'m> {
    memory: &'m Memory,
    uses: RefCell<Uses>,
}

impl<'m> Watched<'m> {
    /// `memory`, of which nothing was read yet.
    pub(crate) fn new(memory: &'m Memory) -> Self {
        let uses = RefCell::default();
        Self { memory, uses }
    }

    /// What was read.
    pub(crate) fn into_uses(self) -> Uses {
        self.uses.into_inner()
    }
}

impl GuestStorage for Watched<'_> {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let n = self.memory.read(at.get(), buf);
        self.uses.borrow_mut().add(at.get(), n as u64);
        n
    }
}

/// Guest storage that a device can use.
#[derive(Debug)]
pub(crate) struct Ram<'m> {
    memory: &'m Memory,
    /// Regions of adjoining blocks, with their addresses.
    regions: Vec<(u64, HostMemory)>,
    spare: u64,
}

impl<'m> Ram<'m> {
    /// The blocks of `memory` in `uses`.
    pub(crate) fn new(memory: &'m Memory, uses: &Uses) -> Result<Self, String> {
        if uses.is_too_much() {
            return Err(format!(
                "the program uses more than {} MiB of storage, the most that is lent to a device",
                (MOST_BLOCKS as u64 * BLOCK) >> 20
            ));
        }
        let mut regions = Vec::new();
        let mut blocks = uses.blocks.iter().copied().peekable();
        while let Some(first) = blocks.next() {
            let mut end = first + 1;
            while blocks.next_if_eq(&end).is_some() {
                end += 1;
            }
            let start = first * BLOCK;
            let len = end
                .saturating_mul(BLOCK)
                .min(memory.size())
                .saturating_sub(start);
            if len > 0 {
                regions.push((start, copy(memory, start, len)?));
            }
        }
        Ok(Self {
            memory,
            regions,
            spare: uses.free_block(),
        })
    }

    /// Gives the storage to the guest of `session`.
    pub(crate) fn lend(&self, session: &Session) -> Result<(), String> {
        let mut regions = self.regions.iter();
        regions.try_for_each(|(at, memory)| session.add(*at, memory))
    }

    /// The address of a page that a CCW can name, and that the program does not use.
    pub(crate) const fn spare(&self) -> u64 {
        self.spare
    }

    /// Takes the S flag out of the CCW at `at`, of this format, as a guest does that resumes it.
    pub(crate) fn take_suspend_flag(&self, at: u64, format: Format) {
        let flags = at.saturating_add(match format {
            Format::Zero => 4,
            Format::One => 1,
        });
        for (start, memory) in &self.regions {
            let offset = flags.checked_sub(*start).map(usize::try_from);
            let mut byte = [0];
            if let Some(Ok(offset)) = offset
                && memory.read(offset, &mut byte).is_ok()
            {
                let [flags] = byte;
                // There is nothing to be done where it cannot be written: it stands on.
                let _ = memory.write(offset, &[flags & !CcwFlags::SUSPEND.bits()]);
            }
        }
    }

    /// The storage as it is now.
    pub(crate) fn working(&self) -> Working<'m> {
        let mut working = Working::new(self.memory);
        let (mut now, mut before) = ([0; PAGE_BYTES], [0; PAGE_BYTES]);
        for (at, memory) in &self.regions {
            for offset in (0..memory.len()).step_by(now.len()) {
                let addr = at.saturating_add(offset as u64);
                let there = self.memory.read(addr, &mut before);
                if memory.read(offset, &mut now).is_ok()
                    && let (Some(now), Some(before)) = (now.get(..there), before.get(..there))
                    && now != before
                {
                    working.write(addr, now);
                }
            }
        }
        working
    }
}

/// `len` bytes of `memory` from `start` on, as memory of their own.
fn copy(memory: &Memory, start: u64, len: u64) -> Result<HostMemory, String> {
    let failed = |errno| format!("no memory for guest storage: {errno}");
    let len = usize::try_from(len).map_err(|_| "no memory for guest storage".to_owned())?;
    let host = HostMemory::anonymous(len).map_err(failed)?;
    let mut bytes = [0; PAGE_BYTES];
    for offset in (0..len).step_by(bytes.len()) {
        let there = memory.read(start.saturating_add(offset as u64), &mut bytes);
        let there = bytes.get(..there).unwrap_or_default();
        // It is zero already, and need not be there at all.
        if there.iter().any(|byte| *byte != 0) {
            host.write(offset, there).map_err(failed)?;
        }
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Extent;

    fn memory(size: u64, fill: u8) -> Memory {
        let extents = vec![Extent {
            addr: 0x1_fffe,
            bytes: b"abcd".to_vec(),
        }];
        Memory::new(size, fill, extents, vec![]).unwrap()
    }

    fn regions(ram: &Ram<'_>) -> Vec<(u64, usize)> {
        let regions = ram.regions.iter();
        regions.map(|(at, memory)| (*at, memory.len())).collect()
    }

    #[test]
    fn only_blocks_in_use_are_there_and_storage_ends_where_it_ends() {
        let memory = memory(0x5_3000, 0xee);
        let mut uses = Uses::default();
        uses.add(0x1_ffff, 2);
        uses.add(0x5_2fff, 1);
        uses.add(0x4_0000, 0);
        let ram = Ram::new(&memory, &uses).unwrap();
        assert_eq!(regions(&ram), [(0x1_0000, 0x2_0000), (0x5_0000, 0x3000)]);
        let mut bytes = [0; 6];
        ram.regions[0].1.read(0xfffd, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\xeeabcd\xee");
        assert_eq!(ram.working().changes(), []);
    }

    #[test]
    fn changes_are_seen_through_the_whole_storage() {
        let memory = memory(1 << 46, 0);
        let mut uses = Uses::default();
        uses.add(0x1_ffff, 2);
        uses.add((1 << 46) - 1, 1);
        let ram = Ram::new(&memory, &uses).unwrap();
        ram.regions[0].1.write(0xffff, b"xc").unwrap();
        ram.regions[1].1.write(0xffff, b"z").unwrap();
        let last = (1 << 46) - 1;
        assert_eq!(
            ram.working().changes(),
            [0x1_ffff..0x2_0000, last..last + 1]
        );
    }

    #[test]
    fn a_program_cannot_use_everything() {
        let memory = memory(1 << 46, 0);
        let mut uses = Uses::default();
        uses.add(0, 256 << 20);
        assert!(Ram::new(&memory, &uses).is_ok());
        uses.add(0, u64::MAX);
        let error = Ram::new(&memory, &uses).unwrap_err();
        assert!(error.contains("more than 256 MiB"), "{error}");
    }

    #[test]
    fn what_is_read_is_in_use() {
        let memory = memory(0x3_0000, 0);
        let watched = Watched::new(&memory);
        assert!(watched.read_doubleword(GuestAddr::new(0x1_fff8)).is_some());
        assert!(watched.read_doubleword(GuestAddr::new(0x2_fffc)).is_none());
        assert!(watched.read_doubleword(GuestAddr::new(0x5_0000)).is_none());
        let blocks: Vec<u64> = watched.into_uses().blocks.into_iter().collect();
        assert_eq!(blocks, [1, 2]);
    }

    #[test]
    fn the_tools_own_page_is_nobody_elses() {
        let mut uses = Uses::default();
        assert_eq!(uses.free_block(), 0x7fff_0000);
        uses.add(0x7ffe_0001, 0x1_0000);
        assert_eq!(uses.free_block(), 0x7ffd_0000);
    }
}
