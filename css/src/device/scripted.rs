// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device that answers as a test tells it to, and records what it was sent.

use std::collections::VecDeque;

use ccw::{Class, Command, DeviceStatus, Interrogate, UnitStates};

use super::{DONE, Device, Reply, Sense, Transfer, TransportMode, UNKNOWN};

/// Bytes that one response moves at most, whatever it says. A program can go on chaining data for
/// ever, and what the device is sent is recorded.
pub const MOST_BYTES: usize = 16 << 20;

/// What the device does in the data phase.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// Answers the command byte with the status: no data phase.
    Immediate,
    /// Asks for this many bytes of output.
    Output(usize),
    /// Takes output until the program has no more, but at most this many bytes.
    OutputVariable(usize),
    /// Offers these bytes as input.
    Input(Vec<u8>),
    /// Follows the command: offers, or asks for, this many bytes. Input is the sequence
    /// `seed, seed + 1, ...` of byte values.
    Length(usize, u8),
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Response {
    /// What the device does in the data phase.
    pub data: Data,
    /// Status that it then presents.
    pub status: DeviceStatus,
    /// Status that it presents by itself afterwards, such as the device end.
    pub later: Option<DeviceStatus>,
    /// Sense bytes that go with a unit check.
    pub sense: Sense,
}

impl Response {
    /// `data`, then channel end and device end.
    pub fn new(data: Data) -> Self {
        Self {
            data,
            status: DONE,
            later: None,
            sense: Sense::new(),
        }
    }

    /// Ends at once, without data.
    pub fn immediate() -> Self {
        Self::new(Data::Immediate)
    }

    /// Offers `bytes`.
    pub fn input(bytes: &[u8]) -> Self {
        Self::new(Data::Input(bytes.to_vec()))
    }

    /// Asks for `len` bytes.
    pub fn output(len: usize) -> Self {
        Self::new(Data::Output(len))
    }

    /// The same with another status.
    pub fn with_status(mut self, status: DeviceStatus) -> Self {
        self.status = status;
        self
    }

    /// The same with channel end now and `later` afterwards.
    pub fn then(mut self, later: DeviceStatus) -> Self {
        self.later = Some(later);
        self
    }

    /// The same with sense bytes; more than 32 are cut off.
    pub fn with_sense(mut self, sense: &[u8]) -> Self {
        self.sense = sense.iter().copied().take(32).collect();
        self
    }
}

/// What the device was sent with one command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sent {
    /// The command code.
    pub command: Command,
    /// Output bytes that it received; in transport mode control data come first.
    pub output: Vec<u8>,
    /// How many of its input bytes the channel took.
    pub taken: usize,
}

/// A device that gives one [`Response`] per command, then none but immediate ends, and records
/// each command with its data.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    responses: VecDeque<Response>,
    sent: Vec<Sent>,
    status: VecDeque<DeviceStatus>,
    sense: Sense,
    both_ways: bool,
    states: Option<UnitStates>,
    asked: Vec<Interrogate>,
}

