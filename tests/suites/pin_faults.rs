// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pin that fails, at every extent of every program, in every way.
//!
//! Then the program is refused for a lack of the host, nothing stays pinned, guest storage is as
//! it was, and the next program is translated as if nothing had been.

use std::ops::Range;

use ccw::{GuestAddr, HostAddr, orb::word1};
use ccw_kit::{
    corpus,
    differential::{Arena, judge},
    generator::{Case, Scene, cases, config},
    program::GuestProgram,
};
use pinning::{
    Budget, Caps, Extent, Fault, FaultyPinner, InvalidateError, Limit, PinError, Pinner,
    PlainPinner, Run, Runs,
};
use proptest::{
    prelude::Strategy,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
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
    plan_for(scene, &HostProfile::SOFTWARE)
}

fn plan_for(scene: &Scene, host: &HostProfile) -> Option<Plan> {
    match judge(scene).plan(host) {
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
fn emitted(scene: &Scene, host: &HostProfile, pinner: &FaultyPinner<PlainPinner>) -> Arena {
    let plan = plan_for(scene, host).unwrap();
    let mut arena = Arena::for_plan(&plan);
    let translated = plan.pin(pinner).unwrap().emit(arena.slot()).unwrap();
    assert_eq!(pinner.live(), 1);
    drop(translated.release());
    assert_eq!(pinner.live(), 0);
    arena
}

fn refused(scene: &Scene, host: &HostProfile, pinner: &FaultyPinner<PlainPinner>) -> Rejected {
    match plan_for(scene, host).unwrap().pin(pinner) {
        Ok(_) => panic!("a failing pin was not noticed"),
        Err(rejected) => rejected,
    }
}

/// Fails each extent of the program in each way; returns how many extents there are.
fn fail_each_extent(scene: &Scene, host: &HostProfile) -> usize {
    let before = contents(scene);
    let mut pinner = pinner(scene, Fault::Never);
    let sound = emitted(scene, host, &pinner);
    let extents = plan_for(scene, host).unwrap().extents().to_vec();
    for (k, extent) in extents.iter().enumerate() {
        for (error, code) in errors() {
            pinner.set_fault(Fault::Extent(k, error));
            let rejected = refused(scene, host, &pinner);
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
    let again = emitted(scene, host, &pinner);
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
            extents += fail_each_extent(&scene, &HostProfile::SOFTWARE);
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
            extents += fail_each_extent(&scene, &HostProfile::SOFTWARE);
        }
    }
    assert!(extents > 300, "only {extents} extents");
}

/// What goes by way of a copy is pinned all the same.
#[test]
fn every_extent_of_programs_with_midaws() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let (mut extents, mut copies) = (0, 0);
    for key in 0..200 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let scene = case.with_midaws(key).build();
        if let Some(plan) = plan_for(&scene, &HostProfile::VFIO_CCW) {
            copies += usize::from(plan.copy_bytes_at_most() > 0);
            extents += fail_each_extent(&scene, &HostProfile::VFIO_CCW);
        }
    }
    assert!(extents > 300, "only {extents} extents");
    assert!(copies > 10, "only {copies} programs with copies");
}

/// READ with MIDAWs, suppressed length and command chaining: 24 bytes go by way of a copy, and so does
/// what they store over.
#[test]
fn copies_that_do_not_fit_give_the_pins_back() {
    let areas = "00000000 0000000C 00000000 00005004 00000000 0080000C 00000000 00006004";
    let program = GuestProgram::format1("02610018 00003000 03200001 00000000")
        .with(word1::MIDAW)
        .put(0x3000, areas);
    let plain = PlainPinner::new(program.map(0), Budget::default());
    let pinner = FaultyPinner::new(plain, Fault::Never);
    for (copies, fits) in [(0, false), (40, false), (48, true)] {
        let Ok(Planned::Run(plan)) = program.judge().plan(&HostProfile::VFIO_CCW) else {
            panic!("a legal program");
        };
        let mut arena = Arena::for_plan(&plan);
        arena.copies.truncate(copies);
        let emitted = plan.pin(&pinner).unwrap().emit(arena.slot());
        match emitted {
            Ok(translated) => {
                assert!(fits);
                drop(translated.release());
            }
            Err(rejected) => assert_eq!((rejected.finding.code, fits), (Code::HostArena, false)),
        }
        assert_eq!(pinner.live(), 0);
    }
}

