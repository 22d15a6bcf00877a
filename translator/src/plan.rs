// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the host must be given: the layout of its program, and the storage to pin.

use alloc::boxed::Box;

use ccw::{Format, Guest, Irb, MAX_IDAWS};
use pinning::{Extent, PinError, Pinner, Pins};

use crate::{
    Arrangement, Arrival, Buffers, Check, Code, Earlier, FirstByteFault, HostProfile, Program,
    Rejected, Site, Stance,
    arrangement::{
        Laid, exact,
        segments::{self, Shape},
    },
    chain::Op,
    node::Node,
    status::{add_sense, check_status},
    transport::{self, StatusBlock},
};

/// What becomes of a program.
#[derive(Debug)]
#[must_use]
pub enum Planned {
    /// It is run on the host.
    Run(Plan),
    /// It ends before the first byte moves: the guest gets its status at once.
    Ended(Ended),
    /// Nothing is to be done before the next part: the first CCW suspends the program, or control
    /// comes by TICs alone to where it must be fetched again.
    Arrived(Arrived),
}

/// A program that ends without any I/O.
#[derive(Debug)]
pub struct Ended {
    irb: Irb<Guest>,
    tsb: Option<StatusBlock>,
    refused: Option<Code>,
    work: Box<Buffers>,
}

impl Ended {
    /// The end of a program that was carried out by other means.
    pub(crate) fn new(irb: Irb<Guest>, work: Box<Buffers>) -> Self {
        Self {
            irb,
            refused: None,
            tsb: None,
            work,
        }
    }

    /// The status that the guest sees.
    pub fn irb(&self) -> &Irb<Guest> {
        &self.irb
    }

    /// See [`Completion::refused`](crate::Completion::refused).
    pub fn refused(&self) -> Option<Code> {
        self.refused
    }

    /// The TSB that the guest has to find before it is told the status.
    pub fn tsb(&self) -> Option<&StatusBlock> {
        self.tsb.as_ref()
    }

    /// Gives the buffers back.
    pub fn into_buffers(self) -> Box<Buffers> {
        self.work
    }
}

/// A part of a program that does nothing.
#[derive(Debug)]
pub struct Arrived {
    arrival: Arrival,
    irb: Irb<Guest>,
    work: Box<Buffers>,
}

impl Arrived {
    /// Where the program goes on.
    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// The status that the guest sees now: of a program that is suspended, as
    /// [`Completion::irb`](crate::Completion::irb) has it.
    pub fn irb(&self) -> &Irb<Guest> {
        &self.irb
    }

    /// Gives back the parts that it comes [behind](Program::plan_behind), and buffers to fetch the next
    /// part into.
    pub fn go_on(mut self) -> (Earlier, Box<Buffers>) {
        (self.work.take_earlier(), self.work)
    }
}

/// A program laid out for a host, with the storage that must stay where it is.
#[derive(Debug)]
#[must_use]
pub struct Plan {
    pub(crate) work: Box<Buffers>,
}

impl Program {
    /// Lays the program out for `profile`.
    ///
    /// # Errors
    ///
    /// A refusal by name: of what START SUBCHANNEL refuses, of what the policy forbids, and of
    /// what is legal but cannot be carried out on this host.
    #[inline]
    pub fn plan(mut self, profile: &HostProfile) -> Result<Planned, Rejected> {
        if exact::lay_plain(&mut self.work, profile) {
            return Ok(Planned::Run(Plan { work: self.work }));
        }
        self.plan_for(profile)
    }

    /// The same for a part that comes behind `earlier` ones: what must be repeated of them is laid out in
    /// front of it, and they share the limits of the host.
    ///
    /// # Errors
    ///
    /// The same; [`Rejected::into_earlier`] gives them back.
    pub fn plan_behind(
        mut self,
        earlier: Earlier,
        profile: &HostProfile,
    ) -> Result<Planned, Rejected> {
        self.work.keep_earlier(earlier);
        self.plan_for(profile)
    }

    fn plan_for(self, profile: &HostProfile) -> Result<Planned, Rejected> {
        if let Some(code) = self.work.orb_fault {
            let site = self.findings().first().map_or(Site::default(), |f| f.site);
            return Err(Rejected::new(self.work, code, site));
        }
        if self.work.orb.transport {
            return self.plan_transport(profile);
        }
        if let Some((irb, refused)) = self.ends_at_once(profile) {
            return Ok(Planned::Ended(Ended {
                irb,
                tsb: None,
                refused,
                work: self.work,
            }));
        }
        if let Some((code, site)) = self.unsupported() {
            return Err(Rejected::new(self.work, code, site));
        }
        if let Some((arrival, irb)) = self.work.arrives_at_once() {
            let work = self.work;
            return Ok(Planned::Arrived(Arrived { arrival, irb, work }));
        }
        self.lay_out(profile)
    }

