// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `check`: whether programs are legal, and which rule they break at which bits.

use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use ccw::DeviceStatus;
use clap::ValueEnum;
use serde::Serialize;
use translator::{Blame, Finding, HostProfile, Outcome, Program};

use crate::batch::{Batch, Report};
use crate::commands::Limits;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::{Found, FoundEntry, Input};
use crate::listing::{self, Data};
use crate::prediction::{Prediction, Profile, predict};
use crate::printable::printable;
use crate::reading::Reading;
use crate::translation::{Translation, begin};
use crate::{analysis, finding, json, prediction, recorded, sarif, status, undecided};

/// Say whether channel programs are legal, and which rule they break at which bits.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files with programs; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Say also what an implementation does with the programs
    #[arg(long, value_name = "NAME", value_enum)]
    profile: Option<Profile>,
    #[command(flatten)]
    limits: Limits,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How verdicts are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON value per line
    Json,
    /// One SARIF 2.1.0 document, for code scanning and editors
    Sarif,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    let batch = Batch {
        files: &args.files,
        reading: &args.reading,
        limits: args.limits,
        format: match args.format {
            Form::Json => Format::Json,
            Form::Text | Form::Sarif => Format::Text,
        },
    };
    match args.format {
        Form::Sarif => document(&batch, args),
        Form::Text | Form::Json => batch.run(|input| one(input, args)),
    }
}

/// The findings about all inputs as one document.
fn document(batch: &Batch<'_>, args: &Args) -> io::Result<Exit> {
    if let Some(report) = batch.contradiction() {
        return report.end();
    }
    let parts = batch.gather(|file, input| match input {
        Ok(input) => {
            let (program, findings, exit) = judge(input, args);
            let predictions = predicted(input, &program, args);
            let part = sarif::part(file, input, &program, &findings, &predictions);
            (part, exit)
        }
        Err(error) => (sarif::unreadable(file, error), Exit::Unusable),
    });
    let exit = parts
        .iter()
        .map(|(_, exit)| *exit)
        .max()
        .unwrap_or_default();
    let parts = parts.into_iter().map(|(part, _)| part).collect();
    Report::document(sarif::document(parts, exit), exit).end()
}

/// The program of `input`, what is found about it, also by the host that was asked about, and how that
/// ends the call.
fn judge(input: &Input, args: &Args) -> (Program, Vec<Finding>, Exit) {
    let program = analysis::judge(input);
    let mut findings = program.findings().to_vec();
    let mut exit = exit(undecided::outcome(input, &program));
    let misfit = args
        .profile
        .and_then(Profile::host)
        .and_then(|host| misfit(input, &host));
    if let Some(misfit) = misfit {
        if !findings.contains(&misfit) {
            findings.push(misfit);
        }
        exit = exit.max(Exit::Refused);
    }
    (program, findings, exit)
}

/// What the implementations that were asked about do with `program`.
fn predicted(input: &Input, program: &Program, args: &Args) -> Vec<Prediction> {
    let implementations = args.profile.map_or(&[][..], Profile::implementations);
    predict(input, program, implementations)
}

fn one(input: &Input, args: &Args) -> Report {
    let (program, findings, exit) = judge(input, args);
    let predictions = predicted(input, &program, args);
    let out = match args.format {
        Form::Text | Form::Sarif => {
            text(input, &program, &findings) + &prediction::text(&predictions)
        }
        Form::Json => json::line(&Verdict {
            predictions: prediction::entries(&predictions),
            ..Verdict::of(input, &program, &findings)
        }),
    };
    Report::new(out, exit)
}

/// Prints the verdict on `input` in every way.
pub(crate) fn exercise(input: &Input) {
    let program = analysis::judge(input);
    text(input, &program, program.findings());
    let predictions = predict(input, &program, Profile::All.implementations());
    prediction::text(&predictions);
    json::line(&Verdict {
        predictions: prediction::entries(&predictions),
        ..Verdict::of(input, &program, program.findings())
    });
}

