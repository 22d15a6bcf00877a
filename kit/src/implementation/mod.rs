// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can run channel programs, and what it says came of one.
//!
//! An [`Implementation`] is given a [`Machine`] and answers with a [`Report`]. Here are four: the
//! software channel ([`Reference`]), the translation of the program on a host ([`Translated`]), what was
//! recorded of real runs ([`Recorded`]), and a program of yours behind a pipe ([`Process`]).
//!
//! # The report as JSON
//!
//! [`Process`] sends a machine as one line of JSON ([`crate::machine`]), with a number besides, `id`; the
//! answer is one line that repeats it. An implementation that has run the program tells:
//!
//! ```json
//! {
//!   "id": 1,
//!   "cc": 0,
//!   "status": [ { "scsw": "00c04017 00001008 0c000000", "sense": "" } ],
//!   "commands": [ { "command": "01", "output": "c1c2c3c4" }, { "command": "02", "input": 80 } ],
//!   "stored": [ { "addr": "0x2000", "hex": "40414243" } ]
//! }
//! ```
//!
//! | member | meaning |
//! |---|---|
//! | `id` | that of the machine |
//! | `cc` | condition code of START SUBCHANNEL; left out, 0 |
//! | `status` | what TEST SUBCHANNEL stored each time it ended with condition code 0, up to the end of the program: the twelve bytes of the SCSW, and the concurrent sense bytes if there are any. A device end that follows by itself is one more |
//! | `status[].known` | optional: a mask as long as the SCSW; bits that are zero in it do not count |
//! | `commands` | what the device was sent, in that order: command code, and the bytes it received (`output`) or how many of its own the channel took (`input`); neither, if no data moved |
//! | `stored` | storage afterwards, as far as the program changed it; bytes that are named without having changed do no harm |
//!
//! `status`, `commands` and `stored` may each be left out: they are then not compared, and that is
//! counted. Blanks within the digits of `status` count for nothing. Or, instead of all these:
//!
//! ```json
//! { "id": 1, "exception": "operand" }
//! ```
//!
//! START SUBCHANNEL ends with an operand exception; and
//!
//! ```json
//! { "id": 1, "unsupported": "format-0 CCWs" }
//! ```
//!
//! says that this program is beyond the implementation, and why: it is counted by that reason, and
//! printed at the end.

mod form;
mod process;
mod recorded;
pub(crate) mod reference;
mod translated;

use std::collections::BTreeMap;
use std::fmt;

use css::device::scripted::Sent;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

pub use process::{Limits, Process, serve};
pub use recorded::Recorded;
pub use reference::Reference;
pub use translated::Translated;

/// Something that runs channel programs.
pub trait Implementation {
    /// What it is called in reports.
    fn name(&self) -> &str;

    /// Runs the program of `machine` on storage and device as `machine` describes them.
    ///
    /// # Errors
    ///
    /// When no report came of it at all.
    fn run(&mut self, machine: &Machine) -> Result<Report, Failure>;
}

/// Why there is no report: it died, took too long, spoke in riddles, or broke a promise of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// What came of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "form::Line", into = "form::Line")]
pub enum Report {
    /// The implementation cannot do that, for this reason.
    Unsupported(String),
    /// START SUBCHANNEL ended with an operand exception.
    OperandException,
    /// It was started, or refused by a condition code.
    Ran(Ran),
}

/// What came of a program as far as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Condition code of START SUBCHANNEL.
    pub cc: u8,
    /// What TEST SUBCHANNEL stored, each time.
    pub statuses: Option<Vec<Status>>,
    /// What the device was sent.
    pub commands: Option<Vec<Sent>>,
    /// Bytes of storage that are others than before, by address.
    pub stored: Option<BTreeMap<u64, u8>>,
}

/// Status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The twelve bytes of the SCSW.
    pub scsw: [u8; 12],
    /// Which of its bits are known.
    pub known: [u8; 12],
    /// Concurrent sense bytes, if they are told.
    pub sense: Option<Vec<u8>>,
}
