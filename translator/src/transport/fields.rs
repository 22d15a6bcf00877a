// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in the control blocks a condition is met.

use ccw::{DCW_SIZE, Guest, GuestAddr, RawTcw, TCAH_SIZE, TCW_SIZE, Tcw, TcwFlags};

use super::Transport;
use crate::{Site, finding::Word};

/// Bits without meaning, word by word: the format, what is reserved, and not TIDAW format.
const RESERVED: [u32; TCW_SIZE / 4] = [
    0xfff8_3fff,
    0xff00_ffff,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    !0,
    !0,
    !0,
    0,
];

/// A field of a TCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    TidawFormat,
    TccbLength,
    Directions,
    Output,
    Input,
    Tsb,
    Tccb,
    OutputCount,
    InputCount,
    Interrogate,
}

impl Field {
    /// Offset and size in bytes, first and last bit.
    const fn place(self) -> (u64, usize, (u8, u8)) {
        match self {
            Self::TidawFormat => (0, 4, (16, 17)),
            Self::TccbLength => (4, 4, (8, 13)),
            Self::Directions => (4, 4, (14, 15)),
            Self::Output => (8, 8, (0, 63)),
            Self::Input => (16, 8, (0, 63)),
            Self::Tsb => (24, 8, (0, 63)),
            Self::Tccb => (32, 8, (0, 63)),
            Self::OutputCount => (40, 4, (0, 31)),
            Self::InputCount => (44, 4, (0, 31)),
            Self::Interrogate => (60, 4, (0, 31)),
        }
    }
}

/// The place of the first word with reserved bits that are one, in the TCW at `tcw`.
pub(super) fn reserved(raw: &RawTcw, tcw: GuestAddr) -> Option<Site> {
    let (words, _) = raw.0.as_chunks::<4>();
    let wrong = words.iter().zip(RESERVED).zip((0_u64..).step_by(4));
    let mut wrong = wrong.map(|((word, mask), at)| (word, u32::from_be_bytes(*word) & mask, at));
    let (word, bits, at) = wrong.find(|(_, bits, _)| *bits != 0)?;
    #[expect(clippy::cast_possible_truncation, reason = "at most 31")]
    let bits = (bits.leading_zeros() as u8, 31 - bits.trailing_zeros() as u8);
    Some(Site {
        at: tcw.checked_add(at),
        word: Word::new(word),
        bits: Some(bits),
        ..Site::default()
    })
}

impl Transport {
    /// The place of `field` of the TCW at `tcw`; of an address, what is said of its low `low` bits.
    pub(super) fn tcw_site(&self, tcw: GuestAddr, field: Field, low: u8) -> Site {
        let (offset, size, (first, last)) = field.place();
        let start = usize::try_from(offset).unwrap_or(TCW_SIZE);
        let bytes = self.tcw.0.get(start..start + size).unwrap_or_default();
        Site {
            at: tcw.checked_add(offset),
            word: Word::new(bytes),
            bits: Some((if low > 0 { last + 1 - low } else { first }, last)),
            ..Site::default()
        }
    }

    /// The place of `size` bytes of the TCCB from `offset` on.
    pub(super) fn tccb_site(&self, offset: usize, size: usize, bits: (u8, u8)) -> Site {
        let bytes = self.tccb.get(offset..).unwrap_or_default();
        let bytes = bytes.get(..size).unwrap_or(bytes);
        Site {
            at: self.tccb_at(offset),
            word: Word::new(bytes),
            bits: Some(bits).filter(|_| bytes.len() == size),
            ..Site::default()
        }
    }

    /// The place of DCW number `n`, which lies at `offset` of the command area.
    pub(super) fn dcw_site(&self, n: u16, offset: usize, bits: (u8, u8)) -> Site {
        Site {
            index: Some(n),
            ..self.tccb_site(TCAH_SIZE + offset, DCW_SIZE, bits)
        }
    }

    /// Where byte `offset` of the TCCB lies.
    pub(crate) fn tccb_at(&self, offset: usize) -> Option<GuestAddr> {
        let tcw = Tcw::<Guest>::decode(&self.tcw);
        let mut offset = u64::try_from(offset).ok()?;
        if !tcw.flags.contains(TcwFlags::TCCB_TIDA) {
            return tcw.tccb.checked_add(offset);
        }
        for entry in self.tccb_list.entries.iter().filter(|it| !it.is_jump()) {
            let area = entry.tidaw();
            match offset.checked_sub(u64::from(area.count)) {
                None => return area.addr.checked_add(offset),
                Some(behind) => offset = behind,
            }
        }
        None
    }
}
