// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules for an ORB. "PoP: ORB", "PoP: START SUBCHANNEL".

use ccw::{CCW_SIZE, GuestAddr, RawOrb, orb::word1};

use crate::{Buffers, Code, Policy};

/// The condition for which START SUBCHANNEL refuses `raw`, if there is one: an exception, which comes
/// before any condition code.
#[inline]
pub fn fault(raw: &RawOrb, policy: &Policy) -> Option<Code> {
    const ASKED: u32 = word1::RESERVED
        | word1::TRANSPORT
        | word1::MIDAW
        | word1::LENGTH_SUPPRESSION
        | word1::EXTENSION;
    if raw.word(1) & ASKED == 0 && raw.word(2) < 1 << 31 {
        None
    } else {
        rare_fault(raw, policy)
    }
}

#[cold]
fn rare_fault(raw: &RawOrb, policy: &Policy) -> Option<Code> {
    let w1 = raw.word(1);
    let facilities = &policy.facilities;
    let has = |mask| w1 & mask != 0;
    let rules = [
        (has(word1::RESERVED), Code::OrbRsvd),
        (raw.word(2) & 0x8000_0000 != 0, Code::OrbCpaBit0),
        (
            has(word1::TRANSPORT) && !facilities.transport,
            Code::OrbBUnsupported,
        ),
        (
            has(word1::MIDAW) && !facilities.midaw,
            Code::OrbDUnsupported,
        ),
        (
            has(word1::LENGTH_SUPPRESSION) && !facilities.length_suppression,
            Code::OrbLUnsupported,
        ),
        (
            has(word1::EXTENSION) && !facilities.orb_extension,
            Code::OrbXUnsupported,
        ),
        (
            has(word1::TRANSPORT) && raw.transport_reserved() != 0,
            Code::OrbTmRsvd,
        ),
        (
            has(word1::TRANSPORT) && raw.tcw_offset() != 0,
            Code::TcwAlign,
        ),
    ];
    rules
        .iter()
        .find(|(broken, _)| *broken)
        .map(|&(_, code)| code)
}

/// Word and bits of the ORB that `code` is about.
pub(crate) const fn place(code: Code) -> (u16, (u8, u8)) {
    match code {
        Code::OrbRsvd => (1, (26, 30)),
        Code::OrbCpaBit0 => (2, (0, 0)),
        Code::OrbBUnsupported | Code::EnvTransportLowering => (1, (13, 13)),
        Code::OrbDUnsupported => (1, (25, 25)),
        Code::OrbLUnsupported => (1, (24, 24)),
        Code::OrbXUnsupported => (1, (31, 31)),
        Code::OrbTmRsvd => (1, (4, 30)),
        Code::TcwAlign => (2, (26, 31)),
        Code::CcwaAlignCpa => (2, (29, 31)),
        Code::CcwaCpa16m => (2, (1, 7)),
        Code::EnvNoprefetch => (1, (9, 9)),
        Code::TcwUnavail | Code::TcwProt => (2, (1, 25)),
        _ => (2, (1, 31)),
    }
}

/// First and last of the reserved bits that are one in word 1 of a transport-mode ORB.
pub(crate) fn transport_reserved(raw: &RawOrb) -> (u8, u8) {
    let wrong = raw.transport_reserved();
    let first = wrong.leading_zeros().min(31);
    (first as u8, 31 - wrong.trailing_zeros().min(31) as u8)
}

/// First and last bit, counted from byte 12, of the bytes of an extension that should be zero and
/// are not.
pub(crate) fn extension_reserved(raw: &RawOrb) -> Option<(u8, u8)> {
    if raw.word(1) & word1::EXTENSION == 0 {
        return None;
    }
    let reserved = |n| n == 1 || n >= 3;
    let extension = (0u8..).zip(raw.0.iter().skip(12));
    let mut wrong = extension.filter(|&(n, &byte)| byte != 0 && reserved(n));
    let (first, _) = wrong.next()?;
    let last = wrong.last().map_or(first, |(n, _)| n);
    Some((first * 8, last * 8 + 7))
}

/// The condition that stops the channel before it fetches the first CCW of a part.
pub(crate) fn entry_fault(work: &Buffers, entry: u32) -> Option<Code> {
    let entry = GuestAddr::new(u64::from(entry));
    if !entry.is_aligned(CCW_SIZE) {
        Some(Code::CcwaAlignCpa)
    } else if entry.get() < work.orb.format.limit() {
        None
    } else if work.goes_on() {
        Some(Code::CcwaWrap)
    } else {
        Some(Code::CcwaCpa16m)
    }
}
