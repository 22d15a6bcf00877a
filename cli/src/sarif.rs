// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The findings of a call as one SARIF 2.1.0 document, for code-scanning services and editors.
//!
//! Every condition is a rule. What a finding is about is told three times: as a region of the input's
//! file where its digits stand there, as an address of guest storage, and as a place in the program.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use translator::{Code, Finding, Program, Severity, Sure};

use crate::against::Against;
use crate::change::Change;
use crate::exit::Exit;
use crate::input::{Input, InputError, Place as Trouble};
use crate::memory::Part as Dumped;
use crate::place::Place;
use crate::prediction::{self, Prediction};
use crate::printable::printable;
use crate::source::Region;
use crate::{condition, excerpt, finding, undecided};

const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";

/// The rule under which predictions are told.
const PREDICTION: &str = "prediction";

/// What one file adds to the document.
#[derive(Default)]
pub(crate) struct Part {
    results: Vec<Value>,
    notifications: Vec<Value>,
}

/// The findings about the program of `input`, which stands in `file`, and what is predicted of it.
pub(crate) fn part(
    file: &Path,
    input: &Input,
    program: &Program,
    findings: &[Finding],
    predictions: &[Prediction],
) -> Part {
    let entries = findings
        .iter()
        .filter(|finding| !undecided::is_void(finding, input))
        .map(|finding| result(file, input, program, finding));
    let predicted = predictions.iter().map(|it| predicted(file, input, it));
    Part {
        results: entries.chain(predicted).collect(),
        notifications: Vec::new(),
    }
}

/// That `file` cannot be read.
pub(crate) fn unreadable(file: &Path, error: &InputError) -> Part {
    let region = match error.place {
        // A reader may give up before the first character.
        Trouble::At { line, column, .. } => {
            Some(json!({ "startLine": line.max(1), "startColumn": column.max(1) }))
        }
        Trouble::Whole | Trouble::Member(_) => None,
    };
    let mut notification = json!({
        "level": "error",
        "message": { "text": printable(&error.to_string()) },
    });
    let physical = physical(file, region, None);
    set(
        &mut notification,
        "locations",
        physical.map(|at| json!([{ "physicalLocation": at }])),
    );
    Part {
        results: Vec::new(),
        notifications: vec![notification],
    }
}

/// The document that `parts` make, of a call that ends with `exit`.
pub(crate) fn document(parts: Vec<Part>, exit: Exit) -> String {
    let (mut results, mut notifications) = (Vec::new(), Vec::new());
    for part in parts {
        results.extend(part.results);
        notifications.extend(part.notifications);
    }
    let mut rules: Vec<Value> = Code::ALL.iter().copied().map(rule).collect();
    rules.push(json!({
        "id": PREDICTION,
        "name": PREDICTION,
        "shortDescription": { "text": "What an implementation of the channel does with the program." },
        "help": { "text": "This is no fault: whoever asks with --profile is told." },
        "defaultConfiguration": { "level": "none" },
    }));
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ccwtool",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": exit != Exit::Unusable,
                "exitCode": exit.code(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    // Serialization of values cannot fail.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn rule(code: Code) -> Value {
    let level = match code.sure() {
        Sure::Always | Sure::Reached => "error",
        Sure::Remark => "note",
    };
    json!({
        "id": code.id(),
        "name": code.name(),
        "shortDescription": { "text": sentence(code.rule()) },
        "fullDescription": { "text": condition::description(code) },
        "help": { "text": format!(
            "{} `ccwtool explain {}` says more.", sentence(code.fix()), code.id()
        ) },
        "defaultConfiguration": { "level": level },
        "properties": { "check": code.check().name() },
    })
}

/// `text` with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first
        .into_iter()
        .chain(chars)
        .chain(std::iter::once('.'))
        .collect()
}

fn result(file: &Path, input: &Input, program: &Program, finding: &Finding) -> Value {
    let missing = undecided::missing(finding, input, program);
    let site = &finding.site;
    let entry = finding::Entry::of(finding, input, program);
    let (kind, level, message) = match &missing {
        // Whatever is not a failure has no level.
        Some(missing) => ("open", "none", missing.text()),
        None => ("fail", level(finding.severity), entry.message().to_owned()),
    };
    let place = missing
        .map(|missing| Place::Storage(missing.at))
        .unwrap_or_else(|| Place::of(finding));
    let bytes = (site.word.as_bytes().len() as u64).max(1);
    let region = region(input, place, bytes);
    let address = match place {
        Place::Storage(at) => Some((at, bytes)),
        Place::Orb(_) => None,
    };
    let index = Code::ALL.iter().position(|code| *code == finding.code);
    let mut location = json!({ "logicalLocations": [logical(input, finding)] });
    let physical = physical(file, region, address);
    set(&mut location, "physicalLocation", physical);
    let mut result = json!({
        "ruleId": finding.code.id(),
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": printable(&message) },
        "locations": [location],
        "properties": properties(input, &entry),
    });
    if missing.is_none() {
        let change = Change::of(finding, input, program);
        let fix = change.and_then(|change| fix(file, input, &change));
        set(&mut result, "fixes", fix.map(|fix| json!([fix])));
        let related = Against::of(finding, program).and_then(|it| related(file, input, &it));
        set(&mut result, "relatedLocations", related);
    }
    result
}

