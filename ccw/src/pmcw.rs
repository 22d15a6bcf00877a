// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The path-management-control word, first part of the SCHIB.
//! "PoP: Path-Management-Control Word".

use crate::bytes::{bit, put};

/// Bytes of a PMCW.
pub const PMCW_SIZE: usize = 28;

/// The 28 bytes of a PMCW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawPmcw(pub [u8; PMCW_SIZE]);

impl RawPmcw {
    /// Bits that MODIFY SUBCHANNEL takes from its operand; all others stay.
    #[rustfmt::skip]
    pub const CHANGEABLE: [u8; PMCW_SIZE] = [
        0xff, 0xff, 0xff, 0xff, // interruption parameter
        0x38, 0xfc, 0x00, 0x00, // ISC; E, LM, MM, D
        0xff, 0x00, 0x00, 0x00, // LPM
        0xff, 0xff, 0xff, 0x00, // measurement-block index, POM
        0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x07, // F, X, S
    ];

    /// Bits that must be zero in the operand of MODIFY SUBCHANNEL.
    #[rustfmt::skip]
    pub const MUST_BE_ZERO: [u8; PMCW_SIZE] = [
        0x00, 0x00, 0x00, 0x00,
        0xc3, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00,
        0xff, 0x1f, 0xff, 0xf8,
    ];

    /// Whether MODIFY SUBCHANNEL accepts this operand: otherwise it ends with an operand
    /// exception. Bits of facilities that a machine lacks (concurrent sense, extended
    /// measurement) are the machine's to refuse.
    pub fn is_modify_operand(&self) -> bool {
        let zero = self
            .0
            .iter()
            .zip(Self::MUST_BE_ZERO)
            .all(|(byte, mask)| byte & mask == 0);
        zero && self.limit_mode() != 3
    }

    /// Byte 5 bit 0 (E): the subchannel is enabled.
    pub const fn is_enabled(&self) -> bool {
        self.0[5] & 0x80 != 0
    }

    /// Byte 5 bit 7 (V): the subchannel has a device.
    pub const fn has_device(&self) -> bool {
        self.0[5] & 0x01 != 0
    }

    /// Byte 5 bits 1-2 (LM), 0-3.
    const fn limit_mode(&self) -> u8 {
        (self.0[5] >> 5) & 0x3
    }
}

/// Address-limit mode (LM): where data may lie when the ORB asks for limit checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum LimitMode {
    /// Anywhere.
    #[default]
    None,
    /// At the limit or above it.
    AtOrAbove,
    /// Below the limit.
    Below,
}

/// Type of a subchannel, 0-7. Unknown types survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct SubchannelType(pub u8);

impl SubchannelType {
    /// I/O subchannel.
    pub const IO: Self = Self(0);
    /// Channel-subsystem-call subchannel.
    pub const CHSC: Self = Self(1);
    /// Message subchannel.
    pub const MESSAGE: Self = Self(2);
    /// Asynchronous-data-mover subchannel.
    pub const ADM: Self = Self(3);
}

/// A path-management-control word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Pmcw {
    /// Bytes 0-3: interruption parameter.
    pub intparm: u32,
    /// Byte 4 bits 2-4: interruption subclass, 0-7.
    pub isc: u8,
    /// Byte 5 bit 0 (E): enabled.
    pub enabled: bool,
    /// Byte 5 bits 1-2 (LM). The code 3, which MODIFY SUBCHANNEL refuses, counts as none.
    pub limit_mode: LimitMode,
    /// Byte 5 bit 3 (MM): measurement-block update.
    pub measurement_block_update: bool,
    /// Byte 5 bit 4 (MM): device-connect-time measurement.
    pub connect_time: bool,
    /// Byte 5 bit 5 (D): multipath mode.
    pub multipath: bool,
    /// Byte 5 bit 6 (T): the timing facility is there.
    pub timing: bool,
    /// Bytes 6-7: device number, if byte 5 bit 7 (V) says that there is a device.
    pub device_number: Option<u16>,
    /// Byte 8: logical-path mask.
    pub lpm: u8,
    /// Byte 9: paths not operational.
    pub pnom: u8,
    /// Byte 10: path last used.
    pub lpum: u8,
    /// Byte 11: paths installed.
    pub pim: u8,
    /// Bytes 12-13: measurement-block index.
    pub measurement_block_index: u16,
    /// Byte 14: paths operational.
    pub pom: u8,
    /// Byte 15: paths available.
    pub pam: u8,
    /// Bytes 16-23: channel-path ids.
    pub chpid: [u8; 8],
    /// Byte 25 bits 0-2: type of the subchannel.
    pub subchannel_type: SubchannelType,
    /// Byte 27 bit 5 (F): the measurement block is format 1.
    pub measurement_block_format1: bool,
    /// Byte 27 bit 6 (X): an IRB has an extended-measurement word.
    pub extended_measurement: bool,
    /// Byte 27 bit 7 (S): concurrent sense.
    pub concurrent_sense: bool,
}

