// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the channel's addresses lead to.

mod granted;
mod ram;

use ccw::{Addr, Space};
use thiserror::Error;

pub use granted::{Access, Granted, Violation};
pub use ram::{Ram, StorageKey};

/// Why a byte cannot be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageFault {
    /// There is no such location: a program check.
    Unavailable,
    /// The access key does not match the storage key: a protection check.
    Protected,
    /// What is stored there has an error that cannot be corrected: a channel-data check for data, a
    /// channel-control check for a CCW or a word of a list.
    Damaged,
}

/// An access that stopped at a byte. Bytes before it were transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{fault:?} at {at:?}")]
pub struct StorageError<S: Space> {
    /// What is wrong there.
    pub fault: StorageFault,
    /// The first byte, in ascending order, that could not be accessed.
    pub at: Addr<S>,
}

/// Storage of the space `S`, accessed with a key (0-15; 0 matches every storage key).
///
/// Both methods work in ascending order, and on an error have transferred exactly the bytes before
/// [`StorageError::at`]. A range that passes the end of the 64-bit space is unavailable there.
pub trait Storage<S: Space> {
    /// Copies storage from `addr` on into `bytes`.
    fn fetch(&mut self, addr: Addr<S>, key: u8, bytes: &mut [u8]) -> Result<(), StorageError<S>>;

    /// Copies `bytes` into storage from `addr` on.
    fn store(&mut self, addr: Addr<S>, key: u8, bytes: &[u8]) -> Result<(), StorageError<S>>;
}

impl<S: Space, T: Storage<S> + ?Sized> Storage<S> for &mut T {
    fn fetch(&mut self, addr: Addr<S>, key: u8, bytes: &mut [u8]) -> Result<(), StorageError<S>> {
        (**self).fetch(addr, key, bytes)
    }

    fn store(&mut self, addr: Addr<S>, key: u8, bytes: &[u8]) -> Result<(), StorageError<S>> {
        (**self).store(addr, key, bytes)
    }
}
