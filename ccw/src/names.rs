// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Names of commands, by kind of device.

use crate::{Class, Command, DeviceClass};

impl DeviceClass {
    /// What `command` is called on such a device; the name of its class where it has none of its
    /// own. Never longer than 28 characters.
    ///
    /// ```
    /// use ccw::{Command, DeviceClass};
    /// assert_eq!(DeviceClass::Eckd.command_name(Command(0x63)), "DEFINE EXTENT");
    /// assert_eq!(DeviceClass::UnitRecord.command_name(Command(0x63)), "LOAD FCB");
    /// assert_eq!(DeviceClass::Unknown.command_name(Command(0x63)), "CONTROL");
    /// ```
    pub const fn command_name(self, command: Command) -> &'static str {
        let own = match self {
            Self::Unknown => None,
            Self::Eckd => eckd(command),
            Self::Fba => fba(command),
            Self::Tape => tape(command),
            Self::Terminal => terminal(command),
            Self::UnitRecord => unit_record(command),
            Self::Ctc => ctc(command),
            Self::Virtio => virtio(command),
        };
        match own {
            Some(name) => name,
            None => generic(command),
        }
    }

    /// What `command` is called in a DCW, where codes exist that a CCW cannot have.
    pub const fn dcw_name(self, command: Command) -> &'static str {
        match command {
            Command::INTERROGATE => "INTERROGATE",
            Command::TRANSFER_TCA_EXTENSION => "TRANSFER TCA EXTENSION",
            _ => self.command_name(command),
        }
    }
}

const fn generic(command: Command) -> &'static str {
    match command {
        Command::NOP => "NO-OPERATION",
        Command::SENSE_ID => "SENSE ID",
        _ => match command.class() {
            Class::Invalid => "INVALID",
            Class::Write => "WRITE",
            Class::Read => "READ",
            Class::Control => "CONTROL",
            Class::Sense => "SENSE",
            Class::ReadBackward => "READ BACKWARD",
            Class::Tic => "TIC",
        },
    }
}

/// The commands that disks and tapes share for paths, reservation and description.
const fn storage(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x24 => "READ BUFFERED LOG",
        0x34 => "SENSE PATH GROUP ID",
        0x3e => "READ SUBSYSTEM DATA",
        0x4e => "READ MESSAGE ID",
        0x5b => "SUSPEND MULTIPATH RECONNECT",
        0x64 => "READ DEVICE CHARACTERISTICS",
        0xa4 => "READ AND RESET BUFFERED LOG",
        0xaf => "SET PATH GROUP ID",
        0xfa => "READ CONFIGURATION DATA",
        _ => return None,
    })
}

