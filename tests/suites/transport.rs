// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs of transport mode, at random: translated for a host that has the mode, and for one that has
//! not.

use proptest::prelude::*;
use tests::transport::{Outcome, cases, check, check_lowered};
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
}
