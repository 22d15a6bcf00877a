// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The system calls of this machine.

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::{Ioctl, Space, Sys, ioctl};
use crate::{Access, Errno, HostMemory};

/// The kernel that runs this process.
#[derive(Debug)]
pub(crate) struct Linux;

impl Sys for Linux {
    fn process(&self) -> u32 {
        std::process::id()
    }

    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        file.map(OwnedFd::from).map_err(|error| Errno::of(&error))
    }

    fn close(&self, fd: OwnedFd) {
        drop(fd);
    }

    fn eventfd(&self) -> Result<OwnedFd, Errno> {
        super::EventFd::new().map(OwnedFd::from)
    }

    fn read(&self, fd: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: the kernel writes at most `len` bytes to `bytes`, which is that long and ours.
        let done = unsafe { libc::read(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
        count(done)
    }

    fn pread(&self, fd: BorrowedFd<'_>, bytes: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let offset = libc::off64_t::try_from(offset).map_err(|_| Errno::EINVAL)?;
        let (start, len) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: as `read`.
        count(unsafe { libc::pread64(fd.as_raw_fd(), start, len, offset) })
    }

    fn pwrite(&self, fd: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        let offset = libc::off64_t::try_from(offset).map_err(|_| Errno::EINVAL)?;
        let (start, len) = (bytes.as_ptr().cast(), bytes.len());
        // SAFETY: the kernel reads at most `len` bytes of `bytes`, which is that long.
        count(unsafe { libc::pwrite64(fd.as_raw_fd(), start, len, offset) })
    }

    fn ioctl(&self, fd: BorrowedFd<'_>, request: Ioctl<'_>) -> Result<i32, Errno> {
        ioctl::perform(fd, request)
    }

    fn device(&self, group: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
        ioctl::device(group, name)
    }

    unsafe fn map(
        &self,
        space: Space<'_>,
        iova: u64,
        memory: &HostMemory,
        access: Access,
    ) -> Result<(), Errno> {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { ioctl::map(space, iova, memory, access) }
    }

    fn unmap(&self, space: Space<'_>, iova: u64, len: u64) -> Result<u64, Errno> {
        ioctl::unmap(space, iova, len)
    }
}

/// How many bytes went through.
fn count(done: isize) -> Result<usize, Errno> {
    usize::try_from(done).map_err(|_| Errno::last())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::KvmFile;

    #[test]
    fn files() {
        let path = std::env::temp_dir().join(format!("vfio-ccw-sys-{}", std::process::id()));
        std::fs::write(&path, b"0123456789").unwrap();
        let fd = Linux.open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut bytes = [0; 4];
        assert_eq!(Linux.pwrite(fd.as_fd(), b"AB", 3), Ok(2));
        assert_eq!(Linux.pread(fd.as_fd(), &mut bytes, 2), Ok(4));
        assert_eq!(&bytes, b"2AB5");
        assert_eq!(Linux.pread(fd.as_fd(), &mut bytes, 8), Ok(2));
        assert_eq!(Linux.read(fd.as_fd(), &mut bytes), Ok(4));
        assert_eq!(&bytes, b"012A");
        let beyond = Linux.pread(fd.as_fd(), &mut bytes, u64::MAX);
        assert_eq!(beyond, Err(Errno::EINVAL));
        assert_eq!(Linux.open(&path).unwrap_err(), Errno::ENOENT);
    }

    #[test]
    fn an_event_that_nobody_signalled() {
        let event = Linux.eventfd().unwrap();
        let nothing = Linux.read(event.as_fd(), &mut [0; 8]);
        assert_eq!(nothing, Err(Errno::EAGAIN));
    }

    /// Every request reaches the kernel, which knows none of them for a file of this kind. (An
    /// emulator of user space may know none of them at all.)
    #[test]
    fn requests_that_the_file_does_not_know() {
        let unknown = [Err(Errno::ENOTTY), Err(Errno::ENOSYS)];
        let file = Linux.eventfd().unwrap();
        let (fd, memory) = (file.as_fd(), HostMemory::anonymous(4096).unwrap());
        let (mut status, mut info) = Default::default();
        let (mut bind, mut id) = Default::default();
        let requests = [
            Ioctl::ApiVersion,
            Ioctl::CheckExtension(3),
            Ioctl::GroupStatus(&mut status),
            Ioctl::SetContainer(fd),
            Ioctl::DeviceInfo(&mut info),
            Ioctl::SetIrq {
                index: 0,
                event: None,
            },
            Ioctl::Bind(&mut bind),
            Ioctl::IoasAlloc(&mut id),
            Ioctl::Destroy(1),
            Ioctl::KvmFile(KvmFile::Add, fd),
        ];
        for request in requests {
            let number = request.number();
            let result = Linux.ioctl(fd, request).map(drop);
            assert!(unknown.contains(&result), "{number:x}: {result:?}");
        }
        let refused = Linux.device(fd, c"a").map(drop);
        assert!(unknown.contains(&refused), "{refused:?}");
        for space in [Space::Container(fd), Space::Ioas(fd, 1)] {
            // SAFETY: `memory` is dropped at the end of the test.
            let refused = unsafe { Linux.map(space, 0, &memory, Access::Store) };
            assert!(unknown.contains(&refused), "{refused:?}");
            let refused = Linux.unmap(space, 0, 4096).map(drop);
            assert!(unknown.contains(&refused), "{refused:?}");
        }
    }
}
