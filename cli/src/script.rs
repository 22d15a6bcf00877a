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
//! `ccwtool run --device script:FILE` takes such a file.

use std::path::Path;

use ccw::DeviceStatus;
use css::device::scripted::{Data, MOST_BYTES, Response, Scripted};
use serde::{Deserialize, Serialize};

use crate::fields::Hex;

/// Largest script read.
const LIMIT: u64 = 16 << 20;

/// The answer to one command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "an answer such as {\"input\": \"00\"}"
)]
pub struct Answer {
    /// It ends at once, as it does without data in either direction.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub immediate: bool,
    /// Bytes that the device offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Hex>,
    /// How many it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<usize>,
    /// It asks for so many at most: that there are less is no incorrect length.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub variable: bool,
    /// Its status at the end: `0c` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Hex>,
    /// Status that it presents later, by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Hex>,
    /// Sense bytes of a unit check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sense: Option<Hex>,
}

/// Reads the script in `path`.
pub(crate) fn read(path: &Path) -> Result<Scripted, String> {
    let bytes = crate::load::load(path, LIMIT)?;
    let answers: Vec<Answer> =
        serde_json::from_slice(&bytes).map_err(|error| format!("is no script: {error}"))?;
    Ok(Scripted::new(responses(answers)?))
}

/// The responses that a script has.
///
/// # Errors
///
/// Which answer is none, and why.
pub fn responses(script: Vec<Answer>) -> Result<Vec<Response>, String> {
    let responses = script.into_iter().enumerate().map(|(n, answer)| {
        let response = answer.response();
        response.map_err(|reason| format!("answer {n}: {reason}"))
    });
    responses.collect()
}

impl Answer {
    fn response(self) -> Result<Response, String> {
        let data = match (self.immediate, self.input, self.output) {
            (_, None, None) if !self.variable => Data::Immediate,
            (false, Some(input), None) if !self.variable => Data::Input(input.0),
            (false, None, Some(output)) if output > MOST_BYTES => {
                return Err(format!(
                    "output: {output} bytes are more than the {MOST_BYTES} that one answer moves"
                ));
            }
            (false, None, Some(output)) if self.variable => Data::OutputVariable(output),
            (false, None, Some(output)) => Data::Output(output),
            _ if self.variable => return Err("only output can be variable".to_owned()),
            _ => return Err("only one of immediate, input and output is possible".to_owned()),
        };
        let mut response = Response::new(data);
        if let Some(status) = self.status {
            response = response.with_status(byte(&status)?);
        }
        if let Some(later) = self.then {
            response = response.then(byte(&later)?);
        }
        if let Some(sense) = self.sense {
            response = response.with_sense(&sense.0);
        }
        Ok(response)
    }

    /// Of an answer that says all of its bytes.
    pub fn of(response: &Response) -> Self {
        let mut answer = match &response.data {
            Data::Immediate => Self {
                immediate: true,
                ..Self::default()
            },
            Data::Input(bytes) => Self {
                input: Some(Hex(bytes.clone())),
                ..Self::default()
            },
            Data::Output(len) | Data::Length(len, _) => Self {
                output: Some(*len),
                ..Self::default()
            },
            Data::OutputVariable(len) => Self {
                output: Some(*len),
                variable: true,
                ..Self::default()
            },
        };
        let usual = Response::immediate().status;
        answer.status = (response.status != usual).then(|| Hex(vec![response.status.bits()]));
        answer.then = response.later.map(|later| Hex(vec![later.bits()]));
        answer.sense = (!response.sense.is_empty()).then(|| Hex(response.sense.to_vec()));
        answer
    }
}

fn byte(hex: &Hex) -> Result<DeviceStatus, String> {
    match hex.0.as_slice() {
        &[byte] => Ok(DeviceStatus::from_bits_retain(byte)),
        other => Err(format!("a status is one byte, not {}", other.len())),
    }
}
