// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A minidisk is all that a guest gets of a volume. The fuzz target `confined` does the same for
//! longer.

use ccw_kit::confined::{Manner, check, run};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use translator::HostProfile;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_program_the_disk_stays_within_the_extent(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        check(&bytes);
    }
}

/// The same programs without their policies go everywhere, and many of them still get to their disk
/// with them.
#[test]
fn it_is_the_policy_that_keeps_it_there() {
    for manner in [Manner::Whole, Manner::InParts] {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let bytes = prop::collection::vec(any::<u8>(), 20..400);
        let (mut outside, mut wrote, mut given) = (0, 0, 0);
        let (mut later, mut repeated, mut suspended) = (0, 0, 0);
        for _ in 0..400 {
            let tree = bytes.new_tree(&mut runner).unwrap();
            let bytes = proptest::strategy::ValueTree::current(&tree);
            if let Some(report) = run(&bytes, false, &HostProfile::SOFTWARE, manner) {
                outside += usize::from(report.outside.is_some());
                wrote += usize::from(report.wrote);
            }
            if let Some(report) = run(&bytes, true, &HostProfile::SOFTWARE, manner) {
                given += usize::from(report.given > 1);
                later += usize::from(report.parts > 1);
                repeated += usize::from(report.repeated > 0);
                suspended += usize::from(report.suspended > 0);
            }
        }
        println!("{manner:?}: {outside} {wrote} {given}; {later} {repeated} {suspended}");
        assert!(outside > 100, "{manner:?}: {outside} went outside");
        assert!(wrote > 0, "{manner:?}: {wrote} wrote");
        assert!(given > 40, "{manner:?}: {given} went on");
        if manner == Manner::InParts {
            assert!(later > 20, "{later} had more than one part");
            assert!(repeated > 10, "{repeated} were repeated");
            assert!(suspended > 10, "{suspended} were suspended");
        }
    }
}