const fn eckd(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x01 => "WRITE SPECIAL CKD",
        0x02 => "READ IPL",
        0x05 => "WRITE DATA",
        0x06 => "READ DATA",
        0x07 => "SEEK",
        0x09 => "WRITE SPECIAL HOME ADDRESS",
        0x0a => "READ SPECIAL HOME ADDRESS",
        0x0b => "SEEK CYLINDER",
        0x0d => "WRITE KEY AND DATA",
        0x0e => "READ KEY AND DATA",
        0x0f => "SPACE COUNT",
        0x11 => "ERASE",
        0x12 => "READ COUNT",
        0x13 => "RECALIBRATE",
        0x14 => "UNCONDITIONAL RESERVE",
        0x15 => "WRITE RECORD ZERO",
        0x16 => "READ RECORD ZERO",
        0x17 => "RESTORE",
        0x19 => "WRITE HOME ADDRESS",
        0x1a => "READ HOME ADDRESS",
        0x1b => "SEEK HEAD",
        0x1d => "WRITE CKD",
        0x1e => "READ CKD",
        0x1f => "SET FILE MASK",
        0x22 => "READ SECTOR",
        0x23 => "SET SECTOR",
        0x27 => "PERFORM SUBSYSTEM FUNCTION",
        0x29 => "SEARCH KEY EQUAL",
        0x2d => "SEARCH KEY DATA EQUAL",
        0x31 => "SEARCH ID EQUAL",
        0x39 => "SEARCH HOME ADDRESS EQUAL",
        0x47 => "LOCATE RECORD",
        0x49 => "SEARCH KEY HIGH",
        0x4b => "LOCATE RECORD EXTENDED",
        0x4d => "SEARCH KEY DATA HIGH",
        0x51 => "SEARCH ID HIGH",
        0x54 => "SENSE SUBSYSTEM STATUS",
        0x5e => "READ MULTIPLE CKD",
        0x63 => "DEFINE EXTENT",
        0x69 => "SEARCH KEY EQUAL OR HIGH",
        0x6d => "SEARCH KEY DATA EQ OR HIGH",
        0x71 => "SEARCH ID EQUAL OR HIGH",
        0x73 => "SET INTERFACE ID",
        0x85 => "WRITE UPDATE DATA",
        0x86 => "READ DATA MT",
        0x87 => "SET SUBSYSTEM MODE",
        0x8d => "WRITE UPDATE KEY AND DATA",
        0x8e => "READ KEY AND DATA MT",
        0x92 => "READ COUNT MT",
        0x94 => "DEVICE RELEASE",
        0x95 => "WRITE FULL TRACK",
        0x96 => "READ RECORD ZERO MT",
        0x9a => "READ HOME ADDRESS MT",
        0x9d => "WRITE CKD NEXT TRACK",
        0x9e => "READ CKD MT",
        0xa5 => "WRITE TRACK DATA",
        0xa6 => "READ TRACK DATA",
        0xa9 => "SEARCH KEY EQUAL MT",
        0xb1 => "SEARCH ID EQUAL MT",
        0xb4 => "DEVICE RESERVE",
        0xb9 => "SEARCH HOME ADDRESS EQUAL MT",
        0xc9 => "SEARCH KEY HIGH MT",
        0xd1 => "SEARCH ID HIGH MT",
        0xde => "READ TRACK",
        0xe7 => "PREFIX",
        0xe9 => "SEARCH KEY EQUAL OR HIGH MT",
        0xea => "PREFIX READ",
        0xf1 => "SEARCH ID EQUAL OR HIGH MT",
        0xf3 => "DIAGNOSTIC CONTROL",
        0xf7 => "DEFINE SUBSYSTEM OPERATION",
        0xf9 => "RESET SUMMARY UNIT CHECK",
        _ => return storage(command),
    })
}

const fn fba(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x02 => "READ IPL",
        0x14 => "UNCONDITIONAL RESERVE",
        0x41 => "WRITE",
        0x42 => "READ",
        0x43 => "LOCATE",
        0x63 => "DEFINE EXTENT",
        0x94 => "DEVICE RELEASE",
        0xb4 => "DEVICE RESERVE",
        _ => return storage(command),
    })
}

const fn tape(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x06 => "READ FORWARD",
        0x07 => "REWIND",
        0x0a => "READ PREVIOUS",
        0x0f => "REWIND UNLOAD",
        0x12 => "READ BUFFER",
        0x17 => "ERASE GAP",
        0x1f => "WRITE TAPE MARK",
        0x22 => "READ BLOCK ID",
        0x27 => "BACKSPACE BLOCK",
        0x2f => "BACKSPACE FILE",
        0x37 => "FORWARD SPACE BLOCK",
        0x3f => "FORWARD SPACE FILE",
        0x43 => "SYNCHRONIZE",
        0x4f => "LOCATE BLOCK",
        0x62 => "READ MEDIUM CHARACTERISTICS",
        0x73 => "SET INTERFACE ID",
        0x77 => "PERFORM SUBSYSTEM FUNCTION",
        0x97 => "DATA SECURITY ERASE",
        0x9f => "LOAD DISPLAY",
        0xb7 => "ASSIGN",
        0xc2 => "MEDIUM SENSE",
        0xc3 => "SET TAPE-WRITE-IMMEDIATE",
        0xc7 => "UNASSIGN",
        0xcf => "MODE SENSE",
        0xd3 | 0xdb => "MODE SET",
        0xe3 => "CONTROL ACCESS",
        _ => return storage(command),
    })
}

