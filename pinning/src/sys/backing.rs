// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What holds the bytes of a memory, and keeps them together.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::ptr::NonNull;
use std::sync::Arc;

use super::{HostMemory, map};
use crate::Errno;

/// Where the bytes of a [`HostMemory`] are kept. Two memories share the bytes that have the same
/// object and the same offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backing {
    /// What holds them.
    pub object: Object,
    /// Where in the object the first byte is, in bytes.
    pub offset: u64,
}

/// What holds bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// A file, such as a memfd. Whoever has it may map it again, and so see the same bytes at another
    /// address.
    File {
        /// The device that the file is on.
        device: u64,
        /// Its number there.
        inode: u64,
    },
    /// Only the addresses of this process; the offset is such an address.
    AddressSpace,
}

/// A file, and where in it a memory begins.
pub(super) struct FileRange {
    file: Arc<File>,
    backing: Backing,
}

impl FileRange {
    /// From `offset` on in a file, of which this makes a descriptor of its own.
    pub(super) fn new(file: impl AsFd, offset: u64) -> Result<Self, Errno> {
        let fd = file.as_fd().try_clone_to_owned();
        let file = File::from(fd.map_err(|error| Errno::of(&error))?);
        let about = file.metadata().map_err(|error| Errno::of(&error))?;
        let (device, inode) = (about.dev(), about.ino());
        let object = Object::File { device, inode };
        let backing = Backing { object, offset };
        let file = Arc::new(file);
        Ok(Self { file, backing })
    }

    /// The range that begins `ahead` bytes further on.
    fn skip(&self, ahead: u64) -> Option<Self> {
        let Backing { object, offset } = self.backing;
        let offset = offset.checked_add(ahead)?;
        let file = Arc::clone(&self.file);
        let backing = Backing { object, offset };
        Some(Self { file, backing })
    }
}

impl HostMemory {
    /// `len` bytes of zeros, rounded up to whole pages, in a memfd that nobody can shrink, punch
    /// holes into, or map for writing any more: its pages stay those that the guest sees.
    ///
    /// ```
    /// use pinning::HostMemory;
    ///
    /// let memory = HostMemory::sealed(0x2000)?;
    /// assert!(memory.is_sealed());
    /// # Ok::<(), pinning::Errno>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for no bytes at all, `ENOMEM`, `EMFILE`.
    pub fn sealed(len: usize) -> Result<Self, Errno> {
        let memory = Self::memfd(len)?;
        memory.seal()?;
        Ok(memory)
    }

    /// `len` bytes of zeros, rounded up to whole pages, in a memfd, which can be [shared](Self::share) and
    /// [sealed](Self::seal).
    ///
    /// ```
    /// use pinning::HostMemory;
    ///
    /// let memory = HostMemory::memfd(0x2000)?;
    /// let second_page = memory.share(0x1000, 0x1000)?;
    /// memory.seal()?;
    /// memory.write(0x1000, b"channel")?;
    /// let mut bytes = [0; 7];
    /// second_page.read(0, &mut bytes)?;
    /// assert_eq!(&bytes, b"channel");
    /// # Ok::<(), pinning::Errno>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`sealed`](Self::sealed).
    pub fn memfd(len: usize) -> Result<Self, Errno> {
        let len = map::whole_pages(len)?;
        Self::of_file(map::memory_file(len)?, 0, len)
    }

    /// The `len` bytes from `offset` on of a file of the caller's, such as a memfd. Both are multiples
    /// of a page. The file may be closed.
    ///
    /// Who makes the file shorter takes pages away under this memory, and an access to them then ends
    /// the process: [seal](Self::seal) it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the file does not hold these bytes, or they are not whole pages; `EACCES` or `EPERM`
    /// if it may not be mapped for reading and writing, as when it is sealed already; `ENODEV` if it
    /// cannot be mapped; `ENOMEM`.
    pub fn of_file(file: impl AsFd, offset: u64, len: usize) -> Result<Self, Errno> {
        let range = FileRange::new(file, offset)?;
        let about = range.file.metadata().map_err(|error| Errno::of(&error))?;
        let end = u64::try_from(len)
            .ok()
            .and_then(|len| len.checked_add(offset));
        if !len.is_multiple_of(map::page_size()) || end.is_none_or(|end| end > about.len()) {
            return Err(Errno::EINVAL);
        }
        let start = map::of_file(range.file.as_fd(), offset, len)?;
        Ok(Self::of_mapping(start, len, Some(range)))
    }

