// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lists of TIDAWs, and what is wrong with them. A TIDAW is looked at when its first byte is about
//! to move, so that a device that ends before comes to no check.

use css::device::scripted::Response;

use super::data::count_up;
use super::*;

/// The end of a program that did well, and a check during the transfer: no TSB.
const WELL: &str = "00104007 00004300 0C000100";
const CHECK: &str = "00104017 00004300 0C200000";

/// A read of `count` bytes by the list at 4400.
fn read(count: u32, dcws: &'static str, list: &str) -> Bench {
    let data = count_up(count.try_into().unwrap());
    let bench = bench([Response::input(&data)]).with(TIDAL, list);
    program(READ, count, dcws).listed().on(bench)
}

/// A read of eight bytes by a list.
fn read8(list: &str) -> Bench {
    read(8, "06000000 00000008", list)
}

fn checked(mut bench: Bench, condition: &str) -> Bench {
    assert_eq!(bench.run(), CHECK, "{condition}");
    assert_eq!(bench.condition(), condition);
    assert_eq!(bench.read(TSB, 64), [0; 64], "no TSB");
    bench
}

fn good(mut bench: Bench) -> Bench {
    assert_eq!(bench.run(), WELL, "{}", bench.condition());
    bench
}

/// A T-TIC leads to the rest of a list, on another page and from the first TIDAW on.
#[test]
fn t_tic() {
    let bench = read8("10000000 00000000 00000000 00007FE0")
        .with(
            0x7fe0,
            "00000000 00000003 00000000 00005000 10000000 00000000 00000000 00008000",
        )
        .with(
            0x8000,
            "00000000 00000001 00000000 00006000 80000000 00000004 00000000 00005FFC",
        );
    let bench = good(bench);
    assert_eq!(bench.read(0x5000, 4), [0, 1, 2, 0]);
    assert_eq!(bench.read(0x6000, 1), [3]);
    assert_eq!(bench.read(0x5ffc, 4), [4, 5, 6, 7]);
}

#[test]
fn output_by_a_list() {
    let bench = bench([Response::output(6)])
        .with(
            TIDAL,
            "00000000 00000002 00000000 00005FFE 80000000 00000004 00000000 00007000",
        )
        .with(0x5ffe, "A1A2")
        .with(0x7000, "A3A4A5A6 FF");
    let bench = good(program(WRITE, 6, "01000000 00000006").listed().on(bench));
    assert_eq!(hex(&bench.device.sent()[0].output), "A1A2A3A4 A5A6");
}

/// Two DCWs, one list: a TIDAW may hold the end of one command's data and the beginning of the
/// next one's.
#[test]
fn a_list_goes_on_with_the_next_dcw() {
    let bench = bench([Response::input(&[1; 3]), Response::input(&[2; 5])]).with(
        TIDAL,
        "00000000 00000002 00000000 00005000 80000000 00000006 00000000 00006000",
    );
    let dcws = "06400000 00000003 06000000 00000005";
    let bench = good(program(READ, 8, dcws).listed().on(bench));
    assert_eq!(bench.read(0x5000, 3), [1, 1, 0]);
    assert_eq!(bench.read(0x6000, 7), [1, 2, 2, 2, 2, 2, 0]);
}

/// The TCCB itself by a list, across the end of one page.
#[test]
fn a_tccb_by_a_list() {
    let read = program(READ, 8, "06000000 00000008");
    let tccb = super::super::common::bytes(&read.tccb());
    let mut bench = read
        .on(bench([Response::input(&[7; 8])]))
        .with(TCW + 1, "02")
        .with(TCW + 38, "4400")
        .with(
            TIDAL,
            "00000000 0000000D 00000000 00006FF3 80000000 00000013 00000000 00007801",
        )
        .with(0x6ff3, &hex(&tccb[..13]))
        .with(0x7801, &hex(&tccb[13..]));
    assert_eq!(bench.run(), WELL);
    assert_eq!(bench.read(DATA, 8), [7; 8]);

    // Its faults come before the device: no status of the device's.
    for (at, value, condition) in [
        (TCW + 39, "08", "T13"),
        (TIDAL, "01", "T15"),
        (TIDAL + 4, "00000000", "T16"),
        (TIDAL + 0x10, "00", "none"),
        (TIDAL + 0x14, "00000012", "T18"),
        (TIDAL + 0x18, "00000001", "T19"),
    ] {
        let mut bench = read
            .on(super::bench([Response::input(&[7; 8])]))
            .with(TCW + 1, "02")
            .with(TCW + 38, "4400")
            .with(
                TIDAL,
                "00000000 0000000D 00000000 00006FF3 80000000 00000013 00000000 00007801",
            )
            .with(0x6ff3, &hex(&tccb[..13]))
            .with(0x7801, &hex(&tccb[13..]))
            .with(at, value);
        let scsw = bench.run();
        assert_eq!(bench.condition(), condition);
        if condition != "none" {
            assert_eq!(scsw, "00104017 00004300 00200000", "{condition}");
            assert!(bench.commands().is_empty());
        }
    }
}

