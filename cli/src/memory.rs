// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest storage as an input describes it: large, and almost all of it one fill byte.
//!
//! [`Memory`] keeps only the bytes that were listed, [`Working`] only the 4 KiB pages that a run
//! has stored into. Neither ever allocates by the declared size.

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of a page, the unit in which [`Working`] copies.
pub(crate) const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

/// Bytes listed by the input, from one address on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Address of the first byte.
    pub(crate) addr: u64,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Extent {
    /// First address behind the extent; `None` if that passes 2^64.
    pub(crate) fn end(&self) -> Option<u64> {
        self.addr.checked_add(self.bytes.len() as u64)
    }
}

/// A key that protects storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StorageKey {
    /// First byte.
    pub(crate) addr: u64,
    /// Bytes.
    pub(crate) len: u64,
    /// Access-control bits, 0-15.
    pub(crate) key: u8,
    /// Whether the key also protects against fetching.
    pub(crate) fetch_protect: bool,
}

impl StorageKey {
    /// First address behind; whoever lists a key has seen to it that it fits.
    const fn end(&self) -> u64 {
        self.addr.saturating_add(self.len)
    }
}

/// Storage as listed: addresses 0 to `size` - 1, every byte `fill` unless an extent says
/// otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    size: u64,
    fill: u8,
    /// Not empty, ascending and apart.
    extents: Vec<Extent>,
    /// By their first bytes; not empty and apart.
    keys: BTreeMap<u64, StorageKey>,
}

/// Why extents do not make a storage; the numbers are positions in the list given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadExtent {
    /// The extent leaves storage.
    Outside(usize),
    /// The second extent begins inside the first.
    Overlap(usize, usize),
}

impl Memory {
    /// Storage with these extents, in any order, and these keys; where keys overlap, the later one
    /// counts.
    pub(crate) fn new(
        size: u64,
        fill: u8,
        extents: Vec<Extent>,
        keys: Vec<StorageKey>,
    ) -> Result<Self, BadExtent> {
        let mut order: Vec<(usize, Extent)> = extents.into_iter().enumerate().collect();
        order.sort_by_key(|(n, extent)| (extent.addr, *n));
        for (n, extent) in &order {
            if extent.end().is_none_or(|end| end > size) {
                return Err(BadExtent::Outside(*n));
            }
        }
        order.retain(|(_, extent)| !extent.bytes.is_empty());
        for pair in order.windows(2) {
            if let [(a, first), (b, second)] = pair
                && first.end().is_none_or(|end| end > second.addr)
            {
                return Err(BadExtent::Overlap(*a, *b));
            }
        }
        let extents = order.into_iter().map(|(_, extent)| extent).collect();
        Ok(Self {
            size,
            fill,
            extents,
            keys: apart(keys),
        })
    }

    /// Bytes of storage.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Whether any storage has a key.
    pub(crate) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The key of the block that holds `addr`, if one is listed.
    pub(crate) fn key(&self, addr: u64) -> Option<StorageKey> {
        let (_, key) = self.keys.range(..=addr).next_back()?;
        (addr < key.end()).then_some(*key)
    }

    /// Reads from `addr` on; the answer is the number of bytes before the end of storage.
    pub(crate) fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        let (there, _) = buf.split_at_mut(available(self.size, addr, buf.len()));
        there.fill(self.fill);
        let end = addr.saturating_add(there.len() as u64);
        let first = self
            .extents
            .partition_point(|x| x.end().is_some_and(|end| end <= addr));
        for extent in self.extents.iter().skip(first).take_while(|x| x.addr < end) {
            let from = extent.addr.max(addr);
            let source = extent.bytes.iter().skip(offset(from, extent.addr));
            let target = there.iter_mut().skip(offset(from, addr));
            target.zip(source).for_each(|(to, byte)| *to = *byte);
        }
        there.len()
    }
}

/// `keys` cut so that they do not overlap: a later one takes the place of what lies under it.
fn apart(keys: Vec<StorageKey>) -> BTreeMap<u64, StorageKey> {
    let mut map: BTreeMap<u64, StorageKey> = BTreeMap::new();
    for key in keys.into_iter().filter(|key| key.len > 0) {
        for edge in [key.addr, key.end()] {
            if let Some((_, under)) = map.range_mut(..edge).next_back()
                && under.end() > edge
            {
                let behind = StorageKey {
                    addr: edge,
                    len: under.end() - edge,
                    ..*under
                };
                under.len = edge - under.addr;
                map.insert(edge, behind);
            }
        }
        let hidden: Vec<u64> = map.range(key.addr..key.end()).map(|(at, _)| *at).collect();
        for at in hidden {
            map.remove(&at);
        }
        map.insert(key.addr, key);
    }
    map
}

