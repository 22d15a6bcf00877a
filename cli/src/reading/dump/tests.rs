// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Dumps that are written here and read back, and what is wrong with them.

#[path = "../../../tests/images/dumps.rs"]
mod dumps;

use std::sync::Arc;

use dumps::{ALONE, BROKEN, ORB, PAGE, Way, compressed, core, elf, kdump, storage};
use proptest::prelude::*;

use super::image::{Dump, Shape};
use super::scan::{Scan, scan};
use super::source::{Damage, Source};
use crate::memory::{Memory, Origin, Part, Stored};

fn open(bytes: Vec<u8>) -> Result<Dump, Damage> {
    let source = Source::from(bytes);
    let shape = Shape::recognized(&source)?;
    Dump::open(source, shape.unwrap_or(Shape::Image(0)))
}

fn damage(bytes: Vec<u8>) -> String {
    open(bytes).unwrap_err().to_string()
}

fn look(bytes: Vec<u8>, most: usize) -> Scan {
    let dump = Arc::new(open(bytes).unwrap());
    let end = dump.end().next_multiple_of(PAGE as u64);
    let memory = Memory::stored(end, dump.is_whole(), Arc::clone(&dump) as Arc<dyn Stored>);
    scan(&dump, &memory, Some(most))
}

/// Addresses of what is found, the most likely one first.
fn places(bytes: Vec<u8>, most: usize) -> Vec<u64> {
    let scan = look(bytes, most);
    scan.found.iter().map(|found| found.at).collect()
}

/// What `read` takes from `at` on.
fn take(dump: &Dump, at: u64, len: usize) -> Vec<u8> {
    let mut buf = vec![0xee; len];
    let there = dump.read(at, &mut buf);
    buf.truncate(there);
    buf
}

/// A word that an ORB, a CCW, an IDAW, a TCW or a TCCB may hold, pointing into 4 KiB of storage.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (0..512_u32).prop_map(|n| n * 8),
        2 => prop::sample::select(vec![0x00c2_8000, 0x00c0_8000, 0x0040_80c0, 0x0004_8000, 0x08c2_8001]),
        3 => prop::sample::select(vec![0x0240_0010, 0x0224_0010, 0x0780_0008, 0x0800_0000, 0xe420_0040, 0x0201_0010]),
        1 => any::<u32>(),
        1 => Just(0),
    ]
}

proptest! {
    #[test]
    fn every_kind_holds_the_same_storage(at in 0..0xa000_usize, len in 0..0x3000_usize) {
        let storage = storage();
        let expected = |end: usize| &storage[at.min(end)..(at + len).min(end).max(at.min(end))];
        for bytes in [core(), storage.clone()] {
            let dump = open(bytes).unwrap();
            prop_assert_eq!(take(&dump, at as u64, len), expected(storage.len()));
        }
        let dump = open(compressed()).unwrap();
        // Page 6 is not there.
        let taken = take(&dump, at as u64, len);
        match at {
            ..0x6000 => prop_assert_eq!(taken, expected(0x6000)),
            0x6000..0x7000 => prop_assert!(taken.is_empty()),
            _ => prop_assert_eq!(taken, expected(storage.len())),
        }
        prop_assert_eq!(dump.damage(), None);
    }

    /// Whatever stands behind the first bytes of a dump: an answer.
    #[test]
    fn noise_is_no_dump(magic in 0..3_usize, noise in prop::collection::vec(any::<u8>(), 0..6000)) {
        let magic = [b"\x7fELF\x02\x02\x01".as_slice(), b"KDUMP   \0\0\0\x06", b""][magic];
        if let Ok(dump) = open([magic, &noise].concat()) {
            take(&dump, 0, 0x2000);
        }
    }

    /// Storage full of words that mean something, in any order: what is found there is told apart, in
    /// order, and stands in the dump.
    #[test]
    fn anything_may_be_found(words in prop::collection::vec(word(), 64..1024)) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let len = bytes.len() as u64;
        let scan = look(elf(&[(0, &bytes, len)]), 1000);
        let of = scan.found.len();
        for (n, found) in scan.found.iter().enumerate() {
            prop_assert!(found.at < len && found.at % 4 == 0);
            let entry = serde_json::to_value(found.entry()).unwrap();
            prop_assert_eq!(&entry["rank"], n + 1);
            prop_assert_eq!(&entry["of"], of);
            let at = format!("{:08x}", found.at);
            prop_assert!(found.text().contains(&at));
        }
    }
}

