// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `ccwtool`: what a channel program is, whether it is legal, what becomes of it, what it does.
//!
//! The library is the tool; public of it is what `ccw-kit` has in common with it: [program files][program_file]
//! and [what devices answer][script], with their [fields], a [listing], and text that is safe to
//! [print][printable()].

#![forbid(unsafe_code)]

mod against;
mod analysis;
mod batch;
mod bits;
mod change;
mod colour;
mod commands;
mod condition;
#[cfg(target_os = "linux")]
mod description;
mod dump;
mod ebcdic;
mod excerpt;
mod exit;
pub mod fields;
mod finding;
mod format;
mod input;
mod json;
mod kind;
mod listing;
mod load;
mod machine;
mod memory;
mod outcome;
mod picture;
mod place;
mod prediction;
mod printable;
pub mod program_file;
mod progress;
mod reading;
mod recorded;
mod sarif;
pub mod script;
mod sense;
mod source;
mod status;
#[cfg(target_os = "linux")]
mod subchannel;
mod text;
mod translation;
mod undecided;
mod verbs;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit::Exit;

pub use printable::printable;

/// Reads channel programs of s390: shows, checks, translates and runs them, also on real devices.
#[derive(Parser)]
#[command(name = "ccwtool", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    /// Whether output has colours; `auto` is on a terminal, unless NO_COLOR or CLICOLOR=0 is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: clap::ColorChoice,
    /// Print nothing: the exit code says all. What cannot be read or written is still complained about
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
What a file is, is recognised: a trace of Hercules, CP, GTF or QEMU or an error report of Linux's
disk drivers as it was pasted, a listing, statements of an assembler, a dump of storage, or JSON
(`ccwtool check --help` lists them).

Examples:
  ccwtool check messages.txt          is the program in this trace or report legal, or what is wrong
  ccwtool check guest.elf             find the programs in a dump (an ELF core or a kdump file)
  ccwtool check --orb 2f00 guest.elf  check the one whose ORB lies there; --cpa ADDR, whose CCWs do
  xzcat log.xz | ccwtool check -      standard input
  ccwtool check --profile all FILE    what vfio-ccw, QEMU and Hercules do with it
  ccwtool explain C01                 what a condition means, with an example
  ccwtool show FILE                   the whole program; --format html draws it on a page
  ccwtool check --format json *.json  one line of JSON for each of many programs

Exit codes:
  0  every program is legal; the run ended normally
  1  a program breaks a rule or cannot be translated; the run ended with a check or did not end
  2  the command line is wrong, an input cannot be read, an output cannot be written
  3  whether a program is legal depends on the device, on bytes that it reads in itself, or on bytes
     that the input does not contain";

#[derive(Subcommand)]
enum Verb {
    Check(verbs::check::Args),
    Show(verbs::show::Args),
    Translate(verbs::translate::Args),
    Run(verbs::run::Args),
    #[cfg(target_os = "linux")]
    Submit(verbs::submit::Args),
    #[cfg(target_os = "linux")]
    Device(verbs::device::Args),
    Diff(verbs::diff::Args),
    Explain(verbs::explain::Args),
    Complete(verbs::complete::Args),
}

/// Carries out the command line of this process; the answer is how it ends.
pub fn main() -> ExitCode {
    let Cli { color, quiet, verb } = Cli::parse();
    colour::choose(color);
    if quiet {
        batch::be_quiet();
    }
    let result = match verb {
        Verb::Check(args) => verbs::check::run(&args),
        Verb::Show(args) => verbs::show::run(&args),
        Verb::Translate(args) => verbs::translate::run(&args),
        Verb::Run(args) => verbs::run::run(&args),
        #[cfg(target_os = "linux")]
        Verb::Submit(args) => verbs::submit::run(&args),
        #[cfg(target_os = "linux")]
        Verb::Device(args) => verbs::device::run(&args),
        Verb::Diff(args) => verbs::diff::run(&args),
        Verb::Explain(args) => verbs::explain::run(&args),
        Verb::Complete(args) => verbs::complete::run(&args, Cli::command()),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            batch::complain(&format!("ccwtool: the report cannot be written: {error}\n"));
            Exit::Unusable.into()
        }
    }
}

/// The program of a file of the format `ccwprog/1`, listed and judged as the verb `show` does it, with
/// these remarks under the CCWs at these addresses.
///
/// # Errors
///
/// Why it is no program, in words.
pub fn listing(file: &[u8], remarks: &[(u64, String)]) -> Result<String, String> {
    let input = reading::program(file).map_err(|error| error.to_string())?;
    Ok(verbs::show::remarked(&input, remarks))
}

/// Takes `bytes` for a file of each format, and prints what programs it finds there.
#[doc(hidden)]
pub fn exercise(bytes: &[u8]) {
    for inputs in reading::every(bytes) {
        for input in inputs.iter().take(MOST_EXERCISED) {
            verbs::check::exercise(input);
            verbs::show::exercise(input);
        }
    }
}

/// Takes `bytes` for a dump of each kind, looks through it, and prints what is found there.
#[doc(hidden)]
pub fn exercise_dump(bytes: &[u8]) {
    for inputs in reading::dumps(bytes) {
        for input in inputs.iter().take(MOST_EXERCISED) {
            verbs::check::exercise(input);
            verbs::show::exercise(input);
        }
    }
}

/// Programs of one file that [`exercise`] looks at: enough for each to meet the next.
const MOST_EXERCISED: usize = 8;
