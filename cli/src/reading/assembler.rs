// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! CCWs as an assembler takes them, one under the other.
//!
//! ```text
//! SEARCH   CCW1  X'31',ID,X'40',5      what follows is for people
//!          CCW1  X'08',SEARCH,0,0
//!          CCW1  READ,BUFFER,SLI,4096
//! ```
//!
//! Command, address, flags, count. Numbers are decimal, `X'..'` or `B'..'`; addresses may be names of CCWs.
//! Every other name is a number that is not in the input. `CCW` is the same as `CCW0`.

use std::collections::HashMap;

use ccw::Format;

use super::draft::{Draft, flag, free_place, orb};
use super::lines::{self, Line};
use crate::input::{Input, Place, Refusal};
use crate::source::{Form, Written};

/// CCWs in one program at most; so many fill the storage that format 0 reaches.
const MOST_CCWS: usize = 1 << 20;

/// Whether `text` has such a line.
pub(super) fn recognises(text: &str) -> bool {
    lines::lines(text).any(|line| statement(line).is_some())
}

/// A statement: its name, the format, and its operands.
struct Statement<'a> {
    line: Line<'a>,
    name: &'a str,
    format: Format,
    operands: &'a str,
}

/// The CCW that `line` has, if it has one.
fn statement(line: Line<'_>) -> Option<Statement<'_>> {
    if line.text.starts_with(['*', '#']) {
        return None;
    }
    let (mut name, mut rest) = ("", line.text);
    if !line.text.starts_with(char::is_whitespace) {
        (name, rest) = line
            .text
            .split_once(char::is_whitespace)
            .unwrap_or((line.text, ""));
        if format(name).is_some() {
            (name, rest) = ("", line.text);
        }
    }
    let (operation, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let format = format(operation)?;
    let rest = rest.trim_start();
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let operands = rest.get(..end)?;
    operands.contains(',').then_some(Statement {
        line,
        name,
        format,
        operands,
    })
}

fn format(operation: &str) -> Option<Format> {
    match operation.to_ascii_uppercase().as_str() {
        "CCW" | "CCW0" => Some(Format::Zero),
        "CCW1" => Some(Format::One),
        _ => None,
    }
}

/// Decodes the CCWs in `text`; `stem` names the program.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let statements: Vec<Statement<'_>> = lines::lines(text).filter_map(statement).collect();
    let Some(first) = statements.first() else {
        return Err((
            Place::Whole,
            "no statement CCW, CCW0 or CCW1 in it".to_owned(),
        ));
    };
    let format = first.format;
    let other = statements.iter().find(|it| it.format != format);
    if let Some(Statement { line, .. }) = other {
        return Err(line.refuse(line.text, "CCWs of both formats: a program has one"));
    }
    if let Some(Statement { line, .. }) = statements.get(MOST_CCWS) {
        return Err(line.refuse(line.text, format!("more than {MOST_CCWS} CCWs")));
    }
    let names: HashMap<String, usize> = statements
        .iter()
        .enumerate()
        .filter(|(_, it)| !it.name.is_empty())
        .map(|(n, it)| (it.name.to_ascii_uppercase(), n))
        .collect();
    let mut draft = Draft {
        name: stem.to_owned(),
        ..Draft::default()
    };
    // Once to see which storage is free, once with the addresses.
    let raw = all(&statements, &names, None)?;
    let start = free_place(&raw, format, &draft.pieces);
    let ccws = all(&statements, &names, Some(start))?;
    let all = (0..).step_by(8).zip(&statements);
    let written: Vec<_> = all.flat_map(|(at, it)| written(at, it)).collect();
    let bytes = ccws.as_flattened();
    draft.pieces.add_shown(start.into(), bytes, &written);
    let one = if format == Format::One {
        flag::FORMAT_1
    } else {
        0
    };
    let second = one | flag::PREFETCH | flag::IDAW_8 | flag::ALL_PATHS;
    draft.orb = orb(0, second, start);
    draft.remark(format!(
        "no ORB and no addresses are given: the CCWs are shown from {start:x} on, with prefetching, 8-byte \
         IDAWs and key 0"
    ));
    Ok(vec![draft.finish()])
}

/// Where the four parts of the CCW that begins with byte `first` are written.
fn written<'a>(
    first: u64,
    statement: &Statement<'a>,
) -> impl Iterator<Item = (u64, Written)> + use<'a> {
    let line = statement.line;
    let places: [(u64, usize); 4] = match statement.format {
        Format::Zero => [(0, 1), (1, 3), (4, 1), (6, 2)],
        Format::One => [(0, 1), (4, 4), (1, 1), (2, 2)],
    };
    let parts = split(statement.operands).into_iter().zip(places);
    parts.map(move |(part, (at, bytes))| {
        let form = Form::Number(part.chars().count());
        (first + at, line.written(part, bytes, form))
    })
}

