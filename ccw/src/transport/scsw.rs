// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The subchannel-status word of transport mode. "PoP: SCSW".

use bitflags::bitflags;

use crate::bytes::bit;
use crate::status::{control_bytes, controls};
use crate::{
    ActivityControl, DeviceStatus, FunctionControl, RawScsw, Scsw, Space, StatusControl,
    SubchannelStatus,
};

bitflags! {
    /// Byte 10 of a transport-mode SCSW: what the channel did with the TSB. Other bits are
    /// model-dependent and survive.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct FcxStatus: u8 {
        /// A TSB was stored.
        const TSB_VALID = 0x01;
        const _ = !0;
    }
}

/// Byte 11 bits 1-7 of a transport-mode SCSW: more about a check. Unknown codes survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ExtendedStatus(pub u8);

impl ExtendedStatus {
    /// Nothing more.
    pub const NONE: Self = Self(0);
    /// The device does not know transport mode.
    pub const DEVICE_UNSUPPORTED: Self = Self(3);
    /// The channel path does not know transport mode.
    pub const PATH_UNSUPPORTED: Self = Self(4);
}

/// A transport-mode SCSW whose TCW address names storage of the space `S`.
///
/// An IRB holds the twelve bytes of one mode or the other; which, only whoever knows the ORB can
/// tell: [`Self::of`] and [`Self::carry`] take them from and to its command-mode view.
///
/// ```
/// use ccw::{FcxStatus, Guest, Irb, RawIrb, TransportScsw};
///
/// let mut raw = RawIrb::default();
/// raw.0[..12].copy_from_slice(&[0, 0x10, 0x40, 7, 0, 0, 0x43, 0, 0x0c, 0, 1, 0]);
/// let irb = Irb::<Guest>::decode(&raw);
/// let scsw = TransportScsw::of(&irb.scsw);
/// assert_eq!((scsw.tcw, scsw.fcx_status), (0x4300, FcxStatus::TSB_VALID));
/// assert_eq!(scsw.carry(), irb.scsw);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportScsw<S: Space> {
    /// Subchannel key, 0-15.
    pub key: u8,
    /// L: a format-0 ESW is stored.
    pub extended_status_word: bool,
    /// Deferred condition code, 0-3.
    pub deferred_cc: u8,
    /// FMT: format of the SCSW, 0-7; there is only 0.
    pub format: u8,
    /// X: the IRB has the format of transport mode.
    pub irb_format: bool,
    /// Q: the interrogate function has completed.
    pub interrogate_complete: bool,
    /// E: the ECW holds something.
    pub extended_control: bool,
    /// N: a path was not operational.
    pub path_not_operational: bool,
    /// Functions in progress.
    pub function: FunctionControl,
    /// What they are doing.
    pub activity: ActivityControl,
    /// What status is pending.
    pub status: StatusControl,
    /// TCW address, all 32 bits.
    pub tcw: u32,
    /// Device status.
    pub device: DeviceStatus,
    /// Subchannel status.
    pub subchannel: SubchannelStatus,
    /// What was stored in the TSB.
    pub fcx_status: FcxStatus,
    /// IFOB: interface-control-check-originating bit.
    pub ifob: bool,
    /// SESQ: subchannel-extended-status qualifier.
    pub extended_status: ExtendedStatus,
    space: core::marker::PhantomData<fn() -> S>,
}

impl<S: Space> TransportScsw<S> {
    /// An SCSW of a subchannel at rest.
    pub const IDLE: Self = Self {
        key: 0,
        extended_status_word: false,
        deferred_cc: 0,
        format: 0,
        irb_format: false,
        interrogate_complete: false,
        extended_control: false,
        path_not_operational: false,
        function: FunctionControl::empty(),
        activity: ActivityControl::empty(),
        status: StatusControl::empty(),
        tcw: 0,
        device: DeviceStatus::empty(),
        subchannel: SubchannelStatus::empty(),
        fcx_status: FcxStatus::empty(),
        ifob: false,
        extended_status: ExtendedStatus::NONE,
        space: core::marker::PhantomData,
    };

