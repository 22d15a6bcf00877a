// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Standard output and standard error that cannot be written: never a panic, and an exit code that
//! is still right.

mod tool;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use tool::ccwtool;

fn tool(args: &[&str]) -> Command {
    let mut command = ccwtool();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    command.args(args).current_dir(root).stdin(Stdio::null());
    command
}

/// A device on which there is never any room.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

const GOOD: &str = "tests/programs/enc-sense-id-sli.json";
const BAD: &str = "tests/programs/bad-tic-tic.json";

#[test]
fn complaints_that_nobody_can_read_change_nothing() {
    for (args, code) in [
        (vec!["check", "no-such-file"], 2),
        (vec!["check", "no-such-file", BAD], 2),
        (vec!["check", "-", "-"], 2),
        (vec!["run", "--device", "fba:no-such-file", GOOD], 2),
        (vec!["explain", "Z99"], 2),
        (vec!["check", GOOD], 0),
    ] {
        let output = tool(&args).stderr(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        let reports = args.contains(&BAD) || code == 0;
        assert_eq!(!output.stdout.is_empty(), reports, "{args:?}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    for args in [
        vec!["check", GOOD],
        vec!["explain"],
        vec!["show", GOOD, BAD],
    ] {
        let output = tool(&args).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("ccwtool: the report cannot be written: "));
        let both = tool(&args).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(both.code(), Some(2), "{args:?}");
    }
}

/// As with `| head -1`: no complaint, and the exit code says what was found so far.
#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    for (args, code) in [
        (vec!["check", GOOD], 0),
        (vec!["check", BAD, GOOD], 1),
        // Nobody hears of the second one.
        (vec!["check", GOOD, BAD], 0),
        (
            vec![
                "run",
                "--device",
                "script:cli/tests/inputs/script-unit-check.json",
                GOOD,
            ],
            1,
        ),
        (vec!["explain"], 0),
        (vec!["check", "--format", "sarif", BAD], 1),
        (vec!["show", "--format", "html", GOOD], 0),
        (vec!["diff", GOOD, BAD], 1),
        (vec!["complete", "bash"], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = tool(&args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut error = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut error).unwrap();
        assert_eq!(error, "", "{args:?}");
        assert_eq!(child.wait().unwrap().code(), Some(code), "{args:?}");
    }
}

/// The exit code says all, and standard output is not even looked at.
#[test]
fn quiet_means_nothing_but_the_exit_code() {
    for (args, code) in [
        (vec!["check", "-q", GOOD], 0),
        (vec!["check", "--quiet", BAD, GOOD], 1),
        (vec!["-q", "check", "--format", "json", BAD], 1),
        (vec!["check", "-q", "--format", "sarif", BAD], 1),
        (vec!["check", "-q", "cli/tests/inputs/loads-itself.json"], 3),
        (vec!["show", "-q", "--format", "html", GOOD], 0),
        (vec!["translate", "-q", BAD], 1),
        (vec!["diff", "-q", GOOD, GOOD], 0),
        (vec!["diff", "-q", GOOD, BAD], 1),
    ] {
        let output = tool(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(
            output.stdout.is_empty() && output.stderr.is_empty(),
            "{args:?}"
        );
        let status = tool(&args).stdout(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
    // What keeps it from an answer is told, in whatever format the answer would be.
    for format in ["text", "json"] {
        let args = ["check", "-q", "--format", format, "no-such-file", GOOD];
        let output = tool(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty() && output.stderr.starts_with(b"ccwtool: no-such-file"));
    }
}

/// What is no file of programs is refused, and read no further than any file.
#[test]
fn inputs_of_every_sort_are_bounded() {
    for (args, stdin, wrong) in [
        (
            vec!["check", "/dev/zero"],
            "/dev/null",
            "larger than 64 MiB",
        ),
        (vec!["check", "-"], "/dev/zero", "larger than 64 MiB"),
        (
            vec!["show", "--base", "0", "-"],
            "/dev/zero",
            "larger than 64 MiB",
        ),
        (vec!["check", "/"], "/dev/null", "write /* for"),
        (vec!["diff", "/", GOOD], "/dev/null", "is a folder"),
        (vec!["check", "-"], "/", "cannot be read"),
        (vec!["check", "-"], "/dev/null", "<stdin>: is empty"),
    ] {
        let stdin = File::open(stdin).unwrap();
        let output = tool(&args).stdin(stdin).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(wrong), "{args:?}: {error}");
        assert!(output.stdout.is_empty());
    }
}

/// A pipe with a name is read like a file, text and dump alike.
#[test]
fn named_pipes_are_read() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipes");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let pipe = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (file, said) in [
        ("cli/tests/inputs/cp-trace.txt", "pipe:1 0200: invalid"),
        ("fuzz/seeds/dump/elf", "pipe@00001080: valid"),
    ] {
        let bytes = std::fs::read(root.join(file)).unwrap();
        let to = pipe.clone();
        let writer = std::thread::spawn(move || std::fs::write(to, bytes));
        let output = tool(&["check"]).arg(&pipe).output().unwrap();
        writer.join().unwrap().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(said), "{text}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// On a terminal as narrow as can be, and on none.
#[test]
fn any_width_will_do() {
    for width in ["0", "1", "7", "100000", "-1", "x"] {
        for args in [vec!["--help"], vec!["check", "--help"], vec!["check", BAD]] {
            let output = tool(&args).env("COLUMNS", width).output().unwrap();
            assert!(output.status.code().is_some_and(|code| code < 2), "{width}");
            assert!(output.stdout.len() > 100, "{width} {args:?}");
        }
    }
}
