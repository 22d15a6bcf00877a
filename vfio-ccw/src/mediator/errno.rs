// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the host's error numbers mean for the guest: one table.
//!
//! | error | SSCH | HSCH | CSCH |
//! |---|---|---|---|
//! | `EBUSY` | drain and try once more, then cc 2 (cc 1 if status came) | the same | put off |
//! | `EAGAIN` | a few times at once, then start pending until it works | halt pending | clear pending |
//! | `ENODEV` | cc 3 | cc 3 | cc 3 |
//! | `EACCES` | cc 3, and the paths are read again | cc 3 | cc 3 |
//! | `EINVAL`, `ENOENT`, `EFAULT`, `EPERM`, `EOPNOTSUPP` | cc 0, channel-control check: the program was checked, so it is not the guest's fault | the device is cleared | tried again, then reset |
//! | `ENOMEM`, `E2BIG`, `ENOSPC` | the same | the same | the same |
//! | `EIO`, any other | cc 0, interface-control check; if the SCHIB says that the device is gone: cc 3 | the same | the same |
//! | not a whole region written | cleared, then channel-control check: nobody knows whether it runs | as any other | as any other |
//!
//! With cc 3 for `ENODEV` and `EIO` comes [`Event::Gone`](super::Event::Gone) when the SCHIB agrees
//! or cannot be read.

use crate::{DeviceError, Errno};

/// Why the host did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Busy, or status is pending: the kernel does not tell the two apart.
    Busy,
    /// Another request is being processed.
    Again,
    /// The subchannel is not operational, or has no path.
    NotOperational,
    /// None of the paths in the ORB is available.
    NoPath,
    /// The kernel refuses the request, or lacks something that it needs for it.
    Host,
    /// The device does not work.
    Broken,
    /// It may or may not have been done.
    Unknown,
}

impl From<DeviceError> for Refusal {
    fn from(error: DeviceError) -> Self {
        let DeviceError::Errno(errno) = error else {
            return Self::Unknown;
        };
        match errno {
            Errno::EBUSY => Self::Busy,
            Errno::EAGAIN | Errno::EINTR => Self::Again,
            Errno::ENODEV | Errno::ENXIO => Self::NotOperational,
            Errno::EACCES => Self::NoPath,
            // An address that is not mapped is `EINVAL` of a container, `ENOENT` of an iommufd.
            Errno::EINVAL
            | Errno::ENOENT
            | Errno::EFAULT
            | Errno::EPERM
            | Errno::EOVERFLOW
            | Errno::EOPNOTSUPP
            | Errno::ENOMEM
            | Errno::E2BIG
            | Errno::ENOSPC => Self::Host,
            _ => Self::Broken,
        }
    }
}