/// A READ of 16 bytes, refused for a pin that fails as said.
fn refused_for(error: PinError) -> (Code, Option<GuestAddr>) {
    let program = GuestProgram::format1("02200010 00003000");
    let plan = match program.judge().plan(&HostProfile::SOFTWARE) {
        Ok(Planned::Run(plan)) => plan,
        other => panic!("{other:?}"),
    };
    let plain = PlainPinner::new(program.map(0), Budget::default());
    let pinner = FaultyPinner::new(plain, Fault::Extent(0, error));
    let rejected = plan.pin(&pinner).unwrap_err();
    assert_eq!(rejected.blame(), Blame::HostResource);
    (rejected.finding.code, rejected.finding.site.data)
}

/// The storage is being taken away.
#[test]
fn h01_host_busy() {
    let at = GuestAddr::new(0x3000);
    let found = refused_for(PinError::Busy { at });
    assert_eq!(found, (Code::HostBusy, Some(at)));
}

/// The storage was there when the program was judged, and is gone or read-only when it is pinned.
#[test]
fn h02_host_map() {
    let at = GuestAddr::new(0x3000);
    for error in [PinError::NotMapped { at }, PinError::Permission { at }] {
        assert_eq!(refused_for(error), (Code::HostMap, Some(at)));
    }
}

/// The back end fails for reasons of its own.
#[test]
fn h05_host_pin() {
    for error in [PinError::OutOfRuns, PinError::Backend(12)] {
        assert_eq!(refused_for(error), (Code::HostPin, None));
    }
}

/// A slot that is too small is found out after the pin: it is given back.
#[test]
fn h04_host_arena() {
    let programs = corpus::load(&corpus::own_programs()).unwrap();
    let program = programs
        .iter()
        .find(|p| p.name == "enc-idal-list-crosses-page");
    let scene = Case::of_program(program.unwrap()).build();
    let pinner = pinner(&scene, Fault::Never);
    let sound = emitted(&scene, &HostProfile::SOFTWARE, &pinner);
    let lists = sound.written_lists().len();
    for (ccws, lists) in [
        (0, lists),
        (sound.ccws.len() - 8, lists),
        (sound.ccws.len(), lists - 8),
    ] {
        let mut arena = Arena {
            ccws: vec![0xff; ccws],
            lists: vec![0xff; lists],
            copies: Vec::new(),
        };
        let pinned = plan(&scene).unwrap().pin(&pinner).unwrap();
        let rejected = pinned.emit(arena.slot()).unwrap_err();
        assert_eq!(rejected.finding.code, Code::HostArena);
        assert_eq!(pinner.live(), 0);
    }
}

/// A budget is the guest's own limit, and is kept without help from a test.
#[test]
fn h03_host_budget() {
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

/// A pinner that breaks its promise on the form of its answers.
#[derive(Debug)]
struct Bent {
    inner: PlainPinner,
    bend: fn(&mut Vec<Run>),
}

impl Pinner for Bent {
    type Token = <PlainPinner as Pinner>::Token;

    fn caps(&self) -> Caps {
        self.inner.caps()
    }

    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<Self::Token, PinError> {
        let token = self.inner.pin(extents, runs)?;
        let mut answer = runs.as_slice().to_vec();
        (self.bend)(&mut answer);
        runs.clear();
        for run in answer {
            runs.push(run.host, run.len, false);
        }
        Ok(token)
    }

    fn unpin(&self, token: Self::Token) {
        self.inner.unpin(token);
    }

    fn quarantine(&self, token: Self::Token) {
        self.inner.quarantine(token);
    }

    fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError> {
        self.inner.begin_invalidate(range)
    }

    fn quiesced(&self, range: Range<GuestAddr>) -> bool {
        self.inner.quiesced(range)
    }

    fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool) {
        self.inner.end_invalidate(range, still_mapped);
    }
}

