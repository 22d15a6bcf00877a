// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where data goes: directly and by IDAWs, and the conditions of groups D and I.

use ccw::orb::word1::{IDAW_2K, LIMIT_CHECK};
use css::device::scripted::Response;
use css::{AddressLimit, Config};

use crate::common::{Bench, F0, F1, bytes};

/// `len` bytes that count up from 1.
fn counting(len: usize) -> Vec<u8> {
    (1..=255).cycle().take(len).collect()
}

fn input(len: usize) -> [Response; 1] {
    [Response::input(&counting(len))]
}

/// A program that ends with a check after the device took or gave `moved` bytes.
fn ends(mut bench: Bench, condition: &str, scsw: &str, moved: usize) -> Bench {
    assert_eq!(bench.run_to_check(), scsw, "{condition}");
    assert_eq!(bench.condition(), condition);
    let sent = bench.device.sent().first();
    let seen = sent.map_or(0, |sent| sent.taken + sent.output.len());
    assert_eq!(seen, moved, "{condition}");
    bench
}

const CHECKED: &str = "00C04017 00001008 0C20xxxx";
const CHECKED_F0: &str = "00404017 00001008 0C20xxxx";
const PROTECTED: &str = "30C04017 00001008 0C10xxxx";
const NOT_STARTED: &str = "00C04017 00001008 0020xxxx";
/// Word 1 with the key 3.
const KEY3: u32 = 0x30c2_8000;

#[test]
fn bytes_beside_the_area_stay_as_they_are() {
    let mut bench = Bench::new(F1, "02000004 00002FFE", input(4)).with(0x2ffd, "EEEEEEEEEEEE");
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    assert_eq!(bench.read(0x2ffd, 6), bytes("EE 01020304 EE"));
}

#[test]
fn output_is_fetched() {
    let mut bench =
        Bench::new(F1, "01000004 00002FFE", [Response::output(4)]).with(0x2ffe, "C1C2C3C4");
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    assert_eq!(bench.device.sent()[0].output, bytes("C1C2C3C4"));
}

#[test]
fn read_backward_stores_downward() {
    let mut bench = Bench::new(F1, "0C000004 00003001", input(4));
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    assert_eq!(bench.read(0x2ffd, 6), bytes("00 04030201 00"));
}

#[test]
fn read_backward_chains_data_downward_each_from_its_highest_byte() {
    let mut bench = Bench::new(F1, "0C800002 00003001 00000002 00004001", input(4));
    assert_eq!(bench.run(), "00C04007 00001010 0C000000");
    assert_eq!(bench.read(0x3000, 2), [2, 1]);
    assert_eq!(bench.read(0x4000, 2), [4, 3]);
}

#[test]
fn skipped_input_uses_no_address() {
    // Direct, with an address that does not exist; by a list that is misaligned and not there.
    for program in ["02100008 00FFFFF0", "02140008 00FFFFF1"] {
        let mut bench = Bench::new(F1, program, input(8));
        assert_eq!(bench.run(), "00C04007 00001008 0C000000");
        assert_eq!(bench.device.sent()[0].taken, 8);
    }
    // In a data chain only the CCWs with the flag skip.
    let program = "02800002 00002000 00900002 00002002 00000002 00002004";
    let mut bench = Bench::new(F1, program, input(6));
    assert_eq!(bench.run(), "00C04007 00001018 0C000000");
    assert_eq!(bench.read(0x2000, 6), [1, 2, 0, 0, 5, 6]);
}

/// A machine that examines the lists of skipped input.
fn examining() -> Config {
    Config {
        examine_skipped: true,
        ..Config::default()
    }
}

#[test]
fn a_machine_that_examines_lists_of_skipped_input_stores_no_byte_of_it() {
    // Upward from 3800, then the block at 4000. Downward from 37FF, then the block that ends with
    // 4FFF; with 2 KiB blocks, three of them.
    for (word1, command, idal) in [
        (F1, "02141800", "0000000000003800 0000000000004000"),
        (F1, "0C141800", "00000000000037FF 0000000000004FFF"),
        (
            F1 | IDAW_2K,
            "0C141800",
            "00000000000037FF 0000000000004FFF 00000000000057FF",
        ),
        (
            F1 | IDAW_2K,
            "0C141800",
            "00000000000037FF 00000000000037FF 00000000000037FF",
        ),
        // No byte is stored, so none has to be there.
        (F1, "0C141800", "FFFFFFFFFFFFF7FF 7FFFFFFFFFFFFFFF"),
    ] {
        let program = format!("{command} 00002000");
        let mut bench = Bench::new(word1, &program, input(0x1800))
            .with(0x2000, idal)
            .config(examining());
        let normal = "00C04007 00001008 0C000000";
        assert_eq!(bench.run(), normal, "{command} {idal}");
        assert_eq!(bench.device.sent()[0].taken, 0x1800);
        assert!(bench.read(0x3000, 0x3000).iter().all(|&byte| byte == 0));
    }
}

