// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest storage as an input describes it: large, and almost all of it one fill byte, or not in the
//! input at all.
//!
//! [`Memory`] keeps only the bytes that were listed, [`Working`] only the 4 KiB pages that a run
//! has stored into. Neither ever allocates by the declared size.

mod keys;
mod working;

use std::fmt::Debug;
use std::sync::Arc;

use keys::Keys;

pub use keys::KeyRange;

pub(crate) use working::Working;

/// Bytes of a page, the unit in which [`Working`] copies.
pub(crate) const PAGE: u64 = 4096;
pub(crate) const PAGE_BYTES: usize = 4096;

/// Bytes listed by the input, from one address on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Address of the first byte.
    pub(crate) addr: u64,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Extent {
    /// Address and length.
    fn span(&self) -> (u64, usize) {
        (self.addr, self.bytes.len())
    }

    /// First address behind the extent; `None` if that passes 2^64.
    pub(crate) fn end(&self) -> Option<u64> {
        self.addr.checked_add(self.bytes.len() as u64)
    }
}

/// Storage that stands elsewhere and is read where it is needed.
pub(crate) trait Stored: Debug + Send + Sync {
    /// Reads from `addr` on; the answer is the number of bytes before the first that is not there.
    fn read(&self, addr: u64, buf: &mut [u8]) -> usize;

    /// Where the byte at `addr` stands, if it does.
    fn origin(&self, addr: u64) -> Option<Origin>;
}

/// Where in a file bytes of storage stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Offset of the first.
    pub(crate) offset: u64,
    /// How many stand there.
    pub(crate) bytes: u64,
    /// What of the file that is.
    pub(crate) part: Part,
}

/// A part of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// An image.
    Image,
    /// The segment with this number, from 1, of those of storage.
    Segment(u16),
    /// The page with this number, as it was.
    Page(u64),
    /// The page with this number, compressed: the byte is somewhere in it.
    Compressed(u64),
}

/// Storage as listed: addresses 0 to `size` - 1, every byte `fill` unless an extent says
/// otherwise. Copies share the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    size: u64,
    /// What bytes outside of the extents are; if there is none, nobody knows.
    fill: Option<u8>,
    /// Not empty, ascending and apart.
    extents: Arc<[Extent]>,
    keys: Keys,
    /// What is there instead of extents.
    stored: Option<Arc<dyn Stored>>,
}

/// Why extents do not make a storage; the numbers are positions in the list given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadExtent {
    /// The extent leaves storage.
    Outside(usize),
    /// The second extent begins inside the first.
    Overlap(usize, usize),
}

/// Whether extents, by address and length, lie in `size` bytes of storage and none over another; one
/// that is empty lies over none.
pub(crate) fn apart(
    size: u64,
    extents: impl Iterator<Item = (u64, usize)>,
) -> Result<(), BadExtent> {
    let mut order: Vec<(u64, u64, usize)> = Vec::new();
    for (n, (addr, len)) in extents.enumerate() {
        match addr.checked_add(len as u64) {
            Some(end) if end <= size => order.push((addr, end, n)),
            _ => return Err(BadExtent::Outside(n)),
        }
    }
    order.retain(|(addr, end, _)| addr < end);
    order.sort_unstable_by_key(|&(addr, _, n)| (addr, n));
    for pair in order.windows(2) {
        if let &[(_, end, a), (addr, _, b)] = pair
            && end > addr
        {
            return Err(BadExtent::Overlap(a, b));
        }
    }
    Ok(())
}

impl Memory {
    /// Storage with these extents, in any order, and these keys.
    #[cfg(test)]
    pub(crate) fn new(
        size: u64,
        fill: u8,
        extents: Vec<Extent>,
        keys: Vec<KeyRange>,
    ) -> Result<Self, BadExtent> {
        apart(size, extents.iter().map(Extent::span))?;
        Ok(Self::of_apart(size, Some(fill), extents, keys))
    }

    /// Storage of which only these extents are known, in any order.
    pub(crate) fn partial(size: u64, extents: Vec<Extent>) -> Result<Self, BadExtent> {
        apart(size, extents.iter().map(Extent::span))?;
        Ok(Self::of_apart(size, None, extents, Vec::new()))
    }

    /// Of extents that are [`apart`], in any order; of keys that overlap, the later one counts. Bytes in
    /// no extent are `fill`, or not known.
    pub(crate) fn of_apart(
        size: u64,
        fill: Option<u8>,
        mut extents: Vec<Extent>,
        keys: Vec<KeyRange>,
    ) -> Self {
        extents.retain(|extent| !extent.bytes.is_empty());
        extents.sort_unstable_by_key(|extent| extent.addr);
        Self {
            size,
            fill,
            extents: extents.into(),
            keys: Keys::new(keys),
            stored: None,
        }
    }

