// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! MIDAWs: the conditions of group M. "PoP: Modified CCW Indirect Data Addressing".

use css::Config;
use css::device::scripted::Response;

use crate::common::{Bench, F1, MIDAW, bytes};

/// READ of 16 bytes by the list at 2000.
fn read(midal: &str) -> Bench {
    let data: Vec<u8> = (1..=16).collect();
    Bench::new(F1 | MIDAW, "02010010 00002000", [Response::input(&data)]).with(0x2000, midal)
}

fn ends(mut bench: Bench, condition: &str, taken: usize) {
    assert_eq!(
        bench.run_to_check(),
        "00C04017 00001008 0C20xxxx",
        "{condition}"
    );
    assert_eq!(bench.condition(), condition);
    assert_eq!(bench.device.sent()[0].taken, taken, "{condition}");
}

/// A MIDAW.
fn midaw(flags: u8, count: u16, addr: u64) -> String {
    format!("0000000000{flags:02X}{count:04X}{addr:016X}")
}

const LAST: u8 = 0x80;
const SKIP: u8 = 0x40;

#[test]
fn areas_follow_each_other_at_any_address() {
    let list = midaw(0, 4, 0x3ffc) + &midaw(SKIP, 4, 0xdead_beef) + &midaw(LAST, 8, 0x5001);
    let mut bench = read(&list);
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    assert_eq!(bench.read(0x3ffc, 5), bytes("01020304 00"));
    assert_eq!(bench.read(0x5000, 9), bytes("00 090A0B0C0D0E0F10"));
}

#[test]
fn output_and_backward() {
    let mut bench = Bench::new(F1 | MIDAW, "01010004 00002000", [Response::output(4)])
        .with(0x2000, &(midaw(0, 2, 0x3000) + &midaw(LAST, 2, 0x4000)))
        .with(0x3000, "C1C2")
        .with(0x4000, "C3C4");
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    assert_eq!(bench.device.sent()[0].output, bytes("C1C2C3C4"));

    let input = [Response::input(&[1, 2, 3, 4])];
    let mut bench = Bench::new(F1 | MIDAW, "0C010004 00002000", input)
        .with(0x2000, &(midaw(0, 2, 0x3001) + &midaw(LAST, 2, 0x4fff)));
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    assert_eq!(bench.read(0x3000, 2), [2, 1]);
    assert_eq!(bench.read(0x4ffe, 2), [4, 3]);
}

#[test]
fn m01_list_misaligned() {
    let mut bench = Bench::new(F1 | MIDAW, "02010010 00002008", []);
    assert_eq!(bench.run_to_check(), "00C04017 00001008 0020xxxx");
    assert_eq!(bench.condition(), "M01");
}

#[test]
fn m02_midaw_not_available() {
    let mut bench = Bench::new(F1 | MIDAW, "02010010 00010000", [Response::input(&[1])]);
    assert_eq!(bench.run_to_check(), "00C04017 00001008 0C20xxxx");
    assert_eq!(bench.condition(), "M02");
}

#[test]
fn m03_midaw_protected() {
    let mut bench = read(&midaw(LAST, 16, 0x3000)).key(0x2000, 4, true);
    bench.word1 |= 0x3000_0000;
    assert_eq!(bench.run_to_check(), "30C04017 00001008 0C10xxxx");
    assert_eq!(bench.condition(), "M03");
}

#[test]
fn m04_list_crosses_a_page() {
    let list = midaw(0, 8, 0x4000) + &midaw(LAST, 8, 0x5000);
    let mut bench = read("").with(0x2ff0, &list);
    bench = bench.with(0x1000, "02010010 00002FF0");
    ends(bench, "M04", 8);
    // The first MIDAW may well lie at the boundary.
    let mut bench = read("")
        .with(0x3000, &list)
        .with(0x1000, "02010010 00003000");
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
}

#[test]
fn m05_and_m06_reserved_bits() {
    ends(read("00000000 01800010 0000000000003000"), "M05", 0);
    ends(read("80000000 00800010 0000000000003000"), "M05", 0);
    ends(read("00000000 00810010 0000000000003000"), "M06", 0);
    ends(read("00000000 00900010 0000000000003000"), "M06", 0);
}

#[test]
fn m07_data_transfer_interruption() {
    ends(read(&midaw(LAST | 0x20, 16, 0x3000)), "M07", 0);
}

#[test]
fn m08_count_zero() {
    ends(
        read(&(midaw(0, 8, 0x3000) + &midaw(LAST, 0, 0x4000))),
        "M08",
        8,
    );
}

#[test]
fn m09_count_larger_than_what_is_left() {
    ends(read(&midaw(LAST, 17, 0x3000)), "M09", 0);
    ends(
        read(&(midaw(0, 8, 0x3000) + &midaw(LAST, 9, 0x4000))),
        "M09",
        8,
    );
}

#[test]
fn m10_last_midaw_too_early() {
    ends(
        read(&(midaw(0, 8, 0x3000) + &midaw(LAST, 7, 0x4000))),
        "M10",
        15,
    );
}

#[test]
fn m11_no_last_flag_is_no_error() {
    let mut bench = read(&midaw(0, 16, 0x3000));
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
}

#[test]
fn m12_area_crosses_a_page() {
    ends(read(&midaw(LAST, 16, 0x3ff1)), "M12", 0);
    assert_eq!(
        read(&midaw(LAST, 16, 0x3ff0)).run(),
        "00C04007 00001008 0C000000"
    );
    assert_eq!(
        read(&midaw(LAST | SKIP, 16, 0x3ff1)).run(),
        "00C04007 00001008 0C000000"
    );
    let input = [Response::input(&[1; 16])];
    let backward =
        Bench::new(F1 | MIDAW, "0C010010 00002000", input).with(0x2000, &midaw(LAST, 16, 0x300e));
    ends(backward, "M12", 0);
}

#[test]
fn m13_location_not_available() {
    ends(
        read(&(midaw(0, 8, 0x3000) + &midaw(LAST, 8, 0x1_0000_0000))),
        "M13",
        8,
    );
}

#[test]
fn c12_c13_c14_flags_that_exclude_each_other() {
    for (word1, flags, condition) in [
        (F1, "01", "C12"),
        (F1 | MIDAW, "05", "C13"),
        (F1 | MIDAW, "11", "C14"),
    ] {
        let program = format!("02{flags}0010 00002000");
        let mut bench = Bench::new(word1, &program, []);
        assert_eq!(bench.run_to_check(), "00C04017 00001008 0020xxxx");
        assert_eq!(bench.condition(), condition);
    }
}

#[test]
fn the_facility_may_be_absent() {
    let config = Config {
        midaw: false,
        ..Config::default()
    };
    let bench = read(&midaw(LAST, 16, 0x3000)).config(config);
    let mut subchannel = bench.subchannel;
    let orb = ccw::Orb::decode(&ccw::RawOrb::from_words([0, bench.word1, bench.cpa]));
    assert_eq!(
        subchannel.start(&orb),
        Err(css::CannotStart::Operand(css::OperandException::Midaw))
    );
}
