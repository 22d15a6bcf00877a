// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules for the data of one CCW, on the copy: which storage it uses, how many bytes of it can
//! move, and which condition forbids the next one.

use alloc::vec::Vec;

use ccw::{
    Ccw, CcwFlags, Guest, GuestAddr, IdawFormat, MIDAL_PAGE, MIDAW_SIZE, Midaw, MidawFlags, Orb,
    RawMidaw,
};
use pinning::{Access, Extent, Lookup, Permission};

use crate::{
    AddressLimit, Code, Guards,
    chain::Op,
    memory::{KEY_BLOCK, key_allows},
    singles,
    work::Node,
};

/// What stops a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataFault {
    pub(crate) code: Code,
    /// Bytes that move before it.
    pub(crate) good: u16,
    /// Number of the list word in control.
    pub(crate) list_word: Option<u16>,
    /// The byte that cannot be used.
    pub(crate) data: Option<GuestAddr>,
}

/// The flags of CCWs that name a list.
const LISTS: CcwFlags = CcwFlags::INDIRECT.union(CcwFlags::MODIFIED_INDIRECT);

/// Reading backward, the largest piece of storage that one word of any host list addresses.
const BACKWARD_BLOCK: u64 = 2048;

/// Checks the data of a program, CCW by CCW, and collects the storage that it uses.
pub(crate) struct Checker<'a> {
    orb: &'a Orb<Guest>,
    key: u8,
    /// First address that a CCW of this format cannot name.
    end: u64,
    format: IdawFormat,
    /// Bit 0 of IDAWs of format 1, which must be zero.
    high: u64,
    guards: &'a Guards<'a>,
    lookup: Lookup<'a>,
    /// The address limit, if the ORB asks for it.
    limit: Option<AddressLimit>,
    /// Neither keys nor a limit: where storage is, it may be used.
    unguarded: bool,
    /// The storage that the CCWs so far use, in the order of their transfers.
    pub(crate) extents: Vec<Extent>,
    /// Lowest and highest address of control words.
    control: (u64, u64),
    /// Input came between them.
    near_control: bool,
}

/// A node that has more to say than which storage it uses.
pub(crate) struct Notable {
    /// How many nodes are done, up to and including this one.
    pub(crate) done: u16,
    /// What stops its data.
    pub(crate) fault: Option<DataFault>,
    /// It stores between the lowest and the highest control word.
    pub(crate) near_control: bool,
    /// How far the extents were filled before it.
    pub(crate) mark: Mark,
}

/// How far the extents were filled, so that a CCW's can be taken out again.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) extents: usize,
    last_len: u32,
}

impl<'a> Checker<'a> {
    /// A checker that adds to `extents`, for a program whose control words lie in `control`.
    pub(crate) fn new(
        orb: &'a Orb<Guest>,
        guards: &'a Guards<'a>,
        lookup: Lookup<'a>,
        extents: Vec<Extent>,
        control: (u64, u64),
    ) -> Self {
        let limit = if orb.limit_check { guards.limit } else { None };
        let format = IdawFormat::of(orb);
        let unguarded = guards.keys.is_none() && limit.is_none();
        Self {
            orb,
            key: orb.key,
            end: orb.format.limit(),
            format,
            high: if format == IdawFormat::One {
                1 << 31
            } else {
                0
            },
            guards,
            lookup,
            limit,
            unguarded,
            extents,
            control,
            near_control: false,
        }
    }

