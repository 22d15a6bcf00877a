// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ranges of guest storage, as plain numbers and as shared ones.

use core::ops::Range;

use ccw::GuestAddr;

use crate::{
    Extent,
    atomic::{AtomicU64, Ordering},
};

/// Guest bytes from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Whether some byte is in both.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// The smallest span that holds both.
    #[inline]
    pub(crate) fn cover(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

impl From<&Extent> for Span {
    #[inline]
    fn from(extent: &Extent) -> Self {
        let start = extent.start.get();
        Self {
            start,
            end: start.saturating_add(u64::from(extent.len)),
        }
    }
}

impl From<&Range<GuestAddr>> for Span {
    fn from(range: &Range<GuestAddr>) -> Self {
        Self {
            start: range.start.get(),
            end: range.end.get(),
        }
    }
}

impl From<Span> for Range<GuestAddr> {
    fn from(span: Span) -> Self {
        GuestAddr::new(span.start)..GuestAddr::new(span.end)
    }
}

/// A span that other threads may read while it is written. The two halves are separate: whoever
/// shares one argues why a torn reading does no harm.
#[derive(Debug, Default)]
pub(crate) struct SharedSpan {
    start: AtomicU64,
    end: AtomicU64,
}

impl SharedSpan {
    #[inline]
    pub(crate) fn store(&self, span: Span) {
        self.start.store(span.start, Ordering::Relaxed);
        self.end.store(span.end, Ordering::Relaxed);
    }

    pub(crate) fn load(&self) -> Span {
        Span {
            start: self.start.load(Ordering::Relaxed),
            end: self.end.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let (low, high) = (span(1, 3), span(3, 5));
        assert!(!low.overlaps(high) && !high.overlaps(low));
        assert!(low.overlaps(span(2, 9)) && span(2, 9).overlaps(low));
        assert!(span(0, 9).overlaps(low) && low.overlaps(span(0, 9)));
        assert_eq!(low.cover(span(7, 8)), span(1, 8));
        assert_eq!(span(7, 8).cover(low), span(1, 8));
    }

    #[test]
    fn an_empty_span_overlaps_nothing() {
        assert!(Span::default().is_empty() && !span(0, 1).is_empty());
        assert!(!Span::default().overlaps(span(0, u64::MAX)));
        assert!(!span(5, 5).overlaps(span(0, 9)) && !span(0, 9).overlaps(span(5, 5)));
    }

    #[test]
    fn an_extent_at_the_end_of_storage_does_not_wrap() {
        let extent = Extent {
            start: GuestAddr::new(u64::MAX - 1),
            len: 100,
            access: crate::Access::DeviceReads,
        };
        assert_eq!(Span::from(&extent), span(u64::MAX - 1, u64::MAX));
    }
}