    /// What is to be done with a program of transport mode.
    #[cold]
    fn plan_transport(self, profile: &HostProfile) -> Result<Planned, Rejected> {
        let Self { work } = self;
        if let Some(irb) = work.transport.ends_at_once(&work, profile) {
            return Ok(Planned::Ended(Ended {
                irb,
                tsb: work.transport.found_at_once(&work),
                refused: work.transport.denied_at_once(),
                work,
            }));
        }
        let program = Self { work };
        if let Some((code, site)) = program.unsupported() {
            return Err(Rejected::new(program.work, code, site));
        }
        let Self { mut work } = program;
        work.profile = *profile;
        if profile.transport {
            work.host_len = 0;
            return Ok(Planned::Run(Plan { work }));
        }
        if let Err((code, site)) = transport::lower(&mut work) {
            return Err(Rejected::new(work, code, site));
        }
        if let Some(irb) = transport::stops_at_once(&work) {
            return Ok(Planned::Ended(Ended::new(irb, work)));
        }
        Self { work }.lay_out(profile)
    }

    /// Finds a place for each CCW of a program that is to be carried out.
    #[inline(always)]
    fn lay_out(self, profile: &HostProfile) -> Result<Planned, Rejected> {
        let Self { mut work } = self;
        if let Err((code, n)) = work.stand_behind() {
            let site = work.ccw_site(n, None);
            return Err(Rejected::new(work, code, site));
        }
        let block = work.list_block();
        work.profile = *profile;
        work.laid = match profile.arrangement {
            Arrangement::Exact => {
                exact::lay(&mut work);
                if let Err((code, n)) = exact::lower(&mut work, block) {
                    let site = work.ccw_site(n, None);
                    return Err(Rejected::new(work, code, site));
                }
                Laid {
                    block,
                    last_head: 0,
                }
            }
            Arrangement::Segments { ccws, segments, .. } => {
                let shape = Shape {
                    ccws: ccws.into(),
                    segments: segments.into(),
                    block,
                };
                match segments::lay(&mut work, shape) {
                    Ok(laid) => laid,
                    Err((code, n)) => {
                        let site = work.ccw_site(n, None);
                        return Err(Rejected::new(work, code, site));
                    }
                }
            }
        };
        if let Err((code, n, other)) = work.keep_apart() {
            let site = Site {
                other: other.and_then(|n| work.ccw_site(n, None).ccw),
                ..work.ccw_site(n, None)
            };
            return Err(Rejected::new(work, code, site));
        }
        Ok(Planned::Run(Plan { work }))
    }

    /// The status of a program that ends before the first byte of its first CCW's data.
    fn ends_at_once(&self, profile: &HostProfile) -> Option<(Irb<Guest>, Option<Code>)> {
        let (code, n) = self.work.verdict.error?;
        let node = self.work.nodes.get(usize::from(n))?;
        let stops = profile.first_byte_fault == FirstByteFault::Stop;
        let moves_nothing =
            node.op == Op::Fault || (node.op.transfers() && node.good == 0 && stops);
        // A channel that suspends at this CCW has not yet looked at what is wrong with it.
        if !moves_nothing || !self.starts_at(n) || self.work.verdict.suspend == Some(n) {
            return None;
        }
        let mut irb = Irb::IDLE;
        irb.scsw = check_status(&self.work.orb, code, node, false);
        let refused = (code.check() == Check::UnitCheck).then_some(code);
        if refused.is_some() {
            add_sense(&mut irb, self.work.commands.class, code);
        }
        Some((irb, refused))
    }

