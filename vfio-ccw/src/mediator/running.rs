// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Status while a program runs.

use ccw::{FunctionControl, Host, Irb, StatusControl, SubchannelStatus};

use super::errno::Refusal;
use super::flight::{Flight, Initial, Job, Pci, Stage, Suspicion, Then};
use super::place::{Place, Turn};
use super::{Event, Mediator, status};
use crate::CcwDevice;

impl<D: CcwDevice> Mediator<D> {
    /// Status while a program runs.
    pub(super) fn while_running(
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
        if job.stage == Stage::Superseded {
            self.superseded(job, host, out);
            return;
        }
        if scsw.deferred_cc == 1 && status::is_final(scsw) && job.place.is_under_way() {
            self.begin_again(job, host, out);
            return;
        }
        let completion = self.map(&job, host);
        let mut irb = completion.irb;
        if scsw.status.contains(StatusControl::PRIMARY) && job.owes_pci(host) {
            irb.scsw.subchannel |= SubchannelStatus::PCI;
        }
        if let (Some(arrival), Stage::Executing) = (completion.arrived, job.stage) {
            irb.scsw.zero_cc &= job.initial == Initial::Untold;
            self.settle(&mut job, Some(host));
            if job.is_damaged() && status::is_final(scsw) {
                // What stands there may build on data that the guest does not have.
                let place = Place::reached(&job.place.orb, arrival, Turn::Ours);
                let mut check = place.refused(Refusal::Host);
                check.scsw.subchannel |= irb.scsw.subchannel & SubchannelStatus::PCI;
                self.retire(job);
                self.rest();
                self.post(&check, out);
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
            if scsw.subchannel.contains(SubchannelStatus::PCI) {
                job.pci = Pci::Told;
            }
            if scsw.zero_cc {
                job.initial = Initial::Told;
            }
            self.flight = Flight::Running(job);
            self.post(&irb, out);
            return;
        }
        if scsw.status.contains(StatusControl::PRIMARY) {
            self.settle(&mut job, Some(host));
            // Once it was told, the guest has other uses for that storage.
            if !job.is_at_device_end() && !self.store_tsb(completion.tsb.as_ref()) {
                self.note_damage(&mut job);
            }
            if job.is_damaged() {
                irb = status::damaged(&irb);
            }
        }
        if status::is_final(scsw) {
            // Device end without the channel end before it, which says where the program stood.
            let headless = !job.is_at_device_end() && !scsw.status.contains(StatusControl::PRIMARY);
            self.retire(job);
            self.rest();
            if headless {
                self.metrics.lost += 1;
                self.post(&self.broken_off(), out);
            } else {
                self.post(&irb, out);
            }
            self.launch_waiting(out);
            return;
        }
        let secondary = scsw.status.contains(StatusControl::SECONDARY);
        job.stage = Stage::DeviceEnd;
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

    /// Status behind the channel end of `job`, where the guest has started something else: that has the
    /// subchannel now, so the device end is nobody's.
    fn superseded(&mut self, job: Job, host: &Irb<Host>, out: &mut Vec<Event>) {
        if status::is_final(&host.scsw) {
            self.retire(job);
            self.rest();
            self.offer(&status::unsolicited(host), out);
            self.launch_waiting(out);
            return;
        }
        self.flight = Flight::Running(job);
        if host.scsw.status.contains(StatusControl::SECONDARY) {
            self.offer(&status::unsolicited(host), out);
            // There is no more to come, and yet the kernel does not take it for the end.
            self.clear_host(Then::Nothing, out);
        } else {
            // The channel end once more, or what came before it.
            self.metrics.stale = self.metrics.stale.saturating_add(1);
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
}