impl Pmcw {
    /// What `raw` says; bits without meaning here (reserved, and those of QDIO) are dropped.
    pub const fn decode(raw: &RawPmcw) -> Self {
        let b = &raw.0;
        Self {
            intparm: u32::from_be_bytes([b[0], b[1], b[2], b[3]]),
            isc: (b[4] >> 3) & 0x7,
            enabled: raw.is_enabled(),
            limit_mode: match raw.limit_mode() {
                1 => LimitMode::AtOrAbove,
                2 => LimitMode::Below,
                _ => LimitMode::None,
            },
            measurement_block_update: b[5] & 0x10 != 0,
            connect_time: b[5] & 0x08 != 0,
            multipath: b[5] & 0x04 != 0,
            timing: b[5] & 0x02 != 0,
            device_number: if raw.has_device() {
                Some(u16::from_be_bytes([b[6], b[7]]))
            } else {
                None
            },
            lpm: b[8],
            pnom: b[9],
            lpum: b[10],
            pim: b[11],
            measurement_block_index: u16::from_be_bytes([b[12], b[13]]),
            pom: b[14],
            pam: b[15],
            chpid: [b[16], b[17], b[18], b[19], b[20], b[21], b[22], b[23]],
            subchannel_type: SubchannelType(b[25] >> 5),
            measurement_block_format1: b[27] & 0x04 != 0,
            extended_measurement: b[27] & 0x02 != 0,
            concurrent_sense: b[27] & 0x01 != 0,
        }
    }

