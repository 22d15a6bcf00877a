//! Modified-CCW-indirect-data-address words. "PoP: Modified-CCW-Indirect-Data Addressing".

use bitflags::bitflags;

use crate::{Addr, Space};

/// Size of a MIDAW; a list of them is aligned to as much.
pub const MIDAW_SIZE: u64 = 16;
/// A list of MIDAWs must not cross a boundary of this many bytes.
pub const MIDAL_PAGE: u64 = 4096;

bitflags! {
    /// Byte 5 of a MIDAW.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct MidawFlags: u8 {
        /// Bit 40: last MIDAW of the list.
        const LAST = 0x80;
        /// Bit 41: input bytes are not stored.
        const SKIP = 0x40;
        /// Bit 42: data-transfer-interruption control.
        const DATA_TRANSFER_INTERRUPTION = 0x20;
    }
}

/// The sixteen bytes of a MIDAW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawMidaw(pub [u8; 16]);

impl RawMidaw {
    /// Whether bits 0-39, which must be zero, are.
    pub const fn reserved_is_zero(self) -> bool {
        let b = self.0;
        b[0] | b[1] | b[2] | b[3] | b[4] == 0
    }

    /// Bits 43-47, which must be zero.
    pub const fn reserved_flags(self) -> u8 {
        self.0[5] & 0x1f
    }
}

/// A MIDAW whose address names storage of the space `S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Midaw<S: Space> {
    /// Flags, without the reserved bits.
    pub flags: MidawFlags,
    /// Bytes of this area.
    pub count: u16,
    /// First byte; for read backward the last.
    pub addr: Addr<S>,
}

impl<S: Space> Midaw<S> {
    /// What `raw` says; reserved bits are dropped.
    pub const fn decode(raw: RawMidaw) -> Self {
        let b = raw.0;
        Self {
            flags: MidawFlags::from_bits_truncate(b[5]),
            count: u16::from_be_bytes([b[6], b[7]]),
            addr: Addr::new(u64::from_be_bytes([
                b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15],
            ])),
        }
    }

    /// The sixteen bytes.
    pub const fn encode(self) -> RawMidaw {
        let c = self.count.to_be_bytes();
        let a = self.addr.get().to_be_bytes();
        RawMidaw([
            0,
            0,
            0,
            0,
            0,
            self.flags.bits(),
            c[0],
            c[1],
            a[0],
            a[1],
            a[2],
            a[3],
            a[4],
            a[5],
            a[6],
            a[7],
        ])
    }
}
