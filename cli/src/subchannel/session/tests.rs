// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

use ccw::{DeviceStatus, FunctionControl};
use css::device::scripted::{Response, Scripted};
use vfio_ccw::device::soft::SoftConfig;

use super::*;
use crate::machine::Attached;
use crate::subchannel::Desk;

const SECOND: Duration = Duration::from_secs(1);

fn session(answers: &[Response], config: SoftConfig) -> Session {
    let device = Attached::Script(Scripted::new(answers.iter().cloned()));
    let (backend, window) = Backend::soft(device, config).unwrap();
    Session::new(backend, window, GuestSetup::default(), SECOND).unwrap()
}

/// A program of one CCW at 1000.
fn start(session: &mut Session, ccw: [u8; 8]) -> Ran {
    let memory = HostMemory::anonymous(0x1000).unwrap();
    memory.write(0, &ccw).unwrap();
    session.add(0x1000, &memory).unwrap();
    session.start(&RawOrb::from_words([0, 0x00c2_8000, 0x1000]))
}

const NOP: [u8; 8] = [3, 0x20, 0, 1, 0, 0, 0, 0];

fn silent() -> Response {
    Response::immediate().with_status(DeviceStatus::CHANNEL_END)
}

#[test]
fn channel_end_and_device_end_are_one_status() {
    let later = silent().then(DeviceStatus::DEVICE_END);
    let mut session = session(&[later], SoftConfig::default());
    let Ran::Status(irb) = start(&mut session, NOP) else {
        panic!("no status");
    };
    let both = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
    assert_eq!((irb.scsw.device, irb.scsw.cpa), (both, 0x1008));
}

/// As on a host whose status brings no sense along.
#[test]
fn sense_is_asked_for() {
    let mut config = SoftConfig::default();
    config.channel.concurrent_sense = false;
    let check = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK;
    let answers = [
        Response::immediate().with_status(check).with_sense(&[0x40]),
        Response::input(&[0x40, 0x12]),
    ];
    let mut session = session(&answers, config);
    let Ran::Status(irb) = start(&mut session, NOP) else {
        panic!("no status");
    };
    assert_eq!(irb.concurrent_sense(), None);
    let desk = Desk::new(&session, 0x2000).unwrap();
    assert_eq!(desk.sense(&mut session), Some(vec![0x40, 0x12]));
    let commands = session.backend_mut().take_record().unwrap().0;
    let commands: Vec<u8> = commands.iter().map(|it| it.command.0).collect();
    assert_eq!(commands, [0x03, 0x04]);
}

#[test]
fn a_silent_device_is_halted() {
    let mut session = session(&[silent()], SoftConfig::default());
    let Ran::Stopped(Some(irb), why) = start(&mut session, NOP) else {
        panic!("not stopped");
    };
    assert_eq!(
        why,
        "no end within 1 second(s); stopped by HALT SUBCHANNEL with condition code 0"
    );
    assert_eq!(irb.scsw.function, FunctionControl::HALT);
}

#[test]
fn a_device_that_cannot_be_stopped() {
    let config = SoftConfig {
        capabilities: Capabilities {
            schib: true,
            ..Capabilities::default()
        },
        ..SoftConfig::default()
    };
    let mut session = session(&[silent()], config);
    session.stopping = SECOND / 10;
    let Ran::Stopped(None, why) = start(&mut session, NOP) else {
        panic!("not stopped");
    };
    assert!(why.contains("may still be at work"), "{why}");
}

#[test]
fn a_path_that_is_not_there() {
    let mut config = SoftConfig::default();
    config.pmcw.pam = 0x40;
    config.pmcw.pim = 0x40;
    let mut session = session(&[], config);
    let Ran::NotStarted(why) = start(&mut session, NOP) else {
        panic!("started");
    };
    let expected = "no path of the ORB's mask 80 is available, only those of 40 (O09)";
    assert!(why.ends_with(expected), "{why}");
}

#[test]
fn a_loop_is_given_up() {
    let mut session = session(&[], SoftConfig::default());
    session.timeout = 600 * SECOND;
    let tic = [8, 0, 0, 0, 0, 0, 0x10, 0];
    let chain = [3, 0x60, 0, 1, 0, 0, 0, 0];
    let memory = HostMemory::anonymous(0x1000).unwrap();
    memory.write(0, &[chain, tic].concat()).unwrap();
    session.add(0x1000, &memory).unwrap();
    let ran = session.start(&RawOrb::from_words([0, 0x00c2_8000, 0x1000]));
    assert!(matches!(ran, Ran::GivenUp(GivenUp::Fetches)), "{ran:?}");
}
