// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading and writing, and the ending of a program in storage and status.

use css::device::scripted::{Data, Response};

use super::*;

/// 0, 1, 2, ... and again.
pub(super) fn count_up(len: usize) -> Vec<u8> {
    (0..=255).cycle().take(len).collect()
}

/// The worked example: a read of 1000 bytes by two TIDAWs, byte by byte as it is printed.
#[test]
fn worked_example() {
    let data = count_up(0x1000);
    let mut bench = bench([Response::input(&data)])
        .with(
            0x4300,
            "00040000 000E0000 00000000 00000000 00000000 00004400 00000000 00004480
             00000000 00004500 00000000 00001000 00000000 00000000 00000000 00000000",
        )
        .with(
            0x4400,
            "00000000 00000800 00000000 00005800 80000000 00000800 00000000 00009000",
        )
        .with(
            0x4500,
            "7F000000 00000014 1FFE0000 00000000 06000000 00001000 00000000 00001004",
        )
        .with(0x4480, &"FF".repeat(64));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(bench.commands(), [0x06]);
    assert_eq!(bench.read(0x5800, 0x800), data[..0x800]);
    assert_eq!(bench.read(0x9000, 0x800), data[0x800..]);
    assert_eq!(bench.read(0x6000, 0x800), [0; 0x800]);
    // I/O status, DCW offset and residual count valid.
    let tsb = format!("20C10000 00000000{}", " 00000000".repeat(14));
    assert_eq!(hex(&bench.read(0x4480, 64)), tsb);
    let irb = bench.subchannel.test().1;
    assert_eq!(hex(&irb.encode().0[..12]), "00104007 00004300 0C000100");
    assert_eq!(irb.encode().0[13], 0x80, "last-used path");
}

/// Control data come before output, of whatever length: they are padded in the TCCB only.
#[test]
fn control_data_and_output() {
    let response = |len| Response::output(len);
    let mut bench = program(
        WRITE,
        8,
        "47400005 00000000 A1A2A3A4 A5000000 05000000 00000008",
    )
    .on(bench([response(5), response(8)]).with(DATA, "B1B2B3B4 B5B6B7B8 FF"));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    let sent: Vec<_> = bench.device.sent().iter().map(|s| hex(&s.output)).collect();
    assert_eq!(sent, ["A1A2A3A4 A5", "B1B2B3B4 B5B6B7B8"]);
    assert_eq!(tsb(&bench), "20C10010 00000000");
}

/// One DCW with both: the prefix of a write.
#[test]
fn control_data_and_output_of_one_dcw() {
    let mut bench = program(WRITE, 6, "E7000002 00000006 A1A20000")
        .on(bench([Response::output(8)]).with(DATA, "B1B2B3B4 B5B6 FF"));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(hex(&bench.device.sent()[0].output), "A1A2B1B2 B3B4B5B6");
    assert_eq!(tsb(&bench), "20C10000 00000000");
}

/// Data of one DCW follow those of the one before, from any byte on and across pages.
#[test]
fn data_go_on_where_they_ended() {
    let mut bench = program(READ, 7, "06400000 00000003 06000000 00000004")
        .at(0x5ffd)
        .on(bench([
            Response::input(&[1, 2, 3]),
            Response::input(&[4, 5, 6, 7]),
        ]));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(bench.read(0x5ffc, 9), [0, 1, 2, 3, 4, 5, 6, 7, 0]);
    assert_eq!(tsb(&bench), "20C10008 00000000");
}

/// NO-OPERATION moves nothing, whatever it is given.
#[test]
fn no_operation() {
    let mut bench = program(WRITE, 4, "03000000 00000004").on(bench([Response::output(4)]));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert!(bench.device.sent()[0].output.is_empty());
    assert_eq!(tsb(&bench), "20C10000 00000004");
}

/// A count without its direction counts for nothing.
#[test]
fn no_data_whatever_the_counts() {
    let mut bench = program(0, 0, "03000000 00000000")
        .on(bench([Response::immediate()]))
        .with(TCW + 40, "00000010 00000020");
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(tsb(&bench), "20C10000 00000000");
}

#[test]
fn no_data_at_all() {
    let mut bench = program(0, 0, "03000000 00000000").on(bench([Response::immediate()]));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(tsb(&bench), "20C10000 00000000");
}

