// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that read into themselves, or must not be prefetched: the guest sees one program, however
//! many the device was given. Whatever comes between two parts ends it once.

use ccw::DeviceClass;
use css::device::scripted::Response;
use translator::Policy;
use vfio_ccw::device::fault::{Call, Fault, InterruptFault};
use vfio_ccw::mediator::{ConditionCode, UnmapPolicy};
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
    assert_eq!(
        (metrics.starts, metrics.started, metrics.segments),
        (1, 2, 1)
    );
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
    assert_eq!(machine.metrics().segments, 2);
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

#[test]
fn a_second_part_that_the_host_puts_off() {
    let mut machine = between();
    machine.time(RETRY);
    machine.io();
    machine.told(ENDED);
    machine.works();
}

/// The host does not take the second part: the guest has its condition code, and gets a status.
#[test]
fn a_second_part_that_the_host_refuses() {
    for (errno, scsw) in [
        (Errno::EINVAL, CCC_THERE),
        (Errno::ENOMEM, CCC_THERE),
        (Errno::EIO, IFCC_THERE),
        // The path has gone under a program that was under way.
        (Errno::EACCES, IFCC_THERE),
    ] {
        let mut machine = machine();
        machine.refuse_second(1, errno);
        machine.ssch();
        machine.io();
        machine.told(scsw);
        machine.works();
    }
}

#[test]
fn a_second_part_that_the_host_never_takes() {
    let mut machine = machine();
    machine.refuse_second(100, Errno::EAGAIN);
    machine.ssch();
    machine.io();
    while machine.timer() == Some(RETRY) {
        machine.time(RETRY);
    }
    machine.told(IFCC_THERE);
}

/// It is busy with what nobody knows of: made to forget that, it takes the second part.
#[test]
fn a_second_part_that_finds_the_host_busy() {
    let mut machine = machine();
    machine.refuse_second(1, Errno::EBUSY);
    machine.ssch();
    machine.io();
    assert_eq!(machine.made(Call::Clear), 1);
    machine.io();
    machine.io();
    machine.told(ENDED);
    machine.works();
}

/// Nobody knows whether the host runs the second part.
#[test]
fn a_second_part_that_the_host_may_have() {
    let mut machine = machine();
    let short = DeviceError::Short {
        done: 12,
        wanted: 124,
    };
    machine.device().fail(Call::Start, 2, Fault::Done(short));
    machine.ssch();
    machine.io();
    assert_eq!(machine.made(Call::Clear), 1);
    machine.run(8);
    machine.told(CCC_THERE);
    machine.works();
}

#[test]
fn a_device_that_goes_between_two_parts() {
    let mut machine = machine();
    machine.ssch();
    machine.device().unplug();
    machine.io();
    assert!(machine.events().contains(&"gone".to_string()));
    assert_eq!((machine.tsch().0, machine.held()), (Cc3, (0, 0)));
}

/// The final status of the second part is lost, which nobody takes for that of the first.
#[test]
fn a_lost_status_of_the_second_part() {
    let mut machine = machine();
    machine.device().disturb(2, InterruptFault::Lost);
    machine.ssch();
    machine.io();
    machine.io();
    machine.time(WATCH);
    machine.time(SETTLE);
    machine.io();
    machine.told(CCC);
    machine.works();
}

/// The status of the first part comes once more while the second one runs.
#[test]
fn a_late_status_of_the_first_part() {
    let mut machine = setup().stepped().machine();
    machine.program(&[READ_IN]);
    machine.ssch();
    machine.run(2);
    assert_eq!(machine.metrics().segments, 1);
    // In the host's terms: the stop CCW in the first slot.
    let again = irb([0x00c0_4017, 0x4000_1010, 0x0c20_0000]);
    machine.device().interrupt(again);
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(
        (machine.metrics().stale, machine.metrics().segments),
        (1, 1)
    );
    machine.run(8);
    machine.told(ENDED);
    machine.works();
}

#[test]
fn halted_between_two_parts() {
    let mut machine = between();
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.made(Call::Halt), 0);
    machine.told("00c06001 00002010 00000000");
    machine.works();
}

#[test]
fn cleared_between_two_parts() {
    let mut machine = between();
    assert_eq!(machine.csch(), Cc0);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
    machine.works();
}

/// The device was given a part of it: it cannot be cancelled any more.
#[test]
fn not_cancelled_between_two_parts() {
    let mut machine = between();
    assert_eq!(machine.xsch(), Cc2);
    assert_eq!(machine.ssch(), Cc2);
    machine.time(RETRY);
    machine.io();
    machine.told(ENDED);
}

#[test]
fn reset_between_two_parts() {
    let mut machine = between();
    machine.sch.reset(&mut machine.events);
    assert_eq!((machine.timer(), machine.held()), (None, (0, 0)));
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    machine.enable();
    machine.works();
}

#[test]
fn unplugged_between_two_parts() {
    let mut machine = between();
    machine.sch.unplug(&mut machine.events);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    assert_eq!((machine.timer(), machine.held()), (None, (0, 0)));
    assert_eq!(machine.tsch().0, Cc3);
}

