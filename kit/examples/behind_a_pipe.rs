// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An implementation behind a pipe: reads machines on standard input and writes what came of each, one
//! line of JSON each way. What runs the programs here is the software channel; with `--fault` it has
//! one fault, which a comparison finds:
//!
//! ```sh
//! cargo build -p ccw-kit --example behind_a_pipe
//! cargo run -p ccw-kit --bin ccw-compare -- --with css \
//!     --with 'exec:target/debug/examples/behind_a_pipe --fault residual' tests/programs
//! ```

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use ccw_kit::implementation::{Failure, Implementation, Ran, Reference, Report, serve};
use ccw_kit::machine::Machine;

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The residual count is one too high.
    Residual,
    /// The CCW address is that of the CCW, and not the one behind.
    Address,
    /// Incorrect length is not shown.
    Length,
    /// The device never hears of the last command.
    Command,
    /// The last byte of input is not stored.
    Storage,
    /// An operand exception is not recognised.
    Exception,
    /// It dies at the third program.
    Dies,
    /// It is silent from the third program on.
    Hangs,
    /// It writes something else than a report.
    Rubbish,
    /// It never ends a line.
    Endless,
    /// It writes two lines for each program.
    Twice,
}

const FAULTS: [(&str, Fault); 11] = [
    ("residual", Fault::Residual),
    ("address", Fault::Address),
    ("length", Fault::Length),
    ("command", Fault::Command),
    ("storage", Fault::Storage),
    ("exception", Fault::Exception),
    ("dies", Fault::Dies),
    ("hangs", Fault::Hangs),
    ("rubbish", Fault::Rubbish),
    ("endless", Fault::Endless),
    ("twice", Fault::Twice),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let known = |name: &str| FAULTS.iter().find(|(it, _)| *it == name);
    let fault = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(None),
        ["--fault", name] => known(name).map(|(_, fault)| Some(*fault)),
        _ => None,
    };
    let Some(fault) = fault else {
        let names: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: behind_a_pipe [--fault {}]", names.join("|"));
        return ExitCode::from(2);
    };
    let mut faulty = Faulty { fault, programs: 0 };
    match serve(&mut faulty, io::stdin().lock(), io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("behind_a_pipe: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The software channel with a fault.
struct Faulty {
    fault: Option<Fault>,
    /// So many have been run.
    programs: u32,
}

impl Implementation for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn run(&mut self, machine: &Machine) -> Result<Report, Failure> {
        self.programs += 1;
        let mut report = Reference::default().run(machine)?;
        match (self.fault, &mut report) {
            (Some(Fault::Dies), _) if self.programs == 3 => {
                return Err(Failure("the third program is too much".to_owned()));
            }
            (Some(Fault::Hangs), _) if self.programs == 3 => loop {
                thread::sleep(Duration::from_secs(60));
            },
            (Some(Fault::Rubbish), _) => println!("condition code 0, I should think"),
            (Some(Fault::Endless), _) => loop {
                let more = io::stdout().write_all(&[b'['; 4096]);
                more.map_err(|error| Failure(error.to_string()))?;
            },
            (Some(Fault::Twice), _) => println!("{{\"id\":{},\"cc\":0}}", self.programs),
            (Some(Fault::Exception), Report::OperandException) => {
                report = Report::Ran(Ran {
                    statuses: Some(Vec::new()),
                    ..Ran::default()
                });
            }
            (Some(fault), Report::Ran(ran)) => spoil(ran, fault),
            _ => {}
        }
        Ok(report)
    }
}

/// Puts `fault` into what was told.
fn spoil(ran: &mut Ran, fault: Fault) {
    let last = ran
        .statuses
        .as_mut()
        .and_then(|statuses| statuses.last_mut());
    match (fault, last) {
        (Fault::Residual, Some(status)) => {
            status.scsw[11] = status.scsw[11].wrapping_add(1);
        }
        (Fault::Address, Some(status)) => {
            let mut address = [0; 4];
            address.copy_from_slice(&status.scsw[4..8]);
            let address = u32::from_be_bytes(address).wrapping_sub(8);
            status.scsw[4..8].copy_from_slice(&address.to_be_bytes());
        }
        (Fault::Length, Some(status)) => status.scsw[9] &= !0x40,
        (Fault::Command, _) => {
            ran.commands.as_mut().map(Vec::pop);
        }
        (Fault::Storage, _) => {
            ran.stored
                .as_mut()
                .map(std::collections::BTreeMap::pop_last);
        }
        _ => {}
    }
}
