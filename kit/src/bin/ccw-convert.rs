// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Program files to inputs of fuzz targets, and back.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::ExitCode,
};

use ccw_kit::{
    convert::{self, Script},
    load::load,
    say::complain,
};
use ccwtool::printable;

const USAGE: &str = "\
Usage: ccw-convert to-input TARGET FOLDER PROGRAM.json...
       ccw-convert to-program TARGET FOLDER INPUT...

to-input    makes of each program file an input of the fuzz target, FOLDER/NAME. What its device answers
            is in NAME.script.json beside the program file, if that is there
to-program  makes of each input a program file, FOLDER/NAME.json, and of what its device answers a script
            for `ccwtool run --device script:FOLDER/NAME.script.json`

What the other form cannot hold is refused by name; nothing is overwritten.

Exit codes: 0 everything was converted, 1 something was refused, 2 the command line is wrong";

const SCRIPT: &str = ".script.json";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (convert, target, folder, files): (Convert, _, _, _) = match words.as_slice() {
        ["to-input", target, folder, files @ ..] if !files.is_empty() => {
            (to_input, *target, Path::new(*folder), files)
        }
        ["to-program", target, folder, files @ ..] if !files.is_empty() => {
            (to_program, *target, Path::new(*folder), files)
        }
        _ => {
            complain(USAGE);
            return ExitCode::from(2);
        }
    };
    let mut refused = false;
    // The first file of which something is to be noted, and how many more.
    let mut noted: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.ends_with(SCRIPT)) {
        match convert(target, folder, Path::new(file)) {
            Ok(notes) => {
                for note in notes {
                    noted.entry(note).or_insert((file, 0)).1 += 1;
                }
            }
            Err(why) => {
                complain(&printable(&format!("{file}: {why}")));
                refused = true;
            }
        }
    }
    for (note, (file, files)) in noted {
        let more = match files {
            1 => String::new(),
            files => format!(" and {} more", files - 1),
        };
        complain(&printable(&format!("{file}{more}: {note}")));
    }
    ExitCode::from(u8::from(refused))
}

/// What is to be noted of it.
type Convert = fn(&str, &Path, &Path) -> Result<Vec<String>, String>;

fn to_input(target: &str, folder: &Path, file: &Path) -> Result<Vec<String>, String> {
    let stem = stem(file)?;
    let beside = file.with_file_name(format!("{stem}{SCRIPT}"));
    let script = match beside.exists() {
        true => Some(Script::parse(&load(&beside)?)?),
        false => None,
    };
    let bytes = convert::to_input(target, &load(file)?, script.as_ref())?;
    write(folder.join(stem), &bytes)?;
    Ok(Vec::new())
}

fn to_program(target: &str, folder: &Path, file: &Path) -> Result<Vec<String>, String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let written = convert::to_program(target, &name, &load(file)?)?;
    if let Some(script) = &written.script {
        write(
            folder.join(format!("{name}{SCRIPT}")),
            script.to_json().as_bytes(),
        )?;
    }
    let json = written.file.to_json();
    write(folder.join(format!("{name}.json")), json.as_bytes())?;
    Ok(written.notes)
}

fn stem(file: &Path) -> Result<String, String> {
    let stem = file.file_stem().ok_or("no name of a file")?;
    Ok(stem.to_string_lossy().into_owned())
}

fn write(path: PathBuf, bytes: &[u8]) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    let mut file = File::create_new(&path).map_err(told)?;
    std::io::Write::write_all(&mut file, bytes).map_err(told)
}
