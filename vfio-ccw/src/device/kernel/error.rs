// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a device could not be opened.

use thiserror::Error;

use super::capability::BadChain;
use crate::Errno;

/// Why a device could not be opened. Whatever was done on the way is undone.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A system call failed.
    #[error("{what}: {errno}")]
    Call {
        /// What was to be done, such as `open /dev/vfio/9` or `VFIO_SET_IOMMU`.
        what: String,
        /// What it ended with.
        errno: Errno,
    },
    /// Somebody else has it: the group is open or in another container, or the device is bound. One
    /// owner at a time is the kernel's rule.
    #[error("{what}: {errno}: somebody else has it")]
    InUse {
        /// What was to be done, such as `open /dev/vfio/9` or `VFIO_DEVICE_BIND_IOMMUFD`.
        what: String,
        /// What it ended with.
        errno: Errno,
    },
    /// The container speaks another version of the interface.
    #[error("the container has version {0} of the interface, not 0")]
    ApiVersion(i32),
    /// The container has no `TYPE1v2` IOMMU.
    #[error("the container has no TYPE1v2 IOMMU")]
    NoType1v2,
    /// A device of the group is bound to a driver of the host.
    #[error("the group is not viable: all its devices must be given to vfio")]
    NotViable,
    /// A device by group needs a container, one by its own file an iommufd.
    #[error("the address space is of the other kind: {wanted} is needed")]
    OtherSpace {
        /// What is needed.
        wanted: &'static str,
    },
    /// The name of a device in a group contains a zero byte.
    #[error("the name of the device contains a zero byte")]
    Name,
    /// It is no vfio-ccw device.
    #[error("not a vfio-ccw device: device flags {flags:#x}")]
    NotCcw {
        /// What `VFIO_DEVICE_GET_INFO` says.
        flags: u32,
    },
    /// The kernel's answer is shorter than the structure that was asked for.
    #[error("{what} answers with {argsz} bytes")]
    Answer {
        /// The request.
        what: &'static str,
        /// Bytes that the kernel has.
        argsz: u32,
    },
    /// A region has another size than its layout.
    #[error("the {region} region has {found} bytes, not {wanted}")]
    RegionSize {
        /// Which region.
        region: &'static str,
        /// Bytes of its layout.
        wanted: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A region cannot be read, or not written, as it must be.
    #[error("the {region} region has the flags {flags:#x}")]
    RegionFlags {
        /// Which region.
        region: &'static str,
        /// What `VFIO_DEVICE_GET_REGION_INFO` says.
        flags: u32,
    },
    /// The capabilities of a region cannot be read.
    #[error("region {index}: {why}")]
    Capabilities {
        /// Index of the region.
        index: u32,
        /// What is wrong.
        why: BadChain,
    },
    /// There is no I/O region.
    #[error("the device has no I/O region")]
    NoIoRegion,
    /// The device cannot signal an I/O interrupt by an event file descriptor.
    #[error("the device does not signal I/O interrupts")]
    NoIoInterrupt,
}

impl OpenError {
    /// The same, where `errnos` mean that somebody else has what was asked for.
    pub(super) fn or_in_use(self, errnos: &[Errno]) -> Self {
        match self {
            Self::Call { what, errno } if errnos.contains(&errno) => Self::InUse { what, errno },
            other => other,
        }
    }
}

/// Makes an error of a system call's errno.
pub(super) trait During<T> {
    fn during(self, what: impl Into<String>) -> Result<T, OpenError>;
}

impl<T> During<T> for Result<T, Errno> {
    fn during(self, what: impl Into<String>) -> Result<T, OpenError> {
        self.map_err(|errno| OpenError::Call {
            what: what.into(),
            errno,
        })
    }
}
