// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that a run changes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Memory, PAGE, PAGE_BYTES, available, offset};

/// Storage that a run works on: the listed bytes, and a copy of each page that was stored into.
#[derive(Clone, Debug)]
pub(crate) struct Working<'m> {
    base: &'m Memory,
    pages: BTreeMap<u64, Box<Page>>,
    /// The first byte that was wanted and is not in the input.
    missed: Option<u64>,
}

/// A page, and which of its bytes are known.
#[derive(Clone, Debug)]
struct Page {
    bytes: [u8; PAGE_BYTES],
    known: [bool; PAGE_BYTES],
}

impl Page {
    /// The page of `memory` that begins at `start`.
    fn of(memory: &Memory, start: u64) -> Self {
        let mut page = Self {
            bytes: [0; PAGE_BYTES],
            known: [false; PAGE_BYTES],
        };
        let mut done = 0;
        while let Some(rest) = page.bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let n = memory.read(start.saturating_add(done as u64), rest);
            page.known
                .iter_mut()
                .skip(done)
                .take(n)
                .for_each(|it| *it = true);
            done += n.max(1);
        }
        page
    }
}

impl<'m> Working<'m> {
    /// Storage as listed, nothing stored yet.
    pub(crate) const fn new(base: &'m Memory) -> Self {
        Self {
            base,
            pages: BTreeMap::new(),
            missed: None,
        }
    }

    /// The storage as listed.
    pub(crate) const fn memory(&self) -> &'m Memory {
        self.base
    }

    /// Reads from `addr` on; the answer is the number of bytes before the end of storage, or the first
    /// one that is not known.
    pub(crate) fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        let mut done = 0;
        for (piece, part) in pieces(addr, buf) {
            let len = part.len();
            let n = match self.pages.get(&(piece & !(PAGE - 1))) {
                None => self.base.read(piece, part),
                Some(page) => {
                    let from = offset(piece % PAGE, 0);
                    let known = page.known.iter().skip(from).take_while(|known| **known);
                    let source = page.bytes.iter().skip(from).zip(known);
                    let pairs = part.iter_mut().zip(source);
                    pairs.map(|(to, (byte, _))| *to = *byte).count()
                }
            };
            done += n;
            if n < len {
                break;
            }
        }
        done
    }

    /// The same for a channel: a byte that is not known is kept in mind.
    pub(crate) fn fetch(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        let n = self.read(addr, buf);
        let behind = addr.saturating_add(n as u64);
        if n < buf.len() && behind < self.base.size {
            self.missed.get_or_insert(behind);
        }
        n
    }

    /// The first byte that a channel wanted and that is not in the input.
    pub(crate) const fn missed(&self) -> Option<u64> {
        self.missed
    }

    /// Stores from `addr` on; the answer is the number of bytes before the end of storage.
    pub(crate) fn write(&mut self, addr: u64, bytes: &[u8]) -> usize {
        let n = available(self.base.size, addr, bytes.len());
        let mut at = addr;
        let mut rest = bytes.get(..n).unwrap_or_default();
        while !rest.is_empty() {
            let start = at & !(PAGE - 1);
            let page = self
                .pages
                .entry(start)
                .or_insert_with(|| Box::new(Page::of(self.base, start)));
            let len = rest.len().min(offset(PAGE, at % PAGE));
            let (now, later) = rest.split_at(len);
            let target = page.bytes.iter_mut().zip(&mut page.known);
            let target = target.skip(offset(at % PAGE, 0));
            target.zip(now).for_each(|((to, known), byte)| {
                *to = *byte;
                *known = true;
            });
            rest = later;
            at = at.saturating_add(len as u64);
        }
        n
    }

    /// Ranges of addresses whose bytes differ from what the input listed, in ascending order.
    pub(crate) fn changes(&self) -> Vec<Range<u64>> {
        self.differences(&Working::new(self.base))
    }

    /// Ranges of addresses whose bytes differ from those of `other`, in ascending order.
    ///
    /// Both must have begun as the same [`Memory`].
    pub(crate) fn differences(&self, other: &Working<'_>) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut starts: Vec<u64> = self
            .pages
            .keys()
            .chain(other.pages.keys())
            .copied()
            .collect();
        starts.sort_unstable();
        starts.dedup();
        for start in starts {
            let [ours, theirs] = [self, other].map(|it| match it.pages.get(&start) {
                Some(page) => page.clone(),
                None => Box::new(Page::of(it.base, start)),
            });
            let ours = ours.bytes.iter().zip(&ours.known);
            let theirs = theirs.bytes.iter().zip(&theirs.known);
            for (addr, (a, b)) in (start..).zip(ours.zip(theirs)) {
                if a == b {
                    continue;
                }
                match ranges.last_mut() {
                    Some(last) if last.end == addr => last.end = addr.saturating_add(1),
                    _ => ranges.push(addr..addr.saturating_add(1)),
                }
            }
        }
        ranges
    }
}

