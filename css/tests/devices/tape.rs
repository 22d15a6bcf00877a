// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Cartridge tape.

use css::device::tape::{Model, Tape};

use crate::rig::Rig;

type Drive = Rig<Tape<Vec<u8>>>;

/// A tape with a block of four bytes, a tape mark, and a block of two bytes.
const IMAGE: [u8; 24] = [
    4, 0, 0, 0, 0xa0, 0, 1, 2, 3, 4, //
    0, 0, 4, 0, 0x40, 0, //
    2, 0, 0, 0, 0xa0, 0, 5, 6,
];

fn drive(image: &[u8]) -> Drive {
    Rig::new(Tape::new(Model::Tape3490, image.to_vec()))
}

/// A command without data, alone.
fn motion(rig: &mut Drive, command: u64) -> (u8, Vec<u8>) {
    let end = rig.run(&[command << 56 | 0x0020_0001_0000_0000]);
    (end.status[0], end.sense)
}

/// READ of up to 16 bytes: device status, and the bytes that came.
fn read(rig: &mut Drive, command: u64, addr: u64) -> (u8, u16) {
    let end = rig.run(&[command << 56 | 0x0020_0010_0000_0000 | addr]);
    (end.status[0], 16 - end.residual)
}

#[test]
fn identification() {
    let mut rig = drive(&IMAGE);
    assert_eq!(rig.good(&[0xe420_0028_0000_3000]), 33);
    assert_eq!(
        rig.get(0x3000, 7),
        [0xff, 0x34, 0x90, 0x50, 0x34, 0x90, 0x50]
    );
    // A mode set takes one byte and chains without SLI.
    rig.good(&[0xdb40_0001_0000_3000, 0x0300_0000_0000_0000]);
    // The path-group id comes back.
    rig.put(0x3000, b"path group 1");
    rig.good(&[0xaf40_000c_0000_3000, 0x3400_000c_0000_4000]);
    assert_eq!(rig.get(0x4000, 12), b"path group 1");
}

/// What a 3590 says of its cartridge: mounted, and after REWIND UNLOAD not.
#[test]
fn medium_sense() {
    let mut rig = Rig::new(Tape::new(Model::Tape3590, IMAGE.to_vec()));
    for first in [0x10, 0x20] {
        assert_eq!(rig.good(&[0xc200_0080_0000_3000]), 0);
        assert_eq!(rig.get(0x3000, 128), [&[first][..], &[0; 127]].concat());
        motion(&mut rig, 0x0f);
    }
    let end = drive(&IMAGE).run(&[0xc220_0080_0000_3000]);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x80), "a 3490");
}

#[test]
fn blocks_and_tape_marks_are_read() {
    let mut rig = drive(&IMAGE);
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0c, 4));
    assert_eq!(rig.get(0x3000, 4), [1, 2, 3, 4]);
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0d, 0));
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0c, 2));
    // Behind the last record there is nothing: tape void.
    let end = rig.run(&[0x0220_0010_0000_3000]);
    assert_eq!(
        (end.status[0], end.sense[0], end.sense[3]),
        (0x0e, 0x08, 0x31)
    );
    assert_eq!(end.sense.len(), 32);
}

#[test]
fn reading_a_tape_mark_has_incorrect_length_unless_suppressed() {
    let mut rig = drive(&IMAGE[10..16]);
    let end = rig.run(&[0x0200_1000_0000_3000]);
    assert_eq!((end.status, end.residual), ([0x0d, 0x40], 0x1000));
}

#[test]
fn blocks_are_read_backward() {
    let mut rig = drive(&IMAGE);
    assert_eq!(motion(&mut rig, 0x3f), (0x0c, vec![]));
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0c, 2));
    assert_eq!(read(&mut rig, 0x0c, 0x300f), (0x0c, 2));
    assert_eq!(rig.get(0x300d, 3), [0, 5, 6]);
    assert_eq!(read(&mut rig, 0x0c, 0x300f), (0x0d, 0));
    assert_eq!(read(&mut rig, 0x0c, 0x300f), (0x0c, 4));
    assert_eq!(rig.get(0x300c, 4), [1, 2, 3, 4]);
    // At the load point there is nothing to read backward.
    let (status, sense) = motion(&mut rig, 0x27);
    assert_eq!((status, sense[1], sense[3]), (0x0e, 0x48, 0x39));
}

