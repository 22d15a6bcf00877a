// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! START SUBCHANNEL: from the guest's ORB to a program that the device has.

use std::sync::Arc;

use ccw::{Guest, GuestAddr, Irb, LimitMode, Orb, RawOrb};
use translator::{
    AddressLimit, Buffers, Cause, Check, Code, Earlier, Ended, Guards, LimitAddr, Planned,
    Rejected, Response, StorageKeys, fetch_segment, orb_fault,
};

use super::errno::Refusal;
use super::flight::{Flight, Job, Ready, Then, Waiting};
use super::place::{Place, Turn};
use super::window::Layout;
use super::{ConditionCode, Event, Exception, Mediator, status};
use crate::CcwDevice;

/// How often a request that the host puts off is made again at once.
const AT_ONCE: u32 = 3;

/// How often something that a guest can bring about at will is told aloud.
const LOUD: u64 = 16;

/// What the guest's program comes to, before the host is asked.
enum Prepared {
    /// It can be given to the host.
    Ready(Ready),
    /// It wants storage that is being withdrawn: whether there will be any is not known yet.
    Withheld(Earlier),
    /// It ends at once, with this status.
    Status(Irb<Guest>),
    /// It comes to this place without anything being done: it is suspended there, or to be fetched
    /// again. The guest may have to be told.
    Arrived(Place, Irb<Guest>, Earlier),
    /// Nothing happens, but for this.
    Answer(Result<ConditionCode, Exception>),
}

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
            self.metrics.refused += 1;
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

    /// A start is to wait for its turn.
    fn wait(&mut self, place: Place, ready: Option<Ready>) {
        // Of what is being cleared, the guest has seen the channel end: it would take more of that for
        // the end of this start.
        if let Flight::Clearing {
            then: then @ Then::Status(_),
            ..
        } = &mut self.flight
        {
            *then = Then::Nothing;
        }
        self.waiting = Some(Waiting::at(place, ready));
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

    /// Gives a program that waits to the host, if there is one and the host is free: its guest has
    /// its condition code already.
    pub(super) fn launch_waiting(&mut self, out: &mut Vec<Event>) {
        if !matches!(self.flight, Flight::Idle) || !self.make_ready(out) {
            return;
        }
        let Some(Waiting { place, put_off, .. }) = &self.waiting else {
            return;
        };
        let (place, put_off) = (*place, *put_off);
        let Err(refusal) = self.launch() else {
            self.subchannel.started();
            return;
        };
        if matches!(refusal, Refusal::Again | Refusal::Busy)
            && put_off < self.config.patience.retries
            && let Some(waiting) = &mut self.waiting
        {
            waiting.put_off += 1;
            self.arm(self.config.patience.retry);
            if refusal == Refusal::Busy {
                self.heal(out);
            }
            return;
        }
        self.withdraw();
        if refusal == Refusal::Broken && self.is_device_gone(out) {
            return;
        }
        self.start_failed(&place.refused(refusal), refusal, out);
        if matches!(refusal, Refusal::NotOperational | Refusal::NoPath) {
            self.refresh_paths(out);
        }
    }

    /// Makes the program of a start that waits, if it has none yet. Says whether there is one: it may
    /// have ended, or have to wait on.
    fn make_ready(&mut self, out: &mut Vec<Event>) -> bool {
        let patience = self.config.patience;
        for _ in 0..AT_ONCE {
            let Some(waiting) = &mut self.waiting else {
                return false;
            };
            if waiting.ready.is_some() || waiting.is_suspended() {
                return waiting.ready.is_some();
            }
            let place = waiting.place;
            let earlier = std::mem::replace(&mut waiting.earlier, Earlier::NONE);
            let prepared = self.prepare(&place, earlier);
            match (prepared, &mut self.waiting) {
                (Prepared::Ready(ready), Some(waiting)) => {
                    waiting.ready = Some(ready);
                    return true;
                }
                (Prepared::Withheld(earlier), Some(waiting)) => {
                    waiting.earlier = earlier;
                    break;
                }
                (Prepared::Status(irb), _) => {
                    self.waiting = None;
                    self.post(&irb, out);
                    return false;
                }
                (Prepared::Arrived(place, irb, earlier), Some(_)) => {
                    let place = self.come_to(place, &irb, out);
                    if let Some(waiting) = &mut self.waiting {
                        waiting.place = place;
                        // A program that is resumed begins a new chain.
                        if place.cause() == Some(Cause::Refetch) {
                            waiting.earlier = earlier;
                        }
                    }
                }
                // The guest has its condition code: what would be another one now, because its program
                // is another one, is the channel's problem.
                (_, _) => {
                    self.break_off(&place, out);
                    return false;
                }
            }
        }
        if let Some(waiting) = &mut self.waiting {
            if waiting.put_off < patience.retries {
                waiting.put_off += 1;
                self.arm(patience.retry);
            } else {
                let place = waiting.place;
                self.break_off(&place, out);
            }
        }
        false
    }

    /// What waits at `place` is not carried on: the host has nothing of it.
    fn break_off(&mut self, place: &Place, out: &mut Vec<Event>) {
        self.withdraw();
        self.post(&place.refused(Refusal::Host), out);
    }

    /// An accepted start function that the host does not carry out.
    fn start_failed(&mut self, irb: &Irb<Guest>, refusal: Refusal, out: &mut Vec<Event>) {
        if refusal == Refusal::Unknown {
            self.subchannel.started();
            self.clear_host(Then::Status(*irb), out);
        } else {
            self.post(irb, out);
        }
    }

    /// Gives the program that waits to the host. On a refusal it waits again, unless the host may
    /// have it all the same ([`Refusal::Unknown`]): then it runs.
    fn launch(&mut self) -> Result<(), Refusal> {
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

    /// Takes back a program that the host was not given.
    pub(super) fn withdraw(&mut self) {
        let Some(Waiting { ready, earlier, .. }) = self.waiting.take() else {
            return;
        };
        if let Some(ready) = ready {
            self.unmake(ready);
        }
        if let Some(buffers) = earlier.into_buffers() {
            self.keep(buffers);
        }
    }

    /// Gives back what a program holds that the host was not given.
    pub(super) fn unmake(&mut self, ready: Ready) {
        let Ready { program, lease, .. } = ready;
        self.keep(program.release());
        drop(lease);
    }

    /// Reads, judges, lays out, pins and writes the guest's program from `place` on, as far as it can
    /// be read now, behind what must be repeated of `earlier` segments.
    fn prepare(&mut self, place: &Place, earlier: Earlier) -> Prepared {
        let Some(lease) = self.window.lease(&self.recent, self.last_cpa) else {
            self.metrics.refused += 1;
            log::warn!(target: "vfio_ccw::mediator::start", "{}: no slot is free", self.name());
            return Prepared::Status(place.refused(Refusal::Host));
        };
        let keys = self.config.keys.clone();
        let limit = self.config.address_limit;
        let limit = limit.or(LimitAddr::new(GuestAddr::new(0)));
        let guards = Guards {
            keys: keys.as_ref().map(as_keys),
            limit: match self.subchannel.pmcw().limit_mode {
                LimitMode::AtOrAbove => limit.map(AddressLimit::AtLeast),
                LimitMode::Below => limit.map(AddressLimit::Below),
                LimitMode::None => None,
            },
            commands: self.config.commands.as_ref(),
        };
        let layout = self.window.layout();
        let buffers = self.spare.pop().unwrap_or_default();
        let policy = &self.config.guest.policy;
        let segment = place.segment();
        let (orb, map) = (&place.orb, layout.map());
        let program = fetch_segment(orb, &segment, &*layout, map, policy, &guards, buffers);
        let plan = match program.plan_behind(&earlier, &self.config.profile) {
            Ok(Planned::Run(plan)) => plan,
            Ok(Planned::Arrived(arrived)) => {
                let place = Place::reached(orb, arrived.arrival(), Turn::Ours);
                let irb = *arrived.irb();
                self.keep(arrived.into_buffers());
                return Prepared::Arrived(place, irb, earlier);
            }
            Ok(Planned::Ended(ended)) => {
                self.sense = None;
                return self.ended(ended);
            }
            Err(rejected) => return self.rejected(place, rejected, earlier, &layout),
        };
        let pinned = match plan.pin(self.window.clone()) {
            Ok(pinned) => pinned,
            Err(rejected) => return self.rejected(place, rejected, earlier, &layout),
        };
        let pinned = match self.answer_sense(pinned, &layout) {
            Ok(ended) => return self.ended(ended),
            Err(pinned) => pinned,
        };
        let slot = match lease.slot(&mut self.staging) {
            Ok(slot) => slot,
            // A window whose areas do not fit each other is refused when it is made.
            Err(error) => {
                log::error!(target: "vfio_ccw::mediator::start", "{error}");
                return Prepared::Status(place.refused(Refusal::Host));
            }
        };
        let once = !earlier.is_empty();
        let program = match pinned.emit_behind(earlier, slot) {
            Ok(program) => program,
            Err(rejected) => return self.rejected(place, rejected, Earlier::NONE, &layout),
        };
        let used = program.doublewords();
        self.metrics.ccws += used.ccws as u64;
        self.metrics.list_words += used.lists as u64;
        let staged = self.staging.copy_out(&program, &layout);
        match staged.and_then(|()| lease.publish(&program, &self.staging)) {
            Ok(()) => Prepared::Ready(Ready {
                program,
                lease,
                once,
            }),
            Err(errno) => {
                log::error!(target: "vfio_ccw::mediator::start", "{}: slot: {errno}", self.name());
                self.keep(program.release());
                Prepared::Status(place.refused(Refusal::Host))
            }
        }
    }

    /// The program has ended without the device.
    fn ended(&mut self, ended: Ended) -> Prepared {
        let mut irb = *ended.irb();
        self.keep_sense(ended.refused(), &irb);
        if !self.store_tsb(ended.tsb()) {
            // It has gone since the program was judged.
            irb = status::damaged(&irb);
        }
        self.keep(ended.into_buffers());
        self.metrics.ended_at_once += 1;
        Prepared::Status(irb)
    }

    /// The program, which was read from `place` on in `layout`, is refused by name.
    fn rejected(
        &mut self,
        place: &Place,
        rejected: Rejected,
        earlier: Earlier,
        layout: &Arc<Layout>,
    ) -> Prepared {
        let withheld = match rejected.finding.code {
            Code::HostBusy => true,
            // It has gone since, which whoever reads the program now will find.
            Code::HostMap => !Arc::ptr_eq(layout, &self.window.layout()),
            _ => false,
        };
        if withheld {
            self.metrics.withheld += 1;
            self.keep(rejected.into_buffers());
            return Prepared::Withheld(earlier);
        }
        match self.refusal(rejected) {
            Response::OperandException => Prepared::Answer(Err(Exception::Operand)),
            Response::SpecificationException => Prepared::Answer(Err(Exception::Specification)),
            Response::ConditionCode(1) => Prepared::Answer(Ok(ConditionCode::Cc1)),
            Response::ConditionCode(2) => Prepared::Answer(Ok(ConditionCode::Cc2)),
            Response::ConditionCode(_) => Prepared::Answer(Ok(ConditionCode::Cc3)),
            Response::Status(mut irb) => {
                // What came before has run.
                irb.scsw.cpa = place.cpa();
                Prepared::Status(irb)
            }
        }
    }

    /// Counts and tells a refusal; what the guest is told.
    fn refusal(&mut self, rejected: Rejected) -> Response {
        self.metrics.refused += 1;
        let level = self.level(self.metrics.refused);
        log::log!(target: "vfio_ccw::mediator::start", level, "{}: {rejected}", self.name());
        let response = rejected.response();
        self.keep(rejected.into_buffers());
        response
    }

    /// The status of a program that is refused by name at `place`, on its way.
    pub(super) fn refuse(&mut self, place: &Place, rejected: Rejected) -> Irb<Guest> {
        self.refusal(rejected);
        place.refused(Refusal::Host)
    }

    /// How loud to say what has happened so many times.
    pub(super) fn level(&self, times: u64) -> log::Level {
        match times {
            0..=LOUD => log::Level::Info,
            _ => log::Level::Debug,
        }
    }

    /// Keeps buffers for the next program.
    pub(super) fn keep(&mut self, buffers: Box<Buffers>) {
        if self.spare.len() < self.spare.capacity() {
            self.spare.push(buffers);
        }
    }
}

fn as_keys(keys: &Arc<dyn StorageKeys + Send + Sync>) -> &dyn StorageKeys {
    &**keys
}
