// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Transport-indirect-data-address words. "PoP: TIDAW".

use bitflags::bitflags;

use crate::{Addr, Space};

/// Size of a TIDAW; a list of them is aligned to as much.
pub const TIDAW_SIZE: u64 = 16;
/// Neither a list of TIDAWs nor the area of one crosses a boundary of this many bytes; a list goes
/// on elsewhere by a TIDAW with [`TidawFlags::TRANSFER_IN_CHANNEL`].
pub const TIDAL_PAGE: u64 = 4096;

bitflags! {
    /// Byte 0 of a TIDAW.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct TidawFlags: u8 {
        /// Last TIDAW of the list.
        const LAST = 0x80;
        /// Input bytes are not stored.
        const SKIP = 0x40;
        /// Data-transfer-interruption control.
        const DATA_TRANSFER_INTERRUPTION = 0x20;
        /// T-TIC: the address is that of the next TIDAW.
        const TRANSFER_IN_CHANNEL = 0x10;
        /// Check bytes go into the output behind the bytes of this TIDAW.
        const INSERT_CBC = 0x08;
    }
}

/// The sixteen bytes of a TIDAW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawTidaw(pub [u8; 16]);

impl RawTidaw {
    /// Whether byte 0 bits 5-7 and bytes 1-3, which must be zero, are.
    pub const fn reserved_is_zero(self) -> bool {
        let b = self.0;
        b[0] & !TidawFlags::all().bits() | b[1] | b[2] | b[3] == 0
    }
}

/// A TIDAW whose address names storage of the space `S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tidaw<S: Space> {
    /// Flags, without the reserved bits.
    pub flags: TidawFlags,
    /// Bytes of this area; 0 with T-TIC.
    pub count: u32,
    /// First byte of the area; with T-TIC the next TIDAW.
    pub addr: Addr<S>,
}

impl<S: Space> Tidaw<S> {
    /// What `raw` says; reserved bits are dropped.
    pub const fn decode(raw: RawTidaw) -> Self {
        let b = raw.0;
        Self {
            flags: TidawFlags::from_bits_truncate(b[0]),
            count: u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
            addr: Addr::new(u64::from_be_bytes([
                b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15],
            ])),
        }
    }

    /// The sixteen bytes.
    pub const fn encode(self) -> RawTidaw {
        let flags = self.flags.bits() & TidawFlags::all().bits();
        let [c0, c1, c2, c3] = self.count.to_be_bytes();
        let [a0, a1, a2, a3, a4, a5, a6, a7] = self.addr.get().to_be_bytes();
        RawTidaw([
            flags, 0, 0, 0, c0, c1, c2, c3, a0, a1, a2, a3, a4, a5, a6, a7,
        ])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Guest;

    fn decode(bytes: [u8; 16]) -> Tidaw<Guest> {
        Tidaw::decode(RawTidaw(bytes))
    }

    /// Byte and mask, and what sets the field expected of them.
    type Row = (usize, u8, fn(&mut Tidaw<Guest>));

    #[test]
    fn every_bit_alone() {
        let rows: [Row; 9] = [
            (0, 0x80, |t| t.flags = TidawFlags::LAST),
            (0, 0x40, |t| t.flags = TidawFlags::SKIP),
            (0, 0x20, |t| {
                t.flags = TidawFlags::DATA_TRANSFER_INTERRUPTION
            }),
            (0, 0x10, |t| t.flags = TidawFlags::TRANSFER_IN_CHANNEL),
            (0, 0x08, |t| t.flags = TidawFlags::INSERT_CBC),
            (4, 0x80, |t| t.count = 1 << 31),
            (7, 0x01, |t| t.count = 1),
            (8, 0x80, |t| t.addr = Addr::new(1 << 63)),
            (15, 0x01, |t| t.addr = Addr::new(1)),
        ];
        for (byte, mask, field) in rows {
            let mut bytes = [0; 16];
            bytes[byte] = mask;
            let mut expected = decode([0; 16]);
            field(&mut expected);
            assert_eq!(decode(bytes), expected, "{byte}.{mask:02x}");
            assert_eq!(expected.encode(), RawTidaw(bytes));
        }
    }

    #[test]
    fn reserved_bits() {
        for byte in 0..16 {
            for bit in 0..8 {
                let mask = 0x80_u8 >> bit;
                let mut bytes = [0; 16];
                bytes[byte] = mask;
                let reserved = (byte == 0 && mask & 0x07 != 0) || (1..4).contains(&byte);
                assert_eq!(RawTidaw(bytes).reserved_is_zero(), !reserved);
                if reserved {
                    assert_eq!(decode(bytes), decode([0; 16]));
                }
            }
        }
    }

    /// The last TIDAW of the worked example.
    #[test]
    fn by_hand() {
        let raw = RawTidaw([0x80, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0x90, 0]);
        let tidaw = Tidaw::<Guest>::decode(raw);
        assert_eq!(tidaw.flags, TidawFlags::LAST);
        assert_eq!((tidaw.count, tidaw.addr.get()), (0x800, 0x9000));
        assert_eq!(tidaw.encode(), raw);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; 16]) {
            let tidaw = decode(bytes);
            let mut kept = bytes;
            kept[0] &= 0xf8;
            kept[1..4].fill(0);
            prop_assert_eq!(tidaw.encode(), RawTidaw(kept));
            prop_assert_eq!(decode(kept), tidaw);
        }
    }
}