/// How many of `len` bytes from `addr` on lie in storage of `size` bytes.
fn available(size: u64, addr: u64, len: usize) -> usize {
    usize::try_from(size.saturating_sub(addr)).map_or(len, |left| left.min(len))
}

/// `to - from` as a position; the callers have `to >= from` within one buffer.
fn offset(to: u64, from: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

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

    fn extent(addr: u64, bytes: &[u8]) -> Extent {
        Extent {
            addr,
            bytes: bytes.to_vec(),
        }
    }

    fn memory() -> Memory {
        let extents = vec![extent(0x1004, b"later"), extent(0xffe, b"abcd")];
        Memory::new(0x3000, 0xee, extents, vec![]).unwrap()
    }

    fn bytes(n: usize, read: impl Fn(&mut [u8]) -> usize) -> Vec<u8> {
        let mut buf = vec![0xaa; n];
        let n = read(&mut buf);
        buf.truncate(n);
        buf
    }

    #[test]
    fn reads_listed_bytes_and_fill() {
        let m = memory();
        assert_eq!(
            bytes(14, |b| m.read(0xffd, b)),
            b"\xeeabcd\xee\xeelater\xee\xee"
        );
        assert_eq!(bytes(2, |b| m.read(0x1000, b)), b"cd");
        assert_eq!(bytes(4, |b| m.read(0x2ffe, b)), b"\xee\xee");
        assert_eq!(bytes(4, |b| m.read(u64::MAX, b)), b"");
    }

    #[test]
    fn extents_stay_inside_and_apart() {
        let new = |size, extents| Memory::new(size, 0, extents, vec![]).map(|_| ());
        assert_eq!(new(8, vec![extent(4, b"1234")]), Ok(()));
        assert_eq!(
            new(7, vec![extent(0, b"1"), extent(4, b"1234")]),
            Err(BadExtent::Outside(1))
        );
        assert_eq!(
            new(u64::MAX, vec![extent(u64::MAX, b"12")]),
            Err(BadExtent::Outside(0))
        );
        assert_eq!(
            new(9, vec![extent(3, b"1"), extent(1, b"123")]),
            Err(BadExtent::Overlap(1, 0))
        );
        assert_eq!(new(9, vec![extent(4, b"1"), extent(1, b"123")]), Ok(()));
        assert_eq!(new(9, vec![extent(1, b"123"), extent(2, b"")]), Ok(()));
        assert_eq!(new(9, vec![extent(10, b"")]), Err(BadExtent::Outside(0)));
    }

    #[test]
    fn the_later_of_two_keys_counts() {
        let key = |addr, len, key| StorageKey {
            addr,
            len,
            key,
            fetch_protect: key == 3,
        };
        let keys = vec![
            key(0x1000, 0x5000, 1),
            key(0x2000, 0x1000, 2),
            key(0x8000, 0, 9),
            key(0x5000, 0x3000, 3),
            key(0x7000, 0x2000, 4),
            key(0xa000, 0x1000, 5),
            key(0xa000, 0x1000, 6),
        ];
        let m = Memory::new(0x1_0000, 0, vec![], keys).unwrap();
        let blocks: Vec<u8> = (0..16)
            .map(|block| m.key(block << 12).map_or(0, |key| key.key))
            .collect();
        assert_eq!(blocks, [0, 1, 2, 1, 1, 3, 3, 4, 4, 0, 6, 0, 0, 0, 0, 0]);
        assert_eq!(m.key(0x6fff), Some(key(0x5000, 0x2000, 3)));
        assert_eq!(m.key(0x9000), None);
    }

    /// Looking one by one through keys and empty ranges would take minutes here.
    #[test]
    fn many_keys_and_empty_ranges_cost_little() {
        const N: u64 = 50_000;
        let keys = (0..N).map(|n| StorageKey {
            addr: n * 2 * PAGE,
            len: PAGE,
            key: 1,
            fetch_protect: false,
        });
        let empty = (0..N).map(|_| extent(PAGE, b""));
        let m = Memory::new(N * 2 * PAGE, 0, empty.collect(), keys.collect()).unwrap();
        assert!(m.extents.is_empty(), "they hold nothing");
        let found = (0..N * 2).filter(|n| m.key(n * PAGE).is_some()).count();
        assert_eq!(found, usize::try_from(N).unwrap());
    }

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
