// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The kit's commands that convert programs, make them small, and count conditions.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ccw_kit::{corpus, generator::random_cases, program_file::ProgramFile, seeds};

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command of the kit, under the emulator if there is one.
fn run(tool: &str, arguments: &[&str]) -> Output {
    command(tool, arguments).output().unwrap()
}

fn command(tool: &str, arguments: &[&str]) -> Command {
    let runner = env::var("CCWTOOL_RUNNER").unwrap_or_default();
    let mut words: Vec<&str> = runner.split_whitespace().collect();
    words.push(tool);
    words.extend(arguments);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
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

/// Each is said once, with how many files it is said of.
#[test]
fn notes_that_are_equal_are_counted() {
    let tool = env!("CARGO_BIN_EXE_ccw-convert");
    let (folder, into) = (folder("notes"), folder("notes-programs"));
    let mut files = Vec::new();
    for (n, case) in random_cases(7).take(60).enumerate() {
        let file = folder.join(format!("{n:02}"));
        fs::write(&file, case.to_bytes()).unwrap();
        files.push(file.to_str().unwrap().to_owned());
    }
    let mut arguments = vec!["to-program", "equivalence", into.to_str().unwrap()];
    arguments.extend(files.iter().map(String::as_str));
    let told = text(&run(tool, &arguments).stderr);
    let zero: Vec<&str> = told
        .lines()
        .filter(|line| line.ends_with("storage that the program does not read is zero"))
        .collect();
    assert!(zero.len() == 1 && zero[0].contains(" more: "), "{told}");
    assert!(
        told.contains("storage that ") && !told.contains("()"),
        "{told}"
    );
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
fn what_the_command_for_small_programs_cannot_do_is_told() {
    let tool = env!("CARGO_BIN_EXE_ccw-minimise");
    let into = folder("cannot");
    let file = corpus::own_programs().join("enc-key-match.json");
    let (file, folder) = (file.to_str().unwrap(), into.to_str().unwrap());
    for command in [
        &["no-such-command"][..],
        &["sh", "-c", "no-such-command", "-"],
    ] {
        let done = run(tool, &[&[file, folder, "command"], command].concat());
        assert_eq!(done.status.code(), Some(2));
        assert!(text(&done.stderr).contains(&format!("{}: ", command[0])));
    }
    // A folder is where the program for the command is to be written.
    fs::create_dir(into.join("enc-key-match.min.candidate.json")).unwrap();
    let done = run(tool, &[file, folder, "command", "true"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("candidate.json: "));
    fs::remove_dir(into.join("enc-key-match.min.candidate.json")).unwrap();
    // What was made small is there, though nobody reads about it.
    let (nobody, writer) = std::io::pipe().unwrap();
    drop(nobody);
    let mut finds = command(tool, &[file, folder, "command", "test", "-e"]);
    let done = finds.stdout(writer).output().unwrap();
    assert_eq!(
        (done.status.code(), text(&done.stderr)),
        (Some(0), String::new())
    );
    assert!(into.join("enc-key-match.min").exists());
    // What was asked about stays.
    let input = into.join("once.min");
    fs::write(&input, [0x55; 64]).unwrap();
    let done = run(tool, &[input.to_str().unwrap(), folder, "command", "true"]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(fs::read(&input).unwrap(), [0x55; 64]);
}

#[test]
fn names_of_programs_do_not_steer_a_terminal() {
    let into = folder("steering");
    let file = corpus::own_programs().join("enc-key-match.json");
    let program = fs::read_to_string(file).unwrap();
    let hostile = r#""a\u001b[2J\u009b2J\u202eb""#;
    let program = program.replacen(r#""enc-key-match""#, hostile, 1);
    let file = into.join("a.json");
    fs::write(&file, program).unwrap();
    let tool = env!("CARGO_BIN_EXE_ccw-compare");
    let arguments = [
        "--with",
        "css",
        "--with",
        "exec:false",
        file.to_str().unwrap(),
    ];
    for more in [&[][..], &["--keep-going"]] {
        let done = run(tool, &[&arguments[..], more].concat());
        assert_eq!(done.status.code(), Some(3));
        let told = text(&done.stdout);
        assert!(
            told.contains(r"a\u{1b}[2J\u{9b}2J\u{202e}b: exec:false"),
            "{told}"
        );
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!told.contains(steers), "{told:?}");
    }
    let missing = into.join("missing\u{1b}[2J.json");
    let told = text(&run(tool, &[missing.to_str().unwrap()]).stderr);
    assert!(told.contains(r"missing\u{1b}"), "{told}");
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
