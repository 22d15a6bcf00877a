// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any program of transport mode, its translation for a host with the mode, and the CCWs for one
//! without: they do the same.
#![no_main]

use ccw_kit::transport;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| transport::check_bytes(bytes));
