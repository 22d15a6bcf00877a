// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subchannel: its functions, and the status that they end with.
//!
//! The instructions start, resume, halt, clear and cancel functions ("PoP: I/O Instructions");
//! nothing is executed by them. [`Subchannel::step`] and [`Subchannel::run`] then carry the
//! functions out, so that a caller can halt a program between two commands.

mod execute;
mod functions;
mod status;
mod transport;

use ccw::{Addr, DeviceStatus, Orb, RawCcw, Scsw, Space};

use crate::channel::{Cursor, Next};
use crate::device::Sense;
use crate::transport::Program as TransportProgram;
use crate::{Check, Config};

pub use functions::{CannotStart, ConditionCode, OperandException};

/// What a subchannel is at, after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// No function is in progress, and no status is pending.
    Idle,
    /// The program goes on with the next step.
    Working,
    /// Channel end was seen, device end is outstanding: the next step asks the device again.
    Waiting,
    /// The program stands at a CCW with the S flag.
    Suspended,
    /// Status other than intermediate status is pending; nothing happens before it is tested.
    Pending,
}

/// What the subchannel has to do next.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Idle,
    /// Execute the command at the cursor.
    Ready(Cursor),
    /// Wait for the device end of the last command.
    DeviceEnd(Ended),
    /// Stand at a CCW with the S flag.
    Suspended {
        at: u32,
    },
    /// Take the TCW.
    Tcw,
    /// Execute the next DCW.
    Dcw,
    /// Wait for the device end of a DCW.
    DcwEnd(EndedDcw),
}

/// A DCW up to channel end.
#[derive(Clone, Copy, Debug)]
struct EndedDcw {
    /// Its offset in the transport-command area.
    offset: u16,
    /// Another one follows.
    chain_command: bool,
    /// Bytes of its data that have not moved.
    residual: u32,
    /// The device wanted more than there were.
    wanted_more: bool,
    /// Status presented so far.
    status: DeviceStatus,
}

/// A command up to channel end, and what is to follow device end.
#[derive(Clone, Copy, Debug)]
struct Ended {
    next: Next,
    /// Where the command began, for a retry.
    head: Cursor,
    /// The CCW in control at its end.
    at: u32,
    /// Bytes of that CCW's count that did not move.
    residual: u16,
    /// Status presented so far.
    status: DeviceStatus,
}

impl Ended {
    /// What the status shows if the program ends here.
    fn cpa(&self) -> u32 {
        match self.next {
            Next::Retry => self.head.at.wrapping_add(8),
            Next::End | Next::ChainCommand => self.at.wrapping_add(8),
        }
    }
}

/// The start function in progress.
#[derive(Clone, Copy, Debug)]
struct Program<S: Space> {
    orb: Orb<S>,
    /// Backward TICs since data last moved.
    backward_tics: u32,
    /// How often the current command was tried again.
    retries: u32,
    /// The first command was accepted.
    accepted: bool,
    /// The device is in a chain: it was sent a command that has ended well since start or resume.
    chained: bool,
}

/// A subchannel whose programs lie in storage of the space `S`.
///
/// See the [crate] for an example.
#[derive(Clone, Debug)]
pub struct Subchannel<S: Space> {
    config: Config,
    scsw: Scsw<S>,
    sense: Sense,
    lpum: u8,
    program: Option<Program<S>>,
    /// The TCW that the program is, once it was taken.
    transport: Option<TransportProgram<S>>,
    /// The SCSW is one of transport mode.
    transport_mode: bool,
    /// The interrogate function is to be carried out.
    interrogate: bool,
    phase: Phase,
    /// Primary status was presented without the device end that is to follow.
    device_end_owed: bool,
    check: Option<Check>,
    trace: Option<Vec<(Addr<S>, RawCcw)>>,
}

impl<S: Space> Subchannel<S> {
    /// A subchannel at rest.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            scsw: Scsw::IDLE,
            sense: Sense::new(),
            lpum: 0,
            program: None,
            transport: None,
            transport_mode: false,
            interrogate: false,
            phase: Phase::Idle,
            device_end_owed: false,
            check: None,
            trace: None,
        }
    }

    /// The subchannel-status word as it stands, whether or not status is pending.
    pub fn scsw(&self) -> &Scsw<S> {
        &self.scsw
    }

    /// Sense bytes that came with a unit check; they go when the status is tested.
    pub fn sense(&self) -> &[u8] {
        &self.sense
    }

    /// The condition that ended the last program, if one did.
    pub fn check(&self) -> Option<Check> {
        self.check
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// From now on, writes down every CCW that the channel fetches, TICs included.
    pub fn record_fetches(&mut self) {
        self.trace.get_or_insert_default();
    }

    /// The CCWs fetched since [`Self::record_fetches`], with their addresses.
    pub fn fetches(&self) -> &[(Addr<S>, RawCcw)] {
        self.trace.as_deref().unwrap_or_default()
    }
}
