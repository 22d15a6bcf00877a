// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The verdict against the machine: a program that is called valid meets no condition when every
//! CCW runs to its full count, and one that is called invalid meets just the one that was named.

use ccw::{Guest, SubchannelStatus};
use css::{Condition, Progress, Subchannel};
use translator::{Code, Outcome, Severity};

use super::{
    ControlWords, Difference, GuestRun, GuestView, Player, STEPS, differ, guest_config, judge,
};
use crate::generator::{Amount, Answer, Case};

/// The device takes or has as much as there is room for, and never skips.
pub(super) const FULL: Answer = Answer {
    amount: Amount::Count(0),
    seed: 0x5a,
    status: 0x0c,
    later: 0,
    sense: 0,
};

/// Commands that are compared; longer programs are loops.
pub(super) const COMMANDS: usize = 64;

/// Compares the verdict on `case` with what becomes of it, whatever its own script is; none when
/// there is nothing to compare.
///
/// # Errors
///
/// What differs, in words.
pub fn check_verdict(case: &Case) -> Result<Option<Outcome>, Difference> {
    let mut case = case.clone();
    case.script = vec![FULL; COMMANDS];
    let scene = case.build();
    let program = judge(&scene);
    let control = ControlWords::of(&program, &scene);
    let mut subchannel = Subchannel::<Guest>::new(guest_config(&scene));
    if subchannel.start_raw(&scene.orb).is_err() {
        return Ok(None);
    }
    subchannel.record_fetches();
    let mut view = GuestView::new(&scene);
    let mut device = Player::new(&scene.script, &scene.policy);
    let progress = subchannel.run(&mut view, &mut device, STEPS);
    let run = GuestRun::of(&subchannel, view);
    let over = progress == Progress::Pending && device.sent().len() <= COMMANDS;
    // What ends early: an immediate command with a count, or more than this device moves.
    let short = subchannel
        .scsw()
        .subchannel
        .contains(SubchannelStatus::INCORRECT_LENGTH);
    // The interpreter's own bound, and programs that are others than the one that was judged.
    let limited = run.condition == Some(Condition::C06);
    if !over || short || limited || control.modified(&run).is_some() {
        return Ok(None);
    }
    let met = subchannel
        .check()
        .map(|check| (check.condition.id(), u64::from(check.cpa)));
    let error = program
        .findings()
        .iter()
        .find(|finding| finding.severity == Severity::Error);
    let named = error.map(|finding| {
        let id = match finding.code {
            // To the channel this is a matter of keys.
            Code::EnvReadonly => "D04",
            code => code.id(),
        };
        (id, finding.site.ccw.map_or(0, |at| at.get()) + 8)
    });
    match program.outcome() {
        Outcome::Indeterminate => Ok(None),
        outcome if met == named => Ok(Some(outcome)),
        outcome => differ(format_args!(
            "called {outcome:?} for {named:x?}, met {met:x?}; {:?}",
            program.findings()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::{RngAlgorithm, TestRng, TestRunner},
    };

    use super::*;
    use crate::generator::{cases, config};

    /// The comparison is worth something only if it is made, on programs of either kind.
    #[test]
    fn most_cases_are_compared() {
        let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
        let mut runner = TestRunner::new_with_rng(config(1), rng);
        let mut census: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..2000 {
            let case = cases().new_tree(&mut runner).unwrap().current();
            let compared = check_verdict(&case).unwrap_or_else(|e| panic!("{e}"));
            *census.entry(format!("{compared:?}")).or_default() += 1;
        }
        println!("{census:?}");
        for outcome in [Outcome::Valid, Outcome::Invalid] {
            let n = census.get(&format!("{:?}", Some(outcome))).copied();
            assert!(n > Some(400), "{census:?}");
        }
    }
}
