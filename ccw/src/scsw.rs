// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The subchannel-status word of command mode. "PoP: SCSW".

use crate::bytes::bit;
use crate::status::{control_bytes, controls};
use crate::{
    ActivityControl, DeviceStatus, Format, FunctionControl, Orb, Space, StatusControl,
    SubchannelStatus,
};

/// Bytes of an SCSW.
pub const SCSW_SIZE: usize = 12;

/// The twelve bytes of an SCSW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawScsw(pub [u8; SCSW_SIZE]);

impl RawScsw {
    /// Whether bit 16, which is reserved, is one.
    pub const fn bit16(&self) -> bool {
        self.0[2] & 0x80 != 0
    }
}

/// The SCSW bits that start function copies from the ORB: key, S, F, P, I, A, U.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrbBits {
    /// Subchannel key, 0-15.
    pub key: u8,
    /// S: suspend control.
    pub suspend: bool,
    /// F: CCW format.
    pub format: Format,
    /// P: prefetch.
    pub prefetch: bool,
    /// I: initial-status-interruption control.
    pub initial_status: bool,
    /// A: address-limit checking.
    pub limit_check: bool,
    /// U: suppress suspended interruption.
    pub suppress_suspended: bool,
}

impl OrbBits {
    /// The bits of a subchannel that no start function has touched.
    pub const NONE: Self = Self {
        key: 0,
        suspend: false,
        format: Format::Zero,
        prefetch: false,
        initial_status: false,
        limit_check: false,
        suppress_suspended: false,
    };
}

impl<S: Space> From<&Orb<S>> for OrbBits {
    fn from(orb: &Orb<S>) -> Self {
        Self {
            key: orb.key,
            suspend: orb.suspend,
            format: orb.format,
            prefetch: orb.prefetch,
            initial_status: orb.initial_status,
            limit_check: orb.limit_check,
            suppress_suspended: orb.suppress_suspended,
        }
    }
}

/// A command-mode SCSW whose CCW address names storage of the space `S`.
///
/// An `Scsw<Host>` cannot be handed to a guest: only mapping the status back makes an
/// `Scsw<Guest>`.
///
/// ```compile_fail
/// use ccw::{Guest, Host, Scsw};
/// fn show_to_guest(_: Scsw<Guest>) {}
/// fn leak(host: Scsw<Host>) { show_to_guest(host) } // does not compile
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scsw<S: Space> {
    /// Bits copied from the ORB.
    pub orb: OrbBits,
    /// L: a format-0 ESW is stored.
    pub extended_status_word: bool,
    /// Deferred condition code, 0-3.
    pub deferred_cc: u8,
    /// Z: the first command was accepted.
    pub zero_cc: bool,
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
    /// CCW address: the CCW in control plus 8. All 32 bits, since 2^31 can be stored here.
    pub cpa: u32,
    /// Device status.
    pub device: DeviceStatus,
    /// Subchannel status.
    pub subchannel: SubchannelStatus,
    /// Residual count.
    pub residual: u16,
    space: core::marker::PhantomData<fn() -> S>,
}

impl<S: Space> Scsw<S> {
    /// An SCSW of a subchannel at rest.
    pub const IDLE: Self = Self {
        orb: OrbBits::NONE,
        extended_status_word: false,
        deferred_cc: 0,
        zero_cc: false,
        extended_control: false,
        path_not_operational: false,
        function: FunctionControl::empty(),
        activity: ActivityControl::empty(),
        status: StatusControl::empty(),
        cpa: 0,
        device: DeviceStatus::empty(),
        subchannel: SubchannelStatus::empty(),
        residual: 0,
        space: core::marker::PhantomData,
    };

