// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs of transport mode, at random: translated for a host that has the mode, and for one that has
//! not.

use proptest::prelude::*;
use tests::transport::{Outcome, cases, check, check_lowered, fetches};
use translator::Code;

proptest! {
    #[test]
    fn a_program_and_its_translation_do_the_same(case in cases(true)) {
        check(&case).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_with_a_wrong_word_does_too(case in cases(false)) {
        check(&case).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn so_do_ccws_in_its_place(mut case in cases(true)) {
        // As the driver of a host has it.
        case.concurrent_sense = true;
        let outcome = check_lowered(&case).map_err(TestCaseError::fail)?;
        // Every command of these has either parameters or data.
        prop_assert_ne!(outcome, Outcome::Refused(Code::EnvTransportLowering));
    }

    /// However often a list leads back into itself.
    #[test]
    fn each_word_is_read_once(case in cases(true)) {
        let mut read = fetches(&case);
        read.sort_unstable();
        for pair in read.windows(2) {
            let [(at, len), (next, _)] = pair else { continue };
            prop_assert!(at + *len as u64 <= *next, "{at:x} and {next:x}");
        }
    }
}
