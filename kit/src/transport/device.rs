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
    /// It moves what a command announces, and nothing else happens.
    full: bool,
}

impl Player {
    /// The device of `case`.
    pub fn new(case: &Case) -> Self {
        Self {
            steps: case.steps.iter().cloned().collect(),
            sent: Vec::new(),
            sense: Sense::new(),
            full: false,
        }
    }

    /// A device that lets every program come to its end.
    pub fn full() -> Self {
        Self {
            steps: VecDeque::new(),
            sent: Vec::new(),
            sense: Sense::new(),
            full: true,
        }
    }

    /// Moves as many bytes as the command announces.
    fn move_all(&mut self, command: Command, transfer: &mut dyn Transfer) {
        transfer.pass_control();
        let count = transfer.data_count().unwrap_or(0);
        // No case has more storage.
        let mut data = vec![0x5a; count.min(0x10_0000) as usize];
        match command.class() {
            Class::Write | Class::Control => transfer.read(&mut data),
            _ if count > 0 => transfer.write(&data),
            _ => 0,
        };
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
        if self.full {
            self.move_all(command, transfer);
            return Reply::OK;
        }
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
