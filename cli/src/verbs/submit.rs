// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `submit`: has a device run a program, and tells what came of it in the guest's terms.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ccw::{DeviceStatus, Guest, Irb, Orb};
use serde::Serialize;
use translator::{
    Buffers, Finding, Guards, HostProfile, Part, Planned, Program, fetch, fetch_part, validate,
};

use super::show;
use crate::batch::Report;
use crate::commands::Limits;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::{Input, InputError, Place};
use crate::listing::{self, Data, Mark, Subject};
use crate::memory::Working;
use crate::outcome::{self, Outcome};
use crate::reading::Reading;
use crate::subchannel::{Desk, GuestSetup, Ram, Ran, Session, Target, Uses, Watched, policy};
use crate::translation::{Translation, begin};
use crate::{analysis, finding, json};

/// Run a channel program on a device of this machine: its storage becomes a guest's, its translation
/// is started by the kernel's vfio-ccw, and the status is mapped back. What it writes is written.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// With --soft: let the device change its file; otherwise changes are forgotten after the run
    #[arg(long, conflicts_with_all = ["group", "cdev"])]
    write: bool,
    /// Resume a program that suspends itself, so many times at most; each time the S flag is taken out
    /// of the CCW where it stands
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    resume: u32,
    /// File with a program; `-` is standard input
    #[arg(value_name = "PROGRAM")]
    program: PathBuf,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    limits: Limits,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Bytes of storage that are lent to a program in parts, which may come to use any of them: those that
/// format-0 CCWs reach.
const LENT: u64 = 16 << 20;

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    let input = args.reading.one(&args.program);
    let input = input.and_then(|input| args.limits.confine(input));
    let report = input.and_then(|input| one(&input, args));
    let report = report.unwrap_or_else(|error| Report::unreadable(&error, args.format));
    report.end()
}

fn one(input: &Input, args: &Args) -> Result<Report, InputError> {
    if !input.memory.is_whole() {
        return Err(InputError {
            file: args.program.display().to_string(),
            place: Place::Whole,
            reason: "only a part of storage is in this input, and a device may need all of it"
                .to_owned(),
        });
    }
    let program = analysis::judge(input);
    let mut findings = program.findings().to_vec();
    let (outcome, storage, ended) = match prepare(input) {
        Err(refusal) => {
            if !findings.contains(&refusal) {
                findings.push(refusal);
            }
            (
                outcome::refused(&refusal),
                Working::new(&input.memory),
                None,
            )
        }
        Ok(uses) => {
            let ram = Ram::new(&input.memory, &uses).map_err(|reason| InputError {
                file: args.program.display().to_string(),
                place: Place::Whole,
                reason,
            })?;
            let (ended, outcome) = start(input, &findings, &ram, args)?;
            let tsb = program.transport().map(|it| it.tcw().tsb.get());
            (outcome.with_tsb(tsb), ram.working(), ended)
        }
    };
    let exit = outcome.exit();
    let class = input.device_class();
    let out = match args.format {
        Format::Text => {
            let mut text = listing(input, &program, &findings, ended.as_ref());
            text.push_str(&format!("\nsubmitted to {}:\n", args.target.name()));
            text.push_str(&outcome.text(class, &storage));
            text
        }
        Format::Json => json::line(&Entry {
            name: &input.name,
            device: args.target.name(),
            findings: finding::entries(input, &program, &findings),
            translated: outcome.entry(class, &storage),
        }),
    };
    let mut report = Report::new(out, exit);
    if let Some(soft) = args.target.soft()
        && let Err(reason) = soft.deliver(outcome.output(), args.write)
    {
        let error = args.target.trouble(reason);
        report.err = format!("ccwtool: {error}\n");
        report.exit = Exit::Unusable;
    }
    Ok(report)
}

