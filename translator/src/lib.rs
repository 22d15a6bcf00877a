// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest program in, host program out, host status back.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod chain;
mod code;
mod data;
mod fetch;
mod finding;
pub mod limits;
mod list;
mod memory;
mod orb;
mod pieces;
mod policy;
mod program;
mod remarks;
mod work;

pub use code::{Blame, Check, Code, Sure};
pub use fetch::{Snapshot, fetch};
pub use finding::{Finding, Severity, Site, Word};
pub use memory::{AddressLimit, Guards, GuestStorage, StorageKey, StorageKeys};
pub use policy::{Facilities, Policy, Skips, Stance};
pub use program::{Outcome, Program, Step, validate};
pub use work::Buffers;
