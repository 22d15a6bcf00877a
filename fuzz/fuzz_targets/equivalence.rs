// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any program, and its translation, on any device: they do the same, and it is known what they stored.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ccw_kit::{
    differential::{check, check_copied, check_dirty, check_listed, check_verdict},
    generator::Case,
};

fuzz_target!(|bytes: &[u8]| {
    let case = Case::from_bytes(bytes);
    if let Err(difference) = check(&case) {
        panic!("{difference}\n{case:?}");
    }
    if let Err(difference) = check_copied(&case) {
        panic!("{difference}\n{case:?}");
    }
    if let Err(difference) = check_verdict(&case) {
        panic!("{difference}\n{case:?}");
    }
    if let Err(difference) = check_dirty(&case, true) {
        panic!("{difference}\n{case:?}");
    }
    if let Err(difference) = check_listed(&case, bytes) {
        panic!("{difference}\n{case:?}");
    }
});