    /// `size` bytes of storage that stand elsewhere, as far as they do; `whole` if nothing is missing.
    pub(crate) fn stored(size: u64, whole: bool, stored: Arc<dyn Stored>) -> Self {
        Self {
            size,
            fill: whole.then_some(0),
            stored: Some(stored),
            ..Self::default()
        }
    }

    /// Where in its file the byte at `addr` stands, if that is a dump.
    pub(crate) fn origin(&self, addr: u64) -> Option<Origin> {
        self.stored.as_ref()?.origin(addr)
    }

    /// Bytes of storage.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Whether every byte is known.
    pub(crate) const fn is_whole(&self) -> bool {
        self.fill.is_some()
    }

    /// Whether the byte at `addr` is one of storage that is not in the input.
    pub(crate) fn lacks(&self, addr: u64) -> bool {
        addr < self.size && self.read(addr, &mut [0]) == 0
    }

    /// Whether any storage has a key.
    pub(crate) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The key of the block that holds `addr`, if one is listed.
    pub(crate) fn key(&self, addr: u64) -> Option<KeyRange> {
        self.keys.at(addr)
    }

    /// Reads from `addr` on; the answer is the number of bytes before the end of storage, or the first
    /// one that is not known.
    pub(crate) fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        let (there, _) = buf.split_at_mut(available(self.size, addr, buf.len()));
        if let Some(stored) = &self.stored {
            return stored.read(addr, there);
        }
        there.fill(self.fill.unwrap_or_default());
        let end = addr.saturating_add(there.len() as u64);
        let first = self
            .extents
            .partition_point(|x| x.end().is_some_and(|end| end <= addr));
        // First byte behind those that are known.
        let mut known = addr;
        for extent in self.extents.iter().skip(first).take_while(|x| x.addr < end) {
            let from = extent.addr.max(addr);
            if self.fill.is_none() && from > known {
                break;
            }
            let source = extent.bytes.iter().skip(offset(from, extent.addr));
            let target = there.iter_mut().skip(offset(from, addr));
            target.zip(source).for_each(|(to, byte)| *to = *byte);
            known = extent.end().unwrap_or(end);
        }
        match self.fill {
            Some(_) => there.len(),
            None => offset(known, addr).min(there.len()),
        }
    }
}

/// How many of `len` bytes from `addr` on lie in storage of `size` bytes.
fn available(size: u64, addr: u64, len: usize) -> usize {
    usize::try_from(size.saturating_sub(addr)).map_or(len, |left| left.min(len))
}

/// `to - from` as a position; the callers have `to >= from` within one buffer.
fn offset(to: u64, from: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn extent(addr: u64, bytes: &[u8]) -> Extent {
        Extent {
            addr,
            bytes: bytes.to_vec(),
        }
    }

    pub(in crate::memory) fn memory() -> Memory {
        let extents = vec![extent(0x1004, b"later"), extent(0xffe, b"abcd")];
        Memory::new(0x3000, 0xee, extents, vec![]).unwrap()
    }

    pub(in crate::memory) fn bytes(n: usize, read: impl Fn(&mut [u8]) -> usize) -> Vec<u8> {
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
    fn what_is_not_listed_is_not_known() {
        let extents = vec![
            extent(0x1002, b"cd"),
            extent(0xffe, b"abcd"),
            extent(0x2ffe, b"yz"),
        ];
        let m = Memory::partial(0x3000, extents).unwrap();
        assert_eq!(bytes(9, |b| m.read(0xffe, b)), b"abcdcd");
        assert_eq!(bytes(4, |b| m.read(0x1001, b)), b"dcd");
        assert_eq!(bytes(4, |b| m.read(0xffd, b)), b"");
        assert_eq!(bytes(4, |b| m.read(0x2fff, b)), b"z");
        assert!(m.lacks(0xffd) && !m.lacks(0xffe) && m.lacks(0x1004) && !m.lacks(0x3000));
        assert!(!m.is_whole() && memory().is_whole());
    }

    /// Looking one by one through keys and empty ranges would take minutes here.
    #[test]
    fn many_keys_and_empty_ranges_cost_little() {
        const N: u64 = 50_000;
        let keys = (0..N).map(|n| KeyRange {
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
}
