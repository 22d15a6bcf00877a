// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What `check --format sarif` prints is SARIF, and says what `check --format json` says.

mod images;
mod schema;
mod tool;

use std::fs;
use std::path::{Path, PathBuf};

use images::Images;
use serde_json::{Value, json};
use tool::ccwtool;

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema/sarif-2.1.0.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn errors(document: &Value) -> Vec<String> {
    let schema = schema();
    schema::errors(&schema, &schema, document, "")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Files of every kind: legal, broken in every way, not readable, not there.
fn files() -> Vec<PathBuf> {
    let mut files = vec!["README.md".into(), "no such file".into()];
    for folder in ["tests/programs", "cli/tests/inputs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            files.push(Path::new(folder).join(entry.unwrap().file_name()));
        }
    }
    files.sort();
    files
}

fn check(format: &str, more: &[&str], files: &[PathBuf]) -> (String, Option<i32>) {
    let output = ccwtool()
        .args(["check", "--format", format])
        .args(more)
        .args(files)
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code())
}

#[test]
fn every_document_keeps_the_schema() {
    let files = files();
    for (more, files) in [
        (&[][..], &files[..]),
        (&["--profile", "vfio-ccw"], &files),
        (&["--profile", "all"], &files),
        (&["--read-only"], &files),
        (
            &[],
            &[PathBuf::from("tests/programs/enc-sense-id-sli.json")],
        ),
    ] {
        let (text, code) = check("sarif", more, files);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(errors(&document), [""; 0], "{more:?}");
        let run = &document["runs"][0];
        assert_eq!(run["invocations"][0]["exitCode"], json!(code));
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }
}

#[test]
fn what_json_says_is_said() {
    let files = files();
    let (lines, code) = check("json", &[], &files);
    let (text, sarif) = check("sarif", &[], &files);
    assert_eq!(code, sarif);
    let document: Value = serde_json::from_str(&text).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let mut results = results.iter().filter(|result| result["kind"] == "fail");
    let mut findings = 0;
    for line in lines.lines() {
        let verdict: Value = serde_json::from_str(line).unwrap();
        for finding in verdict["findings"].as_array().unwrap() {
            findings += 1;
            let mut told = results.next().unwrap()["properties"].clone();
            let program = told.as_object_mut().unwrap().remove("program");
            assert_eq!((&told, program.as_ref()), (finding, verdict.get("name")));
        }
    }
    assert!(results.next().is_none() && findings > 100);
}

/// What `--profile` asks for is told of each program, as in JSON, and is no finding.
#[test]
fn predictions_are_told_too() {
    let files = ["bad-tic-tic.json", "enc-chain-257.json"];
    let files = files.map(|name| Path::new("tests/programs").join(name));
    let (lines, _) = check("json", &["--profile", "all"], &files);
    let (text, _) = check("sarif", &["--profile", "all"], &files);
    let document: Value = serde_json::from_str(&text).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let mut told = results.iter().filter(|it| it["ruleId"] == "prediction");
    for line in lines.lines() {
        let verdict: Value = serde_json::from_str(line).unwrap();
        let predictions = verdict["predictions"].as_array().unwrap();
        assert_eq!(predictions.len(), 4);
        for prediction in predictions {
            let told = told.next().unwrap();
            assert_eq!(
                (&told["kind"], &told["level"]),
                (&json!("informational"), &json!("none"))
            );
            let mut properties = told["properties"].clone();
            let program = properties.as_object_mut().unwrap().remove("program");
            assert_eq!(
                (&properties, program.as_ref()),
                (prediction, verdict.get("name"))
            );
            let at = &told["locations"][0]["physicalLocation"]["address"]["absoluteAddress"];
            let ccw = prediction["ccw"].as_str();
            let ccw = ccw.map(|ccw| u64::from_str_radix(&ccw[2..], 16).unwrap());
            assert_eq!(at.as_u64(), ccw);
        }
    }
    assert!(told.next().is_none());
}

/// The region is that of the digits, and the fix, carried out there, is the change that JSON tells.
#[test]
fn regions_and_fixes_are_places_of_the_file() {
    let file = "tests/programs/bad-idal2-second-not-4k.json";
    let (text, _) = check("sarif", &[], &[file.into()]);
    let document: Value = serde_json::from_str(&text).unwrap();
    let result = &document["runs"][0]["results"][0];
    let program = fs::read_to_string(root().join(file)).unwrap();
    let part = |region: &Value| {
        let number = |name: &str| usize::try_from(region[name].as_u64().unwrap()).unwrap();
        assert_eq!(number("startLine"), number("endLine"));
        let line = program.lines().nth(number("startLine") - 1).unwrap();
        line[number("startColumn") - 1..number("endColumn") - 1].to_owned()
    };
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], file);
    // The second IDAW.
    assert_eq!(part(&place["region"]), "0000000000024010");
    assert_eq!(place["address"]["absoluteAddress"], 0x3_0008);
    let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(part(&replacement["deletedRegion"]), "10");
    assert_eq!(replacement["insertedContent"]["text"], "00");
}

