// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From the guest's ORB, or from where a program goes on, to a program in a slot that the host can be
//! given.

use std::sync::Arc;

use ccw::{Guest, GuestAddr, Irb, LimitMode};
use translator::{
    AddressLimit, Buffers, Code, Earlier, Ended, Guards, LimitAddr, Planned, Rejected, Response,
    StorageKeys, fetch_part,
};

use super::errno::Refusal;
use super::flight::Ready;
use super::place::{Place, Turn};
use super::window::Layout;
use super::{ConditionCode, Exception, Mediator, status};
use crate::CcwDevice;

/// What the guest's program comes to, before the host is asked.
pub(super) enum Prepared {
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
    /// Reads, judges, lays out, pins and writes the guest's program from `place` on, as far as it can
    /// be read now, behind what must be repeated of `earlier` parts.
    pub(super) fn prepare(&mut self, place: &Place, earlier: Earlier) -> Prepared {
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
        let part = place.part();
        let (orb, map) = (&place.orb, layout.map());
        let program = fetch_part(orb, &part, &*layout, map, policy, &guards, buffers);
        let once = !earlier.is_empty();
        let plan = match program.plan_behind(earlier, &self.config.profile) {
            Ok(Planned::Run(plan)) => plan,
            Ok(Planned::Arrived(arrived)) => {
                let place = Place::reached(orb, arrived.arrival(), Turn::Ours);
                let irb = *arrived.irb();
                let (earlier, buffers) = arrived.go_on();
                self.keep(buffers);
                return Prepared::Arrived(place, irb, earlier);
            }
            Ok(Planned::Ended(ended)) => {
                self.sense = None;
                return self.ended(ended);
            }
            Err(rejected) => return self.rejected(place, rejected, &layout),
        };
        let pinned = match plan.pin(self.window.clone()) {
            Ok(pinned) => pinned,
            Err(rejected) => return self.rejected(place, rejected, &layout),
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
        let program = match pinned.emit(slot) {
            Ok(program) => program,
            Err(rejected) => return self.rejected(place, rejected, &layout),
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
    fn rejected(&mut self, place: &Place, rejected: Rejected, layout: &Arc<Layout>) -> Prepared {
        let withheld = match rejected.finding.code {
            Code::HostBusy => true,
            // It has gone since, which whoever reads the program now will find.
            Code::HostMap => !Arc::ptr_eq(layout, &self.window.layout()),
            _ => false,
        };
        if withheld {
            self.metrics.withheld += 1;
            let (earlier, buffers) = rejected.into_earlier();
            self.keep(buffers);
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

    /// Keeps the buffers of what is not repeated any more.
    pub(super) fn discard(&mut self, earlier: Earlier) {
        if earlier.is_empty() {
            return;
        }
        let mut buffers = self.spare.pop().unwrap_or_default();
        earlier.give_to(&mut buffers);
        self.keep(buffers);
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