    /// Checks `nodes`, whose lists are in `words`, up to the first notable one, or only the first
    /// if `each` is set. None when all of them are done.
    #[inline(never)]
    pub(crate) fn check(
        &mut self,
        nodes: &mut [Node],
        words: &[[u8; 8]],
        each: bool,
    ) -> Option<Notable> {
        let mut done = 0;
        loop {
            let rest = nodes.get_mut(done..).unwrap_or(&mut []);
            if !each && self.unguarded && rest.first().is_some_and(Node::is_single) {
                done += self.singles(rest, words);
            }
            let node = nodes.get_mut(done)?;
            done += 1;
            let ccw = node.ccw();
            let quiet = !each && !node.is_notable();
            let mark = Mark::of(&self.extents);
            let mut fault = None;
            if node.op.transfers() {
                node.offset = narrow(node.first_byte(words) % 4096);
                fault = self.data(ccw, node.op, node.list_in(words));
                if fault.is_none() {
                    node.good = ccw.count;
                }
            }
            let near_control = core::mem::take(&mut self.near_control);
            if !quiet || near_control || fault.is_some() {
                return Some(Notable {
                    done: narrow(done as u64),
                    fault,
                    near_control,
                    mark,
                });
            }
        }
    }

    /// Takes the data of usual nodes with one area of it, as many as there are.
    #[inline(never)]
    fn singles(&mut self, nodes: &mut [Node], words: &[[u8; 8]]) -> usize {
        singles::take(
            nodes,
            words,
            self.orb,
            &mut self.lookup,
            self.control,
            &mut self.extents,
        )
    }

