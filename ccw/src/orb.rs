// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The operation-request block, operand of START SUBCHANNEL. "PoP: ORB".

use crate::bytes::bit32 as bit;
use crate::{Addr31, Format, Space};

/// Bytes of an ORB; 12 of them when the extension bit X is zero.
pub const ORB_SIZE: usize = 32;

/// The 32 bytes of an ORB, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawOrb(pub [u8; ORB_SIZE]);

impl RawOrb {
    /// An ORB without extension.
    pub const fn from_words(words: [u32; 3]) -> Self {
        let [a, b, c, d] = words[0].to_be_bytes();
        let [e, f, g, h] = words[1].to_be_bytes();
        let [i, j, k, l] = words[2].to_be_bytes();
        Self([
            a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0,
        ])
    }

    /// Word `n`, 0-7; there are no others, and they count as zero.
    pub const fn word(&self, n: usize) -> u32 {
        let (words, _) = self.0.as_chunks::<4>();
        if n < words.len() {
            #[expect(clippy::indexing_slicing, reason = "checked above; `get` is not const")]
            u32::from_be_bytes(words[n])
        } else {
            0
        }
    }

    /// Bits 26-30 of word 1, which must be zero.
    pub const fn reserved(&self) -> u32 {
        self.word(1) & word1::RESERVED
    }

    /// Bits 4-12, 14-15 and 24-30 of word 1, which must be zero in transport mode.
    pub const fn transport_reserved(&self) -> u32 {
        self.word(1) & word1::TRANSPORT_RESERVED
    }

    /// Bits 26-31 of word 2, which must be zero in transport mode: a TCW is aligned to 64 bytes.
    pub const fn tcw_offset(&self) -> u32 {
        self.word(2) & 0x3f
    }

    /// Whether word 2 bit 0, which must be zero, is one.
    pub const fn cpa_bit0(&self) -> bool {
        self.0[8] & 0x80 != 0
    }
}

/// Bits of ORB word 1, as masks of the big-endian word.
pub mod word1 {
    /// S: suspend control.
    pub const SUSPEND: u32 = 0x0800_0000;
    /// C: streaming-mode control.
    pub const STREAMING: u32 = 0x0400_0000;
    /// M: modification control.
    pub const MODIFICATION: u32 = 0x0200_0000;
    /// Y: synchronize control.
    pub const SYNCHRONIZE: u32 = 0x0100_0000;
    /// F: format-1 CCWs.
    pub const FORMAT1: u32 = 0x0080_0000;
    /// P: prefetch allowed.
    pub const PREFETCH: u32 = 0x0040_0000;
    /// I: initial-status-interruption control.
    pub const INITIAL_STATUS: u32 = 0x0020_0000;
    /// A: address-limit-checking control.
    pub const LIMIT_CHECK: u32 = 0x0010_0000;
    /// U: suppress-suspended-interruption control.
    pub const SUPPRESS_SUSPENDED: u32 = 0x0008_0000;
    /// B: transport mode.
    pub const TRANSPORT: u32 = 0x0004_0000;
    /// H: format-2 IDAWs.
    pub const FORMAT2_IDAWS: u32 = 0x0002_0000;
    /// T: 2 KiB IDAWs.
    pub const IDAW_2K: u32 = 0x0001_0000;
    /// L: incorrect-length-suppression mode.
    pub const LENGTH_SUPPRESSION: u32 = 0x0000_0080;
    /// D: MIDAWs allowed.
    pub const MIDAW: u32 = 0x0000_0040;
    /// Bits 26-30: must be zero.
    pub const RESERVED: u32 = 0x0000_003e;
    /// X: the ORB has an extension.
    pub const EXTENSION: u32 = 0x0000_0001;
    /// Bits 4-12, 14-15 and 24-30: must be zero in transport mode.
    pub const TRANSPORT_RESERVED: u32 = 0x0ffb_00fe;
}

