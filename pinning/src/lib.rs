// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Keeps guest pages where they are while a channel program uses them.
//!
//! Pinning and translation are one act: a [`Pinner`] takes the guest [`Extent`]s of a program and
//! answers with host [`Run`]s that stay valid until the pins go back. [`Pins`] is the value that
//! holds them; dropping it gives them back.
//!
//! | part | what it knows |
//! |---|---|
//! | [`Extent`], [`Run`], [`Runs`] | the question and the answer |
//! | [`RegionMap`], [`Lookup`] | where guest storage lies on the host |
//! | [`Pinner`], [`Pins`] | the contract, and the value that keeps it |
//! | [`Ledger`], [`Budget`] | which programs are in flight, and how much they may hold |
//! | `PlainPinner` (feature `plain`) | a back end without kernel pins |
//! | `FaultyPinner` (feature `test-util`) | fails on demand, counts what is held |
//! | `LockedPinner` (feature `std`) | pages of this process, resident but not in their frames: not fit for DMA |
//! | `UringPinner` (feature `io-uring`) | pages of this process in their frames, as buffers of io_uring |
//! | `HostMemory`, `Errno` (feature `std`) | memory that devices and guests write to, of a Linux process |
//! | `Current` (feature `std`) | what a program looks at once it is in the ledger, without a lock |
//!
//! Without `std` nothing here does I/O or contains unsafe code.

#![no_std]
#![cfg_attr(not(feature = "std"), forbid(unsafe_code))]
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod atomic;
mod budget;
#[cfg(feature = "std")]
mod errno;
mod extent;
#[cfg(feature = "test-util")]
mod fault;
#[cfg(feature = "std")]
mod hosted;
mod ledger;
mod pinner;
mod pins;
mod place;
#[cfg(feature = "plain")]
mod plain;
mod region;
mod span;
#[cfg(feature = "std")]
#[expect(unsafe_code, reason = "system calls, and memory that others write to")]
mod sys;
mod translate;
mod withdrawal;

pub use budget::Budget;
#[cfg(feature = "std")]
pub use errno::Errno;
pub use extent::{Access, Extent, Run, Runs};
#[cfg(feature = "test-util")]
pub use fault::{Fault, FaultyPinner};
#[cfg(all(feature = "std", feature = "test-util"))]
pub use hosted::KernelFaults;
#[cfg(feature = "std")]
pub use hosted::{AddError, KeepError, LockedPinner, OwnedBy, RegionPinner};
#[cfg(feature = "io-uring")]
pub use hosted::{UringPinner, WhyVirtual};
pub use ledger::{InFlight, Ledger, Owner, Quarantined};
pub use pinner::{AddrSpace, Caps, InvalidateError, Limit, PinError, Pinner, Stability};
pub use pins::Pins;
#[cfg(feature = "plain")]
pub use plain::PlainPinner;
pub use region::{Lookup, MAX_REGIONS, PAGE_SIZE, Permission, Region, RegionError, RegionMap};
#[cfg(feature = "std")]
pub use sys::{Backing, Current, HostMemory, Object};
pub use withdrawal::MAX_WITHDRAWALS;
