// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is to go wrong, and when.

use ccw::IRB_EXTENDED_SIZE;

use crate::DeviceError;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// [`acknowledge`](crate::CcwDevice::acknowledge), which fails with `EIO` if the error has no
    /// number.
    Acknowledge,
    /// [`start`](crate::CcwDevice::start).
    Start,
    /// [`async_command`](crate::CcwDevice::async_command) with halt.
    Halt,
    /// [`async_command`](crate::CcwDevice::async_command) with clear.
    Clear,
    /// [`read_irb`](crate::CcwDevice::read_irb).
    ReadIrb,
    /// [`read_schib`](crate::CcwDevice::read_schib).
    ReadSchib,
    /// [`read_crw`](crate::CcwDevice::read_crw).
    ReadCrw,
    /// [`reset`](crate::CcwDevice::reset).
    Reset,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Acknowledge,
        Self::Start,
        Self::Halt,
        Self::Clear,
        Self::ReadIrb,
        Self::ReadSchib,
        Self::ReadCrw,
        Self::Reset,
    ];
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The device does not get it.
    Refused(DeviceError),
    /// The device carries it out, and the answer is this error all the same.
    Done(DeviceError),
}

/// What becomes of an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InterruptFault {
    /// It comes when [`FaultInjector::release`](super::FaultInjector::release) is called, with all
    /// that follow it.
    Late,
    /// It is signalled twice.
    Doubled,
    /// It never comes. If it was the final one of a program, the device is busy with that program
    /// until it is halted, cleared or reset.
    Lost,
    /// Attention follows before the kernel has looked: one signal, the IRB is that of the
    /// attention, and for the rest as [`Self::Lost`].
    Overwritten,
    /// Attention follows before anybody has read the IRB: two signals, the IRB is that of the
    /// attention.
    Followed,
    /// Attention is presented together with it, in one status.
    WithAttention,
    /// The IRB has these bytes instead.
    Replaced([u8; IRB_EXTENDED_SIZE]),
}

/// Things that are to happen at the n-th occasion from now on.
#[derive(Clone, Debug)]
pub(super) struct Plan<K, F> {
    entries: Vec<(K, u32, F)>,
}

impl<K: PartialEq, F> Plan<K, F> {
    pub(super) const fn new() -> Self {
        let entries = Vec::new();
        Self { entries }
    }

    /// `what` happens at the `nth` occasion of the kind, counted from 1.
    pub(super) fn add(&mut self, kind: K, nth: u32, what: F) {
        self.entries.push((kind, nth, what));
    }

    /// An occasion of the kind: what is to happen now. Of several things, the first that was added;
    /// the others are forgotten.
    pub(super) fn occasion(&mut self, kind: &K) -> Option<F> {
        let mut now = None;
        let mut later = Vec::with_capacity(self.entries.len());
        for (for_kind, nth, what) in self.entries.drain(..) {
            match (for_kind == *kind, nth) {
                (false, _) => later.push((for_kind, nth, what)),
                (true, 0 | 1) => now = now.or(Some(what)),
                (true, _) => later.push((for_kind, nth - 1, what)),
            }
        }
        self.entries = later;
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_counts_for_itself() {
        let mut plan = Plan::new();
        plan.add('a', 2, "second a");
        plan.add('a', 3, "third a");
        plan.add('b', 1, "first b");
        plan.add('b', 1, "forgotten");
        assert_eq!(plan.occasion(&'a'), None);
        assert_eq!(plan.occasion(&'b'), Some("first b"));
        assert_eq!(plan.occasion(&'a'), Some("second a"));
        assert_eq!(plan.occasion(&'b'), None);
        assert_eq!(plan.occasion(&'a'), Some("third a"));
        assert_eq!(plan.occasion(&'a'), None);
    }
}
