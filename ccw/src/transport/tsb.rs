// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The transport-status block, which the channel stores at the end. "PoP: TSB".

use bitflags::bitflags;

use crate::bytes::{field, put};

/// Bytes of a TSB, which is aligned to doublewords.
pub const TSB_SIZE: usize = 64;
/// Most sense bytes that a TSB holds, behind all its other fields.
pub const TSB_SENSE_SIZE: usize = 32;

/// Bytes before the sense bytes.
const SENSE_OFFSET: u8 = 32;

bitflags! {
    /// Byte 1 of a TSB, but for the format of the status area.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct TsbFlags: u8 {
        /// The DCW offset is valid.
        const DCW_OFFSET_VALID = 0x80;
        /// The residual count is valid.
        const COUNT_VALID = 0x40;
        /// The data were not in the cache.
        const CACHE_MISS = 0x20;
        /// The times of the status area are valid.
        const TIMES_VALID = 0x10;
    }

    /// Byte 13 of an interrogate status area: which states mean something.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct StateFlags: u8 {
        /// That of the control unit.
        const CONTROL_UNIT = 0x80;
        /// That of the device.
        const DEVICE = 0x40;
        /// That of the operation.
        const OPERATION = 0x20;
    }
}

/// The 64 bytes of a TSB, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct RawTsb(pub [u8; TSB_SIZE]);

impl RawTsb {
    /// Bytes 32-63: the sense bytes of formats 1 and 2.
    pub fn sense_area(&self) -> [u8; TSB_SENSE_SIZE] {
        field(&self.0, SENSE_OFFSET.into())
    }
}

impl Default for RawTsb {
    fn default() -> Self {
        Self([0; TSB_SIZE])
    }
}

/// How long things took, in the machine's unit of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct IoTimes {
    /// The whole operation at the device.
    pub device: u32,
    /// Deferred.
    pub defer: u32,
    /// In the queue of the control unit.
    pub queue: u32,
    /// The device was busy.
    pub device_busy: u32,
    /// The device alone was active.
    pub device_active_only: u32,
}

/// What an interrogated operation is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnitStates {
    /// Byte 12; there is only 0.
    pub format: u8,
    /// Byte 13: which of the states mean something.
    pub valid: StateFlags,
    /// Byte 14: state of the control unit.
    pub control_unit: u8,
    /// Byte 15: state of the device.
    pub device: u8,
    /// Byte 16: state of the operation.
    pub operation: u8,
    /// Bytes 20-31: more about the state.
    pub info: [u8; 12],
    /// Bytes 32-35: level of the device.
    pub device_level: u32,
    /// Bytes 36-63: device dependent.
    pub data: [u8; 28],
}

/// The status area of a TSB, bytes 12-63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tsa {
    /// Format 0: there is none.
    None,
    /// Format 1: how the I/O operation went.
    IoStatus {
        /// The words of times; meaningful if the flags say so.
        times: IoTimes,
        /// Bytes 32-63.
        sense: [u8; TSB_SENSE_SIZE],
    },
    /// Format 2: a program check that the device detected.
    ProgramCheck {
        /// Byte 15: reason code.
        reason: u8,
        /// Bytes 16-31: about the reason.
        qualifier: [u8; 16],
        /// Bytes 32-63.
        sense: [u8; TSB_SENSE_SIZE],
    },
    /// Format 3: answer to the interrogate function.
    Interrogate(UnitStates),
    /// Formats 4-7, which have no meaning.
    Other(u8),
}

impl Tsa {
    /// The format, 0-7.
    pub const fn format(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::IoStatus { .. } => 1,
            Self::ProgramCheck { .. } => 2,
            Self::Interrogate(_) => 3,
            Self::Other(format) => *format & 0x07,
        }
    }
}

/// A TSB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tsb {
    /// Byte 0: bytes of the block that mean something.
    pub length: u8,
    /// Byte 1 bits 1-4.
    pub flags: TsbFlags,
    /// Bytes 2-3: offset of the last DCW in the transport-command area; meaningful if the flags say
    /// so.
    pub dcw_offset: u16,
    /// Bytes 4-7: data bytes of the program that did not move; meaningful if the flags say so.
    pub residual: u32,
    /// Status area.
    pub area: Tsa,
}

