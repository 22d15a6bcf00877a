// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The status of a program that a check ends. "PoP: SCSW".

use ccw::{
    DeviceClass, DeviceStatus, Erw, Esw, Format, FunctionControl, Guest, Host, Irb, Orb, OrbBits,
    Scsw, StatusControl, SubchannelStatus,
};

use crate::{
    Check, Code, Sure,
    commands::sense,
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
    if code.check() == Check::UnitCheck {
        unit_check(&mut scsw, orb, node);
    }
    scsw
}

/// Makes `scsw` that of a device that refuses the command of `node`, after it has taken as many bytes
/// as are good. "PoP: Incorrect Length".
pub(crate) fn unit_check(scsw: &mut Scsw<Guest>, orb: &Orb<Guest>, node: &Node) {
    let taken = node.good;
    scsw.device = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK;
    scsw.residual = node.ccw().count.saturating_sub(taken);
    // In answer to the command byte the length counts as an immediate command's does.
    let exempt = taken == 0 && (orb.format == Format::Zero || orb.length_suppression);
    scsw.subchannel = if scsw.residual == 0 || exempt || node.suppresses() {
        SubchannelStatus::empty()
    } else {
        SubchannelStatus::INCORRECT_LENGTH
    };
}

/// Adds to the status of a command that `code` refuses what the device says of it, as a subchannel
/// with concurrent sense shows it.
pub(crate) fn add_sense(irb: &mut Irb<Guest>, class: DeviceClass, code: Code) {
    let sense = sense(class, code);
    irb.scsw.extended_control = true;
    irb.ecw = sense.bytes;
    let (lpum, connect_time) = match irb.esw {
        Esw::Path {
            lpum, connect_time, ..
        } => (lpum, connect_time),
        Esw::Logout { .. } => (0, 0),
    };
    irb.esw = Esw::Path {
        lpum,
        connect_time,
        erw: Erw {
            concurrent_sense: Some(sense.len),
            ..Erw::default()
        },
    };
}

/// The subchannel-status bit of a check.
pub(crate) fn check_bit(check: Check) -> SubchannelStatus {
    match check {
        Check::ProtectionCheck => SubchannelStatus::PROTECTION_CHECK,
        Check::UnitCheck => SubchannelStatus::empty(),
        _ => SubchannelStatus::PROGRAM_CHECK,
    }
}

/// The extended status without host addresses: neither of the two can be given in the guest's
/// terms, so both are called invalid.
pub(crate) fn guest_esw(host: &Esw<Host>) -> Esw<Guest> {
    match *host {
        Esw::Logout { logout, erw, .. } => Esw::Logout {
            logout,
            erw,
            failing_storage: None,
            secondary_ccw: None,
        },
        Esw::Path {
            lpum,
            connect_time,
            erw,
        } => Esw::Path {
            lpum,
            connect_time,
            erw,
        },
    }
}

/// Adds what the device says with the status `host` to that of the guest: no more of it than is told.
pub(crate) fn take_sense(irb: &mut Irb<Guest>, host: &Irb<Host>) {
    let told = host.esw.erw().concurrent_sense.map(usize::from);
    let len = told.unwrap_or(host.ecw.len());
    for (to, &byte) in irb.ecw.iter_mut().zip(&host.ecw).take(len) {
        *to = byte;
    }
}
