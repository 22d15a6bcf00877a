// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Extended count-key-data disk. Sense bytes are those of a 3990: byte 0, byte 1, and format and
//! message in byte 7.

mod image;
mod located;
mod search;
mod write;

use css::device::eckd::Eckd;

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
