// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a fuzzer should try that it will not find by itself: the words of the formats, for libFuzzer
//! and AFL++ (`-dict`, `-x`).
//!
//! Made of the crates' own constants, so that none is forgotten: `cargo run -p ccw-kit --example
//! dictionaries` writes the files anew.

mod machine;
mod text;

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

pub use machine::machine;
pub use text::{dump, text};

/// A word, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Letters, digits and `_`.
    pub name: String,
    /// At most 32 bytes.
    pub bytes: Vec<u8>,
}

impl Entry {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let letter = |c: char| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_lowercase(),
            false => '_',
        };
        Self {
            name: name.chars().map(letter).collect(),
            bytes: bytes.to_vec(),
        }
    }
}

/// A dictionary: the name of its file in `fuzz/`, what it is of, and its words.
pub type Dictionary = (&'static str, &'static str, Vec<Entry>);

/// All dictionaries.
pub fn all() -> [Dictionary; 3] {
    [
        (
            "ccw.dict",
            "Words of channel I/O, for every target but these two.",
            machine(),
        ),
        (
            "text.dict",
            "Words of what the tool reads as text, for `text`.",
            text(),
        ),
        ("dump.dict", "Words of dumps, for `dump`.", dump()),
    ]
}

/// The target's dictionary.
pub fn of(target: &str) -> &'static str {
    match target {
        "text" => "text.dict",
        "dump" => "dump.dict",
        _ => "ccw.dict",
    }
}

/// The file of a dictionary.
pub fn path(file: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("fuzz").join(file)
}

/// The file: a line per word, each word once.
pub fn print(about: &str, entries: &[Entry]) -> String {
    let mut text = format!(
        "# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause\n\
         # {about}\n\
         # Written by `cargo run -p ccw-kit --example dictionaries`.\n"
    );
    let mut known = std::collections::BTreeSet::new();
    for entry in entries {
        if known.insert(&entry.bytes) {
            let _ = write!(text, "{}=\"", entry.name);
            for &byte in &entry.bytes {
                let _ = match byte {
                    b'"' | b'\\' => write!(text, "\\{}", char::from(byte)),
                    b' '..=b'~' => write!(text, "{}", char::from(byte)),
                    _ => write!(text, "\\x{byte:02x}"),
                };
            }
            text.push_str("\"\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use ccw::{CcwFlags, Class, Command, DeviceClass};

    use super::*;

    /// The words of a file, as libFuzzer and AFL++ read it.
    fn words(file: &str) -> BTreeSet<Vec<u8>> {
        let text = fs::read_to_string(path(file)).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(word).collect()
    }

    fn word(line: &str) -> Vec<u8> {
        let (name, quoted) = line.split_once('=').unwrap();
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!name.is_empty() && name.chars().all(sound), "{line}");
        let inner = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let mut bytes = Vec::new();
        let mut rest = inner.as_bytes();
        while let [first, tail @ ..] = rest {
            (bytes, rest) = match (first, tail) {
                (b'\\', [b'x', high, low, tail @ ..]) => {
                    let digits = [*high, *low];
                    let digits = std::str::from_utf8(&digits).unwrap();
                    let byte = u8::from_str_radix(digits, 16).unwrap();
                    ([bytes, vec![byte]].concat(), tail)
                }
                (b'\\', [c @ (b'\\' | b'"'), tail @ ..]) => ([bytes, vec![*c]].concat(), tail),
                (c, tail) => {
                    assert!(matches!(c, b' '..=b'~') && !b"\\\"".contains(c), "{line}");
                    ([bytes, vec![*c]].concat(), tail)
                }
            };
        }
        assert!((1..=64).contains(&bytes.len()), "{line}");
        bytes
    }

    #[test]
    fn the_files_are_those_of_the_constants() {
        for (file, about, entries) in all() {
            let found = fs::read_to_string(path(file)).unwrap();
            assert!(
                found == print(about, &entries),
                "{file}: run `cargo run -p ccw-kit --example dictionaries`"
            );
            let meant: BTreeSet<_> = entries.into_iter().map(|entry| entry.bytes).collect();
            assert_eq!(words(file), meant, "{file}");
        }
    }

    /// By the list that is printed for people, not by that which the file is made of.
    #[test]
    fn every_command_that_has_a_name_is_in_it_and_every_flag() {
        let words = words("ccw.dict");
        for class in DeviceClass::ALL {
            for code in 0..=u8::MAX {
                let command = Command(code);
                let plain = DeviceClass::Unknown.command_name(command);
                let named = class.command_name(command) != plain;
                assert!(
                    !named || words.contains(&vec![code]),
                    "{class:?} {code:02x}"
                );
            }
        }
        for class in [
            Class::Write,
            Class::Read,
            Class::Control,
            Class::Sense,
            Class::ReadBackward,
            Class::Tic,
        ] {
            let of = |word: &&Vec<u8>| matches!(***word, [code] if Command(code).class() == class);
            assert!(words.iter().any(|word| of(&word)), "{class:?}");
        }
        for bit in 0..8 {
            assert!(words.contains(&vec![1_u8 << bit]));
        }
        assert_eq!(CcwFlags::all().bits(), 0xff);
        // Facts of the formats, by hand: each one bit of ORB word 1 from bit 4 on, and the edges.
        for bit in (6..28).filter(|bit| !(8..16).contains(bit)) {
            let word = (1_u32 << bit).to_be_bytes().to_vec();
            assert!(words.contains(&word), "bit {bit}");
        }
        for word in [
            "00fffff8", "01000000", "7ffffff8", "80000000", "00000fff", "00001000", "000007ff",
            "00000800",
        ] {
            let word = u32::from_str_radix(word, 16).unwrap().to_be_bytes();
            assert!(words.contains(word.as_slice()), "{word:x?}");
        }
    }

    /// What the tool's readers look for is in their own source.
    #[test]
    fn every_mark_of_a_text_is_in_it() {
        let words = words("text.dict");
        let all: Vec<String> = words
            .iter()
            .map(|word| String::from_utf8(word.clone()).unwrap())
            .collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/src/reading");
        let mut marks = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("mod tests {").next().unwrap();
            let literals = code.split('"').skip(1).step_by(2);
            let before = code.split('"').step_by(2);
            for (before, literal) in before.zip(literals) {
                let sought = before.ends_with("behind(") || literal.starts_with("HHC");
                if sought && literal != "HHC" {
                    marks += 1;
                    assert!(
                        all.iter().any(|word| word.contains(literal)),
                        "{literal:?} of {} is not in fuzz/text.dict",
                        path.display()
                    );
                }
            }
        }
        assert!(marks > 30, "only {marks} were found");
    }
}
