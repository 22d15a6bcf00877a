// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a program ended when it was recorded.

use ccw::{DeviceStatus, SubchannelStatus};

/// How a program ended when it was recorded, as far as the input says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Device status.
    pub(crate) device: Option<DeviceStatus>,
    /// Subchannel status.
    pub(crate) subchannel: Option<SubchannelStatus>,
    /// Residual count.
    pub(crate) residual: Option<u16>,
    /// CCW address of the status, which is that of the last CCW used plus 8.
    pub(crate) cpa: Option<u32>,
    /// Sense bytes.
    pub(crate) sense: Vec<u8>,
}

impl Recorded {
    /// Whether the channel found an error in the program.
    pub(crate) fn is_check(&self) -> bool {
        let checks = SubchannelStatus::PROGRAM_CHECK | SubchannelStatus::PROTECTION_CHECK;
        self.subchannel
            .is_some_and(|status| status.intersects(checks))
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_normal(&self) -> bool {
        let usual = SubchannelStatus::PCI;
        !self.is_unit_check() && self.subchannel.is_none_or(|status| usual.contains(status))
    }

    /// Whether the device found one.
    pub(crate) fn is_unit_check(&self) -> bool {
        let check = DeviceStatus::UNIT_CHECK;
        self.device.is_some_and(|status| status.contains(check))
    }
}