    /// The `len` bytes from `offset` on, mapped a second time: the same pages at another address. Both
    /// are multiples of a page. Works for sealed memory too, but not in qemu's emulation of a process, where
    /// memory has to be shared before it is sealed.
    ///
    /// # Errors
    ///
    /// `EFAULT` if the range does not lie in this memory; `EINVAL` if it is not whole pages, or none;
    /// `EOPNOTSUPP` if the memory is not that of a file; `ENOMEM`.
    pub fn share(&self, offset: usize, len: usize) -> Result<Self, Errno> {
        let at = self.0.place(offset, len)?;
        let range = self.0.file.as_ref().ok_or(Errno::EOPNOTSUPP)?;
        if len == 0 || !(offset | len).is_multiple_of(map::page_size()) {
            return Err(Errno::EINVAL);
        }
        let ahead = u64::try_from(offset).map_err(|_| Errno::EFAULT)?;
        let range = range.skip(ahead).ok_or(Errno::EFAULT)?;
        let at = NonNull::new(at).ok_or(Errno::EFAULT)?;
        let start = match map::of_file(range.file.as_fd(), range.backing.offset, len) {
            // Sealed: what is mapped may be mapped again all the same.
            Err(Errno::EPERM) => map::again(at, len)?,
            mapped => mapped?,
        };
        Ok(Self::of_mapping(start, len, Some(range)))
    }

    /// Seals the file that holds the bytes: nobody can shrink it, punch holes into it or map it for
    /// writing any more. What is mapped already stays so.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such file, or not one that can be sealed; `EPERM` if its maker has ruled
    /// it out.
    pub fn seal(&self) -> Result<(), Errno> {
        map::seal(&self.0.file.as_ref().ok_or(Errno::EINVAL)?.file)
    }

    /// Whether the pages stay those that hold the bytes: see [`seal`](Self::seal).
    pub fn is_sealed(&self) -> bool {
        let file = self.0.file.as_ref();
        file.is_some_and(|range| map::is_sealed(&range.file))
    }

    /// Where the bytes are kept, which tells whether two memories share some.
    pub fn backing(&self) -> Backing {
        match &self.0.file {
            Some(range) => range.backing,
            None => Backing {
                object: Object::AddressSpace,
                offset: u64::try_from(self.addr()).unwrap_or(u64::MAX),
            },
        }
    }

