// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which CCW comes next, and the conditions of groups A and C.

use css::Config;
use css::device::scripted::{Data, Response};

use crate::common::{Bench, F0, F1, SUSPEND, bytes};

/// The program ends with `condition` and `scsw`, the device having got `commands`.
fn ends(mut bench: Bench, condition: &str, scsw: &str, commands: &[u8]) {
    assert_eq!(bench.run_to_check(), scsw, "{condition}");
    assert_eq!(bench.condition(), condition);
    assert_eq!(bench.commands(), commands, "{condition}");
}

fn at(mut bench: Bench, cpa: u32) -> Bench {
    bench.cpa = cpa;
    bench
}

#[test]
fn a01_program_address_misaligned() {
    let bench = at(Bench::new(F1, "", []), 0x1004);
    ends(bench, "A01", "00C04017 0000100C 0020xxxx", &[]);
}

#[test]
fn a02_program_address_above_16_megabytes() {
    let bench = at(Bench::new(F0, "", []).sized(1 << 31), 0x0100_0000);
    ends(bench, "A02", "00404017 01000008 0020xxxx", &[]);
    // In format 1 it is legal.
    let program = "03200000 00000000";
    let bench = Bench::new(F1, "", [])
        .sized(1 << 31)
        .with(0x0100_0000, program);
    assert_eq!(at(bench, 0x0100_0000).run(), "00C04007 01000008 0C000000");
}

#[test]
fn a03_first_ccw_not_available() {
    let bench = at(Bench::new(F1, "", []), 0x1_0000);
    ends(bench, "A03", "00C04017 00010008 0020xxxx", &[]);
}

#[test]
fn address_zero_is_a_legal_place_for_a_program() {
    let bench = Bench::new(F1, "", []).with(0, "03000000 00000000");
    assert_eq!(at(bench, 0).run(), "00C04007 00000008 0C000000");
}

#[test]
fn a04_tic_target_misaligned() {
    let bench = Bench::new(F0, "03000000 60000001 08001004 00000000", []);
    ends(bench, "A04", "00404017 00001010 0020xxxx", &[3]);
}

#[test]
fn a05_tic_target_not_available() {
    let bench = Bench::new(F1, "03600001 00000000 08000000 00010000", []);
    ends(bench, "A05", "00C04017 00001010 0020xxxx", &[3]);
}

#[test]
fn a06_next_ccw_not_available() {
    let bench = Bench::new(F1, "", []).with(0xfff8, "03600001 00000000");
    ends(at(bench, 0xfff8), "A06", "00C04017 00010008 0020xxxx", &[3]);
    // By data chaining the device has been at work, and ends.
    let read = [Response::input(&[1; 4])];
    let bench = Bench::new(F1, "", read).with(0xfff8, "02800002 00002000");
    ends(at(bench, 0xfff8), "A06", "00C04017 00010008 0C20xxxx", &[2]);
}

#[test]
fn a07_next_ccw_above_the_limit() {
    let bench = Bench::new(F0, "", [])
        .sized(1 << 40)
        .with(0xff_fff8, "03000000 60000001");
    ends(
        at(bench, 0xff_fff8),
        "A07",
        "00404017 01000008 0020xxxx",
        &[3],
    );
    let bench = Bench::new(F1, "", [])
        .sized(1 << 40)
        .with(0x7fff_fff8, "03600001 00000000");
    ends(
        at(bench, 0x7fff_fff8),
        "A07",
        "00C04017 80000008 0020xxxx",
        &[3],
    );
}

#[test]
fn a08_ccw_protected() {
    let word1 = F1 | 0x3000_0000;
    let bench = Bench::new(word1, "03600001 00000000", []).key(0x1000, 4, true);
    ends(bench, "A08", "30C04017 00001008 0010xxxx", &[]);
    // Behind a TIC too, the status names the CCW that cannot be fetched.
    let bench = Bench::new(word1, "03600001 00000000 08000000 00002000", []).key(0x2000, 4, true);
    ends(bench, "A08", "30C04017 00002008 0010xxxx", &[3]);
}

