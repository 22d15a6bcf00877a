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
