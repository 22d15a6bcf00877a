// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the subchannels of a stress have below them: devices, and one address space for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use ccw::{Class, Command, DeviceStatus, Host, HostAddr};
use css::device::{DONE, Sense};
use css::{Device, Reply, Storage, StorageError, Transfer};
use vfio_ccw::device::soft::SoftSpace;
use vfio_ccw::{Access, DmaSpace, Errno, HostMemory};

/// What an input command brings.
pub(super) const DATA: u8 = 0x5c;
/// Most bytes that it brings.
pub(super) const MOST: usize = 64;

/// A command that ends with unit check; one whose device end comes later.
pub(super) const CHECKED: u8 = 0x12;
pub(super) const LATE: u8 = 0x0b;

/// A device that always does the same, and keeps nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    status: DeviceStatus,
    sense: bool,
}

impl Model {
    pub(super) fn attention(&mut self) {
        self.status |= DeviceStatus::ATTENTION;
    }
}

impl Device for Model {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        match command.0 {
            CHECKED => {
                self.sense = true;
                return Reply::Initial(DONE | DeviceStatus::UNIT_CHECK);
            }
            LATE => {
                self.status |= DeviceStatus::DEVICE_END;
                return Reply::Initial(DeviceStatus::CHANNEL_END);
            }
            _ => {}
        }
        match command.class() {
            Class::Read | Class::Sense => {
                transfer.write(&[DATA; MOST]);
                Reply::OK
            }
            Class::Write => {
                transfer.read_variable(&mut [0; MOST]);
                Reply::OK
            }
            _ => Reply::IMMEDIATE,
        }
    }

    fn poll(&mut self) -> Option<DeviceStatus> {
        let status = std::mem::take(&mut self.status);
        (!status.is_empty()).then_some(status)
    }

    fn take_sense(&mut self) -> Sense {
        let len = if std::mem::take(&mut self.sense) {
            2
        } else {
            0
        };
        std::iter::repeat_n(0x80, len).collect()
    }

    fn halt(&mut self) -> DeviceStatus {
        std::mem::take(&mut self.status)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What was seen of the address space.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Accesses of devices to where nothing is mapped: something was unmapped under a program.
    strays: AtomicU64,
    /// Mappings that there are.
    mapped: AtomicUsize,
    /// Requests to map and unmap, and those that were refused.
    pub(super) requests: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Nothing is refused any more.
    pub(super) reliable: AtomicBool,
}

/// An address space that refuses one request in a few, and notices what must not be.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    space: SoftSpace,
    pub(super) seen: Arc<Seen>,
}

impl Seen {
    pub(super) fn strays(&self) -> u64 {
        self.strays.load(Ordering::Relaxed)
    }

    pub(super) fn mapped(&self) -> usize {
        self.mapped.load(Ordering::Relaxed)
    }

    fn request(&self, errno: Errno) -> Result<(), Errno> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        // Not the first, which makes the arena and the regions.
        if number > 64 && number.is_multiple_of(7) && !self.reliable.load(Ordering::Relaxed) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(errno);
        }
        Ok(())
    }
}

impl DmaSpace for Space {
    fn map(&mut self, iova: u64, memory: &HostMemory, access: Access) -> Result<(), Errno> {
        self.seen.request(Errno::ENOSPC)?;
        self.space.map(iova, memory, access)?;
        self.seen.mapped.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn unmap(&mut self, iova: u64, len: u64) -> Result<(), Errno> {
        self.seen.request(Errno::EINVAL)?;
        self.space.unmap(iova, len)?;
        self.seen.mapped.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Storage<Host> for Space {
    fn fetch(&mut self, at: HostAddr, key: u8, bytes: &mut [u8]) -> Result<(), StorageError<Host>> {
        let result = self.space.fetch(at, key, bytes);
        self.note(result)
    }

    fn store(&mut self, at: HostAddr, key: u8, bytes: &[u8]) -> Result<(), StorageError<Host>> {
        let result = self.space.store(at, key, bytes);
        self.note(result)
    }
}

impl Space {
    fn note(&self, result: Result<(), StorageError<Host>>) -> Result<(), StorageError<Host>> {
        result.inspect_err(|_| {
            self.seen.strays.fetch_add(1, Ordering::Relaxed);
        })
    }
}