/// 3270, and the 3215 where it differs: 09, 0A, and 0B, which is its alarm.
const fn terminal(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x02 => "READ BUFFER",
        0x05 => "ERASE/WRITE",
        0x06 => "READ MODIFIED",
        0x09 => "WRITE, CARRIER RETURN",
        0x0a => "READ INQUIRY",
        0x0b => "SELECT OR ALARM",
        0x0d => "ERASE/WRITE ALTERNATE",
        0x0e => "READ MODIFIED ALL",
        0x0f => "ERASE ALL UNPROTECTED",
        0x11 => "WRITE STRUCTURED FIELD",
        0x1b => "SELECT RB",
        0x2b => "SELECT RMP",
        0x3b => "SELECT RBP",
        0x4b => "SELECT WRITE",
        _ => return None,
    })
}

/// Printers, readers and punches. Where they differ the printer has the word, since its codes are
/// the many.
const fn unit_record(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x05 => "DIAGNOSTIC WRITE",
        0x06 => "DIAGNOSTIC CHECK READ",
        0x07 => "DIAGNOSTIC GATE",
        0x09 => "WRITE, SPACE 1",
        0x0a => "READ UCS BUFFER",
        0x0b => "SPACE 1",
        0x11 => "WRITE, SPACE 2",
        0x12 => "READ FCB",
        0x13 => "SPACE 2",
        0x19 => "WRITE, SPACE 3",
        0x1b => "SPACE 3",
        0x23 => "FEED, SELECT STACKER",
        0x41 => "PUNCH, STACKER 2",
        0x42 => "READ, STACKER 2",
        0x63 => "LOAD FCB",
        0x6b => "RAISE COVER",
        0x73 => "BLOCK DATA CHECK",
        0x7b => "ALLOW DATA CHECK",
        0x81 => "PUNCH, STACKER 3",
        0x82 => "READ, STACKER 3",
        0x89 => "WRITE, SKIP TO CHANNEL 1",
        0x8b => "SKIP TO CHANNEL 1",
        0x91 => "WRITE, SKIP TO CHANNEL 2",
        0x93 => "SKIP TO CHANNEL 2",
        0x99 => "WRITE, SKIP TO CHANNEL 3",
        0x9b => "SKIP TO CHANNEL 3",
        0xa1 => "WRITE, SKIP TO CHANNEL 4",
        0xa3 => "SKIP TO CHANNEL 4",
        0xa9 => "WRITE, SKIP TO CHANNEL 5",
        0xab => "SKIP TO CHANNEL 5",
        0xb1 => "WRITE, SKIP TO CHANNEL 6",
        0xb3 => "SKIP TO CHANNEL 6",
        0xb9 => "WRITE, SKIP TO CHANNEL 7",
        0xbb => "SKIP TO CHANNEL 7",
        0xc1 => "WRITE, SKIP TO CHANNEL 8",
        0xc3 => "SKIP TO CHANNEL 8",
        0xc9 => "WRITE, SKIP TO CHANNEL 9",
        0xcb => "SKIP TO CHANNEL 9",
        0xd1 => "WRITE, SKIP TO CHANNEL 10",
        0xd3 => "SKIP TO CHANNEL 10",
        0xd9 => "WRITE, SKIP TO CHANNEL 11",
        0xdb => "SKIP TO CHANNEL 11",
        0xe1 => "WRITE, SKIP TO CHANNEL 12",
        0xe3 => "SKIP TO CHANNEL 12",
        0xeb => "GATE LOAD UCS BUFFER",
        0xf3 => "LOAD UCS BUFFER AND FOLD",
        0xfb => "LOAD UCS BUFFER",
        _ => return None,
    })
}

const fn ctc(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x07 => "CONTROL",
        0x14 => "SENSE COMMAND BYTE",
        0x43 => "SET BASIC MODE",
        0xc3 => "SET EXTENDED MODE",
        0xe3 => "PREPARE",
        _ => return None,
    })
}

