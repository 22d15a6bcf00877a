// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The verdict on a transport-mode program: the storage that it uses, and what is wrong first.

use alloc::vec::Vec;

use ccw::{GuestAddr, TSB_SIZE, TcwFlags, TidawFlags};
use pinning::{Access, Extent, Lookup, Permission, RegionMap};

use super::{Fault, Piece, Refusal, Transport, When, asked, fields::Field};
use crate::{
    Buffers, Code, Guards, Outcome, Severity, Site,
    memory::{KEY_BLOCK, key_allows},
};

/// Decides whether the transport-mode program in `work` is legal.
#[cold]
pub(crate) fn judge(work: &mut Buffers, map: &RegionMap, guards: &Guards<'_>) {
    let mut transport = core::mem::take(&mut work.transport);
    let mut extents = core::mem::take(&mut work.extents);
    let mut judge = Judge {
        transport: &mut transport,
        tcw: work.orb.cpa.widen(),
        lookup: map.lookup(),
        guards,
        key: work.orb.key,
        extents: &mut extents,
    };
    judge.data();
    judge.transport.place();
    let overlap = judge.overlap();
    judge.status_block();
    judge.answer();
    work.extents = extents;
    let is_shadowed = overlap.is_some_and(|(offset, _)| transport.is_stopped_behind(offset));
    if let Some(Fault { code, site, .. }) = transport.fault {
        if is_shadowed {
            work.verdict.outcome = Outcome::Indeterminate;
            work.find(code, Severity::Warning, site);
        } else {
            work.verdict.outcome = Outcome::Invalid;
            work.find(code, Severity::Error, site);
        }
    } else if work.too_long || overlap.is_some() {
        work.verdict.outcome = Outcome::Indeterminate;
    }
    if work.too_long {
        work.find(Code::EnvTooLong, Severity::Warning, Site::default());
    }
    if let Some((_, site)) = overlap {
        work.verdict.modified = Some(0);
        work.find(Code::EnvOverlap, Severity::Warning, site);
    }
    if work.policy.remarks {
        let tcw = transport.meaning();
        let interrogate = transport.tcw.interrogate();
        if transport.tcw_read
            && interrogate != 0
            && (tcw.interrogate.get() != interrogate || !interrogate.is_multiple_of(64))
        {
            let site = transport.tcw_site(work.orb.cpa.widen(), Field::Interrogate, 0);
            work.find(Code::TcwIntrg, Severity::Warning, site);
        }
    }
    work.transport = transport;
}

impl Transport {
    /// Finds out what comes first: that the device refuses a command, or that its data stop. A command
    /// is looked at when all data before it have moved, and data when they are about to move.
    fn place(&mut self) {
        let good = self.pieces.iter().map(|piece| u64::from(piece.len));
        let good = good.sum::<u64>();
        let refusal = self
            .refusal
            .filter(|it| self.broken.is_none() || it.after <= good);
        if let Some(Refusal { code, site, .. }) = refusal {
            self.fail(When::Device, code, site);
        } else if let Some((code, site)) = self.broken {
            self.fail(When::Data, code, site);
        }
    }

    /// Whether what stops the program is met only when the byte of the data at `offset` has moved.
    fn is_stopped_behind(&self, offset: u64) -> bool {
        match (self.fault.map(|it| it.when), self.refusal) {
            (Some(When::Device), Some(refusal)) => offset < refusal.after,
            (Some(When::Data | When::Status), _) => true,
            _ => false,
        }
    }
}

struct Judge<'a> {
    transport: &'a mut Transport,
    /// Where the TCW lies.
    tcw: GuestAddr,
    lookup: Lookup<'a>,
    guards: &'a Guards<'a>,
    key: u8,
    extents: &'a mut Vec<Extent>,
}

