// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One device of the kernel's for two users: the mediator, and a test that hands it a guest's
//! program as it is, which is what a VMM without a mediator does.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw};
use vfio_ccw::device::kernel::{KernelDevice, KernelSpace};
use vfio_ccw::{AsyncCommand, Capabilities, CcwDevice, DeviceError, Errno, ORB_AREA_SIZE, Source};

/// A handle of a device.
#[derive(Debug)]
pub(crate) struct Shared {
    device: Arc<Mutex<KernelDevice>>,
    events: [Option<OwnedFd>; 3],
}

impl Shared {
    /// The first handle.
    pub(crate) fn new(device: KernelDevice) -> Result<Self, Errno> {
        Self::of(&Arc::new(Mutex::new(device)))
    }

    fn of(device: &Arc<Mutex<KernelDevice>>) -> Result<Self, Errno> {
        let mut events = [None, None, None];
        let locked = device.lock().unwrap_or_else(PoisonError::into_inner);
        for (source, event) in Source::ALL.into_iter().zip(&mut events) {
            if let Some(fd) = locked.event_fd(source) {
                *event = Some(fd.try_clone_to_owned().map_err(|e| Errno::of(&e))?);
            }
        }
        drop(locked);
        let device = Arc::clone(device);
        Ok(Self { device, events })
    }

    /// Its address space.
    pub(crate) fn space(&self) -> KernelSpace {
        self.lock().space().clone()
    }

    fn lock(&self) -> MutexGuard<'_, KernelDevice> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CcwDevice for Shared {
    fn capabilities(&self) -> Capabilities {
        self.lock().capabilities()
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        let mut all = Source::ALL.into_iter().zip(&self.events);
        let (_, event) = all.find(|(each, _)| *each == source)?;
        event.as_ref().map(AsFd::as_fd)
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        self.lock().acknowledge(source)
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        self.lock().start(orb, scsw)
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        self.lock().async_command(command)
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        self.lock().read_irb()
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        self.lock().read_schib()
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        self.lock().read_crw()
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.lock().reset()
    }
}