/// Moves the last run by `bytes`.
fn shift(runs: &mut [Run], bytes: u64) {
    let last = runs.last_mut().unwrap();
    last.host = HostAddr::new(last.host.get() + bytes);
}

/// Cuts the first run `at` bytes into it; the rest lies elsewhere.
fn cut(runs: &mut Vec<Run>, at: u32) {
    let first = runs[0];
    let rest = Run {
        host: HostAddr::new(first.host.get() + 0x10_0000 + u64::from(at)),
        len: first.len - at,
    };
    runs[0].len = at;
    runs.insert(1, rest);
}

#[test]
fn what_a_pinner_says_against_its_contract_is_refused() {
    let bends: [fn(&mut Vec<Run>); 10] = [
        |runs| shift(runs, 1),
        |runs| shift(runs, 8),
        |runs| shift(runs, 0x7ff),
        |runs| cut(runs, 1),
        |runs| cut(runs, 8),
        |runs| {
            cut(runs, 8);
            runs[1].host = HostAddr::new(0x3_0000_0000);
        },
        |runs| runs.last_mut().unwrap().len -= 1,
        |runs| runs.last_mut().unwrap().len += 1,
        |runs| runs.truncate(runs.len() - 1),
        |runs| runs.extend_from_within(..1),
    ];
    // Half a page away.
    let half: fn(&mut Vec<Run>) = |runs| shift(runs, 0x800);
    for ccws in [
        // In one block, in several, by data chaining, and backward in blocks of either size.
        "01200010 00003FE4",
        "02201234 00003FE4",
        "01600010 00003024 02201234 00005FE4",
        "01800010 00003024 00201234 00005FE4",
        "0C201234 00007FE4",
        "0C2007E0 00007FE4",
        "0C201000 00007FFF",
    ] {
        let program = GuestProgram::format1(ccws);
        for word1 in [0, word1::IDAW_2K] {
            let program = program.clone().with(word1);
            let map = program.map(1 << 32);
            for profile in HostProfile::ALL {
                let small = word1 != 0;
                for (n, bend) in bends.iter().chain((!small).then_some(&half)).enumerate() {
                    let inner = PlainPinner::new(map.clone(), Budget::default());
                    let pinner = Bent { inner, bend: *bend };
                    let Ok(Planned::Run(plan)) = program.judge_with(&map).plan(profile) else {
                        panic!("{ccws} is carried out");
                    };
                    let mut arena = Arena::for_plan(&plan);
                    let refused = plan.pin(&pinner).unwrap().emit(arena.slot());
                    let code = refused.err().map(|rejected| rejected.finding.code);
                    assert_eq!(code, Some(Code::HostMap), "{ccws} on {}, {n}", profile.name);
                    assert_eq!(pinner.inner.ledger().in_flight(), 0);
                }
            }
        }
    }
}

#[test]
fn a_page_that_lies_in_two_places_is_refused() {
    // Read backward over two halves of a page, which are pinned one by one.
    let program = GuestProgram::format1("0C201000 00007FFF");
    let map = program.map(1 << 32);
    let pinner = Bent {
        inner: PlainPinner::new(map.clone(), Budget::default()),
        bend: |runs| shift(runs, 0x1000),
    };
    for profile in HostProfile::ALL {
        let Ok(Planned::Run(plan)) = program.judge_with(&map).plan(profile) else {
            panic!("it is carried out");
        };
        assert_eq!(plan.block(), 4096, "{}", profile.name);
        let mut arena = Arena::for_plan(&plan);
        let refused = plan.pin(&pinner).unwrap().emit(arena.slot()).unwrap_err();
        assert_eq!(refused.finding.code, Code::HostMap);
    }
}
