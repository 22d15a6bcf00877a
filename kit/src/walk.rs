// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any program through fetch, validation and emission: bounded, and consistent in itself.

use std::cell::Cell;

use ccw::{CcwFlags, GuestAddr, Host, Midaw, MidawFlags, RawMidaw};
use pinning::PlainPinner;
use translator::{
    Buffers, Check, Facilities, Finding, GuestStorage, HostProfile, Outcome, Planned, Policy,
    Program, Severity, Skips, Sure, fetch, limits, validate,
};

use crate::{
    differential::{Arena, ONE_PROGRAM, Recorder},
    generator::{Case, Scene},
    reached,
};

/// Storage that counts how often it is asked.
struct Counted<'a> {
    scene: &'a Scene,
    fetches: Cell<usize>,
}

impl GuestStorage for Counted<'_> {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        self.fetches.set(self.fetches.get() + 1);
        GuestStorage::read(self.scene, at, buf)
    }
}

/// Judges the program of `case` by several policies, and lays it out for each host.
///
/// # Panics
///
/// When a verdict contradicts itself, or an emitted word leads where it must not.
pub fn check(case: &Case) {
    let scene = case.build();
    // On a machine that lacks whatever a machine may lack, and on one that lacks nothing.
    let none = Facilities {
        transport: false,
        midaw: false,
        length_suppression: false,
        orb_extension: false,
    };
    for facilities in [none, Facilities::FCX] {
        let policy = Policy {
            facilities,
            ..scene.policy
        };
        consistent(&judged(&scene, &policy));
    }
    for skips in [Skips::Searches, Skips::Any] {
        for max_ccws in [3, limits::MAX_CCWS] {
            let policy = Policy {
                skips,
                max_ccws,
                ..scene.policy
            };
            consistent(&judged(&scene, &policy));
            let quiet = Policy {
                remarks: false,
                ..policy
            };
            for profile in HostProfile::ALL {
                emit(&scene, judged(&scene, &quiet), profile);
            }
        }
    }
}

fn judged(scene: &Scene, policy: &Policy) -> Program {
    let guards = scene.guards();
    let storage = Counted {
        scene,
        fetches: Cell::new(0),
    };
    let snapshot = fetch(&scene.orb, &storage, policy, &guards, Buffers::new());
    let program = validate(snapshot, &scene.regions, &guards);
    reached::note_verdict(&program);
    // A word of a CCW, and of its list the first word and the rest, or each MIDAW; and after each
    // CCW an attempt to go on where there is no storage. (Those of transport mode `transport` counts.)
    let per_ccw = |step: translator::Step<'_>| 4 + step.list.len() / 2;
    let bound: usize = program.steps().map(per_ccw).sum();
    let own_bound = program.transport().is_some();
    assert!(
        own_bound || storage.fetches.get() <= bound + 1,
        "too many fetches"
    );
    assert!(program.steps().count() <= usize::from(policy.max_ccws) + 2);
    program
}

/// The parts of a verdict say the same.
fn consistent(program: &Program) {
    let error = |finding: &&Finding| finding.severity == Severity::Error;
    let errors: Vec<&Finding> = program.findings().iter().filter(error).collect();
    match program.outcome() {
        Outcome::Invalid => assert_eq!(errors.len(), 1, "{:?}", program.findings()),
        Outcome::Valid | Outcome::Indeterminate => assert!(errors.is_empty(), "{errors:?}"),
    }
    let refused = errors
        .iter()
        .any(|finding| finding.code.check() == Check::OperandException);
    assert_eq!(program.scsw().is_some(), !errors.is_empty() && !refused);
    for error in errors {
        assert_ne!(error.code.sure(), Sure::Remark, "{error}");
    }
    for finding in program.findings() {
        let site = finding.site;
        assert!(
            site.bits.is_none_or(|(first, last)| first <= last),
            "{finding}"
        );
        if let Some(index) = site.index {
            let step = program.steps().nth(usize::from(index));
            assert_eq!(step.map(|step| step.at), site.ccw, "{finding}");
        }
        assert!(!finding.to_string().is_empty());
    }
}

