// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The transport-control word. "PoP: TCW".

use bitflags::bitflags;

use crate::bytes::{bit, field, put};
use crate::{Addr, Addr31, Space};

/// Bytes of a TCW, which is aligned to as much and lies below 2 GiB.
pub const TCW_SIZE: usize = 64;

/// What byte 5 bits 0-5 leave out of the size of the TCCB.
const TCCB_LENGTH_BIAS: usize = 20;

bitflags! {
    /// Byte 1 of a TCW: which addresses designate a list of TIDAWs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct TcwFlags: u8 {
        /// Bit 13: the input address does.
        const INPUT_TIDA = 0x04;
        /// Bit 14: the TCCB address does.
        const TCCB_TIDA = 0x02;
        /// Bit 15: the output address does.
        const OUTPUT_TIDA = 0x01;
    }
}

/// The 64 bytes of a TCW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct RawTcw(pub [u8; TCW_SIZE]);

impl RawTcw {
    /// Whether all bits that have no meaning are zero: those of bytes 0-7, and bytes 48-59.
    pub fn reserved_is_zero(&self) -> bool {
        let b = &self.0;
        let flags = b[0] & 0x3f | b[1] & !TcwFlags::all().bits() | b[2] & 0x3f;
        flags | b[3] | b[4] | b[6] | b[7] == 0 && field::<12>(b, 48) == [0; 12]
    }

    /// Bytes 60-63: the word of the interrogate-TCW address, bit 0 and all.
    pub fn interrogate(&self) -> u32 {
        u32::from_be_bytes(field(&self.0, 60))
    }
}

impl Default for RawTcw {
    fn default() -> Self {
        Self([0; TCW_SIZE])
    }
}

/// A TCW whose addresses name storage of the space `S`, and whose reserved bits are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tcw<S: Space> {
    /// Format, 0-3; there is only 0.
    pub format: u8,
    /// Which addresses designate lists.
    pub flags: TcwFlags,
    /// Format of all TIDAWs, 0-3; there is only 0.
    pub tidaw_format: u8,
    /// Bytes of the TCCB less 20, a multiple of 4 (TCCBL).
    pub tccb_length: u8,
    /// R: the program has input.
    pub read: bool,
    /// W: the program has output.
    pub write: bool,
    /// Output data, or their list.
    pub output: Addr<S>,
    /// Input data, or their list.
    pub input: Addr<S>,
    /// Transport-status block.
    pub tsb: Addr<S>,
    /// Transport-command-control block, or its list.
    pub tccb: Addr<S>,
    /// Bytes of output.
    pub output_count: u32,
    /// Bytes of input.
    pub input_count: u32,
    /// TCW of the interrogate function; 0 for none.
    pub interrogate: Addr31<S>,
}

impl<S: Space> Tcw<S> {
    /// What `raw` says; reserved bits are dropped.
    pub fn decode(raw: &RawTcw) -> Self {
        let b = &raw.0;
        let addr = |at| Addr::new(u64::from_be_bytes(field(b, at)));
        let word = |at| u32::from_be_bytes(field(b, at));
        Self {
            format: b[0] >> 6,
            flags: TcwFlags::from_bits_truncate(b[1]),
            tidaw_format: b[2] >> 6,
            tccb_length: b[5] & 0xfc,
            read: b[5] & 0x02 != 0,
            write: b[5] & 0x01 != 0,
            output: addr(8),
            input: addr(16),
            tsb: addr(24),
            tccb: addr(32),
            output_count: word(40),
            input_count: word(44),
            interrogate: Addr31::truncate(raw.interrogate()),
        }
    }

    /// The 64 bytes.
    pub fn encode(&self) -> RawTcw {
        let mut b = [0; TCW_SIZE];
        let direction = bit(self.read, 0x02) | bit(self.write, 0x01);
        put(&mut b, 0, &[self.format << 6]);
        put(&mut b, 1, &[self.flags.bits() & TcwFlags::all().bits()]);
        put(&mut b, 2, &[self.tidaw_format << 6]);
        put(&mut b, 5, &[self.tccb_length & 0xfc | direction]);
        for (at, addr) in [
            (8, self.output),
            (16, self.input),
            (24, self.tsb),
            (32, self.tccb),
        ] {
            put(&mut b, at, &addr.get().to_be_bytes());
        }
        put(&mut b, 40, &self.output_count.to_be_bytes());
        put(&mut b, 44, &self.input_count.to_be_bytes());
        put(&mut b, 60, &self.interrogate.get().to_be_bytes());
        RawTcw(b)
    }

    /// Bytes of the TCCB: 20 to 272, though none is smaller than 32 or larger than 264.
    pub fn tccb_size(&self) -> usize {
        TCCB_LENGTH_BIAS + usize::from(self.tccb_length & 0xfc)
    }

    /// The TCCB length of a TCCB of `size` bytes, if there is one.
    pub fn tccb_length_of(size: usize) -> Option<u8> {
        let length = size.checked_sub(TCCB_LENGTH_BIAS)?;
        u8::try_from(length).ok().filter(|length| length % 4 == 0)
    }

