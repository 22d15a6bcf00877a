// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which conditions the inputs of fuzz targets come to.

use std::{fs, io, path::Path, process::ExitCode};

use ccw_kit::{
    load::load,
    reached,
    say::{complain, say},
    targets,
};

const USAGE: &str = "\
Usage: ccw-codes TARGET=FOLDER...

Takes every file in FOLDER for an input of the fuzz target, and prints how often each of the translator's
conditions was met, and which were not. A target may be named several times.

Exit codes: 0 every input is as it should be, 1 one made its target fail, 2 the command line is wrong";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut wanted = Vec::new();
    for word in &words {
        match word
            .split_once('=')
            .map(|(name, folder)| (name, targets::named(name), folder))
        {
            Some((name, Some(target), folder)) => wanted.push((name, target, folder)),
            _ => {
                complain(USAGE);
                return ExitCode::from(2);
            }
        }
    }
    if wanted.is_empty() {
        complain(USAGE);
        return ExitCode::from(2);
    }
    let mut failed = false;
    let mut met: Vec<(&str, reached::Counts)> = Vec::new();
    for (name, target, folder) in wanted {
        let at = met.iter().position(|(known, _)| *known == name);
        let at = at.unwrap_or_else(|| {
            met.push((name, reached::Counts::new()));
            met.len() - 1
        });
        match replay(target, Path::new(folder), &mut met[at].1) {
            Ok((inputs, failures)) => {
                complain(&format!(
                    "{name}: {inputs} inputs of {folder}, {failures} failed"
                ));
                failed |= failures > 0;
            }
            Err(error) => {
                complain(&format!("{folder}: {error}"));
                return ExitCode::from(2);
            }
        }
    }
    if let Err(why) = say(&reached::table(&met)) {
        complain(&why);
        return ExitCode::from(2);
    }
    ExitCode::from(u8::from(failed))
}

/// How many inputs there are in `folder`, and how many fail.
fn replay(
    target: targets::Target,
    folder: &Path,
    counts: &mut reached::Counts,
) -> io::Result<(usize, usize)> {
    let (mut inputs, mut failures) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        let bytes = load(&path).map_err(io::Error::other)?;
        let (met, result) = reached::counted(|| target(&bytes));
        inputs += 1;
        if result.is_err() {
            complain(&format!("{} fails", path.display()));
            failures += 1;
        }
        for (code, count) in met {
            *counts.entry(code).or_default() += count;
        }
    }
    Ok((inputs, failures))
}
