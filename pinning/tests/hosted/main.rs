// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pinners that keep memory of this process, on the kernel that runs the tests. What a test needs and
//! this machine does not have, it names on standard error: "LEFT OUT: ...".

mod common;
mod frames;
mod limits;
mod regions;
mod stress;
#[expect(unsafe_code, reason = "asks the kernel to move pages")]
mod sys;