    /// What `raw` says; the reserved bit 16 is dropped.
    pub const fn decode(raw: &RawScsw) -> Self {
        let b = &raw.0;
        let (function, activity, status) = controls([b[2], b[3]]);
        Self {
            orb: OrbBits {
                key: b[0] >> 4,
                suspend: b[0] & 0x08 != 0,
                format: if b[1] & 0x80 != 0 {
                    Format::One
                } else {
                    Format::Zero
                },
                prefetch: b[1] & 0x40 != 0,
                initial_status: b[1] & 0x20 != 0,
                limit_check: b[1] & 0x10 != 0,
                suppress_suspended: b[1] & 0x08 != 0,
            },
            extended_status_word: b[0] & 0x04 != 0,
            deferred_cc: b[0] & 0x03,
            zero_cc: b[1] & 0x04 != 0,
            extended_control: b[1] & 0x02 != 0,
            path_not_operational: b[1] & 0x01 != 0,
            function,
            activity,
            status,
            cpa: u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
            device: DeviceStatus::from_bits_retain(b[8]),
            subchannel: SubchannelStatus::from_bits_retain(b[9]),
            residual: u16::from_be_bytes([b[10], b[11]]),
            space: core::marker::PhantomData,
        }
    }

    /// The twelve bytes.
    pub const fn encode(&self) -> RawScsw {
        let orb = &self.orb;
        let b0 = (orb.key << 4)
            | bit(orb.suspend, 0x08)
            | bit(self.extended_status_word, 0x04)
            | (self.deferred_cc & 0x03);
        let b1 = bit(matches!(orb.format, Format::One), 0x80)
            | bit(orb.prefetch, 0x40)
            | bit(orb.initial_status, 0x20)
            | bit(orb.limit_check, 0x10)
            | bit(orb.suppress_suspended, 0x08)
            | bit(self.zero_cc, 0x04)
            | bit(self.extended_control, 0x02)
            | bit(self.path_not_operational, 0x01);
        let [b2, b3] = control_bytes(self.function, self.activity, self.status);
        let c = self.cpa.to_be_bytes();
        let r = self.residual.to_be_bytes();
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
            r[0],
            r[1],
        ])
    }

    /// Whether the status ends the start function: primary status is pending.
    pub const fn is_primary(&self) -> bool {
        self.status.contains(StatusControl::PRIMARY)
    }

    /// Whether device and subchannel status mean anything: status is pending, and not for a device
    /// that was not there (deferred condition code 3).
    pub const fn status_is_valid(&self) -> bool {
        self.status.contains(StatusControl::PENDING) && self.deferred_cc != 3
    }

    /// Whether the CCW address means anything: with primary status, with intermediate status of a
    /// program that runs, or when the program is suspended.
    pub const fn cpa_is_valid(&self) -> bool {
        let running = ActivityControl::SUBCHANNEL_ACTIVE.union(ActivityControl::DEVICE_ACTIVE);
        let intermediate = StatusControl::INTERMEDIATE.union(StatusControl::PENDING);
        self.status.contains(StatusControl::PRIMARY)
            || (self.status.contains(intermediate) && self.activity.contains(running))
            || self.activity.contains(ActivityControl::SUSPENDED)
    }

    /// Whether the residual count means anything: with primary status, and no subchannel status
    /// but PCI and incorrect length.
    pub const fn residual_is_valid(&self) -> bool {
        let harmless = SubchannelStatus::PCI.union(SubchannelStatus::INCORRECT_LENGTH);
        self.status.contains(StatusControl::PRIMARY) && harmless.contains(self.subchannel)
    }

    /// Whether a program asked for what happened; otherwise the device spoke up by itself.
    pub const fn is_solicited(&self) -> bool {
        let unsolicited = StatusControl::ALERT.union(StatusControl::PENDING);
        self.deferred_cc != 0 || self.status.bits() != unsolicited.bits()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Guest;

    fn decode(bytes: [u8; SCSW_SIZE]) -> Scsw<Guest> {
        Scsw::decode(&RawScsw(bytes))
    }

    /// Byte, mask, and what sets the field expected of them.
    type Row = (usize, u8, fn(&mut Scsw<Guest>));

    /// The table of the architecture, one bit after the other.
    const BITS: [Row; 51] = [
        (0, 0x80, |s| s.orb.key = 8),
        (0, 0x40, |s| s.orb.key = 4),
        (0, 0x20, |s| s.orb.key = 2),
        (0, 0x10, |s| s.orb.key = 1),
        (0, 0x08, |s| s.orb.suspend = true),
        (0, 0x04, |s| s.extended_status_word = true),
        (0, 0x02, |s| s.deferred_cc = 2),
        (0, 0x01, |s| s.deferred_cc = 1),
        (1, 0x80, |s| s.orb.format = Format::One),
        (1, 0x40, |s| s.orb.prefetch = true),
        (1, 0x20, |s| s.orb.initial_status = true),
        (1, 0x10, |s| s.orb.limit_check = true),
        (1, 0x08, |s| s.orb.suppress_suspended = true),
        (1, 0x04, |s| s.zero_cc = true),
        (1, 0x02, |s| s.extended_control = true),
        (1, 0x01, |s| s.path_not_operational = true),
        (2, 0x80, |_| {}),
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
        (4, 0x80, |s| s.cpa = 0x8000_0000),
        (7, 0x01, |s| s.cpa = 1),
        (8, 0x80, |s| s.device = DeviceStatus::ATTENTION),
        (8, 0x40, |s| s.device = DeviceStatus::STATUS_MODIFIER),
        (8, 0x20, |s| s.device = DeviceStatus::CONTROL_UNIT_END),
        (8, 0x10, |s| s.device = DeviceStatus::BUSY),
        (8, 0x08, |s| s.device = DeviceStatus::CHANNEL_END),
        (8, 0x04, |s| s.device = DeviceStatus::DEVICE_END),
        (8, 0x02, |s| s.device = DeviceStatus::UNIT_CHECK),
        (8, 0x01, |s| s.device = DeviceStatus::UNIT_EXCEPTION),
        (9, 0x80, |s| s.subchannel = SubchannelStatus::PCI),
        (9, 0x40, |s| {
            s.subchannel = SubchannelStatus::INCORRECT_LENGTH
        }),
        (9, 0x20, |s| s.subchannel = SubchannelStatus::PROGRAM_CHECK),
        (9, 0x10, |s| {
            s.subchannel = SubchannelStatus::PROTECTION_CHECK
        }),
        (9, 0x08, |s| {
            s.subchannel = SubchannelStatus::CHANNEL_DATA_CHECK
        }),
        (9, 0x04, |s| {
            s.subchannel = SubchannelStatus::CHANNEL_CONTROL_CHECK
        }),
        (9, 0x02, |s| {
            s.subchannel = SubchannelStatus::INTERFACE_CONTROL_CHECK
        }),
        (9, 0x01, |s| s.subchannel = SubchannelStatus::CHAINING_CHECK),
        (10, 0x80, |s| s.residual = 0x8000),
    ];

    #[test]
    fn every_bit_alone() {
        for (byte, mask, field) in BITS {
            let mut bytes = [0; SCSW_SIZE];
            bytes[byte] = mask;
            let mut expected = Scsw::IDLE;
            field(&mut expected);
            assert_eq!(decode(bytes), expected, "{byte}.{mask:02x}");
            if (byte, mask) == (2, 0x80) {
                assert!(RawScsw(bytes).bit16());
                bytes[byte] = 0;
            }
            assert!(!RawScsw(bytes).bit16());
            assert_eq!(expected.encode(), RawScsw(bytes), "{byte}.{mask:02x}");
        }
    }

    /// Status of the worked examples: normal end, unit check, incorrect length, program check.
    #[test]
    fn by_hand() {
        let normal = decode([0x00, 0xc0, 0x40, 0x07, 0, 0, 0x21, 0x08, 0x0c, 0, 0, 0x34]);
        assert_eq!(normal.orb.format, Format::One);
        assert!(normal.orb.prefetch && !normal.orb.suspend);
        assert_eq!(normal.function, FunctionControl::START);
        assert_eq!(normal.activity, ActivityControl::empty());
        assert_eq!(normal.status, StatusControl::from_bits_retain(0x07));
        assert_eq!((normal.cpa, normal.residual), (0x2108, 0x34));
        assert_eq!(
            normal.device,
            DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END
        );
        assert!(normal.is_primary() && normal.cpa_is_valid() && normal.residual_is_valid());

        let sense = decode([0x00, 0xc2, 0x40, 0x17, 0, 0, 0x22, 0x20, 0x0e, 0, 0, 0]);
        assert!(sense.extended_control);
        assert!(sense.status.contains(StatusControl::ALERT));
        assert!(sense.device.contains(DeviceStatus::UNIT_CHECK));

        let short = decode([
            0x00, 0xc0, 0x40, 0x17, 0, 0, 0x22, 0x28, 0x0c, 0x40, 0x08, 0,
        ]);
        assert_eq!(short.subchannel, SubchannelStatus::INCORRECT_LENGTH);
        assert!(short.residual_is_valid());

        let check = decode([0x00, 0xc0, 0x40, 0x17, 0, 0, 0x26, 0x08, 0, 0x20, 0, 0]);
        assert_eq!(check.subchannel, SubchannelStatus::PROGRAM_CHECK);
        assert!(check.cpa_is_valid() && !check.residual_is_valid());
    }

    #[test]
    fn what_means_anything() {
        let word0 = |b2, b3| decode([0, 0, b2, b3, 0, 0, 0, 0, 0, 0, 0, 0]);
        // PCI of a running program; secondary status alone; suspended; unsolicited; at rest.
        for (scsw, cpa, residual, status, solicited) in [
            (word0(0x40, 0xc9), true, false, true, true),
            (word0(0x40, 0x89), false, false, true, true),
            (word0(0x00, 0x03), false, false, true, true),
            (word0(0x40, 0x29), true, false, true, true),
            (word0(0x00, 0x11), false, false, true, false),
            (word0(0x00, 0x00), false, false, false, true),
            (word0(0x40, 0x07), true, true, true, true),
        ] {
            assert_eq!(scsw.cpa_is_valid(), cpa, "{scsw:?}");
            assert_eq!(scsw.residual_is_valid(), residual, "{scsw:?}");
            assert_eq!(scsw.status_is_valid(), status, "{scsw:?}");
            assert_eq!(scsw.is_solicited(), solicited, "{scsw:?}");
        }
        let gone = decode([0x03, 0, 0x40, 0x11, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(!gone.status_is_valid() && gone.is_solicited());
    }

    #[test]
    fn start_takes_its_bits_from_the_orb() {
        let orb = Orb::<Guest>::decode(&crate::RawOrb::from_words([0, 0xa8d8_8000, 0]));
        let bits = OrbBits::from(&orb);
        let scsw = Scsw::<Guest> {
            orb: bits,
            ..Scsw::IDLE
        };
        assert_eq!(scsw.encode().0[..2], [0xa8, 0xd8]);
        let orb = Orb::<Guest>::decode(&crate::RawOrb::from_words([0, 0x5727_ffff, 0]));
        let scsw = Scsw::<Guest> {
            orb: OrbBits::from(&orb),
            ..Scsw::IDLE
        };
        assert_eq!(scsw.encode().0[..2], [0x50, 0x20]);
    }

    #[test]
    fn bits_that_are_no_field_of_their_own_stay_out_of_the_others() {
        let scsw = Scsw::<Guest> {
            orb: OrbBits {
                key: 0xff,
                ..OrbBits::NONE
            },
            deferred_cc: 0xff,
            function: FunctionControl::from_bits_retain(0x8f),
            activity: ActivityControl::from_bits_retain(0xf01f),
            status: StatusControl::from_bits_retain(0xe0),
            ..Scsw::IDLE
        };
        assert_eq!(scsw.encode().0[..4], [0xf3, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; SCSW_SIZE]) {
            let scsw = decode(bytes);
            let mut kept = bytes;
            kept[2] &= 0x7f;
            prop_assert_eq!(scsw.encode(), RawScsw(kept));
            prop_assert_eq!(decode(kept), scsw);
        }
    }
}
