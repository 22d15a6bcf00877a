// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How status becomes pending, and how it is tested. "PoP: Subchannel-Status Word", "TEST
//! SUBCHANNEL".

use ccw::{
    ActivityControl, DeviceStatus, ECW_SIZE, Erw, Esw, FieldValidity, FunctionControl, Irb, Logout,
    Scsw, Space, StatusControl, SubchannelStatus, Termination,
};

use log::debug;

use super::{ConditionCode, Subchannel};
use crate::Device;
use crate::device::Sense;

/// Activity that TEST SUBCHANNEL takes back with all but intermediate status.
const TESTED: ActivityControl = ActivityControl::RESUME_PENDING
    .union(ActivityControl::START_PENDING)
    .union(ActivityControl::HALT_PENDING)
    .union(ActivityControl::CLEAR_PENDING)
    .union(ActivityControl::SUSPENDED);

const INTERMEDIATE: StatusControl = StatusControl::INTERMEDIATE.union(StatusControl::PENDING);

impl<S: Space> Subchannel<S> {
    /// TEST SUBCHANNEL. With condition code 0 status was pending, and no longer is; with 1 it was
    /// not.
    pub fn test(&mut self) -> (ConditionCode, Irb<S>) {
        let irb = self.irb();
        if !self.scsw.status.contains(StatusControl::PENDING) {
            return (ConditionCode::Cc1, irb);
        }
        self.sense = Sense::new();
        let suspended = self.scsw.activity.contains(ActivityControl::SUSPENDED);
        let halted = self.scsw.function.contains(FunctionControl::HALT);
        if self.scsw.status == INTERMEDIATE && !(suspended && halted) {
            self.drop_intermediate();
            if suspended {
                self.scsw.activity.remove(ActivityControl::RESUME_PENDING);
            }
        } else {
            self.scsw.function = FunctionControl::empty();
            self.scsw.activity.remove(TESTED);
            self.scsw.status = StatusControl::empty();
            self.scsw.path_not_operational = false;
            self.scsw.extended_control = false;
            self.scsw.extended_status_word = false;
            self.scsw.deferred_cc = 0;
            self.forget();
            if self.transport_mode {
                self.drop_interrogation();
            }
        }
        (ConditionCode::Cc0, irb)
    }

    /// What TEST SUBCHANNEL would store; nothing changes.
    pub fn irb(&self) -> Irb<S> {
        let mut ecw = [0; ECW_SIZE];
        for (to, from) in ecw.iter_mut().zip(&self.sense) {
            *to = *from;
        }
        let erw = Erw {
            concurrent_sense: match self.scsw.extended_control {
                true => u8::try_from(self.sense.len()).ok(),
                false => None,
            },
            ..Erw::default()
        };
        let lpum = self.lpum;
        let esw = match self.scsw.extended_status_word {
            false => Esw::Path {
                lpum,
                connect_time: 0,
                erw,
            },
            true => Esw::Logout {
                logout: Logout {
                    lpum,
                    valid: FieldValidity::all() - FieldValidity::SEQUENCE,
                    termination: Termination::Normal,
                    ..Logout::default()
                },
                erw,
                failing_storage: None,
                secondary_ccw: None,
            },
        };
        Irb {
            scsw: self.scsw,
            esw,
            ecw,
        }
    }

    /// Intermediate status is accepted or discarded: PCI, suspension, initial status.
    pub(super) fn drop_intermediate(&mut self) {
        self.scsw.status.remove(INTERMEDIATE);
        self.scsw.subchannel.remove(SubchannelStatus::PCI);
        self.scsw.zero_cc = false;
        if self.transport_mode {
            self.drop_interrogation();
        }
    }

    /// Makes intermediate status pending at the CCW at `cpa` minus 8.
    pub(super) fn post_intermediate(&mut self, cpa: u32) {
        self.scsw.status |= INTERMEDIATE;
        self.scsw.cpa = cpa;
    }

    /// Ends the start function: primary status, together with secondary status if the device has
    /// ended or was never started.
    pub(super) fn post_ending(
        &mut self,
        cpa: u32,
        residual: u16,
        device: DeviceStatus,
        subchannel: SubchannelStatus,
    ) {
        let channel_end = device.contains(DeviceStatus::CHANNEL_END);
        let device_end = device.contains(DeviceStatus::DEVICE_END) || !channel_end;
        // PCI that nobody has accepted yet is merged into the ending status.
        let pci = self.scsw.subchannel & SubchannelStatus::PCI;
        self.scsw.status = StatusControl::PRIMARY | StatusControl::PENDING;
        if device_end {
            self.scsw.status |= StatusControl::SECONDARY;
        }
        if is_abnormal(device, subchannel) {
            self.scsw.status |= StatusControl::ALERT;
        }
        self.scsw.zero_cc = false;
        self.scsw.cpa = cpa;
        self.scsw.residual = residual;
        self.scsw.device = device;
        self.scsw.subchannel = subchannel | pci;
        self.scsw.activity = match device_end {
            true => ActivityControl::empty(),
            false => ActivityControl::DEVICE_ACTIVE,
        };
        debug!("program ended: {:?}, condition {:?}", self.scsw, self.check);
        let logout = SubchannelStatus::CHANNEL_DATA_CHECK
            | SubchannelStatus::CHANNEL_CONTROL_CHECK
            | SubchannelStatus::INTERFACE_CONTROL_CHECK;
        self.scsw.extended_status_word = subchannel.intersects(logout);
        self.device_end_owed = !device_end;
        self.forget();
    }

    /// With a unit check the device's sense bytes come along, if the subchannel is set up so.
    pub(super) fn bring_sense(&mut self, status: DeviceStatus, device: &mut dyn Device) {
        if self.config.concurrent_sense && status.contains(DeviceStatus::UNIT_CHECK) {
            self.sense = device.take_sense();
            self.scsw.extended_control = !self.sense.is_empty();
        }
    }

    /// The device end that follows a channel end which was presented without it.
    pub(super) fn post_secondary(&mut self, device: DeviceStatus) {
        self.scsw.status = StatusControl::SECONDARY | StatusControl::PENDING;
        if is_abnormal(device, SubchannelStatus::empty()) {
            self.scsw.status |= StatusControl::ALERT;
        }
        self.scsw.device = device;
        self.scsw.subchannel = SubchannelStatus::empty();
        self.scsw.activity.remove(ActivityControl::DEVICE_ACTIVE);
        self.device_end_owed = false;
    }

    /// Status that no start function asked for.
    pub(super) fn post_unsolicited(&mut self, device: DeviceStatus) {
        self.lpum = 0;
        self.transport_mode = false;
        self.scsw = Scsw::IDLE;
        self.scsw.status = StatusControl::ALERT | StatusControl::PENDING;
        self.scsw.device = device;
    }
}

/// Whether alert status goes with these.
fn is_abnormal(device: DeviceStatus, subchannel: SubchannelStatus) -> bool {
    let normal =
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::STATUS_MODIFIER;
    !normal.contains(device) || !SubchannelStatus::PCI.contains(subchannel)
}
