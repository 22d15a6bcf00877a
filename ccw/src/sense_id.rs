// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! What a device answers to SENSE ID, and the first byte of what it answers to SENSE.
//! "ESA/390 Common I/O-Device Commands: Sense ID".

use core::fmt;

use bitflags::bitflags;

use crate::bytes::{field, put};
use crate::{Command, DeviceClass};

/// Most bytes of SENSE ID data that a device has.
pub const SENSE_ID_MAX: usize = 256;

bitflags! {
    /// Sense byte 0, the same for all devices but for its last two bits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct SenseByte0: u8 {
        /// The device does not know the command, or not here.
        const COMMAND_REJECT = 0x80;
        /// Somebody must do something at the device.
        const INTERVENTION_REQUIRED = 0x40;
        /// Bad parity on the way to the device.
        const BUS_OUT_CHECK = 0x20;
        /// The device or its control unit is broken.
        const EQUIPMENT_CHECK = 0x10;
        /// Bad data on the medium.
        const DATA_CHECK = 0x08;
        /// The channel was late.
        const OVERRUN = 0x04;
        /// Device dependent.
        const DEVICE_DEPENDENT_6 = 0x02;
        /// Device dependent.
        const DEVICE_DEPENDENT_7 = 0x01;
    }
}

/// SENSE ID data of any length, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawSenseId<'a>(pub &'a [u8]);

impl<'a> RawSenseId<'a> {
    /// Command-information words from byte 8 on; words of another kind are passed over.
    pub fn ciws(self) -> impl Iterator<Item = Ciw> + 'a {
        self.0
            .get(8..)
            .unwrap_or_default()
            .chunks_exact(CIW_SIZE)
            .take(CIW_MAX)
            .filter_map(|word| Ciw::decode(RawCiw(field(word, 0))))
    }

    /// The first command-information word of this kind.
    pub fn ciw(self, kind: CiwType) -> Option<Ciw> {
        self.ciws().find(|ciw| ciw.kind == kind)
    }
}

/// Type number and model of a control unit or a device, `3990/e9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct UnitType {
    /// Type number, read as hexadecimal digits: a 3390 is 0x3390.
    pub number: u16,
    /// Model.
    pub model: u8,
}

impl fmt::Display for UnitType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}/{:02x}", self.number, self.model)
    }
}

/// What the first bytes of SENSE ID data say.
///
/// ```
/// use ccw::{DeviceClass, SenseId};
///
/// let id = SenseId::decode(&[0xff, 0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a]).unwrap();
/// assert_eq!(id.control_unit.to_string(), "3990/e9");
/// assert_eq!(id.device.unwrap().number, 0x3390);
/// assert_eq!(id.device_class(), DeviceClass::Eckd);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SenseId {
    /// Bytes 1-3.
    pub control_unit: UnitType,
    /// Bytes 4-6; none if they are missing or zero.
    pub device: Option<UnitType>,
}

impl SenseId {
    /// What `bytes` say, if there are at least four and the first is FF.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < 4 || bytes.first() != Some(&0xff) {
            return None;
        }
        let unit = |at| {
            let [high, low, model] = field::<3>(bytes, at);
            UnitType {
                number: u16::from_be_bytes([high, low]),
                model,
            }
        };
        let device = unit(4);
        Some(Self {
            control_unit: unit(1),
            device: (bytes.len() >= 7 && device != UnitType::default()).then_some(device),
        })
    }

    /// Bytes 0-7. Command-information words go behind them.
    pub fn encode(&self) -> [u8; 8] {
        let mut bytes = [0xff, 0, 0, 0, 0, 0, 0, 0];
        let mut unit = |at, unit: UnitType| {
            put(&mut bytes, at, &unit.number.to_be_bytes());
            put(&mut bytes, at + 2, &[unit.model]);
        };
        unit(1, self.control_unit);
        unit(4, self.device.unwrap_or_default());
        bytes
    }

    /// What kind of device this is.
    pub fn device_class(&self) -> DeviceClass {
        match self.control_unit.number {
            0x3832 => DeviceClass::Virtio,
            number => DeviceClass::from_number(self.device.map_or(number, |unit| unit.number)),
        }
    }
}

/// Bytes of a command-information word.
pub const CIW_SIZE: usize = 4;

/// Most command-information words that fit SENSE ID data.
const CIW_MAX: usize = (SENSE_ID_MAX - 8) / CIW_SIZE;

/// The four bytes of a command-information word, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawCiw(pub [u8; CIW_SIZE]);

/// What the command of a command-information word is for, 0-15. Unknown types survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CiwType(pub u8);

