// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Fixed-block disk.

use css::device::fba::{Fba, Model};

use crate::rig::Rig;

/// DEFINE EXTENT with parameters at 2000, LOCATE with parameters at 2010.
const PREPARE: [u64; 2] = [0x6340_0010_0000_2000, 0x4340_0008_0000_2010];

/// A disk of 64 blocks, each filled with its number.
fn disk() -> Rig<Fba<Vec<u8>>> {
    let image = (0..64).flat_map(|block| [block; 512]).collect();
    Rig::new(Fba::new(Model::Fba9336, image))
}

/// Parameters: mask, first block of the disk, its number, last number.
fn extent(rig: &mut Rig<Fba<Vec<u8>>>, mask: u8, start: u32, first: u32, last: u32) {
    let mut bytes = vec![mask, 0, 2, 0];
    for word in [start, first, last] {
        bytes.extend(word.to_be_bytes());
    }
    rig.put(0x2000, &bytes);
}

fn locate(rig: &mut Rig<Fba<Vec<u8>>>, operation: u8, blocks: u16, first: u32) {
    let mut bytes = vec![operation, 0];
    bytes.extend(blocks.to_be_bytes());
    bytes.extend(first.to_be_bytes());
    rig.put(0x2010, &bytes);
}

#[test]
fn identification() {
    let mut rig = disk();
    assert_eq!(rig.good(&[0xe420_0028_0000_3000]), 33);
    assert_eq!(rig.get(0x3000, 7), [0xff, 0x63, 0x10, 1, 0x93, 0x36, 0]);
    assert_eq!(rig.good(&[0x6400_0020_0000_3000]), 0);
    assert_eq!(
        rig.get(0x3000, 18),
        [
            0x30, 8, 0x21, 0x11, 2, 0, 0, 0, 0, 63, 0, 0, 1, 59, 0, 0, 0, 64
        ]
    );
    assert_eq!(rig.good(&[0x0320_0000_0000_0000]), 0);
}

#[test]
fn blocks_are_read_through_an_extent() {
    let mut rig = disk();
    extent(&mut rig, 0x40, 8, 100, 107);
    locate(&mut rig, 0x06, 2, 103);
    // One READ of both blocks, in two data-chained areas.
    let program = [
        PREPARE[0],
        PREPARE[1],
        0x4280_0200_0000_3000,
        0x4200_0200_0000_4000,
    ];
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(0x3000, 512), [11; 512]);
    assert_eq!(rig.get(0x4000, 512), [12; 512]);
    // The same with a READ each.
    let program = [
        PREPARE[0],
        PREPARE[1],
        0x4260_0200_0000_5000,
        0x4200_0200_0000_6000,
    ];
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(0x6000, 512), [12; 512]);
    // The last block of the extent belongs to it.
    locate(&mut rig, 0x06, 2, 106);
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(0x6000, 512), [15; 512]);
}

#[test]
fn blocks_are_written() {
    let mut rig = disk();
    extent(&mut rig, 0x00, 0, 0, 63);
    locate(&mut rig, 0x05, 2, 5);
    rig.put(0x3000, &[0xaa; 1024]);
    assert_eq!(
        rig.good(&[PREPARE[0], PREPARE[1], 0x4100_0400_0000_3000]),
        0
    );
    let image = rig.device.image();
    assert_eq!(image[4 * 512..5 * 512], [4; 512]);
    assert_eq!(image[5 * 512..7 * 512], [0xaa; 1024]);
    assert_eq!(image[7 * 512..8 * 512], [7; 512]);
    assert_eq!(image.len(), 64 * 512);
}

#[test]
fn a_short_write_fills_the_block_with_zeros_and_has_incorrect_length() {
    let mut rig = disk();
    extent(&mut rig, 0x00, 0, 0, 63);
    locate(&mut rig, 0x01, 1, 5);
    rig.put(0x3000, &[0xaa; 512]);
    let end = rig.run(&[PREPARE[0], PREPARE[1], 0x4100_0003_0000_3000]);
    assert_eq!(end.status, [0x0c, 0x40]);
    assert_eq!(
        rig.device.image()[5 * 512..5 * 512 + 4],
        [0xaa, 0xaa, 0xaa, 0]
    );
}

