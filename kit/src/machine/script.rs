// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device's answers, of which there are not too many.

use ccwtool::script::{self, Answer};
use css::device::scripted::{Data, Response};

/// Most answers of a script: each takes two steps at most, and fewer than a program is given.
pub(crate) const MOST_ANSWERS: usize = 4096;
/// Most bytes that all answers of a script move: what the device is sent is kept.
const MOST_MOVED: usize = 64 << 20;

/// The responses that a script has.
pub(crate) fn responses(script: Vec<Answer>) -> Result<Vec<Response>, String> {
    if script.len() > MOST_ANSWERS {
        return Err(format!("more than {MOST_ANSWERS} answers"));
    }
    let responses = script::responses(script)?;
    let mut moved = 0;
    for (n, response) in responses.iter().enumerate() {
        moved += match &response.data {
            Data::Immediate => 0,
            Data::Input(bytes) => bytes.len(),
            Data::Output(len) | Data::OutputVariable(len) | Data::Length(len, _) => *len,
        };
        if moved > MOST_MOVED {
            return Err(format!(
                "answer {n}: the answers up to here move more than {MOST_MOVED} bytes"
            ));
        }
    }
    Ok(responses)
}
