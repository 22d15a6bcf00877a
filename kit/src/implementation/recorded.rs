// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was recorded of real runs.

use std::collections::BTreeMap;
use std::path::Path;

use ccw::{Ccw, DeviceStatus, Guest, Orb, RawCcw, RawScsw, Scsw};
use ccwtool::fields::{Hex, Number};
use css::device::scripted::{Data, Response};
use serde::Deserialize;

use super::{Failure, Implementation, Ran, Report, Status};
use crate::convert::Script;
use crate::load::load;
use crate::machine::Machine;
use crate::program_file::ProgramFile;

/// What a recorded program (`ccwprog/1`) says of its run.
#[derive(Deserialize)]
struct Record {
    #[serde(rename = "final")]
    ended: Option<Ended>,
    executed_ccws: Option<Vec<Number>>,
    /// The program was read in while it ran, and what was read is not recorded.
    executed_detail: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    source: Source,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Source {
    #[serde(default)]
    how: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Ended {
    scsw: Hex,
    sense: Option<Hex>,
}

/// A command of the recorded run.
struct Command {
    /// Sum of the counts of its data chain.
    count: usize,
    /// The CCW behind it was passed over.
    skipped: bool,
}

impl Record {
    /// What was recorded of the end: status alone.
    ///
    /// Whether sense came along, and of a unit check the residual count, depend on the machine that ran
    /// it, and are not known; nor is the prefetch bit where that was QEMU, which does not copy it.
    fn report(&self) -> Option<Report> {
        let status = self.status()?;
        let mut known = [0xff; 12];
        // Bits L and E.
        known[0] &= !0x04;
        known[1] &= !0x02;
        if self.source.how.starts_with("QEMU") {
            known[1] &= !0x40;
        }
        if status.device.contains(DeviceStatus::UNIT_CHECK) {
            known[10..].fill(0);
        }
        let status = Status {
            scsw: status.encode().0,
            known,
            sense: None,
        };
        Some(Report::Ran(Ran {
            statuses: Some(vec![status]),
            ..Ran::default()
        }))
    }

    fn status(&self) -> Option<Scsw<Guest>> {
        let bytes = self.ended.as_ref()?.scsw.0.as_slice().try_into().ok()?;
        Some(Scsw::decode(&RawScsw(bytes)))
    }

    /// `machine` with a device that answers as the recorded one did, as far as that can be told from
    /// which CCWs were executed and how it ended, and the report of that end; where only the end was
    /// recorded and all went well to the last byte, with one that moves all data. None if neither is so.
    fn played_again(&self, machine: &Machine) -> Option<(Machine, Report)> {
        let (end, report) = (self.status()?, self.report()?);
        let Some(executed) = &self.executed_ccws else {
            let well = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
            let whole = end.device == well && end.subchannel.is_empty() && end.residual == 0;
            return whole.then(|| (machine.clone().answered(), report));
        };
        if self.executed_detail.is_some() {
            return None;
        }
        let commands = commands(machine, executed)?;
        let mut machine = machine.clone();
        if machine.file.orb.0[6] == 0 {
            // Initial program loading names no path, and had one.
            machine.file.orb.0[6] = 0x80;
        }
        machine.concurrent_sense = false;
        let sense = self.ended.as_ref().and_then(|ended| ended.sense.as_ref());
        let sense = sense.map_or(&[][..], |sense| &sense.0);
        let answers = commands.iter().enumerate().map(|(n, command)| {
            let whole = match command.count {
                0 => Response::immediate(),
                count => Response::new(Data::Length(count, 0)),
            };
            if n + 1 < commands.len() {
                let skips = DeviceStatus::CHANNEL_END
                    | DeviceStatus::DEVICE_END
                    | DeviceStatus::STATUS_MODIFIER;
                return match command.skipped {
                    true => whole.with_status(skips),
                    false => whole,
                };
            }
            let moved = command.count.saturating_sub(end.residual.into());
            let data = match moved {
                _ if !end.device.contains(DeviceStatus::CHANNEL_END) => Data::Immediate,
                0 if end.subchannel.is_empty() => Data::Immediate,
                0 => Data::Input(Vec::new()),
                moved => Data::Length(moved, 0),
            };
            Response::new(data)
                .with_status(end.device)
                .with_sense(sense)
        });
        let answers = answers.collect();
        Some((machine.written_out(answers), report))
    }
}

/// The commands of which `executed` are the CCWs, TICs included. None if storage no longer holds what
/// ran.
fn commands(machine: &Machine, executed: &[Number]) -> Option<Vec<Command>> {
    let format = Orb::<Guest>::decode(&machine.file.orb).format;
    let scene = machine.scene();
    let mut executed: Vec<u64> = executed.iter().map(|at| at.0).collect();
    // Where the recorder had begun a program twice.
    executed.dedup();
    let mut commands: Vec<Command> = Vec::new();
    let mut continues = false;
    for (n, &at) in executed.iter().enumerate() {
        let raw = RawCcw(scene.doubleword(at)?);
        let ccw = Ccw::<Guest>::decode(raw, format);
        if ccw.command.is_tic(format) {
            continue;
        }
        let count = usize::from(ccw.count);
        let skipped = executed.get(n + 1).copied() == at.checked_add(16);
        match commands.last_mut() {
            Some(command) if continues => {
                command.count += count;
                command.skipped = skipped;
            }
            _ => commands.push(Command { count, skipped }),
        }
        continues = ccw.chains_data();
    }
    Some(commands)
}

/// The ends that were recorded of programs.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// By name, which several may share.
    ends: BTreeMap<String, Vec<(Machine, Report)>>,
}

/// How the name of a file ends in which the answers of a program's device are, beside the program.
const SCRIPT: &str = "script.json";

/// Reads a machine; of its program it is known where in the file something is wrong.
fn machine(file: &[u8]) -> Result<Machine, String> {
    serde_json::from_slice(file).map_err(|error| {
        let placed = ProgramFile::parse(file).err();
        placed.unwrap_or_else(|| error.to_string())
    })
}

impl Recorded {
    /// Reads the program file at `path` like [`Self::read`], with a device that answers as `NAME.script.json`
    /// beside it says, if there is one. A program that has no name is called what its file is.
    ///
    /// # Errors
    ///
    /// Why one of them cannot be read, in words that name it.
    pub fn load(&mut self, path: &Path) -> Result<Machine, String> {
        let load = |path: &Path| load(path).map_err(|why| format!("{}: {why}", path.display()));
        let bytes = load(path)?;
        let name = path.to_string_lossy();
        let beside = path.with_extension(SCRIPT);
        let machine = match beside.exists() {
            false => self.read(&bytes, &name),
            true => {
                let script = Script::parse(&load(&beside)?);
                let script = script.and_then(|script| script.responses());
                let script = script.map_err(|why| format!("{}: {why}", beside.display()))?;
                machine(&bytes).map(|machine| Machine {
                    script: Some(script),
                    ..machine.named(&name)
                })
            }
        };
        machine.map_err(|why| format!("{name}: {why}"))
    }

