// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Time, and status that is lost.
//!
//! A final status can be lost in the kernel, which has room for one: the subchannel is idle then,
//! and the kernel still waits for its end, so that every start finds it busy. CLEAR SUBCHANNEL makes
//! it forget. What the program came to cannot be known any more, and the guest is told just that.

use std::time::Duration;

use ccw::{Guest, Irb, StatusControl, SubchannelStatus};

use super::errno::Refusal;
use super::flight::{Flight, Job, Stage, Suspicion, Then};
use super::{Event, Mediator, Timer, status};
use crate::{CcwDevice, DeviceError, Errno};

impl<D: CcwDevice> Mediator<D> {
    /// The time of the timer `id` has come. One that was replaced means nothing.
    ///
    /// As the last resort against a device that answers neither halt nor clear this resets it, for
    /// which the kernel may take its time.
    pub fn expired(&mut self, id: u64, out: &mut Vec<Event>) {
        if self.deadline == Some(id) {
            self.deadline = None;
            self.stop(out);
            return;
        }
        if self.timer.is_none_or(|timer| timer.id != id) {
            return;
        }
        self.disarm();
        match &self.flight {
            Flight::Gone => {}
            Flight::Idle => self.launch_waiting(out),
            Flight::Running(_) => self.look(out),
            Flight::Halting { .. } => self.halt_again(out),
            Flight::Clearing { .. } => self.clear_again(out),
        }
    }

    /// Wants to be called after `after`.
    pub(super) fn arm(&mut self, after: Duration) {
        self.timers += 1;
        self.watching = false;
        self.timer = Some(Timer {
            id: self.timers,
            after,
        });
    }

    pub(super) fn disarm(&mut self) {
        self.timer = None;
        self.watching = false;
    }

    /// A program runs: it is looked at from time to time. One timer serves for all programs, so that
    /// a start costs the VMM nothing.
    pub(super) fn watch(&mut self) {
        match self.config.patience.watch {
            Some(after) if self.device.capabilities().schib => {
                if !self.watching {
                    self.arm(after);
                    self.watching = true;
                }
            }
            _ => self.disarm(),
        }
    }

    /// Nothing is to be waited for any more.
    pub(super) fn rest(&mut self) {
        if !self.watching {
            self.disarm();
        }
    }

    /// The final status of the program that runs may be lost: if nothing else comes, the subchannel
    /// will tell.
    pub(super) fn suspect(&mut self, how: Suspicion) {
        if let Flight::Running(job) = &mut self.flight {
            job.suspect = job.suspect.max(Some(how));
            self.arm(self.config.patience.settle);
        }
    }

    /// Looks whether the program that is said to run does.
    fn look(&mut self, out: &mut Vec<Event>) {
        let found = self.host_schib().map(|host| status::is_idle(&host.scsw));
        let Flight::Running(job) = &mut self.flight else {
            return;
        };
        let lost = match (found, job.suspect) {
            // It may still be on its way.
            (Ok(true), None) => {
                self.suspect(Suspicion::Possible);
                return;
            }
            (Ok(true), Some(_)) => true,
            (Ok(false), _) => false,
            (Err(DeviceError::Errno(Errno::EOPNOTSUPP)), suspect) => {
                suspect == Some(Suspicion::Certain)
            }
            (Err(error), suspect) => {
                if Refusal::from(error) == Refusal::NotOperational {
                    self.lose_device(out);
                    return;
                }
                suspect == Some(Suspicion::Certain)
            }
        };
        if lost {
            self.lost(out);
        } else {
            job.suspect = None;
            self.watch();
        }
    }

    /// The final status of the program is lost.
    pub(super) fn lost(&mut self, out: &mut Vec<Event>) {
        self.metrics.lost += 1;
        log::warn!(
            target: "vfio_ccw::mediator::recover",
            "{}: the final status is lost, the device is cleared", self.name()
        );
        self.clear_host(self.after_breaking_off(), out);
    }

    /// What the guest is told when the program that runs is broken off: nothing, if it has started
    /// another one behind the channel end.
    pub(super) fn after_breaking_off(&self) -> Then {
        match self.flight.job() {
            Some(job) if job.stage == Stage::Superseded => Then::Nothing,
            _ => Then::Status(self.broken_off()),
        }
    }

    /// What the guest is told of a program that is broken off, or of which nobody knows the end.
    pub(super) fn broken_off(&self) -> Irb<Guest> {
        let bits = self.subchannel.scsw().orb;
        let mut irb = status::checked(bits, SubchannelStatus::CHANNEL_CONTROL_CHECK);
        let job = self.flight.job();
        if job.is_some_and(Job::is_at_device_end) {
            // It knows of the channel end.
            irb.scsw.status.remove(StatusControl::PRIMARY);
        }
        let orb = job.map(|job| job.program.guest_orb());
        if let Some(orb) = orb.filter(|orb| orb.transport) {
            // There the address is always that of the TCW.
            irb.scsw.cpa = orb.cpa.get();
        }
        irb
    }

    /// The host is busy and nothing of ours runs: a status was lost before our time, and the host is
    /// made to forget. But status that is pending there is on its way.
    pub(super) fn heal(&mut self, out: &mut Vec<Event>) {
        let on_its_way = self
            .host_schib()
            .is_ok_and(|host| host.scsw.status.contains(StatusControl::PENDING));
        if !on_its_way && matches!(self.flight, Flight::Idle) {
            log::warn!(
                target: "vfio_ccw::mediator::recover",
                "{}: busy with nothing, the device is cleared", self.name()
            );
            self.clear_host(Then::Nothing, out);
        }
    }
}
