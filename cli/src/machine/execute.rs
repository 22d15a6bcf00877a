// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One start of a program on the software channel, up to the status that it ends with.

use std::fmt;

use ccw::{Addr, Irb, RawOrb, Space};
use css::{
    CannotStart, Check, Config, Device, Progress, Storage, StorageError, StorageFault, Subchannel,
};

use super::recorder::{MOST_BYTES, Recorder};

/// Fetches from storage, of CCWs, list words and pieces of output, after which a run is given up. A
/// loop of commands takes one at least each time round, and so does a loop within one command, by
/// data chaining.
const MOST_FETCHES: u32 = 2_000_000;

/// How a start ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended<S: Space> {
    /// With status, and the channel's own reason if it found one.
    Status(Irb<S>, Option<Check>),
    /// It did not begin.
    NotStarted(CannotStart),
    /// The program stands at a CCW with the S flag.
    Suspended(Irb<S>),
    /// The program had not ended when the run was given up.
    GivenUp(GivenUp),
}

/// Why a run was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// Nobody waits for more CCWs.
    Fetches,
    /// Nobody waits for more data.
    Bytes,
    /// The device has ended its part for the channel, and is silent since.
    NoDeviceEnd,
    /// The program came to use this byte, which is not in the input.
    NotInInput(u64),
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetches => write!(
                f,
                "still running after {MOST_FETCHES} fetches from storage, the most that a run makes"
            ),
            Self::Bytes => write!(
                f,
                "still running after {} MiB of data, the most that a run moves",
                MOST_BYTES >> 20
            ),
            Self::NotInInput(at) => {
                write!(
                    f,
                    "it needs the storage at {at:08x}, which is not in this input"
                )
            }
            Self::NoDeviceEnd => f.write_str("the device has not presented device end"),
        }
    }
}

/// Starts the program of `orb` on `storage` and `device`.
pub(crate) fn start<S: Space, D: Device>(
    orb: &RawOrb,
    storage: &mut dyn Storage<S>,
    device: &mut Recorder<D>,
) -> Ended<S> {
    // A program whose path mask is not empty finds a path.
    let config = Config {
        path_available: 0xff,
        transport: true,
        ..Config::default()
    };
    let mut subchannel = Subchannel::<S>::new(config);
    if let Err(refusal) = subchannel.start_raw(orb) {
        return Ended::NotStarted(refusal);
    }
    let mut storage = Metered::new(storage);
    for _ in 0..MOST_FETCHES {
        let progress = subchannel.step(&mut storage, device);
        if storage.is_spent() {
            return Ended::GivenUp(GivenUp::Fetches);
        }
        if device.is_full() {
            return Ended::GivenUp(GivenUp::Bytes);
        }
        return match progress {
            Progress::Working => continue,
            Progress::Pending | Progress::Idle => {
                let check = subchannel.check();
                let (_, irb) = subchannel.test();
                Ended::Status(irb, check)
            }
            Progress::Suspended => Ended::Suspended(subchannel.irb()),
            Progress::Waiting => Ended::GivenUp(GivenUp::NoDeviceEnd),
        };
    }
    Ended::GivenUp(GivenUp::Fetches)
}

/// Storage that lets itself be fetched from only so often.
pub(crate) struct Metered<T> {
    storage: T,
    left: u32,
}

impl<T> Metered<T> {
    /// `storage`, for one run.
    pub(crate) const fn new(storage: T) -> Self {
        Self {
            storage,
            left: MOST_FETCHES,
        }
    }

    /// Whether it was fetched from as often as a run may.
    pub(crate) const fn is_spent(&self) -> bool {
        self.left == 0
    }
}

impl<S: Space, T: Storage<S>> Storage<S> for Metered<T> {
    fn fetch(&mut self, at: Addr<S>, key: u8, bytes: &mut [u8]) -> Result<(), StorageError<S>> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            // Whatever comes of it: the run is given up.
            let fault = StorageFault::Unavailable;
            return Err(StorageError { fault, at });
        }
        self.storage.fetch(at, key, bytes)
    }

    fn store(&mut self, at: Addr<S>, key: u8, bytes: &[u8]) -> Result<(), StorageError<S>> {
        self.storage.store(at, key, bytes)
    }
}
