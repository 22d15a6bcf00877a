// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The line from the guest's START SUBCHANNEL to its status, with the mediator between the two or
//! without.

use std::error::Error;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use ccw::{DeviceClass, GuestAddr, Host, Orb, RawIrb, RawOrb, SubsystemId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use translator::CommandPolicy;
use vfio_ccw::device::kernel::{KernelDevice, KernelOpener, KernelSpace};
use vfio_ccw::mediator::{
    ConditionCode, Event, GuestRegion, Mediator, MediatorConfig, ShadowWindow, Timer, WindowConfig,
};
use vfio_ccw::{Access, CcwDevice, DeviceError, DmaSpace, Source};

use crate::guest::Guest;
use crate::names;
use crate::shared::{Shared, SharedMappings};

/// How long a program may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How a start ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Condition code 0, and what TEST SUBCHANNEL stored after each interruption.
    Status(Vec<RawIrb>),
    /// Refused by this name, before anything ran.
    Refused(&'static str),
    /// Another condition code, or a program interruption.
    Answer(String),
    /// The kernel refused it.
    Errno(DeviceError),
    /// Nothing more came.
    Silence,
}

/// A way to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// Its group, with a container.
    Group,
    /// Its own file, with an iommufd.
    Cdev,
}

impl fmt::Display for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group => "group",
            Self::Cdev => "cdev",
        })
    }
}

/// A device, and the guest that it belongs to.
#[derive(Debug)]
pub(crate) struct Line {
    /// How it was opened, if that matters to what is tried.
    pub(crate) front: Option<Front>,
    pub(crate) guest: Guest,
    pub(crate) mediator: Mediator<Shared<KernelDevice>>,
    /// The same device, behind the mediator's back.
    pub(crate) device: Shared<KernelDevice>,
    /// What the VMM has to do; interruptions are taken out when the guest takes them.
    pub(crate) events: Vec<Event>,
    /// Time that was spent in the mediator, with what it asked the device.
    pub(crate) inside: Duration,
    timer: Option<(Timer, Instant)>,
}

/// What the VMM says of a device.
#[derive(Debug, Default)]
pub(crate) struct Kind {
    /// By which its commands are read.
    pub(crate) class: DeviceClass,
    /// The guest's machine has MIDAWs.
    pub(crate) midaw: bool,
    /// Which of them the guest may give, if not all.
    pub(crate) commands: Option<CommandPolicy>,
}

/// One guest's storage, and where devices find it.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) guest: Guest,
    pub(crate) window: ShadowWindow,
    space: KernelSpace,
}

impl Machine {
    /// A guest whose storage is found by `device`, also at its own addresses, for what is handed to
    /// the kernel as it is.
    fn new(device: &Shared<KernelDevice>) -> Result<Self, Box<dyn Error>> {
        let guest = Guest::new()?;
        let space = device.space();
        let mut mappings = SharedMappings::new(&space)?;
        let window = ShadowWindow::new(mappings.clone(), WindowConfig::default())?;
        for (at, memory) in guest.regions() {
            window.add(GuestRegion::new(GuestAddr::new(at), memory.clone()))?;
            mappings.map(at, memory, Access::Store)?;
        }
        Ok(Self {
            guest,
            window,
            space,
        })
    }
}

impl Line {
    /// A device with a guest of its own.
    pub(crate) fn open(opener: KernelOpener) -> Result<Self, Box<dyn Error>> {
        Self::open_as(opener, Kind::default())
    }

    /// The same, with what the VMM says of the device.
    pub(crate) fn open_as(opener: KernelOpener, kind: Kind) -> Result<Self, Box<dyn Error>> {
        let device = Shared::new(opener.open()?)?;
        let machine = Machine::new(&device)?;
        Self::of(&machine, device, kind)
    }

    /// A device whose guest has its storage where a mediator puts it and nowhere else; and what else
    /// can map and unmap there.
    pub(crate) fn open_apart(
        opener: KernelOpener,
    ) -> Result<(Self, SharedMappings), Box<dyn Error>> {
        let device = Shared::new(opener.open()?)?;
        let guest = Guest::new()?;
        let space = device.space();
        let mappings = SharedMappings::new(&space)?;
        let window = ShadowWindow::new(mappings.clone(), WindowConfig::default())?;
        for (at, memory) in guest.regions() {
            window.add(GuestRegion::new(GuestAddr::new(at), memory.clone()))?;
        }
        let machine = Machine {
            guest,
            window,
            space,
        };
        Ok((Self::of(&machine, device, Kind::default())?, mappings))
    }

    /// The same subchannel again: its mediator goes, whatever runs, and the device stays open.
    pub(crate) fn attach_again(self) -> Result<Self, Box<dyn Error>> {
        let machine = Machine {
            guest: self.guest.clone(),
            window: self.mediator.window().clone(),
            space: self.device.space(),
        };
        let Self {
            device, mediator, ..
        } = self;
        drop(mediator);
        Self::of(&machine, device, Kind::default())
    }

    /// The device, behind the mediator's back.
    pub(crate) fn device(&mut self) -> &mut Shared<KernelDevice> {
        &mut self.device
    }

    /// Two devices of one guest.
    pub(crate) fn open_two(
        first: KernelOpener,
        second: KernelOpener,
    ) -> Result<[Self; 2], Box<dyn Error>> {
        let device = Shared::new(first.open()?)?;
        let machine = Machine::new(&device)?;
        let second = Shared::new(second.space(machine.space.clone()).open()?)?;
        Ok([
            Self::of(&machine, device, Kind::default())?,
            Self::of(&machine, second, Kind::default())?,
        ])
    }

