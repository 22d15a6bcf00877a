// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Runs channel programs on several implementations, and shows where they first differ.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use ccw_kit::compare::{Compared, Comparison, FIELDS, text, without_report};
use ccw_kit::generator::{Case, random_cases};
use ccw_kit::implementation::{Implementation, Limits, Process, Recorded, Reference, Translated};
use ccw_kit::load;
use ccw_kit::machine::Machine;
use ccw_kit::say::{Wanted, complain, say};
use ccwtool::printable;
use clap::Parser;

/// Runs channel programs on several implementations, and shows where they first differ.
#[derive(Parser)]
#[command(name = "ccw-compare", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Args {
    /// An implementation: `css`, `translator`, `translator:no-midaws`, `recorded`, or `exec:COMMAND`, which reads machines on
    /// standard input and writes reports; `css` and `translator` if there is none
    #[arg(long = "with", value_name = "WHAT")]
    with: Vec<Which>,
    /// Programs in the format of tests/programs, or folders of them; what the device of NAME.json answers
    /// may be in NAME.script.json
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Inputs of the fuzz targets `equivalence` and `walk`, or folders of them
    #[arg(long, value_name = "FILE")]
    inputs: Vec<PathBuf>,
    /// So many programs of the generator
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    random: u32,
    /// Which ones
    #[arg(long, value_name = "NUMBER", default_value_t = 390)]
    seed: u64,
    /// Those in format 1, without lists, storage keys, suspension, PCI, skipping and controls of the ORB but for
    /// prefetching
    #[arg(long, requires = "random")]
    plain: bool,
    /// Only a difference in all of these counts, which are named as reports do: `subchannel status, CCW address`.
    /// Others take one line
    #[arg(long, value_name = "FIELDS")]
    differs: Option<Held>,
    /// Go on behind a difference; each takes one line then
    #[arg(long)]
    keep_going: bool,
    /// How long a process may take for one program
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  no difference
  1  two differ (with --differs: in these fields)
  2  the command line is wrong, a file cannot be read, or nothing was compared
  3  one had no report, and no two differ";

/// Fields in which two are to differ.
#[derive(Clone)]
struct Held(Vec<&'static str>);

impl FromStr for Held {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = |word: &str| FIELDS.into_iter().find(|name| *name == word.trim());
        let names: Option<Vec<&str>> = text.split(',').map(known).collect();
        let told = || format!("the fields are: {}", FIELDS.join(", "));
        names.map(Self).ok_or_else(told)
    }
}

/// An implementation by its name.
#[derive(Clone)]
enum Which {
    Css,
    Translator(Translated),
    Recorded,
    Exec(String),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "css" => Ok(Self::Css),
            "translator" => Ok(Self::Translator(Translated::default())),
            "translator:no-midaws" => Ok(Self::Translator(Translated { midaws: false })),
            "recorded" => Ok(Self::Recorded),
            other => match other.strip_prefix("exec:") {
                Some(command) if !command.trim().is_empty() => Ok(Self::Exec(command.to_owned())),
                _ => Err(
                    "one of css, translator, translator:no-midaws, recorded, exec:COMMAND"
                        .to_owned(),
                ),
            },
        }
    }
}

