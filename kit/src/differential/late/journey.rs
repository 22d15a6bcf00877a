// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The translated program, part by part.

use ccw::{Guest, Host, HostAddr, Irb, Orb, StatusControl, SubchannelStatus};
use css::{Config, Granted, Progress, Ram, Storage, Subchannel};
use pinning::{Access, Budget, Pinner, PlainPinner};
use translator::{
    Buffers, Cause, Code, Earlier, FirstByteFault, HostProfile, Part, Planned, Response, Sure,
    fetch_part,
};

use super::{Due, Late, SUSPENSIONS, Tally, changes::Changes, failing::Failing};
use crate::{
    differential::{
        Arena, Difference, ONE_PROGRAM, Player, Recorder, STEPS, Sent, Statuses,
        arena::{SCRATCH, is_mapped},
        config, copies, differ,
        dirty::{self, Stores},
        same,
    },
    generator::Scene,
    reached, second_copy,
};

/// Parts of a program that is not left.
const PARTS: u32 = 24;

/// How the translated program came to its end.
pub(super) enum End {
    Shown,
    Refused(Code, Response),
    Left,
}

/// What the translated program came to.
pub(super) struct HostRun {
    pub(super) end: End,
    pub(super) statuses: Statuses<Guest>,
    pub(super) sent: Vec<Sent>,
    pub(super) ram: Ram<Host>,
    pub(super) tally: Tally,
    /// Data was found that cannot be used from some byte on.
    pub(super) doubtful: bool,
}

/// The way of the translated program from part to part.
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
    pub(super) fn new(scene: &Scene, late: &Late, copies: bool) -> Result<Self, Difference> {
        // A part holds its storage while what is repeated in front of it still holds some.
        let budget = Budget {
            programs: 2,
            ..ONE_PROGRAM
        };
        let plain = PlainPinner::new(scene.regions.clone(), budget);
        let pinner = Failing {
            inner: Recorder::new(&plain),
            left: std::cell::Cell::new(late.fails.map(|fails| fails & 0x3f)),
            way: late.fails.map_or(0, |fails| fails >> 6),
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
        let mut part = Part::START;
        let mut earlier = Earlier::NONE;
        let mut buffers = Buffers::new();
        for _ in 0..PARTS {
            let (scene, guards) = (&self.scene, self.scene.guards());
            let (regions, policy) = (&scene.regions, &scene.policy);
            let program = fetch_part(&scene.orb, &part, scene, regions, policy, &guards, buffers);
            reached::note_verdict(&program);
            let mut found = program.findings().iter();
            self.doubtful |= found.any(|it| it.code.sure() == Sure::Reached);
            let repeats = !earlier.is_empty();
            let plan = match program.plan_behind(earlier, &self.profile) {
                Err(rejected) => {
                    reached::note_refusal(&rejected);
                    return Ok(End::Refused(rejected.finding.code, rejected.response()));
                }
                Ok(Planned::Ended(ended)) => {
                    let irb = *ended.irb();
                    self.statuses.push(self.due.shown(irb, Progress::Pending));
                    return Ok(End::Shown);
                }
                Ok(Planned::Arrived(arrived)) => {
                    let (arrival, irb) = (arrived.arrival(), *arrived.irb());
                    (earlier, buffers) = arrived.go_on();
                    match self.arrive(arrival, &irb) {
                        Some(next) => part = next,
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
            if repeats {
                self.tally.repeated += 1;
                self.device.rewind(self.chain);
            }
            let mut arena = Arena::for_plan(&plan);
            let pinned = plan.pin(pinner);
            let translated = match pinned.and_then(|pinned| pinned.emit(arena.slot())) {
                Ok(translated) => translated,
                Err(rejected) => {
                    reached::note_refusal(&rejected);
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
                    let mapped = |at: HostAddr| is_mapped(&self.scene, at);
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
            dirty::covers(&self.scene, &mut running, &irb, stores.into_areas())?;
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
                    reached::note_refusal(&rejected);
                    return Ok(End::Refused(rejected.finding.code, rejected.response()));
                }
            }
            match self.arrive(arrival, &completion.irb) {
                Some(next) => part = next,
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
    fn arrive(&mut self, arrival: translator::Arrival, irb: &Irb<Guest>) -> Option<Part> {
        if arrival.cause == Cause::Refetch {
            self.tally.fetched += 1;
            self.due.note(irb);
            if irb.scsw.subchannel.contains(SubchannelStatus::PCI) {
                self.changes.at_pci(&mut self.scene.ram);
            }
            return Some(Part::from(arrival));
        }
        if std::mem::take(&mut self.early) {
            self.due.note(irb);
            return Some(Part::from(arrival).passing_suspension());
        }
        let shown = self.due.shown(*irb, Progress::Suspended);
        self.statuses.push(shown);
        self.tally.suspended += 1;
        if self.tally.suspended > SUSPENSIONS {
            return None;
        }
        self.changes.at_suspension(&mut self.scene.ram, arrival.at);
        Some(Part::from(arrival))
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
