// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any program through fetch, validation and emission.
#![no_main]

use ccw_kit::{generator::Case, walk};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk::check(&Case::from_bytes(bytes)));
