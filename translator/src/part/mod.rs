// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that one snapshot cannot hold: they are carried out in parts.
//!
//! A part is what is fetched at one time. Where the channel must not go on because a CCW has to
//! be fetched later, the host's program gets a stop CCW, a *break*. When control comes there, the
//! host's status says so ([`Completion::arrived`](crate::Completion::arrived)), and the program goes
//! on with the next part. "PoP: Suspension of Channel-Program Execution", "PoP: Prefetching".

mod breaks;
mod earlier;

use alloc::boxed::Box;

use ccw::{
    ActivityControl, CcwFlags, DeviceStatus, FunctionControl, Guest, GuestAddr, Host, Irb, OrbBits,
    RawOrb, Scsw, StatusControl, SubchannelStatus,
};
use pinning::RegionMap;

pub use earlier::Earlier;

use crate::{
    Buffers, Guards, GuestStorage, Policy, Program, Stance, Suspension, chain::Op, fetch::fetch_at,
    node::Node, status::guest_esw, validate,
};

/// Why the host's program stops at a CCW with which nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The CCW has the S flag: the program is suspended there, until RESUME SUBCHANNEL.
    Suspend,
    /// What stands there may have changed since the part was fetched: by the program's own input,
    /// or by the guest, which a PCI has told how far the program is.
    Refetch,
}

/// Where control has come, and what for: the program goes on with the part that begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// Guest address of the CCW that is next.
    pub at: GuestAddr,
    /// Why it was not executed.
    pub cause: Cause,
    /// A command of the program was accepted before, so initial status is due no more.
    pub accepted: bool,
}

/// A part of a program that is fetched at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    pub(crate) from: Option<Arrival>,
    pub(crate) passing: bool,
    /// There will be no other part.
    pub(crate) whole: bool,
}

impl Part {
    /// The whole program, which is fetched once: what needs parts is refused.
    pub(crate) const WHOLE: Self = Self {
        whole: true,
        ..Self::START
    };

    /// The first one, where the ORB leads.
    pub const START: Self = Self {
        from: None,
        passing: false,
        whole: false,
    };

    /// The one that begins where control has come.
    ///
    /// A CCW there with the S flag suspends the program (again).
    pub const fn from(arrival: Arrival) -> Self {
        Self {
            from: Some(arrival),
            ..Self::START
        }
    }

    /// The same when RESUME SUBCHANNEL was accepted before control came there: the S flag of the first
    /// CCW has no effect then.
    #[must_use]
    pub const fn passing_suspension(self) -> Self {
        Self {
            passing: true,
            ..self
        }
    }
}

/// Copies and judges one part of the program that `raw_orb` starts: [`fetch`](crate::fetch) and
/// [`validate`], for a policy that says [`Stance::Parts`].
///
/// Where the program reads into what is still to come of it, or where the ORB forbids prefetching,
/// it is fetched twice or more, until every break is known; the last snapshot is the one that is
/// judged and carried out. At most [`limits::MAX_BREAKS`](crate::limits::MAX_BREAKS) times more.
///
/// ```
/// use ccw::{Guest, Host, HostAddr, Irb, Orb, RawOrb};
/// use pinning::PlainPinner;
/// use translator::*;
///
/// /// Carries out the program of `orb` on a `host` that answers with its final status. None: it stands
/// /// suspended, and goes on from `part` when the guest resumes it.
/// fn carry_out(
///     orb: &RawOrb, part: &mut Part, guest: &impl GuestStorage, pinner: &PlainPinner,
///     [ccws, lists]: [&mut [u8]; 2], host: &mut dyn FnMut(&Orb<Host>) -> Irb<Host>,
/// ) -> Result<Option<Irb<Guest>>, Box<dyn std::error::Error>> {
///     let (policy, guards) = (Policy::MEDIATE, Guards::default());
///     let (mut earlier, mut buffers) = (Earlier::NONE, Buffers::new());
///     loop {
///         let map = pinner.regions();
///         let program = fetch_part(orb, part, guest, map, &policy, &guards, buffers);
///         let arrival;
///         match program.plan_behind(earlier, &HostProfile::SOFTWARE)? {
///             Planned::Ended(ended) => return Ok(Some(*ended.irb())),
///             Planned::Arrived(arrived) => {
///                 arrival = arrived.arrival();
///                 (earlier, buffers) = arrived.go_on();
///             }
///             Planned::Run(plan) => {
///                 let slot = Slot::new(
///                     Area::new(HostAddr::new(0x10_0000), ccws)?,
///                     Area::new(HostAddr::new(0x10_1000), lists)?,
///                     HostAddr::new(0x10_2000),
///                 )?;
///                 let running = plan.pin(pinner)?.emit(slot)?.start();
///                 let status = host(running.orb());
///                 let completion = running.complete(&status);
///                 let Some(there) = completion.arrived else {
///                     running.end();
///                     return Ok(Some(completion.irb));
///                 };
///                 arrival = there;
///                 (earlier, buffers) = running.go_on(&status)?;
///             }
///         }
///         *part = Part::from(arrival);
///         if arrival.cause == Cause::Suspend {
///             return Ok(None);
///         }
///     }
/// }
/// ```
pub fn fetch_part<G: GuestStorage>(
    raw_orb: &RawOrb,
    part: &Part,
    storage: &G,
    map: &RegionMap,
    policy: &Policy,
    guards: &Guards<'_>,
    mut work: Box<Buffers>,
) -> Program {
    work.breaks.clear();
    loop {
        let mut snapshot = fetch_at(raw_orb, part, storage, policy, guards, work);
        // Behind a suspension that was passed a TIC may be one as well.
        if snapshot.work.part.passing || !snapshot.work.breaks.is_empty() {
            breaks::stop_before_tics(&mut snapshot.work);
        }
        let mut program = validate(snapshot, map, guards);
        if !program.wants_breaks() || !breaks::add(&mut program.work) {
            return program;
        }
        work = program.work;
    }
}