#[test]
fn c01_invalid_command() {
    ends(
        Bench::new(F1, "", []),
        "C01",
        "00C04017 00001008 0020xxxx",
        &[],
    );
    let bench = Bench::new(F1, "03600001 00000000 F0000001 00000000", []);
    ends(bench, "C01", "00C04017 00001010 0020xxxx", &[3]);
}

#[test]
fn c02_format_1_tic_with_modifier() {
    let bench = Bench::new(F1, "03600001 00000000 18000000 00001000", []);
    ends(bench, "C02", "00C04017 00001010 0020xxxx", &[3]);
    // By data chaining as well.
    let read = [Response::input(&[1; 4])];
    let bench = Bench::new(F1, "02800002 00002000 18000002 00003000", read);
    ends(bench, "C02", "00C04017 00001010 0C20xxxx", &[2]);
    // Format 0 ignores these bits, and flags, byte 5 and count.
    let mut bench = Bench::new(
        F0,
        "03000000 60000001 F8001018 FFFFFFFF 03000000 20000001 0F000000 20000001",
        [],
    );
    assert_eq!(bench.run(), "00404007 00001020 0C000001");
    assert_eq!(bench.commands(), [0x03, 0x0f]);
}

#[test]
fn c03_c04_format_1_tic_with_other_fields() {
    for (tic, condition) in [
        ("08800000 00001018", "C03"),
        ("08000001 00001018", "C03"),
        ("08000000 80001018", "C04"),
    ] {
        let bench = Bench::new(F1, &format!("03600001 00000000 {tic}"), []);
        ends(bench, condition, "00C04017 00001010 0020xxxx", &[3]);
    }
}

#[test]
fn c05_tic_to_itself() {
    let bench = Bench::new(F1, "03600001 00000000 08000000 00001008", []);
    ends(bench, "C05", "00C04017 00001010 0020xxxx", &[3]);
}

#[test]
fn c06_backward_tics_without_data() {
    // NOP, TIC *-8: the 256th TIC is one too many.
    let bench = Bench::new(F1, "03600001 00000000 08000000 00001000", []);
    ends(bench, "C06", "00C04017 00001010 0020xxxx", &[3; 256]);
    // Without the bound, only halt function ends it.
    let config = Config {
        backward_tics: None,
        ..Config::default()
    };
    let mut bench = Bench::new(F1, "03600001 00000000 08000000 00001000", []).config(config);
    bench.start();
    assert_eq!(bench.go(), css::Progress::Working);
    assert_eq!(bench.commands().len(), 10_000);
    assert_eq!(bench.subchannel.halt(), css::ConditionCode::Cc0);
    assert_eq!(bench.go(), css::Progress::Pending);
    assert_eq!(bench.scsw(), "00C06001 00001008 00000000");
}

#[test]
fn c06_data_starts_the_count_again() {
    // READ of one byte, NOP x, TIC back: as long as a byte moves, nothing is wrong.
    let responses = (0..300).flat_map(|_| [Response::input(&[1])]);
    let bench = Bench::new(F1, "02600001 00002000 08000000 00001000", responses);
    ends(bench, "C06", "00C04017 00001010 0020xxxx", &[2; 300 + 255]);
}

#[test]
fn a_chain_of_many_no_operations_is_fine() {
    let mut bench = Bench::new(F1, &"03600001 00000000".repeat(1000), [])
        .with(0x1000 + 8000, "03200001 00000000");
    assert_eq!(bench.run(), "00C04007 00002F48 0C000001");
}

#[test]
fn c07_a_program_may_begin_with_a_tic() {
    let mut bench = Bench::new(F1, "08000000 00002000", []).with(0x2000, "03200001 00000000");
    assert_eq!(bench.run(), "00C04007 00002008 0C000001");
}

#[test]
fn c08_format_0_count_zero() {
    ends(
        Bench::new(F0, "03000000 20000000", []),
        "C08",
        "00404017 00001008 0020xxxx",
        &[],
    );
    let read = [Response::input(&[1; 4])];
    let bench = Bench::new(F0, "02002000 80000002 00003000 00000000", read);
    ends(bench, "C08", "00404017 00001010 0C20xxxx", &[2]);
}

