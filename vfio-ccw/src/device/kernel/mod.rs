// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The kernel's device: vfio-ccw.
//!
//! [`KernelOpener`] opens it, by group and container or by its own file and an iommufd, from paths
//! or from open files that somebody else hands in; [`find`] knows where the files of a mediated
//! device are. [`KernelSpace`] is its address space. [`SYSCALLS_RUN`] and [`IOCTLS_RUN`] list what a
//! process needs from then on.
//!
//! The kernel lets one request of a device be processed at a time: those that meet another one,
//! also a reset, or an unmap that resets the device, can end with `EAGAIN` or leave the device not
//! operational. So do not unmap while another thread makes a request.

pub mod capability;
mod error;
pub mod find;
mod open;
mod seccomp;
mod setup;
mod space;
#[cfg(test)]
mod tests;

use std::os::fd::BorrowedFd;

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw};

use super::{Capabilities, CcwDevice, DeviceError, Source};
use crate::sys::{Fd, Ioctl};
use crate::{
    ASYNC_REGION_SIZE, AsyncCommand, AsyncRegion, CRW_REGION_SIZE, CrwRegion, Errno,
    IO_REGION_SIZE, IoRegion, ORB_AREA_SIZE, SCHIB_REGION_SIZE, SchibRegion,
};

pub use error::OpenError;
use open::Front;
pub use open::{KernelOpener, Node};
pub use seccomp::{IOCTLS_CLOSE, IOCTLS_RUN, SYSCALLS_CLOSE, SYSCALLS_RUN};
use setup::{Description, Interrupts, Regions};
pub use space::{KernelMappings, KernelSpace};

/// How often a call that a signal interrupted before it did anything is made again.
const INTERRUPTED: usize = 16;

/// A device of the kernel's.
///
/// Dropping it takes its interrupts back, closes it, and undoes what was done to open it. The
/// kernel then ends whatever runs on it.
#[derive(Debug)]
pub struct KernelDevice {
    interrupts: Interrupts,
    regions: Regions,
    capabilities: Capabilities,
    front: Front,
}

impl KernelDevice {
    fn new(front: Front, description: Description, interrupts: Interrupts) -> Self {
        let regions = description.regions;
        let capabilities = Capabilities {
            async_command: regions.async_command.is_some(),
            schib: regions.schib.is_some(),
            crw: regions.crw.is_some(),
            request: interrupts.get(Source::Request).is_some(),
            reset: description.reset,
        };
        Self {
            interrupts,
            regions,
            capabilities,
            front,
        }
    }

    /// Its address space, into which guest memory and programs are to be
    /// [mapped](KernelSpace::mappings).
    pub fn space(&self) -> &KernelSpace {
        self.front.space()
    }

    fn device(&self) -> &Fd {
        self.front.device()
    }

    /// Reads a whole region at `offset`.
    fn read<const N: usize>(&self, offset: u64) -> Result<[u8; N], DeviceError> {
        let mut bytes = [0; N];
        let done = uninterrupted(|| self.device().pread(&mut bytes, offset))?;
        whole(done, N)?;
        Ok(bytes)
    }

    /// Writes what is for the kernel of the region at `offset`, in one call: the kernel acts on each
    /// write, whatever its length.
    fn write(&self, bytes: &[u8], offset: u64) -> Result<(), DeviceError> {
        let done = uninterrupted(|| self.device().pwrite(bytes, offset))?;
        whole(done, bytes.len())
    }
}

impl CcwDevice for KernelDevice {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        self.interrupts.get(source)?.get().ok()
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        let Some(event) = self.interrupts.get(source) else {
            return Ok(0);
        };
        let mut count = [0; size_of::<u64>()];
        match uninterrupted(|| event.read(&mut count)) {
            Ok(_) => Ok(u64::from_ne_bytes(count)),
            Err(Errno::EAGAIN) => Ok(0),
            Err(errno) => Err(errno),
        }
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        // Behind these is the last status, which the VMM may not have read yet: written over with
        // zeros it would be lost.
        let request = IoRegion::request(orb, scsw);
        self.write(request.function(), self.regions.io)
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        let offset = self.regions.async_command.ok_or(Errno::EOPNOTSUPP)?;
        let AsyncRegion(request): AsyncRegion = AsyncRegion::request(command);
        const { assert!(size_of::<AsyncRegion>() == ASYNC_REGION_SIZE) }
        self.write(&request, offset)
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        let region = self.read::<IO_REGION_SIZE>(self.regions.io)?;
        let (irb, emw) = IoRegion(region).irb();
        Ok(irb.extend(&emw))
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        let offset = self.regions.schib.ok_or(Errno::EOPNOTSUPP)?;
        let region = self.read::<SCHIB_REGION_SIZE>(offset)?;
        Ok(SchibRegion(region).schib())
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        let Some(offset) = self.regions.crw else {
            return Ok(None);
        };
        let region = self.read::<CRW_REGION_SIZE>(offset)?;
        Ok(CrwRegion(region).crw())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        if !self.capabilities.reset {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.device().ioctl(Ioctl::Reset)?;
        Ok(())
    }
}

/// Makes a call again that a signal interrupted: it has done nothing then.
fn uninterrupted(mut call: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    for _ in 1..INTERRUPTED {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
    call()
}

/// Less than the whole region is an error of its own.
fn whole(done: usize, wanted: usize) -> Result<(), DeviceError> {
    match done == wanted {
        true => Ok(()),
        false => Err(DeviceError::Short { done, wanted }),
    }
}
