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
mod copied;
mod copies;
mod device;
mod dirty;
mod grant;
mod guest;
mod host;
mod late;
mod overlap;
mod pinner;
mod verdict;

use std::fmt;

use ccw::{Addr, Esw, FieldValidity, Guest, Host, Irb, Space, StatusControl, SubchannelStatus};
use css::{CannotStart, Condition, Config, Progress, Ram, Storage, Subchannel};
use pinning::Budget;
use translator::{
    Blame, Buffers, Code, Completion, HostProfile, Planned, Policy, Program, Response, Severity,
    Skips, Stance, fetch, validate,
};

pub use arena::Arena;
pub use copied::{Lowered, check_copied, check_lowered};
pub use device::{Player, Sent};
pub use dirty::check_dirty;
pub use grant::GrantPinner;
pub use guest::{Event, GuestView};
pub use late::{Course, Late, Tally, check_late, check_late_scene};
pub use overlap::{Overlapping, check_overlap};
pub use pinner::Recorder;
pub use verdict::check_verdict;

use crate::{
    generator::{Case, Scene},
    second_copy,
};

use arena::ARENA_END;
use host::{HostRun, Way};

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

/// In what the two differ.
#[derive(Clone, Debug)]
pub struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Difference {}

fn differ<T>(what: impl fmt::Display) -> Result<T, Difference> {
    Err(Difference(what.to_string()))
}

