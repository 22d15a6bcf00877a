// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The translated program, run on the host.

use std::cell::RefCell;

use ccw::{Host, HostAddr, StatusControl};
use css::{CannotStart, Config, Device, Granted, Progress, Ram, Subchannel};
use pinning::{Access, Pinner, PlainPinner};
use translator::{Completion, FirstByteFault, HostProfile, Plan};

use super::{
    Arena, Difference, GrantPinner, ONE_PROGRAM, Player, Recorder, Sent,
    arena::{SCRATCH, is_mapped},
    config, copies, differ,
    dirty::{Areas, Stores, Told},
    run, same,
};
use crate::{generator::Scene, second_copy};

/// How the host comes by the program, and by the guest's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It runs the program as it is, on the guest's own storage.
    Direct,
    /// It copies the program once more before it runs it.
    Copied,
    /// It has copies of the pages that it was granted.
    Grants,
}

/// What came of the translated program.
pub(super) struct HostRun {
    pub(super) started: Result<(), CannotStart>,
    pub(super) progress: Vec<Progress>,
    pub(super) completions: Vec<Completion>,
    pub(super) sent: Vec<Sent>,
    /// The guest's storage afterwards, by host address.
    pub(super) ram: Ram<Host>,
    /// What the device stored into, and what is said to be dirty.
    pub(super) stored: Areas,
    pub(super) dirty: Areas,
    /// Some data went by way of a copy.
    pub(super) bounced: bool,
    /// Some CCW took several host CCWs.
    pub(super) links: bool,
}

impl HostRun {
    pub(super) fn new(scene: &Scene, plan: Plan, way: Way) -> Result<Self, Difference> {
        let mut device = Player::new(&scene.script, &scene.policy);
        let done = Self::on_device(scene, plan, way, &mut device)?;
        Ok(Self {
            sent: device.sent().to_vec(),
            ..done
        })
    }

    /// The same on another device, which keeps for itself what it was sent.
    pub(super) fn on_device(
        scene: &Scene,
        plan: Plan,
        way: Way,
        device: &mut dyn Device,
    ) -> Result<Self, Difference> {
        let plain = PlainPinner::new(scene.regions.clone(), ONE_PROGRAM);
        let ram = RefCell::new(scene.ram.clone());
        let mut done = match way {
            Way::Direct => Self::on(&plain, &plain, &ram, scene, plan, way, device)?,
            Way::Copied => Self::on(&plain, &plain, &ram, scene, plan, way, device)?,
            Way::Grants => {
                let grants = GrantPinner::new(&plain, &ram);
                let done = Self::on(&grants, &plain, &ram, scene, plan, way, device)?;
                grants.all_given_back().or_else(differ)?;
                done
            }
        };
        done.ram = ram.into_inner();
        Ok(done)
    }

    /// Pins with `pinner`, which keeps its account in `plain`, and runs on what is in `ram`.
    fn on<P: Pinner>(
        pinner: P,
        plain: &PlainPinner,
        ram: &RefCell<Ram<Host>>,
        scene: &Scene,
        plan: Plan,
        way: Way,
        device: &mut dyn Device,
    ) -> Result<Self, Difference> {
        let pinner = Recorder::new(pinner);
        let mut arena = Arena::for_plan(&plan);
        let translated = match plan
            .pin(&pinner)
            .and_then(|pinned| pinned.emit(arena.slot()))
        {
            Ok(translated) => translated,
            Err(rejected) => return differ(format_args!("not started: {rejected}")),
        };
        let mut storage = Granted::new(ram.replace(Ram::new(0)));
        let bounced = translated.bounced().next().is_some();
        let images: Vec<_> = translated.host_ccws().flatten().collect();
        let links = images.windows(2).any(|two| two[0] == two[1]);
        copies::out(scene, &translated, storage.inner(), &mut arena.copies);
        arena.grant(&mut storage, translated.bounced());
        for (run, access) in pinner.granted() {
            let access = match access {
                Access::DeviceReads => css::Access::Fetch,
                Access::DeviceWrites => css::Access::Store,
            };
            storage.grant(run.host, u64::from(run.len), access);
        }
        let copy = match way {
            Way::Direct | Way::Grants => None,
            Way::Copied => {
                storage.grant(HostAddr::new(SCRATCH), 4096, css::Access::Store);
                let mapped = |at: HostAddr| is_mapped(scene, at);
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
        let started = subchannel.start(copy.as_ref().map_or(translated.orb(), |copy| copy.orb()));
        let mut running = translated.start();
        let mut progress = Vec::new();
        let mut completions = Vec::new();
        let mut told = Told::default();
        let mut stores = Stores::new(&mut storage);
        if started.is_ok() {
            let statuses = run(&mut subchannel, &mut stores, device);
            let last = statuses.len().saturating_sub(1);
            for (n, (step, irb)) in statuses.into_iter().enumerate() {
                let irb = copy.as_ref().map_or(irb, |copy| copy.map_back(&irb));
                progress.push(step);
                completions.push(running.complete(&irb));
                let ends = irb.scsw.status.contains(StatusControl::PRIMARY);
                if ends || irb.scsw.status.contains(StatusControl::INTERMEDIATE) {
                    copies::back(scene, &mut running, Some(&irb), &mut stores);
                }
                if n == last && !ends {
                    copies::back(scene, &mut running, None, &mut stores);
                }
                told.status(scene, &mut running, &irb, n == last)?;
            }
        }
        let (stored, dirty) = match way {
            Way::Direct | Way::Copied => told.check(scene, &mut running, stores.into_areas())?,
            // It stores into copies.
            Way::Grants => Default::default(),
        };
        within_grants(&storage)?;
        ram.replace(storage.into_inner());
        let held = plain.ledger().in_flight();
        drop(running.end());
        let left = plain.ledger().in_flight();
        same("pins before and after the release", &(held, left), &(1, 0))?;
        Ok(Self {
            started,
            progress,
            completions,
            sent: Vec::new(),
            ram: Ram::new(0),
            stored,
            dirty,
            bounced,
            links,
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
