// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The translator.

use std::collections::BTreeMap;

use ccw::{Guest, Orb};
use translator::HostProfile;

use super::reference::{STEPS, changed, execute};
use super::{Failure, Implementation, Ran, Report, Status};
use crate::differential::{Came, run_translated};
use crate::machine::Machine;

/// The translation of the guest's program, which the software channel runs on a host's storage.
///
/// It is a single copy: what that cannot carry out is said to be unsupported, by the name of the
/// condition. That the translation keeps to what it was granted is checked on the way, and is a
/// [`Failure`] if it does not.
#[derive(Clone, Copy, Debug)]
pub struct Translated {
    /// Whether the host has MIDAWs; without them they become lists, data chains or copies.
    pub midaws: bool,
}

impl Default for Translated {
    fn default() -> Self {
        Self { midaws: true }
    }
}

impl Implementation for Translated {
    fn name(&self) -> &str {
        match self.midaws {
            true => "translator",
            false => "translator:no-midaws",
        }
    }

    fn run(&mut self, machine: &Machine) -> Result<Report, Failure> {
        if Orb::<Guest>::decode(&machine.file.orb).transport {
            return Ok(Report::Unsupported("transport mode".to_owned()));
        }
        let scene = machine.scene();
        let mut device = machine.scripted();
        let profile = HostProfile {
            midaws: self.midaws,
            ..HostProfile::SOFTWARE
        };
        let came =
            run_translated(&scene, &profile, &mut device).map_err(|it| Failure(it.to_string()))?;
        if Orb::<Guest>::decode(&machine.file.orb).lpm == 0 && !matches!(came, Came::Exception) {
            // That there is no path is found by the instruction, which is not the translator's.
            return Ok(Report::Ran(Ran {
                cc: 3,
                ..Ran::default()
            }));
        }
        let (statuses, stored) = match came {
            Came::Exception => return Ok(Report::OperandException),
            Came::Refused(why) => return Ok(Report::Unsupported(why)),
            Came::AtOnce(irb) => (vec![irb], BTreeMap::new()),
            Came::Ran(statuses, ram) => (statuses, changed(&scene, &ram)),
        };
        if execute(machine, &mut machine.scripted(), STEPS).changes_itself() {
            // The copy was taken before.
            return Ok(Report::Unsupported("changes itself".to_owned()));
        }
        Ok(Report::Ran(Ran {
            cc: 0,
            statuses: Some(statuses.iter().map(Status::of).collect()),
            commands: Some(device.sent().to_vec()),
            stored: Some(stored),
        }))
    }
}
