// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writing the host's program: format-1 CCWs and format-2 lists, of which no word is a guest's.

mod copies;
mod links;
mod lists;
mod midal;

use alloc::boxed::Box;

use ccw::{Addr31, Ccw, CcwFlags, Command, Format, Host, Orb, RawCcw};
use pinning::{Pinner, Pins};

use lists::{blocks, write_blocks};

use crate::{
    Arrangement, Buffers, Code, HostProfile, Pinned, Rejected, Site, Slot,
    arrangement::{HostSlot, STOPS},
    bounce::Bounce,
    chain::Op,
    node::{NOWHERE, Node, Reach},
    plan::needs_length_suppression,
    stream::Stream,
    transport,
};

/// A program that the host channel can run. It owns the pins.
#[derive(Debug)]
#[must_use = "dropping it gives the pins back"]
pub struct Translated<P: Pinner> {
    pub(crate) work: Box<Buffers>,
    pub(crate) pins: Pins<P>,
    pub(crate) base: Addr31<Host>,
    pub(crate) doublewords: Doublewords,
}

/// How much of the areas of a [`Slot`] a program was written to. What lies behind is read by nobody
/// but a host that reads on without looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Doublewords {
    /// CCWs, one in each.
    pub ccws: usize,
    /// List words.
    pub lists: usize,
    /// Doublewords of copies, those included that the device stores into.
    pub copies: usize,
}

impl<P: Pinner> Pinned<P> {
    /// Writes the host's program into `slot`, with what it repeats in front. Any slot will do.
    ///
    /// # Errors
    ///
    /// [`Code::HostArena`] when it does not fit; the pins are given back.
    pub fn emit(self, mut slot: Slot<'_>) -> Result<Translated<P>, Rejected> {
        let Self { mut plan, pins } = self;
        if plan.work.is_transport() {
            return transport_mode(plan.work, pins, slot);
        }
        let base = slot.ccws.base();
        if plan.ccw_bytes() > slot.ccws.len() * 8 {
            drop(pins);
            return Err(Rejected::new(plan.work, Code::HostArena, Site::default()));
        }
        let mut bounces = core::mem::take(&mut plan.work.bounces);
        let emitter = Emitter {
            work: &plan.work,
            bounces: &mut bounces,
            block: plan.work.laid.block,
            slot: &mut slot,
            used: 0,
            copied: 0,
            stream: Stream::new(plan.work.runs.as_slice()),
            moved: 0,
        };
        let written = emitter.run();
        plan.work.bounces = bounces;
        let doublewords = match written {
            Ok(doublewords) => doublewords,
            Err(code) => {
                drop(pins);
                return Err(Rejected::new(plan.work, code, Site::default()));
            }
        };
        let mut work = plan.work;
        work.host_orb = host_orb(&work, base);
        Ok(Translated {
            work,
            pins,
            base,
            doublewords,
        })
    }
}

/// The same for a transport-mode program on a host with that mode.
#[cold]
fn transport_mode<P: Pinner>(
    mut work: Box<Buffers>,
    pins: Pins<P>,
    mut slot: Slot<'_>,
) -> Result<Translated<P>, Rejected> {
    match transport::emit(&work, &mut slot) {
        Ok((base, doublewords)) => {
            work.host_orb = transport::host_orb(&work, base);
            Ok(Translated {
                work,
                pins,
                base,
                doublewords,
            })
        }
        Err(code) => {
            drop(pins);
            Err(Rejected::new(work, code, Site::default()))
        }
    }
}

/// The host's ORB. Its interruption parameter is whoever's who starts it.
#[inline]
fn host_orb(work: &Buffers, base: Addr31<Host>) -> Orb<Host> {
    let (guest, profile) = (&work.orb, &work.profile);
    let first = match profile.arrangement {
        Arrangement::Exact => work.nodes.first().map_or(0, |node| node.host),
        // The line begins where the program does; a TIC there is straightened.
        Arrangement::Segments { .. } => 0,
    };
    let extension = guest.extension && profile.orb_extension;
    Orb {
        intparm: 0,
        // The guest's key was checked against the guest's storage; host storage has its own.
        key: 0,
        suspend: guest.suspend,
        streaming: guest.streaming,
        modification: guest.modification,
        synchronize: guest.synchronize,
        format: Format::One,
        prefetch: true,
        initial_status: guest.initial_status && !work.is_accepted(),
        limit_check: false,
        suppress_suspended: guest.suppress_suspended,
        transport: false,
        format2_idaws: true,
        idaw_2k: work.laid.block == 2048,
        lpm: guest.lpm,
        length_suppression: guest.length_suppression || needs_length_suppression(guest.format),
        midaw: guest.midaw && profile.midaws,
        extension,
        cpa: slot_addr(base, first as usize),
        css_priority: if extension { guest.css_priority } else { 0 },
        cu_priority: if extension { guest.cu_priority } else { 0 },
    }
}

