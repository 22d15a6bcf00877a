// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The main proof: a guest's program on guest storage, and its translation on host storage, do the
//! same.
//!
//! Both run on `css`, which knows nothing of the translator. The host's storage is the guest's,
//! found by host addresses; of it only what was pinned may be touched, stored into only where the
//! device is to store, and the translated program itself may only be fetched. Afterwards storage,
//! device traffic and the guest's status must be equal. What is then said to be dirty must be what
//! the device stored (`dirty`).
//!
//! Equal means: the residual count counts only where the architecture defines it, and with a
//! program or protection check the PCI bit does not count ("PoP: Program-Controlled
//! Interruption": it may or may not be recognised then). Nothing else is left out.
//!
//! A program that changes itself while it runs does not do the same, because a copy is taken
//! before: it must be refused where the policy says so, and is not compared where the policy
//! accepts it knowingly. (The translator goes by guest addresses. In storage that has two of them
//! for one byte, a program may change itself unnoticed.)

mod arena;
mod behaviour;
mod channel;
mod control;
mod copied;
mod copies;
pub(crate) mod device;
mod dirty;
mod equal;
mod given;
mod grant;
mod guest;
mod host;
mod late;
mod overlap;
mod own;
mod pinner;
mod verdict;

use ccw::{Guest, Irb};
use css::{CannotStart, Condition};
use pinning::Budget;
use translator::{
    Blame, Buffers, Code, Completion, HostProfile, Planned, Policy, Program, Response, Severity,
    Skips, Stance, fetch, validate,
};

pub use arena::Arena;
pub use behaviour::Behaviour;
pub use copied::{Lowered, check_copied, check_lowered};
pub use device::{Player, Sent};
pub use dirty::check_dirty;
pub use equal::Difference;
pub(crate) use equal::canonical;
pub(crate) use given::{Came, changes_itself, run_translated};
pub use grant::GrantPinner;
pub use guest::{Event, GuestView};
pub use late::{
    Course, Late, LateCase, LateProgram, Line, Loader, Marked, ROOM, Tally, check_late,
    check_late_scene, late_seed, late_seeds,
};
pub use overlap::{Overlapping, check_overlap};
pub use pinner::Recorder;
pub use verdict::check_verdict;

use crate::{
    generator::{Case, Scene},
    reached,
};

pub(crate) use channel::guest_config;
use channel::{Statuses, config, run};
use control::ControlWords;
use equal::{differ, same, same_storage};
use host::{HostRun, Way};
use own::GuestRun;

/// Nothing runs beside the program of a case.
pub const ONE_PROGRAM: Budget = Budget {
    programs: 1,
    extents: 1 << 16,
    bytes: 1 << 32,
    total_extents: u64::MAX,
    total_bytes: u64::MAX,
};
/// More commands than any case sends.
const STEPS: u32 = 100_000;

/// How a case came out, all being well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// START SUBCHANNEL refused the ORB, both times in the same way.
    Exception,
    /// Legal, and refused by name.
    Refused(Code),
    /// Ended without I/O, as the machine ends it.
    AtOnce(Option<Condition>),
    /// Ran, with the same result; the condition that ended it, if one did.
    Ran(Option<Condition>),
    /// Changed itself, which the policy accepts.
    SelfModifying,
}

/// Runs `case` both ways and compares.
///
/// # Errors
///
/// What differs, in words.
pub fn check(case: &Case) -> Result<Outcome, Difference> {
    check_by(
        &case.build(),
        case.has_aliases(),
        Way::Direct,
        &HostProfile::SOFTWARE,
    )
}

/// The same on a host that takes any arrangement of CCWs, and no MIDAWs.
///
/// # Errors
///
/// What differs, in words.
pub fn check_without_midaws(case: &Case) -> Result<Outcome, Difference> {
    let profile = HostProfile {
        midaws: false,
        ..HostProfile::SOFTWARE
    };
    check_by(&case.build(), case.has_aliases(), Way::Direct, &profile)
}

