// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where a condition is met: the word that decides, and which of its bits.

use ccw::{Format, IdawFormat};

use crate::{Buffers, Code, Site, commands::Refusal, data::DataFault, finding::Word, orb};

/// Where in the ORB `code` was met.
pub(crate) fn orb_site(work: &Buffers, code: Code) -> Site {
    let (word, bits) = match code {
        Code::OrbTmRsvd => (1, orb::transport_reserved(&work.raw_orb)),
        _ => orb::place(code),
    };
    let bytes = work.raw_orb.word(usize::from(word)).to_be_bytes();
    Site {
        word: Word::new(&bytes),
        bits: Some(bits),
        ..Site::default()
    }
}

/// Where `code` was met at node `n`.
pub(crate) fn site(work: &Buffers, code: Code, n: u16, data: Option<DataFault>) -> Site {
    let mut site = work.ccw_site(n, ccw_bits(code, work.orb.format));
    if matches!(
        code,
        Code::CcwaAlignCpa | Code::CcwaCpa16m | Code::CcwaCpaUnavail
    ) {
        let orb = orb_site(work, code);
        return Site {
            at: None,
            word: orb.word,
            bits: orb.bits,
            index: None,
            ..site
        };
    }
    if let Some(refusal) = work.commands.refusal(n).filter(|it| it.code == code) {
        return parameters_site(work, site, n, refusal);
    }
    let Some(node) = work.nodes.get(usize::from(n)) else {
        return site;
    };
    if node.is_unread() {
        site.word = Word::default();
    }
    let Some(fault) = data else { return site };
    site.data = fault.data;
    let Some(k) = fault.list_word else {
        return site;
    };
    site.list_word = Some(k);
    let list = node.ccw().addr.widen();
    let format = IdawFormat::of(&work.orb);
    let (size, words) = if node.is_midal() {
        (16, 2)
    } else {
        (format.size(), 1)
    };
    site.at = list.checked_add(u64::from(k) * size);
    site.bits = list_bits(code, size, format.block());
    let from = usize::from(k) * words;
    let mut bytes = [0; 16];
    let mut len = 0;
    for value in work.list(node).iter().skip(from).take(words) {
        let word = if size == 4 {
            value.get(4..).unwrap_or(&[])
        } else {
            value
        };
        for (to, &byte) in bytes.iter_mut().skip(len).zip(word) {
            *to = byte;
        }
        len += word.len();
    }
    site.word = Word::new(bytes.get(..len).unwrap_or(&[]));
    site
}

/// Where in the parameters of the command of node `n`, or in its CCW, it was refused.
fn parameters_site(work: &Buffers, site: Site, n: u16, refusal: Refusal) -> Site {
    let Some((first, bits)) = refusal.bits else {
        return site;
    };
    let bytes = work.commands.bytes_of(n).get(usize::from(first)..);
    Site {
        at: work.commands.place(n, first),
        word: Word::new(bytes.unwrap_or(&[])),
        bits: Some(bits),
        ..site
    }
}

/// The bits of a CCW that `code` is about.
pub(crate) fn ccw_bits(code: Code, format: Format) -> Option<(u8, u8)> {
    let zero = format == Format::Zero;
    let flag = |n: u8| {
        if zero {
            (32 + n, 32 + n)
        } else {
            (8 + n, 8 + n)
        }
    };
    let count = if zero { (48, 63) } else { (16, 31) };
    let addr = if zero { (8, 31) } else { (33, 63) };
    Some(match code {
        Code::CmdZero | Code::CmdTicModifier | Code::SeqTicTic | Code::TicFirst => (0, 7),
        Code::PolicyCommand
        | Code::PolicyReadOnly
        | Code::PolicyExtent
        | Code::PolicyUnconfined
        | Code::PolicyParameters => (0, 7),
        Code::Tic1Flags => (8, 31),
        Code::Tic1Bit32 | Code::Fmt1Bit32 => (32, 32),
        Code::Cnt0Zero | Code::Cnt1ZeroCd | Code::Cnt1ZeroInCd => count,
        Code::MidaDisabled => flag(7),
        Code::MidaConflictIda => (flag(5).0, flag(7).0),
        Code::MidaConflictSkip => (flag(3).0, flag(7).0),
        Code::SuspNotAllowed | Code::SuspInCd | Code::EnvSuspend => flag(6),
        Code::SuspWithCd => (flag(0).0, flag(6).0),
        Code::CdFlags => (flag(1).0, flag(2).0),
        Code::SkipOutput => flag(3),
        Code::F0Byte5 => (40, 47),
        Code::ChainOpen => (flag(0).0, flag(1).0),
        Code::CcwaAlignTic
        | Code::CcwaTicUnavail
        | Code::IdalAlign
        | Code::MidalAlign
        | Code::DataWrap
        | Code::DataRbUnderflow
        | Code::DataUnavail
        | Code::DataProtStore
        | Code::DataProtFetch
        | Code::DataLimit
        | Code::EnvReadonly
        | Code::EnvLoop => addr,
        _ => return None,
    })
}

/// The bits of a list word of `size` bytes that `code` is about; IDAWs govern blocks of `block`
/// bytes.
fn list_bits(code: Code, size: u64, block: u64) -> Option<(u8, u8)> {
    Some(match (code, size) {
        // There is no word to show.
        (Code::IdalWrap | Code::IdalUnavail | Code::IdalProt, _) => return None,
        (Code::MidalUnavail | Code::MidalProt | Code::MidalPage, _) => return None,
        (Code::Idaw1Bit0, _) => (0, 0),
        (Code::IdawAlign | Code::IdawAlignRb, 4) => (21, 31),
        (Code::IdawAlign | Code::IdawAlignRb, _) if block == 2048 => (53, 63),
        (Code::IdawAlign | Code::IdawAlignRb, _) => (52, 63),
        (Code::MidawRsvd, _) => (0, 39),
        (Code::MidawFlagRsvd, _) => (43, 47),
        (Code::MidawDti, _) => (42, 42),
        (Code::MidawSumUnder | Code::MidawNolast, _) => (40, 40),
        (Code::MidawCountZero | Code::MidawCountOver | Code::MidawPage, _) => (48, 63),
        (_, 4) => (1, 31),
        (_, 8) => (0, 63),
        (_, _) => (64, 127),
    })
}
