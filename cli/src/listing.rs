// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A channel program as a listing: one line per word, remarks under the digits they are about.

use std::fmt::Write;

use crate::dump;

/// Columns before the digits of a word.
const MARGIN: usize = 20;
/// Columns of the digits; a CCW has two words.
const DIGITS: usize = 19;
/// Column at which remarks are broken into lines.
const WIDTH: usize = 100;

/// One word of the program, or a piece of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it is: `ORB`, the number of a CCW, `IDAW 2`.
    pub(crate) head: String,
    /// Where it stands; the ORB is not in storage.
    pub(crate) at: Option<u64>,
    /// Its bytes.
    pub(crate) raw: Vec<u8>,
    /// What they say.
    pub(crate) what: String,
    /// Storage that the line leads to, to be shown under it.
    pub(crate) data: String,
    /// Remarks.
    pub(crate) marks: Vec<Mark>,
}

/// A remark about some bits of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// First and last bit; none means all of it.
    pub(crate) bits: Option<(usize, usize)>,
    /// The remark, one paragraph each.
    pub(crate) text: Vec<String>,
}

impl Line {
    /// The line and its remarks.
    pub(crate) fn render(&self, into: &mut String) {
        let at = self.at.map_or_else(String::new, |at| format!("{at:08X}"));
        let line = format!(
            "{:9}  {at:8} {:DIGITS$}  {}",
            self.head,
            dump::words(&self.raw),
            self.what
        );
        let _ = writeln!(into, "{}", line.trim_end());
        for mark in &self.marks {
            self.render_mark(mark, into);
        }
        into.push_str(&self.data);
    }

    fn render_mark(&self, mark: &Mark, into: &mut String) {
        let last = (self.raw.len() * 8).saturating_sub(1);
        let (first, last) = mark
            .bits
            .map_or((0, last), |(a, b)| (a.min(last), b.min(last)));
        let (first, last) = (dump::column(first), dump::column(last));
        let carets = "^".repeat(last.saturating_sub(first) + 1);
        let mut head = format!("{:MARGIN$}{:first$}{carets}", "", "");
        // Text begins behind the digits, so that remarks stand in a column.
        let column = MARGIN + DIGITS + 2;
        for paragraph in &mark.text {
            for part in wrap(paragraph, WIDTH - column) {
                let _ = writeln!(into, "{head:column$}{part}");
                head.clear();
            }
        }
    }
}

/// `text` in lines of at most `width` characters.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let full = |line: &String| !line.is_empty() && line.len() + 1 + word.len() > width;
        if lines.last().is_none_or(full) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_under_their_digits() {
        let line = Line {
            head: "IDAW 1".into(),
            at: Some(0x4088),
            raw: vec![0, 0, 0, 0, 0, 0, 0x60, 0x10],
            what: "block".into(),
            data: String::new(),
            marks: vec![Mark {
                bits: Some((52, 63)),
                text: vec!["error".into(), "to fix: do".into()],
            }],
        };
        let mut text = String::new();
        line.render(&mut text);
        assert_eq!(
            text,
            "\
IDAW 1     00004088 00000000 00006010    block
                                  ^^^    error
                                         to fix: do
"
        );
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("ab cd efg h", 5), ["ab cd", "efg h"]);
        assert_eq!(wrap("abcdefgh i", 5), ["abcdefgh", "i"]);
    }
}
