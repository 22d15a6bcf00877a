// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A transport-mode program as a listing shows it.

use ccw::{Dcw, DcwOverrun, Guest, GuestAddr, RawTccb, RawTcw, RawTidaw, TCAH_SIZE, Tccb, Tcw};

use super::{Transport, list::Tidal};

/// A transport-mode program as it was read.
#[derive(Clone, Copy, Debug)]
pub struct TransportView<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) at: GuestAddr,
}

/// A command of a TCCB.
#[derive(Clone, Copy, Debug)]
pub struct CommandView<'a> {
    /// Its offset in the command area.
    pub offset: usize,
    /// Its address in guest storage.
    pub at: GuestAddr,
    /// What it says.
    pub dcw: Dcw<'a>,
}

/// A list of TIDAWs as far as it was read.
#[derive(Clone, Copy, Debug)]
pub struct ListView<'a> {
    list: &'a Tidal,
}

impl<'a> TransportView<'a> {
    /// Where the TCW lies.
    pub fn at(&self) -> GuestAddr {
        self.at
    }

    /// The TCW; none where there is no storage for one.
    pub fn raw(&self) -> Option<RawTcw> {
        self.transport.tcw_read.then_some(self.transport.tcw)
    }

    /// What it says.
    pub fn tcw(&self) -> Tcw<Guest> {
        self.transport.meaning()
    }

    /// The TCCB as far as it was read.
    pub fn tccb(&self) -> &'a [u8] {
        &self.transport.tccb
    }

    /// What it says, if it was read as a whole.
    pub fn block(&self) -> Option<Tccb<'a>> {
        let whole = !self.tccb().is_empty() && self.tccb().len() == self.tcw().tccb_size();
        whole.then(|| Tccb::decode(RawTccb(&self.transport.tccb), false))
    }

    /// Where byte `offset` of the TCCB lies.
    pub fn tccb_at(&self, offset: usize) -> Option<GuestAddr> {
        self.transport.tccb_at(offset)
    }

    /// The commands, up to the first that does not lie in the command area.
    pub fn commands(self) -> impl Iterator<Item = Result<CommandView<'a>, DcwOverrun>> {
        let dcws = self.block().map(|block| block.dcws());
        dcws.into_iter().flatten().map(move |dcw| {
            dcw.map(|(offset, dcw)| CommandView {
                offset,
                at: self.tccb_at(TCAH_SIZE + offset).unwrap_or(self.at),
                dcw,
            })
        })
    }

    /// The list that leads to the TCCB.
    pub fn tccb_list(&self) -> ListView<'a> {
        let list = &self.transport.tccb_list;
        ListView { list }
    }

    /// The list that leads to the data.
    pub fn data_list(&self) -> ListView<'a> {
        let list = &self.transport.data_list;
        ListView { list }
    }
}

impl<'a> ListView<'a> {
    /// Its TIDAWs in the order of their use, T-TICs included, each with its address.
    pub fn entries(self) -> impl Iterator<Item = (GuestAddr, RawTidaw)> + 'a {
        self.list.entries.iter().map(|entry| (entry.at, entry.raw))
    }
}
