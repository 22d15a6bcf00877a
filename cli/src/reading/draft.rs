// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program being put together from what a text shows of it.

use std::collections::BTreeMap;

use ccw::{Ccw, CcwFlags, Command, DeviceClass, Format, Guest, RawCcw, RawOrb};

use super::lines::Piece;
use crate::input::Input;
use crate::input::Recorded;
use crate::memory::{Extent, Memory};
use crate::place::Place;
use crate::source::{Shown, Sources, Written};

/// How much storage there is if nobody says: more than any machine has had, so that no address is
/// found to lie behind it.
const SIZE: u64 = 1 << 46;

/// Remarks about one program at most.
const MOST_REMARKS: usize = 32;

/// Flags of an ORB, in its second word.
pub(super) mod flag {
    /// Format-1 CCWs.
    pub(crate) const FORMAT_1: u32 = 0x0080_0000;
    /// Prefetching is allowed.
    pub(crate) const PREFETCH: u32 = 0x0040_0000;
    /// 8-byte IDAWs.
    pub(crate) const IDAW_8: u32 = 0x0002_0000;
    /// MIDAWs.
    pub(crate) const MIDAW: u32 = 0x0000_0040;
    /// Every path.
    pub(crate) const ALL_PATHS: u32 = 0x0000_ff00;
}

/// The ORB of these words.
pub(super) fn orb(parameter: u32, second: u32, cpa: u32) -> RawOrb {
    let mut bytes = [0; 32];
    let words = [parameter, second, cpa].map(u32::to_be_bytes);
    let pairs = bytes.iter_mut().zip(words.as_flattened());
    pairs.for_each(|(to, byte)| *to = *byte);
    RawOrb(bytes)
}

/// The format that the CCWs of a chain have, as far as they tell: that in which more of them go on, or
/// format 1 if the byte that format 0 does not use is not zero, or that in which addresses are lower.
pub(super) fn format_of(ccws: &[[u8; 8]]) -> Format {
    let chained = CcwFlags::CHAIN_DATA | CcwFlags::CHAIN_COMMAND;
    let going_on = |format| {
        let all = ccws.iter().rev().skip(1);
        all.filter(|raw| decoded(raw, format).flags.intersects(chained))
            .count()
    };
    let (zero, one) = (going_on(Format::Zero), going_on(Format::One));
    let addresses = |format| -> u64 {
        let all = ccws.iter().map(|raw| decoded(raw, format).addr.get());
        all.map(u64::from).sum()
    };
    let reserved = ccws.iter().any(|raw| raw[5] != 0);
    match zero.cmp(&one) {
        std::cmp::Ordering::Greater => Format::Zero,
        std::cmp::Ordering::Less => Format::One,
        std::cmp::Ordering::Equal
            if !reserved && addresses(Format::Zero) < addresses(Format::One) =>
        {
            Format::Zero
        }
        std::cmp::Ordering::Equal => Format::One,
    }
}

/// The CCW of these bytes.
pub(super) fn decoded(raw: &[u8; 8], format: Format) -> Ccw<Guest> {
    Ccw::decode(RawCcw(*raw), format)
}

/// Pieces of storage, which stay apart: what came first counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    known: BTreeMap<u64, Vec<u8>>,
    /// Where the text shows them.
    shown: Vec<Shown>,
}

impl Pieces {
    /// Adds `bytes` from `addr` on, as far as nothing is known there; whether what is known there is the
    /// same.
    pub(super) fn add(&mut self, addr: u64, bytes: &[u8]) -> bool {
        self.add_shown(addr, bytes, &[])
    }

    /// The same of `piece`.
    pub(super) fn add_piece(&mut self, addr: u64, piece: &Piece) -> bool {
        self.add_shown(addr, &piece.bytes, &piece.written)
    }

    /// The same of `bytes` that are written so, each part of them from this byte on.
    pub(super) fn add_shown(
        &mut self,
        addr: u64,
        bytes: &[u8],
        written: &[(u64, Written)],
    ) -> bool {
        let end = addr.saturating_add(bytes.len() as u64);
        let mut same = true;
        let mut gaps = Vec::new();
        let mut free = addr;
        let first = self
            .known
            .range(..=addr)
            .next_back()
            .map_or(addr, |(at, _)| *at);
        for (&at, known) in self.known.range(first..end) {
            let known_end = at.saturating_add(known.len() as u64);
            if known_end <= addr {
                continue;
            }
            let from = at.max(addr);
            let known = known.iter().skip(distance(at, from));
            let ours = bytes.iter().skip(distance(addr, from));
            same &= known.zip(ours).all(|(a, b)| a == b);
            gaps.push(free..from);
            free = known_end.max(free);
        }
        gaps.push(free..end);
        for gap in gaps.into_iter().filter(|gap| gap.start < gap.end) {
            let piece = bytes.get(distance(addr, gap.start)..distance(addr, gap.end));
            self.known
                .insert(gap.start, piece.unwrap_or_default().to_vec());
            let parts = written.iter().filter_map(|(at, written)| {
                let first = addr.checked_add(*at)?;
                let from = first.max(gap.start);
                let to = first.saturating_add(written.bytes).min(gap.end);
                Some(Shown {
                    first: Place::Storage(from),
                    bytes: to.checked_sub(from).filter(|bytes| *bytes > 0)?,
                    skipped: from - first,
                    written: *written,
                })
            });
            self.shown.extend(parts);
        }
        same
    }

    /// The doubleword at `addr`, if all of it is known.
    pub(super) fn doubleword(&self, addr: u64) -> Option<[u8; 8]> {
        let mut word = [0; 8];
        for (at, to) in (addr..).zip(&mut word) {
            let (first, known) = self.known.range(..=at).next_back()?;
            *to = *known.get(distance(*first, at))?;
        }
        Some(word)
    }

