// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program that stands at a CCW with the S flag, and RESUME SUBCHANNEL. "PoP: Suspension of
//! Channel-Program Execution", "PoP: RESUME SUBCHANNEL".

use ccw::{ActivityControl, DeviceStatus, Esw, FunctionControl, Guest, Scsw, SubchannelStatus};

use super::{INTERMEDIATE, Posted, Subchannel};
use crate::mediator::ConditionCode::{self, Cc0, Cc1, Cc2, Cc3};

impl Subchannel {
    pub(in crate::mediator) fn is_suspended(&self) -> bool {
        let activity = self.schib.scsw.activity;
        activity.contains(ActivityControl::SUSPENDED)
    }

    /// The condition code of RSCH. A program that may suspend itself and has not yet can be resumed
    /// too: its next suspension is passed over.
    pub(in crate::mediator) fn resume_condition(&self) -> ConditionCode {
        let scsw = &self.schib.scsw;
        if !self.is_operational() {
            Cc3
        } else if self.is_pending() {
            Cc1
        } else if scsw.function != FunctionControl::START
            || scsw.activity.contains(ActivityControl::RESUME_PENDING)
            || !scsw.orb.suspend
        {
            Cc2
        } else {
            Cc0
        }
    }

    /// RSCH with condition code 0: resume pending.
    pub(in crate::mediator) fn accept_resume(&mut self) {
        let activity = &mut self.schib.scsw.activity;
        activity.insert(ActivityControl::RESUME_PENDING);
    }

    /// The program comes to a CCW with the S flag. Says whether it goes on: a resume function was
    /// accepted beforehand, and is carried out by that.
    pub(in crate::mediator) fn passes_over(&mut self) -> bool {
        let activity = &mut self.schib.scsw.activity;
        let passes = activity.contains(ActivityControl::RESUME_PENDING) && !self.is_suspended();
        if passes {
            let activity = &mut self.schib.scsw.activity;
            activity.remove(ActivityControl::RESUME_PENDING);
        }
        passes
    }

    /// Control has come to the CCW before `cpa`, and the program goes on.
    pub(in crate::mediator) fn stands_at(&mut self, cpa: u32) {
        self.schib.scsw.cpa = cpa;
    }

    /// The program stands suspended as `at` says: CCW address and count, and whether there is a
    /// program-controlled interruption, or the initial status, to be told of. Without these there is
    /// status only if the ORB does not suppress it.
    pub(in crate::mediator) fn suspend(&mut self, at: &Scsw<Guest>) -> Posted {
        let was_pending = self.is_pending();
        let scsw = &mut self.schib.scsw;
        scsw.activity = ActivityControl::SUSPENDED;
        scsw.cpa = at.cpa;
        scsw.residual = at.residual;
        scsw.device = DeviceStatus::empty();
        scsw.deferred_cc = 0;
        // Of before, and not tested yet.
        scsw.subchannel &= SubchannelStatus::PCI;
        scsw.subchannel |= at.subchannel & SubchannelStatus::PCI;
        scsw.zero_cc |= at.zero_cc;
        let nothing_else = at.subchannel.is_empty() && !at.zero_cc;
        if was_pending || (scsw.orb.suppress_suspended && nothing_else) {
            return Posted::Merged;
        }
        scsw.status = INTERMEDIATE;
        self.esw = Esw::NONE;
        Posted::Pending
    }
}
