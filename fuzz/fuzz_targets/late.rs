// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any program that reads itself in, suspends itself or is changed by its guest, and its translation in
//! parts: they do the same.
#![no_main]

use ccw_kit::targets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| targets::late(bytes));
