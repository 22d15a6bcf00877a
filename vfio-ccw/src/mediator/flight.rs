// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the host is doing for us.
//!
//! ```text
//!            start                    halt                    clear
//!   Idle ------------> Running ---------------> Halting ----------------> Clearing
//!    ^                    | final status           | halt status             | clear status
//!    +--------------------+------------------------+-------------------------+
//! ```
//!
//! Clearing is reached from everywhere, for several reasons ([`Then`]); Gone as well, for good.

use ccw::{Guest, Irb};
use translator::{Earlier, Running, Translated};

use super::place::{Place, Turn};
use super::window::{Lease, ShadowWindow};

/// What the host's subchannel is doing for us.
#[derive(Debug)]
pub(super) enum Flight {
    /// Nothing.
    Idle,
    /// Executing a program.
    Running(Job),
    /// Halting.
    Halting {
        /// What runs, if anything does.
        job: Option<Job>,
        /// The status with which the program ended by itself meanwhile.
        ended: Option<Irb<Guest>>,
        /// How often the host has put the request off; `None` once it took it.
        put_off: Option<u32>,
    },
    /// Clearing.
    Clearing {
        /// What runs, if anything does.
        job: Option<Job>,
        /// What the guest is told at the end.
        then: Then,
        /// Whether the host took the request.
        asked: bool,
        /// How often the host has put the request off.
        put_off: u32,
        /// How often the time for it has run out.
        tries: u32,
    },
    /// There is no device any more.
    Gone,
}

/// What the guest is told when the host has cleared.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// Nothing: it knows of no function.
    Nothing,
    /// That its own clear function is complete.
    Cleared,
    /// This.
    Status(Irb<Guest>),
}

/// A program that the host has, or a segment of one, and the slot that it lies in.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) program: Running<ShadowWindow>,
    pub(super) lease: Lease,
    /// Where it began.
    pub(super) place: Place,
    once: bool,
    /// Primary status was presented: only the device end is still to come.
    pub(super) primary: bool,
    /// The guest was told of a PCI.
    pub(super) told: bool,
    /// The guest was told the initial status.
    pub(super) begun: bool,
    /// Its data is where the guest has it, and it was told what it may have stored into.
    pub(super) settled: bool,
    /// Some of its data could not be copied to where the guest has it.
    pub(super) damaged: bool,
    /// Something came that makes it likely that its final status is lost.
    pub(super) suspect: Option<Suspicion>,
}

/// How much it takes to believe that a final status is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suspicion {
    /// The subchannel must be idle.
    Possible,
    /// Status was overwritten: enough for a device that cannot show its subchannel.
    Certain,
}

/// A start function of which the host has nothing: its program is to be given to the host, at its
/// beginning or where it goes on, or stands suspended.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Where it begins, or goes on.
    pub(super) place: Place,
    /// What must be repeated in front of it, until it is `ready`.
    pub(super) earlier: Earlier,
    /// The program from there; `None` while storage that it wants is being withdrawn: it is made when that is
    /// over.
    pub(super) ready: Option<Ready>,
    /// How often it has been put off.
    pub(super) put_off: u32,
}

/// A program, or a segment of one, and the slot that it lies in.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) program: Translated<ShadowWindow>,
    pub(super) lease: Lease,
    /// Segments of before are repeated in it: it cannot be made a second time.
    pub(super) once: bool,
}

impl Waiting {
    /// What waits for its turn at `place`.
    pub(super) fn at(place: Place, ready: Option<Ready>) -> Self {
        Self {
            place,
            earlier: Earlier::NONE,
            ready,
            put_off: 0,
        }
    }

    /// Whether it waits for the guest to resume it.
    pub(super) fn is_suspended(&self) -> bool {
        self.place.turn == Turn::Guest
    }
}

impl Job {
    pub(super) fn new(place: Place, ready: Ready) -> Self {
        let Ready {
            program,
            mut lease,
            once,
        } = ready;
        lease.start();
        Self {
            program: program.start(),
            lease,
            place,
            once,
            primary: false,
            told: false,
            begun: false,
            settled: false,
            damaged: false,
            suspect: None,
        }
    }

    /// The program, which the host has refused for certain.
    pub(super) fn refused(self, put_off: u32) -> Option<Waiting> {
        let Self {
            program,
            mut lease,
            place,
            once,
            ..
        } = self;
        let program = program.refused()?;
        lease.stop();
        Some(Waiting {
            place,
            earlier: Earlier::NONE,
            ready: Some(Ready {
                program,
                lease,
                once,
            }),
            put_off,
        })
    }
}

impl Flight {
    /// Leaves `Idle` in its place.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Idle)
    }

    /// The program that the host may be executing.
    pub(super) fn job(&self) -> Option<&Job> {
        match self {
            Self::Running(job) => Some(job),
            Self::Halting { job, .. } | Self::Clearing { job, .. } => job.as_ref(),
            Self::Idle | Self::Gone => None,
        }
    }
}
