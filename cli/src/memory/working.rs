// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that a run changes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Memory, PAGE, PAGE_BYTES, available, offset};

/// Storage that a run works on: the listed bytes, and a copy of each page that was stored into.
#[derive(Clone, Debug)]
pub(crate) struct Working<'m> {
    base: &'m Memory,
    pages: BTreeMap<u64, Box<[u8; PAGE_BYTES]>>,
}

impl<'m> Working<'m> {
    /// Storage as listed, nothing stored yet.
    pub(crate) const fn new(base: &'m Memory) -> Self {
        Self {
            base,
            pages: BTreeMap::new(),
        }
    }

    /// The storage as listed.
    pub(crate) const fn memory(&self) -> &'m Memory {
        self.base
    }

    /// Reads from `addr` on; the answer is the number of bytes before the end of storage.
    pub(crate) fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        let n = self.base.read(addr, buf);
        let (there, _) = buf.split_at_mut(n);
        for (piece, part) in pieces(addr, there) {
            if let Some(page) = self.pages.get(&(piece & !(PAGE - 1))) {
                let from = offset(piece % PAGE, 0);
                part.iter_mut()
                    .zip(page.iter().skip(from))
                    .for_each(|(to, byte)| *to = *byte);
            }
        }
        n
    }

    /// Stores from `addr` on; the answer is the number of bytes before the end of storage.
    pub(crate) fn write(&mut self, addr: u64, bytes: &[u8]) -> usize {
        let n = available(self.base.size, addr, bytes.len());
        let mut at = addr;
        let mut rest = bytes.get(..n).unwrap_or_default();
        while !rest.is_empty() {
            let start = at & !(PAGE - 1);
            let page = self.pages.entry(start).or_insert_with(|| {
                let mut page = Box::new([0; PAGE_BYTES]);
                self.base.read(start, page.as_mut_slice());
                page
            });
            let len = rest.len().min(offset(PAGE, at % PAGE));
            let (now, later) = rest.split_at(len);
            let target = page.iter_mut().skip(offset(at % PAGE, 0));
            target.zip(now).for_each(|(to, byte)| *to = *byte);
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
        let (mut ours, mut theirs) = ([0; PAGE_BYTES], [0; PAGE_BYTES]);
        for start in starts {
            let n = self.read(start, &mut ours);
            other.read(start, &mut theirs);
            for (addr, (a, b)) in (start..).zip(ours.iter().zip(&theirs)).take(n) {
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
    fn a_huge_storage_costs_nothing() {
        let m = Memory::new(1 << 63, 0, vec![], vec![]).unwrap();
        let mut w = Working::new(&m);
        assert_eq!(w.write((1 << 63) - 1, b"xy"), 1);
        assert_eq!(w.changes().first(), Some(&((1 << 63) - 1..1 << 63)));
    }
}
