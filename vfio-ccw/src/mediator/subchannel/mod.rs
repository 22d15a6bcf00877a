// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subchannel that the guest sees: its SCHIB, the status that is pending, and what each
//! instruction does to them. Nothing here knows a device. "PoP: I/O Instructions".

mod present;
mod suspend;
#[cfg(test)]
mod tests;

use ccw::{
    ActivityControl, DeviceStatus, ECW_SIZE, Esw, FunctionControl, Guest, Irb, Orb, Pmcw, RawSchib,
    Schib, Scsw, StatusControl, SubchannelStatus,
};

use super::{ConditionCode, Exception, status};
use ConditionCode::{Cc0, Cc1, Cc2, Cc3};

pub(super) use present::Posted;

const INTERMEDIATE: StatusControl = StatusControl::INTERMEDIATE.union(StatusControl::PENDING);

/// What the subchannel and the device do with a program.
const ACTIVE: ActivityControl =
    ActivityControl::SUBCHANNEL_ACTIVE.union(ActivityControl::DEVICE_ACTIVE);

/// Activity that CANCEL SUBCHANNEL takes back.
const CANCELLED: ActivityControl = ActivityControl::RESUME_PENDING
    .union(ActivityControl::START_PENDING)
    .union(ActivityControl::SUSPENDED);

/// The guest's subchannel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subchannel {
    schib: Schib<Guest>,
    esw: Esw<Guest>,
    ecw: [u8; ECW_SIZE],
    /// Unsolicited status that came while other status was pending or a function in progress: it
    /// becomes pending when the guest has tested that.
    next: Option<Irb<Guest>>,
}

impl Subchannel {
    /// A subchannel at rest, as a reset leaves it.
    pub(super) fn new(pmcw: Pmcw) -> Self {
        let mut schib = Schib::decode(&RawSchib::default());
        schib.pmcw = pmcw;
        Self {
            schib,
            esw: Esw::NONE,
            ecw: [0; ECW_SIZE],
            next: None,
        }
    }

    /// A subchannel with this status, and that to come next.
    #[cfg(feature = "serde")]
    pub(super) fn from_parts(
        schib: Schib<Guest>,
        esw: Esw<Guest>,
        ecw: [u8; ECW_SIZE],
        next: Option<Irb<Guest>>,
    ) -> Self {
        Self {
            schib,
            esw,
            ecw,
            next,
        }
    }

    /// What [`Self::from_parts`] takes.
    #[cfg(feature = "serde")]
    #[expect(clippy::type_complexity, reason = "they are taken apart at once")]
    pub(super) fn parts(
        &self,
    ) -> (
        &Schib<Guest>,
        &Esw<Guest>,
        &[u8; ECW_SIZE],
        Option<&Irb<Guest>>,
    ) {
        (&self.schib, &self.esw, &self.ecw, self.next.as_ref())
    }

    pub(super) fn pmcw(&self) -> &Pmcw {
        &self.schib.pmcw
    }

    pub(super) fn pmcw_mut(&mut self) -> &mut Pmcw {
        &mut self.schib.pmcw
    }

    pub(super) fn scsw(&self) -> &Scsw<Guest> {
        &self.schib.scsw
    }

    /// Whether there is a device and the guest has enabled the subchannel.
    fn is_operational(&self) -> bool {
        self.schib.pmcw.device_number.is_some() && self.schib.pmcw.enabled
    }

    pub(super) fn is_pending(&self) -> bool {
        self.schib.scsw.status.contains(StatusControl::PENDING)
    }

    /// The condition code of SSCH, as far as the guest's subchannel decides it.
    pub(super) fn start_condition(&self) -> ConditionCode {
        if !self.is_operational() {
            Cc3
        } else if self.is_pending() {
            Cc1
        } else if !self.schib.scsw.function.is_empty() {
            Cc2
        } else {
            Cc0
        }
    }

    /// SSCH with condition code 0: start pending.
    pub(super) fn accept_start(&mut self, orb: &Orb<Guest>) {
        let mut scsw = Scsw::IDLE;
        scsw.orb = status::bits(orb);
        scsw.function = FunctionControl::START;
        scsw.activity = ActivityControl::START_PENDING;
        scsw.cpa = orb.cpa.get();
        self.schib.scsw = scsw;
        self.schib.pmcw.intparm = orb.intparm;
        self.forget_extensions();
    }

    /// The host has the program, or what is left of it: it cannot be cancelled any more.
    pub(super) fn started(&mut self) {
        let suspended = self.is_suspended();
        let activity = &mut self.schib.scsw.activity;
        if suspended {
            activity.remove(ActivityControl::RESUME_PENDING | ActivityControl::SUSPENDED);
        }
        activity.remove(ActivityControl::START_PENDING);
        activity.insert(ACTIVE);
    }

