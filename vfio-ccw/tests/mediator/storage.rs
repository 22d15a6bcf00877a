// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that leaves the guest while programs run: unmapping, ballooning, quarantine.

use std::ops::Range;
use std::time::Duration;

use ccw::{GuestAddr, SubsystemId};
use vfio_ccw::device::fault::{Call, Fault, InterruptFault};
use vfio_ccw::mediator::{
    GuestRegion, Left, Mediator, MediatorConfig, ResetAcknowledged, ShadowWindow, Unmap,
    UnmapPolicy, WindowConfig, WindowError,
};
use vfio_ccw::{Errno, HostMemory};

use crate::common::*;

const START: GuestAddr = GuestAddr::new(0);
const DEADLINE: Duration = Duration::from_millis(500);
/// A [`READ`] whose data has no storage: invalid address, the CCW behind.
const NO_STORAGE: &str = "00c04017 00002008 00200000";
/// SCSW while a start is pending, and while the device has it.
const START_PENDING: &str = "00c04400 00002000 00000000";
const ACTIVE: &str = "00c040c0 00002000 00000000";

fn range(start: u64, end: u64) -> Range<GuestAddr> {
    GuestAddr::new(start)..GuestAddr::new(end)
}

impl Machine {
    fn window(&self) -> ShadowWindow {
        self.sch.window().clone()
    }

    /// A program runs, and the storage that it uses is to be taken away.
    fn unmap_under_a_program(policy: UnmapPolicy) -> (Self, Result<Unmap, WindowError>) {
        let mut machine = Setup::default().stepped().machine();
        assert_eq!(machine.ssch(), Cc0);
        let unmap = machine.window().begin_unmap(START, policy);
        (machine, unmap)
    }

    fn make_way(&mut self, unmap: &Unmap) {
        self.sch.make_way(unmap, &mut self.events);
    }
}

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

#[test]
fn pages_are_discarded_and_given_back() {
    let mut machine = machine();
    let window = machine.window();
    let page = range(0x3000, 0x4000);
    let discard = window
        .begin_discard(page.clone(), UnmapPolicy::Refuse)
        .unwrap();
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.scsw(), START_PENDING);
    discard.finish(Left::Gone).unwrap();
    machine.time(RETRY);
    assert_eq!(machine.tsch(), (Cc0, NO_STORAGE.into()));
    assert_eq!(window.gone(), vec![page.clone()]);
    // A CCW there is not read either.
    let (code, status) = {
        machine.ssch_orb([0, 0x00c2_8000, 0x3000]).unwrap();
        machine.tsch()
    };
    assert_eq!((code, status.as_str()), (Cc0, "00c04017 00003008 00200000"));
    // Its neighbours work as before.
    machine.program(&[[2, 0, 0, 4, 0, 0, 0x2f, 0xfc]]);
    assert_eq!(machine.ssch(), Cc0);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    machine.program(&[[2, 0, 0, 4, 0, 0, 0x40, 0]]);
    assert_eq!(machine.ssch(), Cc0);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));

    window.give_back(page).unwrap();
    assert_eq!(window.gone(), []);
    machine.works();
}

#[test]
fn pages_under_a_program_are_not_discarded() {
    let mut machine = Setup::default().stepped().machine();
    machine.ssch();
    let window = machine.window();
    let page = range(0x3000, 0x4000);
    let refused = window.begin_discard(page.clone(), UnmapPolicy::Refuse);
    assert_eq!(refused.unwrap_err(), WindowError::InUse);
    let beside = window.begin_discard(range(0x4000, 0x5000), UnmapPolicy::Refuse);
    beside.unwrap().finish(Left::Gone).unwrap();
    let discard = window.begin_discard(page, UnmapPolicy::Halt).unwrap();
    let (discard, error) = discard.finish(Left::Usable).unwrap_err();
    assert_eq!(error, WindowError::InUse);
    machine.sch.make_way(&discard, &mut machine.events);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    discard.finish(Left::Usable).unwrap();
    machine.works();
}

