// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The address space of software devices.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ccw::{Addr, Host, HostAddr};
use css::{Storage, StorageError, StorageFault};

use crate::{Access, DmaSpace, Errno, HostMemory};

/// Mappings are of whole pages of this size.
const PAGE: u64 = 4096;

/// I/O addresses and the memory they lead to; every clone is the same space.
///
/// ```
/// use vfio_ccw::device::soft::SoftSpace;
/// use vfio_ccw::{Access, DmaSpace, Errno, HostMemory};
///
/// let mut space = SoftSpace::new();
/// let memory = HostMemory::anonymous(0x1000)?;
/// space.map(0x4000_0000, &memory, Access::Store)?;
/// assert_eq!(space.map(0x4000_0000, &memory, Access::Store), Err(Errno::EEXIST));
/// assert_eq!(space.unmap(0x4000_0000, 0x1000), Ok(()));
/// # Ok::<(), Errno>(())
/// ```
///
/// Unlike in the kernel, unmapping what a program uses does not reset its device: the program finds
/// no storage there any more. A store into memory mapped for fetching is a protection check.
#[derive(Clone, Debug, Default)]
pub struct SoftSpace(Arc<Mutex<BTreeMap<u64, Mapping>>>);

#[derive(Debug)]
struct Mapping {
    memory: HostMemory,
    access: Access,
}

impl SoftSpace {
    /// A space in which nothing is mapped.
    pub fn new() -> Self {
        Self::default()
    }

    fn mappings(&self) -> MutexGuard<'_, BTreeMap<u64, Mapping>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Visits the pieces of memory that `len` bytes at `addr` consist of, in ascending order. The
    /// callback gets the memory, the offset in it, and the first byte and length of the piece.
    fn visit(
        &self,
        addr: HostAddr,
        len: usize,
        access: Access,
        mut piece: impl FnMut(&HostMemory, usize, usize, usize) -> Result<(), Errno>,
    ) -> Result<(), StorageError<Host>> {
        let mappings = self.mappings();
        let mut done = 0;
        while done < len {
            let at = Addr::new(addr.get().wrapping_add(done as u64));
            let fault = |fault| StorageError { fault, at };
            let unavailable = || fault(StorageFault::Unavailable);
            if at < addr {
                return Err(unavailable());
            }
            let below = mappings.range(..=at.get()).next_back();
            let (start, mapping) = below.ok_or_else(unavailable)?;
            let offset = usize::try_from(at.get() - start).map_err(|_| unavailable())?;
            let left = mapping.memory.len().saturating_sub(offset);
            if left == 0 {
                return Err(unavailable());
            }
            if access == Access::Store && mapping.access == Access::Fetch {
                return Err(fault(StorageFault::Protected));
            }
            let now = left.min(len - done);
            piece(&mapping.memory, offset, done, now).map_err(|_| unavailable())?;
            done += now;
        }
        Ok(())
    }
}

impl DmaSpace for SoftSpace {
    fn map(&mut self, iova: u64, memory: &HostMemory, access: Access) -> Result<(), Errno> {
        let len = memory.len() as u64;
        if !iova.is_multiple_of(PAGE) || len == 0 || !len.is_multiple_of(PAGE) {
            return Err(Errno::EINVAL);
        }
        let last = iova.checked_add(len - 1).ok_or(Errno::EINVAL)?;
        let mut mappings = self.mappings();
        if let Some((start, below)) = mappings.range(..=last).next_back()
            && (*start >= iova || iova - start < below.memory.len() as u64)
        {
            return Err(Errno::EEXIST);
        }
        let memory = memory.clone();
        mappings.insert(iova, Mapping { memory, access });
        Ok(())
    }

