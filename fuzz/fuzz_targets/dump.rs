// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes as dumps of storage: read, looked through for programs, and what is found there printed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ccwtool::exercise_dump(bytes));
