// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's subchannel on top of a device of the host's.
//!
//! A [`Mediator`] is what the guest talks to. The VMM intercepts the guest's I/O instructions and
//! hands them over; the mediator reads the channel program, judges it, writes a program of its own
//! into the [`ShadowWindow`], has the device run that, and gives the status back in the guest's
//! terms. It owns the device.
//!
//! ```text
//!  guest: SSCH ... TSCH            VMM                        Mediator                  device
//!     |----- instruction ---------->|--- execute / ssch... ----->|---- start, halt, clear -->|
//!     |<---- condition code --------|<-- code, IRB, SCHIB -------|                           |
//!     |                             |       event descriptor <---------- I/O, CRW, request --|
//!     |                             |--- ready(source) --------->|---- read the status ----->|
//!     |<---- I/O interruption ------|<-- Event::Interrupt -------|                           |
//! ```
//!
//! # What the VMM does
//!
//! * It lends its event loop: it waits for [`Mediator::event_fd`] of each [`Source`] and then calls
//!   [`Mediator::ready`].
//! * After each call it carries out the [`Event`]s that were pushed, and looks at
//!   [`Mediator::timer`]: if there is one, it calls [`Mediator::expired`] when the time has come.
//! * It calls [`Mediator::execute`], or the method of the instruction, for what the guest does.
//!
//! That is all: nothing here sleeps, spawns a thread or takes a lock for longer than a few loads, and
//! only the [`DirtySink`] and the [`StorageKeys`](translator::StorageKeys) of its
//! [settings](MediatorConfig) are called back. A mediator is `Send`, and is used by one thread at a time. Only [`Mediator::reset`],
//! and [`Mediator::expired`] as the last resort against a device that answers neither halt nor
//! clear, make a request that the kernel may take its time for.
//!
//! # What holds
//!
//! * The device never reads a word that the guest can change, and is given no address that was not
//!   translated. No host address reaches the guest.
//! * A guest's program is ended exactly once: by its status, by a clear, a halt or a reset, or, when
//!   its status was lost on the way, by a channel-control check that says so. It is never lost
//!   silently, and never reported to have done what it did not do.
//! * What a program uses stays mapped until the device says that it has stopped. If it never does,
//!   it stays so until a reset of that device is acknowledged ([`Metrics::quarantined`],
//!   [`ShadowWindow::in_quarantine`]).
//! * Storage leaves the guest without a reset of a device, and without an error for a guest that does
//!   not use it any more ([`Unmap`], [`Discard`]).
//! * CANCEL SUBCHANNEL succeeds only for a program that the device was not given, or that stands
//!   suspended.
//!
//! # Programs in parts
//!
//! A program that suspends itself, reads into itself, or must not be prefetched cannot be copied at
//! once. The device is given it part by part, each fetched when control has come there; the guest sees
//! one start function, which ends once. Each part is an interrupt, so a program without an end keeps no
//! call busy, and HALT and CLEAR SUBCHANNEL end it between two parts as well. Between two the device has
//! nothing of it: what is left waits as a start does that the device has put off.
//!
//! One that stands suspended holds no storage and no slot, and is quiet ([`Mediator::is_quiet`]).
//! [`Mediator::rsch`] has it fetched again where it stands. A lack of ours on the way, say of pins, is a
//! channel-control check with the address of the CCW at which the program stands.
//!
//! # Errors of the host
//!
//! | error | SSCH | HSCH | CSCH |
//! |---|---|---|---|
//! | `EBUSY` | drain and try once more, then cc 2 (cc 1 if status came) | the same | put off |
//! | `EAGAIN` | a few times at once, then start pending, and tried again; interface-control check when [patience](Patience::retries) is over | halt pending; then the device is cleared | clear pending; then reset |
//! | `ENODEV` | cc 3 | cc 3 | cc 3 |
//! | `EACCES` | cc 3, and the paths are read again | cc 3 | cc 3 |
//! | `EINVAL`, `ENOENT`, `EFAULT`, `EPERM`, `EOPNOTSUPP` | cc 0, channel-control check: the program was checked, so it is not the guest's fault | the device is cleared | tried again, then reset |
//! | `ENOMEM`, `E2BIG`, `ENOSPC` | the same | the same | the same |
//! | `EIO`, any other | cc 0, interface-control check; if the SCHIB says that the device is gone: cc 3 | the same | the same |
//! | not a whole region written | cleared, then channel-control check: nobody knows whether it runs | as any other | as any other |
//!
//! For a part of a program that is under way, or a resumed one, the condition code is given already: in
//! the place of cc 2 and cc 3 it is tried again as for `EAGAIN`, or ends in an interface-control check;
//! a resumed one finds no path with deferred condition code 3.
//!
//! `EAGAIN` says that the kernel is at another request, or at an interrupt, which is over in a moment: it has
//! not looked at the program. On a machine that is a channel which is busy, so the guest sees the start
//! pending, and can cancel, halt or clear it. No vCPU spins for it.
//!
//! With cc 3 for `ENODEV` and `EIO` comes [`Event::Gone`] if the SCHIB cannot be stored any more. "Put
//! off" is as for `EAGAIN`; there is a [timer](Mediator::timer) then.
//!
//! A status that is lost in the kernel (an interrupt overwrites the one before) is noticed by an
//! unsolicited status, by more signals than statuses, or by a look every few seconds; if the
//! subchannel is idle and nothing else comes, the device is cleared, for else it would stay busy, and
//! the guest gets a channel-control check.
//!
//! # Logs
//!
//! Targets begin with `vfio_ccw::mediator`. They carry addresses and status, never data. What a guest
//! can bring about at will is told at `debug`, but for the first few times.
//!
//! # Example
//!
//! ```
//! use ccw::{GuestAddr, RawIrb, RawOrb, SubsystemId};
//! use css::device::scripted::{Response, Scripted};
//! use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
//! use vfio_ccw::mediator::{
//!     ConditionCode, Event, GuestRegion, Mediator, MediatorConfig, ShadowWindow, WindowConfig,
//! };
//! use vfio_ccw::{HostMemory, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The device, and what it finds at its I/O addresses.
//! let space = SoftSpace::new();
//! let model = Scripted::new([Response::input(&[0xff, 0x39, 0x90, 0xe9])]);
//! let device = SoftDevice::new(model, space.clone(), SoftConfig::default())?;
//! let window = ShadowWindow::new(space, WindowConfig::default())?;
//! let ram = HostMemory::anonymous(0x10_0000)?;
//! window.add(GuestRegion::new(GuestAddr::new(0), ram.clone()))?;
//!
//! // The guest's subchannel, which the guest enables: bit E of byte 5.
//! let id = SubsystemId::new(0, 0).expect("subchannel set 0");
//! let mut subchannel = Mediator::attach(device, window, MediatorConfig::new(id, 0x0190))?;
//! let mut events = Vec::new();
//! let mut schib = subchannel.stsch(&mut events);
//! schib.0[5] |= 0x80;
//! assert_eq!(subchannel.msch(&schib), Ok(ConditionCode::Cc0));
//!
//! // SENSE ID, 4 bytes to 3000. The device has an event: the VMM's loop would say so.
//! ram.write(0x2000, &[0xe4, 0, 0, 4, 0, 0, 0x30, 0])?;
//! let orb = RawOrb::from_words([0x00a0_b0c0, 0x00c2_8000, 0x2000]);
//! assert_eq!(subchannel.ssch(&orb, &mut events), Ok(ConditionCode::Cc0));
//! subchannel.ready(Source::Io, &mut events);
//! assert!(matches!(events[..], [Event::Interrupt(code)] if code.intparm == 0x00a0_b0c0));
//!
//! // The guest sees its own addresses: the program ended behind the CCW at 2000.
//! let (code, irb) = subchannel.tsch(&mut events);
//! let irb: RawIrb = irb.expect("status");
//! assert_eq!(code, ConditionCode::Cc0);
//! assert_eq!(irb.0[..12], [0, 0xc0, 0x40, 7, 0, 0, 0x20, 8, 0x0c, 0, 0, 0]);
//! let mut sense_id = [0; 4];
//! ram.read(0x3000, &mut sense_id)?;
//! assert_eq!(sense_id, [0xff, 0x39, 0x90, 0xe9]);
//! # Ok(())
//! # }
//! ```

