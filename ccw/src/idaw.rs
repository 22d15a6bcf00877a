// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Indirect-data-address words and their geometry. "PoP: Indirect Data Addressing".

use crate::{Addr, Addr31, Orb, Space};

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
    #[inline]
    pub const fn of<S: Space>(orb: &Orb<S>) -> Self {
        match (orb.format2_idaws, orb.idaw_2k) {
            (false, _) => Self::One,
            (true, true) => Self::Two2K,
            (true, false) => Self::Two4K,
        }
    }

    /// Bytes of one IDAW, which is also the alignment of its list.
    #[inline]
    pub const fn size(self) -> u64 {
        match self {
            Self::One => 4,
            Self::Two2K | Self::Two4K => 8,
        }
    }

    /// Bytes of the block that the second and later IDAWs designate.
    #[inline]
    pub const fn block(self) -> u64 {
        match self {
            Self::One | Self::Two2K => 2048,
            Self::Two4K => 4096,
        }
    }

    /// IDAWs that `count` bytes need when the first IDAW designates `first`.
    ///
    /// 65535 bytes need at most 17 (4 KiB) or 33 (2 KiB); no bytes need none.
    #[inline]
    pub const fn words<S>(self, first: Addr<S>, count: u16, backward: bool) -> u16 {
        if count == 0 {
            return 0;
        }
        let offset = first.block_offset(self.block());
        let last = self.block() - 1;
        // A shift: a division would take longer than all the rest.
        let shift = self.block().trailing_zeros();
        let n = count as u64;
        let words = if backward {
            let rest = n.saturating_sub(offset + 1);
            1 + ((rest + last) >> shift)
        } else {
            (offset + n + last) >> shift
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most 33")]
        {
            words as u16
        }
    }
}

/// Most IDAWs one CCW can need: 65535 bytes from the last byte of a 2 KiB block.
pub const MAX_IDAWS: usize = 33;

/// The four bytes of a format-1 IDAW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawIdaw1(pub [u8; 4]);

impl RawIdaw1 {
    /// Whether bit 0, which must be zero, is one.
    pub const fn bit0(self) -> bool {
        self.0[0] & 0x80 != 0
    }

    /// The address in bits 1-31.
    pub const fn decode<S>(self) -> Addr31<S> {
        Addr31::truncate(u32::from_be_bytes(self.0))
    }

    /// The IDAW that designates `addr`.
    pub const fn encode<S>(addr: Addr31<S>) -> Self {
        Self(addr.get().to_be_bytes())
    }
}

/// The eight bytes of a format-2 IDAW, whatever they are: all 64 bits are the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawIdaw2(pub [u8; 8]);

impl RawIdaw2 {
    /// The address.
    pub const fn decode<S>(self) -> Addr<S> {
        Addr::new(u64::from_be_bytes(self.0))
    }

    /// The IDAW that designates `addr`.
    pub const fn encode<S>(addr: Addr<S>) -> Self {
        Self(addr.get().to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Guest, GuestAddr, RawOrb, orb::word1};

    const ALL: [IdawFormat; 3] = [IdawFormat::One, IdawFormat::Two2K, IdawFormat::Two4K];

    #[test]
    fn h_and_t_choose_the_form() {
        let rows = [
            (0, IdawFormat::One, 4, 2048),
            (word1::IDAW_2K, IdawFormat::One, 4, 2048),
            (
                word1::FORMAT2_IDAWS | word1::IDAW_2K,
                IdawFormat::Two2K,
                8,
                2048,
            ),
            (word1::FORMAT2_IDAWS, IdawFormat::Two4K, 8, 4096),
        ];
        for (bits, format, size, block) in rows {
            let orb = Orb::<Guest>::decode(&RawOrb::from_words([0, bits, 0]));
            assert_eq!(IdawFormat::of(&orb), format);
            assert_eq!((format.size(), format.block()), (size, block));
        }
    }

    #[test]
    fn how_many() {
        let words = |format: IdawFormat, addr, count, backward| {
            format.words(GuestAddr::new(addr), count, backward)
        };
        let rows = [
            (IdawFormat::Two4K, 0x0000, 0, 0, 0),
            (IdawFormat::Two4K, 0x0fff, 1, 1, 1),
            (IdawFormat::Two4K, 0x0fff, 2, 2, 1),
            (IdawFormat::Two4K, 0x1000, 2, 1, 2),
            (IdawFormat::Two4K, 0x1000, 0x1001, 2, 2),
            (IdawFormat::Two4K, 0x1000, 0x1002, 2, 3),
            (IdawFormat::Two4K, 0x0fff, 0xffff, 17, 16),
            (IdawFormat::Two4K, 0x1000, 0xffff, 16, 17),
            (IdawFormat::One, 0x07ff, 0xffff, 33, 32),
            (IdawFormat::Two2K, 0x0800, 0xffff, 32, 33),
            (IdawFormat::Two2K, u64::MAX, 0xffff, 33, 32),
        ];
        for (format, addr, count, forward, backward) in rows {
            assert_eq!(
                words(format, addr, count, false),
                forward,
                "{addr:x} {count:x}"
            );
            assert_eq!(
                words(format, addr, count, true),
                backward,
                "{addr:x} {count:x}"
            );
        }
    }

    #[test]
    fn words_by_hand() {
        let raw = RawIdaw1([0x80, 0x12, 0x34, 0x56]);
        assert!(raw.bit0());
        assert_eq!(raw.decode::<Guest>().get(), 0x0012_3456);
        assert_eq!(
            RawIdaw1::encode(raw.decode::<Guest>()).0,
            [0, 0x12, 0x34, 0x56]
        );
        assert!(!RawIdaw1([0x7f, 0xff, 0xff, 0xff]).bit0());
        let raw = RawIdaw2([0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10]);
        assert_eq!(raw.decode::<Guest>().get(), 0xfedc_ba98_7654_3210);
        assert_eq!(RawIdaw2::encode(raw.decode::<Guest>()), raw);
    }

    proptest! {
        /// The count agrees with going through the blocks one by one.
        #[test]
        fn words_are_as_many_as_blocks(offset in 0..8192_u64, count: u16, backward: bool) {
            for format in ALL {
                let mut addr = GuestAddr::new(0x10_0000 + offset);
                let mut left = u64::from(count);
                let mut words = 0;
                while left > 0 {
                    let block = if backward {
                        addr.block_offset(format.block()) + 1
                    } else {
                        addr.block_remainder(format.block())
                    };
                    prop_assert!(words == 0 || block == format.block());
                    let part = left.min(block);
                    left -= part;
                    let next = if backward {
                        addr.checked_sub(part)
                    } else {
                        addr.checked_add(part)
                    };
                    addr = next.unwrap();
                    words += 1;
                }
                let first = GuestAddr::new(0x10_0000 + offset);
                prop_assert_eq!(format.words(first, count, backward), words);
                prop_assert!(usize::from(words) <= MAX_IDAWS);
            }
        }
    }
}
