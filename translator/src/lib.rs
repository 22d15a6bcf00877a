// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest program in, host program out, host status back.
//!
//! A channel program passes through the stages below. Each is a type that consumes the one before,
//! so a program cannot be started unchecked, or emitted twice, or released while it is in use:
//!
//! ```text
//! guest storage --fetch--> Snapshot --validate--> Program --plan--> Plan --pin--> Pinned
//!     --emit--> Translated --start--> Running --(the host's status)--> Irb<Guest>
//! ```
//!
//! * [`fetch`] walks the program and copies it: each CCW address once, each list once per CCW that
//!   names it, and only words that the walk reaches. No later stage can reach guest storage, so a
//!   guest that rewrites its program between check and use changes nothing.
//! * [`validate`] applies the rules of the architecture to the copy. Its [`Finding`]s name rule,
//!   CCW, word and bits; [`Code`] lists every rule there is.
//! * [`Program::plan`] lays the program out for a [`HostProfile`]. An error that a machine would
//!   report in the middle of the program is *placed*: the host's program stops exactly there, and
//!   what came before it runs. Only what ends before the first byte moves ends at once
//!   ([`Planned::Ended`]); only what is legal and cannot be carried out is refused ([`Rejected`]).
//! * [`Plan::pin`] and [`Pinned::emit`] put host addresses in the place of guest addresses. No word
//!   of the host's program is a guest's.
//! * [`Translated::start`] is called when the host is given the program: from then on its storage
//!   stays pinned, whatever is dropped, until [`Running::end`] says that the host has stopped.
//! * [`Running::complete`] maps the status back. No host address leaves it. [`Running::dirty`] says
//!   which guest storage the device may have stored into by then.
//!
//! What one snapshot cannot hold, a program that suspends itself, reads into itself or must not be
//! prefetched, is carried out in [parts](Part): [`fetch_part`] in the place of the first two
//! stages, [`Completion::arrived`] where control has come, [`Running::go_on`] to the next one.
//!
//! A program of transport mode takes the same way. On a host without that mode it becomes CCWs, and
//! the caller stores its TSB ([`Completion::tsb`]) before it shows the status.
//!
//! Nothing here panics for any guest, makes system calls, contains unsafe code or allocates by a
//! number that a guest names; a subchannel that hands its [`Buffers`] from start to start allocates
//! nothing at all.
//!
//! ```
//! use ccw::{GuestAddr, HostAddr, RawOrb};
//! use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
//! use translator::{
//!     Area, Buffers, Guards, GuestStorage, HostProfile, Planned, Policy, Slot, fetch, validate,
//! };
//!
//! /// SENSE ID, 64 bytes to 3000, at 2100; the rest is zero.
//! struct Memory;
//! impl GuestStorage for Memory {
//!     fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
//!         buf.fill(0);
//!         if at == GuestAddr::new(0x2100) {
//!             buf.copy_from_slice(&[0xe4, 0x20, 0, 0x40, 0, 0, 0x30, 0]);
//!         }
//!         buf.len()
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let map = RegionMap::new(&[Region {
//!     guest: GuestAddr::new(0),
//!     len: 0x1_0000,
//!     host: HostAddr::new(0x1_0000_0000),
//!     permission: Permission::ReadWrite,
//! }])?;
//! let pinner = PlainPinner::new(map.clone(), Budget::default());
//! let orb = RawOrb::from_words([0, 0x00c2_8000, 0x2100]);
//!
//! let snapshot = fetch(&orb, &Memory, &Policy::MEDIATE, &Guards::default(), Buffers::new());
//! let program = validate(snapshot, &map, &Guards::default());
//! let Planned::Run(plan) = program.plan(&HostProfile::SOFTWARE)? else { unreachable!() };
//!
//! let (mut ccws, mut lists) = ([0; 64], [0; 64]);
//! let slot = Slot::new(
//!     Area::new(HostAddr::new(0x10_0000), &mut ccws)?,
//!     Area::new(HostAddr::new(0x10_0100), &mut lists)?,
//!     HostAddr::new(0x10_1000),
//! )?;
//! let translated = plan.pin(&pinner)?.emit(slot)?;
//! assert_eq!(translated.orb().cpa.get(), 0x10_0000);
//! assert_eq!(ccws[..8], [0xe4, 0x24, 0, 0x40, 0, 0x10, 0x01, 0]);
//! assert_eq!(lists[..8], 0x1_0000_3000_u64.to_be_bytes());
//! # Ok(())
//! # }
//! ```

#![no_std]
#![forbid(unsafe_code)]
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

mod arrangement;
mod bounce;
mod chain;
mod code;
mod commands;
mod complete;
mod data;
mod dirty;
mod emit;
mod fetch;
mod finding;
pub mod limits;
mod memory;
mod node;
mod orb;
mod overlap;
mod part;
mod plan;
mod policy;
mod profile;
mod program;
mod reject;
mod remarks;
mod running;
mod singles;
mod site;
mod slot;
mod status;
mod stream;
mod told;
mod transport;
mod validate;
mod verdict;
#[cfg(test)]
mod words;
mod work;

pub use bounce::{Bounced, CopyBack, CopyOut};
pub use code::{Blame, Check, Code, Sure};
pub use commands::{Blocks, CommandPolicy, Track, Tracks, Volume};
pub use complete::Completion;
pub use emit::{Doublewords, Translated};
pub use fetch::{Snapshot, fetch};
pub use finding::{Finding, Severity, Site, Word};
pub use memory::{AddressLimit, Guards, GuestStorage, LimitAddr, StorageKey, StorageKeys};
pub use orb::fault as orb_fault;
pub use part::{Arrival, Cause, Earlier, Part, fetch_part};
pub use plan::{Arrived, Ended, Pinned, Plan, Planned};
pub use policy::{Facilities, Policy, Skips, Stance, Suspension};
pub use profile::{Arrangement, FirstByteFault, HostProfile};
pub use program::{Program, Step};
pub use reject::{Rejected, Response};
pub use running::Running;
pub use slot::{Area, AreaError, Slot};
pub use transport::{CommandView, ListView, StatusBlock, TransportView};
pub use validate::validate;
pub use verdict::Outcome;
pub use work::Buffers;
