// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Incorrect length: every cell of the table. "PoP: Incorrect Length".
//!
//! A READ of 8 bytes; behind it a NOP whose ending would show a CCW address of 1010.

use css::device::scripted::Response;

use crate::common::{Bench, F1};

const L: u32 = 0x80;

/// Flags of the READ, bytes of the block, expected SCSW words 1 and 2, whether the NOP ran.
type Case = (u8, usize, &'static str, bool);

fn check(word1: u32, cases: &[Case], response: impl Fn(usize) -> Response) {
    for &(flags, len, expected, chained) in cases {
        let program = format!("02{flags:02X}0008 00002000 03200001 00000000");
        let mut bench = Bench::new(word1, &program, [response(len)]);
        let scsw = bench.run();
        let alert = if expected.contains("0C40") {
            "17"
        } else {
            "07"
        };
        let word0 = format!("{:04X}40{alert}", (word1 >> 16) & 0x00c0);
        assert_eq!(
            scsw,
            format!("{word0} {expected}"),
            "flags {flags:02x} len {len}"
        );
        let commands: &[u8] = if chained { &[2, 3] } else { &[2] };
        assert_eq!(bench.commands(), commands, "flags {flags:02x} len {len}");
    }
}

#[test]
fn n01_incorrect_length() {
    check(
        F1,
        &[
            // CD=0 CC=0 SLI=0: the block is longer, as long, shorter.
            (0x00, 9, "00001008 0C400000", false),
            (0x00, 8, "00001008 0C000000", false),
            (0x00, 5, "00001008 0C400003", false),
            // SLI=1.
            (0x20, 9, "00001008 0C000000", false),
            (0x20, 8, "00001008 0C000000", false),
            (0x20, 5, "00001008 0C000003", false),
            // CC=1, SLI=0.
            (0x40, 9, "00001008 0C400000", false),
            (0x40, 8, "00001010 0C000001", true),
            (0x40, 5, "00001008 0C400003", false),
            // CC=1, SLI=1.
            (0x60, 9, "00001010 0C000001", true),
            (0x60, 8, "00001010 0C000001", true),
            (0x60, 5, "00001010 0C000001", true),
        ],
        |len| Response::input(&vec![1; len]),
    );
}

#[test]
fn data_with_data_chaining() {
    // The block ends under the first CCW; CC and SLI beside CD mean nothing.
    check(
        F1,
        &[
            (0x80, 5, "00001008 0C400003", false),
            (0xa0, 5, "00001008 0C400003", false),
            (0xc0, 5, "00001008 0C400003", false),
            (0xe0, 5, "00001008 0C400003", false),
        ],
        |len| Response::input(&vec![1; len]),
    );
    // The count is exhausted: the next CCW takes control even if no byte comes any more.
    for (len, expected) in [
        (8, "00C04007 00001010 0C000001"),
        (9, "00C04007 00001010 0C000000"),
        (10, "00C04007 00001010 0C000000"),
    ] {
        let program = "02800008 00002000 00200001 00003000";
        let mut bench = Bench::new(F1, program, [Response::input(&vec![1; len])]);
        assert_eq!(bench.run(), expected, "len {len}");
    }
}

#[test]
fn immediate_commands_in_format_1() {
    check(
        F1,
        &[
            (0x00, 0, "00001008 0C400008", false),
            (0x20, 0, "00001008 0C000008", false),
            (0x40, 0, "00001008 0C400008", false),
            (0x60, 0, "00001010 0C000001", true),
            (0x80, 0, "00001008 0C400008", false),
            (0xa0, 0, "00001008 0C400008", false),
            (0xc0, 0, "00001008 0C400008", false),
            (0xe0, 0, "00001008 0C400008", false),
        ],
        |_| Response::immediate(),
    );
}

#[test]
fn immediate_commands_in_format_1_with_length_suppression() {
    check(
        F1 | L,
        &[
            (0x00, 0, "00001008 0C000008", false),
            (0x20, 0, "00001008 0C000008", false),
            (0x40, 0, "00001010 0C000001", true),
            (0x60, 0, "00001010 0C000001", true),
            (0x80, 0, "00001008 0C000008", false),
            (0xc0, 0, "00001008 0C000008", false),
        ],
        |_| Response::immediate(),
    );
}

#[test]
fn immediate_commands_in_format_0() {
    for (flags, expected, commands) in [
        (0x00, "00404007 00001008 0C000008", &[2][..]),
        (0x20, "00404007 00001008 0C000008", &[2]),
        (0x40, "00404007 00001010 0C000001", &[2, 3]),
        (0x60, "00404007 00001010 0C000001", &[2, 3]),
        (0x80, "00404007 00001008 0C000008", &[2]),
        (0xc0, "00404007 00001008 0C000008", &[2]),
    ] {
        let program = format!("02002000 {flags:02X}000008 03000000 20000001");
        let mut bench = Bench::new(0x0040_8000, &program, [Response::immediate()]);
        assert_eq!(bench.run(), expected, "flags {flags:02x}");
        assert_eq!(bench.commands(), commands);
    }
}

#[test]
fn format_1_immediate_with_count_zero_has_no_incorrect_length() {
    let mut bench = Bench::new(F1, "0F400000 00000000 03000000 00000000", []);
    assert_eq!(bench.run(), "00C04007 00001010 0C000000");
}

#[test]
fn format_1_count_zero_stops_the_first_byte() {
    let mut bench = Bench::new(F1, "02000000 00000000", [Response::input(&[1])]);
    assert_eq!(bench.run(), "00C04017 00001008 0C400000");
    assert_eq!(bench.device.sent()[0].taken, 0);
    let mut bench = Bench::new(F1, "02200000 00000000", [Response::input(&[1])]);
    assert_eq!(bench.run(), "00C04007 00001008 0C000000");
}

#[test]
fn a_no_operation_is_immediate_whatever_the_device_does() {
    let mut bench = Bench::new(F1 | L, "03000008 00FFFFF0", [Response::output(8)]);
    assert_eq!(bench.run(), "00C04007 00001008 0C000008");
    assert!(bench.device.sent()[0].output.is_empty());
}

#[test]
fn a_check_hides_incorrect_length() {
    // Eight bytes to the last four of storage: program check, no incorrect length.
    let mut bench = Bench::new(F1, "02000008 0000FFFC", [Response::input(&[1; 8])]);
    assert_eq!(bench.run_to_check(), "00C04017 00001008 0C20xxxx");
}

#[test]
fn unit_check_shows_incorrect_length_as_well() {
    let status = ccw::DeviceStatus::from_bits_retain(0x0e);
    let short = Response::input(&[1; 5]).with_status(status);
    let mut bench = Bench::new(F1, "02000008 00002000", [short.clone()]);
    assert_eq!(bench.run(), "00C04017 00001008 0E400003");
    let mut bench = Bench::new(F1, "02200008 00002000", [short]);
    assert_eq!(bench.run(), "00C04017 00001008 0E000003");
}
