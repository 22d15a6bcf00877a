// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! All pages as a book: Markdown, laid out as mdBook takes it and as it can be read without.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use translator::Code;

use super::{examples, finder};
use crate::batch::Report;
use crate::condition::description;
use crate::exit::Exit;
use crate::prediction::treatments;

/// What the letters of the ids stand for.
const GROUPS: [(char, &str); 9] = [
    ('O', "The ORB"),
    ('A', "Addresses of CCWs"),
    ('C', "The CCW"),
    ('D', "Data addresses"),
    ('I', "Lists of IDAWs"),
    ('M', "Lists of MIDAWs"),
    ('T', "Transport mode"),
    ('P', "Command policies"),
    ('E', "The environment"),
];

/// Writes the book into `folder`, which need not be there.
pub(super) fn write(folder: &Path) -> Report {
    match put(folder) {
        Ok(pages) => Report::new(
            format!("{pages} pages and SUMMARY.md, which leads to them\n"),
            Exit::Fine,
        ),
        Err(error) => Report::unusable(format_args!(
            "{}: the book cannot be written: {error}",
            crate::printable::printable(&folder.display().to_string())
        )),
    }
}

fn put(folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let mut contents = "# Conditions\n".to_owned();
    let mut group = ' ';
    for code in Code::ALL {
        let letter = code.id().chars().next().unwrap_or(' ');
        if letter != group {
            group = letter;
            let title = GROUPS.iter().find(|(known, _)| *known == letter);
            let title = title.map_or("The host", |(_, title)| title);
            let _ = write!(contents, "\n# {title}\n\n");
        }
        let (id, name) = (code.id(), code.name());
        let _ = writeln!(contents, "- [{id} {name}]({id}.md)");
        fs::write(folder.join(format!("{id}.md")), page(*code))?;
    }
    fs::write(folder.join("SUMMARY.md"), contents)?;
    Ok(Code::ALL.len())
}

/// The page of one condition.
fn page(code: Code) -> String {
    let mut page = format!("# {} {}\n\n", code.id(), code.name());
    for part in [
        description(code),
        format!("To fix: {}.", code.fix()),
        format!("Found by: {}.", finder::of(code).text()),
    ] {
        let _ = write!(page, "{part}\n\n");
    }
    let treatments = treatments(code);
    if !treatments.is_empty() {
        page.push_str("With the program as it is:\n\n");
        for treatment in treatments {
            let _ = writeln!(
                page,
                "- `{}`: {}",
                treatment.implementation,
                treatment.text()
            );
        }
        page.push('\n');
    }
    if let Some(lines) = examples::lines(code) {
        page.push_str("With the lines `-` the rule is broken, with `+` it is kept:\n\n```diff\n");
        for line in lines {
            let _ = writeln!(page, "{line}");
        }
        let id = code.id();
        let _ = write!(
            page,
            "```\n\n```text\nccwtool explain {id} --example broken | ccwtool check -\n```\n"
        );
    }
    page
}
