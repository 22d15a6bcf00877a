// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The two ways one by one, on a device of the caller's.

use ccw::{Guest, Host, Irb, StatusControl};
use css::{Device, Ram, Subchannel};
use translator::{Blame, HostProfile, Planned, Response};

use super::{
    ControlWords, Difference, GuestRun, GuestView, HostRun, Way, differ, judge, judge_quietly,
};
use crate::generator::Scene;

/// What a translation came to.
pub(crate) enum Came {
    /// START SUBCHANNEL refuses the ORB.
    Exception,
    /// It is not carried out, for the condition of this name.
    Refused(String),
    /// It ended without any I/O.
    AtOnce(Irb<Guest>),
    /// The statuses that the guest is shown, and its storage afterwards, by host address.
    Ran(Vec<Irb<Guest>>, Ram<Host>),
}

/// Translates the program of `scene` for a host that is no other than the software channel, and runs that on the host's storage and `device`.
///
/// # Errors
///
/// When the translation does what it must not.
pub(crate) fn run_translated(
    scene: &Scene,
    profile: &HostProfile,
    device: &mut dyn Device,
) -> Result<Came, Difference> {
    match judge_quietly(scene)?.plan(profile) {
        Err(rejected) if rejected.response() == Response::OperandException => Ok(Came::Exception),
        Err(rejected) if rejected.blame() == Blame::Unsupported => {
            Ok(Came::Refused(rejected.finding.code.to_string()))
        }
        Err(rejected) => differ(format_args!("refused: {rejected}")),
        Ok(Planned::Ended(ended)) => Ok(Came::AtOnce(*ended.irb())),
        Ok(Planned::Arrived(arrived)) => {
            differ(format_args!("left at once: {:?}", arrived.arrival()))
        }
        Ok(Planned::Run(plan)) => {
            let run = HostRun::on_device(scene, plan, Way::Direct, device)?;
            if let Err(why) = run.started {
                return differ(format_args!("the host does not start it: {why:?}"));
            }
            let mut statuses = Vec::new();
            for completion in run.completions {
                if completion.unmapped || completion.unexplained {
                    return differ(format_args!("an unclear status: {:x?}", completion.irb));
                }
                let pending = completion.irb.scsw.status.contains(StatusControl::PENDING);
                statuses.extend(pending.then_some(completion.irb));
            }
            Ok(Came::Ran(statuses, run.ram))
        }
    }
}

/// Whether the program of `scene`, which ran on `subchannel` and left `view`, has changed some word of
/// itself.
pub(crate) fn changes_itself(
    scene: &Scene,
    subchannel: &Subchannel<Guest>,
    view: &GuestView,
) -> bool {
    let control = ControlWords::of(&judge(scene), scene);
    let run = GuestRun::of(subchannel, view.clone());
    control.modified(&run).is_some()
}
