// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! CCW trace records of z/OS, as IPCS formats what GTF has collected with CCWP.
//!
//! ```text
//! CCW CHAIN   FORMAT 1          SSCH              DEV..... 0A80
//! ASCB.... 00FA0800 CPU..... 0001     JOBN.... ANYJOB
//! 00002000 63400010 00003000 C0C00000 00000000 | ........ |
//!                            00000000 00000005 | ........ |
//! 00002008 86440020 00004000
//! IDAW 00000000_00010000 0020 C1C2C3C4 C5C6C7C8 | ABCDEFGH |
//! ```
//!
//! The first digit of an address may be a flag.

use ccw::Format;

use super::lines::MOST_PROGRAMS;
use super::lines::{self, Line, Piece};
use super::shown::List;
use super::traced::Traced;
use crate::input::{Input, Place, Refusal};
use crate::source::{Form, Written};

/// Two words with an underscore between them.
const UNDERSCORE: Form = Form::Digits { group: 4, gap: 1 };

/// Whether `text` has such a record.
pub(super) fn recognises(text: &str) -> bool {
    lines::lines(text).any(|line| {
        line.behind("CCW CHAIN")
            .is_some_and(|rest| rest.contains("FORMAT"))
    })
}

/// Decodes the records in `text`; `stem` names their programs.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let mut programs: Vec<Traced> = Vec::new();
    // Whether data goes on: not behind a gap.
    let mut goes_on = true;
    for line in lines::lines(text) {
        if let Some(head) = line.behind("CCW CHAIN") {
            if programs.len() == MOST_PROGRAMS {
                return Err(line.refuse(line.text, format!("more than {MOST_PROGRAMS} records")));
            }
            let format = head
                .split_once("FORMAT")
                .map_or("", |(_, rest)| rest.trim_start());
            let format = match format.chars().next() {
                Some('0') => Format::Zero,
                Some('1') => Format::One,
                _ => return Err(line.refuse(format, "CCWs have format 0 or 1")),
            };
            let device = line.behind("DEV").unwrap_or_default();
            let device = device.trim_start_matches(['.', ' ']).trim_end();
            programs.push(Traced {
                name: format!("{stem}:{} {device}", line.number),
                format: Some(format),
                ..Traced::default()
            });
            goes_on = true;
            continue;
        }
        let Some(now) = programs.last_mut() else {
            continue;
        };
        let text = line.text.trim();
        if text.starts_with("--") || text.starts_with("**") {
            goes_on = false;
        } else if let Some(midaw) = text.strip_prefix("MIDAW ") {
            let (word, rest) = line.doubleword(midaw, "a MIDAW")?;
            let high = u128::from(u64::from_be_bytes(word.raw));
            now.list_word(List::Midaw(high << 64), word.written);
            goes_on = true;
            now.data(&behind_length(line, rest)?);
        } else if let Some(idaw) = text.strip_prefix("IDAW ") {
            let (word, written, rest) = idaw_of(line, idaw)?;
            now.list_word(word, written);
            goes_on = true;
            now.data(&behind_length(line, rest)?);
        } else if let Some((at, ccw)) = address(text) {
            let (raw, rest) = line.doubleword(ccw, "a CCW")?;
            now.ccw(at, raw);
            goes_on = true;
            now.data(&line.piece(rest.trim_start(), 2).0);
        } else if let Some((high, low)) = text.get(..17).and_then(|text| text.split_once('_')) {
            let written = line.written(high, 8, UNDERSCORE);
            let (high, low) = (
                line.hex(high, 8, "an address")?.0,
                line.hex(low, 8, "an address")?.0,
            );
            now.midaw_address(high << 32 | low, written);
            now.data(
                &line
                    .piece(text.get(17..).unwrap_or_default().trim_start(), 2)
                    .0,
            );
        } else if goes_on && line.text.starts_with("          ") {
            now.data(&line.piece(text, 2).0);
        } else {
            goes_on = false;
        }
    }
    let inputs: Vec<Input> = programs.into_iter().map(Traced::finish).collect();
    match inputs.is_empty() {
        true => Err((Place::Whole, "no CCW trace record in it".to_owned())),
        false => Ok(inputs),
    }
}

