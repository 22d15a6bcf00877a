// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! SEEK and SEARCH.

use super::{
    CC, DATA, Disk, NO_RECORD, REJECT_SEQUENCE, SEARCH, SLI, ccw, disk, fails, seek,
    seek_and_search, tic,
};

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
