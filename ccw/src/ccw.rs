// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The channel-command word in its two formats. "PoP: CCWs".
//!
//! [`RawCcw`] is any eight bytes; [`Ccw`] is what they say once the format is known. Past the
//! decoder there is one `Ccw` and no format branch.

use bitflags::bitflags;

use crate::{Addr31, Command, Space};

/// Format of the CCWs of a program, chosen by ORB bit F for the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// 24-bit addresses.
    Zero,
    /// 31-bit addresses.
    One,
}

impl Format {
    /// First address that CCWs, lists and directly addressed data of this format cannot have:
    /// 2^24 or 2^31.
    pub const fn limit(self) -> u64 {
        match self {
            Self::Zero => 1 << 24,
            Self::One => 1 << 31,
        }
    }
}

bitflags! {
    /// The flag byte of a CCW: bits 32-39 in format 0, 8-15 in format 1.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct CcwFlags: u8 {
        /// CD: the next CCW gives the next storage area of the same command.
        const CHAIN_DATA = 0x80;
        /// CC: the next CCW is a new command.
        const CHAIN_COMMAND = 0x40;
        /// SLI: suppress length indication.
        const SUPPRESS_LENGTH = 0x20;
        /// SKP: input bytes are taken from the device and not stored.
        const SKIP = 0x10;
        /// PCI: program-controlled interruption.
        const PCI = 0x08;
        /// IDA: the address is that of a list of IDAWs.
        const INDIRECT = 0x04;
        /// S: suspend.
        const SUSPEND = 0x02;
        /// MIDA: the address is that of a list of MIDAWs.
        const MODIFIED_INDIRECT = 0x01;
    }
}

/// Size of a CCW, and its alignment in storage.
pub const CCW_SIZE: u64 = 8;

/// The eight bytes of a CCW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawCcw(pub [u8; 8]);

impl RawCcw {
    /// Eight zero bytes: an invalid command by command chaining, an invalid count by data
    /// chaining. A channel that reaches it stops with a program check.
    pub const STOP: Self = Self([0; 8]);

    /// Command code, byte 0 in both formats.
    pub const fn command(self) -> Command {
        Command(self.0[0])
    }

    /// Flag byte: byte 4 in format 0, byte 1 in format 1.
    pub const fn flags(self, format: Format) -> CcwFlags {
        CcwFlags::from_bits_retain(match format {
            Format::Zero => self.0[4],
            Format::One => self.0[1],
        })
    }

    /// Whether bit 32 of a format-1 CCW, which must be zero, is one.
    pub const fn bit32(self, format: Format) -> bool {
        matches!(format, Format::One) && self.0[4] & 0x80 != 0
    }

    /// The doubleword that says the same in format 1, as a number. Bit 32 of a format-1 CCW stays
    /// as it is; byte 5 of a format-0 CCW is dropped.
    #[inline]
    pub const fn format1(self, format: Format) -> u64 {
        let word = u64::from_be_bytes(self.0);
        match format {
            Format::Zero => {
                let (command, addr) = (word & 0xff << 56, word >> 32 & 0x00ff_ffff);
                let (flags, count) = (word & 0xff00_0000, word & 0xffff);
                command | flags << 24 | count << 32 | addr
            }
            Format::One => word,
        }
    }

    /// Byte 5 of a format-0 CCW, which the channel ignores.
    pub const fn ignored(self, format: Format) -> u8 {
        match format {
            Format::Zero => self.0[5],
            Format::One => 0,
        }
    }
}

/// A CCW whose address names storage of the space `S`.
///
/// ```
/// use ccw::{Ccw, Command, Format, Guest, RawCcw};
///
/// let raw = RawCcw([0xe4, 0x20, 0, 0x40, 0, 0, 0x30, 0]);
/// let ccw = Ccw::<Guest>::decode(raw, Format::One);
/// assert_eq!(ccw.command, Command::SENSE_ID);
/// assert_eq!((ccw.count, ccw.addr.get()), (0x40, 0x3000));
/// assert_eq!(ccw.encode(), raw);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ccw<S: Space> {
    /// Command code.
    pub command: Command,
    /// Flag byte.
    pub flags: CcwFlags,
    /// Number of bytes, 0-65535.
    pub count: u16,
    /// Data, list or TIC-target address.
    pub addr: Addr31<S>,
}

impl<S: Space> Ccw<S> {
    /// What `raw` says in `format`.
    ///
    /// Bits that have no meaning are dropped: bit 32 of format 1 ([`RawCcw::bit32`]) and byte 5
    /// of format 0 ([`RawCcw::ignored`]).
    #[inline]
    pub const fn decode(raw: RawCcw, format: Format) -> Self {
        Self::from_format1(raw.format1(format))
    }

