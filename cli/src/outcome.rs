// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a run came to, in the guest's terms: status, traffic, storage.

use std::fmt::Write;
use std::ops::Range;

use ccw::{DeviceClass, Guest, Irb, Scsw, SubchannelStatus};
use css::{CannotStart, Check};
use serde::Serialize;
use translator::FirstByteFault;

use crate::exit::Exit;
use crate::input::{Input, printable};
use crate::machine::{self, Attached, Ended, Exchange};
use crate::memory::Working;
use crate::translation::{Ready, Translation};
use crate::verbs::translate::refusal;
use crate::{dump, json, status};

/// Bytes of changed storage that are shown.
const SHOWN: usize = 512;
/// Ranges this near each other are shown as one.
const GAP: u64 = 16;
/// Exchanges that are shown as text.
const EXCHANGES: usize = 200;

/// How a run ended.
#[derive(Clone, Debug)]
enum End {
    /// With this status.
    Status(Irb<Guest>),
    /// START SUBCHANNEL did not start it: an exception or a condition code.
    NotStarted(String),
    /// It was not translated, for this reason.
    Refused(String),
    /// It stands at a CCW with the S flag.
    Suspended(Scsw<Guest>),
    /// It was still running when the run was given up.
    Endless,
}

/// What a run came to.
pub(crate) struct Outcome {
    end: End,
    exchanges: Vec<Exchange>,
    dropped: u64,
    /// The channel's own reason for a check, if it looked at the guest's program.
    reason: Option<String>,
    /// What should not have happened.
    complaints: Vec<String>,
    /// The device afterwards.
    pub(crate) device: Attached,
}

/// Runs the guest's own program.
pub(crate) fn direct(input: &Input, storage: &mut Working<'_>, device: Attached) -> Outcome {
    let ran = machine::run_guest(&input.orb, storage, device);
    let mut reason = None;
    let end = match ran.ended {
        Ended::Status(irb, check) => {
            reason = check
                .map(|Check { condition, .. }| format!("{} {}", condition.id(), condition.text()));
            End::Status(irb)
        }
        Ended::NotStarted(refusal) => not_started(refusal),
        Ended::Suspended(irb) => End::Suspended(irb.scsw),
        Ended::Endless => End::Endless,
    };
    Outcome {
        end,
        exchanges: ran.exchanges,
        dropped: ran.dropped,
        reason,
        complaints: Vec::new(),
        device: ran.device,
    }
}

/// Runs the translated program, if there is one.
pub(crate) fn translated(
    translation: &Translation,
    storage: &mut Working<'_>,
    device: Attached,
) -> Outcome {
    let end = match translation {
        Translation::Ready(ready) => return host(ready, storage, device),
        Translation::Ended(irb) => End::Status(*irb),
        Translation::Refused(finding) if finding.code.id().starts_with('O') => {
            End::NotStarted("operand exception".to_owned())
        }
        Translation::Refused(finding) => End::Refused(refusal(finding)),
    };
    Outcome {
        end,
        exchanges: Vec::new(),
        dropped: 0,
        reason: None,
        complaints: Vec::new(),
        device,
    }
}

fn host(ready: &Ready, storage: &mut Working<'_>, device: Attached) -> Outcome {
    let ran = machine::run_host(ready, storage, device);
    let mut complaints = Vec::new();
    let end = match ran.ended {
        Ended::Status(irb, _) => {
            let completion = ready.translated.complete(&irb);
            if completion.unmapped {
                complaints.push(format!(
                    "the host's CCW address {:08x} belongs to no CCW of the guest",
                    irb.scsw.cpa
                ));
            }
            if completion.unexplained {
                complaints.push("the host found fault with a sound CCW".to_owned());
            }
            End::Status(completion.irb)
        }
        Ended::NotStarted(refusal) => not_started(refusal),
        Ended::Suspended(irb) => End::Suspended(ready.translated.complete(&irb).irb.scsw),
        Ended::Endless => End::Endless,
    };
    let nowhere = match translator::HostProfile::SOFTWARE.first_byte_fault {
        FirstByteFault::Nowhere(at) => Some(at.get()),
        FirstByteFault::Stop => None,
    };
    for at in ran.violations.iter().filter(|at| Some(**at) != nowhere) {
        complaints.push(format!(
            "the host channel touched {at:#x}, which it was not given"
        ));
    }
    Outcome {
        end,
        exchanges: ran.exchanges,
        dropped: ran.dropped,
        reason: None,
        complaints,
        device: ran.device,
    }
}

