// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The interrogate function: CANCEL SUBCHANNEL of a program that runs.

use ccw::{Interrogate, InterrogateFlags, StateFlags, UnitStates};
use css::device::scripted::Response;
use css::{ConditionCode, Progress};

use super::*;

/// Two commands, with an interrogate TCW at 6040: its TCCB at 6100, its TSB at 6200.
fn running(interrogate: u32) -> Bench {
    let states = UnitStates {
        format: 0,
        valid: StateFlags::DEVICE | StateFlags::OPERATION,
        control_unit: 0,
        device: 0x12,
        operation: 0x34,
        info: [0x56; 12],
        device_level: 0x789a_bcde,
        data: [0xf0; 28],
    };
    let dcws = "06400000 00000004 06000000 00000004";
    let answers = [Response::input(&[1; 4]), Response::input(&[2; 4])];
    let mut bench = program(READ, 8, dcws)
        .interrogated_by(interrogate)
        .on(bench(answers))
        .with(
            0x6040,
            "00000000 002E0000 00000000 00000000 00000000 00000000 00000000 00006200
             00000000 00006100 00000000 00000000 00000000 00000000 00000000 00000001",
        )
        .with(
            0x6100,
            "7F000000 00000034 1FFF0000 00000000 40000020 00000000
             00010280 8080001E A0000000 00000000 00112233 44556677 8899AABB CCDDEEFF
             00000000 00000004",
        );
    bench.device = bench.device.with_states(states);
    bench.start();
    assert_eq!(bench.step(), Progress::Working, "the TCW");
    bench
}

#[test]
fn interrogate() {
    let mut bench = running(0x6040);
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc0);
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc2, "on its way");
    assert_eq!(bench.step(), Progress::Working);
    // Intermediate status with Q; the program goes on.
    assert_eq!(bench.scsw(), "001840C9 00004300 00000100");
    let asked = Interrogate {
        format: 0,
        reason: 1,
        qualifier: 2,
        lpm: 0x80,
        pam: 0x80,
        pim: 0x80,
        timeout: 30,
        flags: InterrogateFlags::MULTIPATH | InterrogateFlags::CRITICAL,
        time: 0x0011_2233_4455_6677,
        program: 0x8899_aabb_ccdd_eeff,
    };
    assert_eq!(bench.device.asked(), [asked]);
    assert!(bench.commands().is_empty());
    let expected = format!(
        "40030000 00000000 00000000 00600012 34000000{} 789ABCDE{}",
        " 56565656".repeat(3),
        " F0F0F0F0".repeat(7)
    );
    assert_eq!(hex(&bench.read(0x6200, 64)), expected);
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc1);
    let (cc, irb) = bench.subchannel.test();
    assert_eq!(cc, ConditionCode::Cc0);
    assert_eq!(hex(&irb.encode().0[..4]), "001840C9");
    assert_eq!(bench.scsw(), "001040C0 00004300 00000000");
    assert_eq!(bench.step(), Progress::Working);
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc0, "again");
    assert_eq!(bench.go(), Progress::Pending);
    // Nobody has looked at the second one: it comes with the ending status.
    assert_eq!(bench.scsw(), "00184007 00004300 0C000100");
    assert_eq!(bench.read(DATA, 8), [1, 1, 1, 1, 2, 2, 2, 2]);
    bench.subchannel.test();
    assert_eq!(bench.scsw(), "00100000 00004300 0C000000");
}

/// Nothing to ask, nobody to be asked about.
#[test]
fn not_applicable() {
    let mut bench = running(0);
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc2);
    let mut bench = running(0x6040);
    bench.go();
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc1);
    bench.subchannel.test();
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc2);
    assert!(bench.device.asked().is_empty());
}

fn checked(mut bench: Bench, scsw: &str, condition: &str) {
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), scsw, "{condition}");
    assert_eq!(bench.condition(), condition);
    assert!(bench.device.asked().is_empty() && bench.commands().is_empty());
}

const PROGRAM_CHECK: &str = "00104017 00004300 00200000";

#[test]
fn t20_tcw_intrg() {
    for word in [0x6041, 0x6050, 0x6060, 0x8000_6040] {
        checked(running(word), PROGRAM_CHECK, "T20");
    }
}

/// An interrogate TCW is judged like any other.
#[test]
fn what_is_wrong_with_it() {
    checked(running(0x0001_0000), PROGRAM_CHECK, "T01");
    for (addr, value, condition) in [
        (0x6040, "40", "T02"),
        (0x6042, "40", "T03"),
        (0x6045, "2D", "T04"),
        (0x6045, "2F", "T04"),
        (0x605f, "01", "T06"),
        (0x6067, "01", "T07"),
        (0x6108, "1FFE", "T08"),
        (0x6107, "30", "T09"),
        (0x613f, "08", "T10"),
        (0x6110, "03", "T11"),
        (0x6113, "1F", "T11"),
        (0x6113, "21", "T11"),
        (0x6117, "01", "T12"),
    ] {
        checked(running(0x6040).with(addr, value), PROGRAM_CHECK, condition);
    }
}

/// A program that ends with such a check is ended at the device too, which may have status for it.
#[test]
fn the_device_is_halted() {
    let mut bench = running(0x6041);
    bench.subchannel.cancel();
    bench.device.present(ccw::DeviceStatus::UNIT_EXCEPTION);
    assert_eq!(bench.step(), Progress::Pending);
    assert_eq!(bench.scsw(), "00104017 00004300 01200000");
}

/// An interrogation that cannot be stored, when the device has been asked.
#[test]
fn t01_tsb() {
    let mut bench = running(0x6040).with(0x6058, "00000000 00010000");
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), PROGRAM_CHECK);
    assert_eq!(bench.condition(), "T01");
}
