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
    let mut before: &[u8] = &[];
    let mut same = 0u64;
    for (n, line) in (0..).zip(bytes.chunks(LINE)) {
        if line == before {
            same += 1;
            continue;
        }
        write_same(&mut text, same, indent);
        (before, same) = (line, 0);
        let at = addr.saturating_add(n * LINE as u64);
        let column = if ascii {
            format!("|{}|", ebcdic::ascii_column(line))
        } else {
            format!("*{}*", ebcdic::column(line))
        };
        let _ = writeln!(text, "{:indent$}{at:08x}: {:35}  {column}", "", words(line));
    }
    write_same(&mut text, same, indent);
    text
}

/// Stands for `same` lines that are like the one before.
fn write_same(text: &mut String, same: u64, indent: usize) {
    if same > 0 {
        let lines = if same == 1 { "line" } else { "lines" };
        let _ = writeln!(
            text,
            "{:indent$}          {same} more {lines} like this",
            ""
        );
    }
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
    fn lines_that_repeat_are_counted() {
        let mut bytes = [0xd8; 16 * 4 + 3];
        bytes[16 * 3] = 0xc1;
        let text = lines(0, &bytes, 0);
        let heads: Vec<&str> = text.lines().map(|line| &line[..14]).collect();
        assert_eq!(
            heads,
            [
                "00000000: d8d8",
                "          2 mo",
                "00000030: c1d8",
                "00000040: d8d8"
            ]
        );
        assert!(text.contains("          2 more lines like this\n"));
        assert!(lines(0, &[7; 32], 1).ends_with("\n           1 more line like this\n"));
    }

    #[test]
    fn columns_count_the_blanks_between_words() {
        assert_eq!(
            [0, 3, 4, 31, 32, 63, 64].map(column),
            [0, 0, 1, 7, 9, 16, 18]
        );
    }
}