/// The parts of `buf` that lie in one page each, with the address where each begins.
fn pieces(addr: u64, buf: &mut [u8]) -> impl Iterator<Item = (u64, &mut [u8])> {
    let (head, tail) = buf.split_at_mut(buf.len().min(offset(PAGE, addr % PAGE)));
    let next = addr.saturating_add(head.len() as u64);
    let tail = tail
        .chunks_mut(offset(PAGE, 0))
        .zip((next..).step_by(offset(PAGE, 0)));
    std::iter::once((addr, head)).chain(tail.map(|(part, at)| (at, part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::{bytes, memory};

    #[test]
    fn stores_go_to_copies_of_pages() {
        let m = memory();
        let mut w = Working::new(&m);
        assert_eq!(w.write(0x1ffe, b"wxyz"), 4);
        assert_eq!(bytes(6, |b| w.read(0x1ffd, b)), b"\xeewxyz\xee");
        assert_eq!(bytes(6, |b| m.read(0x1ffd, b)), b"\xee\xee\xee\xee\xee\xee");
        assert_eq!(w.write(0x2fff, b"12"), 1);
        assert_eq!(w.write(0x1000, b"cD"), 2, "one byte is as it was");
        assert_eq!(bytes(4, |b| w.read(0xffe, b)), b"abcD");
        assert_eq!(
            w.changes(),
            [0x1001..0x1002, 0x1ffe..0x2002, 0x2fff..0x3000]
        );
        let mut v = w.clone();
        assert_eq!(w.differences(&v), []);
        v.write(0x2fff, b"9");
        assert_eq!(w.differences(&v).first(), Some(&(0x2fff..0x3000)));
    }

    #[test]
    fn what_a_device_stores_is_known_from_then_on() {
        let listed = crate::memory::Extent {
            addr: 0x1004,
            bytes: b"ab".to_vec(),
        };
        let m = Memory::partial(0x3000, vec![listed]).unwrap();
        let mut w = Working::new(&m);
        assert_eq!(bytes(4, |b| w.read(0x1004, b)), b"ab");
        assert_eq!(w.missed(), None);
        assert_eq!(w.write(0x1006, b"cd"), 2);
        assert_eq!(bytes(8, |b| w.read(0x1004, b)), b"abcd");
        assert_eq!(w.changes().first(), Some(&(0x1006..0x1008)));
        let mut buf = [0; 8];
        assert_eq!(w.fetch(0x1004, &mut buf[..4]), 4);
        assert_eq!((w.fetch(0x2ffe, &mut buf), w.missed()), (0, Some(0x2ffe)));
        assert_eq!(w.fetch(0x1004, &mut buf), 4);
        assert_eq!(w.missed(), Some(0x2ffe), "the first one");
        w.write(0x2ffe, b"yz");
        assert_eq!(bytes(8, |b| w.read(0x2ffe, b)), b"yz");
    }

    #[test]
    fn a_huge_storage_costs_nothing() {
        let m = Memory::new(1 << 63, 0, vec![], vec![]).unwrap();
        let mut w = Working::new(&m);
        assert_eq!(w.write((1 << 63) - 1, b"xy"), 1);
        assert_eq!(w.changes().first(), Some(&((1 << 63) - 1..1 << 63)));
    }
}
