// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The same proof for a host that copies programs once more (`vfio-ccw`).
//!
//! Such a host cannot express two things, and the comparison allows for just these: a program
//! that cannot use the first byte of a CCW's data stops where that CCW takes control, also if the
//! device would never have asked for that byte; and the limit on backward TICs is reached
//! elsewhere, because TICs are straightened.

use ccw::{DeviceStatus, Guest, Host, Irb, Scsw, StatusControl, SubchannelStatus};
use css::{CannotStart, Condition, Progress, Ram};
use translator::{Blame, Completion, HostProfile, Planned, Response};

use super::{
    ControlWords, Difference, GuestRun, Outcome, Sent, canonical, differ,
    host::{HostRun, Way},
    judge_quietly, same, same_storage,
};
use crate::{generator::Case, reached};

const CHECKS: SubchannelStatus =
    SubchannelStatus::PROGRAM_CHECK.union(SubchannelStatus::PROTECTION_CHECK);

/// Runs `case` on guest storage, and translated on a host that copies it, and compares.
///
/// # Errors
///
/// What differs, in words.
pub fn check_copied(case: &Case) -> Result<Outcome, Difference> {
    check_lowered(case).map(|(outcome, _)| outcome)
}

/// How the data of a program was given to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowered {
    /// By one list for each CCW.
    Lists,
    /// Some by several CCWs.
    Links,
    /// Some by way of a copy.
    Copies,
}

/// The same, and how the data went.
///
/// # Errors
///
/// What differs, in words.
pub fn check_lowered(case: &Case) -> Result<(Outcome, Lowered), Difference> {
    let mut lowered = Lowered::Lists;
    let outcome = check_noting(case, &mut lowered)?;
    Ok((outcome, lowered))
}

fn check_noting(case: &Case, lowered: &mut Lowered) -> Result<Outcome, Difference> {
    let scene = case.build();
    let guest = GuestRun::new(&scene);
    let program = judge_quietly(&scene)?;
    let control = ControlWords::of(&program, &scene);
    let plan = match program.plan(&HostProfile::VFIO_CCW) {
        Err(rejected) => {
            reached::note_refusal(&rejected);
            let operand = rejected.response() == Response::OperandException;
            return match guest.started {
                Err(CannotStart::Operand(_)) if operand => Ok(Outcome::Exception),
                _ if rejected.blame() == Blame::Unsupported => {
                    Ok(Outcome::Refused(rejected.finding.code))
                }
                started => differ(format_args!("refused with {rejected}, started {started:?}")),
            };
        }
        Ok(Planned::Ended(ended)) => {
            return match (&guest.started, guest.sent.first()) {
                (Err(_), _) => Ok(Outcome::AtOnce(None)),
                // A command that never asks for a byte does not meet the fault, and goes on.
                (Ok(()), Some(sent)) if sent.wanted == 0 => Ok(Outcome::AtOnce(guest.condition)),
                (Ok(()), _) => ended_there(&guest, 0, &ended.irb().scsw, &scene.ram),
            };
        }
        Ok(Planned::Arrived(arrived)) => {
            return differ(format_args!("left at once: {:?}", arrived.arrival()));
        }
        Ok(Planned::Run(plan)) => plan,
    };
    if control.modified(&guest).is_some() {
        return Ok(Outcome::SelfModifying);
    }
    let host = HostRun::new(&scene, plan, Way::Copied)?;
    *lowered = match (host.bounced, host.links) {
        (true, _) => Lowered::Copies,
        (false, true) => Lowered::Links,
        (false, false) => Lowered::Lists,
    };
    if host.bounced && case.has_aliases() {
        // What else is in the storage of a copy was looked for by its guest address.
        return Ok(Outcome::SelfModifying);
    }
    if guest.condition == Some(Condition::C06) {
        return Ok(Outcome::Ran(guest.condition));
    }
    compare(&guest, &host)
}

