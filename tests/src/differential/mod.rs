// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The main proof: a guest's program on guest storage, and its translation on host storage, do the
//! same.
//!
//! Both run on `css`, which knows nothing of the translator. The host's storage is the guest's,
//! found by host addresses; of it only what was pinned may be touched, stored into only where the
//! device is to store, and the translated program itself may only be fetched. Afterwards storage,
//! device traffic and the guest's status must be equal.
//!
//! Equal means: the residual count counts only where the architecture defines it, and with a
//! program or protection check the PCI bit does not count ("PoP: Program-Controlled
//! Interruption": it may or may not be recognised then). Nothing else is left out.
//!
//! A program that changes itself while it runs does not do the same, because a copy is taken
//! before: it must be refused where the policy says so, and is not compared where the policy
//! accepts it knowingly. (The translator goes by guest addresses. In storage that has two of them
//! for one byte, a program may change itself unnoticed.)

mod copied;
mod device;
mod guest;
mod overlap;
mod pinner;
mod verdict;

use std::fmt;

use ccw::{
    Addr, Esw, FieldValidity, Guest, Host, HostAddr, Irb, Space, StatusControl, SubchannelStatus,
};
use css::{CannotStart, Condition, Config, Granted, Progress, Ram, Storage, Subchannel};
use pinning::{Access, Budget, PlainPinner};
use translator::{
    Area, Blame, Buffers, Code, Completion, FirstByteFault, HostProfile, Plan, Planned, Policy,
    Program, Response, Severity, Skips, Slot, Stance, Translated, fetch, validate,
};

pub use copied::check_copied;
pub use device::{Player, Sent};
pub use guest::{Event, GuestView};
pub use overlap::{Overlapping, check_overlap};
pub use pinner::Recorder;
pub use verdict::check_verdict;

use crate::{
    generator::{Case, Scene},
    second_copy,
};

/// Where translated programs are put.
const CCWS: u64 = 0x10_0000;
const LISTS: u64 = 0x20_0000;
const SCRATCH: u64 = 0x70_0000;
/// End of the host storage that only translated programs use.
const ARENA_END: u64 = 0x80_0000;
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
    check_scene(&case.build(), case.has_aliases())
}

