// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The same proof for programs that are carried out in segments: what suspends itself, reads into
//! itself, or must not be prefetched.
//!
//! The guest's own program runs on a channel that fetches each CCW when it takes control. The
//! translated one runs segment by segment, and what the guest does in between, it does to both: it
//! changes the CCW at which its program is suspended, and others when a PCI has told it of the
//! program. Where a segment is repeated in front of the next, the device must be sent just what it was
//! sent before, and then stands where it stood.
//!
//! Status that is not shown at once is shown with the next: PCI, and initial status. Nothing else is
//! left out that the main proof compares.

use std::collections::BTreeMap;

use ccw::{
    Addr, CcwFlags, Format, Guest, GuestAddr, Host, HostAddr, Irb, Orb, StatusControl,
    SubchannelStatus, orb::word1,
};
use css::{CannotStart, Condition, Config, Granted, Progress, Ram, Storage, Subchannel};
use pinning::{Access, Budget, Extent, PinError, Pinner, PlainPinner, Runs};
use translator::{
    Blame, Buffers, Cause, Code, Earlier, FirstByteFault, HostProfile, Planned, Policy, Response,
    Segment, Stance, Sure, fetch_segment,
};

use super::{
    Arena, Difference, GuestView, ONE_PROGRAM, Player, Recorder, STEPS, Sent, Statuses,
    arena::SCRATCH, canonical, config, copied, copies, differ, dirty::Stores, guest_config, same,
    same_storage,
};
use crate::{
    generator::{Case, Reply, Scene, peek},
    second_copy,
};

/// What happens while a program runs, besides what its [`Scene`] says.
#[derive(Clone, Debug, Default)]
pub struct Late {
    /// Input of commands, by their number.
    pub contents: BTreeMap<usize, Vec<u8>>,
    /// RESUME SUBCHANNEL comes before the program is suspended for the first time.
    pub early: bool,
    /// What the guest changes, two bits a time.
    pub changes: u32,
    /// The pin of this number fails.
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

/// Segments of a program that is not left.
const SEGMENTS: u32 = 24;
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
        no_prefetch: Stance::Segments,
        self_modifying: Stance::Segments,
        suspend: Stance::Segments,
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
        // A segment that did nothing has used no path.
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

/// The guest at work beside its program.
struct Changes<'a> {
    scene: &'a Scene,
    late: &'a Late,
    /// Where CCWs were in the beginning.
    ccws: Vec<GuestAddr>,
    done: u32,
    /// It was told by a PCI, and made one.
    told: bool,
}

impl<'a> Changes<'a> {
    fn new(scene: &'a Scene, late: &'a Late) -> Self {
        let program = super::judge(scene);
        Self {
            scene,
            late,
            ccws: program.steps().map(|step| step.at).collect(),
            done: 0,
            told: false,
        }
    }

    fn next(&mut self) -> u32 {
        let kind = self.late.changes.rotate_right(2 * self.done) & 3;
        self.done += 1;
        kind
    }

    /// The program is suspended at `at`.
    fn at_suspension(&mut self, ram: &mut Ram<Host>, at: GuestAddr) {
        let format = Orb::<Guest>::decode(&self.scene.orb).format;
        let flags = if format == Format::One { 1 } else { 4 };
        let kind = if self.done > SUSPENSIONS / 2 {
            1
        } else {
            self.next()
        };
        let Ok(mut raw) = <[u8; 8]>::try_from(peek(&self.scene.regions, ram, at, 8)) else {
            return;
        };
        match kind {
            0 => return,
            1 => raw[flags] &= !CcwFlags::SUSPEND.bits(),
            2 => {
                raw[flags] &= !CcwFlags::SUSPEND.bits();
                raw[flags] ^= CcwFlags::PCI.bits();
            }
            _ => {
                let to = (at.get() as u32).wrapping_add(8).to_be_bytes();
                raw = match format {
                    Format::One => [8, 0, 0, 0, to[0], to[1], to[2], to[3]],
                    Format::Zero => [8, to[1], to[2], to[3], 0, 0, 0, 0],
                };
            }
        }
        self.poke(ram, at, &raw);
    }

    /// A PCI has told of the program, which has not come further yet.
    fn at_pci(&mut self, ram: &mut Ram<Host>) {
        if Orb::<Guest>::decode(&self.scene.orb).prefetch || self.ccws.is_empty() {
            return;
        }
        let format = Orb::<Guest>::decode(&self.scene.orb).format;
        let flags = if format == Format::One { 1 } else { 4 };
        let kind = self.next();
        self.told = true;
        let victim = (self.late.changes.rotate_right(self.done * 3) >> 8) as usize;
        let at = self.ccws[victim % self.ccws.len()];
        let Ok(mut raw) = <[u8; 8]>::try_from(peek(&self.scene.regions, ram, at, 8)) else {
            return;
        };
        match kind {
            0 => return,
            1 => raw[flags] &= !CcwFlags::CHAIN_COMMAND.bits(),
            _ => raw[flags] ^= CcwFlags::SUPPRESS_LENGTH.bits(),
        }
        self.poke(ram, at, &raw);
    }

