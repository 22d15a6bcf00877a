// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What may be an ORB or a channel program, by a look at its words.
//!
//! Not the rules of a machine: what is passed over here may be legal, but nobody writes it.

use ccw::orb::word1;
use ccw::{CcwFlags, Class, Command, Format, ORB_SIZE, RawCcw, RawOrb};

/// Bytes of the words of an ORB that are looked at first.
pub(super) const ORB_WORDS: usize = 12;

/// Bytes of a CCW.
pub(super) const CCW: usize = 8;

/// Whether words 1 and 2 may be those of an ORB, in storage that ends at `end`.
#[inline]
pub(super) const fn orb(word1: u32, word2: u32, end: u64) -> bool {
    const LPM: u32 = 0xff00;
    if word1 & word1::RESERVED != 0 || word1 & LPM == 0 || word2 == 0 {
        return false;
    }
    let odd = if word1 & word1::TRANSPORT != 0 {
        if word1 & word1::TRANSPORT_RESERVED != 0 {
            return false;
        }
        0x8000_003f
    } else {
        0x8000_0007
    };
    word2 & odd == 0 && (word2 as u64) < end
}

/// Whether an ORB has what belongs into its extension.
pub(super) fn extension(raw: &RawOrb) -> bool {
    raw.word(1) & word1::EXTENSION == 0
        || raw.word(3) & 0x00ff_00ff == 0 && (4..ORB_SIZE / 4).all(|n| raw.word(n) == 0)
}

/// What may come behind a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A CCW that is chained to.
    Chained,
    /// Nothing: it is the last, or leads elsewhere.
    End,
}

/// What may come behind `raw`, if it may be a CCW in storage that ends at `end`. After one that chains
/// data the command code has no meaning.
#[inline]
pub(super) const fn ccw(raw: RawCcw, format: Format, end: u64, after_data: bool) -> Option<Next> {
    let word = raw.format1(format);
    if word == 0 || raw.bit32(format) || raw.ignored(format) != 0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "each cuts its field out")]
    let (command, flags, count, addr) = (
        Command((word >> 56) as u8),
        (word >> 48) as u8,
        (word >> 32) as u16,
        word as u32,
    );
    if addr as u64 >= end {
        return None;
    }
    if command.is_tic(format) {
        let plain = matches!(format, Format::Zero) || flags == 0 && count == 0;
        return if plain && addr & 7 == 0 && addr != 0 {
            Some(Next::End)
        } else {
            None
        };
    }
    let flags = CcwFlags::from_bits_retain(flags);
    let class = command.class();
    let control = matches!(class, Class::Control) && !after_data;
    if matches!(class, Class::Invalid) && !after_data {
        return None;
    }
    // In format 0 bit 39 must be zero, and both in one CCW mean nothing.
    let lists = CcwFlags::INDIRECT.bits() | CcwFlags::MODIFIED_INDIRECT.bits();
    if flags.bits() & lists == lists
        || matches!(format, Format::Zero) && flags.bits() & CcwFlags::MODIFIED_INDIRECT.bits() != 0
    {
        return None;
    }
    // Without data there is no address, and perhaps no count.
    if !control && (count == 0 || addr == 0) {
        return None;
    }
    let chains = CcwFlags::CHAIN_DATA.bits() | CcwFlags::CHAIN_COMMAND.bits();
    Some(if flags.bits() & chains != 0 {
        Next::Chained
    } else {
        Next::End
    })
}

/// How many CCWs, chained one behind the other, `bytes` may begin with: two at least, and the last ends
/// the program or leads elsewhere.
pub(super) fn chain(bytes: &[u8], format: Format, end: u64) -> Option<u16> {
    let (ccws, _) = bytes.as_chunks::<CCW>();
    let mut after_data = false;
    for (n, raw) in (1..).zip(ccws) {
        let raw = RawCcw(*raw);
        match ccw(raw, format, end, after_data)? {
            Next::Chained => after_data = raw.flags(format).contains(CcwFlags::CHAIN_DATA),
            Next::End => return (n > 1).then_some(n),
        }
    }
    None
}

/// Whether `raw` may be a CCW that chains to the one behind it.
#[inline]
pub(super) const fn chains(raw: RawCcw, format: Format, end: u64) -> bool {
    matches!(ccw(raw, format, end, false), Some(Next::Chained))
}
