// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subchannel that the guest sees: its SCHIB, the status that is pending, and what each
//! instruction does to them. Nothing here knows a device. "PoP: I/O Instructions".

use ccw::{
    ActivityControl, DeviceStatus, ECW_SIZE, Esw, FunctionControl, Guest, Irb, Orb, OrbBits, Pmcw,
    RawSchib, Schib, Scsw, StatusControl, SubchannelStatus,
};

use super::{ConditionCode, Exception};
use ConditionCode::{Cc0, Cc1, Cc2, Cc3};

const INTERMEDIATE: StatusControl = StatusControl::INTERMEDIATE.union(StatusControl::PENDING);

/// Activity that TEST SUBCHANNEL takes back with all but intermediate status.
const TESTED: ActivityControl = ActivityControl::RESUME_PENDING
    .union(ActivityControl::START_PENDING)
    .union(ActivityControl::HALT_PENDING)
    .union(ActivityControl::CLEAR_PENDING)
    .union(ActivityControl::SUSPENDED);

/// What the subchannel and the device do with a program.
const ACTIVE: ActivityControl =
    ActivityControl::SUBCHANNEL_ACTIVE.union(ActivityControl::DEVICE_ACTIVE);

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

/// What becomes of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Posted {
    /// It is pending, and nothing was before: the guest is to be interrupted.
    Pending,
    /// It was merged into the status that is pending, or waits for it to be tested; or nobody asks:
    /// a subchannel that is not enabled shows no status.
    Merged,
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
        scsw.orb = OrbBits::from(orb);
        scsw.function = FunctionControl::START;
        scsw.activity = ActivityControl::START_PENDING;
        scsw.cpa = orb.cpa.get();
        self.schib.scsw = scsw;
        self.schib.pmcw.intparm = orb.intparm;
        self.forget_extensions();
    }

    /// The host has the program: it cannot be cancelled any more.
    pub(super) fn started(&mut self) {
        let activity = &mut self.schib.scsw.activity;
        activity.remove(ActivityControl::START_PENDING);
        activity.insert(ACTIVE);
    }

    /// The host has nothing of it any more.
    pub(super) fn inactive(&mut self) {
        self.schib.scsw.activity.remove(ACTIVE);
    }

    /// RSCH. There are no suspended programs: a program that could suspend is refused.
    pub(super) fn resume_condition(&self) -> ConditionCode {
        if !self.is_operational() {
            Cc3
        } else if self.is_pending() {
            Cc1
        } else {
            Cc2
        }
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

    /// HSCH with condition code 0. Says whether status that was pending is gone.
    pub(super) fn accept_halt(&mut self) -> bool {
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
            || !scsw.activity.contains(ActivityControl::START_PENDING)
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
        scsw.activity.remove(ActivityControl::START_PENDING);
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

    /// Solicited status comes. Its function control is the guest's, which knows of halts that the
    /// host has not seen.
    pub(super) fn post(&mut self, irb: &Irb<Guest>) -> Posted {
        if !self.schib.pmcw.enabled {
            self.inactive();
            return Posted::Merged;
        }
        let now = self.schib.scsw;
        let mut scsw = irb.scsw;
        scsw.function = match now.function.is_empty() {
            // Device end of a program whose channel end was tested.
            true => FunctionControl::empty(),
            false => now.function,
        };
        let ending = StatusControl::PRIMARY | StatusControl::SECONDARY;
        if scsw.status.intersects(ending) || !scsw.status.contains(StatusControl::INTERMEDIATE) {
            scsw.activity &= ActivityControl::DEVICE_ACTIVE;
        } else {
            // It goes on as it was, whatever the host says of other functions.
            scsw.activity = now.activity;
        }
        let posted = if now.status.contains(StatusControl::PENDING) {
            merge(&now, &mut scsw);
            Posted::Merged
        } else {
            Posted::Pending
        };
        self.schib.scsw = scsw;
        self.esw = irb.esw;
        self.ecw = irb.ecw;
        if !self.schib.pmcw.concurrent_sense {
            self.hide_sense();
        }
        self.note_paths();
        posted
    }

    /// Unsolicited status comes. Says as well whether it was joined with status that waits.
    pub(super) fn offer(&mut self, irb: &Irb<Guest>) -> (Posted, bool) {
        if !self.is_pending() && self.schib.scsw.function.is_empty() {
            return (self.post(irb), false);
        }
        if !self.schib.pmcw.enabled {
            return (Posted::Merged, false);
        }
        let joined = self.next.is_some();
        match &mut self.next {
            None => self.next = Some(*irb),
            Some(next) => {
                next.scsw.device |= irb.scsw.device;
                next.scsw.subchannel |= irb.scsw.subchannel;
            }
        }
        (Posted::Merged, joined)
    }

    /// TSCH, with the IRB. Condition code 0 if status was pending; then other status may be
    /// [offered](Self::present_next).
    pub(super) fn test(&mut self) -> (ConditionCode, Option<Irb<Guest>>) {
        if !self.is_operational() {
            return (Cc3, None);
        }
        let irb = Irb {
            scsw: self.schib.scsw,
            esw: self.esw,
            ecw: self.ecw,
        };
        if !self.is_pending() {
            return (Cc1, Some(irb));
        }
        let scsw = &mut self.schib.scsw;
        if scsw.status == INTERMEDIATE {
            self.drop_intermediate();
        } else {
            scsw.function = FunctionControl::empty();
            scsw.activity.remove(TESTED);
            scsw.status = StatusControl::empty();
            scsw.path_not_operational = false;
            scsw.deferred_cc = 0;
        }
        self.schib.scsw.extended_control = false;
        self.schib.scsw.extended_status_word = false;
        self.forget_extensions();
        (Cc0, Some(irb))
    }

    /// Makes unsolicited status that waits pending, if it can be now.
    pub(super) fn present_next(&mut self) -> bool {
        if self.is_pending() || !self.schib.scsw.function.is_empty() {
            return false;
        }
        match self.next.take() {
            Some(irb) => self.post(&irb) == Posted::Pending,
            None => false,
        }
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

    /// Sense comes with the status only for a guest that asked for it.
    fn hide_sense(&mut self) {
        self.schib.scsw.extended_control = false;
        self.ecw = [0; ECW_SIZE];
        match &mut self.esw {
            Esw::Path { erw, .. } | Esw::Logout { erw, .. } => erw.concurrent_sense = None,
        }
    }

    /// The path that was used last; a cleared subchannel has tried none.
    fn note_paths(&mut self) {
        let pmcw = &mut self.schib.pmcw;
        if self.schib.scsw.function == FunctionControl::CLEAR {
            (pmcw.pom, pmcw.pnom, pmcw.lpum) = (0xff, 0, 0);
        } else {
            let lpum = match self.esw {
                Esw::Path { lpum, .. } => lpum,
                Esw::Logout { logout, .. } => logout.lpum,
            };
            if lpum != 0 {
                pmcw.lpum = lpum;
            }
        }
    }
}

/// Status `now` is pending when `scsw` comes: what the guest is told of both. An interruption
/// condition is never lost, so what was said before stays said.
fn merge(now: &Scsw<Guest>, scsw: &mut Scsw<Guest>) {
    if now.status == INTERMEDIATE {
        scsw.subchannel |= now.subchannel & SubchannelStatus::PCI;
        return;
    }
    // Device end behind channel end: where the program stood is what the first one says.
    scsw.status |= now.status;
    scsw.device |= now.device;
    scsw.subchannel |= now.subchannel;
    scsw.cpa = now.cpa;
    scsw.residual = now.residual;
    scsw.deferred_cc = now.deferred_cc;
    scsw.orb = now.orb;
}
