// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The instructions other than START SUBCHANNEL, and what a VMM does to a subchannel.

use ccw::{RawIrb, RawSchib};

use super::errno::Refusal;
use super::flight::{Flight, Then};
use super::subchannel::Subchannel;
use super::{ConditionCode, Event, Exception, Mediator, status};
use crate::{AsyncCommand, CcwDevice, Source};
use ConditionCode::{Cc0, Cc2, Cc3};

impl<D: CcwDevice> Mediator<D> {
    /// HALT SUBCHANNEL. The guest gets one interruption when the halt function is complete, however
    /// many the host needs for it.
    pub fn hsch(&mut self, out: &mut Vec<Event>) -> ConditionCode {
        match self.subchannel.halt_condition() {
            Cc0 => {}
            code => return code,
        }
        if self.waiting.is_some() {
            return self.halt_waiting(out);
        }
        match &mut self.flight {
            Flight::Gone => return Cc3,
            Flight::Clearing { then, .. } => {
                if matches!(then, Then::Nothing) {
                    *then = Then::Status(status::halted(self.subchannel.scsw()));
                }
                self.accept_halt(out);
                return Cc0;
            }
            Flight::Idle | Flight::Running(_) | Flight::Halting { .. } => {}
        }
        match self.ask_to_halt() {
            Err(Refusal::Busy) => {
                self.drain(out);
                match self.subchannel.halt_condition() {
                    Cc0 => {}
                    code => return code,
                }
                // It has come to where it stands suspended, or its next part was put off.
                if self.waiting.is_some() {
                    return self.halt_waiting(out);
                }
                match self.ask_to_halt() {
                    Err(Refusal::Busy) => Cc2,
                    answer => self.halt_answered(answer, out),
                }
            }
            answer => self.halt_answered(answer, out),
        }
    }

    /// A halt of what the device does not have: not yet, or not now.
    fn halt_waiting(&mut self, out: &mut Vec<Event>) -> ConditionCode {
        self.withdraw();
        if matches!(self.flight, Flight::Idle) {
            self.rest();
        }
        self.accept_halt(out);
        // The status of a suspension that was not tested yet does for this too.
        if !self.subchannel.is_pending() {
            let irb = status::halted(self.subchannel.scsw());
            self.post(&irb, out);
        }
        Cc0
    }

    /// What the host said to a halt decides about the guest's.
    fn halt_answered(
        &mut self,
        answer: Result<(), Refusal>,
        out: &mut Vec<Event>,
    ) -> ConditionCode {
        match answer {
            Ok(()) => {
                self.accept_halt(out);
                self.halting(None);
            }
            Err(Refusal::Again) => {
                self.accept_halt(out);
                self.halting(Some(1));
            }
            Err(Refusal::NotOperational | Refusal::NoPath) => {
                self.refresh_paths(out);
                return Cc3;
            }
            Err(Refusal::Broken) if self.is_device_gone(out) => return Cc3,
            Err(Refusal::Busy) => return Cc2,
            // Without a halt a clear stops it just as well.
            Err(Refusal::Broken | Refusal::Host | Refusal::Unknown) => {
                self.accept_halt(out);
                let irb = status::halted(self.subchannel.scsw());
                self.clear_host(Then::Status(irb), out);
            }
        }
        Cc0
    }

    fn accept_halt(&mut self, out: &mut Vec<Event>) {
        if self.subchannel.accept_halt() {
            out.push(Event::Withdrawn);
        }
    }

    /// CLEAR SUBCHANNEL.
    pub fn csch(&mut self, out: &mut Vec<Event>) -> ConditionCode {
        match self.subchannel.clear_condition() {
            Cc0 => {}
            code => return code,
        }
        let before = self.cut_short();
        let pending = self.subchannel.is_pending();
        match self.clear_request(Then::Cleared, out) {
            Err(Refusal::NotOperational | Refusal::NoPath) => {
                self.unable_to_clear(before, out);
                return Cc3;
            }
            _ if matches!(self.flight, Flight::Gone) => return Cc3,
            _ => {}
        }
        self.withdraw();
        self.subchannel.accept_clear();
        self.sense = None;
        if pending {
            out.push(Event::Withdrawn);
        }
        self.finish_if_cleared(out);
        Cc0
    }

