// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest program in, host program out, host status back.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod chain;
mod code;
mod complete;
mod data;
mod emit;
mod fetch;
mod finding;
mod layout;
pub mod limits;
mod list;
mod memory;
mod orb;
mod plan;
mod policy;
mod profile;
mod program;
mod reject;
mod remarks;
mod segments;
mod slot;
mod work;

pub use code::{Blame, Check, Code, Sure};
pub use complete::Completion;
pub use emit::Translated;
pub use fetch::{Snapshot, fetch};
pub use finding::{Finding, Severity, Site, Word};
pub use memory::{AddressLimit, Guards, GuestStorage, StorageKey, StorageKeys};
pub use plan::{Ended, Pinned, Plan, Planned};
pub use policy::{Facilities, Policy, Skips, Stance};
pub use profile::{Arrangement, FirstByteFault, HostProfile};
pub use program::{Outcome, Program, Step, validate};
pub use reject::{Rejected, Response};
pub use slot::{Area, AreaError, Slot};
pub use work::Buffers;
