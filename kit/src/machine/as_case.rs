// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The case of the generator that a machine is, or nearly.

use ccw::DeviceStatus;
use css::device::scripted::{Data, Response};

use super::made::{ALL, pattern};
use super::{Machine, nothing_left};
use crate::generator::{Amount, Answer, Case};

impl Machine {
    /// A case that does what this machine does, and in which data of the device it does not, in words: its
    /// input counts up from its first byte, and so do its sense bytes from zero.
    ///
    /// # Errors
    ///
    /// What else a case cannot hold.
    pub fn to_case(&self) -> Result<(Case, Vec<&'static str>), String> {
        let mut case = Case::of_file(&self.file)?;
        case.terms.concurrent_sense = self.concurrent_sense;
        let moves_all = Self {
            script: None,
            ..self.clone()
        }
        .answered();
        let whole = self.script.is_none() || moves_all.script == self.script;
        let script = self.script.as_ref().or(moves_all.script.as_ref());
        let script: &[Response] = script.map_or(&[], Vec::as_slice);
        let skips = |it: &Response| it.status.contains(DeviceStatus::STATUS_MODIFIER);
        case.terms.any_skips = script.iter().any(skips);
        case.script = match whole {
            // So it does of whatever is left of the program.
            true => vec![ALL; script.len()],
            false => script.iter().map(answer).collect(),
        };
        case.script.push(answer(&nothing_left()));
        let mut changed = Vec::new();
        if script.iter().any(|it| input(it) != counted(it)) {
            changed.push("its device offers bytes that count up, in the place of others");
        }
        if script
            .iter()
            .any(|it| !it.sense.iter().copied().eq(0..answer(it).sense))
        {
            changed.push("its sense bytes are 00 01 02 and so on, in the place of others");
        }
        Ok((case, changed))
    }
}

/// The answer as cases have it.
fn answer(response: &Response) -> Answer {
    let bytes = |len: usize| Amount::Bytes(u16::try_from(len).unwrap_or(u16::MAX));
    Answer {
        amount: match &response.data {
            Data::Immediate => Amount::Immediate,
            Data::Input(input) => bytes(input.len()),
            Data::Output(len) | Data::Length(len, _) => bytes(*len),
            Data::OutputVariable(_) => Amount::Variable,
        },
        seed: input(response).first().copied().unwrap_or_default(),
        status: response.status.bits(),
        later: response.later.map_or(0, |later| later.bits()),
        sense: u8::try_from(response.sense.len()).map_or(32, |len| len.min(32)),
    }
}

fn input(response: &Response) -> &[u8] {
    match &response.data {
        Data::Input(bytes) => bytes,
        _ => &[],
    }
}

/// The same with bytes that count up.
fn counted(response: &Response) -> Vec<u8> {
    let bytes = input(response);
    pattern(bytes.len(), bytes.first().copied().unwrap_or_default())
}
