// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules for the data of one CCW, on the copy: how many bytes of it can move, and which
//! condition forbids the next one.

use ccw::{
    Ccw, CcwFlags, Guest, GuestAddr, IdawFormat, MIDAL_PAGE, MIDAW_SIZE, Midaw, MidawFlags,
    RawMidaw,
};
use pinning::{Lookup, Permission};

use crate::{
    AddressLimit, Buffers, Code, Guards,
    chain::Op,
    memory::{KEY_BLOCK, key_allows},
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

/// What a check needs to know besides the node.
pub(crate) struct Checker<'a, 'm> {
    pub(crate) work: &'a Buffers,
    pub(crate) lookup: Lookup<'m>,
    pub(crate) guards: &'a Guards<'a>,
    /// The limit, if the ORB asks for it.
    pub(crate) limit: Option<AddressLimit>,
}

impl Checker<'_, '_> {
    /// What stops the transfer of `node`, if anything does.
    #[inline]
    pub(crate) fn check(&mut self, node: &Node) -> Option<DataFault> {
        let ccw = node.ccw(self.work.orb.format);
        if ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
            self.midal(node, ccw)
        } else if ccw.flags.contains(CcwFlags::INDIRECT) {
            self.idal(node, ccw)
        } else {
            self.direct(node, ccw)
        }
    }

    fn direct(&mut self, node: &Node, ccw: Ccw<Guest>) -> Option<DataFault> {
        let first = ccw.addr.widen();
        let count = u64::from(ccw.count);
        let (room, beyond) = if node.op == Op::Backward {
            (first.get() + 1, Code::DataRbUnderflow)
        } else {
            (
                self.work.orb.format.limit().saturating_sub(first.get()),
                Code::DataWrap,
            )
        };
        let (good, code) = self.area(first, count.min(room), node.op, Code::DataUnavail);
        let code = code.or((good < count).then_some(beyond))?;
        Some(DataFault {
            code,
            good: narrow(good),
            list_word: None,
            data: data_at(first, good, node.op),
        })
    }

    fn idal(&mut self, node: &Node, ccw: Ccw<Guest>) -> Option<DataFault> {
        let format = IdawFormat::of(&self.work.orb);
        let mask = format.block() - 1;
        let backward = node.op == Op::Backward;
        let mut left = u64::from(ccw.count);
        let mut k: u16 = 0;
        for &word in self.work.list(node) {
            let at = GuestAddr::new(word);
            let (aligned, len) = if backward {
                (word.wrapping_add(1) & mask == 0, (word & mask) + 1)
            } else {
                (word & mask == 0, mask + 1 - (word & mask))
            };
            let len = len.min(left);
            let fault = if format == IdawFormat::One && word >> 31 != 0 {
                Some((Code::Idaw1Bit0, 0))
            } else if k > 0 && !aligned {
                Some((
                    if backward {
                        Code::IdawAlignRb
                    } else {
                        Code::IdawAlign
                    },
                    0,
                ))
            } else {
                let (good, code) = self.area(at, len, node.op, Code::IdawDataUnavail);
                code.map(|code| (code, good))
            };
            if let Some((code, good)) = fault {
                let moved = u64::from(ccw.count) - left + good;
                let word_at_fault =
                    matches!(code, Code::Idaw1Bit0 | Code::IdawAlign | Code::IdawAlignRb);
                return Some(DataFault {
                    code,
                    good: narrow(moved),
                    list_word: Some(k),
                    data: if word_at_fault {
                        None
                    } else {
                        data_at(at, good, node.op)
                    },
                });
            }
            left -= len;
            k += 1;
        }
        (left > 0).then(|| DataFault {
            code: self.unreadable(
                ccw,
                u64::from(k) * format.size(),
                [Code::IdalWrap, Code::IdalProt, Code::IdalUnavail],
            ),
            good: narrow(u64::from(ccw.count) - left),
            list_word: Some(k),
            data: None,
        })
    }

    /// Why the list word `offset` bytes into the list of `ccw` could not be read: beyond the
    /// limit of its format, protected, or not there.
    fn unreadable(&self, ccw: Ccw<Guest>, offset: u64, [wrap, prot, gone]: [Code; 3]) -> Code {
        let at = GuestAddr::new(u64::from(ccw.addr.get()) + offset);
        if at.get() >= self.work.orb.format.limit() {
            return wrap;
        }
        match self.guards.keys {
            Some(keys) if !key_allows(keys, self.work.orb.key, at, false) => prot,
            _ => gone,
        }
    }

    fn midal(&mut self, node: &Node, ccw: Ccw<Guest>) -> Option<DataFault> {
        let (pairs, _) = self.work.list(node).as_chunks::<2>();
        let mut left = ccw.count;
        let mut k: u16 = 0;
        for &[high, low] in pairs {
            let raw = RawMidaw(((u128::from(high) << 64) | u128::from(low)).to_be_bytes());
            let midaw = Midaw::<Guest>::decode(raw);
            let moved = ccw.count - left;
            let fault = |code, good: u64, data| {
                Some(DataFault {
                    code,
                    good: moved.saturating_add(narrow(good)),
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
                let room = if node.op == Op::Backward {
                    midaw.addr.block_offset(MIDAL_PAGE) + 1
                } else {
                    midaw.addr.block_remainder(MIDAL_PAGE)
                };
                let len = u64::from(midaw.count);
                if len > room {
                    return fault(Code::MidawPage, 0, None);
                }
                let (good, code) = self.area(midaw.addr, len, node.op, Code::MidawDataUnavail);
                if let Some(code) = code {
                    return fault(code, good, data_at(midaw.addr, good, node.op));
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

    /// How many of `len` bytes from `first`, upward or for read backward downward, the operation
    /// may use, and what forbids the next.
    #[inline]
    fn area(
        &mut self,
        first: GuestAddr,
        len: u64,
        op: Op,
        unavailable: Code,
    ) -> (u64, Option<Code>) {
        if op != Op::Backward
            && self.guards.keys.is_none()
            && self.limit.is_none()
            && let Some(region) = self.lookup.region(first)
            && region
                .offset(first)
                .is_some_and(|offset| region.len - offset >= len)
            && (op == Op::Output || region.permission == Permission::ReadWrite)
        {
            return (len, None);
        }
        self.blocks(first, len, op, unavailable)
    }

    /// [`area`](Self::area), block by block.
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
            good += if op == Op::Backward {
                at.block_offset(KEY_BLOCK) + 1
            } else {
                at.block_remainder(KEY_BLOCK)
            };
        }
        (len, None)
    }

    /// What forbids the operation the byte `at`.
    fn byte(&mut self, at: GuestAddr, op: Op, unavailable: Code) -> Option<Code> {
        let store = op != Op::Output;
        let Some(region) = self.lookup.region(at) else {
            return Some(unavailable);
        };
        if let Some(keys) = self.guards.keys
            && !key_allows(keys, self.work.orb.key, at, store)
        {
            return Some(if store {
                Code::DataProtStore
            } else {
                Code::DataProtFetch
            });
        }
        match self.limit {
            Some(AddressLimit::AtLeast(limit)) if at < limit => return Some(Code::DataLimit),
            Some(AddressLimit::Below(limit)) if at >= limit => return Some(Code::DataLimit),
            _ => {}
        }
        (store && region.permission != Permission::ReadWrite).then_some(Code::EnvReadonly)
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

/// A number of bytes of one CCW.
fn narrow(bytes: u64) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}
