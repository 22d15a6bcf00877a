// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `diff`: what two programs do not have in common.

use std::fmt::Write;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Serialize;
use translator::{Outcome, Program};

use crate::analysis;
use crate::batch::Report;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::{Input, InputError};
use crate::json;
use crate::listing::{self, Data};
use crate::printable::printable;
use crate::reading::Files;
use crate::undecided;

/// Lines between what both programs begin and end with that are compared one by one; more are shown as
/// replaced as a whole.
const MOST: usize = 2000;

/// Show where two channel programs differ, line by line of what `show` prints: `-` only the first has,
/// `+` only the second. Exit code 1 if they do.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The first program's file; `-` is standard input
    #[arg(value_name = "FILE")]
    first: PathBuf,
    /// The second program's
    #[arg(value_name = "FILE")]
    second: PathBuf,
    #[command(flatten)]
    files: Files,
    /// Of the programs in a file only this one; the first is 1. `15,17` is the 15th of the first file and the 17th
    /// of the second, which may be the same file
    #[arg(long, value_name = "N[,N]", value_parser = numbers)]
    number: Option<Numbers>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Which programs of the two files are wanted.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    first: NonZeroUsize,
    second: NonZeroUsize,
}

/// One number for both files, or one for each.
fn numbers(text: &str) -> Result<Numbers, String> {
    let number = |text: &str| {
        let number = text.parse();
        number.map_err(|_| "not a number, or two with a comma between, from 1 on".to_owned())
    };
    let (first, second) = text.split_once(',').unwrap_or((text, text));
    Ok(Numbers {
        first: number(first)?,
        second: number(second)?,
    })
}

/// A program, with the lines that are compared.
struct Side {
    name: String,
    outcome: Outcome,
    lines: Vec<String>,
}

impl Side {
    fn read(files: &Files, file: &Path, number: Option<NonZeroUsize>) -> Result<Self, InputError> {
        let input = files.one(file, number)?;
        let program = analysis::judge(&input);
        let lines = lines(&input, &program);
        Ok(Self {
            outcome: undecided::outcome(&input, &program),
            name: input.name,
            lines,
        })
    }
}

/// What two programs do not have in common, as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    first: Of<'a>,
    second: Of<'a>,
    same: bool,
    lines: Vec<Line<'a>>,
}

/// One of them.
#[derive(Serialize)]
struct Of<'a> {
    name: &'a str,
    outcome: &'static str,
}

/// A line that only one of them has.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "in")]
    only_in: &'static str,
    /// Its number there.
    line: usize,
    text: &'a str,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    if args.first == Path::new("-") && args.second == Path::new("-") {
        return Report::unusable("standard input (-) can be read only once").end();
    }
    let numbers = args.number.as_ref();
    let first = Side::read(&args.files, &args.first, numbers.map(|it| it.first));
    let second = Side::read(&args.files, &args.second, numbers.map(|it| it.second));
    let (first, second) = match (first, second) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => return Report::unreadable(&error, args.format).end(),
    };
    let exit = match first.lines == second.lines {
        true => Exit::Fine,
        false => Exit::Refused,
    };
    let report = match args.format {
        Format::Text => text(&first, &second),
        Format::Json => json::line(&entry(&first, &second)),
    };
    Report::new(report, exit).end()
}

/// Nothing if they are alike.
fn text(first: &Side, second: &Side) -> String {
    let mut text = String::new();
    if first.lines == second.lines {
        return text;
    }
    let (a, b) = (printable(&first.name), printable(&second.name));
    let _ = writeln!(text, "--- {a}\n+++ {b}");
    for (mark, line) in differences(&first.lines, &second.lines) {
        let _ = writeln!(text, "{mark} {line}");
    }
    text
}

