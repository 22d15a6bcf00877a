// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Interrupts of the device, and what they mean for what is in flight.

use ccw::{FunctionControl, Guest, Host, Irb, RawIrb, Scsw, StatusControl, SubchannelStatus};

use translator::Completion;

use super::errno::Refusal;
use super::flight::{Flight, Job, Suspicion, Then};
use super::{Event, Mediator, status};
use crate::{CcwDevice, Source};

impl<D: CcwDevice> Mediator<D> {
    /// The event file descriptor of `source` can be read.
    pub fn ready(&mut self, source: Source, out: &mut Vec<Event>) {
        let count = match self.device.acknowledge(source) {
            Ok(0) => {
                self.metrics.spurious += 1;
                return;
            }
            Ok(count) => count,
            Err(errno) => {
                log::warn!(target: "vfio_ccw::mediator", "{}: {source}: {errno}", self.name());
                return;
            }
        };
        if matches!(self.flight, Flight::Gone) {
            return;
        }
        match source {
            Source::Io => self.status_came(count, out),
            Source::Crw => self.take_reports(out),
            Source::Request => out.push(Event::UnplugRequested),
        }
    }

    /// There was an interrupt, or several, of which the status of the last one can be read.
    fn status_came(&mut self, count: u64, out: &mut Vec<Event>) {
        self.metrics.interrupts += 1;
        self.metrics.overwritten = self.metrics.overwritten.saturating_add(count - 1);
        let bytes = match self.device.read_irb() {
            Ok(bytes) => bytes,
            Err(error) => {
                log::warn!(target: "vfio_ccw::mediator", "{}: irb: {error}", self.name());
                self.metrics.overwritten = self.metrics.overwritten.saturating_add(1);
                match Refusal::from(error) {
                    Refusal::NotOperational => self.lose_device(out),
                    _ => self.suspect(Suspicion::Certain),
                }
                return;
            }
        };
        let (raw, _) = RawIrb::split_extended(&bytes);
        let host = Irb::<Host>::decode(&raw);
        let scsw = &host.scsw;
        if !scsw.status.contains(StatusControl::PENDING) {
            self.metrics.spurious += 1;
            return;
        }
        let how = match count {
            1 => Suspicion::Possible,
            _ => Suspicion::Certain,
        };
        if !scsw.is_solicited() {
            self.metrics.unsolicited += 1;
            self.offer(&status::unsolicited(&host), out);
            // It may have overwritten what is waited for.
            self.suspect(how);
            return;
        }
        match self.flight.take() {
            Flight::Running(job) => self.while_running(job, &host, how, out),
            Flight::Halting {
                job,
                ended,
                put_off,
            } => self.while_halting(job, ended, put_off, &host, out),
            Flight::Clearing {
                job,
                then,
                asked,
                put_off,
                tries,
            } => {
                self.flight = Flight::Clearing {
                    job,
                    then,
                    asked,
                    put_off,
                    tries,
                };
                self.while_clearing(&host, out);
            }
            other => {
                self.flight = other;
                self.metrics.stale = self.metrics.stale.saturating_add(1);
            }
        }
    }

    /// Status while a program runs.
    fn while_running(
        &mut self,
        mut job: Job,
        host: &Irb<Host>,
        how: Suspicion,
        out: &mut Vec<Event>,
    ) {
        let scsw = &host.scsw;
        let asked_by_nobody = FunctionControl::HALT | FunctionControl::CLEAR;
        if scsw.function.intersects(asked_by_nobody) || self.is_of_another(&job, scsw) {
            // Late status of what is over; or the program was stopped without our asking.
            self.metrics.stale = self.metrics.stale.saturating_add(1);
            self.flight = Flight::Running(job);
            self.suspect(how);
            return;
        }
        if scsw.deferred_cc == 1 && status::is_final(scsw) && job.place.is_under_way() {
            self.begin_again(job, host, out);
            return;
        }
        let completion = self.map(&job, host);
        let mut irb = completion.irb;
        if !job.told && scsw.status.contains(StatusControl::PRIMARY) && job.program.has_told(host) {
            // Its own status was overwritten before it was seen.
            irb.scsw.subchannel |= SubchannelStatus::PCI;
        }
        if let (Some(arrival), false) = (completion.arrived, job.primary) {
            irb.scsw.zero_cc &= !job.begun;
            self.settle(&mut job, Some(host));
            if job.damaged && status::is_final(scsw) {
                self.retire(job);
                self.rest();
                let check = SubchannelStatus::CHANNEL_CONTROL_CHECK;
                self.post(&status::checked(irb.scsw.orb, check), out);
                self.launch_waiting(out);
                return;
            }
            self.arrived(job, arrival, &irb, host, out);
            return;
        }
        let ending = StatusControl::PRIMARY | StatusControl::SECONDARY;
        if scsw.status.contains(StatusControl::INTERMEDIATE) && !scsw.status.intersects(ending) {
            // The guest may look at what came before.
            self.copy_back(&mut job, Some(host));
            job.told |= scsw.subchannel.contains(SubchannelStatus::PCI);
            job.begun |= scsw.zero_cc;
            self.flight = Flight::Running(job);
            self.post(&irb, out);
            return;
        }
        if scsw.status.contains(StatusControl::PRIMARY) {
            self.settle(&mut job, Some(host));
            // Once it was told, the guest has other uses for that storage.
            if !job.primary {
                self.store(completion.tsb.as_ref());
            }
            if job.damaged {
                irb = status::damaged(&irb);
            }
        }
        if status::is_final(scsw) {
            // The guest has started something else since channel end.
            let superseded = job.primary && self.waiting.is_some();
            // Device end without the channel end before it, which says where the program stood.
            let headless = !job.primary && !scsw.status.contains(StatusControl::PRIMARY);
            self.retire(job);
            self.rest();
            if superseded {
                self.offer(&status::unsolicited(host), out);
            } else if headless {
                self.metrics.lost += 1;
                self.post(&self.broken_off(), out);
            } else {
                self.post(&irb, out);
            }
            self.launch_waiting(out);
            return;
        }
        let secondary = scsw.status.contains(StatusControl::SECONDARY);
        job.primary = true;
        job.suspect = None;
        self.flight = Flight::Running(job);
        self.post(&irb, out);
        if secondary {
            // There is no more to come, and yet the kernel does not take it for the end.
            self.clear_host(Then::Nothing, out);
        } else {
            self.watch();
        }
    }

