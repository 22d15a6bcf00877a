// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A software channel subsystem.
//!
//! [`Subchannel`] executes a channel program the way the machine does: CCW by CCW, looking at a
//! word of storage only when it takes control. It is generic over the space that the program's
//! addresses name, so the same engine runs a guest's own program on guest storage and a
//! translated one on host storage.
//!
//! ```
//! use css::device::scripted::{Response, Scripted};
//! use css::{Config, Progress, Ram, Subchannel};
//! use ccw::{Guest, GuestAddr, Orb, RawOrb};
//!
//! // SENSE ID with SLI, 64 bytes to 3000, in format 1.
//! let mut storage = Ram::<Guest>::new(0x1_0000);
//! storage.write(GuestAddr::new(0x2100), &[0xe4, 0x20, 0, 0x40, 0, 0, 0x30, 0]);
//! let orb = Orb::decode(&RawOrb::from_words([0x00a0_b0c0, 0x00c2_8000, 0x2100]));
//!
//! let mut device = Scripted::new([Response::input(&[0xff, 0x39, 0x90, 0xe9])]);
//! let mut subchannel = Subchannel::<Guest>::new(Config::default());
//! subchannel.start(&orb).unwrap();
//! assert_eq!(subchannel.run(&mut storage, &mut device, 100), Progress::Pending);
//!
//! let scsw = subchannel.scsw();
//! assert_eq!((scsw.cpa, scsw.residual), (0x2108, 0x3c));
//! assert_eq!(storage.read(GuestAddr::new(0x3000), 4), [0xff, 0x39, 0x90, 0xe9]);
//! ```
//!
//! Layers, lowest first:
//!
//! - [`storage`]: what addresses lead to. [`Ram`] is plain storage, [`Granted`] traps every access
//!   outside what was granted.
//! - the channel (private): sequence of CCWs, data addressing, endings; beside it transport mode:
//!   TCWs, their commands and lists, and the TSB ([`Config::transport`]).
//! - [`device`]: what answers commands. A device sees commands and bytes, never an address.
//! - [`Subchannel`]: the functions start, resume, halt, clear and test, and the status.
//!
//! Nothing here panics on what a program or a device does, and nothing is allocated by a length
//! that a program names.

#![forbid(unsafe_code)]

mod channel;
mod condition;
mod config;
pub mod device;
pub mod storage;
mod subchannel;
mod transport;

pub use condition::{Check, Condition};
pub use config::{AddressLimit, Config};
pub use device::{Device, Reply, Transfer, TransportMode};
pub use storage::{Access, Granted, Ram, Storage, StorageError, StorageFault};
pub use subchannel::{CannotStart, ConditionCode, OperandException, Progress, Subchannel};
