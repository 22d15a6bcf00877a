// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The pages in `docs/` for newcomers: what they tell to type is typed, and what they say comes out does.
//!
//! A fenced block `sh` is carried out by bash, in the order of the page, in a folder that holds what the root
//! of the repository does and forgets what is written. The fenced block behind it is what it prints, if that
//! is a `text`; a line `...` in it stands for any lines, or none. Whatever is `sh` and something more is
//! not carried out here: `sh fuzzer` is where `CCW_DOORS` is `fuzzer`, `sh device` needs a device of
//! the host, `sh install` changes the machine.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Carried out before each block: the tool under its name, also as the first command of a page builds it; and a
/// command ends the block whose exit code is neither 0 nor one of those by which ccwtool says what it found.
const PRELUDE: &str = r#"
exec 2>&1
trap 'code=$?; [[ $code == [13] ]] || exit $code' ERR
ccwtool() { $CCWTOOL_RUNNER "$DOORS_TOOL" "$@"; }
cargo() {
    if [[ "$*" == "run -q -p ccwtool -- "* ]]; then
        shift 5
        ccwtool "$@"
    elif [[ $1 == fuzz ]]; then
        (cd "$DOORS_ROOT" && command "$CARGO" "$@")
    else
        command "$CARGO" "$1" --manifest-path "$DOORS_ROOT/Cargo.toml" "${@:2}"
    fi
}
"#;

#[test]
fn the_page_for_who_has_a_failing_program() {
    page("sysprog");
}

#[test]
fn the_page_for_a_vmm() {
    page("vmm");
}

#[test]
fn the_page_for_fuzzing() {
    page("fuzzing");
}

/// What the page for a VMM has its reader depend on is what the examples to copy from need, as it is had here.
#[test]
fn the_examples_to_copy_from_have_their_dependencies() {
    let page = fs::read_to_string(root().join("docs/vmm.md")).unwrap();
    let blocks = blocks(&page);
    let toml = blocks.iter().find(|(info, _)| info == "toml");
    let named: Vec<(&str, &str)> = toml
        .unwrap()
        .1
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .collect();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for (name, value) in &named {
        let path = format!("{{ path = \"CHECKOUT/{name}\"");
        let version = value.split(" #").next().unwrap();
        assert!(
            value.starts_with(&path) && root().join(name).join("Cargo.toml").is_file()
                || manifest.contains(&format!("\n{name} = {version}\n")),
            "{name} = {value}"
        );
    }
    for example in ["vmm_loop", "ipl"] {
        let file = format!("vfio-ccw/examples/{example}.rs");
        assert!(page.contains(&format!("(../{file})")), "{file}");
        let source = fs::read_to_string(root().join(&file)).unwrap();
        let uses = source.lines().filter_map(|line| line.strip_prefix("use "));
        let crates = uses.filter_map(|path| path.split("::").next());
        let needed: Vec<String> = crates
            .filter(|name| *name != "std")
            .map(|name| name.replace('_', "-"))
            .collect();
        assert!(!needed.is_empty());
        for name in needed {
            assert!(named.iter().any(|(it, _)| *it == name), "{file}: {name}");
        }
    }
}

