//! The subchannel-status word of command mode. "PoP: SCSW".

use bitflags::bitflags;

use crate::{Format, Orb, Space};

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

/// Bytes of an SCSW.
pub const SCSW_SIZE: usize = 12;

/// The twelve bytes of an SCSW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawScsw(pub [u8; SCSW_SIZE]);

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
            function: FunctionControl::from_bits_truncate(b[2] & 0x70),
            activity: ActivityControl::from_bits_truncate(
                u16::from_be_bytes([b[2], b[3]]) & 0x0fe0,
            ),
            status: StatusControl::from_bits_truncate(b[3] & 0x1f),
            cpa: u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
            device: DeviceStatus::from_bits_retain(b[8]),
            subchannel: SubchannelStatus::from_bits_retain(b[9]),
            residual: u16::from_be_bytes([b[10], b[11]]),
            space: core::marker::PhantomData,
        }
    }

    /// The twelve bytes.
    pub const fn encode(&self) -> RawScsw {
        const fn bit(on: bool, mask: u8) -> u8 {
            if on { mask } else { 0 }
        }
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
        let a = self.activity.bits().to_be_bytes();
        let c = self.cpa.to_be_bytes();
        let r = self.residual.to_be_bytes();
        RawScsw([
            b0,
            b1,
            self.function.bits() | a[0],
            a[1] | self.status.bits(),
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
}