const fn virtio(command: Command) -> Option<&'static str> {
    Some(match command.0 {
        0x11 => "WRITE FEATURES",
        0x12 => "READ FEATURES",
        0x13 => "SET VQ",
        0x21 => "WRITE CONFIG",
        0x22 => "READ CONFIG",
        0x31 => "WRITE STATUS",
        0x32 => "READ VQ CONFIG",
        0x33 => "RESET",
        0x43 => "SET INDICATORS",
        0x53 => "SET CONFIG INDICATORS",
        0x72 => "READ STATUS",
        0x73 => "SET ADAPTER INDICATORS",
        0x83 => "SET REVISION",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(class: DeviceClass, code: u8) -> &'static str {
        class.command_name(Command(code))
    }

    #[test]
    fn the_same_code_is_another_command_elsewhere() {
        let rows = [
            (DeviceClass::Eckd, 0x07, "SEEK"),
            (DeviceClass::Tape, 0x07, "REWIND"),
            (DeviceClass::Eckd, 0x1f, "SET FILE MASK"),
            (DeviceClass::Tape, 0x1f, "WRITE TAPE MARK"),
            (DeviceClass::Eckd, 0x47, "LOCATE RECORD"),
            (DeviceClass::Fba, 0x43, "LOCATE"),
            (DeviceClass::Virtio, 0x13, "SET VQ"),
            (DeviceClass::UnitRecord, 0x13, "SPACE 2"),
            (DeviceClass::Ctc, 0xe3, "PREPARE"),
            (DeviceClass::Terminal, 0x0d, "ERASE/WRITE ALTERNATE"),
            (DeviceClass::Tape, 0xaf, "SET PATH GROUP ID"),
            (DeviceClass::Unknown, 0xaf, "CONTROL"),
        ];
        for (class, code, expected) in rows {
            assert_eq!(name(class, code), expected, "{class:?} {code:02x}");
        }
    }

    #[test]
    fn skips_carry_the_channel_that_their_code_counts() {
        for channel in 1..=12_u8 {
            let code = 0x80 + 8 * channel;
            let suffix = std::format!("SKIP TO CHANNEL {channel}");
            assert_eq!(name(DeviceClass::UnitRecord, code | 0x03), suffix);
            let write = name(DeviceClass::UnitRecord, code | 0x01);
            assert_eq!(write, std::format!("WRITE, {suffix}"));
        }
        for lines in 1..=3_u8 {
            let suffix = std::format!("SPACE {lines}");
            assert_eq!(name(DeviceClass::UnitRecord, 8 * lines + 3), suffix);
        }
    }

    #[test]
    fn multitrack_is_bit_0() {
        for code in [
            0x06, 0x0e, 0x12, 0x16, 0x1a, 0x1e, 0x29, 0x31, 0x39, 0x49, 0x51, 0x69, 0x71,
        ] {
            let multitrack = std::format!("{} MT", name(DeviceClass::Eckd, code));
            assert_eq!(name(DeviceClass::Eckd, code | 0x80), multitrack);
        }
    }

    #[test]
    fn names_fit_their_class_and_their_column() {
        use DeviceClass::*;
        for class in [Unknown, Eckd, Fba, Tape, Terminal, UnitRecord, Ctc, Virtio] {
            for code in 0..=255 {
                let name = name(class, code);
                assert!((3..=28).contains(&name.len()), "{name}");
                let direction = Command(code).class().direction();
                let reads = name.starts_with("READ") || name.starts_with("SENSE");
                if reads {
                    assert_eq!(direction, Some(crate::Direction::FromDevice), "{name}");
                }
                if name.starts_with("WRITE") && name != "WRITE TAPE MARK" {
                    assert_eq!(Command(code).class(), Class::Write, "{name}");
                }
            }
            assert_eq!(name(class, 0x03), "NO-OPERATION");
            assert_eq!(name(class, 0x08), "TIC");
            assert_eq!(name(class, 0xe4), "SENSE ID");
            assert_eq!(name(class, 0x00), "INVALID");
            assert_eq!(class.dcw_name(Command(0x40)), "INTERROGATE");
            assert_eq!(class.dcw_name(Command(0x50)), "TRANSFER TCA EXTENSION");
            assert_eq!(class.dcw_name(Command(0xe4)), "SENSE ID");
        }
    }
}
