// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The words and formats of transport mode (FCX): a program is one TCW, whose TCCB holds all its
//! commands. "PoP: Transport-Mode Operations".
//!
//! ```text
//! ORB (B=1) -> TCW -+-> TCCB: header, DCWs each with its control data, trailer
//!                   +-> input and output data, directly or by lists of TIDAWs
//!                   +-> TSB, where the status goes
//!                   +-> TCW of the interrogate function
//! ```

mod dcw;
mod interrogate;
mod scsw;
mod tccb;
mod tcw;
mod tidaw;
mod tsb;

pub use dcw::{DCW_SIZE, Dcw, DcwOverrun, Dcws, MAX_DCWS, RawDcw};
pub use interrogate::{INTERROGATE_SIZE, Interrogate, InterrogateFlags, RawInterrogate};
pub use scsw::{ExtendedStatus, FcxStatus, TransportScsw};
pub use tccb::{
    RawTcah, RawTccb, ServiceAction, TCA_MAX, TCAH_SIZE, TCCB_MAX, TCCB_MIN, Tcah, Tcat, Tccb,
};
pub use tcw::{RawTcw, TCW_SIZE, Tcw, TcwFlags};
pub use tidaw::{RawTidaw, TIDAL_PAGE, TIDAW_SIZE, Tidaw, TidawFlags};
pub use tsb::{
    IoTimes, RawTsb, StateFlags, TSB_SENSE_SIZE, TSB_SIZE, Tsa, Tsb, TsbFlags, UnitStates,
};
