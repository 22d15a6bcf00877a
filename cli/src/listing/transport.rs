// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The lines of a transport-mode program: TCW, TCCB with its commands, lists of TIDAWs.

use ccw::{
    DCW_SIZE, Dcw, DeviceClass, Guest, Host, RawTcw, RawTidaw, ServiceAction, Space, TCAH_SIZE,
    TCW_SIZE, Tccb, Tcw, TcwFlags, Tidaw, TidawFlags, Tsa, Tsb,
};
use translator::{CommandView, Finding, ListView, TransportView};

use super::line::{Line, Mark, Subject};
use crate::dump;
use crate::translation::HostArea;

/// The lines behind that of the ORB.
pub(super) fn lines(program: &TransportView<'_>, class: DeviceClass) -> Vec<Line> {
    let Some(raw) = program.raw() else {
        return vec![line("TCW", program.at().get(), None, 8, "not fetched")];
    };
    let mut lines = tcw(program.at().get(), &raw, &program.tcw());
    lines.extend(tidal(program.tccb_list()));
    match program.block() {
        Some(block) => tccb(program, &block, class, &mut lines),
        None => lines.extend(piece(
            "TCCB",
            program.tccb_at(0).map(|at| at.get()),
            program.tccb(),
            "",
        )),
    }
    lines.extend(tidal(program.data_list()));
    lines
}

/// A line of up to 16 `bytes` at `at`, or of as many that could not be read.
fn line(head: &str, at: u64, bytes: Option<&[u8]>, size: usize, text: &str) -> Line {
    let words = bytes.map_or_else(|| "-------- --------".to_owned(), dump::words);
    Line {
        subject: Subject::Block(at),
        head: head.to_owned(),
        text: format!("{at:08x}: {words}  {text}"),
        bytes: bytes.map_or(size, <[u8]>::len),
        data: String::new(),
        marks: Vec::new(),
    }
}

/// The doublewords of a TCW.
fn tcw<S: Space>(at: u64, raw: &RawTcw, tcw: &Tcw<S>) -> Vec<Line> {
    let list = |flag| match tcw.flags.contains(flag) {
        true => ", by a list",
        false => "",
    };
    let kind = match (tcw.read, tcw.write) {
        (false, false) => "no data",
        (true, false) => "read",
        (false, true) => "write",
        (true, true) => "read and write",
    };
    let counts = format!(
        "{} out, {} in",
        dump::count(tcw.output_count.into()),
        dump::count(tcw.input_count.into())
    );
    let interrogate = match tcw.interrogate.get() {
        0 => "no interrogate TCW".to_owned(),
        at => format!("interrogate TCW {at:08x}"),
    };
    let texts = [
        format!("{kind}, TCCB of {} bytes", tcw.tccb_size()),
        format!("output{}", list(TcwFlags::OUTPUT_TIDA)),
        format!("input{}", list(TcwFlags::INPUT_TIDA)),
        "TSB".to_owned(),
        format!("TCCB{}", list(TcwFlags::TCCB_TIDA)),
        counts,
        String::new(),
        interrogate,
    ];
    let (words, _) = raw.0.as_chunks::<8>();
    let heads = std::iter::once("TCW").chain(std::iter::repeat(""));
    let each = words.iter().zip(texts).zip(heads).zip((at..).step_by(8));
    each.map(|(((word, text), head), at)| line(head, at, Some(word), 8, &text))
        .collect()
}

