// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The same proof for a host that copies programs once more (`vfio-ccw`).
//!
//! Such a host cannot express two things, and the comparison allows for just these: a program
//! that cannot use the first byte of a CCW's data stops where that CCW takes control, also if the
//! device would never have asked for that byte; and the limit on backward TICs is reached
//! elsewhere, because TICs are straightened.

use ccw::{DeviceStatus, HostAddr, SubchannelStatus};
use css::{CannotStart, Condition};
use translator::{Blame, HostProfile, Planned, Response};

use super::{
    ARENA_END, CCWS, ControlWords, Difference, GuestRun, HostRun, Outcome, Sent, canonical, differ,
    judge, same, same_storage,
};
use crate::generator::{Case, Scene};

const CHECKS: SubchannelStatus =
    SubchannelStatus::PROGRAM_CHECK.union(SubchannelStatus::PROTECTION_CHECK);

/// Runs `case` on guest storage, and translated on a host that copies it, and compares.
///
/// # Errors
///
/// What differs, in words.
pub fn check_copied(case: &Case) -> Result<Outcome, Difference> {
    let scene = case.build();
    let guest = GuestRun::new(&scene);
    let program = judge(&scene);
    let control = ControlWords::of(&program, &scene);
    let plan = match program.plan(&HostProfile::VFIO_CCW) {
        Err(rejected) => {
            let operand = rejected.response() == Response::OperandException;
            return match guest.started {
                Err(CannotStart::Operand(_)) if operand => Ok(Outcome::Exception),
                Ok(()) if rejected.blame() == Blame::Unsupported => {
                    Ok(Outcome::Refused(rejected.finding.code))
                }
                started => differ(format_args!("refused with {rejected}, started {started:?}")),
            };
        }
        Ok(Planned::Ended(ended)) => {
            let Some((_, irb)) = guest.statuses.first() else {
                return Ok(Outcome::AtOnce(None));
            };
            let there = canonical(irb).scsw;
            let here = canonical(ended.irb()).scsw;
            // A command that never asks for a byte does not meet the fault, and goes on.
            let went_on = guest.sent.first().is_some_and(is_quiet);
            if guest.sent.is_empty() || !went_on {
                same("CCW address", &there.cpa, &here.cpa)?;
                same(
                    "checks",
                    &(there.subchannel & CHECKS),
                    &(here.subchannel & CHECKS),
                )?;
            }
            return Ok(Outcome::AtOnce(guest.condition));
        }
        Ok(Planned::Run(plan)) => plan,
    };
    if control.modified(&guest).is_some() {
        return Ok(Outcome::SelfModifying);
    }
    let host = HostRun::new(&scene, plan, true)?;
    if guest.condition == Some(Condition::C06) {
        return Ok(Outcome::Ran(guest.condition));
    }
    compare(&guest, &host)?;
    Ok(Outcome::Ran(guest.condition))
}

fn compare(guest: &GuestRun, host: &HostRun) -> Result<(), Difference> {
    same("START SUBCHANNEL", &guest.started, &host.started)?;
    if stopped_before(guest, host) {
        return Ok(());
    }
    same("traffic", &guest.sent, &host.sent)?;
    if stopped_at_once(guest, host) {
        return same_storage(guest.view.ram(), &host.ram);
    }
    for ((_, guest), host) in guest.statuses.iter().zip(&host.completions) {
        same("status", &canonical(guest), &canonical(&host.irb))?;
        if host.unmapped || host.unexplained {
            return differ(format_args!("a status that should be clear: {host:x?}"));
        }
    }
    same_storage(guest.view.ram(), &host.ram)
}

/// A command that moved nothing.
fn is_quiet(sent: &Sent) -> bool {
    sent.output.is_empty() && sent.taken == 0
}

/// Whether the host stopped before a command, of which not one byte can move: the guest's own
/// program sends that command, and stops behind it if the device asks for a byte.
fn stopped_before(guest: &GuestRun, host: &HostRun) -> bool {
    let (Some((next, done)), Some(completion)) = (
        guest
            .sent
            .get(host.sent.len()..)
            .and_then(<[_]>::first)
            .map(|next| (next, host.sent.len())),
        host.completions.last(),
    ) else {
        return false;
    };
    let scsw = &completion.irb.scsw;
    guest.sent[..done] == host.sent[..]
        && is_quiet(next)
        && scsw.subchannel.intersects(CHECKS)
        && scsw.device == DeviceStatus::empty()
        && !completion.unmapped
        && !completion.unexplained
}

/// Whether the host stopped where a CCW took control by data chaining of which not one byte can
/// move, and the device ended just there, so that the guest's own program has a wrong length.
fn stopped_at_once(guest: &GuestRun, host: &HostRun) -> bool {
    let (Some((_, there)), Some(here)) = (guest.statuses.last(), host.completions.last()) else {
        return false;
    };
    let (there, here) = (&there.scsw, &here.irb.scsw);
    there.cpa == here.cpa
        && there
            .subchannel
            .contains(SubchannelStatus::INCORRECT_LENGTH)
        && !there.subchannel.intersects(CHECKS)
        && here.subchannel.intersects(CHECKS)
}

/// Whether the host has anything at `at`: the arena, or guest storage.
pub(super) fn is_mapped(scene: &Scene, at: HostAddr) -> bool {
    let in_region = |region: &pinning::Region| {
        at.get()
            .checked_sub(region.host.get())
            .is_some_and(|offset| offset < region.len)
    };
    (CCWS..ARENA_END).contains(&at.get()) || scene.regions.regions().iter().any(in_region)
}
