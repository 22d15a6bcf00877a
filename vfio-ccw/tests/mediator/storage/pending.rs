// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A start that wants storage which is being taken away, or stands in the way of that.

use vfio_ccw::Errno;
use vfio_ccw::device::fault::Call;
use vfio_ccw::mediator::{GuestRegion, UnmapPolicy};

use super::*;

/// The guest sees a start that is pending, not an error: it still has its storage.
#[test]
fn a_start_meanwhile_stays_pending_and_goes_on_when_the_storage_stays() {
    let mut machine = machine();
    let unmap = machine.window().begin_unmap(START, UnmapPolicy::Halt);
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.scsw(), START_PENDING);
    assert_eq!(machine.held(), (0, 0), "it holds nothing");
    assert_eq!((machine.events(), machine.made(Call::Start)), (vec![], 0));
    machine.time(RETRY);
    assert_eq!(machine.scsw(), START_PENDING);
    drop(unmap);
    machine.time(RETRY);
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.metrics().withheld, 2);
}

/// What the guest made of the program meanwhile counts, as on a channel that was busy.
#[test]
fn a_start_meanwhile_finds_no_storage_when_it_is_gone() {
    let mut machine = machine();
    let unmap = machine.window().begin_unmap(START, UnmapPolicy::Halt);
    assert_eq!(machine.ssch(), Cc0);
    unmap.unwrap().commit().unwrap();
    machine.time(RETRY);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, NO_STORAGE.into()));
    assert_eq!((machine.made(Call::Start), machine.timer()), (0, None));

    let memory = machine.ram.clone();
    let region = GuestRegion::new(START, memory);
    machine.window().add(region).unwrap();
    machine.works();
}

#[test]
fn a_start_does_not_wait_for_ever() {
    let mut machine = machine();
    let _unmap = machine.window().begin_unmap(START, UnmapPolicy::Halt);
    machine.ssch();
    for _ in 0..3 {
        machine.time(RETRY);
        assert_eq!(machine.scsw(), START_PENDING);
    }
    machine.time(RETRY);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert_eq!(machine.timer(), None);
}

#[test]
fn a_start_that_waits_for_storage_is_cancelled_halted_or_cleared() {
    let mut machine = machine();
    let unmap = machine.window().begin_unmap(START, UnmapPolicy::Halt);
    machine.ssch();
    assert_eq!(machine.xsch(), Cc0);
    assert_eq!(
        (machine.scsw().as_str(), machine.timer()),
        ("00c00000 00002000 00000000", None)
    );

    machine.ssch();
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002000 00000000".into()));

    machine.ssch();
    assert_eq!(machine.csch(), Cc0);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));

    machine.ssch();
    machine.sch.stop(&mut machine.events);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert_eq!((machine.made(Call::Start), machine.timer()), (0, None));
    drop(unmap);
    machine.works();
}

/// A program that the device has put off holds its pins too: it is taken back, which the guest does
/// not notice.
#[test]
fn a_program_that_was_put_off_makes_way() {
    let mut machine = machine();
    machine.refuse(Call::Start, 3, Errno::EAGAIN);
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.held(), (1, 0));
    let unmap = machine
        .window()
        .begin_unmap(START, UnmapPolicy::Wait(DEADLINE))
        .unwrap();
    assert!(!unmap.is_quiet());
    machine.make_way(&unmap);
    assert!(unmap.is_quiet());
    assert_eq!(
        (machine.held(), machine.scsw().as_str()),
        ((0, 0), START_PENDING)
    );
    drop(unmap);
    machine.time(RETRY);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

/// A start behind a program of which the device end is still to come.
#[test]
fn a_start_behind_another_program_makes_way() {
    use ccw::DeviceStatus;
    let read = read().with_status(DeviceStatus::CHANNEL_END);
    let responses = [read.then(DeviceStatus::DEVICE_END), crate::common::read()];
    let mut machine = Setup::responding(responses).stepped().machine();
    machine.ssch();
    machine.run(1);
    assert_eq!(machine.tsch().0, Cc0);
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.held(), (2, 0));
    let unmap = machine
        .window()
        .begin_unmap(START, UnmapPolicy::Halt)
        .unwrap();
    machine.make_way(&unmap);
    assert_eq!(machine.made(Call::Clear), 1);
    machine.run(1);
    let told = [INTERRUPT, "withdrawn"];
    assert_eq!(
        machine.events(),
        told,
        "channel end only, and nothing since"
    );
    assert!(unmap.is_quiet());
    assert_eq!(machine.scsw(), START_PENDING);
    drop(unmap);
    machine.time(RETRY);
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}