    /// What the format-1 doubleword `word` says; bit 32 is dropped.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each cast cuts its field out of the doubleword"
    )]
    pub const fn from_format1(word: u64) -> Self {
        Self {
            command: Command((word >> 56) as u8),
            flags: CcwFlags::from_bits_retain((word >> 48) as u8),
            count: (word >> 32) as u16,
            addr: Addr31::truncate(word as u32),
        }
    }

    /// The CCW in format 1.
    #[inline]
    pub const fn encode(self) -> RawCcw {
        RawCcw(self.to_format1().to_be_bytes())
    }

    /// The doubleword of format 1, as a number.
    #[inline]
    pub const fn to_format1(self) -> u64 {
        (self.command.0 as u64) << 56
            | (self.flags.bits() as u64) << 48
            | (self.count as u64) << 32
            | self.addr.get() as u64
    }

    /// The CCW in format 0, unless its address is above 16 MiB.
    pub const fn encode_format0(self) -> Option<RawCcw> {
        let c = self.count.to_be_bytes();
        let a = self.addr.get().to_be_bytes();
        if a[0] != 0 {
            return None;
        }
        Some(RawCcw([
            self.command.0,
            a[1],
            a[2],
            a[3],
            self.flags.bits(),
            0,
            c[0],
            c[1],
        ]))
    }

    /// CD is one: the next CCW continues this command.
    pub const fn chains_data(self) -> bool {
        self.flags.contains(CcwFlags::CHAIN_DATA)
    }

    /// CC is one and CD, which overrides it, is zero: the next CCW is a new command.
    pub const fn chains_command(self) -> bool {
        self.flags.bits() & 0xc0 == 0x40
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Guest;

    type Guests = Ccw<Guest>;

    #[test]
    fn format_1_by_hand() {
        let raw = RawCcw([0x86, 0x04, 0x10, 0x00, 0x12, 0x34, 0x56, 0x78]);
        let ccw = Guests::decode(raw, Format::One);
        assert_eq!(ccw.command, Command(0x86));
        assert_eq!(ccw.flags, CcwFlags::INDIRECT);
        assert_eq!((ccw.count, ccw.addr.get()), (0x1000, 0x1234_5678));
        assert_eq!(ccw.encode(), raw);
        assert_eq!(ccw.encode_format0(), None);
        assert_eq!(Format::One.limit(), 0x8000_0000);
    }

    #[test]
    fn format_0_by_hand() {
        let raw = RawCcw([0x1f, 0x12, 0x34, 0x56, 0x20, 0xff, 0x00, 0x01]);
        let ccw = Guests::decode(raw, Format::Zero);
        assert_eq!(ccw.command, Command(0x1f));
        assert_eq!(ccw.flags, CcwFlags::SUPPRESS_LENGTH);
        assert_eq!((ccw.count, ccw.addr.get()), (1, 0x0012_3456));
        assert_eq!(raw.ignored(Format::Zero), 0xff);
        let same = RawCcw([0x1f, 0x12, 0x34, 0x56, 0x20, 0x00, 0x00, 0x01]);
        assert_eq!(ccw.encode_format0(), Some(same));
        assert_eq!(Format::Zero.limit(), 0x0100_0000);
    }

    #[test]
    fn every_command_and_flag_byte() {
        for command in 0..=255 {
            for flags in 0..=255 {
                let one = RawCcw([command, flags, 0xab, 0xcd, 0x7e, 0xdc, 0xba, 0x98]);
                let ccw = Guests::decode(one, Format::One);
                assert_eq!((ccw.command.0, ccw.flags.bits()), (command, flags));
                assert_eq!((ccw.count, ccw.addr.get()), (0xabcd, 0x7edc_ba98));
                assert_eq!(ccw.encode(), one);

                let zero = RawCcw([command, 0xdc, 0xba, 0x98, flags, 0, 0xab, 0xcd]);
                let ccw = Guests::decode(zero, Format::Zero);
                assert_eq!((ccw.command.0, ccw.flags.bits()), (command, flags));
                assert_eq!((ccw.count, ccw.addr.get()), (0xabcd, 0x00dc_ba98));
                assert_eq!(ccw.encode_format0(), Some(zero));
            }
        }
    }

    #[test]
    fn every_flag_alone() {
        let rows = [
            (0x80, CcwFlags::CHAIN_DATA),
            (0x40, CcwFlags::CHAIN_COMMAND),
            (0x20, CcwFlags::SUPPRESS_LENGTH),
            (0x10, CcwFlags::SKIP),
            (0x08, CcwFlags::PCI),
            (0x04, CcwFlags::INDIRECT),
            (0x02, CcwFlags::SUSPEND),
            (0x01, CcwFlags::MODIFIED_INDIRECT),
        ];
        for (mask, flag) in rows {
            assert_eq!(RawCcw([0, mask, 0, 0, 0, 0, 0, 0]).flags(Format::One), flag);
            assert_eq!(
                RawCcw([0, 0, 0, 0, mask, 0, 0, 0]).flags(Format::Zero),
                flag
            );
        }
    }

    #[test]
    fn chaining_flags() {
        for flags in 0..=255 {
            let raw = RawCcw([0x02, flags, 0, 1, 0, 0, 0, 0]);
            let ccw = Guests::decode(raw, Format::One);
            assert_eq!(ccw.chains_data(), flags & 0x80 != 0);
            assert_eq!(ccw.chains_command(), matches!(flags >> 6, 0b01));
        }
    }

    #[test]
    fn bits_that_are_dropped() {
        let raw = RawCcw([0x02, 0, 0, 1, 0x80, 0, 0, 0x10]);
        assert!(raw.bit32(Format::One) && !raw.bit32(Format::Zero));
        assert_eq!(Guests::decode(raw, Format::One).addr.get(), 0x10);
        let raw = RawCcw([0x02, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff]);
        assert!(!raw.bit32(Format::One));
        assert_eq!(
            (raw.ignored(Format::Zero), raw.ignored(Format::One)),
            (0xff, 0)
        );
    }

    #[test]
    fn the_stop_word_is_no_command() {
        let stop = Guests::decode(RawCcw::STOP, Format::One);
        assert_eq!(stop.command.class(), crate::Class::Invalid);
        assert_eq!((stop.count, stop.flags.bits()), (0, 0));
    }
}
