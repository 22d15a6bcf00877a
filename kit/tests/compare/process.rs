// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Processes that misbehave: each has no report, and it is told why.

use std::time::Duration;

use ccw_kit::implementation::{Failure, Implementation, Limits, Process, Reference, Report};

use crate::{behind_a_pipe, patient, sense_id};

fn failure(command: &str, limits: Limits) -> (String, Process) {
    let mut process = Process::new(command, limits);
    let Failure(why) = process.run(&sense_id()).expect_err("no report");
    (why, process)
}

#[test]
fn a_process_that_dies_is_told_with_what_it_said_last() {
    let dies = "sh -c 'read line; echo out of cylinders >&2; exit 3'";
    let (why, mut process) = failure(dies, patient());
    for part in [
        "ended without a report",
        "exit status: 3",
        "out of cylinders",
    ] {
        assert!(why.contains(part), "{why}");
    }
    // And again: it was started anew.
    assert_eq!(process.run(&sense_id()), Err(Failure(why)));
}

#[test]
fn of_what_it_complains_about_the_end_is_kept() {
    let talks = "sh -c 'head -c 1000000 /dev/zero | tr \\\\0 x >&2; echo at last >&2; exit 3'";
    let (why, _) = failure(talks, patient());
    assert!(why.ends_with("xxxxat last") && why.len() < 3000, "{why}");
}

#[test]
fn behind_a_death_the_next_program_is_run() {
    let mut process = Process::new(&behind_a_pipe("--fault dies"), patient());
    let expected = Reference::default().run(&sense_id()).expect("a report");
    for n in 1..=7 {
        match process.run(&sense_id()) {
            Err(Failure(why)) if n % 3 == 0 => {
                assert!(why.contains("the third program is too much"), "{why}");
            }
            report => assert_eq!(report.as_ref(), Ok(&expected), "{n}"),
        }
    }
}

#[test]
fn a_process_may_end_after_each_report() {
    let once = r#"sed -n 's/^{"id":\([0-9]*\),.*/{"id":\1,"unsupported":"everything"}/p;q'"#;
    let mut process = Process::new(once, patient());
    for _ in 0..4 {
        let report = process.run(&sense_id());
        assert_eq!(report, Ok(Report::Unsupported("everything".to_owned())));
    }
    // But not before.
    let (why, _) = failure("true", patient());
    assert!(why.starts_with("ended without a report"), "{why}");
}

#[test]
fn a_process_that_says_nothing_is_given_up() {
    let limits = Limits {
        time: Duration::from_millis(300),
        ..patient()
    };
    let (why, _) = failure("sleep 1000", limits);
    assert!(why.starts_with("did not answer within 300ms"), "{why}");
    // One that does not even read, though a machine fills its pipe.
    let mut large = sense_id();
    large.file.ranges.push((0x3000, vec![0xaa; 0x8000]));
    large.script = Some(vec![css::device::scripted::Response::input(&[1; 500_000])]);
    let mut process = Process::new("sleep 1000", limits);
    let Failure(why) = process.run(&large).expect_err("no report");
    assert!(why.starts_with("did not answer within 300ms"), "{why}");
    let (why, _) = failure("true; exit 0", limits);
    assert!(why.starts_with("ended without a report"), "{why}");
}

#[test]
fn what_is_no_report_is_quoted() {
    for (line, why) in [
        ("condition code 0", "expected value"),
        (r#"{"cc":0}"#, "it has no id, which is 1"),
        (r#"{"id":2,"cc":0}"#, "its id is 2, not 1"),
        (r#"{"id":1,"cc":0,"status":"fine"}"#, "invalid type"),
        (
            r#"{"id":1,"cc":0,"status":[{"scsw":"00"}]}"#,
            "an SCSW has 12 bytes",
        ),
        ("[1]", "it has no id"),
    ] {
        let (told, _) = failure(
            &format!("sh -c 'echo '\\''{line}'\\''; cat >&2'"),
            patient(),
        );
        assert!(told.contains("wrote what is no report"), "{told}");
        assert!(told.contains(why) && told.contains(line), "{told}");
    }
    let (told, _) = failure("printf '\\033[2J\\n'", patient());
    assert!(!told.contains('\u{1b}'), "{told}");
    for line in [
        r#"{"id":1,"\u001b[2J\u009b2J":1}"#,
        r#"{"id":"\u009b2J\u202e"}"#,
    ] {
        let (told, _) = failure(&format!("echo '{line}'"), patient());
        assert!(told.contains("wrote what is no report"), "{told}");
        let steers = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!told.contains(steers), "{told:?}");
    }
    let (told, _) = failure("no-such-program-anywhere", patient());
    assert!(
        told.contains("no-such-program-anywhere") && told.contains("not found"),
        "{told}"
    );
}

#[test]
fn a_line_without_an_end_is_read_no_further_than_the_limit() {
    let (told, _) = failure("cat /dev/zero", patient());
    assert!(
        told.starts_with("wrote a line of more than 16777216 bytes"),
        "{told}"
    );
    let limits = Limits {
        line: 100,
        ..patient()
    };
    let (told, _) = failure("printf '%101s\\n' x", limits);
    assert!(
        told.starts_with("wrote a line of more than 100 bytes"),
        "{told}"
    );
    let (told, _) = failure("printf '%99s\\n' x", limits);
    assert!(told.starts_with("wrote what is no report"), "{told}");
}

#[test]
fn a_line_too_many_is_not_taken_for_the_next_report() {
    let mut process = Process::new(&behind_a_pipe("--fault twice"), patient());
    process
        .run(&sense_id())
        .expect("the first line, which is a report");
    let Failure(why) = process.run(&sense_id()).expect_err("the line too many");
    assert!(why.contains("its id is 1, not 2"), "{why}");
}
