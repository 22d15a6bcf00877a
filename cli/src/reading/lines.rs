// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lines of text, and numbers in them, with the place of what cannot be read.

use crate::input::{Place, Refusal};
use crate::source::{Form, Written};

/// Programs of one text at most: what belongs to them is kept until they are judged.
pub(super) const MOST_PROGRAMS: usize = 1 << 16;

/// A line of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Its characters.
    pub(super) text: &'a str,
}

/// The lines of `text`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let numbered = text.lines().zip(1..);
    numbered.map(|(text, number)| Line { number, text })
}

/// Bytes, and how a text shows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// What is written of them, each from this one on.
    pub(super) written: Vec<(u64, Written)>,
}

impl Piece {
    /// This, and `more` behind it.
    pub(super) fn extend(&mut self, more: &Self) {
        let behind = self.bytes.len() as u64;
        self.bytes.extend(&more.bytes);
        let written = more.written.iter().map(|(at, it)| (behind + at, *it));
        self.written.extend(written);
    }
}

impl<'a> Line<'a> {
    /// How `bytes` bytes are written at `part`, which is a part of the line.
    pub(super) fn written(self, part: &str, bytes: usize, form: Form) -> Written {
        Written {
            bytes: bytes as u64,
            line: self.number,
            column: self.column(part),
            form,
        }
    }

    /// The column of `part`, which is a part of the line.
    fn column(self, part: &str) -> usize {
        let offset = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..offset).unwrap_or_default();
        before.chars().count() + 1
    }

    /// Gives up at `part`, which is a part of the line.
    pub(super) fn refuse(self, part: &str, reason: impl Into<String>) -> Refusal {
        let place = Place::at(self.number, self.column(part));
        (place, reason.into())
    }

    /// What stands behind the first `word` of the line, whatever its case.
    pub(super) fn behind(self, word: &str) -> Option<&'a str> {
        let at = find(self.text, word)?;
        self.text.get(at + word.len()..)
    }

    /// The number of `digits` hex digits that `text` begins with, and what stands behind.
    pub(super) fn hex(
        self,
        text: &'a str,
        digits: usize,
        what: &str,
    ) -> Result<(u64, &'a str), Refusal> {
        let text = text.trim_start();
        let (run, rest) = hex_run(text);
        match u64::from_str_radix(run, 16) {
            Ok(value) if run.len() == digits => Ok((value, rest)),
            _ => {
                let reason = format!("{what} has {digits} hex digits, here are {}", run.len());
                Err(self.refuse(text, reason))
            }
        }
    }

    /// The doubleword that `text` begins with, as two words of eight hex digits or sixteen digits in a
    /// row, and what stands behind.
    pub(super) fn doubleword(
        self,
        text: &'a str,
        what: &str,
    ) -> Result<(Doubleword, &'a str), Refusal> {
        let text = text.trim_start();
        if hex_run(text).0.len() == 16 {
            let (value, rest) = self.hex(text, 16, what)?;
            let written = self.written(text, 8, Form::PLAIN);
            return Ok((Doubleword::new(value, written), rest));
        }
        let (high, rest) = self.hex(text, 8, &format!("a word of {what}"))?;
        let gap = rest.chars().take_while(|c| c.is_whitespace()).count();
        let (low, rest) = self.hex(rest, 8, &format!("a word of {what}"))?;
        let written = self.written(text, 8, Form::Digits { group: 4, gap });
        Ok((Doubleword::new(high << 32 | low, written), rest))
    }

    /// The bytes that `text`, a part of the line, begins with, as [`bytes`] takes them.
    pub(super) fn piece(self, text: &'a str, most: usize) -> (Piece, &'a str) {
        let (bytes, rest) = bytes(text, most);
        let group = hex_run(text).0.len() as u64 / 2;
        let written = self.written(text, bytes.len(), Form::Digits { group, gap: 1 });
        let written = match bytes.is_empty() {
            true => Vec::new(),
            false => vec![(0, written)],
        };
        (Piece { bytes, written }, rest)
    }
}

/// Eight bytes that a text shows in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubleword {
    /// The bytes.
    pub(super) raw: [u8; 8],
    /// How they are written.
    pub(super) written: Written,
}

impl Doubleword {
    const fn new(value: u64, written: Written) -> Self {
        let raw = value.to_be_bytes();
        Self { raw, written }
    }
}

/// Where `word`, which is ASCII, first stands in `text`, whatever its case.
pub(super) fn find(text: &str, word: &str) -> Option<usize> {
    let mut windows = text.as_bytes().windows(word.len().max(1));
    windows.position(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// The hex digits that `text` begins with, and the rest.
pub(super) fn hex_run(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_hexdigit());
    text.split_at(end.unwrap_or(text.len()))
}

/// The bytes that `text` begins with: up to `most` groups of hex digits, one space or one underscore
/// between them. It ends at whatever is no such group, or behind one shorter than the first.
pub(super) fn bytes(text: &str, most: usize) -> (Vec<u8>, &str) {
    let mut bytes = Vec::new();
    let mut rest = text;
    let mut first = None;
    for _ in 0..most {
        let (run, behind) = hex_run(rest);
        let first = *first.get_or_insert(run.len());
        let whole = behind.is_empty() || behind.starts_with([' ', '\t', '_', ',', ')']);
        if run.is_empty() || run.len() % 2 == 1 || run.len() > first || !whole {
            break;
        }
        let digits = run.as_bytes().chunks_exact(2);
        bytes.extend(digits.filter_map(|two| {
            let two = std::str::from_utf8(two).ok()?;
            u8::from_str_radix(two, 16).ok()
        }));
        rest = behind.strip_prefix([' ', '_']).unwrap_or(behind);
        if run.len() < first {
            break;
        }
    }
    (bytes, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_1() {
        let line = lines("\n  é xyz").nth(1).unwrap();
        let (place, reason) = line.refuse(line.text.split(' ').nth(3).unwrap(), "no");
        let expected = Place::at(2, 5);
        assert_eq!((place, reason.as_str()), (expected, "no"));
    }

    #[test]
    fn doublewords_are_whole() {
        let line = lines("02000018 60000050=>").next().unwrap();
        let (word, rest) = line.doubleword(line.text, "a CCW").unwrap();
        assert_eq!((word.raw, rest), ([2, 0, 0, 0x18, 0x60, 0, 0, 0x50], "=>"));
        let line = lines("02000018 6000005=>").next().unwrap();
        let (place, reason) = line.doubleword(line.text, "a CCW").unwrap_err();
        assert!(matches!(place, Place::At { column: 10, .. }), "{place:?}");
        assert_eq!(reason, "a word of a CCW has 8 hex digits, here are 7");
    }

    #[test]
    fn bytes_end_where_text_begins() {
        assert_eq!(
            bytes("0014000E 05        .....", 4).0,
            [0, 0x14, 0, 0x0e, 5]
        );
        assert_eq!(bytes("C1C2C3C4 C1C2C3C4 FACE", 2).0.len(), 8);
        assert_eq!(bytes("00 01 02 x", 16), (vec![0, 1, 2], "x"));
        assert!(bytes("0 1", 16).0.is_empty());
        assert_eq!(bytes("12345678 facet", 4).0.len(), 4);
    }
}
