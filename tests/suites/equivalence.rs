// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's program and its translation do the same: the same bytes, traffic and status.

use std::{collections::BTreeMap, env};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tests::{
    differential::{Outcome, check},
    generator::cases,
};

/// As many cases as `PROPTEST_CASES` says, or a number that takes some seconds.
fn config() -> Config {
    let cases = env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    Config {
        cases: cases.unwrap_or(4000),
        failure_persistence: None,
        // The other generator takes longer than the cases themselves.
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_program_and_its_translation_do_the_same(case in cases()) {
        if let Err(difference) = check(&case) {
            prop_assert!(false, "{}", difference);
        }
    }
}

/// The generator is worth something only if its programs go everywhere.
#[test]
fn the_cases_go_everywhere() {
    let mut runner =
        TestRunner::new_with_rng(config(), TestRng::deterministic_rng(RngAlgorithm::XorShift));
    let mut census: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..4000 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let outcome = check(&case).unwrap_or_else(|difference| panic!("{difference}\n{case:?}"));
        let id = match outcome {
            Outcome::Ran(Some(condition)) => format!("ran {}", condition.id()),
            Outcome::AtOnce(Some(condition)) => format!("at once {}", condition.id()),
            other => format!("{other:?}"),
        };
        *census.entry(id).or_default() += 1;
    }
    for (id, n) in &census {
        println!("{n:6} {id}");
    }
}
