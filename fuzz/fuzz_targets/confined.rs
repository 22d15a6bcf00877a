// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that has a part of a disk, and a disk that notes where it goes.
#![no_main]

use ccw_kit::confined;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| confined::check(bytes));
