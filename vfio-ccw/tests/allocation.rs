// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel in its steady state asks for no memory: from the guest's START SUBCHANNEL to its
//! TEST SUBCHANNEL, whatever becomes of the program.

mod instant;
#[path = "../../tests/requests.rs"]
mod requests;

use vfio_ccw::Source;
use vfio_ccw::mediator::ConditionCode;

use ccw::RawOrb;
use instant::{
    Instant, LISTS, MIDAWS, NOTHING, PARTS, PARTS_SUSPEND, PARTS_WRONG, SUSPENDS, orb,
    telling_subchannel,
};
use requests::requests;

/// How often memory was asked for by `times` rounds, once things have settled.
fn allocations(mut round: impl FnMut(), times: u32) -> u64 {
    for _ in 0..20 {
        round();
    }
    let before = requests();
    for _ in 0..times {
        round();
    }
    requests() - before
}

#[test]
fn programs_that_end_well() {
    let mut sch = telling_subchannel(Instant::new(false));
    let mut events = Vec::with_capacity(8);
    let asked = allocations(
        || {
            events.clear();
            assert_eq!(sch.ssch(&orb(LISTS), &mut events), Ok(ConditionCode::Cc0));
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
        },
        1000,
    );
    assert_eq!(asked, 0);
    assert_eq!(sch.metrics().started, 1020);
}

#[test]
fn programs_that_are_refused_wrong_or_cleared() {
    let mut sch = telling_subchannel(Instant::new(true));
    let mut events = Vec::with_capacity(8);
    let asked = allocations(
        || {
            events.clear();
            for cpa in [LISTS, NOTHING, LISTS] {
                sch.ssch(&orb(cpa), &mut events).unwrap();
                sch.ready(Source::Io, &mut events);
                assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
            }
            assert_eq!(sch.csch(&mut events), ConditionCode::Cc0);
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
        },
        1000,
    );
    assert_eq!(asked, 0);
    let metrics = sch.metrics();
    assert_eq!((metrics.failed, metrics.ended_at_once), (1020, 1020));
}

/// What the device leaves in a copy is compared and copied back each time.
#[test]
fn programs_with_midaws() {
    let mut sch = telling_subchannel(Instant::new(false));
    let mut events = Vec::with_capacity(8);
    let asked = allocations(
        || {
            events.clear();
            let orb = RawOrb::from_words([1, 0x00c2_8040, MIDAWS]);
            assert_eq!(sch.ssch(&orb, &mut events), Ok(ConditionCode::Cc0));
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
        },
        1000,
    );
    assert_eq!(asked, 0);
    let metrics = sch.metrics();
    // A copy, two parts, two stop CCWs.
    assert_eq!((metrics.started, metrics.ccws), (1020, 5 * 1020));
}

/// Two parts, the first of which is repeated in front of the second; and a program that suspends itself,
/// is resumed in vain, and is cancelled.
#[test]
fn programs_of_several_parts() {
    let mut sch = telling_subchannel(Instant::stopping());
    let mut events = Vec::with_capacity(8);
    let (late, suspends) = (0x0082_8000, 0x08c2_8000);
    let asked = allocations(
        || {
            events.clear();
            let orb_of = |word1, cpa| RawOrb::from_words([1, word1, cpa]);
            sch.ssch(&orb_of(late, PARTS), &mut events).unwrap();
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.window().in_flight(), 1);
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);

            sch.ssch(&orb_of(suspends, SUSPENDS), &mut events).unwrap();
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
            assert_eq!(sch.rsch(&mut events), ConditionCode::Cc0);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
            assert_eq!(sch.xsch(&mut events), ConditionCode::Cc0);

            sch.ssch(&orb(LISTS), &mut events).unwrap();
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
        },
        1000,
    );
    assert_eq!(asked, 0);
    let metrics = sch.metrics();
    assert_eq!((metrics.parts, metrics.suspensions), (1020, 2040));
}

/// The second part of a program is suspended where it begins, or is none: the first one is not repeated.
#[test]
fn programs_that_come_to_no_second_part() {
    let mut sch = telling_subchannel(Instant::stopping());
    let mut events = Vec::with_capacity(8);
    let asked = allocations(
        || {
            for (word1, cpa) in [(0x0882_8000, PARTS_SUSPEND), (0x0082_8000, PARTS_WRONG)] {
                events.clear();
                let orb_of = RawOrb::from_words([1, word1, cpa]);
                sch.ssch(&orb_of, &mut events).unwrap();
                sch.ready(Source::Io, &mut events);
                assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
                sch.xsch(&mut events);

                sch.ssch(&orb(LISTS), &mut events).unwrap();
                sch.ready(Source::Io, &mut events);
                assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
            }
        },
        1000,
    );
    assert_eq!(asked, 0);
    let metrics = sch.metrics();
    assert_eq!((metrics.suspensions, metrics.ended_at_once), (1020, 1020));
}
