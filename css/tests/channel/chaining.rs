// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From one command to the next: status modifier, separate endings, command retry. "PoP: Command
//! Chaining", "Command Retry".

use ccw::DeviceStatus;
use css::device::scripted::Response;
use css::{Config, Progress};

use crate::common::{Bench, F1};

const THREE: &str = "03600001 00000000 0F600001 00000000 07200001 00000000";

fn ended(status: u8) -> Response {
    Response::immediate().with_status(DeviceStatus::from_bits_retain(status))
}

#[test]
fn status_modifier_skips_a_ccw_whatever_it_is() {
    let mut bench = Bench::new(F1, THREE, [ended(0x4c)]);
    assert_eq!(bench.run(), "00C04007 00001018 0C000001");
    assert_eq!(bench.commands(), [0x03, 0x07]);
    // What is skipped is not even fetched, and a TIC behind it is taken.
    let mut bench = Bench::new(
        F1,
        "03600001 00000000 08000000 FFFFFFFF 08000000 00002000",
        [ended(0x4c)],
    )
    .with(0x2000, "07200001 00000000");
    bench.subchannel.record_fetches();
    assert_eq!(bench.run(), "00C04007 00002008 0C000001");
    assert_eq!(bench.subchannel.fetches().len(), 3);
}

#[test]
fn status_modifier_without_command_chaining_ends_normally() {
    let mut bench = Bench::new(F1, "03200001 00000000", [ended(0x4c)]);
    assert_eq!(bench.run(), "00C04007 00001008 4C000001");
}

#[test]
fn abnormal_status_suppresses_chaining() {
    // Attention, busy, unit exception, and status modifier beside unit exception.
    for status in [0x8c, 0x1c, 0x0d, 0x4d, 0x0e] {
        let mut bench = Bench::new(F1, THREE, [ended(status)]);
        let expected = format!("00C04017 00001008 {status:02X}000001");
        assert_eq!(bench.run(), expected);
        assert_eq!(bench.commands(), [0x03]);
    }
    // Control-unit end is tolerated.
    let mut bench = Bench::new(F1, THREE, [ended(0x2c)]);
    assert_eq!(bench.run(), "00C04007 00001018 0C000001");
}

#[test]
fn a_command_not_accepted_keeps_its_count() {
    for status in [0x02, 0x10, 0x80] {
        let mut bench = Bench::new(
            F1,
            "03600001 00000000 07000006 00002000",
            [ended(0x0c), ended(status)],
        );
        let expected = format!("00C04017 00001010 {status:02X}000006");
        assert_eq!(bench.run(), expected);
    }
}

#[test]
fn chaining_waits_for_device_end() {
    let first = ended(0x08).then(DeviceStatus::DEVICE_END);
    let mut bench = Bench::new(F1, THREE, [first]);
    bench.start();
    assert_eq!(bench.step(), Progress::Working);
    // Subchannel and device are active, and no status is pending.
    assert_eq!(bench.scsw(), "00C040C0 00001008 00000000");
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00C04007 00001018 0C000001");
    assert_eq!(bench.commands(), [0x03, 0x0f, 0x07]);
}

#[test]
fn device_end_that_never_comes_is_waited_for() {
    let mut bench = Bench::new(F1, THREE, [ended(0x08)]);
    bench.start();
    assert_eq!(bench.go(), Progress::Waiting);
    assert_eq!(bench.go(), Progress::Waiting);
    bench
        .device
        .present(DeviceStatus::DEVICE_END | DeviceStatus::STATUS_MODIFIER);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.commands(), [0x03, 0x07]);
}

#[test]
fn unit_check_with_device_end_names_the_completed_command() {
    let later = DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK;
    let mut bench = Bench::new(
        F1,
        "02600008 00002000 07200001 00000000",
        [Response::input(&[1; 5])
            .with_status(DeviceStatus::CHANNEL_END)
            .then(later)],
    );
    assert_eq!(bench.run(), "00C04017 00001008 0E000003");
    assert_eq!(bench.commands(), [0x02]);
}

#[test]
fn channel_end_alone_is_primary_and_device_end_secondary_status() {
    let last = ended(0x08).then(DeviceStatus::DEVICE_END);
    let mut bench = Bench::new(F1, "03200001 00000000", [last]);
    assert_eq!(bench.run(), "00C04045 00001008 08000001");
    assert_eq!(bench.subchannel.test().0, css::ConditionCode::Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00C00003 00001008 04000001");
    bench.subchannel.test();
    assert_eq!(bench.go(), Progress::Idle);
}

#[test]
fn a_program_started_before_device_end_waits_for_it() {
    let mut bench = Bench::new(F1, "03200001 00000000", [ended(0x08)]);
    bench.run();
    bench.subchannel.test();
    bench.start();
    assert_eq!(bench.go(), Progress::Waiting);
    bench.device.present(DeviceStatus::DEVICE_END);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00C04007 00001008 0C000001");
}

#[test]
fn command_retry_issues_the_first_ccw_of_a_data_chain_again() {
    let retry = DeviceStatus::from_bits_retain(0x4e);
    let mut bench = Bench::new(
        F1,
        "02800002 00002000 00000002 00003000",
        [
            Response::input(&[9, 9, 9]).with_status(retry),
            Response::input(&[1, 2, 3, 4]),
        ],
    );
    assert_eq!(bench.run(), "00C04007 00001010 0C000000");
    assert_eq!(bench.commands(), [2, 2]);
    assert_eq!(bench.read(0x2000, 2), [1, 2]);
    assert_eq!(bench.read(0x3000, 2), [3, 4]);
}

#[test]
fn command_retry_may_wait_for_device_end() {
    let retry = DeviceStatus::from_bits_retain(0x4a);
    let mut bench = Bench::new(F1, THREE, [ended(0x0c), ended(0).with_status(retry)]);
    bench.start();
    assert_eq!(bench.go(), Progress::Waiting);
    bench.device.present(DeviceStatus::DEVICE_END);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.commands(), [0x03, 0x0f, 0x0f, 0x07]);
    assert_eq!(bench.scsw(), "00C04007 00001018 0C000001");
}

#[test]
fn retries_are_bounded() {
    let config = Config {
        retries: 3,
        ..Config::default()
    };
    let mut bench = Bench::new(F1, THREE, vec![ended(0x4e); 10]).config(config);
    assert_eq!(bench.run(), "00C04017 00001008 4E000001");
    assert_eq!(bench.commands(), [3; 4]);
    // Each command may be retried as often.
    let responses = [0x4e, 0x4e, 0x4e, 0x0c, 0x4e, 0x4e, 0x4e, 0x0c].map(ended);
    let mut bench = Bench::new(F1, THREE, responses).config(config);
    assert_eq!(bench.run(), "00C04007 00001018 0C000001");
}
