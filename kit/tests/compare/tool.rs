// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The tool `ccw-compare`: what it takes, and how it ends.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use ccw_kit::compare::{self, Compared};
use ccw_kit::generator::Case;
use ccw_kit::implementation::Recorded;
use ccw_kit::machine::Machine;
use ccw_kit::{convert, corpus};

use crate::{against_css, behind_a_pipe, files, machine, report, runner, sense_id};

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What the tool prints, and its exit code.
fn tool(arguments: &[&str]) -> (Option<i32>, String) {
    let patient = [&["--timeout", "600"], arguments].concat();
    run(env!("CARGO_BIN_EXE_ccw-compare"), &patient)
}

fn run(tool: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let runner = runner();
    let mut words: Vec<&str> = runner.split_whitespace().collect();
    words.push(tool);
    words.extend(arguments);
    let output = Command::new(words[0])
        .args(&words[1..])
        .output()
        .expect("it starts");
    let mut text = String::from_utf8(output.stdout).expect("text");
    text += &String::from_utf8(output.stderr).expect("text");
    (output.status.code(), text)
}

#[test]
fn exit_codes_tell_same_from_different_from_nothing() {
    let (code, text) = tool(&["--random", "20"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("20 programs: "), "{text}");
    let (code, text) = tool(&["--random", "20", "--plain"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("\n  css: ran 20, unsupported 0\n"), "{text}");
    let spoilt = format!("exec:{}", behind_a_pipe("--fault address"));
    let with = ["--with", "css", "--with", &spoilt, "--random", "20"];
    let (code, text) = tool(&with);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.starts_with("random-390-") && text.contains("\n* CCW address  "),
        "{text}"
    );
    let (code, text) = tool(&[&with[..], &["--keep-going"]].concat());
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.lines()
            .filter(|line| line.contains(" differ in CCW address"))
            .count()
            > 5,
        "{text}"
    );
    let nothing = ["--with", "css", "--with", "recorded", "--random", "3"];
    for arguments in [&nothing[..], &["--with", "css"], &["no-such-file"], &[]] {
        let (code, text) = tool(arguments);
        assert_eq!(code, Some(2), "{arguments:?} {text}");
        assert!(text.contains("ccw-compare: "), "{text}");
    }
}

#[test]
fn a_script_may_lie_beside_its_program() {
    let folder = folder("beside");
    let program = Machine {
        script: None,
        ..sense_id()
    };
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    write("made.json", &serde_json::to_vec(&program).expect("JSON"));
    let with = [
        "--with",
        "css",
        "--with",
        "translator",
        &folder.display().to_string(),
    ];
    let mut ends = Vec::new();
    for script in [r#"[{"input":"00","status":"0e"}]"#, r#"[{"input":1}]"#] {
        write("made.script.json", script.as_bytes());
        ends.push(tool(&with));
    }
    // The device ends with a unit check of which nobody knows without the script.
    let spoilt = format!("exec:{}", behind_a_pipe("--fault residual"));
    write("made.script.json", br#"[{"input":"00","status":"0e"}]"#);
    let shown = tool(&["--with", "css", "--with", &spoilt, with[4]]);
    fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(ends[0].0, Some(0), "{}", ends[0].1);
    assert!(
        ends[0].1.starts_with("1 programs: 1 compared"),
        "{}",
        ends[0].1
    );
    assert_eq!(ends[1].0, Some(2), "{}", ends[1].1);
    assert!(
        ends[1].1.contains("made.script.json: is no script"),
        "{}",
        ends[1].1
    );
    assert!(
        shown.1.contains("\n  device status       0e   "),
        "{}",
        shown.1
    );
}

/// NOPs at 1000, and the status with which they were recorded to end.
fn recorded(name: &str, ccws: &str, scsw: &str) -> String {
    format!(
        r#"{{"schema":"ccwprog/1","name":"{name}","device":{{"type":"3390"}},
            "orb":{{"raw":"0000000000828000000010000000000000000000000000000000000000000000"}},
            "memory":{{"size":"0x10000","ranges":[{{"addr":"0x1000","hex":"{ccws}"}}]}},
            "final":{{"scsw":"{scsw}"}}}}"#
    )
}

