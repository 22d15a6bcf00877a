// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Dumps as `makedumpfile` writes them: a map of the pages that are there, and the pages, most of
//! them compressed.
//!
//! Blocks of 4096 bytes: the header; a second header; two bitmaps with a bit for each page, of
//! which the second says what was dumped; a descriptor of 24 bytes for each page that was; pages.

use std::ops::Range;
use std::sync::Mutex;

use flate2::{Decompress, FlushDecompress, Status};

use super::source::{ADDRESS_LIMIT, Damage, Source, shorter};
use crate::memory::{Origin, Part};

/// First bytes of such a file.
pub(super) const MAGIC: &[u8] = b"KDUMP   ";

/// Bytes of a page, and of a block of the file.
const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

/// Pages of the storage that is read: 64 TiB.
const PAGE_LIMIT: u64 = ADDRESS_LIMIT / PAGE;

/// Pages that one piece of the bitmap, of [`PAGE`] bytes, tells of.
const PIECE: u64 = PAGE * 8;

/// Bytes of a descriptor.
const DESCRIPTOR: u64 = 24;
const DESCRIPTOR_BYTES: usize = 24;

/// Pages that are kept decompressed.
const KEPT: usize = 256;

/// Where the header has its fields, and the second header its own, on a machine of 64 bits.
mod field {
    pub(super) const VERSION: usize = 8;
    pub(super) const BLOCK_SIZE: usize = 428;
    pub(super) const SUB_BLOCKS: usize = 432;
    pub(super) const BITMAP_BLOCKS: usize = 436;
    pub(super) const PAGES: usize = 440;
    pub(super) const HEADER: usize = 464;
    pub(super) const SPLIT: usize = 12;
    pub(super) const WIDE_PAGES: usize = 96;
    pub(super) const SUB_HEADER: usize = 104;
}

/// How a page is stored.
mod flag {
    pub(super) const ZLIB: u32 = 0x01;
    pub(super) const LZO: u32 = 0x02;
    pub(super) const SNAPPY: u32 = 0x04;
    pub(super) const ZSTD: u32 = 0x20;
    pub(super) const COMPRESSED: u32 = ZLIB | LZO | SNAPPY | ZSTD;
}

type Page = [u8; PAGE_BYTES];

/// A page with its number.
type Kept = (u64, Box<Page>);

/// Where a dump has its pages.
#[derive(Debug)]
pub(super) struct Kdump {
    big_endian: bool,
    /// Pages of storage, there or not.
    pages: u64,
    /// Where the bitmap of dumped pages begins.
    bitmap: u64,
    /// Where the descriptors begin.
    descriptors: u64,
    /// For each piece of the bitmap, how many pages were dumped before it; and of all.
    before: Vec<u64>,
    kept: Vec<Mutex<Option<Kept>>>,
}

impl Kdump {
    /// Reads the headers and the bitmap of `source`.
    pub(super) fn open(source: &Source) -> Result<Self, Damage> {
        let mut head = [0; field::HEADER];
        source.read(0, &mut head, "header")?;
        // The machine that was dumped decides; a version is a small number.
        let big_endian = match (
            word(&head, field::VERSION, true),
            word(&head, field::VERSION, false),
        ) {
            (1..=0xffff, _) => true,
            (_, 1..=0xffff) => false,
            _ => return Err(Damage::at(8, "not the version of a dump")),
        };
        let number = |at| word(&head, at, big_endian);
        if u64::from(number(field::BLOCK_SIZE)) != PAGE {
            return Err(Damage::at(
                field::BLOCK_SIZE as u64,
                format!(
                    "blocks of {} bytes: not a dump of s390, whose pages have 4096",
                    number(field::BLOCK_SIZE)
                ),
            ));
        }
        let (sub, bitmaps) = (
            u64::from(number(field::SUB_BLOCKS)),
            u64::from(number(field::BITMAP_BLOCKS)),
        );
        let mut pages = u64::from(number(field::PAGES));
        if sub > 0 {
            let mut second = [0; field::SUB_HEADER];
            source.read(PAGE, &mut second, "second header")?;
            if number(field::VERSION) >= 2 && word(&second, field::SPLIT, big_endian) != 0 {
                return Err(Damage::at(
                    PAGE + field::SPLIT as u64,
                    "one part of a dump that was split: put it together with makedumpfile --reassemble",
                ));
            }
            if number(field::VERSION) >= 6 {
                let at = field::WIDE_PAGES;
                let halves = [
                    word(&second, at, big_endian),
                    word(&second, at + 4, big_endian),
                ];
                let [high, low] = if big_endian {
                    halves
                } else {
                    [halves[1], halves[0]]
                };
                pages = u64::from(high) << 32 | u64::from(low);
            }
        }
        if pages > PAGE_LIMIT {
            return Err(Damage::at(
                field::PAGES as u64,
                format!("{pages:#x} pages: no machine has that much storage"),
            ));
        }
        let start = PAGE * (1 + sub);
        // Half of the blocks are the first bitmap, of pages that exist.
        let bitmap = start + bitmaps * PAGE / 2;
        let descriptors = start + bitmaps * PAGE;
        if pages.div_ceil(8) > descriptors - bitmap {
            return Err(Damage::at(
                field::BITMAP_BLOCKS as u64,
                format!("{bitmaps} blocks of bitmaps are too few for {pages:#x} pages"),
            ));
        }
        let mut dump = Self {
            big_endian,
            pages,
            bitmap,
            descriptors,
            before: Vec::new(),
            kept: (0..KEPT).map(|_| Mutex::new(None)).collect(),
        };
        dump.count(source)?;
        Ok(dump)
    }

