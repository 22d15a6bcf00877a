// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Control data of the interrogate command. "PoP: Interrogate DCW".

use bitflags::bitflags;

use crate::bytes::{field, put};

/// Bytes of the control data; data of the program's own may follow.
pub const INTERROGATE_SIZE: usize = 32;

bitflags! {
    /// Byte 8 of the control data.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct InterrogateFlags: u8 {
        /// The device is used by several paths.
        const MULTIPATH = 0x80;
        /// The program's own data are about a copied pair of devices.
        const PPRC = 0x40;
        /// The device is critical.
        const CRITICAL = 0x20;
    }
}

/// The first 32 bytes of the control data, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawInterrogate(pub [u8; INTERROGATE_SIZE]);

impl RawInterrogate {
    /// Whether the flags without meaning and bytes 9-15 are zero.
    pub fn reserved_is_zero(&self) -> bool {
        self.0[8] & !InterrogateFlags::all().bits() == 0 && field::<7>(&self.0, 9) == [0; 7]
    }
}

/// Why a program asks what another one of the device is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interrogate {
    /// Byte 0; there is only 0.
    pub format: u8,
    /// Byte 1: 1 if a time has run out.
    pub reason: u8,
    /// Byte 2: which time, 1 the primary, 2 the secondary.
    pub qualifier: u8,
    /// Byte 3: logical-path mask.
    pub lpm: u8,
    /// Byte 4: path-available mask.
    pub pam: u8,
    /// Byte 5: path-installed mask.
    pub pim: u8,
    /// Bytes 6-7: the time that has run out.
    pub timeout: u16,
    /// Byte 8.
    pub flags: InterrogateFlags,
    /// Bytes 16-23: time of day.
    pub time: u64,
    /// Bytes 24-31: who asks.
    pub program: u64,
}

impl Interrogate {
    /// What `raw` says; reserved bits are dropped.
    pub fn decode(raw: &RawInterrogate) -> Self {
        let b = &raw.0;
        Self {
            format: b[0],
            reason: b[1],
            qualifier: b[2],
            lpm: b[3],
            pam: b[4],
            pim: b[5],
            timeout: u16::from_be_bytes(field(b, 6)),
            flags: InterrogateFlags::from_bits_truncate(b[8]),
            time: u64::from_be_bytes(field(b, 16)),
            program: u64::from_be_bytes(field(b, 24)),
        }
    }

    /// The 32 bytes.
    pub fn encode(&self) -> RawInterrogate {
        let mut b = [0; INTERROGATE_SIZE];
        let masks = [self.lpm, self.pam, self.pim];
        put(&mut b, 0, &[self.format, self.reason, self.qualifier]);
        put(&mut b, 3, &masks);
        put(&mut b, 6, &self.timeout.to_be_bytes());
        put(
            &mut b,
            8,
            &[self.flags.bits() & InterrogateFlags::all().bits()],
        );
        put(&mut b, 16, &self.time.to_be_bytes());
        put(&mut b, 24, &self.program.to_be_bytes());
        RawInterrogate(b)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: [u8; INTERROGATE_SIZE]) -> Interrogate {
        Interrogate::decode(&RawInterrogate(bytes))
    }

    #[test]
    fn every_field_alone() {
        type Row = (usize, u8, fn(&mut Interrogate));
        let rows: [Row; 15] = [
            (0, 0x01, |i| i.format = 1),
            (1, 0x01, |i| i.reason = 1),
            (2, 0x02, |i| i.qualifier = 2),
            (3, 0x80, |i| i.lpm = 0x80),
            (4, 0x80, |i| i.pam = 0x80),
            (5, 0x80, |i| i.pim = 0x80),
            (6, 0x80, |i| i.timeout = 0x8000),
            (7, 0x01, |i| i.timeout = 1),
            (8, 0x80, |i| i.flags = InterrogateFlags::MULTIPATH),
            (8, 0x40, |i| i.flags = InterrogateFlags::PPRC),
            (8, 0x20, |i| i.flags = InterrogateFlags::CRITICAL),
            (16, 0x80, |i| i.time = 1 << 63),
            (23, 0x01, |i| i.time = 1),
            (24, 0x80, |i| i.program = 1 << 63),
            (31, 0x01, |i| i.program = 1),
        ];
        for (byte, mask, field) in rows {
            let mut bytes = [0; INTERROGATE_SIZE];
            bytes[byte] = mask;
            let mut expected = decode([0; INTERROGATE_SIZE]);
            field(&mut expected);
            assert_eq!(decode(bytes), expected, "{byte}.{mask:02x}");
            assert_eq!(expected.encode(), RawInterrogate(bytes));
            assert!(RawInterrogate(bytes).reserved_is_zero());
        }
        for (byte, mask) in [(8, 0x10), (8, 0x01), (9, 0x80), (12, 0x01), (15, 0x01)] {
            let mut bytes = [0; INTERROGATE_SIZE];
            bytes[byte] = mask;
            assert!(!RawInterrogate(bytes).reserved_is_zero());
            assert_eq!(decode(bytes), decode([0; INTERROGATE_SIZE]));
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; INTERROGATE_SIZE]) {
            let mut kept = bytes;
            kept[8] &= 0xe0;
            kept[9..16].fill(0);
            prop_assert_eq!(decode(bytes).encode(), RawInterrogate(kept));
            prop_assert_eq!(decode(kept), decode(bytes));
        }
    }
}
