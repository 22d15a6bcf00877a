//! Indirect-data-address words and their geometry. "PoP: Indirect Data Addressing".

use crate::{Addr, Orb, Space};

/// Form of every IDAW of a program, chosen by ORB bits H and T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdawFormat {
    /// Format 1: four bytes, 31-bit address, 2 KiB blocks (H=0).
    One,
    /// Format 2 on 2 KiB blocks: eight bytes (H=1, T=1).
    Two2K,
    /// Format 2 on 4 KiB blocks: eight bytes (H=1, T=0).
    Two4K,
}

impl IdawFormat {
    /// The form that `orb` chooses.
    pub const fn of<S: Space>(orb: &Orb<S>) -> Self {
        match (orb.format2_idaws, orb.idaw_2k) {
            (false, _) => Self::One,
            (true, true) => Self::Two2K,
            (true, false) => Self::Two4K,
        }
    }

    /// Bytes of one IDAW, which is also the alignment of its list.
    pub const fn size(self) -> u64 {
        match self {
            Self::One => 4,
            Self::Two2K | Self::Two4K => 8,
        }
    }

    /// Bytes of the block that the second and later IDAWs designate.
    pub const fn block(self) -> u64 {
        match self {
            Self::One | Self::Two2K => 2048,
            Self::Two4K => 4096,
        }
    }

    /// IDAWs that `count` bytes need when the first IDAW designates `first`.
    ///
    /// 65535 bytes need at most 17 (4 KiB) or 33 (2 KiB); no bytes need none.
    pub const fn words<S>(self, first: Addr<S>, count: u16, backward: bool) -> u16 {
        if count == 0 {
            return 0;
        }
        let block = self.block();
        let offset = first.block_offset(block);
        let n = count as u64;
        let words = if backward {
            let rest = n.saturating_sub(offset + 1);
            1 + rest.div_ceil(block)
        } else {
            (offset + n).div_ceil(block)
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most 33")]
        {
            words as u16
        }
    }
}

/// Most IDAWs one CCW can need: 65535 bytes from the last byte of a 2 KiB block.
pub const MAX_IDAWS: usize = 33;
