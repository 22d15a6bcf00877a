// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! For a condition a program that breaks its rule, and one that keeps it.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use translator::Code;

use crate::json;

/// The examples, in the order of the ids; the file says what its lines mean.
const EXAMPLES: &str = include_str!("examples.txt");

/// Storage of an example that does not say how much it has.
const SIZE: u64 = 16 << 20;

/// Which of the two programs of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Which {
    /// The one that breaks the rule
    Broken,
    /// The one that keeps it
    Kept,
}

/// The example for `code`, a line for each word or key: those of one program begin with `-`, of the
/// other with `+`, of both with a space.
pub(super) fn lines(code: Code) -> Option<Vec<&'static str>> {
    let (base, own) = section(code.id())?;
    let mut lines = match base {
        "" => Vec::new(),
        base => section(base)?.1,
    };
    // The example has an ORB of its own.
    if own.iter().any(|line| line.contains("orb:")) {
        lines.retain(|line| !line.contains("orb:"));
    }
    let place = |line: &str| {
        line.get(2..)?
            .split_once(':')
            .map(|(place, _)| place.to_owned())
    };
    let replaced: Vec<_> = own.iter().map(|line| place(line)).collect();
    lines.retain(|line| line.contains("orb:") || !replaced.contains(&place(line)));
    let first = own
        .iter()
        .position(|line| !line.contains("orb:") && !line.contains("size:"));
    // What an example has of its own comes first, but for the ORB, which begins every program.
    let at = first.filter(|_| !lines.is_empty()).unwrap_or(own.len());
    let (heads, words) = own.split_at(at);
    let mut all = heads.to_vec();
    all.append(&mut lines);
    all.extend(words);
    all.sort_by_key(|line| !line.contains("orb:") && !line.contains("size:"));
    Some(all)
}

/// What another section it is based on, if on any, and the lines of the section called `name`.
fn section(name: &str) -> Option<(&'static str, Vec<&'static str>)> {
    let head = |line: &'static str| {
        let mut words = line.strip_prefix("= ")?.split(' ');
        (words.next()? == name).then(|| words.next().unwrap_or_default())
    };
    let mut lines = EXAMPLES.lines();
    let base = lines.by_ref().find_map(head)?;
    let own = lines.take_while(|line| !line.starts_with("= "));
    Some((base, own.collect()))
}

/// An example as a program of the format `ccwprog/1`.
#[derive(Serialize)]
struct Program {
    schema: &'static str,
    name: String,
    orb: Orb,
    memory: Storage,
}

#[derive(Serialize)]
struct Orb {
    raw: String,
}

#[derive(Serialize)]
struct Storage {
    size: String,
    ranges: Vec<Range>,
    storage_keys: Vec<Key>,
}

#[derive(Serialize)]
struct Range {
    addr: String,
    hex: String,
}

#[derive(Serialize)]
struct Key {
    addr: String,
    len: String,
    key: u8,
    fetch_protect: bool,
}

/// One of the programs for `code`, as a file of the format `ccwprog/1`.
pub(super) fn program(code: Code, which: Which) -> Option<String> {
    let name = match which {
        Which::Broken => format!("{}-broken", code.id()),
        Which::Kept => format!("{}-kept", code.id()),
    };
    let mut orb = vec![0; 32];
    let mut storage = BTreeMap::new();
    let mut keys = Vec::new();
    let mut size = SIZE;
    let other = if which == Which::Broken { '+' } else { '-' };
    for line in lines(code)? {
        let Some((place, words)) = line.get(2..)?.split_once(':') else {
            continue;
        };
        if line.starts_with(other) {
            continue;
        }
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        match place {
            "orb" => orb.splice(.., padded(bytes(words)?)).for_each(drop),
            "size" => size = number(words.trim())?,
            "key" => {
                let mut words = words.split_whitespace();
                keys.push(Key {
                    addr: json::hex(number(words.next()?)?),
                    len: json::hex(number(words.next()?)?),
                    key: words.next()?.parse().ok()?,
                    fetch_protect: words.next().is_some(),
                });
            }
            place => {
                let (at, times) = place.split_once('*').unwrap_or((place, "1"));
                let bytes = bytes(words)?;
                let times = usize::try_from(number(times)?).ok()?;
                let all = bytes.iter().cycle().take(bytes.len() * times);
                storage.extend((number(at)?..).zip(all.copied()));
            }
        }
    }
    let mut ranges: Vec<Range> = Vec::new();
    let mut next = None;
    for (at, byte) in storage {
        match ranges.last_mut().filter(|_| next == Some(at)) {
            Some(range) => {
                let _ = write!(range.hex, "{byte:02x}");
            }
            None => ranges.push(Range {
                addr: json::hex(at),
                hex: format!("{byte:02x}"),
            }),
        }
        next = at.checked_add(1);
    }
    Some(json::line(&Program {
        schema: "ccwprog/1",
        name,
        orb: Orb {
            raw: json::digits(&orb),
        },
        memory: Storage {
            size: json::hex(size),
            ranges,
            storage_keys: keys,
        },
    }))
}

fn padded(mut orb: Vec<u8>) -> Vec<u8> {
    orb.resize(32, 0);
    orb
}

/// The bytes of words of eight digits.
fn bytes(words: &str) -> Option<Vec<u8>> {
    let words = words.split_whitespace();
    let words: Option<Vec<[u8; 4]>> = words
        .map(|word| Some(u32::from_str_radix(word, 16).ok()?.to_be_bytes()))
        .collect();
    Some(words?.concat())
}
