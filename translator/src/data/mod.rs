// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules for the data of one CCW, on the copy: which storage it uses, how many bytes of it can
//! move, and which condition forbids the next one.

mod idal;
mod midal;
mod pieces;

pub(crate) use midal::{raw_midaw, skips};
pub(crate) use pieces::Piece;

use alloc::vec::Vec;

use ccw::{Ccw, CcwFlags, Guest, GuestAddr, IdawFormat, Orb};
use pinning::{Access, Extent, Lookup, Permission};

use crate::{
    AddressLimit, Code, Guards,
    chain::Op,
    memory::{KEY_BLOCK, key_allows},
    node::Node,
    singles,
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
        start.wrapping_add(len).wrapping_sub(low) <= size.saturating_add(len)
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