fn same<T: PartialEq + fmt::Debug>(what: &str, guest: &T, host: &T) -> Result<(), Difference> {
    if guest == host {
        return Ok(());
    }
    differ(format_args!(
        "{what}\n  guest's program: {guest:x?}\n  translated:      {host:x?}"
    ))
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

/// The same of what is made of `case` by `bytes`, from which it was read: with MIDAWs on a host without
/// them, and in segments, with a guest that changes its program meanwhile.
///
/// # Errors
///
/// What differs, in words.
pub fn check_made(case: &Case, bytes: &[u8]) -> Result<(), Difference> {
    let add = |key: u64, byte: &u8| (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let key = bytes.iter().fold(0xcbf2_9ce4_8422_2325, add);
    let [high, low] = [(key >> 32) as u32, key as u32];
    let listed = case.clone().with_midaws(key);
    check_without_midaws(&listed)?;
    check_dirty(&listed, true)?;
    let mut marked = case.clone().marked(high, low & 1 != 0).scattered(7);
    marked.terms.device = (low >> 8) as u8 % 3;
    marked.script.retain(|answer| !answer.retries());
    let late = Late {
        changes: high ^ low,
        early: low & 2 != 0,
        ..Late::default()
    };
    for copies in [false, true] {
        check_late(&marked, &late, copies)?;
    }
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
    validate(snapshot, &scene.regions, &guards)
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

/// What the channel showed: how far it is, and its status, in the order in which it was tested.
type Statuses<S> = Vec<(Progress, Irb<S>)>;

/// Runs a started program to its end; the device end that follows a channel end included.
fn run<S: Space>(
    subchannel: &mut Subchannel<S>,
    storage: &mut dyn Storage<S>,
    device: &mut Player,
) -> Statuses<S> {
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let progress = subchannel.run(storage, device, STEPS);
        let (_, irb) = subchannel.test();
        let over = irb.scsw.status.contains(StatusControl::SECONDARY);
        statuses.push((progress, irb));
        if over || progress != Progress::Pending {
            break;
        }
    }
    statuses
}

fn config(scene: &Scene) -> Config {
    Config {
        path_available: 0xff,
        concurrent_sense: scene.concurrent_sense,
        ..Config::default()
    }
}

/// The settings of the guest's subchannel.
fn guest_config(scene: &Scene) -> Config {
    let address_limit = match scene.limit {
        None => css::AddressLimit::None,
        Some(translator::AddressLimit::AtLeast(at)) => css::AddressLimit::AtLeast(at.get().get()),
        Some(translator::AddressLimit::Below(at)) => css::AddressLimit::Below(at.get().get()),
    };
    Config {
        address_limit,
        ..config(scene)
    }
}

/// The guest's own program.
struct GuestRun {
    started: Result<(), CannotStart>,
    statuses: Statuses<Guest>,
    sent: Vec<Sent>,
    view: GuestView,
    condition: Option<Condition>,
    /// CCWs as they were when they took control.
    fetched: Vec<(Addr<Guest>, [u8; 8])>,
}

impl GuestRun {
    fn new(scene: &Scene) -> Self {
        let mut subchannel = Subchannel::new(guest_config(scene));
        subchannel.record_fetches();
        let mut view = GuestView::new(scene);
        let mut device = Player::new(&scene.script, &scene.policy);
        let started = subchannel.start_raw(&scene.orb);
        let mut statuses = Vec::new();
        if started.is_ok() {
            statuses = run(&mut subchannel, &mut view, &mut device);
        }
        Self {
            started,
            statuses,
            sent: device.sent().to_vec(),
            ..Self::of(&subchannel, view)
        }
    }

    /// What is left of a run on `view`, as far as the subchannel tells.
    fn of(subchannel: &Subchannel<Guest>, view: GuestView) -> Self {
        let fetches = subchannel.fetches().iter();
        Self {
            started: Ok(()),
            statuses: Vec::new(),
            sent: Vec::new(),
            view,
            condition: subchannel.check().map(|check| check.condition),
            fetched: fetches.map(|&(at, raw)| (at, raw.0)).collect(),
        }
    }

    fn compare(&self, host: &HostRun) -> Result<(), Difference> {
        same("START SUBCHANNEL", &self.started, &host.started)?;
        same("traffic", &self.sent, &host.sent)?;
        let progress = |statuses: &[Progress]| statuses.to_vec();
        let guest: Vec<Progress> = self
            .statuses
            .iter()
            .map(|(progress, _)| *progress)
            .collect();
        same("progress", &guest, &progress(&host.progress))?;
        for ((_, guest), host) in self.statuses.iter().zip(&host.completions) {
            same("status", &canonical(guest), &canonical(&host.irb))?;
            if host.unmapped || host.unexplained {
                return differ(format_args!("a status that should be clear: {host:x?}"));
            }
        }
        same_storage(self.view.ram(), &host.ram)
    }
}

/// The words of a program as far as the translator read them.
struct ControlWords {
    words: Vec<(Addr<Guest>, Vec<u8>)>,
}

impl ControlWords {
    fn of(program: &Program, scene: &Scene) -> Self {
        let idaw = ccw::IdawFormat::of(program.orb()).size();
        let mut words = Vec::new();
        let mut note = |at: Addr<Guest>, len: u64| {
            words.push((at, scene.peek(at, len as usize)));
        };
        for step in program.steps() {
            note(step.at, 8);
            if !step.list.is_empty() {
                // Of a MIDAW there are two doublewords.
                let midaws = step.ccw.flags.contains(ccw::CcwFlags::MODIFIED_INDIRECT);
                let size = if midaws { 8 } else { idaw };
                note(step.ccw.addr.widen(), step.list.len() as u64 * size);
            }
        }
        Self { words }
    }

    /// Whether the run changed some of these words; if so, whether one took control changed.
    fn modified(&self, guest: &GuestRun) -> Option<bool> {
        let original = |at: Addr<Guest>| {
            // A list may begin there, too.
            let ccw = |(start, bytes): &&(_, Vec<u8>)| *start == at && bytes.len() == 8;
            let word = self.words.iter().find(ccw);
            word.map(|(_, bytes)| bytes)
        };
        let executed = guest
            .fetched
            .iter()
            .any(|(at, raw)| original(*at).is_some_and(|bytes| bytes[..] != raw[..]));
        let changed = || {
            let mut words = self.words.iter();
            words.any(|(at, bytes)| guest.view.peek(*at, bytes.len()) != *bytes)
        };
        (executed || changed()).then_some(executed)
    }
}

/// `irb` without what the architecture leaves open.
fn canonical(irb: &Irb<Guest>) -> Irb<Guest> {
    let mut irb = *irb;
    let scsw = &mut irb.scsw;
    let checks = SubchannelStatus::PROGRAM_CHECK | SubchannelStatus::PROTECTION_CHECK;
    if scsw.subchannel.intersects(checks) {
        scsw.subchannel.remove(SubchannelStatus::PCI);
    }
    let harmless = SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH;
    let counts = scsw.status.contains(StatusControl::PRIMARY)
        && harmless.contains(scsw.subchannel)
        && scsw.deferred_cc == 0;
    if !counts {
        scsw.residual = 0;
    }
    if !addresses_a_ccw(&irb) {
        irb.scsw.cpa = 0;
    }
    irb
}

/// Whether the CCW address of a status means something: of one that is pending, unless a check of
/// the channel itself says otherwise.
fn addresses_a_ccw(irb: &Irb<Guest>) -> bool {
    let channel =
        SubchannelStatus::INTERFACE_CONTROL_CHECK | SubchannelStatus::CHANNEL_CONTROL_CHECK;
    let named = match &irb.esw {
        Esw::Logout { logout, .. } => logout.valid.contains(FieldValidity::CCW_ADDRESS),
        Esw::Path { .. } => false,
    };
    irb.scsw.status.contains(StatusControl::PENDING)
        && (named || !irb.scsw.subchannel.intersects(channel))
}

fn same_storage(guest: &Ram<Host>, host: &Ram<Host>) -> Result<(), Difference> {
    let data = host
        .touched()
        .filter(|(at, _)| at.get() >= ARENA_END && !second_copy::STORAGE.contains(&at.get()));
    let mut data = data.peekable();
    for (at, page) in guest.touched() {
        let Some((_, other)) = data.next_if(|(other, _)| *other == at) else {
            return differ(format_args!(
                "page {at:?} was stored into by the guest's program only"
            ));
        };
        if page != other
            && let Some(n) = page.iter().zip(other).position(|(a, b)| a != b)
        {
            return differ(format_args!(
                "byte {n:x} of page {at:?}: {:02x} by the guest's program, {:02x} translated",
                page[n], other[n]
            ));
        }
    }
    match data.next() {
        Some((at, _)) => differ(format_args!(
            "page {at:?} was stored into by the translation only"
        )),
        None => Ok(()),
    }
}
