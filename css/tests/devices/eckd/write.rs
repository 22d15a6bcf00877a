// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands that write, and what forbids them.

use super::{
    CC, DATA, REJECT_PARAMETER, REJECT_SEQUENCE, SLI, ccw, define, disk, extent, fails, find,
    format, locate, record, seek, seek_and_search,
};

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
fn a_record_without_data_is_the_end_of_a_file() {
    let mut rig = disk();
    format(&mut rig, (0, 5), &[8], &record((0, 5), 1, 0, &[]));
    seek_and_search(&mut rig, (0, 5), 1);
    let end = rig.run(&[seek(), ccw(0x06, SLI, 16, DATA)]);
    assert_eq!(end.status, [0x0d, 0], "unit exception");
}
