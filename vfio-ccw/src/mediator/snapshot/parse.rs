// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From the words of a snapshot to a subchannel at rest, if they are those of one.

use ccw::{
    ActivityControl, CCW_SIZE, ECW_SIZE, Esw, FunctionControl, Guest, GuestAddr, Irb, Orb, OrbBits,
    Pmcw, RawEsw, RawIrb, RawOrb, RawSchib, Schib, Scsw, StatusControl, SubchannelStatus,
    SubchannelType,
};
use translator::{Arrival, Cause, Suspension, orb_fault};

use crate::mediator::place::{Place, Turn};
use crate::mediator::subchannel::Subchannel;
use crate::mediator::{GuestProfile, Paths};

/// Why words are not those of a subchannel at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("reserved bits of the SCHIB are not zero")]
    SchibBits,
    #[error("reserved bits of the ESW are not zero")]
    EswBits,
    #[error("reserved bits of the status that comes next are not zero")]
    NextBits,
    #[error("fields of the SCHIB that are always zero are not")]
    Unused,
    #[error("the SCHIB has no device")]
    NoDevice,
    #[error("the SCHIB has other paths than the guest was promised")]
    Paths,
    #[error("the SCHIB shows activity, and nothing is in flight")]
    Active,
    #[error("a function control that there is not")]
    Function,
    #[error("a function is in progress, and no status is pending")]
    NoStatus,
    #[error("status is pending, and the subchannel is not enabled")]
    Disabled,
    #[error("status that is not pending")]
    NotPending,
    #[error("status of a program that goes on, and there is none")]
    Intermediate,
    #[error("sense for a guest that did not ask for it")]
    Sense,
    #[error("status comes next, and none is pending")]
    NextAlone,
    #[error("status comes next that no device presents unasked")]
    NextSolicited,
    #[error("an ORB with which no program suspends itself")]
    SuspendedOrb,
    #[error("the SCHIB is not that of the suspended program")]
    SuspendedElsewhere,
}

/// The words of a subchannel.
pub(super) struct Words {
    pub(super) schib: RawSchib,
    pub(super) esw: RawEsw,
    pub(super) ecw: [u8; ECW_SIZE],
    pub(super) next: Option<RawIrb>,
}

/// Where a program stands suspended.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) orb: RawOrb,
    pub(super) at: u32,
    /// Whether a command of it was accepted.
    pub(super) accepted: bool,
}

impl Standing {
    pub(super) fn of(place: &Place) -> Self {
        Self {
            orb: place.orb,
            at: place.cpa().wrapping_sub(8),
            accepted: place.arrival.is_some_and(|arrival| arrival.accepted),
        }
    }

    /// The place, in a subchannel whose SCHIB is `schib`, and of a guest to which `guest` was promised.
    fn parse(&self, schib: &Schib<Guest>, guest: &GuestProfile) -> Result<Place, Refused> {
        let orb = Orb::<Guest>::decode(&self.orb);
        let suspends = orb.suspend && guest.policy.suspend == Suspension::Parts;
        if !suspends || orb_fault(&self.orb, &guest.policy).is_some() {
            return Err(Refused::SuspendedOrb);
        }
        let at = GuestAddr::new(self.at.into());
        let scsw = &schib.scsw;
        if scsw.function != FunctionControl::START
            || scsw.orb != OrbBits::from(&orb)
            || schib.pmcw.intparm != orb.intparm
            || !schib.pmcw.enabled
            || scsw.cpa != self.at.wrapping_add(8)
            || !at.is_aligned(CCW_SIZE)
            || at.get() >= orb.format.limit()
        {
            return Err(Refused::SuspendedElsewhere);
        }
        let arrival = Arrival {
            at,
            cause: Cause::Suspend,
            accepted: self.accepted,
        };
        Ok(Place::reached(&self.orb, arrival, Turn::Guest))
    }
}

impl Words {
    pub(super) fn of(subchannel: &Subchannel) -> Self {
        let (schib, esw, ecw, next) = subchannel.parts();
        Self {
            schib: schib.encode(),
            esw: esw.encode(),
            ecw: *ecw,
            next: next.map(Irb::encode),
        }
    }

