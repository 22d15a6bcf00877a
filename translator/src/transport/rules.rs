// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules for a TCW and its TCCB, in the order in which a channel recognises them. "PoP: TCW",
//! "PoP: TCCB".

use ccw::{
    DCW_SIZE, Direction, Guest, GuestAddr, RawTccb, ServiceAction, TCCB_MAX, TCCB_MIN, Tcah, Tccb,
    Tcw, TidawFlags,
};

use super::{Reason, Refusal, Transport, When, fields, fields::Field};
use crate::{Code, Site};

/// Transfer-TCA-extension: the commands go on in the output data.
pub(super) const EXTENSION: u8 = 0x50;

impl Transport {
    /// What it says.
    pub(super) fn meaning(&self) -> Tcw<Guest> {
        Tcw::decode(&self.tcw)
    }

    /// Bytes of data, of the only direction that there is.
    pub(super) fn count(&self) -> u32 {
        let tcw = self.meaning();
        match (tcw.read, tcw.write) {
            (true, _) => tcw.input_count,
            (_, true) => tcw.output_count,
            _ => 0,
        }
    }

    /// The commands.
    pub(super) fn block(&self) -> Tccb<'_> {
        Tccb::decode(RawTccb(&self.tccb), false)
    }

    /// The condition that stops the channel at the TCW at `at`.
    pub(super) fn tcw_fault(&self, at: GuestAddr) -> Option<(Code, Site)> {
        let tcw = self.meaning();
        if let Some(site) = fields::reserved(&self.tcw, at) {
            return Some((Code::TcwFormat, site));
        }
        let sizes = TCCB_MIN..=TCCB_MAX;
        let is_misaligned = |addr: GuestAddr| !addr.is_aligned(8);
        let direct = !tcw.flags.contains(ccw::TcwFlags::TCCB_TIDA);
        let rules = [
            (
                tcw.tidaw_format != 0,
                Code::TcwTidawFormat,
                Field::TidawFormat,
            ),
            (tcw.is_bidirectional(), Code::TcwRw, Field::Directions),
            (
                !sizes.contains(&tcw.tccb_size()),
                Code::TcwTccbl,
                Field::TccbLength,
            ),
            (is_misaligned(tcw.tsb), Code::TcwTsbAlign, Field::Tsb),
            (
                direct && is_misaligned(tcw.tccb),
                Code::TccbAlign,
                Field::Tccb,
            ),
        ];
        let (_, code, field) = rules.into_iter().find(|(broken, ..)| *broken)?;
        let low = if matches!(field, Field::Tsb | Field::Tccb) {
            3
        } else {
            0
        };
        Some((code, self.tcw_site(at, field, low)))
    }

    /// The condition that stops the channel at the TCCB.
    pub(super) fn tccb_fault(&self) -> Option<(Code, Site)> {
        let Tccb {
            header,
            tca,
            trailer,
        } = self.block();
        let known = [ServiceAction::DEVICE_IO, ServiceAction::INTERROGATE];
        // The data, the bytes that fill its last word, and four check bytes.
        let count = (u64::from(self.count()) + 3) & !3;
        let last = self.tccb.len().saturating_sub(4);
        Some(if header.format != Tcah::FORMAT {
            (Code::TcahFormat, self.tccb_site(0, 4, (0, 7)))
        } else if !known.contains(&header.service_action) {
            (Code::TcahFormat, self.tccb_site(8, 4, (0, 15)))
        } else if Tcah::tcal_of(tca.len()) != Some(header.tcal) {
            (Code::TcahTcal, self.tccb_site(4, 4, (24, 31)))
        } else if u64::from(trailer.transport_count) != count + 4 {
            (Code::TcatCount, self.tccb_site(last, 4, (0, 31)))
        } else {
            return None;
        })
    }

    /// Notes what is wrong with the commands, for the device of the program whose TCW lies at `tcw` to
    /// find.
    pub(super) fn judge_commands(&mut self, tcw: GuestAddr) {
        // Check bytes count as well, in a way that only the device knows; and so it does of commands
        // among the data.
        let checked = self.inserted().is_some();
        let commands = self.block().dcws().map_while(Result::ok);
        let mut commands = commands.map(|(_, dcw)| dcw.command.0);
        self.open = checked || commands.any(|code| code == EXTENSION);
        self.refusal = self.refused(tcw);
    }

    /// The first TIDAW that has check bytes inserted among output.
    pub(super) fn inserted(&self) -> Option<Site> {
        let entries = self.data_list.entries.iter().enumerate();
        let mut inserts =
            entries.filter(|(_, it)| it.tidaw().flags.contains(TidawFlags::INSERT_CBC));
        let (k, entry) = inserts.next().filter(|_| self.meaning().write)?;
        Some(entry.site(k, (4, 4)))
    }

    /// The first command that the device refuses.
    fn refused(&self, tcw: GuestAddr) -> Option<Refusal> {
        let meaning = self.meaning();
        let total = u64::from(self.count());
        let field = match meaning.write {
            true => Field::OutputCount,
            false => Field::InputCount,
        };
        let mut after = 0_u64;
        for (n, dcw) in (0..).zip(self.block().dcws()) {
            let refuse = |code, site, reason, offset: usize| Refusal {
                code,
                site,
                reason,
                command: n,
                offset: u16::try_from(offset).unwrap_or(u16::MAX),
                ran: false,
                residual: None,
                after,
            };
            let (offset, dcw) = match dcw {
                Ok(dcw) => dcw,
                Err(overrun) => {
                    let rest = self.block().tca.get(overrun.offset..);
                    let whole = rest.is_some_and(|rest| rest.len() >= DCW_SIZE);
                    let bits = if whole { (24, 31) } else { (0, 63) };
                    let site = self.dcw_site(n, overrun.offset, bits);
                    let reason = Reason::Command;
                    return Some(refuse(Code::DcwOverrun, site, reason, overrun.offset));
                }
            };
            if dcw.command.0 == EXTENSION {
                return None;
            }
            let is_its_way = match dcw.command.class().direction() {
                Some(Direction::ToDevice) => meaning.write,
                Some(Direction::FromDevice) => meaning.read,
                None => false,
            };
            if dcw.data_count > 0 && !is_its_way {
                let site = self.dcw_site(n, offset, (0, 7));
                return Some(refuse(Code::DcwCountSum, site, Reason::Direction, offset));
            }
            let sum = after + u64::from(dcw.data_count);
            // Whether there is enough output is known behind the last command, for what check bytes
            // the channel has put in is known there.
            let is_short = sum < total && !dcw.chain_command;
            if sum > total || (is_short && !self.open) {
                let site = self.tcw_site(tcw, field, 0);
                let refusal = refuse(Code::DcwCountSum, site, Reason::Count, offset);
                return Some(match is_short && meaning.write {
                    true => Refusal {
                        ran: true,
                        residual: Some(0),
                        after: sum,
                        ..refusal
                    },
                    false => refusal,
                });
            }
            after = sum;
        }
        None
    }

    /// Notes a condition that a rule has found.
    pub(super) fn note(&mut self, when: When, found: Option<(Code, Site)>) -> bool {
        if let Some((code, site)) = found {
            self.fail(when, code, site);
        }
        found.is_some()
    }
}