impl Scripted {
    /// A device that will give `responses`, one per command.
    pub fn new(responses: impl IntoIterator<Item = Response>) -> Self {
        Self {
            responses: responses.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The same device, which also takes transport-mode programs that both read and write.
    pub fn both_ways(mut self) -> Self {
        self.both_ways = true;
        self
    }

    /// The same device, which tells `states` when it is interrogated.
    pub fn with_states(mut self, states: UnitStates) -> Self {
        self.states = Some(states);
        self
    }

    /// What it was interrogated about so far.
    pub fn asked(&self) -> &[Interrogate] {
        &self.asked
    }

    /// Everything that it was sent so far.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// Responses that no command has asked for yet.
    pub fn left(&self) -> usize {
        self.responses.len()
    }

    /// Makes the device present `status` by itself, such as attention.
    pub fn present(&mut self, status: DeviceStatus) {
        self.status.push_back(status);
    }
}

impl Device for Scripted {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        let response = self
            .responses
            .pop_front()
            .unwrap_or_else(Response::immediate);
        let mut sent = Sent {
            command,
            output: Vec::new(),
            taken: 0,
        };
        let input = matches!(
            command.class(),
            Class::Read | Class::ReadBackward | Class::Sense
        );
        match response.data {
            Data::Immediate => {}
            Data::Output(len) => sent.output = demand(transfer, len, false),
            Data::OutputVariable(len) => sent.output = demand(transfer, len, true),
            Data::Input(ref bytes) => sent.taken = transfer.write(bytes),
            Data::Length(len, seed) if input => sent.taken = offer(transfer, len, seed),
            Data::Length(len, _) => sent.output = demand(transfer, len, false),
        }
        self.sent.push(sent);
        self.status.extend(response.later);
        self.sense = response.sense;
        match response.data {
            Data::Immediate => Reply::Initial(response.status),
            _ => Reply::Ending(response.status),
        }
    }

    fn transport_mode(&self) -> TransportMode {
        match self.both_ways {
            true => TransportMode::BothWays,
            false => TransportMode::OneWay,
        }
    }

    fn interrogate(&mut self, asked: &Interrogate) -> UnitStates {
        self.asked.push(*asked);
        self.states.unwrap_or(UNKNOWN)
    }

    fn poll(&mut self) -> Option<DeviceStatus> {
        self.status.pop_front()
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.sense)
    }

    fn halt(&mut self) -> DeviceStatus {
        self.status.pop_front().unwrap_or_default()
    }

    fn clear(&mut self) {
        self.status.clear();
        self.sense.clear();
    }
}

/// Takes up to `len` bytes, in pieces so that a length costs no memory before its bytes came.
fn demand(transfer: &mut dyn Transfer, len: usize, variable: bool) -> Vec<u8> {
    let len = len.min(MOST_BYTES);
    let mut bytes = Vec::new();
    let mut piece = [0; 256];
    while bytes.len() < len {
        let want = (len - bytes.len()).min(piece.len());
        let piece = piece.get_mut(..want).unwrap_or_default();
        let got = match variable {
            true => transfer.read_variable(piece),
            false => transfer.read(piece),
        };
        bytes.extend(piece.iter().take(got));
        if got < want {
            break;
        }
    }
    bytes
}

/// Offers `len` bytes that count up from `seed`.
fn offer(transfer: &mut dyn Transfer, len: usize, seed: u8) -> usize {
    let len = len.min(MOST_BYTES);
    let mut taken = 0;
    let mut value = seed;
    while taken < len {
        let mut piece = [0; 256];
        let want = (len - taken).min(piece.len());
        let piece = piece.get_mut(..want).unwrap_or_default();
        for byte in piece.iter_mut() {
            *byte = value;
            value = value.wrapping_add(1);
        }
        let got = transfer.write(piece).min(want);
        taken += got;
        if got < want {
            break;
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that chains data for ever.
    struct Endless;

    impl Transfer for Endless {
        fn read(&mut self, bytes: &mut [u8]) -> usize {
            bytes.len()
        }

        fn read_variable(&mut self, bytes: &mut [u8]) -> usize {
            bytes.len()
        }

        fn write(&mut self, bytes: &[u8]) -> usize {
            bytes.len()
        }
    }

    #[test]
    fn no_response_goes_on_for_ever() {
        let endless = [
            Data::Output(usize::MAX),
            Data::OutputVariable(usize::MAX),
            Data::Length(usize::MAX, 0),
        ];
        for data in endless {
            let mut device = Scripted::new([Response::new(data.clone()), Response::new(data)]);
            assert_eq!(device.execute(Command::WRITE, &mut Endless), Reply::OK);
            assert_eq!(device.execute(Command::READ, &mut Endless), Reply::OK);
            for sent in device.sent() {
                assert_eq!(sent.output.len().max(sent.taken), MOST_BYTES);
            }
        }
    }
}