/// A balloon takes single pages by the thousand, one after the other.
#[test]
fn a_balloon_of_many_pages() {
    let mut machine = machine();
    let window = machine.window();
    let pages = (0x10..0x100)
        .step_by(2)
        .map(|n| range(n << 12, (n + 1) << 12));
    for page in pages.clone() {
        let discard = window.begin_discard(page, UnmapPolicy::Refuse).unwrap();
        discard.finish(Left::Gone).unwrap();
    }
    assert_eq!(window.gone().len(), 0x78);
    machine.program(&[[2, 0, 0x10, 0, 0, 1, 0x20, 1]]);
    machine.ssch();
    assert_eq!(machine.tsch(), (Cc0, NO_STORAGE.into()));
    machine.works();
    for page in pages {
        window.give_back(page).unwrap();
    }
    assert_eq!(window.gone(), []);
    // And all of it in one piece.
    let most = range(0x4000, RAM as u64);
    let discard = window
        .begin_discard(most.clone(), UnmapPolicy::Refuse)
        .unwrap();
    discard.finish(Left::Gone).unwrap();
    machine.works();
    assert_eq!(window.gone(), [most]);
}

#[test]
fn what_is_no_page_is_not_discarded() {
    let machine = machine();
    let window = machine.window();
    for (start, end) in [(0, 0), (0x3000, 0x2000), (0x3001, 0x4000), (0x3000, 0x3fff)] {
        let refused = window.begin_discard(range(start, end), UnmapPolicy::Halt);
        assert_eq!(
            refused.unwrap_err(),
            WindowError::NotPages,
            "{start:x} {end:x}"
        );
    }
    let beyond = range(RAM as u64 - 0x1000, RAM as u64 + 0x1000);
    let refused = window.begin_discard(beyond.clone(), UnmapPolicy::Halt);
    assert_eq!(refused.unwrap_err(), WindowError::NotPages);
    assert_eq!(window.give_back(beyond).unwrap_err(), WindowError::NotPages);
}

/// Memory that the guest has at two addresses: a program is found by either.
#[test]
fn an_alias_is_the_same_memory() {
    let mut machine = Setup::default().stepped().machine();
    let window = machine.window();
    let alias = GuestAddr::new(0x4000_0000);
    window
        .add(GuestRegion::new(alias, machine.ram.clone()))
        .unwrap();
    // READ to the page 3000, by its other address.
    machine.program(&[[2, 0, 0, 4, 0x40, 0, 0x30, 0]]);
    assert_eq!(machine.ssch(), Cc0);

    let page = range(0x3000, 0x4000);
    let refused = window.begin_discard(page.clone(), UnmapPolicy::Refuse);
    assert_eq!(refused.unwrap_err(), WindowError::InUse);
    let discard = window
        .begin_discard(page.clone(), UnmapPolicy::Halt)
        .unwrap();
    assert_eq!(
        discard.ranges(),
        [page.clone(), range(0x4000_3000, 0x4000_4000)]
    );
    machine.sch.make_way(&discard, &mut machine.events);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    discard.finish(Left::Gone).unwrap();
    for data in [0, 0x40] {
        machine.program(&[[2, 0, 0, 4, data, 0, 0x30, 0]]);
        machine.ssch();
        assert_eq!(machine.tsch(), (Cc0, NO_STORAGE.into()));
    }
    window.give_back(range(0x4000_3000, 0x4000_4000)).unwrap();
    machine.works();

    // One address can go alone; the memory goes with all of them.
    machine.ssch();
    let unmap = window.begin_unmap(alias, UnmapPolicy::Refuse).unwrap();
    unmap.commit().unwrap();
    window
        .add(GuestRegion::new(alias, machine.ram.clone()))
        .unwrap();
    let refused = window.begin_unmap_memory(&machine.ram, UnmapPolicy::Refuse);
    assert_eq!(refused.unwrap_err(), WindowError::InUse);
    machine.run(8);
    assert_eq!(machine.tsch().0, Cc0);
    let unmap = window
        .begin_unmap_memory(&machine.ram, UnmapPolicy::Refuse)
        .unwrap();
    assert_eq!(unmap.ranges().len(), 2);
    unmap.commit().unwrap();
    assert_eq!(window.regions().len(), 0);
}

