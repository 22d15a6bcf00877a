// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Extended count-key-data disk. Sense bytes are those of a 3990: byte 0, byte 1, and format and
//! message in byte 7.

use css::device::eckd::{Eckd, VolumeError};

use crate::rig::{End, Rig};

pub(crate) type Disk = Rig<Eckd<Vec<u8>>>;

/// Where parameters lie: of DEFINE EXTENT, of LOCATE RECORD, of SEEK, of SEARCH; and data.
const EXTENT: u64 = 0x2000;
const LOCATE: u64 = 0x2010;
const SEEK: u64 = 0x2040;
const SEARCH: u64 = 0x2050;
const DATA: u64 = 0x3000;

const CC: u64 = 0x40;
const SLI: u64 = 0x20;

fn ccw(code: u64, flags: u64, count: u64, at: u64) -> u64 {
    code << 56 | flags << 48 | count << 32 | at
}

fn define() -> u64 {
    ccw(0x63, CC, 16, EXTENT)
}

fn find() -> u64 {
    ccw(0x47, CC, 16, LOCATE)
}

fn seek() -> u64 {
    ccw(0x07, CC, 6, SEEK)
}

fn tic(ccw: u64) -> u64 {
    0x08 << 56 | (0x1000 + 8 * ccw)
}

/// Two cylinders. Track 2 has four records of 512 bytes with keys of four, each filled with its
/// number; tracks 3 and 15 have one of 16 bytes, filled with E3 and EF.
pub(crate) fn disk() -> Disk {
    let mut rig = Rig::new(Eckd::format(Vec::new(), 2).expect("a volume"));
    let four: Vec<u8> = (1..=4)
        .flat_map(|r| record((0, 2), r, 4, &[r; 512]))
        .collect();
    format(&mut rig, (0, 2), &[(4 + 8 + 512); 4], &four);
    for (track, fill) in [((0, 3), 0xe3), ((1, 0), 0xef)] {
        format(
            &mut rig,
            track,
            &[8 + 16],
            &record(track, 1, 0, &[fill; 16]),
        );
    }
    rig
}

/// What WRITE COUNT, KEY AND DATA takes; the key is the number of the record.
pub(crate) fn record((cylinder, head): (u8, u8), r: u8, key: u8, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap().to_be_bytes();
    let count = [0, cylinder, 0, head, r, key, len[0], len[1]];
    [&count[..], &vec![r; key.into()], data].concat()
}

/// Writes these records behind record 0.
pub(crate) fn format(rig: &mut Disk, track: (u8, u8), sizes: &[u64], bytes: &[u8]) {
    extent(rig, 0x00, track, track);
    locate(rig, 0x03, u8::try_from(sizes.len()).unwrap(), track, 0);
    rig.put(0x1_0000, bytes);
    let mut program = vec![define(), find()];
    let mut at = 0x1_0000;
    for (n, size) in sizes.iter().enumerate() {
        let chain = if n + 1 < sizes.len() { CC } else { 0 };
        program.push(ccw(0x1d, chain, *size, at));
        at += size;
    }
    assert_eq!(rig.good(&program), 0);
}

/// Mask, first and last track.
fn extent(rig: &mut Disk, mask: u8, (c, h): (u8, u8), (cc, hh): (u8, u8)) {
    let bytes = [mask, 0xc0, 0, 0, 0, 0, 0, 0, 0, c, 0, h, 0, cc, 0, hh];
    rig.put(EXTENT, &bytes);
}

fn locate(rig: &mut Disk, operation: u8, count: u8, (c, h): (u8, u8), r: u8) {
    let bytes = [operation, 0, 0, count, 0, c, 0, h, 0, c, 0, h, r, 0, 0, 0];
    rig.put(LOCATE, &bytes);
}

fn seek_and_search(rig: &mut Disk, (c, h): (u8, u8), r: u8) {
    rig.put(SEEK, &[0, 0, 0, c, 0, h]);
    rig.put(SEARCH, &[0, c, 0, h, r]);
}

/// The program ends with unit check, and sense bytes 0, 1 and 7 are these.
fn fails(rig: &mut Disk, program: &[u64], sense: [u8; 3]) -> End {
    let end = rig.run(program);
    assert_eq!(end.status[0], 0x0e, "{end:x?}");
    let found = [end.sense[0], end.sense[1], end.sense[7]];
    assert_eq!(found, sense, "{end:x?}");
    end
}