fn not_started(refusal: CannotStart) -> End {
    End::NotStarted(match refusal {
        CannotStart::Operand(_) => "operand exception".to_owned(),
        CannotStart::Condition(_) => refusal.to_string(),
    })
}

impl Outcome {
    /// The exit code that it calls for.
    pub(crate) fn exit(&self) -> Exit {
        let normal = match &self.end {
            End::Status(irb) => status::is_normal_end(&irb.scsw),
            _ => false,
        };
        if normal && self.complaints.is_empty() {
            Exit::Fine
        } else {
            Exit::Refused
        }
    }

    /// Whether nothing was run because the program was not translated.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.end, End::Refused(_))
    }

    /// The outcome as text; `storage` is as the run left it.
    pub(crate) fn text(&self, class: DeviceClass, storage: &Working<'_>) -> String {
        let mut text = String::new();
        for exchange in self.exchanges.iter().take(EXCHANGES) {
            text.push_str(&exchange_line(exchange, class));
        }
        let rest = self.exchanges.len().saturating_sub(EXCHANGES) as u64 + self.dropped;
        if rest > 0 {
            let _ = writeln!(text, "  ... {rest} more commands");
        }
        match &self.end {
            End::Status(irb) => {
                let words = dump::words(&irb.scsw.encode().0);
                let _ = writeln!(text, "  SCSW {words}");
                for (head, body) in status::lines(&irb.scsw) {
                    let _ = writeln!(text, "    {head:17} {body}");
                }
                if let Some(reason) = &self.reason {
                    let _ = writeln!(text, "    {:17} {reason}", "condition");
                }
                if let Some(sense) = irb.concurrent_sense() {
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
                    "  suspended at the CCW {:08x}",
                    scsw.cpa.wrapping_sub(8)
                );
            }
            End::Endless => text.push_str("  still running after a million commands: given up\n"),
        }
        for complaint in &self.complaints {
            let _ = writeln!(text, "  BUT {complaint}");
        }
        text.push_str(&changes_text(storage));
        if let Some(output) = self.device.output() {
            text.push_str("  output of the device:\n");
            for line in String::from_utf8_lossy(output).lines() {
                let _ = writeln!(text, "    |{}", printable(line));
            }
        }
        text
    }

    /// The outcome as JSON; `storage` is as the run left it.
    pub(crate) fn entry(&self, class: DeviceClass, storage: &Working<'_>) -> Entry {
        let (scsw, refused) = match &self.end {
            End::Status(irb) => (Some(irb.scsw), None),
            End::Suspended(scsw) => (Some(*scsw), None),
            End::NotStarted(reason) | End::Refused(reason) => (None, Some(reason.clone())),
            End::Endless => (None, None),
        };
        let sense = match &self.end {
            End::Status(irb) => irb.concurrent_sense().map(json::digits),
            _ => None,
        };
        Entry {
            end: match &self.end {
                End::Status(irb) if status::is_normal_end(&irb.scsw) => "normal",
                End::Status(_) => "check",
                End::NotStarted(_) => "not-started",
                End::Refused(_) => "refused",
                End::Suspended(_) => "suspended",
                End::Endless => "endless",
            },
            reason: refused.or_else(|| self.reason.clone()),
            scsw: scsw.map(|scsw| json::digits(&scsw.encode().0)),
            device_status: scsw.map(|scsw| status::device(scsw.device)),
            subchannel_status: scsw.map(|scsw| status::subchannel(scsw.subchannel)),
            sense,
            traffic: self
                .exchanges
                .iter()
                .map(|exchange| Traffic::of(exchange, class))
                .collect(),
            traffic_dropped: self.dropped,
            changed: storage
                .changes()
                .into_iter()
                .map(|range| Changed::of(storage, &range))
                .collect(),
            output: self
                .device
                .output()
                .map(|output| String::from_utf8_lossy(output).into_owned()),
            complaints: self.complaints.clone(),
        }
    }

    /// Where two runs of the same program differ, storage aside.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        if let End::Refused(reason) = &other.end {
            return vec![format!("only the guest's own program was run; {reason}")];
        }
        let mut differences = Vec::new();
        let (one, two) = (self.end.summary(), other.end.summary());
        if one != two {
            differences.push(format!("status: {one} directly, {two} translated"));
        }
        let pairs = self.exchanges.iter().zip(&other.exchanges);
        if let Some(n) = pairs.clone().position(|(a, b)| a != b) {
            differences.push(format!(
                "device traffic: command {n} is the first that differs"
            ));
        } else if self.exchanges.len() != other.exchanges.len() {
            differences.push(format!(
                "device traffic: {} command(s) directly, {} translated",
                self.exchanges.len(),
                other.exchanges.len()
            ));
        }
        differences
    }
}

