// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The status of transport-mode programs. "PoP: SCSW".

use ccw::{
    Addr31, DeviceStatus, FcxStatus, FunctionControl, Guest, Host, Irb, StatusControl,
    SubchannelStatus, TSB_SIZE, TransportScsw,
};

use super::{Fault, Refusal, Transport, When, emit::TSB_OFFSET};
use crate::{
    Buffers, Check, Code, Completion, CopyBack, FirstByteFault, HostProfile,
    status::{check_bit, guest_esw, take_sense},
};

/// The checks that a condition of the program is reported as.
const CHECKS: SubchannelStatus =
    SubchannelStatus::PROGRAM_CHECK.union(SubchannelStatus::PROTECTION_CHECK);

impl Transport {
    /// The status of a program that ends with a condition. What the device finds it tells in a TSB.
    pub(crate) fn status(&self, work: &Buffers) -> Option<TransportScsw<Guest>> {
        let Fault { code, when, .. } = self.fault?;
        let mut scsw = ended(work, check_bit(code.check()));
        if when >= When::Device {
            scsw.device = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
        }
        if when == When::Device {
            scsw.fcx_status = FcxStatus::TSB_VALID;
            let denied = code.check() == Check::UnitCheck;
            scsw.device.set(DeviceStatus::UNIT_CHECK, denied);
            if let Some(code) = self.unstorable {
                withhold(&mut scsw, code);
            }
        }
        Some(scsw)
    }
}

impl Transport {
    /// The status of a program that ends before the device gets its commands.
    pub(crate) fn ends_at_once(&self, work: &Buffers, profile: &HostProfile) -> Option<Irb<Guest>> {
        let fault = self.fault?;
        // Nothing comes before a first command that the host is not given.
        let first = self.refusal.filter(|it| it.command == 0 && !it.ran);
        let withheld = self.cut == Some(0) || !profile.transport;
        let refused = fault.when == When::Device && withheld && first.is_some();
        if fault.when > When::Start && !refused {
            return None;
        }
        let mut irb = Irb::IDLE;
        irb.scsw = self.status(work)?.carry();
        Some(irb)
    }
}

/// The status of a program that the channel could not carry out.
pub(crate) fn unable(work: &Buffers) -> TransportScsw<Guest> {
    ended(work, SubchannelStatus::CHANNEL_CONTROL_CHECK)
}

fn ended(work: &Buffers, check: SubchannelStatus) -> TransportScsw<Guest> {
    let mut scsw = TransportScsw::IDLE;
    scsw.key = work.orb.key;
    scsw.irb_format = true;
    scsw.function = FunctionControl::START;
    scsw.status = StatusControl::ALERT
        | StatusControl::PRIMARY
        | StatusControl::SECONDARY
        | StatusControl::PENDING;
    scsw.tcw = work.orb.cpa.get();
    scsw.subchannel = check;
    scsw
}

/// Maps the status `host` of the program whose host TCW lies at `tcw` to what the guest sees.
pub(crate) fn complete(work: &Buffers, tcw: Addr31<Host>, host: &Irb<Host>) -> Completion {
    let from = TransportScsw::of(&host.scsw);
    let mut to = TransportScsw::<Guest>::IDLE;
    to.key = work.orb.key;
    to.deferred_cc = from.deferred_cc;
    to.irb_format = true;
    to.interrogate_complete = from.interrogate_complete;
    to.extended_control = from.extended_control;
    to.path_not_operational = from.path_not_operational;
    to.function = from.function;
    to.activity = from.activity;
    to.status = from.status;
    to.device = from.device;
    to.subchannel = from.subchannel;
    to.fcx_status = from.fcx_status;
    to.ifob = from.ifob;
    to.extended_status = from.extended_status;
    let mut unmapped = false;
    if from.tcw == tcw.get() {
        to.tcw = work.orb.cpa.get();
    } else {
        unmapped = from.tcw != 0;
        if address_is_meant(&from) {
            unmapped = true;
            to.subchannel = (to.subchannel - CHECKS) | SubchannelStatus::CHANNEL_CONTROL_CHECK;
            to.status |= StatusControl::ALERT;
        }
    }
    let mut tsb = None;
    let denied = work.transport.denial_in(&from);
    if denied.is_some() {
        to.subchannel -= SubchannelStatus::PROGRAM_CHECK;
        to.device |= DeviceStatus::UNIT_CHECK;
        tsb = work.transport.found(work);
    }
    let unexplained = !unmapped && explain(&mut to, &work.transport);
    // An answer is another matter.
    if let Some(code) = work.transport.unstorable
        && from.status.contains(StatusControl::PRIMARY)
    {
        withhold(&mut to, code);
    }
    let mut irb = Irb::IDLE;
    irb.esw = guest_esw(&host.esw);
    to.extended_status_word = irb.esw.is_format0();
    irb.scsw = to.carry();
    if from.extended_control {
        take_sense(&mut irb, host);
    }
    Completion {
        irb,
        unmapped,
        unexplained,
        arrived: None,
        tsb,
        refused: denied.map(|it| it.code),
    }
}

