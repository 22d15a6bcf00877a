// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that read into themselves, or must not be prefetched: the guest sees one program, however
//! many the device was given. Whatever comes between two parts ends it once.

mod between;
mod host;
mod told;

use ccw::DeviceClass;
use css::device::scripted::Response;
use translator::Policy;
use vfio_ccw::device::fault::{Call, Fault};
use vfio_ccw::{DeviceError, Errno};

use crate::common::*;

/// READ of 8 bytes to 2008: the CCW behind it.
const READ_IN: [u8; 8] = [2, 0x40, 0, 8, 0, 0, 0x20, 8];
/// What is read in: READ of 4 bytes to 3000.
const NEXT: [u8; 8] = [2, 0, 0, 4, 0, 0, 0x30, 0];
/// The end of that.
const ENDED: &str = "00c04007 00002010 0c000000";
/// Of a program that stands at 2008, and that nobody carries on.
const CCC_THERE: &str = "00c04017 00002010 00040000";
const IFCC_THERE: &str = "00c04017 00002010 00020000";

fn setup() -> Setup {
    responding(vec![Response::input(&NEXT), read(), read(), read()])
}

/// A device that keeps nothing in a chain.
fn responding(responses: Vec<Response>) -> Setup {
    let mut setup = Setup::responding(responses);
    setup.guest.policy = Policy::MEDIATE.for_device(DeviceClass::Tape);
    setup
}

fn machine() -> Machine {
    let mut machine = setup().machine();
    machine.program(&[READ_IN]);
    machine
}

/// The first part has ended, and the device does not take the second one yet.
fn between() -> Machine {
    let mut machine = machine();
    machine.refuse_second(3, Errno::EAGAIN);
    assert_eq!(machine.ssch(), Cc0);
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!((machine.sent(), machine.timer()), (1, Some(RETRY)));
    assert!(machine.sch.is_quiet());
    assert_eq!(machine.scsw(), "00c040c0 00002010 00000000");
    machine
}

impl Machine {
    /// Starts from the second on.
    fn refuse_second(&mut self, times: u32, errno: Errno) {
        for nth in 2..2 + times {
            self.device()
                .fail(Call::Start, nth, Fault::Refused(errno.into()));
        }
    }

    /// The guest is told of an end, once.
    #[track_caller]
    fn told(&mut self, scsw: &str) {
        assert_eq!(self.events(), [INTERRUPT]);
        assert_eq!(self.tsch(), (Cc0, scsw.into()));
        assert_eq!(self.tsch().0, Cc1);
        assert_eq!(self.held(), (0, 0));
    }
}

#[test]
fn what_was_read_in_is_executed() {
    let mut machine = machine();
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.scsw(), "00c040c0 00002000 00000000");
    machine.io();
    assert_eq!(
        machine.events(),
        [""; 0],
        "the guest is not told of the first part"
    );
    machine.io();
    machine.told(ENDED);
    assert_eq!((machine.sent(), machine.data(4)), (2, vec![1, 2, 3, 4]));
    let metrics = machine.metrics();
    assert_eq!((metrics.starts, metrics.started, metrics.parts), (1, 2, 1));
    machine.works();
}

/// The first of three parts ends with a late device end, and the second reads in the third.
#[test]
fn three_parts() {
    let second = [2, 0x40, 0, 8, 0, 0, 0x20, 0x10];
    let third = [2, 0, 0, 4, 0, 0, 0x30, 0];
    let ended = ccw::DeviceStatus::CHANNEL_END;
    let first = Response::input(&second)
        .with_status(ended)
        .then(ccw::DeviceStatus::DEVICE_END);
    let mut machine = responding(vec![first, Response::input(&third), read()]).machine();
    machine.program(&[READ_IN]);
    assert_eq!(machine.ssch(), Cc0);
    for _ in 0..3 {
        machine.run(8);
    }
    machine.told("00c04007 00002018 0c000000");
    assert_eq!(machine.metrics().parts, 2);
    assert_eq!(machine.data(4), [1, 2, 3, 4]);
}

/// It reads itself in again, for ever: each turn is one interrupt, and the guest can end it.
#[test]
fn without_an_end() {
    let tic = [8, 0, 0, 0, 0, 0, 0x20, 0];
    let mut machine = responding(vec![Response::input(&tic); 100]).machine();
    machine.program(&[READ_IN]);
    assert_eq!(machine.ssch(), Cc0);
    for turn in 1..20 {
        assert_eq!(machine.made(Call::Start), turn);
        machine.io();
        assert_eq!(machine.events(), [""; 0]);
    }
    assert_eq!(machine.hsch(), Cc0);
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    let (code, scsw) = machine.tsch();
    assert_eq!(
        (code, &scsw[..8], &scsw[18..]),
        (Cc0, "00c06001", "00000000")
    );
    assert_eq!(machine.held(), (0, 0));
}

/// What was read in is wrong: the check names it, and what came before has run.
#[test]
fn a_wrong_second_part() {
    for (read_in, scsw) in [
        ([0; 8], "00c04017 00002010 00200000"),
        // To an address where no storage is.
        ([2, 0, 0, 4, 0x70, 0, 0, 0], "00c04017 00002010 00200000"),
    ] {
        let mut machine = responding(vec![Response::input(&read_in)]).machine();
        machine.program(&[READ_IN]);
        machine.ssch();
        machine.io();
        machine.told(scsw);
        assert_eq!((machine.sent(), machine.made(Call::Start)), (1, 1));
    }
}

/// A lack of ours in the middle: the second part may not pin what it wants.
#[test]
fn a_second_part_that_is_too_much() {
    let mut setup = setup();
    setup.window.budget.bytes = 4096;
    let two_pages = [2, 0, 0x10, 1, 0, 0, 0x30, 0];
    setup.responses[0] = Response::input(&two_pages);
    let mut machine = setup.machine();
    machine.program(&[READ_IN]);
    machine.ssch();
    machine.io();
    machine.told(CCC_THERE);
    assert_eq!((machine.sent(), machine.metrics().refused), (1, 1));
}

/// A disk keeps state in a chain: SEEK is repeated in front of the second part, in a window that holds
/// one program.
#[test]
fn repeated_in_the_only_slot() {
    let mut setup = Setup::responding([Response::output(6), Response::output(6), read()]);
    setup.guest.policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    setup.window.slots = 1;
    let mut machine = setup.machine();
    // With PCI, and prefetching is forbidden.
    machine.program(&[[7, 0x48, 0, 6, 0, 0, 0x38, 0], [6, 0, 0, 4, 0, 0, 0x30, 0]]);
    machine
        .ssch_orb([INTPARM, 0x0082_8000, PROGRAM])
        .expect("no exception");
    for _ in 0..4 {
        machine.run(8);
    }
    assert_eq!(machine.events(), [INTERRUPT]);
    let (code, scsw) = machine.tsch();
    assert_eq!((code, &scsw[9..]), (Cc0, "00002010 0c800000"));
    assert_eq!((machine.sent(), machine.held()), (3, (0, 0)));
    assert_eq!(machine.data(4), [1, 2, 3, 4]);
}