const REJECT_SEQUENCE: [u8; 3] = [0x80, 0, 2];
const REJECT_PARAMETER: [u8; 3] = [0x80, 0, 4];
const NO_RECORD: [u8; 3] = [0, 8, 0];
const FILE_PROTECTED: [u8; 3] = [0, 4, 0];

#[test]
fn identification() {
    let mut rig = disk();
    assert_eq!(rig.good(&[ccw(0xe4, SLI, 40, DATA)]), 16);
    let id = [
        0xff, 0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a, 0, 0x40, 0xfa, 1, 0,
    ];
    assert_eq!(rig.get(DATA, 12), id);
    assert_eq!(rig.good(&[ccw(0x64, 0, 64, DATA)]), 0);
    let found = rig.get(DATA, 16);
    assert_eq!(found[..6], [0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a]);
    assert_eq!(found[10..16], [0x20, 0x26, 0, 2, 0, 15], "two cylinders");
    assert_eq!(rig.good(&[ccw(0xb4, SLI, 40, DATA)]), 8, "sense bytes");
    // As many bytes as SENSE ID says: elements of 32 for the device, its control unit, and both.
    assert_eq!(rig.good(&[ccw(0xfa, 0, 256, DATA)]), 0);
    let elements: Vec<_> = (0..8).map(|n| rig.get(DATA + 32 * n, 32)).collect();
    assert_eq!(elements[0][..4], [0xd0, 1, 1, 0]);
    assert_eq!(elements[0][6..10], [0xf3, 0xf3, 0xf9, 0xf0]);
    assert_eq!(elements[1][..4], [0xd0, 2, 1, 0]);
    assert_eq!(elements[1][6..10], [0xf3, 0xf9, 0xf9, 0xf0]);
    assert_eq!(elements[7][0], 0x80);
    assert!(elements[2..7].concat().iter().all(|byte| *byte == 0));
    let end = fails(&mut rig, &[ccw(0xa7, 0, 4, DATA)], [0x80, 0, 1]);
    assert_eq!(end.residual, 4, "no byte moved");
    assert_eq!(end.sense.len(), 32);
}

#[test]
fn located_records_are_read_one_by_one() {
    let mut rig = disk();
    extent(&mut rig, 0x40, (0, 2), (0, 2));
    locate(&mut rig, 0x06, 2, (0, 2), 2);
    let program = [
        define(),
        find(),
        ccw(0x06, CC, 512, DATA),
        ccw(0x0e, 0, 516, 0x4000),
    ];
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(DATA, 512), [2; 512]);
    assert_eq!(rig.get(0x4000, 516), [3; 516], "key and data");
    // Only two of them were announced: another LOCATE RECORD could not stand before the second.
    let again = [program[0], program[1], program[2], find()];
    fails(&mut rig, &again, REJECT_SEQUENCE);
    // And nothing that writes.
    let writes = [program[0], program[1], ccw(0x05, 0, 512, DATA)];
    fails(&mut rig, &writes, REJECT_SEQUENCE);
}

#[test]
fn behind_the_domain_of_a_locate_record() {
    let mut rig = disk();
    extent(&mut rig, 0x80, (0, 2), (0, 3));
    rig.put(SEARCH, &[0, 0, 0, 2, 1]);
    rig.put(SEEK, &[0, 0, 0, 0, 0, 3]);
    let search = [ccw(0x31, CC, 5, SEARCH), ccw(0x08, 0, 0, 0)];
    // What was announced is read; then whatever else, a search and a write too.
    locate(&mut rig, 0x06, 1, (0, 2), 2);
    let located = [define(), find(), ccw(0x06, CC, 512, DATA)];
    let with = |more: &[u64]| [&located[..], more].concat();
    assert_eq!(rig.good(&with(&[ccw(0x06, 0, 512, 0x4000)])), 0);
    assert_eq!(rig.get(0x4000, 512), [3; 512], "the record behind it");
    let mut searches = with(&search);
    searches[4] = tic(3);
    searches.push(ccw(0x05, 0, 512, DATA));
    assert_eq!(rig.good(&searches), 0);
    seek_and_search(&mut rig, (0, 2), 1);
    let search_and_read = [
        seek(),
        ccw(0x31, CC, 5, SEARCH),
        tic(1),
        ccw(0x06, 0, 512, 0x4000),
    ];
    assert_eq!(rig.good(&search_and_read), 0);
    assert_eq!(rig.get(0x4000, 512), [2; 512], "record 1 has been written");
    rig.put(SEEK, &[0, 0, 0, 0, 0, 3]);
    assert_eq!(rig.good(&with(&[seek(), ccw(0x06, 0, 16, DATA)])), 0);
    assert_eq!(rig.get(DATA, 16), [0xe3; 16]);
    assert_eq!(
        rig.good(&with(&[find(), ccw(0x06, 0, 512, DATA)])),
        0,
        "another domain"
    );
    // But nothing that wants a search or a domain before it, and no second extent.
    for command in [0x05, 0x0d, 0x1d, 0xde, 0x63] {
        let end = with(&[ccw(command, SLI, 16, EXTENT)]);
        fails(&mut rig, &end, REJECT_SEQUENCE);
    }
}