/// The same of what is made of `case` by `bytes`, from which it was read: with MIDAWs, on hosts without
/// them.
///
/// # Errors
///
/// What differs, in words.
pub fn check_listed(case: &Case, bytes: &[u8]) -> Result<(), Difference> {
    let add = |key: u64, byte: &u8| (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let key = bytes.iter().fold(0xcbf2_9ce4_8422_2325, add);
    let listed = case.clone().with_midaws(key);
    check_copied(&listed)?;
    check_without_midaws(&listed)?;
    check_dirty(&listed, true)?;
    Ok(())
}

/// The same on a host that never has the guest's pages, but copies of those that it was granted.
///
/// # Errors
///
/// What differs, in words.
pub fn check_granted(case: &Case) -> Result<Outcome, Difference> {
    check_by(
        &case.build(),
        case.has_aliases(),
        Way::Grants,
        &HostProfile::SOFTWARE,
    )
}

/// The same for a machine that is already made; `aliases` says that some byte of its storage has
/// two addresses.
///
/// # Errors
///
/// What differs, in words.
pub fn check_scene(scene: &Scene, aliases: bool) -> Result<Outcome, Difference> {
    check_by(scene, aliases, Way::Direct, &HostProfile::SOFTWARE)
}

fn check_by(
    scene: &Scene,
    aliases: bool,
    way: Way,
    profile: &HostProfile,
) -> Result<Outcome, Difference> {
    let guest = GuestRun::new(scene);
    let program = judge_quietly(scene)?;
    let control = ControlWords::of(&program, scene);
    let planned = match (program.plan(profile), &guest.started) {
        (Err(rejected), started) => {
            reached::note_refusal(&rejected);
            let operand = rejected.response() == Response::OperandException;
            return match started {
                Err(CannotStart::Operand(_)) if operand => Ok(Outcome::Exception),
                _ if rejected.blame() == Blame::Unsupported => {
                    Ok(Outcome::Refused(rejected.finding.code))
                }
                _ => differ(format_args!("refused with {rejected}, started {started:?}")),
            };
        }
        (Ok(_), Err(CannotStart::Operand(error))) => return differ(format_args!("{error} missed")),
        (Ok(planned), _) => planned,
    };
    match planned {
        Planned::Ended(ended) => {
            if guest.started.is_err() {
                return Ok(Outcome::AtOnce(None));
            }
            // No path was used, whatever the status says of the last one.
            let status = |irb: &Irb<Guest>| (canonical(irb).scsw, irb.ecw);
            let irb = guest.statuses.first().map(|(_, irb)| status(irb));
            same(
                "status of a program that ends at once",
                &irb,
                &Some(status(ended.irb())),
            )?;
            same(
                "traffic of a program that ends at once",
                &guest.sent,
                &Vec::new(),
            )?;
            Ok(Outcome::AtOnce(guest.condition))
        }
        Planned::Arrived(arrived) => differ(format_args!("left at once: {:?}", arrived.arrival())),
        Planned::Run(plan) => {
            if let Some(modified) = control.modified(&guest) {
                let refuses = scene.policy.self_modifying == Stance::Refuse;
                let retries = scene.script.iter().any(|reply| reply.answer.retries());
                if modified && refuses && !aliases && !retries {
                    return differ("a program that modifies itself was accepted");
                }
                return Ok(Outcome::SelfModifying);
            }
            let host = HostRun::new(scene, plan, way)?;
            guest.compare(&host)?;
            Ok(Outcome::Ran(guest.condition))
        }
    }
}

/// Runs the translated program of `scene` on a device that skips where the policy says that none
/// does. Returns the device's traffic, and what the guest is shown.
///
/// # Errors
///
/// When the program is not run, or touches what it was not granted.
pub fn run_surprised(scene: &Scene) -> Result<(Vec<Sent>, Vec<Completion>), Difference> {
    let Ok(Planned::Run(plan)) = judge_quietly(scene)?.plan(&HostProfile::SOFTWARE) else {
        return differ("the program is not run");
    };
    let mut surprising = scene.clone();
    surprising.policy.skips = Skips::Any;
    let host = HostRun::new(&surprising, plan, Way::Direct)?;
    Ok((host.sent, host.completions))
}

/// Fetch and validation of the program of `scene`.
pub fn judge(scene: &Scene) -> Program {
    judge_by(scene, &scene.policy)
}

fn judge_by(scene: &Scene, policy: &Policy) -> Program {
    let guards = scene.guards();
    let snapshot = fetch(&scene.orb, scene, policy, &guards, Buffers::new());
    let program = validate(snapshot, &scene.regions, &guards);
    reached::note_verdict(&program);
    program
}

/// The same without remarks, as who runs programs has it done: in a shorter way, to the same
/// verdict.
fn judge_quietly(scene: &Scene) -> Result<Program, Difference> {
    let quiet = Policy {
        remarks: false,
        ..scene.policy
    };
    let (full, quiet) = (judge(scene), judge_by(scene, &quiet));
    let verdict = |program: &Program| {
        let errors = program.findings().iter().copied();
        let error = errors.filter(|finding| finding.severity == Severity::Error);
        (program.outcome(), program.scsw(), error.collect::<Vec<_>>())
    };
    let (with, without) = (verdict(&full), verdict(&quiet));
    if with != without {
        return differ(format_args!(
            "verdict {with:?}, without remarks {without:?}"
        ));
    }
    Ok(quiet)
}