/// What an implementation does with the program.
fn predicted(file: &Path, input: &Input, prediction: &Prediction) -> Value {
    let (mut name, mut place) = (printable(&input.name), None);
    if let Some(ccw) = prediction.ccw() {
        name.push_str(&format!("/CCW {ccw:08x}"));
        place = Some((ccw, 8));
    }
    let region = place.and_then(|(ccw, bytes)| region(input, Place::Storage(ccw), bytes));
    let mut location =
        json!({ "logicalLocations": [{ "fullyQualifiedName": name, "kind": "object" }] });
    set(
        &mut location,
        "physicalLocation",
        physical(file, region, place),
    );
    json!({
        "ruleId": PREDICTION,
        "ruleIndex": Code::ALL.len(),
        "kind": "informational",
        "level": "none",
        "message": { "text": prediction.line() },
        "locations": [location],
        "properties": properties(input, &prediction::entry(prediction)),
    })
}

/// The place that a finding contradicts.
fn related(file: &Path, input: &Input, against: &Against) -> Option<Value> {
    let region = region(input, Place::Storage(against.at), against.size());
    let address = Some((against.at, against.size()));
    let physical = physical(file, region, address)?;
    Some(json!([{
        "id": 1,
        "physicalLocation": physical,
        "message": { "text": against.text() },
    }]))
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The place in the program, such as `NAME/CCW 00010000/list word 1`.
fn logical(input: &Input, finding: &Finding) -> Value {
    let site = &finding.site;
    let mut name = match (site.at, site.ccw) {
        (Some(_), Some(ccw)) => format!("CCW {:08x}", ccw.get()),
        (Some(at), None) => format!("control block {:08x}", at.get()),
        (None, _) => "ORB".to_owned(),
    };
    if let Some(word) = site.list_word {
        name.push_str(&format!("/list word {word}"));
    }
    json!({
        "fullyQualifiedName": format!("{}/{name}", printable(&input.name)),
        "kind": "object",
    })
}

/// What the JSON of a finding or prediction says, in SARIF's property bag.
fn properties<E: Serialize>(input: &Input, entry: &E) -> Value {
    #[derive(Serialize)]
    struct Properties<'a, E> {
        program: String,
        #[serde(flatten)]
        entry: &'a E,
    }
    let properties = Properties {
        program: printable(&input.name),
        entry,
    };
    serde_json::to_value(properties).unwrap_or_default()
}

/// Nothing can be said of a place that is neither in a file nor in storage.
fn physical(file: &Path, region: Option<Value>, address: Option<(u64, u64)>) -> Option<Value> {
    let mut physical = json!({});
    let uri = uri(file);
    let known = uri.is_some() || address.is_some();
    if uri.is_some() {
        set(&mut physical, "region", region);
    }
    set(
        &mut physical,
        "artifactLocation",
        uri.map(|uri| json!({ "uri": uri })),
    );
    let address = address.map(|(at, bytes)| {
        json!({ "absoluteAddress": at, "length": bytes, "kind": "data", "name": format!("{at:08x}") })
    });
    set(&mut physical, "address", address);
    known.then_some(physical)
}

fn region_value(region: Region) -> Value {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    })
}

/// Where in their file the `bytes` bytes from `place` on stand: their digits, or the bytes of a dump; of
/// a compressed page all of it.
fn region(input: &Input, place: Place, bytes: u64) -> Option<Value> {
    if let Some(region) = input.sources.find(place, bytes) {
        return Some(region_value(region));
    }
    let origin = excerpt::origin(input, place)?;
    let bytes = match origin.part {
        Dumped::Compressed(_) => origin.bytes,
        Dumped::Image | Dumped::Segment(_) | Dumped::Page(_) => origin.bytes.min(bytes),
    };
    Some(json!({ "byteOffset": origin.offset, "byteLength": bytes }))
}

/// The change as one of the file, where the bytes stand in it as digits.
fn fix(file: &Path, input: &Input, change: &Change) -> Option<Value> {
    let uri = uri(file)?;
    let region = input.sources.find(change.at, change.new.len() as u64)?;
    let digits = crate::json::digits(&change.new);
    // With something between the digits of two bytes, they cannot be written in one go.
    region.plain.then(|| {
        json!({
            "description": { "text": format!("{}: it {}", change.text(), change.does) },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri },
                "replacements": [{
                    "deletedRegion": region_value(region),
                    "insertedContent": { "text": digits },
                }],
            }],
        })
    })
}

/// The file as a URI reference; standard input has none.
fn uri(file: &Path) -> Option<String> {
    let text = file.to_str().filter(|text| *text != "-")?;
    let mut uri = String::new();
    if file.is_absolute() {
        uri.push_str("file://");
    } else if text
        .split('/')
        .next()
        .is_some_and(|part| part.contains(':'))
    {
        // The first part would be taken for a scheme.
        uri.push_str("./");
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@".contains(&byte) {
            uri.push(byte.into());
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(uri)
}

/// Adds a member if there is a value.
fn set(object: &mut Value, member: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(member.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_uri_references() {
        let of = |text: &str| uri(Path::new(text)).unwrap();
        assert_eq!(of("tests/a.json"), "tests/a.json");
        assert_eq!(of("a b%ä#?.json"), "a%20b%25%C3%A4%23%3F.json");
        assert_eq!(of("c:d"), "./c:d");
        assert_eq!(of("/x/y"), "file:///x/y");
        assert_eq!(uri(Path::new("-")), None);
    }
}