#[test]
fn orientation_has_no_domain() {
    let mut rig = disk();
    extent(&mut rig, 0x00, (0, 2), (0, 2));
    // Behind the count field of record 2, behind its data, and at the index point.
    for (operation, read) in [(0x00, 2), (0x80, 3), (0xc0, 1)] {
        locate(&mut rig, operation, 0, (0, 2), 2);
        let program = [define(), find(), ccw(0x06, 0, 512, DATA)];
        assert_eq!(rig.good(&program), 0);
        assert_eq!(rig.get(DATA, 512), [read; 512]);
    }
    // Any command may follow, but none that writes without having searched.
    locate(&mut rig, 0x00, 0, (0, 2), 2);
    rig.put(SEARCH, &[0, 0, 0, 2, 4]);
    let search = [
        define(),
        find(),
        ccw(0x31, CC, 5, SEARCH),
        tic(2),
        ccw(0x05, 0, 512, DATA),
    ];
    assert_eq!(rig.good(&search), 0);
    for command in [0x05, 0x0d, 0x1d, 0x11] {
        let write = [define(), find(), ccw(command, SLI, 16, DATA)];
        fails(&mut rig, &write, REJECT_SEQUENCE);
    }
}

#[test]
fn a_record_that_is_not_there() {
    let mut rig = disk();
    extent(&mut rig, 0x40, (0, 0), (1, 14));
    locate(&mut rig, 0x06, 1, (0, 2), 5);
    let end = fails(&mut rig, &[define(), find() & !(CC << 48)], NO_RECORD);
    // Where the arm is: low cylinder, high cylinder and head; and again.
    assert_eq!(end.sense[5..7], [0, 2]);
    assert_eq!(end.sense[27..32], [0x80, 0, 0, 0, 2]);
    locate(&mut rig, 0x06, 1, (1, 14), 1);
    let end = fails(&mut rig, &[define(), find() & !(CC << 48)], NO_RECORD);
    assert_eq!(
        (&end.sense[5..7], &end.sense[29..]),
        (&[1, 14][..], &[0, 1, 14][..])
    );
}

#[test]
fn counts_from_record_one_on() {
    let mut rig = disk();
    extent(&mut rig, 0x40, (0, 2), (0, 2));
    locate(&mut rig, 0x06, 4, (0, 2), 0);
    let counts = (0..4).map(|n| ccw(0x12, if n < 3 { CC } else { 0 }, 8, DATA + 8 * n));
    let program: Vec<u64> = [define(), find()].into_iter().chain(counts).collect();
    assert_eq!(rig.good(&program), 0);
    for r in 1..=4 {
        let count = rig.get(DATA + 8 * u64::from(r - 1), 8);
        assert_eq!(count, [0, 0, 0, 2, r, 4, 2, 0]);
    }
}

#[test]
fn seek_search_and_read() {
    let mut rig = disk();
    seek_and_search(&mut rig, (0, 2), 3);
    // The search is repeated until the record has come.
    let program = [
        seek(),
        ccw(0x31, CC, 5, SEARCH),
        tic(1),
        ccw(0x06, CC, 512, DATA),
        ccw(0x22, 0, 1, DATA),
    ];
    let end = rig.run(&program);
    assert_eq!(end.status[0], 0x0e, "READ SECTOR is not known");
    assert_eq!(rig.get(DATA, 512), [3; 512]);
    // A record that is not there: the track turns once, and no more.
    seek_and_search(&mut rig, (0, 2), 9);
    fails(&mut rig, &program[..4], NO_RECORD);
    // Equal or higher: record 1 is the first that is higher than record 0.
    seek_and_search(&mut rig, (0, 2), 0);
    let higher = [
        seek(),
        ccw(0x51, CC, 5, SEARCH),
        tic(1),
        ccw(0x06, 0, 512, DATA),
    ];
    assert_eq!(rig.good(&higher), 0);
    assert_eq!(rig.get(DATA, 512), [1; 512]);
    // By its key.
    rig.put(SEARCH, &[4; 4]);
    let key = [
        seek(),
        ccw(0x29, CC, 4, SEARCH),
        tic(1),
        ccw(0x06, 0, 512, DATA),
    ];
    assert_eq!(rig.good(&key), 0);
    assert_eq!(rig.get(DATA, 512), [4; 512]);
}

