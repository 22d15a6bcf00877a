// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every condition is met by what some fuzz target generates, or named with a reason for which no target
//! can come to it.

use std::fs;

use ccw::orb::word1;
use ccw_kit::{
    differential::{LateCase, late_seed},
    generator::{Case, cases, config},
    reached::{Counts, OUT_OF_REACH, counted, table},
    seeds, targets, transport,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use translator::Code;

/// Values of `strategy`, always the same.
fn drawn<T>(strategy: impl Strategy<Value = T>, number: usize) -> impl Iterator<Item = T> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    (0..number).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

/// What `target` meets with its seeds, former failures, and `more`.
fn met<T>(target: &str, more: impl Iterator<Item = T>, check: impl Fn(T)) -> Counts {
    let mut sum = Counts::new();
    let mut add = |run: &dyn Fn()| {
        let (counts, result) = counted(run);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        for (code, count) in counts {
            *sum.entry(code).or_default() += count;
        }
    };
    let run = targets::named(target).unwrap();
    for folder in [seeds::folder(target), seeds::regressions(target)] {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            add(&|| run(&bytes));
        }
    }
    for input in more {
        let input = std::cell::Cell::new(Some(input));
        add(&|| input.take().into_iter().for_each(&check));
    }
    sum
}

/// Bytes that mean nothing, always the same.
fn bytes(number: usize) -> impl Iterator<Item = Vec<u8>> {
    drawn(
        proptest::collection::vec(proptest::num::u8::ANY, 16..400),
        number,
    )
}

/// The verdict; of some, what they do, which takes longer.
fn in_transport_mode((n, mut case): (usize, transport::Case)) {
    let mut told = vec![transport::check_verdict(&case).err()];
    if n % 8 == 0 {
        told.push(transport::check(&case).err());
    }
    if n % 2 == 0 {
        // As the driver of a host has it.
        case.concurrent_sense = true;
        told.push(transport::check_lowered(&case).err());
    }
    if let Some(difference) = told.into_iter().flatten().next() {
        panic!("{difference}\n{case:?}");
    }
}

#[test]
fn every_condition_is_met_or_out_of_reach() {
    let run = |target| {
        let check = targets::named(target).unwrap();
        move |bytes: Vec<u8>| check(&bytes)
    };
    let late = |(n, case): (usize, Case)| {
        let mut late = LateCase::from_bytes(&late_seed(case));
        late.fails = (n % 8 == 0).then_some([0, 64, 128, 192][n / 8 % 4]);
        late.check()
            .unwrap_or_else(|difference| panic!("{difference}\n{late:?}"));
    };
    let case = |case: Case| run("walk")(case.to_bytes());
    let has_midaws = |case: &Case| case.orb.word1 & word1::MIDAW != 0;
    let midaws = drawn(cases(), 4000).skip(900).filter(has_midaws);
    let counts = [
        ("walk", met("walk", drawn(cases(), 900).chain(midaws), case)),
        (
            "equivalence",
            met("equivalence", bytes(0), run("equivalence")),
        ),
        ("late", met("late", drawn(cases(), 240).enumerate(), late)),
        (
            "transport",
            met(
                "transport",
                drawn(transport::cases(false), 400).enumerate(),
                in_transport_mode,
            ),
        ),
        ("confined", met("confined", bytes(200), run("confined"))),
        ("device", met("device", bytes(60), run("device"))),
        ("region", met("region", bytes(60), run("region"))),
    ];
    println!("{}", table(&counts));
    let is_met = |code: &Code| counts.iter().any(|(_, counts)| counts.contains_key(code));
    let out = |code: &Code| OUT_OF_REACH.iter().any(|(known, _)| known == code);
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !is_met(code) && !out(code))
        .collect();
    assert!(
        missing.is_empty(),
        "never met, and no reason is known: {missing:?}"
    );
    let found: Vec<_> = Code::ALL
        .iter()
        .filter(|code| is_met(code) && out(code))
        .collect();
    assert!(
        found.is_empty(),
        "met, and said to be out of reach: {found:?}"
    );
}
