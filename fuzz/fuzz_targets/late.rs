// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any program that reads itself in, suspends itself or is changed by its guest, and its translation in
//! parts: they do the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ccw_kit::differential::LateCase;

fuzz_target!(|bytes: &[u8]| {
    let case = LateCase::from_bytes(bytes);
    if let Err(difference) = case.check() {
        panic!("{difference}\n{case:?}");
    }
});
