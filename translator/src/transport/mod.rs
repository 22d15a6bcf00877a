// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Transport mode: programs that begin with a TCW. "PoP: Transport Mode".
//!
//! Such a program has no CCWs: one control block (TCW) names another one with all commands (TCCB),
//! one data area, and where the ending status goes (TSB). A host with this mode gets the same blocks
//! with its own addresses; for any other one the commands become CCWs, where that is exact.

mod asked;
mod complete;
mod data;
mod emit;
mod fetch;
mod fields;
mod list;
mod lower;
mod policy;
mod raise;
mod rules;
mod view;

pub(crate) use complete::{complete, copies_back, stops_at_once, unable};
pub(crate) use data::judge;
pub(crate) use emit::{TCW_DOUBLEWORDS, emit, host_orb};
pub(crate) use fetch::fetch;
pub(crate) use lower::lower;
pub use raise::StatusBlock;
pub(crate) use raise::raise;
pub use view::{CommandView, ListView, TransportView};

use alloc::vec::Vec;

use ccw::{GuestAddr, RawTcw};

use crate::{Check, Code, Site};
use list::Tidal;
use lower::Lowered;

/// A transport-mode program as it was read, and what is found out of it. Kept from program to
/// program for its storage.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    /// Its TCW.
    pub(crate) tcw: RawTcw,
    /// Whether that could be read.
    pub(crate) tcw_read: bool,
    /// Its TCCB, as far as it could be read.
    pub(crate) tccb: Vec<u8>,
    /// The list that leads to the TCCB, if one does.
    tccb_list: Tidal,
    /// The list that leads to the data, if one does.
    data_list: Tidal,
    /// The condition that ends it, if every command before runs to its full count.
    pub(crate) fault: Option<Fault>,
    /// What the device finds in the commands, unless the channel stops before.
    refusal: Option<Refusal>,
    /// Offset of the first command that the guest's policy keeps from the host.
    cut: Option<u16>,
    /// What stops the channel behind the pieces, unless the device comes first.
    broken: Option<(Code, Site)>,
    /// How many data its commands should have is not for the channel alone to say.
    open: bool,
    /// Its TSB is the last of what is pinned.
    tsb_is_pinned: bool,
    /// Why its TSB cannot be stored.
    unstorable: Option<Code>,
    /// The data before that, in the order of its transfer.
    pieces: Vec<Piece>,
    /// The commands, where they have become CCWs.
    lowered: Vec<Lowered>,
    /// The program that asks what this one is at.
    asked: asked::Asked,
    /// Bytes of the data that none of these moves.
    unmoved: u64,
}

/// A condition that stops the channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) site: Site,
    pub(crate) when: When,
}

/// What a device refuses of its commands, be it the one that the guest's policy makes of it.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    code: Code,
    site: Site,
    reason: Reason,
    /// Number of the command.
    command: u16,
    /// Its offset in the command area.
    offset: u16,
    /// It has run: what is wrong is found behind it.
    ran: bool,
    /// Bytes of its data that do not move; none where it is not carried out.
    residual: Option<u32>,
    /// Bytes of data that move before.
    after: u64,
}

impl Refusal {
    /// The guest's policy refuses it, not the device.
    fn is_policy(&self) -> bool {
        self.code.check() == Check::UnitCheck
    }
}

/// The reason that its TSB gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// A command that does not lie in its area.
    Command = 5,
    /// Data in the other direction than those of the TCW.
    Direction = 6,
    /// Another count than that of the TCW.
    Count = 7,
}

/// When a condition is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// By the channel, in the TCW itself.
    Tcw,
    /// By the channel, before it sends the commands to the device.
    Start,
    /// By the device, in the commands.
    Device,
    /// By the channel, in the data or its list.
    Data,
    /// By the channel, when it stores the TSB.
    Status,
}

/// A part of the data that one TIDAW, or the TCW itself, designates.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// First byte.
    at: GuestAddr,
    /// Bytes; not 0.
    len: u32,
    /// The flags of its TIDAW that matter for the host's.
    flags: u8,
    /// Nothing is stored.
    skip: bool,
}

impl Transport {
    /// Forgets the last program.
    pub(crate) fn clear(&mut self) {
        self.tcw = RawTcw::default();
        self.tcw_read = false;
        self.tccb.clear();
        self.tccb_list.clear();
        self.data_list.clear();
        self.fault = None;
        self.refusal = None;
        self.cut = None;
        self.broken = None;
        self.open = false;
        self.unstorable = None;
        self.tsb_is_pinned = false;
        self.pieces.clear();
        self.lowered.clear();
        self.unmoved = 0;
        self.asked.clear();
    }

    /// Notes a condition, unless one comes before it.
    fn fail(&mut self, when: When, code: Code, site: Site) {
        if self.fault.is_none_or(|first| when < first.when) {
            self.fault = Some(Fault { code, site, when });
        }
    }
}
