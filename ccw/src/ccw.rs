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
    pub const fn decode(raw: RawCcw, format: Format) -> Self {
        let b = raw.0;
        let (count, addr) = match format {
            Format::Zero => (
                u16::from_be_bytes([b[6], b[7]]),
                u32::from_be_bytes([0, b[1], b[2], b[3]]),
            ),
            Format::One => (
                u16::from_be_bytes([b[2], b[3]]),
                u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
            ),
        };
        Self {
            command: raw.command(),
            flags: raw.flags(format),
            count,
            addr: Addr31::truncate(addr),
        }
    }

    /// The CCW in format 1.
    pub const fn encode(self) -> RawCcw {
        let c = self.count.to_be_bytes();
        let a = self.addr.get().to_be_bytes();
        RawCcw([
            self.command.0,
            self.flags.bits(),
            c[0],
            c[1],
            a[0],
            a[1],
            a[2],
            a[3],
        ])
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
