// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `diff`: what two programs do not have in common.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use translator::Program;

use crate::analysis;
use crate::batch::Report;
use crate::exit::Exit;
use crate::input::{Input, InputError};
use crate::listing::{self, Data};
use crate::printable::printable;
use crate::reading::Reading;
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
    reading: Reading,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    if args.first == Path::new("-") && args.second == Path::new("-") {
        return Report::unusable("standard input (-) can be read only once").end();
    }
    let read = |file: &Path| -> Result<(String, Vec<String>), InputError> {
        let input = args.reading.one(file)?;
        let program = analysis::judge(&input);
        Ok((printable(&input.name), lines(&input, &program)))
    };
    let (first, second) = match (read(&args.first), read(&args.second)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => return Report::unusable(error).end(),
    };
    if first.1 == second.1 {
        return Report::new(String::new(), Exit::Fine).end();
    }
    let mut text = format!("--- {}\n+++ {}\n", first.0, second.0);
    for (mark, line) in differences(&first.1, &second.1) {
        let _ = writeln!(text, "{mark} {line}");
    }
    Report::new(text, Exit::Refused).end()
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