#[test]
fn a_read_longer_than_the_located_blocks_is_short() {
    let mut rig = disk();
    extent(&mut rig, 0x40, 0, 0, 63);
    locate(&mut rig, 0x06, 1, 5);
    let end = rig.run(&[PREPARE[0], PREPARE[1], 0x4200_0300_0000_3000]);
    assert_eq!((end.status, end.residual), ([0x0c, 0x40], 0x100));
}

#[test]
fn what_the_extent_forbids_is_a_unit_check() {
    let mut rig = disk();
    // A block behind the extent, and a number of blocks that leads out of it: file protected.
    extent(&mut rig, 0x40, 0, 0, 7);
    for (blocks, first) in [(1, 8), (3, 6)] {
        locate(&mut rig, 0x06, blocks, first);
        let end = rig.run(&[PREPARE[0], PREPARE[1], 0x4200_0200_0000_3000]);
        assert_eq!((end.status[0], &end.sense[..2]), (0x0e, &[0, 0x04][..]));
        assert_eq!(end.sense.len(), 24);
    }
    // Writing where the mask inhibits it; an operation that does not exist; no block at all.
    for (operation, blocks) in [(0x01, 1), (0x0e, 1), (0x06, 0)] {
        locate(&mut rig, operation, blocks, 0);
        let end = rig.run(&PREPARE);
        assert_eq!(
            (end.status[0], end.sense[0]),
            (0x0e, 0x80),
            "{operation:02x}"
        );
    }
    // An extent that is larger than the disk, backward, or of another block size.
    for (start, first, last) in [(0, 0, 64), (60, 0, 4), (0, 5, 4)] {
        extent(&mut rig, 0x40, start, first, last);
        let end = rig.run(&PREPARE);
        assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x80));
    }
    extent(&mut rig, 0x40, 0, 0, 7);
    rig.put(0x2002, &[4, 0]);
    assert_eq!(rig.run(&PREPARE).sense[0], 0x80);
}

#[test]
fn commands_out_of_order_are_rejected() {
    let mut rig = disk();
    extent(&mut rig, 0xc0, 0, 0, 63);
    locate(&mut rig, 0x06, 1, 5);
    for program in [
        // READ without LOCATE, LOCATE without DEFINE EXTENT, two extents, WRITE after a read.
        &[PREPARE[0], 0x4220_0200_0000_3000][..],
        &[PREPARE[1]],
        &[PREPARE[0], PREPARE[0]],
        &[PREPARE[0], PREPARE[1], 0x4120_0200_0000_3000],
        // A command that no disk knows.
        &[0x7720_0001_0000_0000],
    ] {
        let end = rig.run(program);
        assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x80), "{program:x?}");
    }
    // What one program defined does not count for the next.
    rig.good(&[PREPARE[0], 0x4300_0008_0000_2010]);
    assert_eq!(rig.run(&[0x4220_0200_0000_3000]).sense[0], 0x80);
}

#[test]
fn read_ipl_takes_the_first_block() {
    let mut rig = disk();
    rig.device.image()[0] = 0x99;
    assert_eq!(rig.good(&[0x0220_0018_0000_3000]), 0);
    assert_eq!(rig.get(0x3000, 2), [0x99, 0]);
}

#[test]
fn sense_is_kept_until_it_is_asked_for() {
    let mut rig = disk();
    extent(&mut rig, 0x40, 0, 0, 7);
    locate(&mut rig, 0x06, 1, 8);
    // With concurrent sense nothing is left for a SENSE command.
    rig.run(&PREPARE);
    rig.good(&[0x0400_0018_0000_3000]);
    assert_eq!(rig.get(0x3000, 24), [0; 24]);
}
