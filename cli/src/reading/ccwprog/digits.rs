// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in a file of the format `ccwprog/1` its bytes stand.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fields::Number;
use crate::place::Place;
use crate::source::{Form, Shown, Sources, Written};

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
    addr: Number,
    #[serde(borrow)]
    hex: &'a RawValue,
}

/// Where the bytes stand in `file`, which was read before.
pub(super) fn sources(file: &[u8]) -> Sources {
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
        let form = Form::PLAIN;
        let written = Written {
            bytes,
            line,
            column,
            form,
        };
        Shown::at(first, written)
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
        let sources = sources(file.as_bytes());
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
