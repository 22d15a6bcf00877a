// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The smallest program that still fails.

use std::{
    cell::RefCell,
    fs,
    io::{self, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
    rc::Rc,
};

use ccw_kit::{
    convert, generator::Case, load::load, minimise::minimise, program_file::ProgramFile, reached,
    targets,
};

const USAGE: &str = "\
Usage: ccw-minimise INPUT FOLDER fails TARGET
       ccw-minimise INPUT FOLDER finds ID
       ccw-minimise INPUT FOLDER command COMMAND...

INPUT is an input of `equivalence` or `walk`, or a program file (NAME.json). It is made smaller as long as
  fails    the fuzz target fails
  finds    the translator finds the condition with this id, such as C05
  command  COMMAND with the name of a program file behind it ends with exit code 0
Then FOLDER has the smallest one as input (NAME.min) and as program (NAME.min.json, for ccwtool).

Exit codes: 0 nothing more can be left out, 1 it did not fail, or was asked too often, 2 the command line is
wrong, or a file cannot be read or written";

/// How often it is asked at most, whether a program fails.
const MOST: usize = 20_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [input, folder, how, what @ ..] = words.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(Path::new(input), Path::new(folder), how, what) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("{why}");
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
                // What is no program file cannot be shown to a command.
                let Ok(written) = convert::to_program("walk", "candidate", &case.to_bytes()) else {
                    return false;
                };
                let named = |what: &str, error: io::Error| format!("{what}: {error}");
                let shown = fs::write(&candidate, written.file.to_json())
                    .map_err(|error| named(&candidate.to_string_lossy(), error));
                let status = shown.and_then(|()| {
                    let mut asked = Command::new(&command);
                    let asked = asked.args(&arguments).arg(&candidate);
                    let status = asked.stdin(Stdio::null()).stdout(Stdio::null()).status();
                    status.map_err(|error| named(&command, error))
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
    drop(fs::remove_file(candidate));
    let broken = broken.take();
    if !failed {
        if let Some(why) = broken {
            return Err(why);
        }
        eprintln!("{}: does not fail", input.display());
        return Ok(ExitCode::from(1));
    }
    let bytes = minimised.case.to_bytes();
    let write = |name: String, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    };
    write(name.clone(), &bytes)?;
    match convert::to_program("walk", &name, &bytes) {
        Ok(written) => write(format!("{name}.json"), written.file.to_json().as_bytes())?,
        Err(why) => eprintln!("no program file: {why}"),
    }
    let (asked, case) = (minimised.asked, minimised.case);
    let told = writeln!(io::stdout(), "asked {asked} times\n{case:?}");
    told.map_err(|error| format!("the answer cannot be written: {error}"))?;
    if let Some(why) = broken {
        return Err(why);
    }
    Ok(ExitCode::from(u8::from(!minimised.complete)))
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
    let bytes = load(input).map_err(told)?;
    match input.extension().is_some_and(|ending| ending == "json") {
        true => Case::of_file(&ProgramFile::parse(&bytes).map_err(told)?).map_err(told),
        false => Ok(Case::from_bytes(&bytes)),
    }
}
