// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The verdict against the machine: a program that is called valid meets no condition when every
//! CCW runs to its full count, and one that is called invalid meets just the one that was named.

use ccw::{Class, Command, Guest, SubchannelStatus};
use css::{
    Condition, Progress, Subchannel,
    device::{Device, Reply, Transfer},
};
use translator::{Code, Outcome, Policy, Severity};

use super::{ControlWords, Difference, GuestRun, GuestView, STEPS, differ, guest_config, judge};
use crate::generator::Case;

/// A device that moves every byte that there is room for, and never skips.
struct Full(Policy);

impl Device for Full {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        if self.0.device.is_immediate(command) {
            return Reply::IMMEDIATE;
        }
        let input = matches!(
            command.class(),
            Class::Read | Class::Sense | Class::ReadBackward
        );
        let mut piece = [0x5a; 256];
        loop {
            let moved = match input {
                true => transfer.write(&piece),
                false => transfer.read(&mut piece),
            };
            if moved < piece.len() {
                return Reply::OK;
            }
        }
    }
}

/// Compares the verdict on `case` with what becomes of it; says whether there was anything to
/// compare.
///
/// # Errors
///
/// What differs, in words.
pub fn check_verdict(case: &Case) -> Result<bool, Difference> {
    let scene = case.build();
    let program = judge(&scene);
    let control = ControlWords::of(&program, &scene);
    let mut subchannel = Subchannel::<Guest>::new(guest_config(&scene));
    if subchannel.start_raw(&scene.orb).is_err() {
        return Ok(false);
    }
    subchannel.record_fetches();
    let mut view = GuestView::new(&scene);
    let mut device = Full(scene.policy);
    let progress = subchannel.run(&mut view, &mut device, STEPS);
    let run = GuestRun::of(&subchannel, view);
    let over = progress == Progress::Pending && control.modified(&run).is_none();
    // A length that is wrong, as every full one is without SLI, ends a program early.
    let short = subchannel
        .scsw()
        .subchannel
        .contains(SubchannelStatus::INCORRECT_LENGTH);
    if !over || short || run.condition == Some(Condition::C06) {
        return Ok(false);
    }
    let met = subchannel
        .check()
        .map(|check| (check.condition.id(), u64::from(check.cpa)));
    let error = program
        .findings()
        .iter()
        .find(|f| f.severity == Severity::Error);
    let named = error.map(|finding| {
        let id = match finding.code {
            // To the channel this is a matter of keys.
            Code::EnvReadonly => "D04",
            code => code.id(),
        };
        (id, finding.site.ccw.map_or(0, |at| at.get()) + 8)
    });
    match program.outcome() {
        Outcome::Indeterminate => Ok(false),
        _ if met == named => Ok(true),
        outcome => differ(format_args!(
            "called {outcome:?} for {named:x?}, met {met:x?}; {:?}",
            program.findings()
        )),
    }
}