    /// What stops the transfer of a CCW, whose list is `list`, if anything does. The storage of
    /// the bytes before it is added to the extents.
    #[inline(never)]
    fn data(&mut self, ccw: Ccw<Guest>, op: Op, list: &[[u8; 8]]) -> Option<DataFault> {
        if !ccw.flags.intersects(LISTS) {
            self.direct(ccw, op)
        } else if ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
            self.midal(ccw, op, list)
        } else if op == Op::Backward {
            self.idal_backward(ccw, list)
        } else {
            self.idal(ccw, op, list)
        }
    }

    #[cold]
    fn direct(&mut self, ccw: Ccw<Guest>, op: Op) -> Option<DataFault> {
        let first = ccw.addr.widen();
        let count = u64::from(ccw.count);
        let (room, beyond) = if op == Op::Backward {
            (first.get() + 1, Code::DataRbUnderflow)
        } else {
            (self.end.saturating_sub(first.get()), Code::DataWrap)
        };
        let (good, code) = self.area(first, count.min(room), op, Code::DataUnavail);
        if good == count {
            return None;
        }
        Some(DataFault {
            code: code.unwrap_or(beyond),
            good: narrow(good),
            list_word: None,
            data: data_at(first, good, op),
        })
    }

    /// Lists for output and reading forward.
    #[inline(always)]
    fn idal(&mut self, ccw: Ccw<Guest>, op: Op, list: &[[u8; 8]]) -> Option<DataFault> {
        let block = self.format.block();
        let mask = block - 1;
        let high = self.high;
        let mut left = u64::from(ccw.count);
        let mut k = 0;
        while let Some(first) = list.get(k) {
            let start = u64::from_be_bytes(*first);
            if start & high != 0 {
                return Some(word_fault(Code::Idaw1Bit0, ccw, left, k));
            }
            if k > 0 && start & mask != 0 {
                return Some(word_fault(Code::IdawAlign, ccw, left, k));
            }
            // Words that go on where the block before ended are taken together.
            let from = k;
            let mut next = (start & !mask).wrapping_add(block);
            k += 1;
            for word in list.get(k..).unwrap_or(&[]) {
                if u64::from_be_bytes(*word) != next || next & high != 0 {
                    break;
                }
                next = next.wrapping_add(block);
                k += 1;
            }
            let len = left.min(next.wrapping_sub(start));
            left -= len;
            if let Some(fault) = self.idal_area(ccw, op, start, len, from, left) {
                return Some(fault);
            }
        }
        if left == 0 {
            return None;
        }
        let code = self.unreadable_idaw(ccw, list.len());
        Some(word_fault(code, ccw, left, list.len()))
    }

    /// Uses the `len` bytes from `start` of the words from number `from` on; `left` bytes come
    /// behind.
    #[inline(always)]
    fn idal_area(
        &mut self,
        ccw: Ccw<Guest>,
        op: Op,
        start: u64,
        len: u64,
        from: usize,
        left: u64,
    ) -> Option<DataFault> {
        let first = GuestAddr::new(start);
        let (good, code) = self.area(first, len, op, Code::IdawDataUnavail);
        let code = code?;
        let block = self.format.block();
        let words = (first.block_offset(block) + good) / block;
        Some(DataFault {
            code,
            good: narrow(u64::from(ccw.count) - left - len + good),
            list_word: Some(narrow(from as u64 + words)),
            data: data_at(first, good, op),
        })
    }

    #[cold]
    fn idal_backward(&mut self, ccw: Ccw<Guest>, list: &[[u8; 8]]) -> Option<DataFault> {
        let mask = self.format.block() - 1;
        let mut left = u64::from(ccw.count);
        for (k, word) in list.iter().enumerate() {
            let word = u64::from_be_bytes(*word);
            if self.format == IdawFormat::One && word >> 31 != 0 {
                return Some(word_fault(Code::Idaw1Bit0, ccw, left, k));
            }
            if k > 0 && word.wrapping_add(1) & mask != 0 {
                return Some(word_fault(Code::IdawAlignRb, ccw, left, k));
            }
            let len = left.min((word & mask) + 1);
            let first = GuestAddr::new(word);
            let (good, code) = self.area(first, len, Op::Backward, Code::IdawDataUnavail);
            if let Some(code) = code {
                return Some(DataFault {
                    code,
                    good: narrow(u64::from(ccw.count) - left + good),
                    list_word: Some(narrow(k as u64)),
                    data: data_at(first, good, Op::Backward),
                });
            }
            left -= len;
        }
        if left == 0 {
            return None;
        }
        Some(word_fault(
            self.unreadable_idaw(ccw, list.len()),
            ccw,
            left,
            list.len(),
        ))
    }

    /// Why IDAW number `k` could not be read.
    fn unreadable_idaw(&self, ccw: Ccw<Guest>, k: usize) -> Code {
        let offset = k as u64 * self.format.size();
        self.unreadable(
            ccw,
            offset,
            [Code::IdalWrap, Code::IdalProt, Code::IdalUnavail],
        )
    }

    /// Why the list word `offset` bytes into the list of `ccw` could not be read: beyond the
    /// limit of its format, protected, or not there.
    fn unreadable(&self, ccw: Ccw<Guest>, offset: u64, [wrap, prot, gone]: [Code; 3]) -> Code {
        let at = GuestAddr::new(u64::from(ccw.addr.get()) + offset);
        if at.get() >= self.end {
            return wrap;
        }
        match self.guards.keys {
            Some(keys) if !key_allows(keys, self.key, at, false) => prot,
            _ => gone,
        }
    }

    #[cold]
    fn midal(&mut self, ccw: Ccw<Guest>, op: Op, list: &[[u8; 8]]) -> Option<DataFault> {
        let (pairs, _) = list.as_chunks::<2>();
        let mut left = ccw.count;
        let mut k: u16 = 0;
        for pair in pairs {
            let raw = raw_midaw(pair);
            let midaw = Midaw::<Guest>::decode(raw);
            let moved = ccw.count - left;
            let fault = |code, good: u64, data| {
                let good = moved.saturating_add(narrow(good));
                Some(DataFault {
                    code,
                    good,
                    list_word: Some(k),
                    data,
                })
            };
            let skip = midaw.flags.contains(MidawFlags::SKIP);
            if !raw.reserved_is_zero() {
                return fault(Code::MidawRsvd, 0, None);
            }
            if raw.reserved_flags() != 0 {
                return fault(Code::MidawFlagRsvd, 0, None);
            }
            if midaw.flags.contains(MidawFlags::DATA_TRANSFER_INTERRUPTION) {
                return fault(Code::MidawDti, 0, None);
            }
            if midaw.count == 0 {
                return fault(Code::MidawCountZero, 0, None);
            }
            if midaw.count > left {
                return fault(Code::MidawCountOver, 0, None);
            }
            if !skip {
                let room = if op == Op::Backward {
                    midaw.addr.block_offset(MIDAL_PAGE) + 1
                } else {
                    midaw.addr.block_remainder(MIDAL_PAGE)
                };
                let len = u64::from(midaw.count);
                if len > room {
                    return fault(Code::MidawPage, 0, None);
                }
                let (good, code) = self.area(midaw.addr, len, op, Code::MidawDataUnavail);
                if let Some(code) = code {
                    return fault(code, good, data_at(midaw.addr, good, op));
                }
            }
            left -= midaw.count;
            if left > 0 && midaw.flags.contains(MidawFlags::LAST) {
                return fault(Code::MidawSumUnder, u64::from(midaw.count), None);
            }
            k += 1;
            if left == 0 {
                return None;
            }
        }
        let offset = u64::from(k) * MIDAW_SIZE;
        let at = GuestAddr::new(u64::from(ccw.addr.get()) + offset);
        let code = if k > 0 && at.is_aligned(MIDAL_PAGE) {
            Code::MidalPage
        } else {
            self.unreadable(
                ccw,
                offset,
                [Code::MidalUnavail, Code::MidalProt, Code::MidalUnavail],
            )
        };
        Some(DataFault {
            code,
            good: ccw.count - left,
            list_word: Some(k),
            data: None,
        })
    }

    /// Uses the `len` bytes from `first` upward, if they lie in one region; for who asks neither
    /// keys nor a limit.
    #[inline(always)]
    fn whole(&mut self, first: GuestAddr, len: u64, op: Op) -> bool {
        if let Some((region, offset)) = self.lookup.locate(first)
            && region.len - offset >= len
            && (op == Op::Output || region.permission == Permission::ReadWrite)
        {
            self.add(first.get(), len, access(op));
            true
        } else {
            false
        }
    }

    /// How many of `len` bytes from `first`, upward or for read backward downward, the operation
    /// may use, and what forbids the next. What may be used is added to the extents.
    #[inline(always)]
    fn area(
        &mut self,
        first: GuestAddr,
        len: u64,
        op: Op,
        unavailable: Code,
    ) -> (u64, Option<Code>) {
        self.near_control |= self.is_near_control(first, len, op);
        let plain = self.unguarded && op != Op::Backward;
        if len == 0 || (plain && self.whole(first, len, op)) {
            (len, None)
        } else {
            self.blocks(first, len, op, unavailable)
        }
    }

    /// [`area`](Self::area), block by block.
    #[cold]
    fn blocks(
        &mut self,
        first: GuestAddr,
        len: u64,
        op: Op,
        unavailable: Code,
    ) -> (u64, Option<Code>) {
        let mut good = 0;
        while good < len {
            let Some(at) = data_at(first, good, op) else {
                return (good, Some(unavailable));
            };
            if let Some(code) = self.byte(at, op, unavailable) {
                return (good, Some(code));
            }
            // Every boundary that matters is one of 4 KiB blocks.
            if op == Op::Backward {
                let here = (at.block_offset(BACKWARD_BLOCK) + 1).min(len - good);
                self.push(at.get() + 1 - here, here, access(op));
                good += here;
            } else {
                let here = at.block_remainder(KEY_BLOCK).min(len - good);
                self.add(at.get(), here, access(op));
                good += here;
            }
        }
        (len, None)
    }

    /// What forbids the operation the byte `at`: as for CCWs the limit and the end of storage
    /// come before the key.
    fn byte(&mut self, at: GuestAddr, op: Op, unavailable: Code) -> Option<Code> {
        let store = op != Op::Output;
        match self.limit {
            Some(AddressLimit::AtLeast(limit)) if at < limit.get() => return Some(Code::DataLimit),
            Some(AddressLimit::Below(limit)) if at >= limit.get() => return Some(Code::DataLimit),
            _ => {}
        }
        let Some(region) = self.lookup.region(at) else {
            return Some(unavailable);
        };
        if let Some(keys) = self.guards.keys
            && !key_allows(keys, self.key, at, store)
        {
            return Some(if store {
                Code::DataProtStore
            } else {
                Code::DataProtFetch
            });
        }
        (store && region.permission != Permission::ReadWrite).then_some(Code::EnvReadonly)
    }

    /// Adds an area of at most 65535 bytes: to the last extent, if it goes on there.
    #[inline]
    fn add(&mut self, start: u64, len: u64, access: Access) {
        singles::add(&mut self.extents, start, narrow(len), access);
    }

    #[inline]
    fn push(&mut self, start: u64, len: u64, access: Access) {
        #[expect(clippy::cast_possible_truncation, reason = "at most 65535")]
        let len = len as u32;
        self.extents.push(Extent {
            start: GuestAddr::new(start),
            len,
            access,
        });
    }

    /// Whether the operation stores between the lowest and the highest control word.
    #[inline]
    fn is_near_control(&self, first: GuestAddr, len: u64, op: Op) -> bool {
        let (low, high) = self.control;
        let size = high.saturating_sub(low);
        let start = match op {
            Op::Output => return false,
            Op::Backward => first.get().saturating_sub(len),
            _ => first.get(),
        };
        // From `len` below the lowest on.
        start.wrapping_add(len).wrapping_sub(low) <= size + len
    }
}

