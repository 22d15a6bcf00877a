// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes through every reader of the tool, and what they say through its printers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ccwtool::exercise(bytes));
