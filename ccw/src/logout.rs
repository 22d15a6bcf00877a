// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The subchannel logout, word 0 of a format-0 ESW. "PoP: Subchannel Logout".

use bitflags::bitflags;

use crate::bytes::bit;

bitflags! {
    /// Error flags of the logout: word 0 bits 1-6.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct ErrorFlags: u8 {
        /// Key check.
        const KEY_CHECK = 0x40;
        /// Program check on the measurement block.
        const MEASUREMENT_BLOCK_PROGRAM_CHECK = 0x20;
        /// Data check on the measurement block.
        const MEASUREMENT_BLOCK_DATA_CHECK = 0x10;
        /// Protection check on the measurement block.
        const MEASUREMENT_BLOCK_PROTECTION_CHECK = 0x08;
        /// A CCW could not be fetched without error.
        const CCW_CHECK = 0x04;
        /// An IDAW could not be fetched without error.
        const IDAW_CHECK = 0x02;
    }

    /// Which fields are valid: word 0 bits 17-21, as a mask of byte 2.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct FieldValidity: u8 {
        /// Last-path-used mask of the logout.
        const LAST_PATH_USED = 0x40;
        /// Termination code of the logout.
        const TERMINATION = 0x20;
        /// Sequence code of the logout.
        const SEQUENCE = 0x10;
        /// Device status of the SCSW.
        const DEVICE_STATUS = 0x08;
        /// CCW address of the SCSW.
        const CCW_ADDRESS = 0x04;
    }
}

/// What the channel did with storage when it failed: word 0 bits 22-23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum StorageAccess {
    /// Not known.
    #[default]
    Unknown,
    /// Reading: the device stores.
    Read,
    /// Writing: the device fetches.
    Write,
    /// Reading backward.
    ReadBackward,
}

/// How the operation was ended: word 0 bits 24-25.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Termination {
    /// By a halt signal.
    #[default]
    HaltSignal,
    /// By stop, stack or normal ending.
    Normal,
    /// By a clear signal.
    ClearSignal,
    /// The code that has no meaning.
    Reserved,
}

/// Word 0 of a format-0 ESW: the subchannel logout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Logout {
    /// Bits 1-6: what failed.
    pub errors: ErrorFlags,
    /// Bits 8-15: path last used.
    pub lpum: u8,
    /// Bit 16: ancillary report.
    pub ancillary_report: bool,
    /// Bits 17-21: which of the other fields are valid.
    pub valid: FieldValidity,
    /// Bits 22-23: kind of storage access.
    pub storage_access: StorageAccess,
    /// Bits 24-25: how the operation was ended.
    pub termination: Termination,
    /// Bit 26: device-status check.
    pub device_status_check: bool,
    /// Bit 27: secondary error.
    pub secondary_error: bool,
    /// Bit 28: I/O-error alert.
    pub io_error_alert: bool,
    /// Bits 29-31: sequence code, 0-7.
    pub sequence: u8,
}

impl Logout {
    /// What word 0 says; the reserved bits 0 and 7 are dropped.
    pub const fn decode(word: [u8; 4]) -> Self {
        let [b0, b1, b2, b3] = word;
        Self {
            errors: ErrorFlags::from_bits_truncate(b0),
            lpum: b1,
            ancillary_report: b2 & 0x80 != 0,
            valid: FieldValidity::from_bits_truncate(b2),
            storage_access: match b2 & 0x03 {
                0 => StorageAccess::Unknown,
                1 => StorageAccess::Read,
                2 => StorageAccess::Write,
                _ => StorageAccess::ReadBackward,
            },
            termination: match b3 & 0xc0 {
                0x00 => Termination::HaltSignal,
                0x40 => Termination::Normal,
                0x80 => Termination::ClearSignal,
                _ => Termination::Reserved,
            },
            device_status_check: b3 & 0x20 != 0,
            secondary_error: b3 & 0x10 != 0,
            io_error_alert: b3 & 0x08 != 0,
            sequence: b3 & 0x07,
        }
    }

    /// Word 0.
    pub const fn encode(self) -> [u8; 4] {
        let access = match self.storage_access {
            StorageAccess::Unknown => 0,
            StorageAccess::Read => 1,
            StorageAccess::Write => 2,
            StorageAccess::ReadBackward => 3,
        };
        let termination = match self.termination {
            Termination::HaltSignal => 0x00,
            Termination::Normal => 0x40,
            Termination::ClearSignal => 0x80,
            Termination::Reserved => 0xc0,
        };
        [
            self.errors.bits() & ErrorFlags::all().bits(),
            self.lpum,
            bit(self.ancillary_report, 0x80)
                | (self.valid.bits() & FieldValidity::all().bits())
                | access,
            termination
                | bit(self.device_status_check, 0x20)
                | bit(self.secondary_error, 0x10)
                | bit(self.io_error_alert, 0x08)
                | (self.sequence & 0x07),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets the field that a bit is expected to set.
    type Expect<T> = fn(&mut T);

    #[test]
    fn every_bit_of_the_logout_alone() {
        let rows: [(usize, u8, Expect<Logout>); 27] = [
            (0, 0x40, |l| l.errors = ErrorFlags::KEY_CHECK),
            (0, 0x20, |l| {
                l.errors = ErrorFlags::MEASUREMENT_BLOCK_PROGRAM_CHECK
            }),
            (0, 0x10, |l| {
                l.errors = ErrorFlags::MEASUREMENT_BLOCK_DATA_CHECK
            }),
            (0, 0x08, |l| {
                l.errors = ErrorFlags::MEASUREMENT_BLOCK_PROTECTION_CHECK
            }),
            (0, 0x04, |l| l.errors = ErrorFlags::CCW_CHECK),
            (0, 0x02, |l| l.errors = ErrorFlags::IDAW_CHECK),
            (1, 0x80, |l| l.lpum = 0x80),
            (1, 0x01, |l| l.lpum = 0x01),
            (2, 0x80, |l| l.ancillary_report = true),
            (2, 0x40, |l| l.valid = FieldValidity::LAST_PATH_USED),
            (2, 0x20, |l| l.valid = FieldValidity::TERMINATION),
            (2, 0x10, |l| l.valid = FieldValidity::SEQUENCE),
            (2, 0x08, |l| l.valid = FieldValidity::DEVICE_STATUS),
            (2, 0x04, |l| l.valid = FieldValidity::CCW_ADDRESS),
            (2, 0x01, |l| l.storage_access = StorageAccess::Read),
            (2, 0x02, |l| l.storage_access = StorageAccess::Write),
            (2, 0x03, |l| l.storage_access = StorageAccess::ReadBackward),
            (3, 0x40, |l| l.termination = Termination::Normal),
            (3, 0x80, |l| l.termination = Termination::ClearSignal),
            (3, 0xc0, |l| l.termination = Termination::Reserved),
            (3, 0x20, |l| l.device_status_check = true),
            (3, 0x10, |l| l.secondary_error = true),
            (3, 0x08, |l| l.io_error_alert = true),
            (3, 0x04, |l| l.sequence = 4),
            (3, 0x02, |l| l.sequence = 2),
            (3, 0x01, |l| l.sequence = 1),
            (3, 0x07, |l| l.sequence = 7),
        ];
        for (byte, mask, field) in rows {
            let mut word = [0; 4];
            word[byte] = mask;
            let mut expected = Logout::default();
            field(&mut expected);
            assert_eq!(Logout::decode(word), expected, "{byte}.{mask:02x}");
            assert_eq!(expected.encode(), word);
        }
        assert_eq!(Logout::decode([0x81, 0, 0, 0]), Logout::default());
    }
}