/// What the device does with the storage of an operation.
#[inline]
fn access(op: Op) -> Access {
    if op == Op::Output {
        Access::DeviceReads
    } else {
        Access::DeviceWrites
    }
}

impl Node {
    /// Whether it may be one of those that are taken together.
    fn is_single(&self) -> bool {
        self.usual && self.list_len <= 1
    }

    /// Its first byte of data; without a first list word one that no block holds.
    #[inline(always)]
    fn first_byte(&self, words: &[[u8; 8]]) -> u64 {
        let ccw = self.ccw();
        if !ccw.flags.contains(CcwFlags::INDIRECT) {
            return u64::from(ccw.addr.get());
        }
        let first = words.get(self.list as usize).filter(|_| self.list_len > 0);
        first.map_or(u64::MAX, |word| u64::from_be_bytes(*word))
    }
}

impl Mark {
    #[inline]
    fn of(extents: &[Extent]) -> Self {
        Self {
            extents: extents.len(),
            last_len: extents.last().map_or(0, |last| last.len),
        }
    }

    pub(crate) fn restore(self, extents: &mut Vec<Extent>) {
        extents.truncate(self.extents);
        if let Some(last) = extents.last_mut() {
            last.len = self.last_len;
        }
    }
}

/// The MIDAW in two list words.
pub(crate) fn raw_midaw(&[high, low]: &[[u8; 8]; 2]) -> RawMidaw {
    let mut raw = RawMidaw::default();
    let (halves, _) = raw.0.as_chunks_mut::<8>();
    for (to, from) in halves.iter_mut().zip([high, low]) {
        *to = from;
    }
    raw
}

/// List word number `k` is at fault, before any of its bytes has moved; `left` bytes are left.
fn word_fault(code: Code, ccw: Ccw<Guest>, left: u64, k: usize) -> DataFault {
    DataFault {
        code,
        good: narrow(u64::from(ccw.count) - left),
        list_word: Some(narrow(k as u64)),
        data: None,
    }
}

/// Byte number `n` of an area.
fn data_at(first: GuestAddr, n: u64, op: Op) -> Option<GuestAddr> {
    if op == Op::Backward {
        first.checked_sub(n)
    } else {
        first.checked_add(n)
    }
}

/// A number of bytes of one CCW, or of words of its list.
pub(crate) fn narrow(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
