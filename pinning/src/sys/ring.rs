// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Tables of fixed buffers of io_uring, which pin pages for as long as they are registered.
//!
//! Two system calls are all that is needed. The crate `io-uring` is not used because it does not
//! build for s390x, and because it sets up queues that stay empty here.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::Piece;
use crate::Errno;

const SETUP_R_DISABLED: u32 = 1 << 6;
const REGISTER_BUFFERS2: u32 = 15;
const REGISTER_BUFFERS_UPDATE: u32 = 16;
const RSRC_REGISTER_SPARSE: u32 = 1;

/// `struct io_uring_params`, of which only the flags are of interest.
#[repr(C)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    others: [u32; 27],
}

/// `struct io_uring_rsrc_register`.
#[repr(C)]
struct Register {
    nr: u32,
    flags: u32,
    reserved: u64,
    data: u64,
    tags: u64,
}

/// `struct io_uring_rsrc_update2`.
#[repr(C)]
struct Update {
    offset: u32,
    reserved: u32,
    data: u64,
    tags: u64,
    nr: u32,
    reserved2: u32,
}

/// A table of buffer slots, empty at first. It belongs to a ring that is never enabled, so that no
/// request can be made of it. Closed on exec.
#[derive(Debug)]
pub(crate) struct BufferTable(OwnedFd);

impl BufferTable {
    /// A table of `slots` slots, at most 16384.
    pub(crate) fn new(slots: u32) -> Result<Self, Errno> {
        let mut params = Params {
            sq_entries: 0,
            cq_entries: 0,
            flags: SETUP_R_DISABLED,
            others: [0; 27],
        };
        // SAFETY: reads and writes `params`, which has the kernel's layout, and nothing else of ours.
        let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1u32, &raw mut params) };
        let fd = i32::try_from(fd).ok().filter(|&fd| fd >= 0);
        // SAFETY: the call above has just opened it, and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd.ok_or_else(Errno::last)?) };
        let table = Register {
            nr: slots,
            flags: RSRC_REGISTER_SPARSE,
            reserved: 0,
            data: 0,
            tags: 0,
        };
        let (op, len) = (REGISTER_BUFFERS2, size_of::<Register>());
        // SAFETY: reads `table`, which has the kernel's layout and length, and which leads nowhere.
        let result = unsafe {
            libc::syscall(
                libc::SYS_io_uring_register,
                fd.as_raw_fd(),
                op,
                &raw const table,
                len,
            )
        };
        if result < 0 {
            return Err(Errno::last());
        }
        Ok(Self(fd))
    }

    /// Pins the pages of `piece`, at most 1 GiB, and puts them into a slot; what was there is released.
    /// All or nothing. One slot a call: a call for several stops at the first that fails.
    pub(crate) fn fill(&self, slot: u32, piece: Piece) -> Result<(), Errno> {
        let buffer = libc::iovec {
            iov_base: std::ptr::without_provenance_mut(piece.addr),
            iov_len: piece.len,
        };
        let update = Update {
            offset: slot,
            reserved: 0,
            data: u64::try_from((&raw const buffer).addr()).unwrap_or_default(),
            tags: 0,
            nr: 1,
            reserved2: 0,
        };
        let (op, len) = (REGISTER_BUFFERS_UPDATE, size_of::<Update>());
        // SAFETY: 1. `update` has the kernel's layout and length and leads to `buffer`, one `iovec`; the
        //    kernel reads both and does not keep them.
        // 2. The pages of the piece are taken hold of, whatever is mapped there. Nothing is read from or
        //    written to them, as a ring that is not enabled takes no requests.
        let result = unsafe {
            libc::syscall(
                libc::SYS_io_uring_register,
                self.0.as_raw_fd(),
                op,
                &raw const update,
                len,
            )
        };
        match result {
            1 => Ok(()),
            0.. => Err(Errno::EIO),
            _ => Err(Errno::last()),
        }
    }

    /// Releases the pages in a slot; they are free when this returns.
    pub(crate) fn empty(&self, slot: u32) -> Result<(), Errno> {
        self.fill(slot, Piece { addr: 0, len: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_of_the_kernels() {
        assert_eq!(size_of::<Params>(), 120);
        assert_eq!(size_of::<Register>(), 32);
        assert_eq!(size_of::<Update>(), 32);
    }
}
