// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Status: how it becomes pending, what is merged, and what TEST SUBCHANNEL takes away.

use ccw::{
    ActivityControl, ECW_SIZE, Esw, FunctionControl, Guest, Irb, Scsw, StatusControl,
    SubchannelStatus,
};

use super::{INTERMEDIATE, Subchannel};
use crate::mediator::ConditionCode::{self, Cc0, Cc1, Cc3};

/// Activity that TEST SUBCHANNEL takes back with all but intermediate status.
const TESTED: ActivityControl = ActivityControl::RESUME_PENDING
    .union(ActivityControl::START_PENDING)
    .union(ActivityControl::HALT_PENDING)
    .union(ActivityControl::CLEAR_PENDING)
    .union(ActivityControl::SUSPENDED);

/// What becomes of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(in crate::mediator) enum Posted {
    /// It is pending, and nothing was before: the guest is to be interrupted.
    Pending,
    /// It was merged into the status that is pending, or waits for it to be tested; or nobody asks:
    /// a subchannel that is not enabled shows no status.
    Merged,
}

impl Subchannel {
    /// Solicited status comes. Its function control is the guest's, which knows of halts that the
    /// host has not seen.
    pub(in crate::mediator) fn post(&mut self, irb: &Irb<Guest>) -> Posted {
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
    pub(in crate::mediator) fn offer(&mut self, irb: &Irb<Guest>) -> (Posted, bool) {
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
    pub(in crate::mediator) fn test(&mut self) -> (ConditionCode, Option<Irb<Guest>>) {
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
        let suspended = self.is_suspended();
        let scsw = &mut self.schib.scsw;
        let halted = scsw.function.contains(FunctionControl::HALT);
        if scsw.status == INTERMEDIATE && !(suspended && halted) {
            if suspended {
                scsw.activity.remove(ActivityControl::RESUME_PENDING);
                scsw.path_not_operational = false;
            }
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
    pub(in crate::mediator) fn present_next(&mut self) -> bool {
        if self.is_pending() || !self.schib.scsw.function.is_empty() {
            return false;
        }
        match self.next.take() {
            Some(irb) => self.post(&irb) == Posted::Pending,
            None => false,
        }
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
        // With an ending status it would mean nothing.
        scsw.zero_cc |= now.zero_cc && scsw.status == INTERMEDIATE;
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
