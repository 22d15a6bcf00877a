// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The VMM's event loop: waits for what the device and the mediator's timer bring, and tests the
//! subchannel.

use std::time::{Duration, Instant};

use ccw::{Guest, Irb};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use vfio_ccw::mediator::{ConditionCode, Event};
use vfio_ccw::{CcwDevice, Source};

use super::{BUSY, Session, is_suspended};
use crate::machine::GivenUp;

/// Why waiting is over.
pub(super) enum Waited {
    Ended,
    /// The program stands suspended, and no interruption was to tell so.
    Silent(Irb<Guest>),
    Spent(GivenUp),
    Gone,
    Expired,
}

impl Session {
    /// Waits until status is pending and the device has nothing more to do.
    pub(super) fn wait(&mut self, timeout: Duration) -> Waited {
        let end = Instant::now() + timeout;
        loop {
            self.settle();
            if self.gone {
                return Waited::Gone;
            }
            if self.subchannel.is_quiet() {
                if self.interruption {
                    return Waited::Ended;
                }
                if let Some(irb) = self.silent() {
                    return Waited::Silent(irb);
                }
            }
            let pause = match self.subchannel.device_mut().work() {
                Ok(pause) => pause,
                Err(why) => return Waited::Spent(why),
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Waited::Expired;
            }
            self.turn(pause.map_or(left, |pause| pause.min(left)));
        }
    }

    /// One turn of the event loop, of at most `pause`.
    pub(super) fn turn(&mut self, pause: Duration) {
        let now = Instant::now();
        let due = self
            .armed
            .map(|(_, due)| due.saturating_duration_since(now));
        let pause = due.map_or(pause, |due| due.min(pause));
        let device = self.subchannel.device();
        let mut fds: Vec<_> = Source::ALL
            .into_iter()
            .filter_map(|source| device.event_fd(source))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let timeout = Timespec::try_from(pause).ok();
        if poll(&mut fds, timeout.as_ref()).is_err() {
            // A signal; or no memory, which may be there later.
            std::thread::sleep(pause.min(BUSY));
        }
        for source in Source::ALL {
            self.subchannel.ready(source, &mut self.events);
        }
        if let Some((id, due)) = self.armed
            && due <= Instant::now()
        {
            self.subchannel.expired(id, &mut self.events);
        }
        self.settle();
    }

    /// TEST SUBCHANNEL, if status is pending.
    pub(super) fn test(&mut self) -> Option<Irb<Guest>> {
        let (code, irb) = self.subchannel.tsch(&mut self.events);
        self.interruption = false;
        self.settle();
        irb.filter(|_| code == ConditionCode::Cc0)
            .map(|raw| Irb::decode(&raw))
    }

    /// What TEST SUBCHANNEL finds of a program that stands suspended without status.
    pub(super) fn silent(&mut self) -> Option<Irb<Guest>> {
        let (code, irb) = self.subchannel.tsch(&mut self.events);
        let irb = irb.map(|raw| Irb::<Guest>::decode(&raw));
        irb.filter(|irb| code == ConditionCode::Cc1 && is_suspended(&irb.scsw))
    }

    /// Behind every call: the events, then the timer.
    pub(super) fn settle(&mut self) {
        for event in std::mem::take(&mut self.events) {
            match event {
                Event::Interrupt(_) => self.interruption = true,
                Event::Withdrawn => self.interruption = false,
                Event::ChannelReport => {
                    while let Some(report) = self.subchannel.stcrw() {
                        self.remark(format!("channel report {:08x}", report.0));
                    }
                }
                Event::UnplugRequested => self.remark("the host wants the device back".to_owned()),
                Event::Gone => self.gone = true,
            }
        }
        let timer = self.subchannel.timer();
        if self.armed.map(|(id, _)| id) != timer.map(|timer| timer.id) {
            self.armed = timer.map(|timer| (timer.id, Instant::now() + timer.after));
        }
    }
}
