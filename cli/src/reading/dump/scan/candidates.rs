// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A block of storage, gone through for what may be an ORB or a channel program.

use ccw::orb::word1;
use ccw::{Format, ORB_SIZE, RawCcw, RawOrb};

use super::CONTROL;
use super::filter::{self, CCW, ORB_WORDS};
use crate::memory::{PAGE_BYTES, Stored};
use crate::reading::dump::source::shorter;

/// Bytes of storage that are gone through at a time.
pub(super) const BLOCK: u64 = 1 << 20;

/// Bytes that are read behind a block: what begins in it may end there. So long a chain without an ORB
/// is found.
const BEHIND: usize = 256 * CCW;

/// Something that may be a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Where it is.
    pub(super) at: u64,
    /// The ORB, or one that was made.
    pub(super) raw: RawOrb,
    /// Whether the ORB is in the dump.
    pub(super) is_orb: bool,
    /// How much it looks like one, at first sight.
    pub(super) promise: u16,
}

/// The candidates that look most like programs, as many as a limit allows.
#[derive(Debug, Default)]
pub(super) struct Most {
    list: Vec<Candidate>,
    /// How many did not find a place.
    pub(super) dropped: u64,
}

impl Most {
    /// Candidates that are kept, and judged.
    const LIMIT: usize = 1 << 14;

    fn push(&mut self, candidate: Candidate) {
        self.list.push(candidate);
        if self.list.len() >= 2 * Self::LIMIT {
            self.shorten();
        }
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.dropped += other.dropped;
        other
            .list
            .into_iter()
            .for_each(|candidate| self.push(candidate));
        self
    }

    fn shorten(&mut self) {
        self.list
            .sort_unstable_by_key(|it| (u16::MAX - it.promise, it.at, !it.is_orb));
        self.dropped += self.list.len().saturating_sub(Self::LIMIT) as u64;
        self.list.truncate(Self::LIMIT);
    }

    /// The list, the most promising ones first.
    pub(super) fn into_list(mut self) -> (Vec<Candidate>, u64) {
        self.shorten();
        (self.list, self.dropped)
    }
}

/// What goes through storage: with its own buffers, so that threads have one each.
pub(super) struct Walker<'d> {
    storage: &'d dyn Stored,
    end: u64,
    buf: Vec<u8>,
    orbs: Vec<(u32, usize)>,
}

impl<'d> Walker<'d> {
    /// For `storage` that ends at `end`.
    pub(super) fn new(storage: &'d dyn Stored, end: u64) -> Self {
        Self {
            storage,
            end,
            buf: vec![0; shorter(BLOCK, usize::MAX) + BEHIND],
            orbs: Vec::new(),
        }
    }

    /// Goes through the `len` bytes, at most [`BLOCK`], from `from` on, a multiple of a page.
    pub(super) fn block(&mut self, from: u64, len: u64, most: &mut Most) {
        let mut done = 0;
        while done < len {
            let at = from + done;
            let wanted = shorter(len - done, usize::MAX);
            let mut buf = std::mem::take(&mut self.buf);
            let there = self
                .storage
                .read(at, buf.get_mut(..wanted + BEHIND).unwrap_or_default());
            let bytes = buf.get(..there).unwrap_or_default();
            self.orbs(at, bytes, wanted, most);
            for format in [Format::One, Format::Zero] {
                self.chains(at, bytes, wanted, format, most);
            }
            self.buf = buf;
            // Behind a hole there may be more.
            let next = (at + there.min(wanted) as u64 + 1).next_multiple_of(PAGE_BYTES as u64);
            done = next - from;
        }
    }

