// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes through every view and meaning of `ccw`.
#![no_main]

use ccw_kit::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| decode::check(bytes));
