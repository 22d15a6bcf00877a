// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A command policy, on the commands of a TCCB: judged on the copy, by the rules for CCWs.
//!
//! The parameters of a command are its control data. What has them among its data as well, or has
//! control data that no CCW could have, is refused as parameters that cannot be judged are; and so is
//! all whose meaning is not known: other programs than those of device I/O, bits without meaning,
//! commands among the data.

use ccw::{Class, Command, DCW_SIZE, Dcw, RawDcw, RawTcah, ServiceAction, TCAH_SIZE};

use super::{Reason, Refusal, Transport, rules::EXTENSION};
use crate::{
    Code, CommandPolicy, Site,
    commands::{self, State},
};

impl Transport {
    /// Notes the first command that `policy` refuses, unless the device refuses one before. The host is
    /// given neither that command nor any behind it, nor one that could not be judged.
    pub(super) fn confine(&mut self, policy: &CommandPolicy) {
        let Some((offset, denied)) = self.denied(policy) else {
            return;
        };
        self.cut = Some(offset);
        let Some(denied) = denied else {
            return;
        };
        if self
            .refusal
            .is_none_or(|device| denied.command <= device.command)
        {
            self.refusal = Some(denied);
        }
    }

    /// Where the first command stands that is not given to the host, and why `policy` refuses it, if
    /// it is not the device that does: of a command that does not lie in its area.
    fn denied(&self, policy: &CommandPolicy) -> Option<(u16, Option<Refusal>)> {
        let block = self.block();
        let header = self.tccb.first_chunk().copied().map(RawTcah);
        let is_io = block.header.service_action == ServiceAction::DEVICE_IO
            && header.is_some_and(|raw| raw.reserved_is_zero());
        let mut state = State::START;
        // What is known where a command leads that skips the next one.
        let mut past = None;
        let mut after = 0_u64;
        for (n, dcw) in (0..).zip(block.dcws()) {
            let (offset, dcw) = match dcw {
                Ok((offset, dcw)) => (offset, dcw),
                Err(overrun) => return Some((narrow(overrun.offset), None)),
            };
            let raw = block.tca.get(offset..).and_then(|rest| rest.first_chunk());
            let is_known = raw.is_some_and(|raw| RawDcw(*raw).reserved_is_zero());
            let step = match is_io && is_known && is_plain(&dcw) {
                true => policy.step(state, dcw.command, |least| parameters(&dcw, least)),
                false => Err(unknown()),
            };
            let behind = match step {
                Ok(behind) => behind,
                Err(refusal) => {
                    let denied = Refusal {
                        code: refusal.code,
                        site: self.denied_site(n, offset, &refusal),
                        reason: Reason::Command,
                        command: n,
                        offset: narrow(offset),
                        ran: false,
                        residual: Some(dcw.data_count),
                        after,
                    };
                    return Some((denied.offset, Some(denied)));
                }
            };
            state = past.take().map_or(behind, |past| behind.meet(past));
            past = policy.class().may_skip(dcw.command).then_some(behind);
            after += u64::from(dcw.data_count);
        }
        None
    }

    fn denied_site(&self, n: u16, offset: usize, refusal: &commands::Refusal) -> Site {
        let Some((at, bits)) = refusal.bits else {
            return self.dcw_site(n, offset, (0, 7));
        };
        let at = TCAH_SIZE + offset + DCW_SIZE + usize::from(at);
        Site {
            index: Some(n),
            ..self.tccb_site(at, usize::from(bits.1) / 8 + 1, bits)
        }
    }
}

/// Whether the bytes of `dcw` go where those of a CCW would: out as its parameters or as its data, or
/// in as its data.
fn is_plain(dcw: &Dcw<'_>) -> bool {
    let outward = matches!(dcw.command.class(), Class::Write | Class::Control);
    let parameters = dcw.control.is_empty() || (outward && dcw.data_count == 0);
    parameters && dcw.command != Command(EXTENSION)
}

/// The parameters of `dcw`, which is plain and so has none among its data, if there are so many.
fn parameters<'a>(dcw: &Dcw<'a>, least: u16) -> Result<&'a [u8], commands::Refusal> {
    match dcw.control.len() >= usize::from(least) {
        true => Ok(dcw.control),
        false => Err(unknown()),
    }
}

/// An offset in the command area, which has at most 240 bytes.
fn narrow(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}

fn unknown() -> commands::Refusal {
    commands::Refusal::of(Code::PolicyParameters)
}