/// Where a rule compares two places the other one is a related location: here the address of the TIC that
/// leads to a TIC.
#[test]
fn the_other_place_is_related() {
    let file = "tests/programs/bad-tic-tic.json";
    let (text, _) = check("sarif", &[], &[file.into()]);
    let document: Value = serde_json::from_str(&text).unwrap();
    let other = &document["runs"][0]["results"][0]["relatedLocations"][0];
    let place = &other["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], file);
    assert_eq!(place["address"]["absoluteAddress"], 0x1_0008);
    let number = |name: &str| usize::try_from(place["region"][name].as_u64().unwrap()).unwrap();
    let program = fs::read_to_string(root().join(file)).unwrap();
    let line = program.lines().nth(number("startLine") - 1).unwrap();
    let digits = &line[number("startColumn") - 1..number("endColumn") - 1];
    assert_eq!(digits, "0800000000011000");
    let message = other["message"]["text"].as_str().unwrap();
    assert!(message.ends_with("bits 33-63 of the word at 00010008 are 00011000"));
}

/// Of a trace as of a program file: where the word stands in the text.
#[test]
fn regions_of_traces_are_their_digits() {
    let file = "cli/tests/inputs/hercules-4.txt";
    let (text, _) = check("sarif", &[], &[file.into()]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(errors(&document), [""; 0]);
    let results = document["runs"][0]["results"].as_array().unwrap();
    let region = |rule: &str| {
        let result = results.iter().find(|result| result["ruleId"] == rule);
        result.unwrap()["locations"][0]["physicalLocation"]["region"].clone()
    };
    let expected = |line, from, to| json!({ "startLine": line, "startColumn": from, "endLine": line, "endColumn": to });
    // `09:15:02 HHC01302I 0:0590 CHAN: idaw 00031004, ...`
    assert_eq!(region("I06"), expected(7, 38, 46));
    // `09:15:05 HHC01315I 0:0121 CHAN: ccw 00400001 00013100`
    assert_eq!(region("C01"), expected(33, 37, 54));
}

/// Of a dump: which bytes of the file.
#[test]
fn regions_of_dumps_are_bytes_of_the_file() {
    let images = Images::new("sarif");
    // A CCW at 2110 with bit 32: behind headers and note (236 bytes) and the six pages of the piece
    // that stands first; or in the third page, which is not compressed.
    for (name, offset) in [
        ("guest.elf", Some(236 + 6 * 4096 + 0x2110)),
        ("guest.kdump", None),
    ] {
        let file = Path::new(images.path()).join(name);
        let (text, code) = check("sarif", &["--orb", "1100"], std::slice::from_ref(&file));
        assert_eq!(code, Some(1));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(errors(&document), [""; 0]);
        let region =
            &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
        let from = region["byteOffset"].as_u64().unwrap();
        assert_eq!(region["byteLength"], 8);
        assert!(offset.is_none_or(|offset| offset == from));
        let bytes = fs::read(file).unwrap();
        let from = usize::try_from(from).unwrap();
        assert_eq!(bytes[from..from + 8], [0x86, 0, 0x10, 0, 0x80, 0, 0x50, 0]);
    }
}

/// The checker of this test notices what is wrong.
#[test]
fn what_breaks_the_schema_is_noticed() {
    let (text, _) = check("sarif", &[], &["tests/programs/bad-tic-tic.json".into()]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(errors(&document).is_empty());
    let run = "/runs/0";
    for (place, wrong) in [
        ("/version", json!("2.2.0")),
        ("/runs", json!({})),
        ("/$schema", json!("sarif schema")),
        (&format!("{run}/columnKind"), json!("bytes")),
        (&format!("{run}/results/0/level"), json!("fatal")),
        (&format!("{run}/results/0/message"), json!({})),
        (&format!("{run}/results/0/ruleIndex"), json!(-2)),
        (
            &format!("{run}/results/0/locations/0/physicalLocation"),
            json!({ "region": {} }),
        ),
        (
            &format!("{run}/tool/driver/rules/0"),
            json!({ "id": "O01", "title": "" }),
        ),
        (&format!("{run}/tool/driver/rules/1/id"), json!(7)),
    ] {
        let mut document = document.clone();
        *document.pointer_mut(place).unwrap() = wrong;
        assert!(!errors(&document).is_empty(), "{place}");
    }
    let mut twice = document;
    let rules = twice.pointer_mut("/runs/0/tool/driver/rules").unwrap();
    let rules = rules.as_array_mut().unwrap();
    rules[1] = rules[0].clone();
    assert!(!errors(&twice).is_empty());
}
