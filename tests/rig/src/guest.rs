// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest: its storage, and the words that it writes there.

use ccw::{GuestAddr, RawOrb, orb::word1};
use translator::GuestStorage;
use vfio_ccw::{Errno, HostMemory};

/// Bytes of the storage at 0.
pub(crate) const LOW_LEN: u64 = 64 << 20;
/// Storage above 2 GiB, which no CCW can name.
pub(crate) const HIGH: u64 = 0x9000_0000;
/// Storage above 4 GiB.
pub(crate) const HIGHER: u64 = 0x1_2000_0000;
/// Bytes of each of these.
pub(crate) const HIGH_LEN: u64 = 4 << 20;
/// Where a guest has no storage, below 2 GiB.
pub(crate) const NOWHERE: u32 = 0x7000_0000;

/// Storage with holes.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    regions: Vec<(u64, HostMemory)>,
}

impl Guest {
    /// Storage of zeros.
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut regions = Vec::new();
        for (at, len) in [(0, LOW_LEN), (HIGH, HIGH_LEN), (HIGHER, HIGH_LEN)] {
            let len = usize::try_from(len).map_err(|_| Errno::ENOMEM)?;
            regions.push((at, HostMemory::anonymous(len)?));
        }
        Ok(Self { regions })
    }

    /// Address and memory of each region.
    pub(crate) fn regions(&self) -> impl Iterator<Item = (u64, &HostMemory)> {
        self.regions.iter().map(|(at, memory)| (*at, memory))
    }

    /// The region with `at`, and how far into it.
    fn find(&self, at: u64) -> Option<(&HostMemory, usize)> {
        let mut all = self.regions.iter();
        all.find_map(|(start, memory)| {
            let offset = usize::try_from(at.checked_sub(*start)?).ok()?;
            (offset < memory.len()).then_some((memory, offset))
        })
    }

    /// Stores at `at`; a guest that stores nowhere is a mistake of the test.
    pub(crate) fn store(&self, at: u64, bytes: &[u8]) {
        let (memory, offset) = self.find(at).expect("guest storage");
        memory.write(offset, bytes).expect("inside one region");
    }

    /// Fetches `len` bytes from `at` on.
    pub(crate) fn fetch(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let (memory, offset) = self.find(at).expect("guest storage");
        memory.read(offset, &mut bytes).expect("inside one region");
        bytes
    }
}

impl GuestStorage for Guest {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let Some((memory, offset)) = self.find(at.get()) else {
            return 0;
        };
        let there = buf.len().min(memory.len() - offset);
        match memory.read(offset, &mut buf[..there]) {
            Ok(()) => there,
            Err(_) => 0,
        }
    }
}

/// Flags of a CCW.
pub(crate) const CD: u8 = 0x80;
pub(crate) const CC: u8 = 0x40;
pub(crate) const SLI: u8 = 0x20;
pub(crate) const SKIP: u8 = 0x10;
pub(crate) const PCI: u8 = 0x08;
pub(crate) const S: u8 = 0x02;
pub(crate) const IDA: u8 = 0x04;
pub(crate) const MIDA: u8 = 0x01;

/// Word 1 of an ORB: format-1 CCWs, prefetching, format-2 IDAWs of 4 KiB, the first path.
pub(crate) const STANDARD: u32 = word1::FORMAT1 | word1::PREFETCH | word1::FORMAT2_IDAWS | 0x8000;

/// What the guest hands to START SUBCHANNEL.
pub(crate) fn orb(word1: u32, cpa: u32) -> RawOrb {
    RawOrb::from_words([0x0c0f_fee0, word1, cpa])
}

/// A format-1 CCW.
pub(crate) fn ccw(command: u8, flags: u8, count: u16, addr: u32) -> [u8; 8] {
    let [h, l] = count.to_be_bytes();
    let [a, b, c, d] = addr.to_be_bytes();
    [command, flags, h, l, a, b, c, d]
}

/// A format-0 CCW.
pub(crate) fn ccw0(command: u8, flags: u8, count: u16, addr: u32) -> [u8; 8] {
    let [h, l] = count.to_be_bytes();
    let [_, b, c, d] = addr.to_be_bytes();
    [command, b, c, d, flags, 0, h, l]
}

/// A format-1 transfer in channel.
pub(crate) fn tic(addr: u32) -> [u8; 8] {
    ccw(8, 0, 0, addr)
}