    /// Counts the pages of each piece of the bitmap.
    fn count(&mut self, source: &Source) -> Result<(), Damage> {
        let mut all = 0;
        self.before.push(all);
        for piece in 0..self.pages.div_ceil(PIECE) {
            let left = self.pages - piece * PIECE;
            all += self.dumped(source, piece * PIECE, left.min(PIECE))?;
            self.before.push(all);
        }
        let needed = self.descriptors.saturating_add(all * DESCRIPTOR);
        if needed > source.len() {
            return Err(Damage::at(
                self.descriptors,
                format!(
                    "{all:#x} pages should be described here, and the file has {:#x} bytes in all",
                    source.len()
                ),
            ));
        }
        Ok(())
    }

    /// How many of the `count` pages, at most [`PIECE`], from `first` on, a multiple of 8, were dumped.
    fn dumped(&self, source: &Source, first: u64, count: u64) -> Result<u64, Damage> {
        let mut buf = [0; PAGE_BYTES];
        let bits = buf
            .get_mut(..shorter(count.div_ceil(8), PAGE_BYTES))
            .unwrap_or_default();
        source.read(self.bitmap + first / 8, bits, "bitmap of pages")?;
        if let (Some(last), odd @ 1..) = (bits.last_mut(), count % 8) {
            // The first page of a byte is its lowest bit.
            *last &= (1 << odd) - 1;
        }
        Ok(bits.iter().map(|byte| u64::from(byte.count_ones())).sum())
    }

    /// First address behind all storage.
    pub(super) const fn end(&self) -> u64 {
        self.pages * PAGE
    }

    /// Whether all pages are there.
    pub(super) fn is_whole(&self) -> bool {
        self.before.last() == Some(&self.pages)
    }