#[test]
fn what_is_wrong_with_a_list_of_skipped_input_is_found_where_it_is_examined() {
    let first_byte = "00000000000037FF 0000000000004000 0000000000004000";
    let last_byte = "0000000000003800 0000000000004FFF 0000000000004FFF";
    for (program, at, idal, condition, moved) in [
        // The first byte of a block, reading backward; the last byte, reading forward.
        ("0C141800 00002000", 0x2000, first_byte, "I07", 0x800),
        ("02141800 00002000", 0x2000, last_byte, "I06", 0x800),
        // A list that ends with storage.
        (
            "0C141800 0000FFF8",
            0xfff8,
            "00000000000037FF",
            "I03",
            0x800,
        ),
    ] {
        let bench = Bench::new(F1, program, input(0x1800)).with(at, idal);
        ends(bench.config(examining()), condition, CHECKED, moved);
        let mut bench = Bench::new(F1, program, input(0x1800)).with(at, idal);
        assert_eq!(bench.run(), "00C04007 00001008 0C000000", "{program}");
    }
    let bench = Bench::new(F1, "02140008 00002004", input(8)).config(examining());
    ends(bench, "I01", NOT_STARTED, 0);
}

#[test]
fn skip_means_nothing_for_output() {
    let mut bench = Bench::new(F1, "01100002 00002000", [Response::output(2)]).with(0x2000, "C1C2");
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    assert_eq!(bench.device.sent()[0].output, bytes("C1C2"));
}

#[test]
fn no_data_no_address() {
    // Count zero with IDA at a misaligned list; an immediate command with data that are not
    // there; a no-operation with a misaligned list.
    let program = "0F440000 00FFFFF1 0F600008 00FFFFF0 03640001 00FFFFF1 03000000 00000000";
    let mut bench = Bench::new(F1, program, []);
    assert_eq!(bench.run(), "00C04007 00001020 0C000000");
}

#[test]
fn a_device_that_ends_early_meets_no_error() {
    let mut bench = Bench::new(F1, "02200010 0000FFF8", input(8));
    assert_eq!(bench.run(), "00C04007 00001008 0C000008");
    // The second IDAW is not even fetched: it would be a check.
    let mut bench = Bench::new(F1, "02241000 0000FFF8", input(8)).with(0xfff8, "0000000000002FF8");
    assert_eq!(bench.run(), "00C04007 00001008 0C000FF8");
}

#[test]
fn d01_data_address_above_the_limit() {
    let bench = Bench::new(F0, "02FFFFFE 00000004", input(4)).sized(1 << 40);
    let bench = ends(bench, "D01", CHECKED_F0, 2);
    assert_eq!(bench.read(0xff_fffe, 4), [1, 2, 0, 0]);
    // An area that ends exactly at the limit is legal.
    let mut bench = Bench::new(F0, "02FFFFFC 00000004", input(4)).sized(1 << 40);
    assert_eq!(bench.run(), "00404007 00001008 0C000000");
    let bench = Bench::new(F1, "02000004 7FFFFFFE", input(4)).sized(1 << 40);
    ends(bench, "D01", CHECKED, 2);
}

#[test]
fn d02_read_backward_below_zero() {
    let bench = ends(
        Bench::new(F1, "0C000004 00000001", input(4)),
        "D02",
        CHECKED,
        2,
    );
    assert_eq!(bench.read(0, 2), [2, 1]);
}

#[test]
fn d03_data_not_available() {
    let bench = ends(
        Bench::new(F1, "02000004 0000FFFD", input(4)),
        "D03",
        CHECKED,
        3,
    );
    assert_eq!(bench.read(0xfffd, 3), [1, 2, 3]);
    let output = [Response::output(4)];
    ends(
        Bench::new(F1, "01000004 0000FFFD", output),
        "D03",
        CHECKED,
        3,
    );
    ends(
        Bench::new(F1, "0C000004 00010000", input(4)),
        "D03",
        CHECKED,
        0,
    );
}