impl End {
    /// Everything of the ending that the architecture determines, as text.
    fn summary(&self) -> String {
        match self {
            Self::Status(irb) => {
                let mut scsw = irb.scsw;
                let lengths = SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH;
                if !lengths.contains(scsw.subchannel) {
                    scsw.residual = 0;
                }
                let sense = irb.concurrent_sense().map(dump::words).unwrap_or_default();
                format!("SCSW {} {sense}", dump::words(&scsw.encode().0))
                    .trim_end()
                    .to_owned()
            }
            Self::NotStarted(reason) | Self::Refused(reason) => reason.clone(),
            Self::Suspended(scsw) => format!("suspended at {:08x}", scsw.cpa.wrapping_sub(8)),
            Self::Endless => "still running".to_owned(),
        }
    }
}

/// Where two storages differ after runs of the same program.
pub(crate) fn storage_difference(one: &Working<'_>, other: &Working<'_>) -> Option<String> {
    let ranges = one.differences(other);
    let first = ranges.first()?;
    let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    Some(format!(
        "storage: {} from {:08x} on",
        dump::count(bytes),
        first.start
    ))
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

/// An outcome, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    scsw: Option<String>,
    device_status: Option<String>,
    subchannel_status: Option<String>,
    sense: Option<String>,
    traffic: Vec<Traffic>,
    traffic_dropped: u64,
    changed: Vec<Changed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    complaints: Vec<String>,
}

/// A command and its answer, as JSON.
#[derive(Serialize)]
struct Traffic {
    command: String,
    name: &'static str,
    sent: u64,
    received: u64,
    first_bytes: String,
    status: String,
}

impl Traffic {
    fn of(exchange: &Exchange, class: DeviceClass) -> Self {
        Self {
            command: format!("{:02x}", exchange.command),
            name: class.command_name(exchange.command),
            sent: exchange.sent,
            received: exchange.received,
            first_bytes: json::digits(&exchange.first),
            status: format!("{:02x}", exchange.status.bits()),
        }
    }
}

/// A changed range of guest storage, as JSON.
#[derive(Serialize)]
struct Changed {
    addr: String,
    len: u64,
    hex: String,
}

impl Changed {
    fn of(storage: &Working<'_>, range: &Range<u64>) -> Self {
        let len = range.end - range.start;
        let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
        storage.read(range.start, &mut bytes);
        Self {
            addr: json::hex(range.start),
            len,
            hex: json::digits(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_do_not_matter_after_a_check() {
        let end = |hex: u128| {
            let mut raw = [0; 12];
            raw.copy_from_slice(&hex.to_be_bytes()[4..]);
            let mut irb = Irb::IDLE;
            irb.scsw = Scsw::decode(&ccw::RawScsw(raw));
            End::Status(irb).summary()
        };
        assert_eq!(
            end(0x00c0_4017_0000_2608_0020_1234),
            end(0x00c0_4017_0000_2608_0020_0000)
        );
        assert_ne!(
            end(0x00c0_4017_0000_2608_0c40_1234),
            end(0x00c0_4017_0000_2608_0c40_0000)
        );
        assert_ne!(
            end(0x00c0_4017_0000_2608_0020_0000),
            end(0x00c0_4017_0000_2608_0010_0000)
        );
    }
}
