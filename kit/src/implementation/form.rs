// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reports as JSON.

use std::collections::BTreeMap;

use ccw::{Class, Command};
use ccwtool::fields::{Hex, Number};
use css::device::scripted::Sent;
use serde::{Deserialize, Serialize};

use super::{Ran, Report, Status};

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unsupported: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exception: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cc: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<Vec<Shown>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commands: Option<Vec<Exchange>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<Vec<Range>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    scsw: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sense: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    command: Hex,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    addr: Number,
    hex: Hex,
}

impl TryFrom<Line> for Report {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let told = line.cc.is_some()
            || line.status.is_some()
            || line.commands.is_some()
            || line.stored.is_some();
        match (line.unsupported, line.exception, told) {
            (Some(why), None, false) => return Ok(Self::Unsupported(why)),
            (None, Some(which), false) if which == "operand" => return Ok(Self::OperandException),
            (None, None, true) => {}
            (None, Some(_), false) => {
                return Err("exception: the only one is \"operand\"".to_owned());
            }
            _ => {
                return Err(
                    "a report has either unsupported, or exception, or some of cc, status, commands \
                     and stored"
                        .to_owned(),
                );
            }
        }
        let cc = line.cc.unwrap_or(0);
        if cc > 3 {
            return Err(format!("cc: {cc} is no condition code"));
        }
        let statuses = line.status.map(|shown| {
            let shown = shown.into_iter().enumerate();
            let shown = shown.map(|(n, it)| it.status().map_err(|it| format!("status[{n}].{it}")));
            shown.collect::<Result<Vec<_>, String>>()
        });
        let commands = line.commands.map(|sent| {
            let sent = sent.into_iter().enumerate();
            let sent = sent.map(|(n, it)| it.sent().map_err(|it| format!("commands[{n}]: {it}")));
            sent.collect::<Result<Vec<_>, String>>()
        });
        let stored = line.stored.map(bytes).transpose()?;
        Ok(Self::Ran(Ran {
            cc,
            statuses: statuses.transpose()?,
            commands: commands.transpose()?,
            stored,
        }))
    }
}

/// The bytes of `ranges`, of which the last counts.
fn bytes(ranges: Vec<Range>) -> Result<BTreeMap<u64, u8>, String> {
    let mut bytes = Vec::new();
    for Range { addr, hex } in ranges {
        let last = (hex.0.len() as u64).saturating_sub(1);
        if addr.0.checked_add(last).is_none() {
            return Err(format!("stored: {:#x} is too high", addr.0));
        }
        bytes.extend((addr.0..=u64::MAX).zip(hex.0));
    }
    Ok(bytes.into_iter().collect())
}

impl From<Report> for Line {
    fn from(report: Report) -> Self {
        match report {
            Report::Unsupported(why) => Self {
                unsupported: Some(why),
                ..Self::default()
            },
            Report::OperandException => Self {
                exception: Some("operand".to_owned()),
                ..Self::default()
            },
            Report::Ran(ran) => Self {
                cc: Some(ran.cc),
                status: ran.statuses.map(|it| it.iter().map(Shown::of).collect()),
                commands: ran.commands.map(|it| it.iter().map(Exchange::of).collect()),
                stored: ran.stored.as_ref().map(ranges),
                ..Self::default()
            },
        }
    }
}

impl Shown {
    fn status(self) -> Result<Status, String> {
        let twelve = |member: &str, text: &str| {
            let bytes = digits(member, text)?;
            let bytes: Result<[u8; 12], _> = bytes.try_into();
            bytes.map_err(|it: Vec<u8>| format!("{member}: an SCSW has 12 bytes, not {}", it.len()))
        };
        let known = self.known.map(|known| twelve("known", &known));
        let sense = self.sense.map(|sense| digits("sense", &sense));
        Ok(Status {
            scsw: twelve("scsw", &self.scsw)?,
            known: known.transpose()?.unwrap_or([0xff; 12]),
            sense: sense.transpose()?,
        })
    }

    fn of(status: &Status) -> Self {
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        Self {
            scsw: hex(&status.scsw),
            known: (status.known != [0xff; 12]).then(|| hex(&status.known)),
            sense: status.sense.as_deref().map(hex),
        }
    }
}

/// The bytes of `text`, in which there may be blanks.
fn digits(member: &str, text: &str) -> Result<Vec<u8>, String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let hex: Result<Hex, serde::de::value::Error> =
        Hex::deserialize(serde::de::value::StrDeserializer::new(&text));
    hex.map(|hex| hex.0).map_err(|it| format!("{member}: {it}"))
}

impl Exchange {
    fn sent(self) -> Result<Sent, String> {
        let &[command] = &self.command.0[..] else {
            return Err("a command is one byte".to_owned());
        };
        if self.output.is_some() && self.input.is_some() {
            return Err("data goes one way".to_owned());
        }
        Ok(Sent {
            command: Command(command),
            output: self.output.map(|output| output.0).unwrap_or_default(),
            taken: self.input.unwrap_or(0),
        })
    }

    fn of(sent: &Sent) -> Self {
        let input = matches!(
            sent.command.class(),
            Class::Read | Class::ReadBackward | Class::Sense
        );
        Self {
            command: Hex(vec![sent.command.0]),
            output: (!sent.output.is_empty()).then(|| Hex(sent.output.clone())),
            input: (input && sent.output.is_empty()).then_some(sent.taken),
        }
    }
}

/// Bytes that follow each other as ranges.
fn ranges(stored: &BTreeMap<u64, u8>) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for (&at, &byte) in stored {
        match ranges.last_mut() {
            Some(last) if last.addr.0.checked_add(last.hex.0.len() as u64) == Some(at) => {
                last.hex.0.push(byte);
            }
            _ => ranges.push(Range {
                addr: Number(at),
                hex: Hex(vec![byte]),
            }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_survive_their_json() {
        for line in [
            r#"{"unsupported":"MIDAWs"}"#,
            r#"{"exception":"operand"}"#,
            r#"{"cc":3}"#,
            r#"{"cc":0,"status":[{"scsw":"00c04017000010080c000000","sense":"8000"}],"commands":[{"command":"01","output":"c1"},{"command":"02","input":0},{"command":"03"}],"stored":[{"addr":"0x10","hex":"0102"},{"addr":"0x20","hex":"03"}]}"#,
        ] {
            let report: Report = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&report).unwrap(), line);
        }
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for (line, what) in [
            ("{}", "either"),
            (r#"{"cc":0,"unsupported":"x"}"#, "either"),
            (r#"{"cc":4}"#, "condition code"),
            (r#"{"exception":"data"}"#, "operand"),
            (r#"{"status":[{"scsw":"00"}]}"#, "12 bytes"),
            (r#"{"status":[{"scsw":"zz"}]}"#, "status[0].scsw"),
            (r#"{"commands":[{"command":"0102"}]}"#, "one byte"),
            (
                r#"{"commands":[{"command":"01","output":"","input":1}]}"#,
                "one way",
            ),
            (
                r#"{"stored":[{"addr":"0xffffffffffffffff","hex":"0000"}]}"#,
                "too high",
            ),
            (r#"{"stdout":[]}"#, "stdout"),
        ] {
            let error = serde_json::from_str::<Report>(line)
                .unwrap_err()
                .to_string();
            assert!(error.contains(what), "{line}: {error}");
        }
    }
}
