// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Dumps of a small guest, written out by hand.

#![allow(dead_code, reason = "each test that includes this needs a part of it")]

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Bytes of a page.
pub(crate) const PAGE: usize = 4096;

/// Where the guest's ORB is: a program of a disk, which is legal.
pub(crate) const ORB: usize = 0x1080;

/// Where another one is: its third CCW has bit 32.
pub(crate) const BROKEN: usize = 0x1100;

/// Where a program without an ORB is.
pub(crate) const ALONE: usize = 0x7100;

/// The guest's storage, nine pages.
pub(crate) fn storage() -> Vec<u8> {
    let mut bytes = vec![0; 9 * PAGE];
    // Text, as most of storage is something else than zeros.
    bytes[0x6000..0x7000].fill(0xc1);
    let parts: [(usize, &[u32]); 8] = [
        (ORB, &[0x1000, 0x00c2_8000, 0x2000]),
        (BROKEN, &[0x1000, 0x00c2_8000, 0x2100]),
        // DEFINE EXTENT, LOCATE RECORD, READ DATA of two pages by a list.
        (
            0x2000,
            &[
                0x6340_0010,
                0x3000,
                0x4740_0010,
                0x3010,
                0x8624_2000,
                0x4000,
            ],
        ),
        (
            0x2100,
            &[
                0x6340_0010,
                0x3000,
                0x4740_0010,
                0x3010,
                0x8600_1000,
                0x8000_5000,
            ],
        ),
        (0x3000, &[0x40c0_0000, 0, 0, 0x000e]),
        (0x3010, &[0x1600_0001, 0, 0, 0x0001_0000]),
        (0x4000, &[0, 0x5000, 0, 0x8000]),
        // REWIND, READ, READ: a tape's.
        (
            ALONE,
            &[
                0x0760_0001,
                0x5000,
                0x0260_0050,
                0x5000,
                0x0220_0050,
                0x5050,
            ],
        ),
    ];
    for (at, words) in parts {
        for (to, word) in bytes[at..].chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
    }
    bytes
}

/// A piece of an ELF core: address, bytes in the file, bytes of storage.
pub(crate) type Piece<'a> = (u64, &'a [u8], u64);

/// An ELF core, with a note that is passed over and these pieces of storage.
pub(crate) fn elf(pieces: &[Piece<'_>]) -> Vec<u8> {
    let count = pieces.len() + 1;
    let mut file = b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [4u16, 22] {
        file.extend(half.to_be_bytes());
    }
    file.extend(1u32.to_be_bytes());
    for word in [0u64, 64, 0] {
        file.extend(word.to_be_bytes());
    }
    file.extend(0u32.to_be_bytes());
    for half in [64, 56, u16::try_from(count).unwrap(), 0, 0, 0] {
        file.extend(half.to_be_bytes());
    }
    assert_eq!(file.len(), 64);
    let mut offset = 64 + 56 * count as u64;
    let note: Piece<'_> = (0, b"NOTE", 4);
    for (kind, (addr, bytes, len)) in
        std::iter::once((4u32, &note)).chain(pieces.iter().map(|piece| (1, piece)))
    {
        file.extend(kind.to_be_bytes());
        file.extend(7u32.to_be_bytes());
        // Offset, virtual and physical address, bytes in the file and in storage, alignment.
        for word in [offset, !addr, *addr, bytes.len() as u64, *len, 0] {
            file.extend(word.to_be_bytes());
        }
        offset += bytes.len() as u64;
    }
    file.extend(note.1);
    pieces.iter().for_each(|piece| file.extend(piece.1));
    file
}

/// The guest's storage as an ELF core, in two pieces of which the later one stands first.
pub(crate) fn core() -> Vec<u8> {
    let storage = storage();
    let (low, high) = storage.split_at(3 * PAGE);
    elf(&[
        (low.len() as u64, high, high.len() as u64),
        (0, low, low.len() as u64),
    ])
}

/// How a page is stored in a kdump file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Zlib,
    Snappy,
    /// By a method with this flag; the bytes are no good.
    Other(u8),
    /// Not at all.
    Left,
}

/// `pages` as `makedumpfile` writes them, each in its way.
pub(crate) fn kdump(pages: &[(&[u8], Way)]) -> Vec<u8> {
    let count = u32::try_from(pages.len()).unwrap();
    let mut file = vec![0; 4 * PAGE];
    file[..8].copy_from_slice(b"KDUMP   ");
    // Version, then block size, blocks of the second header and of the bitmaps, pages.
    for (at, word) in [(8, 6), (428, 4096), (432, 1), (436, 2), (440, count)] {
        file[at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    file[PAGE + 96..PAGE + 104].copy_from_slice(&u64::from(count).to_be_bytes());
    let there = || pages.iter().enumerate().filter(|(_, it)| it.1 != Way::Left);
    for (n, _) in there() {
        file[3 * PAGE + n / 8] |= 1 << (n % 8);
    }
    let mut offset = (file.len() + 24 * there().count()) as u64;
    let mut stored = Vec::new();
    for (_, (page, way)) in there() {
        let (flag, bytes) = match way {
            Way::Zlib => (1, zlib(page)),
            Way::Snappy => (4, snap::raw::Encoder::new().compress_vec(page).unwrap()),
            Way::Other(flag) => (*flag, vec![0; 100]),
            Way::Plain | Way::Left => (0, page.to_vec()),
        };
        file.extend(offset.to_be_bytes());
        file.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        file.extend([0, 0, 0, flag]);
        file.extend([0; 8]);
        offset += bytes.len() as u64;
        stored.extend(bytes);
    }
    file.extend(stored);
    file
}

/// The guest's storage as a kdump file; page 6 was left out.
pub(crate) fn compressed() -> Vec<u8> {
    let storage = storage();
    let pages: Vec<(&[u8], Way)> = storage
        .chunks(PAGE)
        .zip([Way::Zlib, Way::Snappy, Way::Plain].into_iter().cycle())
        .enumerate()
        .map(|(n, (page, way))| (page, if n == 6 { Way::Left } else { way }))
        .collect();
    kdump(&pages)
}

fn zlib(page: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(page).unwrap();
    encoder.finish().unwrap()
}