/// So it is when the region that had it is gone meanwhile: what is being discarded does not come back
/// at another address.
#[test]
fn memory_that_moves_while_its_pages_are_discarded() {
    let machine = machine();
    let window = machine.window();
    let add = |at| window.add(GuestRegion::new(GuestAddr::new(at), machine.ram.clone()));
    let page = range(0x3000, 0x4000);
    let discard = window.begin_discard(page, UnmapPolicy::Refuse).unwrap();
    let unmap = window.begin_unmap(START, UnmapPolicy::Refuse).unwrap();
    unmap.commit().unwrap();
    assert_eq!(add(0x4000_0000), Err(WindowError::Leaving));
    // Shifted by a page, part of it would be where another page is withdrawn.
    assert_eq!(add(0x1000), Err(WindowError::Leaving));
    assert_eq!(add(0), Ok(()), "there nobody gets the page");
    discard.finish(Left::Gone).unwrap();
    assert_eq!(add(0x4000_0000), Ok(()));
    let both = [range(0x3000, 0x4000), range(0x4000_3000, 0x4000_4000)];
    assert_eq!(window.gone(), both);
}

/// An address that is added later is the same memory too.
#[test]
fn an_alias_that_comes_later() {
    let mut machine = machine();
    let window = machine.window();
    let alias = GuestAddr::new(0x4000_0000);
    let add = || window.add(GuestRegion::new(alias, machine.ram.clone()));
    let page = range(0x3000, 0x4000);
    let discard = window.begin_discard(page, UnmapPolicy::Refuse).unwrap();
    assert_eq!(add(), Err(WindowError::Leaving), "nobody would withdraw it");
    let other = HostMemory::anonymous(RAM).unwrap();
    let elsewhere = GuestRegion::new(GuestAddr::new(0x5000_0000), other);
    window.add(elsewhere).unwrap();
    discard.finish(Left::Gone).unwrap();
    add().unwrap();
    assert_eq!(
        window.gone(),
        [range(0x3000, 0x4000), range(0x4000_3000, 0x4000_4000)]
    );
    machine.program(&[[2, 0, 0, 4, 0x40, 0, 0x30, 0]]);
    machine.ssch();
    assert_eq!(machine.tsch(), (Cc0, NO_STORAGE.into()));
}

/// Pages of a region that went while they were being discarded by another address.
#[test]
fn a_region_that_comes_back_has_all_its_pages() {
    let machine = machine();
    let window = machine.window();
    let alias = GuestAddr::new(0x4000_0000);
    let region = GuestRegion::new(alias, machine.ram.clone());
    window.add(region.clone()).unwrap();
    let page = range(0x3000, 0x4000);
    let discard = window.begin_discard(page.clone(), UnmapPolicy::Refuse);
    let unmap = window.begin_unmap(alias, UnmapPolicy::Refuse).unwrap();
    unmap.commit().unwrap();
    discard.unwrap().finish(Left::Gone).unwrap();
    assert_eq!(window.gone(), vec![page.clone()]);
    window.give_back(page).unwrap();
    window.add(region).unwrap();
    assert_eq!(window.gone(), []);
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

/// A device that acknowledges nothing, until it does: the guest's next reset brings all of it back.
#[test]
fn a_reset_that_is_acknowledged_ends_the_quarantine() {
    let mut machine = endless();
    machine.ssch();
    let refused = Fault::Refused(Errno::EINVAL.into());
    machine.device().fail(Call::Reset, 1, refused);
    machine.device().fail(Call::Reset, 2, refused);
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    let window = machine.window();
    let list = window.in_quarantine();
    assert_eq!((list.len(), list[0].owner), (1, machine.sch.owner()));
    assert_eq!(list[0].subchannel, SubsystemId::new(0, 0x12));
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.held(), (1, 1), "not acknowledged");
    assert_eq!(machine.events(), [""; 0], "and the guest knows already");

    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.held(), (0, 0));
    let metrics = machine.metrics();
    assert_eq!((metrics.quarantined, metrics.released), (1, 1));
    machine.enable();
    machine.works();
}

