// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a device was asked, what it answered, and how many bytes passed.

use std::hash::{DefaultHasher, Hash, Hasher};

use ccw::{Command, DeviceStatus, Interrogate, UnitStates};
use css::device::Sense;
use css::{Device, Reply, Transfer, TransportMode};

/// First bytes of an exchange that are kept to be shown.
const SHOWN: usize = 16;

/// Exchanges that are kept; the rest is counted.
const KEPT: usize = 10_000;

/// Bytes that a run moves before it is given up. No driver writes a program that moves as much; one
/// that chains data in a loop moves it for ever, if the device goes along.
pub(super) const MOST_BYTES: u64 = 256 << 20;

/// One command and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Exchange {
    /// The command.
    pub(crate) command: Command,
    /// Bytes that went to the device.
    pub(crate) sent: u64,
    /// Bytes that came from the device.
    pub(crate) received: u64,
    /// The first bytes, either way.
    pub(crate) first: Vec<u8>,
    /// A digest of all bytes.
    digest: u64,
    /// The status.
    pub(crate) status: DeviceStatus,
}

/// Exchanges that were not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// How many.
    pub(crate) count: u64,
    /// A digest of all of them.
    digest: u64,
}

impl Dropped {
    fn add(&mut self, exchange: &Exchange) {
        let mut digest = DefaultHasher::new();
        (self.digest, exchange).hash(&mut digest);
        self.digest = digest.finish();
        self.count = self.count.saturating_add(1);
    }
}

/// A device with a record of its traffic.
pub(crate) struct Recorder<D> {
    device: D,
    exchanges: Vec<Exchange>,
    dropped: Dropped,
    /// Bytes that may still move.
    left: u64,
}

impl<D> Recorder<D> {
    /// `device`, nothing recorded.
    pub(crate) fn new(device: D) -> Self {
        Self {
            device,
            exchanges: Vec::new(),
            dropped: Dropped::default(),
            left: MOST_BYTES,
        }
    }

    /// Whether as many bytes have moved as may.
    pub(crate) const fn is_full(&self) -> bool {
        self.left == 0
    }

    /// The exchanges so far, and those that were not kept.
    pub(crate) fn take_record(&mut self) -> (Vec<Exchange>, Dropped) {
        let dropped = std::mem::take(&mut self.dropped);
        (std::mem::take(&mut self.exchanges), dropped)
    }

    /// The device.
    pub(crate) const fn device(&self) -> &D {
        &self.device
    }

    /// The device, the exchanges, and those that were not kept.
    pub(crate) fn into_record(self) -> (D, Vec<Exchange>, Dropped) {
        (self.device, self.exchanges, self.dropped)
    }
}

impl<D: Device> Device for Recorder<D> {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        let mut tap = Tap {
            transfer,
            left: self.left,
            sent: 0,
            received: 0,
            first: Vec::new(),
            digest: DefaultHasher::new(),
        };
        let reply = self.device.execute(command, &mut tap);
        self.left = tap.left;
        let exchange = Exchange {
            command,
            sent: tap.sent,
            received: tap.received,
            first: tap.first,
            digest: tap.digest.finish(),
            status: reply.status(),
        };
        if self.exchanges.len() < KEPT {
            self.exchanges.push(exchange);
        } else {
            self.dropped.add(&exchange);
        }
        reply
    }

    fn transport_mode(&self) -> TransportMode {
        self.device.transport_mode()
    }

    fn interrogate(&mut self, asked: &Interrogate) -> UnitStates {
        self.device.interrogate(asked)
    }

    fn begin(&mut self) {
        self.device.begin();
    }

    fn poll(&mut self) -> Option<DeviceStatus> {
        self.device.poll()
    }

    fn take_sense(&mut self) -> Sense {
        self.device.take_sense()
    }

    fn halt(&mut self) -> DeviceStatus {
        self.device.halt()
    }

    fn clear(&mut self) {
        self.device.clear();
    }
}

/// A data phase that is listened to.
struct Tap<'t> {
    transfer: &'t mut dyn Transfer,
    left: u64,
    sent: u64,
    received: u64,
    first: Vec<u8>,
    digest: DefaultHasher,
}

impl Tap<'_> {
    /// How many of `len` bytes may still move.
    fn room(&self, len: usize) -> usize {
        usize::try_from(self.left).map_or(len, |left| left.min(len))
    }

    fn hear(&mut self, bytes: &[u8]) -> u64 {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        let room = SHOWN.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(room));
        // One by one: the digest must not depend on how the bytes were handed over.
        bytes.iter().for_each(|byte| self.digest.write_u8(*byte));
        bytes.len() as u64
    }
}

impl Transfer for Tap<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        let (bytes, _) = bytes.split_at_mut(self.room(bytes.len()));
        let n = self.transfer.read(bytes);
        self.sent += self.hear(bytes.get(..n).unwrap_or_default());
        n
    }

    fn read_variable(&mut self, bytes: &mut [u8]) -> usize {
        let (bytes, _) = bytes.split_at_mut(self.room(bytes.len()));
        let n = self.transfer.read_variable(bytes);
        self.sent += self.hear(bytes.get(..n).unwrap_or_default());
        n
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        let (bytes, _) = bytes.split_at(self.room(bytes.len()));
        let n = self.transfer.write(bytes);
        self.received += self.hear(bytes.get(..n).unwrap_or_default());
        n
    }

    fn overrun(&mut self) {
        self.transfer.overrun();
    }

    fn data_count(&self) -> Option<u32> {
        self.transfer.data_count()
    }

    fn pass_control(&mut self) {
        self.transfer.pass_control();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use css::device::scripted::{Response, Scripted};

    /// A channel that has and takes any number of bytes.
    pub(crate) struct Endless;

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
    fn no_more_bytes_move_than_may() {
        let script = [
            Response::output(600),
            Response::input(&[1; 300]),
            Response::output(600),
            Response::input(&[1]),
        ];
        let mut recorder = Recorder::new(Scripted::new(script));
        recorder.left = 1000;
        let mut full = Vec::new();
        for command in [Command::WRITE, Command::READ, Command::WRITE, Command::READ] {
            recorder.execute(command, &mut Endless);
            full.push(recorder.is_full());
        }
        assert_eq!(full, [false, false, true, true]);
        let (device, exchanges, _) = recorder.into_record();
        let moved: Vec<u64> = exchanges.iter().map(|x| x.sent + x.received).collect();
        assert_eq!(moved, [600, 300, 100, 0]);
        let outputs: Vec<usize> = device.sent().iter().map(|x| x.output.len()).collect();
        assert_eq!(outputs, [600, 0, 100, 0]);
    }
}
