// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device's answers as JSON, as `ccwtool run --device script:FILE` reads them.

use ccw::DeviceStatus;
use css::device::scripted::{Data, MOST_BYTES, Response};
use serde::{Deserialize, Serialize};

use crate::program_file::Hex;

/// The answer to one command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// It ends at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) immediate: bool,
    /// Bytes that the device offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<Hex>,
    /// How many it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<usize>,
    /// It asks for these at most: that there are less is no incorrect length.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) variable: bool,
    /// Its status at the end: `0c` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Hex>,
    /// Status that it presents later, by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) then: Option<Hex>,
    /// Sense bytes of a unit check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sense: Option<Hex>,
}

/// Most answers of a script: each takes two steps at most, and fewer than a program is given.
pub(crate) const MOST_ANSWERS: usize = 4096;
/// Most bytes that all answers of a script move: what the device is sent is kept.
const MOST_MOVED: usize = 64 << 20;

/// The responses that a script has.
pub(crate) fn responses(script: Vec<Answer>) -> Result<Vec<Response>, String> {
    if script.len() > MOST_ANSWERS {
        return Err(format!("script: more than {MOST_ANSWERS} answers"));
    }
    let mut moved = 0;
    let mut responses = Vec::new();
    for (n, answer) in script.into_iter().enumerate() {
        let response = answer
            .response()
            .map_err(|it| format!("script[{n}]: {it}"))?;
        moved += match &response.data {
            Data::Immediate => 0,
            Data::Input(bytes) => bytes.len(),
            Data::Output(len) | Data::OutputVariable(len) | Data::Length(len, _) => *len,
        };
        if moved > MOST_MOVED {
            return Err(format!(
                "script[{n}]: the answers up to here move more than {MOST_MOVED} bytes"
            ));
        }
        responses.push(response);
    }
    Ok(responses)
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
            _ => {
                return Err(
                    "only one of immediate, input and output is possible, and variable with output"
                        .to_owned(),
                );
            }
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
    pub(crate) fn of(response: &Response) -> Self {
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