/// The CCWs, the first of which lies at `start` if that is known.
fn all(
    statements: &[Statement<'_>],
    names: &HashMap<String, usize>,
    start: Option<u32>,
) -> Result<Vec<[u8; 8]>, Refusal> {
    let one = |it: &Statement<'_>| {
        let Statement { line, operands, .. } = *it;
        let parts = split(operands);
        let [command, addr, flags, count] = parts.as_slice() else {
            let reason = format!(
                "a CCW has command, address, flags and count, here are {}",
                parts.len()
            );
            return Err(line.refuse(operands, reason));
        };
        let number = |text: &str, most: u64, what: &str| -> Result<u64, Refusal> {
            let value = value(text).ok_or_else(|| {
                let reason = format!("the {what} is a number such as 64 or X'40', not a name");
                line.refuse(text, reason)
            })?;
            match value <= most {
                true => Ok(value),
                false => Err(line.refuse(text, format!("the {what} is at most X'{most:X}'"))),
            }
        };
        let zero = it.format == Format::Zero;
        let command = number(command, 0xff, "command")?;
        let most = if zero { 0xff_ffff } else { 0xffff_ffff };
        let addr = match names.get(&addr.to_ascii_uppercase()) {
            Some(n) => u64::from(start.unwrap_or_default()) + *n as u64 * 8,
            None => number(addr, most, "address")?,
        };
        let flags = number(flags, 0xff, "flags")?;
        let count = number(count, 0xffff, "count")?;
        let word = match zero {
            true => command << 56 | (addr & most) << 32 | flags << 24 | count,
            false => command << 56 | flags << 48 | count << 32 | addr,
        };
        Ok(word.to_be_bytes())
    };
    statements.iter().map(one).collect()
}

/// The operands: commas part them but for those in quotes.
fn split(operands: &str) -> Vec<&str> {
    let mut quoted = false;
    let parted = operands.split(|c| {
        quoted ^= c == '\'';
        c == ',' && !quoted
    });
    parted.collect()
}

/// The number that `text` is: decimal, hexadecimal or binary.
fn value(text: &str) -> Option<u64> {
    let quoted = |head: char| {
        let text = text
            .strip_prefix(head)
            .or(text.strip_prefix(head.to_ascii_lowercase()))?;
        text.strip_prefix('\'')?.strip_suffix('\'')
    };
    let plain = |text: &str, radix| {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        u64::from_str_radix(text, radix).ok().filter(|_| digits)
    };
    if let Some(text) = quoted('X') {
        return plain(text, 16);
    }
    if let Some(text) = quoted('B') {
        return plain(text, 2);
    }
    match text.strip_prefix("0x") {
        Some(text) => plain(text, 16),
        None => plain(text, 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> (u32, Vec<u8>) {
        let input = &decode(text, "t").unwrap()[0];
        let start = input.orb.word(2);
        let mut bytes = vec![0; 64];
        let n = input.memory.read(start.into(), &mut bytes);
        bytes.truncate(n);
        (start, bytes)
    }

    #[test]
    fn operands_are_numbers_and_names() {
        let text = "\
            * a comment\n\
            SEEK     CCW1  X'07',X'2000',64,6\n\
            SEARCH   CCW1  x'31',X'2002',B'01000000',5     a remark, with a comma\n\
            \x20        CCW1  8,search,0,0\n";
        let ccws = [
            0x0740_0006_0000_2000u64,
            0x3140_0005_0000_2002,
            0x0800_0000_0000_0008,
        ];
        assert_eq!(bytes(text), (0, ccws.map(u64::to_be_bytes).concat()));
        let zero = bytes(" CCW X'02',X'123456',X'20',80\n CCW0 3,0,0,1\n");
        assert_eq!(zero.0, 0);
        assert_eq!(zero.1[..8], [2, 0x12, 0x34, 0x56, 0x20, 0, 0, 80]);
    }

    #[test]
    fn what_cannot_be_read_is_placed() {
        for (text, line, column, what) in [
            (
                " CCW1 2,3,4",
                1,
                7,
                "a CCW has command, address, flags and count, here are 3",
            ),
            ("\n CCW1 X'100',0,0,1", 2, 7, "the command is at most X'FF'"),
            (
                " CCW0 2,X'1000000',0,1",
                1,
                9,
                "the address is at most X'FFFFFF'",
            ),
            (
                " CCW1 2,0,0,BUFSIZE",
                1,
                13,
                "the count is a number such as",
            ),
            (" CCW1 2,0,0,1\n CCW0 2,0,0,1", 2, 1, "CCWs of both formats"),
        ] {
            let (place, reason) = decode(text, "t").unwrap_err();
            assert_eq!(place, Place::at(line, column), "{text}: {reason}");
            assert!(reason.starts_with(what), "{reason}");
        }
    }
}
