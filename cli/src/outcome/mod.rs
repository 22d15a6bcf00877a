// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a run came to, in the guest's terms: status, traffic, storage.

mod comparison;
mod host;
mod json;
#[cfg(target_os = "linux")]
mod submitted;
mod text;

use ccw::{Guest, Irb, Scsw, SubchannelStatus};
use css::{CannotStart, Check, ConditionCode};
use translator::{Code, Finding};

use crate::exit::Exit;
use crate::finding::refusal;
use crate::input::Input;
use crate::machine::{self, Attached, Dropped, Ended, Exchange, GivenUp};
use crate::memory::Working;
use crate::status;
use crate::translation::Translation;

pub(crate) use comparison::storage_difference;
pub(crate) use json::Entry;
#[cfg(target_os = "linux")]
pub(crate) use submitted::{refused, submitted};

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
    /// It had not ended when the run was given up.
    GivenUp(GivenUp),
    /// It was stopped, or its device lost, for this reason; with the last status, if there is any.
    Stopped(Option<Irb<Guest>>, String),
}

/// What a run came to.
pub(crate) struct Outcome {
    end: End,
    /// Whether what passed between channel and device can be known.
    heard: bool,
    exchanges: Vec<Exchange>,
    dropped: Dropped,
    /// Sense bytes that were asked for, because the status brought none along.
    sense: Option<Vec<u8>>,
    /// The condition that a check stands for, if it is known.
    reason: Option<String>,
    /// What should not have happened.
    complaints: Vec<String>,
    /// What is worth knowing.
    remarks: Vec<String>,
    /// What came out of the device, if it is one that puts something out.
    output: Option<Vec<u8>>,
    /// The program is one of transport mode, with its TSB at this address.
    tsb: Option<u64>,
}

/// Runs the guest's own program.
pub(crate) fn direct(input: &Input, storage: &mut Working<'_>, device: Attached) -> Outcome {
    let ran = machine::run_guest(&input.orb, storage, device);
    let mut reason = None;
    let end = match ran.ended {
        Ended::Status(irb, check) => {
            reason = check.map(named);
            End::Status(irb)
        }
        Ended::NotStarted(refusal) => not_started(refusal),
        Ended::Suspended(irb) => End::Suspended(irb.scsw),
        Ended::GivenUp(why) => End::GivenUp(why),
    };
    Outcome {
        end,
        exchanges: ran.exchanges,
        dropped: ran.dropped,
        heard: true,
        sense: None,
        reason,
        complaints: damage(&ran.device),
        remarks: Vec::new(),
        output: output(&ran.device),
        tsb: None,
    }
}

/// Runs the translated program, if there is one; `findings` are those about the guest's.
pub(crate) fn translated(
    input: &Input,
    translation: Translation,
    findings: &[Finding],
    storage: &mut Working<'_>,
    device: Attached,
) -> Outcome {
    let end = match translation {
        Translation::Ready(ready) => return host::host(input, *ready, findings, storage, device),
        Translation::Ended(irb) => End::Status(irb),
        Translation::Arrived(_, irb, _) => End::Suspended(irb.scsw),
        Translation::Unknown(missing) => End::GivenUp(GivenUp::NotInInput(missing.at)),
        Translation::Refused(finding) => End::refused(&finding),
    };
    let reason = match &end {
        End::Status(irb) => condition(&irb.scsw, findings),
        _ => None,
    };
    Outcome {
        end,
        exchanges: Vec::new(),
        dropped: Dropped::default(),
        heard: true,
        sense: None,
        reason,
        complaints: Vec::new(),
        remarks: Vec::new(),
        output: output(&device),
        tsb: None,
    }
}

impl Outcome {
    /// The same, if `storage` had all that the channel wanted; otherwise only that it had not.
    pub(crate) fn in_storage(mut self, storage: &Working<'_>) -> Self {
        if let Some(at) = storage.missed() {
            self.end = End::GivenUp(GivenUp::NotInInput(at));
            self.reason = None;
            self.complaints.clear();
        }
        self
    }

    /// The same for a program of transport mode, if there is a TSB.
    pub(crate) fn with_tsb(self, tsb: Option<u64>) -> Self {
        Self { tsb, ..self }
    }
}

fn output(device: &Attached) -> Option<Vec<u8>> {
    device.output().map(<[u8]>::to_vec)
}

/// What is wrong with the image of `device`, if the run came upon it.
fn damage(device: &Attached) -> Vec<String> {
    let complaint =
        |at| format!("the image is no .aws tape at byte {at}, or cannot be read or written there");
    device.damaged().map(complaint).into_iter().collect()
}

/// The condition of the guest's program for which it ended with the check in `scsw`.
fn condition(scsw: &Scsw<Guest>, findings: &[Finding]) -> Option<String> {
    let check = if scsw.subchannel.contains(SubchannelStatus::PROGRAM_CHECK) {
        translator::Check::ProgramCheck
    } else if scsw.subchannel.contains(SubchannelStatus::PROTECTION_CHECK) {
        translator::Check::ProtectionCheck
    } else {
        return None;
    };
    let at = u64::from(scsw.cpa.wrapping_sub(8));
    findings
        .iter()
        .find(|finding| {
            finding.code.check() == check && finding.site.ccw.is_some_and(|ccw| ccw.get() == at)
        })
        .map(|finding| finding.code.to_string())
}

/// The condition that the channel itself found.
fn named(check: Check) -> String {
    let condition = check.condition;
    Code::parse(condition.id()).map_or_else(
        || format!("{} {}", condition.id(), condition.text()),
        |code| code.to_string(),
    )
}

fn not_started(refusal: CannotStart) -> End {
    End::NotStarted(match refusal {
        CannotStart::Operand(_) => "operand exception".to_owned(),
        CannotStart::Condition(ConditionCode::Cc3) => {
            "condition code 3, no path of the ORB's mask is available (O09)".to_owned()
        }
        CannotStart::Condition(_) => refusal.to_string(),
    })
}

impl Outcome {
    /// What came out of the device.
    pub(crate) fn output(&self) -> Option<&[u8]> {
        self.output.as_deref()
    }

    /// The sense bytes, if there are any.
    fn sense(&self) -> Option<&[u8]> {
        match &self.end {
            End::Status(irb) => irb.concurrent_sense().or(self.sense.as_deref()),
            _ => None,
        }
    }

    /// The exit code that it calls for.
    pub(crate) fn exit(&self) -> Exit {
        let normal = match &self.end {
            End::Status(irb) => status::is_normal_end(&irb.scsw),
            End::GivenUp(GivenUp::NotInInput(_)) => return Exit::Undecided,
            _ => false,
        };
        if normal && self.complaints.is_empty() {
            Exit::Fine
        } else {
            Exit::Refused
        }
    }
}

impl End {
    /// The program is not run, for what `finding` says.
    fn refused(finding: &Finding) -> Self {
        match finding.code.id().starts_with('O') {
            true => Self::NotStarted("operand exception".to_owned()),
            false => Self::Refused(refusal(finding)),
        }
    }
}
