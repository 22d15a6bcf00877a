// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a device was asked, what it answered, and how many bytes passed.

use std::hash::{DefaultHasher, Hasher};

use ccw::{Command, DeviceStatus};
use css::device::Sense;
use css::{Device, Reply, Transfer};

/// First bytes of an exchange that are kept to be shown.
const SHOWN: usize = 16;

/// Exchanges that are kept; the rest is counted.
const KEPT: usize = 10_000;

/// One command and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A device with a record of its traffic.
pub(crate) struct Recorder<D> {
    device: D,
    exchanges: Vec<Exchange>,
    dropped: u64,
}

impl<D> Recorder<D> {
    /// `device`, nothing recorded.
    pub(crate) const fn new(device: D) -> Self {
        Self {
            device,
            exchanges: Vec::new(),
            dropped: 0,
        }
    }

    /// The exchanges, and how many later ones were not kept.
    pub(crate) fn into_record(self) -> (D, Vec<Exchange>, u64) {
        (self.device, self.exchanges, self.dropped)
    }
}

impl<D: Device> Device for Recorder<D> {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        let mut tap = Tap {
            transfer,
            sent: 0,
            received: 0,
            first: Vec::new(),
            digest: DefaultHasher::new(),
        };
        let reply = self.device.execute(command, &mut tap);
        if self.exchanges.len() < KEPT {
            self.exchanges.push(Exchange {
                command,
                sent: tap.sent,
                received: tap.received,
                first: tap.first,
                digest: tap.digest.finish(),
                status: reply.status(),
            });
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        reply
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
    sent: u64,
    received: u64,
    first: Vec<u8>,
    digest: DefaultHasher,
}

impl Tap<'_> {
    fn hear(&mut self, bytes: &[u8]) -> u64 {
        let room = SHOWN.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(room));
        // One by one: the digest must not depend on how the bytes were handed over.
        bytes.iter().for_each(|byte| self.digest.write_u8(*byte));
        bytes.len() as u64
    }
}

impl Transfer for Tap<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        let n = self.transfer.read(bytes);
        self.sent += self.hear(bytes.get(..n).unwrap_or_default());
        n
    }

    fn read_variable(&mut self, bytes: &mut [u8]) -> usize {
        let n = self.transfer.read_variable(bytes);
        self.sent += self.hear(bytes.get(..n).unwrap_or_default());
        n
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        let n = self.transfer.write(bytes);
        self.received += self.hear(bytes.get(..n).unwrap_or_default());
        n
    }
}
