// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! In what two reports differ, field by field.

use std::collections::BTreeMap;
use std::fmt::Write;

use ccw::{DeviceStatus, SubchannelStatus};
use css::device::scripted::Sent;

use super::Settled;
use crate::implementation::{Ran, Report, reference};
use crate::machine::Machine;

/// Bytes of data that are shown.
const SHOWN: usize = 16;

/// The names of all fields.
pub const FIELDS: [&str; 10] = [
    "start",
    "status",
    "flags and controls",
    "device status",
    "subchannel status",
    "CCW address",
    "residual count",
    "sense",
    "device traffic",
    "storage",
];

/// One thing that came of a program, as two tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub name: &'static str,
    /// What each says; none if it does not tell.
    pub told: [Option<String>; 2],
    /// Whether they say the same, as far as both tell.
    pub same: bool,
}

impl Field {
    /// Whether this is a difference.
    pub const fn differs(&self) -> bool {
        !self.same
    }
}

/// Two reports that differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// On which machine.
    pub machine: Machine,
    /// Whose reports.
    pub names: [String; 2],
    /// What they say.
    pub reports: [Report; 2],
    /// Field by field.
    pub fields: Vec<Field>,
    /// Address of the CCW in question, if one can be named.
    pub ccw: Option<u64>,
}

impl Difference {
    pub(super) fn new(
        machine: &Machine,
        names: [String; 2],
        one: &Report,
        other: &Report,
        fields: Vec<Field>,
    ) -> Self {
        Self {
            ccw: in_question(machine, one, other),
            machine: machine.clone(),
            names,
            reports: [one.clone(), other.clone()],
            fields,
        }
    }

    /// The names of the fields that differ.
    pub fn what(&self) -> String {
        let names: Vec<&str> = self.differing().collect();
        names.join(", ")
    }

    /// Whether they differ in each of these fields.
    pub fn is_in(&self, names: &[&str]) -> bool {
        names
            .iter()
            .all(|name| self.differing().any(|it| it == *name))
    }

    fn differing(&self) -> impl Iterator<Item = &'static str> {
        let differing = self.fields.iter().filter(|field| field.differs());
        differing.map(|field| field.name)
    }
}

/// What both tell, and what only one does.
pub(super) fn fields(one: &Report, other: &Report) -> Vec<Field> {
    let reports = [one, other];
    let mut fields = vec![field("start", reports.map(|it| Some(start(it))))];
    let [Some(one), Some(other)] = reports.map(ran) else {
        return fields;
    };
    let runs = [one, other];
    if runs.iter().any(|ran| ran.cc != 0) {
        return fields;
    }
    let statuses = runs.map(|ran| ran.statuses.as_deref().map(Settled::of));
    status(&statuses, &mut fields);
    fields.push(commands(runs));
    fields.push(stored(runs));
    fields
}

fn ran(report: &Report) -> Option<&Ran> {
    match report {
        Report::Ran(ran) => Some(ran),
        Report::Unsupported(_) | Report::OperandException => None,
    }
}

fn start(report: &Report) -> String {
    match report {
        Report::Unsupported(why) => format!("unsupported: {why}"),
        Report::OperandException => "operand exception".to_owned(),
        Report::Ran(ran) => format!("condition code {}", ran.cc),
    }
}

fn field(name: &'static str, told: [Option<String>; 2]) -> Field {
    let same = match &told {
        [Some(one), Some(other)] => one == other,
        _ => true,
    };
    Field { name, told, same }
}

fn status(statuses: &[Option<Option<Settled>>; 2], fields: &mut Vec<Field>) {
    let [Some(Some(one)), Some(Some(other))] = statuses else {
        let told = statuses.each_ref().map(|status| {
            let settled = status.as_ref()?;
            Some(match settled {
                None => "none".to_owned(),
                Some(settled) => hex(&settled.scsw.encode().0),
            })
        });
        fields.push(field("status", told));
        return;
    };
    let both = [one, other];
    let mut known = one.known;
    for (known, other) in known.iter_mut().zip(other.known) {
        *known &= other;
    }
    let mut add = |name, part: std::ops::Range<usize>, show: &dyn Fn(&Settled) -> String| {
        let bits = both.map(|settled| {
            let bytes = settled.scsw.encode().0;
            let masked = part.clone().map(|n| bytes[n] & known[n]);
            masked.collect::<Vec<u8>>()
        });
        let told = known[part.clone()] != vec![0; part.len()];
        fields.push(Field {
            name,
            told: both.map(|settled| told.then(|| show(settled))),
            same: bits[0] == bits[1],
        });
    };
    add("flags and controls", 0..4, &|settled| {
        hex(&settled.controls())
    });
    add("device status", 8..9, &|settled| {
        device(settled.scsw.device)
    });
    add("subchannel status", 9..10, &|settled| {
        subchannel(settled.scsw.subchannel)
    });
    add("CCW address", 4..8, &|settled| match settled.named {
        true => format!("{:08x}", settled.scsw.cpa),
        false => "names no CCW".to_owned(),
    });
    add("residual count", 10..12, &|settled| match settled.counts {
        true => settled.scsw.residual.to_string(),
        false => "counts nothing".to_owned(),
    });
    let sense = both.map(|settled| {
        let sense = settled.sense.as_ref()?;
        Some(match sense.is_empty() {
            true => "none".to_owned(),
            false => hex(sense),
        })
    });
    fields.push(field("sense", sense));
}

