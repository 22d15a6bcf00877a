// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Memory that the guest has at several addresses.

use ccw::GuestAddr;
use vfio_ccw::HostMemory;
use vfio_ccw::mediator::{GuestRegion, Left, UnmapPolicy, WindowError};

use super::*;

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