fn compare(guest: &GuestRun, host: &HostRun) -> Result<Outcome, Difference> {
    same("START SUBCHANNEL", &guest.started, &host.started)?;
    let unclear = |c: &&Completion| {
        c.irb.scsw.status.contains(StatusControl::PENDING) && (c.unmapped || c.unexplained)
    };
    if let Some(completion) = host.completions.iter().find(unclear) {
        return differ(format_args!(
            "a status that should be clear: {completion:x?}"
        ));
    }
    if let Some(next) = guest.sent.get(host.sent.len())
        && let Some(here) = stopped_before(host)
    {
        let done = host.sent.len();
        same("traffic", &&guest.sent[..done], &&host.sent[..])?;
        return match next.wanted {
            // It does not meet the fault, and goes on.
            0 => Ok(Outcome::Ran(guest.condition)),
            _ => ended_there(guest, done, &here, &host.ram),
        };
    }
    if stopped_unasked(guest, host) {
        return Ok(Outcome::Ran(guest.condition));
    }
    same("traffic", &guest.sent, &host.sent)?;
    same_storage(guest.view.ram(), &host.ram)?;
    if !stopped_at_once(guest, host) {
        let progress: Vec<Progress> = guest.statuses.iter().map(|(step, _)| *step).collect();
        same("progress", &progress, &host.progress)?;
        for ((_, guest), host) in guest.statuses.iter().zip(&host.completions) {
            same("status", &canonical(guest), &canonical(&host.irb))?;
        }
    }
    Ok(Outcome::Ran(guest.condition))
}

/// Whether the guest's own program was stopped by a check behind `done` commands and one of which
/// not one byte moved, and left storage as `ram` is: just as `here` says.
fn ended_there(
    guest: &GuestRun,
    done: usize,
    here: &Scsw<Guest>,
    ram: &Ram<Host>,
) -> Result<Outcome, Difference> {
    // The device's end may come behind the channel's, or not at all.
    let late = |irb: &Irb<Guest>| !irb.scsw.status.contains(StatusControl::PRIMARY);
    let there = match guest.statuses.as_slice() {
        [(_, irb)] => irb.scsw,
        [(_, irb), (_, second)] if late(second) => irb.scsw,
        other => return differ(format_args!("stopped, where a machine shows {other:x?}")),
    };
    same("CCW address", &there.cpa, &here.cpa)?;
    let checks = |scsw: &Scsw<Guest>| scsw.subchannel & CHECKS;
    same("checks", &checks(&there), &checks(here))?;
    let rest = guest.sent.get(done..).unwrap_or(&[]);
    if rest.len() > 1 || !rest.iter().all(is_quiet) {
        return differ(format_args!("stopped before {rest:x?}"));
    }
    same_storage(guest.view.ram(), ram)?;
    Ok(Outcome::Ran(guest.condition))
}

/// A command that moved nothing.
fn is_quiet(sent: &Sent) -> bool {
    sent.output.is_empty() && sent.taken == 0
}

/// The status of a host that stopped before a command: of one of which not one byte can move, the
/// guest's own program sends the command, and stops behind it if the device asks for a byte.
fn stopped_before(host: &HostRun) -> Option<Scsw<Guest>> {
    let scsw = host.completions.last()?.irb.scsw;
    let stopped = scsw.subchannel.intersects(CHECKS) && scsw.device == DeviceStatus::empty();
    stopped.then_some(scsw)
}

/// Whether the host stopped where a CCW took control by data chaining of which not one byte can
/// move, though the device had all it wanted, so that the guest's own program goes on.
fn stopped_unasked(guest: &GuestRun, host: &HostRun) -> bool {
    let (Some((_, there)), Some(here)) = (guest.statuses.last(), host.completions.last()) else {
        return false;
    };
    let here = &here.irb.scsw;
    let satisfied = |sent: &Sent| sent.wanted == sent.output.len().max(sent.taken);
    let goes_on = guest.sent.len() > host.sent.len() || there.scsw.cpa != here.cpa;
    goes_on
        && here.subchannel.intersects(CHECKS)
        && !here.device.is_empty()
        && guest.sent.starts_with(&host.sent)
        && host.sent.last().is_some_and(satisfied)
}

/// Whether the host stopped where a CCW took control by data chaining of which not one byte can
/// move, and the device ended just there, so that the guest's own program has another status.
fn stopped_at_once(guest: &GuestRun, host: &HostRun) -> bool {
    // The status with the channel end is the first; the device end may come behind it.
    let (Some((_, there)), Some(here)) = (guest.statuses.first(), host.completions.first()) else {
        return false;
    };
    let (there, here) = (&there.scsw, &here.irb.scsw);
    there.cpa == here.cpa
        && !there.subchannel.intersects(CHECKS)
        && here.subchannel.intersects(CHECKS)
}
