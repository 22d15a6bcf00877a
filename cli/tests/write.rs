// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a run leaves in the file of its device.

mod images;
mod tool;

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Output;

use images::Images;
use tool::ccwtool;

/// Runs `program` with `args` in the root of the repository.
fn output(program: &str, args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    ccwtool()
        .arg("run")
        .args(args)
        .arg(format!("tests/programs/{program}.json"))
        .current_dir(root)
        .output()
        .unwrap()
}

/// The exit code of that.
fn run(program: &str, args: &[&str]) -> i32 {
    output(program, args).status.code().unwrap()
}

#[test]
fn a_disk_changes_only_with_write() {
    let images = Images::new("write-disk");
    let file = format!("{}/disk.fba", images.path());
    let device = format!("fba:{file}");
    let before = fs::read(&file).unwrap();
    let program = "linux61-9336-63-43-41x8-1";

    for args in [vec![], vec!["--direct"], vec!["--compare"]] {
        let args = [&["--device", &device], &args[..]].concat();
        assert_eq!(run(program, &args), 0);
        assert!(fs::read(&file).unwrap() == before, "{args:?}");
    }

    // Eight blocks of zeros from block 0 on.
    assert_eq!(run(program, &["--write", "--device", &device]), 0);
    let mut after = before;
    after[..4096].fill(0);
    assert!(fs::read(&file).unwrap() == after);
}

#[test]
fn a_tape_ends_behind_what_was_written() {
    let images = Images::new("write-tape");
    let file = format!("{}/tape.aws", images.path());
    let device = format!("tape:{file}");
    let before = fs::read(&file).unwrap();
    assert_eq!(run("linux61-3490-db-01-1", &["--device", &device]), 0);
    assert_eq!(fs::read(&file).unwrap(), before);

    assert_eq!(
        run("linux61-3490-db-01-1", &["--write", "--device", &device]),
        0
    );
    let after = fs::read(&file).unwrap();
    // One block of 496 bytes, which begins with the script that the guest had in storage.
    assert_eq!(after[..6], [0xf0, 0x01, 0, 0, 0xa0, 0]);
    assert!(after[6..].starts_with(b"#!/bin/busybox sh\n"));
    assert_eq!(after.len(), 6 + 496);
}

/// The first track as dasdfmt formats it, and three lines on the second one.
#[test]
fn a_volume_is_formatted_and_read() {
    let images = Images::new("write-volume");
    let file = format!("{}/disk.ckd", images.path());
    let device = format!("eckd:{file}");
    let before = fs::read(&file).unwrap();
    let write = ["--write", "--device", &device];
    for program in ["linux61-3390-63-47-1dx12-1", "../images/ckd-records"] {
        assert_eq!(run(program, &["--device", &device]), 0);
        assert!(fs::read(&file).unwrap() == before, "{program}");
    }
    assert_eq!(run("linux61-3390-63-47-1dx12-1", &write), 0);
    assert_eq!(run("../images/ckd-records", &write), 0);
    let after = fs::read(&file).unwrap();
    // Behind home address and record 0 of track 0: record 1 with a key of four bytes, as they are given.
    assert_eq!(after[512 + 21..][..8], [0, 0, 0, 0, 1, 4, 0, 0x18]);
    let second = 512 + 56_832;
    assert_eq!(after[second + 21..][..8], [0, 0, 0, 1, 1, 0, 0, 80]);
    assert!(after[second + 2 * 56_832..] == before[second + 2 * 56_832..]);
    let read = output("../images/ckd-read", &["--compare", "--device", &device]);
    let text = String::from_utf8(read.stdout).unwrap();
    for line in [
        "*THE FIRST LINE  *",
        "*THE SECOND LINE *",
        "*THE THIRD LINE  *",
    ] {
        assert_eq!(text.matches(line).count(), 2, "{line}");
    }
}

#[test]
fn paper_is_kept_with_write() {
    let images = Images::new("write-paper");
    let file = format!("{}/printer.txt", images.path());
    let device = format!("printer:{file}");
    fs::write(&file, "a line from before\n").unwrap();
    assert_eq!(run("enc-printer-write-space", &["--device", &device]), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "a line from before\n");
    assert_eq!(
        run("enc-printer-write-space", &["--write", "--device", &device]),
        0
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("a line from before\n") && text.len() > 20,
        "{text:?}"
    );
}

/// Whatever can be known beforehand is said beforehand: nothing is run in vain.
#[test]
fn a_file_that_cannot_be_written_is_found_before_the_run() {
    let images = Images::new("write-nowhere");
    for kind in ["printer", "punch", "fba", "tape"] {
        let device = format!("{kind}:{}/no-such-directory/file", images.path());
        let output = output("enc-printer-write-space", &["--write", "--device", &device]);
        assert_eq!(output.status.code(), Some(2), "{kind}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{kind}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("no-such-directory/file: cannot be opened: "),
            "{error}"
        );
    }
}

#[test]
fn a_report_outlives_output_that_cannot_be_kept() {
    let output = output(
        "enc-printer-write-space",
        &["--write", "--device", "printer:/dev/full"],
    );
    assert_eq!(output.status.code(), Some(2));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("\n  output of the device:\n"), "{report}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("ccwtool: /dev/full: cannot be written: "),
        "{error}"
    );
}

/// Nothing waits for the other end of a pipe, or reads a directory as a tape.
#[test]
fn an_image_is_a_file() {
    let images = Images::new("write-no-image");
    let socket = format!("{}/socket", images.path());
    let _listener = UnixListener::bind(&socket).unwrap();
    for path in ["/dev/zero", images.path(), &socket] {
        for kind in ["tape", "fba"] {
            let device = format!("{kind}:{path}");
            let output = output("linux61-3490-db-02-1", &["--device", &device]);
            assert_eq!(output.status.code(), Some(2), "{device}");
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(error.contains(": is no image: neither"), "{error}");
        }
    }
}