fn tccb(program: &TransportView<'_>, block: &Tccb<'_>, class: DeviceClass, lines: &mut Vec<Line>) {
    let bytes = program.tccb();
    let place = |offset| program.tccb_at(offset).map(|at| at.get());
    let action = match block.header.service_action {
        ServiceAction::DEVICE_IO => "device I/O".to_owned(),
        ServiceAction::INTERROGATE => "interrogate".to_owned(),
        ServiceAction(other) => format!("service action {other:04x}"),
    };
    let text = format!(
        "{action}, {} of commands",
        dump::count(block.tca.len() as u64)
    );
    lines.extend(piece(
        "TCCB",
        place(0),
        bytes.get(..TCAH_SIZE).unwrap_or_default(),
        &text,
    ));
    for (n, command) in program.commands().enumerate() {
        let Ok(CommandView { offset, dcw, .. }) = command else {
            break;
        };
        let start = TCAH_SIZE + offset;
        let word = bytes.get(start..start + DCW_SIZE).unwrap_or_default();
        let head = format!("DCW {n}");
        lines.extend(piece(&head, place(start), word, &command_text(&dcw, class)));
        let control = start + DCW_SIZE;
        for (from, part) in (control..).step_by(16).zip(dcw.control.chunks(16)) {
            lines.extend(piece("", place(from), part, "control data"));
        }
    }
    let trailer = TCAH_SIZE + block.tca.len();
    let text = format!("transport count {}", block.trailer.transport_count);
    lines.extend(piece(
        "",
        place(trailer),
        bytes.get(trailer..).unwrap_or_default(),
        &text,
    ));
}

/// `READ, 4096 bytes, chains`: what a DCW says.
fn command_text(dcw: &Dcw<'_>, class: DeviceClass) -> String {
    let mut text = class.dcw_name(dcw.command).to_owned();
    if dcw.data_count > 0 || dcw.control.is_empty() {
        text.push_str(&format!(", {}", dump::count(dcw.data_count.into())));
    }
    if !dcw.control.is_empty() {
        let count = dump::count(dcw.control.len() as u64);
        text.push_str(&format!(", {count} of control data"));
    }
    if dcw.chain_command {
        text.push_str(", CC");
    }
    text
}

/// A line, if there are bytes and they have an address.
fn piece(head: &str, at: Option<u64>, bytes: &[u8], text: &str) -> Option<Line> {
    let at = at.filter(|_| !bytes.is_empty())?;
    Some(line(head, at, Some(bytes), bytes.len(), text))
}

fn tidal(list: ListView<'_>) -> Vec<Line> {
    let entries = list.entries().enumerate();
    entries
        .map(|(n, (at, raw))| {
            let text = tidaw(&raw, |tidaw: &Tidaw<Guest>| {
                format!("at {:08x}", tidaw.addr.get())
            });
            line(&format!("   [{n}]"), at.get(), Some(&raw.0), 16, &text)
        })
        .collect()
}

/// What a TIDAW says; `place` says where its area lies.
fn tidaw<S: Space>(raw: &RawTidaw, place: impl Fn(&Tidaw<S>) -> String) -> String {
    let tidaw = Tidaw::decode(*raw);
    if tidaw.flags.contains(TidawFlags::TRANSFER_IN_CHANNEL) {
        return format!("T-TIC to {:08x}", tidaw.addr.get());
    }
    let mut text = format!("{} {}", dump::count(tidaw.count.into()), place(&tidaw));
    for (flag, name) in [
        (TidawFlags::SKIP, ", skip"),
        (TidawFlags::DATA_TRANSFER_INTERRUPTION, ", interruption"),
        (TidawFlags::INSERT_CBC, ", check bytes"),
        (TidawFlags::LAST, ", last"),
    ] {
        if tidaw.flags.contains(flag) {
            text.push_str(name);
        }
    }
    text
}

/// Puts a remark under the line that holds the word which decided.
pub(super) fn attach(lines: &mut Vec<Line>, finding: &Finding, mut mark: Mark) {
    let Some(at) = finding.site.at.map(|at| at.get()) else {
        return;
    };
    for line in &mut *lines {
        let Subject::Block(start) = line.subject else {
            continue;
        };
        let Some(offset) = at.checked_sub(start).filter(|it| *it < line.bytes as u64) else {
            continue;
        };
        let bits = usize::try_from(offset * 8).unwrap_or_default();
        mark.bits = mark.bits.map(|(a, b)| (a + bits, b + bits));
        line.marks.push(mark);
        return;
    }
    // A TIDAW at which the list ends.
    let word = finding.site.word.as_bytes();
    let head = finding
        .site
        .list_word
        .map_or_else(String::new, |n| format!("   [{n}]"));
    let mut missing = match word {
        [] => line(&head, at, None, 8, "not fetched"),
        word => line(&head, at, Some(word), word.len(), ""),
    };
    missing.marks.push(mark);
    lines.push(missing);
}