    /// The subchannel of a guest to which `guest` was promised, and where its program stands
    /// suspended, if one does.
    pub(super) fn parse(
        &self,
        standing: Option<Standing>,
        guest: &GuestProfile,
    ) -> Result<(Subchannel, Option<Place>), Refused> {
        let schib = Schib::<Guest>::decode(&self.schib);
        if schib.encode() != self.schib {
            return Err(Refused::SchibBits);
        }
        check_pmcw(&schib.pmcw, guest)?;
        if schib.model != [0; 4] {
            return Err(Refused::Unused);
        }
        let scsw = &schib.scsw;
        let esw = Esw::decode(&self.esw, scsw.extended_status_word);
        if esw.encode() != self.esw {
            return Err(Refused::EswBits);
        }
        let place = standing.map(|it| it.parse(&schib, guest)).transpose()?;
        match scsw.activity == ActivityControl::SUSPENDED {
            true => check_suspended(scsw, place.is_some())?,
            false if place.is_some() => return Err(Refused::SuspendedElsewhere),
            false => check_status(scsw)?,
        }
        if scsw.status.contains(StatusControl::PENDING) && !schib.pmcw.enabled {
            return Err(Refused::Disabled);
        }
        let nothing = esw == Esw::NONE && self.ecw == [0; ECW_SIZE];
        if !scsw.status.contains(StatusControl::PENDING) && !nothing {
            return Err(Refused::NotPending);
        }
        let sense = scsw.extended_control || self.ecw != [0; ECW_SIZE];
        if sense && !schib.pmcw.concurrent_sense {
            return Err(Refused::Sense);
        }
        let next = self.next.as_ref().map(parse_next).transpose()?;
        let comes_at_once =
            scsw.function.is_empty() && !scsw.status.contains(StatusControl::PENDING);
        if next.is_some() && comes_at_once {
            return Err(Refused::NextAlone);
        }
        let subchannel = Subchannel::from_parts(schib, esw, self.ecw, next);
        Ok((subchannel, place))
    }
}

/// What no MODIFY SUBCHANNEL changes is as we made it.
fn check_pmcw(pmcw: &Pmcw, guest: &GuestProfile) -> Result<(), Refused> {
    if pmcw.device_number.is_none() {
        return Err(Refused::NoDevice);
    }
    if pmcw.timing || pmcw.subchannel_type != SubchannelType::IO {
        return Err(Refused::Unused);
    }
    match guest.paths {
        Paths::Fixed { mask, chpid }
            if (pmcw.pim, pmcw.pam, pmcw.pnom, pmcw.chpid) != (mask, mask, 0, chpid) =>
        {
            Err(Refused::Paths)
        }
        _ => Ok(()),
    }
}

/// Nothing is in flight: what was done is told by status, or was told.
fn check_status(scsw: &Scsw<Guest>) -> Result<(), Refused> {
    use FunctionControl as F;
    if !scsw.activity.is_empty() {
        return Err(Refused::Active);
    }
    let functions = [F::empty(), F::START, F::HALT, F::START | F::HALT, F::CLEAR];
    if !functions.contains(&scsw.function) {
        return Err(Refused::Function);
    }
    if !scsw.status.contains(StatusControl::PENDING) {
        let told = scsw.status.is_empty()
            && scsw.deferred_cc == 0
            && !(scsw.extended_status_word || scsw.extended_control || scsw.path_not_operational);
        return match (told, scsw.function.is_empty()) {
            (false, _) => Err(Refused::NotPending),
            (true, false) => Err(Refused::NoStatus),
            (true, true) => Ok(()),
        };
    }
    if scsw.status == StatusControl::INTERMEDIATE | StatusControl::PENDING {
        return Err(Refused::Intermediate);
    }
    Ok(())
}

/// A program stands suspended, and this was told or is to be; or it stood so until a halt, which the
/// status of the suspension is left to tell.
fn check_suspended(scsw: &Scsw<Guest>, stands: bool) -> Result<(), Refused> {
    use FunctionControl as F;
    let intermediate = StatusControl::INTERMEDIATE | StatusControl::PENDING;
    let (function, possible) = match stands {
        true => (F::START, [intermediate, StatusControl::empty()]),
        false => (F::START | F::HALT, [intermediate; 2]),
    };
    if scsw.function != function {
        return Err(Refused::Function);
    }
    let told = scsw.status.is_empty();
    let tells = told && (scsw.zero_cc || !scsw.subchannel.is_empty());
    let else_told = !scsw.device.is_empty()
        || !SubchannelStatus::PCI.contains(scsw.subchannel)
        || scsw.deferred_cc != 0
        || scsw.extended_control
        || scsw.extended_status_word
        || scsw.path_not_operational;
    if !possible.contains(&scsw.status) || tells || else_told {
        return Err(Refused::Intermediate);
    }
    Ok(())
}

/// Status that a device presents unasked, which knows of no program.
fn parse_next(raw: &RawIrb) -> Result<Irb<Guest>, Refused> {
    let irb = Irb::<Guest>::decode(raw);
    if irb.encode() != *raw {
        return Err(Refused::NextBits);
    }
    let mut alone = Scsw::IDLE;
    alone.status = StatusControl::ALERT | StatusControl::PENDING;
    alone.device = irb.scsw.device;
    alone.subchannel = irb.scsw.subchannel;
    alone.extended_control = irb.scsw.extended_control;
    if irb.scsw != alone {
        return Err(Refused::NextSolicited);
    }
    Ok(irb)
}
