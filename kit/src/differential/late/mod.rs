// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The same proof for programs that are carried out in parts: what suspends itself, reads into
//! itself, or must not be prefetched.
//!
//! The guest's own program runs on a channel that fetches each CCW when it takes control. The
//! translated one runs part by part, and what the guest does in between, it does to both: it
//! changes the CCW at which its program is suspended, and others when a PCI has told it of the
//! program. Where a part is repeated in front of the next, the device must be sent just what it was
//! sent before, and then stands where it stood.
//!
//! Status that is not shown at once is shown with the next: PCI, and initial status. Nothing else is
//! left out that the main proof compares.

mod cases;
mod changes;
mod failing;
mod journey;
mod own;
mod seeds;

use std::collections::BTreeMap;

use ccw::{Guest, Irb, StatusControl, SubchannelStatus};
use css::{CannotStart, Condition, Progress};
use translator::{Blame, Code, Policy, Response, Stance, Suspension};

use super::{Difference, canonical, differ, same, same_storage};
use crate::generator::{Case, Reply, Scene};

pub use cases::{LateCase, LateProgram, Line, Loader, Marked, ROOM};
pub use seeds::{late_seed, late_seeds};

use journey::{End, HostRun};
use own::OwnRun;

/// What happens while a program runs, besides what its [`Scene`] says.
#[derive(Clone, Debug, Default)]
pub struct Late {
    /// Input of commands, by their number.
    pub contents: BTreeMap<usize, Vec<u8>>,
    /// RESUME SUBCHANNEL comes before the program is suspended for the first time.
    pub early: bool,
    /// What the guest changes, two bits a time.
    pub changes: u32,
    /// The pin of this number, in six bits, fails; those in front say in which way.
    pub fails: Option<usize>,
}

/// How a program came out, all being well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Nothing was compared: the program loops, or the storage that it changes has two addresses.
    Left,
    /// START SUBCHANNEL refused the ORB.
    Exception,
    /// Legal, and refused by name.
    Refused(Code),
    /// The same.
    Ran(Tally),
}

/// Of what a program was made up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Starts of the host.
    pub starts: u32,
    /// How often it was suspended.
    pub suspended: u32,
    /// How often it was fetched again without.
    pub fetched: u32,
    /// How often what had run was repeated.
    pub repeated: u32,
    /// The condition that ended it.
    pub condition: Option<Condition>,
}

/// Suspensions after which it stays suspended.
const SUSPENSIONS: u32 = 6;

/// Runs the program of `case` both ways, its guest doing what `late` says.
///
/// # Errors
///
/// What differs, in words.
pub fn check_late(case: &Case, late: &Late, copies: bool) -> Result<Course, Difference> {
    if case.has_aliases() {
        return Ok(Course::Left);
    }
    check_late_scene(&case.build(), late, copies)
}

/// The same for a machine that is already made.
///
/// # Errors
///
/// What differs, in words.
pub fn check_late_scene(scene: &Scene, late: &Late, copies: bool) -> Result<Course, Difference> {
    let mut scene = scene.clone();
    scene.policy = Policy {
        no_prefetch: Stance::Parts,
        self_modifying: Stance::Parts,
        suspend: Suspension::Parts,
        remarks: false,
        ..scene.policy
    };
    // What the guest does then depends on when the device ends.
    let at_once = |reply: &Reply| reply.answer.later == 0 && reply.answer.status & 0x0c != 0x08;
    scene.script.retain(at_once);
    if scene.script.iter().any(|reply| reply.answer.retries()) {
        return Ok(Course::Left);
    }
    let guest = OwnRun::new(&scene, late);
    if guest.condition == Some(Condition::C06) {
        return Ok(Course::Left);
    }
    let host = HostRun::new(&scene, late, copies)?;
    match host.end {
        End::Left => return Ok(Course::Left),
        End::Refused(code, response) => {
            let operand = response == Response::OperandException;
            return match guest.started {
                Err(CannotStart::Operand(_)) if operand => Ok(Course::Exception),
                _ if code.blame() == Blame::Unsupported => Ok(Course::Refused(code)),
                _ if late.fails.is_some() => Ok(Course::Refused(code)),
                started => differ(format_args!("refused with {code}, started {started:?}")),
            };
        }
        End::Shown => {}
    }
    if guest.started.is_err() {
        return Ok(Course::Left);
    }
    match compare(&guest, &host) {
        // Such a host stops where the CCW takes control, whether or not a byte is asked for.
        Err(_) if copies && host.doubtful => return Ok(Course::Left),
        result => result?,
    }
    Ok(Course::Ran(Tally {
        condition: guest.condition,
        ..host.tally
    }))
}

fn compare(guest: &OwnRun, host: &HostRun) -> Result<(), Difference> {
    same("traffic", &guest.sent, &host.sent)?;
    let progress = |statuses: &[(Progress, Irb<Guest>)]| {
        statuses.iter().map(|status| status.0).collect::<Vec<_>>()
    };
    same(
        "progress",
        &progress(&guest.statuses),
        &progress(&host.statuses),
    )?;
    for ((_, one), (_, other)) in guest.statuses.iter().zip(&host.statuses) {
        let (mut one, other) = (canonical(one), canonical(other));
        // A part that did nothing has used no path.
        if other.esw == Irb::<Guest>::IDLE.esw {
            one.esw = other.esw;
        }
        same("status", &one, &other)?;
    }
    same_storage(guest.view.ram(), &host.ram)
}

const INTERMEDIATE: StatusControl = StatusControl::INTERMEDIATE.union(StatusControl::PENDING);

/// Status that the guest has not been shown yet.
#[derive(Clone, Copy, Default)]
struct Due {
    pci: bool,
    zero_cc: bool,
}

impl Due {
    fn note(&mut self, irb: &Irb<Guest>) {
        self.pci |= irb.scsw.subchannel.contains(SubchannelStatus::PCI);
        self.zero_cc |= irb.scsw.zero_cc;
    }

    /// `irb` with what was due.
    fn shown(&mut self, mut irb: Irb<Guest>, progress: Progress) -> (Progress, Irb<Guest>) {
        let due = std::mem::take(self);
        let scsw = &mut irb.scsw;
        if due.pci {
            scsw.subchannel |= SubchannelStatus::PCI;
        }
        if progress == Progress::Suspended {
            scsw.zero_cc |= due.zero_cc;
            if due.pci || due.zero_cc {
                scsw.status |= INTERMEDIATE;
            }
        }
        (progress, irb)
    }
}
