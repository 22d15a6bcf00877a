// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Status of the device, and the functions that are not start.

use ccw::DeviceStatus;
use css::device::scripted::{Data, Response};
use css::{ConditionCode, Progress};

use super::*;

const UNIT_CHECK: DeviceStatus = DeviceStatus::CHANNEL_END
    .union(DeviceStatus::DEVICE_END)
    .union(DeviceStatus::UNIT_CHECK);

/// Sense bytes come in the TSB, filled up to 32, and not in the IRB.
#[test]
fn unit_check() {
    let dcws = "06400000 00000004 06000000 00000008";
    let mut bench = program(READ, 12, dcws).on(bench([
        Response::input(&[7; 4]),
        Response::input(&[8; 3])
            .with_status(UNIT_CHECK)
            .with_sense(&[0x08, 0x11, 0x22]),
    ]));
    assert_eq!(bench.run(), "00104017 00004300 0E000100");
    assert_eq!(tsb(&bench), "40C10008 00000005");
    assert_eq!(bench.read(TSB + 8, 24), [0; 24]);
    assert_eq!(bench.read(TSB + 32, 4), [0x08, 0x11, 0x22, 0]);
    let irb = bench.subchannel.test().1;
    assert!(irb.concurrent_sense().is_none());
    assert_eq!(irb.ecw, [0; 32]);
}

/// The status comes once, with device end.
#[test]
fn unit_check_before_device_end() {
    let early = DeviceStatus::CHANNEL_END | DeviceStatus::UNIT_CHECK;
    let response = Response::input(&[7; 4])
        .with_status(early)
        .with_sense(&[0x40])
        .then(DeviceStatus::DEVICE_END);
    let dcws = "06400000 00000004 03000000 00000000";
    let mut bench = program(READ, 4, dcws).on(bench([response]));
    assert_eq!(bench.run(), "00104017 00004300 0E000100");
    assert_eq!(bench.commands(), [0x06]);
    assert_eq!(bench.read(TSB + 32, 2), [0x40, 0]);
    assert_eq!(bench.go(), Progress::Pending, "nothing follows");
    bench.subchannel.test();
    assert_eq!(bench.go(), Progress::Idle);
}

/// A command that the device does not accept: its status, no data.
#[test]
fn not_accepted() {
    let busy = Response::immediate().with_status(DeviceStatus::BUSY);
    let mut bench = program(READ, 4, "06000000 00000004").on(bench([busy]));
    assert_eq!(bench.run(), "00104017 00004300 10000100");
    assert_eq!(tsb(&bench), "20C10000 00000004");
}

/// Unit exception and status modifier end the program where they come.
#[test]
fn chaining_ends() {
    let with = |more| {
        let status = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | more;
        let dcws = "03400000 00000000 03000000 00000000";
        let mut bench = program(0, 0, dcws).on(bench([Response::immediate().with_status(status)]));
        let scsw = bench.run();
        assert_eq!(bench.commands(), [3]);
        scsw
    };
    assert_eq!(
        with(DeviceStatus::UNIT_EXCEPTION),
        "00104017 00004300 0D000100"
    );
    assert_eq!(
        with(DeviceStatus::STATUS_MODIFIER),
        "00104007 00004300 4C000100"
    );
}

/// Data the wrong way, and an ending without channel end: no TSB.
#[test]
fn interface_control_check() {
    let wrong_way = Response::input(&[1, 2]);
    let mut bench = program(WRITE, 4, "05000000 00000004").on(bench([wrong_way]));
    assert_eq!(bench.run(), "04104017 00004300 0C020000");
    let no_end = Response::input(&[7; 4]).with_status(DeviceStatus::DEVICE_END);
    let mut bench = program(READ, 4, "06000000 00000004").on(super::bench([no_end]));
    assert_eq!(bench.run(), "04104017 00004300 04020000");
    assert_eq!(bench.read(TSB, 64), [0; 64]);
}

/// A command of input has parameters, but no output.
#[test]
fn a_read_takes_its_control_data_only() {
    let response = Response::new(Data::Output(6));
    let mut bench = program(READ, 4, "EA000004 00000004 A1A2A3A4").on(bench([response]));
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(hex(&bench.device.sent()[0].output), "A1A2A3A4");
    assert_eq!(tsb(&bench), "20C10000 00000004");
}

#[test]
fn deferred_condition_code() {
    let mut bench = program(0, 0, "03000000 00000000").on(bench([]));
    bench.device.present(DeviceStatus::ATTENTION);
    assert_eq!(bench.run(), "01104017 00004300 80000000");
    assert_eq!(bench.subchannel.test().0, ConditionCode::Cc0);
}

/// The next program is one of command mode, and shows nothing of this one.
#[test]
fn one_mode_after_the_other() {
    let mut bench = program(0, 0, "03000000 00000000")
        .on(bench([]))
        .with(0x1000, "03000001 00000000");
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    bench.subchannel.test();
    (bench.word1, bench.cpa) = (0x00c2_8080, 0x1000);
    assert_eq!(bench.run(), "00C04007 00001008 0C000001");
    bench.subchannel.test();
    (bench.word1, bench.cpa) = (TM, 0x4300);
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
}

#[test]
fn functions() {
    let dcws = "03400000 00000000 03000000 00000000";
    let ready = || {
        let mut bench = program(0, 0, dcws).on(bench([]));
        bench.start();
        bench
    };
    // Taken back before it has begun.
    let mut bench = ready();
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc0);
    assert_eq!(bench.go(), Progress::Idle);
    assert!(bench.commands().is_empty());
    // Not to be taken back, nor to be resumed; there is no interrogate TCW.
    let mut bench = ready();
    bench.step();
    assert_eq!(bench.subchannel.cancel(), ConditionCode::Cc2);
    assert_eq!(bench.subchannel.resume(), ConditionCode::Cc2);
    // Halted between two commands.
    bench.step();
    assert_eq!(bench.subchannel.halt(), ConditionCode::Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00106001 00004300 00000000");
    assert_eq!(bench.commands(), [3]);
    assert_eq!(bench.read(TSB, 64), [0; 64]);
    // Cleared.
    let mut bench = ready();
    bench.step();
    assert_eq!(bench.subchannel.clear(), ConditionCode::Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00001001 00000000 00000000");
}

/// Halted while device end is outstanding.
#[test]
fn halt_before_device_end() {
    let late = Response::immediate()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let mut bench = program(0, 0, "07000000 00000000").on(bench([late]));
    bench.start();
    bench.step();
    assert_eq!(bench.step(), Progress::Working);
    assert_eq!(bench.subchannel.halt(), ConditionCode::Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00106007 00004300 0C000000");
}
