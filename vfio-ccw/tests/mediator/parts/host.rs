// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the host can do to the next part of a program: it refuses it, has something else, or loses its status.

use vfio_ccw::device::fault::InterruptFault;

use super::*;

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
    assert_eq!(machine.metrics().parts, 1);
    // In the host's terms: the stop CCW in the first slot.
    let again = irb([0x00c0_4017, 0x4000_1010, 0x0c20_0000]);
    machine.device().interrupt(again);
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!((machine.metrics().stale, machine.metrics().parts), (1, 1));
    machine.run(8);
    machine.told(ENDED);
    machine.works();
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
    assert_eq!(machine.metrics().parts, 1);
    machine.told("00c04007 00002010 0c000000");
}

/// Deferred condition code 1: the device presents an attention in the place of what it was to start.
/// In the host's terms, behind the first CCW in the second slot.
const NOT_TAKEN: [u32; 3] = [0x01c0_4017, 0x4006_a008, 0x8000_0000];

/// The guest would begin with the first part once more if it were told that nothing was started: it is
/// told of the attention, when its program is over.
#[test]
fn a_second_part_for_which_the_device_has_other_status() {
    let responses = [Response::input(&NEXT), Response::input(&[9; 4]), read()];
    let mut machine = responding(responses.into()).machine();
    machine.program(&[READ_IN]);
    let not_taken = InterruptFault::Replaced(irb(NOT_TAKEN));
    machine.device().disturb(2, not_taken);
    machine.ssch();
    machine.io();
    assert_eq!(machine.made(Call::Start), 2);
    machine.io();
    assert_eq!((machine.made(Call::Start), machine.events()), (3, vec![]));
    assert_eq!(machine.scsw(), "00c040c0 00002010 00000000");
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.events(), ["withdrawn", INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    assert_eq!(
        (machine.data(4), machine.held()),
        (vec![1, 2, 3, 4], (0, 0))
    );
    machine.works();
}

/// The same of the first part, which the guest can begin again itself.
#[test]
fn a_first_part_for_which_the_device_has_other_status() {
    let mut machine = machine();
    let not_taken = [NOT_TAKEN[0], 0x4000_1008, NOT_TAKEN[2]];
    machine.disturb(InterruptFault::Replaced(irb(not_taken)));
    machine.ssch();
    machine.io();
    machine.told("01c04017 00002008 80000000");
    assert_eq!(machine.made(Call::Start), 1);
}

/// What is repeated in front of the second part is repeated once more.
#[test]
fn a_second_part_is_not_taken_with_what_is_repeated_in_front_of_it() {
    let seek = || Response::output(6);
    let not_taken = [seek(), Response::input(&[9; 4])];
    let mut setup = Setup::responding([seek()]);
    setup.responses.extend(not_taken);
    setup.responses.extend([seek(), read()]);
    setup.guest.policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    let mut machine = setup.machine();
    // With PCI, and prefetching is forbidden.
    machine.program(&[[7, 0x48, 0, 6, 0, 0, 0x38, 0], [6, 0, 0, 4, 0, 0, 0x30, 0]]);
    let not_taken = InterruptFault::Replaced(irb(NOT_TAKEN));
    machine.device().disturb(2, not_taken);
    let orb = [INTPARM, 0x0082_8000, PROGRAM];
    assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
    for _ in 0..4 {
        machine.io();
    }
    assert_eq!(machine.tsch(), (Cc0, "00804007 00002010 0c800000".into()));
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    let sent = machine.device().with(|soft| {
        let sent = soft.model().sent().iter();
        sent.map(|sent| sent.command.0).collect::<Vec<_>>()
    });
    assert_eq!(sent, [7, 7, 6, 7, 6]);
    assert_eq!(
        (machine.data(4), machine.held()),
        (vec![1, 2, 3, 4], (0, 0))
    );
}

/// The guest halts it meanwhile: it stands in front of its second part, and the attention is told
/// behind that.
#[test]
fn a_second_part_is_not_taken_before_the_halt() {
    let mut machine = setup().stepped().machine();
    machine.program(&[READ_IN]);
    machine.ssch();
    machine.run(8);
    assert_eq!(machine.made(Call::Start), 2);
    machine.refuse(Call::Halt, 3, Errno::EAGAIN);
    assert_eq!(machine.hsch(), Cc0);
    machine.disturb(InterruptFault::Replaced(irb(NOT_TAKEN)));
    machine.run(8);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002010 00000000".into()));
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    assert_eq!((machine.made(Call::Start), machine.held()), (2, (0, 0)));
    machine.works();
}