/// What is emitted leads only to storage that was pinned, to copies, to the scratch page, or nowhere.
fn emit(scene: &Scene, program: Program, profile: &HostProfile) {
    let plan = match program.plan(profile) {
        Ok(Planned::Run(plan)) => plan,
        Ok(Planned::Ended(_) | Planned::Arrived(_)) => return,
        Err(rejected) => return reached::note_refusal(&rejected),
    };
    let plain = PlainPinner::new(scene.regions.clone(), ONE_PROGRAM);
    let pinner = Recorder::new(plain);
    let host_ccws = plan.host_ccws();
    let mut arena = Arena::for_plan(&plan);
    let translated = plan
        .pin(&pinner)
        .and_then(|pinned| pinned.emit(arena.slot()))
        .unwrap_or_else(|rejected| panic!("{rejected}"));
    let copies: Vec<_> = translated.bounced().collect();
    let granted = pinner.granted();
    let pinned = |addr: u64| {
        granted.iter().any(|(run, _)| {
            addr.checked_sub(run.host.get())
                .is_some_and(|offset| offset < u64::from(run.len))
        })
    };
    let (ccws, _) = arena.ccws.as_chunks::<8>();
    let ccws = ccws[..host_ccws].iter();
    let ccws = ccws.map(|raw| ccw::Ccw::<Host>::decode(ccw::RawCcw(*raw), ccw::Format::One));
    let mut lists = Lists::of(&arena);
    for ccw in ccws {
        let addr = u64::from(ccw.addr.get());
        assert!(
            addr == 0 || Arena::contains(addr),
            "a CCW leads to {addr:x}"
        );
        if ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
            lists.take_midaws(addr, |addr, len| {
                let last = addr + u64::from(len) - 1;
                let backward = addr - u64::from(len - 1).min(addr);
                pinned(addr) && (pinned(last) || pinned(backward))
            });
        }
    }
    for addr in lists.idaws() {
        let nowhere = translator::FirstByteFault::Nowhere(ccw::HostAddr::new(addr));
        let copied = || copies.iter().any(|copy| Arena::is_copy(addr, copy));
        assert!(
            pinned(addr)
                || copied()
                || Arena::is_scratch(addr)
                || profile.first_byte_fault == nowhere,
            "an IDAW leads to {addr:x}"
        );
    }
    drop(translated.release());
}

/// The list words of a host's program, those of IDAWs until they turn out to be others.
struct Lists {
    words: Vec<Option<u64>>,
}

impl Lists {
    fn of(arena: &Arena) -> Self {
        let (words, _) = arena.written_lists().as_chunks::<8>();
        let words = words.iter().map(|word| Some(u64::from_be_bytes(*word)));
        Self {
            words: words.collect(),
        }
    }

    /// Takes the MIDAWs from `addr` on, and the zeros before them that bring them to their boundary.
    fn take_midaws(&mut self, addr: u64, leads_to_storage: impl Fn(u64, u16) -> bool) {
        assert!(addr.is_multiple_of(16), "a list of MIDAWs at {addr:x}");
        let first = Arena::list_word(addr);
        for n in (0..first).rev() {
            match self.words[n] {
                Some(0) => self.words[n] = None,
                _ => break,
            }
        }
        let (page, mut at) = (addr / 4096, addr);
        while at / 4096 == page {
            let n = Arena::list_word(at);
            let [Some(high), Some(low)] = [n, n + 1].map(|n| self.words[n].take()) else {
                return;
            };
            let raw = RawMidaw((u128::from(high) << 64 | u128::from(low)).to_be_bytes());
            let midaw = Midaw::<Host>::decode(raw);
            if raw.reserved_flags() != 0 || !raw.reserved_is_zero() {
                // The channel stops here, and no word says anything.
                assert_eq!(low, 0);
                return;
            }
            let lone = midaw.flags.contains(MidawFlags::SKIP) && Arena::is_scratch(low);
            let sound = lone || leads_to_storage(low, midaw.count);
            assert!(midaw.count > 0 && sound, "a MIDAW leads to {low:x}");
            if midaw.flags.contains(MidawFlags::LAST) {
                return;
            }
            at += 16;
        }
    }

    fn idaws(self) -> impl Iterator<Item = u64> {
        self.words.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::generator::{cases, config};

    proptest! {
        #![proptest_config(config(16))]

        #[test]
        fn any_case(case in cases()) {
            check(&case);
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            check(&Case::from_bytes(&bytes));
        }
    }
}
