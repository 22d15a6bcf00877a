// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Colours of a text for people: only on a terminal that wants them (`NO_COLOR`, `CLICOLOR`, `TERM`), or if
//! `--color` says so.

use std::borrow::Cow;
use std::io;

use anstream::{AutoStream, ColorChoice};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const PLAIN: &str = "\x1b[0m";

/// What `--color` says, for the whole process.
pub(crate) fn choose(choice: clap::ColorChoice) {
    match choice {
        clap::ColorChoice::Auto => ColorChoice::Auto,
        clap::ColorChoice::Always => ColorChoice::AlwaysAnsi,
        clap::ColorChoice::Never => ColorChoice::Never,
    }
    .write_global();
}

/// `text`, with colours if standard output is to have them.
pub(crate) fn of_output(text: &str) -> Cow<'_, str> {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => Cow::Borrowed(text),
        _ => Cow::Owned(paint(text)),
    }
}

/// `text` with the heads of remarks in the colour of their weight: `^^^  error C01 cmd-zero`.
fn paint(text: &str) -> String {
    let mut painted = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match head(line) {
            Some((at, colour)) => {
                let (margin, rest) = line.split_at(at);
                let rest = rest.trim_end_matches('\n');
                painted.extend([margin, colour, rest, PLAIN, "\n"]);
            }
            None => painted.push_str(line),
        }
    }
    painted
}

/// Where the head of a remark begins in `line`, if it is one, and its colour.
fn head(line: &str) -> Option<(usize, &'static str)> {
    let at = line.find(|c: char| c != ' ')?;
    let rest = line.get(at..)?.strip_prefix('^')?.trim_start_matches('^');
    let colour = match rest.split_whitespace().next()? {
        "error" => RED,
        "warning" => YELLOW,
        "note" | "undecided:" => CYAN,
        _ => return None,
    };
    Some((at, colour))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_heads_of_remarks_have_a_colour() {
        let text =
            "x: invalid\n   ^^  error C01 cmd-zero\n       rule: error\n   ^^^^  note E02 x\n";
        let painted = "x: invalid\n   \x1b[1;31m^^  error C01 cmd-zero\x1b[0m\n       rule: error\n   \
                       \x1b[1;36m^^^^  note E02 x\x1b[0m\n";
        assert_eq!(paint(text), painted);
    }
}
