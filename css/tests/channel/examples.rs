// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Worked programs whose words were computed independently.

use css::device::scripted::{Data, Response};

use crate::common::{Bench, F1, MIDAW, bytes};
use ccw::DeviceStatus;

/// `len` bytes that count up from 1.
fn counting(len: usize) -> Vec<u8> {
    (1..=255).cycle().take(len).collect()
}

#[test]
fn sense_id() {
    let id = bytes("FF3990E9 33900A00 40FA0100");
    let mut bench = Bench::new(F1, "", [Response::input(&id)]).with(0x2100, "E4200040 00003000");
    bench.cpa = 0x2100;
    assert_eq!(bench.run(), "00C04007 00002108 0C000034");
    assert_eq!(
        bench.read(0x3000, 13),
        bytes("FF3990E9 33900A00 40FA0100 00")
    );
}

fn eckd_read(responses: [Response; 3]) -> Bench {
    let mut bench = Bench::new(F1, "", responses)
        .with(
            0x2210,
            "63400010 00004000 47400010 00004010 86041000 00004040",
        )
        .with(0x4000, "40C01000 00000000 00010000 0001000E")
        .with(0x4010, "06800001 00010002 00010002 01001000")
        .with(0x4040, "00000000 00005800 00000000 00009000");
    bench.cpa = 0x2210;
    bench
}

#[test]
fn eckd_read_with_an_idal() {
    let data = counting(0x1000);
    let mut bench = eckd_read([
        Response::output(16),
        Response::output(16),
        Response::input(&data),
    ]);
    assert_eq!(bench.run(), "00C04007 00002228 0C000000");
    assert_eq!(bench.read(0x5800, 0x800), data[..0x800]);
    assert_eq!(bench.read(0x9000, 0x800), data[0x800..]);
    let sent = bench.device.sent();
    assert_eq!(sent[0].output, bytes("40C01000 00000000 00010000 0001000E"));
    assert_eq!(sent[1].output, bytes("06800001 00010002 00010002 01001000"));
}

#[test]
fn eckd_read_of_a_protected_file_ends_at_locate() {
    let status = DeviceStatus::from_bits_retain(0x0e);
    let mut bench = eckd_read([
        Response::output(16),
        Response::output(16).with_status(status).with_sense(&[0, 4]),
        Response::immediate(),
    ]);
    assert_eq!(bench.run(), "00C24017 00002220 0E000000");
    assert_eq!(bench.subchannel.sense(), [0, 4]);
    assert_eq!(bench.device.left(), 1);
}

#[test]
fn eckd_read_of_a_short_record() {
    let mut bench = eckd_read([
        Response::output(16),
        Response::output(16),
        Response::input(&counting(0x800)),
    ]);
    assert_eq!(bench.run(), "00C04017 00002228 0C400800");
}

fn tape_write(responses: impl IntoIterator<Item = Response>) -> Bench {
    let mut bench = Bench::new(0x0040_8000, "", responses)
        .with(
            0x2310,
            "01006000 80000050 00007FF0 40000020 1F000000 20000001",
        )
        .with(0x6000, &"A1".repeat(0x50))
        .with(0x7ff0, &"B2".repeat(0x20));
    bench.cpa = 0x2310;
    bench
}

#[test]
fn tape_write_with_data_chaining_in_format_0() {
    let write = Response::new(Data::OutputVariable(0x1_0000));
    let mut bench = tape_write([write, Response::immediate()]);
    assert_eq!(bench.run(), "00404007 00002328 0C000001");
    let mut block = vec![0xa1; 0x50];
    block.extend([0xb2; 0x20]);
    assert_eq!(bench.device.sent()[0].output, block);
    assert_eq!(bench.commands(), [0x01, 0x1f]);
}

#[test]
fn tape_write_that_meets_the_end_of_the_tape() {
    let write = Response::new(Data::OutputVariable(0x1_0000))
        .with_status(DeviceStatus::from_bits_retain(0x0d));
    let mut bench = tape_write([write]);
    assert_eq!(bench.run(), "00404017 00002320 0D000000");
}

fn midaw_read(len: usize) -> Bench {
    let mut bench = Bench::new(F1 | MIDAW, "", [Response::input(&counting(len))])
        .with(0x2410, "86010220 00004100")
        .with(
            0x4100,
            "00000000 00000020 00000000 00007010 00000000 00800200 00000000 00008E00",
        );
    bench.cpa = 0x2410;
    bench
}

