// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device of a case. It knows nothing of the program that it is sent.

use std::collections::{BTreeMap, VecDeque};

use ccw::{Command, DeviceClass, DeviceStatus};
use css::device::{Device, Reply as Ending, Sense, Transfer};
use translator::{Policy, Skips};

use crate::generator::{Amount, Reply, is_input};

/// What the device was sent with one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The command code.
    pub command: Command,
    /// How many bytes it wanted to move.
    pub wanted: usize,
    /// Output bytes that it received.
    pub output: Vec<u8>,
    /// How many of its input bytes the channel took.
    pub taken: usize,
}

/// Gives one answer per command, then ends each at once; keeps to what the policy says of devices.
#[derive(Clone, Debug)]
pub struct Player {
    script: Vec<Reply>,
    /// Input of the command of this number, in the place of a pattern.
    contents: BTreeMap<usize, Vec<u8>>,
    /// A chain is being repeated: what is sent now was sent before.
    repeated: VecDeque<Sent>,
    /// Not the same.
    diverged: bool,
    class: DeviceClass,
    any_skips: bool,
    sent: Vec<Sent>,
    later: VecDeque<DeviceStatus>,
    sense: Sense,
}

/// Input that a script may ask for at most, a little over what three CCWs can take.
pub(crate) const MOST: usize = 200_000;

impl Player {
    /// A device that will answer by `script`.
    pub fn new(script: &[Reply], policy: &Policy) -> Self {
        Self {
            script: script.to_vec(),
            contents: BTreeMap::new(),
            repeated: VecDeque::new(),
            diverged: false,
            class: policy.device,
            any_skips: policy.skips == Skips::Any,
            sent: Vec::new(),
            later: VecDeque::new(),
            sense: Sense::new(),
        }
    }

    /// The same with known input for some commands, by their number.
    #[must_use]
    pub fn with_contents(self, contents: &BTreeMap<usize, Vec<u8>>) -> Self {
        Self {
            contents: contents.clone(),
            ..self
        }
    }

    /// Stands again where it was before command `n`, and is to be sent the same once more.
    pub fn rewind(&mut self, n: usize) {
        self.repeated = self.sent.drain(n..).collect();
    }

    /// Whether a repetition was what was sent before.
    pub fn repeats(&self) -> bool {
        !self.diverged && self.repeated.is_empty()
    }

    /// It was sent this.
    fn note(&mut self, sent: Sent) {
        if let Some(before) = self.repeated.pop_front() {
            self.diverged |= sent != before;
        }
        self.sent.push(sent);
    }

    /// Everything that it was sent.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// `status`, without a status modifier that the policy says this device does not present.
    pub(crate) fn admissible(&self, status: u8, command: Command) -> DeviceStatus {
        let status = DeviceStatus::from_bits_retain(status);
        let retry = status.contains(DeviceStatus::UNIT_CHECK);
        if self.any_skips || retry || self.class.may_skip(command) {
            status
        } else {
            status - DeviceStatus::STATUS_MODIFIER
        }
    }
}

impl Device for Player {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Ending {
        let mut sent = Sent {
            command,
            wanted: 0,
            output: Vec::new(),
            taken: 0,
        };
        let number = self.sent.len();
        let Some(&Reply { answer, bytes }) = self.script.get(number) else {
            self.note(sent);
            return Ending::IMMEDIATE;
        };
        let immediate = answer.amount == Amount::Immediate || self.class.is_immediate(command);
        if !immediate {
            let len = bytes.min(MOST);
            sent.wanted = len;
            if is_input(command.0) {
                let content = self.contents.get(&number);
                let byte = |n| match content.and_then(|bytes| bytes.get(n)) {
                    Some(&byte) => byte,
                    None => input(answer.seed, n),
                };
                sent.taken = offer(transfer, len, byte);
            } else {
                sent.output = demand(transfer, len, answer.amount == Amount::Variable);
            }
        }
        self.note(sent);
        let status = self.admissible(answer.status, command);
        if answer.later != 0 {
            self.later.push_back(self.admissible(answer.later, command));
        }
        self.sense = (0..answer.sense.min(32)).collect();
        if immediate {
            Ending::Initial(status)
        } else {
            Ending::Ending(status)
        }
    }

    fn poll(&mut self) -> Option<DeviceStatus> {
        self.later.pop_front()
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.sense)
    }
}

/// Byte `n` of the input that begins with `seed`: a pattern that repeats only after 251 bytes, so
/// that bytes which come from elsewhere are noticed.
pub(crate) fn input(seed: u8, n: usize) -> u8 {
    seed.wrapping_add((n % 251) as u8)
}

fn offer(transfer: &mut dyn Transfer, len: usize, input: impl Fn(usize) -> u8) -> usize {
    let mut taken = 0;
    let mut piece = [0; 1024];
    while taken < len {
        let want = (len - taken).min(piece.len());
        for (n, byte) in piece[..want].iter_mut().enumerate() {
            *byte = input(taken + n);
        }
        let got = transfer.write(&piece[..want]);
        taken += got;
        if got < want {
            break;
        }
    }
    taken
}

fn demand(transfer: &mut dyn Transfer, len: usize, variable: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = [0; 1024];
    while bytes.len() < len {
        let want = (len - bytes.len()).min(piece.len());
        let got = if variable {
            transfer.read_variable(&mut piece[..want])
        } else {
            transfer.read(&mut piece[..want])
        };
        bytes.extend_from_slice(&piece[..got.min(want)]);
        if got < want {
            break;
        }
    }
    bytes
}