#[test]
fn t13_tidal_align() {
    let list = "80000000 00000008 00000000 00005000";
    for low in ["4401", "4408"] {
        let bench = checked(read8(list).with(TCW + 22, low), "T13");
        assert_eq!(bench.read(DATA, 8), [0; 8]);
    }
    good(read8(list).with(TCW + 22, "4410").with(0x4410, list));
    // The target of a T-TIC.
    checked(read8("10000000 00000000 00000000 00006008"), "T13");
    // No byte moves: no list is looked at.
    let mut bench = program(READ, 8, "06000000 00000008")
        .listed()
        .on(bench([Response::input(&[])]))
        .with(TCW + 22, "4401");
    assert_eq!(bench.run(), WELL);
    assert_eq!(tsb(&bench), "20C10000 00000008");
}

#[test]
fn t14_tidal_page() {
    let last = "80000000 00000004 00000000 00005004";
    let at_the_end = |bench: Bench| {
        bench
            .with(TCW + 22, "6FF0")
            .with(0x6ff0, "00000000 00000004 00000000 00005000")
            .with(0x7000, last)
    };
    let bench = checked(at_the_end(read8("")), "T14");
    assert_eq!(bench.read(DATA, 8), [0, 1, 2, 3, 0, 0, 0, 0]);
    // A list may begin there, and a T-TIC may lead there.
    let bench = read8("")
        .with(TCW + 22, "6FF0")
        .with(0x6ff0, "10000000 00000000 00000000 00007000");
    good(bench.with(0x7000, "80000000 00000008 00000000 00005000"));
    // A device that has no more never comes there.
    let mut bench = at_the_end(
        program(READ, 8, "06000000 00000008")
            .listed()
            .on(super::bench([Response::input(&[9; 4])])),
    );
    assert_eq!(bench.run(), WELL);
    assert_eq!(tsb(&bench), "20C10000 00000004");
}

#[test]
fn t15_tidaw_rsvd() {
    for (byte, value) in [(0, "81"), (0, "82"), (0, "84"), (1, "80"), (3, "01")] {
        let list = "80000000 00000008 00000000 00005000";
        checked(read8(list).with(TIDAL + byte, value), "T15");
    }
    for flags in ["90", "50", "30", "18"] {
        let tic = "10000000 00000000 00000000 00006000";
        checked(read8(tic).with(TIDAL, flags), "T15");
    }
    // The second one, after the first has moved its bytes.
    let bench = checked(
        read8("00000000 00000004 00000000 00005000 80010000 00000004 00000000 00006000"),
        "T15",
    );
    assert_eq!(bench.read(DATA, 5), [0, 1, 2, 3, 0]);
}

#[test]
fn t16_tidaw_count() {
    checked(read8("80000000 00000000 00000000 00005000"), "T16");
    let read4k = |list| read(0x1000, "06000000 00001000", list);
    good(read4k("80000000 00001000 00000000 00005000"));
    checked(read4k("80000000 00001000 00000000 00005001"), "T16");
    let more = read(
        0x1001,
        "06000000 00001001",
        "80000000 00001001 00000000 00005000",
    );
    checked(more, "T16");
    checked(read8("80000000 00000008 00000000 00005FF9"), "T16");
    good(read8("80000000 00000008 00000000 00005FF8"));
    let tic = read8("10000000 00000001 00000000 00006000");
    let good = "80000000 00000008 00000000 00005000";
    checked(tic.with(0x6000, good), "T16");
}

#[test]
fn t17_tidaw_ttic_seq() {
    let tic = "10000000 00000000 00000000 00006000";
    checked(read8(tic).with(0x6000, tic), "T17");
    // Between two of them there is a TIDAW.
    let bench = read8(tic).with(
        0x6000,
        "00000000 00000002 00000000 00005000 10000000 00000000 00000000 00006000",
    );
    let bench = good(bench);
    assert_eq!(bench.read(DATA, 2), [6, 7], "four times the same");
}

#[test]
fn t18_tidaw_sum() {
    // The last one ends too early, or too late; another one too late.
    checked(read8("80000000 00000007 00000000 00005000"), "T18");
    checked(read8("80000000 00000009 00000000 00005000"), "T18");
    checked(read8("00000000 00000009 00000000 00005000"), "T18");
    let bench = checked(
        read8("00000000 00000004 00000000 00005000 80000000 00000003 00000000 00006000"),
        "T18",
    );
    assert_eq!(bench.read(DATA, 5), [0, 1, 2, 3, 0]);
    assert_eq!(bench.read(0x6000, 1), [0]);
    // The count ends without a last one: nobody asks for it.
    good(read8("00000000 00000008 00000000 00005000"));
}

