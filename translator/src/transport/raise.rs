// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The status of CCWs that stand for a transport-mode program, as that of the program.

use ccw::{
    DeviceStatus, Esw, FcxStatus, FunctionControl, Guest, GuestAddr, IoTimes, Irb, RawTsb, Scsw,
    StatusControl, SubchannelStatus, TSB_SENSE_SIZE, TransportScsw, Tsa, Tsb, TsbFlags,
};

use super::{Refusal, Transport, When, complete::withhold};
use crate::{Buffers, Completion, commands::sense};

/// A TSB that the guest has to find in its storage before it is told the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusBlock {
    /// Where.
    pub at: GuestAddr,
    /// The bytes.
    pub bytes: RawTsb,
}

/// Bytes of a TSB without and with sense bytes.
const LENGTH: [u8; 2] = [32, 64];

/// Subchannel status with which no TSB is stored.
const CHECKS: SubchannelStatus = SubchannelStatus::PCI
    .union(SubchannelStatus::INCORRECT_LENGTH)
    .complement();

/// Turns `completion`, the status of the CCWs of `work`, into that of the program that they stand for.
pub(crate) fn raise(work: &Buffers, mut completion: Completion) -> Completion {
    let from = completion.irb.scsw;
    let mut to = TransportScsw::<Guest>::IDLE;
    to.key = work.orb.key;
    to.extended_status_word = from.extended_status_word;
    to.deferred_cc = from.deferred_cc;
    to.irb_format = true;
    to.extended_control = from.extended_control;
    to.path_not_operational = from.path_not_operational;
    to.function = from.function;
    to.activity = from.activity;
    to.status = from.status;
    to.device = from.device;
    to.subchannel = from.subchannel - (SubchannelStatus::INCORRECT_LENGTH | SubchannelStatus::PCI);
    let usual = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
    if from.subchannel.contains(SubchannelStatus::INCORRECT_LENGTH)
        && to.subchannel.is_empty()
        && usual.contains(to.device)
    {
        to.status -= StatusControl::ALERT;
    }
    if !completion.unmapped {
        to.tcw = work.orb.cpa.get();
    }
    let refused = work.transport.refusal_in(&from);
    if let Some(refusal) = refused {
        to.device = usual;
        to.device.set(DeviceStatus::UNIT_CHECK, refusal.is_policy());
    }
    if has_block(&from, completion.unmapped, refused.is_some()) {
        to.fcx_status = FcxStatus::TSB_VALID;
        match work.transport.unstorable {
            Some(code) => withhold(&mut to, code),
            None if refused.is_some() => completion.tsb = work.transport.found(work),
            None => completion.tsb = Some(work.transport.status_block(&completion.irb)),
        }
        // The sense bytes are in the TSB.
        if completion.irb.concurrent_sense().is_some() {
            to.extended_control = false;
            completion.irb.ecw = Irb::<Guest>::IDLE.ecw;
            let (Esw::Logout { erw, .. } | Esw::Path { erw, .. }) = &mut completion.irb.esw;
            erw.concurrent_sense = None;
        }
    }
    completion.irb.scsw = to.carry();
    completion
}

/// Whether a channel stores a TSB with this status, which may be that of a device that has refused its
/// commands.
fn has_block(scsw: &Scsw<Guest>, unmapped: bool, refused: bool) -> bool {
    scsw.is_primary()
        && !unmapped
        && scsw.function == FunctionControl::START
        && scsw.deferred_cc == 0
        && (refused || !scsw.subchannel.intersects(CHECKS))
}

impl Transport {
    /// Guest address of the DCW for which the CCW of node `n` stands.
    pub(crate) fn command_at(&self, n: u16) -> Option<GuestAddr> {
        let lowered = self.lowered.get(usize::from(n))?;
        self.tccb_at(ccw::TCAH_SIZE + usize::from(lowered.offset))
    }

    /// First byte and end of the TSB, where that can be stored.
    pub(crate) fn status_area(&self) -> Option<(u64, u64)> {
        let start = self.meaning().tsb.get();
        let end = start.saturating_add(ccw::TSB_SIZE as u64);
        self.tsb_is_pinned.then_some((start, end))
    }

    /// What was refused, if this is the status of CCWs of which the one is in control that stands for no
    /// command.
    fn refusal_in(&self, scsw: &Scsw<Guest>) -> Option<Refusal> {
        let checked = scsw.subchannel.contains(SubchannelStatus::PROGRAM_CHECK)
            || scsw.device.contains(DeviceStatus::UNIT_CHECK);
        let here = checked && scsw.cpa as usize == (self.lowered.len() + 1) * 8;
        self.refusal.filter(|_| here)
    }

    /// What the TSB says for the status `irb` of the commands.
    fn status_block(&self, irb: &Irb<Guest>) -> StatusBlock {
        let scsw = &irb.scsw;
        let n = (scsw.cpa / 8).saturating_sub(1) as usize;
        let current = self.lowered.get(n).filter(|it| it.count > 0);
        let residual = current.map_or(0, |_| u32::from(scsw.residual));
        let unit_check = scsw.device.contains(DeviceStatus::UNIT_CHECK);
        let found = irb.concurrent_sense().filter(|_| unit_check);
        let mut sense = [0; TSB_SENSE_SIZE];
        for (to, from) in sense.iter_mut().zip(found.unwrap_or_default()) {
            *to = *from;
        }
        let [plain, sensed] = LENGTH;
        let tsb = Tsb {
            length: if found.is_some() { sensed } else { plain },
            flags: TsbFlags::DCW_OFFSET_VALID | TsbFlags::COUNT_VALID,
            dcw_offset: self.lowered.get(n).map_or(0, |it| it.offset),
            residual,
            area: Tsa::IoStatus {
                times: IoTimes::default(),
                sense,
            },
        };
        self.block_of(&tsb)
    }

    /// The TSB of a device that has found something in its commands, or that has the policy of `work`.
    pub(super) fn found(&self, work: &Buffers) -> Option<StatusBlock> {
        let refusal = self.refusal.filter(|_| self.unstorable.is_none())?;
        let mut flags = TsbFlags::DCW_OFFSET_VALID;
        flags.set(TsbFlags::COUNT_VALID, refusal.residual.is_some());
        let [plain, sensed] = LENGTH;
        let (length, area) = match refusal.is_policy() {
            true => (
                sensed,
                Tsa::IoStatus {
                    times: IoTimes::default(),
                    sense: sense(work.commands.class, refusal.code).bytes,
                },
            ),
            false => (
                plain,
                Tsa::ProgramCheck {
                    reason: refusal.reason as u8,
                    qualifier: [0; 16],
                    sense: [0; TSB_SENSE_SIZE],
                },
            ),
        };
        Some(self.block_of(&Tsb {
            length,
            flags,
            dcw_offset: refusal.offset,
            residual: refusal.residual.unwrap_or(0),
            area,
        }))
    }

    /// The same, if that is what the program ends with.
    pub(crate) fn found_at_once(&self, work: &Buffers) -> Option<StatusBlock> {
        self.fault.filter(|it| it.when == When::Device)?;
        self.found(work)
    }

    fn block_of(&self, tsb: &Tsb) -> StatusBlock {
        StatusBlock {
            at: self.meaning().tsb,
            bytes: tsb.encode(),
        }
    }
}
