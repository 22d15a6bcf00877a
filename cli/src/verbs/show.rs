// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `show`: the whole program as an annotated listing.

use std::io;
use std::path::PathBuf;

use ccw::{CcwFlags, DeviceClass};
use clap::ValueEnum;
use serde::Serialize;
use translator::{Program, Step};

use super::check;
use crate::batch::{Batch, Report};
use crate::commands::Limits;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::Input;
use crate::kind::kind;
use crate::listing::{self, Data, Line, Mark, Subject};
use crate::printable::printable;
use crate::reading::Reading;
use crate::{analysis, finding, json, picture, undecided};

/// List channel programs: every CCW and list word that the channel reads, output data with its
/// EBCDIC text, and remarks under the bits that they are about.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files with programs; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    limits: Limits,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How programs are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON value per line
    Json,
    /// One page with a picture of each program
    Html,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    let batch = Batch {
        files: &args.files,
        reading: &args.reading,
        limits: args.limits,
        format: match args.format {
            Form::Json => Format::Json,
            Form::Text | Form::Html => Format::Text,
        },
    };
    match args.format {
        Form::Text => batch.run(|input| one(input, Format::Text)),
        Form::Json => batch.run(|input| one(input, Format::Json)),
        Form::Html => page(&batch),
    }
}

/// All programs on one page.
fn page(batch: &Batch<'_>) -> io::Result<Exit> {
    if let Some(report) = batch.contradiction() {
        return report.end();
    }
    let parts = batch.gather(|_, input| match input {
        Ok(input) => {
            let program = analysis::judge(input);
            let exit = check::exit(undecided::outcome(input, &program));
            let lines = listing::lines(input, &program, program.findings(), Data::Shown);
            let text = text_of(input, &program, &lines);
            (picture::part(input, &program, &lines, &text), exit)
        }
        Err(error) => (picture::unreadable(&error.to_string()), Exit::Unusable),
    });
    let exit = parts.iter().map(|(_, exit)| *exit).max();
    let parts: Vec<String> = parts.into_iter().map(|(part, _)| part).collect();
    Report::document(picture::page(&parts), exit.unwrap_or_default()).end()
}

fn one(input: &Input, format: Format) -> Report {
    let program = analysis::judge(input);
    let out = match format {
        Format::Text => text(input, &program),
        Format::Json => json::line(&Listing::of(input, &program)),
    };
    Report::new(out, check::exit(undecided::outcome(input, &program)))
}

/// Prints the program of `input` in every way.
pub(crate) fn exercise(input: &Input) {
    one(input, Format::Text);
    one(input, Format::Json);
}

/// The listing and the verdict.
pub(crate) fn text(input: &Input, program: &Program) -> String {
    let lines = listing::lines(input, program, program.findings(), Data::Shown);
    text_of(input, program, &lines)
}

/// The same with `remarks` under the CCWs at these addresses.
pub(crate) fn remarked(input: &Input, remarks: &[(u64, String)]) -> String {
    let program = analysis::judge(input);
    let mut lines = listing::lines(input, &program, program.findings(), Data::Shown);
    for (at, remark) in remarks {
        let step = program.steps().find(|step| step.at.get() == *at);
        let mut lines = lines.iter_mut();
        let line = step.and_then(|step| lines.find(|it| it.subject == Subject::Ccw(step.index)));
        if let Some(line) = line {
            line.marks.push(Mark {
                bits: None,
                text: vec![remark.clone()],
                excerpt: Vec::new(),
            });
        }
    }
    text_of(input, &program, &lines)
}

/// The verdict on a program, with these lines for the listing.
pub(crate) fn text_of(input: &Input, program: &Program, lines: &[Line]) -> String {
    let mut text = title(input);
    for line in lines {
        line.render(&mut text);
    }
    text.push_str(&format!(
        "  {}\n",
        undecided::outcome(input, program).name()
    ));
    text.push_str(&check::ending(input, program));
    text
}

/// `NAME, for a 3390 (ECKD disk), 16 MiB of storage`.
pub(crate) fn title(input: &Input) -> String {
    let kind = kind(input.device_class());
    let device = if input.device.is_empty() {
        "device not named"
    } else {
        &input.device
    };
    let size = input.memory.size();
    let size = if !input.memory.is_whole() {
        "part".to_owned()
    } else if size.is_multiple_of(1 << 20) {
        format!("{} MiB", size >> 20)
    } else {
        format!("{} KiB", size >> 10)
    };
    format!(
        "{}: {} ({kind}), {size} of storage\n",
        printable(&input.name),
        printable(device)
    )
}

/// A listing, as JSON.
#[derive(Serialize)]
struct Listing<'a> {
    name: &'a str,
    device: &'a str,
    outcome: &'static str,
    orb: String,
    ccws: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<listing::Blocks>,
    findings: Vec<finding::Entry>,
    #[serde(flatten)]
    aside: check::Aside<'a>,
}

/// A CCW, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    index: u16,
    addr: String,
    bytes: Option<String>,
    command: String,
    name: &'static str,
    flags: Vec<&'static str>,
    count: u16,
    data: String,
    data_chained: bool,
    possible: bool,
    list: Vec<String>,
}

impl<'a> Listing<'a> {
    fn of(input: &'a Input, program: &Program) -> Self {
        Self {
            name: &input.name,
            device: &input.device,
            outcome: undecided::outcome(input, program).name(),
            orb: json::digits(&input.orb.0),
            ccws: ccws(input, program),
            transport: program
                .transport()
                .map(|it| listing::Blocks::of(&it, input.device_class())),
            findings: finding::entries(input, program, program.findings()),
            aside: check::Aside::of(input, program),
        }
    }
}

/// The CCWs of `program`, as JSON.
pub(crate) fn ccws(input: &Input, program: &Program) -> Vec<Entry> {
    let class = input.device_class();
    let size = ccw::IdawFormat::of(program.orb()).size();
    program
        .steps()
        .map(|step| Entry::of(&step, class, size))
        .collect()
}

impl Entry {
    /// The entry for `step`; its IDAWs have `size` bytes.
    fn of(step: &Step<'_>, class: DeviceClass, size: u64) -> Self {
        let ccw = &step.ccw;
        let midal = ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT);
        let digits = if size == 4 { 8 } else { 16 };
        let word = |halves: &[[u8; 8]]| {
            let width = if midal { 16 } else { digits };
            halves
                .iter()
                .map(|half| format!("{:0width$x}", u64::from_be_bytes(*half)))
                .collect()
        };
        Self {
            index: step.index,
            addr: json::hex(step.at.get()),
            bytes: step.raw.map(|raw| json::digits(&raw.0)),
            command: format!("{:02x}", ccw.command),
            name: if step.tic {
                "TIC"
            } else {
                class.command_name(ccw.command)
            },
            flags: ccw.flags.names().collect(),
            count: ccw.count,
            data: json::hex(ccw.addr.get().into()),
            data_chained: step.in_data_chain,
            possible: step.possible,
            list: step
                .list
                .chunks(if midal { 2 } else { 1 })
                .map(word)
                .collect(),
        }
    }
}