    fn unmap(&mut self, iova: u64, len: u64) -> Result<(), Errno> {
        let mut mappings = self.mappings();
        match mappings.get(&iova) {
            Some(mapping) if mapping.memory.len() as u64 == len => {
                mappings.remove(&iova);
                Ok(())
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

impl Storage<Host> for SoftSpace {
    fn fetch(
        &mut self,
        addr: HostAddr,
        _key: u8,
        bytes: &mut [u8],
    ) -> Result<(), StorageError<Host>> {
        let len = bytes.len();
        self.visit(addr, len, Access::Fetch, |memory, offset, first, len| {
            let piece = bytes.get_mut(first..).and_then(|rest| rest.get_mut(..len));
            memory.read(offset, piece.ok_or(Errno::EFAULT)?)
        })
    }

    fn store(&mut self, addr: HostAddr, _key: u8, bytes: &[u8]) -> Result<(), StorageError<Host>> {
        let len = bytes.len();
        self.visit(addr, len, Access::Store, |memory, offset, first, len| {
            let piece = bytes.get(first..).and_then(|rest| rest.get(..len));
            memory.write(offset, piece.ok_or(Errno::EFAULT)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(len: usize) -> HostMemory {
        HostMemory::anonymous(len).unwrap()
    }

    fn fault(fault: StorageFault, at: u64) -> Result<(), StorageError<Host>> {
        let at = Addr::new(at);
        Err(StorageError { fault, at })
    }

    #[test]
    fn pieces_of_adjoining_memory_up_to_the_first_byte_that_is_not_there() {
        let mut space = SoftSpace::new();
        let (first, second) = (memory(0x1000), memory(0x2000));
        space.map(0x5000, &second, Access::Store).unwrap();
        space.map(0x4000, &first, Access::Store).unwrap();
        assert_eq!(space.store(Addr::new(0x4ffe), 0, &[1, 2, 3, 4]), Ok(()));
        let mut bytes = [0; 2];
        first.read(0xffe, &mut bytes).unwrap();
        assert_eq!(bytes, [1, 2]);
        second.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [3, 4]);

        let gone = fault(StorageFault::Unavailable, 0x7000);
        assert_eq!(space.store(Addr::new(0x6ffe), 0, &[5, 6, 7]), gone);
        let mut bytes = [9; 4];
        assert_eq!(space.fetch(Addr::new(0x6ffe), 0, &mut bytes), gone);
        assert_eq!(bytes, [5, 6, 9, 9]);
        let gone = fault(StorageFault::Unavailable, 0x3fff);
        assert_eq!(space.fetch(Addr::new(0x3fff), 0, &mut bytes), gone);
        assert_eq!(space.fetch(Addr::new(0x3fff), 0, &mut []), Ok(()));
    }

    #[test]
    fn the_last_page_of_all() {
        let mut space = SoftSpace::new();
        let top = 0u64.wrapping_sub(0x1000);
        assert_eq!(space.map(top, &memory(0x1000), Access::Store), Ok(()));
        let gone = fault(StorageFault::Unavailable, 0);
        assert_eq!(space.store(Addr::new(u64::MAX), 0, &[1, 2]), gone);
        let low = space.map(0, &memory(0x1000), Access::Store);
        assert_eq!(low, Ok(()), "and nothing wraps into this one");
        assert_eq!(space.store(Addr::new(u64::MAX), 0, &[1, 2]), gone);
        let beyond = space.map(top, &memory(0x2000), Access::Store);
        assert_eq!(beyond, Err(Errno::EINVAL));
    }

    #[test]
    fn what_is_mapped_for_fetching_is_not_stored_into() {
        let mut space = SoftSpace::new();
        space.map(0x4000, &memory(0x1000), Access::Fetch).unwrap();
        let refused = fault(StorageFault::Protected, 0x4010);
        assert_eq!(space.store(Addr::new(0x4010), 0, &[1]), refused);
        assert_eq!(space.fetch(Addr::new(0x4010), 0, &mut [0]), Ok(()));
    }

    #[test]
    fn whole_pages_that_do_not_overlap() {
        let mut space = SoftSpace::new();
        let two = memory(0x2000);
        let mut map = |iova| space.map(iova, &two, Access::Store);
        assert_eq!(map(0x4008), Err(Errno::EINVAL));
        assert_eq!(map(0x4000), Ok(()));
        for iova in [0x3000, 0x4000, 0x5000] {
            assert_eq!(map(iova), Err(Errno::EEXIST), "{iova:x}");
        }
        assert_eq!(map(0x2000), Ok(()));
        assert_eq!(map(0x6000), Ok(()));
    }

    #[test]
    fn only_whole_mappings_are_taken_back() {
        let mut space = SoftSpace::new();
        let two = memory(0x2000);
        space.map(0x4000, &two, Access::Store).unwrap();
        let mut other = space.clone();
        for (iova, len) in [(0x4000, 0x1000), (0x5000, 0x1000), (0x8000, 0x2000)] {
            assert_eq!(other.unmap(iova, len), Err(Errno::EINVAL));
        }
        assert_eq!(other.unmap(0x4000, 0x2000), Ok(()));
        let gone = fault(StorageFault::Unavailable, 0x4000);
        assert_eq!(space.fetch(Addr::new(0x4000), 0, &mut [0]), gone);
    }
}
