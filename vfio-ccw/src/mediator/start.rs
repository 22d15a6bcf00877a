// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! START SUBCHANNEL: what the host says to the guest's program, and what the guest is told of that. What
//! comes before is [`prepare`](super::prepare).

use ccw::{Guest, Irb, Orb, RawOrb};
use translator::{Check, Earlier, orb_fault};

use super::errno::{AT_ONCE, Refusal};
use super::flight::{Flight, Job, Then, Waiting};
use super::place::Place;
use super::prepare::Prepared;
use super::{ConditionCode, Event, Exception, Mediator};
use crate::CcwDevice;

impl<D: CcwDevice> Mediator<D> {
    /// START SUBCHANNEL with an ORB of 12 bytes, or of 32 if its bit X is one.
    ///
    /// Condition code 0 says that the start function is accepted; what is wrong with the program
    /// itself appears as status, as on a machine. When the device does not take the program yet, or
    /// the program wants storage that is being [withdrawn](super::Withdrawal), the start stays pending:
    /// there is a [timer](Self::timer) then.
    ///
    /// # Errors
    ///
    /// [`Exception::Operand`]: what PoP says of an ORB (conditions O02 to O07, O11 and O12).
    pub fn ssch(&mut self, orb: &RawOrb, out: &mut Vec<Event>) -> Result<ConditionCode, Exception> {
        self.metrics.starts += 1;
        if let Some(code) = orb_fault(orb, &self.config.guest.policy) {
            log::debug!(target: "vfio_ccw::mediator::start", "{}: {}", self.name(), code.id());
            return Err(match code.check() {
                Check::SpecificationException => Exception::Specification,
                _ => Exception::Operand,
            });
        }
        let decoded = Orb::decode(orb);
        match self.subchannel.start_condition() {
            ConditionCode::Cc0 => {}
            code => return Ok(code),
        }
        // Condition O09.
        if decoded.lpm & self.subchannel.pmcw().pam == 0 {
            return Ok(ConditionCode::Cc3);
        }
        let place = Place::start(orb);
        match self.prepare(&place, Earlier::NONE) {
            Prepared::Ready(ready) => {
                self.wait(place, Some(ready));
                Ok(self.hand_over(&place, &decoded, out))
            }
            Prepared::Withheld(_) => {
                self.subchannel.accept_start(&decoded);
                self.wait(place, None);
                if matches!(self.flight, Flight::Idle) {
                    self.arm(self.config.patience.retry);
                }
                Ok(ConditionCode::Cc0)
            }
            Prepared::Status(irb) => {
                self.supersede();
                self.subchannel.accept_start(&decoded);
                self.post(&irb, out);
                Ok(ConditionCode::Cc0)
            }
            Prepared::Arrived(place, irb, _) => {
                self.subchannel.accept_start(&decoded);
                let place = self.come_to(place, &irb, out);
                self.wait(place, None);
                self.launch_waiting(out);
                Ok(ConditionCode::Cc0)
            }
            Prepared::Answer(answer) => answer,
        }
    }

    /// Gives the program that waits at `place` to the host, unless it has to wait until the host can take it.
    fn hand_over(
        &mut self,
        place: &Place,
        orb: &Orb<Guest>,
        out: &mut Vec<Event>,
    ) -> ConditionCode {
        if !matches!(self.flight, Flight::Idle) {
            self.subchannel.accept_start(orb);
            return ConditionCode::Cc0;
        }
        let mut result = self.launch();
        if result == Err(Refusal::Busy) {
            // Perhaps status is pending there.
            self.drain(out);
            match self.subchannel.start_condition() {
                ConditionCode::Cc0 => result = self.launch(),
                code => {
                    self.withdraw();
                    return code;
                }
            }
        }
        let Err(refusal) = result else {
            self.subchannel.accept_start(orb);
            self.subchannel.started();
            return ConditionCode::Cc0;
        };
        if refusal == Refusal::Again {
            self.subchannel.accept_start(orb);
            self.arm(self.config.patience.retry);
            return ConditionCode::Cc0;
        }
        self.withdraw();
        match refusal {
            Refusal::Busy => {
                self.heal(out);
                ConditionCode::Cc2
            }
            Refusal::NotOperational | Refusal::NoPath => {
                self.refresh_paths(out);
                ConditionCode::Cc3
            }
            Refusal::Broken if self.is_device_gone(out) => ConditionCode::Cc3,
            Refusal::Broken | Refusal::Host | Refusal::Again | Refusal::Unknown => {
                self.subchannel.accept_start(orb);
                let irb = place.refused(refusal);
                self.start_failed(&irb, refusal, out);
                ConditionCode::Cc0
            }
        }
    }

    /// An accepted start function that the host does not carry out.
    pub(super) fn start_failed(
        &mut self,
        irb: &Irb<Guest>,
        refusal: Refusal,
        out: &mut Vec<Event>,
    ) {
        if refusal == Refusal::Unknown {
            self.subchannel.started();
            self.clear_host(Then::Status(*irb), out);
        } else {
            self.post(irb, out);
        }
    }

    /// Gives the program that waits to the host. On a refusal it waits again, unless the host may
    /// have it all the same ([`Refusal::Unknown`]): then it runs.
    pub(super) fn launch(&mut self) -> Result<(), Refusal> {
        let Some(Waiting {
            place,
            ready: Some(ready),
            put_off,
            ..
        }) = self.waiting.take()
        else {
            return Ok(());
        };
        let job = Job::new(place, ready);
        if self.recent[0] != job.lease.index() {
            self.recent = [job.lease.index(), self.recent[0]];
        }
        let mut answer = Ok(());
        for _ in 0..AT_ONCE {
            answer = self.device.start_orb(job.program.orb());
            if answer.map_err(Refusal::from) != Err(Refusal::Again) {
                break;
            }
            self.metrics.put_off += 1;
        }
        let result = answer.map_err(Refusal::from);
        let cpa = job.program.guest_orb().cpa;
        match answer {
            Ok(()) => {
                self.metrics.started += 1;
                log::debug!(
                    target: "vfio_ccw::mediator::start",
                    "{}: program at {cpa:x} started, slot generation {}",
                    self.name(), job.lease.generation()
                );
            }
            Err(error) => {
                let refusal = Refusal::from(error);
                self.count(refusal);
                let times = self.metrics.failed + self.metrics.busy + self.metrics.put_off;
                log::log!(
                    target: "vfio_ccw::mediator::start", self.level(times),
                    "{}: program at {cpa:x} refused by the host: {error}", self.name()
                );
                if refusal != Refusal::Unknown {
                    self.waiting = job.refused(put_off);
                    return result;
                }
            }
        }
        self.flight = Flight::Running(job);
        self.watch();
        result
    }
}
