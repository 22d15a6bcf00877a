// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Event file descriptors.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::Errno;

/// A counter of signals that can be polled; it never blocks, and it is closed on exec.
#[derive(Debug)]
pub(crate) struct EventFd(File);

impl EventFd {
    /// A counter at 0.
    pub(crate) fn new() -> Result<Self, Errno> {
        // SAFETY: takes numbers only, and touches no memory of ours.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(Errno::last());
        }
        // SAFETY: the call above has just opened it, and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self(File::from(fd)))
    }

    /// Counts one more signal. A counter at its limit stays there, and is readable all the same.
    pub(crate) fn signal(&self) -> Result<(), Errno> {
        match (&self.0).write(&1u64.to_ne_bytes()) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Errno::of(&error)),
        }
    }

    /// Takes the signals that were counted.
    pub(crate) fn take(&self) -> Result<u64, Errno> {
        let mut count = [0; 8];
        match (&self.0).read(&mut count) {
            Ok(_) => Ok(u64::from_ne_bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(Errno::of(&error)),
        }
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<EventFd> for OwnedFd {
    fn from(event: EventFd) -> Self {
        event.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_add_up_until_they_are_taken() {
        let event = EventFd::new().unwrap();
        assert_eq!(event.take(), Ok(0));
        event.signal().unwrap();
        event.signal().unwrap();
        assert_eq!(event.take(), Ok(2));
        assert_eq!(event.take(), Ok(0));
    }

    #[test]
    fn a_full_counter_does_not_block() {
        let event = EventFd::new().unwrap();
        (&event.0).write_all(&(u64::MAX - 1).to_ne_bytes()).unwrap();
        assert_eq!(event.signal(), Ok(()));
        assert_eq!(event.take(), Ok(u64::MAX - 1));
    }
}