#[test]
fn c09_count_zero_with_chain_data() {
    let bench = Bench::new(F1, "02800000 00000000", []);
    ends(bench, "C09", "00C04017 00001008 0020xxxx", &[]);
}

#[test]
fn c11_bit_32() {
    let bench = Bench::new(F1, "02200004 80002000", []);
    ends(bench, "C11", "00C04017 00001008 0020xxxx", &[]);
    // No data, but the bit must be zero all the same.
    let bench = Bench::new(F1, "03200000 80000000", []);
    ends(bench, "C11", "00C04017 00001008 0020xxxx", &[]);
}

#[test]
fn c15_c16_c17_suspend_flag() {
    let bench = Bench::new(F1, "03220001 00000000", []);
    ends(bench, "C15", "00C04017 00001008 0020xxxx", &[]);
    let read = [Response::input(&[1; 4])];
    let bench = Bench::new(F1 | SUSPEND, "02800002 00002000 00020002 00003000", read);
    ends(bench, "C16", "08C04017 00001010 0C20xxxx", &[2]);
    let bench = Bench::new(F1 | SUSPEND, "02820002 00002000 00000002 00003000", []);
    ends(bench, "C17", "08C04017 00001008 0020xxxx", &[]);
}

#[test]
fn the_first_rule_in_the_machines_order_is_reported() {
    // An invalid command with every other fault beside it.
    let bench = Bench::new(F1, "00830000 80000001", []);
    ends(bench, "C01", "00C04017 00001008 0020xxxx", &[]);
    // Suspend and chain data before MIDA, MIDA before suspend, suspend before count.
    for (flags, condition) in [("83", "C17"), ("03", "C12"), ("02", "C15")] {
        let bench = Bench::new(F1, &format!("02{flags}0000 80000001"), []);
        ends(bench, condition, "00C04017 00001008 0020xxxx", &[]);
    }
    // Count before bit 32 before the list.
    let bench = Bench::new(F1, "02840000 80000001", []);
    ends(bench, "C09", "00C04017 00001008 0020xxxx", &[]);
    let bench = Bench::new(F1, "02040001 80000001", []);
    ends(bench, "C11", "00C04017 00001008 0020xxxx", &[]);
    let bench = Bench::new(F1, "02040001 00000001", []);
    ends(bench, "I01", "00C04017 00001008 0020xxxx", &[]);
}

#[test]
fn the_fields_of_a_ccw_reached_by_data_chaining() {
    // The command code, even an invalid one, is not looked at; CC counts only in the last CCW.
    let write = [
        Response::new(Data::OutputVariable(100)),
        Response::immediate(),
    ];
    let program = "01C00002 00002000 F0C00002 00003000 02600002 00004000 03200001 00000000";
    let mut bench = Bench::new(F1, program, write)
        .with(0x2000, "C1C2")
        .with(0x3000, "C3C4")
        .with(0x4000, "C5C6");
    assert_eq!(bench.run(), "00C04007 00001020 0C000001");
    assert_eq!(bench.device.sent()[0].output, bytes("C1C2C3C4C5C6"));
    assert_eq!(bench.commands(), [1, 3]);
}

#[test]
fn a_tic_between_data_chained_ccws() {
    let mut bench = Bench::new(
        F1,
        "02800002 00002000 08000000 00001800",
        [Response::input(&[1, 2, 3, 4])],
    )
    .with(0x1800, "00000002 00003000");
    assert_eq!(bench.run(), "00C04007 00001808 0C000000");
    assert_eq!(bench.read(0x2000, 2), [1, 2]);
    assert_eq!(bench.read(0x3000, 2), [3, 4]);
}

#[test]
fn nothing_is_fetched_behind_the_last_ccw() {
    let mut bench = Bench::new(F1, "03600001 00000000 03200001 00000000 FFFF", []);
    bench.subchannel.record_fetches();
    bench.run();
    let fetched: Vec<u64> = bench
        .subchannel
        .fetches()
        .iter()
        .map(|(addr, _)| addr.get())
        .collect();
    assert_eq!(fetched, [0x1000, 0x1008]);
}
