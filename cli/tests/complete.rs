// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Completions and manual pages know every verb.

mod tool;

use std::fs;
use std::path::Path;

use tool::ccwtool;

const VERBS: [&str; 7] = [
    "check",
    "show",
    "translate",
    "run",
    "diff",
    "explain",
    "complete",
];

#[test]
fn every_shell_completes_every_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = ccwtool().args(["complete", shell]).output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{shell}"
        );
        let text = String::from_utf8(output.stdout).unwrap();
        for verb in VERBS {
            assert!(text.contains(verb), "{shell}: {verb}");
        }
        assert!(text.contains("extent"), "{shell}: options");
    }
}

#[test]
fn every_verb_has_a_manual_page() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    let _ = fs::remove_dir_all(&folder);
    let status = ccwtool()
        .args(["complete", "--man"])
        .arg(&folder)
        .status()
        .unwrap();
    assert!(status.success());
    let tool = fs::read_to_string(folder.join("ccwtool.1")).unwrap();
    assert!(tool.contains("Exit codes:"));
    for verb in VERBS {
        let page = fs::read_to_string(folder.join(format!("ccwtool-{verb}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{verb}");
    }
    fs::remove_dir_all(&folder).unwrap();
}
