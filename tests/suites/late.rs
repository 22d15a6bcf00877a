// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that are carried out in segments do what the guest's own do: those that suspend
//! themselves, read into themselves, or must not be prefetched.

use std::collections::BTreeMap;

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use tests::{
    differential::{Course, Late, check_late},
    generator::{
        Amount, Answer, Case, Guard, Memory, OrbWords, Patch, Target, Terms, cases, config,
    },
};

fn late() -> impl Strategy<Value = Late> {
    let contents = btree_map(0_usize..24, vec(ccw(), 1..7), 0..24);
    let late = (any::<u32>(), prop::bool::weighted(0.2), contents);
    late.prop_map(|(changes, early, contents)| Late {
        changes,
        early,
        contents: contents
            .into_iter()
            .map(|(n, ccws)| (n, ccws.concat()))
            .collect(),
        fails: None,
    })
}

/// Where the programs of [`loaders`] lie.
const HERE: u32 = 0x1000;
/// How many CCWs one of them has room for.
const ROOM: u32 = 8;

/// A CCW of format 1 that may stand in a program which reads itself in.
fn ccw() -> impl Strategy<Value = Vec<u8>> {
    let path = (0..ROOM).prop_map(|n| HERE + 8 * n);
    let data = (0_u32..0x20).prop_map(|n| 0x1_0000 + 0x84 * n);
    let small = prop_oneof![Just(5_u16), Just(8), Just(24)];
    let command = prop_oneof![
        4 => (select(vec![0x02_u8, 0x06]), path.clone(), (1_u16..5).prop_map(|n| 8 * n)),
        2 => (select(vec![0x02_u8, 0x06, 0x04, 0x0c]), data.clone(), small.clone()),
        3 => (select(vec![0x07_u8, 0x1f, 0x63, 0x03, 0x31]), data.clone(), small.clone()),
        1 => (select(vec![0x01_u8, 0x05]), data, small),
    ];
    let flag = |weight, mask: u8| {
        prop::bool::weighted(weight).prop_map(move |on| if on { mask } else { 0 })
    };
    let flags = (
        flag(0.9, 0x40),
        flag(0.8, 0x20),
        flag(0.1, 0x08),
        flag(0.05, 0x80),
        flag(0.05, 0x02),
    );
    let command = (command, flags).prop_map(|((code, at, count), (cc, sli, pci, cd, s))| {
        let flags = cc | sli | pci | cd | if cd == 0 { s } else { 0 };
        let mut bytes = vec![code, flags];
        bytes.extend(count.to_be_bytes());
        bytes.extend(at.to_be_bytes());
        bytes
    });
    let tic = path.prop_map(|at| {
        let mut bytes = vec![8, 0, 0, 0];
        bytes.extend(at.to_be_bytes());
        bytes
    });
    prop_oneof![6 => command, 1 => tic]
}

/// Programs that read themselves in, as those that load a system do.
fn loaders() -> impl Strategy<Value = (Case, Late)> {
    let answer = (1_u16..7, 0_u8..12).prop_map(|(n, kind)| Answer {
        amount: Amount::Bytes(8 * n),
        seed: 0,
        status: match kind {
            0 => 0x0e,
            1 | 2 => 0x4c,
            _ => 0x0c,
        },
        later: 0,
        sense: 2,
    });
    let terms = (0_u8..3, any::<bool>(), any::<bool>());
    (terms, vec(ccw(), 3..8), vec(answer, 24), late()).prop_map(
        |((device, prefetch, initial), ccws, script, late)| {
            let word1 = 0x0882_8000 | u32::from(prefetch) << 22 | u32::from(initial) << 21;
            let case = Case {
                terms: Terms {
                    any_skips: false,
                    refuse: false,
                    concurrent_sense: false,
                    device,
                },
                memory: Memory {
                    linear: 1,
                    frames: Vec::new(),
                    guard: Guard::None,
                },
                orb: OrbWords {
                    intparm: 0,
                    word1,
                    start: Target::Word(HERE),
                    extension: Vec::new(),
                },
                segments: Vec::new(),
                patches: vec![Patch {
                    at: HERE.into(),
                    bytes: ccws.concat(),
                }],
                script,
            };
            (case, late)
        },
    )
}

/// A case with flags, and what its guest does.
fn late_cases() -> impl Strategy<Value = (Case, Late)> {
    let late = late().prop_map(|late| Late {
        contents: BTreeMap::new(),
        ..late
    });
    let marks = (any::<u32>(), any::<bool>(), any::<bool>(), 0_u8..3);
    (cases(), marks, late).prop_map(|(mut case, (marks, forbids, crowded, device), late)| {
        case.terms.device = device;
        case.script.retain(|answer| !answer.retries());
        let case = case.marked(marks, forbids).scattered(7);
        (if crowded { case.crowded() } else { case }, late)
    })
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_program_in_segments_does_the_same((case, late) in late_cases()) {
        for copies in [false, true] {
            if let Err(difference) = check_late(&case, &late, copies) {
                prop_assert!(false, "copies {}: {}", copies, difference);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_program_that_reads_itself_in_does_the_same((case, late) in loaders()) {
        for copies in [false, true] {
            if let Err(difference) = check_late(&case, &late, copies) {
                prop_assert!(false, "copies {}: {}", copies, difference);
            }
        }
    }
}

/// The comparison is worth something only if it is made, on programs of every kind.
#[test]
fn the_cases_go_everywhere() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let mut census: BTreeMap<String, u32> = BTreeMap::new();
    for n in 0..4000 {
        let (case, late) = match n % 2 {
            0 => late_cases().new_tree(&mut runner).unwrap().current(),
            _ => loaders().new_tree(&mut runner).unwrap().current(),
        };
        for copies in [false, true] {
            let course = check_late(&case, &late, copies);
            let course =
                course.unwrap_or_else(|it| panic!("copies {copies}: {it}\n{case:?}\n{late:?}"));
            let mut note = |id: String| *census.entry(id).or_default() += 1;
            match course {
                Course::Ran(tally) => {
                    note(format!("{copies} ran"));
                    for (what, n) in [
                        ("suspended", tally.suspended),
                        ("fetched", tally.fetched),
                        ("repeated", tally.repeated),
                    ] {
                        if n > 0 {
                            note(format!("{copies} {what}"));
                        }
                    }
                }
                other => note(format!("{copies} {other:?}")),
            }
        }
    }
    for (id, n) in &census {
        println!("{n:6} {id}");
    }
    let count = |id: String| census.get(&id).copied().unwrap_or(0);
    for copies in [false, true] {
        assert!(
            count(format!("{copies} ran")) > 2000,
            "too few are compared"
        );
        for what in ["suspended", "fetched", "repeated"] {
            let n = count(format!("{copies} {what}"));
            assert!(n > 80, "copies {copies}: {what} {n} times");
        }
        for code in ["EnvOverlap", "EnvNotRepeatable", "EnvTwoWays"] {
            let n = count(format!("{copies} Refused({code})"));
            assert!(n > 20, "copies {copies}: {code} {n} times");
        }
    }
}

proptest! {
    #![proptest_config(config(2))]

    /// Whichever pin fails, of the first segment or a later one: nothing stays pinned.
    #[test]
    fn a_pin_that_fails_leaves_nothing_pinned((case, late) in loaders(), pin in 0_usize..4) {
        let late = Late { fails: Some(pin), ..late };
        for copies in [false, true] {
            if let Err(difference) = check_late(&case, &late, copies) {
                prop_assert!(false, "copies {}: {}", copies, difference);
            }
        }
    }
}
