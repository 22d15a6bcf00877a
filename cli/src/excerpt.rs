// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in its file what decides a finding stands, with the line of a text underlined.

use translator::Finding;

use crate::input::Input;
use crate::memory::{Origin, Part};
use crate::place::Place;
use crate::printable::printable;
use crate::source::Region;
use crate::text::Text;

/// Characters of a line that are shown.
const WIDTH: usize = 72;

/// Characters of them that come before what is underlined, if it is far to the right.
const BEFORE: usize = 32;

/// Columns up to which lines are shown.
const FAR: usize = 1 << 16;

/// Where what decides `finding` stands in the file of `input`, if it does: `in messages.txt:3:28` and the
/// line, or `in guest.elf, offset 0x1080`.
pub(crate) fn of(finding: &Finding, input: &Input) -> Option<Vec<String>> {
    if input.file.is_empty() {
        // Nobody has it as a file.
        return None;
    }
    let bytes = finding.site.word.as_bytes().len();
    let all = (0, (8 * bytes as u64).checked_sub(1)?);
    let bits = finding.site.bits;
    let bits = bits.map_or(all, |(first, last)| (first.into(), last.into()));
    let place = Place::of(finding);
    let file = printable(&input.file);
    let sources = &input.sources;
    let region = sources.bits(place, bits);
    if let Some(region) = region.or_else(|| sources.bits(place, all)) {
        let mut excerpt = vec![format!("in {file}:{}:{}", region.line, region.column)];
        if let Some(text) = &sources.text {
            excerpt.extend(lines(text, &region));
        }
        return Some(excerpt);
    }
    let origin = origin(input, place.plus(bits.0 / 8))?;
    Some(vec![format!("in {file}, {}", dumped(origin))])
}

/// Where in a dump `place` stands.
pub(crate) fn origin(input: &Input, place: Place) -> Option<Origin> {
    let at = match place {
        Place::Storage(at) => at,
        Place::Orb(at) => input.orb_at?.checked_add(at)?,
    };
    input.memory.origin(at)
}

/// `origin` in words.
fn dumped(origin: Origin) -> String {
    let offset = origin.offset;
    match origin.part {
        Part::Image => format!("offset {offset:#x}"),
        Part::Segment(n) => format!("offset {offset:#x}, in segment {n} of its storage (PT_LOAD)"),
        Part::Page(n) => format!("offset {offset:#x}, in page {n:x} of storage"),
        Part::Compressed(n) => {
            format!("in page {n:x} of storage, which is compressed, at offset {offset:#x}")
        }
    }
}

/// The line with the beginning of `region`, and what is underlined of it.
fn lines(text: &Text, region: &Region) -> Vec<String> {
    let Some(rest) = text.from(region.line).filter(|_| region.column < FAR) else {
        return Vec::new();
    };
    let skipped = match region.column + WIDTH / 4 > WIDTH {
        true => region.column.saturating_sub(BEFORE),
        false => 0,
    };
    let mut line = rest
        .chars()
        .take_while(|c| !matches!(c, '\n' | '\r'))
        .skip(skipped);
    // One column each, whatever it is.
    let plain = |c: char| match printable(c.encode_utf8(&mut [0; 4])).chars().count() {
        1 => c,
        _ => ' ',
    };
    let shown: String = line.by_ref().take(WIDTH).map(plain).collect();
    let end = match region.end_line == region.line {
        true => region.end_column,
        false => usize::MAX,
    };
    let first = region.column.saturating_sub(1 + skipped);
    let count = end.saturating_sub(region.column);
    let most = shown.chars().count().saturating_sub(first);
    let (head, tail) = (
        if skipped > 0 { "..." } else { "" },
        if line.next().is_some() { "..." } else { "" },
    );
    let number = region.line.to_string();
    let (margin, first) = (number.len(), head.len() + first);
    vec![
        format!("{number} | {head}{}{tail}", shown.trim_end()),
        format!(
            "{:margin$} | {:first$}{}",
            "",
            "",
            "^".repeat(count.min(most))
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;
    use crate::reading::Reading;

    fn of(text: &str, line: usize, columns: std::ops::Range<usize>) -> String {
        let region = Region {
            line,
            column: columns.start,
            end_line: line,
            end_column: columns.end,
            plain: true,
        };
        lines(&Text::new(text.to_owned()), &region).join("\n")
    }

    /// Of every finding about every text of the tests that shows the word, and what is written in digits.
    #[test]
    fn what_is_underlined_is_the_deciding_digits() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let (mut of_json, mut of_text) = (0, 0);
        for folder in ["tests/programs", "cli/tests/inputs"] {
            for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
                let path = entry.unwrap().path();
                let Ok(inputs) = Reading::default().all(&path) else {
                    continue;
                };
                for input in inputs {
                    for finding in analysis::judge(&input).findings() {
                        let word = finding.site.word.as_bytes();
                        let Some(last) = (word.len() as u64 * 8).checked_sub(1) else {
                            continue;
                        };
                        let bits = finding.site.bits;
                        let bits = bits.map_or((0, last), |(a, b)| (a.into(), b.into()));
                        let place = Place::of(finding);
                        let Some(region) = input.sources.bits(place, bits) else {
                            continue;
                        };
                        let text = input.sources.text.as_ref().unwrap();
                        let line = text.from(region.line).unwrap().lines().next().unwrap();
                        let there = line.chars().take(region.end_column - 1);
                        let there: String = there.skip(region.column - 1).collect();
                        if there.contains('\'') {
                            continue; // A number of an assembler's.
                        }
                        let there = there.replace([' ', '_'], "").to_ascii_lowercase();
                        let digits: String = word.iter().map(|it| format!("{it:02x}")).collect();
                        let at = |bit: u64| usize::try_from(bit / 4).unwrap();
                        assert_eq!(
                            there,
                            digits[at(bits.0)..=at(bits.1)],
                            "{path:?}: {finding:?}"
                        );
                        match path.extension().is_some_and(|it| it == "json") {
                            true => of_json += 1,
                            false => of_text += 1,
                        }
                    }
                }
            }
        }
        assert!(of_json > 100 && of_text > 5, "{of_json} {of_text}");
    }

    #[test]
    fn the_line_is_shown_with_what_decides_underlined() {
        assert_eq!(of("a\nbc 0123 d\r\ne", 2, 4..6), "2 | bc 0123 d\n  |    ^^");
        // Whatever a character is, it takes one column.
        assert_eq!(of("\té\x1b\u{202e}01", 1, 5..7), "1 |  é  01\n  |     ^^");
    }

    #[test]
    fn of_a_long_line_a_part_is_shown() {
        let text = format!("{}01{}", "-".repeat(1000), "-".repeat(1000));
        let shown = of(&text, 1, 1001..1003);
        let (line, under) = shown.split_once('\n').unwrap();
        assert_eq!(line.find("01"), under.find("^^"));
        assert!(line.len() < 90 && line.contains("| ...-") && line.ends_with("-..."));
        let text = "-".repeat(FAR) + "01";
        assert_eq!(of(&text, 1, FAR + 1..FAR + 3), "", "nor is it looked for");
    }
}