/// What a TSB says, one line each.
pub(crate) fn tsb(tsb: &Tsb) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(offset) = tsb.valid_dcw_offset() {
        lines.push(("last DCW", format!("at offset {offset} of the commands")));
    }
    if let Some(count) = tsb.valid_residual() {
        lines.push((
            "residual count",
            format!("{} not moved", dump::count(count.into())),
        ));
    }
    let format = match &tsb.area {
        Tsa::None => "none".to_owned(),
        Tsa::IoStatus { .. } => "I/O status".to_owned(),
        Tsa::ProgramCheck { reason, .. } => {
            format!("program check detected by the device, reason {reason:02x}")
        }
        Tsa::Interrogate(_) => "answer to an interrogation".to_owned(),
        Tsa::Other(format) => format!("format {format}"),
    };
    lines.push(("status area", format));
    if !tsb.sense().is_empty() {
        lines.push(("sense", dump::words(tsb.sense())));
    }
    lines
}

/// The host's control blocks, as they lie in `areas`, for the TCW at `at`.
pub(super) fn host(at: u64, areas: &[HostArea], place: impl Fn(u64) -> String) -> String {
    let mut text = String::new();
    let Some(raw) = bytes(areas, at, TCW_SIZE).and_then(|it| it.try_into().ok()) else {
        return text;
    };
    let raw = RawTcw(raw);
    let host = Tcw::<Host>::decode(&raw);
    let mut lines = tcw(at, &raw, &host);
    let block = bytes(areas, host.tccb.get(), host.tccb_size()).unwrap_or_default();
    for (at, part) in (host.tccb.get()..).step_by(16).zip(block.chunks(16)) {
        let head = if at == host.tccb.get() { "TCCB" } else { "" };
        lines.push(line(head, at, Some(part), part.len(), "the guest's"));
    }
    let lists = [
        (TcwFlags::OUTPUT_TIDA, host.output),
        (TcwFlags::INPUT_TIDA, host.input),
    ];
    for (_, list) in lists.iter().filter(|(flag, _)| host.flags.contains(*flag)) {
        lines.extend(host_list(list.get(), areas, &place));
    }
    for line in lines {
        line.render(&mut text);
    }
    text
}

/// The TIDAWs of the host's list at `at`.
fn host_list(mut at: u64, areas: &[HostArea], place: &impl Fn(u64) -> String) -> Vec<Line> {
    let mut lines = Vec::new();
    while let Some(raw) = bytes(areas, at, 16).and_then(|it| it.try_into().ok()) {
        let raw = RawTidaw(raw);
        let entry = Tidaw::<Host>::decode(raw);
        let text = match raw.reserved_is_zero() {
            true => tidaw(&raw, |it: &Tidaw<Host>| place(it.addr.get())),
            false => "a reserved bit is one: the channel stops here".to_owned(),
        };
        let head = format!("   [{}]", lines.len());
        lines.push(line(&head, at, Some(&raw.0), 16, &text));
        if entry.flags.contains(TidawFlags::LAST) || !raw.reserved_is_zero() {
            break;
        }
        at = match entry.flags.contains(TidawFlags::TRANSFER_IN_CHANNEL) {
            true => entry.addr.get(),
            false => at + 16,
        };
    }
    lines
}

/// The `len` bytes at `at` of host storage that is not the guest's.
fn bytes(areas: &[HostArea], at: u64, len: usize) -> Option<&[u8]> {
    areas.iter().find_map(|area| {
        let start = usize::try_from(at.checked_sub(area.at.get())?).ok()?;
        area.bytes.get(start..start.checked_add(len)?)
    })
}