#[test]
fn one_byte_changed_anywhere_is_survived() {
    for (bytes, step) in [(core(), 1), (compressed(), 1)] {
        // Headers byte by byte, what is behind now and then.
        let behind = (700..bytes.len()).step_by(97);
        for at in (0..700).step_by(step).chain(behind) {
            for with in [0xff, 0x80, 0x01] {
                let mut changed = bytes.clone();
                changed[at] ^= with;
                let Ok(dump) = open(changed) else { continue };
                for page in 0..10 {
                    take(&dump, page * 0x1000, PAGE);
                }
            }
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_or_damage() {
    for bytes in [core(), compressed()] {
        let storage = storage();
        for len in (0..bytes.len()).step_by(61) {
            let Ok(dump) = open(bytes[..len].to_vec()) else {
                continue;
            };
            let end =
                (0..9).all(|page| page == 6 || take(&dump, page * 0x1000, PAGE).len() == PAGE);
            let is_image = len < 8;
            assert!(is_image || !end || dump.damage().is_some(), "{len}");
            assert!(dump.end() <= storage.len() as u64);
        }
    }
}

#[test]
fn holes_are_known() {
    let dump = open(elf(&[
        (0x1000, &[1; 0x1000], 0x1000),
        (0x4000, &[2; 0x800], 0x1000),
    ]))
    .unwrap();
    assert_eq!(dump.spans(), [0x1000..0x2000, 0x4000..0x4800]);
    assert!(!dump.is_whole() && open(core()).unwrap().is_whole());
    assert!(!open(compressed()).unwrap().is_whole());
    assert_eq!(take(&dump, 0x1fff, 9), [1]);
    assert_eq!(take(&dump, 0x47ff, 9), [2]);
    assert!(take(&dump, 0xfff, 9).is_empty());
    // Storage that the core does not hold is not zero: nobody knows it.
    let short = open(elf(&[(0, &[1; 0x800], 0x1000)])).unwrap();
    assert!(!short.is_whole());
}

#[test]
fn damage_is_told_with_its_place() {
    let one = [7; 0x1000];
    let with = |mut bytes: Vec<u8>, at: usize, word: u32| {
        bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
        damage(bytes)
    };
    let good = || elf(&[(0, &one, 0x1000)]);
    // Program headers are at 64, the second is that of storage at 120; its size at 152.
    assert!(
        with(good(), 16, 0x0002_0016).starts_with("at offset 0x10: an ELF file, but not a core")
    );
    assert!(with(good(), 16, 0x0004_003e).starts_with("at offset 0x12: a core of another machine"));
    assert!(
        with(good(), 152, 1).starts_with("at offset 0x78: 0x100001000 bytes of storage should")
    );
    assert!(
        with(good(), 144, 0xffff_ffff).starts_with("at offset 0x78: storage at 0xffffffff00000000")
    );
    assert!(with(good(), 56, 0xffff_0000).contains("65535 segments are more than"));
    let twice = elf(&[(0, &one, 0x1000), (0x800, &one, 0x1000)]);
    assert!(damage(twice).starts_with("at offset 0xb0: storage from 0x800 on is there twice"));
    assert!(damage(elf(&[])).contains("there is no storage"));
    let good = || kdump(&[(&one, Way::Plain)]);
    assert!(with(good(), 428, 512).starts_with("at offset 0x1ac: blocks of 512 bytes"));
    assert!(with(good(), PAGE + 12, 1).starts_with("at offset 0x100c: one part of a dump"));
    assert!(with(good(), PAGE + 96, 0xffff_ffff).contains("no machine has that much"));
    assert!(with(good(), PAGE + 100, 0x9000).contains("too few for 0x9000 pages"));
    assert!(with(good(), 8, 0).starts_with("at offset 0x8: "));
    assert!(damage(b"makedumpfile\0\0\0\0".to_vec()).contains("makedumpfile -R"));
    assert!(damage(b"KDUMP   ".to_vec()).starts_with("at offset 0x0: the header should have 464"));
    for (way, method) in [
        (Way::Other(2), "lzo"),
        (Way::Other(0x20), "zstd"),
        (Way::Other(3), "more than one"),
    ] {
        let dump = open(kdump(&[(&one, way)])).unwrap();
        assert!(take(&dump, 0, 8).is_empty());
        let damage = dump.damage().unwrap();
        // The flags of the only descriptor, behind four blocks.
        assert_eq!(damage.offset, 0x400c);
        assert!(damage.reason.contains(method), "{damage}");
    }
    for way in [Way::Other(1), Way::Other(4)] {
        let dump = open(kdump(&[(&one, way)])).unwrap();
        assert!(take(&dump, 0, 8).is_empty());
        assert_eq!(dump.damage().unwrap().offset, 0x4018);
    }
}

#[test]
fn what_there_is_is_found() {
    let expected = [ORB as u64, BROKEN as u64, ALONE as u64];
    assert_eq!(places(core(), 10), expected);
    assert_eq!(places(compressed(), 10), expected);
    assert_eq!(places(storage(), 10), expected);
    assert_eq!(places(core(), 1), [ORB as u64]);
}

/// Storage of `len` bytes with the guest's at its beginning, but for the ORB and the program alone.
fn large(len: usize) -> Vec<u8> {
    let mut bytes = storage();
    bytes[ORB..ORB + 12].fill(0);
    bytes[BROKEN..BROKEN + 12].fill(0);
    bytes[ALONE..ALONE + 24].fill(0);
    bytes.resize(len, 0);
    bytes
}

#[test]
fn places_at_the_edges_of_what_is_read_at_a_time_are_found() {
    const BLOCK: usize = 1 << 20;
    let part = storage();
    for at in [
        BLOCK - 32,
        BLOCK - 12,
        BLOCK - 8,
        BLOCK - 4,
        BLOCK,
        2 * BLOCK - 12,
    ] {
        let mut bytes = large(2 * BLOCK);
        bytes[at..at + 12].copy_from_slice(&part[ORB..ORB + 12]);
        assert_eq!(places(bytes, 1), [at as u64], "ORB at {at:x}");
    }
    for at in [BLOCK - 24, BLOCK - 16, BLOCK - 8, BLOCK, 2 * BLOCK - 24] {
        let mut bytes = large(2 * BLOCK);
        bytes[at..at + 24].copy_from_slice(&part[ALONE..ALONE + 24]);
        // The program of the disk is there, too.
        let places = places(bytes, 10);
        assert_eq!(places, [0x2000, at as u64], "program at {at:x}");
    }
}

/// Which IDAWs are meant by a program without an ORB is told by what stands there.
#[test]
fn lists_without_an_orb_are_of_the_kind_that_fits() {
    let control = |list: [u32; 4]| {
        let mut bytes = large(0x10000);
        // Makes a program of three CCWs, the last of which has a list, of the ORB's.
        for (to, word) in bytes[0x4000..].chunks_exact_mut(4).zip(list) {
            to.copy_from_slice(&u32::to_be_bytes(word));
        }
        let scan = look(bytes, 10);
        let [found] = &scan.found[..] else {
            panic!("one program");
        };
        assert_eq!(found.at, 0x2000);
        found.raw.word(1)
    };
    assert_eq!(control([0, 0x5000, 0, 0x8000]), 0x00c2_8000);
    assert_eq!(control([0x5000, 0x5800, 0x8000, 0x8800]), 0x00c0_8000);
}

#[test]
fn behind_a_hole_is_looked_as_well() {
    let storage = storage();
    let low = &storage[..0x800];
    let high = &storage[PAGE..];
    let core = elf(&[(0, low, 0x800), (PAGE as u64, high, high.len() as u64)]);
    assert_eq!(places(core, 1), [ORB as u64]);
}

/// A long program is one all the same.
#[test]
fn a_program_without_an_early_end_is_found() {
    let mut bytes = large(0x10_0000);
    bytes[ORB..ORB + 12].copy_from_slice(&storage()[ORB..ORB + 12]);
    bytes[ORB + 8..ORB + 12].copy_from_slice(&0x2_0000_u32.to_be_bytes());
    for ccw in bytes[0x2_0000..0x3_0000].chunks_exact_mut(8) {
        ccw.copy_from_slice(&[0x06, 0x60, 0x10, 0, 0, 0, 0x50, 0]);
    }
    let scan = look(bytes, 1);
    let found = &scan.found[0];
    assert_eq!(found.at, ORB as u64);
    let text = found.text();
    assert!(
        text.contains("legal as far as it was read, 256 CCWs"),
        "{text}"
    );
}

/// Storage in which everything may be an ORB keeps the tool neither busy nor full.
#[test]
fn too_many_places_are_counted() {
    let mut bytes = large(0x10_0000);
    let orb = storage()[ORB..ORB + 12].to_vec();
    let room = &mut bytes[0x10000..];
    room.chunks_exact_mut(12)
        .for_each(|to| to.copy_from_slice(&orb));
    let scan = look(bytes, 3);
    assert_eq!(scan.found.len(), 3);
    assert!(scan.dropped > 60_000, "{}", scan.dropped);
}

/// The bytes that `origin` names in `file`.
fn part(file: &[u8], origin: Origin) -> &[u8] {
    let from = usize::try_from(origin.offset).unwrap();
    &file[from..from + usize::try_from(origin.bytes).unwrap()]
}

#[test]
fn bytes_of_storage_are_found_in_the_file() {
    let storage = storage();
    let (file, at) = (core(), BROKEN as u64);
    let dump = open(file.clone()).unwrap();
    let origin = dump.origin(at).unwrap();
    // The piece that stands second, which is the lower one.
    assert_eq!(origin.part, Part::Segment(2));
    assert_eq!(part(&file, origin), &storage[BROKEN..3 * PAGE]);
    assert_eq!(dump.origin(3 * PAGE as u64).unwrap().part, Part::Segment(1));
    assert_eq!(dump.origin(9 * PAGE as u64), None);

    let image = Dump::open(Source::from(storage.clone()), Shape::Image(0x10000)).unwrap();
    let expected = Origin {
        offset: 0x1100,
        bytes: 0x7f00,
        part: Part::Image,
    };
    assert_eq!(image.origin(0x11100), Some(expected));
    assert_eq!(image.origin(0xffff), None);

    let file = compressed();
    let dump = open(file.clone()).unwrap();
    let plain = dump.origin(0x2110).unwrap();
    assert_eq!(
        (plain.part, part(&file, plain)),
        (Part::Page(2), &storage[0x2110..0x3000])
    );
    let snappy = dump.origin(at).unwrap();
    assert_eq!(snappy.part, Part::Compressed(1));
    let page = snap::raw::Decoder::new().decompress_vec(part(&file, snappy));
    assert_eq!(page.unwrap(), &storage[PAGE..2 * PAGE]);
    assert_eq!(dump.origin(6 * PAGE as u64), None, "it was left out");
}

/// What is gone from a file since it was opened is damage, wherever it was.
#[test]
fn files_that_shrink_while_they_are_read_are_damaged() {
    let path = std::env::temp_dir().join(format!("ccwtool-shrinks-{}", std::process::id()));
    for (bytes, left) in [(core(), 0x400), (compressed(), 0x4100), (compressed(), 0)] {
        std::fs::write(&path, &bytes).unwrap();
        let source = Source::open(&path).unwrap();
        let shape = Shape::recognized(&source).unwrap().unwrap();
        let dump = Dump::open(source, shape).unwrap();
        assert_eq!(take(&dump, BROKEN as u64, 4), storage()[BROKEN..BROKEN + 4]);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(left).unwrap();
        // Another page: one that was read may be remembered.
        assert!(take(&dump, 0x5000, 8).is_empty());
        assert!(
            dump.damage()
                .unwrap()
                .to_string()
                .contains("cannot be read")
        );
        let _ = dump.origin(0x5000);
    }
    std::fs::remove_file(path).unwrap();
}