/// The same for a machine that is already made; `aliases` says that some byte of its storage has
/// two addresses.
///
/// # Errors
///
/// What differs, in words.
pub fn check_scene(scene: &Scene, aliases: bool) -> Result<Outcome, Difference> {
    let guest = GuestRun::new(scene);
    let program = judge_quietly(scene)?;
    let control = ControlWords::of(&program, scene);
    let planned = match (program.plan(&HostProfile::SOFTWARE), &guest.started) {
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
        Planned::Run(plan) => {
            if let Some(modified) = control.modified(&guest) {
                let refuses = scene.policy.self_modifying == Stance::Refuse;
                let retries = scene.script.iter().any(|reply| reply.answer.retries());
                if modified && refuses && !aliases && !retries {
                    return differ("a program that modifies itself was accepted");
                }
                return Ok(Outcome::SelfModifying);
            }
            let host = HostRun::new(scene, plan, false)?;
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
    let host = HostRun::new(&surprising, plan, false)?;
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
        let size = ccw::IdawFormat::of(program.orb()).size();
        let mut words = Vec::new();
        let mut note = |at: Addr<Guest>, len: u64| {
            words.push((at, scene.peek(at, len as usize)));
        };
        for step in program.steps() {
            note(step.at, 8);
            if !step.list.is_empty() {
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

/// The translated program.
struct HostRun {
    started: Result<(), CannotStart>,
    progress: Vec<Progress>,
    completions: Vec<Completion>,
    sent: Vec<Sent>,
    ram: Ram<Host>,
}

impl HostRun {
    /// With `copies`, the host copies the program once more before it runs it.
    fn new(scene: &Scene, plan: Plan, copies: bool) -> Result<Self, Difference> {
        let plain = PlainPinner::new(scene.regions.clone(), ONE_PROGRAM);
        let pinner = Recorder::new(plain);
        let mut arena = Arena::for_plan(&plan);
        let translated = match plan
            .pin(&pinner)
            .and_then(|pinned| pinned.emit(arena.slot()))
        {
            Ok(translated) => translated,
            Err(rejected) => return differ(format_args!("not started: {rejected}")),
        };
        let mut storage = Granted::new(scene.ram.clone());
        arena.grant(&mut storage);
        for (run, access) in pinner.granted() {
            let access = match access {
                Access::DeviceReads => css::Access::Fetch,
                Access::DeviceWrites => css::Access::Store,
            };
            storage.grant(run.host, u64::from(run.len), access);
        }
        let copy = match copies {
            false => None,
            true => {
                storage.grant(HostAddr::new(SCRATCH), 4096, css::Access::Store);
                let mapped = |at: HostAddr| copied::is_mapped(scene, at);
                match second_copy::copy(translated.orb(), &mut storage, mapped) {
                    Ok(copy) => Some(copy),
                    Err(refused) => return differ(format_args!("not copied: {refused:x?}")),
                }
            }
        };
        let mut subchannel = Subchannel::new(Config {
            // What the guest may leave in a list that nobody looks at, a host's list must not hold.
            examine_skipped: true,
            // The host's own limit forbids everything, and is no business of the guest's.
            address_limit: css::AddressLimit::Below(0),
            ..config(scene)
        });
        let mut device = Player::new(&scene.script, &scene.policy);
        let started = subchannel.start(copy.as_ref().map_or(translated.orb(), |copy| copy.orb()));
        let mut progress = Vec::new();
        let mut completions = Vec::new();
        if started.is_ok() {
            for (step, irb) in run(&mut subchannel, &mut storage, &mut device) {
                let irb = copy.as_ref().map_or(irb, |copy| copy.map_back(&irb));
                progress.push(step);
                completions.push(translated.complete(&irb));
            }
        }
        within_grants(&storage)?;
        release(translated, &pinner)?;
        Ok(Self {
            started,
            progress,
            completions,
            sent: device.sent().to_vec(),
            ram: storage.into_inner(),
        })
    }
}

/// The only address outside its grants that a translated program may touch is the one that stands
/// for no storage.
fn within_grants(storage: &Granted<Host, Ram<Host>>) -> Result<(), Difference> {
    let FirstByteFault::Nowhere(nowhere) = HostProfile::SOFTWARE.first_byte_fault else {
        return differ("a profile without an address that stands for no storage");
    };
    match storage
        .violations()
        .iter()
        .find(|violation| violation.at != nowhere)
    {
        Some(violation) => differ(format_args!("outside of what was granted: {violation:x?}")),
        None => Ok(()),
    }
}

fn release<'p>(
    translated: Translated<&'p Recorder<PlainPinner>>,
    pinner: &'p Recorder<PlainPinner>,
) -> Result<(), Difference> {
    let held = pinner.inner().ledger().in_flight();
    drop(translated.release());
    let left = pinner.inner().ledger().in_flight();
    same("pins before and after the release", &(held, left), &(1, 0))
}

/// Host storage for one translated program.
#[derive(Debug)]
pub struct Arena {
    /// CCWs.
    pub ccws: Vec<u8>,
    /// Lists.
    pub lists: Vec<u8>,
}

impl Arena {
    /// Room enough for `plan`; every byte is FF.
    pub fn for_plan(plan: &Plan) -> Self {
        Self {
            ccws: vec![0xff; plan.ccw_bytes()],
            lists: vec![0xff; plan.host_ccws() * 8 * (ccw::MAX_IDAWS + 1)],
        }
    }

    /// The slot that it is.
    pub fn slot(&mut self) -> Slot<'_> {
        let ccws = Area::new(HostAddr::new(CCWS), &mut self.ccws);
        let lists = Area::new(HostAddr::new(LISTS), &mut self.lists);
        let (Ok(ccws), Ok(lists)) = (ccws, lists) else {
            panic!("the areas lie below 2 GiB")
        };
        Slot::new(ccws, lists, HostAddr::new(SCRATCH)).expect("a page boundary")
    }

    /// Whether the host address lies in the slot's CCWs or lists.
    pub fn contains(addr: u64) -> bool {
        (CCWS..SCRATCH).contains(&addr)
    }

    /// Whether the host address lies in the slot's scratch page.
    pub fn is_scratch(addr: u64) -> bool {
        (SCRATCH..SCRATCH + 4096).contains(&addr)
    }

    /// The list words that were written.
    pub fn written_lists(&self) -> &[u8] {
        let (words, _) = self.lists.as_chunks::<8>();
        let used = words.iter().rposition(|word| *word != [0xff; 8]);
        &self.lists[..8 * used.map_or(0, |last| last + 1)]
    }

    /// Puts what was written into storage, to be fetched only.
    fn grant(&self, storage: &mut Granted<Host, Ram<Host>>) {
        for (at, bytes) in [(CCWS, &self.ccws[..]), (LISTS, self.written_lists())] {
            let at = HostAddr::new(at);
            storage.inner_mut().write(at, bytes);
            storage.grant(at, bytes.len() as u64, css::Access::Fetch);
        }
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