#[test]
fn spacing() {
    let mut rig = drive(&IMAGE);
    assert_eq!(motion(&mut rig, 0x37).0, 0x0c);
    assert_eq!(motion(&mut rig, 0x37).0, 0x0d);
    assert_eq!(motion(&mut rig, 0x37).0, 0x0c);
    assert_eq!(motion(&mut rig, 0x37).0, 0x0e);
    assert_eq!(motion(&mut rig, 0x27).0, 0x0c);
    assert_eq!(motion(&mut rig, 0x27).0, 0x0d);
    assert_eq!(read(&mut rig, 0x02, 0x3000).0, 0x0d);
    // Backspace file stops in front of the tape mark, forward space file behind it.
    assert_eq!(motion(&mut rig, 0x2f).0, 0x0c);
    assert_eq!(motion(&mut rig, 0x3f).0, 0x0c);
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0c, 2));
    assert_eq!(motion(&mut rig, 0x07).0, 0x0c);
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0c, 4));
    assert_eq!(motion(&mut rig, 0x2f).0, 0x0e);
}

#[test]
fn a_block_is_as_long_as_the_program_makes_it() {
    let mut rig = drive(&[]);
    rig.put(0x3000, &[9; 0x2000]);
    // Data chained; no incorrect length although SLI is zero. Then a tape mark, and back.
    let program = [
        0x0180_0003_0000_3000,
        0x0040_1001_0000_3003,
        0x1f60_0001_0000_0000,
        0x0720_0001_0000_0000,
    ];
    assert_eq!(rig.good(&program), 1);
    let image = rig.device.image().clone();
    assert_eq!(image[..7], [0x04, 0x10, 0, 0, 0xa0, 0, 9]);
    assert_eq!(image[6 + 0x1004..], [0, 0, 0x04, 0x10, 0x40, 0]);
}

#[test]
fn a_write_cuts_off_what_followed() {
    let mut rig = drive(&IMAGE);
    rig.put(0x3000, &[7]);
    rig.good(&[0x0100_0001_0000_3000]);
    assert_eq!(*rig.device.image(), [1, 0, 0, 0, 0xa0, 0, 7]);
}

#[test]
fn the_end_of_the_tape_is_a_unit_exception() {
    let mut rig = Rig::new(Tape::new(Model::Tape3590, Vec::new()).capacity(20));
    rig.put(0x3000, &[7; 8]);
    assert_eq!(rig.good(&[0x0100_0008_0000_3000]), 0);
    assert_eq!(rig.run(&[0x0100_0008_0000_3000]).status, [0x0d, 0]);
    assert_eq!(rig.device.image().len(), 28);
}

#[test]
fn a_protected_cartridge_is_not_written() {
    let mut rig = Rig::new(Tape::new(Model::Tape3490, IMAGE.to_vec()).read_only());
    for command in [0x01, 0x1f, 0x17, 0x97] {
        let (status, sense) = motion(&mut rig, command);
        assert_eq!(
            (status, sense[0], sense[1], sense[3]),
            (0x0e, 0x80, 0x4a, 0x30)
        );
    }
    assert_eq!(*rig.device.image(), IMAGE);
}

#[test]
fn unloading() {
    let mut rig = drive(&IMAGE);
    let (status, sense) = motion(&mut rig, 0x0f);
    assert_eq!(status, 0x0e);
    assert_eq!(sense[..8], [0x40, 0x42, 0x20, 0x2b, 0, 0, 0, 0x22]);
    let end = rig.run(&[0x0220_0010_0000_3000]);
    assert_eq!(
        (end.status[0], end.sense[0], end.sense[3]),
        (0x0e, 0x40, 0x43)
    );
}

#[test]
fn block_ids() {
    let mut rig = drive(&IMAGE);
    motion(&mut rig, 0x37);
    rig.good(&[0x2200_0008_0000_3000]);
    assert_eq!(rig.get(0x3000, 8), [0, 0, 0, 1, 0, 0, 0, 1]);
    // The upper bits say where on the tape the block lies.
    rig.put(0x3000, &[0x01, 0, 0, 2]);
    rig.good(&[0x4f00_0004_0000_3000]);
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0c, 2));
    rig.put(0x3000, &[0, 0, 0, 4]);
    let end = rig.run(&[0x4f00_0004_0000_3000]);
    assert_eq!((end.status[0], end.sense[3]), (0x0e, 0x44));
}

#[test]
fn unknown_commands_and_damaged_images() {
    let (status, sense) = motion(&mut drive(&IMAGE), 0x5b);
    assert_eq!((status, sense[0], sense[3]), (0x0e, 0x80, 0x27));
    let (status, sense) = motion(&mut drive(&IMAGE[..8]), 0x37);
    assert_eq!((status, sense[0]), (0x0e, 0x10));
}

#[test]
fn an_image_that_is_no_tape_is_damaged_from_there_on() {
    let mut rig = drive(&IMAGE[..22]);
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0c, 4));
    assert_eq!(read(&mut rig, 0x02, 0x3000), (0x0d, 0));
    assert_eq!(rig.device.damaged(), None);
    // The third header promises more than there is.
    let (status, sense) = motion(&mut rig, 0x37);
    assert_eq!((status, sense[0], sense[3]), (0x0e, 0x10, 0x22));
    assert_eq!(rig.device.damaged(), Some(16));
}
