// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a mediator counts.

/// Counters of one subchannel since it was made. They only grow, and wrap never in practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// START SUBCHANNEL, whatever became of it.
    pub starts: u64,
    /// Programs, and further parts of programs, that the host took.
    pub started: u64,
    /// Times that a program had to be fetched again on its way without having suspended itself.
    pub parts: u64,
    /// Times that a program has suspended itself.
    pub suspensions: u64,
    /// RESUME SUBCHANNEL with condition code 0.
    pub resumes: u64,
    /// Programs that ended without the host: their first CCW is wrong, or asks for the sense of a command
    /// that the policy has refused.
    pub ended_at_once: u64,
    /// Programs that ended at a command that the policy forbids.
    pub forbidden: u64,
    /// Programs that were refused by name: no host can carry them out as they are, or something was lacking that
    /// they need. The log says what. What is wrong with a guest's ORB or program is not among them.
    pub refused: u64,
    /// Times that a start had to wait because storage was being withdrawn.
    pub withheld: u64,
    /// Programs that were stopped because storage was to be withdrawn.
    pub made_way: u64,
    /// Host CCWs written.
    pub ccws: u64,
    /// Host list words written.
    pub list_words: u64,
    /// Halts that the host took.
    pub halts: u64,
    /// Clears that the host took, the mediator's own included.
    pub clears: u64,
    /// Resets of the host's device.
    pub resets: u64,
    /// Requests that the host put off (`EAGAIN`).
    pub put_off: u64,
    /// Requests that the host found busy (`EBUSY`).
    pub busy: u64,
    /// Requests that failed with any other error.
    pub failed: u64,
    /// Interrupts that were looked at.
    pub interrupts: u64,
    /// Of these, unsolicited ones.
    pub unsolicited: u64,
    /// Interrupts whose status was overwritten before it could be read.
    pub overwritten: u64,
    /// Interrupts that belong to no program in flight.
    pub stale: u64,
    /// Signals without an interrupt.
    pub spurious: u64,
    /// Programs whose final status was lost and replaced by channel-control check.
    pub lost: u64,
    /// Programs whose data could not be copied to where the guest has it: they end with channel-control check.
    pub damaged: u64,
    /// CCW addresses that could not be mapped back.
    pub unmapped: u64,
    /// Checks that the host reported at a CCW with which nothing is wrong.
    pub unexplained: u64,
    /// Unsolicited status that was joined with other unsolicited status, because the guest had not
    /// asked for that yet.
    pub joined: u64,
    /// Channel reports of the host.
    pub reports: u64,
    /// Channel reports that there was no room for.
    pub reports_dropped: u64,
    /// Programs whose device never said that it stopped.
    pub quarantined: u64,
    /// Of these, programs that a reset of the device released.
    pub released: u64,
}
