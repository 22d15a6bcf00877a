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
//! A program of transport mode is started, run and tested in the same way, if [`Config::transport`]
//! is set and the device knows the mode ([`Device::transport_mode`]). Its status is read by
//! [`ccw::TransportScsw`], and residual count and sense bytes are in its TSB:
//!
//! ```
//! use css::device::scripted::{Response, Scripted};
//! use css::{Config, Progress, Ram, Subchannel};
//! use ccw::{Dcw, Command, Guest, GuestAddr, Orb, RawOrb, RawTsb, ServiceAction, Tcah, Tcat, Tccb};
//! use ccw::{Addr31, TCCB_MAX, TSB_SIZE, Tcw, TcwFlags, TransportScsw, Tsb};
//!
//! // READ, 64 bytes to 5000: the commands, the block around them, the word that designates it.
//! let mut storage = Ram::<Guest>::new(0x1_0000);
//! let (mut tca, mut block) = ([0; 8], [0; TCCB_MAX]);
//! let read = Dcw { command: Command(0x06), chain_command: false, data_count: 64, control: &[] };
//! read.write(&mut tca);
//! let tccb = Tccb {
//!     header: Tcah {
//!         format: Tcah::FORMAT,
//!         tcal: 20,
//!         service_action: ServiceAction::DEVICE_IO,
//!         priority: 0,
//!     },
//!     tca: &tca,
//!     trailer: Tcat { transport_count: 68, read_count: None },
//! };
//! tccb.write(&mut block);
//! storage.write(GuestAddr::new(0x4500), &block);
//! let tcw = Tcw::<Guest> {
//!     format: 0,
//!     flags: TcwFlags::empty(),
//!     tidaw_format: 0,
//!     tccb_length: 12,
//!     read: true,
//!     write: false,
//!     output: GuestAddr::new(0),
//!     input: GuestAddr::new(0x5000),
//!     tsb: GuestAddr::new(0x4480),
//!     tccb: GuestAddr::new(0x4500),
//!     output_count: 0,
//!     input_count: 64,
//!     interrogate: Addr31::truncate(0),
//! };
//! storage.write(GuestAddr::new(0x4300), &tcw.encode().0);
//!
//! let mut device = Scripted::new([Response::input(&[7; 60])]);
//! let config = Config { transport: true, ..Config::default() };
//! let mut subchannel = Subchannel::<Guest>::new(config);
//! subchannel.start(&Orb::decode(&RawOrb::from_words([0x55, 0x0004_8000, 0x4300]))).unwrap();
//! assert_eq!(subchannel.run(&mut storage, &mut device, 100), Progress::Pending);
//!
//! let (_, irb) = subchannel.test();
//! assert!(TransportScsw::of(&irb.scsw).tsb_is_valid());
//! let tsb = storage.read(GuestAddr::new(0x4480), TSB_SIZE);
//! let tsb = Tsb::decode(&RawTsb(tsb.try_into().unwrap()));
//! assert_eq!((tsb.valid_dcw_offset(), tsb.valid_residual()), (Some(0), Some(4)));
//! ```
//!
//! What the architecture's text leaves open to us there is settled in one way, which the sources
//! call "(model)": when the control unit finds a count wrong, what fills up the bytes before check
//! bytes, that a command whose bytes do not all move ends the program, which check a block is that
//! cannot be reached, and how an interrogation fails.
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
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod bytes;
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
