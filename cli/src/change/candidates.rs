// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What may be meant where a rule is broken, likelier first.

use ccw::{CcwFlags, Format, IdawFormat};
use translator::{Code, Finding, ListView, Program, Step, TransportView};

use super::Change;
use crate::finding::orb_word;
use crate::input::Input;
use crate::source::Place;

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

const CLEARS: &str = "clears the bits";
const POINTS: &str = "points into storage";
const SHORTENS: &str = "shortens the transfer to what can be reached";
const ENDS: &str = "ends the chain here";
const KEY: &str = "starts the program with the key of the storage";
const COUNTS: &str = "makes the counts agree";

/// TIDAWs of a list that is long.
const LONG: usize = 64;

struct Candidates<'a> {
    finding: &'a Finding,
    input: &'a Input,
    program: &'a Program,
    found: Vec<Change>,
}

impl<'a> Candidates<'a> {
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
            Code::EnvNoprefetch => self.orb_bit(5, 0x40, "allows prefetching"),
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

    // What the changes are made of.

    fn push(&mut self, at: Place, old: Vec<u8>, new: Vec<u8>, does: &'static str) {
        self.found.push(Change { at, old, new, does });
    }

    fn replace(&mut self, old: CcwWord, new: CcwWord, does: &'static str) {
        let at = Place::Storage(old.at);
        self.push(at, old.raw.to_vec(), new.raw.to_vec(), does);
    }

    /// Where the deciding word stands.
    fn place(&self) -> Place {
        let site = &self.finding.site;
        site.at.map_or_else(
            || Place::Orb(4 * orb_word(self.finding.code) as u64),
            |at| Place::Storage(at.get()),
        )
    }

    /// Clears the bits that decided.
    fn clear(&mut self) {
        self.bits(false, CLEARS);
    }

    fn bits(&mut self, one: bool, does: &'static str) {
        if let Some(bits) = self.finding.site.bits {
            self.set_bits(bits, one, does);
        }
    }

    fn set_bits(&mut self, (first, last): (u8, u8), one: bool, does: &'static str) {
        let old = self.finding.site.word.as_bytes().to_vec();
        let mut new = old.clone();
        for bit in first..=last {
            let mask = 0x80 >> (bit % 8);
            if let Some(byte) = new.get_mut(usize::from(bit / 8)) {
                *byte = if one { *byte | mask } else { *byte & !mask };
            }
        }
        self.push(self.place(), old, new, does);
    }

    /// The area of a MIDAW or TIDAW begins where its block of 4 KiB does.
    fn begin_block(&mut self) {
        let old = self.finding.site.word.as_bytes().to_vec();
        let mut new = old.clone();
        if let Some([.., high, low]) = new.get_mut(..16) {
            (*high, *low) = (*high & 0xf0, 0);
            let does = "moves the area to the beginning of its block";
            self.push(self.place(), old, new, does);
        }
    }

    /// The last DCW that lies where DCWs may no longer chains.
    fn end_commands(&mut self) {
        let commands = self.program.transport();
        let commands = commands.into_iter().flat_map(TransportView::commands);
        let Some(last) = commands.filter_map(Result::ok).last() else {
            return;
        };
        let mut flags = [0];
        if let Some(at) = last.at.checked_add(1)
            && self.input.memory.read(at.get(), &mut flags) == 1
        {
            let new = vec![flags[0] & !0x40];
            self.push(Place::Storage(at.get()), flags.to_vec(), new, ENDS);
        }
    }

    /// Another value of one of the bytes with bits `first` to `last` of the deciding word.
    ///
    /// Each of up to 2048 costs a judgement, so not where that has to read a long list.
    fn any_byte(&mut self, (first, last): (u8, u8)) {
        let lists = self.program.transport().into_iter();
        let lists = lists.flat_map(|it| [it.tccb_list(), it.data_list()]);
        if lists.flat_map(ListView::entries).nth(LONG).is_some() {
            return;
        }
        let site = &self.finding.site;
        for byte in (first / 8..=last / 8).rev().map(usize::from) {
            let Some(&old) = site.word.as_bytes().get(byte) else {
                continue;
            };
            let at = self.place().plus(byte as u64);
            for new in 0..=u8::MAX {
                self.push(at, vec![old], vec![new], "makes the blocks agree");
            }
        }
    }

    fn orb_bit(&mut self, byte: usize, mask: u8, does: &'static str) {
        let old = self.input.orb.0.get(byte).copied().unwrap_or_default();
        let at = Place::Orb(byte as u64);
        self.push(at, vec![old], vec![old | mask], does);
    }

    /// The ORB's key becomes that of the storage, or 0.
    fn key(&mut self) {
        let site = &self.finding.site;
        let at = site.data.or(site.at).map_or(0, |at| at.get());
        let key = self.input.memory.key(at).map_or(0, |key| key.key);
        let old = self.input.orb.0[4];
        self.push(Place::Orb(4), vec![old], vec![old & 0xf | key << 4], KEY);
        let does = "starts the program with key 0";
        self.push(Place::Orb(4), vec![old], vec![old & 0xf], does);
    }

    /// Takes those bits from `addr` that no address of storage has.
    fn mask(&self, addr: u64) -> u64 {
        let size = self.input.memory.size();
        addr & size.checked_ilog2().map_or(0, |bits| (1 << bits) - 1)
    }

    fn orb_address(&mut self) {
        let orb = &self.input.orb;
        let addr = self.mask(orb.word(2).into());
        #[expect(clippy::cast_possible_truncation, reason = "it only lost bits")]
        let new = (addr as u32).to_be_bytes().to_vec();
        self.push(
            Place::Orb(8),
            orb.word(2).to_be_bytes().to_vec(),
            new,
            POINTS,
        );
    }