    /// What `raw` says; the reserved bits 4, 13 and 16 are dropped.
    pub const fn decode(raw: &RawScsw) -> Self {
        let b = &raw.0;
        let (function, activity, status) = controls([b[2], b[3]]);
        Self {
            key: b[0] >> 4,
            extended_status_word: b[0] & 0x04 != 0,
            deferred_cc: b[0] & 0x03,
            format: b[1] >> 5,
            irb_format: b[1] & 0x10 != 0,
            interrogate_complete: b[1] & 0x08 != 0,
            extended_control: b[1] & 0x02 != 0,
            path_not_operational: b[1] & 0x01 != 0,
            function,
            activity,
            status,
            tcw: u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
            device: DeviceStatus::from_bits_retain(b[8]),
            subchannel: SubchannelStatus::from_bits_retain(b[9]),
            fcx_status: FcxStatus::from_bits_retain(b[10]),
            ifob: b[11] & 0x80 != 0,
            extended_status: ExtendedStatus(b[11] & 0x7f),
            space: core::marker::PhantomData,
        }
    }

    /// The twelve bytes.
    pub const fn encode(&self) -> RawScsw {
        let b0 = (self.key << 4) | bit(self.extended_status_word, 0x04) | (self.deferred_cc & 0x03);
        let b1 = (self.format << 5)
            | bit(self.irb_format, 0x10)
            | bit(self.interrogate_complete, 0x08)
            | bit(self.extended_control, 0x02)
            | bit(self.path_not_operational, 0x01);
        let [b2, b3] = control_bytes(self.function, self.activity, self.status);
        let c = self.tcw.to_be_bytes();
        RawScsw([
            b0,
            b1,
            b2,
            b3,
            c[0],
            c[1],
            c[2],
            c[3],
            self.device.bits(),
            self.subchannel.bits(),
            self.fcx_status.bits(),
            bit(self.ifob, 0x80) | (self.extended_status.0 & 0x7f),
        ])
    }

    /// The same twelve bytes as `scsw`, read in transport mode.
    pub const fn of(scsw: &Scsw<S>) -> Self {
        Self::decode(&scsw.encode())
    }

    /// The same twelve bytes, read in command mode: what an IRB carries.
    pub const fn carry(&self) -> Scsw<S> {
        Scsw::decode(&self.encode())
    }

    /// Whether a TSB was stored with this status.
    pub const fn tsb_is_valid(&self) -> bool {
        self.status.contains(StatusControl::PENDING)
            && self.fcx_status.contains(FcxStatus::TSB_VALID)
    }

