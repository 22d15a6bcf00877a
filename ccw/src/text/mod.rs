// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! One line of text per CCW, and back.
//!
//! ```text
//! 00002210: 63400010 00004000  DEFINE EXTENT                   16 at    00004000  CC
//! 00002218: 47400010 00004010  LOCATE RECORD                   16 at    00004010  CC
//! 00002220: 86041000 00004040  READ DATA MT                  4096 idal  00004040  IDA
//! ```
//!
//! Storage address, the eight bytes as they lie in storage, and what they mean: command, count, what
//! the address is of, flags. Only the part up to the second word is read back, so that a line can
//! carry any remark.

mod parse;

use core::fmt;

use crate::{Addr31, Ccw, CcwFlags, DeviceClass, Format, Guest, RawCcw};

pub use parse::{Expected, LineError};

/// A CCW and where it lies.
///
/// ```
/// use ccw::{CcwLine, DeviceClass, Format, RawCcw};
///
/// let line: CcwLine = "2100: E4200040 00003000  whatever follows".parse()?;
/// assert_eq!(line.addr, 0x2100);
/// assert_eq!(line.raw, RawCcw([0xe4, 0x20, 0, 0x40, 0, 0, 0x30, 0]));
/// assert_eq!(
///     line.display(Format::One, DeviceClass::Eckd).to_string(),
///     "00002100: e4200040 00003000  SENSE ID                        64 at    00003000  SLI",
/// );
/// # Ok::<(), ccw::LineError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CcwLine {
    /// Address of the CCW.
    pub addr: u32,
    /// Its bytes.
    pub raw: RawCcw,
}

impl CcwLine {
    /// The line, with its bytes explained as a CCW of `format` for a device of `class`.
    pub const fn display(self, format: Format, class: DeviceClass) -> DisplayCcw {
        DisplayCcw {
            line: self,
            format,
            class,
            data_chained: false,
        }
    }
}

/// A [`CcwLine`] being printed.
#[derive(Clone, Copy, Debug)]
pub struct DisplayCcw {
    line: CcwLine,
    format: Format,
    class: DeviceClass,
    data_chained: bool,
}

impl DisplayCcw {
    /// The CCW is reached by data chaining: it continues a command, and its own command code
    /// means nothing unless it is a TIC's.
    pub const fn data_chained(mut self) -> Self {
        self.data_chained = true;
        self
    }
}

impl fmt::Display for DisplayCcw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i] = self.line.raw.0;
        let first = u32::from_be_bytes([a, b, c, d]);
        let second = u32::from_be_bytes([e, g, h, i]);
        write!(f, "{:08x}: {first:08x} {second:08x}  ", self.line.addr)?;

        let ccw = Ccw::<Guest>::decode(self.line.raw, self.format);
        if ccw.command.is_tic(self.format) {
            return write!(f, "{:<28} {:5} to    {:08x}", "TIC", "", ccw.addr);
        }
        let name = if self.data_chained {
            "(data chained)"
        } else {
            self.class.command_name(ccw.command)
        };
        let kind = if ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
            "midal"
        } else if ccw.flags.contains(CcwFlags::INDIRECT) {
            "idal"
        } else {
            "at"
        };
        write!(f, "{name:<28} {:5} {kind:5} {:08x}", ccw.count, ccw.addr)?;
        write_flags(f, ccw.flags)
    }
}

/// The flags, two blanks before the first.
fn write_flags(f: &mut fmt::Formatter<'_>, flags: CcwFlags) -> fmt::Result {
    let mut separator = "  ";
    for name in flags.names() {
        write!(f, "{separator}{name}")?;
        separator = " ";
    }
    Ok(())
}

impl CcwFlags {
    /// The names that listings use for the flags that are one.
    ///
    /// ```
    /// use ccw::CcwFlags;
    /// assert!(CcwFlags::from_bits_retain(0x64).names().eq(["CC", "SLI", "IDA"]));
    /// ```
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [(CcwFlags, &str); 8] = [
            (CcwFlags::CHAIN_DATA, "CD"),
            (CcwFlags::CHAIN_COMMAND, "CC"),
            (CcwFlags::SUPPRESS_LENGTH, "SLI"),
            (CcwFlags::SKIP, "SKP"),
            (CcwFlags::PCI, "PCI"),
            (CcwFlags::INDIRECT, "IDA"),
            (CcwFlags::SUSPEND, "S"),
            (CcwFlags::MODIFIED_INDIRECT, "MIDA"),
        ];
        NAMES
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }
}

