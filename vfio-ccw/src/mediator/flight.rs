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

use ccw::{Guest, Host, Irb};
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

/// A program that the host has, or a part of one, and the slot that it lies in.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) program: Running<ShadowWindow>,
    pub(super) lease: Lease,
    /// Where it began.
    pub(super) place: Place,
    once: bool,
    pub(super) stage: Stage,
    pub(super) initial: Initial,
    pub(super) pci: Pci,
    pub(super) data: Data,
    pub(super) copies: Copies,
    /// Something came that makes it likely that its final status is lost.
    pub(super) suspect: Option<Suspicion>,
}

/// How far the host is with a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is executed.
    Executing,
    /// Primary status was presented: only the device end is still to come.
    DeviceEnd,
    /// The same, and the guest has started something else: that has the subchannel now.
    Superseded,
}

/// The initial status of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Initial {
    /// The guest was not told, or asked for none.
    Untold,
    /// The guest was told.
    Told,
}

/// What became of program-controlled interruptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pci {
    /// The host has shown none.
    Unseen,
    /// The host has shown one, of which the guest was not told: the status that ends the program is
    /// to tell it.
    Owed,
    /// The guest was told of one.
    Told,
}

/// Whether data of a program may still move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// The device may move some.
    Moving,
    /// It is where the guest has it, and who wants to know was told what may have been stored into.
    Settled,
}

/// What became of data that goes by way of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// It came to where the guest has it.
    Good,
    /// Some of it did not.
    Damaged,
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

/// A program, or a part of one, and the slot that it lies in.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) program: Translated<ShadowWindow>,
    pub(super) lease: Lease,
    /// Parts of before are repeated in it: it cannot be made a second time.
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
            stage: Stage::Executing,
            initial: Initial::Untold,
            pci: Pci::Unseen,
            data: Data::Moving,
            copies: Copies::Good,
            suspect: None,
        }
    }

    /// Whether only the device end is still to come.
    pub(super) fn is_at_device_end(&self) -> bool {
        self.stage != Stage::Executing
    }

    /// Whether data was lost between the device and the guest.
    pub(super) fn is_damaged(&self) -> bool {
        self.copies == Copies::Damaged
    }

    /// Whether the guest has yet to hear of a PCI, when the program has ended by itself with the status
    /// `host`: the host's status of it may have been overwritten before it was seen.
    pub(super) fn owes_pci(&self, host: &Irb<Host>) -> bool {
        match self.pci {
            Pci::Told => false,
            Pci::Owed => true,
            Pci::Unseen => self.program.has_told(host),
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
