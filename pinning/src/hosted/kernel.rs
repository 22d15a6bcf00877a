// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The system calls that keep pages. They are made through [`Kernel`] and no other way, so that a test
//! can let any of them fail.

use std::fmt;
#[cfg(feature = "io-uring")]
use std::{fs::File, os::unix::fs::FileExt, vec};

use crate::Errno;
#[cfg(feature = "io-uring")]
use crate::sys::BufferTable;
use crate::sys::{self, Piece};

pub(super) trait Kernel: fmt::Debug + Send + Sync {
    /// A table of empty buffer slots.
    #[cfg(feature = "io-uring")]
    fn table(&self, slots: u32) -> Result<BufferTable, Errno>;

    /// Pins the pages of `piece` in a slot.
    #[cfg(feature = "io-uring")]
    fn fill(&self, table: &BufferTable, slot: u32, piece: Piece) -> Result<(), Errno>;

    /// Releases the pages in a slot.
    #[cfg(feature = "io-uring")]
    fn empty(&self, table: &BufferTable, slot: u32) -> Result<(), Errno>;

    /// What tells the frames of this process's pages.
    #[cfg(feature = "io-uring")]
    fn pagemap(&self) -> Result<File, Errno>;

    /// The entries of the pages from the address `addr` on.
    #[cfg(feature = "io-uring")]
    fn entries(&self, pagemap: &File, addr: usize, entries: &mut [u64]) -> Result<(), Errno>;

    /// Locks pages.
    fn lock(&self, piece: Piece) -> Result<(), Errno>;

    /// Unlocks pages.
    fn unlock(&self, piece: Piece) -> Result<(), Errno>;
}

/// The kernel that runs this process.
#[derive(Debug)]
pub(super) struct Linux;

impl Kernel for Linux {
    #[cfg(feature = "io-uring")]
    fn table(&self, slots: u32) -> Result<BufferTable, Errno> {
        BufferTable::new(slots)
    }

    #[cfg(feature = "io-uring")]
    fn fill(&self, table: &BufferTable, slot: u32, piece: Piece) -> Result<(), Errno> {
        table.fill(slot, piece)
    }

    #[cfg(feature = "io-uring")]
    fn empty(&self, table: &BufferTable, slot: u32) -> Result<(), Errno> {
        table.empty(slot)
    }

    #[cfg(feature = "io-uring")]
    fn pagemap(&self) -> Result<File, Errno> {
        File::open("/proc/self/pagemap").map_err(|error| Errno::of(&error))
    }

    #[cfg(feature = "io-uring")]
    fn entries(&self, pagemap: &File, addr: usize, entries: &mut [u64]) -> Result<(), Errno> {
        const WORD: usize = size_of::<u64>();
        // One read for 2 MiB of memory.
        const MOST: usize = 512;
        let mut bytes = vec![0; MOST.min(entries.len()) * WORD];
        let mut offset =
            u64::try_from(addr / sys::page_size() * WORD).map_err(|_| Errno::EFAULT)?;
        for entries in entries.chunks_mut(MOST) {
            let bytes = bytes.get_mut(..entries.len() * WORD).unwrap_or_default();
            let read = pagemap.read_exact_at(bytes, offset);
            read.map_err(|error| Errno::of(&error))?;
            let (words, _) = bytes.as_chunks::<WORD>();
            for (entry, word) in entries.iter_mut().zip(words) {
                *entry = u64::from_ne_bytes(*word);
                offset = offset.wrapping_add(8);
            }
        }
        Ok(())
    }

    fn lock(&self, piece: Piece) -> Result<(), Errno> {
        sys::lock(piece)
    }

    fn unlock(&self, piece: Piece) -> Result<(), Errno> {
        sys::unlock(piece)
    }
}

#[cfg(feature = "test-util")]
pub(super) use faulty::Faulty;
#[cfg(feature = "test-util")]
pub use faulty::KernelFaults;

#[cfg(feature = "test-util")]
mod faulty {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

    use super::*;

    /// Lets system calls of a pinner fail. Clones are one.
    ///
    /// ```
    /// use ccw::GuestAddr;
    /// use pinning::{Budget, Errno, HostMemory, KernelFaults, LockedPinner, Permission};
    /// let faults = KernelFaults::new();
    /// let pinner = LockedPinner::with_faults(Budget::default(), &faults)?;
    /// let memory = HostMemory::anonymous(0x1000)?;
    /// faults.fail(0, Errno::ENOMEM);
    /// let at = GuestAddr::new(0);
    /// assert!(pinner.add(at, &memory, Permission::ReadWrite).is_err());
    /// assert!(pinner.add(at, &memory, Permission::ReadWrite).is_ok());
    /// assert_eq!(faults.calls(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Debug, Default)]
    pub struct KernelFaults(Arc<Plan>);

    #[derive(Debug, Default)]
    struct Plan {
        calls: AtomicUsize,
        /// One more than the number of the call that fails.
        fails: AtomicUsize,
        errno: AtomicI32,
    }

    impl KernelFaults {
        /// None so far.
        pub fn new() -> Self {
            Self::default()
        }

        /// Lets one call fail: the next one, or as many behind it as `skip` says.
        pub fn fail(&self, skip: usize, errno: Errno) {
            self.0.errno.store(errno.0, Ordering::Relaxed);
            let call = self.calls().saturating_add(skip);
            self.0
                .fails
                .store(call.saturating_add(1), Ordering::Relaxed);
        }

        /// Lets no further call fail.
        pub fn heal(&self) {
            self.0.fails.store(0, Ordering::Relaxed);
        }

        /// How many calls there were, failed ones included.
        pub fn calls(&self) -> usize {
            self.0.calls.load(Ordering::Relaxed)
        }

        fn call(&self) -> Result<(), Errno> {
            let call = self.0.calls.fetch_add(1, Ordering::Relaxed);
            match self.0.fails.load(Ordering::Relaxed) == call.wrapping_add(1) {
                true => Err(Errno(self.0.errno.load(Ordering::Relaxed))),
                false => Ok(()),
            }
        }
    }

    /// The kernel that runs this process, but for calls that fail.
    #[derive(Debug)]
    pub(in super::super) struct Faulty(pub(in super::super) KernelFaults);

    impl Kernel for Faulty {
        #[cfg(feature = "io-uring")]
        fn table(&self, slots: u32) -> Result<BufferTable, Errno> {
            self.0.call()?;
            Linux.table(slots)
        }

        #[cfg(feature = "io-uring")]
        fn fill(&self, table: &BufferTable, slot: u32, piece: Piece) -> Result<(), Errno> {
            self.0.call()?;
            Linux.fill(table, slot, piece)
        }

        #[cfg(feature = "io-uring")]
        fn empty(&self, table: &BufferTable, slot: u32) -> Result<(), Errno> {
            self.0.call()?;
            Linux.empty(table, slot)
        }

        #[cfg(feature = "io-uring")]
        fn pagemap(&self) -> Result<File, Errno> {
            self.0.call()?;
            Linux.pagemap()
        }

        #[cfg(feature = "io-uring")]
        fn entries(&self, pagemap: &File, addr: usize, entries: &mut [u64]) -> Result<(), Errno> {
            self.0.call()?;
            Linux.entries(pagemap, addr, entries)
        }

        fn lock(&self, piece: Piece) -> Result<(), Errno> {
            self.0.call()?;
            Linux.lock(piece)
        }

        fn unlock(&self, piece: Piece) -> Result<(), Errno> {
            self.0.call()?;
            Linux.unlock(piece)
        }
    }
}