/// SEARCH compares as many bytes as are given. Writing asks for all of them.
#[test]
fn an_argument_that_is_too_short() {
    let mut rig = disk();
    seek_and_search(&mut rig, (0, 2), 1);
    // Where a search finds something, the CCW behind it is skipped.
    let program = |search: u64, last: u64| [seek(), search, ccw(0x03, 0, 1, 0), last];
    let read = ccw(0x06, 0, 512, DATA);
    let found = |rig: &mut Disk, search| {
        rig.put(DATA, &[0xee]);
        rig.run(&program(search, read));
        rig.get(DATA, 1) != [0xee]
    };
    // Equal; then equal or high; the record's id, its key and the home address.
    rig.put(SEARCH, &[0, 0, 0, 2]);
    for command in [0x31, 0x71, 0x39] {
        assert!(found(&mut rig, ccw(command, CC | SLI, 4, SEARCH)));
        assert!(found(&mut rig, ccw(command, CC | SLI, 1, SEARCH)));
    }
    rig.put(SEARCH, &[1; 4]);
    for command in [0x29, 0x69] {
        assert!(found(&mut rig, ccw(command, CC | SLI, 3, SEARCH)));
    }
    for command in [0x31, 0x51, 0x71, 0x29, 0x49, 0x69, 0x39] {
        let nothing = ccw(command, CC | SLI, 0, SEARCH);
        assert!(!found(&mut rig, nothing), "{command:02x}");
    }
    rig.put(SEARCH, &[0, 0, 0, 2, 0]);
    assert!(found(&mut rig, ccw(0x31, CC, 5, SEARCH)));
    let write = ccw(0x05, SLI, 1, DATA);
    fails(
        &mut rig,
        &program(ccw(0x31, CC | SLI, 4, SEARCH), write),
        REJECT_SEQUENCE,
    );
    assert_eq!(rig.good(&program(ccw(0x31, CC, 5, SEARCH), write)), 0);
}

#[test]
fn on_to_the_next_track_and_cylinder() {
    let mut rig = disk();
    // In the domain of a LOCATE RECORD: from the last record of track 2 to the one of track 3.
    extent(&mut rig, 0x40, (0, 2), (0, 3));
    locate(&mut rig, 0x06, 2, (0, 2), 4);
    let program = [
        define(),
        find(),
        ccw(0x86, CC, 512, DATA),
        ccw(0x86, 0, 16, 0x4000),
    ];
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(0x4000, 16), [0xe3; 16]);
    // Not beyond the extent.
    extent(&mut rig, 0x40, (0, 2), (0, 2));
    fails(&mut rig, &program, FILE_PROTECTED);
    // From cylinder 0 to cylinder 1 over tracks without records.
    extent(&mut rig, 0x40, (0, 3), (1, 0));
    locate(&mut rig, 0x06, 2, (0, 3), 1);
    let over = [define(), find(), ccw(0x86, CC, 16, DATA), program[3]];
    assert_eq!(rig.good(&over), 0);
    assert_eq!(rig.get(0x4000, 16), [0xef; 16]);
    // Without LOCATE RECORD the cylinder is the end.
    seek_and_search(&mut rig, (0, 14), 0);
    let end = [seek(), ccw(0x86, 0, 16, DATA)];
    fails(&mut rig, &end, [0, 0x20, 0]);
}

