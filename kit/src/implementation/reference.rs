// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The software channel.

use std::collections::BTreeMap;

use ccw::{Ccw, Guest, Host, Irb, Orb};
use css::{CannotStart, ConditionCode, Config, Device, Progress, Ram, Subchannel};

use super::{Failure, Implementation, Ran, Report, Status};
use crate::differential::{Event, GuestView, changes_itself, guest_config};
use crate::generator::Scene;
use crate::machine::Machine;

/// Steps of a program at most: more commands than any script answers.
pub(crate) const STEPS: usize = 10_000;

/// The software channel `css`, which runs the guest's own program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference {
    /// Whether it looks at lists of input that is skipped, which is left to the machine.
    pub examine_skipped: bool,
}

impl Implementation for Reference {
    fn name(&self) -> &str {
        "css"
    }

    fn run(&mut self, machine: &Machine) -> Result<Report, Failure> {
        if Orb::<Guest>::decode(&machine.file.orb).transport {
            return Ok(Report::Unsupported("transport mode".to_owned()));
        }
        let mut device = machine.scripted();
        let scene = machine.scene();
        let config = Config {
            examine_skipped: self.examine_skipped,
            ..guest_config(&scene)
        };
        let executed = execute_as(scene, config, &mut device, STEPS);
        let cc = match executed.started {
            Err(CannotStart::Operand(_)) => return Ok(Report::OperandException),
            Err(CannotStart::Condition(cc)) => code(cc),
            Ok(()) => 0,
        };
        Ok(Report::Ran(Ran {
            cc,
            statuses: Some(executed.statuses.iter().map(Status::of).collect()),
            commands: Some(device.sent().to_vec()),
            stored: Some(changed(&executed.scene, executed.view.ram())),
        }))
    }
}

const fn code(cc: ConditionCode) -> u8 {
    match cc {
        ConditionCode::Cc0 => 0,
        ConditionCode::Cc1 => 1,
        ConditionCode::Cc2 => 2,
        ConditionCode::Cc3 => 3,
    }
}

impl Status {
    /// What is told to the guest.
    pub(super) fn of(irb: &Irb<Guest>) -> Self {
        Self {
            scsw: irb.scsw.encode().0,
            known: [0xff; 12],
            sense: Some(irb.concurrent_sense().unwrap_or_default().to_vec()),
        }
    }
}

/// What a run of a machine's program came to.
pub(crate) struct Executed {
    started: Result<(), CannotStart>,
    statuses: Vec<Irb<Guest>>,
    view: GuestView,
    /// First byte and end of what was fetched.
    pub(crate) fetched: Vec<(u64, u64)>,
    /// Address of the first CCW of each command, in their order.
    pub(crate) heads: Vec<u64>,
    scene: Scene,
    subchannel: Subchannel<Guest>,
}

impl Executed {
    /// Whether the program has changed some word of itself.
    pub(crate) fn changes_itself(&self) -> bool {
        changes_itself(&self.scene, &self.subchannel, &self.view)
    }
}

/// Runs the program of `machine` on `device`, at most so many steps.
pub(crate) fn execute(machine: &Machine, device: &mut dyn Device, steps: usize) -> Executed {
    let scene = machine.scene();
    let config = guest_config(&scene);
    execute_as(scene, config, device, steps)
}

fn execute_as(scene: Scene, config: Config, device: &mut dyn Device, steps: usize) -> Executed {
    let format = Orb::<Guest>::decode(&scene.orb).format;
    let mut subchannel = Subchannel::new(config);
    subchannel.record_fetches();
    let mut view = GuestView::new(&scene);
    view.record();
    let started = subchannel.start_raw(&scene.orb);
    let mut statuses: Vec<Irb<Guest>> = Vec::new();
    let mut heads = Vec::new();
    for _ in 0..if started.is_ok() { steps } else { 0 } {
        let before = subchannel.fetches().len();
        let progress = subchannel.step(&mut view, device);
        let mut fetches = subchannel.fetches()[before..].iter();
        let head = fetches.find(|(_, raw)| {
            let ccw = Ccw::<Guest>::decode(*raw, format);
            !ccw.command.is_tic(format)
        });
        heads.extend(head.map(|(at, _)| at.get()));
        if progress == Progress::Working {
            continue;
        }
        let (cc, irb) = subchannel.test();
        if cc == ConditionCode::Cc0 {
            statuses.push(irb);
        }
        // Only the device end can still come.
        if progress != Progress::Pending || statuses.len() > 1 {
            break;
        }
    }
    let areas = view.events().iter().filter_map(|event| match *event {
        Event::Fetch { at, len } => Some((at.get(), at.get() + len)),
        Event::Store { .. } => None,
    });
    let fetched = areas.collect();
    Executed {
        started,
        statuses,
        fetched,
        heads,
        view,
        scene,
        subchannel,
    }
}

/// The bytes in which `ram` is not what `scene` begins with, by guest address.
pub(super) fn changed(scene: &Scene, ram: &Ram<Host>) -> BTreeMap<u64, u8> {
    let mut changed = Vec::new();
    for (at, page) in ram.touched() {
        let Some(guest) = Machine::guest_address(at.get()) else {
            continue;
        };
        let before = scene.ram.read(at, page.len());
        let bytes = (guest..).zip(before.iter().zip(page));
        let bytes = bytes.filter(|(_, (before, after))| before != after);
        changed.extend(bytes.map(|(at, (_, after))| (at, *after)));
    }
    // In one piece: a byte at a time takes longer than the program.
    changed.into_iter().collect()
}
