// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Making the host stop by a clear, and by a reset where that does not help; and what becomes of a
//! program that was stopped, or that nothing stops.

use super::errno::{AT_ONCE, Refusal};
use super::flight::{Flight, Job, Then, Waiting};
use super::{Event, Mediator, ResetAcknowledged, status};
use crate::{AsyncCommand, CcwDevice, Source};

/// How often the time for a clear may run out before the device is reset.
const CLEARS: u32 = 2;

impl<D: CcwDevice> Mediator<D> {
    /// Makes the host clear, whatever it does now, and the guest know `then`.
    pub(super) fn clear_host(&mut self, then: Then, out: &mut Vec<Event>) {
        // A refusal is dealt with by the timer that it has set.
        let _ = self.clear_request(then, out);
        self.finish_if_cleared(out);
    }

    /// The same without the end, which a host that cannot clear, and has nothing to clear, has
    /// reached at once.
    pub(super) fn clear_request(
        &mut self,
        then: Then,
        out: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let job = match self.flight.take() {
            Flight::Idle => None,
            Flight::Running(job) => Some(job),
            Flight::Halting { job, .. } => job,
            Flight::Clearing {
                job,
                asked,
                put_off,
                tries,
                ..
            } => {
                self.flight = Flight::Clearing {
                    job,
                    then,
                    asked,
                    put_off,
                    tries,
                };
                return Ok(());
            }
            Flight::Gone => {
                self.flight = Flight::Gone;
                return Err(Refusal::NotOperational);
            }
        };
        self.flight = Flight::Clearing {
            job,
            then,
            asked: false,
            put_off: 0,
            tries: 0,
        };
        self.ask_to_clear(out)
    }

    /// Asks the host to clear.
    fn ask_to_clear(&mut self, out: &mut Vec<Event>) -> Result<(), Refusal> {
        self.arm(self.config.patience.stop);
        let result = match self.device.capabilities().async_command {
            true => self.ask(AsyncCommand::Clear),
            false => Err(Refusal::Host),
        };
        let limit = self.config.patience.retries;
        let retry = self.config.patience.retry;
        let Flight::Clearing {
            asked,
            put_off,
            tries,
            ..
        } = &mut self.flight
        else {
            return result;
        };
        match result {
            Ok(()) => *asked = true,
            Err(Refusal::Again | Refusal::Busy) if *put_off < limit => {
                *put_off += 1;
                self.arm(retry);
            }
            Err(refusal) => {
                *tries = tries.saturating_add(1);
                let hopeless = *tries > CLEARS && refusal == Refusal::Broken;
                if matches!(refusal, Refusal::NotOperational | Refusal::Broken) {
                    self.refresh_paths(out);
                }
                if hopeless {
                    self.lose_device(out);
                }
            }
        }
        result
    }

    /// The time for a clear, or for asking again, has come.
    pub(super) fn clear_again(&mut self, out: &mut Vec<Event>) {
        let Flight::Clearing { asked, tries, .. } = &mut self.flight else {
            return;
        };
        if *asked {
            *tries = tries.saturating_add(1);
            *asked = false;
        }
        if *tries >= CLEARS && self.device.capabilities().reset {
            self.give_up(out);
        } else {
            // What it comes to is seen at the next timer.
            let _ = self.ask_to_clear(out);
            self.finish_if_cleared(out);
        }
    }

    /// What the guest is told when what the host does for it is broken off; `None` if that is
    /// nothing.
    pub(super) fn cut_short(&self) -> Option<Then> {
        match &self.flight {
            Flight::Running(_) => Some(self.after_breaking_off()),
            Flight::Halting { ended, .. } => Some(Then::Status(self.halted_by(ended.as_ref()))),
            Flight::Clearing { then, .. } => Some(then.clone()),
            Flight::Idle | Flight::Gone => None,
        }
    }

    /// A guest's clear found the subchannel without a path: the guest knows that nothing of it has
    /// happened. What went on before, which would have ended so, is not known to go on.
    pub(super) fn unable_to_clear(&mut self, before: Option<Then>, out: &mut Vec<Event>) {
        match (before, &mut self.flight) {
            (Some(before), Flight::Clearing { then, .. }) => *then = before,
            (None, Flight::Clearing { .. }) => {
                self.flight = Flight::Idle;
                self.rest();
                self.launch_waiting(out);
            }
            _ => {}
        }
    }