    /// Tells a memory that nobody else knows yet where its bytes are kept.
    #[cfg(feature = "vm-memory")]
    pub(super) fn in_file(mut self, file: Option<FileRange>) -> Self {
        if let Some(block) = Arc::get_mut(&mut self.0) {
            block.file = file;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::os::fd::AsRawFd;

    use super::*;

    const PAGE: usize = 4096;

    fn errno<T>(result: Result<T, Errno>) -> Option<Errno> {
        result.err()
    }

    #[test]
    fn a_sealed_file_keeps_its_pages() {
        let file = map::memory_file(4 * PAGE).unwrap();
        let memory = HostMemory::of_file(&file, 0, 4 * PAGE).unwrap();
        assert!(!memory.is_sealed());
        map::tests::punch(&file).unwrap();
        memory.seal().unwrap();
        assert!(memory.is_sealed());
        memory.write(0, b"data").unwrap();

        assert_eq!(map::tests::punch(&file), Err(Errno::EPERM));
        let shorter = file.set_len(0).map_err(|error| Errno::of(&error));
        assert_eq!(shorter, Err(Errno::EPERM));
        let again = HostMemory::of_file(&file, 0, PAGE);
        assert_eq!(errno(again), Some(Errno::EPERM), "mapped for writing");
        let mut bytes = [0; 4];
        memory.read(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"data");
    }

    #[test]
    fn two_mappings_are_the_same_bytes() {
        let whole = HostMemory::memfd(3 * PAGE - 1).unwrap();
        assert_eq!(whole.len(), 3 * PAGE);
        let part = whole.share(PAGE, 2 * PAGE).unwrap();
        assert_eq!(part.len(), 2 * PAGE);
        assert_ne!(part.addr(), whole.addr() + PAGE);
        whole.write(2 * PAGE, b"forth").unwrap();
        part.write(PAGE + 5, b" and back").unwrap();
        let mut bytes = [0; 14];
        whole.read(2 * PAGE, &mut bytes).unwrap();
        assert_eq!(&bytes, b"forth and back");

        assert_eq!(part.backing().object, whole.backing().object);
        assert_eq!((whole.backing().offset, part.backing().offset), (0, 4096));
        assert!(!part.is_sealed());
        whole.seal().unwrap();
        assert!(part.is_sealed(), "the file is");
        let last = match part.share(PAGE, PAGE) {
            Err(Errno::ENOMEM) => {
                let text = b"LEFT OUT: sealed memory that is shared: not in this emulation\n";
                return io::stderr().write_all(text).unwrap();
            }
            last => last.unwrap(),
        };
        assert_eq!(last.backing().offset, 8192);
        drop((whole, part));
        last.read(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"forth and back", "each mapping is its own");
    }

    #[test]
    fn other_memory_is_other_bytes() {
        let [one, other] = [(), ()].map(|()| HostMemory::sealed(PAGE).unwrap().backing());
        assert_ne!(one.object, other.object);
        assert!(matches!(one.object, Object::File { .. }));
        let anonymous = HostMemory::anonymous(PAGE).unwrap();
        assert_eq!(anonymous.backing().object, Object::AddressSpace);
        let at = u64::try_from(anonymous.addr()).unwrap();
        assert_eq!(anonymous.backing().offset, at);
    }

    #[test]
    fn a_file_of_the_callers_from_an_offset_on() {
        let file = map::memory_file(4 * PAGE).unwrap();
        let memory = HostMemory::of_file(&file, 8192, 2 * PAGE).unwrap();
        let whole = HostMemory::of_file(file, 0, 4 * PAGE).unwrap();
        memory.write(PAGE, &[7]).unwrap();
        let mut byte = [0];
        whole.read(3 * PAGE, &mut byte).unwrap();
        assert_eq!(byte, [7]);
        assert_eq!(memory.backing().offset, 8192);
        assert_eq!(memory.backing().object, whole.backing().object);
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let file = map::memory_file(2 * PAGE).unwrap();
        for (offset, len) in [
            (0, 3 * PAGE),
            (4096, 2 * PAGE),
            (0, PAGE - 1),
            (1, PAGE),
            (u64::MAX, PAGE),
            (0, 0),
        ] {
            let refused = HostMemory::of_file(&file, offset, len);
            assert_eq!(errno(refused), Some(Errno::EINVAL), "{offset} {len}");
        }
        let memory = HostMemory::of_file(&file, 0, 2 * PAGE).unwrap();
        for (offset, len, expected) in [
            (PAGE, 2 * PAGE, Errno::EFAULT),
            (usize::MAX, PAGE, Errno::EFAULT),
            (1, PAGE, Errno::EINVAL),
            (0, PAGE + 1, Errno::EINVAL),
            (PAGE, 0, Errno::EINVAL),
        ] {
            let refused = memory.share(offset, len);
            assert_eq!(errno(refused), Some(expected), "{offset} {len}");
        }
        let anonymous = HostMemory::anonymous(PAGE).unwrap();
        assert_eq!(errno(anonymous.share(0, PAGE)), Some(Errno::EOPNOTSUPP));
        assert_eq!(anonymous.seal(), Err(Errno::EINVAL));
        assert!(!anonymous.is_sealed());
        assert_eq!(errno(HostMemory::sealed(0)), Some(Errno::EINVAL));
        assert_eq!(errno(HostMemory::sealed(usize::MAX)), Some(Errno::ENOMEM));
    }

    #[test]
    fn the_file_is_closed_on_exec() {
        let memory = HostMemory::sealed(PAGE).unwrap();
        let own = &memory.0.file.as_ref().unwrap().file;
        // SAFETY: takes numbers only, and touches no memory of ours.
        let flags = unsafe { libc::fcntl(own.as_raw_fd(), libc::F_GETFD) };
        assert_eq!(flags, libc::FD_CLOEXEC);
    }
}
