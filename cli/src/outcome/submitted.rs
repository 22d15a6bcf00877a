// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a program came to on a subchannel, or why it was not started there.

use translator::Finding;

use super::{End, Outcome, condition, damage, output};
use crate::machine::Dropped;
use crate::subchannel::{Ran, Session};

/// The program of `session` that ran; `findings` are those about it, `sense` was asked for.
pub(crate) fn submitted(
    ran: Ran,
    session: &mut Session,
    findings: &[Finding],
    sense: Option<Vec<u8>>,
) -> Outcome {
    let mut remarks = session.take_remarks();
    if session.metrics().lost > 0 {
        remarks.push("the final status was lost on its way from the device".to_owned());
    }
    let backend = session.backend_mut();
    let refusals = backend.take_refusals();
    remarks.extend(
        refusals
            .iter()
            .map(|what| format!("refused by the host: {what}")),
    );
    let record = backend.take_record();
    let attached = backend.attached();
    let heard = record.is_some();
    let (exchanges, dropped) = record.unwrap_or_default();
    let reason = match &ran {
        Ran::Status(irb) => condition(&irb.scsw, findings),
        _ => None,
    };
    Outcome {
        end: match ran {
            Ran::Status(irb) => End::Status(irb),
            Ran::Suspended(irb) => End::Suspended(irb.scsw),
            Ran::NotStarted(why) => End::NotStarted(why),
            Ran::GivenUp(why) => End::GivenUp(why),
            Ran::Stopped(irb, why) => End::Stopped(irb, why),
        },
        heard,
        exchanges,
        dropped,
        sense,
        reason,
        complaints: attached.map(damage).unwrap_or_default(),
        remarks,
        output: attached.and_then(output),
        tsb: None,
    }
}

/// A program that is not started, for what `finding` says.
pub(crate) fn refused(finding: &Finding) -> Outcome {
    Outcome {
        end: End::refused(finding),
        heard: false,
        exchanges: Vec::new(),
        dropped: Dropped::default(),
        sense: None,
        reason: None,
        complaints: Vec::new(),
        remarks: Vec::new(),
        output: None,
        tsb: None,
    }
}
