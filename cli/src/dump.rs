// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bytes of storage as lines of hex digits.

use std::fmt::Write;

use crate::ebcdic;

/// Bytes of one line.
const LINE: usize = 16;

/// Hex digits in groups of four bytes, as storage words are written: `00c28000 00002100`.
pub(crate) fn words(bytes: &[u8]) -> String {
    let word = |word: &[u8]| {
        word.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    bytes.chunks(4).map(word).collect::<Vec<_>>().join(" ")
}

/// Column, within what [`words`] writes, of the digit that holds bit `bit`.
pub(crate) const fn column(bit: usize) -> usize {
    bit / 4 + bit / 32
}

/// `1 byte`, `2 bytes`.
pub(crate) fn count(bytes: u64) -> String {
    format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" })
}

/// `bytes` from `addr` on, sixteen to a line, each line indented and with its text: `*EBCDIC*`,
/// or `|ASCII|` where the bytes look like that.
pub(crate) fn lines(addr: u64, bytes: &[u8], indent: usize) -> String {
    let mut text = String::new();
    let ascii = ebcdic::looks_like_ascii(bytes);
    for (n, line) in bytes.chunks(LINE).enumerate() {
        let at = addr.saturating_add((n * LINE) as u64);
        let column = if ascii {
            format!("|{}|", ebcdic::ascii_column(line))
        } else {
            format!("*{}*", ebcdic::column(line))
        };
        let _ = writeln!(text, "{:indent$}{at:08x}: {:35}  {column}", "", words(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_words_and_text() {
        let bytes = b"\xe5\xd6\xd3\xf1\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xc1";
        assert_eq!(
            lines(0x1fff8, bytes, 2),
            "  0001fff8: e5d6d3f1 00010203 04050607 08090a0b  *VOL1............*\n  \
             00020008: c1                                   *A*\n"
        );
    }

    #[test]
    fn columns_count_the_blanks_between_words() {
        assert_eq!(
            [0, 3, 4, 31, 32, 63, 64].map(column),
            [0, 0, 1, 7, 9, 16, 18]
        );
    }
}
