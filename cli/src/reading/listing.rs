// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage as people write it down: an address, a colon, bytes.
//!
//! ```text
//! orb: 00000000 00c2ff00 00002000
//! 2000: 02600050 00003000
//! 2008  E4200040 00003000   whatever follows two spaces, or a #
//! 3000: 00 01 02 03
//! ```
//!
//! Without an ORB the program begins at the first address, in the format that it looks like.

use super::draft::{Draft, Pieces, flag, format_of, orb};
use super::lines::{self, Line};
use crate::input::{Input, Place, Refusal};
use crate::source::Form;

/// Lines of bytes at most.
const MOST_LINES: usize = 1 << 20;

/// Whether `text` begins with such a line.
pub(super) fn recognises(text: &str) -> bool {
    let mut lines = lines::lines(text).filter(|line| !content(*line).is_empty());
    lines.next().is_some_and(|line| {
        let text = content(line);
        let (address, rest) = lines::hex_run(text.strip_prefix("0x").unwrap_or(text));
        let orb = text
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case("orb:"));
        let behind = rest.strip_prefix(':').unwrap_or_default();
        orb || !address.is_empty() && !lines::bytes(behind.trim_start(), 1).0.is_empty()
    })
}

/// A line without what is only for people.
fn content(line: Line<'_>) -> &str {
    let text = line.text.split(['#', '*', '|']).next().unwrap_or_default();
    text.trim()
}

/// Decodes the listing in `text`; `stem` names the program.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let mut draft = Draft {
        name: stem.to_owned(),
        ..Draft::default()
    };
    let mut given: Option<[u32; 3]> = None;
    let mut left = MOST_LINES;
    let mut first: Option<u64> = None;
    for line in lines::lines(text) {
        let text = content(line);
        if text.is_empty() {
            continue;
        }
        let Some((head, rest)) = text.split_once(':') else {
            return Err(line.refuse(text, "no colon behind an address"));
        };
        if head.trim().eq_ignore_ascii_case("orb") {
            let mut words = [0; 3];
            let mut rest = rest.trim_start();
            draft.orb_shown.clear();
            for (at, word) in (0..).step_by(4).zip(&mut words) {
                let written = line.written(rest, 4, Form::PLAIN);
                draft.orb_shown.push((at, written));
                (*word, rest) = line.hex(rest, 8, "a word of the ORB")?;
                rest = rest.trim_start();
            }
            given = Some(words.map(|it| u32::try_from(it).unwrap_or_default()));
            continue;
        }
        let digits = head.trim().trim_start_matches("0x");
        let at = u64::from_str_radix(digits, 16)
            .map_err(|_| line.refuse(head, "an address is a number in hex digits"))?;
        let (piece, rest) = line.piece(rest.trim_start(), usize::MAX);
        if piece.bytes.is_empty() {
            return Err(line.refuse(rest, "bytes are pairs of hex digits"));
        }
        // What stands behind is for people if it stands apart.
        let apart = rest.is_empty()
            || rest.starts_with(' ')
            || !rest.starts_with(|c: char| c.is_ascii_hexdigit());
        if !apart {
            return Err(line.refuse(
                rest,
                "bytes are pairs of hex digits, in groups that are alike",
            ));
        }
        left = left
            .checked_sub(1)
            .ok_or_else(|| line.refuse(text, format!("more than {MOST_LINES} lines of bytes")))?;
        first.get_or_insert(at);
        if !draft.pieces.add_piece(at, &piece) {
            return Err(line.refuse(text, "other bytes were given for this address before"));
        }
    }
    let [parameter, second, cpa] = match (given, first) {
        (Some(orb), _) => orb,
        (None, Some(first)) => guess(&mut draft, first)?,
        (None, None) => return Err((Place::Whole, "no bytes in it".to_owned())),
    };
    draft.orb = orb(parameter, second, cpa);
    Ok(vec![draft.finish()])
}

/// The words of the ORB of a program that begins at `first`.
fn guess(draft: &mut Draft, first: u64) -> Result<[u32; 3], Refusal> {
    let Some(cpa) = u32::try_from(first).ok().filter(|at| *at < 1 << 31) else {
        let reason =
            format!("no ORB, and a program cannot begin at {first:x}: it must lie below 2 GiB");
        return Err((Place::Whole, reason));
    };
    let ccws = chain(&draft.pieces, first);
    let format = format_of(&ccws);
    let one = format == ccw::Format::One;
    draft.remark(format!(
        "no ORB is given (`orb: WORD WORD WORD`): a program in format {} at {cpa:08x} is taken for granted, \
         with prefetching, 8-byte IDAWs and key 0",
        u8::from(one)
    ));
    let format = if one { flag::FORMAT_1 } else { 0 };
    let second = format | flag::PREFETCH | flag::IDAW_8 | flag::ALL_PATHS;
    Ok([0, second, cpa])
}

/// The doublewords from `at` on that are known, up to one that goes on in neither format.
fn chain(pieces: &Pieces, at: u64) -> Vec<[u8; 8]> {
    let mut ccws = Vec::new();
    for at in (at..).step_by(8).take(64) {
        let Some(raw) = pieces.doubleword(at) else {
            break;
        };
        ccws.push(raw);
        if (raw[1] | raw[4]) & 0xc0 == 0 {
            break;
        }
    }
    ccws
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_addresses_and_bytes() {
        let text = "# why\nORB: 00000001 00c2ff00 00002000\n0x2000: 0220 0010  00003000\n2004: 00003000 *..*\n";
        let input = &decode(text, "t").unwrap()[0];
        assert_eq!(
            [0, 1, 2].map(|n| input.orb.word(n)),
            [1, 0x00c2_ff00, 0x2000]
        );
        let mut bytes = [0; 9];
        assert_eq!(input.memory.read(0x2000, &mut bytes), 8);
        assert_eq!(bytes[..8], [2, 0x20, 0, 0x10, 0, 0, 0x30, 0]);
    }

    #[test]
    fn what_cannot_be_read_is_placed() {
        for (text, line, column) in [
            ("2000 02200010", 1, 1),
            ("\n  20g0: 02", 2, 3),
            ("2000: 0", 1, 7),
            ("2000: 02 0x", 1, 10),
            ("2000: 02\n2000: 03", 2, 1),
            ("orb: 00000000 00c2ff00", 1, 23),
        ] {
            let (place, reason) = decode(text, "t").unwrap_err();
            assert_eq!(place, Place::at(line, column), "{text}: {reason}");
        }
        assert_eq!(decode("", "t").unwrap_err().0, Place::Whole);
    }
}
