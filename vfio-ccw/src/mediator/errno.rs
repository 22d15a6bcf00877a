// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the host's error numbers mean for the guest. The table is that of the [module above](super).

use crate::{DeviceError, Errno};

/// How often a request that the host puts off is made again at once.
pub(super) const AT_ONCE: u32 = 3;

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
