// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One device of the kernel's for two users: the mediator, and a test that hands it a guest's
//! program as it is, which is what a VMM without a mediator does. It knows how long it was asked for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw};
use vfio_ccw::device::kernel::{KernelDevice, KernelMappings, KernelSpace};
use vfio_ccw::{
    Access, AsyncCommand, Capabilities, CcwDevice, DeviceError, DmaSpace, Errno, HostMemory,
    ORB_AREA_SIZE, Source,
};

/// A handle of a device.
#[derive(Debug)]
pub(crate) struct Shared<D> {
    device: Arc<Mutex<D>>,
    events: [Option<OwnedFd>; 3],
    nanos: Arc<AtomicU64>,
}

impl<D: CcwDevice> Shared<D> {
    /// The first handle.
    pub(crate) fn new(device: D) -> Result<Self, Errno> {
        Self::of(&Arc::new(Mutex::new(device)), &Arc::default())
    }

    /// A further handle.
    pub(crate) fn another(&self) -> Result<Self, Errno> {
        Self::of(&self.device, &self.nanos)
    }

    fn of(device: &Arc<Mutex<D>>, nanos: &Arc<AtomicU64>) -> Result<Self, Errno> {
        let mut events = [None, None, None];
        let locked = device.lock().unwrap_or_else(PoisonError::into_inner);
        for (source, event) in Source::ALL.into_iter().zip(&mut events) {
            if let Some(fd) = locked.event_fd(source) {
                *event = Some(fd.try_clone_to_owned().map_err(|e| Errno::of(&e))?);
            }
        }
        drop(locked);
        let device = Arc::clone(device);
        let nanos = Arc::clone(nanos);
        Ok(Self {
            device,
            events,
            nanos,
        })
    }

    /// How long the device took for what it was asked.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    fn ask<T>(&self, ask: impl FnOnce(&mut D) -> T) -> T {
        let mut device = self.lock();
        let start = Instant::now();
        let answer = ask(&mut device);
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, D> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared<KernelDevice> {
    /// Its address space.
    pub(crate) fn space(&self) -> KernelSpace {
        self.lock().space().clone()
    }
}

/// A handle of what changes the mappings, for a window and for a test beside it.
#[derive(Clone, Debug)]
pub(crate) struct SharedMappings(Arc<Mutex<KernelMappings>>);

impl SharedMappings {
    /// The first handle.
    pub(crate) fn new(space: &KernelSpace) -> Result<Self, Errno> {
        Ok(Self(Arc::new(Mutex::new(space.mappings()?))))
    }

    fn lock(&self) -> MutexGuard<'_, KernelMappings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DmaSpace for SharedMappings {
    fn map(&mut self, iova: u64, memory: &HostMemory, access: Access) -> Result<(), Errno> {
        self.lock().map(iova, memory, access)
    }

    fn unmap(&mut self, iova: u64, len: u64) -> Result<(), Errno> {
        self.lock().unmap(iova, len)
    }
}

impl<D: CcwDevice> CcwDevice for Shared<D> {
    fn capabilities(&self) -> Capabilities {
        self.lock().capabilities()
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        let mut all = Source::ALL.into_iter().zip(&self.events);
        let (_, event) = all.find(|(each, _)| *each == source)?;
        event.as_ref().map(AsFd::as_fd)
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        self.ask(|device| device.acknowledge(source))
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        self.ask(|device| device.start(orb, scsw))
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        self.ask(|device| device.async_command(command))
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        self.ask(|device| device.read_irb())
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        self.ask(|device| device.read_schib())
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        self.ask(|device| device.read_crw())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.ask(|device| device.reset())
    }
}
