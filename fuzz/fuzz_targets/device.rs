// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can happen to a guest's subchannel, on a device that fails as it is told.
#![no_main]

use ccw_kit::subchannel::device;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| device::check(bytes));