/// The storage that the program of `input` uses, as far as a guest's subchannel on vfio-ccw takes the
/// program; or why it does not.
fn prepare(input: &Input) -> Result<Uses, Finding> {
    let profile = HostProfile::VFIO_CCW;
    // First by what `check --profile vfio-ccw` says.
    if let Translation::Refused(finding) = begin(input, analysis::judge(input), &profile) {
        return Err(finding);
    }
    let memory = &input.memory;
    let guards = Guards {
        keys: analysis::keys(memory),
        commands: input.commands.as_ref(),
        ..Guards::default()
    };
    let policy = policy(input.device_class());
    let watched = Watched::new(memory);
    let snapshot = fetch(&input.orb, &watched, &policy, &guards, Buffers::new());
    let map = analysis::regions(memory);
    let whole = validate(snapshot, &map, &guards);
    let mut data = Uses::default();
    for extent in whole.extents() {
        data.add(extent.start.get(), extent.len.into());
    }
    if let Ok(planned) = whole.plan(&profile) {
        let read = watched.into_uses();
        return Ok(match planned {
            Planned::Run(_) => read.and(data),
            _ => read,
        });
    }
    // In parts, of which only the first one is known for certain.
    let program = fetch_part(
        &input.orb,
        &Part::START,
        &watched,
        &map,
        &policy,
        &guards,
        Buffers::new(),
    );
    match program.plan(&profile) {
        Err(rejected) => Err(rejected.finding),
        Ok(_) => {
            let mut uses = watched.into_uses().and(data);
            uses.add(0, memory.size().min(LENT));
            Ok(uses)
        }
    }
}

/// Starts the program on the device. The answer is the status that it ended with, if it did, and the
/// outcome.
fn start(
    input: &Input,
    findings: &[Finding],
    ram: &Ram<'_>,
    args: &Args,
) -> Result<(Option<Irb<Guest>>, Outcome), InputError> {
    let target = &args.target;
    let (backend, window) = target.open(&input.device, args.write)?;
    let trouble = |reason| target.trouble(reason);
    let guest = GuestSetup {
        class: input.device_class(),
        keys: match input.memory.has_keys() {
            true => Some(Arc::new(input.memory.clone())),
            false => None,
        },
        commands: input.commands,
    };
    let session = Session::new(backend, window, guest, target.timeout());
    let mut session = session.map_err(trouble)?;
    ram.lend(&session).map_err(trouble)?;
    let mut ran = session.start(&input.orb);
    for _ in 0..args.resume {
        let Ran::Suspended(irb) = &ran else { break };
        let at = u64::from(irb.scsw.cpa.wrapping_sub(8));
        ram.take_suspend_flag(at, Orb::<Guest>::decode(&input.orb).format);
        ran = session.resume();
    }
    let ended = match &ran {
        Ran::Status(irb) | Ran::Suspended(irb) => Some(*irb),
        Ran::Stopped(irb, _) => *irb,
        Ran::NotStarted(_) | Ran::GivenUp(_) => None,
    };
    let mut sense = None;
    if let Ran::Status(irb) = &ran
        && irb.scsw.device.contains(DeviceStatus::UNIT_CHECK)
        && irb.concurrent_sense().is_none()
        && !Orb::<Guest>::decode(&input.orb).transport
    {
        // As a driver does; the status came without. That of transport mode has it in the TSB.
        let desk = Desk::new(&session, ram.spare()).map_err(trouble)?;
        sense = desk.sense(&mut session);
    }
    let outcome = outcome::submitted(ran, &mut session, findings, sense);
    Ok((ended, outcome))
}

/// The program with the verdict on it, and where it stopped.
fn listing(
    input: &Input,
    program: &Program,
    findings: &[Finding],
    ended: Option<&Irb<Guest>>,
) -> String {
    let mut lines = listing::lines(input, program, findings, Data::Shown);
    // Status 0 says that the address is not known.
    if let Some(at) = ended.and_then(|irb| irb.scsw.cpa.checked_sub(8)) {
        let mut steps = program.steps();
        let step = steps.find(|step| step.at.get() == u64::from(at));
        let subject = step.map(|step| Subject::Ccw(step.index));
        let mut lines = lines.iter_mut();
        if let Some(line) = lines.find(|line| Some(line.subject) == subject) {
            let (bits, text) = (None, vec!["it ended here".to_owned()]);
            line.marks.insert(
                0,
                Mark {
                    bits,
                    text,
                    excerpt: Vec::new(),
                },
            );
        }
    }
    show::text_of(input, program, &lines)
}

/// What came of it, as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    device: String,
    findings: Vec<finding::Entry>,
    translated: outcome::Entry,
}