impl Tsb {
    /// What `raw` says; reserved bytes are dropped.
    pub fn decode(raw: &RawTsb) -> Self {
        let b = &raw.0;
        let word = |at| u32::from_be_bytes(field(b, at));
        let area = match b[1] & 0x07 {
            0 => Tsa::None,
            1 => Tsa::IoStatus {
                times: IoTimes {
                    device: word(12),
                    defer: word(16),
                    queue: word(20),
                    device_busy: word(24),
                    device_active_only: word(28),
                },
                sense: raw.sense_area(),
            },
            2 => Tsa::ProgramCheck {
                reason: b[15],
                qualifier: field(b, 16),
                sense: raw.sense_area(),
            },
            3 => Tsa::Interrogate(UnitStates {
                format: b[12],
                valid: StateFlags::from_bits_truncate(b[13]),
                control_unit: b[14],
                device: b[15],
                operation: b[16],
                info: field(b, 20),
                device_level: word(32),
                data: field(b, 36),
            }),
            format => Tsa::Other(format),
        };
        Self {
            length: b[0],
            flags: TsbFlags::from_bits_truncate(b[1]),
            dcw_offset: u16::from_be_bytes(field(b, 2)),
            residual: word(4),
            area,
        }
    }

    /// The 64 bytes.
    pub fn encode(&self) -> RawTsb {
        let mut b = [0; TSB_SIZE];
        let flags = self.flags.bits() & TsbFlags::all().bits();
        put(&mut b, 0, &[self.length, flags | self.area.format()]);
        put(&mut b, 2, &self.dcw_offset.to_be_bytes());
        put(&mut b, 4, &self.residual.to_be_bytes());
        match &self.area {
            Tsa::None | Tsa::Other(_) => {}
            Tsa::IoStatus { times, sense } => {
                let words = [
                    times.device,
                    times.defer,
                    times.queue,
                    times.device_busy,
                    times.device_active_only,
                ];
                for (at, word) in (12..).step_by(4).zip(words) {
                    put(&mut b, at, &word.to_be_bytes());
                }
                put(&mut b, SENSE_OFFSET.into(), sense);
            }
            Tsa::ProgramCheck {
                reason,
                qualifier,
                sense,
            } => {
                put(&mut b, 15, &[*reason]);
                put(&mut b, 16, qualifier);
                put(&mut b, SENSE_OFFSET.into(), sense);
            }
            Tsa::Interrogate(states) => {
                let valid = states.valid.bits() & StateFlags::all().bits();
                put(&mut b, 12, &[states.format, valid]);
                put(
                    &mut b,
                    14,
                    &[states.control_unit, states.device, states.operation],
                );
                put(&mut b, 20, &states.info);
                put(&mut b, 32, &states.device_level.to_be_bytes());
                put(&mut b, 36, &states.data);
            }
        }
        RawTsb(b)
    }

    /// The DCW offset, if it is valid.
    pub fn valid_dcw_offset(&self) -> Option<u16> {
        let valid = self.flags.contains(TsbFlags::DCW_OFFSET_VALID);
        valid.then_some(self.dcw_offset)
    }

    /// The residual count, if it is valid.
    pub fn valid_residual(&self) -> Option<u32> {
        let valid = self.flags.contains(TsbFlags::COUNT_VALID);
        valid.then_some(self.residual)
    }