#[test]
fn stopped_between_two_parts() {
    let mut machine = between();
    machine.sch.stop(&mut machine.events);
    machine.told(CCC_THERE);
    machine.works();
}

/// Storage that the second part wants is being withdrawn: it waits, and goes on when that is given up.
#[test]
fn a_second_part_that_waits_for_storage() {
    let mut machine = setup().stepped().machine();
    machine.program(&[READ_IN]);
    machine.ssch();
    let page = ccw::GuestAddr::new(0x3000)..ccw::GuestAddr::new(0x4000);
    let window = machine.sch.window();
    let discard = window.begin_discard(page, UnmapPolicy::Refuse).unwrap();
    machine.run(8);
    assert_eq!((machine.held(), machine.timer()), ((0, 0), Some(RETRY)));
    machine.time(RETRY);
    assert_eq!(machine.metrics().withheld, 2);
    drop(discard);
    machine.time(RETRY);
    machine.run(8);
    machine.told(ENDED);
    machine.works();
}

/// A part that is ready and was put off gives its storage back when that is to go.
#[test]
fn a_second_part_makes_way() {
    let mut machine = between();
    let page = ccw::GuestAddr::new(0x3000)..ccw::GuestAddr::new(0x4000);
    let window = machine.sch.window();
    let discard = window.begin_discard(page, UnmapPolicy::Halt).unwrap();
    assert_eq!(machine.held(), (1, 0));
    machine.sch.make_way(&discard, &mut machine.events);
    assert_eq!(machine.held(), (0, 0));
    while machine.timer() == Some(RETRY) {
        machine.time(RETRY);
    }
    machine.told(CCC_THERE);
    drop(discard);
    machine.works();
}

/// PCI: where prefetching is forbidden the guest may change what comes behind, and it does.
#[test]
fn changed_behind_a_pci() {
    let mut machine = responding(vec![read(); 2]).stepped().machine();
    machine.program(&[[2, 0x48, 0, 4, 0, 0, 0x30, 0], [0; 8]]);
    let orb = [INTPARM, 0x0082_8000, PROGRAM];
    assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "008040c9 00002008 00800000".into()));
    machine.events();
    machine
        .ram
        .write(0x2008, &[2, 0, 0, 4, 0, 0, 0x30, 4])
        .unwrap();
    machine.run(8);
    machine.run(8);
    assert_eq!(machine.data(8), [1, 2, 3, 4, 1, 2, 3, 4]);
    machine.told("00804007 00002010 0c000000");
}

/// Initial status, once, whatever the number of parts.
#[test]
fn initial_status_is_told_once() {
    let mut machine = setup().stepped().machine();
    machine.program(&[READ_IN]);
    let orb = [INTPARM, 0x00e2_8000, PROGRAM];
    assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    let (code, scsw) = machine.tsch();
    assert_eq!((code, &*scsw), (Cc0, "00e440c9 00002008 00000000"));
    machine.events();
    machine.run(8);
    assert_eq!(machine.metrics().segments, 1);
    assert_eq!(machine.events(), [""; 0]);
    machine.run(8);
    machine.told("00e04007 00002010 0c000000");
}

/// To go on with the next part is not a request that was put off.
#[test]
fn without_patience() {
    let mut setup = setup();
    setup.patience.retries = 0;
    let mut machine = setup.machine();
    machine.program(&[READ_IN]);
    machine.ssch();
    for _ in 0..3 {
        machine.run(8);
    }
    assert_eq!(machine.metrics().segments, 1);
    machine.told("00c04007 00002010 0c000000");
}

/// The part ends by itself while the host is still to be asked to halt: nothing goes on.
#[test]
fn a_part_ends_before_the_halt() {
    for (word1, word0) in [(0x00c2_8000, "00c06001"), (0x00e2_8000, "00e06001")] {
        let mut machine = setup().stepped().machine();
        machine.program(&[READ_IN]);
        assert_eq!(machine.ssch_orb([INTPARM, word1, PROGRAM]), Ok(Cc0));
        machine.refuse(Call::Halt, 3, Errno::EAGAIN);
        assert_eq!(machine.hsch(), Cc0);
        machine.run(8);
        machine.run(8);
        assert_eq!(machine.events(), [INTERRUPT]);
        let there = format!("{word0} 00002008 00000000");
        assert_eq!(machine.tsch(), (Cc0, there));
        assert_eq!((machine.sent(), machine.held()), (1, (0, 0)));
        machine.works();
    }
}

/// What the guest may do to a program that is under way it may do to one of several parts.
#[test]
fn halted_and_cleared_while_a_part_runs() {
    for clears in [false, true] {
        let mut machine = setup().stepped().machine();
        machine.program(&[READ_IN]);
        machine.ssch();
        machine.run(8);
        assert_eq!(machine.metrics().segments, 1);
        let code: ConditionCode = match clears {
            true => machine.csch(),
            false => machine.hsch(),
        };
        assert_eq!(code, Cc0);
        machine.run(8);
        let word0 = if clears { "00001001" } else { "00c06001" };
        assert_eq!(&machine.tsch().1[..8], word0);
        assert_eq!(machine.held(), (0, 0));
        machine.works();
    }
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
