// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bytes as people read them: code page 037, where a dump shows what s390 programs wrote.

/// The ASCII character of an EBCDIC byte (code page 037), if it has one.
pub(crate) const fn to_ascii(byte: u8) -> Option<char> {
    let c = match byte {
        0x40 => b' ',
        0x4b..=0x50 => b".<(+|&"[byte as usize - 0x4b],
        0x5a..=0x5e => b"!$*);"[byte as usize - 0x5a],
        0x60..=0x61 => b"-/"[byte as usize - 0x60],
        0x6b..=0x6f => b",%_>?"[byte as usize - 0x6b],
        0x79..=0x7f => b"`:#@'=\""[byte as usize - 0x79],
        0x81..=0x89 => byte - 0x81 + b'a',
        0x91..=0x99 => byte - 0x91 + b'j',
        0xa1 => b'~',
        0xa2..=0xa9 => byte - 0xa2 + b's',
        0xb0 => b'^',
        0xba => b'[',
        0xbb => b']',
        0xc0 => b'{',
        0xc1..=0xc9 => byte - 0xc1 + b'A',
        0xd0 => b'}',
        0xd1..=0xd9 => byte - 0xd1 + b'J',
        0xe0 => b'\\',
        0xe2..=0xe9 => byte - 0xe2 + b'S',
        0xf0..=0xf9 => byte - 0xf0 + b'0',
        _ => return None,
    };
    Some(c as char)
}

/// One character for each byte, `.` for those that have none.
pub(crate) fn column(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| to_ascii(byte).unwrap_or('.'))
        .collect()
}

/// The same for bytes that are ASCII.
pub(crate) fn ascii_column(bytes: &[u8]) -> String {
    let printable = |byte: &u8| {
        if is_ascii(*byte) {
            char::from(*byte)
        } else {
            '.'
        }
    };
    bytes.iter().map(printable).collect()
}

/// Whether `bytes` are ASCII text rather than anything else: nearly all of them printable, and
/// more of them than in EBCDIC.
pub(crate) fn looks_like_ascii(bytes: &[u8]) -> bool {
    let ascii = bytes.iter().filter(|byte| is_ascii(**byte)).count();
    let ebcdic = bytes
        .iter()
        .filter(|byte| to_ascii(**byte).is_some())
        .count();
    ascii * 10 >= bytes.len() * 8 && ascii > ebcdic
}

const fn is_ascii(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_label_reads_as_text() {
        assert_eq!(
            column(b"\xe5\xd6\xd3\xf1\xd3\xe7\xf0\xf0\xf0\xf1"),
            "VOL1LX0001"
        );
        assert_eq!(column(b"\x81\xa9\x91\xa2\x6b\x40\x7f\x7d"), "azjs, \"'");
        assert_eq!(column(b"\xc1\x00\xff\x4b\x5e\x6f\xe0"), "A...;?\\");
    }

    #[test]
    fn ascii_is_told_from_ebcdic() {
        assert!(looks_like_ascii(b"#!/bin/busybox sh\n/bin/busybox"));
        assert!(!looks_like_ascii(
            b"\xe5\xd6\xd3\xf1\xd3\xe7\xf0\xf0\xf0\xf1"
        ));
        assert!(!looks_like_ascii(b"\x40\x40\x40\x40"), "blanks in EBCDIC");
        assert!(!looks_like_ascii(&[0, 1, 2, 3]));
        assert_eq!(ascii_column(b"a\n~\x7f"), "a.~.");
    }

    #[test]
    fn no_two_bytes_share_a_character() {
        let mut all: Vec<char> = (0..=255).filter_map(to_ascii).collect();
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), n), (95, 95), "all printable ASCII");
    }
}
