// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Usual commands are read and judged by loops of their own, and the rules alone come to the same.
//!
//! Storage with keys is left to the rules. So keys that allow everything must change nothing.

use ccw::{GuestAddr, Host, Orb, Scsw};
use ccw_kit::{
    differential::{Arena, ONE_PROGRAM},
    generator::{Scene, cases, config},
};
use pinning::{Extent, PlainPinner};
use proptest::prelude::*;
use translator::{
    Buffers, Finding, Guards, HostProfile, Outcome, Planned, Policy, StorageKey, StorageKeys,
    fetch, validate,
};

/// Every block of storage has this key.
struct Everywhere(u8);

impl StorageKeys for Everywhere {
    fn key(&self, _: GuestAddr) -> StorageKey {
        StorageKey {
            access: self.0,
            fetch_protected: true,
        }
    }
}

/// Everything that becomes of a program.
#[derive(Debug, PartialEq)]
struct Made {
    outcome: Outcome,
    findings: Vec<Finding>,
    status: Option<Scsw<ccw::Guest>>,
    /// The CCWs, in the order in which they were read, and their lists.
    steps: Vec<String>,
    written: Result<Written, String>,
}

#[derive(Debug, PartialEq)]
struct Written {
    extents: Vec<Extent>,
    orb: Orb<Host>,
    ccws: Vec<u8>,
    lists: Vec<u8>,
}

fn make(scene: &Scene, policy: &Policy, guards: &Guards<'_>, profile: &HostProfile) -> Made {
    let snapshot = fetch(&scene.orb, scene, policy, guards, Buffers::new());
    let program = validate(snapshot, &scene.regions, guards);
    Made {
        outcome: program.outcome(),
        findings: program.findings().to_vec(),
        status: program.scsw(),
        steps: program.steps().map(|step| format!("{step:?}")).collect(),
        written: match program.plan(profile) {
            Err(rejected) => Err(rejected.to_string()),
            Ok(Planned::Ended(ended)) => Err(format!("{:?}", ended.irb())),
            Ok(Planned::Arrived(arrived)) => Err(format!("{:?}", arrived.arrival())),
            Ok(Planned::Run(plan)) => {
                let pinner = PlainPinner::new(scene.regions.clone(), ONE_PROGRAM);
                let extents = plan.extents().to_vec();
                let mut arena = Arena::for_plan(&plan);
                let translated = plan.pin(&pinner).unwrap().emit(arena.slot()).unwrap();
                let orb = *translated.orb();
                drop(translated.release());
                Ok(Written {
                    extents,
                    orb,
                    ccws: arena.ccws,
                    lists: arena.lists,
                })
            }
        },
    }
}

proptest! {
    #![proptest_config(config(2))]

    #[test]
    fn keys_that_allow_everything_change_nothing(
        case in cases(),
        remarks: bool,
        max_ccws in prop_oneof![Just(4096_u16), 0..12_u16],
    ) {
        let scene = case.build();
        let policy = Policy { remarks, max_ccws, ..scene.policy };
        let without = Guards { limit: scene.limit, ..Guards::default() };
        let keys = Everywhere((scene.orb.word(1) >> 28) as u8);
        let with = Guards { keys: Some(&keys), ..without };
        for profile in HostProfile::ALL {
            let usual = make(&scene, &policy, &without, profile);
            prop_assert_eq!(usual, make(&scene, &policy, &with, profile));
        }
    }
}
