// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An outcome for people to read.

use std::fmt::Write;
use std::ops::Range;

use ccw::{DeviceClass, Guest, RawTsb, Scsw, TransportScsw, Tsb};

use super::{End, Outcome};
use crate::machine::Exchange;
use crate::memory::Working;
use crate::printable::printable;
use crate::{dump, listing, status};

/// Bytes of changed storage that are shown.
const SHOWN: usize = 512;
/// Ranges this near each other are shown as one.
const GAP: u64 = 16;
/// Exchanges that are shown; those that are like the one before count as one.
const EXCHANGES: usize = 200;

impl Outcome {
    /// The outcome as text; `storage` is as the run left it.
    pub(crate) fn text(&self, class: DeviceClass, storage: &Working<'_>) -> String {
        let mut text = String::new();
        let mut shown = 0;
        for same in self.exchanges.chunk_by(|a, b| a == b).take(EXCHANGES) {
            let Some(first) = same.first() else { continue };
            shown += same.len();
            text.push_str(&exchange_line(first, class));
            if same.len() > 1 {
                let _ = writeln!(text, "  ... {} more like this", same.len() - 1);
            }
        }
        let rest = self.exchanges.len().saturating_sub(shown) as u64 + self.dropped.count;
        if rest > 0 {
            let _ = writeln!(text, "  ... {rest} more commands");
        }
        match &self.end {
            End::Status(irb) => {
                match self.tsb {
                    None => text.push_str(&status_text(&irb.scsw)),
                    Some(at) => text.push_str(&transport_text(&irb.scsw, at, storage)),
                }
                if let Some(reason) = &self.reason {
                    let _ = writeln!(text, "    {:17} {reason}", "condition");
                }
                if let Some(sense) = self.sense() {
                    let _ = writeln!(text, "    {:17} {}", "sense", dump::words(sense));
                }
            }
            End::NotStarted(reason) => {
                let _ = writeln!(text, "  START SUBCHANNEL: {reason}; nothing is started");
            }
            End::Refused(reason) => {
                let _ = writeln!(text, "  not run: {reason}");
            }
            End::Suspended(scsw) => {
                let _ = writeln!(
                    text,
                    "  suspended at the CCW {:08x}; `submit --resume N` goes on there",
                    scsw.cpa.wrapping_sub(8)
                );
            }
            End::GivenUp(why) => {
                let _ = writeln!(text, "  given up: {why}");
            }
            End::Stopped(irb, why) => {
                if let Some(irb) = irb {
                    text.push_str(&status_text(&irb.scsw));
                }
                let _ = writeln!(text, "  given up: {why}");
            }
        }
        for complaint in &self.complaints {
            let _ = writeln!(text, "  BUT {complaint}");
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "  note: {remark}");
        }
        text.push_str(&changes_text(storage));
        if let Some(output) = self.output() {
            text.push_str("  output of the device:\n");
            for line in String::from_utf8_lossy(output).lines() {
                let _ = writeln!(text, "    |{}", printable(line));
            }
        }
        text
    }
}

/// The status of a program of transport mode, whose TSB lies at `at`.
fn transport_text(scsw: &Scsw<Guest>, at: u64, storage: &Working<'_>) -> String {
    let mut text = format!("  SCSW {}\n", dump::words(&scsw.encode().0));
    let scsw = TransportScsw::of(scsw);
    let mut lines = status::transport_lines(&scsw);
    let mut raw = RawTsb::default();
    if scsw.tsb_is_valid() && storage.read(at, &mut raw.0) == raw.0.len() {
        lines.push(("TSB", format!("stored at {at:08x}")));
        lines.extend(listing::transport::tsb(&Tsb::decode(&raw)));
    }
    for (head, body) in lines {
        let _ = writeln!(text, "    {head:17} {body}");
    }
    text
}

fn status_text(scsw: &Scsw<Guest>) -> String {
    let mut text = format!("  SCSW {}\n", dump::words(&scsw.encode().0));
    for (head, body) in status::lines(scsw) {
        let _ = writeln!(text, "    {head:17} {body}");
    }
    text
}

fn exchange_line(exchange: &Exchange, class: DeviceClass) -> String {
    let moved = match (exchange.sent, exchange.received) {
        (0, 0) => "no data".to_owned(),
        (sent, 0) => format!("{} to the device", dump::count(sent)),
        (_, received) => format!("{} from the device", dump::count(received)),
    };
    let data = dump::words(&exchange.first);
    let more = if exchange.sent.max(exchange.received) > exchange.first.len() as u64 {
        " ..."
    } else {
        ""
    };
    let line = format!(
        "  {:28} {:28} {:36}{more:4}  {:02x} {}",
        class.command_name(exchange.command),
        moved,
        data,
        exchange.status.bits(),
        status::device(exchange.status),
    );
    format!("{}\n", line.trim_end())
}

fn changes_text(storage: &Working<'_>) -> String {
    let changes = storage.changes();
    if changes.is_empty() {
        return "  guest storage is as it was\n".to_owned();
    }
    let bytes: u64 = changes.iter().map(|range| range.end - range.start).sum();
    let mut text = format!("  guest storage changed: {}\n", dump::count(bytes));
    let mut room = SHOWN;
    for range in joined(changes) {
        let mut buf = vec![
            0;
            usize::try_from(range.end - range.start)
                .unwrap_or(room)
                .min(room)
        ];
        storage.read(range.start, &mut buf);
        text.push_str(&dump::lines(range.start, &buf, 4));
        room -= buf.len();
        if room == 0 {
            let _ = writeln!(text, "    ... and more");
            break;
        }
    }
    text
}

/// The ranges, those joined between which only a few bytes happen to be what they were.
fn joined(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start - last.end < GAP => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}
