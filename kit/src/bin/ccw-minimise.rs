// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The smallest program that still fails.

use std::{
    cell::RefCell,
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    rc::Rc,
};

use ccw_kit::{
    convert::{self, Script},
    generator::Case,
    implementation::Recorded,
    load::load,
    machine::Machine,
    minimise::minimise,
    reached,
    say::{complain, say},
    targets,
};

const USAGE: &str = "\
Usage: ccw-minimise INPUT FOLDER fails TARGET
       ccw-minimise INPUT FOLDER finds ID
       ccw-minimise INPUT FOLDER command COMMAND...

INPUT is an input of `equivalence` or `walk`, or a program file (NAME.json), whose device answers as
NAME.script.json beside it says, or else as was recorded. It is made smaller as long as
  fails    the fuzz target fails
  finds    the translator finds the condition with this id, such as C05
  command  COMMAND with the name of a program file behind it ends with exit code 0
Then FOLDER has the smallest one as input (NAME.min) and as program (NAME.min.json, for ccwtool). What its device
answers is in NAME.min.script.json, and beside the program that COMMAND is asked about under such a name as well.

Exit codes: 0 nothing more can be left out, 1 it did not fail, or was asked too often, 2 the command line is
wrong, or a file cannot be read or written";

/// How often it is asked at most, whether a program fails.
const MOST: usize = 20_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [input, folder, how, what @ ..] = words.as_slice() else {
        complain(USAGE);
        return ExitCode::from(2);
    };
    match run(Path::new(input), Path::new(folder), how, what) {
        Ok(code) => code,
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

fn run(input: &Path, folder: &Path, how: &str, what: &[&str]) -> Result<ExitCode, String> {
    let case = read(input)?;
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let name = input.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{name}.min");
    if is_same(input, &folder.join(&name)) {
        return Err(format!("{}: would be overwritten", input.display()));
    }
    let candidate = folder.join(format!("{name}.candidate.json"));
    // Why a command cannot be asked.
    let broken = Rc::new(RefCell::new(None));
    let mut fails: Box<dyn FnMut(&Case) -> bool> = match (how, what) {
        ("fails", [target @ ("equivalence" | "walk")]) => {
            let target = targets::named(target).ok_or(USAGE)?;
            // What it fails with is told once, at the end.
            std::panic::set_hook(Box::new(|_| {}));
            Box::new(move |case| {
                let bytes = case.to_bytes();
                reached::counted(|| target(&bytes)).1.is_err()
            })
        }
        ("finds", [id]) => {
            let mut codes = translator::Code::ALL.iter();
            let code = *codes.find(|code| code.id() == *id).ok_or(USAGE)?;
            Box::new(move |case| {
                let program = ccw_kit::differential::judge(&case.build());
                program.findings().iter().any(|found| found.code == code)
            })
        }
        ("command", [command, arguments @ ..]) => {
            let (command, candidate) = ((*command).to_owned(), candidate.clone());
            let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
            let broken = Rc::clone(&broken);
            Box::new(move |case| {
                let status = write_program(&candidate, "candidate", case).and_then(|()| {
                    let mut asked = Command::new(&command);
                    let asked = asked.args(&arguments).arg(&candidate);
                    let status = asked.stdin(Stdio::null()).stdout(Stdio::null()).status();
                    let status = status.map_err(|error| format!("{command}: {error}"))?;
                    match status.code() {
                        // As a shell says it.
                        Some(code @ (126 | 127)) => {
                            Err(format!("{command}: could not be run (exit code {code})"))
                        }
                        _ => Ok(status),
                    }
                });
                match status {
                    Ok(status) => status.success(),
                    Err(why) => {
                        broken.borrow_mut().get_or_insert(why);
                        false
                    }
                }
            })
        }
        _ => return Err(USAGE.to_owned()),
    };
    let minimised = minimise(&case, MOST, &mut fails);
    let failed = minimised.case != case || fails(&case);
    drop(fs::remove_file(candidate.with_extension(SCRIPT)));
    drop(fs::remove_file(candidate));
    let broken = broken.take();
    if !failed {
        if let Some(why) = broken {
            return Err(why);
        }
        complain(&format!("{}: does not fail", input.display()));
        return Ok(ExitCode::from(1));
    }
    let bytes = minimised.case.to_bytes();
    write(&folder.join(&name), &bytes)?;
    write_program(&folder.join(format!("{name}.json")), &name, &minimised.case)?;
    let (asked, case) = (minimised.asked, minimised.case);
    // Whether it is read is not what the exit code tells.
    let _ = say(&format!("asked {asked} times\n{case:?}\n"))?;
    if let Some(why) = broken {
        return Err(why);
    }
    Ok(ExitCode::from(u8::from(!minimised.complete)))
}

/// How the name of a file ends that has what the device of a program answers.
const SCRIPT: &str = "script.json";

/// Writes `case` as a program called `name`, and what its device answers beside it.
fn write_program(path: &Path, name: &str, case: &Case) -> Result<(), String> {
    let (machine, script) = match convert::to_program("walk", name, &case.to_bytes()) {
        Ok(written) => {
            let machine = Machine {
                file: written.file,
                concurrent_sense: case.terms.concurrent_sense,
                script: None,
            };
            (machine, written.script)
        }
        // It comes to what no program file has, such as holes: as ccw-compare runs it.
        Err(_) => {
            let mut machine = Machine::of_case(case);
            machine.file.name = name.to_owned();
            let script = machine.script.take();
            (machine, script.as_deref().map(Script::of_machine))
        }
    };
    let text = serde_json::to_string_pretty(&machine).map_err(|error| error.to_string())?;
    if let Some(script) = script {
        write(&path.with_extension(SCRIPT), script.to_json().as_bytes())?;
    }
    write(path, text.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether both are there, and are one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn read(input: &Path) -> Result<Case, String> {
    let told = |why: String| format!("{}: {why}", input.display());
    if input.extension().is_none_or(|ending| ending != "json") {
        return Ok(Case::from_bytes(&load(input).map_err(told)?));
    }
    let (case, changed) = Recorded::default().load(input)?.to_case().map_err(told)?;
    for what in changed {
        complain(&format!("{}: {what}", input.display()));
    }
    Ok(case)
}
