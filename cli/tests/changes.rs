// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! For every rule that an invalid program of the corpus breaks, `check` names bytes and what to write
//! there; written there, they make the program legal. `CCW_CORPUS` names a folder with more programs.

mod tool;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tool::ccwtool;

/// Conditions that no bytes in one place can satisfy, and why.
const WITHOUT: [(&str, &str); 1] = [(
    "A03",
    "the ORB leads to no storage, and nothing says where the program is instead",
)];

/// A program that is said to be invalid.
struct Broken {
    path: PathBuf,
    document: Value,
}

fn broken() -> Vec<Broken> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs");
    let mut folders = vec![PathBuf::from(own)];
    folders.extend(std::env::var_os("CCW_CORPUS").map(PathBuf::from));
    let mut broken = Vec::new();
    for folder in folders {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|it| it == "json"))
            .collect();
        files.sort();
        for path in files {
            let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            if document["expect"]["outcome"] == "invalid" {
                broken.push(Broken { path, document });
            }
        }
    }
    broken
}

/// The verdict on `file`, and what is printed for people.
fn check(file: &Path) -> (Value, String) {
    let [json, text] = ["json", "text"].map(|format| {
        let output = ccwtool()
            .args(["check", "--format", format])
            .arg(file)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    });
    (serde_json::from_str(&json).unwrap(), text)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| {
        let text = value.as_str().unwrap();
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
            None => text.parse().unwrap(),
        }
    })
}

/// Writes the digits of `new` over those of `old`, `offset` bytes into the string `hex`.
fn write(hex: &mut Value, offset: u64, old: &str, new: &str) {
    let at = usize::try_from(offset).unwrap() * 2;
    let mut text = hex.as_str().unwrap().to_ascii_lowercase();
    assert_eq!(text.get(at..at + old.len()), Some(old));
    text.replace_range(at..at + new.len(), new);
    *hex = json!(text);
}

/// Carries `change` out in `document`.
fn apply(document: &mut Value, change: &Value) {
    let (old, new) = (
        change["old"].as_str().unwrap(),
        change["new"].as_str().unwrap(),
    );
    assert_eq!(old.len(), new.len());
    if change["at"].is_null() {
        let byte = number(&change["orb_byte"]);
        return write(&mut document["orb"]["raw"], byte, old, new);
    }
    let at = number(&change["at"]);
    for range in document["memory"]["ranges"].as_array_mut().unwrap() {
        let start = number(&range["addr"]);
        let bytes = range["hex"].as_str().unwrap().len() as u64 / 2;
        if (start..start + bytes).contains(&at) {
            return write(&mut range["hex"], at - start, old, new);
        }
    }
    panic!("{change}: what is to be changed is in no range");
}

#[test]
fn what_is_suggested_makes_programs_legal() {
    let mut rules = BTreeSet::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("changes");
    fs::create_dir_all(&folder).unwrap();
    for (n, Broken { path, mut document }) in (0..).zip(broken()) {
        let name = path.display();
        let (verdict, text) = check(&path);
        assert_eq!(verdict["outcome"], "invalid", "{name}");
        let findings = verdict["findings"].as_array().unwrap();
        let error = findings.iter().find(|it| it["severity"] == "error");
        let error = error.unwrap();
        let change = &error["change"];
        if WITHOUT.iter().any(|(code, _)| error["id"] == *code) {
            assert!(change.is_null(), "{name}: {change}");
            continue;
        }
        assert!(change.is_object(), "{name}: no change for {error}");
        let (old, new) = (
            change["old"].as_str().unwrap(),
            change["new"].as_str().unwrap(),
        );
        let plural = if old.len() == 2 { "" } else { "s" };
        let place = match change["at"].as_str() {
            Some(_) => format!("byte{plural} {:08x}", number(&change["at"])),
            None => format!("ORB byte{plural} {}", change["orb_byte"]),
        };
        // Long ones are broken into lines.
        let words: Vec<&str> = text.split_whitespace().collect();
        let said = format!(
            "try: {place}: {old} -> {new}, which {}",
            change["does"].as_str().unwrap()
        );
        assert!(words.join(" ").contains(&said), "{name}: {said}\n{text}");
        apply(&mut document, change);
        let changed = folder.join(format!("{n}.json"));
        fs::write(&changed, document.to_string()).unwrap();
        let (verdict, text) = check(&changed);
        assert_eq!(verdict["outcome"], "valid", "{name}: {change}\n{text}");
        rules.insert(document["expect"]["rule"].as_str().unwrap().to_owned());
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(rules.len() >= 27, "{rules:?}");
}