mod clear;
mod config;
mod crw;
mod dirty;
mod errno;
mod event;
mod execute;
mod flight;
mod functions;
mod halting;
mod interrupt;
mod make_way;
mod metrics;
mod parts;
mod paths;
mod place;
mod prepare;
mod profile;
mod recover;
mod running;
mod sense;
mod snapshot;
mod start;
mod status;
mod subchannel;
mod waiting;
mod window;

use std::fmt;
use std::os::fd::BorrowedFd;

use ccw::{Guest, InterruptionCode, Irb, Pmcw, RawCrw, SubsystemId};
use translator::{Buffers, LimitAddr};

use crate::{CcwDevice, Source};

use flight::{Flight, Waiting};
use sense::Sense;
use subchannel::{Posted, Subchannel};
use window::Staging;

pub use config::{MediatorConfig, Patience};
pub use crw::CrwQueue;
pub use dirty::DirtySink;
pub use event::{ConditionCode, Event, Exception, Timer};
pub use execute::{Completion, Instruction, Stored};
pub use metrics::Metrics;
pub use profile::{Emulated, GuestProfile, Misfit, Paths, Plan, plan};
pub use snapshot::{DeviceIdentity, NotQuiescent, RestoreError, Snapshot};
pub use window::{
    Discard, GuestRegion, InQuarantine, Left, ResetAcknowledged, ShadowWindow, Unmap, UnmapPolicy,
    WindowConfig, WindowError, Withdrawal,
};

