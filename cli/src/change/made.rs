// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What changes are made of: other bits of the deciding word, of the ORB, of a CCW or a list.

use ccw::{CcwFlags, IdawFormat};
use translator::{Finding, ListView, Program, Step, TransportView};

use super::edit::Change;
use super::word::CcwWord;
use crate::input::Input;
use crate::place::Place;

pub(super) const CLEARS: &str = "clears the bits";
const POINTS: &str = "points into storage";
const SHORTENS: &str = "shortens the transfer to what can be reached";
pub(super) const ENDS: &str = "ends the chain here";
const KEY: &str = "starts the program with the key of the storage";
pub(super) const COUNTS: &str = "makes the counts agree";

/// TIDAWs of a list that is long.
const LONG: usize = 64;

/// Changes that may satisfy the rule of a finding, as they are put together.
pub(super) struct Candidates<'a> {
    pub(super) finding: &'a Finding,
    pub(super) input: &'a Input,
    pub(super) program: &'a Program,
    pub(super) found: Vec<Change>,
}

impl<'a> Candidates<'a> {
    pub(super) fn push(&mut self, at: Place, old: Vec<u8>, new: Vec<u8>, does: &'static str) {
        self.found.push(Change { at, old, new, does });
    }

    pub(super) fn replace(&mut self, old: CcwWord, new: CcwWord, does: &'static str) {
        let at = Place::Storage(old.at);
        self.push(at, old.raw.to_vec(), new.raw.to_vec(), does);
    }

    /// Where the deciding word stands.
    pub(super) fn place(&self) -> Place {
        Place::of(self.finding)
    }

    /// Clears the bits that decided.
    pub(super) fn clear(&mut self) {
        self.bits(false, CLEARS);
    }

    pub(super) fn bits(&mut self, one: bool, does: &'static str) {
        if let Some(bits) = self.finding.site.bits {
            self.set_bits(bits, one, does);
        }
    }

    pub(super) fn set_bits(&mut self, (first, last): (u8, u8), one: bool, does: &'static str) {
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
    pub(super) fn begin_block(&mut self) {
        let old = self.finding.site.word.as_bytes().to_vec();
        let mut new = old.clone();
        if let Some([.., high, low]) = new.get_mut(..16) {
            (*high, *low) = (*high & 0xf0, 0);
            let does = "moves the area to the beginning of its block";
            self.push(self.place(), old, new, does);
        }
    }

    /// The last DCW that lies where DCWs may no longer chains.
    pub(super) fn end_commands(&mut self) {
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
    pub(super) fn any_byte(&mut self, (first, last): (u8, u8)) {
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

    pub(super) fn orb_bit(&mut self, byte: usize, mask: u8, does: &'static str) {
        let old = self.input.orb.0.get(byte).copied().unwrap_or_default();
        let at = Place::Orb(byte as u64);
        self.push(at, vec![old], vec![old | mask], does);
    }

    /// The ORB's key becomes that of the storage, or 0.
    pub(super) fn key(&mut self) {
        let site = &self.finding.site;
        let at = site.data.or(site.at).map_or(0, |at| at.get());
        let key = self.input.memory.key(at).map_or(0, |key| key.key);
        let old = self.input.orb.0[4];
        self.push(Place::Orb(4), vec![old], vec![old & 0xf | key << 4], KEY);
        let does = "starts the program with key 0";
        self.push(Place::Orb(4), vec![old], vec![old & 0xf], does);
    }

    /// Takes those bits from `addr` that no address of storage has.
    pub(super) fn mask(&self, addr: u64) -> u64 {
        let size = self.input.memory.size();
        addr & size.checked_ilog2().map_or(0, |bits| (1 << bits) - 1)
    }

    pub(super) fn orb_address(&mut self) {
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

    pub(super) fn ccw_address(&mut self) {
        let Some(word) = self.word() else { return };
        #[expect(clippy::cast_possible_truncation, reason = "it only loses bits")]
        let addr = self.mask(word.addr().into()) as u32;
        self.replace(word, word.with_addr(addr), POINTS);
    }

    /// The CCW before no longer chains.
    pub(super) fn end_before(&mut self) {
        let flags = CcwFlags::CHAIN_COMMAND | CcwFlags::CHAIN_DATA;
        if let Some(before) = self.before() {
            self.replace(before, before.without(flags), ENDS);
        }
    }

    pub(super) fn shorten(&mut self, word: CcwWord, count: u64) {
        if let Ok(count) = u16::try_from(count)
            && count > 0
            && count < word.count()
        {
            self.replace(word, word.with_count(count), SHORTENS);
        }
    }

    /// The list begins on a multiple of `size`.
    pub(super) fn align_list(&mut self, size: u64) {
        let Some(word) = self.word() else { return };
        #[expect(clippy::cast_possible_truncation, reason = "4, 8 or 16")]
        let addr = word.addr() & !(size as u32 - 1);
        self.replace(word, word.with_addr(addr), CLEARS);
    }

    /// The list lies in storage, or less of it is used.
    pub(super) fn reach_list(&mut self) {
        self.ccw_address();
        if let Some((word, step)) = self.word().zip(self.step()) {
            let covered = self.covered(&step);
            self.shorten(word, covered);
        }
    }

    /// The list word designates storage, or less of what it designates is used.
    pub(super) fn reach_data(&mut self) {
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

    pub(super) fn midaw_count(&mut self, count: u64, does: &'static str) {
        let old = self.finding.site.word.as_bytes().to_vec();
        let mut new = old.clone();
        if let (Ok(count), Some(to)) = (u16::try_from(count), new.get_mut(6..8)) {
            to.copy_from_slice(&count.to_be_bytes());
            self.push(self.place(), old, new, does);
        }
    }

    /// Bytes that the list words of `step` before the deciding one stand for.
    pub(super) fn covered(&self, step: &Step<'_>) -> u64 {
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

    pub(super) fn step(&self) -> Option<Step<'a>> {
        self.program.steps().nth(self.finding.site.index?.into())
    }

    /// The CCW at fault.
    pub(super) fn word(&self) -> Option<CcwWord> {
        CcwWord::of(&self.step()?, self.program)
    }

    /// The one read before it.
    pub(super) fn before(&self) -> Option<CcwWord> {
        let before = self.finding.site.index?.checked_sub(1)?;
        let step = self.program.steps().nth(before.into())?;
        CcwWord::of(&step, self.program)
    }
}
