// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The status of a program that a check ends. "PoP: SCSW".

use ccw::{
    DeviceStatus, FunctionControl, Guest, Orb, OrbBits, Scsw, StatusControl, SubchannelStatus,
};

use crate::{
    Check, Code, Sure,
    node::{Node, Reach},
};

/// The status of a program that ends with the condition `code` at `node`; `ended` says that a
/// device was at work and has presented its ending status. "PoP: SCSW", CCW address.
pub(crate) fn check_status(orb: &Orb<Guest>, code: Code, node: &Node, ended: bool) -> Scsw<Guest> {
    let during_command =
        matches!(code.sure(), Sure::Reached) || !node.reach.contains(Reach::COMMAND);
    let device = if ended && during_command {
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END
    } else {
        DeviceStatus::empty()
    };
    let mut scsw = Scsw::IDLE;
    scsw.orb = OrbBits::from(orb);
    scsw.function = FunctionControl::START;
    scsw.status = StatusControl::ALERT
        | StatusControl::PRIMARY
        | StatusControl::SECONDARY
        | StatusControl::PENDING;
    scsw.cpa = node.addr.wrapping_add(8);
    scsw.device = device;
    scsw.subchannel = check_bit(code.check());
    scsw
}

/// The subchannel-status bit of a check.
pub(crate) fn check_bit(check: Check) -> SubchannelStatus {
    match check {
        Check::ProtectionCheck => SubchannelStatus::PROTECTION_CHECK,
        _ => SubchannelStatus::PROGRAM_CHECK,
    }
}