    /// The sense bytes that the length says are there, at most 32.
    pub fn sense(&self) -> &[u8] {
        match &self.area {
            Tsa::IoStatus { sense, .. } | Tsa::ProgramCheck { sense, .. } => {
                let count = self.length.saturating_sub(SENSE_OFFSET);
                sense.get(..count.into()).unwrap_or(sense)
            }
            Tsa::None | Tsa::Interrogate(_) | Tsa::Other(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: [u8; TSB_SIZE]) -> Tsb {
        Tsb::decode(&RawTsb(bytes))
    }

    /// Offsets that show in every format, 0-63 in the bytes themselves.
    fn numbered(flags: u8) -> [u8; TSB_SIZE] {
        let mut bytes = core::array::from_fn(|at| u8::try_from(at).unwrap());
        bytes[1] = flags;
        bytes
    }

    #[test]
    fn offsets() {
        let sense = core::array::from_fn(|at| u8::try_from(32 + at).unwrap());
        let head = decode(numbered(0xf0));
        assert_eq!((head.length, head.flags), (0, TsbFlags::all()));
        assert_eq!(head.dcw_offset, 0x0203);
        assert_eq!((head.residual, head.area), (0x0405_0607, Tsa::None));
        let times = IoTimes {
            device: 0x0c0d_0e0f,
            defer: 0x1011_1213,
            queue: 0x1415_1617,
            device_busy: 0x1819_1a1b,
            device_active_only: 0x1c1d_1e1f,
        };
        assert_eq!(decode(numbered(1)).area, Tsa::IoStatus { times, sense });
        let check = Tsa::ProgramCheck {
            reason: 15,
            qualifier: core::array::from_fn(|at| u8::try_from(16 + at).unwrap()),
            sense,
        };
        assert_eq!(decode(numbered(2)).area, check);
        let states = UnitStates {
            format: 12,
            // Byte 13 is 0D here: none of the flags.
            valid: StateFlags::empty(),
            control_unit: 14,
            device: 15,
            operation: 16,
            info: core::array::from_fn(|at| u8::try_from(20 + at).unwrap()),
            device_level: 0x2021_2223,
            data: core::array::from_fn(|at| u8::try_from(36 + at).unwrap()),
        };
        assert_eq!(decode(numbered(3)).area, Tsa::Interrogate(states));
        assert_eq!(decode(numbered(6)).area, Tsa::Other(6));
    }

    #[test]
    fn flags() {
        for (mask, flag) in [
            (0x80, TsbFlags::DCW_OFFSET_VALID),
            (0x40, TsbFlags::COUNT_VALID),
            (0x20, TsbFlags::CACHE_MISS),
            (0x10, TsbFlags::TIMES_VALID),
        ] {
            assert_eq!(decode(numbered(mask)).flags, flag);
        }
        let mut bytes = numbered(3);
        for (mask, flag) in [
            (0x80, StateFlags::CONTROL_UNIT),
            (0x40, StateFlags::DEVICE),
            (0x20, StateFlags::OPERATION),
        ] {
            bytes[13] = mask;
            let Tsa::Interrogate(states) = decode(bytes).area else {
                panic!("format 3");
            };
            assert_eq!(states.valid, flag);
        }
    }

    #[test]
    fn what_is_valid() {
        let valid = |flags| {
            let tsb = decode(numbered(flags));
            (tsb.valid_dcw_offset(), tsb.valid_residual())
        };
        assert_eq!(valid(0x00), (None, None));
        assert_eq!(valid(0x80), (Some(0x0203), None));
        assert_eq!(valid(0x40), (None, Some(0x0405_0607)));
        let sense = |length, flags| {
            let mut bytes = numbered(flags);
            bytes[0] = length;
            decode(bytes).sense().len()
        };
        assert_eq!((sense(31, 1), sense(32, 1)), (0, 0));
        assert_eq!((sense(33, 1), sense(56, 2)), (1, 24));
        assert_eq!((sense(64, 1), sense(255, 2)), (32, 32));
        assert_eq!((sense(64, 0), sense(64, 3)), (0, 0));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [[u8; 16]; 4]) {
            let bytes: [u8; TSB_SIZE] = bytes.concat().try_into().unwrap();
            let mut kept = bytes;
            kept[1] &= 0xf7;
            kept[8..12].fill(0);
            match bytes[1] & 7 {
                1 => {}
                2 => kept[12..15].fill(0),
                3 => {
                    kept[13] &= 0xe0;
                    kept[17..20].fill(0);
                }
                _ => kept[12..].fill(0),
            }
            let tsb = decode(bytes);
            prop_assert_eq!(tsb.encode(), RawTsb(kept));
            prop_assert_eq!(decode(kept), tsb);
            prop_assert!(tsb.sense().len() <= TSB_SENSE_SIZE);
        }
    }
}