/// The IDAW that `text` begins with: two words, or one.
fn idaw_of<'a>(line: Line<'a>, text: &'a str) -> Result<(List, Written, &'a str), Refusal> {
    let text = text.trim_start();
    let (high, rest) = line.hex(text, 8, "a word of an IDAW")?;
    match rest.strip_prefix('_') {
        Some(rest) => {
            let (low, rest) = line.hex(rest, 8, "a word of an IDAW")?;
            let written = line.written(text, 8, UNDERSCORE);
            Ok((List::Idaw8(high << 32 | low), written, rest))
        }
        None => {
            let word = List::Idaw4(u32::try_from(high).unwrap_or_default());
            Ok((word, line.written(text, 4, Form::PLAIN), rest))
        }
    }
}

/// The data behind a length.
fn behind_length<'a>(line: Line<'a>, text: &'a str) -> Result<Piece, Refusal> {
    let (_, rest) = line.hex(text, 4, "the length")?;
    Ok(line.piece(rest.trim_start(), 2).0)
}

/// The address of a CCW that `text` begins with if three words stand there, and what stands behind it.
fn address(text: &str) -> Option<(u32, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let three = text.split_whitespace().take(3);
    let whole = |word: &str| word.len() == 8 && word.bytes().all(|c| c.is_ascii_alphanumeric());
    if word.len() != 8 || !three.clone().all(whole) || three.count() < 3 {
        return None;
    }
    let at = match word.as_bytes().first()? {
        b'0'..=b'7' => word,
        _ => word.get(1..)?,
    };
    Some((u32::from_str_radix(at, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_data_go_where_the_ccws_say() {
        let text = "\
            CCW CHAIN   FORMAT 1          SSCH              DEV..... 0A80\n\
            \x20 00002000 63400010 00003000 C0C00000 00000000 | ........ |\n\
            \x20                            00000000 00000005 | ........ |\n\
            \x20          --Back half of split data--\n\
            \x20                            FFFFFFFF FFFFFFFF | ........ |\n\
            \x20 80002008 86440040 00004000\n\
            \x20IDAW 00000001_00010FF0 0010 C1C2C3C4 C5C6C7C8 | ABCDEFGH |\n\
            \x20 00002010 85010020 00004100\n\
            MIDAW 00000000 00C00020 0020 C1C2C3C4 C5C6C7C8 | ABCDEFGH |\n\
            \x20     00000000_00012000      C9C9C9C9 C9C9C9C9 | IIIIIIII |\n";
        let inputs = decode(text, "t").unwrap();
        let input = &inputs[0];
        let word = |at: u64| {
            let mut bytes = [0; 8];
            (input.memory.read(at, &mut bytes) == 8).then_some(u64::from_be_bytes(bytes))
        };
        assert_eq!(
            (input.name.as_str(), input.orb.word(2)),
            ("t:1 0A80", 0x2000)
        );
        assert_eq!(input.orb.word(1), 0x00c2_ff40, "with MIDAWs");
        assert_eq!(word(0x2000), Some(0x6340_0010_0000_3000));
        assert_eq!(
            word(0x2008),
            Some(0x8644_0040_0000_4000),
            "the first digit was a flag"
        );
        assert_eq!(
            (word(0x3000), word(0x3008)),
            (Some(0xc0c0_0000_0000_0000), Some(5))
        );
        assert!(
            input.memory.lacks(0x3010),
            "nobody knows where the back half begins"
        );
        assert_eq!(word(0x4000), Some(0x1_0001_0ff0));
        assert_eq!(
            (word(0x4100), word(0x4108)),
            (Some(0x00c0_0020), Some(0x12000))
        );
        assert_eq!(word(0x12008), Some(0xc9c9_c9c9_c9c9_c9c9), "what goes out");
        assert!(input.memory.lacks(0x1_0001_0ff0), "what comes in");
    }

    #[test]
    fn what_cannot_be_read_is_placed() {
        let head = "CCW CHAIN   FORMAT 1   SSCH   DEV..... 0A80\n";
        for (text, line, column) in [
            ("CCW CHAIN   FORMAT 2".to_owned(), 1, 20),
            (format!("{head}IDAW 0000001_00010FF0 0010"), 2, 6),
            (format!("{head}IDAW 00000001_00010FF0"), 2, 23),
        ] {
            let (place, reason) = decode(&text, "t").unwrap_err();
            assert_eq!(place, Place::at(line, column), "{text}: {reason}");
        }
    }
}
