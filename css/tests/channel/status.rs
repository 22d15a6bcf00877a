// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Status beside the normal ending: PCI, initial status, sense, unsolicited status.
//! "PoP: Subchannel-Status Word".

use ccw::orb::word1::INITIAL_STATUS;
use ccw::{DeviceStatus, Guest, Irb};
use css::device::scripted::{Response, Scripted};
use css::{ConditionCode, Config, Device, Progress};

use crate::common::{Bench, F1, bytes};

#[test]
fn pci_is_pending_while_the_program_runs() {
    let mut bench = Bench::new(F1, "03680001 00000000 07200001 00000000", []);
    bench.start();
    assert_eq!(bench.step(), Progress::Working);
    assert_eq!(bench.scsw(), "00C040C9 00001008 00800000");
    let (cc, _) = bench.subchannel.test();
    assert_eq!(cc, ConditionCode::Cc0);
    assert_eq!(bench.scsw(), "00C040C0 00001008 00000000");
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00C04007 00001010 0C000001");
}

#[test]
fn pci_that_nobody_accepted_is_in_the_ending_status() {
    // In a command-chained, in a data-chained CCW, and in the last one.
    for program in [
        "03680001 00000000 07200001 00000000",
        "0F600001 00000000 07280001 00000000",
    ] {
        let mut bench = Bench::new(F1, program, []);
        assert_eq!(bench.run(), "00C04007 00001010 0C800001");
    }
    let input = [Response::input(&[1; 4])];
    let mut bench = Bench::new(F1, "02800002 00002000 00080002 00003000", input);
    assert_eq!(bench.run(), "00C04007 00001010 0C800000");
}

#[test]
fn pci_of_a_ccw_that_never_takes_control_is_not_raised() {
    let input = [Response::input(&[1; 1])];
    let mut bench = Bench::new(F1, "02A00002 00002000 00080002 00003000", input);
    assert_eq!(bench.run(), "00C04017 00001008 0C400001");
}

#[test]
fn halt_discards_intermediate_status() {
    let mut bench = Bench::new(F1, "03680001 00000000 07200001 00000000", []);
    bench.start();
    bench.step();
    assert_eq!(bench.subchannel.halt(), ConditionCode::Cc0);
    assert_eq!(bench.scsw(), "00C062C0 00001008 00000000");
    assert_eq!(bench.go(), Progress::Pending);
    assert!(bench.scsw().starts_with("00C06001 00001008 0000"));
}

#[test]
fn initial_status() {
    let program = "03600001 00000000 07600001 00000000 0F200001 00000000";
    let mut bench = Bench::new(F1 | INITIAL_STATUS, program, []);
    bench.start();
    assert_eq!(bench.step(), Progress::Working);
    assert_eq!(bench.scsw(), "00E440C9 00001008 00000000");
    bench.subchannel.test();
    assert_eq!(bench.step(), Progress::Working);
    assert_eq!(bench.scsw(), "00E040C0 00001010 00000000");
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00E04007 00001018 0C000001");
}

fn unit_check() -> Response {
    Response::immediate()
        .with_status(DeviceStatus::from_bits_retain(0x0e))
        .with_sense(&[0x80, 0x01, 0x02])
}

#[test]
fn concurrent_sense_comes_with_the_unit_check() {
    let mut bench = Bench::new(F1, "03200001 00000000", [unit_check()]);
    assert_eq!(bench.run(), "00C24017 00001008 0E000001");
    let (_, irb): (_, Irb<Guest>) = bench.subchannel.test();
    let raw = irb.encode().0;
    // ESW: last path used 80; ERW: concurrent sense, three bytes.
    assert_eq!(raw[12..20], *bytes("00800000 01030000"));
    assert_eq!(raw[32..36], [0x80, 0x01, 0x02, 0]);
    assert!(bench.subchannel.sense().is_empty());
    assert!(bench.device.take_sense().is_empty());
}

/// Neither ECW nor ERW shows sense of a command before, or more of it than there is.
#[test]
fn the_ecw_holds_as_many_sense_bytes_as_the_erw_counts() {
    let long: Vec<u8> = (0x81..=0xa0).collect();
    let sense = |bytes: &[u8]| unit_check().with_sense(bytes);
    let responses = [sense(&long), sense(&[0x40, 0x02]), sense(&[])];
    let mut bench = Bench::new(F1, "03200001 00000000", responses);
    // 32 bytes: ERW count 20, no more than the ECW holds.
    assert_eq!(bench.run(), "00C24017 00001008 0E000001");
    let raw = bench.subchannel.test().1.encode().0;
    assert_eq!(raw[16..20], *bytes("01200000"));
    assert_eq!(raw[32..64], long);
    // Two bytes: zeros behind them.
    assert_eq!(bench.run(), "00C24017 00001008 0E000001");
    let raw = bench.subchannel.test().1.encode().0;
    assert_eq!(raw[16..20], *bytes("01020000"));
    assert_eq!(raw[32..64], *bytes(&format!("4002{}", "00".repeat(30))));
    // None: neither bit E of the SCSW nor the flag of the ERW.
    assert_eq!(bench.run(), "00C04017 00001008 0E000001");
    let raw = bench.subchannel.test().1.encode().0;
    assert_eq!(raw[16..20], [0; 4]);
    assert_eq!(raw[32..64], [0; 32]);
}

#[test]
fn without_concurrent_sense_the_device_keeps_it() {
    let config = Config {
        concurrent_sense: false,
        ..Config::default()
    };
    let mut bench = Bench::new(F1, "03200001 00000000", [unit_check()]).config(config);
    assert_eq!(bench.run(), "00C04017 00001008 0E000001");
    assert_eq!(bench.device.take_sense()[..], [0x80, 0x01, 0x02]);
}

#[test]
fn unsolicited_attention() {
    let mut bench = Bench::new(F1, "03200001 00000000", []);
    assert_eq!(bench.go(), Progress::Idle);
    bench.device.present(DeviceStatus::ATTENTION);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00000011 00000000 80000000");
    bench.subchannel.test();
    assert_eq!(bench.run(), "00C04007 00001008 0C000001");
}

#[test]
fn attention_before_the_first_command_defers_condition_code_1() {
    let mut bench = Bench::new(F1, "03200001 00000000", []);
    bench.start();
    bench.device.present(DeviceStatus::ATTENTION);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "01C04017 00001008 80000000");
    assert!(bench.commands().is_empty());
}

#[test]
fn scripted_devices_record_what_they_were_sent() {
    let mut device = Scripted::new([]);
    assert_eq!(device.left(), 0);
    device.present(DeviceStatus::ATTENTION);
    assert_eq!(device.poll(), Some(DeviceStatus::ATTENTION));
    assert_eq!(device.poll(), None);
}
