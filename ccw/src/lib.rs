// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The words and formats of s390 channel I/O.
//!
//! Each format has two levels: a *view* that takes any bytes at all, and a *meaning* that holds only
//! what makes sense. Logging, dumps and fuzzing use the first, logic the second.
//!
//! | | view | meaning |
//! |---|---|---|
//! | operation-request block | [`RawOrb`] | [`Orb`] |
//! | channel-command word | [`RawCcw`] | [`Ccw`] |
//! | indirect-data-address word | [`RawIdaw1`], [`RawIdaw2`] | [`Addr31`], [`Addr`] |
//! | modified indirect-data-address word | [`RawMidaw`] | [`Midaw`] |
//! | subchannel-status word | [`RawScsw`] | [`Scsw`], [`TransportScsw`] |
//! | extended-status, extended-report word | [`RawEsw`], [`RawErw`] | [`Esw`], [`Erw`] |
//! | interruption-response block | [`RawIrb`] | [`Irb`] |
//! | path-management-control word | [`RawPmcw`] | [`Pmcw`] |
//! | subchannel-information block | [`RawSchib`] | [`Schib`] |
//! | channel-report word | [`RawCrw`] | [`Crw`] |
//! | SENSE ID data, command-information word | [`RawSenseId`], [`RawCiw`] | [`SenseId`], [`Ciw`] |
//! | subsystem-identification word | [`RawSubsystemId`] | [`SubsystemId`] |
//! | I/O-interruption code | [`RawInterruptionCode`] | [`InterruptionCode`] |
//! | transport-control word | [`RawTcw`] | [`Tcw`] |
//! | transport-command-control block, its header | [`RawTccb`], [`RawTcah`] | [`Tccb`], [`Tcah`] |
//! | device-command word | [`RawDcw`] | [`Dcw`] |
//! | transport-indirect-data-address word | [`RawTidaw`] | [`Tidaw`] |
//! | transport-status block | [`RawTsb`] | [`Tsb`] |
//! | interrogate control data | [`RawInterrogate`] | [`Interrogate`] |
//!
//! Beside them: addresses that know which storage they name ([`Addr`]), what a command code means
//! to the channel ([`Command`]) and to a device ([`DeviceClass`]), and one line of text per CCW
//! ([`CcwLine`]).
//!
//! What holds throughout:
//!
//! - Decoding is total. A meaning drops what has no place in it (reserved bits, fields that another
//!   bit calls invalid); where a machine would refuse such bits, the view has a function that tells.
//!   Only words that name nothing ([`SubsystemId`], [`SenseId`], [`Ciw`]) decode to an `Option`.
//! - Encoding what was decoded gives the same meaning again, and gives the same bytes if nothing
//!   was dropped. A number that is too wide for its field loses its high bits.
//! - Nothing here panics, allocates, contains unsafe code or depends on the byte order of the
//!   machine.
//!
//! Bits are numbered as in z/Architecture Principles of Operation ("PoP", cited by section title):
//! bit 0 is the most significant, and everything is big-endian in storage.

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

#[cfg(test)]
extern crate std;

mod addr;
mod bytes;
mod ccw;
mod command;
mod crw;
mod device;
mod erw;
mod esw;
mod idaw;
mod interruption;
mod irb;
mod logout;
mod midaw;
mod names;
pub mod orb;
mod pmcw;
mod schib;
mod scsw;
mod sense_id;
mod ssid;
mod status;
mod text;
mod transport;

pub use addr::{Addr, Addr31, Guest, GuestAddr, Host, HostAddr, Space};
pub use ccw::{CCW_SIZE, Ccw, CcwFlags, Format, RawCcw};
pub use command::{Class, Command, Direction};
pub use crw::{CRW_SIZE, Crw, ErrorRecovery, RawCrw, ReportingSource};
pub use device::DeviceClass;
pub use erw::{Erw, RawErw};
pub use esw::{ESW_SIZE, Esw, FailingStorage, RawEsw};
pub use idaw::{IdawFormat, MAX_IDAWS, RawIdaw1, RawIdaw2};
pub use interruption::{INTERRUPTION_CODE_SIZE, InterruptionCode, RawInterruptionCode};
pub use irb::{ECW_SIZE, EMW_SIZE, IRB_EXTENDED_SIZE, IRB_SIZE, Irb, RawIrb};
pub use logout::{ErrorFlags, FieldValidity, Logout, StorageAccess, Termination};
pub use midaw::{MIDAL_PAGE, MIDAW_SIZE, Midaw, MidawFlags, RawMidaw};
pub use orb::{ORB_SIZE, Orb, RawOrb};
pub use pmcw::{LimitMode, PMCW_SIZE, Pmcw, RawPmcw, SubchannelType};
pub use schib::{RawSchib, SCHIB_SIZE, Schib};
pub use scsw::{OrbBits, RawScsw, SCSW_SIZE, Scsw};
pub use sense_id::{
    CIW_SIZE, Ciw, CiwType, RawCiw, RawSenseId, SENSE_ID_MAX, SenseByte0, SenseId, UnitType,
};
pub use ssid::{RawSubsystemId, SubsystemId};
pub use status::{ActivityControl, DeviceStatus, FunctionControl, StatusControl, SubchannelStatus};
pub use text::{CcwLine, DisplayCcw, Expected, LineError};
pub use transport::{
    DCW_SIZE, Dcw, DcwOverrun, Dcws, ExtendedStatus, FcxStatus, INTERROGATE_SIZE, Interrogate,
    InterrogateFlags, IoTimes, MAX_DCWS, RawDcw, RawInterrogate, RawTcah, RawTccb, RawTcw,
    RawTidaw, RawTsb, ServiceAction, StateFlags, TCA_MAX, TCAH_SIZE, TCCB_MAX, TCCB_MIN, TCW_SIZE,
    TIDAL_PAGE, TIDAW_SIZE, TSB_SENSE_SIZE, TSB_SIZE, Tcah, Tcat, Tccb, Tcw, TcwFlags, Tidaw,
    TidawFlags, TransportScsw, Tsa, Tsb, TsbFlags, UnitStates,
};
