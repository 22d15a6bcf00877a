// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The ranges of guest storage that are being withdrawn, or are gone.
//!
//! A small table of entries, each with a word that says what it is. The word counts up each time an
//! entry is put to a new use, so that a compare-and-swap cannot mistake one use for another.

use arrayvec::ArrayVec;

use crate::{
    Extent, InvalidateError, PinError,
    atomic::{AtomicU64, AtomicUsize, Ordering, fence, in_one_order},
    span::{SharedSpan, Span},
};

/// Most ranges that can be under withdrawal, or stay withdrawn, at one time.
pub const MAX_WITHDRAWALS: usize = 16;

/// Entry is free.
const EMPTY: u64 = 0;
/// Entry is being filled in; not yet in force.
const CHANGING: u64 = 1;
/// Pins get `Busy`.
const LEAVING: u64 = 2;
/// Pins get `NotMapped`.
const GONE: u64 = 3;
/// The bits of an entry's word that hold one of the above; the others count uses.
const KIND: u64 = 3;

#[derive(Debug, Default)]
struct Entry {
    word: AtomicU64,
    span: SharedSpan,
}

impl Entry {
    /// Turns the entry, if its word is still `from`, into `kind`.
    fn change(&self, from: u64, kind: u64) -> bool {
        let to = (from & !KIND).wrapping_add(KIND + 1) | kind;
        self.word
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// The word, if the entry is of this kind.
    fn is(&self, kind: u64) -> Option<u64> {
        let word = self.word.load(Ordering::Acquire);
        (word & KIND == kind).then_some(word)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Withdrawals {
    /// Entries that are [`LEAVING`] or [`GONE`]: the one word that every pin looks at. It only
    /// changes by read-modify-write, so who reads it sees all entries that were counted before.
    in_force: AtomicUsize,
    entries: [Entry; MAX_WITHDRAWALS],
}

impl Withdrawals {
    /// Puts a withdrawal of `span` in force.
    pub(crate) fn begin(&self, span: Span) -> Result<(), InvalidateError> {
        if span.is_empty() {
            return Err(InvalidateError::EmptyRange);
        }
        for entry in &self.entries {
            if let Some(word) = entry.is(EMPTY)
                && entry.change(word, CHANGING)
            {
                // Whoever reads a half of this span sees the end of the entry's last use.
                fence(Ordering::Release);
                entry.span.store(span);
                let word = entry.word.load(Ordering::Relaxed);
                entry
                    .word
                    .store((word & !KIND) | LEAVING, Ordering::Release);
                // Before any look at the ledger: see `ledger`.
                self.in_force.fetch_add(1, Ordering::SeqCst);
                in_one_order();
                return Ok(());
            }
        }
        Err(InvalidateError::TooManyRanges)
    }

    /// Whether a withdrawal of exactly `span` has begun.
    #[cfg(feature = "std")]
    pub(crate) fn is_leaving(&self, span: Span) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.is(LEAVING).is_some() && entry.span.load() == span)
    }

    /// Ends one withdrawal of exactly `span`; how it is left replaces how an earlier one left it.
    pub(crate) fn end(&self, span: Span, still_mapped: bool) {
        for entry in &self.entries {
            let Some(word) = entry.is(LEAVING).filter(|_| entry.span.load() == span) else {
                continue;
            };
            self.forget_gone(span);
            if still_mapped && entry.change(word, EMPTY) {
                self.in_force.fetch_sub(1, Ordering::SeqCst);
                return;
            }
            if !still_mapped && entry.change(word, GONE) {
                return;
            }
        }
    }

    /// The spans of withdrawals that go on.
    pub(crate) fn under_way(&self) -> impl Iterator<Item = Span> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| entry.is(LEAVING).map(|_| entry.span.load()))
    }

    fn forget_gone(&self, span: Span) {
        for entry in &self.entries {
            if let Some(word) = entry.is(GONE)
                && entry.span.load() == span
                && entry.change(word, EMPTY)
            {
                self.in_force.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    /// Refuses extents that touch a withdrawn range. The caller has already entered the ledger.
    #[inline]
    pub(crate) fn check(&self, extents: &[Extent]) -> Result<(), PinError> {
        if self.in_force.load(Ordering::SeqCst) == 0 {
            return Ok(());
        }
        self.check_each(extents)
    }

    /// An entry that is put to another use meanwhile may be read half old, half new. Its old use is
    /// over then, and the fences see to it that this pin finds what that has left; its new use began
    /// after this pin entered the ledger, so that whoever began it finds this pin there. Refusing too
    /// much is the worst that a torn span can do.
    #[cold]
    fn check_each(&self, extents: &[Extent]) -> Result<(), PinError> {
        let mut in_force = ArrayVec::<(Span, u64), MAX_WITHDRAWALS>::new();
        for entry in &self.entries {
            if let Some(word) = entry.is(LEAVING).or_else(|| entry.is(GONE)) {
                // As many places as entries.
                let _ = in_force.try_push((entry.span.load(), word & KIND));
            }
        }
        fence(Ordering::Acquire);
        for extent in extents {
            for &(span, kind) in &in_force {
                if span.overlaps(Span::from(extent)) {
                    let at = extent.start;
                    return Err(match kind {
                        LEAVING => PinError::Busy { at },
                        _ => PinError::NotMapped { at },
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ccw::GuestAddr;

    use super::*;
    use crate::Access;

    fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    fn check(table: &Withdrawals, start: u64, len: u32) -> Result<(), PinError> {
        let extent = Extent {
            start: GuestAddr::new(start),
            len,
            access: Access::DeviceReads,
        };
        table.check(&[extent])
    }

    fn busy(at: u64) -> Result<(), PinError> {
        let at = GuestAddr::new(at);
        Err(PinError::Busy { at })
    }

    fn not_mapped(at: u64) -> Result<(), PinError> {
        let at = GuestAddr::new(at);
        Err(PinError::NotMapped { at })
    }

    #[test]
    fn refuses_what_overlaps_and_nothing_beside() {
        let table = Withdrawals::default();
        table.begin(span(0x2000, 0x4000)).unwrap();
        assert_eq!(check(&table, 0x1000, 0x1000), Ok(()));
        assert_eq!(check(&table, 0x1000, 0x1001), busy(0x1000));
        assert_eq!(check(&table, 0x3fff, 1), busy(0x3fff));
        assert_eq!(check(&table, 0x4000, 1), Ok(()));
    }

    #[test]
    fn gone_until_it_is_mapped_again() {
        let table = Withdrawals::default();
        table.begin(span(0x2000, 0x4000)).unwrap();
        table.end(span(0x2000, 0x4000), false);
        assert_eq!(check(&table, 0x2000, 1), not_mapped(0x2000));
        table.begin(span(0x2000, 0x4000)).unwrap();
        table.end(span(0x2000, 0x4000), true);
        assert_eq!(check(&table, 0x2000, 1), Ok(()));
        assert_eq!(table.in_force.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn two_withdrawals_of_one_range_need_two_ends() {
        let table = Withdrawals::default();
        table.begin(span(0x2000, 0x4000)).unwrap();
        table.begin(span(0x2000, 0x4000)).unwrap();
        table.end(span(0x2000, 0x4000), true);
        assert_eq!(check(&table, 0x2000, 1), busy(0x2000));
        table.end(span(0x2000, 0x4000), true);
        assert_eq!(check(&table, 0x2000, 1), Ok(()));
    }

    #[test]
    fn an_end_without_a_begin_changes_nothing() {
        let table = Withdrawals::default();
        table.end(span(0x2000, 0x4000), false);
        assert_eq!(check(&table, 0x2000, 1), Ok(()));
        table.begin(span(0x2000, 0x4000)).unwrap();
        table.end(span(0x2000, 0x3000), true);
        assert_eq!(check(&table, 0x2000, 1), busy(0x2000));
        // Nor does one for a range that is gone.
        table.end(span(0x2000, 0x4000), false);
        table.end(span(0x2000, 0x4000), true);
        assert_eq!(check(&table, 0x2000, 1), not_mapped(0x2000));
    }

    #[test]
    fn the_table_is_bounded_and_used_again() {
        let table = Withdrawals::default();
        assert_eq!(table.begin(span(5, 5)), Err(InvalidateError::EmptyRange));
        assert_eq!(table.begin(span(6, 5)), Err(InvalidateError::EmptyRange));
        for round in 0..3 {
            for i in 0..MAX_WITHDRAWALS as u64 {
                table.begin(span(i * 16, i * 16 + 8)).unwrap();
            }
            let full = Err(InvalidateError::TooManyRanges);
            assert_eq!(table.begin(span(0, 1)), full);
            for i in 0..MAX_WITHDRAWALS as u64 {
                assert_eq!(check(&table, i * 16 + 7, 1), busy(i * 16 + 7), "{round}");
                // The same range gone twice takes one entry.
                table.end(span(i * 16, i * 16 + 8), false);
            }
            assert_eq!(table.begin(span(0, 8)), full);
            for i in 0..MAX_WITHDRAWALS as u64 {
                assert_eq!(check(&table, i * 16 + 7, 1), not_mapped(i * 16 + 7));
            }
            table.entries.iter().for_each(|entry| {
                table.forget_gone(entry.span.load());
            });
            assert_eq!(table.in_force.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn gone_twice_takes_one_entry() {
        let table = Withdrawals::default();
        for _ in 0..2 * MAX_WITHDRAWALS {
            table.begin(span(0x2000, 0x4000)).unwrap();
            table.end(span(0x2000, 0x4000), false);
        }
        assert_eq!(table.in_force.load(Ordering::Relaxed), 1);
        assert_eq!(check(&table, 0x2000, 1), not_mapped(0x2000));
    }
}