#[test]
fn programs_with_one_name_and_without_any_keep_their_ends() {
    let folder = folder("names");
    let (one, two) = ("0320000000000000", "03600000000000000320000000000000");
    let (after_one, after_two) = ("00804007000010080c000000", "00804007000010100c000000");
    for (file, text) in [
        ("a.json", recorded("same", one, after_one)),
        ("b.json", recorded("same", two, after_two)),
        ("c.json", recorded("", one, after_one)),
        // Not a script, though it ends like one.
        ("transcript.json", recorded("", two, after_two)),
    ] {
        fs::write(folder.join(file), text).expect("written");
    }
    let (code, text) = tool(&[
        "--with",
        "css",
        "--with",
        "recorded",
        &folder.display().to_string(),
    ]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("4 programs: 4 compared, 0 "), "{text}");
    // And are looked at.
    let wrong = recorded("", one, after_two);
    fs::write(folder.join("c.json"), wrong).expect("written");
    let (code, text) = tool(&[
        "--with",
        "css",
        "--with",
        "recorded",
        &folder.display().to_string(),
    ]);
    fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("c.json: css and recorded differ in CCW address"),
        "{text}"
    );
}

#[test]
fn a_file_without_an_end_is_read_no_further_than_the_limit() {
    for arguments in [["/dev/zero"], ["--inputs=/dev/zero"]] {
        let (code, text) = tool(&arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(
            text.contains("/dev/zero: more than 67108864 bytes"),
            "{text}"
        );
    }
}

/// A script of the shell that is true of programs in which `css` and an implementation with this fault
/// differ as `held` says.
fn differs(fault: &str, held: &str) -> String {
    format!(
        r#"{} {} --with css --with "exec:{}" {held} "$0"; test $? = 1"#,
        runner(),
        env!("CARGO_BIN_EXE_ccw-compare"),
        behind_a_pipe(&format!("--fault {fault}"))
    )
}

/// Makes `input` small as long as this script is true of it.
fn minimised(input: &Path, into: &Path, script: &str) -> (Option<i32>, String) {
    let [input, into] = [input, into].map(|path| path.to_str().expect("text"));
    let arguments = [input, into, "command", "sh", "-c", script];
    run(env!("CARGO_BIN_EXE_ccw-minimise"), &arguments)
}

/// A READ of 4096 bytes of which the tape has 496, as it was recorded: incorrect length.
#[test]
fn a_difference_that_depends_on_answers_of_the_device_is_made_small() {
    let folder = folder("answers");
    let program = corpus::own_programs().join("linux61-3490-db-02-1.json");
    let script = differs("length", "--differs 'subchannel status'");
    let (code, text) = minimised(&program, &folder, &script);
    assert_eq!(code, Some(0), "{text}");
    let small = folder.join("linux61-3490-db-02-1.min.json");
    let machine = Recorded::default().load(&small).expect("a program");
    let bytes: usize = machine.file.ranges.iter().map(|it| it.1.len()).sum();
    assert!(bytes <= 8, "{machine:?}");
    let spoilt = format!("exec:{}", behind_a_pipe("--fault length"));
    let with = ["--with", "css", "--with", &spoilt];
    let differ = "differ in subchannel status\n";
    let again = tool(&[&with[..], &[small.to_str().expect("text")]].concat());
    assert!(
        again.0 == Some(1) && again.1.contains(differ),
        "{}",
        again.1
    );
    // The input is as small, and is the same; and it can be made small itself.
    let input = folder.join("linux61-3490-db-02-1.min");
    let inputs = ["--inputs", input.to_str().expect("text")];
    let again = tool(&[&with[..], &inputs].concat());
    assert!(
        again.0 == Some(1) && again.1.contains(differ),
        "{}",
        again.1
    );
    let (code, text) = minimised(&input, &folder.join("again"), &script);
    assert_eq!(code, Some(0), "{text}");
    // Nothing else is left, also of what does not fail.
    let (code, text) = minimised(&program, &folder, "false");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("does not fail"), "{text}");
    let names = files(&folder, "json");
    let names = names.iter().map(|it| it.file_name().unwrap_or_default());
    assert!(
        names.eq([
            "linux61-3490-db-02-1.min.json",
            "linux61-3490-db-02-1.min.script.json"
        ]),
        "{:?}",
        files(&folder, "json")
    );
    fs::remove_dir_all(&folder).expect("removed");
}

