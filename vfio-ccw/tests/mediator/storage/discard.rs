// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pages that leave a region, and come back: ballooning.

use vfio_ccw::mediator::{Left, UnmapPolicy, WindowError};

use super::*;

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
