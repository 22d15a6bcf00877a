// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Interrupts of the device, and what they mean for what is in flight.

use ccw::{FunctionControl, Host, IRB_EXTENDED_SIZE, Irb, RawIrb, Scsw, StatusControl};

use translator::Completion;

use super::errno::Refusal;
use super::flight::{Flight, Job, Suspicion};
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
        let host = self.note_status(&bytes);
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

    /// The status `bytes` was read, and can be read once more: of which program it is.
    pub(super) fn note_status(&mut self, bytes: &[u8; IRB_EXTENDED_SIZE]) -> Irb<Host> {
        let (raw, _) = RawIrb::split_extended(bytes);
        let host = Irb::<Host>::decode(&raw);
        self.last_cpa = host.scsw.cpa;
        host
    }

    /// Whether the status names a CCW of another program's slot, and be it a device end, which names
    /// none: it is late, or the same once more, and of what is over.
    pub(super) fn is_of_another(&self, job: &Job, scsw: &Scsw<Host>) -> bool {
        self.window.is_arena(scsw.cpa) && !job.lease.holds(scsw.cpa)
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
    pub(super) fn map(&mut self, job: &Job, host: &Irb<Host>) -> Completion {
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