#[test]
fn read_with_midaws() {
    let mut bench = midaw_read(0x220);
    assert_eq!(bench.run(), "00C04007 00002418 0C000000");
    assert_eq!(bench.read(0x7010, 0x20), counting(0x220)[..0x20]);
    assert_eq!(bench.read(0x8e00, 0x200), counting(0x220)[0x20..]);
}

#[test]
fn read_with_midaws_of_shorter_records() {
    assert_eq!(midaw_read(0x120).run(), "00C04017 00002418 0C400100");
    assert_eq!(midaw_read(0x10).run(), "00C04017 00002418 0C400210");
}

#[test]
fn search_loop_in_format_0() {
    let found = DeviceStatus::from_bits_retain(0x4c);
    let mut bench = Bench::new(
        0x0040_8000,
        "",
        [
            Response::output(6),
            Response::output(5),
            Response::output(5),
            Response::output(5).with_status(found),
            Response::input(&counting(0x200)),
        ],
    )
    .with(
        0x2500,
        "07003000 40000006 31003002 40000005 08002508 00000000 06005000 20000200",
    )
    .with(0x3000, "00000001 000201");
    bench.cpa = 0x2500;
    assert_eq!(bench.run(), "00404007 00002520 0C000000");
    assert_eq!(bench.commands(), [0x07, 0x31, 0x31, 0x31, 0x06]);
    assert_eq!(bench.device.sent()[3].output, bytes("0001 0002 01"));
    assert_eq!(bench.read(0x5000, 0x200), counting(0x200));
}

#[test]
fn tic_to_a_tic() {
    let mut bench = Bench::new(F1, "", []).with(
        0x25f0,
        "03600001 00000000 08000000 00002600 08000000 00002700",
    );
    bench.cpa = 0x25f0;
    assert_eq!(bench.run_to_check(), "00C04017 00002608 0020xxxx");
    assert_eq!(bench.condition(), "C05");
}

#[test]
fn zero_count_by_data_chaining() {
    let mut bench = Bench::new(F1, "", [Response::output(16)])
        .with(0x2610, "01800008 00006000 00000000 00006100")
        .with(0x6000, "0102030405060708");
    bench.cpa = 0x2610;
    assert_eq!(bench.run_to_check(), "00C04017 00002620 0C20xxxx");
    assert_eq!(bench.condition(), "C10");
    assert_eq!(bench.device.sent()[0].output, bytes("0102030405060708"));
}

#[test]
fn tic_to_an_odd_address() {
    let mut bench = Bench::new(F1, "", []).with(0x2630, "03600001 00000000 08000000 00002644");
    bench.cpa = 0x2630;
    assert_eq!(bench.run_to_check(), "00C04017 00002640 0020xxxx");
    assert_eq!(bench.condition(), "A04");
}

#[test]
fn second_idaw_off_its_block() {
    let mut bench = Bench::new(F1, "", [Response::input(&counting(0x2000))])
        .with(0x2650, "02242000 00004080")
        .with(0x4080, "00000000 00005000 00000000 00006010");
    bench.cpa = 0x2650;
    assert_eq!(bench.run_to_check(), "00C04017 00002658 0C20xxxx");
    assert_eq!(bench.condition(), "I06");
    assert_eq!(bench.read(0x5000, 0x1000), counting(0x2000)[..0x1000]);
    assert_eq!(bench.read(0x6000, 0x1000), [0; 0x1000]);
}

#[test]
fn data_beyond_two_gigabytes() {
    let mut bench =
        Bench::new(F1, "", [Response::input(&counting(16))]).with(0x2660, "06000010 7FFFFFF8");
    bench.cpa = 0x2660;
    let mut storage = css::Ram::new(1 << 40);
    std::mem::swap(&mut bench.storage, &mut storage);
    bench = bench.with(0x2660, "06000010 7FFFFFF8");
    assert_eq!(bench.run_to_check(), "00C04017 00002668 0C20xxxx");
    assert_eq!(bench.condition(), "D01");
    assert_eq!(
        bench.read(0x7fff_fff8, 16),
        bytes("0102030405060708 0000000000000000")
    );
    assert_eq!(bench.device.sent()[0].taken, 8);
}