#[test]
fn data_are_replaced_and_filled_with_zeros() {
    let mut rig = disk();
    extent(&mut rig, 0x80, (0, 2), (0, 2));
    locate(&mut rig, 0x01, 2, (0, 2), 2);
    rig.put(DATA, &[0x77; 516]);
    let program = [
        define(),
        find(),
        ccw(0x85, CC | SLI, 100, DATA),
        ccw(0x8d, 0, 516, DATA),
    ];
    assert_eq!(rig.good(&program), 0);
    locate(&mut rig, 0x06, 3, (0, 2), 1);
    let read = [
        define(),
        find(),
        ccw(0x06, CC, 512, 0x5000),
        ccw(0x0e, CC, 516, 0x6000),
        ccw(0x0e, 0, 516, 0x7000),
    ];
    assert_eq!(rig.good(&read), 0);
    assert_eq!(rig.get(0x5000, 512), [1; 512], "record 1 as it was");
    let second = [&[2; 4][..], &[0x77; 100], &[0; 412]].concat();
    assert_eq!(rig.get(0x6000, 516), second);
    assert_eq!(rig.get(0x7000, 516), [0x77; 516]);
}

#[test]
fn the_mask_decides_what_may_be_written() {
    for (mask, updates, formats) in [
        (0x00, true, true),
        (0x40, false, false),
        (0x80, true, false),
        (0xc0, true, true),
    ] {
        let mut rig = disk();
        extent(&mut rig, mask, (0, 2), (0, 2));
        for (operation, command, allowed) in [(0x01, 0x05, updates), (0x03, 0x1d, formats)] {
            locate(&mut rig, operation, 1, (0, 2), 1);
            let program = [define(), find(), ccw(command, SLI, 8, DATA)];
            match allowed {
                true => assert_eq!(rig.good(&program), 0),
                false => {
                    fails(&mut rig, &program, REJECT_PARAMETER);
                }
            }
        }
    }
    // Nor without a search for the record.
    let mut rig = disk();
    seek_and_search(&mut rig, (0, 2), 1);
    for command in [0x05, 0x0d, 0x1d] {
        fails(
            &mut rig,
            &[seek(), ccw(command, SLI, 8, DATA)],
            REJECT_SEQUENCE,
        );
    }
}

#[test]
fn a_new_record_ends_the_track() {
    let mut rig = disk();
    extent(&mut rig, 0x00, (0, 2), (0, 2));
    locate(&mut rig, 0x03, 1, (0, 2), 1);
    rig.put(DATA, &record((0, 2), 0x22, 0, &[0x99; 40]));
    assert_eq!(rig.good(&[define(), find(), ccw(0x1d, 0, 48, DATA)]), 0);
    locate(&mut rig, 0x06, 3, (0, 2), 0);
    let counts = (0..3).map(|n| ccw(0x12, if n < 2 { CC } else { 0 }, 8, DATA + 8 * n));
    let program: Vec<u64> = [define(), find()].into_iter().chain(counts).collect();
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(DATA, 5), [0, 0, 0, 2, 1]);
    assert_eq!(rig.get(DATA + 8, 8), [0, 0, 0, 2, 0x22, 0, 0, 40]);
    // Behind it the track begins again.
    assert_eq!(rig.get(DATA + 16, 5), [0, 0, 0, 2, 1]);
}

/// A 3390 takes twelve records of 4096 bytes on a track.
#[test]
fn a_track_is_full() {
    let mut rig = disk();
    for (len, most) in [(4096_u16, 12), (2048, 21), (1024, 33), (56_664, 1)] {
        extent(&mut rig, 0x00, (1, 1), (1, 1));
        let all = most + 1;
        locate(&mut rig, 0x03, all, (1, 1), 0);
        let mut program = vec![define(), find()];
        for r in 1..=all {
            let [high, low] = len.to_be_bytes();
            let at = DATA + 8 * u64::from(r);
            rig.put(at, &[0, 1, 0, 1, r, 0, high, low]);
            let chain = if r < all { CC } else { 0 };
            program.push(ccw(0x1d, chain | SLI, 8, at));
        }
        let last = program.len() - 1;
        fails(&mut rig, &program, [0, 0x40, 0]);
        program[last - 1] &= !(CC << 48);
        locate(&mut rig, 0x03, most, (1, 1), 0);
        assert_eq!(rig.good(&program[..last]), 0, "{len}");
    }
}

#[test]
fn a_whole_track() {
    let mut rig = disk();
    extent(&mut rig, 0x40, (0, 3), (0, 3));
    let bytes = [
        0x4c, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0xff, 0, 0, 0, 0, 0, 0,
    ];
    rig.put(LOCATE, &bytes);
    let program = [
        define(),
        ccw(0x4b, CC, 20, LOCATE),
        ccw(0xde, SLI, 100, DATA),
    ];
    assert_eq!(rig.good(&program), 100 - 16 - 24 - 8);
    let expected = [
        &[0, 0, 0, 3, 0, 0, 0, 8][..],
        &[0; 8],
        &[0, 0, 0, 3, 1, 0, 0, 16],
        &[0xe3; 16],
        &[0xff; 8],
    ];
    assert_eq!(rig.get(DATA, 48), expected.concat());
}