    /// The host has nothing of it any more.
    pub(super) fn inactive(&mut self) {
        self.schib.scsw.activity.remove(ACTIVE);
    }

    /// The condition code of HSCH, as far as the guest's subchannel decides it.
    pub(super) fn halt_condition(&self) -> ConditionCode {
        let scsw = &self.schib.scsw;
        let other = FunctionControl::HALT | FunctionControl::CLEAR;
        if !self.is_operational() {
            Cc3
        } else if self.is_pending() && scsw.status != INTERMEDIATE {
            Cc1
        } else if scsw.function.intersects(other) {
            Cc2
        } else {
            Cc0
        }
    }

    /// HSCH with condition code 0. Says whether status that was pending is gone: that of a program
    /// that stands suspended stays.
    pub(super) fn accept_halt(&mut self) -> bool {
        if self.is_suspended() && self.is_pending() {
            // Nothing is active: the function is complete, and this status tells so.
            let scsw = &mut self.schib.scsw;
            scsw.function |= FunctionControl::HALT;
            return false;
        }
        let dropped = self.is_pending();
        self.drop_intermediate();
        let scsw = &mut self.schib.scsw;
        scsw.function |= FunctionControl::HALT;
        scsw.activity |= ActivityControl::HALT_PENDING;
        dropped
    }

    /// The condition code of CSCH, as far as the guest's subchannel decides it.
    pub(super) fn clear_condition(&self) -> ConditionCode {
        if self.is_operational() { Cc0 } else { Cc3 }
    }

    /// CSCH with condition code 0: only the clear function is left. Says whether status that was
    /// pending is gone.
    pub(super) fn accept_clear(&mut self) -> bool {
        let dropped = self.is_pending();
        self.schib.scsw = Scsw::IDLE;
        self.schib.scsw.function = FunctionControl::CLEAR;
        self.schib.scsw.activity = ActivityControl::CLEAR_PENDING;
        self.next = None;
        self.forget_extensions();
        dropped
    }

    /// The condition code of XSCH, as far as the guest's subchannel decides it.
    pub(super) fn cancel_condition(&self) -> ConditionCode {
        let scsw = &self.schib.scsw;
        if !self.is_operational() {
            Cc3
        } else if self.is_pending() {
            Cc1
        } else if scsw.function != FunctionControl::START
            || !scsw.activity.intersects(CANCELLED)
            || scsw.activity.contains(ActivityControl::SUBCHANNEL_ACTIVE)
        {
            Cc2
        } else {
            Cc0
        }
    }

    /// XSCH with condition code 0: the start function is gone.
    pub(super) fn accept_cancel(&mut self) {
        let scsw = &mut self.schib.scsw;
        scsw.function = FunctionControl::empty();
        scsw.activity.remove(CANCELLED);
        scsw.device = DeviceStatus::empty();
        scsw.subchannel = SubchannelStatus::empty();
    }

    /// STSCH.
    pub(super) fn store(&self) -> RawSchib {
        self.schib.encode()
    }

    /// MSCH.
    pub(super) fn modify(&mut self, operand: &RawSchib) -> Result<ConditionCode, Exception> {
        if !operand.pmcw().is_modify_operand() {
            return Err(Exception::Operand);
        }
        if self.schib.pmcw.device_number.is_none() {
            return Ok(Cc0);
        }
        if self.is_pending() {
            return Ok(Cc1);
        }
        if !self.schib.scsw.function.is_empty() {
            return Ok(Cc2);
        }
        self.schib = Schib::decode(&self.schib.encode().modified_by(operand));
        Ok(Cc0)
    }

    /// The device is gone. Says whether status that was pending is gone.
    pub(super) fn lose_device(&mut self) -> bool {
        let dropped = self.is_pending();
        self.schib.scsw = Scsw::IDLE;
        self.schib.pmcw.device_number = None;
        self.schib.pmcw.enabled = false;
        self.next = None;
        self.forget_extensions();
        dropped
    }

    fn forget_extensions(&mut self) {
        self.esw = Esw::NONE;
        self.ecw = [0; ECW_SIZE];
    }

    /// Intermediate status is tested or discarded.
    fn drop_intermediate(&mut self) {
        let scsw = &mut self.schib.scsw;
        scsw.status.remove(INTERMEDIATE);
        scsw.subchannel.remove(SubchannelStatus::PCI);
        scsw.zero_cc = false;
    }
}