#[test]
fn d04_data_protected_against_storing() {
    let bench = Bench::new(KEY3, "02000004 00002FFE", input(4))
        .key(0x1000, 3, true)
        .key(0x2000, 3, false)
        .key(0x3000, 4, false);
    let bench = ends(bench, "D04", PROTECTED, 2);
    assert_eq!(bench.read(0x2ffe, 4), [1, 2, 0, 0]);
    // Key 0 matches everything.
    let mut bench = Bench::new(F1, "02000004 00002FFE", input(4)).key(0x2000, 4, true);
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
}

#[test]
fn d05_data_protected_against_fetching() {
    let write = || Bench::new(KEY3, "01000004 00002FFE", [Response::output(4)]);
    ends(write().key(0x3000, 4, true), "D05", PROTECTED, 2);
    assert_eq!(
        write().key(0x3000, 4, false).run(),
        "30C04007 00001008 0C000000"
    );
}

#[test]
fn d06_address_limit() {
    let limited = |address_limit, word1, program| {
        Bench::new(word1, program, input(8)).config(Config {
            address_limit,
            ..Config::default()
        })
    };
    let below = AddressLimit::Below(0x3000);
    let least = AddressLimit::AtLeast(0x3000);
    let with_a = F1 | LIMIT_CHECK;
    let checked = "00D04017 00001008 0C20xxxx";
    ends(
        limited(below, with_a, "02000008 00002FFD"),
        "D06",
        checked,
        3,
    );
    ends(
        limited(below, with_a, "0C000008 00003000"),
        "D06",
        checked,
        0,
    );
    ends(
        limited(least, with_a, "02000008 00002FFF"),
        "D06",
        checked,
        0,
    );
    ends(
        limited(least, with_a, "0C000008 00003002"),
        "D06",
        checked,
        3,
    );
    // Without ORB bit A, and for CCWs and lists, the limit means nothing.
    for bench in [
        &mut limited(below, F1, "02000008 00004000"),
        &mut limited(least, with_a, "02000008 00003000"),
        &mut limited(below, with_a, "0C000008 00002FFF"),
    ] {
        assert_eq!(bench.run()[4..], *"4007 00001008 0C000000");
    }
}

#[test]
fn format_1_idaws_on_2k_blocks() {
    // 2FFC (4 bytes to the end of the block), 5000 (800), 4800 (4).
    let mut bench = Bench::new(F0, "02002000 04000808", input(0x808))
        .with(0x2000, "00002FFC 00005000 00004800");
    assert_eq!(bench.run(), "00404007 00001008 0C000000");
    let data = counting(0x808);
    assert_eq!(bench.read(0x2ffc, 4), data[..4]);
    assert_eq!(bench.read(0x5000, 0x800), data[4..0x804]);
    assert_eq!(bench.read(0x4800, 4), data[0x804..]);
    assert_eq!(bench.read(0x3000, 4), [0; 4]);
}

#[test]
fn format_2_idaws_on_2k_blocks_above_four_gigabytes() {
    let mut bench = Bench::new(F1 | IDAW_2K, "02040804 00002000", input(0x804))
        .with(0x2000, "00000005 000027FC 00000007 00003800")
        .sized(1 << 40);
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    let data = counting(0x804);
    assert_eq!(bench.read(0x5_0000_27fc, 4), data[..4]);
    assert_eq!(bench.read(0x7_0000_3800, 0x800), data[4..]);
}

#[test]
fn idaws_backward() {
    // From 3001 down (2 bytes), then a whole block down from 5FFF, then from 8FFF.
    let mut bench = Bench::new(F1, "0C041004 00002000", input(0x1004))
        .with(0x2000, "0000000000003001 0000000000005FFF 0000000000008FFF");
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    let mut data = counting(0x1004);
    data.reverse();
    assert_eq!(bench.read(0x3000, 2), data[0x1002..]);
    assert_eq!(bench.read(0x5000, 0x1000), data[2..0x1002]);
    assert_eq!(bench.read(0x8ffe, 2), data[..2]);
}

