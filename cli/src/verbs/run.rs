// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `run`: executes a program on a software channel and a device, and tells what came of it.

use std::io;
use std::path::PathBuf;

use serde::Serialize;
use translator::HostProfile;

use super::{show, translate};
use crate::batch::Report;
use crate::commands::Limits;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::{Input, InputError, Place};
use crate::machine::Spec;
use crate::memory::Working;
use crate::outcome::{self, Outcome};
use crate::printable::printable;
use crate::reading::Reading;
use crate::translation::begin;
use crate::{analysis, finding, json};

/// Run a channel program: translate it, execute the translated program on a software channel and
/// a device, and map the status back to the guest.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File with a program; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// The device: eckd:IMAGE (CKD, as dasdinit makes it), fba:IMAGE (flat file), tape:IMAGE
    /// (.aws), printer:FILE, punch:FILE, reader:FILE (text), or script:FILE (JSON: its answers)
    #[arg(long, value_name = "KIND:FILE")]
    device: Spec,
    /// Let the device change its file; otherwise changes are forgotten after the run
    #[arg(long, conflicts_with = "compare")]
    write: bool,
    /// Run the guest's own program on guest storage, not the translated one; not with --compare, which
    /// runs both, nor with --read-only and --extent, which keep what is translated
    #[arg(long, conflicts_with_all = ["read_only", "extent"])]
    direct: bool,
    /// Run both, the guest's own program and the translated one, each with storage and device as they
    /// were, and say where they differ; not with --write
    #[arg(long, conflicts_with = "direct")]
    compare: bool,
    #[command(flatten)]
    limits: Limits,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    let input = args.reading.one(&args.file);
    let report = match input.and_then(|input| args.limits.confine(input)) {
        Ok(input) => match one(&input, args) {
            Ok(report) => report,
            Err(reason) => {
                let file = args.device.path().display().to_string();
                let place = Place::Whole;
                Report::unreadable(
                    &InputError {
                        file,
                        place,
                        reason,
                    },
                    args.format,
                )
            }
        },
        Err(error) => Report::unreadable(&error, args.format),
    };
    report.end()
}

fn one(input: &Input, args: &Args) -> Result<Report, String> {
    let program = analysis::judge(input);
    let mut text = show::text(input, &program);
    let found = program.findings().to_vec();
    let tsb = program.transport().map(|it| it.tcw().tsb.get());
    let findings = finding::entries(input, &program, &found);

    let attach = || args.device.attach(&input.device, args.write);

    let direct = if args.direct || args.compare {
        let mut storage = Working::new(&input.memory);
        let outcome = outcome::direct(input, &mut storage, attach()?).with_tsb(tsb);
        Some((outcome.in_storage(&storage), storage))
    } else {
        None
    };
    let mut shown = None;
    let translated = if args.direct {
        None
    } else {
        let translation = begin(input, program, &HostProfile::SOFTWARE);
        text.push_str(&translate::describe(
            input,
            &translation,
            "the software channel",
        ));
        let mut storage = Working::new(&input.memory);
        shown = Some(translate::Host::of(&translation, input.device_class()));
        let outcome =
            outcome::translated(input, translation, &found, &mut storage, attach()?).with_tsb(tsb);
        Some((outcome.in_storage(&storage), storage))
    };

    let mut exit = Exit::Fine;
    let mut lost = String::new();
    let mut deliver = |outcome: &Outcome| {
        if let Err(reason) = args.device.deliver(outcome.output(), args.write) {
            let file = args.device.path().display();
            lost = format!("ccwtool: {}: {reason}\n", printable(&file.to_string()));
        }
    };
    let mut entry = Entry {
        name: &input.name,
        findings,
        translation: shown,
        direct: None,
        translated: None,
        differences: None,
    };
    if let Some((outcome, storage)) = &direct {
        text.push_str("\nthe guest's own program:\n");
        text.push_str(&outcome.text(input.device_class(), storage));
        deliver(outcome);
        entry.direct = Some(outcome.entry(input.device_class(), storage));
        exit = exit.max(outcome.exit());
    }
    if let Some((outcome, storage)) = &translated {
        text.push_str("\nthe translated program:\n");
        text.push_str(&outcome.text(input.device_class(), storage));
        deliver(outcome);
        entry.translated = Some(outcome.entry(input.device_class(), storage));
        exit = exit.max(outcome.exit());
    }
    if let (Some((one, one_storage)), Some((other, other_storage))) = (&direct, &translated) {
        let (head, differences) = if let Some(reason) = one.incomparable(other) {
            ("not compared:", vec![reason])
        } else {
            let mut differences = one.differences(other);
            differences.extend(outcome::storage_difference(one_storage, other_storage));
            ("they differ:", differences)
        };
        text.push_str(&match differences.is_empty() {
            true => "\nboth did the same: status, device traffic and storage\n".to_owned(),
            false => format!("\n{head}\n"),
        });
        for difference in &differences {
            text.push_str(&format!("  {difference}\n"));
            // Where one could not be run for want of storage, nothing is known.
            if exit != Exit::Undecided {
                exit = Exit::Refused;
            }
        }
        entry.differences = Some(differences);
    }
    let out = match args.format {
        Format::Text => text,
        Format::Json => json::line(&entry),
    };
    let exit = if lost.is_empty() {
        exit
    } else {
        Exit::Unusable
    };
    Ok(Report {
        out,
        err: lost,
        exit,
        document: false,
    })
}

/// A run, as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    findings: Vec<finding::Entry>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    translation: Option<translate::Host>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direct: Option<outcome::Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    translated: Option<outcome::Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<Vec<String>>,
}
