// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writing lists of MIDAWs, word for word: each of the guest's lies in one page, and so does its image.

use ccw::{
    Ccw, CcwFlags, Host, HostAddr, MIDAL_PAGE, MIDAW_SIZE, Midaw, MidawFlags, RawCcw, RawMidaw,
};

use super::{Emitter, code};
use crate::{
    Code,
    chain::Op,
    data::{raw_midaw, skips},
    node::Node,
};

/// A MIDAW at which the channel stops, whatever the command: a reserved bit is one.
const POISON: RawMidaw = RawMidaw([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
/// Doublewords of a MIDAW.
const WORDS: usize = 2;
/// Doublewords of a page.
const PAGE_WORDS: usize = (MIDAL_PAGE / 8) as usize;

impl Emitter<'_, '_> {
    /// Writes the list of `node`, and returns the host CCW that names it.
    #[cold]
    #[inline(never)]
    pub(super) fn midal(&mut self, node: &Node, flags: CcwFlags) -> Result<RawCcw, Code> {
        let ccw = node.ccw();
        let work = self.work;
        let (midaws, _) = work.list(node).as_chunks::<WORDS>();
        self.align(midaws.len() + 1)?;
        let addr = self.slot.lists.at(self.used);
        let mut left = node.good;
        for midaw in midaws {
            if left == 0 {
                break;
            }
            let midaw = Midaw::<ccw::Guest>::decode(raw_midaw(midaw));
            let count = midaw.count.min(left);
            left -= count;
            let ends = left == 0 && node.fault.is_none();
            let skips = skips(&midaw, node.op);
            let mut flags = MidawFlags::empty();
            flags.set(MidawFlags::SKIP, skips);
            flags.set(MidawFlags::LAST, ends);
            let addr = match (skips, node.op) {
                (true, _) => self.slot.scratch,
                (false, Op::Backward) => self.below(midaw.addr.get(), count)?,
                (false, _) => self.above(midaw.addr.get(), count)?,
            };
            self.put_midaw(Midaw { flags, count, addr }.encode())?;
        }
        // At the end of a page the list stops the channel by itself.
        if node.fault.is_some() && !self.is_full(addr.get()) {
            self.put_midaw(POISON)?;
        }
        let profile = &self.work.profile;
        Ok(Ccw::<Host> {
            command: code(node, profile),
            flags: flags | CcwFlags::MODIFIED_INDIRECT,
            count: ccw.count,
            addr,
        }
        .encode())
    }

    /// Passes list words until `most` MIDAWs, or as many as a page holds, lie in one page.
    fn align(&mut self, most: usize) -> Result<(), Code> {
        let room = most.saturating_mul(WORDS).min(PAGE_WORDS);
        let at = self.slot.lists.at(self.used).get() as usize / 8 % PAGE_WORDS;
        let skip = match at % WORDS {
            _ if at + WORDS - 1 + room > PAGE_WORDS => PAGE_WORDS - at,
            odd => odd,
        };
        for _ in 0..skip % PAGE_WORDS {
            self.put(HostAddr::new(0))?;
        }
        Ok(())
    }

    /// Whether the list that begins at `start` has filled its page.
    fn is_full(&self, start: u32) -> bool {
        let end = u64::from(self.slot.lists.at(self.used).get());
        end > u64::from(start) && end.is_multiple_of(MIDAL_PAGE)
    }

    fn put_midaw(&mut self, raw: RawMidaw) -> Result<(), Code> {
        let words = self.used..self.used + WORDS;
        let words = self.slot.lists.words().get_mut(words);
        let (halves, _) = raw.0.as_chunks::<8>();
        words.ok_or(Code::HostArena)?.copy_from_slice(halves);
        self.used += WORDS;
        Ok(())
    }

    /// Where the host has the next `count` bytes, which the guest has at `guest`.
    fn above(&mut self, guest: u64, count: u16) -> Result<HostAddr, Code> {
        let (host, room) = self.stream.rest().ok_or(Code::HostMap)?;
        if room < u64::from(count) || !(host ^ guest).is_multiple_of(MIDAL_PAGE) {
            return Err(Code::HostMap);
        }
        self.stream.advance(u64::from(count));
        Ok(HostAddr::new(host))
    }

    /// The same from `guest` downward; the last byte.
    fn below(&mut self, guest: u64, count: u16) -> Result<HostAddr, Code> {
        let mut left = u64::from(count);
        let mut last = None;
        let mut expected = 0;
        while left > 0 {
            let (low, room) = self.stream.rest().ok_or(Code::HostMap)?;
            let here = left.min(room);
            let top = low.wrapping_add(here - 1);
            if *last.get_or_insert(top) != top && top != expected {
                return Err(Code::HostMap);
            }
            expected = low.wrapping_sub(1);
            self.stream.advance(here);
            left -= here;
        }
        let last = last.filter(|last| (last ^ guest).is_multiple_of(MIDAL_PAGE));
        Ok(HostAddr::new(last.ok_or(Code::HostMap)?))
    }
}

const _: () = assert!(MIDAW_SIZE == 8 * WORDS as u64);