#[test]
fn an_idal_may_cross_a_page_and_output_takes_it_too() {
    let mut bench = Bench::new(F1, "01041002 00002FF8", [Response::output(0x1002)])
        .with(0x2ff8, "0000000000005FFF 0000000000007000 0000000000004000")
        .with(0x5fff, "C1")
        .with(0x7000, "C2")
        .with(0x4000, "C3");
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
    let output = &bench.device.sent()[0].output;
    assert_eq!((output[0], output[1], output[0x1001]), (0xc1, 0xc2, 0xc3));
}

#[test]
fn i01_list_misaligned_is_seen_before_the_device_is_started() {
    let bench = Bench::new(F1, "02040008 00002004", input(8));
    let bench = ends(bench, "I01", NOT_STARTED, 0);
    assert!(bench.device.sent().is_empty());
    let bench = Bench::new(F0, "02002002 04000008", input(8));
    ends(bench, "I01", "00404017 00001008 0020xxxx", 0);
    // A word boundary is enough for format-1 IDAWs.
    let mut bench = Bench::new(F0, "02002004 04000008", input(8)).with(0x2004, "00003000");
    assert_eq!(bench.run(), "00404007 00001008 0C000000");
}

#[test]
fn i02_list_beyond_the_limit() {
    let bench = Bench::new(F0, "02FFFFFC 04000808", input(0x808))
        .sized(1 << 40)
        .with(0xff_fffc, "00002000 00003000");
    ends(bench, "I02", CHECKED_F0, 0x800);
    let bench = Bench::new(F1, "02041008 7FFFFFF8", input(0x1008))
        .sized(1 << 40)
        .with(0x7fff_fff8, "0000000000002000 0000000000003000");
    ends(bench, "I02", CHECKED, 0x1000);
}

#[test]
fn i03_idaw_not_available() {
    let bench = Bench::new(F1, "02041008 0000FFF8", input(0x1008)).with(0xfff8, "0000000000002000");
    ends(bench, "I03", CHECKED, 0x1000);
    // The first one too is fetched only when the device transfers.
    ends(
        Bench::new(F1, "02040008 00020000", input(8)),
        "I03",
        CHECKED,
        0,
    );
    let immediate = [Response::immediate()];
    let mut bench = Bench::new(F1, "02240008 00020000", immediate);
    assert_eq!(bench.run(), "00C04007 00001008 0C000008");
}

#[test]
fn i04_idaw_protected() {
    let bench = Bench::new(KEY3, "02040008 00002000", input(8)).key(0x2000, 4, true);
    ends(bench, "I04", PROTECTED, 0);
}

#[test]
fn i05_format_1_idaw_with_bit_0() {
    let bench = Bench::new(F0, "02002000 04000802", input(0x802)).with(0x2000, "00003000 80004000");
    ends(bench, "I05", CHECKED_F0, 0x800);
}

#[test]
fn i06_later_idaw_off_its_block() {
    let bench = Bench::new(F0, "02002000 04000802", input(0x802)).with(0x2000, "00003000 00004400");
    ends(bench, "I06", CHECKED_F0, 0x800);
    // Half a page is a boundary only of 2 KiB blocks.
    let idal = "0000000000003000 0000000000004800";
    let bench = Bench::new(F1, "02041002 00002000", input(0x1002)).with(0x2000, idal);
    ends(bench, "I06", CHECKED, 0x1000);
    let mut bench = Bench::new(F1 | IDAW_2K, "02040802 00002000", input(0x802)).with(0x2000, idal);
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
}

#[test]
fn i07_later_idaw_off_its_block_backward() {
    let bench = Bench::new(F1, "0C040004 00002000", input(4))
        .with(0x2000, "0000000000003001 0000000000005000");
    ends(bench, "I07", CHECKED, 2);
}

#[test]
fn i08_location_not_available() {
    let bench = Bench::new(F1, "02041008 00002000", input(0x1008))
        .with(0x2000, "0000000000003000 FFFFFFFFFFFFF000");
    ends(bench, "I08", CHECKED, 0x1000);
}

#[test]
fn what_ends_a_data_chain_is_named_by_its_own_ccw() {
    let bench = Bench::new(F1, "02800004 00002000 00040004 00002FFC", input(8));
    ends(bench, "I01", "00C04017 00001010 0C20xxxx", 4);
    let bench = Bench::new(F1, "02800004 00002000 00000004 0000FFFE", input(8));
    ends(bench, "D03", "00C04017 00001010 0C20xxxx", 6);
}
