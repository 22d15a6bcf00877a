// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Reading a line back.

use core::{fmt, str::FromStr};

use crate::{CcwLine, RawCcw};

/// What a line should have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// The address: one to eight hexadecimal digits.
    Address,
    /// The colon behind the address.
    Colon,
    /// A word of the CCW: eight hexadecimal digits.
    Word,
    /// A blank, or the end of the line, behind the CCW.
    Blank,
}

/// Why a line is not a CCW, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineError {
    /// Character of the line, counted from 1.
    pub column: usize,
    /// What should stand there.
    pub expected: Expected,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.expected {
            Expected::Address => "an address of one to eight hexadecimal digits",
            Expected::Colon => "a colon behind the address",
            Expected::Word => "a word of eight hexadecimal digits",
            Expected::Blank => "a blank or the end of the line",
        };
        write!(f, "column {}: expected {expected}", self.column)
    }
}

impl core::error::Error for LineError {}

impl FromStr for CcwLine {
    type Err = LineError;

    /// Reads `ADDRESS: WORD WORD`, each in hexadecimal. Blanks may stand before each; what follows
    /// after a blank is not looked at.
    fn from_str(line: &str) -> Result<Self, LineError> {
        let mut cursor = Cursor {
            rest: line,
            column: 1,
        };
        cursor.blanks();
        let addr = cursor.hex(1, Expected::Address)?;
        if !cursor.take(|c| c == ':') {
            return Err(cursor.error(Expected::Colon));
        }
        cursor.blanks();
        let [a, b, c, d] = cursor.hex(8, Expected::Word)?.to_be_bytes();
        cursor.blanks();
        let [e, f, g, h] = cursor.hex(8, Expected::Word)?.to_be_bytes();
        if !cursor.rest.is_empty() && !cursor.take(is_blank) {
            return Err(cursor.error(Expected::Blank));
        }
        Ok(Self {
            addr,
            raw: RawCcw([a, b, c, d, e, f, g, h]),
        })
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The part of a line that is still to be read.
struct Cursor<'a> {
    rest: &'a str,
    column: usize,
}

impl Cursor<'_> {
    fn error(&self, expected: Expected) -> LineError {
        LineError {
            column: self.column,
            expected,
        }
    }

    /// Takes the next character if it is one that `wanted` likes.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let mut chars = self.rest.chars();
        let found = chars.next().is_some_and(wanted);
        if found {
            self.rest = chars.as_str();
            self.column += 1;
        }
        found
    }

    fn blanks(&mut self) {
        while self.take(is_blank) {}
    }

    /// Takes at least `least` and at most eight hexadecimal digits.
    fn hex(&mut self, least: usize, expected: Expected) -> Result<u32, LineError> {
        let mut value = 0;
        let mut digits = 0;
        while digits < 8 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(16)) else {
                break;
            };
            self.take(|_| true);
            value = value << 4 | digit;
            digits += 1;
        }
        if digits < least {
            return Err(self.error(expected));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn parse(line: &str) -> Result<CcwLine, LineError> {
        line.parse()
    }

    #[test]
    fn what_is_accepted() {
        let expected = CcwLine {
            addr: 0x10,
            raw: RawCcw([0x02, 0, 0, 0, 0x60, 0, 0, 0x50]),
        };
        for text in [
            "00000010: 02000000 60000050",
            "10: 02000000 60000050",
            "  10:\t02000000   60000050  READ at 0 -- \u{1f4be}",
            "10:0200000060000050\r\n",
        ] {
            assert_eq!(parse(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_and_where() {
        let rows = [
            ("", 1, Expected::Address),
            ("  x", 3, Expected::Address),
            ("10", 3, Expected::Colon),
            ("123456789: ", 9, Expected::Colon),
            ("10: ", 5, Expected::Word),
            ("10: 0200000", 12, Expected::Word),
            ("10: 0200000g 00000000", 12, Expected::Word),
            ("10: 02000000", 13, Expected::Word),
            ("10: 02000000 6000005", 21, Expected::Word),
            ("10: 02000000 600000500", 22, Expected::Blank),
            ("10: 02000000 60000050\u{e9}", 22, Expected::Blank),
            ("\u{e9}", 1, Expected::Address),
        ];
        for (text, column, expected) in rows {
            let error = LineError { column, expected };
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
        assert_eq!(
            parse("10").unwrap_err().to_string(),
            "column 3: expected a colon behind the address"
        );
    }
}
