// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The system calls that make pages that can be moved, and move them.

use std::io;
use std::ptr::{self, NonNull};

use pinning::HostMemory;

/// A private mapping, as guest memory may be one.
pub(crate) fn private(len: usize) -> HostMemory {
    struct Mapping(usize, usize);
    impl Drop for Mapping {
        fn drop(&mut self) {
            let start = ptr::with_exposed_provenance_mut(self.0);
            // SAFETY: `private` mapped it, and no handle to the memory is left.
            unsafe { libc::munmap(start, self.1) };
        }
    }
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address of the kernel's choice changes no memory in use.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED);
    let owner = Mapping(start.expose_provenance(), len);
    // SAFETY: it is mapped for reading and writing until `owner` is dropped, and nobody else knows it.
    unsafe { HostMemory::from_raw(NonNull::new(start.cast()).unwrap(), len, owner) }
}

/// Asks the kernel to gather the pages of a mapping in huge pages, that is, to move them.
pub(crate) fn collapse(addr: usize, len: usize) -> io::Result<()> {
    const MADV_COLLAPSE: i32 = 25;
    let start = ptr::without_provenance_mut(addr);
    // SAFETY: pages come to lie in other frames, with the content that they have.
    match unsafe { libc::madvise(start, len, MADV_COLLAPSE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Forks; the child does its job, and says by its exit whether all was well.
pub(crate) fn in_a_child(job: impl FnOnce() -> bool) -> bool {
    // SAFETY: the other threads of the test wait for their turn (`alone`), and hold no lock that `job`
    // takes; `_exit` runs no destructors of theirs.
    match unsafe { libc::fork() } {
        0 => {
            let answer = i32::from(!job());
            // SAFETY: it ends the child.
            unsafe { libc::_exit(answer) }
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child just made, and writes to `status`, which is ours.
            let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(ended, child);
            libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
        }
    }
}
