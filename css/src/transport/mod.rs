// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Transport mode: a program that is one TCW. "PoP: Transport-Mode Operations".
//!
//! `program` takes the TCW and its TCCB, once, and judges them before the device hears of them;
//! `area` finds the data, directly or by TIDAWs; `path` moves it for one DCW; `status` makes the
//! TSB. The subchannel drives them DCW by DCW.
//!
//! Channel and control unit share the work on a real machine. What the control unit finds wrong
//! with a TCCB ([`Refusal`]) comes back as a TSB of format 2 with channel end, device end and program
//! check (model); what the channel finds comes without TSB.

mod area;
mod path;
mod program;
mod status;

use ccw::{Addr, Space};

use crate::{Condition, Storage, StorageError, StorageFault};

pub(crate) use path::DcwPath;
pub(crate) use program::{Command, Program};
pub(crate) use status::{DcwEnd, Ended, Refusal, block};

/// Storage as the program's key opens it.
pub(crate) struct Keyed<'a, S: Space> {
    pub(crate) storage: &'a mut dyn Storage<S>,
    pub(crate) key: u8,
}

impl<S: Space> Keyed<'_, S> {
    fn fetch(&mut self, addr: Addr<S>, bytes: &mut [u8]) -> Result<(), StorageError<S>> {
        self.storage.fetch(addr, self.key, bytes)
    }

    pub(crate) fn store(&mut self, addr: Addr<S>, bytes: &[u8]) -> Result<(), StorageError<S>> {
        self.storage.store(addr, self.key, bytes)
    }
}

/// The condition of a location of the TCW, the TCCB or the TSB that cannot be accessed.
pub(crate) fn block_fault(fault: StorageFault) -> Condition {
    match fault {
        StorageFault::Unavailable => Condition::T01,
        StorageFault::Protected => Condition::T21,
        StorageFault::Damaged => Condition::N04,
    }
}

/// The same of a TIDAW, or of a part of the TCCB that one designates.
fn list_fault(fault: StorageFault) -> Condition {
    match fault {
        StorageFault::Unavailable => Condition::T19,
        StorageFault::Protected => Condition::T21,
        StorageFault::Damaged => Condition::N04,
    }
}

/// The same of data that are stored, or fetched.
fn data_fault(fault: StorageFault, stored: bool) -> Condition {
    match fault {
        StorageFault::Unavailable => Condition::T19,
        StorageFault::Protected if stored => Condition::D04,
        StorageFault::Protected => Condition::D05,
        StorageFault::Damaged => Condition::N03,
    }
}
