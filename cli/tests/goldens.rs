// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What `ccwtool` prints, beside what it is to print.
//!
//! To add a test, drop a file `NAME.cmd` into `cases/`: the command line (without `ccwtool`; `<
//! FILE` gives standard input; lines with `#` say why the case is there), run in the root of the
//! repository. `{images}` stands for a fresh directory with the images that [`images`] writes.
//! `CCWTOOL_BLESS=1 cargo test -p ccwtool --test goldens` writes what is printed to `NAME.out`,
//! for a look at the difference.

mod images;
mod tool;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use images::Images;
use tool::ccwtool;

#[test]
fn output_is_as_recorded() {
    let bless = std::env::var_os("CCWTOOL_BLESS").is_some();
    let mut cases: Vec<PathBuf> = fs::read_dir(manifest().join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new("cmd")))
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in &cases {
        let printed = print(case);
        let golden = case.with_extension("out");
        if bless {
            fs::write(&golden, &printed).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != printed {
            wrong.push(format!("{}\n{printed}", case.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "differs from its .out file:\n{}",
        wrong.join("\n")
    );
}

/// Every member of JSON that is printed in a case stands in the tool's description.
#[test]
fn every_member_of_json_is_described() {
    fn collect(value: &serde_json::Value, members: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(object) => {
                for (member, value) in object {
                    members.insert(member.clone());
                    collect(value, members);
                }
            }
            serde_json::Value::Array(all) => all.iter().for_each(|value| collect(value, members)),
            _ => {}
        }
    }
    let mut members = BTreeSet::new();
    for entry in fs::read_dir(manifest().join("tests/cases")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let objects = text.lines().filter(|line| line.starts_with('{'));
        for object in objects {
            let object: serde_json::Value = serde_json::from_str(object).unwrap();
            // A program: tests/programs/README.md describes it.
            if object["schema"] != "ccwprog/1" {
                collect(&object, &mut members);
            }
        }
    }
    assert!(members.len() > 40, "{members:?}");
    let readme = fs::read_to_string(manifest().join("README.md")).unwrap();
    members.retain(|member| !readme.contains(&format!("`{member}`")));
    assert!(members.is_empty(), "not described: {members:?}");
}

/// Every recorded output belongs to a case.
#[test]
fn no_output_is_left_over() {
    for entry in fs::read_dir(manifest().join("tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        assert!(
            path.with_extension("cmd").exists(),
            "{} has no .cmd",
            path.display()
        );
    }
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a case: its standard output, standard error and exit code as one text.
fn print(case: &Path) -> String {
    let name = case.file_stem().unwrap().to_string_lossy();
    let images = Images::new(&format!("golden-{name}"));
    let text = fs::read_to_string(case).unwrap();
    let line: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let line = line.join(" ").replace("{images}", images.path());
    let (args, stdin) = match line.split_once(" < ") {
        Some((args, file)) => (args, Some(file.trim())),
        None => (line.as_str(), None),
    };
    let root = manifest().parent().unwrap();
    let stdin = stdin.map_or_else(Stdio::null, |file| {
        File::open(root.join(file)).unwrap().into()
    });
    let output = ccwtool()
        .args(args.split_whitespace())
        .current_dir(root)
        .stdin(stdin)
        .env_remove("COLUMNS")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code().expect("no signal");
    let mut text = out;
    if !err.is_empty() {
        text.push_str("--- standard error\n");
        text.push_str(&err);
    }
    text.push_str(&format!("--- exit code {code}\n"));
    text.replace(images.path(), "{images}")
}
