// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The lines of a guest's program.

use std::fmt::Write;

use ccw::{
    Addr, CcwFlags, CcwLine, Class, Command, Direction, Format, Guest, IdawFormat, Midaw,
    MidawFlags, Orb, RawMidaw, RawOrb,
};
use translator::{Finding, Program, Step};

use super::line::{ADDRESS, HEAD, Line, Mark, Subject};
use super::remark;
use crate::against::Against;
use crate::input::Input;
use crate::place::orb_word;
use crate::{dump, undecided};

/// Bytes of output that are shown under a CCW.
const SHOWN: u64 = 64;

/// Whether output is shown under the CCW that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// Yes, as far as storage holds it before the program runs.
    Shown,
    /// No.
    Hidden,
}

/// The ORB, every CCW and every list word that was read, in that order, with `findings` as
/// remarks.
pub(crate) fn lines(
    input: &Input,
    program: &Program,
    findings: &[Finding],
    data: Data,
) -> Vec<Line> {
    let class = input.device_class();
    let format = program.orb().format;
    let mut lines = vec![orb_line(&input.orb, program.orb())];
    if let Some(transport) = program.transport() {
        lines.extend(super::transport::lines(&transport, class));
    }
    let mut head = Command::NOP;
    for step in program.steps() {
        if !step.in_data_chain && !step.tic {
            head = step.ccw.command;
        }
        lines.push(ccw_line(&step, format, class));
        let words = list(&step, program.orb(), head);
        let output = matches!(head.class().direction(), Some(Direction::ToDevice));
        if data == Data::Shown && output && head != Command::NOP && !step.tic {
            let areas = areas(&step, &words);
            if let Some(last) = lines.last_mut() {
                last.data = preview(input, &areas);
            }
        }
        lines.extend(words.into_iter().map(|word| word.line));
    }
    for finding in findings.iter().filter(|it| !undecided::is_void(it, input)) {
        attach(&mut lines, finding, input, program);
        attach_against(&mut lines, finding, program);
    }
    lines
}

/// The lines that carry a remark, with the CCW of each list word.
pub(crate) fn with_remarks(lines: Vec<Line>) -> Vec<Line> {
    let owners: Vec<u16> = lines
        .iter()
        .filter(|line| !line.marks.is_empty())
        .filter_map(|line| match line.subject {
            Subject::ListWord(index, _) => Some(index),
            Subject::Orb | Subject::Ccw(_) | Subject::Block(_) => None,
        })
        .collect();
    let owns = |subject| matches!(subject, Subject::Ccw(index) if owners.contains(&index));
    lines
        .into_iter()
        .filter(|line| !line.marks.is_empty() || owns(line.subject))
        .collect()
}

fn orb_line(raw: &RawOrb, orb: &Orb<Guest>) -> Line {
    let (used, _) = raw.0.split_at(if orb.extension { raw.0.len() } else { 12 });
    let mut text = format!(
        "{:ADDRESS$}{}  {}",
        "",
        dump::words(&used[..12]),
        orb_text(orb)
    );
    if orb.extension {
        let _ = write!(text, ", extension {}", dump::words(&used[12..]));
    }
    Line {
        subject: Subject::Orb,
        head: String::new(),
        text,
        bytes: 12,
        data: String::new(),
        marks: Vec::new(),
    }
}

