// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A halt of what the host executes: how long the host is asked, and its status meanwhile. A host that
//! does not halt is [cleared](Mediator::clear_host).

use ccw::{FunctionControl, Guest, Host, Irb, StatusControl, SubchannelStatus};

use super::errno::Refusal;
use super::flight::{Flight, Job, Pci, Then};
use super::place::{Place, Turn};
use super::{Event, Mediator, status};
use crate::CcwDevice;

impl<D: CcwDevice> Mediator<D> {
    /// The host took the request to halt, or has put it off.
    pub(super) fn halting(&mut self, put_off: Option<u32>) {
        let job = match self.flight.take() {
            Flight::Running(job) => Some(job),
            Flight::Halting { job, .. } | Flight::Clearing { job, .. } => job,
            Flight::Idle | Flight::Gone => None,
        };
        self.flight = Flight::Halting {
            job,
            ended: None,
            put_off,
        };
        self.arm(match put_off {
            Some(_) => self.config.patience.retry,
            None => self.config.patience.stop,
        });
    }

    /// The time for a halt, or for asking again, has come.
    pub(super) fn halt_again(&mut self, out: &mut Vec<Event>) {
        let Flight::Halting { put_off, .. } = &self.flight else {
            return;
        };
        let again = put_off.filter(|count| *count < self.config.patience.retries);
        if let Some(count) = again {
            match self.ask_to_halt() {
                Ok(()) => {
                    self.set_put_off(None);
                    self.arm(self.config.patience.stop);
                    return;
                }
                Err(Refusal::Again | Refusal::Busy) => {
                    self.set_put_off(Some(count + 1));
                    self.arm(self.config.patience.retry);
                    return;
                }
                Err(Refusal::Broken | Refusal::NotOperational) if self.is_device_gone(out) => {
                    return;
                }
                Err(_) => {}
            }
        }
        log::info!(
            target: "vfio_ccw::mediator::recover",
            "{}: does not halt, the device is cleared", self.name()
        );
        let Flight::Halting { ended, .. } = &self.flight else {
            return;
        };
        let irb = self.halted_by(ended.as_ref());
        self.clear_host(Then::Status(irb), out);
    }

    fn set_put_off(&mut self, to: Option<u32>) {
        if let Flight::Halting { put_off, .. } = &mut self.flight {
            *put_off = to;
        }
    }

    /// The status of a halt that the host does not carry through; `ended` is that with which the
    /// program ended by itself meanwhile.
    pub(super) fn halted_by(&self, ended: Option<&Irb<Guest>>) -> Irb<Guest> {
        match ended {
            Some(irb) => status::stopped(irb),
            None => status::halted(self.subchannel.scsw()),
        }
    }

    /// Status while the host halts, or is asked to.
    pub(super) fn while_halting(
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
        if scsw.function.contains(FunctionControl::HALT) {
            self.host_halted(job, ended, host, out);
            return;
        }
        match job {
            Some(job) if status::is_final(scsw) => {
                let ended = self.ended_by_itself(job, host, out);
                if put_off.is_some() {
                    // And the host was not told to halt.
                    self.halted(&ended, out);
                } else {
                    self.flight = Flight::Halting {
                        job: None,
                        ended: Some(ended),
                        put_off,
                    };
                }
            }
            job => {
                // Intermediate status ends with the halt; channel end comes again with device end.
                let (job, primary) = match job {
                    Some(job) => self.before_the_end(job, host),
                    None => (None, None),
                };
                self.flight = Flight::Halting {
                    job,
                    ended: primary.or(ended),
                    put_off,
                };
            }
        }
    }

    /// The host has halted what it executed, or halts it.
    fn host_halted(
        &mut self,
        job: Option<Job>,
        ended: Option<Irb<Guest>>,
        host: &Irb<Host>,
        out: &mut Vec<Event>,
    ) {
        let mapped = job.as_ref().map(|job| self.map(job, host).irb);
        let stopped = ended
            .or(mapped)
            .unwrap_or_else(|| status::halted(self.subchannel.scsw()));
        if !status::is_final(&host.scsw) {
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

    /// The program has ended by itself, and the host is still to halt: what the guest is told of that.
    fn ended_by_itself(
        &mut self,
        mut job: Job,
        host: &Irb<Host>,
        out: &mut Vec<Event>,
    ) -> Irb<Guest> {
        if host.scsw.deferred_cc == 1 && job.place.is_under_way() {
            // It has not, but the device did not take its next part: it stands in front of that.
            self.metrics.unsolicited += 1;
            self.waiting = job.refused(0);
            self.withdraw();
            self.offer(&status::unsolicited(host), out);
            return status::halted(self.subchannel.scsw());
        }
        let completion = self.map(&job, host);
        let mut irb = completion.irb;
        self.settle(&mut job, Some(host));
        if !job.is_at_device_end() && !self.store_tsb(completion.tsb.as_ref()) {
            self.note_damage(&mut job);
        }
        match completion.arrived {
            // Its next part is not begun.
            None if job.owes_pci(host) => irb.scsw.subchannel |= SubchannelStatus::PCI,
            Some(arrival) if job.is_damaged() => {
                irb = Place::reached(&job.place.orb, arrival, Turn::Ours).refused(Refusal::Host);
            }
            None | Some(_) => {}
        }
        if job.is_damaged() {
            irb = status::damaged(&irb);
        }
        self.retire(job);
        irb
    }

    /// Status of a program that has not ended yet: what the guest is told if it is that of a channel end.
    fn before_the_end(
        &mut self,
        mut job: Job,
        host: &Irb<Host>,
    ) -> (Option<Job>, Option<Irb<Guest>>) {
        if !host.scsw.status.contains(StatusControl::PRIMARY) {
            if host.scsw.subchannel.contains(SubchannelStatus::PCI) && job.pci == Pci::Unseen {
                job.pci = Pci::Owed;
            }
            return (Some(job), None);
        }
        let completion = self.map(&job, host);
        let mut irb = completion.irb;
        if job.owes_pci(host) {
            irb.scsw.subchannel |= SubchannelStatus::PCI;
        }
        if !job.is_at_device_end() && !self.store_tsb(completion.tsb.as_ref()) {
            self.note_damage(&mut job);
        }
        (Some(job), Some(irb))
    }

    /// The halt function is complete.
    fn halted(&mut self, stopped: &Irb<Guest>, out: &mut Vec<Event>) {
        self.rest();
        self.post(&status::stopped(stopped), out);
        self.launch_waiting(out);
    }
}