impl<S: crate::Space> Ccw<S> {
    /// This CCW as a line at `addr`, in format 1.
    pub const fn line(self, addr: Addr31<S>) -> CcwLine {
        CcwLine {
            addr: addr.get(),
            raw: self.encode(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::string::{String, ToString};

    use super::*;

    fn parse(line: &str) -> Result<CcwLine, LineError> {
        line.parse()
    }

    fn print(line: CcwLine, format: Format, class: DeviceClass) -> String {
        line.display(format, class).to_string()
    }

    #[test]
    fn what_lines_look_like() {
        let rows = [
            (
                "00002210: 63400010 00004000  DEFINE EXTENT                   16 at    00004000  CC",
                Format::One,
                DeviceClass::Eckd,
            ),
            (
                "00002220: 86041000 00004040  READ DATA MT                  4096 idal  00004040  IDA",
                Format::One,
                DeviceClass::Eckd,
            ),
            (
                "00002410: 86010220 00004100  READ DATA MT                   544 midal 00004100  MIDA",
                Format::One,
                DeviceClass::Eckd,
            ),
            (
                "00002310: 01006000 80000050  WRITE                           80 at    00006000  CD",
                Format::Zero,
                DeviceClass::Tape,
            ),
            (
                "00002510: 08002508 00000000  TIC                                to    00002508",
                Format::Zero,
                DeviceClass::Eckd,
            ),
            (
                "00000000: 03ff0000 00000000  NO-OPERATION                     0 midal 00000000  \
                 CD CC SLI SKP PCI IDA S MIDA",
                Format::One,
                DeviceClass::Unknown,
            ),
        ];
        for (text, format, class) in rows {
            let line = parse(text).unwrap();
            assert_eq!(print(line, format, class), text);
        }
    }

    #[test]
    fn a_data_chained_ccw_has_no_name_of_its_own() {
        let line = parse("2318: 00007FF0 40000020").unwrap();
        assert_eq!(
            line.display(Format::Zero, DeviceClass::Tape)
                .data_chained()
                .to_string(),
            "00002318: 00007ff0 40000020  (data chained)                  32 at    00007ff0  CC",
        );
        let tic = parse("2318: 08007FF0 40000020").unwrap();
        let text = tic
            .display(Format::Zero, DeviceClass::Tape)
            .data_chained()
            .to_string();
        assert!(text.contains("  TIC "), "{text}");
    }

    #[test]
    fn every_command_and_flag_in_both_formats_comes_back() {
        for command in 0..=255 {
            for flags in 0..=255 {
                let one = RawCcw([command, flags, 0x12, 0x34, 0xfe, 0xdc, 0xba, 0x98]);
                let zero = RawCcw([command, 0xfe, 0xdc, 0xba, flags, 0xa5, 0x12, 0x34]);
                for (raw, format) in [(one, Format::One), (zero, Format::Zero)] {
                    let line = CcwLine {
                        addr: 0x7fff_fff8,
                        raw,
                    };
                    let text = print(line, format, DeviceClass::Eckd);
                    assert_eq!(parse(&text), Ok(line), "{text}");
                    assert_eq!(text.trim_end(), text);
                    assert!(!text.contains('\n'));
                }
            }
        }
    }

    #[test]
    fn a_ccw_prints_itself() {
        let raw = RawCcw([0xe4, 0x20, 0x00, 0x40, 0x00, 0x00, 0x30, 0x00]);
        let ccw = Ccw::<Guest>::decode(raw, Format::One);
        assert_eq!(
            ccw.line(Addr31::truncate(0x2100)),
            CcwLine { addr: 0x2100, raw }
        );
    }

    proptest! {
        #[test]
        fn a_line_comes_back(addr: u32, bytes: [u8; 8], one: bool) {
            let format = if one { Format::One } else { Format::Zero };
            let line = CcwLine { addr, raw: RawCcw(bytes) };
            for class in [DeviceClass::Unknown, DeviceClass::UnitRecord] {
                prop_assert_eq!(parse(&print(line, format, class)), Ok(line));
            }
        }

        #[test]
        fn any_text_parses_or_says_where_not(text: String) {
            if let Err(error) = parse(&text) {
                prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
            }
        }
    }
}
