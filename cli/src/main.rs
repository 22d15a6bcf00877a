// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The program `ccwtool`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ccwtool::main()
}