/// The guest's subchannel: a device of the host's, made to behave as the architecture says.
///
/// See the [module](self) for how to use it. Dropping it closes the device; a program that may
/// still run then keeps its storage until somebody makes the statement [`ResetAcknowledged`], so
/// [`Self::stop`] it first.
#[derive(Debug)]
pub struct Mediator<D> {
    // Closed before anything else is dropped.
    device: D,
    window: ShadowWindow,
    config: MediatorConfig,
    subchannel: Subchannel,
    flight: Flight,
    /// A program that was accepted and that the device does not have.
    waiting: Option<Waiting>,
    /// The VMM has taken the device away.
    unplugged: bool,
    timer: Option<Timer>,
    /// The timer at which what runs is stopped, so that the subchannel comes to rest.
    deadline: Option<u64>,
    /// How many timers there were.
    timers: u64,
    /// Whether the timer is the one that watches programs that run.
    watching: bool,
    reports: CrwQueue,
    metrics: Metrics,
    staging: Staging,
    /// The slots of the last programs that the device may have taken.
    recent: [usize; 2],
    /// The CCW address of the status that was read last.
    last_cpa: u32,
    /// The sense bytes of a command that the policy has refused, until the guest asks for them, or gives
    /// another command.
    sense: Option<Sense>,
    /// Buffers that no program has.
    #[expect(clippy::vec_box, reason = "the stages of a translation hand boxes on")]
    spare: Vec<Box<Buffers>>,
}

impl<D: CcwDevice> Mediator<D> {
    /// The subchannel of `device`, which must be at rest, in `window`. The guest finds it disabled.
    /// A device that is plugged in later is attached in the same way, before the guest is told of it.
    ///
    /// Everything that a start needs is allocated now, or by the first starts.
    ///
    /// # Errors
    ///
    /// Why the device cannot be what the guest is to see: nothing was asked of it then, and it is
    /// closed. [`plan`] tells before.
    pub fn attach(device: D, window: ShadowWindow, config: MediatorConfig) -> Result<Self, Misfit> {
        let emulated = profile::emulated(&config, device.capabilities())?;
        let window = window.owned_by(config.subchannel);
        let staging = window.staging();
        let mut mediator = Self {
            device,
            window,
            subchannel: Subchannel::new(Pmcw::default()),
            config,
            flight: Flight::Idle,
            waiting: None,
            unplugged: false,
            timer: None,
            deadline: None,
            timers: 0,
            watching: false,
            reports: CrwQueue::default(),
            metrics: Metrics::default(),
            staging,
            recent: [usize::MAX; 2],
            last_cpa: 0,
            sense: None,
            spare: Vec::with_capacity(3),
        };
        mediator.subchannel = Subchannel::new(mediator.initial_pmcw());
        log::info!(
            target: "vfio_ccw::mediator",
            "{}: attached, emulated: {emulated}", mediator.name()
        );
        Ok(mediator)
    }

