// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in its file the bytes of an input stand.

use crate::place::Place;

/// Hex digits without anything between them, two to a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    /// What the first two stand for.
    pub(crate) first: Place,
    /// How many bytes there are.
    pub(crate) bytes: u64,
    /// Line of the file, from 1.
    pub(crate) line: usize,
    /// Character of the first digit, from 1.
    pub(crate) column: usize,
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
}

/// Where the bytes of one input stand, as far as its format shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources(Vec<Digits>);

impl Sources {
    /// These digits, in any order.
    pub(crate) fn new(mut digits: Vec<Digits>) -> Self {
        digits.sort_by_key(|digits| digits.first);
        Self(digits)
    }

    /// Where the `bytes` bytes from `place` on stand, if they do.
    pub(crate) fn find(&self, place: Place, bytes: u64) -> Option<Region> {
        let (line, column) = self.byte(place)?;
        let (end_line, end) = self.byte(place.plus(bytes.checked_sub(1)?))?;
        Some(Region {
            line,
            column,
            end_line,
            end_column: end + 2,
        })
    }

    /// Line and column of the byte at `place`.
    fn byte(&self, place: Place) -> Option<(usize, usize)> {
        let next = self.0.partition_point(|digits| digits.first <= place);
        let digits = self.0.get(next.checked_sub(1)?)?;
        let offset = place.behind(digits.first)?;
        let column = digits.column + 2 * usize::try_from(offset).ok()?;
        (offset < digits.bytes).then_some((digits.line, column))
    }
}