fn device(status: DeviceStatus) -> String {
    format!("{:02x}", status.bits())
}

fn subchannel(status: SubchannelStatus) -> String {
    format!("{:02x}", status.bits())
}

/// The first command that differs, or how many there were.
fn commands(runs: [&Ran; 2]) -> Field {
    let lists = runs.map(|ran| ran.commands.as_deref());
    let first = first_command(lists);
    let told = lists.map(|sent| {
        let sent = sent?;
        Some(match first {
            None => format!("{} command(s)", sent.len()),
            Some(n) => match sent.get(n) {
                None => format!("no command {n}"),
                Some(it) => format!("command {n}: {}", exchange(it)),
            },
        })
    });
    Field {
        name: "device traffic",
        told,
        same: first.is_none(),
    }
}

fn first_command(lists: [Option<&[Sent]>; 2]) -> Option<usize> {
    let [Some(one), Some(other)] = lists else {
        return None;
    };
    let pairs = one.iter().zip(other);
    let differs = pairs.clone().position(|(one, other)| one != other);
    differs.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

fn exchange(sent: &Sent) -> String {
    let mut text = format!("{:02x}", sent.command.0);
    if sent.taken > 0 {
        let _ = write!(text, ", {} bytes taken", sent.taken);
    }
    if !sent.output.is_empty() {
        let shown = &sent.output[..sent.output.len().min(SHOWN)];
        let more = if shown.len() < sent.output.len() {
            "..."
        } else {
            ""
        };
        let _ = write!(text, ", {} bytes: {}{more}", sent.output.len(), hex(shown));
    }
    text
}

/// The first byte of storage that differs, or how many were changed.
fn stored(runs: [&Ran; 2]) -> Field {
    let areas = runs.map(|ran| ran.stored.as_ref());
    let first = match areas {
        [Some(one), Some(other)] => first_byte(one, other),
        _ => None,
    };
    let told = areas.map(|stored| {
        let stored = stored?;
        Some(match first {
            None => format!("{} byte(s) changed", stored.len()),
            Some(at) => {
                let bytes = (at..).map_while(|at| stored.get(&at).copied());
                let bytes: Vec<u8> = bytes.take(SHOWN).collect();
                match bytes.is_empty() {
                    true => format!("{at:08x}: as before"),
                    false => format!("{at:08x}: {}", hex(&bytes)),
                }
            }
        })
    });
    Field {
        name: "storage",
        told,
        same: first.is_none(),
    }
}

fn first_byte(one: &BTreeMap<u64, u8>, other: &BTreeMap<u64, u8>) -> Option<u64> {
    let mut pairs = one.iter().zip(other);
    match pairs.find(|(one, other)| one != other) {
        Some(((one, _), (other, _))) => Some(*one.min(other)),
        None => {
            let (short, long) = if one.len() < other.len() {
                (one, other)
            } else {
                (other, one)
            };
            long.keys().nth(short.len()).copied()
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The CCW that the first differing command began with, or at which the first of them saw the end.
fn in_question(machine: &Machine, one: &Report, other: &Report) -> Option<u64> {
    let runs = [ran(one)?, ran(other)?];
    let executed = reference::execute(machine, &mut machine.scripted(), reference::STEPS);
    if let Some(n) = first_command(runs.map(|ran| ran.commands.as_deref())) {
        return executed.heads.get(n).or(executed.heads.last()).copied();
    }
    let ends = runs.map(|ran| ran.statuses.as_deref().and_then(Settled::of));
    let [end, _] = ends;
    let end = end.filter(|end| end.named);
    let at = end.and_then(|end| end.scsw.cpa.checked_sub(8));
    at.map(u64::from).or(executed.heads.last().copied())
}