    /// The event file descriptor of `source`, to be polled for input; `None` for a source that the
    /// device lacks.
    pub fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        self.device.event_fd(source)
    }

    /// When the mediator wants to be called, if it does. To be looked at after every other call.
    pub fn timer(&self) -> Option<Timer> {
        self.timer
    }

    /// What was counted so far.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            reports_dropped: self.reports.dropped(),
            ..self.metrics
        }
    }

    /// STORE CHANNEL REPORT WORD: `None` is condition code 1 and zeros.
    pub fn stcrw(&mut self) -> Option<RawCrw> {
        self.reports.pop()
    }

    /// The reports that wait, to be [taken over](CrwQueue::append) by a queue of the machine's.
    pub fn reports_mut(&mut self) -> &mut CrwQueue {
        &mut self.reports
    }

    /// SET ADDRESS LIMIT.
    pub fn set_address_limit(&mut self, limit: LimitAddr) {
        self.config.address_limit = Some(limit);
    }

    /// The device. What is asked of it behind the mediator's back can confuse both.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device, such as to make a software device work.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// What the device finds at its addresses.
    pub fn window(&self) -> &ShadowWindow {
        &self.window
    }

    /// Whether the device has nothing of ours: no program, no halt, no clear.
    pub fn is_quiet(&self) -> bool {
        matches!(self.flight, Flight::Idle | Flight::Gone)
    }

    /// Gives the device back.
    ///
    /// # Errors
    ///
    /// The mediator, if it is not [quiet](Self::is_quiet).
    pub fn into_device(self) -> Result<D, Box<Self>> {
        if self.is_quiet() {
            Ok(self.device)
        } else {
            Err(Box::new(self))
        }
    }

    /// Solicited status for the guest.
    fn post(&mut self, irb: &Irb<Guest>, out: &mut Vec<Event>) {
        log::debug!(
            target: "vfio_ccw::mediator::status",
            "{}: scsw {:02x?}", self.name(), irb.scsw.encode().0
        );
        if self.subchannel.post(irb) == Posted::Pending {
            self.interrupt(out);
        }
    }

    /// Unsolicited status for the guest.
    fn offer(&mut self, irb: &Irb<Guest>, out: &mut Vec<Event>) {
        let (posted, joined) = self.subchannel.offer(irb);
        self.metrics.joined += u64::from(joined);
        if posted == Posted::Pending {
            self.interrupt(out);
        }
    }

    /// Status has become pending.
    fn interrupt(&self, out: &mut Vec<Event>) {
        let pmcw = self.subchannel.pmcw();
        out.push(Event::Interrupt(InterruptionCode {
            subchannel: Some(self.config.subchannel),
            intparm: pmcw.intparm,
            adapter: false,
            isc: pmcw.isc,
        }));
    }

    /// How loud to say what has happened so many times.
    fn level(&self, times: u64) -> log::Level {
        match times {
            0..=LOUD => log::Level::Info,
            _ => log::Level::Debug,
        }
    }

    /// How logs call the subchannel.
    fn name(&self) -> Name {
        Name(self.config.subchannel)
    }
}

/// How often something that a guest can bring about at will is told aloud.
const LOUD: u64 = 16;

/// A subchannel as `cssid.ssid.number`.
#[derive(Clone, Copy, Debug)]
struct Name(SubsystemId);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0;
        write!(
            f,
            "{:x}.{}.{:04x}",
            id.cssid.unwrap_or(0),
            id.ssid(),
            id.number
        )
    }
}
