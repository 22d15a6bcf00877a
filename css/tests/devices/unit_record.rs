// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Printer, reader and punch.

use css::device::unit_record::{Printer, Punch, Reader};

use crate::rig::Rig;

/// "AB" and "CD" in EBCDIC.
const AB: [u8; 4] = [0xc1, 0xc2, 0x40, 0x40];
const CD: [u8; 2] = [0xc3, 0xc4];

fn printer() -> Rig<Printer<Vec<u8>>> {
    let mut rig = Rig::new(Printer::new(Vec::new()));
    rig.put(0x2000, &AB);
    rig.put(0x2010, &CD);
    rig
}

fn printed(rig: &Rig<Printer<Vec<u8>>>) -> String {
    String::from_utf8(rig.device.output().clone()).unwrap()
}

#[test]
fn lines_and_spacing() {
    let mut rig = printer();
    // Print and space 1, 2, 3 and 0, then space 1 at once: a count left is no error with SLI.
    let program = [
        0x0940_0004_0000_2000,
        0x1140_0002_0000_2010,
        0x1940_0004_0000_2000,
        0x0140_0002_0000_2010,
        0x0b20_0001_0000_0000,
    ];
    assert_eq!(rig.good(&program), 1);
    assert_eq!(printed(&rig), "AB\nCD\n\nAB\n\n\nCD\r\n");
}

#[test]
fn skipping_to_channels() {
    let mut rig = printer();
    // Channel 2 is line 7, channel 1 the first line of the next page.
    rig.good(&[
        0x9140_0004_0000_2000,
        0x8b60_0001_0000_0000,
        0x0920_0002_0000_2010,
    ]);
    assert_eq!(
        printed(&rig),
        format!("AB{}{}\x0cCD\n", "\n".repeat(6), "\n".repeat(60))
    );
}

#[test]
fn a_loaded_form_decides() {
    let mut rig = printer();
    // Four lines: channel 9, channel 1, channel 12, none.
    rig.put(0x3000, &[9, 1, 12, 0x10]);
    rig.good(&[0x6340_0004_0000_3000, 0x0920_0004_0000_2000]);
    // Spacing onto channel 12 is a unit exception, skipping to it is not.
    assert_eq!(rig.run(&[0x0b20_0001_0000_0000]).status, [0x0d, 0]);
    assert_eq!(rig.run(&[0xe320_0001_0000_0000]).status, [0x0c, 0]);
    // Spacing onto channel 9 is a unit check with its own sense bit.
    let end = rig.run(&[0x1320_0001_0000_0000]);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x01));
    // No line has channel 5.
    let end = rig.run(&[0xab20_0001_0000_0000]);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x10));
}

#[test]
fn a_form_that_does_not_end_is_a_load_check() {
    let mut rig = printer();
    rig.put(0x3000, &[0, 1, 12, 0]);
    let end = rig.run(&[0x6320_0004_0000_3000]);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x02));
}

#[test]
fn identification_and_unknown_commands() {
    let mut rig = printer();
    assert_eq!(rig.good(&[0xe420_0028_0000_3000]), 33);
    assert_eq!(rig.get(0x3000, 7), [0xff, 0x28, 0x21, 1, 0x14, 0x03, 1]);
    let end = rig.run(&[0x2120_0001_0000_2000]);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x80));
}

#[test]
fn cards_are_read_and_then_there_are_none() {
    let mut rig = Rig::new(Reader::new("AB\nCD"));
    rig.put(0x3000, &[0xff; 100]);
    assert_eq!(rig.good(&[0x0220_0064_0000_3000]), 20);
    assert_eq!(rig.get(0x3000, 4), AB);
    assert_eq!(rig.get(0x304e, 4), [0x40, 0x40, 0xff, 0xff]);
    // A different stacker, and only two columns.
    assert_eq!(rig.good(&[0x4220_0002_0000_3000]), 0);
    assert_eq!(rig.get(0x3000, 2), CD);
    assert_eq!(rig.run(&[0x0220_0050_0000_3000]).status, [0x0d, 0]);
    let end = rig.run(&[0x0220_0050_0000_3000]);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x40));
}

#[test]
fn cards_are_punched() {
    let mut rig = Rig::new(Punch::new(Vec::new()));
    rig.put(0x2000, &AB);
    assert_eq!(rig.good(&[0x0140_0004_0000_2000, 0x4100_0002_0000_2000]), 0);
    assert_eq!(*rig.device.output(), b"AB\nAB\n");
    assert_eq!(rig.good(&[0xe420_0028_0000_3000]), 33);
    assert_eq!(rig.get(0x3000, 7), [0xff, 0x35, 0x05, 1, 0x35, 0x25, 1]);
}