/// An ORB whose program lies in the space `S`, and whose reserved bits are zero.
///
/// Decoding never fails; the bits that a machine refuses are reported by whoever validates, from
/// the [`RawOrb`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Orb<S: Space> {
    /// Interruption parameter, word 0.
    pub intparm: u32,
    /// Subchannel key, 0-15; word 1 bits 0-3.
    pub key: u8,
    /// S: the S flag of CCWs is allowed.
    pub suspend: bool,
    /// C: streaming mode.
    pub streaming: bool,
    /// M: the program may be modified while it runs.
    pub modification: bool,
    /// Y: synchronize control.
    pub synchronize: bool,
    /// F: format of all CCWs.
    pub format: Format,
    /// P: CCWs, lists and output data may be fetched early.
    pub prefetch: bool,
    /// I: ask for an interruption when the first command is accepted.
    pub initial_status: bool,
    /// A: address-limit checking.
    pub limit_check: bool,
    /// U: no interruption when suspended.
    pub suppress_suspended: bool,
    /// B: the address is that of a TCW.
    pub transport: bool,
    /// H: IDAWs are format 2.
    pub format2_idaws: bool,
    /// T: format-2 IDAWs govern 2 KiB; without H it means nothing.
    pub idaw_2k: bool,
    /// Logical-path mask, bit i (IBM numbering) for channel path i.
    pub lpm: u8,
    /// L: immediate format-1 commands are exempt from incorrect length, as format-0 ones are.
    pub length_suppression: bool,
    /// D: the MIDA flag of CCWs is allowed.
    pub midaw: bool,
    /// X: words 3-7 count.
    pub extension: bool,
    /// Address of the first CCW (or of the TCW).
    pub cpa: Addr31<S>,
    /// Channel-subsystem priority, byte 12; only with X.
    pub css_priority: u8,
    /// Control-unit priority, byte 14; only with X.
    pub cu_priority: u8,
}

impl<S: Space> Orb<S> {
    /// What `raw` says. Reserved bits are dropped.
    pub const fn decode(raw: &RawOrb) -> Self {
        let w1 = raw.word(1);
        let extension = w1 & word1::EXTENSION != 0;
        Self {
            intparm: raw.word(0),
            key: raw.0[4] >> 4,
            suspend: w1 & word1::SUSPEND != 0,
            streaming: w1 & word1::STREAMING != 0,
            modification: w1 & word1::MODIFICATION != 0,
            synchronize: w1 & word1::SYNCHRONIZE != 0,
            format: if w1 & word1::FORMAT1 != 0 {
                Format::One
            } else {
                Format::Zero
            },
            prefetch: w1 & word1::PREFETCH != 0,
            initial_status: w1 & word1::INITIAL_STATUS != 0,
            limit_check: w1 & word1::LIMIT_CHECK != 0,
            suppress_suspended: w1 & word1::SUPPRESS_SUSPENDED != 0,
            transport: w1 & word1::TRANSPORT != 0,
            format2_idaws: w1 & word1::FORMAT2_IDAWS != 0,
            idaw_2k: w1 & word1::IDAW_2K != 0,
            lpm: raw.0[6],
            length_suppression: w1 & word1::LENGTH_SUPPRESSION != 0,
            midaw: w1 & word1::MIDAW != 0,
            extension,
            cpa: Addr31::truncate(raw.word(2)),
            css_priority: if extension { raw.0[12] } else { 0 },
            cu_priority: if extension { raw.0[14] } else { 0 },
        }
    }

