// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a program ended when it was recorded, beside what a machine makes of it.

use std::fmt::Write;

use ccw::{CcwFlags, CcwLine, Class, SubchannelStatus};
use serde::Serialize;
use translator::{Check, Code, Outcome, Program};

use crate::input::{Input, Recorded};
use crate::{dump, json, sense, status, undecided};

/// What was recorded of the end of `program`, and what a machine makes of it; lines of a report.
pub(crate) fn text(input: &Input, program: &Program) -> String {
    let mut text = String::new();
    let Some(recorded) = &input.recorded else {
        return text;
    };
    let _ = writeln!(text, "  recorded: {}", words(recorded));
    if !recorded.sense.is_empty() {
        let _ = writeln!(text, "  sense:    {}", dump::words(&recorded.sense));
        let words = sense::words(&recorded.sense, input.device_class());
        let _ = writeln!(text, "            {words}");
    }
    if !recorded.is_normal()
        && let Some(line) = look_at(input, program, recorded)
    {
        let _ = writeln!(text, "  look at   {line}");
    }
    if let Some(parameters) = parameters(input, program, recorded) {
        let _ = writeln!(text, "  undecided: {parameters}");
    }
    let _ = writeln!(text, "  {}", compared(input, program, recorded));
    text
}

/// `recorded` in words.
fn words(recorded: &Recorded) -> String {
    let mut parts = Vec::new();
    if let Some(device) = recorded.device.filter(|device| !device.is_empty()) {
        parts.push(status::device(device));
    }
    match recorded.subchannel {
        Some(status) if !status.is_empty() => parts.push(status::subchannel(status)),
        Some(_) if recorded.device.is_none_or(|device| device.is_empty()) => {
            parts.push("no status".to_owned());
        }
        _ => {}
    }
    if let Some(cpa) = recorded.cpa {
        parts.push(match cpa.checked_sub(8) {
            Some(at) => format!("CCW address {cpa:08x}, so the CCW at {at:08x}"),
            None => "CCW address 0, so no CCW is known".to_owned(),
        });
    }
    if let Some(residual) = recorded.residual {
        parts.push(format!("residual count {residual}"));
    }
    parts.join("; ")
}

/// The CCW with which it ended.
fn look_at(input: &Input, program: &Program, recorded: &Recorded) -> Option<String> {
    let at = recorded.cpa?.checked_sub(8)?;
    let step = program
        .steps()
        .find(|step| step.at.get() == u64::from(at))?;
    let line = CcwLine {
        addr: at,
        raw: step.raw?,
    };
    let format = program.orb().format;
    Some(format!(
        "CCW {} {}",
        step.index,
        line.display(format, input.device_class())
    ))
}

/// Which parameters the sense bytes are about, if they are not in the input, and where to get them.
fn parameters(input: &Input, program: &Program, recorded: &Recorded) -> Option<String> {
    let last = recorded.cpa?.checked_sub(8)?;
    if !sense::is_of_parameters(&recorded.sense, input.device_class()) {
        return None;
    }
    let list = CcwFlags::INDIRECT | CcwFlags::MODIFIED_INDIRECT;
    let upto = program
        .steps()
        .position(|step| step.at.get() == u64::from(last))?;
    let lacking: Vec<String> = program
        .steps()
        .take(upto + 1)
        .filter(|step| !step.tic && step.ccw.command.class() == Class::Control)
        .filter_map(|step| {
            let (at, count) = (step.ccw.addr.widen().get(), u64::from(step.ccw.count));
            let what = match step.ccw.flags.intersects(list) {
                true => "listed at",
                false => "bytes at",
            };
            let mut bytes = at..at.saturating_add(count);
            bytes
                .any(|byte| input.memory.lacks(byte))
                .then(|| format!("{count} {what} {at:08x} (CCW {})", step.index))
        })
        .collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "the parameters that are meant are not in this input: {}; a dump of that time has \
             them, or look at the storage there",
            lacking.join(", ")
        )
    })
}

