// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device: what a subchannel of the host can be asked, and what it answers.
//!
//! [`CcwDevice`] is the kernel's vfio-ccw as it is, no better: the error number of a request is its
//! condition code, one interrupt overwrites the status of another, and nothing is tried twice. Who
//! wants a better subchannel builds it on top.
//!
//! Nothing here waits. Interrupts, channel reports and the request to give the device back come as
//! event file descriptors, which are lent to whatever loop there is.

pub mod fault;
pub mod kernel;
pub mod record;
pub mod soft;

use std::fmt;
use std::os::fd::BorrowedFd;

use ccw::{Host, IRB_EXTENDED_SIZE, Orb, RawCrw, RawSchib, RawScsw};

use crate::{AsyncCommand, Errno, IoRegion, ORB_AREA_SIZE};

/// A subchannel of the host.
///
/// Requests need `&mut`: the kernel answers `EAGAIN` to a request that meets another one.
pub trait CcwDevice: Send {
    /// What the device can do.
    fn capabilities(&self) -> Capabilities;

    /// The event file descriptor of `source`, to be polled for input; [`Self::acknowledge`] reads
    /// it. `None` for a source that the device lacks, or that is not signalled by descriptor.
    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>>;

    /// Takes the signals of `source` and returns how many there were: 0 if none, or if the device
    /// lacks the source.
    ///
    /// More than one I/O signal proves that the status of all but the last interrupt is lost. One
    /// does not prove that none is.
    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno>;

    /// Asks for the function in `scsw`, with words 0-2 of an ORB: one write into the I/O region.
    ///
    /// # Errors
    ///
    /// As the kernel gives them: `EBUSY` busy or status pending, `ENODEV` not operational,
    /// `EACCES` no path of those in the ORB, `EAGAIN` another request is being processed, `EINVAL`
    /// (`ENOENT` with iommufd) a program that the kernel refuses or that leads out of what is
    /// mapped, `EFAULT`, `EPERM`, `ENOMEM`, `EIO`, and `EOPNOTSUPP` for transport mode and for
    /// functions other than start.
    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError>;

    /// [`Self::start`] for the start function; the ORB's extension is lost.
    fn start_orb(&mut self, orb: &Orb<Host>) -> Result<(), DeviceError> {
        let request = IoRegion::start(orb);
        self.start(&request.orb(), &request.scsw())
    }

    /// HALT or CLEAR SUBCHANNEL: one write into the region for them.
    ///
    /// # Errors
    ///
    /// `EBUSY` (halt only), `ENODEV`, `EAGAIN`, `EIO`; `EOPNOTSUPP` if the device lacks the region.
    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError>;

    /// The IRB of the last interrupt, an extended-measurement word behind it. It stays until the
    /// next interrupt.
    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError>;

    /// STORE SUBCHANNEL. CCW address and ORB bits in it are the host's.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the subchannel is gone; `EOPNOTSUPP` if the device lacks the region.
    fn read_schib(&mut self) -> Result<RawSchib, DeviceError>;

    /// Takes one channel report out of the queue; `None` when there is none, or no such region.
    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError>;

    /// Ends whatever runs, without an interrupt, and makes the subchannel ready again.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not operational afterwards; `EOPNOTSUPP` if the device has no reset.
    fn reset(&mut self) -> Result<(), DeviceError>;
}

/// What a device can do apart from starting programs and reporting their status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Capabilities {
    /// Halt and clear.
    pub async_command: bool,
    /// STORE SUBCHANNEL.
    pub schib: bool,
    /// Channel reports.
    pub crw: bool,
    /// A signal when the host wants the device back.
    pub request: bool,
    /// Reset.
    pub reset: bool,
}

/// What an event file descriptor stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An I/O interrupt: there is a new IRB.
    Io,
    /// There are channel reports.
    Crw,
    /// The host wants the device back.
    Request,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Io, Self::Crw, Self::Request];

    /// Index of the interrupt in the kernel's interface (`linux/vfio.h`).
    pub const fn index(self) -> u32 {
        match self {
            Self::Io => 0,
            Self::Crw => 1,
            Self::Request => 2,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io => "io",
            Self::Crw => "crw",
            Self::Request => "request",
        })
    }
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DeviceError {
    /// The request was answered with an error number.
    #[error("{0}")]
    Errno(#[from] Errno),
    /// Fewer bytes went through than the region has. Of a write, nobody can tell what the device
    /// made of it.
    #[error("{done} of {wanted} bytes went through")]
    Short {
        /// Bytes that did.
        done: usize,
        /// Bytes of the region.
        wanted: usize,
    },
}

impl DeviceError {
    /// The error number, if it is one.
    pub const fn errno(self) -> Option<Errno> {
        match self {
            Self::Errno(errno) => Some(errno),
            Self::Short { .. } => None,
        }
    }
}
