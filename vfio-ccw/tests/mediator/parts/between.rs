// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the guest and the VMM can do to a program that stands between two parts, or runs one.

use vfio_ccw::device::fault::{Call, Fault, InterruptFault};
use vfio_ccw::mediator::UnmapPolicy;

use super::*;

#[test]
fn a_device_that_goes_between_two_parts() {
    let mut machine = machine();
    machine.ssch();
    machine.device().unplug();
    machine.io();
    assert!(machine.events().contains(&"gone".to_string()));
    assert_eq!((machine.tsch().0, machine.held()), (Cc3, (0, 0)));
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
        assert_eq!(machine.metrics().parts, 1);
        let code = match clears {
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

/// Busy with what nobody knows of, the device is made to forget that, and then puts the second part off.
/// The program is under way all the time, whatever the guest resumes beforehand: nothing can be
/// cancelled.
#[test]
fn not_cancelled_behind_a_clear_of_the_host() {
    let mut machine = machine();
    machine.refuse_second(1, Errno::EBUSY);
    for nth in 3..6 {
        let put_off = Fault::Refused(Errno::EAGAIN.into());
        machine.device().fail(Call::Start, nth, put_off);
    }
    let orb = [INTPARM, 0x08c2_8000, PROGRAM];
    assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
    machine.io();
    assert_eq!(machine.made(Call::Clear), 1);
    machine.io();
    assert_eq!(
        (machine.made(Call::Start), machine.timer()),
        (5, Some(RETRY))
    );
    assert_eq!(machine.scsw(), "08c040c0 00002010 00000000");
    assert_eq!(machine.rsch(), Cc0);
    assert_eq!(machine.scsw(), "08c048c0 00002010 00000000");
    assert_eq!(machine.xsch(), Cc2);
    machine.time(RETRY);
    machine.io();
    machine.told("08c04007 00002010 0c000000");
    machine.works();
}

/// The device stops at the end of the part when it was told to halt: its status tells of both. In the
/// host's terms, behind the second CCW in the first slot, with the halt pending and without.
#[test]
fn halted_where_the_part_ends() {
    for word0 in [0x00c0_6017, 0x00c0_6217] {
        let mut machine = responding(vec![read(); 2]).stepped().machine();
        machine.program(&[READ_IN]);
        machine.ssch();
        let both = irb([word0, 0x4000_1010, 0x0c20_0000]);
        machine.disturb(InterruptFault::Replaced(both));
        assert_eq!(machine.hsch(), Cc0);
        machine.run(8);
        machine.told("00c06001 00002008 00000000");
        let metrics = machine.metrics();
        assert_eq!((metrics.unexplained, metrics.unmapped), (0, 0));
        machine.works();
    }
}
