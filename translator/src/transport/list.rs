// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading a list of TIDAWs. "PoP: TIDAW".
//!
//! Only the words that the count needs are read, each address once: a list that a T-TIC leads back
//! into itself is gone through again in the copy.

use alloc::vec::Vec;

use ccw::{Guest, GuestAddr, RawTidaw, TIDAL_PAGE, TIDAW_SIZE, Tidaw, TidawFlags};

use crate::{Code, Guards, GuestStorage, Site, finding::Word, memory::key_allows};

/// What makes a TIDAW a jump.
const T_TIC: TidawFlags = TidawFlags::TRANSFER_IN_CHANNEL;

/// A list of TIDAWs as it was read.
#[derive(Debug, Default)]
pub(crate) struct Tidal {
    /// In the order of their use, T-TICs included.
    pub(super) entries: Vec<Entry>,
    /// Entries of consecutive addresses; sorted by address, disjoint.
    spans: Vec<Span>,
    /// What stops the channel behind them, and where.
    pub(super) fault: Option<(Code, Site)>,
    /// It was not read to its end.
    pub(super) too_long: bool,
}

/// A TIDAW that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) at: GuestAddr,
    pub(super) raw: RawTidaw,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    /// Guest address of the first.
    start: u64,
    /// Number of the first.
    first: u32,
    /// How many.
    len: u32,
}

/// Who reads a list, and for what.
pub(super) struct Reader<'a, G> {
    pub(super) storage: &'a G,
    pub(super) guards: &'a Guards<'a>,
    pub(super) key: u8,
    /// Most entries.
    pub(super) most: u16,
}

/// What one TIDAW does.
enum Step {
    Jump(GuestAddr),
    /// This many bytes, and whether it ends the list.
    Data(u32, bool),
}

impl Entry {
    pub(super) fn tidaw(&self) -> Tidaw<Guest> {
        Tidaw::decode(self.raw)
    }

    /// Whether it leads to the next one instead of to data.
    pub(super) fn is_jump(&self) -> bool {
        self.tidaw().flags.contains(T_TIC)
    }

    /// The place of entry number `k`.
    pub(super) fn site(&self, k: usize, bits: (u8, u8)) -> Site {
        Site {
            list_word: Some(number(k)),
            at: Some(self.at),
            word: Word::new(&self.raw.0),
            bits: Some(bits),
            ..Site::default()
        }
    }
}

