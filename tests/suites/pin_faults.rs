// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pin that fails, at every extent of every program, in every way.
//!
//! Then the program is refused for a lack of the host, nothing stays pinned, guest storage is as
//! it was, and the next program is translated as if nothing had been.

use ccw::GuestAddr;
use pinning::{Budget, Fault, FaultyPinner, Limit, PinError, PlainPinner};
use proptest::{
    prelude::Strategy,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use tests::{
    corpus,
    differential::{Arena, judge},
    generator::{Case, Scene, cases, config},
};
use translator::{Blame, Code, HostProfile, Outcome, Plan, Planned, Rejected};

/// Every way to fail, and the name that it is refused by.
fn errors() -> [(PinError, Code); 8] {
    let at = GuestAddr::new(0);
    [
        (PinError::NotMapped { at }, Code::HostMap),
        (PinError::Permission { at }, Code::HostMap),
        (PinError::Busy { at }, Code::HostBusy),
        (PinError::Limit(Limit::Bytes), Code::HostBudget),
        (PinError::Limit(Limit::Programs), Code::HostBudget),
        (PinError::OutOfRuns, Code::HostPin),
        (PinError::BadExtent { index: 0 }, Code::HostPin),
        (PinError::Backend(12), Code::HostPin),
    ]
}

fn plan(scene: &Scene) -> Option<Plan> {
    match judge(scene).plan(&HostProfile::SOFTWARE) {
        Ok(Planned::Run(plan)) => Some(plan),
        _ => None,
    }
}

fn pinner(scene: &Scene, fault: Fault) -> FaultyPinner<PlainPinner> {
    let plain = PlainPinner::new(scene.regions.clone(), Budget::default());
    FaultyPinner::new(plain, fault)
}

fn contents(scene: &Scene) -> Vec<(u64, Vec<u8>)> {
    let pages = scene.ram.touched();
    pages.map(|(at, page)| (at.get(), page.to_vec())).collect()
}

/// What is emitted for `scene` when nothing fails.
fn emitted(scene: &Scene, pinner: &FaultyPinner<PlainPinner>) -> Arena {
    let plan = plan(scene).unwrap();
    let mut arena = Arena::for_plan(&plan);
    let translated = plan.pin(pinner).unwrap().emit(arena.slot()).unwrap();
    assert_eq!(pinner.live(), 1);
    drop(translated.release());
    assert_eq!(pinner.live(), 0);
    arena
}

fn refused(scene: &Scene, pinner: &FaultyPinner<PlainPinner>) -> Rejected {
    match plan(scene).unwrap().pin(pinner) {
        Ok(_) => panic!("a failing pin was not noticed"),
        Err(rejected) => rejected,
    }
}

/// Fails each extent of the program in each way; returns how many extents there are.
fn fail_each_extent(scene: &Scene) -> usize {
    let before = contents(scene);
    let mut pinner = pinner(scene, Fault::Never);
    let sound = emitted(scene, &pinner);
    let extents = plan(scene).unwrap().extents().to_vec();
    for (k, extent) in extents.iter().enumerate() {
        for (error, code) in errors() {
            pinner.set_fault(Fault::Extent(k, error));
            let rejected = refused(scene, &pinner);
            assert_eq!(rejected.finding.code, code, "{error}");
            assert_eq!(rejected.blame(), Blame::HostResource);
            let named = matches!(code, Code::HostMap | Code::HostBusy);
            let data = rejected.finding.site.data;
            assert_eq!(data, named.then_some(extent.start), "{error}");
            assert_eq!((pinner.live(), pinner.inner().ledger().in_flight()), (0, 0));
        }
    }
    assert_eq!(contents(scene), before, "guest storage");
    pinner.set_fault(Fault::Never);
    let again = emitted(scene, &pinner);
    assert_eq!((again.ccws, again.lists), (sound.ccws, sound.lists));
    extents.len()
}

#[test]
fn every_extent_of_recorded_programs() {
    let programs = corpus::load(&corpus::own_programs()).unwrap();
    let scenes = programs
        .iter()
        .map(|program| Case::of_program(program).build());
    let mut extents = 0;
    for scene in scenes {
        // Half of them have hundreds of extents of the same kind.
        if judge(&scene).outcome() == Outcome::Valid
            && plan(&scene).is_some_and(|plan| plan.extents().len() <= 40)
        {
            extents += fail_each_extent(&scene);
        }
    }
    assert!(extents > 300, "only {extents} extents");
}

#[test]
fn every_extent_of_generated_programs() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let mut extents = 0;
    for _ in 0..200 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let scene = case.build();
        if plan(&scene).is_some() {
            extents += fail_each_extent(&scene);
        }
    }
    assert!(extents > 300, "only {extents} extents");
}

/// A slot that is too small is found out after the pin: it is given back.
#[test]
fn an_arena_that_is_too_small_gives_the_pins_back() {
    let programs = corpus::load(&corpus::own_programs()).unwrap();
    let program = programs
        .iter()
        .find(|p| p.name == "enc-idal-list-crosses-page");
    let scene = Case::of_program(program.unwrap()).build();
    let pinner = pinner(&scene, Fault::Never);
    let sound = emitted(&scene, &pinner);
    let lists = sound.written_lists().len();
    for (ccws, lists) in [
        (0, lists),
        (sound.ccws.len() - 8, lists),
        (sound.ccws.len(), lists - 8),
    ] {
        let mut arena = Arena {
            ccws: vec![0xff; ccws],
            lists: vec![0xff; lists],
        };
        let pinned = plan(&scene).unwrap().pin(&pinner).unwrap();
        let rejected = pinned.emit(arena.slot()).unwrap_err();
        assert_eq!(rejected.finding.code, Code::HostArena);
        assert_eq!(pinner.live(), 0);
    }
}

/// A budget is the guest's own limit, and is kept without help from a test.
#[test]
fn a_budget_that_is_exceeded_refuses_by_name() {
    let programs = corpus::load(&corpus::own_programs()).unwrap();
    let program = programs
        .iter()
        .find(|p| p.name == "enc-max-count-ffff")
        .unwrap();
    let scene = Case::of_program(program).build();
    let budget = Budget {
        bytes: 65534,
        ..Budget::default()
    };
    let pinner = PlainPinner::new(scene.regions.clone(), budget);
    let rejected = plan(&scene).unwrap().pin(&pinner).unwrap_err();
    assert_eq!(rejected.finding.code, Code::HostBudget);
    assert_eq!(pinner.ledger().in_flight(), 0);
    let enough = Budget {
        bytes: 65535,
        ..budget
    };
    let pinner = PlainPinner::new(scene.regions.clone(), enough);
    assert!(plan(&scene).unwrap().pin(&pinner).is_ok());
}