/// A program to be compared.
struct Task {
    machine: Machine,
    /// The fuzz input that it is.
    input: Option<Vec<u8>>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(End::Same) => ExitCode::SUCCESS,
        Ok(End::Differs) => ExitCode::from(1),
        Ok(End::NoReport) => ExitCode::from(3),
        Err(why) => {
            complain(&format!("ccw-compare: {}", printable(&why)));
            ExitCode::from(2)
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Same,
    NoReport,
    Differs,
}

fn run(args: &Args) -> Result<End, String> {
    let with = match args.with.as_slice() {
        [] => vec![Which::Css, Which::Translator(Translated::default())],
        with => with.to_vec(),
    };
    if with.len() < 2 {
        return Err("there is nothing to compare one implementation with: add a --with".to_owned());
    }
    let mut recorded = Recorded::default();
    let programs = programs(&args.files, &mut recorded)?;
    let inputs = files(&args.inputs, None)?;
    if programs.is_empty() && inputs.is_empty() && args.random == 0 {
        return Err("name FILEs, --inputs, or --random NUMBER".to_owned());
    }
    // There may be many of these: one at a time.
    let inputs = inputs.into_iter().map(|file| of_input(&file));
    let tasks = programs.into_iter().map(Ok).chain(inputs);
    let tasks = tasks.chain(drawn(args).map(Ok));
    let limits = Limits {
        time: Duration::from_secs(args.timeout),
        ..Limits::default()
    };
    let implementations = with.into_iter().map(|which| -> Box<dyn Implementation> {
        match which {
            Which::Css => Box::new(Reference::default()),
            Which::Translator(translated) => Box::new(translated),
            Which::Recorded => Box::new(recorded.clone()),
            Which::Exec(command) => Box::new(Process::new(&command, limits)),
        }
    });
    let mut comparison = Comparison::new(implementations.collect());
    let mut end = End::Same;
    for task in tasks {
        let Task { machine, input } = &task?;
        let name = printable(&machine.file.name);
        let (found, report) = match comparison.run(machine) {
            Compared::Same | Compared::Alone | Compared::Left(_) => continue,
            Compared::Differs(difference) => {
                let held = args.differs.as_ref();
                let found = match held.is_none_or(|Held(names)| difference.is_in(names)) {
                    true => End::Differs,
                    false => End::Same,
                };
                let [one, other] = &difference.names;
                let line = || {
                    format!(
                        "{name}: {one} and {other} differ in {}\n",
                        difference.what()
                    )
                };
                match found == End::Same || args.keep_going {
                    true => (found, line()),
                    false => (found, text(&difference, input.as_deref())),
                }
            }
            Compared::Failed(who, failure) => {
                let who = comparison.name(who);
                let report = match args.keep_going {
                    true => format!("{name}: {who} {failure}\n"),
                    false => without_report(machine, who, &failure, input.as_deref()),
                };
                (End::NoReport, report)
            }
        };
        end = end.max(found);
        let last = found != End::Same && !args.keep_going;
        if say(&report)? == Wanted::NoMore || last && say("\n")? == Wanted::NoMore {
            return Ok(end);
        }
        if last {
            break;
        }
    }
    let counts = comparison.counts();
    let _ = say(&counts.to_string())?;
    match counts.compared() {
        0 if end == End::Same => Err("nothing was compared".to_owned()),
        _ => Ok(end),
    }
}

/// How the name of a program's script ends.
const SCRIPT: &str = ".script.json";

/// The programs of `paths`, of which `recorded` keeps how they ended.
fn programs(paths: &[PathBuf], recorded: &mut Recorded) -> Result<Vec<Task>, String> {
    let mut tasks = Vec::new();
    let programs = files(paths, Some("json"))?.into_iter();
    for file in programs.filter(|file| !file.to_string_lossy().ends_with(SCRIPT)) {
        tasks.push(Task {
            machine: recorded.load(&file)?,
            input: None,
        });
    }
    Ok(tasks)
}

/// The input of a fuzz target in `file`.
fn of_input(file: &Path) -> Result<Task, String> {
    let bytes = load(file)?;
    let mut machine = Machine::of_case(&Case::from_bytes(&bytes));
    machine.file.name = file.display().to_string();
    Ok(Task {
        machine,
        input: Some(bytes),
    })
}

/// The first programs of the generator.
fn drawn(args: &Args) -> impl Iterator<Item = Task> {
    let (plain, seed) = (args.plain, args.seed);
    (0..args.random)
        .zip(random_cases(seed))
        .map(move |(n, case)| {
            let case = if plain { case.plain() } else { case };
            let mut machine = Machine::of_case(&case);
            machine.file.name = format!("random-{seed}-{n}");
            Task {
                machine,
                input: Some(case.to_bytes()),
            }
        })
}

fn load(file: &Path) -> Result<Vec<u8>, String> {
    load::load(file).map_err(|why| format!("{}: {why}", file.display()))
}

/// `paths`, and in the place of folders what is in them, with this ending if there is one.
fn files(paths: &[PathBuf], ending: Option<&str>) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let error = |error| format!("{}: {error}", path.display());
        let mut within = Vec::new();
        for entry in fs::read_dir(path).map_err(error)? {
            within.push(entry.map_err(error)?.path());
        }
        within.retain(|it| it.is_file());
        within
            .retain(|it| ending.is_none_or(|ending| it.extension().is_some_and(|it| it == ending)));
        within.sort();
        files.extend(within);
    }
    Ok(files)
}