impl Program {
    /// Whether the snapshot may hold too much.
    #[inline]
    fn wants_breaks(&self) -> bool {
        let changes = self.work.verdict.modified.is_some();
        changes && self.work.in_parts(self.work.policy.self_modifying) || self.work.is_late()
    }
}

impl Buffers {
    /// Whether control came to the part by command chaining.
    pub(crate) fn goes_on(&self) -> bool {
        let from = self.part.from;
        from.is_some_and(|arrival| arrival.cause == Cause::Refetch)
    }

    /// Whether what comes behind a PCI must not be fetched before.
    pub(crate) fn is_late(&self) -> bool {
        !self.orb.prefetch && self.in_parts(self.policy.no_prefetch)
    }

    /// Whether a program that suspends itself is left there, in parts.
    pub(crate) fn may_suspend(&self) -> bool {
        !self.part.whole && self.policy.suspend == Suspension::Parts
    }

    /// Whether what `stance` is about is carried out in parts.
    #[inline]
    pub(crate) fn in_parts(&self, stance: Stance) -> bool {
        stance == Stance::Parts && !self.part.whole
    }

    /// Whether a command of the program was accepted before this part.
    pub(crate) fn is_accepted(&self) -> bool {
        self.part.from.is_some_and(|arrival| arrival.accepted)
    }

    /// Where the part leads without a command.
    #[inline(always)]
    pub(crate) fn arrives_at_once(&self) -> Option<(Arrival, Irb<Guest>)> {
        if self.part.whole {
            return None;
        }
        let node = self.nodes.first()?;
        match node.op {
            Op::Tic | Op::Break(_) => self.arrives_at(node),
            _ => None,
        }
    }