/// What keeps the host from carrying out a program that is legal, or the first part of one that goes on
/// part by part, as `run` and `submit` do.
fn misfit(input: &Input, profile: &HostProfile) -> Option<Finding> {
    match begin(input, analysis::judge(input), profile) {
        Translation::Refused(finding) if finding.code.blame() != Blame::Guest => Some(finding),
        _ => None,
    }
}

/// How a call ends that met this outcome.
pub(crate) const fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Valid => Exit::Fine,
        Outcome::Invalid => Exit::Refused,
        Outcome::Indeterminate => Exit::Undecided,
    }
}

/// A verdict, as JSON.
#[derive(Serialize)]
struct Verdict<'a> {
    name: &'a str,
    outcome: &'static str,
    findings: Vec<finding::Entry>,
    #[serde(skip_serializing_if = "is_zero")]
    findings_dropped: u32,
    scsw: Option<String>,
    #[serde(flatten)]
    aside: Aside<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    predictions: Vec<prediction::Entry>,
}

/// What else an input says, as JSON.
#[derive(Serialize)]
pub(crate) struct Aside<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    undecided: Vec<undecided::Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<recorded::Entry>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    remarks: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<FoundEntry>,
}

impl<'a> Aside<'a> {
    /// What `input` says besides `program`.
    pub(crate) fn of(input: &'a Input, program: &Program) -> Self {
        Self {
            undecided: undecided::entries(input, program),
            recorded: recorded::Entry::of(input, program),
            remarks: &input.remarks,
            found: input.found.as_ref().map(Found::entry),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it by reference"
)]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl<'a> Verdict<'a> {
    fn of(input: &'a Input, program: &Program, findings: &[Finding]) -> Self {
        Self {
            name: &input.name,
            outcome: undecided::outcome(input, program).name(),
            findings: finding::entries(input, program, findings),
            findings_dropped: program.findings_dropped(),
            scsw: program
                .scsw()
                .filter(|_| undecided::outcome(input, program) == Outcome::Invalid)
                .map(|scsw| json::digits(&scsw.encode().0)),
            aside: Aside::of(input, program),
            predictions: Vec::new(),
        }
    }
}

fn text(input: &Input, program: &Program, findings: &[Finding]) -> String {
    let outcome = undecided::outcome(input, program).name();
    let mut text = format!("{}: {outcome}\n", printable(&input.name));
    if !findings.is_empty() {
        let lines = listing::lines(input, program, findings, Data::Hidden);
        for line in listing::with_remarks(lines) {
            line.render(&mut text);
        }
    }
    text.push_str(&ending(input, program));
    text
}

/// What the machine makes of an invalid program, what was recorded of it, and what the input says
/// besides.
pub(crate) fn ending(input: &Input, program: &Program) -> String {
    let mut text = String::new();
    if program.findings_dropped() > 0 {
        let _ = writeln!(
            text,
            "  and {} further findings",
            program.findings_dropped()
        );
    }
    if undecided::outcome(input, program) == Outcome::Invalid {
        text.push_str(&status_of(program));
    }
    text.push_str(&recorded::text(input, program));
    if let Some(found) = &input.found {
        let _ = writeln!(text, "  {}", found.text());
    }
    for remark in &input.remarks {
        let _ = writeln!(text, "  note: {}", printable(remark));
    }
    text
}

/// The status with which a machine ends an invalid program.
fn status_of(program: &Program) -> String {
    let mut text = String::new();
    let word = if program.transport().is_some() {
        "TCW"
    } else {
        "CCW"
    };
    let _ = match program.scsw() {
        Some(scsw) if scsw.device.contains(DeviceStatus::UNIT_CHECK) => writeln!(
            text,
            "  the device ends it with unit check, {word} address {:08x}: SCSW {}",
            scsw.cpa,
            crate::dump::words(&scsw.encode().0)
        ),
        Some(scsw) => writeln!(
            text,
            "  a machine ends it with {}, {word} address {:08x}: SCSW {}",
            status::subchannel(scsw.subchannel),
            scsw.cpa,
            crate::dump::words(&scsw.encode().0)
        ),
        None => writeln!(
            text,
            "  START SUBCHANNEL ends with an operand exception; nothing is started"
        ),
    };
    text
}
