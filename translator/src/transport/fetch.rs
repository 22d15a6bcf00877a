// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one copy of a transport-mode program: the walk from its TCW to its lists.
//!
//! As the channel would it reads the TCW, then the TCCB, then the list of the data, and it stops where
//! that would stop.

use ccw::{Guest, GuestAddr, TCCB_MAX, TIDAL_PAGE, Tcw, TcwFlags};

use super::{
    Transport, When,
    fields::Field,
    list::{Reader, Tidal},
};
use crate::{
    Buffers, Code, Guards, GuestStorage, Site,
    memory::{key_allows, keyed_prefix},
    site::orb_site,
};

/// Copies the transport-mode program that the ORB of `work` starts out of `storage`.
#[cold]
pub(crate) fn fetch<G: GuestStorage>(work: &mut Buffers, storage: &G, guards: &Guards<'_>) {
    let mut transport = core::mem::take(&mut work.transport);
    let reader = Reader {
        storage,
        guards,
        key: work.orb.key,
        most: work.policy.max_ccws,
    };
    let tcw = work.orb.cpa.widen();
    match reader.tcw(&mut transport, tcw) {
        Some(code) => transport.fail(When::Tcw, code, orb_site(work, code)),
        None => transport.read(&reader, tcw),
    }
    if let Some(policy) = guards.policy() {
        work.commands.class = policy.class();
    }
    work.too_long |= transport.tccb_list.too_long || transport.data_list.too_long;
    work.transport = transport;
}

impl<G: GuestStorage> Reader<'_, G> {
    /// Reads the TCW at `at`; or says why that cannot be.
    pub(super) fn tcw(&self, transport: &mut Transport, at: GuestAddr) -> Option<Code> {
        if let Some(keys) = self.guards.keys
            && !key_allows(keys, self.key, at, false)
        {
            return Some(Code::TcwProt);
        }
        let bytes = &mut transport.tcw.0;
        transport.tcw_read = self.storage.read(at, bytes) == bytes.len();
        (!transport.tcw_read).then_some(Code::TcwUnavail)
    }

    /// Appends the `len` bytes at `at`; or says how many could be read, and why no more.
    fn bytes(
        &self,
        into: &mut alloc::vec::Vec<u8>,
        at: GuestAddr,
        len: usize,
    ) -> Result<(), (u64, Code)> {
        let mut buf = [0; TCCB_MAX];
        let buf = buf.get_mut(..len).unwrap_or(&mut []);
        let read = self.storage.read(at, buf);
        let read = u64::try_from(read.min(len)).unwrap_or(0);
        let all = u64::try_from(len).unwrap_or(u64::MAX);
        let allowed = match self.guards.keys {
            Some(keys) => keyed_prefix(keys, self.key, at, read, false),
            None => read,
        };
        if allowed < read {
            Err((allowed, Code::TcwProt))
        } else if read < all {
            Err((read, Code::TcwUnavail))
        } else {
            into.extend_from_slice(buf);
            Ok(())
        }
    }
}

impl Transport {
    /// Reads what the TCW at `at` leads to.
    fn read<G: GuestStorage>(&mut self, reader: &Reader<'_, G>, at: GuestAddr) {
        let tcw = self.meaning();
        let found = self.tcw_fault(at);
        if self.note(When::Tcw, found) {
            return;
        }
        let found = self
            .read_tccb(reader, at, &tcw)
            .or_else(|| self.tccb_fault());
        if self.note(When::Start, found) || self.tccb_list.too_long {
            return;
        }
        let (list, field, flag) = match tcw.write {
            true => (tcw.output, Field::Output, TcwFlags::OUTPUT_TIDA),
            false => (tcw.input, Field::Input, TcwFlags::INPUT_TIDA),
        };
        if tcw.flags.contains(flag) && (tcw.read || tcw.write) {
            let mut tidal = core::mem::take(&mut self.data_list);
            tidal.read(reader, list, self.count(), tcw.write);
            self.place_head(&mut tidal, list, at, field);
            self.data_list = tidal;
        }
        // No more than so many TIDAWs could name.
        let most = u64::from(reader.most) * TIDAL_PAGE;
        self.data_list.too_long |= u64::from(self.count()) > most;
        self.judge_commands(at);
        if let Some(policy) = reader.guards.policy() {
            self.confine(policy);
        } else {
            self.asked.read(reader, self.tcw.interrogate());
        }
    }

    /// A list that does not begin on a boundary is the fault of who names it.
    fn place_head(&self, tidal: &mut Tidal, list: GuestAddr, tcw: GuestAddr, field: Field) {
        if let Some((Code::TidalAlign, site)) = &mut tidal.fault
            && site.at == Some(list)
            && site.word.as_bytes().is_empty()
        {
            *site = self.tcw_site(tcw, field, 4);
        }
    }

    /// Reads the TCCB.
    pub(super) fn read_tccb<G: GuestStorage>(
        &mut self,
        reader: &Reader<'_, G>,
        at: GuestAddr,
        tcw: &Tcw<Guest>,
    ) -> Option<(Code, Site)> {
        let size = tcw.tccb_size();
        let mut tccb = core::mem::take(&mut self.tccb);
        if !tcw.flags.contains(TcwFlags::TCCB_TIDA) {
            let read = reader.bytes(&mut tccb, tcw.tccb, size);
            self.tccb = tccb;
            let (good, code) = read.err()?;
            let site = self.tcw_site(at, Field::Tccb, 0);
            let data = tcw.tccb.checked_add(good);
            return Some((code, Site { data, ..site }));
        }
        let mut tidal = core::mem::take(&mut self.tccb_list);
        tidal.read(reader, tcw.tccb, u32::try_from(size).unwrap_or(0), false);
        self.place_head(&mut tidal, tcw.tccb, at, Field::Tccb);
        let mut fault = tidal.fault;
        for (k, entry) in tidal
            .entries
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.is_jump())
        {
            let area = entry.tidaw();
            let len = usize::try_from(area.count).unwrap_or(usize::MAX);
            if let Err((good, code)) = reader.bytes(&mut tccb, area.addr, len) {
                let code = match code {
                    Code::TcwUnavail => Code::TidawData,
                    protected => protected,
                };
                let data = area.addr.checked_add(good);
                let site = entry.site(k, (64, 127));
                fault = Some((code, Site { data, ..site }));
                break;
            }
        }
        self.tccb_list = tidal;
        self.tccb = tccb;
        fault
    }
}