/// What the device does not give of this DCW is the residual count, and ends the program without alert.
#[test]
fn short_input_ends_the_program() {
    let dcws = "06400000 00000008 06000000 00000008";
    let mut bench = program(READ, 16, dcws).on(bench([Response::input(&[7; 5])]));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(bench.commands(), [0x06]);
    assert_eq!(tsb(&bench), "20C10000 00000003");
    assert_eq!(bench.read(DATA, 6), [7, 7, 7, 7, 7, 0]);
}

/// So does a device that wants more than the DCW announces; the next DCW's bytes stay.
#[test]
fn long_output_ends_the_program() {
    let dcws = "05400000 00000004 05000000 00000008";
    let mut bench =
        program(WRITE, 12, dcws).on(bench([Response::output(5)]).with(DATA, "A1A2A3A4 B1B2B3B4"));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(hex(&bench.device.sent()[0].output), "A1A2A3A4");
    assert_eq!(tsb(&bench), "20C10000 00000000");
}

#[test]
fn long_input_ends_the_program() {
    let dcws = "06400000 00000004 06000000 00000008";
    let mut bench = program(READ, 12, dcws).on(bench([Response::input(&[7; 5])]));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(bench.commands(), [0x06]);
    assert_eq!(bench.read(DATA, 5), [7, 7, 7, 7, 0]);
    assert_eq!(tsb(&bench), "20C10000 00000000");
}

/// A block as long as the program makes it is no length of the device's.
#[test]
fn output_of_any_length() {
    let mut bench = program(WRITE, 4, "01400000 00000004 03000000 00000000").on(bench([
        Response::new(Data::OutputVariable(100)),
        Response::immediate(),
    ])
    .with(DATA, "A1A2A3A4 B1B2B3B4"));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(bench.commands(), [0x01, 0x03]);
    assert_eq!(hex(&bench.device.sent()[0].output), "A1A2A3A4");
}

/// Input and output in one program, of a device that knows it: the trailer has two counts, and is
/// four bytes longer.
#[test]
fn both_ways() {
    let mut bench = both();
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(hex(&bench.device.sent()[0].output), "A1A2A3A4 A5");
    assert_eq!(bench.read(0x6000, 7), [7, 7, 7, 7, 7, 7, 0]);
    assert_eq!(tsb(&bench), "20C10008 00000000");
    // Each count is checked, and a trailer of twelve bytes leaves less for the commands.
    for (at, value, condition) in [
        (TCCB + 0x27, "10", "T10"),
        (TCCB + 0x2b, "10", "T10"),
        (TCW + 5, "0F", "T09"),
    ] {
        let mut bench = both().with(at, value);
        bench.run();
        assert_eq!(bench.condition(), condition);
        assert!(bench.commands().is_empty());
    }
    let mut bench = both().with(TCW + 5, "0F").with(TCCB + 7, "10");
    bench.run();
    assert_eq!(bench.condition(), "T09", "less than one command");
}

fn both() -> Bench {
    let mut bench = bench([Response::output(5), Response::input(&[7; 6])])
        .with(
            TCW,
            "00000000 001B0000 00000000 00005000 00000000 00006000 00000000 00004480
             00000000 00004500 00000005 00000006 00000000 00000000 00000000 00000000",
        )
        .with(
            TCCB,
            "7F000000 0000001C 1FFE0000 00000000 01400000 00000005 02000000 00000006
             00000000 0000000C 0000000C",
        )
        .with(DATA, "A1A2A3A4 A5A6");
    bench.device = bench.device.both_ways();
    bench
}

/// Device end that comes later comes before the status.
#[test]
fn device_end_is_waited_for() {
    use ccw::DeviceStatus;
    use css::Progress;

    let late = Response::immediate()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let dcws = "07400000 00000000 03000000 00000000";
    let mut bench = program(0, 0, dcws).on(bench([late, Response::immediate()]));
    bench.start();
    assert_eq!(bench.scsw(), "00104400 00004300 00000000");
    assert_eq!(bench.step(), Progress::Working, "the TCW");
    assert_eq!(bench.scsw(), "001040C0 00004300 00000000");
    assert_eq!(bench.step(), Progress::Working, "the first DCW");
    assert_eq!(bench.scsw(), "001040C0 00004300 00000000");
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00104007 00004300 0C000100");
    assert_eq!(tsb(&bench), "20C10008 00000000");
}