/// Address of doubleword `n` from `base` on.
#[inline]
fn slot_addr(base: Addr31<Host>, n: usize) -> Addr31<Host> {
    #[expect(clippy::cast_possible_truncation, reason = "an area lies below 2^31")]
    Addr31::truncate(base.get().wrapping_add((n as u32).wrapping_mul(8)))
}

struct Emitter<'a, 's> {
    work: &'a Buffers,
    /// The CCWs whose data goes by way of a copy and that are still to come.
    bounces: &'a mut [Bounce],
    slot: &'a mut Slot<'s>,
    block: u64,
    /// List words written.
    used: usize,
    /// Bytes of copies that are taken.
    copied: usize,
    stream: Stream<'a>,
    /// Bits in which a host address differed from the guest's within a block.
    moved: u64,
}

impl Emitter<'_, '_> {
    /// Writes everything, and says how much that took.
    fn run(mut self) -> Result<Doublewords, Code> {
        let work = self.work;
        // What nothing else is written to stops the channel.
        let written = work.in_one_piece();
        let ccws = self.slot.ccws.words().get_mut(written..work.host_len);
        ccws.ok_or(Code::HostArena)?.fill(RawCcw::STOP.0);
        // In the order of the walk, which is that of the extents: the usual nodes in runs of them,
        // what stops the runs on its own.
        let mut nodes = work.nodes.as_slice();
        loop {
            nodes = self.single_blocks(nodes);
            nodes = self.whole_runs(nodes);
            let [node, rest @ ..] = nodes else { break };
            if node.host == NOWHERE {
                self.pass_data(node)?;
                nodes = rest;
                continue;
            }
            let raw = if node.is_lowered(&work.profile) {
                self.lowered(work.nodes.len() - nodes.len(), node)?
            } else {
                self.image(node)?
            };
            self.put_ccw(node.host, raw);
            nodes = rest;
        }
        if self.work.profile.arrangement != Arrangement::Exact {
            for (n, slot) in (0..).zip(&work.slots) {
                match *slot {
                    HostSlot::Jump(to) => {
                        let raw = self.tic(to)?;
                        self.put_ccw(n, raw);
                    }
                    HostSlot::Cut => self.put_ccw(n, self.jump(n as usize + 1 + STOPS)),
                    _ => {}
                }
            }
        }
        if work.is_lowered() {
            work.transport.pass_rest(&mut self.stream);
        }
        // What a pinner said against its contract must not be started.
        if self.moved & (self.block - 1) != 0 || self.stream.rest().is_some() {
            return Err(Code::HostMap);
        }
        Ok(Doublewords {
            ccws: work.host_len,
            lists: self.used,
            copies: self.copied.div_ceil(8),
        })
    }

