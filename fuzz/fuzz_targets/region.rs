// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's subchannel on a host whose every answer is any bytes.
#![no_main]

use ccw_kit::subchannel::region;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| region::check(bytes));