/// The status of a lowered program that the host's first CCW would stop.
pub(crate) fn stops_at_once(work: &Buffers) -> Option<Irb<Guest>> {
    let stops = work.profile.first_byte_fault == FirstByteFault::Stop;
    let first = work.nodes.first()?;
    if !stops || first.fault.is_none() || first.good > 0 {
        return None;
    }
    let mut irb = Irb::IDLE;
    let mut scsw = work.transport.status(work)?;
    scsw.device = DeviceStatus::empty();
    irb.scsw = scsw.carry();
    Some(irb)
}

/// The TSBs that the host's channel has stored with the status `host`, which are the guest's: that of
/// an interrogation, and that of the program, if it has ended.
pub(crate) fn copies_back(work: &Buffers, host: &Irb<Host>) -> [Option<CopyBack>; 2] {
    let transport = &work.transport;
    let scsw = TransportScsw::of(&host.scsw);
    let copy = |guest, at| CopyBack {
        guest,
        at,
        len: TSB_SIZE,
    };
    let ended = scsw.tsb_is_valid() && scsw.status.contains(StatusControl::PRIMARY);
    let its_own = ended && transport.unstorable.is_none() && transport.denial_in(&scsw).is_none();
    let answer = transport.asked.answer();
    let answer = answer.filter(|_| scsw.interrogate_complete);
    let answer = answer.and_then(|guest| Some(copy(guest, transport.answer_offset()?)));
    let its_own = its_own.then(|| copy(transport.meaning().tsb, TSB_OFFSET));
    [answer, its_own].map(|copy| copy.filter(|_| work.is_transport()))
}

/// The TSB that goes with this status cannot be stored, for `code`.
pub(super) fn withhold(scsw: &mut TransportScsw<Guest>, code: Code) {
    if scsw.tsb_is_valid() {
        scsw.fcx_status -= FcxStatus::TSB_VALID;
        scsw.subchannel |= check_bit(code.check());
        scsw.status |= StatusControl::ALERT;
    }
}

/// Puts the recorded condition in the place of the check that the host's list provoked; says whether
/// there is a check without a condition.
fn explain(scsw: &mut TransportScsw<Guest>, transport: &Transport) -> bool {
    if !scsw.subchannel.intersects(CHECKS) {
        return false;
    }
    // A device that finds something in its commands, which are the guest's own.
    if scsw.tsb_is_valid() {
        return transport.refusal.is_none() && !transport.open;
    }
    match transport.broken {
        Some((code, _)) => {
            scsw.subchannel = (scsw.subchannel - CHECKS) | check_bit(code.check());
            false
        }
        None => !transport.open,
    }
}

impl Transport {
    /// What the guest's policy refused, if this is the status of a device that finds its commands at an
    /// end where that stands.
    fn denial_in(&self, scsw: &TransportScsw<Host>) -> Option<Refusal> {
        let found = scsw.tsb_is_valid() && scsw.subchannel == SubchannelStatus::PROGRAM_CHECK;
        self.refusal.filter(|it| found && it.is_policy())
    }

    /// Why the guest's policy refused the command with which the program [ends at once](Self::ends_at_once).
    pub(crate) fn denied_at_once(&self) -> Option<Code> {
        self.fault.filter(|it| it.when == When::Device)?;
        let refusal = self.refusal.filter(Refusal::is_policy)?;
        Some(refusal.code)
    }
}

/// Whether the TCW address of this status means something.
fn address_is_meant(scsw: &TransportScsw<Host>) -> bool {
    let ended = FunctionControl::HALT | FunctionControl::CLEAR;
    let known = StatusControl::PRIMARY | StatusControl::INTERMEDIATE;
    scsw.function.contains(FunctionControl::START)
        && !scsw.function.intersects(ended)
        && scsw.deferred_cc == 0
        && scsw.status.intersects(known)
}