    fn poke(&self, ram: &mut Ram<Host>, at: GuestAddr, bytes: &[u8; 8]) {
        let Some(region) = self.scene.regions.find(at) else {
            return;
        };
        let host = HostAddr::new(region.host.get() + (at.get() - region.guest.get()));
        ram.write(host, bytes);
    }
}

/// The guest's own program.
struct OwnRun {
    started: Result<(), CannotStart>,
    statuses: Statuses<Guest>,
    sent: Vec<Sent>,
    view: GuestView,
    condition: Option<Condition>,
}

impl OwnRun {
    fn new(scene: &Scene, late: &Late) -> Self {
        let mut subchannel = Subchannel::<Guest>::new(guest_config(scene));
        let mut view = GuestView::new(scene);
        let mut device = Player::new(&scene.script, &scene.policy).with_contents(&late.contents);
        let started = subchannel.start_raw(&scene.orb);
        let mut statuses = Vec::new();
        if started.is_ok() {
            if late.early {
                subchannel.resume();
            }
            let mut changes = Changes::new(scene, late);
            statuses = Self::go(&mut subchannel, &mut view, &mut device, &mut changes);
        }
        Self {
            started,
            statuses,
            sent: device.sent().to_vec(),
            condition: subchannel.check().map(|check| check.condition),
            view,
        }
    }

    fn go(
        subchannel: &mut Subchannel<Guest>,
        view: &mut GuestView,
        device: &mut Player,
        changes: &mut Changes<'_>,
    ) -> Statuses<Guest> {
        let mut statuses = Vec::new();
        let mut due = Due::default();
        let mut suspended = 0;
        for _ in 0..STEPS {
            let progress = subchannel.step(view, device);
            match progress {
                Progress::Working => {
                    if subchannel.scsw().status != INTERMEDIATE {
                        continue;
                    }
                    let (_, irb) = subchannel.test();
                    due.note(&irb);
                    if irb.scsw.subchannel.contains(SubchannelStatus::PCI) {
                        changes.at_pci(view.ram_mut());
                    }
                }
                Progress::Suspended => {
                    let (_, irb) = subchannel.test();
                    let at = Addr::new(u64::from(irb.scsw.cpa.wrapping_sub(8)));
                    statuses.push(due.shown(irb, progress));
                    suspended += 1;
                    if suspended > SUSPENSIONS {
                        break;
                    }
                    changes.at_suspension(view.ram_mut(), at);
                    subchannel.resume();
                }
                _ => {
                    let (_, irb) = subchannel.test();
                    statuses.push(due.shown(irb, progress));
                    break;
                }
            }
        }
        statuses
    }
}

/// How the translated program came to its end.
enum End {
    Shown,
    Refused(Code, Response),
    Left,
}

/// What the translated program came to.
struct HostRun {
    end: End,
    statuses: Statuses<Guest>,
    sent: Vec<Sent>,
    ram: Ram<Host>,
    tally: Tally,
    /// Data was found that cannot be used from some byte on.
    doubtful: bool,
}

/// A pinner of which one pin fails.
struct Failing<P> {
    inner: P,
    left: std::cell::Cell<Option<usize>>,
}

impl<P: Pinner> Pinner for Failing<P> {
    type Token = P::Token;

    fn caps(&self) -> pinning::Caps {
        self.inner.caps()
    }

    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<P::Token, PinError> {
        let left = self.left.get();
        self.left.set(left.and_then(|left| left.checked_sub(1)));
        match left {
            Some(0) => Err(PinError::Busy {
                at: GuestAddr::new(0),
            }),
            _ => self.inner.pin(extents, runs),
        }
    }

    fn unpin(&self, token: P::Token) {
        self.inner.unpin(token);
    }

    fn quarantine(&self, token: P::Token) {
        self.inner.quarantine(token);
    }

    fn begin_invalidate(
        &self,
        range: std::ops::Range<GuestAddr>,
    ) -> Result<(), pinning::InvalidateError> {
        self.inner.begin_invalidate(range)
    }

    fn quiesced(&self, range: std::ops::Range<GuestAddr>) -> bool {
        self.inner.quiesced(range)
    }

    fn end_invalidate(&self, range: std::ops::Range<GuestAddr>, still_mapped: bool) {
        self.inner.end_invalidate(range, still_mapped);
    }
}

/// The way of the translated program from segment to segment.
struct Journey<'a> {
    scene: Scene,
    copies: bool,
    profile: HostProfile,
    device: Player,
    changes: Changes<'a>,
    due: Due,
    statuses: Statuses<Guest>,
    tally: Tally,
    doubtful: bool,
    /// Number of the command with which the device's chain began.
    chain: usize,
    /// It was resumed before it was suspended.
    early: bool,
}