#[test]
fn a_command_that_fails_ends_its_block() {
    let folder = folder("failing");
    let program = "tests/programs/bad-tic-tic.json";
    for (commands, code) in [
        (format!("ccwtool check --quiet {program}\ntrue\n"), 0),
        ("ccwtool check --quiet nothing.txt\ntrue\n".to_owned(), 2),
        ("no-such-command\ntrue\n".to_owned(), 127),
    ] {
        assert_eq!(carry_out(&commands, &folder).1, Some(code), "{commands}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_printed_is_compared() {
    assert!(fits("a\nb\n", "a\nb\n"));
    assert!(fits("a\n...\nd\n", "a\nb\nc\nd\n"));
    assert!(fits("...\nb\n...\n", "b\n"));
    assert!(fits("...\nb\nd\n", "b\nc\nb\nd\n"));
    for printed in ["a\n", "a\nb\nb\n", "", "b\n", "a\nb c\n"] {
        assert!(!fits("a\nb\n", printed), "{printed}");
    }
    assert!(!fits("a\n...\nd\n", "a\nb\n"));
    let blocks =
        blocks("x\n```sh\none\n```\nprints\n```text\ntwo\n```\n```sh device\nthree\n```\n");
    let block = |info: &str, text: &str| (info.to_owned(), text.to_owned());
    let known = [
        block("sh", "one\n"),
        block("text", "two\n"),
        block("sh device", "three\n"),
    ];
    assert_eq!(blocks, known);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Carries out what stands in `docs/NAME.md`.
fn page(name: &str) {
    let page = fs::read_to_string(root().join(format!("docs/{name}.md"))).unwrap();
    let folder = folder(name);
    let wanted = std::env::var("CCW_DOORS").unwrap_or_default();
    let blocks = blocks(&page);
    let mut carried_out = 0;
    let mut wrong = Vec::new();
    for (n, (info, commands)) in blocks.iter().enumerate() {
        match info.split_once(' ') {
            None if info == "sh" => {}
            Some(("sh", more)) if more == wanted => {}
            Some(("sh", "fuzzer" | "device" | "install")) => continue,
            _ => {
                let known = ["text", "rust", "rust,no_run", "toml"].contains(&info.as_str());
                assert!(known, "{name}: a block {info:?}");
                continue;
            }
        }
        carried_out += 1;
        let (printed, code) = carry_out(commands, &folder);
        let output = blocks.get(n + 1).filter(|(info, _)| info == "text");
        let as_said = output.is_none_or(|(_, output)| fits(output, &printed));
        // What ccwtool ends with where it has something to say.
        if !as_said || !matches!(code, Some(0 | 1 | 3)) {
            wrong.push(format!(
                "{commands}exit code {code:?}, and this:\n{printed}"
            ));
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(carried_out > 0, "{name}: nothing to type");
    assert!(wrong.is_empty(), "docs/{name}.md\n{}", wrong.join("\n"));
}

/// The cargo that runs this test.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// A folder of this process's own with links to what the repository holds.
fn folder(name: &str) -> PathBuf {
    let name = format!("doors-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "target" {
            symlink(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    // Where what cargo builds for this machine lies.
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let target = metadata["target_directory"].as_str().unwrap();
    symlink(target, folder.join("target")).unwrap();
    folder
}

/// What `commands` print, on both channels, and how they end.
fn carry_out(commands: &str, folder: &Path) -> (String, Option<i32>) {
    let output = Command::new("bash")
        .arg("-c")
        .arg(format!("{PRELUDE}{commands}"))
        .current_dir(folder)
        .env("DOORS_TOOL", env!("CARGO_BIN_EXE_ccwtool"))
        .env("DOORS_ROOT", root())
        .env(
            "CCWTOOL_RUNNER",
            std::env::var("CCWTOOL_RUNNER").unwrap_or_default(),
        )
        .env("CARGO", cargo())
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code())
}

/// The fenced blocks of `page`: what they are, and their lines.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some((info.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block without an end");
    blocks
}

/// Whether `printed` is what `told` says, in which a line `...` stands for any lines.
fn fits(told: &str, printed: &str) -> bool {
    fn rest(told: &[&str], printed: &[&str]) -> bool {
        match told {
            [] => printed.is_empty(),
            ["...", told @ ..] => (0..=printed.len()).any(|n| rest(told, &printed[n..])),
            [line, told @ ..] => printed
                .split_first()
                .is_some_and(|(first, printed)| first.trim_end() == *line && rest(told, printed)),
        }
    }
    let told: Vec<&str> = told.lines().collect();
    let printed: Vec<&str> = printed.lines().collect();
    rest(&told, &printed)
}