    fn ccw_address(&mut self) {
        let Some(word) = self.word() else { return };
        #[expect(clippy::cast_possible_truncation, reason = "it only loses bits")]
        let addr = self.mask(word.addr().into()) as u32;
        self.replace(word, word.with_addr(addr), POINTS);
    }

    /// The CCW before no longer chains.
    fn end_before(&mut self) {
        let flags = CcwFlags::CHAIN_COMMAND | CcwFlags::CHAIN_DATA;
        if let Some(before) = self.before() {
            self.replace(before, before.without(flags), ENDS);
        }
    }

    fn shorten(&mut self, word: CcwWord, count: u64) {
        if let Ok(count) = u16::try_from(count)
            && count > 0
            && count < word.count()
        {
            self.replace(word, word.with_count(count), SHORTENS);
        }
    }

    /// The list begins on a multiple of `size`.
    fn align_list(&mut self, size: u64) {
        let Some(word) = self.word() else { return };
        #[expect(clippy::cast_possible_truncation, reason = "4, 8 or 16")]
        let addr = word.addr() & !(size as u32 - 1);
        self.replace(word, word.with_addr(addr), CLEARS);
    }

    /// The list lies in storage, or less of it is used.
    fn reach_list(&mut self) {
        self.ccw_address();
        if let Some((word, step)) = self.word().zip(self.step()) {
            let covered = self.covered(&step);
            self.shorten(word, covered);
        }
    }

    /// The list word designates storage, or less of what it designates is used.
    fn reach_data(&mut self) {
        let site = &self.finding.site;
        let old = site.word.as_bytes().to_vec();
        let Some((high, low)) = old.split_last_chunk::<4>() else {
            return;
        };
        let wide = high.split_last_chunk::<4>().map(|(_, high)| *high);
        let addr = u64::from(u32::from_be_bytes(*low));
        let addr = wide.map_or(addr, |high| {
            addr | u64::from(u32::from_be_bytes(high)) << 32
        });
        let masked = self.mask(addr).to_be_bytes();
        let mut new = old.clone();
        let kept = new.len().saturating_sub(8);
        let from = 8 - old.len().min(8);
        for (to, byte) in new.iter_mut().skip(kept).zip(masked.iter().skip(from)) {
            *to = *byte;
        }
        self.push(self.place(), old, new, POINTS);
        if let Some((word, (step, data))) = self.word().zip(self.step().zip(site.data)) {
            let covered = self.covered(&step);
            self.shorten(word, covered + data.get().saturating_sub(addr));
        }
    }

    fn midaw_count(&mut self, count: u64, does: &'static str) {
        let old = self.finding.site.word.as_bytes().to_vec();
        let mut new = old.clone();
        if let (Ok(count), Some(to)) = (u16::try_from(count), new.get_mut(6..8)) {
            to.copy_from_slice(&count.to_be_bytes());
            self.push(self.place(), old, new, does);
        }
    }

    /// Bytes that the list words of `step` before the deciding one stand for.
    fn covered(&self, step: &Step<'_>) -> u64 {
        let upto = usize::from(self.finding.site.list_word.unwrap_or_default());
        if step.ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
            let (midaws, _) = step.list.as_chunks::<2>();
            let counts = midaws.iter().take(upto);
            return counts
                .map(|[first, _]| u64::from(u16::from_be_bytes([first[6], first[7]])))
                .sum();
        }
        let block = IdawFormat::of(self.program.orb()).block();
        let words = step.list.iter().take(upto);
        words
            .map(|word| block - u64::from_be_bytes(*word) % block)
            .sum()
    }

    fn step(&self) -> Option<Step<'a>> {
        self.program.steps().nth(self.finding.site.index?.into())
    }

    /// The CCW at fault.
    fn word(&self) -> Option<CcwWord> {
        CcwWord::of(&self.step()?, self.program)
    }

    /// The one read before it.
    fn before(&self) -> Option<CcwWord> {
        let before = self.finding.site.index?.checked_sub(1)?;
        let step = self.program.steps().nth(before.into())?;
        CcwWord::of(&step, self.program)
    }
}

/// A CCW as it stands in storage.
#[derive(Clone, Copy)]
struct CcwWord {
    at: u64,
    raw: [u8; 8],
    zero: bool,
}

impl CcwWord {
    fn of(step: &Step<'_>, program: &Program) -> Option<Self> {
        Some(Self {
            at: step.at.get(),
            raw: step.raw?.0,
            zero: program.orb().format == Format::Zero,
        })
    }

    fn addr(self) -> u32 {
        let [_, a, b, c, ..] = self.raw;
        if self.zero {
            u32::from_be_bytes([0, a, b, c])
        } else {
            let [.., a, b, c, d] = self.raw;
            u32::from_be_bytes([a, b, c, d])
        }
    }

    fn with_addr(mut self, addr: u32) -> Self {
        let [_, a, b, c] = addr.to_be_bytes();
        if self.zero {
            self.raw[1..4].copy_from_slice(&[a, b, c]);
        } else {
            self.raw[4..8].copy_from_slice(&addr.to_be_bytes());
        }
        self
    }

    fn count(self) -> u16 {
        let at = if self.zero { 6 } else { 2 };
        u16::from_be_bytes([self.raw[at], self.raw[at + 1]])
    }

    fn with_count(mut self, count: u16) -> Self {
        let at = if self.zero { 6 } else { 2 };
        self.raw[at..at + 2].copy_from_slice(&count.to_be_bytes());
        self
    }

    fn command(mut self, command: u8) -> Self {
        self.raw[0] = command;
        self
    }

    fn without(mut self, flags: CcwFlags) -> Self {
        self.raw[if self.zero { 4 } else { 1 }] &= !flags.bits();
        self
    }
}