    /// A host that cannot clear has cleared when nothing runs.
    pub(super) fn finish_if_cleared(&mut self, out: &mut Vec<Event>) {
        let cannot = !self.device.capabilities().async_command;
        if cannot && matches!(self.flight, Flight::Clearing { job: None, .. }) {
            self.finish_clear(out);
        }
    }

    /// The host has cleared.
    pub(super) fn finish_clear(&mut self, out: &mut Vec<Event>) {
        let Flight::Clearing { job, then, .. } = self.flight.take() else {
            return;
        };
        if let Some(job) = job {
            self.retire(job);
        }
        self.rest();
        let is_under_way = |waiting: &Waiting| waiting.place.is_under_way();
        if !self.waiting.as_ref().is_some_and(is_under_way) {
            self.subchannel.inactive();
        }
        match then {
            Then::Nothing => {}
            Then::Cleared => self.post(&status::cleared(), out),
            Then::Status(irb) => self.post(&irb, out),
        }
        self.launch_waiting(out);
    }

    /// The host does not clear, but can be reset: it is, and if that fails as well, it is lost.
    fn give_up(&mut self, out: &mut Vec<Event>) {
        let Flight::Clearing { then, .. } = &mut self.flight else {
            return;
        };
        let then = std::mem::replace(then, Then::Nothing);
        if self.reset_host() {
            self.flight = Flight::Clearing {
                job: None,
                then,
                asked: true,
                put_off: 0,
                tries: 0,
            };
            self.finish_clear(out);
        } else {
            self.lose_device(out);
        }
    }

    /// Resets the device, and says whether it acknowledged that: then nothing runs, and what was in
    /// quarantine comes back.
    pub(super) fn reset_host(&mut self) -> bool {
        if let Err(error) = self.device.reset() {
            log::warn!(target: "vfio_ccw::mediator::recover", "{}: reset: {error}", self.name());
            return false;
        }
        self.metrics.resets += 1;
        // What was signalled before is about what is over.
        if let Ok(count @ 1..) = self.device.acknowledge(Source::Io) {
            self.metrics.stale = self.metrics.stale.saturating_add(count);
            if let Ok(bytes) = self.device.read_irb() {
                self.note_status(&bytes);
            }
        }
        self.disarm();
        match self.flight.take() {
            Flight::Running(job)
            | Flight::Halting { job: Some(job), .. }
            | Flight::Clearing { job: Some(job), .. } => self.retire(job),
            _ => {}
        }
        self.tell_quarantined();
        let statement = ResetAcknowledged(self.owner());
        self.metrics.released += self.window.release_quarantined(statement) as u64;
        true
    }

    /// The host has stopped using the program.
    pub(super) fn retire(&mut self, mut job: Job) {
        self.settle(&mut job, None);
        let Job {
            program, mut lease, ..
        } = job;
        lease.stop();
        self.keep(program.end());
    }

    /// The host will never say that it has stopped.
    pub(super) fn abandon(&mut self) {
        self.withdraw();
        match self.flight.take() {
            Flight::Running(mut job)
            | Flight::Halting {
                job: Some(mut job), ..
            }
            | Flight::Clearing {
                job: Some(mut job), ..
            } => {
                self.settle(&mut job, None);
                self.metrics.quarantined += 1;
                // The slot stays taken as well.
                let Job { program, lease, .. } = job;
                self.keep(program.quarantine());
                drop(lease);
            }
            _ => {}
        }
    }

    /// Asks the host to halt or to clear, a few times if it puts that off.
    pub(super) fn ask(&mut self, command: AsyncCommand) -> Result<(), Refusal> {
        let mut answer = Ok(());
        for _ in 0..AT_ONCE {
            answer = self.device.async_command(command);
            match answer.map_err(Refusal::from) {
                Err(Refusal::Again) => self.metrics.put_off += 1,
                _ => break,
            }
        }
        match answer {
            Ok(()) => match command {
                AsyncCommand::Halt => self.metrics.halts += 1,
                AsyncCommand::Clear => self.metrics.clears += 1,
            },
            Err(error) => {
                self.count(error.into());
                log::info!(
                    target: "vfio_ccw::mediator::recover",
                    "{}: {command:?} refused by the host: {error}", self.name()
                );
            }
        }
        answer.map_err(Refusal::from)
    }

    /// Counts a refusal other than one that is counted for each attempt.
    pub(super) fn count(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Again => {}
            Refusal::Busy => self.metrics.busy += 1,
            _ => self.metrics.failed += 1,
        }
    }
}
