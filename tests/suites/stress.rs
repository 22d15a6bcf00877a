// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Sixteen subchannels on sixteen threads, while storage comes and goes and everything fails now and
//! then.
//!
//! | variable | |
//! |---|---|
//! | `STRESS_OPERATIONS` | how many; ten million in a release build, else 200,000 |
//! | `STRESS_SEED` | to do the same again, as far as threads do |
//! | `STRESS_SECONDS` | how long it may take at most |
//!
//! A soak: `STRESS_OPERATIONS=1000000000 cargo test --release -p tests --test stress -- --nocapture`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ccw_kit::subchannel::stress::{SUBCHANNELS, run};

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("a number"))
}

/// Open file descriptors of this process.
fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

#[test]
fn sixteen_subchannels_while_storage_comes_and_goes() {
    let usual = if cfg!(debug_assertions) {
        200_000
    } else {
        10_000_000
    };
    let operations = number("STRESS_OPERATIONS").unwrap_or(usual);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed =
        number("STRESS_SEED").unwrap_or_else(|| u64::from(now.unwrap_or_default().subsec_nanos()));
    println!("{operations} operations on {SUBCHANNELS} subchannels, STRESS_SEED={seed}");
    let before = descriptors();
    let begin = Instant::now();
    let outcome = run(operations, seed);
    let took = begin.elapsed();
    println!("{} operations in {took:.1?}", outcome.operations);
    println!("{}", outcome.counts);
    assert!(outcome.operations >= operations);
    assert_eq!(descriptors(), before, "descriptors were lost");
    // Of fewer, the rarest may be missing by chance.
    if operations >= 1_000_000 {
        let missing = outcome.counts.missing();
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
    if let Some(seconds) = number("STRESS_SECONDS") {
        assert!(took <= Duration::from_secs(seconds), "it took {took:?}");
    }
}