    /// The storage, and where the text shows it.
    fn memory(self) -> (Memory, Vec<Shown>) {
        let fits = |(addr, _): &(u64, Vec<u8>)| *addr < SIZE;
        let extents = self.known.into_iter().filter(fits);
        let extents = extents.map(|(addr, mut bytes)| {
            bytes.truncate(distance(addr, SIZE));
            Extent { addr, bytes }
        });
        // They are apart and inside.
        let memory = Memory::partial(SIZE, extents.collect()).unwrap_or_default();
        (memory, self.shown)
    }
}

fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

/// Where CCWs that are not said to lie anywhere could lie: at 0, or in the first pages that neither
/// their data nor anything else known is in.
pub(super) fn free_place(ccws: &[[u8; 8]], format: Format, pieces: &Pieces) -> u32 {
    let len = ccws.len() as u64 * 8;
    let all = ccws.iter().map(|raw| decoded(raw, format));
    let moving = all.filter(|ccw| !ccw.command.is_tic(format) && ccw.command != Command::NOP);
    let data = moving.map(|ccw| {
        let start = u64::from(ccw.addr.get());
        // A list is hardly longer than the data.
        start..start + u64::from(ccw.count).max(8)
    });
    let known = pieces.known.iter();
    let known = known.map(|(at, bytes)| *at..at.saturating_add(bytes.len() as u64));
    let mut taken: Vec<_> = data.chain(known).collect();
    taken.sort_unstable_by_key(|area| area.start);
    let mut at = 0u64;
    for area in taken {
        if area.start < at + len && area.end > at {
            at = area.end.checked_next_multiple_of(0x1000).unwrap_or(0);
        }
    }
    u32::try_from(at)
        .ok()
        .filter(|at| *at < 1 << 31)
        .unwrap_or(0)
}

/// A program being put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) class: DeviceClass,
    pub(super) orb: RawOrb,
    /// Where the text shows bytes of the ORB.
    pub(super) orb_shown: Vec<(u64, Written)>,
    pub(super) pieces: Pieces,
    pub(super) recorded: Option<Recorded>,
    pub(super) remarks: Vec<String>,
}

impl Draft {
    /// Says `remark` once, unless enough is said.
    pub(super) fn remark(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        if self.remarks.len() < MOST_REMARKS && !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
        if self.remarks.len() == MOST_REMARKS {
            self.remarks
                .push("and more of the kind, which is left out".to_owned());
        }
    }

    /// The program as an input.
    pub(super) fn finish(self) -> Input {
        let (memory, mut shown) = self.pieces.memory();
        let orb = self.orb_shown.into_iter();
        shown.extend(orb.map(|(at, written)| Shown::at(Place::Orb(at), written)));
        Input {
            name: self.name,
            class: self.class,
            orb: self.orb,
            memory,
            sources: Sources::new(shown),
            recorded: self.recorded,
            remarks: self.remarks,
            ..Input::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stay_apart_and_the_first_counts() {
        let mut pieces = Pieces::default();
        assert!(pieces.add(4, b"efgh"));
        assert!(pieces.add(2, b"cdef"));
        assert!(!pieces.add(6, b"gXij"));
        assert!(pieces.add(0, b"abcdefghij"));
        assert!(!pieces.add(9, b"Yk"));
        let all: Vec<u8> = pieces.known.values().flatten().copied().collect();
        assert_eq!(all, b"abcdefghijk");
        let (memory, _) = pieces.memory();
        assert!(!memory.lacks(10) && memory.lacks(11));
    }

    #[test]
    fn pieces_at_the_end_of_the_world_are_left_out() {
        let mut pieces = Pieces::default();
        pieces.add(u64::MAX - 1, b"abcd");
        pieces.add(SIZE - 1, b"ab");
        let (memory, _) = pieces.memory();
        assert!(!memory.lacks(SIZE - 1));
    }

    #[test]
    fn a_place_is_free_of_data() {
        let mut pieces = Pieces::default();
        let at = |pieces: &Pieces, ccws: &[[u8; 8]]| free_place(ccws, Format::One, pieces);
        assert_eq!(at(&pieces, &[[2, 0, 0, 1, 0, 0, 0, 16]]), 0);
        assert_eq!(at(&pieces, &[[2, 0, 0, 1, 0, 0, 0, 7]]), 0x1000);
        assert_eq!(at(&pieces, &[[2, 0, 0xff, 0xff, 0, 0, 0, 1]]), 0x10000);
        pieces.add(0x10007, b"x");
        assert_eq!(at(&pieces, &[[2, 0, 0xff, 0xff, 0, 0, 0, 1]]), 0x11000);
    }

    #[test]
    fn chains_tell_their_format() {
        // SEEK and SEARCH ID EQUAL in both formats.
        let zero = [0x07, 0, 0, 0x60, 0x40, 0, 0, 6];
        let one = [0x07, 0x40, 0, 6, 0, 0, 0, 0x60];
        let search = [0x31, 0, 0, 0x62, 0, 0, 0, 5];
        assert_eq!(format_of(&[zero, search]), Format::Zero);
        assert_eq!(format_of(&[one, search]), Format::One);
        let alone = |raw| format_of(&[raw]);
        assert_eq!(alone([2, 0x60, 0, 0x50, 0, 0x12, 0x34, 0]), Format::One);
        assert_eq!(alone([2, 0x20, 0, 0x50, 0, 0, 0x34, 0]), Format::One);
        assert_eq!(alone([4, 0, 0x12, 0, 0x20, 0, 0, 0x18]), Format::Zero);
    }
}
