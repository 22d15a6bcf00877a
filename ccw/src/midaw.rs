// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

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
            self.flags.bits() & MidawFlags::all().bits(),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Guest;

    fn decode(bytes: [u8; 16]) -> Midaw<Guest> {
        Midaw::decode(RawMidaw(bytes))
    }

    /// Byte and mask, and what sets the field expected of them.
    type Row = (usize, u8, fn(&mut Midaw<Guest>));

    #[test]
    fn every_bit_alone() {
        let rows: [Row; 9] = [
            (5, 0x80, |m| m.flags = MidawFlags::LAST),
            (5, 0x40, |m| m.flags = MidawFlags::SKIP),
            (5, 0x20, |m| {
                m.flags = MidawFlags::DATA_TRANSFER_INTERRUPTION
            }),
            (6, 0x80, |m| m.count = 0x8000),
            (7, 0x01, |m| m.count = 1),
            (8, 0x80, |m| m.addr = Addr::new(1 << 63)),
            (11, 0x01, |m| m.addr = Addr::new(1 << 32)),
            (12, 0x80, |m| m.addr = Addr::new(1 << 31)),
            (15, 0x01, |m| m.addr = Addr::new(1)),
        ];
        for (byte, mask, field) in rows {
            let mut bytes = [0; 16];
            bytes[byte] = mask;
            let mut expected = decode([0; 16]);
            field(&mut expected);
            assert_eq!(decode(bytes), expected, "{byte}.{mask:02x}");
            assert_eq!(expected.encode(), RawMidaw(bytes));
        }
    }

    #[test]
    fn reserved_bits() {
        for byte in 0..16 {
            for bit in 0..8 {
                let mask = 0x80_u8 >> bit;
                let mut bytes = [0; 16];
                bytes[byte] = mask;
                let raw = RawMidaw(bytes);
                assert_eq!(raw.reserved_is_zero(), byte > 4);
                let expected = if byte == 5 { mask & 0x1f } else { 0 };
                assert_eq!(raw.reserved_flags(), expected);
                if byte < 5 || expected != 0 {
                    assert_eq!(decode(bytes), decode([0; 16]));
                }
            }
        }
    }

    /// The last MIDAW of the worked example.
    #[test]
    fn by_hand() {
        let raw = RawMidaw([0, 0, 0, 0, 0, 0x80, 0x02, 0, 0, 0, 0, 0, 0, 0, 0x8e, 0]);
        let midaw = Midaw::<Guest>::decode(raw);
        assert_eq!(midaw.flags, MidawFlags::LAST);
        assert_eq!((midaw.count, midaw.addr.get()), (0x200, 0x8e00));
        assert_eq!(midaw.encode(), raw);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; 16]) {
            let midaw = decode(bytes);
            let mut kept = bytes;
            kept[..5].fill(0);
            kept[5] &= 0xe0;
            prop_assert_eq!(midaw.encode(), RawMidaw(kept));
            prop_assert_eq!(decode(kept), midaw);
        }
    }
}
