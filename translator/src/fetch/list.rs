// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading the list that a CCW names. "PoP: Indirect Data Addressing", "PoP: MIDAW".
//!
//! Only the words that the count needs are read: what stands behind them is no IDAW.

use alloc::vec::Vec;

use ccw::{
    Addr, Ccw, CcwFlags, Guest, GuestAddr, IdawFormat, MAX_IDAWS, MIDAL_PAGE, MIDAW_SIZE, Midaw,
    MidawFlags, Orb, RawMidaw,
};

use crate::{
    Buffers, Code, Guards, GuestStorage, chain::Op, limits::MAX_MIDAWS, memory::keyed_prefix,
};

/// Which lists of a program are read without further thought: those of doublewords that begin
/// below an address, with no keys to ask for.
#[derive(Clone, Copy)]
pub(crate) struct Simple {
    /// First address at which the longest list might pass the limit of the format.
    end: u32,
    block: u64,
}

impl Simple {
    pub(crate) fn new(orb: &Orb<Guest>, guards: &Guards<'_>) -> Self {
        const LONGEST: u64 = MAX_IDAWS as u64 * 8;
        let format = IdawFormat::of(orb);
        let simple = format.size() == 8 && guards.keys.is_none();
        let end = if simple {
            orb.format.limit() - LONGEST
        } else {
            0
        };
        Self {
            end: u32::try_from(end).unwrap_or(0),
            block: format.block(),
        }
    }

    /// Reads the list of the last node if it is one of these and does not run backward, otherwise
    /// by [`fetch`], whose answer it gives.
    #[inline(always)]
    pub(crate) fn fetch<G: GuestStorage>(
        self,
        work: &mut Buffers,
        storage: &G,
        guards: &Guards<'_>,
    ) -> bool {
        let Buffers {
            nodes,
            words,
            control,
            ..
        } = &mut *work;
        let Some(node) = nodes.last_mut().filter(|node| node.usual) else {
            return fetch(work, storage, guards);
        };
        let Ccw { addr, count, .. } = node.ccw();
        if addr.get() >= self.end || !addr.widen().is_aligned(8) {
            return fetch(work, storage, guards);
        }
        let at = addr.widen();
        let Some(first) = storage.read_doubleword(at) else {
            return true;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 512 words for each of 65535 CCWs"
        )]
        {
            node.list = words.len() as u32;
        }
        words.push(first);
        let last = (u64::from_be_bytes(first) & (self.block - 1)) + u64::from(count) - 1;
        let read = if last < self.block {
            1
        } else {
            1 + doublewords(words, storage, at, last >> self.block.trailing_zeros())
        };
        node.list_len = read;
        control.0 = control.0.min(at.get());
        control.1 = control.1.max(at.get() + u64::from(read) * 8);
        true
    }
}

/// Reads the `n` doublewords behind that at `at`, as many as there are.
#[inline]
fn doublewords<G: GuestStorage>(
    words: &mut Vec<[u8; 8]>,
    storage: &G,
    at: GuestAddr,
    n: u64,
) -> u16 {
    let Some(behind) = at.checked_add(8) else {
        return 0;
    };
    // Read where they stay; a last word that is not whole is dropped.
    let start = words.len();
    #[expect(clippy::cast_possible_truncation, reason = "at most 32")]
    let n = n as usize;
    words.resize(start + n, [0; 8]);
    let bytes = words.get_mut(start..).unwrap_or(&mut []).as_flattened_mut();
    let read = (storage.read(behind, bytes) / 8).min(n);
    words.truncate(start + read);
    #[expect(clippy::cast_possible_truncation, reason = "at most 32")]
    {
        read as u16
    }
}

/// Reads the list of the last node, whose CCW has IDA or MIDA and moves data; says whether a list
/// can begin where the CCW says. If not, that is a fault of the CCW.
///
/// Words that cannot be read are missing afterwards; whether they are needed is for the validator
/// to say.
pub(crate) fn fetch<G: GuestStorage>(work: &mut Buffers, storage: &G, guards: &Guards<'_>) -> bool {
    let format = IdawFormat::of(&work.orb);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 512 words for each of 65535 CCWs"
    )]
    let start = work.words.len() as u32;
    let Some(node) = work.nodes.last_mut() else {
        return false;
    };
    let (at, count) = (node.ccw().addr.widen(), node.ccw().count);
    let backward = node.op == Op::Backward;
    let midal = node.ccw().flags.contains(CcwFlags::MODIFIED_INDIRECT);
    let (size, fault) = if midal {
        (MIDAW_SIZE, Code::MidalAlign)
    } else {
        (format.size(), Code::IdalAlign)
    };
    if !at.is_aligned(size) {
        node.op = Op::Fault;
        node.fault = Some(fault);
        node.usual = false;
        return false;
    }
    let read = if midal {
        midaws(work, storage, guards, at, count)
    } else {
        idaws(work, storage, guards, at, format, count, backward)
    };
    work.widen_control(at.get(), u64::from(read) * size);
    if let Some(node) = work.nodes.last_mut() {
        node.list = start;
        node.list_len = read;
    }
    true
}

