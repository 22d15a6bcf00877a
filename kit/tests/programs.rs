// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The kit's commands that convert programs, make them small, and count conditions.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ccw_kit::{corpus, program_file::ProgramFile, seeds};

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command of the kit, under the emulator if there is one.
fn run(tool: &str, arguments: &[&str]) -> Output {
    let runner = env::var("CCWTOOL_RUNNER").unwrap_or_default();
    let mut words: Vec<&str> = runner.split_whitespace().collect();
    words.push(tool);
    words.extend(arguments);
    Command::new(words[0]).args(&words[1..]).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn programs_become_inputs_and_programs_again() {
    let tool = env!("CARGO_BIN_EXE_ccw-convert");
    let (inputs, programs) = (folder("inputs"), folder("programs"));
    let path = corpus::own_programs().join("enc-key-match.json");
    let (file, into) = (path.to_str().unwrap(), inputs.to_str().unwrap());
    let done = run(tool, &["to-input", "walk", into, file]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let input = inputs.join("enc-key-match");
    let (input, into) = (input.to_str().unwrap(), programs.to_str().unwrap());
    let done = run(tool, &["to-program", "walk", into, input]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let read = |path: &Path| ProgramFile::parse(&fs::read(path).unwrap()).unwrap();
    assert_eq!(read(&programs.join("enc-key-match.json")), read(&path));
    assert!(programs.join("enc-key-match.script.json").exists());
    // Nothing is overwritten, and what cannot be is named.
    let again = run(tool, &["to-program", "walk", into, input]);
    assert_eq!(again.status.code(), Some(1));
    let other = run(tool, &["to-input", "region", into, file]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("it takes operations"));
    assert_eq!(run(tool, &["to-input"]).status.code(), Some(2));
}

#[test]
fn programs_are_made_small_by_a_condition_and_by_a_command() {
    let tool = env!("CARGO_BIN_EXE_ccw-minimise");
    let into = folder("small");
    let file = corpus::own_programs().join("mut-susp-linux61-1403-e4-2.json");
    let (file, into) = (file.to_str().unwrap(), into.to_str().unwrap());
    for how in [
        &["finds", "C15"][..],
        &["command", "grep", "-q", "\"hex\": \"e4"],
    ] {
        let done = run(tool, &[&[file, into], how].concat());
        assert!(done.status.success(), "{}", text(&done.stderr));
        let small = Path::new(into).join("mut-susp-linux61-1403-e4-2.min.json");
        let small = ProgramFile::parse(&fs::read(small).unwrap()).unwrap();
        let bytes: usize = small.ranges.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 8, "{small:?}");
    }
    let sound = run(tool, &[file, into, "fails", "walk"]);
    assert_eq!(sound.status.code(), Some(1));
    assert!(text(&sound.stderr).contains("does not fail"));
    assert_eq!(
        run(tool, &[file, into, "finds", "X99"]).status.code(),
        Some(2)
    );
}

#[test]
fn conditions_of_a_folder_are_counted() {
    let tool = env!("CARGO_BIN_EXE_ccw-codes");
    let seeds = format!("walk={}", seeds::folder("walk").display());
    let done = run(tool, &[&seeds]);
    let table = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(table.contains("\nC05 seq-tic-tic "), "{table}");
    assert!(
        table.contains("\nO01 orb-align            the instruction's operand"),
        "{table}"
    );
    assert_eq!(run(tool, &["walk"]).status.code(), Some(2));
}
