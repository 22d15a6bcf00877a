// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `explain`: what a condition means, when a machine reports it, and what satisfies the rule.

mod book;
mod examples;
mod finder;

use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use serde::Serialize;
use translator::{Blame, Code};

use crate::batch::Report;
use crate::condition::{reported, see, when};
use crate::exit::Exit;
use crate::format::Format;
use crate::listing::wrap;
use crate::prediction::{Treatment, treatments};

/// Say what a condition means, by its id (C01) or its name (cmd-zero).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Ids or names; without any, all conditions are listed
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
    /// Print an example for each CODE instead, as a program that `check -` reads
    #[arg(long, value_name = "WHICH", value_enum, requires = "codes")]
    example: Option<examples::Which>,
    /// Write a page for each condition into a folder, in Markdown, with a table of contents
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["codes", "example"])]
    book: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One condition, as JSON.
#[derive(Serialize)]
struct Entry {
    id: &'static str,
    code: &'static str,
    rule: &'static str,
    fix: &'static str,
    check: &'static str,
    blame: &'static str,
    when: &'static str,
    found_by: &'static str,
    see: &'static str,
    implementations: Vec<Treatment>,
    example: Option<Vec<&'static str>>,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    if let Some(folder) = &args.book {
        return book::write(folder).end();
    }
    let report = match codes(&args.codes) {
        Ok(codes) if args.example.is_some() => programs(args, &codes),
        Ok(codes) => Report::new(page(args, &codes), Exit::Fine),
        Err(text) => Report::unusable(format_args!(
            "no condition is called `{}`; `ccwtool explain` lists them all",
            crate::printable::printable(text)
        )),
    };
    report.end()
}

/// The codes that `names` name, all if there are none; or the first name that names none.
fn codes(names: &[String]) -> Result<Vec<Code>, &str> {
    if names.is_empty() {
        return Ok(Code::ALL.to_vec());
    }
    names
        .iter()
        .map(|name| Code::parse(name).ok_or(name.as_str()))
        .collect()
}

/// The programs that were asked for; a complaint where there is none.
fn programs(args: &Args, codes: &[Code]) -> Report {
    let mut out = String::new();
    for &code in codes {
        let program = args
            .example
            .and_then(|which| examples::program(code, which));
        let Some(program) = program else {
            return Report::unusable(format_args!(
                "there is no example for {code}, found by: {}",
                finder::of(code).text()
            ));
        };
        out.push_str(&program);
    }
    Report::new(out, Exit::Fine)
}

fn page(args: &Args, codes: &[Code]) -> String {
    let mut page = String::new();
    for (n, &code) in codes.iter().enumerate() {
        match args.format {
            Format::Json => page.push_str(&crate::json::line(&Entry::of(code))),
            Format::Text if args.codes.is_empty() => {
                let _ = writeln!(page, "{} {:19} {}", code.id(), code.name(), code.rule());
            }
            Format::Text => {
                if n > 0 {
                    page.push('\n');
                }
                page.push_str(&entry(code));
            }
        }
    }
    page
}

fn entry(code: Code) -> String {
    let mut text = format!("{} {}\n\n", code.id(), code.name());
    let mut row = |head: &str, body: &str| {
        for (n, line) in wrap(body, 78 - 10).iter().enumerate() {
            let _ = writeln!(text, "{:10}{line}", if n == 0 { head } else { "" });
        }
    };
    row("rule", code.rule());
    row("to fix", code.fix());
    row("reported", &reported(code));
    row("when", when(code));
    row("found by", finder::of(code).text());
    row("whose", whose(code.blame()));
    row("read", see(code));
    for (n, treatment) in treatments(code).iter().enumerate() {
        let head = if n == 0 { "others" } else { "" };
        row(
            head,
            &format!("{}: {}", treatment.implementation, treatment.text()),
        );
    }
    if let Some(lines) = examples::lines(code) {
        row(
            "example",
            "with the lines - the rule is broken, with + it is kept",
        );
        for line in lines {
            let _ = writeln!(text, "{:10}{line}", "");
        }
    }
    text
}

impl Entry {
    fn of(code: Code) -> Self {
        Self {
            id: code.id(),
            code: code.name(),
            rule: code.rule(),
            fix: code.fix(),
            check: code.check().name(),
            blame: match code.blame() {
                Blame::Guest => "guest",
                Blame::Unsupported => "unsupported",
                Blame::HostResource => "host-resource",
                Blame::Caller => "caller",
            },
            when: when(code),
            found_by: finder::of(code).name(),
            see: see(code),
            implementations: treatments(code),
            example: examples::lines(code),
        }
    }
}

/// Whose fault it is.
fn whose(blame: Blame) -> &'static str {
    match blame {
        Blame::Guest => "the program's: it breaks a rule of the architecture",
        Blame::Unsupported => "ours: the program is legal, but it cannot be carried out here",
        Blame::HostResource => "the host's: the program is legal, the host lacks something",
        Blame::Caller => "the caller's of the library",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_fits_a_terminal() {
        for &code in Code::ALL {
            let page = entry(code);
            assert!(page.starts_with(code.id()) && page.contains("\nto fix    "));
            assert!(page.lines().all(|line| line.len() <= 78), "{page}");
        }
    }
}