#[test]
fn a_device_that_was_unplugged_stays_away() {
    let mut machine = endless();
    machine.sch.unplug(&mut machine.events);
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.made(Call::Reset), 0);
    assert_eq!(machine.ssch(), Cc3);
}

/// One device that was reset says nothing about another.
#[test]
fn a_reset_releases_the_programs_of_that_device_only() {
    let mut setup = Setup::responding([]).stepped();
    setup.window.slots = 2;
    let mut machine = setup.machine();
    machine.program(&[[3, 0x60, 0, 1, 0, 0, 0, 0], [2, 0x60, 0, 1, 0, 0, 0x30, 0]]);
    let window = machine.window();
    machine.ssch();
    let stuck = machine.sch.owner();
    let Machine { sch, ram, .. } = machine;
    drop(sch);
    assert_eq!((window.in_flight(), window.quarantined()), (1, 1));
    assert_eq!(window.in_quarantine()[0].ranges, [range(0x3000, 0x3001)]);

    // The same subchannel, the device opened anew: another owner.
    let space = vfio_ccw::device::soft::SoftSpace::new();
    let model = css::device::scripted::Scripted::new([]);
    let config = vfio_ccw::device::soft::SoftConfig::default();
    let soft = vfio_ccw::device::soft::SoftDevice::new(model, space, config).unwrap();
    let id = SubsystemId::new(0, 0x12).unwrap();
    let mut again = Mediator::attach(soft, window.clone(), MediatorConfig::new(id, 0x190)).unwrap();
    assert_ne!(again.owner(), stuck);
    again.reset(&mut Vec::new());
    assert_eq!(
        window.quarantined(),
        1,
        "not its own: perhaps another device"
    );
    assert_eq!(
        window.release_quarantined(ResetAcknowledged(again.owner())),
        0
    );
    // The VMM knows that it is the same one.
    assert_eq!(window.release_quarantined(ResetAcknowledged(stuck)), 1);
    assert_eq!((window.in_flight(), window.in_quarantine()), (0, vec![]));
    drop(ram);
}

/// A program in quarantine counts: its place, its bytes and its slot are not there for others.
#[test]
fn quarantine_counts_against_the_budget() {
    let mut setup = Setup::default().stepped();
    setup.window = WindowConfig {
        slots: 3,
        budget: pinning::Budget {
            total_bytes: 6,
            ..pinning::Budget::default()
        },
        ..WindowConfig::default()
    };
    let mut machine = setup.machine();
    machine.ssch();
    machine.disturb(InterruptFault::Lost);
    let refused = Fault::Refused(Errno::EINVAL.into());
    machine.device().fail(Call::Reset, 1, refused);
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.held(), (1, 1));
    let window = machine.window();
    let pin = |len| {
        let access = pinning::Access::DeviceReads;
        let start = GuestAddr::new(0x8000);
        let extent = pinning::Extent { start, len, access };
        pinning::Pins::acquire(&window, &[extent], &mut pinning::Runs::new()).map(drop)
    };
    assert_eq!(pin(2), Ok(()));
    let limit = pinning::PinError::Limit(pinning::Limit::TotalBytes);
    assert_eq!(pin(3), Err(limit), "4 are in quarantine");
    machine.sch.reset(&mut machine.events);
    assert_eq!(pin(6), Ok(()));
}
