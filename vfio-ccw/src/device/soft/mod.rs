// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device in software: the channel of [`css`] behind the interface of the kernel's.
//!
//! It needs no privileges, no threads and no signals; its event file descriptors are real.
//!
//! Work is done by the requests themselves, up to [`SoftConfig::steps`] steps each, and by
//! [`SoftDevice::run`]: which interrupt comes when depends on nothing else. A program that has not
//! ended by then goes on with the next request or the next `run`, and never by itself.
//!
//! What differs from the kernel's device: the program is read as it runs, not copied when it is
//! started, so its storage is in use until the final status; and an address that leads nowhere is a
//! program check at the CCW that uses it, not a start that is refused.

mod config;
mod requests;
mod space;

use std::collections::VecDeque;

use ccw::{
    ActivityControl, Crw, EMW_SIZE, ErrorRecovery, Esw, Host, IRB_EXTENDED_SIZE, Irb, Pmcw, RawCrw,
    ReportingSource, StatusControl,
};
use css::{Progress, Storage, Subchannel};

use super::Source;
use crate::Errno;
use crate::sys::EventFd;

pub use config::{SoftConfig, Unread};
pub use space::SoftSpace;

/// A device in software: `D` executes the commands, `S` is what the addresses lead to, such as a
/// [`SoftSpace`].
///
/// ```
/// use ccw::{Orb, RawOrb};
/// use css::device::scripted::{Response, Scripted};
/// use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
/// use vfio_ccw::{Access, CcwDevice, DmaSpace, HostMemory, Source};
///
/// let memory = HostMemory::anonymous(0x1000)?;
/// memory.write(0, &[0xe4, 0, 0, 4, 0x40, 0, 0, 0x80])?; // SENSE ID, 4 bytes
/// let mut space = SoftSpace::new();
/// space.map(0x4000_0000, &memory, Access::Store)?;
///
/// let model = Scripted::new([Response::input(&[0xff, 0x39, 0x90, 0xe9])]);
/// let mut device = SoftDevice::new(model, space, SoftConfig::default())?;
/// device.start_orb(&Orb::decode(&RawOrb::from_words([0, 0x00c2_8000, 0x4000_0000])))?;
///
/// assert_eq!(device.acknowledge(Source::Io)?, 1);
/// assert_eq!(device.read_irb()?[..12], [0, 0xc0, 0x40, 7, 0x40, 0, 0, 8, 0x0c, 0, 0, 0]);
/// let mut id = [0; 4];
/// memory.read(0x80, &mut id)?;
/// assert_eq!(id, [0xff, 0x39, 0x90, 0xe9]);
/// # Ok::<(), vfio_ccw::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct SoftDevice<D, S> {
    model: D,
    storage: S,
    config: SoftConfig,
    subchannel: Subchannel<Host>,
    pmcw: Pmcw,
    state: State,
    /// A start was accepted, and no final status of it was delivered.
    program: bool,
    /// Status taken from the subchannel that did not become the IRB yet.
    taken: VecDeque<Irb<Host>>,
    held: bool,
    irb: [u8; IRB_EXTENDED_SIZE],
    unread: bool,
    reports: VecDeque<RawCrw>,
    events: [EventFd; 3],
}

/// Whether there still is a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Operational,
    Gone,
}

impl<D: css::Device + Send, S: Storage<Host> + Send> SoftDevice<D, S> {
    /// A device at rest.
    ///
    /// # Errors
    ///
    /// What making an event file descriptor ends with.
    pub fn new(model: D, storage: S, config: SoftConfig) -> Result<Self, Errno> {
        let pmcw = config.pmcw;
        Ok(Self {
            model,
            storage,
            config,
            subchannel: Subchannel::new(channel(&config)),
            pmcw,
            state: State::Operational,
            program: false,
            taken: VecDeque::new(),
            held: false,
            irb: [0; IRB_EXTENDED_SIZE],
            unread: false,
            reports: VecDeque::new(),
            events: [EventFd::new()?, EventFd::new()?, EventFd::new()?],
        })
    }

    /// What executes the commands.
    pub fn model(&self) -> &D {
        &self.model
    }

    /// What executes the commands, such as to make it want attention; then [`Self::run`].
    pub fn model_mut(&mut self) -> &mut D {
        &mut self.model
    }

