// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! System calls: everything here that needs `unsafe`.
//!
//! The kernel's device makes its system calls through [`Sys`] and no other way, so that a test can
//! count them, and let any of them fail.

mod dma;
mod eventfd;
#[cfg(test)]
pub(crate) mod fake;
mod fd;
mod ioctl;
mod linux;
mod uapi;

use std::ffi::CStr;
use std::fmt;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use crate::{Access, Errno, HostMemory};

pub(crate) use dma::Mappings;
pub(crate) use eventfd::EventFd;
pub(crate) use fd::Fd;
pub(crate) use ioctl::{Ioctl, KvmFile};
pub(crate) use linux::Linux;
pub(crate) use uapi::{RegionInfo, number};

/// The system calls that the kernel's device needs. Each is made once; nothing is tried again.
pub(crate) trait Sys: fmt::Debug + Send + Sync {
    /// The number of this process.
    fn process(&self) -> u32;

    /// Opens a file for reading and writing, close-on-exec.
    fn open(&self, path: &Path) -> Result<OwnedFd, Errno>;

    /// Closes a file.
    fn close(&self, fd: OwnedFd);

    /// A new event file descriptor: non-blocking, close-on-exec.
    fn eventfd(&self) -> Result<OwnedFd, Errno>;

    fn read(&self, fd: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<usize, Errno>;

    fn pread(&self, fd: BorrowedFd<'_>, bytes: &mut [u8], offset: u64) -> Result<usize, Errno>;

    fn pwrite(&self, fd: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize, Errno>;

    /// A request that passes numbers and structures only. Its size field is filled in here.
    fn ioctl(&self, fd: BorrowedFd<'_>, request: Ioctl<'_>) -> Result<i32, Errno>;

    /// The device called `name` of a group, close-on-exec.
    fn device(&self, group: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno>;

    /// Maps memory for devices.
    ///
    /// # Safety
    ///
    /// `memory` exists until the mapping was taken back, or everything it was made with is closed.
    unsafe fn map(
        &self,
        space: Space<'_>,
        iova: u64,
        memory: &HostMemory,
        access: Access,
    ) -> Result<(), Errno>;

    /// Takes mappings back: `len` bytes from `iova` on. Returns how many bytes were mapped.
    fn unmap(&self, space: Space<'_>, iova: u64, len: u64) -> Result<u64, Errno>;
}

/// An address space of the kernel's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Space<'a> {
    /// That of a type1 container.
    Container(BorrowedFd<'a>),
    /// One of an iommufd, with its id.
    Ioas(BorrowedFd<'a>, u32),
}