impl CiwType {
    /// Read configuration data.
    pub const READ_CONFIGURATION_DATA: Self = Self(0);
    /// Set interface identifier.
    pub const SET_INTERFACE_ID: Self = Self(1);
    /// Read node identifier.
    pub const READ_NODE_ID: Self = Self(2);
}

/// A command-information word: how this device does a thing that devices do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ciw {
    /// Byte 0 bits 4-7: what the command is for.
    pub kind: CiwType,
    /// Byte 1: its code.
    pub command: Command,
    /// Bytes 2-3: how many bytes it moves.
    pub count: u16,
}

impl Ciw {
    /// What `raw` says, if its bits 0-1 are 01; bits 2-3 are dropped.
    pub const fn decode(raw: RawCiw) -> Option<Self> {
        let [kind, command, high, low] = raw.0;
        if kind & 0xc0 != 0x40 {
            return None;
        }
        Some(Self {
            kind: CiwType(kind & 0x0f),
            command: Command(command),
            count: u16::from_be_bytes([high, low]),
        })
    }

    /// The four bytes.
    pub const fn encode(self) -> RawCiw {
        let [high, low] = self.count.to_be_bytes();
        RawCiw([0x40 | (self.kind.0 & 0x0f), self.command.0, high, low])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 3990-E9 with a 3390-0A behind it, three command-information words and one that is none.
    const DASD: [u8; 24] = [
        0xff, 0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a, 0x00, 0x40, 0xfa, 0x01, 0x00, 0x41, 0x73, 0x00,
        0x04, 0xc0, 0xff, 0xff, 0xff, 0x42, 0x3e, 0x00, 0x20,
    ];

    #[test]
    fn by_hand() {
        let id = SenseId::decode(&DASD).unwrap();
        assert_eq!(
            (id.control_unit.number, id.control_unit.model),
            (0x3990, 0xe9)
        );
        assert_eq!(
            id.device,
            Some(UnitType {
                number: 0x3390,
                model: 0x0a
            })
        );
        assert_eq!(id.encode(), DASD[..8]);
        let mut ciws = RawSenseId(&DASD).ciws();
        let rcd = ciws.next().unwrap();
        assert_eq!(rcd.kind, CiwType::READ_CONFIGURATION_DATA);
        assert_eq!((rcd.command, rcd.count), (Command(0xfa), 256));
        assert_eq!(rcd.encode().0, DASD[8..12]);
        assert_eq!(ciws.next().unwrap().kind, CiwType::SET_INTERFACE_ID);
        assert_eq!(ciws.next().unwrap().count, 32);
        assert_eq!(ciws.next(), None);
        let node = RawSenseId(&DASD).ciw(CiwType::READ_NODE_ID).unwrap();
        assert_eq!(node.command, Command(0x3e));
    }

    #[test]
    fn devices_without_a_type_of_their_own() {
        for bytes in [
            &DASD[..4],
            &DASD[..6],
            &[0xff, 0x39, 0x90, 0xe9, 0, 0, 0, 0],
        ] {
            assert_eq!(SenseId::decode(bytes).unwrap().device, None);
        }
        assert_eq!(SenseId::decode(&DASD[..3]), None);
        assert_eq!(SenseId::decode(&[0; 12]), None);
    }

    #[test]
    fn classes() {
        let class = |bytes: &[u8]| SenseId::decode(bytes).unwrap().device_class();
        assert_eq!(class(&[0xff, 0x38, 0x32, 0x02]), DeviceClass::Virtio);
        assert_eq!(
            class(&[0xff, 0x38, 0x32, 0x02, 0x33, 0x90, 1]),
            DeviceClass::Virtio
        );
        assert_eq!(
            class(&[0xff, 0x63, 0x10, 0x15, 0x93, 0x36, 0x10]),
            DeviceClass::Fba
        );
        assert_eq!(class(&[0xff, 0x30, 0x88, 0x08]), DeviceClass::Ctc);
    }

    proptest! {
        #[test]
        fn any_bytes_and_length(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let id = SenseId::decode(&bytes);
            prop_assert_eq!(id.is_some(), bytes.len() >= 4 && bytes[0] == 0xff);
            prop_assert!(RawSenseId(&bytes).ciws().count() <= 62);
            if let Some(id) = id {
                prop_assert_eq!(SenseId::decode(&id.encode()), Some(id));
            }
        }

        #[test]
        fn a_ciw_is_kept(kind in 0..16_u8, command: u8, count: u16) {
            let ciw = Ciw { kind: CiwType(kind), command: Command(command), count };
            prop_assert_eq!(Ciw::decode(ciw.encode()), Some(ciw));
        }
    }
}
