// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device that answers as a JSON file says: one answer per command, in their order.
//!
//! ```json
//! [
//!   { "immediate": true },
//!   { "input": "ff3990e9", "status": "0c" },
//!   { "output": 16 },
//!   { "input": "00", "status": "0e", "sense": "80000000" },
//!   { "output": 80, "status": "08", "then": "04" }
//! ]
//! ```
//!
//! `input` offers bytes, `output` asks for a number of them, at most if it is `variable`, `immediate` (or
//! neither) ends the command at once; `status` is the device status in hex (`0c`, channel end and device end, if
//! left out), `then` is presented later, `sense` goes with unit check.

use std::path::Path;

use ccw::DeviceStatus;
use css::device::scripted::{Data, MOST_BYTES, Response, Scripted};
use serde::Deserialize;

use crate::fields::Hex;

/// Largest script read.
const LIMIT: u64 = 16 << 20;

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an answer such as {\"input\": \"00\"}"
)]
struct Answer {
    #[serde(default)]
    immediate: bool,
    input: Option<Hex>,
    output: Option<usize>,
    #[serde(default)]
    variable: bool,
    status: Option<Hex>,
    then: Option<Hex>,
    sense: Option<Hex>,
}

/// Reads the script in `path`.
pub(super) fn read(path: &Path) -> Result<Scripted, String> {
    let bytes = crate::load::load(path, LIMIT)?;
    let answers: Vec<Answer> =
        serde_json::from_slice(&bytes).map_err(|error| format!("is no script: {error}"))?;
    let mut responses = Vec::with_capacity(answers.len());
    for (n, answer) in answers.into_iter().enumerate() {
        responses.push(
            answer
                .response()
                .map_err(|reason| format!("answer {n}: {reason}"))?,
        );
    }
    Ok(Scripted::new(responses))
}

impl Answer {
    fn response(self) -> Result<Response, String> {
        let response = match (self.immediate, self.input, self.output) {
            (true, ..) | (_, Some(_), _) | (_, _, None) if self.variable => {
                return Err("only output can be variable".to_owned());
            }
            (_, None, None) => Response::immediate(),
            (false, Some(input), None) => Response::input(&input.0),
            (false, None, Some(output)) if output > MOST_BYTES => {
                return Err(format!(
                    "output: {output} bytes are more than the {MOST_BYTES} that one answer moves"
                ));
            }
            (false, None, Some(output)) if self.variable => {
                Response::new(Data::OutputVariable(output))
            }
            (false, None, Some(output)) => Response::output(output),
            _ => return Err("only one of immediate, input and output is possible".to_owned()),
        };
        let mut response = match self.status {
            Some(status) => response.with_status(byte(&status)?),
            None => response,
        };
        if let Some(later) = self.then {
            response = response.then(byte(&later)?);
        }
        if let Some(sense) = self.sense {
            response = response.with_sense(&sense.0);
        }
        Ok(response)
    }
}

fn byte(hex: &Hex) -> Result<DeviceStatus, String> {
    match hex.0.as_slice() {
        &[byte] => Ok(DeviceStatus::from_bits_retain(byte)),
        other => Err(format!("a status is one byte, not {}", other.len())),
    }
}
