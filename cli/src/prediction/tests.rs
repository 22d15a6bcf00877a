// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules among themselves, and programs that a real kernel was given in `tests/rig`.

use std::fs;
use std::path::{Path, PathBuf};

use ccw::{RawOrb, orb::word1};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use translator::Code;

use super::copy::Copied;
use super::feature::Feature;
use super::find::Features;
use super::rule::{Evidence, Outcome};
use super::{Answer, Implementation, entries, predict, text};
use crate::analysis::judge;
use crate::input::Input;
use crate::memory::{Extent, Memory};
use crate::reading::Reading;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn there_is_one_rule_for_a_feature() {
    for implementation in Implementation::ALL {
        let rules: Vec<_> = implementation.rules().map(|rule| rule.when).collect();
        for (n, when) in rules.iter().enumerate() {
            assert!(!rules[..n].contains(when), "{implementation:?} {when:?}");
            let other = matches!(when, Feature::Finds(_));
            assert!(other || Feature::OTHERS.contains(when), "{when:?}");
            let before = when.under().and_then(|it| implementation.rule(it));
            let decided = before.is_some_and(|rule| !rule.outcome.goes_on());
            assert!(!decided, "{implementation:?} never comes to {when:?}");
        }
        assert!(rules.contains(&Feature::Plain));
    }
}