    /// Reads a program file: the machine, with a device that answers as the recorded one did if that is
    /// known, and as its script says if it has one; else it moves all data. What was recorded of the end
    /// is kept, if it is that of this machine. A program that has no name is called `name`.
    ///
    /// # Errors
    ///
    /// Why it is no program, in words.
    pub fn read(&mut self, file: &[u8], name: &str) -> Result<Machine, String> {
        let machine = machine(file)?.named(name);
        let record: Record = serde_json::from_slice(file).map_err(|error| error.to_string())?;
        let played = match machine.script {
            Some(_) => None,
            None => record.played_again(&machine),
        };
        Ok(match played {
            Some((played, report)) => {
                let ends = self.ends.entry(played.file.name.clone()).or_default();
                ends.push((played.clone(), report));
                played
            }
            None => machine.answered(),
        })
    }
}

impl Implementation for Recorded {
    fn name(&self) -> &str {
        "recorded"
    }

    fn run(&mut self, machine: &Machine) -> Result<Report, Failure> {
        let mut ends = self.ends.get(&machine.file.name).into_iter().flatten();
        Ok(match ends.find(|(played, _)| played == machine) {
            Some((_, report)) => report.clone(),
            None => Report::Unsupported("not recorded, or not enough of it".to_owned()),
        })
    }
}