impl Judge<'_> {
    /// Looks whether the TSB can be stored.
    fn status_block(&mut self) {
        if self
            .transport
            .fault
            .is_some_and(|it| it.when <= When::Start)
        {
            return;
        }
        let tsb = self.transport.meaning().tsb;
        let len = TSB_SIZE as u64;
        let (good, code) = self.usable(tsb, len, true, [Code::TcwUnavail, Code::TcwProt]);
        if let Some(code) = code {
            self.transport.unstorable = Some(code);
            let site = self.transport.tcw_site(self.tcw, Field::Tsb, 0);
            let data = tsb.checked_add(good);
            self.transport
                .fail(When::Status, code, Site { data, ..site });
            return;
        }
        self.transport.tsb_is_pinned = true;
        self.extents.push(asked::extent(tsb));
    }

    /// Looks whether the answer to an interrogation can be stored.
    fn answer(&mut self) {
        let Some(tsb) = self.transport.asked.answer() else {
            return;
        };
        let codes = [Code::TcwUnavail, Code::TcwProt];
        match self.usable(tsb, TSB_SIZE as u64, true, codes) {
            (_, None) => self.extents.push(asked::extent(tsb)),
            _ => self.transport.asked.clear(),
        }
    }

    /// Collects the data up to where the channel stops.
    fn data(&mut self) {
        if self
            .transport
            .fault
            .is_some_and(|it| it.when <= When::Start)
        {
            return;
        }
        let tcw = self.transport.meaning();
        let (at, field, flag) = match tcw.write {
            true => (tcw.output, Field::Output, TcwFlags::OUTPUT_TIDA),
            false => (tcw.input, Field::Input, TcwFlags::INPUT_TIDA),
        };
        let count = self.transport.count();
        if count == 0 {
            return;
        }
        let store = !tcw.write;
        let kind = [
            Code::TidawData,
            if store {
                Code::DataProtStore
            } else {
                Code::DataProtFetch
            },
        ];
        if !tcw.flags.contains(flag) {
            // There is a key for every page.
            if self.transport.data_list.too_long {
                return;
            }
            let (good, code) = self.usable(at, count.into(), store, kind);
            #[expect(clippy::cast_possible_truncation, reason = "no more than the count")]
            self.take(at, good as u32, TidawFlags::empty(), store);
            if let Some(code) = code {
                let data = at.checked_add(good);
                let site = self.transport.tcw_site(self.tcw, field, 0);
                self.transport.broken = Some((code, Site { data, ..site }));
            }
            return;
        }
        let list = core::mem::take(&mut self.transport.data_list);
        self.transport.broken = list.fault;
        for (k, entry) in list.entries.iter().enumerate() {
            let area = entry.tidaw();
            if entry.is_jump() {
                continue;
            }
            let skip = store && area.flags.contains(TidawFlags::SKIP);
            let len = if skip { 0 } else { area.count.into() };
            // An area lies in one block, which is there or not.
            if let (_, Some(code)) = self.usable(area.addr, len, store, kind) {
                let site = entry.site(k, (64, 127));
                let data = Some(area.addr);
                self.transport.broken = Some((code, Site { data, ..site }));
                break;
            }
            self.take(area.addr, area.count, area.flags, store);
        }
        self.transport.data_list = list;
    }

    /// Adds an area to the data.
    fn take(&mut self, at: GuestAddr, len: u32, flags: TidawFlags, store: bool) {
        if len == 0 {
            return;
        }
        let skip = store && flags.contains(TidawFlags::SKIP);
        self.transport.pieces.push(Piece {
            at,
            len,
            flags: flags.difference(TidawFlags::LAST).bits(),
            skip,
        });
        if skip {
            return;
        }
        let access = match store {
            true => Access::DeviceWrites,
            false => Access::DeviceReads,
        };
        if let Some(last) = self.extents.last_mut()
            && last.start.checked_add(last.len.into()) == Some(at)
            && let Some(sum) = last.len.checked_add(len)
        {
            last.len = sum;
            return;
        }
        self.extents.push(Extent {
            start: at,
            len,
            access,
        });
    }

    /// How many of `len` bytes at `at` the channel may use, and what forbids the next: that there is
    /// none, or its key.
    fn usable(
        &mut self,
        at: GuestAddr,
        len: u64,
        store: bool,
        [gone, protected]: [Code; 2],
    ) -> (u64, Option<Code>) {
        let mut good = 0;
        while good < len {
            let byte = at.checked_add(good);
            let found = byte.and_then(|byte| Some((byte, self.lookup.locate(byte)?)));
            let Some((byte, (region, offset))) = found else {
                return (good, Some(gone));
            };
            let mut here = region.len.saturating_sub(offset);
            if let Some(keys) = self.guards.keys {
                if !key_allows(keys, self.key, byte, store) {
                    return (good, Some(protected));
                }
                here = here.min(byte.block_remainder(KEY_BLOCK));
            }
            if store && region.permission != Permission::ReadWrite {
                return (good, Some(Code::EnvReadonly));
            }
            good = good.saturating_add(here);
        }
        (len, None)
    }

    /// The first byte of the data that the program reads into its own list, as an offset, and what
    /// brought it there.
    fn overlap(&self) -> Option<(u64, Site)> {
        let transport = &self.transport;
        if transport.meaning().write {
            return None;
        }
        let mut offset = 0_u64;
        for piece in &transport.pieces {
            let (start, len) = (piece.at.get(), u64::from(piece.len));
            let end = start.saturating_add(len);
            let hits = transport.data_list.stretches();
            let hits = hits.filter(|&(first, behind)| start < behind && first < end);
            let hit = hits.map(|(first, _)| first.saturating_sub(start)).min();
            if let Some(into) = hit.filter(|_| !piece.skip) {
                let site = transport.tcw_site(self.tcw, Field::Input, 0);
                return Some((offset.saturating_add(into), site));
            }
            offset = offset.saturating_add(len);
        }
        None
    }
}
