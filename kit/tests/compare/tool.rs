// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The tool `ccw-compare`: what it takes, and how it ends.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use ccw_kit::machine::Machine;

use crate::{behind_a_pipe, runner, sense_id};

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What the tool prints, and its exit code.
fn tool(arguments: &[&str]) -> (Option<i32>, String) {
    let runner = runner();
    let mut words: Vec<&str> = runner.split_whitespace().collect();
    words.push(env!("CARGO_BIN_EXE_ccw-compare"));
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