    /// Word 1 without its key: the control bits, and the path mask.
    const fn word1(&self) -> u32 {
        ((self.key as u32) << 28)
            | bit(self.suspend, word1::SUSPEND)
            | bit(self.streaming, word1::STREAMING)
            | bit(self.modification, word1::MODIFICATION)
            | bit(self.synchronize, word1::SYNCHRONIZE)
            | bit(matches!(self.format, Format::One), word1::FORMAT1)
            | bit(self.prefetch, word1::PREFETCH)
            | bit(self.initial_status, word1::INITIAL_STATUS)
            | bit(self.limit_check, word1::LIMIT_CHECK)
            | bit(self.suppress_suspended, word1::SUPPRESS_SUSPENDED)
            | bit(self.transport, word1::TRANSPORT)
            | bit(self.format2_idaws, word1::FORMAT2_IDAWS)
            | bit(self.idaw_2k, word1::IDAW_2K)
            | ((self.lpm as u32) << 8)
            | bit(self.length_suppression, word1::LENGTH_SUPPRESSION)
            | bit(self.midaw, word1::MIDAW)
            | bit(self.extension, word1::EXTENSION)
    }

    /// The 32 bytes; priorities only with X.
    pub const fn encode(&self) -> RawOrb {
        let mut raw = RawOrb::from_words([self.intparm, self.word1(), self.cpa.get()]);
        if self.extension {
            raw.0[12] = self.css_priority;
            raw.0[14] = self.cu_priority;
        }
        raw
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Guest;

    fn decode(bytes: [u8; ORB_SIZE]) -> Orb<Guest> {
        Orb::decode(&RawOrb(bytes))
    }

    /// Byte and mask, and what sets the field expected of them.
    type Row = (usize, u8, fn(&mut Orb<Guest>));

    /// The table of the architecture, one bit after the other.
    const BITS: [Row; 40] = [
        (0, 0x80, |o| o.intparm = 0x8000_0000),
        (3, 0x01, |o| o.intparm = 1),
        (4, 0x80, |o| o.key = 8),
        (4, 0x40, |o| o.key = 4),
        (4, 0x20, |o| o.key = 2),
        (4, 0x10, |o| o.key = 1),
        (4, 0x08, |o| o.suspend = true),
        (4, 0x04, |o| o.streaming = true),
        (4, 0x02, |o| o.modification = true),
        (4, 0x01, |o| o.synchronize = true),
        (5, 0x80, |o| o.format = Format::One),
        (5, 0x40, |o| o.prefetch = true),
        (5, 0x20, |o| o.initial_status = true),
        (5, 0x10, |o| o.limit_check = true),
        (5, 0x08, |o| o.suppress_suspended = true),
        (5, 0x04, |o| o.transport = true),
        (5, 0x02, |o| o.format2_idaws = true),
        (5, 0x01, |o| o.idaw_2k = true),
        (6, 0x80, |o| o.lpm = 0x80),
        (6, 0x01, |o| o.lpm = 0x01),
        (7, 0x80, |o| o.length_suppression = true),
        (7, 0x40, |o| o.midaw = true),
        (7, 0x20, |_| {}),
        (7, 0x10, |_| {}),
        (7, 0x08, |_| {}),
        (7, 0x04, |_| {}),
        (7, 0x02, |_| {}),
        (7, 0x01, |o| o.extension = true),
        (8, 0x80, |_| {}),
        (8, 0x40, |o| o.cpa = Addr31::truncate(0x4000_0000)),
        (11, 0x01, |o| o.cpa = Addr31::truncate(1)),
        (12, 0x80, |_| {}),
        (12, 0x01, |_| {}),
        (13, 0xff, |_| {}),
        (14, 0x80, |_| {}),
        (14, 0x01, |_| {}),
        (15, 0xff, |_| {}),
        (16, 0x80, |_| {}),
        (24, 0x10, |_| {}),
        (31, 0x01, |_| {}),
    ];

    #[test]
    fn every_bit_alone() {
        for (byte, mask, field) in BITS {
            let mut bytes = [0; ORB_SIZE];
            bytes[byte] = mask;
            let mut expected = decode([0; ORB_SIZE]);
            field(&mut expected);
            assert_eq!(decode(bytes), expected, "{byte}.{mask:02x}");
            if expected == decode([0; ORB_SIZE]) {
                bytes[byte] = 0;
            }
            assert_eq!(expected.encode(), RawOrb(bytes), "{byte}.{mask:02x}");
        }
        let zero = decode([0; ORB_SIZE]);
        assert_eq!((zero.intparm, zero.key, zero.lpm), (0, 0, 0));
        assert_eq!((zero.format, zero.cpa.get()), (Format::Zero, 0));
    }

    #[test]
    fn priorities_need_the_extension() {
        let mut bytes = [0; ORB_SIZE];
        bytes[7] = 0x01;
        bytes[12] = 0xa1;
        bytes[14] = 0xb2;
        let orb = decode(bytes);
        assert_eq!((orb.css_priority, orb.cu_priority), (0xa1, 0xb2));
        assert_eq!(orb.encode(), RawOrb(bytes));
        let plain = Orb {
            extension: false,
            ..orb
        };
        assert_eq!(plain.encode(), RawOrb::default());
    }

    #[test]
    fn reserved_bits() {
        for byte in 0..ORB_SIZE {
            for bit in 0..8 {
                let mut raw = RawOrb::default();
                raw.0[byte] = 0x80 >> bit;
                let mask = raw.0[byte];
                assert_eq!(raw.reserved() != 0, byte == 7 && mask & 0x3e != 0);
                assert_eq!(raw.cpa_bit0(), byte == 8 && mask == 0x80);
                let transport = match byte {
                    4 => mask & 0x0f,
                    5 => mask & 0xfb,
                    7 => mask & 0xfe,
                    _ => 0,
                };
                assert_eq!(raw.transport_reserved() != 0, transport != 0);
                assert_eq!(raw.tcw_offset() != 0, byte == 11 && mask & 0x3f != 0);
            }
        }
    }

    /// ORBs of the worked examples.
    #[test]
    fn by_hand() {
        let raw = RawOrb::from_words([0x00a0_b0c0, 0x00c2_8000, 0x0000_2100]);
        assert_eq!(
            raw.0[..12],
            [0, 0xa0, 0xb0, 0xc0, 0, 0xc2, 0x80, 0, 0, 0, 0x21, 0]
        );
        assert_eq!(raw.0[12..], [0; 20]);
        assert_eq!(
            [raw.word(0), raw.word(2), raw.word(7)],
            [0x00a0_b0c0, 0x2100, 0]
        );
        assert_eq!(raw.word(8), 0);
        let orb = Orb::<Guest>::decode(&raw);
        assert_eq!((orb.intparm, orb.key, orb.lpm), (0x00a0_b0c0, 0, 0x80));
        assert_eq!((orb.format, orb.prefetch), (Format::One, true));
        assert!(orb.format2_idaws && !orb.idaw_2k && !orb.midaw);
        assert_eq!(orb.cpa.get(), 0x2100);

        let tape = Orb::<Guest>::decode(&RawOrb::from_words([0x33, 0x0040_8000, 0x2310]));
        assert_eq!((tape.format, tape.prefetch), (Format::Zero, true));
        assert!(!tape.format2_idaws && !tape.length_suppression);
        let host = Orb::<Guest>::decode(&RawOrb::from_words([0, 0x00c2_8080, 0]));
        assert!(host.length_suppression);
        let midaw = Orb::<Guest>::decode(&RawOrb::from_words([0x44, 0x00c2_8040, 0x2410]));
        assert!(midaw.midaw && !midaw.extension);
        let transport = Orb::<Guest>::decode(&RawOrb::from_words([0x55, 0x0004_8000, 0x4300]));
        assert!(transport.transport);
        let raw = transport.encode();
        assert_eq!((raw.transport_reserved(), raw.tcw_offset()), (0, 0));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; ORB_SIZE]) {
            let orb = decode(bytes);
            let mut kept = bytes;
            kept[7] &= 0xc1;
            kept[8] &= 0x7f;
            kept[13] = 0;
            kept[15..].fill(0);
            if !orb.extension {
                kept[12..].fill(0);
            }
            prop_assert_eq!(orb.encode(), RawOrb(kept));
            prop_assert_eq!(decode(kept), orb);
        }
    }
}
