// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in its file the bytes of an input stand.

use serde::Deserialize;
use serde_json::value::RawValue;

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

/// The members of `ccwprog/1` that hold bytes.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    orb: Orb<'a>,
    #[serde(borrow)]
    memory: Storage<'a>,
}

#[derive(Deserialize)]
struct Orb<'a> {
    #[serde(borrow)]
    raw: &'a RawValue,
}

#[derive(Deserialize)]
struct Storage<'a> {
    #[serde(borrow, default)]
    ranges: Vec<Range<'a>>,
}

#[derive(Deserialize)]
struct Range<'a> {
    addr: crate::input::Number,
    #[serde(borrow)]
    hex: &'a RawValue,
}

/// Where the bytes stand in a file of the format `ccwprog/1` that was read before.
pub(crate) fn of_json(file: &[u8]) -> Sources {
    let Ok(document) = serde_json::from_slice::<Document<'_>>(file) else {
        return Sources::default();
    };
    let orb = (Place::Orb(0), document.orb.raw);
    let ranges = document.memory.ranges.iter();
    let ranges = ranges.map(|range| (Place::Storage(range.addr.0), range.hex));
    let mut parts: Vec<(usize, Place, u64)> = std::iter::once(orb)
        .chain(ranges)
        .filter_map(|(place, raw)| {
            let text = raw.get();
            let digits = text.strip_prefix('"')?.strip_suffix('"')?;
            // An escaped digit is not where it seems to be.
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let offset = (text.as_ptr() as usize).checked_sub(file.as_ptr() as usize)? + 1;
            plain.then_some((offset, place, digits.len() as u64 / 2))
        })
        .collect();
    parts.sort_by_key(|(offset, ..)| *offset);
    let (mut line, mut column, mut at) = (1, 1, 0);
    let digits = parts.into_iter().map(|(offset, first, bytes)| {
        for byte in file.get(at..offset).unwrap_or_default() {
            match byte {
                b'\n' => (line, column) = (line + 1, 1),
                // The bytes of one character, but for the first.
                0x80..=0xbf => {}
                _ => column += 1,
            }
        }
        at = offset;
        Digits {
            first,
            bytes,
            line,
            column,
        }
    });
    Sources::new(digits.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_where_their_digits_do() {
        let file = "{\"name\": \"ä\", \"orb\": {\"raw\": \"0011223344\"},\n \"memory\": {\"ranges\": [\n\
                    {\"addr\": \"0x10\", \"hex\": \"aabb\"}, {\"addr\": 18, \"hex\": \"ccdd\"},\n\
                    {\"addr\": 32, \"hex\": \"\\u0030f\"}]}}";
        let sources = of_json(file.as_bytes());
        let find = |place, bytes| {
            let region = sources.find(place, bytes)?;
            Some((
                region.line,
                region.column,
                region.end_line,
                region.end_column,
            ))
        };
        assert_eq!(find(Place::Orb(1), 2), Some((1, 33, 1, 37)));
        assert_eq!(find(Place::Orb(5), 1), None);
        assert_eq!(find(Place::Storage(0x11), 1), Some((3, 28, 3, 30)));
        assert_eq!(find(Place::Storage(0x11), 2), Some((3, 28, 3, 57)));
        assert_eq!(find(Place::Storage(0x10), 5), None);
        assert_eq!(find(Place::Storage(0x20), 1), None, "an escaped digit");
        assert_eq!(find(Place::Storage(0), 1), None);
    }
}
