// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! New mappings, files that live in memory, and their seals.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};

use crate::Errno;

/// For reading and writing.
const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// What makes sure that pages of a file stay the file's: it does not shrink, no hole is punched into
/// it, and who maps it from now on cannot write. Mappings that exist already go on as they were.
const SEALS: i32 = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_FUTURE_WRITE;

/// `len` bytes, rounded up to whole pages.
pub(super) fn whole_pages(len: usize) -> Result<usize, Errno> {
    len.checked_next_multiple_of(page_size())
        .ok_or(Errno::ENOMEM)
}

/// Bytes of a page of this machine.
pub(crate) fn page_size() -> usize {
    // SAFETY: asks for a number and touches no memory of ours.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// A new mapping of `len` bytes of zeros, which children of this process share.
pub(super) fn anonymous(len: usize) -> Result<NonNull<u8>, Errno> {
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address of the kernel's choice changes no memory in use.
    mapped(unsafe { libc::mmap(ptr::null_mut(), len, READ_WRITE, flags, -1, 0) })
}

/// A new mapping of the `len` bytes from `offset` on of a file.
pub(super) fn of_file(file: BorrowedFd<'_>, offset: u64, len: usize) -> Result<NonNull<u8>, Errno> {
    let offset = libc::off_t::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
    let (at, flags, fd) = (ptr::null_mut(), libc::MAP_SHARED, file.as_raw_fd());
    // SAFETY: as in `anonymous`.
    mapped(unsafe { libc::mmap(at, len, READ_WRITE, flags, fd, offset) })
}

/// One more mapping of the pages that are mapped at `at`, which is a shared mapping.
pub(super) fn again(at: NonNull<u8>, len: usize) -> Result<NonNull<u8>, Errno> {
    // SAFETY: an old length of 0 asks for a second mapping at an address of the kernel's choice; the
    // old one stays as it is.
    mapped(unsafe { libc::mremap(at.as_ptr().cast(), 0, len, libc::MREMAP_MAYMOVE) })
}

/// Asks for huge pages behind a mapping.
pub(super) fn prefer_huge_pages(at: NonNull<u8>, len: usize) -> Result<(), Errno> {
    // SAFETY: an advice on how to back the mapping; its contents and its place stay as they are.
    match unsafe { libc::madvise(at.as_ptr().cast(), len, libc::MADV_HUGEPAGE) } {
        0 => Ok(()),
        _ => Err(Errno::last()),
    }
}

fn mapped(start: *mut libc::c_void) -> Result<NonNull<u8>, Errno> {
    if start == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    NonNull::new(start.cast()).ok_or(Errno::ENOMEM)
}

/// A new file of `len` bytes that lives in memory only, can be sealed, and is closed on exec.
pub(super) fn memory_file(len: usize) -> Result<File, Errno> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: reads a string that ends with 0, and touches no other memory of ours.
    let fd = unsafe { libc::memfd_create(c"guest".as_ptr(), flags) };
    if fd < 0 {
        return Err(Errno::last());
    }
    // SAFETY: the call above has just opened it, and nobody else knows it.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let len = u64::try_from(len).map_err(|_| Errno::ENOMEM)?;
    file.set_len(len).map_err(|error| Errno::of(&error))?;
    Ok(file)
}

/// Seals a file, if it is one that can be sealed.
pub(super) fn seal(file: &File) -> Result<(), Errno> {
    // SAFETY: takes numbers only, and touches no memory of ours.
    let result = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), libc::F_ADD_SEALS, SEALS) };
    if result < 0 {
        return Err(Errno::last());
    }
    Ok(())
}

/// Whether a file's pages stay the file's, see [`SEALS`]. That it may grow does no harm.
pub(super) fn is_sealed(file: &File) -> bool {
    // SAFETY: takes numbers only, and touches no memory of ours.
    let seals = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), libc::F_GET_SEALS) };
    let needed = libc::F_SEAL_SHRINK | libc::F_SEAL_FUTURE_WRITE;
    seals >= 0 && seals & needed == needed
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Takes the first page out of a file.
    pub(in super::super) fn punch(file: &File) -> Result<(), Errno> {
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: takes numbers only. No reference to the file's pages exists anywhere.
        match unsafe { libc::fallocate(file.as_raw_fd(), mode, 0, 4096) } {
            0 => Ok(()),
            _ => Err(Errno::last()),
        }
    }
}
