// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that stands in a file as it was, in a few long pieces.

use std::ops::Range;

use super::source::{ADDRESS_LIMIT, Damage, Source, shorter};
use crate::memory::{Origin, Part};

/// Storage from `addr` on, which stands in the file from `offset` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Address of the first byte.
    pub(super) addr: u64,
    /// Bytes.
    pub(super) len: u64,
    /// Where they begin in the file.
    pub(super) offset: u64,
    /// Where the file says so.
    pub(super) named_at: u64,
    /// Its number among those of its kind, from 1; none in an image.
    pub(super) number: Option<u16>,
}

impl Segment {
    /// First address behind; whoever lists a segment has seen to it that it fits.
    const fn end(&self) -> u64 {
        self.addr.saturating_add(self.len)
    }
}

/// Segments, not empty, ascending and apart, all of them in the file.
#[derive(Debug)]
pub(super) struct Segments {
    list: Vec<Segment>,
    whole: bool,
}

impl Segments {
    /// `list`, in any order, of a file of `len` bytes; `whole` if it leaves nothing out.
    pub(super) fn new(mut list: Vec<Segment>, len: u64, whole: bool) -> Result<Self, Damage> {
        list.retain(|segment| segment.len > 0);
        list.sort_by_key(|segment| (segment.addr, segment.named_at));
        for segment in &list {
            let Segment {
                addr, len: bytes, ..
            } = segment;
            let refuse = |reason| Err(Damage::at(segment.named_at, reason));
            let in_file = segment.offset.checked_add(*bytes);
            if in_file.is_none_or(|end| end > len) {
                return refuse(format!(
                    "{bytes:#x} bytes of storage should stand from {:#x} on, and the file has {len:#x} in all",
                    segment.offset
                ));
            }
            if addr
                .checked_add(*bytes)
                .is_none_or(|end| end > ADDRESS_LIMIT)
            {
                return refuse(format!(
                    "storage at {addr:#x}: no machine has that much ({:#x} bytes are read)",
                    ADDRESS_LIMIT
                ));
            }
        }
        for pair in list.windows(2) {
            if let [first, second] = pair
                && first.end() > second.addr
            {
                return Err(Damage::at(
                    second.named_at,
                    format!(
                        "storage from {:#x} on is there twice: not the core of a machine, \
                         perhaps that of a process",
                        second.addr
                    ),
                ));
            }
        }
        let Some(first) = list.first() else {
            return Err(Damage::at(0, "there is no storage in this dump"));
        };
        let gaps = list.windows(2).any(|pair| match pair {
            [first, second] => first.end() < second.addr,
            _ => false,
        });
        let whole = whole && first.addr == 0 && !gaps;
        Ok(Self { list, whole })
    }

    /// Whether all storage below the end is there.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// First address behind all.
    pub(super) fn end(&self) -> u64 {
        self.list.last().map_or(0, Segment::end)
    }

    /// Where storage is.
    pub(super) fn spans(&self) -> Vec<Range<u64>> {
        let span = |segment: &Segment| segment.addr..segment.end();
        self.list.iter().map(span).collect()
    }

    /// Where the byte at `addr` stands.
    pub(super) fn origin(&self, addr: u64) -> Option<Origin> {
        let first = self.list.partition_point(|segment| segment.end() <= addr);
        let segment = self.list.get(first)?;
        let from = addr.checked_sub(segment.addr)?;
        Some(Origin {
            offset: segment.offset.saturating_add(from),
            bytes: segment.len - from,
            part: segment.number.map_or(Part::Image, Part::Segment),
        })
    }

    /// Reads from `addr` on; the answer is the number of bytes before the first that is not there.
    pub(super) fn read(&self, source: &Source, addr: u64, buf: &mut [u8]) -> Result<usize, Damage> {
        let first = self.list.partition_point(|segment| segment.end() <= addr);
        let mut done = 0;
        for segment in self.list.iter().skip(first) {
            let at = addr.saturating_add(done as u64);
            if at < segment.addr || done == buf.len() {
                break;
            }
            let from = at - segment.addr;
            let len = shorter(segment.len - from, buf.len() - done);
            let part = buf.get_mut(done..done + len).unwrap_or_default();
            source.read(segment.offset.saturating_add(from), part, "storage")?;
            done += len;
        }
        Ok(done)
    }
}
