// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What people call kinds of devices.

use ccw::DeviceClass;

/// What people call devices of this class.
pub(crate) const fn kind(class: DeviceClass) -> &'static str {
    match class {
        DeviceClass::Unknown => "unknown kind of device",
        DeviceClass::Eckd => "count-key-data disk",
        DeviceClass::Fba => "fixed-block disk",
        DeviceClass::Tape => "tape",
        DeviceClass::Terminal => "terminal",
        DeviceClass::UnitRecord => "unit record",
        DeviceClass::Ctc => "channel-to-channel adapter",
        DeviceClass::Virtio => "virtio",
    }
}