    /// The qualifier, if the subchannel status gives it a meaning.
    pub const fn qualifier(&self) -> Option<ExtendedStatus> {
        let checks = SubchannelStatus::PROGRAM_CHECK
            .union(SubchannelStatus::PROTECTION_CHECK)
            .union(SubchannelStatus::CHANNEL_DATA_CHECK)
            .union(SubchannelStatus::INTERFACE_CONTROL_CHECK);
        if self.subchannel.intersects(checks) {
            Some(self.extended_status)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Guest, SCSW_SIZE};

    fn decode(bytes: [u8; SCSW_SIZE]) -> TransportScsw<Guest> {
        TransportScsw::decode(&RawScsw(bytes))
    }

    /// Byte, mask, and what sets the field expected of them.
    type Row = (usize, u8, fn(&mut TransportScsw<Guest>));

    /// The table of the architecture, one bit after the other.
    const BITS: [Row; 43] = [
        (0, 0x80, |s| s.key = 8),
        (0, 0x10, |s| s.key = 1),
        (0, 0x04, |s| s.extended_status_word = true),
        (0, 0x02, |s| s.deferred_cc = 2),
        (0, 0x01, |s| s.deferred_cc = 1),
        (1, 0x80, |s| s.format = 4),
        (1, 0x40, |s| s.format = 2),
        (1, 0x20, |s| s.format = 1),
        (1, 0x10, |s| s.irb_format = true),
        (1, 0x08, |s| s.interrogate_complete = true),
        (1, 0x02, |s| s.extended_control = true),
        (1, 0x01, |s| s.path_not_operational = true),
        (2, 0x40, |s| s.function = FunctionControl::START),
        (2, 0x20, |s| s.function = FunctionControl::HALT),
        (2, 0x10, |s| s.function = FunctionControl::CLEAR),
        (2, 0x08, |s| s.activity = ActivityControl::RESUME_PENDING),
        (2, 0x04, |s| s.activity = ActivityControl::START_PENDING),
        (2, 0x02, |s| s.activity = ActivityControl::HALT_PENDING),
        (2, 0x01, |s| s.activity = ActivityControl::CLEAR_PENDING),
        (3, 0x80, |s| s.activity = ActivityControl::SUBCHANNEL_ACTIVE),
        (3, 0x40, |s| s.activity = ActivityControl::DEVICE_ACTIVE),
        (3, 0x20, |s| s.activity = ActivityControl::SUSPENDED),
        (3, 0x10, |s| s.status = StatusControl::ALERT),
        (3, 0x08, |s| s.status = StatusControl::INTERMEDIATE),
        (3, 0x04, |s| s.status = StatusControl::PRIMARY),
        (3, 0x02, |s| s.status = StatusControl::SECONDARY),
        (3, 0x01, |s| s.status = StatusControl::PENDING),
        (4, 0x80, |s| s.tcw = 0x8000_0000),
        (7, 0x01, |s| s.tcw = 1),
        (8, 0x80, |s| s.device = DeviceStatus::ATTENTION),
        (8, 0x08, |s| s.device = DeviceStatus::CHANNEL_END),
        (8, 0x04, |s| s.device = DeviceStatus::DEVICE_END),
        (8, 0x02, |s| s.device = DeviceStatus::UNIT_CHECK),
        (9, 0x20, |s| s.subchannel = SubchannelStatus::PROGRAM_CHECK),
        (9, 0x10, |s| {
            s.subchannel = SubchannelStatus::PROTECTION_CHECK
        }),
        (9, 0x02, |s| {
            s.subchannel = SubchannelStatus::INTERFACE_CONTROL_CHECK
        }),
        (9, 0x01, |s| s.subchannel = SubchannelStatus::CHAINING_CHECK),
        (10, 0x80, |s| {
            s.fcx_status = FcxStatus::from_bits_retain(0x80)
        }),
        (10, 0x01, |s| s.fcx_status = FcxStatus::TSB_VALID),
        (11, 0x80, |s| s.ifob = true),
        (11, 0x40, |s| s.extended_status = ExtendedStatus(0x40)),
        (11, 0x03, |s| {
            s.extended_status = ExtendedStatus::DEVICE_UNSUPPORTED
        }),
        (11, 0x04, |s| {
            s.extended_status = ExtendedStatus::PATH_UNSUPPORTED
        }),
    ];

    #[test]
    fn every_bit_alone() {
        for (byte, mask, field) in BITS {
            let mut bytes = [0; SCSW_SIZE];
            bytes[byte] = mask;
            let mut expected = TransportScsw::IDLE;
            field(&mut expected);
            assert_eq!(decode(bytes), expected, "{byte}.{mask:02x}");
            assert_eq!(expected.encode(), RawScsw(bytes), "{byte}.{mask:02x}");
        }
        for (byte, mask) in [(0, 0x08), (1, 0x04), (2, 0x80)] {
            let mut bytes = [0; SCSW_SIZE];
            bytes[byte] = mask;
            assert_eq!(decode(bytes), TransportScsw::IDLE, "{byte}.{mask:02x}");
        }
    }

    /// The ending of the worked example, and a program check for which no TSB was stored.
    #[test]
    fn by_hand() {
        let normal = decode([0, 0x10, 0x40, 0x07, 0, 0, 0x43, 0, 0x0c, 0, 1, 0]);
        assert_eq!((normal.tcw, normal.format), (0x4300, 0));
        assert!(normal.irb_format && !normal.interrogate_complete);
        assert_eq!(normal.function, FunctionControl::START);
        assert_eq!(normal.status, StatusControl::from_bits_retain(0x07));
        assert!(normal.tsb_is_valid());
        assert_eq!(normal.qualifier(), None);
        assert_eq!(normal.carry().cpa, 0x4300);

        let check = decode([0, 0x10, 0x40, 0x17, 0, 0, 0x43, 0, 0, 0x20, 0, 3]);
        assert!(!check.tsb_is_valid());
        assert_eq!(check.qualifier(), Some(ExtendedStatus::DEVICE_UNSUPPORTED));

        // Without status pending nothing was stored.
        assert!(!decode([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]).tsb_is_valid());
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; SCSW_SIZE]) {
            let scsw = decode(bytes);
            let mut kept = bytes;
            kept[0] &= 0xf7;
            kept[1] &= 0xfb;
            kept[2] &= 0x7f;
            prop_assert_eq!(scsw.encode(), RawScsw(kept));
            prop_assert_eq!(decode(kept), scsw);
            prop_assert_eq!(TransportScsw::of(&scsw.carry()), scsw);
        }
    }
}