/// Every feature has a name and words of its own.
#[test]
fn features_have_names() {
    let mut names: Vec<_> = Feature::OTHERS.iter().map(|it| it.name()).collect();
    names.extend(Code::ALL.iter().map(|code| code.name()));
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// A program that a rule names has the feature, and a recorded end on that implementation.
#[test]
fn recorded_programs_have_what_they_are_evidence_of() {
    let mut n = 0;
    for implementation in Implementation::ALL {
        for rule in implementation.rules() {
            let Evidence::Program(name) = rule.evidence else {
                continue;
            };
            n += 1;
            let path = root().join(format!("tests/programs/{name}.json"));
            let input = Reading::default().one(&path).unwrap();
            let features = Features::of(&input, &judge(&input));
            let mut all = features.orb.iter().chain(&features.ccws);
            let has = all.any(|found| found.feature == rule.when);
            assert!(
                has || rule.when == Feature::Plain,
                "{name}: {:?}",
                rule.when
            );
            let text = fs::read_to_string(&path).unwrap();
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            let by = match document.get("observed") {
                Some(observed) => &observed["by"],
                None => &document["source"]["how"],
            };
            let emulator = match implementation {
                Implementation::Qemu => "QEMU",
                Implementation::Hyperion => "Hyperion",
                _ => panic!("{name} was not recorded on a kernel"),
            };
            assert!(by.as_str().unwrap().contains(emulator), "{name}: {by}");
        }
    }
    assert!(n > 25, "{n}");
}

/// A case that a rule names is in the rig, which holds the kernel to the error number that is predicted.
#[test]
fn cases_of_the_rig_are_there() {
    let (mut n, mut refused) = (0, 0);
    for rule in Implementation::VfioCcw.rules() {
        if let Evidence::Rig(file, case) = rule.evidence {
            let text = fs::read_to_string(root().join("tests/rig/src").join(file)).unwrap();
            let Some((_, behind)) = text.split_once(&format!("\"{case}\"")) else {
                panic!("{file}: {case}");
            };
            if let Outcome::Errno(type1, iommufd) = rule.outcome {
                let why = behind.split_once("Refusal::").map(|(_, why)| why);
                let why = why.and_then(|why| why.split(|c: char| !c.is_alphabetic()).next());
                let numbers = match why {
                    Some("TooLong") => ["EINVAL", "EINVAL"],
                    Some("Unmapped") => ["EINVAL", "ENOENT"],
                    _ => panic!("{file}: {case}: {why:?}"),
                };
                assert_eq!([type1, iommufd], numbers, "{file}: {case}");
                refused += 1;
            }
            n += 1;
        }
    }
    assert!(n > 10 && refused == 4, "{n} {refused}");
}

const CD: u8 = 0x80;
const CC: u8 = 0x40;
const SLI: u8 = 0x20;
const SKIP: u8 = 0x10;
const IDA: u8 = 0x04;
const S: u8 = 0x02;
const MIDA: u8 = 0x01;
const STANDARD: u32 = word1::FORMAT1 | word1::PREFETCH | word1::FORMAT2_IDAWS | 0x8000;
const START: u32 = 0x1000;
const DATA: u32 = 0x20_0000;
const SIZE: u64 = 64 << 20;
const NOWHERE: u32 = 0x7000_0000;

fn ccw(command: u8, flags: u8, count: u16, addr: u32) -> [u8; 8] {
    let ([h, l], [a, b, c, d]) = (count.to_be_bytes(), addr.to_be_bytes());
    [command, flags, h, l, a, b, c, d]
}

fn tic(to: u32) -> [u8; 8] {
    ccw(8, 0, 0, to)
}

fn sense_id() -> [u8; 8] {
    ccw(0xe4, SLI, 256, DATA)
}

/// `n` CCWs, of which the last is SENSE ID.
fn row(n: usize) -> Vec<u8> {
    let mut ccws = vec![ccw(3, CC | SLI, 1, 0); n - 1];
    ccws.push(sense_id());
    ccws.concat()
}

/// A program for a 3390, at `cpa`.
fn input(word1: u32, cpa: u32, stores: &[(u32, Vec<u8>)]) -> Input {
    let extent = |(at, bytes): &(u32, Vec<u8>)| Extent {
        addr: u64::from(*at),
        bytes: bytes.clone(),
    };
    let extents = stores.iter().map(extent).collect();
    Input {
        device: "3390".to_owned(),
        orb: RawOrb::from_words([0, word1, cpa]),
        memory: Memory::new(SIZE, 0, extents, vec![]).unwrap(),
        ..Input::default()
    }
}

fn program(ccws: &[[u8; 8]]) -> Input {
    input(STANDARD, START, &[(START, ccws.concat())])
}

/// What decides on vfio-ccw of 6.12 and 7.2; none is not known.
fn answer(input: &Input) -> Option<(Feature, Outcome)> {
    let all = predict(input, &judge(input), &[Implementation::VfioCcw]);
    match all[0].answer {
        Answer::Known(reason) => Some((reason.rule.when, reason.rule.outcome)),
        Answer::Unknown(_) => None,
    }
}

const REFUSED: Outcome = Outcome::Errno("EINVAL", "EINVAL");
const UNMAPPED: Outcome = Outcome::Errno("EINVAL", "ENOENT");
const CARRIED_OUT: Option<(Feature, Outcome)> = Some((Feature::Plain, Outcome::Machine));

/// `tests/rig/src/chain.rs`, `long`: what the kernel alone does.
#[test]
fn long_programs() {
    for (n, wanted) in [
        (1, CARRIED_OUT),
        (256, CARRIED_OUT),
        (257, Some((Feature::LongSegment, REFUSED))),
        (600, Some((Feature::LongSegment, REFUSED))),
        (5001, Some((Feature::LongSegment, REFUSED))),
    ] {
        let input = input(STANDARD, START, &[(START, row(n))]);
        assert_eq!(answer(&input), wanted, "{n} CCWs");
    }
    for (n, wanted) in [
        (16, CARRIED_OUT),
        (17, Some((Feature::ManySegments, REFUSED))),
        (60, Some((Feature::ManySegments, REFUSED))),
    ] {
        let at = |n: u32| START + 0x100 * n;
        let mut stores: Vec<_> = (0..n - 1)
            .map(|n| (at(n), [ccw(3, CC, 1, 0), tic(at(n + 1))].concat()))
            .collect();
        stores.push((at(n - 1), sense_id().to_vec()));
        let input = input(STANDARD, START, &stores);
        assert_eq!(answer(&input), wanted, "{n} segments");
    }
}

/// `tests/rig/src/dasd.rs`: storage that is not there, and the last 2 KiB of what is.
#[test]
fn storage_that_is_not_mapped() {
    let unmapped = |feature| Some((feature, UNMAPPED));
    let end = u32::try_from(SIZE).unwrap();
    for (before, wanted) in [
        (0x800, CARRIED_OUT),
        (0x7f8, unmapped(Feature::FetchBeyond)),
        (8, unmapped(Feature::FetchBeyond)),
    ] {
        let at = end - before;
        let input = input(STANDARD, at, &[(at, sense_id().to_vec())]);
        assert_eq!(answer(&input), wanted, "{before:x} before the end");
    }
    let absent = input(STANDARD, NOWHERE, &[]);
    assert_eq!(answer(&absent), unmapped(Feature::FetchBeyond));
    let nowhere = program(&[ccw(0xe4, CC | SLI, 64, DATA), ccw(0xe4, SLI, 64, NOWHERE)]);
    assert_eq!(answer(&nowhere), unmapped(Feature::DataUnmapped));
    // By the command code of a CCW that has none.
    let skips = |command, at| {
        program(&[
            ccw(6, CD, 1000, DATA),
            ccw(command, CD | SKIP, 1000, at),
            ccw(0, 0, 2096, DATA + 0x2000),
        ])
    };
    assert_eq!(answer(&skips(0, DATA)), CARRIED_OUT);
    assert_eq!(answer(&skips(0, NOWHERE)), unmapped(Feature::DataUnmapped));
    assert_eq!(answer(&skips(6, NOWHERE)), CARRIED_OUT);
    // A NOP moves nothing, but its list is read, for one byte if its count is zero.
    assert_eq!(answer(&program(&[ccw(3, SLI, 100, NOWHERE)])), CARRIED_OUT);
    for count in [0, 100] {
        let nop = program(&[ccw(3, SLI | IDA, count, NOWHERE)]);
        assert_eq!(answer(&nop), unmapped(Feature::ListUnmapped));
    }
    // The last word that the count needs, and one that it does not.
    let listed = |count, words: [u64; 2]| {
        let list = words.map(u64::to_be_bytes).concat();
        let ccws = ccw(0xe4, SLI | IDA, count, 0x8000).to_vec();
        input(STANDARD, START, &[(START, ccws), (0x8000, list)])
    };
    let far = [u64::from(DATA) + 0xffc, SIZE];
    assert_eq!(answer(&listed(4, far)), CARRIED_OUT);
    assert_eq!(answer(&listed(5, far)), unmapped(Feature::DataUnmapped));
}

/// What ends otherwise than on a machine, in `tests/rig/src`: `dasd.rs`, `midaw.rs`, `tape.rs`, `parts.rs`.
#[test]
fn what_the_kernel_does_not_do() {
    use super::rule;
    use rule::At;
    let short = ccw(6, 0, 8192, DATA);
    assert_eq!(answer(&program(&[short])), CARRIED_OUT);
    let zero = [0x06, 0x20, 0, 0, 0, 0, 0x10, 0].to_vec();
    let zero = input(STANDARD & !word1::FORMAT1, START, &[(START, zero)]);
    assert_eq!(answer(&zero), Some((Feature::Format0, Outcome::Detail)));
    let check = |feature| Some((feature, Outcome::ProgramCheck(At::Ccw)));
    let list = [0, 0, 0, 0, 0, 0x80, 0, 16, 0, 0, 0, 0, 0, 0x20, 0, 0].to_vec();
    let midaw = [(START, ccw(6, MIDA, 16, 0x8000).to_vec()), (0x8000, list)];
    let midaw = input(STANDARD | word1::MIDAW, START, &midaw);
    assert_eq!(answer(&midaw), check(Feature::Midaws));
    let backward = |count| program(&[ccw(0x0c, 0, count, DATA + 3500)]);
    assert_eq!(answer(&backward(3501)), CARRIED_OUT);
    assert_eq!(answer(&backward(3502)), check(Feature::BackwardPages));
    // By a list nobody has looked.
    assert_eq!(answer(&program(&[ccw(0x0c, IDA, 16, 0x8000)])), None);
    let itself = program(&[ccw(6, CC | SLI, 8, START + 8), ccw(3, 0, 1, 0)]);
    assert_eq!(
        answer(&itself),
        Some((Feature::ReadsItself, Outcome::Otherwise))
    );
    let suspends = [(START, ccw(3, S, 1, 0).to_vec())];
    let suspends = input(STANDARD | word1::SUSPEND, START, &suspends);
    assert_eq!(
        answer(&suspends),
        Some((Feature::Suspends, Outcome::Otherwise))
    );
}

/// What is known of 7.1 is what is known of later kernels; it was not run.
#[test]
fn the_older_kernel_is_told_by_its_source_alone() {
    let [old, new] = [Implementation::VfioCcw71, Implementation::VfioCcw];
    for rule in new.rules() {
        assert_eq!(rule.known_by(old), "read");
        let same = old.rule(rule.when).map(|it| it.outcome);
        assert!(same.is_none_or(|outcome| outcome == rule.outcome));
    }
    let input = input(STANDARD, START, &[(START, row(257))]);
    let all = predict(&input, &judge(&input), &Implementation::ALL);
    assert!(matches!(all[0].answer, Answer::Unknown(_)), "vfio-ccw-7.1");
    assert!(matches!(all[1].answer, Answer::Known(_)), "vfio-ccw");
}

proptest! {
    /// Whatever the words are there is an answer, and a machine's check is only told of what is invalid.
    #[test]
    fn any_program_is_answered(
        word1 in any::<u32>(),
        cpa in select(vec![START, START + 4, 0, 0x10_0000, 0x03ff_fff8, 0x8000_1000, NOWHERE]),
        ccws in vec((any::<u8>(), any::<u8>(), any::<u16>(), select(vec![
            START, START + 8, START + 12, 0x8000, DATA, 0x03ff_ffff, NOWHERE, 0xffff_ffff,
        ])), 1..12),
        list in vec(select(vec![0, u64::from(DATA) + 5, SIZE, SIZE - 1, u64::MAX, 1 << 31]), 17),
        partial: bool,
    ) {
        let ccws = ccws.iter().map(|(command, flags, count, addr)| ccw(*command, *flags, *count, *addr));
        let ccws: Vec<_> = ccws.collect();
        let list: Vec<_> = list.iter().map(|word: &u64| word.to_be_bytes()).collect();
        let stores = [(START, ccws.concat()), (0x8000, list.concat())];
        let mut input = input(word1, cpa, &stores);
        if partial {
            let extents = stores.map(|(at, bytes)| Extent { addr: at.into(), bytes });
            input.memory = Memory::partial(SIZE, extents.to_vec()).unwrap();
        }
        let program = judge(&input);
        let invalid = crate::undecided::outcome(&input, &program) == translator::Outcome::Invalid;
        let all = predict(&input, &program, &Implementation::ALL);
        prop_assert_eq!(all.len(), 4);
        for prediction in &all {
            if let Answer::Known(reason) = prediction.answer {
                let condition = matches!(reason.rule.when, Feature::Finds(_));
                prop_assert!(invalid || !condition);
                prop_assert!(!invalid || reason.rule.when != Feature::Plain);
            }
        }
        prop_assert!(text(&all).lines().count() > 4);
        prop_assert_eq!(entries(&all).len(), 4);
    }
}

/// What the copy does not hold decides before any CCW; what is in doubt decides nothing.
#[test]
fn copies() {
    let copied = |ccws: &[[u8; 8]]| Features::of(&program(ccws), &judge(&program(ccws))).copied;
    let searching = [ccw(7, CC, 6, DATA), ccw(0x31, CC, 5, DATA)];
    let read = ccw(6, 0, 4096, DATA);
    let back = [&searching[..], &[tic(START + 8), read]].concat();
    assert_eq!(copied(&back), Copied::Whole);
    let forward = [&searching[..], &[tic(START + 0x100), read]].concat();
    let leaves = Copied::Stops(Feature::SkipLeaves, u64::from(START) + 16);
    assert_eq!(copied(&forward), leaves);
    assert_eq!(answer(&program(&forward)), None);
    let last = [ccw(7, CC, 6, DATA), ccw(0x31, CC, 5, DATA), read];
    assert_eq!(copied(&last), leaves);
    // What lies behind a TIC back is copied too, and is not known here.
    let extents = vec![Extent {
        addr: START.into(),
        bytes: back[..3].concat(),
    }];
    let partial = Input {
        memory: Memory::partial(SIZE, extents).unwrap(),
        ..program(&[])
    };
    let features = Features::of(&partial, &judge(&partial));
    assert_eq!(features.copied, Copied::Unknown(u64::from(START) + 24));
    assert_eq!(answer(&partial), None);
}
