// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What fuzzing starts from, made of the recorded programs.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{confined, corpus, differential, generator::Case, subchannel, transport};

/// An input of a fuzz target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The target.
    pub target: &'static str,
    /// Name of the file.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The targets.
pub const TARGETS: [&str; 8] = [
    "decode",
    "walk",
    "equivalence",
    "late",
    "device",
    "region",
    "confined",
    "transport",
];

/// Most bytes of a seed: a fuzzer makes little of large ones.
const LARGEST: usize = 600;

/// Blocks of transport mode, written out: a read of two TIDAWs, its TCCB, a TSB with sense bytes, and
/// a TCCB that has control data and interrogates.
const BLOCKS: [(&str, &str); 5] = [
    (
        "transport-tcw",
        "00040000 000e0000 00000000 00000000 00000000 00004400 00000000 00004480 \
         00000000 00004500 00000000 00001000 00000000 00000000 00000000 00000000",
    ),
    (
        "transport-tidaws",
        "00000000 00000800 00000000 00005800 80000000 00000800 00000000 00009000",
    ),
    (
        "transport-tccb",
        "7f000000 00000014 1ffe0000 00000000 06000000 00001000 00000000 00001004",
    ),
    (
        "transport-tsb",
        "40c10008 00000005 00000000 00000000 00000000 00000000 00000000 00000000 08112200",
    ),
    (
        "transport-interrogate",
        "7f000000 00000034 1fff0000 00000000 40000020 00000000 00010280 8080001e \
         a0000000 00000000 00112233 44556677 8899aabb ccddeeff 00000000 00000004",
    ),
];

/// The seeds of every target: for `equivalence` the sound programs that were written by hand, for
/// `walk` those with a mistake, for `decode` their ORBs and CCWs alone and blocks of transport mode,
/// for `late` the sound ones once more, and with those for `device`, `region`, `confined` and `transport`, cases that were
/// written by hand.
///
/// # Errors
///
/// When the programs cannot be read.
pub fn all() -> io::Result<Vec<Seed>> {
    let mut seeds: Vec<Seed> = BLOCKS
        .iter()
        .map(|(name, hex)| Seed {
            target: "decode",
            name: (*name).to_owned(),
            bytes: bytes(hex),
        })
        .collect();
    for (target, cases) in [
        ("device", subchannel::device_seeds()),
        ("region", subchannel::region_seeds()),
        ("confined", confined::seeds()),
        ("late", differential::late_seeds()),
        ("transport", transport::seeds().into()),
    ] {
        seeds.extend(cases.into_iter().map(|(name, bytes)| Seed {
            target,
            name: name.into(),
            bytes,
        }));
    }
    for program in corpus::load(&corpus::own_programs())? {
        let case = Case::of_program(&program);
        let target = match program.name.get(..4) {
            Some("enc-") => "equivalence",
            Some("bad-") => "walk",
            _ => continue,
        };
        let bytes = case.to_bytes();
        if bytes.len() > LARGEST {
            continue;
        }
        let name = program.name.clone();
        if target == "equivalence" {
            seeds.push(Seed {
                target: "late",
                name: name.clone(),
                bytes: differential::late_seed(case.clone()),
            });
        }
        if target == "walk" {
            let words = case.patches.iter().flat_map(|patch| patch.bytes.clone());
            seeds.push(Seed {
                target: "decode",
                name: name.clone(),
                bytes: program.orb().0.into_iter().chain(words).collect(),
            });
        }
        seeds.push(Seed {
            target,
            name,
            bytes,
        });
    }
    Ok(seeds)
}

/// The bytes that `hex` spells.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter_map(|c| c.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect()
}

/// The folder of a target's seeds.
pub fn folder(target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("fuzz").join("seeds").join(target)
}

/// The folder of the inputs that once made a target fail.
pub fn regressions(target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("tests").join("regressions").join(target)
}