    /// What the addresses lead to.
    pub fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Does at most `steps` steps. [`Progress::Working`] says that the program goes on,
    /// [`Progress::Waiting`] that it waits for the device; all status is taken and delivered, so
    /// the answer is never [`Progress::Pending`].
    pub fn run(&mut self, steps: u32) -> Progress {
        let mut progress = Progress::Working;
        for _ in 0..steps {
            if self.state == State::Gone {
                return Progress::Idle;
            }
            progress = self.subchannel.step(&mut self.storage, &mut self.model);
            let pending = self.subchannel.scsw().status;
            if pending.contains(StatusControl::PENDING) {
                self.interrupt();
            } else if progress != Progress::Working {
                return progress;
            }
        }
        match progress {
            Progress::Pending => Progress::Working,
            progress => progress,
        }
    }

    /// While held, interrupts stay in the kernel, which has room for one: each overwrites the one
    /// before, and there is one signal for all of them in the end. This is how a real kernel loses
    /// the final status of a program to an attention that follows at once.
    pub fn hold_interrupts(&mut self, held: bool) {
        self.held = held;
        self.deliver();
    }

    /// Takes the channel paths in `mask` away, or brings them back, and reports each.
    pub fn vary_paths(&mut self, mask: u8, online: bool) {
        let recovery = match online {
            true => ErrorRecovery::INITIALIZED,
            false => ErrorRecovery::PERMANENT_NOT_INITIALIZED,
        };
        for (path, id) in (0..8).zip(self.pmcw.chpid) {
            let bit = 0x80u8 >> path;
            if mask & self.pmcw.pim & bit == 0 || (self.pmcw.pam & bit != 0) == online {
                continue;
            }
            self.pmcw.pam ^= bit;
            self.pmcw.lpm = (self.pmcw.lpm & !bit) | (self.pmcw.pam & bit);
            self.pmcw.pnom &= !bit;
            self.report(
                Crw {
                    source: ReportingSource::CHANNEL_PATH,
                    recovery,
                    source_id: u16::from(id),
                    ..Crw::decode(RawCrw(0))
                }
                .encode(),
            );
        }
    }

    /// Queues a channel report, if the device can report at all.
    pub fn report(&mut self, crw: RawCrw) {
        if self.config.capabilities.crw && crw.0 != 0 {
            self.reports.push_back(crw);
            self.signal(Source::Crw);
        }
    }

    /// The host wants the device back. It goes on working.
    pub fn request(&mut self) {
        if self.config.capabilities.request {
            self.signal(Source::Request);
        }
    }

    /// The host takes the device away: from now on every request fails.
    pub fn unplug(&mut self) {
        self.request();
        self.state = State::Gone;
        self.taken.clear();
    }

    /// An interrupt: its status is taken at once.
    fn interrupt(&mut self) {
        let (_, irb) = self.subchannel.test();
        if let Esw::Path { lpum, .. } = irb.esw
            && lpum != 0
        {
            self.pmcw.lpum = lpum;
        }
        if self.held && self.config.unread == Unread::Overwritten {
            self.taken.clear();
        }
        self.taken.push_back(irb);
        self.deliver();
    }

    /// What was taken becomes the IRB, unless it has to wait.
    fn deliver(&mut self) {
        while !self.waits()
            && let Some(irb) = self.taken.pop_front()
        {
            let running = ActivityControl::SUBCHANNEL_ACTIVE | ActivityControl::DEVICE_ACTIVE;
            if irb.scsw.is_solicited() && !irb.scsw.activity.intersects(running) {
                self.program = false;
            }
            self.irb = irb.encode().extend(&[0; EMW_SIZE]);
            self.unread = true;
            self.signal(Source::Io);
        }
    }

    /// Whether status that was taken cannot become the IRB now.
    fn waits(&self) -> bool {
        self.held || (self.unread && self.config.unread == Unread::Kept)
    }

    fn event(&self, source: Source) -> &EventFd {
        let [io, crw, request] = &self.events;
        match source {
            Source::Io => io,
            Source::Crw => crw,
            Source::Request => request,
        }
    }

    fn has(&self, source: Source) -> bool {
        match source {
            Source::Io => true,
            Source::Crw => self.config.capabilities.crw,
            Source::Request => self.config.capabilities.request,
        }
    }

    fn signal(&self, source: Source) {
        if let Err(errno) = self.event(source).signal() {
            log::warn!(target: "vfio_ccw::soft", "signal {source}: {errno}");
        }
    }
}

/// The channel's settings: which paths are available is judged before it is asked.
fn channel(config: &SoftConfig) -> css::Config {
    css::Config {
        path_available: config.pmcw.pim,
        ..config.channel
    }
}
