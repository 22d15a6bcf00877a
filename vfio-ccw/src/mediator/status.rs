// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Status that the mediator makes itself, and what it finds out about the host's.

use ccw::{
    ActivityControl, Esw, FunctionControl, Guest, Host, Irb, Orb, OrbBits, Scsw, StatusControl,
    SubchannelStatus,
};

use super::errno::Refusal;

/// Primary, secondary, alert: how a program ends that did not end well.
const ENDED_BADLY: StatusControl = StatusControl::PENDING
    .union(StatusControl::PRIMARY)
    .union(StatusControl::SECONDARY)
    .union(StatusControl::ALERT);

/// A start function that ended with these checks. What was in control is not known, and the
/// address 0 says so (PoP: CCW address, channel-control check: unpredictable).
pub(super) fn checked(orb: OrbBits, checks: SubchannelStatus) -> Irb<Guest> {
    let mut irb = Irb::IDLE;
    irb.scsw.orb = orb;
    irb.scsw.function = FunctionControl::START;
    irb.scsw.status = ENDED_BADLY;
    irb.scsw.subchannel = checks;
    irb
}

/// The status `irb` of a program whose data did not all come to where the guest has it: it must not be
/// taken for that of one that went well.
pub(super) fn damaged(irb: &Irb<Guest>) -> Irb<Guest> {
    let mut irb = *irb;
    irb.scsw.subchannel |= SubchannelStatus::CHANNEL_CONTROL_CHECK;
    irb.scsw.status |= StatusControl::ALERT | StatusControl::PENDING;
    // How much came is not known.
    irb.scsw.residual = 0;
    irb
}

/// A start function that the host could not carry out, after it was accepted.
pub(super) fn refused(orb: OrbBits, refusal: Refusal) -> Irb<Guest> {
    match refusal {
        Refusal::NotOperational | Refusal::NoPath => {
            let mut irb = Irb::IDLE;
            irb.scsw.orb = orb;
            irb.scsw.function = FunctionControl::START;
            irb.scsw.status = StatusControl::ALERT | StatusControl::PENDING;
            irb.scsw.deferred_cc = 3;
            irb.scsw.path_not_operational = true;
            irb
        }
        Refusal::Broken | Refusal::Again | Refusal::Busy => {
            checked(orb, SubchannelStatus::INTERFACE_CONTROL_CHECK)
        }
        Refusal::Host | Refusal::Unknown => checked(orb, SubchannelStatus::CHANNEL_CONTROL_CHECK),
    }
}

/// The end of a clear function. "PoP: CLEAR SUBCHANNEL".
pub(super) fn cleared() -> Irb<Guest> {
    let mut irb = Irb::IDLE;
    irb.scsw.function = FunctionControl::CLEAR;
    irb.scsw.status = StatusControl::PENDING;
    irb
}

/// The end of a halt function when nothing was started, or only waited to be: SCSW `now` keeps its
/// CCW address.
pub(super) fn halted(now: &Scsw<Guest>) -> Irb<Guest> {
    let mut irb = Irb::IDLE;
    irb.scsw.orb = now.orb;
    irb.scsw.cpa = now.cpa;
    irb.scsw.function = FunctionControl::HALT;
    irb.scsw.status = StatusControl::PENDING;
    irb
}

/// The end of a halt function whose program did not stop by itself: where it stood is what
/// `mapped`, the host's last word in the guest's terms, says; that it stopped is our own.
pub(super) fn stopped(mapped: &Irb<Guest>) -> Irb<Guest> {
    let mut irb = *mapped;
    irb.scsw.activity = ActivityControl::empty();
    irb.scsw.function |= FunctionControl::HALT;
    // Not intermediate, which would say that it goes on, nor initial or a PCI, which are intermediate.
    irb.scsw.status &= ENDED_BADLY;
    irb.scsw.zero_cc = false;
    if !irb.scsw.status.contains(StatusControl::PRIMARY) {
        irb.scsw.subchannel -= SubchannelStatus::PCI;
    }
    irb.scsw.status |= StatusControl::PENDING;
    if !irb.scsw.residual_is_valid() {
        irb.scsw.residual = 0;
    }
    irb
}

/// Status that no program asked for: no address of it means anything.
pub(super) fn unsolicited(host: &Irb<Host>) -> Irb<Guest> {
    let mut irb = Irb::IDLE;
    irb.scsw.status = StatusControl::ALERT | StatusControl::PENDING;
    irb.scsw.device = host.scsw.device;
    irb.scsw.subchannel = host.scsw.subchannel;
    irb.scsw.extended_control = host.scsw.extended_control;
    irb.ecw = host.ecw;
    let lpum = match host.esw {
        Esw::Path { lpum, .. } => lpum,
        Esw::Logout { logout, .. } => logout.lpum,
    };
    irb.esw = Esw::Path {
        lpum,
        connect_time: 0,
        erw: host.esw.erw(),
    };
    irb
}

/// Whether the host has no more to do with the program: as its kernel decides it.
pub(super) fn is_final(scsw: &Scsw<Host>) -> bool {
    let running = ActivityControl::SUBCHANNEL_ACTIVE | ActivityControl::DEVICE_ACTIVE;
    scsw.is_solicited() && !scsw.activity.intersects(running)
}

/// Whether the host's subchannel has nothing to do and nothing to say.
pub(super) fn is_idle(scsw: &Scsw<Host>) -> bool {
    scsw.function.is_empty() && scsw.activity.is_empty() && scsw.status.is_empty()
}

/// The ORB's bits that the SCSW shows.
pub(super) fn bits(orb: &Orb<Guest>) -> OrbBits {
    OrbBits {
        // Of transport mode it is the bit that says so.
        limit_check: orb.limit_check || orb.transport,
        ..OrbBits::from(orb)
    }
}

#[cfg(test)]
mod tests {
    use ccw::RawIrb;

    use super::*;

    #[test]
    fn data_that_was_lost_is_a_channel_control_check_where_the_program_stood() {
        let mut raw = RawIrb([0; 64]);
        // Primary, secondary; channel end, device end; 4 bytes left.
        let words = [0x00c0_4007_u32, 0x2010, 0x0c00_0004];
        let words = words.iter().flat_map(|word| word.to_be_bytes());
        raw.0
            .iter_mut()
            .zip(words)
            .for_each(|(to, from)| *to = from);
        let irb = damaged(&Irb::decode(&raw));
        // Alert as well; channel-control check.
        let expected = [0, 0xc0, 0x40, 0x17, 0, 0, 0x20, 0x10, 0x0c, 4, 0, 0];
        assert_eq!(irb.encode().0[..12], expected);
    }
}
