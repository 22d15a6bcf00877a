// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One line of a listing, with remarks under the digits that they are about.

use std::fmt::Write;

/// Columns of the heading.
pub(super) const HEAD: usize = 10;
/// Columns of an address with its colon.
pub(super) const ADDRESS: usize = 10;
/// Columns of two words.
const WORDS: usize = 17;
/// Column at which remarks are broken into lines.
const WIDTH: usize = 100;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The ORB.
    Orb,
    /// The CCW with this number.
    Ccw(u16),
    /// A word of the list of that CCW.
    ListWord(u16, u16),
    /// A part, at this address, of the control blocks of transport mode.
    Block(u64),
}

/// One word of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it is about.
    pub(crate) subject: Subject,
    /// What stands before it, if its subject does not say so.
    pub(crate) head: String,
    /// Address, words and what they say; words begin at column [`ADDRESS`].
    pub(crate) text: String,
    /// Bytes of the words.
    pub(crate) bytes: usize,
    /// Storage that the line leads to, to be shown under it.
    pub(crate) data: String,
    /// Remarks.
    pub(crate) marks: Vec<Mark>,
}

/// A remark about some bits of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// First and last bit; none means all of them.
    pub(crate) bits: Option<(usize, usize)>,
    /// The remark, one paragraph each.
    pub(crate) text: Vec<String>,
    /// Where in the input that stands, with the line.
    pub(crate) excerpt: Vec<String>,
}

impl Line {
    /// The line and its remarks.
    pub(crate) fn render(&self, into: &mut String) {
        let head = match self.subject {
            Subject::Orb => "ORB".to_owned(),
            Subject::Ccw(index) => format!("CCW {index}"),
            Subject::ListWord(_, word) => format!("   [{word}]"),
            Subject::Block(_) => self.head.clone(),
        };
        let _ = writeln!(
            into,
            "{}",
            format_args!("{head:HEAD$}{}", self.text.trim_end())
        );
        for mark in &self.marks {
            self.render_mark(mark, into);
        }
        into.push_str(&self.data);
    }

    fn render_mark(&self, mark: &Mark, into: &mut String) {
        let last_bit = (self.bytes * 8).saturating_sub(1);
        let (first, last) = mark
            .bits
            .map_or((0, last_bit), |(a, b)| (a.min(last_bit), b.min(last_bit)));
        let (first, last) = (crate::dump::column(first), crate::dump::column(last));
        let carets = "^".repeat(last.saturating_sub(first) + 1);
        let mut head = format!(
            "{:margin$}{:first$}{carets}",
            "",
            "",
            margin = HEAD + ADDRESS
        );
        // Text begins behind the digits, so that remarks stand in a column.
        let words = WORDS.max(crate::dump::column(last_bit) + 1);
        let column = HEAD + ADDRESS + words + 2;
        for paragraph in &mark.text {
            for part in wrap(paragraph, WIDTH - column) {
                let _ = writeln!(into, "{head:column$}{part}");
                head.clear();
            }
        }
        for line in &mark.excerpt {
            let _ = writeln!(into, "{:HEAD$}{line}", "");
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
        let mut line = Line {
            subject: Subject::ListWord(0, 1),
            head: String::new(),
            text: "00004088: 00000000 00006010  block".into(),
            bytes: 8,
            data: String::new(),
            marks: vec![Mark {
                bits: Some((52, 63)),
                text: vec!["error".into(), "to fix: do".into()],
                excerpt: vec!["7 | 0010".into()],
            }],
        };
        let mut text = String::new();
        line.render(&mut text);
        assert_eq!(
            text,
            "   [1]    00004088: 00000000 00006010  block
                                  ^^^  error
                                       to fix: do
          7 | 0010
"
        );
        line.marks[0].bits = None;
        text.clear();
        line.render(&mut text);
        assert!(text.contains("\n                    ^^^^^^^^^^^^^^^^^  error\n"));
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("ab cd efg h", 5), ["ab cd", "efg h"]);
        assert_eq!(wrap("abcdefgh i", 5), ["abcdefgh", "i"]);
    }
}