    /// Writes the host CCWs of nodes that transfer, upward, what lies in one block. Returns the nodes
    /// from the first other one on.
    #[inline(always)]
    fn single_blocks<'n>(&mut self, nodes: &'n [Node]) -> &'n [Node] {
        let mask = self.block - 1;
        let base = self.slot.lists.at(self.used);
        let free = self
            .slot
            .lists
            .words()
            .get_mut(self.used..)
            .unwrap_or(&mut []);
        let mut stream = self.stream.clone();
        let (mut done, mut moved) = (0, 0);
        for (node, word) in nodes.iter().zip(free) {
            let len = u64::from(node.good);
            let offset = node.offset() & mask;
            if !node.usual || offset + len > self.block {
                break;
            }
            let Some(host) = stream.piece(len) else { break };
            moved |= host ^ offset;
            *word = host.to_be_bytes();
            if let Some(ccw) = self.slot.ccws.words().get_mut(node.host as usize) {
                *ccw = usual(node, slot_addr(base, done)).0;
            }
            done += 1;
        }
        self.used += done;
        self.moved |= moved;
        self.stream = stream;
        nodes.get(done..).unwrap_or(&[])
    }

    /// The same for nodes that transfer what lies in one run.
    #[inline(never)]
    fn whole_runs<'n>(&mut self, mut nodes: &'n [Node]) -> &'n [Node] {
        while let [node, rest @ ..] = nodes
            && node.usual
        {
            let len = u64::from(node.good);
            let offset = node.offset() & (self.block - 1);
            let here = self.slot.lists.at(self.used);
            let words = self.used..self.used + blocks(offset + len, self.block);
            let Some(words) = self.slot.lists.words().get_mut(words) else {
                break;
            };
            let Some(host) = self.stream.piece(len) else {
                break;
            };
            self.used += words.len();
            self.moved |= host ^ offset;
            write_blocks(words, host, offset, self.block);
            self.put_ccw(node.host, usual(node, here));
            nodes = rest;
        }
        nodes
    }

    /// Writes host CCW `n`; nothing for one that is not part of the host's program.
    #[inline]
    fn put_ccw(&mut self, n: u32, raw: RawCcw) {
        if let Some(word) = self.slot.ccws.words().get_mut(n as usize) {
            *word = raw.0;
        }
    }

    /// A TIC to the image of node `to`.
    fn tic(&self, to: u16) -> Result<RawCcw, Code> {
        let host = self
            .work
            .nodes
            .get(usize::from(to))
            .map_or(NOWHERE, |node| node.host);
        if host == NOWHERE {
            return Err(Code::HostMap);
        }
        Ok(self.jump(host as usize))
    }

    /// A TIC to host CCW `n`.
    fn jump(&self, n: usize) -> RawCcw {
        Ccw::<Host> {
            command: Command::TIC,
            flags: CcwFlags::empty(),
            count: 0,
            addr: slot_addr(self.slot.ccws.base(), n),
        }
        .encode()
    }

    /// The host CCW of `node`.
    #[inline]
    fn image(&mut self, node: &Node) -> Result<RawCcw, Code> {
        let guest = node.ccw();
        let lists = CcwFlags::INDIRECT.union(CcwFlags::MODIFIED_INDIRECT);
        // Whether it suspends was decided before.
        let plain = guest.flags.difference(lists.union(CcwFlags::SUSPEND));
        let here = self.slot.lists.at(self.used);
        match node.op {
            Op::Output | Op::Input | Op::Backward => {
                if self.work.is_stop(node) {
                    return Ok(self.stop(node));
                }
                if node.is_midal() {
                    return self.midal(node, plain);
                }
                self.list(node)?;
                Ok(indirect(node, &self.work.profile, here))
            }
            Op::Skip => {
                self.skipped(node, guest.count)?;
                Ok(indirect(node, &self.work.profile, here))
            }
            Op::Nothing => Ok(Ccw::<Host> {
                command: code(node, &self.work.profile),
                flags: plain,
                count: guest.count,
                addr: Addr31::truncate(0),
            }
            .encode()),
            Op::Copied => {
                self.parameters(node)?;
                Ok(indirect(node, &self.work.profile, here))
            }
            Op::Fault | Op::Break(_) => Ok(self.stop(node)),
            Op::Tic | Op::Onward => self.tic(self.work.target(node).ok_or(Code::HostMap)?),
        }
    }

    /// A CCW at which the channel stops with a program check.
    fn stop(&self, node: &Node) -> RawCcw {
        match self.work.profile.arrangement {
            // The host must go on copying behind it, for the case that it is skipped.
            Arrangement::Segments { .. } if self.work.is_skippable(node) => {
                RawCcw([0, CcwFlags::CHAIN_COMMAND.bits(), 0, 0, 0, 0, 0, 0])
            }
            _ => RawCcw::STOP,
        }
    }
}

/// The CCW that does for `node` what the list at `list` says, if it is the guest's own command.
#[inline(always)]
fn usual(node: &Node, list: Addr31<Host>) -> RawCcw {
    const DROPPED: CcwFlags = CcwFlags::INDIRECT
        .union(CcwFlags::MODIFIED_INDIRECT)
        .union(CcwFlags::SUSPEND);
    // Command, count, and the flags but for those of lists, and the one that was judged before.
    const KEPT: u64 = !((DROPPED.bits() as u64) << 48 | 0xffff_ffff);
    const INDIRECT: u64 = (CcwFlags::INDIRECT.bits() as u64) << 48;
    let word = node.word & KEPT | INDIRECT | u64::from(list.get());
    RawCcw(word.to_be_bytes())
}

/// The CCW that does for `node` what the list at `list` says.
fn indirect(node: &Node, profile: &HostProfile, list: Addr31<Host>) -> RawCcw {
    let RawCcw([_, rest @ ..]) = usual(node, list);
    let [flags, high, low, a, b, c, d] = rest;
    RawCcw([code(node, profile).0, flags, high, low, a, b, c, d])
}

/// The code of the host CCW: a guest's byte, but never one that the host would take for something
/// else.
#[inline]
fn code(node: &Node, profile: &HostProfile) -> Command {
    if profile.reads_chained_codes && !node.reach.contains(Reach::COMMAND) {
        node.head
    } else {
        node.ccw().command
    }
}
