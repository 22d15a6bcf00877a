// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Texts that people paste, damaged on the way: always an answer, never a panic.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Name and bytes of every file in `folder` of the repository, if there is one.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let read = |path: PathBuf| (name(&path), fs::read(&path).unwrap());
    paths.into_iter().map(read).collect()
}

/// The texts that the other tests show.
fn texts() -> Vec<Vec<u8>> {
    let all = files("cli/tests/inputs").into_iter();
    let texts = all.filter(|(name, _)| name.ends_with(".txt"));
    texts.map(|(_, bytes)| bytes).collect()
}

/// What the fuzz target `text` begins with, and what once made it fail.
#[test]
fn seeds_and_regressions() {
    let seeds = files("fuzz/seeds/text");
    assert!(seeds.len() > 5);
    for (name, bytes) in seeds.into_iter().chain(files("tests/regressions/text")) {
        println!("{name}");
        ccwtool::exercise(&bytes);
    }
}

/// Something that happens to a text.
#[derive(Clone, Debug)]
enum Damage {
    /// Another byte at a place.
    Byte(Index, u8),
    /// So many bytes less from a place on.
    Cut(Index, usize),
    /// A line once more, at the place of another.
    Line(Index, Index),
    /// Nothing behind a place.
    End(Index),
}

impl Damage {
    fn apply(&self, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let len = text.len();
        match self {
            Self::Byte(at, byte) => text[at.index(len)] = *byte,
            Self::Cut(at, count) => {
                let at = at.index(len);
                text.drain(at..(at + count).min(len));
            }
            Self::End(at) => text.truncate(at.index(len)),
            Self::Line(from, to) => {
                let mut lines: Vec<Vec<u8>> =
                    text.split(|c| *c == b'\n').map(<[u8]>::to_vec).collect();
                let line = lines[from.index(lines.len())].clone();
                let to = to.index(lines.len());
                lines.insert(to, line);
                *text = lines.join(&b'\n');
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let likely = select(b"0123456789abcdefABCDEF :=,'_()*\n\t\xff\xc3\x00-xX".to_vec());
    prop_oneof![
        4 => (any::<Index>(), likely).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        2 => (any::<Index>(), 1..12usize).prop_map(|(at, count)| Damage::Cut(at, count)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Line(from, to)),
        1 => any::<Index>().prop_map(Damage::End),
    ]
}

proptest! {
    #[test]
    fn a_damaged_text_is_read_or_refused(
        mut text in select(texts()),
        damages in prop::collection::vec(damage(), 1..8),
    ) {
        for damage in &damages {
            damage.apply(&mut text);
        }
        ccwtool::exercise(&text);
    }
}