    /// Whether the program has both input and output.
    pub const fn is_bidirectional(&self) -> bool {
        self.read && self.write
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Guest;

    fn decode(bytes: [u8; TCW_SIZE]) -> Tcw<Guest> {
        Tcw::decode(&RawTcw(bytes))
    }

    /// Byte and mask, and what sets the field expected of them.
    type Row = (usize, u8, fn(&mut Tcw<Guest>));

    /// The table of the architecture, one bit after the other.
    const BITS: [Row; 27] = [
        (0, 0x80, |t| t.format = 2),
        (0, 0x40, |t| t.format = 1),
        (1, 0x04, |t| t.flags = TcwFlags::INPUT_TIDA),
        (1, 0x02, |t| t.flags = TcwFlags::TCCB_TIDA),
        (1, 0x01, |t| t.flags = TcwFlags::OUTPUT_TIDA),
        (2, 0x80, |t| t.tidaw_format = 2),
        (2, 0x40, |t| t.tidaw_format = 1),
        (5, 0x80, |t| t.tccb_length = 128),
        (5, 0x04, |t| t.tccb_length = 4),
        (5, 0x02, |t| t.read = true),
        (5, 0x01, |t| t.write = true),
        (8, 0x80, |t| t.output = Addr::new(1 << 63)),
        (15, 0x01, |t| t.output = Addr::new(1)),
        (16, 0x80, |t| t.input = Addr::new(1 << 63)),
        (23, 0x01, |t| t.input = Addr::new(1)),
        (24, 0x80, |t| t.tsb = Addr::new(1 << 63)),
        (31, 0x01, |t| t.tsb = Addr::new(1)),
        (32, 0x80, |t| t.tccb = Addr::new(1 << 63)),
        (39, 0x01, |t| t.tccb = Addr::new(1)),
        (40, 0x80, |t| t.output_count = 1 << 31),
        (43, 0x01, |t| t.output_count = 1),
        (44, 0x80, |t| t.input_count = 1 << 31),
        (47, 0x01, |t| t.input_count = 1),
        (60, 0x80, |_| {}),
        (60, 0x40, |t| t.interrogate = Addr31::truncate(1 << 30)),
        (62, 0x01, |t| t.interrogate = Addr31::truncate(1 << 8)),
        (63, 0x40, |t| t.interrogate = Addr31::truncate(0x40)),
    ];

    #[test]
    fn every_bit_alone() {
        for (byte, mask, field) in BITS {
            let mut bytes = [0; TCW_SIZE];
            bytes[byte] = mask;
            let mut expected = decode([0; TCW_SIZE]);
            field(&mut expected);
            assert_eq!(decode(bytes), expected, "{byte}.{mask:02x}");
            assert!(RawTcw(bytes).reserved_is_zero(), "{byte}.{mask:02x}");
            if (byte, mask) == (60, 0x80) {
                assert_eq!(RawTcw(bytes).interrogate(), 1 << 31);
                bytes[byte] = 0;
            }
            assert_eq!(expected.encode(), RawTcw(bytes), "{byte}.{mask:02x}");
        }
    }

    #[test]
    fn reserved_bits() {
        // First and last byte, and the bits of each.
        let rows = [
            (0, 0, 0x3f),
            (1, 1, 0xf8),
            (2, 2, 0x3f),
            (3, 4, 0xff),
            (6, 7, 0xff),
            (48, 59, 0xff),
        ];
        for byte in 0..TCW_SIZE {
            for bit in 0..8 {
                let mask = 0x80_u8 >> bit;
                let reserved = rows
                    .iter()
                    .any(|&(first, last, bits)| (first..=last).contains(&byte) && bits & mask != 0);
                let mut bytes = [0; TCW_SIZE];
                bytes[byte] = mask;
                assert_eq!(
                    RawTcw(bytes).reserved_is_zero(),
                    !reserved,
                    "{byte}.{mask:02x}"
                );
                if reserved {
                    assert_eq!(decode(bytes), decode([0; TCW_SIZE]));
                }
            }
        }
    }

    #[test]
    fn how_long_the_tccb_is() {
        let of = Tcw::<Guest>::tccb_length_of;
        for (size, length) in [(32, 12), (264, 244), (20, 0), (272, 252)] {
            let tcw = Tcw {
                tccb_length: length,
                ..decode([0; TCW_SIZE])
            };
            assert_eq!(tcw.tccb_size(), size);
            assert_eq!(of(size), Some(length));
        }
        for size in [0, 16, 33, 34, 276, usize::MAX] {
            assert_eq!(of(size), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [[u8; 16]; 4]) {
            let bytes: [u8; TCW_SIZE] = bytes.concat().try_into().unwrap();
            let mut kept = bytes;
            kept[0] &= 0xc0;
            kept[1] &= 0x07;
            kept[2] &= 0xc0;
            kept[3..5].fill(0);
            kept[6..8].fill(0);
            kept[48..60].fill(0);
            prop_assert!(RawTcw(kept).reserved_is_zero());
            kept[60] &= 0x7f;
            let tcw = decode(bytes);
            prop_assert_eq!(tcw.encode(), RawTcw(kept));
            prop_assert_eq!(decode(kept), tcw);
        }
    }
}
