// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A region of storage is taken away while programs run.

use ccw::GuestAddr;
use vfio_ccw::HostMemory;
use vfio_ccw::device::fault::Call;
use vfio_ccw::mediator::{GuestRegion, Left, UnmapPolicy, WindowError};

use super::*;

#[test]
fn a_program_in_flight_is_waited_for() {
    let (mut machine, unmap) = Machine::unmap_under_a_program(UnmapPolicy::Wait(DEADLINE));
    let unmap = unmap.unwrap();
    machine.make_way(&unmap);
    assert!(machine.sch.uses(unmap.range()) && !unmap.is_quiet());
    assert_eq!(unmap.users(), [machine.sch.owner()]);
    assert_eq!(unmap.timer().unwrap().after, DEADLINE);
    assert_eq!(machine.scsw(), ACTIVE, "nothing has happened to it");
    let (unmap, error) = unmap.commit().unwrap_err();
    assert_eq!(error, WindowError::InUse);

    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.data(4), [1, 2, 3, 4]);
    assert!(unmap.is_quiet());
    assert_eq!(unmap.users(), []);
    unmap.commit().unwrap();
    assert_eq!(machine.made(Call::Clear), 0);
    assert_eq!(machine.made(Call::Reset), 0);
}

#[test]
fn a_withdrawal_is_overdue_once_and_then_halts() {
    let (mut machine, unmap) = Machine::unmap_under_a_program(UnmapPolicy::Wait(DEADLINE));
    let mut unmap = unmap.unwrap();
    machine.make_way(&unmap);
    let timer = unmap.timer().unwrap();
    unmap.expired(timer.id + 1);
    assert!(!unmap.is_overdue(), "that was another timer");
    unmap.expired(timer.id);
    assert!(unmap.is_overdue() && unmap.timer().is_none());
    assert_eq!(machine.scsw(), ACTIVE, "it is for the VMM to decide");

    unmap.halt();
    machine.make_way(&unmap);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    unmap.commit().unwrap();
}

#[test]
fn a_program_in_flight_is_halted_by_a_clear_and_not_by_a_reset() {
    let (mut machine, unmap) = Machine::unmap_under_a_program(UnmapPolicy::Halt);
    let unmap = unmap.unwrap();
    machine.make_way(&unmap);
    machine.make_way(&unmap);
    assert_eq!(machine.made(Call::Clear), 1, "asked once");
    assert!(!unmap.is_quiet(), "the device has not said that it stopped");
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert_eq!(machine.metrics().made_way, 1);
    assert_eq!(machine.made(Call::Reset), 0);
    unmap.commit().unwrap();
}

#[test]
fn nothing_is_withdrawn_from_a_program_if_so_decided() {
    let (mut machine, unmap) = Machine::unmap_under_a_program(UnmapPolicy::Refuse);
    assert_eq!(unmap.unwrap_err(), WindowError::InUse);
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    machine.works();
    let unmap = machine.window().begin_unmap(START, UnmapPolicy::Refuse);
    unmap.unwrap().commit().unwrap();
}

/// What uses other storage is let alone, whatever the policy.
#[test]
fn a_program_that_uses_other_storage_goes_on() {
    let mut machine = Setup::default().stepped().machine();
    let other = GuestAddr::new(RAM as u64);
    let region = GuestRegion::new(other, HostMemory::anonymous(RAM).unwrap());
    machine.window().add(region).unwrap();
    machine.ssch();
    let unmap = machine.window().begin_unmap(other, UnmapPolicy::Halt);
    let unmap = unmap.unwrap();
    machine.make_way(&unmap);
    assert!(unmap.is_quiet());
    unmap.commit().unwrap();
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.made(Call::Clear), 0);
}

/// Hot-unplug, and other memory at the same place, while another subchannel's program runs.
#[test]
fn other_memory_at_the_same_place() {
    let mut machine = Setup::default().stepped().machine();
    let window = machine.window();
    let dimm = GuestAddr::new(0x4000_0000);
    let old = HostMemory::anonymous(RAM).unwrap();
    window.add(GuestRegion::new(dimm, old.clone())).unwrap();
    let gone = window.begin_discard(range(0x4000_0000, 0x4000_1000), UnmapPolicy::Halt);
    gone.unwrap().finish(Left::Gone).unwrap();
    machine.ssch();

    let unmap = window.begin_unmap(dimm, UnmapPolicy::Refuse).unwrap();
    unmap.commit().unwrap();
    let new = HostMemory::anonymous(RAM).unwrap();
    window.add(GuestRegion::new(dimm, new.clone())).unwrap();
    assert_eq!(window.gone(), [], "the new memory has all its pages");
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));

    machine.program(&[[2, 0, 0, 4, 0x40, 0, 0, 0]]);
    machine.ssch();
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    let first = |memory: &HostMemory| {
        let mut bytes = [0; 4];
        memory.read(0, &mut bytes).unwrap();
        bytes
    };
    assert_eq!((first(&old), first(&new)), ([0; 4], [1, 2, 3, 4]));
}

/// Two withdrawals of one region: the second finds another region there, or none.
#[test]
fn only_the_region_that_was_meant_is_taken_away() {
    let machine = machine();
    let window = machine.window();
    let first = window.begin_unmap(START, UnmapPolicy::Halt).unwrap();
    let second = window.begin_unmap(START, UnmapPolicy::Halt).unwrap();
    let third = window.begin_unmap(START, UnmapPolicy::Halt).unwrap();
    first.commit().unwrap();
    let (_, error) = second.commit().unwrap_err();
    assert_eq!(error, WindowError::NotARegion);
    let other = HostMemory::anonymous(RAM).unwrap();
    window.add(GuestRegion::new(START, other)).unwrap();
    let (_, error) = third.commit().unwrap_err();
    assert_eq!(error, WindowError::NotARegion);
    assert_eq!(window.regions().len(), 1);
}