/// `format 1, prefetch, 8-byte IDAWs on 4 KiB blocks`: what an ORB chooses.
fn orb_text(orb: &Orb<Guest>) -> String {
    if orb.transport {
        return match orb.key {
            0 => "transport mode".to_owned(),
            key => format!("key {key}, transport mode"),
        };
    }
    let idaws = match IdawFormat::of(orb) {
        IdawFormat::One => "4-byte IDAWs on 2 KiB blocks",
        IdawFormat::Two2K => "8-byte IDAWs on 2 KiB blocks",
        IdawFormat::Two4K => "8-byte IDAWs on 4 KiB blocks",
    };
    let choices = [
        (
            true,
            if orb.format == Format::One {
                "format 1"
            } else {
                "format 0"
            },
        ),
        (
            true,
            if orb.prefetch {
                "prefetch"
            } else {
                "no prefetch"
            },
        ),
        (true, idaws),
        (orb.suspend, "S (suspend)"),
        (orb.streaming, "C (streaming)"),
        (orb.modification, "M (modification)"),
        (orb.synchronize, "Y (synchronize)"),
        (orb.initial_status, "I (initial status)"),
        (orb.limit_check, "A (address limit)"),
        (orb.suppress_suspended, "U (suppress suspended)"),
        (orb.length_suppression, "L (length suppression)"),
        (orb.midaw, "D (MIDAWs)"),
    ];
    let mut text: Vec<String> = choices
        .iter()
        .filter(|(chosen, _)| *chosen)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    if orb.key != 0 {
        text.insert(0, format!("key {}", orb.key));
    }
    text.join(", ")
}

fn ccw_line(step: &Step<'_>, format: Format, class: ccw::DeviceClass) -> Line {
    #[expect(clippy::cast_possible_truncation, reason = "CCWs lie below 2 GiB")]
    let addr = step.at.get() as u32;
    let mut text = match step.raw {
        Some(raw) => {
            let line = CcwLine { addr, raw }.display(format, class);
            if step.in_data_chain {
                line.data_chained().to_string()
            } else {
                line.to_string()
            }
        }
        None => format!("{addr:08x}: -------- --------  not fetched"),
    };
    if step.possible {
        text.push_str("  (only after a skip)");
    }
    Line {
        subject: Subject::Ccw(step.index),
        head: String::new(),
        text,
        bytes: 8,
        data: String::new(),
        marks: Vec::new(),
    }
}

/// A list word, and the area of storage that it stands for.
struct ListWord {
    line: Line,
    start: u64,
    len: u64,
}

/// The list words of `step`, which carries on the command `head`.
fn list(step: &Step<'_>, orb: &Orb<Guest>, head: Command) -> Vec<ListWord> {
    let midal = step.ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT);
    let backward = head.class() == Class::ReadBackward;
    let form = IdawFormat::of(orb);
    let mut left = u64::from(step.ccw.count);
    let mut words = Vec::new();
    let (size, per) = if midal { (16, 2) } else { (form.size(), 1) };
    for (n, halves) in (0..).zip(step.list.chunks(per)) {
        let bytes: Vec<u8> = halves.as_flattened().to_vec();
        let bytes = if size == 4 {
            bytes.get(4..).unwrap_or_default()
        } else {
            &bytes
        };
        let (addr, most, note) = if let [high, low] = halves {
            let low = u64::from_be_bytes(*low);
            let high = u64::from_be_bytes(*high);
            let raw = RawMidaw((u128::from(high) << 64 | u128::from(low)).to_be_bytes());
            let midaw = Midaw::<Guest>::decode(raw);
            let flags = [(MidawFlags::LAST, ", last"), (MidawFlags::SKIP, ", skip")];
            let set = flags.iter().filter(|(flag, _)| midaw.flags.contains(*flag));
            (
                low,
                u64::from(midaw.count),
                set.map(|(_, name)| *name).collect(),
            )
        } else {
            let addr = halves.first().map_or(0, |word| u64::from_be_bytes(*word));
            let place = Addr::<Guest>::new(addr);
            let most = if backward {
                place.block_offset(form.block()) + 1
            } else {
                place.block_remainder(form.block())
            };
            (addr, most, String::new())
        };
        let len = left.min(most);
        left -= len;
        let at = u64::from(step.ccw.addr.get()) + u64::from(n) * size;
        let way = if backward { "down from" } else { "at" };
        let text = format!(
            "{at:08x}: {}  {} {way} {addr:08x}{note}",
            dump::words(bytes),
            dump::count(len),
        );
        let line = Line {
            subject: Subject::ListWord(step.index, n),
            head: String::new(),
            text,
            bytes: bytes.len(),
            data: String::new(),
            marks: Vec::new(),
        };
        words.push(ListWord {
            line,
            start: addr,
            len,
        });
    }
    words
}