impl Tidal {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.spans.clear();
        self.fault = None;
        self.too_long = false;
    }

    /// First byte and end of every stretch of it.
    pub(super) fn stretches(&self) -> impl Iterator<Item = (u64, u64)> {
        self.spans.iter().map(|span| {
            let len = u64::from(span.len).saturating_mul(TIDAW_SIZE);
            (span.start, span.start.saturating_add(len))
        })
    }

    /// Reads the list at `at` for `count` bytes of data. With `checks`, TIDAWs may have check bytes
    /// inserted, which count as well: how many is not for the channel alone to say, so that the list
    /// is then read up to its last TIDAW.
    pub(super) fn read<G: GuestStorage>(
        &mut self,
        reader: &Reader<'_, G>,
        at: GuestAddr,
        count: u32,
        checks: bool,
    ) {
        self.clear();
        let mut next = at;
        let mut left = u64::from(count);
        let (mut counted, mut after_jump) = (true, false);
        while left > 0 {
            let k = self.entries.len();
            if k >= usize::from(reader.most) {
                self.too_long = true;
                return;
            }
            let entry = match self.known(next) {
                Some(entry) => entry,
                None => match reader.entry(next) {
                    Ok(entry) => entry,
                    Err(code) => return self.unread(code, next),
                },
            };
            self.push(entry);
            counted &= !(checks && entry.tidaw().flags.contains(TidawFlags::INSERT_CBC));
            if !counted {
                left = u64::MAX;
            }
            let (len, last) = match judge(entry.raw, left, after_jump) {
                Err((code, bits)) => {
                    self.entries.truncate(k);
                    self.fault = Some((code, entry.site(k, bits)));
                    return;
                }
                Ok(Step::Jump(to)) => {
                    next = to;
                    after_jump = true;
                    continue;
                }
                Ok(Step::Data(len, last)) => (len, last),
            };
            after_jump = false;
            left -= u64::from(len);
            if last {
                if left > 0 && counted {
                    self.entries.truncate(k);
                    self.fault = Some((Code::TidawSum, entry.site(k, (0, 0))));
                }
                return;
            }
            let behind = next.checked_add(TIDAW_SIZE);
            match behind.filter(|behind| !behind.is_aligned(TIDAL_PAGE)) {
                Some(behind) => next = behind,
                None if left > 0 => return self.unread(Code::TidalPage, behind.unwrap_or(next)),
                None => {}
            }
        }
    }

    /// The channel stops where the next word should be.
    fn unread(&mut self, code: Code, at: GuestAddr) {
        let site = Site {
            list_word: Some(number(self.entries.len())),
            at: Some(at),
            ..Site::default()
        };
        self.fault = Some((code, site));
    }

    /// The entry that was read at `at`.
    fn known(&self, at: GuestAddr) -> Option<Entry> {
        let above = self.spans.partition_point(|span| span.start <= at.get());
        let span = self.spans.get(above.checked_sub(1)?)?;
        let n = (at.get() - span.start) / TIDAW_SIZE;
        if n >= u64::from(span.len) {
            return None;
        }
        self.entries
            .get(span.first as usize + usize::try_from(n).ok()?)
            .copied()
    }

    /// Adds an entry, and to the spans if its address is new.
    fn push(&mut self, entry: Entry) {
        let start = entry.at.get();
        let above = self.spans.partition_point(|span| span.start <= start);
        let first = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry);
        let before = above.checked_sub(1).and_then(|n| self.spans.get_mut(n));
        if let Some(span) = before {
            let end = span.start.saturating_add(u64::from(span.len) * TIDAW_SIZE);
            if start < end {
                return;
            }
            if start == end && first == span.first + span.len {
                span.len += 1;
                return;
            }
        }
        let len = 1;
        self.spans.insert(above, Span { start, first, len });
    }
}

impl<G: GuestStorage> Reader<'_, G> {
    /// The TIDAW at `at`, or why there is none.
    fn entry(&self, at: GuestAddr) -> Result<Entry, Code> {
        if !at.is_aligned(TIDAW_SIZE) {
            return Err(Code::TidalAlign);
        }
        let mut raw = RawTidaw::default();
        if self.storage.read(at, &mut raw.0) < raw.0.len() {
            return Err(Code::TidawData);
        }
        if let Some(keys) = self.guards.keys
            && !key_allows(keys, self.key, at, false)
        {
            return Err(Code::TcwProt);
        }
        Ok(Entry { at, raw })
    }
}

/// What a TIDAW does where `left` bytes are still to be designated; or the condition, and the bits
/// that decide.
fn judge(raw: RawTidaw, left: u64, after_jump: bool) -> Result<Step, (Code, (u8, u8))> {
    let Tidaw { flags, count, addr } = Tidaw::<Guest>::decode(raw);
    if !raw.reserved_is_zero() {
        return Err((Code::TidawRsvd, (5, 31)));
    }
    if flags.contains(T_TIC) {
        return if after_jump {
            Err((Code::TidawTticSeq, (3, 3)))
        } else if flags != T_TIC {
            Err((Code::TidawRsvd, (0, 4)))
        } else if count != 0 {
            Err((Code::TidawCount, (32, 63)))
        } else if !addr.is_aligned(TIDAW_SIZE) {
            Err((Code::TidalAlign, (64, 127)))
        } else {
            Ok(Step::Jump(addr))
        };
    }
    if count == 0 || u64::from(count) > addr.block_remainder(TIDAL_PAGE) {
        return Err((Code::TidawCount, (32, 63)));
    }
    if u64::from(count) > left {
        return Err((Code::TidawSum, (32, 63)));
    }
    Ok(Step::Data(count, flags.contains(TidawFlags::LAST)))
}

/// A number of list words, as a site has it.
pub(super) fn number(k: usize) -> u16 {
    u16::try_from(k).unwrap_or(u16::MAX)
}
