// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Inputs that were damaged on the way: always an answer, never a panic.

mod tool;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use tool::ccwtool;

/// The exit code and standard error of `ccwtool show -` for `input`.
fn check(input: &[u8]) -> (Option<i32>, String) {
    let mut child = ccwtool()
        .args(["show", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn program(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read(root.join("tests/programs").join(name)).unwrap()
}

#[test]
fn a_file_cut_off_anywhere_is_called_so() {
    let whole = program("enc-data-chain-rcd-ida-mix.json");
    assert_eq!(check(&whole).0, Some(0));
    let end = whole.trim_ascii_end().len();
    for len in (0..end).step_by(11) {
        let (code, error) = check(&whole[..len]);
        assert_eq!(code, Some(2), "{len}");
        let said = match len {
            0 => "is empty",
            _ => "the file ends in the middle",
        };
        assert!(error.contains(said), "{len}: {error}");
    }
}

#[test]
fn a_changed_character_never_ends_in_a_panic() {
    let whole = program("bad-midaw-sum-exceeds.json");
    let mut seen = [false; 4];
    for (n, place) in (0..whole.len()).step_by(5).enumerate() {
        let mut damaged = whole.clone();
        damaged[place] = b"0f1\"}a9-"[n % 8];
        let (code, error) = check(&damaged);
        let code = usize::try_from(code.expect("no signal")).unwrap();
        assert!(code < 4, "character {place}: {error}");
        seen[code] = true;
    }
    assert!(seen[1] && seen[2], "both kinds of damage occur");
}

#[test]
fn declared_sizes_cost_nothing() {
    let text = String::from_utf8(program("enc-sense-id-sli.json")).unwrap();
    let size = r#""size": "0x1000000""#;
    assert!(text.contains(size));
    // 64 TiB are accepted at once; more are refused.
    let huge = text.replace(size, r#""size": "0x400000000000""#);
    assert_eq!(check(huge.as_bytes()).0, Some(0));
    for size in ["0x400000001000", "0x8000000000000000", "0xfffffffffffff000"] {
        let more = text.replace("\"0x1000000\"", &format!("\"{size}\""));
        let (code, error) = check(more.as_bytes());
        assert_eq!(code, Some(2));
        assert!(error.contains("memory.size"), "{error}");
    }
}

/// Not damage: some editors put a byte-order mark there, and some end lines in two characters.
#[test]
fn what_an_editor_adds_is_passed_over() {
    let whole = program("enc-sense-id-sli.json");
    let marked = [b"\xef\xbb\xbf".as_slice(), &whole].concat();
    assert_eq!(check(&marked).0, Some(0));
    let text = String::from_utf8(whole).unwrap().replace('\n', "\r\n");
    assert_eq!(check(text.as_bytes()).0, Some(0));
}
