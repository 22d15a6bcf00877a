// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What went wrong, as sense bytes; and what the disk says of itself.

use std::io;

use super::track::Address;
use crate::bytes::put;
use crate::device::{Sense, sense};

/// Why a command ends with unit check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    byte0: u8,
    byte1: u8,
    /// Format and message.
    byte7: u8,
}

/// What is wrong with a command that is rejected: the message of format 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The command is not known.
    InvalidCommand = 1,
    /// The command may not stand there.
    InvalidSequence = 2,
    /// The CCW has fewer bytes than the parameters.
    CountTooSmall = 3,
    /// The parameters are wrong.
    InvalidParameter = 4,
}

impl Fault {
    /// The record was not found on the track.
    pub(super) const NO_RECORD: Self = Self::byte1(0x08);
    /// The track, or what would be done there, is not allowed.
    pub(super) const FILE_PROTECTED: Self = Self::byte1(0x04);
    /// There is no head behind the last one of the cylinder.
    pub(super) const END_OF_CYLINDER: Self = Self::byte1(0x20);
    /// What is written does not fit on the track.
    pub(super) const TRACK_FORMAT: Self = Self::byte1(0x40);

    const fn byte1(byte1: u8) -> Self {
        Self {
            byte0: 0,
            byte1,
            byte7: 0,
        }
    }

    pub(super) const fn rejected(message: Message) -> Self {
        Self {
            byte0: sense::COMMAND_REJECT,
            byte1: 0,
            byte7: message as u8,
        }
    }

    /// The 32 bytes. Where the arm is comes twice: in six bits for the head and twelve for the
    /// cylinder, and in halfwords.
    pub(super) fn sense(self, (cylinder, head): Address) -> Sense {
        let [high, low] = cylinder.to_be_bytes();
        let mut bytes = [0; 32];
        (bytes[0], bytes[1], bytes[7]) = (self.byte0, self.byte1, self.byte7);
        (bytes[5], bytes[6]) = (low, (high << 4) | head.to_be_bytes()[1]);
        bytes[27] = 0x80;
        (bytes[29], bytes[30], bytes[31]) = (high, low, head.to_be_bytes()[1]);
        Sense::from(bytes)
    }
}

/// The image cannot be read or written.
impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self {
            byte0: sense::EQUIPMENT_CHECK,
            byte1: 0,
            byte7: 0,
        }
    }
}

/// SENSE ID: a 3390 model A on a 3990 model E9, and the commands for its configuration, for a path
/// and for the subsystem.
pub(super) const SENSE_ID: [u8; 24] = [
    0xff, 0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a, 0x00, 0x40, 0xfa, 0x01, 0x00, 0x41, 0x27, 0x00, 0x04,
    0x42, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00,
];

/// Bytes of an element of the configuration data.
const ELEMENT_BYTES: usize = 32;

/// READ CONFIGURATION DATA: elements for the device and for its control unit, each with type, model and
/// serial number in EBCDIC, and as the last of eight what holds for both. Unused ones are zeros.
pub(super) fn configuration() -> [[u8; ELEMENT_BYTES]; 8] {
    let node = |descriptor: u8, kind: &[u8; 9]| {
        // An element of a node, with a serial number that is valid; a disk.
        let mut element = [0; ELEMENT_BYTES];
        put(&mut element, 0, &[0xd0, descriptor, 0x01, 0x00]);
        put(&mut element, 4, kind);
        // Maker and place: three and two letters Z; serial number: 000000000001.
        put(&mut element, 13, &[0xe9; 5]);
        put(&mut element, 18, &[0xf0; 11]);
        element[29] = 0xf1;
        element
    };
    // 003390 and 003990, models 00A and 0E9.
    let device = node(1, b"\xf0\xf0\xf3\xf3\xf9\xf0\xf0\xf0\xc1");
    let control_unit = node(2, b"\xf0\xf0\xf3\xf9\xf9\xf0\xf0\xc5\xf9");
    // What holds for all: 30 seconds for an interruption that is missing.
    let mut general = [0; ELEMENT_BYTES];
    (general[0], general[6]) = (0x80, 30);
    let unused = [0; ELEMENT_BYTES];
    [
        device,
        control_unit,
        unused,
        unused,
        unused,
        unused,
        unused,
        general,
    ]
}

/// READ DEVICE CHARACTERISTICS.
pub(super) fn characteristics(cylinders: u16) -> [u8; 64] {
    let mut bytes = [0; 64];
    let parts: [(usize, &[u8]); 7] = [
        // Control unit and device.
        (0, &[0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a]),
        // What they can do: DEFINE EXTENT, LOCATE RECORD, PREFIX.
        (6, &[0xd0, 0x00, 0x10, 0x02]),
        // A disk of type 26.
        (10, &[0x20, 0x26]),
        (12, &cylinders.to_be_bytes()),
        // 15 heads, 224 sectors, 58786 bytes a track, 1428 of them before record 1.
        (14, &[0x00, 0x0f, 0xe0, 0x00, 0xe5, 0xa2, 0x05, 0x94]),
        // How much of a track a record takes: formula 2 and its factors.
        (22, &[0x02, 0x22, 0x13, 0x09, 0x06, 0x74]),
        // Type of the control unit's and the device's records of errors.
        (42, &[0x26, 0x26]),
    ];
    for (at, part) in parts {
        put(&mut bytes, at, part);
    }
    bytes
}