    /// The 28 bytes.
    pub fn encode(&self) -> RawPmcw {
        let limit_mode = match self.limit_mode {
            LimitMode::None => 0x00,
            LimitMode::AtOrAbove => 0x20,
            LimitMode::Below => 0x40,
        };
        let mut bytes = [0; PMCW_SIZE];
        let control = bit(self.enabled, 0x80)
            | limit_mode
            | bit(self.measurement_block_update, 0x10)
            | bit(self.connect_time, 0x08)
            | bit(self.multipath, 0x04)
            | bit(self.timing, 0x02)
            | bit(self.device_number.is_some(), 0x01);
        let characteristics = bit(self.measurement_block_format1, 0x04)
            | bit(self.extended_measurement, 0x02)
            | bit(self.concurrent_sense, 0x01);
        put(&mut bytes, 0, &self.intparm.to_be_bytes());
        put(&mut bytes, 4, &[(self.isc & 0x7) << 3, control]);
        put(
            &mut bytes,
            6,
            &self.device_number.unwrap_or(0).to_be_bytes(),
        );
        put(&mut bytes, 8, &[self.lpm, self.pnom, self.lpum, self.pim]);
        put(&mut bytes, 12, &self.measurement_block_index.to_be_bytes());
        put(&mut bytes, 14, &[self.pom, self.pam]);
        put(&mut bytes, 16, &self.chpid);
        put(&mut bytes, 25, &[(self.subchannel_type.0 & 0x7) << 5]);
        put(&mut bytes, 27, &[characteristics]);
        RawPmcw(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Byte and mask, and what sets the field expected of them.
    type Row = (usize, u8, fn(&mut Pmcw));

    /// The table of the architecture, one bit after the other.
    const BITS: [Row; 40] = [
        (0, 0x80, |p| p.intparm = 0x8000_0000),
        (3, 0x01, |p| p.intparm = 1),
        (4, 0x80, |_| {}),
        (4, 0x40, |_| {}),
        (4, 0x20, |p| p.isc = 4),
        (4, 0x10, |p| p.isc = 2),
        (4, 0x08, |p| p.isc = 1),
        (4, 0x04, |_| {}),
        (4, 0x02, |_| {}),
        (4, 0x01, |_| {}),
        (5, 0x80, |p| p.enabled = true),
        (5, 0x40, |p| p.limit_mode = LimitMode::Below),
        (5, 0x20, |p| p.limit_mode = LimitMode::AtOrAbove),
        (5, 0x10, |p| p.measurement_block_update = true),
        (5, 0x08, |p| p.connect_time = true),
        (5, 0x04, |p| p.multipath = true),
        (5, 0x02, |p| p.timing = true),
        (5, 0x01, |p| p.device_number = Some(0)),
        (6, 0x80, |_| {}),
        (7, 0x01, |_| {}),
        (8, 0x80, |p| p.lpm = 0x80),
        (9, 0x80, |p| p.pnom = 0x80),
        (10, 0x80, |p| p.lpum = 0x80),
        (11, 0x80, |p| p.pim = 0x80),
        (12, 0x80, |p| p.measurement_block_index = 0x8000),
        (13, 0x01, |p| p.measurement_block_index = 1),
        (14, 0x01, |p| p.pom = 1),
        (15, 0x01, |p| p.pam = 1),
        (16, 0x01, |p| p.chpid = [1, 0, 0, 0, 0, 0, 0, 0]),
        (23, 0x80, |p| p.chpid = [0, 0, 0, 0, 0, 0, 0, 0x80]),
        (24, 0xff, |_| {}),
        (25, 0x20, |p| p.subchannel_type = SubchannelType::CHSC),
        (25, 0x40, |p| p.subchannel_type = SubchannelType::MESSAGE),
        (25, 0x60, |p| p.subchannel_type = SubchannelType::ADM),
        (25, 0x1f, |_| {}),
        (26, 0xff, |_| {}),
        (27, 0xf8, |_| {}),
        (27, 0x04, |p| p.measurement_block_format1 = true),
        (27, 0x02, |p| p.extended_measurement = true),
        (27, 0x01, |p| p.concurrent_sense = true),
    ];

    #[test]
    fn every_bit_alone() {
        for (byte, mask, field) in BITS {
            let mut bytes = [0; PMCW_SIZE];
            bytes[byte] = mask;
            let mut expected = Pmcw::default();
            field(&mut expected);
            assert_eq!(Pmcw::decode(&RawPmcw(bytes)), expected, "{byte}.{mask:02x}");
            if expected == Pmcw::default() {
                bytes[byte] = 0;
            }
            assert_eq!(expected.encode(), RawPmcw(bytes), "{byte}.{mask:02x}");
        }
        assert_eq!(Pmcw::default().subchannel_type, SubchannelType::IO);
    }

    #[test]
    fn a_device_number_needs_v() {
        let mut bytes = [0; PMCW_SIZE];
        bytes[5..8].copy_from_slice(&[0x81, 0x0a, 0x90]);
        let pmcw = Pmcw::decode(&RawPmcw(bytes));
        assert_eq!((pmcw.enabled, pmcw.device_number), (true, Some(0x0a90)));
        bytes[5] = 0x80;
        assert_eq!(Pmcw::decode(&RawPmcw(bytes)).device_number, None);
    }

    /// Every bit by itself: bits 0, 1, 6 and 7 of byte 4 and most of the last word are reserved.
    #[test]
    fn reserved_bits_of_the_operand() {
        for byte in 0..PMCW_SIZE {
            for bit in 0..8 {
                let mut bytes = [0; PMCW_SIZE];
                bytes[byte] = 0x80 >> bit;
                let reserved = match byte {
                    4 => [0, 1, 6, 7].contains(&bit),
                    24 | 26 => true,
                    25 => bit >= 3,
                    27 => bit <= 4,
                    _ => false,
                };
                let accepted = RawPmcw(bytes).is_modify_operand();
                assert_eq!(accepted, !reserved, "byte {byte}, bit {bit}");
            }
        }
    }

    /// Bytes and masks that MODIFY SUBCHANNEL refuses, then those that it takes over.
    #[test]
    fn modify_subchannel() {
        let refused = [(5, 0x60), (24, 0xff), (27, 0xf8)];
        let accepted = [
            (0, 0xff),
            (4, 0x38),
            (4, 0x04),
            (5, 0xbf),
            (5, 0xdf),
            (6, 0xff),
            (8, 0xff),
            (9, 0xff),
            (15, 0xff),
            (16, 0xff),
            (25, 0xe0),
            (27, 0x07),
        ];
        for (rows, expected) in [(&refused[..], false), (&accepted[..], true)] {
            for &(byte, mask) in rows {
                let mut bytes = [0; PMCW_SIZE];
                bytes[byte] = mask;
                assert_eq!(
                    RawPmcw(bytes).is_modify_operand(),
                    expected,
                    "{byte}.{mask:02x}"
                );
            }
        }
        let changeable = [
            (0, 0xff),
            (1, 0xff),
            (2, 0xff),
            (3, 0xff),
            (4, 0x38),
            (5, 0xfc),
            (8, 0xff),
            (12, 0xff),
            (13, 0xff),
            (14, 0xff),
            (27, 0x07),
        ];
        let mut expected = [0; PMCW_SIZE];
        for (byte, mask) in changeable {
            expected[byte] = mask;
        }
        assert_eq!(RawPmcw::CHANGEABLE, expected);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; PMCW_SIZE]) {
            let raw = RawPmcw(bytes);
            let pmcw = Pmcw::decode(&raw);
            let mut kept = bytes;
            kept[4] &= 0x38;
            kept[24] = 0;
            kept[25] &= 0xe0;
            kept[26] = 0;
            kept[27] &= 0x07;
            if kept[5] & 0x60 == 0x60 {
                kept[5] &= 0x9f;
            }
            if kept[5] & 0x01 == 0 {
                kept[6..8].fill(0);
            }
            prop_assert_eq!(pmcw.encode(), RawPmcw(kept));
            prop_assert_eq!(Pmcw::decode(&RawPmcw(kept)), pmcw);
        }
    }
}
