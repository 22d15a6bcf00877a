// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An open file of the kernel's device.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::{Ioctl, Sys};
use crate::Errno;

/// A file that is closed through [`Sys`].
#[derive(Debug)]
pub(crate) struct Fd {
    sys: Arc<dyn Sys>,
    /// Always there, but in `drop`.
    fd: Option<OwnedFd>,
}

impl Fd {
    pub(crate) fn new(sys: &Arc<dyn Sys>, fd: OwnedFd) -> Self {
        Self {
            sys: Arc::clone(sys),
            fd: Some(fd),
        }
    }

    /// The descriptor, to be lent.
    pub(crate) fn get(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Errno::EBADF)
    }

    pub(crate) fn read(&self, bytes: &mut [u8]) -> Result<usize, Errno> {
        self.sys.read(self.get()?, bytes)
    }

    pub(crate) fn pread(&self, bytes: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.sys.pread(self.get()?, bytes, offset)
    }

    pub(crate) fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        self.sys.pwrite(self.get()?, bytes, offset)
    }

    pub(crate) fn ioctl(&self, request: Ioctl<'_>) -> Result<i32, Errno> {
        self.sys.ioctl(self.get()?, request)
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        if let Some(fd) = self.fd.take() {
            self.sys.close(fd);
        }
    }
}
