// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's program and its translation do the same: the same bytes, traffic and status.

use std::env;

use proptest::{prelude::*, test_runner::Config};
use tests::{differential::check, generator::cases};

/// As many cases as `PROPTEST_CASES` says, or a number that takes some seconds.
fn config() -> Config {
    let cases = env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    Config {
        cases: cases.unwrap_or(4000),
        failure_persistence: None,
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
