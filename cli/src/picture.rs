// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs as a page of HTML that needs nothing else: the chain, lists and buffers as a picture (SVG),
//! remarks as a text below.

use std::collections::BTreeMap;
use std::fmt::Write;

use ccw::CcwFlags;
use translator::Program;

use crate::dump::count as count_of;
use crate::input::Input;
use crate::listing::{Line, Subject};
use crate::printable::printable;

/// Rows of one picture; more are not drawn, and the page says so.
const MOST: usize = 2000;
/// Pixels of a row, of the boxes of words, and where the columns begin.
const ROW: usize = 26;
const BOX: usize = 560;
const CHAIN: usize = 60;
const LIST: usize = CHAIN + BOX + 40;
const DATA: usize = LIST + BOX + 40;
const DATA_BOX: usize = 260;

/// A page with these parts.
pub(crate) fn page(parts: &[String]) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <title>channel programs</title>\n<style>{STYLE}</style></head><body>\n{}</body></html>\n",
        parts.concat()
    )
}

const STYLE: &str = "body{font-family:sans-serif}svg text,pre{font:12px monospace}\
    rect{fill:#fff;stroke:#666}rect.orb{fill:#eef}rect.list{fill:#efe}rect.data{fill:#ffd}rect.bad{stroke:#c00;\
    stroke-width:2;fill:#fee}path{fill:none;stroke:#06c}svg text{fill:#000;white-space:pre}";

/// A file that cannot be read.
pub(crate) fn unreadable(reason: &str) -> String {
    format!("<p>{}</p>\n", escape(&printable(reason)))
}

/// The picture of one program with these lines, and `text`, which says the same.
pub(crate) fn part(input: &Input, program: &Program, lines: &[Line], text: &str) -> String {
    let mut part = format!("<h1>{}</h1>\n", escape(&printable(&input.name)));
    part.push_str(&picture(program, lines));
    let _ = writeln!(part, "<pre>{}</pre>", escape(text));
    part
}

fn picture(program: &Program, lines: &[Line]) -> String {
    let shown = lines.get(..MOST).unwrap_or(lines);
    let height = (shown.len() + 1) * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\">\n",
        DATA + DATA_BOX + 20
    );
    let mut rows = BTreeMap::new();
    let mut before: Option<usize> = None;
    for (n, line) in shown.iter().enumerate() {
        let y = n * ROW + 4;
        let (x, class) = match line.subject {
            Subject::Orb => (CHAIN, "orb"),
            Subject::Ccw(index) => {
                rows.insert(index, n);
                (CHAIN, "ccw")
            }
            Subject::ListWord(..) => (LIST, "list"),
            Subject::Block(_) => (CHAIN, "orb"),
        };
        if x == LIST {
            // From the CCW to the word of its list.
            if let Some(owner) = before {
                let from = owner * ROW + ROW / 2;
                let to = y + ROW / 2 - 4;
                let _ = writeln!(
                    svg,
                    "<path d=\"M{} {from} H{} V{to} H{LIST}\"/>",
                    CHAIN + BOX,
                    LIST - 20
                );
            }
        } else {
            if let Some(owner) = before {
                let (from, to) = (owner * ROW + ROW - 2, y);
                let at = CHAIN + 20;
                let _ = writeln!(svg, "<path d=\"M{at} {from} V{to}\"/>");
            }
            before = Some(n);
        }
        let bad = if line.marks.is_empty() { "" } else { " bad" };
        let _ = writeln!(
            svg,
            "<rect class=\"{class}{bad}\" x=\"{x}\" y=\"{y}\" width=\"{BOX}\" height=\"{}\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            ROW - 6,
            x + 6,
            y + 14,
            escape(line.text.trim())
        );
    }
    for (n, line) in shown.iter().enumerate() {
        if let Some((data, from)) = buffer(program, line) {
            let (y, middle) = (n * ROW + 4, n * ROW + 14);
            let _ = writeln!(
                svg,
                "<path d=\"M{from} {middle} H{DATA}\"/><rect class=\"data\" x=\"{DATA}\" y=\"{y}\" \
                 width=\"{DATA_BOX}\" height=\"{}\"/><text x=\"{}\" y=\"{}\">{}</text>",
                ROW - 6,
                DATA + 6,
                y + 14,
                escape(&data)
            );
        }
    }
    let places: BTreeMap<u64, u16> = program
        .steps()
        .map(|step| (step.at.get(), step.index))
        .collect();
    for step in program.steps().filter(|step| step.tic) {
        let target = places.get(&step.ccw.addr.widen().get());
        let rows = rows
            .get(&step.index)
            .zip(target.and_then(|to| rows.get(to)));
        if let Some((from, to)) = rows {
            let (from, to) = (from * ROW + ROW / 2, to * ROW + ROW / 2);
            let _ = writeln!(
                svg,
                "<path d=\"M{CHAIN} {from} C10 {from} 10 {to} {CHAIN} {to}\"><title>TIC</title></path>"
            );
        }
    }
    svg.push_str("</svg>\n");
    if shown.len() < lines.len() {
        let _ = writeln!(
            svg,
            "<p>{} further words are not drawn</p>",
            lines.len() - MOST
        );
    }
    svg
}

/// The storage that a line leads to, and where its box ends.
fn buffer(program: &Program, line: &Line) -> Option<(String, usize)> {
    match line.subject {
        Subject::ListWord(..) => {
            let (_, data) = line.text.split_once("  ")?;
            Some((data.trim().to_owned(), LIST + BOX))
        }
        Subject::Ccw(index) => {
            let step = program.steps().nth(index.into())?;
            let lists = CcwFlags::INDIRECT | CcwFlags::MODIFIED_INDIRECT;
            let flags = step.ccw.flags;
            let moves = step.in_data_chain || step.ccw.command.class().direction().is_some();
            let direct = !step.tic && moves && step.ccw.count > 0 && !flags.intersects(lists);
            let (count, addr) = (u64::from(step.ccw.count), step.ccw.addr.get());
            direct.then(|| (format!("{} at {addr:08x}", count_of(count)), CHAIN + BOX))
        }
        Subject::Orb | Subject::Block(_) => None,
    }
}

/// `text` with what HTML takes for its own written out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::{self, Data};

    #[test]
    fn nothing_of_an_input_is_taken_for_html() {
        assert_eq!(
            escape("<a href='x\"'>&"),
            "&lt;a href=&#39;x&quot;&#39;&gt;&amp;"
        );
        let input = Input {
            name: "<script>\u{1b}".to_owned(),
            device: "</pre><b>".to_owned(),
            ..Input::default()
        };
        let program = crate::analysis::judge(&input);
        let lines = listing::lines(&input, &program, program.findings(), Data::Shown);
        let part = part(&input, &program, &lines, &input.device);
        let page = page(&[part, unreadable("<i>")]);
        for wrong in ["<script", "<b>", "<i>", "\u{1b}"] {
            assert!(!page.contains(wrong), "{wrong}: {page}");
        }
        assert!(page.contains("&lt;script&gt;"));
    }
}
