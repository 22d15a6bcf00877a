// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What may be meant where a rule is broken, likelier first.

use ccw::{CcwFlags, IdawFormat};
use translator::{Code, Finding, Outcome, Program};

use super::edit::Change;
use super::made::{CLEARS, COUNTS, Candidates, ENDS};
use crate::input::Input;
use crate::place::Place;

/// Changes that may satisfy the rule of `finding`; whether they do has not been tried.
pub(super) fn of(finding: &Finding, input: &Input, program: &Program) -> Vec<Change> {
    let mut found = Candidates {
        finding,
        input,
        program,
        found: Vec::new(),
    };
    match finding.code.id().as_bytes().first() {
        Some(b'T') => found.transport(),
        Some(b'O' | b'E') => found.orb(),
        Some(b'A') => found.address(),
        Some(b'C') => found.ccw(),
        Some(b'D') => found.data(),
        Some(b'I') => found.idaw(),
        Some(b'M') => found.midaw(),
        _ => {}
    }
    found.found
}

impl Candidates<'_> {
    fn orb(&mut self) {
        match self.finding.code {
            Code::OrbExtRsvd => {
                let (_, old) = self.input.orb.0.split_at(12);
                let mut new = old.to_vec();
                for (n, byte) in new.iter_mut().enumerate() {
                    if !matches!(n, 0 | 2) {
                        *byte = 0;
                    }
                }
                self.push(Place::Orb(12), old.to_vec(), new, CLEARS);
            }
            Code::OrbRsvd | Code::OrbCpaBit0 | Code::OrbTmRsvd | Code::TcwAlign => {
                self.clear();
            }
            // It would do harm to a program that reads itself in, which is not found behind an error.
            Code::EnvNoprefetch if self.program.outcome() == Outcome::Valid => {
                self.orb_bit(5, 0x40, "allows prefetching")
            }
            _ => {}
        }
    }

    fn address(&mut self) {
        match self.finding.code {
            Code::CcwaAlignCpa => self.clear(),
            Code::CcwaAlignTic => {
                self.align_list(8);
                self.end_before();
            }
            Code::CcwaCpa16m => {
                self.orb_bit(5, 0x80, "has the CCWs taken for those of format 1");
                self.clear();
            }
            Code::CcwaCpaUnavail => self.orb_address(),
            Code::CcwaTicUnavail => {
                self.ccw_address();
                self.end_before();
            }
            Code::CcwaSeqUnavail | Code::CcwaWrap => self.end_before(),
            Code::CcwaProt => self.key(),
            _ => {}
        }
    }

    fn ccw(&mut self) {
        let code = self.finding.code;
        let Some(word) = self.word() else { return };
        let clear = |flags| word.without(flags);
        match code {
            Code::CmdZero => self.replace(word, word.command(3), "makes it a no-operation"),
            Code::CmdTicModifier => {
                self.replace(word, word.command(8), "makes it a TIC");
                self.replace(word, word.command(3), "makes it a no-operation");
            }
            Code::Tic1Flags | Code::Tic1Bit32 | Code::Fmt1Bit32 | Code::F0Byte5 => self.clear(),
            Code::SeqTicTic => {
                let target = word.addr();
                if let Some(before) = self.before() {
                    let does = "leads straight to the target of the second TIC";
                    self.replace(before, before.with_addr(target), does);
                }
            }
            Code::TicFirst => {
                let old = self.input.orb.0[8..12].to_vec();
                let target = word.addr().to_be_bytes().to_vec();
                self.push(
                    Place::Orb(8),
                    old,
                    target,
                    "begins with the target of the TIC",
                );
            }
            Code::Cnt0Zero | Code::Cnt1ZeroCd | Code::Cnt1ZeroInCd => {
                self.replace(word, word.with_count(1), "moves one byte");
                self.replace(word, clear(CcwFlags::CHAIN_DATA), "no longer chains data");
            }
            Code::MidaDisabled => {
                self.orb_bit(7, 0x40, "allows MIDAWs in this program");
                self.replace(word, clear(CcwFlags::MODIFIED_INDIRECT), "clears the flag");
            }
            Code::MidaConflictIda => {
                self.replace(word, clear(CcwFlags::MODIFIED_INDIRECT), "clears MIDA");
                self.replace(word, clear(CcwFlags::INDIRECT), "clears IDA");
            }
            Code::MidaConflictSkip | Code::SkipOutput => {
                self.replace(word, clear(CcwFlags::SKIP), "clears the flag");
            }
            Code::SuspNotAllowed | Code::SuspInCd | Code::SuspWithCd => {
                self.replace(word, clear(CcwFlags::SUSPEND), "clears the flag");
            }
            Code::CdFlags => {
                let flags = CcwFlags::CHAIN_COMMAND | CcwFlags::SUPPRESS_LENGTH;
                self.replace(word, clear(flags), "clears the flags");
            }
            Code::ChainOpen => {
                let flags = CcwFlags::CHAIN_COMMAND | CcwFlags::CHAIN_DATA;
                self.replace(word, clear(flags), ENDS);
            }
            _ => {}
        }
    }

    fn data(&mut self) {
        let Some(word) = self.word() else { return };
        let addr = u64::from(word.addr());
        match self.finding.code {
            Code::DataWrap => {
                let limit = self.program.orb().format.limit();
                self.shorten(word, limit.saturating_sub(addr));
            }
            Code::DataRbUnderflow => self.shorten(word, addr.saturating_add(1)),
            Code::DataUnavail => {
                self.ccw_address();
                if let Some(data) = self.finding.site.data {
                    self.shorten(word, data.get().abs_diff(addr));
                }
            }
            Code::DataProtStore | Code::DataProtFetch => self.key(),
            _ => {}
        }
    }

    fn idaw(&mut self) {
        let size = IdawFormat::of(self.program.orb()).size();
        match self.finding.code {
            Code::IdalAlign => self.align_list(size),
            Code::IdalWrap | Code::IdalUnavail => self.reach_list(),
            Code::IdalProt => self.key(),
            Code::Idaw1Bit0 | Code::IdawAlign => self.clear(),
            Code::IdawAlignRb => self.bits(true, "makes it the last byte of its block"),
            Code::IdawDataUnavail => self.reach_data(),
            _ => {}
        }
    }

    fn midaw(&mut self) {
        let Some((word, step)) = self.word().zip(self.step()) else {
            return;
        };
        let before = self.covered(&step);
        let left = u64::from(step.ccw.count).saturating_sub(before);
        let site = &self.finding.site;
        let midaw = site.word.as_bytes().first_chunk::<16>().copied();
        match self.finding.code {
            Code::MidalAlign => self.align_list(16),
            Code::MidalUnavail | Code::MidalPage => self.reach_list(),
            Code::MidalProt => self.key(),
            Code::MidawRsvd | Code::MidawFlagRsvd | Code::MidawDti => self.clear(),
            Code::MidawCountZero => {
                self.midaw_count(1, "moves one byte");
                self.midaw_count(left, COUNTS);
            }
            Code::MidawCountOver => self.midaw_count(left, COUNTS),
            Code::MidawSumUnder => {
                self.clear();
                let own = midaw.map_or(0, |midaw| u16::from_be_bytes([midaw[6], midaw[7]]));
                if let Ok(count) = u16::try_from(before + u64::from(own)) {
                    self.replace(word, word.with_count(count), COUNTS);
                }
            }
            Code::MidawNolast => self.bits(true, "sets the flag"),
            Code::MidawPage => self.begin_block(),
            Code::MidawDataUnavail => self.reach_data(),
            _ => {}
        }
    }

    fn transport(&mut self) {
        match self.finding.code {
            Code::TcwProt => self.key(),
            Code::TcwUnavail if self.finding.site.at.is_none() => self.orb_address(),
            Code::TcwRw => {
                let site = &self.finding.site;
                let (first, last) = site.bits.unwrap_or_default();
                for bit in [last, first] {
                    self.set_bits((bit, bit), false, "has it move data in one direction");
                }
            }
            Code::TidawData => self.reach_data(),
            Code::TidawCount => self.begin_block(),
            Code::TidawSum => self.any_byte((48, 63)),
            Code::DcwOverrun => self.end_commands(),
            code => {
                self.clear();
                if let Some(bits) = self.finding.site.bits
                    && !matches!(code, Code::TcwUnavail | Code::DcwCountSum)
                {
                    self.any_byte(bits);
                }
            }
        }
    }
}
