// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The bits that an SCSW has in either mode: controls, device status, subchannel status.
//! "PoP: SCSW".

use bitflags::bitflags;

bitflags! {
    /// Function control: byte 2 bits 1-3 of the SCSW.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct FunctionControl: u8 {
        /// Start function.
        const START = 0x40;
        /// Halt function.
        const HALT = 0x20;
        /// Clear function.
        const CLEAR = 0x10;
    }

    /// Activity control: bits 20-26 of SCSW word 0, as a mask of its low halfword.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct ActivityControl: u16 {
        /// RSCH was accepted and not yet carried out.
        const RESUME_PENDING = 0x0800;
        /// SSCH was accepted, the first command was not yet.
        const START_PENDING = 0x0400;
        /// HSCH was accepted and not yet carried out.
        const HALT_PENDING = 0x0200;
        /// CSCH was accepted and not yet carried out.
        const CLEAR_PENDING = 0x0100;
        /// The subchannel executes a program.
        const SUBCHANNEL_ACTIVE = 0x0080;
        /// The device executes a command.
        const DEVICE_ACTIVE = 0x0040;
        /// The program stands at a CCW with the S flag.
        const SUSPENDED = 0x0020;
    }

    /// Status control: bits 27-31 of SCSW word 0.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct StatusControl: u8 {
        /// Something unusual, or unsolicited status.
        const ALERT = 0x10;
        /// Intermediate status: PCI, suspended or initial status.
        const INTERMEDIATE = 0x08;
        /// Channel end.
        const PRIMARY = 0x04;
        /// Device end.
        const SECONDARY = 0x02;
        /// Status pending.
        const PENDING = 0x01;
    }

    /// Device status, byte 8.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct DeviceStatus: u8 {
        /// Attention.
        const ATTENTION = 0x80;
        /// Status modifier.
        const STATUS_MODIFIER = 0x40;
        /// Control-unit end.
        const CONTROL_UNIT_END = 0x20;
        /// Busy.
        const BUSY = 0x10;
        /// Channel end.
        const CHANNEL_END = 0x08;
        /// Device end.
        const DEVICE_END = 0x04;
        /// Unit check.
        const UNIT_CHECK = 0x02;
        /// Unit exception.
        const UNIT_EXCEPTION = 0x01;
    }

    /// Subchannel status, byte 9.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct SubchannelStatus: u8 {
        /// Program-controlled interruption.
        const PCI = 0x80;
        /// Incorrect length.
        const INCORRECT_LENGTH = 0x40;
        /// Program check.
        const PROGRAM_CHECK = 0x20;
        /// Protection check.
        const PROTECTION_CHECK = 0x10;
        /// Channel-data check.
        const CHANNEL_DATA_CHECK = 0x08;
        /// Channel-control check.
        const CHANNEL_CONTROL_CHECK = 0x04;
        /// Interface-control check.
        const INTERFACE_CONTROL_CHECK = 0x02;
        /// Chaining check.
        const CHAINING_CHECK = 0x01;
    }
}

/// The three controls, from bytes 2 and 3 of an SCSW; bit 16, which is reserved, is dropped.
pub(crate) const fn controls(bytes: [u8; 2]) -> (FunctionControl, ActivityControl, StatusControl) {
    (
        FunctionControl::from_bits_truncate(bytes[0]),
        ActivityControl::from_bits_truncate(u16::from_be_bytes(bytes)),
        StatusControl::from_bits_truncate(bytes[1]),
    )
}

/// Bytes 2 and 3 of an SCSW.
pub(crate) const fn control_bytes(
    function: FunctionControl,
    activity: ActivityControl,
    status: StatusControl,
) -> [u8; 2] {
    let function = function.bits() & FunctionControl::all().bits();
    let [high, low] = (activity.bits() & ActivityControl::all().bits()).to_be_bytes();
    let status = status.bits() & StatusControl::all().bits();
    [function | high, low | status]
}