    /// Where pages may be.
    pub(super) fn spans(&self) -> Vec<Range<u64>> {
        let mut spans: Vec<Range<u64>> = Vec::new();
        let pieces = (0..self.pages).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX));
        for (first, counts) in pieces.zip(self.before.windows(2)) {
            let range = first * PAGE..(first + PIECE).min(self.pages) * PAGE;
            match (counts, spans.last_mut()) {
                ([before, behind], _) if before == behind => {}
                (_, Some(last)) if last.end == range.start => last.end = range.end,
                _ => spans.push(range),
            }
        }
        spans
    }

    /// Reads from `addr` on; the answer is the number of bytes before the first that is not there.
    pub(super) fn read(&self, source: &Source, addr: u64, buf: &mut [u8]) -> Result<usize, Damage> {
        let mut done = 0;
        while done < buf.len() {
            let at = addr.saturating_add(done as u64);
            let rest = buf.get_mut(done..).unwrap_or_default();
            let len = shorter(PAGE - at % PAGE, rest.len());
            let part = rest.get_mut(..len).unwrap_or_default();
            if !self.page(source, at / PAGE, shorter(at % PAGE, PAGE_BYTES), part)? {
                break;
            }
            done += len;
        }
        Ok(done)
    }

    /// Copies a part of page `number`, from byte `from` on, to `to`; whether it is there.
    fn page(
        &self,
        source: &Source,
        number: u64,
        from: usize,
        to: &mut [u8],
    ) -> Result<bool, Damage> {
        let copy = |page: &Page, to: &mut [u8]| {
            let part = page.iter().skip(from);
            to.iter_mut().zip(part).for_each(|(to, byte)| *to = *byte);
        };
        let Some(slot) = self.kept.get(shorter(number % KEPT as u64, KEPT)) else {
            return Ok(false);
        };
        if let Ok(kept) = slot.lock()
            && let Some((there, page)) = kept.as_ref()
            && *there == number
        {
            copy(page, to);
            return Ok(true);
        }
        let Some(nth) = self.nth(source, number)? else {
            return Ok(false);
        };
        let mut page = Box::new([0; PAGE_BYTES]);
        self.load(source, self.descriptors + nth * DESCRIPTOR, &mut page)?;
        copy(&page, to);
        if let Ok(mut kept) = slot.lock() {
            *kept = Some((number, page));
        }
        Ok(true)
    }

    /// How many pages were dumped before page `number`, if that was.
    fn nth(&self, source: &Source, number: u64) -> Result<Option<u64>, Damage> {
        if number >= self.pages {
            return Ok(None);
        }
        let piece = number / PIECE;
        let before = self
            .before
            .get(usize::try_from(piece).unwrap_or(usize::MAX));
        let (byte, bit) = (number % PIECE / 8, number % 8);
        let mut buf = [0; PAGE_BYTES];
        let bits = buf
            .get_mut(..=shorter(byte, PAGE_BYTES))
            .unwrap_or_default();
        source.read(self.bitmap + piece * PAGE, bits, "bitmap of pages")?;
        let Some((last, others)) = bits.split_last() else {
            return Ok(None);
        };
        let earlier = others.iter().map(|byte| byte.count_ones()).sum::<u32>()
            + (last & ((1 << bit) - 1)).count_ones();
        let nth = before.copied().unwrap_or_default() + u64::from(earlier);
        Ok((last >> bit & 1 == 1).then_some(nth))
    }

    /// Where the byte at `addr` stands.
    pub(super) fn origin(&self, source: &Source, addr: u64) -> Result<Option<Origin>, Damage> {
        let (number, from) = (addr / PAGE, addr % PAGE);
        let Some(nth) = self.nth(source, number)? else {
            return Ok(None);
        };
        let page = self.descriptor(source, self.descriptors + nth * DESCRIPTOR)?;
        Ok(Some(match page.flags & flag::COMPRESSED {
            0 => Origin {
                offset: page.offset.saturating_add(from),
                bytes: PAGE - from,
                part: Part::Page(number),
            },
            _ => Origin {
                offset: page.offset,
                bytes: page.size.into(),
                part: Part::Compressed(number),
            },
        }))
    }

    /// The descriptor that stands at `at`.
    fn descriptor(&self, source: &Source, at: u64) -> Result<Descriptor, Damage> {
        let mut raw = [0; DESCRIPTOR_BYTES];
        source.read(at, &mut raw, "description of a page")?;
        let number = |at| word(&raw, at, self.big_endian);
        let [high, low] = if self.big_endian { [0, 4] } else { [4, 0] };
        Ok(Descriptor {
            offset: u64::from(number(high)) << 32 | u64::from(number(low)),
            size: number(8),
            flags: number(12),
        })
    }

    /// Reads the page whose descriptor stands at `at`.
    fn load(&self, source: &Source, at: u64, page: &mut Page) -> Result<(), Damage> {
        let Descriptor {
            offset,
            size,
            flags,
        } = self.descriptor(source, at)?;
        let size = size as usize;
        let mut buf = [0; PAGE_BYTES];
        let Some(stored) = buf.get_mut(..size) else {
            return Err(Damage::at(
                at + 8,
                format!("a page of {size} bytes, which is more than 4096"),
            ));
        };
        source.read(offset, stored, "page")?;
        let len = match flags & flag::COMPRESSED {
            0 => {
                page.copy_from_slice(&buf);
                Some(size)
            }
            flag::ZLIB => inflate(stored, page),
            flag::SNAPPY => snap::raw::Decoder::new().decompress(stored, page).ok(),
            other => {
                let how = match other {
                    flag::LZO => "lzo (makedumpfile -l)",
                    flag::ZSTD => "zstd (makedumpfile -z)",
                    _ => "more than one method",
                };
                return Err(Damage::at(
                    at + 12,
                    format!(
                        "a page compressed by {how}, which is not read: write the dump anew with \
                         makedumpfile -c (zlib) or -p (snappy)"
                    ),
                ));
            }
        };
        match len {
            Some(PAGE_BYTES) => Ok(()),
            _ => Err(Damage::at(
                offset,
                "not a page of 4096 bytes when decompressed",
            )),
        }
    }
}

/// What the file says of a page.
struct Descriptor {
    offset: u64,
    /// Bytes in the file.
    size: u32,
    flags: u32,
}

/// Decompresses zlib's format; how many bytes that were.
fn inflate(stored: &[u8], page: &mut Page) -> Option<usize> {
    let mut stream = Decompress::new(true);
    let status = stream.decompress(stored, page, FlushDecompress::Finish);
    let len = usize::try_from(stream.total_out()).ok()?;
    matches!(status, Ok(Status::StreamEnd)).then_some(len)
}

/// The four bytes of `bytes` from `at` on, as a number.
fn word(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    let word = word.copied().unwrap_or_default();
    if big_endian {
        u32::from_be_bytes(word)
    } else {
        u32::from_le_bytes(word)
    }
}
