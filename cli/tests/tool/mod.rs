// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The tool as a command, also where it was built for another machine.

use std::process::Command;

/// `ccwtool`, under the emulator that `CCWTOOL_RUNNER` names with its options, if it names one.
pub(crate) fn ccwtool() -> Command {
    let tool = env!("CARGO_BIN_EXE_ccwtool");
    let runner = std::env::var("CCWTOOL_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(emulator) = words.next() else {
        return Command::new(tool);
    };
    let mut command = Command::new(emulator);
    command.args(words).arg(tool);
    command
}
