//! The words and formats of s390 channel I/O.
//!
//! Each format has two levels: a *view* ([`RawCcw`], [`RawOrb`], [`RawScsw`], [`RawMidaw`]) that
//! takes any bytes at all, and a *meaning* ([`Ccw`], [`Orb`], [`Scsw`], [`Midaw`]) that holds what
//! they say. Logging and fuzzing use the first, logic the second.
//!
//! Bits are numbered as in z/Architecture Principles of Operation ("PoP"): bit 0 is the most
//! significant. Everything is big-endian in storage; no type here depends on the byte order of
//! the machine. Nothing here panics, allocates or contains unsafe code.

#![no_std]
#![forbid(unsafe_code)]

mod addr;
#[allow(clippy::module_inception)]
mod ccw;
mod command;
mod device;
mod idaw;
mod midaw;
pub mod orb;
mod scsw;

pub use addr::{Addr, Addr31, Guest, GuestAddr, Host, HostAddr, Space};
pub use ccw::{CCW_SIZE, Ccw, CcwFlags, Format, RawCcw};
pub use command::{Class, Command, Direction};
pub use device::DeviceClass;
pub use idaw::{IdawFormat, MAX_IDAWS};
pub use midaw::{MIDAL_PAGE, MIDAW_SIZE, Midaw, MidawFlags, RawMidaw};
pub use orb::{ORB_SIZE, Orb, RawOrb};
pub use scsw::{
    ActivityControl, DeviceStatus, FunctionControl, OrbBits, RawScsw, SCSW_SIZE, Scsw,
    StatusControl, SubchannelStatus,
};
