// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is predicted of implementations, beside what they did when programs were recorded on them.
//!
//! Status is compared as far as a program decides it: checks, and the CCW address that goes with them.
//! How many bytes a device moves is its own affair, and it may end a program before what was predicted.

mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tool::ccwtool;

/// Program, protection, channel-data, channel-control, interface-control and chaining check.
const CHECKS: u8 = 0x3f;
const PROGRAM_CHECK: u8 = 0x20;
const UNIT_CHECK: u8 = 0x02;

/// How a prediction and a record go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Agrees,
    /// It was one of the two that may be.
    Allowed,
    /// The device ended it before it came to that.
    EndedSooner,
    NotKnown,
    Contradicts,
}

#[test]
fn predictions_agree_with_what_was_recorded() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/programs");
    let mut counts = compare(&own);
    println!("tests/programs: {counts:?}");
    // A rule that is lost would leave everything not known.
    assert!(count(&counts, "hyperion", Fit::Agrees) >= 190, "{counts:?}");
    assert!(count(&counts, "hyperion", Fit::NotKnown) <= 6, "{counts:?}");
    let qemu = count(&counts, "qemu", Fit::Agrees) + count(&counts, "qemu", Fit::Allowed);
    assert!(qemu >= 96, "{counts:?}");
    assert_eq!(count(&counts, "qemu", Fit::NotKnown), 0, "{counts:?}");
    match std::env::var_os("CCW_CORPUS") {
        Some(folder) => {
            counts = compare(Path::new(&folder));
            println!("CCW_CORPUS: {counts:?}");
        }
        None => println!("CCW_CORPUS names no further programs"),
    }
}

type Counts = BTreeMap<(&'static str, Fit), usize>;

fn count(counts: &Counts, implementation: &'static str, fit: Fit) -> usize {
    counts.get(&(implementation, fit)).copied().unwrap_or(0)
}

/// Compares all programs of `folder`.
fn compare(folder: &Path) -> Counts {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "json"));
    files.sort();
    let output = ccwtool()
        .args(["check", "--profile", "all", "--format", "json"])
        .args(&files)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), files.len());
    let mut counts = Counts::new();
    let mut wrong = Vec::new();
    for (file, line) in files.iter().zip(lines.lines()) {
        let program: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let verdict: Value = serde_json::from_str(line).unwrap();
        let Some((implementation, scsw)) = recorded(&program) else {
            continue;
        };
        let predictions = verdict["predictions"].as_array().unwrap();
        let mut all = predictions.iter();
        let prediction = all
            .find(|it| it["implementation"] == implementation)
            .unwrap();
        let fit = fit(prediction, &verdict, scsw);
        if fit == Fit::Contradicts {
            wrong.push(format!("{}: {scsw:02x?}, not {prediction}", file.display()));
        }
        *counts.entry((implementation, fit)).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    counts
}

/// The emulator on which `program` was recorded, and the SCSW that it gave.
fn recorded(program: &Value) -> Option<(&'static str, [u8; 12])> {
    let (by, end) = match (program.get("observed"), program.get("final")) {
        (Some(observed), _) => (&observed["by"], observed),
        (None, Some(end)) => (&program["source"]["how"], end),
        (None, None) => return None,
    };
    let by = by.as_str().unwrap();
    let implementation = match (by.contains("Hyperion"), by.contains("QEMU")) {
        (true, false) => "hyperion",
        (false, true) => "qemu",
        _ => panic!("{by}"),
    };
    Some((implementation, scsw(&end["scsw"])))
}

fn scsw(digits: &Value) -> [u8; 12] {
    let digits = digits.as_str().unwrap();
    assert_eq!(digits.len(), 24);
    std::array::from_fn(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap())
}

fn cpa(scsw: [u8; 12]) -> u64 {
    u32::from_be_bytes([scsw[4], scsw[5], scsw[6], scsw[7]]).into()
}

fn fit(prediction: &Value, verdict: &Value, found: [u8; 12]) -> Fit {
    let checks = found[9] & CHECKS;
    let address = prediction["ccw_address"].as_str();
    let address = address.map(|it| u64::from_str_radix(&it[2..], 16).unwrap());
    // Started, and not with a deferred condition code.
    let started = found[0] & 3 == 0 && found[2] & 0x40 != 0;
    let agrees = match prediction["answer"].as_str().unwrap() {
        "unknown" => return Fit::NotKnown,
        _ if !started => false,
        "as-machine" if verdict["scsw"].is_string() => {
            let machine = scsw(&verdict["scsw"]);
            assert_eq!(address, Some(cpa(machine)));
            checks == machine[9] & CHECKS && cpa(found) == cpa(machine)
        }
        "as-machine" => verdict["outcome"] == "valid" && checks == 0,
        "program-check" => {
            checks == PROGRAM_CHECK && address.is_none_or(|address| address == cpa(found))
        }
        "may-check" => checks == 0 || checks == PROGRAM_CHECK,
        "not-seen" | "detail" | "wrong-data" => checks == 0,
        "errno" | "operand-exception" | "no-device" | "otherwise" => false,
        other => panic!("{other} is compared with nothing"),
    };
    let sooner = checks == 0
        && found[8] & UNIT_CHECK != 0
        && address.is_some_and(|address| cpa(found) < address);
    match (agrees, sooner) {
        (true, _) if prediction["answer"] == "may-check" => Fit::Allowed,
        (true, _) => Fit::Agrees,
        (false, true) => Fit::EndedSooner,
        (false, false) => Fit::Contradicts,
    }
}
