// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is said of a program and what it does, wherever its host has its storage.

use std::{collections::BTreeMap, fmt::Write};

use ccw::{CcwLine, Guest, Irb, Orb};
use css::{CannotStart, Progress, Subchannel};
use translator::Program;

use super::{Event, GuestView, Player, Sent, canonical, guest_config, judge, run};
use crate::generator::Scene;

/// What is said of a program, and what it does. Equal for programs that differ only in what they do
/// not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// The verdict, its findings, the status that it foretells.
    pub verdict: Vec<String>,
    /// What the translator reads: a line for each CCW, with the words of its list.
    pub listing: Vec<String>,
    /// Whether START SUBCHANNEL takes it.
    pub started: Result<(), CannotStart>,
    /// What the software channel shows.
    pub statuses: Vec<(Progress, Irb<Guest>)>,
    /// What the device was sent.
    pub sent: Vec<Sent>,
    /// What the channel fetched: address and bytes before the run.
    pub fetched: BTreeMap<u64, Vec<u8>>,
    /// What it stored into: address and bytes after the run.
    pub stored: BTreeMap<u64, Vec<u8>>,
}

impl Behaviour {
    /// That of `scene`, whose device has these `contents` for commands, by their number.
    pub fn of(scene: &Scene, contents: &BTreeMap<usize, Vec<u8>>) -> Self {
        let program = judge(scene);
        let mut subchannel = Subchannel::<Guest>::new(guest_config(scene));
        let mut view = GuestView::new(scene);
        view.record();
        let mut device = Player::new(&scene.script, &scene.policy).with_contents(contents);
        let started = subchannel.start_raw(&scene.orb);
        let statuses = match started {
            Ok(()) => run(&mut subchannel, &mut view, &mut device),
            Err(_) => Vec::new(),
        };
        let statuses = statuses.iter().map(|(at, irb)| (*at, canonical(irb)));
        let (mut fetched, mut stored) = (BTreeMap::new(), BTreeMap::new());
        for event in view.events() {
            match *event {
                Event::Fetch { at, len } => {
                    let bytes = scene.peek(at, len as usize);
                    fetched.insert(at.get(), bytes);
                }
                Event::Store { at, len } => {
                    stored.insert(at.get(), view.peek(at, len as usize));
                }
            }
        }
        Self {
            verdict: verdict(&program),
            listing: listing(scene, &program),
            started,
            statuses: statuses.collect(),
            sent: device.sent().to_vec(),
            fetched,
            stored,
        }
    }

    /// The addresses and bytes that decide it, as far as the channel and the translator read them.
    pub fn uses(&self, scene: &Scene) -> Vec<(u64, u64)> {
        let program = judge(scene);
        let len = |bytes: &Vec<u8>| bytes.len() as u64;
        let mut uses: Vec<(u64, u64)> = Vec::new();
        uses.extend(self.fetched.iter().map(|(&at, bytes)| (at, len(bytes))));
        for step in program.steps() {
            uses.push((step.at.get(), 8));
            if !step.list.is_empty() {
                // Words of 4 bytes are read into 8.
                uses.push((step.ccw.addr.get().into(), 8 * step.list.len() as u64));
            }
        }
        uses
    }
}

fn verdict(program: &Program) -> Vec<String> {
    let mut lines = vec![format!("{:?} {:?}", program.outcome(), program.scsw())];
    let findings = program.findings().iter();
    lines.extend(findings.map(|finding| format!("{finding:?}")));
    lines
}

fn listing(scene: &Scene, program: &Program) -> Vec<String> {
    let format = Orb::<Guest>::decode(&scene.orb).format;
    let line = |step: translator::Step<'_>| {
        let at = step.at.get();
        let mut line = match step.raw {
            None => format!("{at:08x}: no storage"),
            Some(raw) => {
                let shown = CcwLine {
                    addr: at as u32,
                    raw,
                };
                let shown = shown.display(format, scene.policy.device);
                match step.in_data_chain {
                    true => shown.data_chained().to_string(),
                    false => shown.to_string(),
                }
            }
        };
        for word in step.list {
            let word = u64::from_be_bytes(*word);
            let _ = write!(line, " {word:016x}");
        }
        line
    };
    program.steps().map(line).collect()
}
