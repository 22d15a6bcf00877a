// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device that fails when it is told to.
//!
//! Faults are planned for the n-th call or interrupt from now on, so a test can try each n. Without
//! a plan the device behaves as the one inside.

mod paths;
mod plan;

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};

use ccw::{ActivityControl, Host, IRB_EXTENDED_SIZE, Irb, RawCrw, RawIrb, RawSchib, RawScsw, Scsw};

use super::{Capabilities, CcwDevice, DeviceError, Source};
use crate::sys::EventFd;
use crate::{AsyncCommand, Errno, ORB_AREA_SIZE};

use paths::LostPaths;
use plan::Plan;
pub use plan::{Call, Fault, InterruptFault};

/// The IRB of an attention that nobody asked for.
const ATTENTION: [u8; IRB_EXTENDED_SIZE] = {
    let mut irb = [0; IRB_EXTENDED_SIZE];
    irb[3] = 0x11;
    irb[8] = 0x80;
    irb
};

/// The device `D` with faults.
///
/// Signals and status of `D` pass through the injector, which looks for them after each call: what
/// else makes `D` work must go through [`Self::with`].
///
/// ```
/// use css::{Ram, device::scripted::Scripted};
/// use vfio_ccw::device::fault::{Call, Fault, FaultInjector};
/// use vfio_ccw::device::soft::{SoftConfig, SoftDevice};
/// use vfio_ccw::{CcwDevice, DeviceError, Errno};
///
/// let soft = SoftDevice::new(Scripted::default(), Ram::new(0x1000), SoftConfig::default())?;
/// let mut device = FaultInjector::new(soft)?;
/// device.fail(Call::Reset, 2, Fault::Refused(Errno::EINVAL.into()));
/// assert_eq!(device.reset(), Ok(()));
/// assert_eq!(device.reset(), Err(DeviceError::Errno(Errno::EINVAL)));
/// assert_eq!(device.reset(), Ok(()));
/// # Ok::<(), Errno>(())
/// ```
#[derive(Debug)]
pub struct FaultInjector<D> {
    device: D,
    calls: Plan<Call, Fault>,
    interrupts: Plan<(), InterruptFault>,
    made: [u32; Call::ALL.len()],
    /// Status that is to come late.
    late: VecDeque<[u8; IRB_EXTENDED_SIZE]>,
    is_late: bool,
    irb: [u8; IRB_EXTENDED_SIZE],
    /// A final status was lost, and the device is still busy with the program.
    stuck: bool,
    paths: LostPaths,
    schib: Option<RawSchib>,
    reports: VecDeque<RawCrw>,
    unplugged: bool,
    events: [EventFd; 3],
}

impl<D: CcwDevice> FaultInjector<D> {
    /// `device`, without any faults so far.
    ///
    /// # Errors
    ///
    /// What making an event file descriptor ends with.
    pub fn new(device: D) -> Result<Self, Errno> {
        Ok(Self {
            device,
            calls: Plan::new(),
            interrupts: Plan::new(),
            made: [0; Call::ALL.len()],
            late: VecDeque::new(),
            is_late: false,
            irb: [0; IRB_EXTENDED_SIZE],
            stuck: false,
            paths: LostPaths::default(),
            schib: None,
            reports: VecDeque::new(),
            unplugged: false,
            events: [EventFd::new()?, EventFd::new()?, EventFd::new()?],
        })
    }

    /// The `nth` call of the kind from now on, counted from 1, ends so. For a device that never
    /// acknowledges, plan as many as the mediator makes: [`Self::made`] tells.
    pub fn fail(&mut self, call: Call, nth: u32, fault: Fault) {
        self.calls.add(call, nth, fault);
    }

    /// What becomes of the `nth` interrupt from now on, counted from 1.
    pub fn disturb(&mut self, nth: u32, fault: InterruptFault) {
        self.interrupts.add((), nth, fault);
    }

    /// The late interrupts come now.
    pub fn release(&mut self) {
        self.is_late = false;
        while let Some(irb) = self.late.pop_front() {
            self.deliver(irb);
        }
    }

    /// An I/O signal without an interrupt.
    pub fn spurious(&mut self) {
        self.signal(Source::Io);
    }

    /// An interrupt with this IRB, such as one that nobody asked for.
    pub fn interrupt(&mut self, irb: [u8; IRB_EXTENDED_SIZE]) {
        self.deliver(irb);
    }

    /// The channel paths in `mask` are no longer available: the SCHIB says so, and there is a
    /// channel report for each.
    pub fn lose_paths(&mut self, mask: u8) {
        let found = self.device.read_schib().ok();
        let reports = self.paths.lose(mask, found.as_ref());
        self.report(reports);
    }

    /// The paths in `mask` that were lost are back, which is reported too.
    pub fn restore_paths(&mut self, mask: u8) {
        let found = self.device.read_schib().ok();
        let reports = self.paths.restore(mask, found.as_ref());
        self.report(reports);
    }

    /// The host wants the device back, and does not wait: starts, halts and clears end with `EIO`,
    /// the SCHIB with `ENODEV`, a reset with `EINVAL`.
    pub fn unplug(&mut self) {
        self.unplugged = true;
        self.late.clear();
        self.signal(Source::Request);
    }

    /// The host wants the device back.
    pub fn request(&mut self) {
        self.signal(Source::Request);
    }

    /// From now on the subchannel shows these bytes, until `None`.
    pub fn show_schib(&mut self, schib: Option<RawSchib>) {
        self.schib = schib;
    }

    /// How many calls of the kind were made so far, those that failed included.
    pub fn made(&self, call: Call) -> u32 {
        self.made.get(call as usize).copied().unwrap_or(0)
    }

