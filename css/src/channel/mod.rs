// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The channel: from a CCW address to the ending of one command.
//!
//! `fetch` finds the next CCW that takes control, `area` the bytes that it designates, `path`
//! moves data and chains data areas, `ending` judges how a command ended. The subchannel drives
//! them command by command.

mod area;
mod ending;
mod fetch;
mod path;

use ccw::{Addr, Orb, RawCcw, Space};

use crate::{Config, Storage};

pub(crate) use ending::{Ending, Next, allows_chaining};
pub(crate) use fetch::{Control, Cursor, Fetched, Reached};
pub(crate) use path::Path;

/// What every part of the channel needs at hand while it executes a program.
pub(crate) struct Channel<'a, S: Space> {
    pub(crate) storage: &'a mut dyn Storage<S>,
    pub(crate) orb: &'a Orb<S>,
    pub(crate) config: &'a Config,
    /// Backward TICs since data last moved.
    pub(crate) backward_tics: &'a mut u32,
    /// Address of the last CCW with PCI that took control since the command began.
    pub(crate) pci: Option<u32>,
    /// Where to write down each CCW fetched, if somebody wants to know.
    pub(crate) trace: Option<&'a mut Vec<(Addr<S>, RawCcw)>>,
}