#[test]
fn t19_of_a_tidaw() {
    checked(read8("80000000 00000008 00000000 00010000"), "T19");
    checked(read8("10000000 00000000 00000000 00010000"), "T19");
    let mut bench = read8("80000000 00000008 00000000 00006000").key(0x6000, 3, false);
    bench.word1 |= 0x5000_0000;
    let mut bench = bench.key(0x4000, 5, true);
    assert_eq!(bench.run(), "50104017 00004300 0C100000");
    assert_eq!(bench.condition(), "D04");
    // The list itself.
    let mut bench = bench_of_a_list_elsewhere().key(0x6000, 3, true);
    bench.word1 |= 0x5000_0000;
    let mut bench = bench.key(0x4000, 5, true).key(0x5000, 5, true);
    assert_eq!(bench.run(), "50104017 00004300 0C100000");
    assert_eq!(bench.condition(), "T21");
}

fn bench_of_a_list_elsewhere() -> Bench {
    read8("")
        .with(TCW + 22, "6000")
        .with(0x6000, "80000000 00000008 00000000 00005000")
}

/// Input is skipped, output is not.
#[test]
fn skip() {
    let list = "40000000 00000003 00000000 00005000 80000000 00000005 00000000 00006000";
    let bench = good(read8(list));
    assert_eq!(bench.read(0x5000, 3), [0; 3]);
    assert_eq!(bench.read(0x6000, 5), [3, 4, 5, 6, 7]);
    // Nothing is stored, so there need not be any storage.
    good(read8(list).with(TIDAL + 8, "000000FF 00000000"));

    let bench = program(WRITE, 8, "01000000 00000008")
        .listed()
        .on(super::bench([Response::output(8)]))
        .with(TIDAL, list)
        .with(0x5000, "A1A2A3")
        .with(0x6000, "A4A5A6A7 A8");
    assert_eq!(
        hex(&good(bench).device.sent()[0].output),
        "A1A2A3A4 A5A6A7A8"
    );
}

/// What fills up the bytes before check bytes counts all of the transfer: 2 bytes, 5 with 1 + 4, 5
/// with 3 + 4, and 4 bytes.
#[test]
fn check_bytes_more_than_once() {
    let list = "00000000 00000002 00000000 00005000 08000000 00000005 00000000 00006000 \
                08000000 00000005 00000000 00007000 80000000 00000004 00000000 00008000";
    let bench = bench([Response::output(16)]).with(TIDAL, list);
    let mut bench = program(WRITE, 28, "E7000000 00000010").listed().on(bench);
    assert_eq!(bench.run(), WELL, "{}", bench.condition());
    assert_eq!(tsb(&bench), "20C10000 00000000");
}

/// Check bytes are part of the count of the TCW and of the transport count, not of what the DCW
/// announces, and never reach the device: 5 bytes, 3 to fill them up, 4 check bytes, 4 bytes.
#[test]
fn check_bytes() {
    let list = "08000000 00000005 00000000 00005000 80000000 00000004 00000000 00006000";
    let write = |len, dcws| {
        let bench = bench([Response::output(len)])
            .with(TIDAL, list)
            .with(0x5000, "A1A2A3A4 A5FF")
            .with(0x6000, "B1B2B3B4 FF");
        program(WRITE, 16, dcws).listed().on(bench)
    };
    let bench = write(9, "E7000000 00000009");
    assert_eq!(bench.read(TCCB + 28, 4), [0, 0, 0, 20]);
    let bench = good(bench);
    assert_eq!(hex(&bench.device.sent()[0].output), "A1A2A3A4 A5B1B2B3 B4");
    assert_eq!(tsb(&bench), "20C10000 00000000");
    // A device that stops behind the check bytes, and before.
    assert_eq!(
        tsb(&good(write(5, "E7000000 00000009"))),
        "20C10000 00000004"
    );
    assert_eq!(
        tsb(&good(write(4, "E7000000 00000009"))),
        "20C10000 00000005"
    );
    // With two DCWs, and with one that leaves data.
    let mut bench = write(5, "E7400000 00000005 05000000 00000004");
    assert_eq!(bench.run(), WELL);
    let mut bench = write(5, "E7000000 00000005");
    assert_eq!(bench.run(), "00104017 00004300 0C200100");
    assert_eq!(bench.condition(), "T12");
    assert_eq!(tsb(&bench), "20C20000 00000000");
    // The count of the TCW without check bytes.
    let mut bench = write(9, "E7000000 00000009")
        .with(TCW + 40, "00000009")
        .with(TCCB + 28, "00000010");
    assert_eq!(bench.run(), CHECK);
    assert_eq!(bench.condition(), "T18");
    // The last TIDAW has none of its own, and input has none at all.
    let mut bench = write(9, "E7000000 00000009").with(TIDAL + 0x10, "88");
    assert_eq!(bench.run(), WELL);
    let mut bench =
        read8("08000000 00000005 00000000 00005000 88000000 00000003 00000000 00006000");
    assert_eq!(bench.run(), WELL);
}
