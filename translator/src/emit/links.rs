// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writing data that the host does not take as the guest gives it: as one list of blocks, as several
//! host CCWs, or as a list that leads to a copy.

use ccw::{Ccw, CcwFlags, Host, HostAddr, RawCcw};

use super::{Emitter, code, write_blocks};
use crate::{
    Code,
    arrangement::{HostSlot, links::Link},
    chain::Op,
    node::Node,
};

/// The flags of a guest's CCW that name its list, and the one that was judged before.
const DROPPED: CcwFlags = CcwFlags::INDIRECT
    .union(CcwFlags::MODIFIED_INDIRECT)
    .union(CcwFlags::SUSPEND);
/// What a link has that others follow, in the place of how the guest's CCW ends.
const ENDS: CcwFlags = CcwFlags::CHAIN_COMMAND.union(CcwFlags::SUPPRESS_LENGTH);

impl Emitter<'_, '_> {
    /// Writes what stands for `node`, which has the number `n`, but for the first host CCW, which is
    /// returned.
    #[cold]
    #[inline(never)]
    pub(super) fn lowered(&mut self, n: usize, node: &Node) -> Result<RawCcw, Code> {
        if self.work.is_stop(node) {
            return Ok(self.stop(node));
        }
        if self
            .bounces
            .first()
            .is_some_and(|bounce| usize::from(bounce.node) == n)
        {
            return self.bounced(node);
        }
        let (work, block) = (self.work, self.block);
        let mut at = node.host as usize;
        let mut rest = node.ccw().count;
        let mut first = None;
        let nothing = (node.good == 0).then_some(Link {
            offset: 0,
            len: 0,
            skip: false,
        });
        for link in work.links(node, block).chain(nothing) {
            let left = match work.slot(at) {
                Some(HostSlot::Link { left, .. }) => left,
                _ => 0,
            };
            let count = rest.checked_sub(left).ok_or(Code::HostMap)?;
            let mut flags = node.ccw().flags.difference(DROPPED) | CcwFlags::INDIRECT;
            if left > 0 {
                flags = flags.difference(ENDS) | CcwFlags::CHAIN_DATA;
            }
            if first.is_some() {
                flags = flags.difference(CcwFlags::PCI);
            }
            flags.set(CcwFlags::SKIP, link.skip);
            let addr = self.slot.lists.at(self.used);
            if link.skip {
                self.skipped(node, count)?;
            } else {
                self.link(node, link, count, left == 0)?;
            }
            let raw = self.link_ccw(node, flags, count, addr);
            match first {
                None => first = Some(raw),
                Some(_) => {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "as many as there are slots"
                    )]
                    self.put_ccw(at as u32, raw);
                }
            }
            rest = left;
            at = work.next_slot(at);
        }
        first.filter(|_| rest == 0).ok_or(Code::HostMap)
    }

    fn link_ccw(
        &self,
        node: &Node,
        flags: CcwFlags,
        count: u16,
        addr: ccw::Addr31<Host>,
    ) -> RawCcw {
        Ccw::<Host> {
            command: code(node, &self.work.profile),
            flags,
            count,
            addr,
        }
        .encode()
    }

    /// Writes the list of a link, which is the last one or not, of `count` bytes.
    fn link(&mut self, node: &Node, link: Link, count: u16, last: bool) -> Result<(), Code> {
        let start = self.used;
        if node.op == Op::Backward {
            self.backward(link.len.into(), link.offset)?;
        } else {
            self.forward(link.len.into(), link.offset)?;
        }
        if last && node.fault.is_some() {
            self.poison(node)?;
        }
        if self.work.profile.rebuilds_lists {
            self.complete(start, link.offset, count)?;
        }
        Ok(())
    }

    /// Writes a list that leads to a copy, and the CCW that names it.
    fn bounced(&mut self, node: &Node) -> Result<RawCcw, Code> {
        let block = self.block;
        let (len, count) = (usize::from(node.good), node.ccw().count);
        let offset = self.work.bounce_offset(node, block)?;
        let backward = node.op == Op::Backward;
        let lowest = if backward {
            (offset + 1).wrapping_sub(len as u64) & (block - 1)
        } else {
            offset
        };
        let copy = self.reserve(len, lowest)?;
        let kept = if node.op == Op::Output {
            None
        } else {
            Some(self.reserve_anywhere(len)?.at)
        };
        if let Some((bounce, rest)) = core::mem::take(&mut self.bounces).split_first_mut() {
            (bounce.at, bounce.kept) = (copy.at, kept);
            self.bounces = rest;
        }
        let addr = self.slot.lists.at(self.used);
        let start = self.used;
        if backward {
            let mut last = copy.host.get() + len as u64 - 1;
            while last >= copy.host.get() {
                self.put(HostAddr::new(last))?;
                last = (last & !(block - 1)).wrapping_sub(1);
            }
        } else {
            let words = self.used..self.used + super::blocks(offset + len as u64, block);
            let words = self.slot.lists.words().get_mut(words);
            let words = words.ok_or(Code::HostArena)?;
            self.used += words.len();
            write_blocks(words, copy.host.get(), offset, block);
        }
        if node.fault.is_some() {
            self.poison(node)?;
        }
        if self.work.profile.rebuilds_lists {
            self.complete(start, offset, count)?;
        }
        self.pass_data(node)?;
        let flags = node.ccw().flags.difference(DROPPED) | CcwFlags::INDIRECT;
        Ok(self.link_ccw(node, flags, count, addr))
    }

    /// Passes the storage of `node`, which is pinned though its host CCW does not name it.
    pub(super) fn pass_data(&mut self, node: &Node) -> Result<(), Code> {
        if !node.op.transfers() {
            return Ok(());
        }
        let pieces = self.work.pieces(node, node.good);
        for piece in pieces.filter(|piece| !piece.skip) {
            let mut left = u64::from(piece.len);
            while left > 0 {
                let (_, room) = self.stream.rest().ok_or(Code::HostMap)?;
                let here = left.min(room);
                self.stream.advance(here);
                left -= here;
            }
        }
        Ok(())
    }
}
