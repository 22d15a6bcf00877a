// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! What commands do on the devices that we know by type.
//!
//! Sources: the devices' public reference manuals (3390/3990, 3370, 3480/3490, 3590, 3270, 3505,
//! 3525, 1403/2821, 3211/3811), and the virtio specification, "Virtio over channel I/O". The names
//! of the commands stand beside, in `names`.

use crate::{Class, Command};

/// Kind of device, as far as the meaning of command codes depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DeviceClass {
    /// Nothing is known of the device.
    #[default]
    Unknown,
    /// Count-key-data disk: 3330, 3380, 3390.
    Eckd,
    /// Fixed-block disk: 3370, 9336.
    Fba,
    /// Tape: 3480, 3490, 3590.
    Tape,
    /// 3270 display, 3215 console.
    Terminal,
    /// Card reader, punch, printer: 3505, 3525, 1403, 3211.
    UnitRecord,
    /// Channel-to-channel adapter: 3088.
    Ctc,
    /// virtio-ccw device.
    Virtio,
}

impl DeviceClass {
    /// Every class, the unknown one first.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Eckd,
        Self::Fba,
        Self::Tape,
        Self::Terminal,
        Self::UnitRecord,
        Self::Ctc,
        Self::Virtio,
    ];

    /// The class of the device type that people write: `3390`, `1403`, `virtio-blk`.
    ///
    /// ```
    /// use ccw::DeviceClass;
    /// assert_eq!(DeviceClass::from_type("3390"), DeviceClass::Eckd);
    /// assert_eq!(DeviceClass::from_type("virtio-net"), DeviceClass::Virtio);
    /// assert_eq!(DeviceClass::from_type("teapot"), DeviceClass::Unknown);
    /// ```
    pub fn from_type(name: &str) -> Self {
        if name.starts_with("virtio") {
            return Self::Virtio;
        }
        match u16::from_str_radix(name, 16) {
            Ok(number) if name.len() == 4 => Self::from_number(number),
            _ => Self::Unknown,
        }
    }

    /// The class of a type number as SENSE ID gives it: a 3390 is 0x3390.
    pub const fn from_number(number: u16) -> Self {
        match number {
            0x3330 | 0x3340 | 0x3350 | 0x3375 | 0x3380 | 0x3390 | 0x9345 => Self::Eckd,
            0x0671 | 0x3310 | 0x3370 | 0x9313 | 0x9332 | 0x9335 | 0x9336 => Self::Fba,
            0x3420 | 0x3422 | 0x3430 | 0x3480 | 0x3490 | 0x3590 => Self::Tape,
            0x3215 | 0x3270 | 0x3277 | 0x3278 | 0x3279 => Self::Terminal,
            0x1403 | 0x2501 | 0x2540 | 0x3211 | 0x3505 | 0x3525 => Self::UnitRecord,
            0x3088 => Self::Ctc,
            0x3832 => Self::Virtio,
            _ => Self::Unknown,
        }
    }

    /// Whether `command` may end with status modifier on such a device, so that the channel skips
    /// a CCW: the search and scan commands of a count-key-data disk, or of what may be one. Bit 0
    /// of their codes means multitrack.
    pub const fn may_skip(self, command: Command) -> bool {
        // All are write commands, which is soon seen of the others.
        command.0 & 0x03 == 0x01
            && matches!(self, Self::Eckd | Self::Unknown)
            && matches!(
                command.0 & 0x7f,
                // Search key, ID and home address: equal, high, equal or high.
                0x29 | 0x49 | 0x69 | 0x31 | 0x51 | 0x71 | 0x39
                // Search key and data, and the continue-scan commands of the file-scan feature.
                | 0x2d | 0x4d | 0x6d | 0x25 | 0x35 | 0x45 | 0x55 | 0x65 | 0x75
            )
    }

    /// Whether `command` is known to end at once without asking for data, whatever its count.
    ///
    /// Commands that do so on one device of the class and move data on another are left out.
    pub const fn is_immediate(self, command: Command) -> bool {
        match (self, command.0) {
            (_, 0x03) => true,
            // Rewind, unload, erase gap, tape mark, the four spacings, synchronize, data security
            // erase, set tape-write-immediate.
            (Self::Tape, 0x07 | 0x0f | 0x17 | 0x1f | 0x27 | 0x2f | 0x37 | 0x3f) => true,
            (Self::Tape, 0x43 | 0x97 | 0xc3) => true,
            // Space 1 to 3 lines; feed a card.
            (Self::UnitRecord, 0x0b | 0x13 | 0x1b | 0x23) => true,
            // Skip to channel 1 to 12.
            (Self::UnitRecord, 0x8b | 0x93 | 0x9b | 0xa3 | 0xab | 0xb3) => true,
            (Self::UnitRecord, 0xbb | 0xc3 | 0xcb | 0xd3 | 0xdb | 0xe3) => true,
            // The five selects, of which 0B is the alarm of a 3215; erase all unprotected.
            (Self::Terminal, 0x0b | 0x1b | 0x2b | 0x3b | 0x4b | 0x0f) => true,
            // Set basic mode, set extended mode.
            (Self::Ctc, 0x43 | 0xc3) => true,
            // Reset.
            (Self::Virtio, 0x33) => true,
            _ => false,
        }
    }

    /// Whether commands set something for those that follow in their chain, which its end makes the
    /// device forget: a disk its orientation, file mask and extent. So may what is unknown.
    pub const fn keeps_chain_state(self) -> bool {
        matches!(self, Self::Unknown | Self::Eckd | Self::Fba)
    }

    /// Whether `command` can be carried out twice in a row, with those around it, and leaves device and
    /// chain as carrying it out once does: it changes nothing but what its chain has set.
    ///
    /// Only what is known to be so; never where a device moves on with each command.
    pub const fn is_repeatable(self, command: Command) -> bool {
        match (self, command.0) {
            // No-operation, sense ID.
            (_, 0x03 | 0xe4) => true,
            // Sense, read device characteristics, read configuration data, sense path group ID.
            (Self::Eckd | Self::Fba, 0x04 | 0x64 | 0xfa | 0x34) => true,
            // Read IPL, read, locate, define extent.
            (Self::Fba, 0x02 | 0x42 | 0x43 | 0x63) => true,
            // Read IPL, seek, seek cylinder, space count, recalibrate, restore, seek head, set file
            // mask, read sector, set sector.
            (Self::Eckd, 0x02 | 0x07 | 0x0b | 0x0f | 0x13 | 0x17 | 0x1b | 0x1f | 0x22 | 0x23) => {
                true
            }
            // Read data, key and data, count, record zero, home address, count key and data; the same
            // multitrack.
            (Self::Eckd, 0x06 | 0x0e | 0x12 | 0x16 | 0x1a | 0x1e) => true,
            (Self::Eckd, 0x86 | 0x8e | 0x92 | 0x96 | 0x9a | 0x9e) => true,
            // Read multiple count key and data, track data, track.
            (Self::Eckd, 0x5e | 0xa6 | 0xde) => true,
            // Locate record and its extended form, define extent, prefix: what they allow to be
            // written, others write.
            (Self::Eckd, 0x47 | 0x4b | 0x63 | 0xe7) => true,
            (Self::Eckd, _) => self.may_skip(command),
            _ => false,
        }
    }

    /// Whether the data of `command` is mostly EBCDIC text, so that a listing may show it so.
    pub const fn is_text(self, command: Command) -> bool {
        match self {
            Self::UnitRecord => match command.class() {
                // Not diagnostic write.
                Class::Write => command.0 != 0x05,
                // Card columns; not the buffers and checks of a printer.
                Class::Read => matches!(command.0, 0x02 | 0x42 | 0x82 | 0xc2),
                _ => false,
            },
            // Not the binary structured fields.
            Self::Terminal => match command.class() {
                Class::Write => command.0 != 0x11,
                Class::Read => true,
                _ => false,
            },
            // Load display.
            Self::Tape => command.0 == 0x9f,
            Self::Unknown | Self::Eckd | Self::Fba | Self::Ctc | Self::Virtio => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Command> {
        (0..=255).map(Command)
    }

    #[test]
    fn types_by_name() {
        let rows: [(&[&str], DeviceClass); 8] = [
            (&["3330", "3380", "3390"], DeviceClass::Eckd),
            (&["3370", "9336"], DeviceClass::Fba),
            (&["3480", "3490", "3590"], DeviceClass::Tape),
            (&["3270", "3215"], DeviceClass::Terminal),
            (&["3505", "3525", "1403", "3211"], DeviceClass::UnitRecord),
            (&["3088"], DeviceClass::Ctc),
            (
                &["virtio", "virtio-blk", "virtio-net", "3832"],
                DeviceClass::Virtio,
            ),
            (
                &["", "390", "03390", "+390", "339g", "Virtio", "\u{2460}390"],
                DeviceClass::Unknown,
            ),
        ];
        for (names, class) in rows {
            for name in names {
                assert_eq!(DeviceClass::from_type(name), class, "{name:?}");
            }
        }
    }

    #[test]
    fn a_skip_comes_from_searches_of_a_disk_alone() {
        for command in all() {
            let eckd = DeviceClass::Eckd.may_skip(command);
            assert_eq!(eckd, DeviceClass::Unknown.may_skip(command));
            if eckd {
                assert_eq!(command.class(), Class::Write, "{command:?}");
                assert!(DeviceClass::Eckd.may_skip(Command(command.0 ^ 0x80)));
            }
            for class in &DeviceClass::ALL[2..] {
                assert!(!class.may_skip(command));
            }
        }
        for search in [0x31, 0xb1, 0x29, 0x39, 0xf1] {
            assert!(DeviceClass::Eckd.may_skip(Command(search)));
        }
        for other in [0x05, 0x06, 0x1d, 0x0d, 0x11, 0x19, 0x47, 0x63] {
            assert!(!DeviceClass::Eckd.may_skip(Command(other)), "{other:02x}");
        }
        assert_eq!(all().filter(|&c| DeviceClass::Eckd.may_skip(c)).count(), 32);
    }

    #[test]
    fn all_classes_are_listed() {
        // Whoever adds a class comes by here.
        let place = |class| match class {
            DeviceClass::Unknown => 0,
            DeviceClass::Eckd => 1,
            DeviceClass::Fba => 2,
            DeviceClass::Tape => 3,
            DeviceClass::Terminal => 4,
            DeviceClass::UnitRecord => 5,
            DeviceClass::Ctc => 6,
            DeviceClass::Virtio => 7,
        };
        assert!(DeviceClass::ALL.into_iter().map(place).eq(0..8));
    }

    #[test]
    fn immediate_commands_are_control_commands() {
        for class in DeviceClass::ALL {
            assert!(class.is_immediate(Command::NOP));
            for command in all().filter(|&c| class.is_immediate(c)) {
                assert_eq!(command.class(), Class::Control, "{class:?} {command:?}");
            }
        }
    }

    #[test]
    fn commands_that_take_parameters_are_not_immediate() {
        let rows: [(DeviceClass, &[u8]); 6] = [
            (
                DeviceClass::Eckd,
                &[0x07, 0x1f, 0x23, 0x27, 0x47, 0x4b, 0x63, 0xe7],
            ),
            (DeviceClass::Fba, &[0x43, 0x63]),
            (
                DeviceClass::Tape,
                &[0x4f, 0x77, 0x9f, 0xaf, 0xb7, 0xc7, 0xdb, 0xe3],
            ),
            (
                DeviceClass::UnitRecord,
                &[0x63, 0xeb, 0xf3, 0xfb, 0x33, 0x73],
            ),
            (DeviceClass::Virtio, &[0x13, 0x43, 0x53, 0x73, 0x83]),
            (DeviceClass::Unknown, &[0x07, 0x0b, 0x1f, 0x8b]),
        ];
        for (class, codes) in rows {
            for &code in codes {
                assert!(!class.is_immediate(Command(code)), "{class:?} {code:02x}");
            }
        }
        let printer = all().filter(|&c| DeviceClass::UnitRecord.is_immediate(c));
        assert_eq!(printer.count(), 1 + 3 + 1 + 12);
    }

    #[test]
    fn what_writes_or_moves_on_is_not_repeated() {
        let rows: [(DeviceClass, &[u8]); 4] = [
            (
                DeviceClass::Eckd,
                &[
                    0x01, 0x05, 0x0d, 0x11, 0x14, 0x15, 0x19, 0x1d, 0x27, 0x85, 0x8d, 0x94, 0x95,
                    0x9d,
                ],
            ),
            (DeviceClass::Fba, &[0x14, 0x41, 0x94, 0xb4]),
            (DeviceClass::Tape, &[0x01, 0x02, 0x0c, 0x17, 0x3f]),
            (DeviceClass::Unknown, &[0x02, 0x04, 0x06, 0x07, 0x31]),
        ];
        for (class, codes) in rows {
            for &code in codes {
                assert!(!class.is_repeatable(Command(code)), "{class:?} {code:02x}");
            }
        }
        for class in DeviceClass::ALL {
            for command in all().filter(|&c| class.is_repeatable(c)) {
                let skips = class.may_skip(command);
                assert!(
                    skips || command.class() != Class::Write,
                    "{class:?} {command:?}"
                );
            }
        }
        for code in [0x02, 0x06, 0x07, 0x1f, 0x31, 0x47, 0x63, 0xb1, 0xe7] {
            assert!(DeviceClass::Eckd.is_repeatable(Command(code)), "{code:02x}");
        }
    }

    #[test]
    fn text() {
        let is = |class: DeviceClass, code| class.is_text(Command(code));
        for code in [0x01, 0x09, 0x11, 0x19, 0x89, 0xe1, 0x02] {
            assert!(is(DeviceClass::UnitRecord, code), "{code:02x}");
        }
        for code in [0x63, 0xfb, 0x04, 0x05, 0x06, 0x12] {
            assert!(!is(DeviceClass::UnitRecord, code), "{code:02x}");
        }
        assert!(is(DeviceClass::Terminal, 0x0d) && is(DeviceClass::Terminal, 0x06));
        assert!(!is(DeviceClass::Terminal, 0x11) && !is(DeviceClass::Terminal, 0xe4));
        assert!(!is(DeviceClass::Eckd, 0x05) && !is(DeviceClass::Unknown, 0x01));
    }
}
