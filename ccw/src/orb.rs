//! The operation-request block, operand of START SUBCHANNEL. "PoP: ORB".

use crate::{Addr31, CcwFlags, Format, Space};

/// Bytes of an ORB; 12 of them when the extension bit X is zero.
pub const ORB_SIZE: usize = 32;

/// The 32 bytes of an ORB, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawOrb(pub [u8; ORB_SIZE]);

impl RawOrb {
    /// An ORB without extension.
    pub const fn from_words(words: [u32; 3]) -> Self {
        let mut bytes = [0; ORB_SIZE];
        let mut word = 0;
        while word < 3 {
            let b = words[word].to_be_bytes();
            let mut i = 0;
            while i < 4 {
                bytes[word * 4 + i] = b[i];
                i += 1;
            }
            word += 1;
        }
        Self(bytes)
    }

    /// Word `n` (0-7).
    pub const fn word(&self, n: usize) -> u32 {
        let b = &self.0;
        u32::from_be_bytes([b[4 * n], b[4 * n + 1], b[4 * n + 2], b[4 * n + 3]])
    }
}

/// Bits of ORB word 1, as masks of the big-endian word.
pub mod word1 {
    /// S: suspend control.
    pub const SUSPEND: u32 = 0x0800_0000;
    /// C: streaming-mode control.
    pub const STREAMING: u32 = 0x0400_0000;
    /// M: modification control.
    pub const MODIFICATION: u32 = 0x0200_0000;
    /// Y: synchronize control.
    pub const SYNCHRONIZE: u32 = 0x0100_0000;
    /// F: format-1 CCWs.
    pub const FORMAT1: u32 = 0x0080_0000;
    /// P: prefetch allowed.
    pub const PREFETCH: u32 = 0x0040_0000;
    /// I: initial-status-interruption control.
    pub const INITIAL_STATUS: u32 = 0x0020_0000;
    /// A: address-limit-checking control.
    pub const LIMIT_CHECK: u32 = 0x0010_0000;
    /// U: suppress-suspended-interruption control.
    pub const SUPPRESS_SUSPENDED: u32 = 0x0008_0000;
    /// B: transport mode.
    pub const TRANSPORT: u32 = 0x0004_0000;
    /// H: format-2 IDAWs.
    pub const FORMAT2_IDAWS: u32 = 0x0002_0000;
    /// T: 2 KiB IDAWs.
    pub const IDAW_2K: u32 = 0x0001_0000;
    /// L: incorrect-length-suppression mode.
    pub const LENGTH_SUPPRESSION: u32 = 0x0000_0080;
    /// D: MIDAWs allowed.
    pub const MIDAW: u32 = 0x0000_0040;
    /// Bits 26-30: must be zero.
    pub const RESERVED: u32 = 0x0000_003e;
    /// X: the ORB has an extension.
    pub const EXTENSION: u32 = 0x0000_0001;
}

/// An ORB whose program lies in the space `S`, and whose reserved bits are zero.
///
/// Decoding never fails; the bits that a machine refuses are reported by whoever validates, from
/// the [`RawOrb`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Orb<S: Space> {
    /// Interruption parameter, word 0.
    pub intparm: u32,
    /// Subchannel key, 0-15; word 1 bits 0-3.
    pub key: u8,
    /// S: the S flag of CCWs is allowed.
    pub suspend: bool,
    /// C: streaming mode.
    pub streaming: bool,
    /// M: the program may be modified while it runs.
    pub modification: bool,
    /// Y: synchronize control.
    pub synchronize: bool,
    /// F: format of all CCWs.
    pub format: Format,
    /// P: CCWs, lists and output data may be fetched early.
    pub prefetch: bool,
    /// I: ask for an interruption when the first command is accepted.
    pub initial_status: bool,
    /// A: address-limit checking.
    pub limit_check: bool,
    /// U: no interruption when suspended.
    pub suppress_suspended: bool,
    /// B: the address is that of a TCW.
    pub transport: bool,
    /// H: IDAWs are format 2.
    pub format2_idaws: bool,
    /// T: format-2 IDAWs govern 2 KiB; without H it means nothing.
    pub idaw_2k: bool,
    /// Logical-path mask, bit i (IBM numbering) for channel path i.
    pub lpm: u8,
    /// L: immediate format-1 commands are exempt from incorrect length, as format-0 ones are.
    pub length_suppression: bool,
    /// D: the MIDA flag of CCWs is allowed.
    pub midaw: bool,
    /// X: words 3-7 count.
    pub extension: bool,
    /// Address of the first CCW (or of the TCW).
    pub cpa: Addr31<S>,
    /// Channel-subsystem priority, byte 12; only with X.
    pub css_priority: u8,
    /// Control-unit priority, byte 14; only with X.
    pub cu_priority: u8,
}

