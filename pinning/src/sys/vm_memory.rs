// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest memory of the crate `vm-memory`.

use std::ptr::NonNull;

use vm_memory::bitmap::Bitmap;
use vm_memory::mmap::GuestRegionMmap;

use super::HostMemory;
use super::backing::FileRange;
use crate::Errno;

impl HostMemory {
    /// The memory of a region, which stays mapped as long as the handle exists.
    ///
    /// What a device stores is not marked in the region's bitmap.
    ///
    /// # Errors
    ///
    /// `EACCES` if this process may not read and write it, `EINVAL` if it is not mapped.
    pub fn of_region<B>(region: &GuestRegionMmap<B>) -> Result<Self, Errno>
    where
        B: Bitmap + Send + Sync + 'static,
    {
        let mapping = region.get_mmap();
        let both = libc::PROT_READ | libc::PROT_WRITE;
        if mapping.prot() & both != both {
            return Err(Errno::EACCES);
        }
        let start = NonNull::new(mapping.as_ptr()).ok_or(Errno::EINVAL)?;
        let len = mapping.size();
        let file = match (mapping.file_offset(), mapping.flags() & libc::MAP_SHARED) {
            (None, _) | (_, 0) => None,
            (Some(place), _) => Some(FileRange::new(place.file(), place.start())?),
        };
        // SAFETY: until `mapping`, the owner, is dropped,
        // 1. its `size()` bytes are mapped with the protection looked at above, and
        // 2. `vm-memory` hands out no references to them: it accesses guest memory by volatile and
        //    atomic loads and stores.
        let memory = unsafe { Self::from_raw(start, len, mapping) };
        Ok(memory.in_file(file))
    }
}

#[cfg(test)]
mod tests {
    use vm_memory::mmap::{MmapRegion, MmapRegionBuilder};
    use vm_memory::{Bytes, FileOffset, GuestAddress, MemoryRegionAddress};

    use super::*;
    use crate::Object;

    fn region(protection: i32) -> GuestRegionMmap {
        let mapping: MmapRegion = MmapRegionBuilder::new(0x2000)
            .with_mmap_prot(protection)
            .with_mmap_flags(libc::MAP_ANONYMOUS | libc::MAP_PRIVATE)
            .build()
            .unwrap();
        GuestRegionMmap::new(mapping, GuestAddress(0x1000)).unwrap()
    }

    #[test]
    fn both_see_the_same_memory() {
        let region = region(libc::PROT_READ | libc::PROT_WRITE);
        let memory = HostMemory::of_region(&region).unwrap();
        assert_eq!(memory.len(), 0x2000);
        memory.write(0x1ffc, &[1, 2, 3, 4]).unwrap();
        let mut bytes = [0; 2];
        region
            .read_slice(&mut bytes, MemoryRegionAddress(0x1ffd))
            .unwrap();
        assert_eq!(bytes, [2, 3]);
        drop(region);
        memory.read(0x1ffe, &mut bytes).unwrap();
        assert_eq!(bytes, [3, 4], "it is kept");
    }

    #[test]
    fn shared_files_are_known_and_private_ones_are_not() {
        let (flags, start) = (libc::MAP_NORESERVE, 0x1000);
        for (kind, is_shared) in [(libc::MAP_SHARED, true), (libc::MAP_PRIVATE, false)] {
            let file = super::super::map::memory_file(0x3000).unwrap();
            let mapping: MmapRegion = MmapRegionBuilder::new(0x2000)
                .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
                .with_mmap_flags(flags | kind)
                .with_file_offset(FileOffset::new(file, start))
                .build()
                .unwrap();
            let region = GuestRegionMmap::new(mapping, GuestAddress(0)).unwrap();
            let backing = HostMemory::of_region(&region).unwrap().backing();
            match backing.object {
                Object::File { .. } => assert!(is_shared && backing.offset == start),
                Object::AddressSpace => assert!(!is_shared),
            }
        }
    }

    #[test]
    fn memory_that_this_process_may_not_use() {
        let denied = HostMemory::of_region(&region(libc::PROT_READ)).unwrap_err();
        assert_eq!(denied, Errno::EACCES);
    }
}