#[test]
fn extent_and_location_in_one() {
    let mut rig = disk();
    let mut prefix = [0; 64];
    prefix[..2].copy_from_slice(&[1, 0x80]);
    prefix[12..28].copy_from_slice(&[0x40, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2]);
    prefix[44..57].copy_from_slice(&[6, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 4]);
    rig.put(LOCATE, &prefix);
    let program = [ccw(0xe7, CC, 64, LOCATE), ccw(0x86, 0, 512, DATA)];
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(DATA, 512), [4; 512]);
}

#[test]
fn parameters_that_are_wrong() {
    let mut rig = disk();
    let end = |rig: &mut Disk, sense| fails(rig, &[define(), find() & !(CC << 48)], sense);
    locate(&mut rig, 0x06, 1, (0, 2), 1);
    // Reserved bit of the mask; attributes; the last track before the first; no such track.
    for (mask, first, last) in [
        (0x60, (0, 2), (0, 2)),
        (0x40, (0, 3), (0, 2)),
        (0x40, (0, 0), (2, 0)),
    ] {
        extent(&mut rig, mask, first, last);
        end(&mut rig, REJECT_PARAMETER);
    }
    extent(&mut rig, 0x40, (0, 2), (0, 2));
    rig.put(EXTENT + 1, &[0x40]);
    end(&mut rig, REJECT_PARAMETER);
    extent(&mut rig, 0x40, (0, 2), (0, 2));
    // Operation, count, track.
    locate(&mut rig, 0x3e, 1, (0, 2), 1);
    end(&mut rig, REJECT_PARAMETER);
    locate(&mut rig, 0x06, 0, (0, 2), 1);
    end(&mut rig, REJECT_PARAMETER);
    locate(&mut rig, 0x06, 1, (0, 4), 1);
    end(&mut rig, FILE_PROTECTED);
    // LOCATE RECORD without an extent; too few bytes.
    fails(&mut rig, &[find() & !(CC << 48)], REJECT_SEQUENCE);
    let few = ccw(0x63, SLI, 15, EXTENT);
    fails(&mut rig, &[few], [0x80, 0, 3]);
    // No such track to seek.
    for (c, h) in [(2, 0), (0, 15)] {
        seek_and_search(&mut rig, (c, h), 0);
        fails(&mut rig, &[seek()], REJECT_PARAMETER);
    }
}

#[test]
fn a_record_without_data_is_the_end_of_a_file() {
    let mut rig = disk();
    format(&mut rig, (0, 5), &[8], &record((0, 5), 1, 0, &[]));
    seek_and_search(&mut rig, (0, 5), 1);
    let end = rig.run(&[seek(), ccw(0x06, SLI, 16, DATA)]);
    assert_eq!(end.status, [0x0d, 0], "unit exception");
}

#[test]
fn images_that_are_none() {
    let volume = disk().device.image().clone();
    let error = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut image = volume.clone();
        change(&mut image);
        Eckd::new(image).map(drop).unwrap_err()
    };
    assert!(matches!(error(&|image| image[4] = b'C'), VolumeError::Magic(m) if &m == b"CKD_C370"));
    let heads = error(&|image| image[8] = 14);
    assert!(matches!(
        heads,
        VolumeError::Geometry {
            heads: 14,
            track: 56_832
        }
    ));
    assert!(matches!(
        error(&|image| image[17] = 2),
        VolumeError::Part(2)
    ));
    let len = volume.len() - 1;
    let cut = error(&|image| image.truncate(len));
    assert!(matches!(cut, VolumeError::Length(found) if found == len as u64));
    assert!(matches!(
        error(&|image| image.truncate(100)),
        VolumeError::Io(_)
    ));
    // A track of nonsense ends where its records do not fit any more.
    let mut image = volume.clone();
    let track = 512 + 2 * 56_832;
    image[track + 5..track + 13].fill(0xfe);
    let mut rig = Rig::new(Eckd::new(image).unwrap());
    seek_and_search(&mut rig, (0, 2), 1);
    let search = [
        seek(),
        ccw(0x31, CC, 5, SEARCH),
        tic(1),
        ccw(0x06, 0, 512, DATA),
    ];
    let end = rig.run(&search);
    assert_eq!(end.status[0], 0x0e);
}