    /// ORBs that begin in the first `len` of `bytes`, which stand at `at`.
    fn orbs(&mut self, at: u64, bytes: &[u8], len: usize, most: &mut Most) {
        self.orbs.clear();
        let (words, _) = bytes.as_chunks::<4>();
        let windows = words.windows(ORB_WORDS / 4).take(len.div_ceil(4));
        for (n, window) in windows.enumerate() {
            if let [_, word1, cpa] = window {
                let (word1, cpa) = (u32::from_be_bytes(*word1), u32::from_be_bytes(*cpa));
                if filter::orb(word1, cpa, self.end) {
                    self.orbs.push((cpa, n * 4));
                }
            }
        }
        // In this order their programs are read page by page.
        self.orbs.sort_unstable();
        let (mut page, mut there, mut number) = ([0; PAGE_BYTES], 0, None);
        for &(cpa, n) in &self.orbs {
            let mut raw = RawOrb::default();
            let bytes = bytes.get(n..).unwrap_or_default();
            let known = bytes.get(..ORB_SIZE).unwrap_or(bytes);
            raw.0
                .iter_mut()
                .zip(known)
                .for_each(|(to, byte)| *to = *byte);
            if !filter::extension(&raw) {
                continue;
            }
            let cpa = u64::from(cpa);
            let (first, offset) = (cpa & !(PAGE_BYTES as u64 - 1), cpa % PAGE_BYTES as u64);
            if number != Some(first) {
                there = self.storage.read(first, &mut page);
                number = Some(first);
            }
            let program = page
                .get(shorter(offset, PAGE_BYTES)..there)
                .unwrap_or_default();
            let Some(length) = first_ccws(program, &raw, self.end) else {
                continue;
            };
            let blank = raw.0.iter().skip(ORB_WORDS).all(|byte| *byte == 0);
            most.push(Candidate {
                at: at + n as u64,
                raw,
                is_orb: true,
                promise: length.min(15) + if blank { 8 } else { 0 },
            });
        }
    }

    /// Programs that begin in the first `len` of `bytes`, which stand at `at`.
    fn chains(&self, at: u64, bytes: &[u8], len: usize, format: Format, most: &mut Most) {
        let (ccws, _) = bytes.as_chunks::<CCW>();
        let mut before = at
            .checked_sub(CCW as u64)
            .map(|at| {
                let mut raw = [0; CCW];
                self.storage.read(at, &mut raw) == CCW
                    && filter::chains(RawCcw(raw), format, self.end)
            })
            .unwrap_or_default();
        for (n, raw) in ccws.iter().enumerate().take(len.div_ceil(CCW)) {
            let chains = filter::chains(RawCcw(*raw), format, self.end);
            let begins = chains && !before;
            before = chains;
            if !begins {
                continue;
            }
            let n = n * CCW;
            let program = bytes.get(n..).unwrap_or_default();
            let program = program.get(..BEHIND).unwrap_or(program);
            let at = at + n as u64;
            let (Some(length), Ok(cpa)) =
                (filter::chain(program, format, self.end), u32::try_from(at))
            else {
                continue;
            };
            let control = match format {
                Format::One => CONTROL,
                Format::Zero => CONTROL & !word1::FORMAT1,
            };
            most.push(Candidate {
                at,
                raw: RawOrb::from_words([0, control, cpa]),
                is_orb: false,
                promise: length.min(15),
            });
        }
    }
}

/// How many CCWs `program` may begin with, one at least, for the ORB `raw`; of a TCW it is told later.
fn first_ccws(program: &[u8], raw: &RawOrb, end: u64) -> Option<u16> {
    let control = raw.word(1);
    if control & word1::TRANSPORT != 0 {
        // Format 0, and no flags but those that are defined.
        let first = program.first_chunk::<4>()?;
        return (u32::from_be_bytes(*first) & 0xc0ff_ffff != 0)
            .then_some(1)
            .filter(|_| first[0] & 0xc0 == 0);
    }
    let format = if control & word1::FORMAT1 != 0 {
        Format::One
    } else {
        Format::Zero
    };
    let first = RawCcw(*program.first_chunk::<CCW>()?);
    filter::ccw(first, format, end, false)?;
    Some(filter::chain(program, format, end).unwrap_or(1))
}
