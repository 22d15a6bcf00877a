// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that are carried out in parts do what the guest's own do: those that suspend
//! themselves, read into themselves, or must not be prefetched.

use std::collections::BTreeMap;

use ccw_kit::{
    differential::{Course, LateCase, LateProgram, Line, Loader, Marked, late_seeds},
    generator::{cases, config},
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

fn line() -> impl Strategy<Value = Line> {
    any::<[u8; 6]>().prop_map(|[kind, code, at, count, chains, mark]| Line {
        kind,
        code,
        at,
        count,
        chains,
        mark,
    })
}

fn of(program: impl Strategy<Value = LateProgram>) -> impl Strategy<Value = LateCase> {
    let late = (any::<u32>(), prop::bool::weighted(0.2), program);
    late.prop_map(|(changes, early, program)| LateCase {
        changes,
        early,
        fails: None,
        program,
    })
}

/// Programs that read themselves in, as those that load a system do.
fn loaders() -> impl Strategy<Value = LateCase> {
    let inputs = vec(prop_oneof![Just(Vec::new()), vec(line(), 1..7)], 0..24);
    let terms = (0_u8..3, any::<bool>(), any::<bool>());
    let program = (terms, vec(line(), 3..8), inputs, vec(any::<u8>(), 24));
    of(
        program.prop_map(|((device, prefetch, initial), ccws, inputs, answers)| {
            LateProgram::Loader(Loader {
                device,
                prefetch,
                initial,
                ccws,
                inputs,
                answers,
            })
        }),
    )
}

/// Any case with flags.
fn marked() -> impl Strategy<Value = LateCase> {
    let marks = (any::<u32>(), any::<bool>(), any::<bool>(), 0_u8..3);
    of((cases(), marks).prop_map(|(mut case, marks)| {
        let (marks, forbids, crowded, device) = marks;
        case.terms.device = device;
        LateProgram::Marked(Marked {
            case,
            marks,
            forbids,
            crowded,
            inputs: Vec::new(),
        })
    }))
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_program_in_parts_does_the_same(case in marked()) {
        if let Err(difference) = case.check() {
            prop_assert!(false, "{}\nbytes {:02x?}", difference, case.to_bytes());
        }
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_program_that_reads_itself_in_does_the_same(case in loaders()) {
        if let Err(difference) = case.check() {
            prop_assert!(false, "{}\nbytes {:02x?}", difference, case.to_bytes());
        }
    }
}

#[test]
fn what_is_written_down_is_read_again() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    for _ in 0..100 {
        for case in [
            marked().new_tree(&mut runner).unwrap().current(),
            loaders().new_tree(&mut runner).unwrap().current(),
        ] {
            assert_eq!(LateCase::from_bytes(&case.to_bytes()), case);
        }
    }
}

/// What fuzzing starts from does what its name says.
#[test]
fn the_seeds_are_carried_out_in_parts() {
    for (name, bytes) in late_seeds() {
        for course in LateCase::from_bytes(&bytes).check().expect(name) {
            let Course::Ran(tally) = course else {
                panic!("{name}: {course:?}");
            };
            let found = (tally.fetched, tally.repeated, tally.suspended);
            // On a disk what has run is repeated, but not behind a suspension.
            let expected = match name {
                "cards" => (3, 0, 0),
                "disk" => (3, 3, 0),
                // At the READ as well, where a part begins behind it.
                "loop" => (5, 0, 0),
                "told" => (2, 2, 0),
                "suspended" => (2, 1, 1),
                _ => panic!("{name}"),
            };
            assert_eq!(found, expected, "{name}");
            assert_eq!(tally.condition, None, "{name}");
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
        let case = match n % 2 {
            0 => marked().new_tree(&mut runner).unwrap().current(),
            _ => loaders().new_tree(&mut runner).unwrap().current(),
        };
        let courses = case.check();
        let courses = courses.unwrap_or_else(|it| panic!("{it}\n{case:?}"));
        for (copies, course) in [false, true].into_iter().zip(courses) {
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

    /// Whichever pin fails, of the first part or a later one: nothing stays pinned.
    #[test]
    fn a_pin_that_fails_leaves_nothing_pinned(case in loaders(), pin in 0_u8..4) {
        let case = LateCase { fails: Some(pin), ..case };
        if let Err(difference) = case.check() {
            prop_assert!(false, "{}\nbytes {:02x?}", difference, case.to_bytes());
        }
    }
}
