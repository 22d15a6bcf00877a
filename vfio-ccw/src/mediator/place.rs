// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where a program begins, or goes on.

use ccw::{Guest, Irb, Orb, OrbBits, RawOrb, SubchannelStatus};
use translator::{Arrival, Cause, Part};

use super::errno::Refusal;
use super::status;

/// A CCW of a program that the host is to be given, with what comes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What the guest asked for.
    pub(super) orb: RawOrb,
    /// Where control has come, and why it stopped there; `None` before the first CCW.
    pub(super) arrival: Option<Arrival>,
    pub(super) turn: Turn,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Ours: it goes on.
    Ours,
    /// Ours, and a resume function was accepted beforehand: the program does not suspend itself there.
    Passing,
    /// The guest's: the program stands suspended.
    Guest,
}

impl Place {
    /// Where `orb` leads.
    pub(super) const fn start(orb: &RawOrb) -> Self {
        Self {
            orb: *orb,
            arrival: None,
            turn: Turn::Ours,
        }
    }

    /// Where control has come.
    pub(super) const fn reached(orb: &RawOrb, arrival: Arrival, turn: Turn) -> Self {
        Self {
            orb: *orb,
            arrival: Some(arrival),
            turn,
        }
    }

    /// What is to be fetched.
    pub(super) fn part(&self) -> Part {
        match self.arrival {
            None => Part::START,
            Some(arrival) if self.turn == Turn::Passing => Part::from(arrival).passing_suspension(),
            Some(arrival) => Part::from(arrival),
        }
    }

    /// Why it stopped there.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.arrival.map(|arrival| arrival.cause)
    }

    /// Whether the program is on its way: a machine would not have stopped here.
    pub(super) fn is_under_way(&self) -> bool {
        match self.cause() {
            None => false,
            Some(Cause::Refetch) => true,
            Some(Cause::Suspend) => self.turn == Turn::Passing,
        }
    }

    /// The CCW address of status while the program stands here; 0 before its first CCW. In transport
    /// mode that of the TCW.
    pub(super) fn cpa(&self) -> u32 {
        let orb = Orb::<Guest>::decode(&self.orb);
        if orb.transport {
            return orb.cpa.get();
        }
        let at = self.arrival.map(|it| u32::try_from(it.at.get()));
        at.and_then(Result::ok).map_or(0, |at| at.wrapping_add(8))
    }

    /// The ORB's bits that the SCSW shows.
    pub(super) fn bits(&self) -> OrbBits {
        status::bits(&Orb::decode(&self.orb))
    }

    /// The status of a program that the host does not carry on from here.
    pub(super) fn refused(&self, refusal: Refusal) -> Irb<Guest> {
        let mut irb = match refusal {
            // The function was initiated before.
            Refusal::NotOperational | Refusal::NoPath if self.is_under_way() => {
                status::checked(self.bits(), SubchannelStatus::INTERFACE_CONTROL_CHECK)
            }
            refusal => status::refused(self.bits(), refusal),
        };
        if irb.scsw.deferred_cc == 0 {
            irb.scsw.cpa = self.cpa();
        }
        irb
    }
}
