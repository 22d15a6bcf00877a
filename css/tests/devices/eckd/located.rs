// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! DEFINE EXTENT, LOCATE RECORD and PREFIX: domains of records.

use super::{
    CC, DATA, Disk, EXTENT, FILE_PROTECTED, LOCATE, NO_RECORD, REJECT_PARAMETER, REJECT_SEQUENCE,
    SEARCH, SEEK, SLI, ccw, define, disk, extent, fails, find, locate, seek, seek_and_search, tic,
};

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