/// What is wrong with the CCW at which a check was recorded, where the verdict leaves open whether the
/// channel comes there.
fn cause(input: &Input, program: &Program, recorded: &Recorded) -> Option<Code> {
    let at = u64::from(recorded.cpa?.checked_sub(8)?);
    let status = recorded.subchannel?;
    let check = if status.contains(SubchannelStatus::PROGRAM_CHECK) {
        Check::ProgramCheck
    } else if status.contains(SubchannelStatus::PROTECTION_CHECK) {
        Check::ProtectionCheck
    } else {
        return None;
    };
    let open = undecided::outcome(input, program) == Outcome::Indeterminate;
    let mut there = program.findings().iter().filter(|finding| {
        let here = finding.site.ccw.is_some_and(|ccw| ccw.get() == at);
        here && finding.code.check() == check
            && undecided::missing(finding, input, program).is_none()
    });
    there.next().filter(|_| open).map(|finding| finding.code)
}

/// How what was recorded and what a machine does go together, in a sentence.
fn compared(input: &Input, program: &Program, recorded: &Recorded) -> String {
    if let Some(code) = cause(input, program, recorded) {
        return format!("a machine that comes to that CCW would: end it as recorded, for {code}");
    }
    let would = match (undecided::outcome(input, program), program.scsw()) {
        (Outcome::Valid, _) if recorded.is_check() => {
            return "a machine would: carry it out; the program that is here is legal, so the one that \
                    ran was another, or its channel is at fault"
                .to_owned();
        }
        (Outcome::Valid, _) if recorded.is_unit_check() => {
            return "a machine would: carry it out, unless the device objects, as it did here"
                .to_owned();
        }
        (Outcome::Valid, _) => return "a machine would: carry it out as well".to_owned(),
        (Outcome::Indeterminate, _) if recorded.is_unit_check() => {
            return "the device ended it, not the channel; what a machine makes of the rest cannot be told \
                    from this input"
                .to_owned();
        }
        (Outcome::Indeterminate, _) if recorded.is_normal() => {
            return "a machine would: carry it out as well, as far as can be told from this input"
                .to_owned();
        }
        (Outcome::Indeterminate, _) => {
            return "a machine would: do what cannot be told from this input".to_owned();
        }
        (Outcome::Invalid, None) => {
            return "a machine would: not start it at all; the two differ".to_owned();
        }
        (Outcome::Invalid, Some(scsw)) => scsw,
    };
    let kind = if would.subchannel.is_empty() {
        status::device(would.device)
    } else {
        status::subchannel(would.subchannel)
    };
    let same = recorded.subchannel.is_none_or(|it| it == would.subchannel)
        && recorded.cpa.is_none_or(|it| it == would.cpa);
    let same_device = recorded.device.is_none_or(|it| it == would.device);
    let same = match (same, same_device) {
        (true, true) => "as recorded".to_owned(),
        (true, false) => {
            let device = status::device(would.device);
            format!("as recorded, but for the device status, which would be: {device}")
        }
        (false, _) => "the two differ".to_owned(),
    };
    format!(
        "a machine would: end it with {kind}, CCW address {:08x}; {same}",
        would.cpa
    )
}

/// What was recorded, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    device_status: Option<String>,
    subchannel_status: Option<String>,
    residual: Option<u16>,
    ccw_address: Option<String>,
    sense: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
    compared: String,
}

impl Entry {
    /// What was recorded of the end of `program`.
    pub(crate) fn of(input: &Input, program: &Program) -> Option<Self> {
        let recorded = input.recorded.as_ref()?;
        Some(Self {
            device_status: recorded.device.map(status::device),
            subchannel_status: recorded.subchannel.map(status::subchannel),
            residual: recorded.residual,
            ccw_address: recorded.cpa.map(|cpa| json::hex(cpa.into())),
            sense: (!recorded.sense.is_empty()).then(|| json::digits(&recorded.sense)),
            parameters: parameters(input, program, recorded),
            compared: compared(input, program, recorded),
        })
    }
}