    /// CANCEL SUBCHANNEL. Condition code 0 only if the device was never given the program, or if it
    /// stands suspended. A program of transport mode that runs is not interrogated: vfio-ccw cannot, so
    /// that is condition code 2 as for any other program that runs.
    pub fn xsch(&mut self, out: &mut Vec<Event>) -> ConditionCode {
        match self.subchannel.cancel_condition() {
            Cc0 if self.waiting.is_some() => {
                self.withdraw();
                self.subchannel.accept_cancel();
                if matches!(self.flight, Flight::Idle) {
                    self.rest();
                }
                self.present_next(out);
                Cc0
            }
            // Nothing that the device was given can be taken back.
            Cc0 => Cc2,
            code => code,
        }
    }

    /// STORE SUBCHANNEL, always with condition code 0. The paths are the host's of this moment.
    pub fn stsch(&mut self, out: &mut Vec<Event>) -> RawSchib {
        if !matches!(self.flight, Flight::Gone) {
            self.refresh_paths(out);
        }
        self.subchannel.store()
    }

    /// MODIFY SUBCHANNEL.
    ///
    /// # Errors
    ///
    /// [`Exception::Operand`] for reserved bits and the reserved limit mode.
    pub fn msch(&mut self, schib: &RawSchib) -> Result<ConditionCode, Exception> {
        self.subchannel.modify(schib)
    }

    /// TEST SUBCHANNEL, with the IRB to be stored with condition codes 0 and 1. A guest that asked
    /// for extended measurement (PMCW bit X) gets 32 bytes of zeros behind it.
    pub fn tsch(&mut self, out: &mut Vec<Event>) -> (ConditionCode, Option<RawIrb>) {
        let (code, irb) = self.subchannel.test();
        if code == Cc0 {
            out.push(Event::Withdrawn);
            self.present_next(out);
        }
        (code, irb.map(|irb| irb.encode()))
    }

    /// Unsolicited status that had to wait.
    pub(super) fn present_next(&mut self, out: &mut Vec<Event>) {
        if self.subchannel.present_next() {
            self.interrupt(out);
        }
    }

    /// Stops what the device does, so that storage or the device can be taken away: the guest is
    /// told that its program ended in a channel-control check. Goes on until
    /// [`Self::is_quiet`]. A program that stands suspended uses nothing, and stays so.
    pub fn stop(&mut self, out: &mut Vec<Event>) {
        if let Some(waiting) = &self.waiting
            && !waiting.is_suspended()
        {
            let irb = waiting.place.refused(Refusal::Host);
            self.withdraw();
            if matches!(self.flight, Flight::Idle) {
                self.rest();
            }
            self.post(&irb, out);
            // Of what runs beside it the guest was told.
            if matches!(self.flight, Flight::Running(_)) {
                self.clear_host(Then::Nothing, out);
            }
        } else if let Some(then) = self.cut_short() {
            self.clear_host(then, out);
        }
    }

    /// A reset of the guest: the subchannel is as it was made, and nothing is pending. The device
    /// is reset as well, which ends its program; the kernel may take its time for that.
    ///
    /// A device without a reset is cleared: [`Self::is_quiet`] says when. A device that was lost because
    /// it did not answer any more is there again if it acknowledges this reset, and what its programs
    /// held in quarantine comes back; one that was [unplugged](Self::unplug) stays away.
    pub fn reset(&mut self, out: &mut Vec<Event>) {
        if matches!(self.flight, Flight::Gone) && self.unplugged {
            return;
        }
        self.withdraw();
        if self.device.capabilities().reset {
            if !self.reset_host() {
                self.lose_device(out);
                return;
            }
        } else if matches!(self.flight, Flight::Gone) {
            return;
        } else if !matches!(self.flight, Flight::Idle) {
            self.clear_host(Then::Nothing, out);
        }
        if self.subchannel.is_pending() {
            out.push(Event::Withdrawn);
        }
        self.reports.clear();
        self.sense = None;
        self.subchannel = Subchannel::new(self.initial_pmcw());
    }

    /// The device is taken away from the guest, by surprise or because it agreed: as if it had gone
    /// by itself. What runs on it is stopped.
    pub fn unplug(&mut self, out: &mut Vec<Event>) {
        if !self.is_quiet() && !self.reset_host() {
            log::warn!(target: "vfio_ccw::mediator", "{}: unplugged while busy", self.name());
        }
        self.unplugged = true;
        self.lose_device(out);
    }

    /// Asks the host to halt.
    pub(super) fn ask_to_halt(&mut self) -> Result<(), Refusal> {
        self.ask(AsyncCommand::Halt)
    }

    /// Takes what signals of status there are.
    pub(super) fn drain(&mut self, out: &mut Vec<Event>) {
        self.ready(Source::Io, out);
    }
}
