// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every condition has a test of its name, `c01_cmd_zero` for `C01 cmd-zero`. Where a test has gone,
//! this one says so by name.

use std::fs;
use std::path::Path;

use translator::Code;

/// The instruction's own conditions, which a program cannot meet: the mediator's.
const OF_THE_INSTRUCTION: [Code; 3] = [Code::OrbAlign, Code::OrbSid, Code::OrbLpmNone];

/// Conditions that no program meets any more.
const GONE: [&str; 2] = ["E04", "E05"];

/// What a machine reports though the program breaks no rule: it has no code, and each of these must
/// come about in the software channel, and come back from a host through `complete` and the mediator.
const OF_THE_MACHINE: [&str; 5] = [
    "n01_incorrect_length",
    "n02_chaining_check",
    "n03_chan_data_check",
    "n04_chan_ctl_check",
    "n05_if_ctl_check",
];

/// Sources of tests below `folder` of this repository, one after the other.
fn sources(folder: &str) -> String {
    fn read(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).expect("a folder of tests") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).expect("readable"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut text = String::new();
    read(&root.join(folder), &mut text);
    text
}

/// The body of the test `name`.
fn body<'a>(name: &str, source: &'a str) -> Option<&'a str> {
    let (_, rest) = source.split_once(&format!("#[test]\nfn {name}("))?;
    rest.split_once("\n}\n").map(|(body, _)| body)
}

/// Whether there is a test of the name of `code`, which is about it.
fn is_tested(code: Code, suites: &str, mediator: &str) -> bool {
    let name = format!("{}_{}", code.id(), code.name().replace('-', "_")).to_lowercase();
    if OF_THE_INSTRUCTION.contains(&code) {
        return body(&name, mediator).is_some();
    }
    body(&name, suites).is_some_and(|body| body.contains(&format!("Code::{code:?}")))
}

#[test]
fn every_condition_has_a_test_of_its_name() {
    let (suites, mediator) = (sources("tests/suites"), sources("vfio-ccw/tests/mediator"));
    let missing: Vec<String> = Code::ALL
        .iter()
        .filter(|&&code| !is_tested(code, &suites, &mediator))
        .filter(|code| !GONE.contains(&code.id()))
        .map(ToString::to_string)
        .collect();
    assert!(missing.is_empty(), "without a test: {missing:?}");
}

#[test]
fn every_status_of_a_machine_has_a_test_of_its_name() {
    let folders = [
        "css/tests/channel",
        "tests/suites/conditions",
        "vfio-ccw/tests/mediator",
    ];
    for folder in folders {
        let source = sources(folder);
        for name in OF_THE_MACHINE {
            assert!(body(name, &source).is_some(), "no {name} in {folder}");
        }
    }
}

/// A name without a test, and a test that is about something else, are found.
#[test]
fn a_test_that_is_missing_is_found() {
    let source = "#[test]\nfn c01_cmd_zero() {\n    meets(Code::CmdZero)\n}\n";
    assert!(is_tested(Code::CmdZero, source, ""));
    assert!(!is_tested(Code::CmdTicModifier, source, ""));
    assert!(!is_tested(
        Code::CmdZero,
        &source.replace("CmdZero", "Tic1Flags"),
        ""
    ));
    assert!(!is_tested(
        Code::CmdZero,
        &source.replace("#[test]", ""),
        ""
    ));
    assert!(!is_tested(Code::OrbSid, source, source));
}
