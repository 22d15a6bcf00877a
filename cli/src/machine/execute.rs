// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One start of a program on the software channel, up to the status that it ends with.

use ccw::{Irb, RawOrb, Space};
use css::{CannotStart, Check, Config, Device, Progress, Storage, Subchannel};

/// Commands that a program may take before the run is given up.
const FUEL: u32 = 1_000_000;

/// How a start ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended<S: Space> {
    /// With status, and the channel's own reason if it found one.
    Status(Irb<S>, Option<Check>),
    /// It did not begin.
    NotStarted(CannotStart),
    /// The program stands at a CCW with the S flag.
    Suspended(Irb<S>),
    /// The program was still running after a million commands.
    Endless,
}

/// Starts the program of `orb` on `storage` and `device`.
pub(crate) fn start<S: Space>(
    orb: &RawOrb,
    storage: &mut dyn Storage<S>,
    device: &mut dyn Device,
) -> Ended<S> {
    // A program whose path mask is not empty finds a path.
    let config = Config {
        path_available: 0xff,
        ..Config::default()
    };
    let mut subchannel = Subchannel::<S>::new(config);
    if let Err(refusal) = subchannel.start_raw(orb) {
        return Ended::NotStarted(refusal);
    }
    match subchannel.run(storage, device, FUEL) {
        Progress::Pending | Progress::Idle => {
            let check = subchannel.check();
            let (_, irb) = subchannel.test();
            Ended::Status(irb, check)
        }
        Progress::Suspended => Ended::Suspended(subchannel.irb()),
        Progress::Working | Progress::Waiting => Ended::Endless,
    }
}