impl<S: Space> Orb<S> {
    /// What `raw` says. Reserved bits are dropped.
    pub const fn decode(raw: &RawOrb) -> Self {
        let w1 = raw.word(1);
        let extension = w1 & word1::EXTENSION != 0;
        Self {
            intparm: raw.word(0),
            key: raw.0[4] >> 4,
            suspend: w1 & word1::SUSPEND != 0,
            streaming: w1 & word1::STREAMING != 0,
            modification: w1 & word1::MODIFICATION != 0,
            synchronize: w1 & word1::SYNCHRONIZE != 0,
            format: if w1 & word1::FORMAT1 != 0 {
                Format::One
            } else {
                Format::Zero
            },
            prefetch: w1 & word1::PREFETCH != 0,
            initial_status: w1 & word1::INITIAL_STATUS != 0,
            limit_check: w1 & word1::LIMIT_CHECK != 0,
            suppress_suspended: w1 & word1::SUPPRESS_SUSPENDED != 0,
            transport: w1 & word1::TRANSPORT != 0,
            format2_idaws: w1 & word1::FORMAT2_IDAWS != 0,
            idaw_2k: w1 & word1::IDAW_2K != 0,
            lpm: raw.0[6],
            length_suppression: w1 & word1::LENGTH_SUPPRESSION != 0,
            midaw: w1 & word1::MIDAW != 0,
            extension,
            cpa: Addr31::truncate(raw.word(2)),
            css_priority: if extension { raw.0[12] } else { 0 },
            cu_priority: if extension { raw.0[14] } else { 0 },
        }
    }

    /// Word 1 without its key: the control bits, and the path mask.
    const fn word1(&self) -> u32 {
        const fn bit(on: bool, mask: u32) -> u32 {
            if on { mask } else { 0 }
        }
        ((self.key as u32) << 28)
            | bit(self.suspend, word1::SUSPEND)
            | bit(self.streaming, word1::STREAMING)
            | bit(self.modification, word1::MODIFICATION)
            | bit(self.synchronize, word1::SYNCHRONIZE)
            | bit(matches!(self.format, Format::One), word1::FORMAT1)
            | bit(self.prefetch, word1::PREFETCH)
            | bit(self.initial_status, word1::INITIAL_STATUS)
            | bit(self.limit_check, word1::LIMIT_CHECK)
            | bit(self.suppress_suspended, word1::SUPPRESS_SUSPENDED)
            | bit(self.transport, word1::TRANSPORT)
            | bit(self.format2_idaws, word1::FORMAT2_IDAWS)
            | bit(self.idaw_2k, word1::IDAW_2K)
            | ((self.lpm as u32) << 8)
            | bit(self.length_suppression, word1::LENGTH_SUPPRESSION)
            | bit(self.midaw, word1::MIDAW)
            | bit(self.extension, word1::EXTENSION)
    }

    /// The 32 bytes; priorities only with X.
    pub const fn encode(&self) -> RawOrb {
        let mut raw = RawOrb::from_words([self.intparm, self.word1(), self.cpa.get()]);
        if self.extension {
            raw.0[12] = self.css_priority;
            raw.0[14] = self.cu_priority;
        }
        raw
    }

    /// Flags that no CCW of this program may have, as far as the ORB decides.
    pub const fn forbidden_flags(&self) -> CcwFlags {
        let suspend = if self.suspend {
            0
        } else {
            CcwFlags::SUSPEND.bits()
        };
        let midaw = if self.midaw {
            0
        } else {
            CcwFlags::MODIFIED_INDIRECT.bits()
        };
        CcwFlags::from_bits_retain(suspend | midaw)
    }
}