/// WRITE and READ, and what the device answers at first, before anything is left out.
#[test]
fn what_a_device_answers_is_kept_to_its_end() {
    let folder = folder("end");
    let ccws = "01600008000020000220000800003000";
    // Of what is sent behind the last answer the device ends with a unit check.
    let both = r#"{"output":3},{"input":"40414243","status":"0e","sense":"0001"}"#;
    let one = r#"{"output":3}"#;
    let kept_one = r#"{"output":3},{"immediate":true,"status":"0e"}"#;
    for (n, (script, kept)) in [(both, both), (one, kept_one)].into_iter().enumerate() {
        let program = folder.join(format!("two-{n}.json"));
        let made = serde_json::to_vec(&machine(ccws, script, "c2")).expect("JSON");
        fs::write(&program, made).expect("written");
        let first = folder.join(format!("first-{n}"));
        let same = format!(
            r#"script="${{0%.json}}.script.json"; test -e {0} || cp "$script" {0}; cmp -s "$script" {0}"#,
            first.display()
        );
        let (code, text) = minimised(&program, &folder, &same);
        assert_eq!(code, Some(0), "{text}");
        let small = folder.join(format!("two-{n}.min.json"));
        let small = Recorded::default().load(&small).expect("a program");
        assert_eq!(small.script, machine(ccws, kept, "c2").script);
    }
    fs::remove_dir_all(&folder).expect("removed");
    // The device of a case ends such a command at once, and so it does in the case's file.
    let file = machine(ccws, "", "c2").file;
    let mut case = Case::of_file(&file).expect("a case");
    case.script.clear();
    let written = convert::to_program("walk", "two", &case.to_bytes()).expect("a program");
    let answers = written.script.expect("a script").responses();
    let at_once = r#"{"immediate":true},{"immediate":true}"#;
    assert_eq!(answers.ok(), machine(ccws, at_once, "c2").script);
}

#[test]
fn a_difference_in_other_fields_does_not_count_where_some_are_named() {
    let program = corpus::own_programs().join("linux61-3490-db-02-1.json");
    let spoilt = format!("exec:{}", behind_a_pipe("--fault residual"));
    let file = program.to_str().expect("text");
    let with = ["--with", "css", "--with", &spoilt, file, "--differs"];
    for (fields, code) in [
        ("residual count", 1),
        ("CCW address", 0),
        ("residual count, CCW address", 0),
        ("residual", 2),
        ("", 2),
    ] {
        let (ended, text) = tool(&[&with[..], &[fields]].concat());
        assert_eq!(ended, Some(code), "{fields}: {text}");
        let line = text
            .lines()
            .next()
            .is_some_and(|line| line.ends_with(" differ in residual count"));
        assert_eq!(line, code != 2, "{text}");
        assert_eq!(text.contains("\n* residual count"), code == 1, "{text}");
    }
    // Nor does one without a report.
    let (code, text) = tool(&["--with", "css", "--with", "exec:false", file]);
    assert_eq!(code, Some(3), "{text}");
}

/// The program asks for what deserves a warning, of which only a file would have a line.
#[test]
fn a_listing_names_no_place_in_a_file_that_nobody_has() {
    let machine = machine("0160000800002000", r#"{"output":8}"#, "82");
    let spoilt = report(r#"{"cc":1}"#);
    let Compared::Differs(difference) = against_css(spoilt, &machine) else {
        panic!("no difference");
    };
    let shown = compare::text(&difference, None);
    assert!(shown.contains("warning E01"), "{shown}");
    assert!(!shown.contains("          in "), "{shown}");
}

#[test]
fn where_nobody_reads_any_more_the_commands_end_silently() {
    let seeds = format!("walk={}", ccw_kit::seeds::folder("walk").display());
    let compare = env!("CARGO_BIN_EXE_ccw-compare");
    let calls: [(&str, &[&str], i32); 3] = [
        (compare, &["--random", "20"], 0),
        (
            compare,
            &[
                "--with=css",
                "--with=exec:false",
                "--keep-going",
                "--random=1000000",
            ],
            3,
        ),
        (env!("CARGO_BIN_EXE_ccw-codes"), &[&seeds], 0),
    ];
    for (tool, arguments, code) in calls {
        let (nobody, writer) = std::io::pipe().expect("a pipe");
        drop(nobody);
        let runner = runner();
        let mut words: Vec<&str> = runner.split_whitespace().collect();
        words.push(tool);
        words.extend(arguments);
        let mut command = Command::new(words[0]);
        let done = command.args(&words[1..]).stdout(writer).output();
        let done = done.expect("it starts");
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{tool}: {told}");
        assert!(
            !told.contains("ritten") && !told.contains("panicked"),
            "{told}"
        );
    }
}
