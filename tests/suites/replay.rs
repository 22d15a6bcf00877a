// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The inputs of the fuzz targets once more, without a fuzzer: seeds, and whatever once failed.
//!
//! To keep a failure, put its bytes into `regressions/TARGET/` under a name that says what it was.
//! A property test prints them behind `bytes`; `xxd -r -p` makes a file of them.

use std::{collections::BTreeMap, fs, path::Path};

use ccw_kit::{
    decode,
    differential::{self, LateCase},
    generator::{Case, Recorded},
    seeds, subchannel, walk,
};

/// Name and bytes of every file in `folder`.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    };
    entries.map(file).collect()
}

fn inputs(target: &str) -> BTreeMap<String, Vec<u8>> {
    let mut inputs = files(&seeds::folder(target));
    assert!(!inputs.is_empty());
    let regressions = seeds::regressions(target);
    if regressions.exists() {
        inputs.extend(files(&regressions));
    }
    inputs
}

#[test]
fn decode() {
    for (name, bytes) in inputs("decode") {
        println!("{name}");
        decode::check(&bytes);
    }
}

/// The two targets read the same encoding, so each takes the inputs of both.
fn cases() -> impl Iterator<Item = (String, Vec<u8>, Case)> {
    let both = inputs("walk").into_iter().chain(inputs("equivalence"));
    both.map(|(name, bytes)| {
        let case = Case::from_bytes(&bytes);
        (name, bytes, case)
    })
}

#[test]
fn walk() {
    for (name, _, case) in cases() {
        println!("{name}");
        walk::check(&case);
    }
}

#[test]
fn equivalence() {
    for (name, bytes, case) in cases() {
        let each = [
            differential::check(&case).err(),
            differential::check_copied(&case).err(),
            differential::check_verdict(&case).err(),
            differential::check_overlap(&case).err(),
            differential::check_overlap(&case.clone().crowded()).err(),
            differential::check_listed(&case, &bytes).err(),
            differential::check_dirty(&case, true).err(),
        ];
        if let Some(difference) = each.into_iter().flatten().next() {
            panic!("{name}: {difference}\n{case:?}");
        }
    }
}

#[test]
fn late() {
    for (name, bytes) in inputs("late") {
        let case = LateCase::from_bytes(&bytes);
        if let Err(difference) = case.check() {
            panic!("{name}: {difference}\n{case:?}");
        }
    }
}

#[test]
fn device() {
    for (name, bytes) in inputs("device") {
        println!("{name}");
        subchannel::device::check(&bytes);
    }
}

#[test]
fn region() {
    for (name, bytes) in inputs("region") {
        println!("{name}");
        subchannel::region::check(&bytes);
    }
}

#[test]
fn confined() {
    for (name, bytes) in inputs("confined") {
        println!("{name}");
        ccw_kit::confined::check(&bytes);
    }
}

#[test]
fn transport() {
    for (name, bytes) in inputs("transport") {
        println!("{name}");
        ccw_kit::transport::check_bytes(&bytes);
    }
}

/// What was kept before cases could have more keeps its meaning.
#[test]
fn what_is_kept_has_nothing_behind_it() {
    for (name, bytes) in inputs("equivalence") {
        let case = Case::from_bytes(&bytes);
        let kept = seeds::regressions("equivalence").join(&name);
        assert!(
            !kept.exists() || case.recorded == Recorded::default(),
            "{name}"
        );
    }
}

#[test]
fn the_seeds_are_those_of_the_programs() {
    let expected = seeds::all().unwrap();
    for target in seeds::TARGETS {
        let expected = expected.iter().filter(|seed| seed.target == target);
        let expected: BTreeMap<_, _> = expected
            .map(|seed| (seed.name.clone(), seed.bytes.clone()))
            .collect();
        assert!(
            files(&seeds::folder(target)) == expected,
            "run `cargo run -p ccw-kit --example seeds`"
        );
    }
}
