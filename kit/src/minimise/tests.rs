// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Planted faults: what comes out is as small as can be.

use ccw::CcwFlags;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use translator::Code;

use super::*;
use crate::{
    corpus,
    differential::judge,
    generator::{Amount, Patch, cases, config},
};

const MOST: usize = 20_000;

/// The first drawn cases that fail.
fn drawn(number: usize, fails: impl Fn(&Case) -> bool) -> Vec<Case> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let drawn = std::iter::repeat_with(|| cases().new_tree(&mut runner).unwrap().current());
    drawn.filter(fails).take(number).collect()
}

/// A CCW with all of these flags takes part.
fn has(flags: CcwFlags) -> impl Fn(&Case) -> bool {
    move |case| {
        let program = judge(&case.build());
        program
            .steps()
            .any(|step| step.raw.is_some() && !step.tic && step.ccw.flags.contains(flags))
    }
}

fn finds(code: Code) -> impl Fn(&Case) -> bool {
    move |case| {
        let program = judge(&case.build());
        program.findings().iter().any(|found| found.code == code)
    }
}

#[test]
fn bytes_at_the_end_of_all_addresses_are_made_small_too() {
    let mut case = Case::from_bytes(&[]);
    case.patches = vec![Patch {
        at: u64::MAX,
        bytes: vec![1; 8],
    }];
    let small = minimise(&case, MOST, |case| !case.patches.is_empty());
    assert!(small.complete);
    assert!(small.case.patches[0].bytes.is_empty());
}

#[test]
fn a_device_moves_no_more_than_is_needed() {
    let mut case = Case::from_bytes(&[]);
    case.script = vec![crate::generator::Answer {
        amount: Amount::Bytes(4000),
        seed: 7,
        status: 0x0e,
        later: 0,
        sense: 3,
    }];
    let moved = |case: &Case| match case.script.first()?.amount {
        Amount::Bytes(len) => Some(len),
        _ => None,
    };
    let small = minimise(&case, MOST, |case| moved(case).is_some_and(|len| len >= 7));
    assert!(small.complete);
    assert_eq!(moved(&small.case), Some(7));
    assert_eq!(small.case.script[0].sense, 0);
}

#[test]
fn two_flags_are_all_that_is_left_of_a_drawn_program() {
    let fault = CcwFlags::CHAIN_DATA | CcwFlags::SKIP;
    let fails = |case: &Case| {
        let mut ccws = case.segments.iter().flat_map(|segment| &segment.ccws);
        ccws.any(|ccw| CcwFlags::from_bits_retain(ccw.flags).contains(fault))
    };
    for case in drawn(6, fails) {
        let small = minimise(&case, MOST, fails);
        assert!(small.complete);
        let case = small.case;
        let ccws: Vec<_> = case
            .segments
            .iter()
            .flat_map(|segment| &segment.ccws)
            .collect();
        let [ccw] = ccws.as_slice() else {
            panic!("{case:?}");
        };
        assert_eq!(ccw.flags, fault.bits());
        assert_eq!((ccw.count, ccw.ignored), (0, 0));
        assert!(ccw.code < 4);
        assert!(matches!(ccw.data, Data::At(_) | Data::Word(0)), "{case:?}");
        assert!(case.patches.is_empty() && case.script.is_empty());
        assert_eq!(case.memory.frames, [], "{case:?}");
        assert_eq!((case.orb.word1, case.orb.intparm), (0, 0));
        assert!(!case.terms.any_skips && !case.terms.refuse);
    }
}

/// By hand, not by the steps that have led there: whatever is taken away, it does not fail any more.
#[test]
fn nothing_can_be_taken_away() {
    let fails = |case: &Case| has(CcwFlags::CHAIN_COMMAND)(case) && finds(Code::Cnt1ZeroCd)(case);
    for case in drawn(3, fails) {
        let small = minimise(&case, MOST, fails).case;
        assert!(fails(&small));
        for (s, segment) in small.segments.iter().enumerate() {
            for n in 0..segment.ccws.len() {
                let mut less = small.clone();
                less.segments[s].ccws.remove(n);
                assert!(!fails(&less), "{small:?}");
                for bit in 0..8 {
                    let mut less = small.clone();
                    let ccw = &mut less.segments[s].ccws[n];
                    ccw.flags &= !(1 << bit);
                    assert!(
                        ccw.flags == segment.ccws[n].flags || !fails(&less),
                        "{small:?}"
                    );
                }
            }
        }
        for n in 0..small.memory.frames.len() {
            let mut less = small.clone();
            less.memory.frames.remove(n);
            assert!(!fails(&less), "{small:?}");
        }
        for bit in 0..32 {
            let mut less = small.clone();
            less.orb.word1 &= !(1 << bit);
            assert!(less == small || !fails(&less), "{small:?}");
        }
    }
}

/// Recorded programs, whose CCWs are bytes.
#[test]
fn recorded_programs_shrink_to_the_ccw_at_fault() {
    let programs = corpus::load(&corpus::own_programs()).unwrap();
    let long = programs
        .iter()
        .filter(|program| program.name.starts_with("mut-"));
    let mut seen = 0;
    for program in long {
        let case = Case::of_program(program);
        let found = judge(&case.build());
        let mut findings = found.findings().iter();
        let error = findings.find(|found| found.severity == translator::Severity::Error);
        let Some(code) = error.map(|found| found.code) else {
            continue;
        };
        let is_long = found.steps().count() >= 4;
        if !is_long
            || !matches!(
                code,
                Code::CmdZero | Code::SuspNotAllowed | Code::DataUnavail
            )
        {
            continue;
        }
        seen += 1;
        if seen > 6 {
            break;
        }
        let small = minimise(&case, MOST, finds(code));
        assert!(small.complete, "{}", program.name);
        let left = judge(&small.case.build());
        assert!(finds(code)(&small.case));
        // The fault may need another CCW in front of it or behind.
        let steps = left.steps().filter(|step| step.raw.is_some()).count();
        assert!(steps <= 2, "{} {steps} {:?}", program.name, small.case);
        let bytes: usize = small
            .case
            .patches
            .iter()
            .map(|patch| patch.bytes.len())
            .sum();
        assert!(bytes <= 24, "{} {:?}", program.name, small.case);
        assert_eq!(small.case.memory.linear, 1);
        let flags = left.steps().map(|step| step.ccw.flags.bits().count_ones());
        let most = if code == Code::SuspNotAllowed { 1 } else { 0 };
        assert!(
            flags.max() <= Some(most),
            "{} {:?}",
            program.name,
            small.case
        );
    }
    assert!(seen > 3, "{seen}");
}

#[test]
fn it_ends_when_it_was_asked_often_enough_and_always_answers_the_same() {
    let fails = has(CcwFlags::SKIP);
    let case = drawn(1, &fails).remove(0);
    let some = minimise(&case, 10, &fails);
    assert_eq!((some.asked, some.complete), (10, false));
    assert!(fails(&some.case));
    let (one, other) = (minimise(&case, MOST, &fails), minimise(&case, MOST, &fails));
    assert_eq!((one.case, one.asked), (other.case, other.asked));
    let sound = minimise(&case, MOST, |_| false);
    assert_eq!((sound.asked, sound.case), (1, case));
}