impl HostRun {
    fn new(scene: &Scene, late: &Late, copies: bool) -> Result<Self, Difference> {
        // A segment holds its storage while what is repeated in front of it still holds some.
        let budget = Budget {
            programs: 2,
            ..ONE_PROGRAM
        };
        let plain = PlainPinner::new(scene.regions.clone(), budget);
        let pinner = Failing {
            inner: Recorder::new(&plain),
            left: std::cell::Cell::new(late.fails),
        };
        let mut journey = Journey {
            scene: scene.clone(),
            copies,
            profile: match copies {
                false => HostProfile::SOFTWARE,
                true => HostProfile::VFIO_CCW,
            },
            device: Player::new(&scene.script, &scene.policy).with_contents(&late.contents),
            changes: Changes::new(scene, late),
            due: Due::default(),
            statuses: Vec::new(),
            tally: Tally::default(),
            doubtful: false,
            chain: 0,
            early: late.early && Orb::<Guest>::decode(&scene.orb).suspend,
        };
        let end = journey.go(&pinner)?;
        let held = plain.ledger().in_flight();
        same("pins when all is over", &held, &0)?;
        Ok(Self {
            end,
            statuses: journey.statuses,
            sent: journey.device.sent().to_vec(),
            ram: journey.scene.ram,
            tally: journey.tally,
            doubtful: journey.doubtful,
        })
    }
}

impl Journey<'_> {
    fn go<P: Pinner>(&mut self, pinner: &Failing<Recorder<P>>) -> Result<End, Difference> {
        let mut segment = Segment::START;
        let mut earlier = Earlier::NONE;
        let mut buffers = Buffers::new();
        for _ in 0..SEGMENTS {
            let (scene, guards) = (&self.scene, self.scene.guards());
            let (regions, policy) = (&scene.regions, &scene.policy);
            let program = fetch_segment(
                &scene.orb, &segment, scene, regions, policy, &guards, buffers,
            );
            let mut found = program.findings().iter();
            self.doubtful |= found.any(|it| it.code.sure() == Sure::Reached);
            let plan = match program.plan_behind(&earlier, &self.profile) {
                Err(rejected) => {
                    return Ok(End::Refused(rejected.finding.code, rejected.response()));
                }
                Ok(Planned::Ended(ended)) => {
                    let irb = *ended.irb();
                    self.statuses.push(self.due.shown(irb, Progress::Pending));
                    return Ok(End::Shown);
                }
                Ok(Planned::Arrived(arrived)) => {
                    let (arrival, irb) = (arrived.arrival(), *arrived.irb());
                    buffers = arrived.into_buffers();
                    match self.arrive(arrival, &irb) {
                        Some(next) => segment = next,
                        None => return Ok(End::Shown),
                    }
                    if arrival.cause == Cause::Suspend {
                        self.begin_chain();
                        earlier = Earlier::NONE;
                    }
                    continue;
                }
                Ok(Planned::Run(plan)) => plan,
            };
            if !earlier.is_empty() {
                self.tally.repeated += 1;
                self.device.rewind(self.chain);
            }
            let mut arena = Arena::for_plan(&plan);
            let emitted = plan.pin(pinner).and_then(|pinned| {
                let old = std::mem::replace(&mut earlier, Earlier::NONE);
                pinned.emit_behind(old, arena.slot())
            });
            let translated = match emitted {
                Ok(translated) => translated,
                Err(rejected) => {
                    return Ok(End::Refused(rejected.finding.code, rejected.response()));
                }
            };
            self.tally.starts += 1;
            let mut storage = Granted::new(std::mem::replace(&mut self.scene.ram, Ram::new(0)));
            copies::out(&self.scene, &translated, storage.inner(), &mut arena.copies);
            arena.grant(&mut storage, translated.bounced());
            for (run, access) in pinner.inner.granted() {
                let access = match access {
                    Access::DeviceReads => css::Access::Fetch,
                    Access::DeviceWrites => css::Access::Store,
                };
                storage.grant(run.host, u64::from(run.len), access);
            }
            let copy = match self.copies {
                false => None,
                true => {
                    storage.grant(HostAddr::new(SCRATCH), 4096, css::Access::Store);
                    let mapped = |at: HostAddr| copied::is_mapped(&self.scene, at);
                    match second_copy::copy(translated.orb(), &mut storage, mapped) {
                        Ok(copy) => Some(copy),
                        Err(refused) => return differ(format_args!("not copied: {refused:x?}")),
                    }
                }
            };
            let mut subchannel = Subchannel::<Host>::new(Config {
                examine_skipped: true,
                address_limit: css::AddressLimit::Below(0),
                ..config(&self.scene)
            });
            let orb = copy.as_ref().map_or(translated.orb(), |copy| copy.orb());
            if subchannel.start(orb).is_err() {
                self.scene.ram = storage.into_inner();
                return Ok(End::Shown);
            }
            let mut running = translated.start();
            let mut stores = Stores::new(&mut storage);
            let progress = run_on(&mut subchannel, &mut stores, &mut self.device);
            let (_, irb) = subchannel.test();
            let irb = copy.as_ref().map_or(irb, |copy| copy.map_back(&irb));
            let completion = running.complete(&irb);
            let ended = irb.scsw.status.contains(StatusControl::PRIMARY);
            copies::back(
                &self.scene,
                &mut running,
                ended.then_some(&irb),
                &mut stores,
            );
            super::dirty::covers(&self.scene, &mut running, &irb, stores.into_areas())?;
            if let Some(at) = violation(&storage) {
                return differ(format_args!("outside of what was granted: {at:x?}"));
            }
            self.scene.ram = storage.into_inner();
            if !self.device.repeats() {
                drop(running.end());
                // Its parameters were where the guest has made a change.
                return match self.changes.told {
                    true => Ok(End::Left),
                    false => differ("the device was not sent the same once more"),
                };
            }
            let pending = completion.irb.scsw.status.contains(StatusControl::PENDING);
            if pending && (completion.unmapped || completion.unexplained) {
                return differ(format_args!(
                    "a status that should be clear: {completion:x?}"
                ));
            }
            let Some(arrival) = completion.arrived else {
                self.statuses.push(self.due.shown(completion.irb, progress));
                drop(running.end());
                return Ok(End::Shown);
            };
            match running.go_on(&irb) {
                Ok(next) => (earlier, buffers) = next,
                Err(rejected) => {
                    return Ok(End::Refused(rejected.finding.code, rejected.response()));
                }
            }
            match self.arrive(arrival, &completion.irb) {
                Some(next) => segment = next,
                None => return Ok(End::Shown),
            }
            if earlier.is_empty() {
                self.begin_chain();
            }
        }
        Ok(End::Left)
    }

    /// The next chain of the device begins with the next command.
    fn begin_chain(&mut self) {
        self.chain = self.device.sent().len();
    }

    /// Control has arrived: what comes next, if anything does.
    fn arrive(&mut self, arrival: translator::Arrival, irb: &Irb<Guest>) -> Option<Segment> {
        if arrival.cause == Cause::Refetch {
            self.tally.fetched += 1;
            self.due.note(irb);
            if irb.scsw.subchannel.contains(SubchannelStatus::PCI) {
                self.changes.at_pci(&mut self.scene.ram);
            }
            return Some(Segment::from(arrival));
        }
        if std::mem::take(&mut self.early) {
            self.due.note(irb);
            return Some(Segment::from(arrival).passing_suspension());
        }
        let shown = self.due.shown(*irb, Progress::Suspended);
        self.statuses.push(shown);
        self.tally.suspended += 1;
        if self.tally.suspended > SUSPENSIONS {
            return None;
        }
        self.changes.at_suspension(&mut self.scene.ram, arrival.at);
        Some(Segment::from(arrival))
    }
}