fn entry<'a>(first: &'a Side, second: &'a Side) -> Entry<'a> {
    let of = |side: &'a Side| Of {
        name: &side.name,
        outcome: side.outcome.name(),
    };
    let (mut here, mut there) = (0, 0);
    let mut lines = Vec::new();
    for (mark, text) in differences(&first.lines, &second.lines) {
        here += usize::from(mark != '+');
        there += usize::from(mark != '-');
        let (only_in, line) = match mark {
            '-' => ("first", here),
            '+' => ("second", there),
            _ => continue,
        };
        lines.push(Line {
            only_in,
            line,
            text,
        });
    }
    Entry {
        first: of(first),
        second: of(second),
        same: lines.is_empty(),
        lines,
    }
}

/// What `show` says of a program, without its name and remarks.
fn lines(input: &Input, program: &Program) -> Vec<String> {
    let mut text = String::new();
    for mut line in listing::lines(input, program, &[], Data::Shown) {
        line.marks.clear();
        line.render(&mut text);
    }
    let _ = writeln!(text, "  {}", undecided::outcome(input, program).name());
    text.lines().map(str::to_owned).collect()
}

/// All lines of both: `-` for those of the first only, `+` for those of the second only, else a space.
fn differences<'a>(first: &'a [String], second: &'a [String]) -> Vec<(char, &'a str)> {
    let pairs = first.iter().zip(second);
    let before = pairs.take_while(|(a, b)| a == b).count();
    let (head, first) = first.split_at(before);
    let second = second.split_at(before).1;
    let pairs = first.iter().rev().zip(second.iter().rev());
    let behind = pairs.take_while(|(a, b)| a == b).count();
    let (first, tail) = first.split_at(first.len() - behind);
    let second = second.split_at(second.len() - behind).0;
    let same = |line: &'a String| (' ', line.as_str());
    let mut all: Vec<_> = head.iter().map(same).collect();
    all.extend(middle(first, second));
    all.extend(tail.iter().map(same));
    all
}

/// The same of lines that neither begin nor end alike: as many as can be are common.
fn middle<'a>(first: &'a [String], second: &'a [String]) -> Vec<(char, &'a str)> {
    let gone = |line: &'a String| ('-', line.as_str());
    let new = |line: &'a String| ('+', line.as_str());
    if first.len() > MOST || second.len() > MOST {
        return first
            .iter()
            .map(gone)
            .chain(second.iter().map(new))
            .collect();
    }
    // Of each pair of places, how many lines can be common behind it.
    let width = second.len() + 1;
    let mut common = vec![0_u16; (first.len() + 1) * width];
    for (n, a) in first.iter().enumerate().rev() {
        for (m, b) in second.iter().enumerate().rev() {
            common[n * width + m] = if a == b {
                common[(n + 1) * width + m + 1] + 1
            } else {
                common[(n + 1) * width + m].max(common[n * width + m + 1])
            };
        }
    }
    let (mut n, mut m) = (0, 0);
    let mut all = Vec::new();
    loop {
        match (first.get(n), second.get(m)) {
            (Some(a), Some(b)) if a == b => {
                all.push((' ', a.as_str()));
                (n, m) = (n + 1, m + 1);
            }
            (Some(a), b)
                if b.is_none() || common[(n + 1) * width + m] >= common[n * width + m + 1] =>
            {
                all.push(gone(a));
                n += 1;
            }
            (_, Some(b)) => {
                all.push(new(b));
                m += 1;
            }
            _ => return all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_lines_as_can_be_are_common() {
        let of = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let diff = |a: &str, b: &str| {
            let (a, b) = (of(a), of(b));
            let all = differences(&a, &b);
            all.iter()
                .map(|(mark, line)| format!("{mark}{line}"))
                .collect::<String>()
        };
        assert_eq!(diff("abc", "abc"), " a b c");
        assert_eq!(diff("abcd", "axcd"), " a-b+x c d");
        assert_eq!(diff("", "a"), "+a");
        assert_eq!(diff("ab", ""), "-a-b");
        assert_eq!(diff("aa", "a"), " a-a");
        assert_eq!(diff("xabcy", "zabcw"), "-x+z a b c-y+w");
    }
}
