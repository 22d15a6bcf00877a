// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded runs, played again: a device that answers as the recorded one did makes the channel
//! fetch the same CCWs in the same order and end with the same status.

use std::collections::VecDeque;

use ccw::{Ccw, DeviceStatus, Format, Guest, GuestAddr, Orb, Scsw};
use css::device::scripted::{Data, Response, Scripted};
use css::{Progress, StorageError};

use crate::program::{Program, Recording, corpus, number};

/// A command of the recorded run: the CCWs of its data chain.
#[derive(Debug)]
struct Command {
    count: usize,
    /// The CCW behind it was skipped.
    modified: bool,
}

fn read_ccw(program: &Program, format: Format, at: u64) -> Result<Ccw<Guest>, StorageError<Guest>> {
    use css::Storage as _;
    let mut raw = ccw::RawCcw::default();
    let mut storage = program.storage.clone();
    storage.fetch(GuestAddr::new(at), 0, &mut raw.0)?;
    Ok(Ccw::decode(raw, format))
}

/// Groups the recorded CCW addresses into commands. `None` if storage no longer holds what ran.
fn commands(program: &Program, format: Format, executed: &[u64]) -> Option<Vec<Command>> {
    let mut commands: Vec<Command> = Vec::new();
    let mut continues = false;
    for (index, &at) in executed.iter().enumerate() {
        let modified = executed.get(index + 1) == Some(&(at + 16));
        let ccw = read_ccw(program, format, at).ok()?;
        if ccw.command.is_tic(format) {
            continue;
        }
        let count = usize::from(ccw.count);
        match commands.last_mut() {
            Some(command) if continues => {
                command.count += count;
                command.modified = modified;
            }
            _ => commands.push(Command { count, modified }),
        }
        continues = ccw.chains_data();
    }
    Some(commands)
}

/// What the device did, as far as the record tells.
fn responses(commands: &[Command], end: &Scsw<Guest>) -> Vec<Response> {
    let mut responses = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        let whole = match command.count {
            0 => Response::immediate(),
            count => Response::new(Data::Length(count, 0)),
        };
        if index + 1 < commands.len() {
            responses.push(match command.modified {
                true => whole.with_status(DeviceStatus::from_bits_retain(0x4c)),
                false => whole,
            });
            continue;
        }
        let residual = usize::from(end.residual);
        let short = command.count.saturating_sub(residual);
        let last = match short {
            _ if !end.device.contains(DeviceStatus::CHANNEL_END) => Response::immediate(),
            0 if end.subchannel.is_empty() => Response::immediate(),
            0 => Response::new(Data::Input(Vec::new())),
            short => Response::new(Data::Length(short, 0)),
        };
        responses.push(last.with_status(end.device));
    }
    responses
}

fn replay(recording: &Recording, executed: &[u64]) -> Option<Result<(), String>> {
    let (program, name) = (&recording.program, &recording.name);
    let end = recording.end()?;
    let orb = Orb::<Guest>::decode(&program.orb());
    let commands = commands(program, orb.format, executed)?;
    let mut device = Scripted::new(responses(&commands, &end));
    let mut subchannel = program.subchannel();
    subchannel.record_fetches();
    let mut storage = program.storage.clone();
    subchannel.start(&orb).expect("condition code 0");
    let progress = subchannel.run(&mut storage, &mut device, 100_000);
    assert_eq!(progress, Progress::Pending, "{name}");
    let fetched: Vec<u64> = subchannel
        .fetches()
        .iter()
        .map(|(at, _)| at.get())
        .collect();
    let mut seen = *subchannel.scsw();
    // Recorded with concurrent sense, and forced to zero by the recorder on command reject.
    seen.extended_control = end.extended_control;
    if end.device.contains(DeviceStatus::UNIT_CHECK) {
        seen.residual = end.residual;
    }
    if fetched == executed && seen == end {
        return Some(Ok(()));
    }
    Some(Err(format!(
        "{name}: fetched {fetched:x?}, recorded {executed:x?}\n  ended {:02x?}, recorded {:02x?}\n  {commands:x?}",
        seen.encode().0,
        end.encode().0,
    )))
}

#[test]
fn recorded_runs_end_as_they_did() {
    let mut played = 0;
    let mut failures = VecDeque::new();
    for program in corpus() {
        let Some(executed) = program.json["executed_ccws"].as_array() else {
            continue;
        };
        if !program.json["executed_detail"].is_null() {
            // The program read itself in, and the record does not hold what it read.
            continue;
        }
        let mut executed: Vec<u64> = executed.iter().map(number).collect();
        // The recorder began some programs twice.
        executed.dedup();
        match replay(&program, &executed) {
            Some(Ok(())) => played += 1,
            Some(Err(failure)) => failures.push_back(failure),
            None => {}
        }
    }
    println!("{played} recorded runs played again");
    let failures: Vec<String> = failures.into();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        played + failures.len(),
        failures.join("\n")
    );
}