fn run_on(
    subchannel: &mut Subchannel<Host>,
    storage: &mut dyn Storage<Host>,
    device: &mut Player,
) -> Progress {
    subchannel.run(storage, device, STEPS)
}

fn violation(storage: &Granted<Host, Ram<Host>>) -> Option<String> {
    let FirstByteFault::Nowhere(nowhere) = HostProfile::SOFTWARE.first_byte_fault else {
        return None;
    };
    let mut violations = storage.violations().iter();
    let found = violations.find(|violation| violation.at != nowhere);
    found.map(|violation| format!("{violation:x?}"))
}

impl Case {
    /// The same with S and PCI flags in commands, as `marks` says, and an ORB that lets them have an
    /// effect; prefetching is forbidden if `late`.
    pub fn marked(mut self, marks: u32, late: bool) -> Self {
        self.orb.word1 |= word1::SUSPEND;
        if late {
            self.orb.word1 &= !word1::PREFETCH;
        }
        let ccws = self
            .segments
            .iter_mut()
            .flat_map(|segment| &mut segment.ccws);
        for (n, ccw) in (0..).zip(ccws) {
            let bits = marks.rotate_right(n * 3) & 7;
            let chains_data = ccw.flags & CcwFlags::CHAIN_DATA.bits() != 0;
            if bits & 3 == 3 && !chains_data && ccw.code != 8 {
                ccw.flags |= CcwFlags::SUSPEND.bits();
            }
            if bits & 4 != 0 && late && ccw.code != 8 {
                ccw.flags |= CcwFlags::PCI.bits();
            }
        }
        self
    }
}
