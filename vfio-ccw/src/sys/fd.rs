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
    /// The process that has it.
    process: u32,
}

impl Fd {
    pub(crate) fn new(sys: &Arc<dyn Sys>, fd: OwnedFd) -> Self {
        Self {
            sys: Arc::clone(sys),
            fd: Some(fd),
            process: sys.process(),
        }
    }

    /// The descriptor, to be lent.
    pub(crate) fn get(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Errno::EBADF)
    }

    /// Whether this process is a child of the one that has it, with a copy: devices, and what is mapped
    /// for them, are its parent's.
    pub(crate) fn is_inherited(&self) -> bool {
        self.process != self.sys.process()
    }

    /// The descriptor, to be lent for what changes devices or their mappings.
    ///
    /// `EPERM` in a child: what it undoes when it drops its copies goes on for its parent.
    pub(crate) fn own(&self) -> Result<BorrowedFd<'_>, Errno> {
        match self.is_inherited() {
            true => Err(Errno::EPERM),
            false => self.get(),
        }
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
        self.sys.ioctl(self.own()?, request)
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        if let Some(fd) = self.fd.take() {
            self.sys.close(fd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn a_child_asks_nothing_of_its_parents_devices() {
        let fake = Arc::new(Fake::new());
        let sys: Arc<dyn Sys> = fake.clone();
        let fd = Fd::new(&sys, fake.file("device"));
        assert_eq!(fd.ioctl(Ioctl::Reset), Ok(0));
        fake.forget();
        fake.state().process += 1;
        assert_eq!(fd.ioctl(Ioctl::Reset), Err(Errno::EPERM));
        drop(fd);
        assert_eq!(fake.state().log, ["close device"], "its own descriptor");
    }
}
