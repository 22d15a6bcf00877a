// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Command codes. "PoP: Command Code".

use core::fmt;

use crate::Format;

/// Command code of a CCW. All 256 values exist; unknown ones survive to be printed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Command(pub u8);

/// What the channel makes of a command code that is not looked at as a TIC's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// xxxx0000: no command.
    Invalid,
    /// xxxxxx01: storage to device.
    Write,
    /// xxxxxx10: device to storage.
    Read,
    /// xxxxxx11: storage to device, or no data.
    Control,
    /// xxxx0100: device to storage.
    Sense,
    /// xxxx1100: device to storage, at descending addresses.
    ReadBackward,
    /// xxxx1000: transfer in channel.
    Tic,
}

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Output: the device reads storage.
    ToDevice,
    /// Input: the device stores.
    FromDevice,
}

impl Class {
    /// Which way the data of a command of this class goes; none for TIC and invalid codes.
    pub const fn direction(self) -> Option<Direction> {
        match self {
            Self::Write | Self::Control => Some(Direction::ToDevice),
            Self::Read | Self::Sense | Self::ReadBackward => Some(Direction::FromDevice),
            Self::Invalid | Self::Tic => None,
        }
    }
}

impl Command {
    /// Write, in its basic form.
    pub const WRITE: Self = Self(0x01);
    /// Read, in its basic form; also read IPL.
    pub const READ: Self = Self(0x02);
    /// No-operation: the only control command that never moves data.
    pub const NOP: Self = Self(0x03);
    /// Basic sense.
    pub const SENSE: Self = Self(0x04);
    /// Transfer in channel.
    pub const TIC: Self = Self(0x08);
    /// Read backward.
    pub const READ_BACKWARD: Self = Self(0x0c);
    /// Read device characteristics.
    pub const READ_DEVICE_CHARACTERISTICS: Self = Self(0x64);
    /// Sense ID.
    pub const SENSE_ID: Self = Self(0xe4);
    /// Interrogate, in a DCW.
    pub const INTERROGATE: Self = Self(0x40);
    /// Transfer TCA extension, in a DCW: further commands lie in the output data.
    pub const TRANSFER_TCA_EXTENSION: Self = Self(0x50);

    /// The class that the low bits decide.
    pub const fn class(self) -> Class {
        match self.0 & 0x0f {
            0x0 => Class::Invalid,
            0x4 => Class::Sense,
            0x8 => Class::Tic,
            0xc => Class::ReadBackward,
            low => match low & 0x3 {
                1 => Class::Write,
                2 => Class::Read,
                _ => Class::Control,
            },
        }
    }

    /// Whether the channel takes this code for a TIC: any xxxx1000 in format 0, only 08 in
    /// format 1.
    pub const fn is_tic(self, format: Format) -> bool {
        match format {
            Format::Zero => self.0 & 0x0f == 0x08,
            Format::One => self.0 == 0x08,
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({:02x})", self.0)
    }
}

impl fmt::LowerHex for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the patterns of the architecture's table, bit by bit.
    #[test]
    fn every_code_has_the_class_of_its_low_bits() {
        for code in 0..=255_u8 {
            let expected = match (code >> 3 & 1, code >> 2 & 1, code >> 1 & 1, code & 1) {
                (_, _, 0, 1) => Class::Write,
                (_, _, 1, 0) => Class::Read,
                (_, _, 1, 1) => Class::Control,
                (0, 1, 0, 0) => Class::Sense,
                (1, 1, 0, 0) => Class::ReadBackward,
                (1, 0, 0, 0) => Class::Tic,
                _ => Class::Invalid,
            };
            assert_eq!(Command(code).class(), expected, "{code:02x}");
            assert_eq!(Command(code).is_tic(Format::Zero), expected == Class::Tic);
            assert_eq!(Command(code).is_tic(Format::One), code == 0x08);
        }
    }

    #[test]
    fn constants() {
        let rows = [
            (Command::WRITE, 0x01, Class::Write),
            (Command::READ, 0x02, Class::Read),
            (Command::NOP, 0x03, Class::Control),
            (Command::SENSE, 0x04, Class::Sense),
            (Command::TIC, 0x08, Class::Tic),
            (Command::READ_BACKWARD, 0x0c, Class::ReadBackward),
            (Command::READ_DEVICE_CHARACTERISTICS, 0x64, Class::Sense),
            (Command::SENSE_ID, 0xe4, Class::Sense),
        ];
        for (command, code, class) in rows {
            assert_eq!((command.0, command.class()), (code, class));
        }
    }

    #[test]
    fn who_stores() {
        let rows = [
            (Class::Invalid, None),
            (Class::Write, Some(Direction::ToDevice)),
            (Class::Read, Some(Direction::FromDevice)),
            (Class::Control, Some(Direction::ToDevice)),
            (Class::Sense, Some(Direction::FromDevice)),
            (Class::ReadBackward, Some(Direction::FromDevice)),
            (Class::Tic, None),
        ];
        for (class, direction) in rows {
            assert_eq!(class.direction(), direction, "{class:?}");
        }
    }
}