    /// The device had status of its own to present, so it did not take the next part of a program. A
    /// guest that is told so would begin with the first part once more: it is told of that status alone.
    fn begin_again(&mut self, job: Job, host: &Irb<Host>, out: &mut Vec<Event>) {
        self.metrics.unsolicited += 1;
        self.waiting = job.refused(0);
        self.rest();
        self.offer(&status::unsolicited(host), out);
        self.launch_waiting(out);
    }

    /// Whether the status names a CCW of another program's slot, and be it a device end, which names
    /// none: it is late, or the same once more, and of what is over.
    fn is_of_another(&self, job: &Job, scsw: &Scsw<Host>) -> bool {
        self.window.is_arena(scsw.cpa) && !job.lease.holds(scsw.cpa)
    }

    /// Status while the host halts, or is asked to.
    fn while_halting(
        &mut self,
        job: Option<Job>,
        ended: Option<Irb<Guest>>,
        put_off: Option<u32>,
        host: &Irb<Host>,
        out: &mut Vec<Event>,
    ) {
        let scsw = &host.scsw;
        let late = job
            .as_ref()
            .is_some_and(|job| self.is_of_another(job, scsw));
        if late {
            self.metrics.stale = self.metrics.stale.saturating_add(1);
            self.flight = Flight::Halting {
                job,
                ended,
                put_off,
            };
            return;
        }
        let completion = job.as_ref().map(|job| self.map(job, host));
        let tsb = completion.as_ref().and_then(|it| it.tsb);
        let tsb = tsb.filter(|_| job.as_ref().is_some_and(|job| !job.primary));
        let mut mapped = completion.map(|it| it.irb);
        if !scsw.function.contains(FunctionControl::HALT) {
            if !status::is_final(scsw) || job.is_none() {
                // Intermediate status ends with the halt; channel end comes again with device end.
                let primary = scsw.status.contains(StatusControl::PRIMARY);
                let ended = if primary { mapped.or(ended) } else { ended };
                self.store(tsb.as_ref());
                self.flight = Flight::Halting {
                    job,
                    ended,
                    put_off,
                };
                return;
            }
            // The program has ended by itself.
            if let Some(mut job) = job {
                self.settle(&mut job, Some(host));
                self.store(tsb.as_ref());
                if job.damaged {
                    mapped = mapped.as_ref().map(status::damaged);
                }
                self.retire(job);
            }
            if put_off.is_some() {
                // And the host was not told to halt.
                self.halted(&mapped.unwrap_or(Irb::IDLE), out);
            } else {
                self.flight = Flight::Halting {
                    job: None,
                    ended: mapped.or(ended),
                    put_off,
                };
            }
            return;
        }
        let stopped = ended
            .or(mapped)
            .unwrap_or_else(|| status::halted(self.subchannel.scsw()));
        if !status::is_final(scsw) {
            // The kernel does not take this for the end, and would stay busy.
            self.flight = Flight::Halting {
                job,
                ended: None,
                put_off: None,
            };
            self.clear_host(Then::Status(status::stopped(&stopped)), out);
            return;
        }
        if let Some(job) = job {
            self.retire(job);
        }
        self.halted(&stopped, out);
    }

    /// The halt function is complete.
    fn halted(&mut self, stopped: &Irb<Guest>, out: &mut Vec<Event>) {
        self.rest();
        self.post(&status::stopped(stopped), out);
        self.launch_waiting(out);
    }

    /// Status while the host clears, or is asked to.
    fn while_clearing(&mut self, host: &Irb<Host>, out: &mut Vec<Event>) {
        let scsw = &host.scsw;
        let late = self
            .flight
            .job()
            .is_some_and(|job| self.is_of_another(job, scsw));
        let Flight::Clearing { job, asked, .. } = &mut self.flight else {
            return;
        };
        if *asked {
            if scsw.function.contains(FunctionControl::CLEAR) {
                self.finish_clear(out);
            } else {
                // Of before; a clear leaves nothing of it.
                self.metrics.stale = self.metrics.stale.saturating_add(1);
            }
            return;
        }
        if late {
            self.metrics.stale = self.metrics.stale.saturating_add(1);
        } else if status::is_final(scsw)
            && let Some(job) = job.take()
        {
            self.retire(job);
        }
        self.finish_if_cleared(out);
    }

    /// The host's status of the program in the guest's terms.
    fn map(&mut self, job: &Job, host: &Irb<Host>) -> Completion {
        let completion = job.program.complete(host);
        self.metrics.unmapped += u64::from(completion.unmapped);
        self.metrics.unexplained += u64::from(completion.unexplained);
        if completion.unmapped || completion.unexplained {
            log::warn!(
                target: "vfio_ccw::mediator::status",
                "{}: the host's status does not go with the program: unmapped {}, unexplained {}",
                self.name(), completion.unmapped, completion.unexplained
            );
        }
        self.keep_sense(completion.refused, &completion.irb);
        completion
    }
}
