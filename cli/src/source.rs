// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in its file the bytes of an input stand.

use std::sync::Arc;

use crate::place::Place;
use crate::text::Text;

/// Bytes as a text shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// How many there are.
    pub(crate) bytes: u64,
    /// Line of the text, from 1.
    pub(crate) line: usize,
    /// Its first character, from 1.
    pub(crate) column: usize,
    /// How they are written.
    pub(crate) form: Form,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Hex digits, two to a byte, and `gap` characters between groups of `group` bytes.
    Digits { group: u64, gap: usize },
    /// One number of so many characters.
    Number(usize),
}

impl Form {
    /// Hex digits without anything between them.
    pub(crate) const PLAIN: Self = Self::Digits {
        group: u64::MAX,
        gap: 0,
    };
}

impl Written {
    /// Its character, and the one behind it, of byte `n`.
    fn byte(&self, n: u64) -> Option<(usize, usize)> {
        match self.form {
            Form::Digits { group, gap } => {
                let n = (n, n.checked_div(group)?);
                let (n, gaps) = (usize::try_from(n.0).ok()?, usize::try_from(n.1).ok()?);
                let start = self.column + 2 * n + gap * gaps;
                Some((start, start + 2))
            }
            Form::Number(width) => Some((self.column, self.column + width)),
        }
    }
}

/// Bytes of the program, and where they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Where the first byte belongs.
    pub(crate) first: Place,
    /// How many there are.
    pub(crate) bytes: u64,
    /// How many of what is written come before them.
    pub(crate) skipped: u64,
    /// Where.
    pub(crate) written: Written,
}

impl Shown {
    /// All that is written, from `first` on.
    pub(crate) const fn at(first: Place, written: Written) -> Self {
        Self {
            first,
            bytes: written.bytes,
            skipped: 0,
            written,
        }
    }
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Line of its first character, from 1.
    pub(crate) line: usize,
    /// Its first character, from 1.
    pub(crate) column: usize,
    /// Line of its last character.
    pub(crate) end_line: usize,
    /// The character behind its last one.
    pub(crate) end_column: usize,
    /// It is hex digits on one line, with nothing between them.
    pub(crate) plain: bool,
}

/// Where the bytes of one input stand, as far as its format shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// In ascending order; of those of one byte the first counts.
    shown: Vec<Shown>,
    /// The text that they stand in.
    pub(crate) text: Option<Arc<Text>>,
}

impl Sources {
    /// What is shown, in any order; none of it twice.
    pub(crate) fn new(mut shown: Vec<Shown>) -> Self {
        shown.sort_by_key(|shown| shown.first);
        Self { shown, text: None }
    }

    /// Where the `bytes` bytes from `place` on stand, if they do.
    pub(crate) fn find(&self, place: Place, bytes: u64) -> Option<Region> {
        self.bits(place, (0, bytes.checked_mul(8)?.checked_sub(1)?))
    }

    /// Where bits `first` to `last` of what begins at `place` stand: whole digits.
    pub(crate) fn bits(&self, place: Place, (first, last): (u64, u64)) -> Option<Region> {
        let (from, mut column, _) = self.byte(place.plus(first / 8))?;
        let (to, _, mut end_column) = self.byte(place.plus(last / 8))?;
        let digits = |written: &Written| matches!(written.form, Form::Digits { .. });
        if digits(&from) && first % 8 >= 4 {
            column += 1;
        }
        if digits(&to) && last % 8 < 4 {
            end_column -= 1;
        }
        let region = Region {
            line: from.line,
            column,
            end_line: to.line,
            end_column,
            plain: false,
        };
        // Texts may show storage in any order.
        let forward = (region.line, column) < (region.end_line, end_column);
        let digits_there = (last / 4).checked_sub(first / 4).map_or(0, |n| n + 1);
        let width = end_column.saturating_sub(column) as u64;
        let plain = digits(&from) && from.line == to.line && width == digits_there;
        forward.then_some(Region { plain, ..region })
    }

    /// How the byte at `place` is written, its first character and the one behind it.
    fn byte(&self, place: Place) -> Option<(Written, usize, usize)> {
        let next = self.shown.partition_point(|shown| shown.first <= place);
        let shown = self.shown.get(next.checked_sub(1)?)?;
        let offset = place.behind(shown.first)?;
        let offset = Some(offset).filter(|offset| *offset < shown.bytes)?;
        let (column, end) = shown.written.byte(offset + shown.skipped)?;
        Some((shown.written, column, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: u64, line: usize, column: usize, form: Form) -> Written {
        Written {
            bytes,
            line,
            column,
            form,
        }
    }

    #[test]
    fn bits_stand_where_their_digits_do() {
        // Line 7: `  02000018 60000050`, and in line 9 a number.
        let words = Form::Digits { group: 4, gap: 1 };
        let sources = Sources::new(vec![
            Shown::at(Place::Storage(0x10), written(8, 7, 3, words)),
            Shown::at(Place::Orb(8), written(4, 9, 1, Form::Number(3))),
        ]);
        let find = |place, bits| {
            let region = sources.bits(place, bits)?;
            Some((region.line, region.column, region.end_column, region.plain))
        };
        let ccw = Place::Storage(0x10);
        assert_eq!(find(ccw, (0, 63)), Some((7, 3, 20, false)));
        assert_eq!(find(ccw, (0, 7)), Some((7, 3, 5, true)));
        assert_eq!(find(ccw, (12, 19)), Some((7, 6, 8, true)));
        assert_eq!(find(ccw, (32, 32)), Some((7, 12, 13, true)));
        assert_eq!(find(ccw, (64, 71)), None);
        assert_eq!(find(Place::Storage(u64::MAX), (0, 7)), None);
        assert_eq!(find(Place::Orb(8), (8, 15)), Some((9, 1, 4, false)));
        assert_eq!(find(Place::Orb(4), (0, 31)), None);
    }

    #[test]
    fn parts_of_what_is_written_keep_their_place() {
        let bytes = Form::Digits { group: 1, gap: 1 };
        let part = Shown {
            first: Place::Storage(0x20),
            bytes: 2,
            skipped: 3,
            written: written(8, 1, 1, bytes),
        };
        let sources = Sources::new(vec![part]);
        let region = sources.find(Place::Storage(0x21), 1).unwrap();
        assert_eq!((region.column, region.end_column), (13, 15));
        assert_eq!(sources.find(Place::Storage(0x22), 1), None);
    }
}
