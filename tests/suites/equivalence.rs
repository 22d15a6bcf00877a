// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's program and its translation do the same: the same bytes, traffic and status.

use std::collections::BTreeMap;

use ccw::SubchannelStatus;
use ccw_kit::{
    differential::{
        Outcome, check, check_copied, check_dirty, check_granted, check_lowered, check_overlap,
        check_verdict, check_without_midaws, judge, run_surprised,
    },
    generator::{
        Amount, Answer, Case, Data, Frame, Guard, Index, Intent, Memory, OrbWords, Place, Recorded,
        Segment, Target, Terms, cases, config,
    },
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_program_and_its_translation_do_the_same(case in cases()) {
        if let Err(difference) = check(&case) {
            prop_assert!(false, "{}", difference);
        }
    }
}

proptest! {
    #![proptest_config(config(8))]

    /// Each placement does the same as the guest's program, which knows of none.
    #[test]
    fn where_pages_lie_does_not_matter(case in cases(), one: u8, other: u8) {
        let verdict = |case: &Case| {
            let program = judge(&case.build());
            (program.outcome(), program.findings().to_vec())
        };
        let (one, other) = (case.clone().scattered(one), case.scattered(other));
        prop_assert_eq!(verdict(&one), verdict(&other));
        match (check(&one), check(&other)) {
            (Ok(one), Ok(other)) => prop_assert_eq!(one, other),
            (Err(difference), _) | (_, Err(difference)) => prop_assert!(false, "{}", difference),
        }
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn the_same_on_a_host_that_copies_once_more(case in cases()) {
        if let Err(difference) = check_copied(&case) {
            prop_assert!(false, "{}", difference);
        }
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn midaws_do_the_same_on_a_host_without_them(case in cases(), key: u64) {
        let case = case.with_midaws(key);
        if let Err(difference) = check_copied(&case) {
            prop_assert!(false, "copied: {}", difference);
        }
        if let Err(difference) = check_without_midaws(&case) {
            prop_assert!(false, "{}", difference);
        }
        if let Err(difference) = check_dirty(&case, true) {
            prop_assert!(false, "dirty: {}", difference);
        }
    }
}

/// The property above is about each form that MIDAWs take.
#[test]
fn midaws_take_every_form() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let mut census: BTreeMap<String, u32> = BTreeMap::new();
    for key in 0..3000 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let case = case.with_midaws(key);
        let found = check_lowered(&case).unwrap_or_else(|it| panic!("{it}\n{case:?}"));
        *census.entry(format!("{found:?}")).or_default() += 1;
    }
    for (id, n) in &census {
        println!("{n:6} {id}");
    }
    for form in ["Lists", "Links", "Copies"] {
        let ran = format!("(Ran(None), {form})");
        assert!(census.get(&ran).is_some_and(|&n| n > 50), "{ran}");
    }
    let shared = census.get("(Refused(EnvSharedCopy), Lists)").copied();
    assert!(shared.is_some_and(|n| n < 300), "{shared:?}");
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn the_same_on_a_host_that_has_copies_of_the_pages(case in cases()) {
        match (check(&case), check_granted(&case)) {
            (Ok(direct), Ok(granted)) => prop_assert_eq!(direct, granted),
            (Err(difference), _) | (_, Err(difference)) => prop_assert!(false, "{}", difference),
        }
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn what_the_device_stored_is_dirty_and_nothing_else(case in cases()) {
        for copies in [false, true] {
            if let Err(difference) = check_dirty(&case, copies) {
                prop_assert!(false, "copies {}: {}", copies, difference);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn the_verdict_is_what_the_machine_finds(case in cases()) {
        if let Err(difference) = check_verdict(&case) {
            prop_assert!(false, "{}", difference);
        }
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_program_that_reads_into_itself_is_known(case in cases()) {
        for case in [case.clone().crowded(), case] {
            if let Err(difference) = check_overlap(&case) {
                prop_assert!(false, "{}", difference);
            }
        }
    }
}

/// WRITE, TIC out of the run of CCWs; behind the TIC is what the translator never read. A device
/// that skips the TIC, which no WRITE should make it do, stops the channel there.
#[test]
fn a_skip_that_nobody_expected_meets_a_stop() {
    let command = |code, flags, frame| Intent {
        code,
        flags,
        count: 4,
        ignored: 0,
        data: Data::At(Place { frame, offset: 0 }),
    };
    let target = Index { segment: 1, ccw: 0 };
    let tic = Intent {
        code: 0x08,
        flags: 0,
        count: 0,
        ignored: 0,
        data: Data::Go(Target::Ccw(target)),
    };
    let answer = |status| Answer {
        amount: Amount::Count(0),
        seed: 0,
        status,
        later: 0,
        sense: 0,
    };
    let frame = |frame| Frame {
        frame,
        host: frame,
        read_only: false,
        key: 0,
    };
    let segment = |frame, ccws: &[Intent]| Segment {
        at: Place { frame, offset: 0 },
        ccws: ccws.to_vec(),
    };
    let case = Case {
        terms: Terms {
            any_skips: false,
            refuse: false,
            concurrent_sense: false,
            device: 0,
        },
        memory: Memory {
            linear: 0,
            frames: (0..16).map(frame).collect(),
            guard: Guard::None,
        },
        orb: OrbWords {
            intparm: 0,
            word1: 0x00c2_8000,
            start: Target::Word(0x1000),
            extension: Vec::new(),
        },
        segments: vec![
            segment(1, &[command(0x01, 0x40, 8), tic]),
            segment(2, &[command(0x02, 0, 9)]),
        ],
        patches: Vec::new(),
        script: vec![answer(0x4c), answer(0x0c)],
        recorded: Recorded::default(),
    };
    let (sent, completions) = run_surprised(&case.build()).unwrap();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(completions[0].unmapped);
    let scsw = completions[0].irb.scsw;
    assert_eq!((scsw.cpa, scsw.residual), (0, 0));
    assert_eq!(scsw.subchannel, SubchannelStatus::CHANNEL_CONTROL_CHECK);
}

/// The generator is worth something only if its programs go everywhere: to a normal end, to each
/// condition at once, and to each in the course of the program.
#[test]
fn the_cases_go_everywhere() {
    const AT_ONCE: &str = "A01 A02 A03 A04 A05 A08 C01 C02 C03 C04 C05 C08 C09 C11 C12 C13 C14 \
        C15 C17 I01 M01";
    const LATER: &str = "A04 A05 A06 A07 A08 C01 C02 C03 C04 C05 C06 C08 C09 C10 C11 C12 C13 C15 \
        C16 C17 D01 D02 D03 D04 D05 D06 I01 I02 I03 I04 I05 I06 I07 I08 M01 M02 M04 M12 M13";
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let mut census: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..6000 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let outcome = check(&case).unwrap_or_else(|difference| panic!("{difference}\n{case:?}"));
        let id = match outcome {
            Outcome::Ran(Some(condition)) => format!("later {}", condition.id()),
            Outcome::AtOnce(Some(condition)) => format!("at once {}", condition.id()),
            other => format!("{other:?}"),
        };
        *census.entry(id).or_default() += 1;
        for copies in [false, true] {
            let dirty = check_dirty(&case, copies).unwrap_or_else(|it| panic!("{it}\n{case:?}"));
            let Some(clear) = dirty else { continue };
            let id = format!("Copies({copies}) clear {clear}");
            *census.entry(id).or_default() += 1;
        }
    }
    for (id, n) in &census {
        println!("{n:6} {id}");
    }
    let count = |id: &str| census.get(id).copied().unwrap_or(0);
    let missing = |ids: &str, when: &str| {
        let ids = ids.split_whitespace().map(|id| format!("{when} {id}"));
        ids.filter(|id| count(id) == 0).collect::<Vec<_>>()
    };
    assert_eq!(missing(AT_ONCE, "at once"), [""; 0]);
    assert_eq!(missing(LATER, "later"), [""; 0]);
    for refused in ["EnvSuspend", "EnvNoprefetch", "EnvOverlap", "EnvTwoWays"] {
        assert!(
            count(&format!("Refused({refused})")) > 0,
            "{refused} never refused"
        );
    }
    assert!(
        count("Ran(None)") > 2000,
        "too few programs run to their end"
    );
    assert!(count("Exception") > 0);
    for copies in [false, true] {
        let clear = count(&format!("Copies({copies}) clear true"));
        assert!(clear > 1000, "what was stored is clear {clear} times");
    }
}
