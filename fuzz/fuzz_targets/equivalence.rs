// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any program, and its translation, on any device: they do the same, and it is known what they stored.
#![no_main]

use ccw_kit::targets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| targets::equivalence(bytes));