    /// The guest enables the subchannel, and asks for concurrent sense.
    fn of(
        machine: &Machine,
        device: Shared<KernelDevice>,
        kind: Kind,
    ) -> Result<Self, Box<dyn Error>> {
        let id = SubsystemId::new(0, 0).ok_or("subchannel 0")?;
        let window = machine.window.clone();
        let mut config = MediatorConfig {
            commands: kind.commands,
            ..MediatorConfig::new(id, 0x0120)
        };
        config.guest.policy = config.guest.policy.for_device(kind.class);
        config.guest.policy.facilities.midaw = kind.midaw;
        let mut line = Self {
            front: None,
            guest: machine.guest.clone(),
            mediator: Mediator::attach(device.another()?, window, config)?,
            device,
            events: Vec::new(),
            inside: Duration::ZERO,
            timer: None,
        };
        let mut schib = line.mediator.stsch(&mut line.events);
        // PMCW: bit E of byte 5, bit S of byte 27.
        schib.0[5] |= 0x80;
        schib.0[27] |= 0x01;
        match line.mediator.msch(&schib) {
            Ok(ConditionCode::Cc0) => Ok(line),
            other => Err(format!("MSCH: {other:?}").into()),
        }
    }

    /// Starts the program as a guest does.
    pub(crate) fn mediated(&mut self, orb: &RawOrb) -> Ended {
        names::forget();
        let before = Instant::now();
        let answer = self.mediator.ssch(orb, &mut self.events);
        self.inside += before.elapsed();
        match answer {
            Ok(ConditionCode::Cc0) => {}
            other => return Ended::Answer(format!("{other:?}")),
        }
        let ended = self.statuses();
        match names::refused() {
            Some(name) => Ended::Refused(name),
            None => ended,
        }
    }

    /// What the guest takes, until nothing runs any more.
    pub(crate) fn statuses(&mut self) -> Ended {
        let mut all = Vec::new();
        while let Some(irb) = self.status(PATIENCE) {
            all.push(irb);
            if is_last(&irb) {
                return Ended::Status(all);
            }
        }
        Ended::Silence
    }

    /// Waits for an interruption and takes its status.
    pub(crate) fn status(&mut self, patience: Duration) -> Option<RawIrb> {
        let end = Instant::now() + patience;
        loop {
            let interruption = |event: &Event| matches!(event, Event::Interrupt(_));
            if let Some(at) = self.events.iter().position(interruption) {
                self.events.remove(at);
                let before = Instant::now();
                let (code, irb) = self.mediator.tsch(&mut self.events);
                self.inside += before.elapsed();
                return if code == ConditionCode::Cc0 {
                    irb
                } else {
                    None
                };
            }
            if !self.attend(end) {
                return None;
            }
        }
    }

    /// The VMM's loop, once: waits for the device or the timer. `false` when it is too late.
    pub(crate) fn attend(&mut self, end: Instant) -> bool {
        let now = Instant::now();
        let timer = self.mediator.timer();
        if self.timer.map(|(timer, _)| timer.id) != timer.map(|timer| timer.id) {
            self.timer = timer.map(|timer| (timer, now + timer.after));
        }
        let due = self.timer.map_or(end, |(_, due)| due.min(end));
        let mut ready = None;
        {
            let sources: Vec<_> = Source::ALL
                .into_iter()
                .filter_map(|source| Some((source, self.mediator.event_fd(source)?)))
                .collect();
            let fds: Vec<_> = sources.iter().map(|(_, fd)| *fd).collect();
            if let Some(n) = readable(&fds, due) {
                ready = Some(sources[n].0);
            }
        }
        if let Some(source) = ready {
            let before = Instant::now();
            self.mediator.ready(source, &mut self.events);
            self.inside += before.elapsed();
            return true;
        }
        match self.timer {
            Some((timer, due)) if due <= Instant::now() => {
                self.timer = None;
                self.mediator.expired(timer.id, &mut self.events);
                true
            }
            _ => Instant::now() < end,
        }
    }

    /// Starts the program as it is, behind the mediator's back.
    pub(crate) fn alone(&mut self, orb: &RawOrb) -> Ended {
        if let Err(error) = self.device.start_orb(&Orb::<Host>::decode(orb)) {
            return Ended::Errno(error);
        }
        let mut all = Vec::new();
        while let Some(irb) = self.interrupt(PATIENCE) {
            all.push(irb);
            if is_last(&irb) {
                return Ended::Status(all);
            }
        }
        Ended::Silence
    }

    /// Waits for an interrupt of the kernel's and takes its status.
    fn interrupt(&mut self, patience: Duration) -> Option<RawIrb> {
        let end = Instant::now() + patience;
        while self.device.acknowledge(Source::Io).ok()? == 0 {
            readable(&[self.device.event_fd(Source::Io)?], end)?;
        }
        let extended = self.device.read_irb().ok()?;
        Some(RawIrb::split_extended(&extended).0)
    }
}

/// Which of these can be read before `end`.
fn readable(fds: &[BorrowedFd<'_>], end: Instant) -> Option<usize> {
    let left = end.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).ok()?;
    let mut polled: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::new(fd, PollFlags::IN))
        .collect();
    poll(&mut polled, Some(&timeout)).ok()?;
    polled.iter().position(|fd| !fd.revents().is_empty())
}

/// Whether nothing runs behind this status: it is final, or an alert.
fn is_last(irb: &RawIrb) -> bool {
    let scsw = irb.scsw().0;
    let active = scsw[2] & 0x0f != 0 || scsw[3] & 0xe0 != 0;
    let intermediate = scsw[3] & 0x08 != 0;
    !active && !intermediate
}