    /// What is legal and not carried out.
    fn unsupported(&self) -> Option<(Code, Site)> {
        let (work, verdict) = (&self.work, &self.work.verdict);
        let policy = &work.policy;
        let refused = match policy.no_prefetch {
            Stance::Accept => false,
            Stance::Refuse => true,
            // What it reads in, if that is the reason, is named.
            Stance::Parts if work.part.whole => true,
            Stance::Parts => {
                let named = policy.self_modifying != Stance::Accept && verdict.modified.is_some();
                verdict.unbroken && !named
            }
        };
        // The bit means nothing in transport mode.
        if refused && !work.orb.prefetch && !work.orb.transport {
            return Some((Code::EnvNoprefetch, Site::default()));
        }
        let (code, n) = if work.too_long {
            let last = work.nodes.len().saturating_sub(1);
            (Code::EnvTooLong, u16::try_from(last).unwrap_or(u16::MAX))
        } else if let Some(n) = verdict.suspend {
            (Code::EnvSuspend, n)
        } else if let Some(n) = verdict.two_ways {
            (Code::EnvTwoWays, n)
        } else if let (Some(n), Stance::Refuse | Stance::Parts) =
            (verdict.modified, policy.self_modifying)
        {
            (Code::EnvOverlap, n)
        } else {
            return None;
        };
        Some((code, work.ccw_site(n, None)))
    }
}

impl Plan {
    /// The storage that the program uses: start, length and what the device does there.
    pub fn extents(&self) -> &[Extent] {
        &self.work.extents
    }

    /// CCWs of the host's program, stop CCWs included.
    pub fn host_ccws(&self) -> usize {
        self.work.host_len
    }

    /// Bytes that the area for CCWs needs: the host's program, and what the host reads behind it.
    pub fn ccw_bytes(&self) -> usize {
        if self.work.is_transport() {
            return transport::TCW_DOUBLEWORDS * 8;
        }
        let over_read = match self.work.profile.arrangement {
            Arrangement::Exact => 0,
            Arrangement::Segments { over_read, .. } => usize::from(over_read),
        };
        (self.work.host_len * 8).max(self.work.laid.last_head * 8 + over_read)
    }

    /// Bytes with which the area for lists is large enough in any case.
    pub fn list_bytes_at_most(&self) -> usize {
        if self.work.is_transport() {
            return self.work.transport.list_bytes_at_most();
        }
        let lists = self.work.host_len * (MAX_IDAWS + 1) * 8;
        if !self.work.profile.midaws {
            return lists;
        }
        // A list of MIDAWs lies in one page: in the next one, when it is longer than the rest of this.
        let midals = self.work.nodes.iter().filter(|node| node.is_midal());
        let bytes = midals.map(|node| 32 * (usize::from(node.list_len) + 1) + 8);
        lists + bytes.sum::<usize>()
    }

    /// Bytes with which the area for copies is large enough in any case; most programs need none.
    pub fn copy_bytes_at_most(&self) -> usize {
        if self.work.is_transport() {
            return self.work.transport.copy_bytes_at_most();
        }
        let bounces = self.work.bounces.iter().filter_map(|bounce| {
            let node = self.work.nodes.get(usize::from(bounce.node))?;
            Some(2 * usize::from(node.good) + 4096)
        });
        bounces.sum::<usize>() + self.work.commands.bytes.len()
    }

    /// Bytes of the blocks of all host lists, 2048 or 4096.
    pub fn block(&self) -> u64 {
        self.work.laid.block
    }

    /// Pins the storage.
    ///
    /// # Errors
    ///
    /// What the pinner refuses, as a lack of the host: nothing is pinned then.
    pub fn pin<P: Pinner>(mut self, pinner: P) -> Result<Pinned<P>, Rejected> {
        let Buffers { extents, runs, .. } = &mut *self.work;
        match Pins::acquire(pinner, extents, runs) {
            Ok(pins) => Ok(Pinned { plan: self, pins }),
            Err(error) => {
                let (code, data) = match error {
                    PinError::NotMapped { at } | PinError::Permission { at } => {
                        (Code::HostMap, Some(at))
                    }
                    PinError::Busy { at } => (Code::HostBusy, Some(at)),
                    PinError::Limit(_) => (Code::HostBudget, None),
                    _ => (Code::HostPin, None),
                };
                log::debug!(target: "translator::pin", "{error}");
                Err(Rejected::new(
                    self.work,
                    code,
                    Site {
                        data,
                        ..Site::default()
                    },
                ))
            }
        }
    }
}

/// A plan whose storage stays where it is.
#[derive(Debug)]
#[must_use = "dropping it gives the pins back"]
pub struct Pinned<P: Pinner> {
    pub(crate) plan: Plan,
    pub(crate) pins: Pins<P>,
}

impl Node {
    /// Whether the channel stops at this node, and how it says so.
    pub(crate) fn check(&self) -> Option<Check> {
        self.fault.map(Code::check)
    }
}

/// Whether format-0 rules for immediate commands must be asked of the host.
pub(crate) fn needs_length_suppression(format: Format) -> bool {
    format == Format::Zero
}
