// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a device answers, as `ccwtool run --device script:FILE` reads it, and as a case has it.

use std::{collections::BTreeMap, iter::repeat_n};

use ccwtool::{fields::Hex, script::Answer as Answered};
use css::device::scripted::Response;
use serde::{Deserialize, Serialize};

use crate::{
    differential::{
        Behaviour, Player,
        device::{MOST, input},
    },
    generator::{Amount, Answer, Case, Scene, is_input},
    machine::{self, MOST_COMMANDS},
};

/// One answer per command; then each ends at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Script {
    answers: Vec<Answered>,
}

/// Input of commands, by their number.
type Contents = BTreeMap<usize, Vec<u8>>;

/// Bytes that are said to be counted up: what [`input`] makes.
fn counts_up(bytes: &[u8]) -> bool {
    let seed = bytes.first().copied().unwrap_or_default();
    bytes
        .iter()
        .enumerate()
        .all(|(n, &byte)| byte == input(seed, n))
}

impl Script {
    /// The script of a machine.
    pub fn of_machine(responses: &[Response]) -> Self {
        Self {
            answers: responses.iter().map(Answered::of).collect(),
        }
    }

    /// The same for a machine.
    ///
    /// # Errors
    ///
    /// Which answer is none, in words.
    pub fn responses(&self) -> Result<Vec<Response>, String> {
        machine::responses(self.answers.clone())
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("is no script: {error}"))
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers");
        text.push('\n');
        text
    }

    /// What the device of `scene` does in the run that `behaviour` tells of.
    pub(super) fn of(scene: &Scene, behaviour: &Behaviour, contents: &Contents) -> Self {
        let player = Player::new(&scene.script, &scene.policy);
        let byte = |byte: u8| Some(Hex(vec![byte]));
        // Where asking for more has ended the program, it is to be asked for again.
        let last = behaviour.sent.len().saturating_sub(1);
        let asks = [usize::MAX, last].into_iter().find(|&asks| {
            let mut fixed = scene.clone();
            for (n, (reply, sent)) in fixed.script.iter_mut().zip(&behaviour.sent).enumerate() {
                if reply.answer.amount == Amount::Variable && n != asks && !is_input(sent.command.0)
                {
                    reply.bytes = sent.output.len();
                }
                if reply.answer.amount == Amount::Variable {
                    reply.answer.amount = Amount::Bytes(0);
                }
            }
            Behaviour::of(&fixed, contents).statuses == behaviour.statuses
        });
        let asks = asks.unwrap_or(usize::MAX);
        let replies = behaviour.sent.iter().zip(&scene.script).enumerate();
        let answers = replies.map(|(n, (sent, reply))| {
            let answer = reply.answer;
            let command = sent.command;
            let immediate = scene.policy.device.is_immediate(command);
            let mut answered = Answered {
                immediate: immediate || answer.amount == Amount::Immediate,
                ..Answered::default()
            };
            if !answered.immediate {
                let len = reply.bytes.min(MOST);
                if is_input(command.0) {
                    let content = contents.get(&n);
                    let of = |n| content.and_then(|bytes| bytes.get(n)).copied();
                    let bytes = (0..len).map(|n| of(n).unwrap_or(input(answer.seed, n)));
                    answered.input = Some(Hex(bytes.collect()));
                } else if answer.amount == Amount::Variable && n != asks {
                    // As much as there was; more only where asking for it has ended the program.
                    answered.output = Some(sent.output.len());
                } else {
                    answered.output = Some(len);
                }
            }
            let status = player.admissible(answer.status, command).bits();
            answered.status = (status != 0x0c).then(|| byte(status)).flatten();
            if answer.later != 0 {
                answered.then = byte(player.admissible(answer.later, command).bits());
            }
            if answer.sense != 0 {
                answered.sense = Some(Hex((0..answer.sense.min(32)).collect()));
            }
            answered
        });
        // Behind its script a device ends each command at once.
        let further = behaviour.sent.len().min(MOST_COMMANDS);
        let further = further.saturating_sub(scene.script.len());
        let at_once = Answered {
            immediate: true,
            ..Answered::default()
        };
        Self {
            answers: answers.chain(repeat_n(at_once, further)).collect(),
        }
    }
}

/// `case` with a device that answers by `script`, and the input of commands that is no counting up.
pub(super) fn answered(
    mut case: Case,
    script: Option<&Script>,
) -> Result<(Case, Contents), String> {
    let mut contents = Contents::new();
    let Some(script) = script else {
        return Ok((case, contents));
    };
    let mut answers = Vec::new();
    for (n, answered) in script.answers.iter().enumerate() {
        let refuse = |what: &str| Err(format!("answer {n}: {what}"));
        let byte = |hex: &Option<Hex>, otherwise| match hex.as_ref().map(|hex| hex.0.as_slice()) {
            None => Ok(otherwise),
            Some(&[byte]) => Ok(byte),
            Some(_) => Err(format!("answer {n}: a status is one byte")),
        };
        let mut seed = 0;
        if answered.variable {
            return refuse("variable output: that of a case takes all that there is");
        }
        let amount = match (answered.immediate, &answered.input, answered.output) {
            (_, None, None) => Amount::Immediate,
            (false, None, Some(len)) => match u16::try_from(len) {
                Ok(len) => Amount::Bytes(len),
                Err(_) => return refuse("more than 65535 bytes of output"),
            },
            (false, Some(Hex(bytes)), None) => {
                let Ok(len) = u16::try_from(bytes.len()) else {
                    return refuse("more than 65535 bytes of input");
                };
                seed = bytes.first().copied().unwrap_or_default();
                if !counts_up(bytes) {
                    contents.insert(n, bytes.clone());
                }
                Amount::Bytes(len)
            }
            _ => return refuse("only one of immediate, input and output is possible"),
        };
        let sense = answered.sense.as_ref().map_or(&[][..], |hex| &hex.0);
        let sound = sense.len() <= 32 && sense.iter().zip(0..).all(|(&a, b)| a == b);
        if !sound {
            return refuse("sense bytes: those of a case are 00 01 02 and so on, at most 32");
        }
        answers.push(Answer {
            amount,
            seed,
            status: byte(&answered.status, 0x0c)?,
            later: byte(&answered.then, 0)?,
            sense: sense.len() as u8,
        });
    }
    if answers.len() > 0xffff {
        return Err(format!(
            "{} answers: a case has at most 65535",
            answers.len()
        ));
    }
    case.script = answers;
    // What nobody expects of a device, cases of this policy do not have.
    let scene = case.build();
    let behaviour = Behaviour::of(&scene, &contents);
    let player = Player::new(&scene.script, &scene.policy);
    for (n, (sent, answer)) in behaviour.sent.iter().zip(&case.script).enumerate() {
        let said = [answer.status, answer.later];
        if said
            .iter()
            .any(|&status| player.admissible(status, sent.command).bits() != status)
        {
            return Err(format!(
                "answer {n}: status modifier of command {:02x}, with which no such device skips",
                sent.command.0
            ));
        }
    }
    Ok((case, contents))
}
