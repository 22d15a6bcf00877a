// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Input of a program that goes into its own control words, its CCWs and lists.
//!
//! Most programs have none, so nothing is set up before input comes near. Then every control word
//! gets a bit, in the order of addresses: consecutive bits for whatever lies between two addresses.

use alloc::vec::Vec;

use ccw::{CCW_SIZE, IdawFormat};

use crate::node::{Node, Span};

/// Bytes for which there is one bit: of an IDAW of format 1, the smallest control word.
const WORD: u64 = 4;

/// Which control words input went into.
#[derive(Debug, Default)]
pub(crate) struct Overlap {
    /// Where the control words lie: ascending, with gaps between.
    ranges: Vec<Range>,
    /// A bit for each word.
    written: Vec<u64>,
    /// Some bit is one.
    any: bool,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    start: u64,
    end: u64,
    /// How many words the ranges below have.
    below: u64,
}

impl Overlap {
    /// Forgets the last program.
    pub(crate) fn clear(&mut self) {
        self.ranges.clear();
        self.written.clear();
        self.any = false;
    }

    /// Forgets what was read in, and not where the control words lie.
    pub(crate) fn forget(&mut self) {
        self.written.fill(0);
        self.any = false;
    }

    /// Whether input went into any control word.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Whether it is not known where the control words lie.
    pub(crate) fn is_unset(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Finds out where the control words lie, and the data that was `copied` with them.
    pub(crate) fn set_up(
        &mut self,
        spans: &[Span],
        nodes: &[Node],
        idaws: IdawFormat,
        copied: impl Iterator<Item = (u64, u64)>,
    ) {
        let ccws = spans.iter().map(|span| {
            let start = u64::from(span.start);
            (start, start + u64::from(span.len) * CCW_SIZE)
        });
        let lists = nodes.iter().filter_map(|node| node.list_bytes(idaws));
        // What is copied may begin within a word.
        let range = |(start, end)| Range {
            start: start & !(WORD - 1),
            end,
            below: 0,
        };
        self.ranges
            .extend(ccws.chain(lists).chain(copied).map(range));
        self.ranges.sort_unstable_by_key(|range| range.start);
        self.ranges.dedup_by(|next, last| {
            let adjoins = next.start <= last.end;
            if adjoins {
                last.end = last.end.max(next.end);
            }
            adjoins
        });
        let mut words = 0;
        for range in &mut self.ranges {
            range.below = words;
            words += (range.end - range.start).div_ceil(WORD);
        }
        #[expect(clippy::cast_possible_truncation, reason = "words that were read")]
        let bits = words.div_ceil(64) as usize;
        self.written.resize(bits, 0);
    }

    /// How many control words begin below `at`.
    fn rank(&self, at: u64) -> u64 {
        let above = self.ranges.partition_point(|range| range.start < at);
        let Some(range) = above.checked_sub(1).and_then(|n| self.ranges.get(n)) else {
            return 0;
        };
        range.below + (at.min(range.end) - range.start).div_ceil(WORD)
    }

    /// Input goes into `start..end`.
    pub(crate) fn write(&mut self, start: u64, end: u64) {
        for (n, mask) in bits(self.rank(start & !(WORD - 1)), self.rank(end)) {
            if let Some(bits) = self.written.get_mut(n) {
                *bits |= mask;
                self.any = true;
            }
        }
    }

    /// Whether there are control words in `start..end`.
    pub(crate) fn is_near(&self, (start, end): (u64, u64)) -> bool {
        self.rank(start & !(WORD - 1)) < self.rank(end)
    }

    /// Whether input went into the control words in `start..end`.
    pub(crate) fn is_written(&self, (start, end): (u64, u64)) -> bool {
        bits(self.rank(start & !(WORD - 1)), self.rank(end))
            .any(|(n, mask)| self.written.get(n).is_some_and(|bits| bits & mask != 0))
    }
}

/// The bits from number `from` to before `to`: which doubleword, and which of its bits.
fn bits(from: u64, to: u64) -> impl Iterator<Item = (usize, u64)> {
    let doublewords = if from < to {
        from / 64..to.div_ceil(64)
    } else {
        0..0
    };
    doublewords.map(move |n| {
        let low = from.saturating_sub(n * 64);
        let high = (to - n * 64).min(64);
        #[expect(clippy::cast_possible_truncation, reason = "an index of memory")]
        (n as usize, u64::MAX >> (64 - (high - low)) << low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(ranges: &[(u64, u64)]) -> Overlap {
        let mut below = 0;
        let range = |&(start, end): &(u64, u64)| {
            let range = Range { start, end, below };
            below += (end - start) / WORD;
            range
        };
        let ranges: Vec<Range> = ranges.iter().map(range).collect();
        Overlap {
            ranges,
            written: alloc::vec![0; 8],
            any: false,
        }
    }

    #[test]
    fn a_word_is_written_by_whatever_touches_it() {
        // 32 CCWs at 1000, an IDAW of format 1 at 2004, four IDAWs of format 2 at 3000.
        let ranges = [(0x1000, 0x1100), (0x2004, 0x2008), (0x3000, 0x3020)];
        let words = || {
            let all = ranges.iter();
            all.flat_map(|&(start, end)| (start..end).step_by(4))
        };
        let starts = [
            0x0, 0xfff, 0x1000, 0x1003, 0x1004, 0x10fe, 0x1100, 0x2003, 0x2004, 0x2007, 0x2008,
            0x3000, 0x301f, 0x3020, 0x9000,
        ];
        for start in starts {
            for len in [1, 2, 4, 5, 8, 100, 0x1000, 0x1001, 0x5000] {
                let end = start + len;
                let mut overlap = overlap(&ranges);
                overlap.write(start, end);
                for at in words() {
                    let touched = start < at + 4 && at < end;
                    let told = (start, end, at);
                    assert_eq!(overlap.is_written((at, at + 4)), touched, "{told:x?}");
                }
                let any = words().any(|at| start < at + 4 && at < end);
                assert_eq!(overlap.any(), any, "{start:x} {end:x}");
            }
        }
    }

    #[test]
    fn bits_cross_doublewords() {
        let all = |from, to| bits(from, to).collect::<Vec<_>>();
        assert_eq!(all(0, 64), [(0, u64::MAX)]);
        assert_eq!(all(3, 5), [(0, 0x18)]);
        assert_eq!(all(63, 129), [(0, 1 << 63), (1, u64::MAX), (2, 1)]);
        assert_eq!(all(5, 5), []);
        assert_eq!(all(9, 5), []);
    }
}
