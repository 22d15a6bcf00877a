// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device of a case, which takes DCWs and the CCWs that stand for them.

use std::collections::VecDeque;

use ccw::{Class, Command};
use css::device::{Reply, Sense, Transfer, TransportMode};

use super::case::{Case, Step};

/// What the device saw of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its code.
    pub command: Command,
    /// Its parameters.
    pub control: Vec<u8>,
    /// The data that moved.
    pub data: Vec<u8>,
}

/// Answers command after command as the case says.
#[derive(Clone, Debug)]
pub struct Player {
    steps: VecDeque<Step>,
    sent: Vec<Sent>,
    sense: Sense,
}

impl Player {
    /// The device of `case`.
    pub fn new(case: &Case) -> Self {
        Self {
            steps: case.steps.iter().cloned().collect(),
            sent: Vec::new(),
            sense: Sense::new(),
        }
    }

    /// What it saw.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }
}

impl css::Device for Player {
    fn transport_mode(&self) -> TransportMode {
        TransportMode::OneWay
    }

    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        let Some(step) = self.steps.pop_front() else {
            return Reply::OK;
        };
        let mut control = Vec::new();
        if transfer.data_count().is_some() || !step.control.is_empty() {
            control.resize(step.control.len(), 0);
            let got = transfer.read_variable(&mut control);
            control.truncate(got);
            transfer.pass_control();
        }
        let mut data = Vec::new();
        if step.control.is_empty() && step.count > 0 {
            let pattern = (0..=u8::MAX).cycle().skip(self.sent.len() * 37);
            data = pattern.take(step.wanted()).collect();
            let moved = match command.class() {
                Class::Write | Class::Control => transfer.read(&mut data),
                _ => transfer.write(&data),
            };
            data.truncate(moved);
        }
        self.sent.push(Sent {
            command,
            control,
            data,
        });
        self.sense = step.sense.iter().copied().collect();
        Reply::Ending(step.status)
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.sense)
    }
}