    #[cold]
    fn arrives_at<'a>(&'a self, mut node: &'a Node) -> Option<(Arrival, Irb<Guest>)> {
        if node.op == Op::Tic {
            let target = self.find_node(node.ccw().addr.get())?;
            node = self.nodes.get(usize::from(target))?;
        }
        let Op::Break(cause) = node.op else {
            return None;
        };
        let arrival = Arrival {
            at: node.guest(),
            cause,
            accepted: self.is_accepted(),
        };
        Some((arrival, self.arrived(node, cause, None)))
    }

    /// Why `node` stops the program, if `host` is the status of one that was stopped there for that.
    pub(crate) fn break_at(&self, node: &Node, host: &Scsw<Host>) -> Option<Cause> {
        let Op::Break(cause) = node.op else {
            return None;
        };
        let quiet =
            DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::STATUS_MODIFIER;
        let stopped = host.function.contains(FunctionControl::START)
            && host.status.contains(StatusControl::PRIMARY)
            && host.deferred_cc == 0
            && host.subchannel - SubchannelStatus::PCI == SubchannelStatus::PROGRAM_CHECK
            && quiet.contains(host.device);
        stopped.then_some(cause)
    }

    /// The status of a program that was halted, and had come to its end `node` by itself: it stands
    /// there, and goes on nowhere.
    pub(crate) fn halted(&self, node: &Node, cause: Cause, host: &Irb<Host>) -> Irb<Guest> {
        let mut irb = self.arrived(node, cause, Some(host));
        let scsw = &mut irb.scsw;
        scsw.function = host.scsw.function;
        scsw.activity = ActivityControl::empty();
        scsw.status = StatusControl::PENDING;
        scsw.zero_cc = false;
        scsw.subchannel = SubchannelStatus::empty();
        scsw.residual = 0;
        irb
    }

    /// The status of a program that was stopped at `node`, as the guest sees it: suspended there, or
    /// still running. `host` is the status of what was executed, if anything was.
    pub(crate) fn arrived(
        &self,
        node: &Node,
        cause: Cause,
        host: Option<&Irb<Host>>,
    ) -> Irb<Guest> {
        let mut irb = Irb::IDLE;
        if let Some(host) = host {
            irb.esw = guest_esw(&host.esw);
        }
        let scsw = &mut irb.scsw;
        scsw.orb = OrbBits::from(&self.orb);
        scsw.function = FunctionControl::START;
        scsw.cpa = node.addr.wrapping_add(8);
        if let Some(host) = host {
            scsw.zero_cc = self.orb.initial_status && !self.is_accepted();
            scsw.subchannel = host.scsw.subchannel & SubchannelStatus::PCI;
        }
        let mut tells = scsw.zero_cc;
        match cause {
            Cause::Suspend => {
                scsw.activity = ActivityControl::SUSPENDED;
                scsw.residual = node.ccw().count;
                // It is recognised before the suspension.
                if node.ccw().flags.contains(CcwFlags::PCI) {
                    scsw.subchannel |= SubchannelStatus::PCI;
                }
                tells |= !self.orb.suppress_suspended;
            }
            Cause::Refetch => {
                scsw.activity = ActivityControl::SUBCHANNEL_ACTIVE | ActivityControl::DEVICE_ACTIVE;
                // The last CCW that was in control is the one before, or the one before that.
                scsw.cpa = node.addr;
            }
        }
        if tells || !scsw.subchannel.is_empty() {
            scsw.status = StatusControl::INTERMEDIATE | StatusControl::PENDING;
        }
        irb
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use ccw::{DeviceClass, HostAddr, RawIrb, RawOrb};
    use pinning::{Budget, Permission, PlainPinner, Region};

    use super::*;
    use crate::{Area, HostProfile, Planned, Slot};

    /// READ at 2000 with PCI, which chains; a READ behind it.
    struct Reads;

    impl GuestStorage for Reads {
        fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
            let words = [0x0248_0004_0000_3000_u64, 0x0200_0004_0000_3004];
            for (at, byte) in (at.get()..).zip(buf.iter_mut()) {
                let behind = at.wrapping_sub(0x2000);
                let word = usize::try_from(behind / 8).ok().and_then(|n| words.get(n));
                *byte = word.map_or(0, |word| word.to_be_bytes()[(behind % 8) as usize]);
            }
            buf.len()
        }
    }

    /// A host that was told to halt, and came to the break by itself: the program stands there, and goes
    /// on nowhere.
    #[test]
    fn halted_at_a_break() {
        let map = RegionMap::new(&[Region {
            guest: GuestAddr::new(0),
            len: 0x1_0000,
            host: HostAddr::new(0x1_0000_0000),
            permission: Permission::ReadWrite,
        }])
        .unwrap();
        let pinner = PlainPinner::new(map.clone(), Budget::default());
        let policy = Policy::MEDIATE.for_device(DeviceClass::Tape);
        let guards = Guards::default();
        // Prefetching is forbidden.
        let orb = RawOrb::from_words([0, 0x0082_8000, 0x2000]);
        let (part, buffers) = (Part::START, Buffers::new());
        let program = fetch_part(&orb, &part, &Reads, &map, &policy, &guards, buffers);
        let Ok(Planned::Run(plan)) = program.plan(&HostProfile::SOFTWARE) else {
            panic!("not run");
        };
        let [mut ccws, mut lists] = [(); 2].map(|()| vec![0; 4096]);
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), &mut ccws).unwrap(),
            Area::new(HostAddr::new(0x10_1000), &mut lists).unwrap(),
            HostAddr::new(0x10_2000),
        );
        let running = plan.pin(&pinner).unwrap().emit(slot.unwrap());
        let running = running.unwrap().start();
        // Behind the second host CCW, program check and PCI; then what the guest sees, and whether that
        // goes on.
        for (word0, seen, goes_on) in [
            (0x0080_4017, [0x0080_40c9, 0x2008, 0x0080_0000_u32], true),
            (0x0080_6017, [0x0080_6001, 0x2008, 0], false),
            // With the halt pending.
            (0x0080_6217, [0x0080_6001, 0x2008, 0], false),
        ] {
            let bytes = |words: [u32; 3]| words.map(u32::to_be_bytes).concat();
            let mut raw = RawIrb([0; 64]);
            raw.0[..12].copy_from_slice(&bytes([word0, 0x10_0010, 0x0ca0_0000]));
            let completion = running.complete(&Irb::decode(&raw));
            assert_eq!(completion.irb.encode().0[..12], bytes(seen), "{word0:08x}");
            assert_eq!(completion.arrived.is_some(), goes_on);
            assert!(!completion.unexplained && !completion.unmapped);
        }
        running.end();
    }
}