/// Bytes of a list at `at` that the program may fetch, of `len` wanted.
#[inline]
fn permitted(work: &Buffers, guards: &Guards<'_>, at: GuestAddr, len: u64) -> u64 {
    let below = work.orb.format.limit().saturating_sub(at.get());
    let len = len.min(below);
    match guards.keys {
        Some(keys) => keyed_prefix(keys, work.orb.key, at, len, false),
        None => len,
    }
}

fn idaws<G: GuestStorage>(
    work: &mut Buffers,
    storage: &G,
    guards: &Guards<'_>,
    at: GuestAddr,
    format: IdawFormat,
    count: u16,
    backward: bool,
) -> u16 {
    // The first IDAW tells how many there are.
    let size = format.size();
    if permitted(work, guards, at, size) < size {
        return 0;
    }
    let Some(first) = first_idaw(storage, at, format) else {
        return 0;
    };
    work.words.push(first);
    let words = format.words(
        Addr::<Guest>::new(u64::from_be_bytes(first)),
        count,
        backward,
    );
    if words < 2 {
        return words;
    }
    let Some(second) = at.checked_add(size) else {
        return 1;
    };
    let want = permitted(work, guards, second, u64::from(words - 1) * size);
    if size == 8 {
        return 1 + doublewords(&mut work.words, storage, at, want / 8);
    }
    let mut bytes = [0; (MAX_IDAWS - 1) * 4];
    let Some(bytes) = usize::try_from(want)
        .ok()
        .and_then(|want| bytes.get_mut(..want))
    else {
        return 1;
    };
    let got = storage.read(second, bytes);
    let (whole, _) = bytes.get(..got).unwrap_or(&[]).as_chunks::<4>();
    work.words
        .extend(whole.iter().map(|&[a, b, c, d]| [0, 0, 0, 0, a, b, c, d]));
    #[expect(clippy::cast_possible_truncation, reason = "at most 33")]
    {
        1 + whole.len() as u16
    }
}

/// The IDAW at `at`; one of format 1 is the low half of the word.
fn first_idaw<G: GuestStorage>(storage: &G, at: GuestAddr, format: IdawFormat) -> Option<[u8; 8]> {
    if format.size() == 8 {
        return storage.read_doubleword(at);
    }
    let mut low = [0; 4];
    let read = storage.read(at, &mut low);
    let [a, b, c, d] = low;
    (read == low.len()).then_some([0, 0, 0, 0, a, b, c, d])
}

fn midaws<G: GuestStorage>(
    work: &mut Buffers,
    storage: &G,
    guards: &Guards<'_>,
    start: GuestAddr,
    count: u16,
) -> u16 {
    let mut left = count;
    let mut read = 0;
    while usize::from(read) < MAX_MIDAWS {
        let Some(at) = start.checked_add(u64::from(read) * MIDAW_SIZE) else {
            break;
        };
        if (read > 0 && at.is_aligned(MIDAL_PAGE))
            || permitted(work, guards, at, MIDAW_SIZE) < MIDAW_SIZE
        {
            break;
        }
        let mut bytes = [0; 16];
        if storage.read(at, &mut bytes) < bytes.len() {
            break;
        }
        let raw = RawMidaw(bytes);
        let (halves, _) = bytes.as_chunks::<8>();
        work.words.extend_from_slice(halves);
        read += 1;
        let midaw = Midaw::<Guest>::decode(raw);
        let sound = raw.reserved_is_zero() && raw.reserved_flags() == 0;
        if !sound
            || midaw.count == 0
            || midaw.count >= left
            || midaw.flags.contains(MidawFlags::LAST)
        {
            break;
        }
        left -= midaw.count;
    }
    read
}