    /// Does something with the device inside, then looks for its signals.
    pub fn with<R>(&mut self, action: impl FnOnce(&mut D) -> R) -> R {
        let result = action(&mut self.device);
        self.pump();
        result
    }

    /// Passes on what the device inside has signalled.
    fn pump(&mut self) {
        for source in [Source::Crw, Source::Request] {
            for _ in 0..self.device.acknowledge(source).unwrap_or(0) {
                self.signal(source);
            }
        }
        // As many signals, as many interrupts; of all but the last the status is gone, except on a
        // device that keeps it until it is read.
        while let Ok(count @ 1..) = self.device.acknowledge(Source::Io) {
            for _ in 1..count {
                self.signal(Source::Io);
            }
            match self.device.read_irb() {
                Ok(irb) => self.come(irb),
                Err(_) => self.signal(Source::Io),
            }
        }
    }

    /// An interrupt of the device inside.
    fn come(&mut self, mut irb: [u8; IRB_EXTENDED_SIZE]) {
        if self.unplugged {
            return;
        }
        match self.interrupts.occasion(&()) {
            None => {}
            Some(InterruptFault::Late) => self.is_late = true,
            Some(InterruptFault::Doubled) => self.signal(Source::Io),
            Some(InterruptFault::Lost) => {
                self.stuck |= is_final(&irb);
                return;
            }
            Some(InterruptFault::Overwritten) => {
                self.stuck |= is_final(&irb);
                irb = ATTENTION;
            }
            Some(InterruptFault::Followed) => {
                self.deliver(irb);
                irb = ATTENTION;
            }
            Some(InterruptFault::WithAttention) => {
                irb[3] |= ATTENTION[3];
                irb[8] |= ATTENTION[8];
            }
            Some(InterruptFault::Replaced(other)) => irb = other,
        }
        match self.is_late {
            true => self.late.push_back(irb),
            false => self.deliver(irb),
        }
    }

    fn deliver(&mut self, irb: [u8; IRB_EXTENDED_SIZE]) {
        self.stuck &= !is_final(&irb);
        self.irb = irb;
        self.signal(Source::Io);
    }

    fn report(&mut self, reports: impl IntoIterator<Item = RawCrw>) {
        for crw in reports {
            self.reports.push_back(crw);
            self.signal(Source::Crw);
        }
    }

    fn event(&self, source: Source) -> &EventFd {
        let [io, crw, request] = &self.events;
        match source {
            Source::Io => io,
            Source::Crw => crw,
            Source::Request => request,
        }
    }

    fn signal(&self, source: Source) {
        if let Err(errno) = self.event(source).signal() {
            log::warn!(target: "vfio_ccw::fault", "signal {source}: {errno}");
        }
    }

    /// Makes a call, unless it is to fail: with `gone` if the device was unplugged.
    fn call<R>(
        &mut self,
        call: Call,
        gone: Option<Errno>,
        action: impl FnOnce(&mut Self) -> Result<R, DeviceError>,
    ) -> Result<R, DeviceError> {
        if let Some(made) = self.made.get_mut(call as usize) {
            *made = made.saturating_add(1);
        }
        let fault = self.calls.occasion(&call);
        if let (true, Some(errno)) = (self.unplugged, gone) {
            return Err(errno.into());
        }
        match fault {
            Some(Fault::Refused(error)) => Err(error),
            Some(Fault::Done(error)) => {
                let result = action(self);
                self.pump();
                result.and(Err(error))
            }
            None => {
                let result = action(self);
                self.pump();
                result
            }
        }
    }
}

impl<D: CcwDevice> CcwDevice for FaultInjector<D> {
    fn capabilities(&self) -> Capabilities {
        self.device.capabilities()
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        let there = self.device.event_fd(source).is_some();
        there.then(|| self.event(source).as_fd())
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        self.pump();
        let taken = self.call(Call::Acknowledge, None, |this| {
            Ok(this.event(source).take()?)
        });
        taken.map_err(|error| error.errno().unwrap_or(Errno::EIO))
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        self.call(Call::Start, Some(Errno::EIO), |this| {
            if this.stuck {
                return Err(Errno::EBUSY.into());
            }
            this.paths.admit(orb)?;
            this.device.start(orb, scsw)
        })
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        let call = match command {
            AsyncCommand::Halt => Call::Halt,
            AsyncCommand::Clear => Call::Clear,
        };
        self.call(call, Some(Errno::EIO), |this| {
            this.device.async_command(command)
        })
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        self.call(Call::ReadIrb, None, |this| Ok(this.irb))
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        self.call(Call::ReadSchib, Some(Errno::ENODEV), |this| {
            match this.schib {
                Some(schib) => Ok(schib),
                None => Ok(this.paths.show(&this.device.read_schib()?)),
            }
        })
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        self.call(Call::ReadCrw, None, |this| {
            let Some(crw) = this.reports.pop_front() else {
                return this.device.read_crw();
            };
            if !this.reports.is_empty() {
                this.signal(Source::Crw);
            }
            Ok(Some(crw))
        })
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.call(Call::Reset, Some(Errno::EINVAL), |this| {
            this.device.reset()?;
            this.stuck = false;
            this.late.clear();
            this.is_late = false;
            Ok(())
        })
    }
}

/// Whether the kernel takes this status for the end of the program that runs.
fn is_final(irb: &[u8; IRB_EXTENDED_SIZE]) -> bool {
    let (raw, _) = RawIrb::split_extended(irb);
    let scsw: Scsw<Host> = Irb::decode(&raw).scsw;
    let running = ActivityControl::SUBCHANNEL_ACTIVE | ActivityControl::DEVICE_ACTIVE;
    scsw.is_solicited() && !scsw.activity.intersects(running)
}