/// Storage that output of `step` is fetched from, in order.
fn areas(step: &Step<'_>, words: &[ListWord]) -> Vec<(u64, u64)> {
    let lists = CcwFlags::INDIRECT | CcwFlags::MODIFIED_INDIRECT;
    if step.ccw.flags.intersects(lists) {
        words.iter().map(|word| (word.start, word.len)).collect()
    } else {
        vec![(u64::from(step.ccw.addr.get()), u64::from(step.ccw.count))]
    }
}

/// The first bytes of `areas`.
fn preview(input: &Input, areas: &[(u64, u64)]) -> String {
    let mut text = String::new();
    let mut room = SHOWN;
    for &(start, len) in areas {
        let mut bytes = vec![0; usize::try_from(len.min(room)).unwrap_or_default()];
        let n = input.memory.read(start, &mut bytes);
        bytes.truncate(n);
        room -= bytes.len() as u64;
        text.push_str(&dump::lines(start, &bytes, HEAD));
        let behind = start.saturating_add(n as u64);
        if room > 0 && (n as u64) < len && input.memory.lacks(behind) {
            let _ = writeln!(text, "{:HEAD$}{behind:08x}: not in this input", "");
            return text;
        }
    }
    let all: u64 = areas.iter().map(|(_, len)| len).sum();
    if all > SHOWN {
        let _ = writeln!(text, "{:HEAD$}... {} more bytes", "", all - SHOWN);
    }
    text
}

/// Puts a remark under the other place, where a finding contradicts one in another word.
fn attach_against(lines: &mut [Line], finding: &Finding, program: &Program) {
    let other = |it: &Against| finding.site.at.is_none_or(|at| at.get() != it.at);
    let Some(against) = Against::of(finding, program).filter(other) else {
        return;
    };
    for line in lines {
        let offset = match line.subject {
            Subject::Ccw(index) if against.index == Some(index) => 0,
            Subject::Block(start) if against.index.is_none() => {
                match against.at.checked_sub(start) {
                    Some(offset) if offset < line.bytes as u64 => offset,
                    _ => continue,
                }
            }
            _ => continue,
        };
        let bits = usize::try_from(offset * 8).unwrap_or_default();
        let (first, last) = against.bits;
        line.marks.push(Mark {
            bits: Some((bits + usize::from(first), bits + usize::from(last))),
            text: vec![format!("against {}", finding.code)],
            excerpt: Vec::new(),
        });
        return;
    }
}

/// Puts `finding` under the line that it is about.
fn attach(lines: &mut Vec<Line>, finding: &Finding, input: &Input, program: &Program) {
    let site = &finding.site;
    let subject = match (site.at, site.index, site.list_word) {
        (Some(_), Some(index), Some(word)) => Subject::ListWord(index, word),
        (Some(_), Some(index), None) => Subject::Ccw(index),
        _ => Subject::Orb,
    };
    let mut mark = remark::mark(finding, input, program);
    if program.transport().is_some() && site.at.is_some() {
        super::transport::attach(lines, finding, mark);
        return;
    }
    if subject == Subject::Orb {
        let first = 32 * orb_word(finding.code);
        mark.bits = mark.bits.map(|(a, b)| (a + first, b + first));
    }
    if let Some(line) = lines.iter_mut().find(|line| line.subject == subject) {
        line.marks.push(mark);
        return;
    }
    // A list word that could not be read stands behind those that could.
    let Some(at) = site.at else { return };
    let index = site.index.unwrap_or_default();
    let owner = |line: &Line| match line.subject {
        Subject::Ccw(n) | Subject::ListWord(n, _) => n == index,
        Subject::Orb | Subject::Block(_) => false,
    };
    let place = lines
        .iter()
        .rposition(owner)
        .map_or(lines.len(), |last| last + 1);
    let text = format!("{:08x}: -------- --------  not fetched", at.get());
    lines.insert(
        place,
        Line {
            subject,
            head: String::new(),
            text,
            bytes: 8,
            data: String::new(),
            marks: vec![mark],
        },
    );
}
