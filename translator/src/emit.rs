// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writing the host's program: format-1 CCWs and format-2 lists, of which no word is a guest's.

use alloc::boxed::Box;

use ccw::{Addr31, Ccw, CcwFlags, Command, Format, Host, HostAddr, Orb, RawCcw};
use pinning::{Pinner, Pins, Run};

use crate::{
    Area, Arrangement, Buffers, Code, FirstByteFault, HostProfile, Pinned, Rejected, Site, Slot,
    chain::Op,
    plan::{list_words, needs_length_suppression},
    work::{HostSlot, NOWHERE, Node, Reach},
};

/// A program that the host channel can run. It owns the pins.
#[derive(Debug)]
#[must_use = "dropping it gives the pins back"]
pub struct Translated<P: Pinner> {
    pub(crate) work: Box<Buffers>,
    pub(crate) pins: Pins<P>,
    pub(crate) orb: Orb<Host>,
    pub(crate) base: Addr31<Host>,
}

impl<P: Pinner> Pinned<P> {
    /// Writes the host's program into `slot`.
    ///
    /// # Errors
    ///
    /// [`Code::HostArena`] when it does not fit; the pins are given back.
    pub fn emit(self, slot: Slot<'_>) -> Result<Translated<P>, Rejected> {
        let Self { plan, pins } = self;
        let (ccws, lists, scratch) = slot.into_parts();
        let base = ccws.base();
        let emitter = Emitter {
            work: &plan.work,
            profile: &plan.profile,
            block: plan.block,
            scratch,
            ccws,
            lists,
            used: 0,
            stream: Stream::new(plan.work.runs.as_slice()),
        };
        match emitter.run() {
            Ok(()) => {}
            Err(code) => {
                drop(pins);
                return Err(Rejected::new(plan.work, code, Site::default()));
            }
        }
        let orb = host_orb(&plan.work, &plan.profile, plan.block, base);
        Ok(Translated {
            work: plan.work,
            pins,
            orb,
            base,
        })
    }
}

/// The host's ORB. Its interruption parameter is whoever's who starts it.
fn host_orb(work: &Buffers, profile: &HostProfile, block: u64, base: Addr31<Host>) -> Orb<Host> {
    let guest = &work.orb;
    let first = work.nodes.first().map_or(0, |node| node.host);
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
        initial_status: guest.initial_status,
        limit_check: false,
        suppress_suspended: guest.suppress_suspended,
        transport: false,
        format2_idaws: true,
        idaw_2k: block == 2048,
        lpm: guest.lpm,
        length_suppression: guest.length_suppression || needs_length_suppression(guest.format),
        midaw: false,
        extension,
        cpa: slot_addr(base, first),
        css_priority: if extension { guest.css_priority } else { 0 },
        cu_priority: if extension { guest.cu_priority } else { 0 },
    }
}

/// Address of host CCW `n`.
pub(crate) fn slot_addr(base: Addr31<Host>, n: u32) -> Addr31<Host> {
    Addr31::truncate(base.get().wrapping_add(n.wrapping_mul(8)))
}

struct Emitter<'a> {
    work: &'a Buffers,
    profile: &'a HostProfile,
    block: u64,
    scratch: HostAddr,
    ccws: Area<'a>,
    lists: Area<'a>,
    /// List words written.
    used: usize,
    stream: Stream<'a>,
}

impl Emitter<'_> {
    fn run(mut self) -> Result<(), Code> {
        let slots = &self.work.slots;
        if slots.len() > self.ccws.len() {
            return Err(Code::HostArena);
        }
        for (n, slot) in slots.iter().enumerate() {
            let raw = match *slot {
                HostSlot::Stop => RawCcw::STOP,
                HostSlot::Jump(to) => self.tic(self.node(to)?.host)?,
                HostSlot::Node(n) => self.image(self.node(n)?)?,
                HostSlot::Split(n) => self.split(self.node(n)?)?,
            };
            if let Some(word) = self.ccws.words().get_mut(n) {
                *word = raw.0;
            }
        }
        Ok(())
    }

    fn node(&self, n: u16) -> Result<Node, Code> {
        self.work
            .nodes
            .get(usize::from(n))
            .copied()
            .ok_or(Code::HostMap)
    }

    fn tic(&self, to: u32) -> Result<RawCcw, Code> {
        if to == NOWHERE {
            return Err(Code::HostMap);
        }
        Ok(Ccw {
            command: Command::TIC,
            flags: CcwFlags::empty(),
            count: 0,
            addr: slot_addr(self.ccws.base(), to),
        }
        .encode())
    }

    /// The host CCW of `node`.
    #[inline]
    fn image(&mut self, node: Node) -> Result<RawCcw, Code> {
        let ccw = node.ccw(self.work.orb.format);
        let lists = CcwFlags::INDIRECT.union(CcwFlags::MODIFIED_INDIRECT);
        let mut host = Ccw::<Host> {
            command: self.code(&node),
            flags: ccw.flags.difference(lists),
            count: ccw.count,
            addr: Addr31::truncate(0),
        };
        match node.op {
            Op::Fault => return Ok(self.stop(&node)),
            Op::Tic => {
                let target = self.work.find_node(ccw.addr.get()).ok_or(Code::HostMap)?;
                return self.tic(self.node(target)?.host);
            }
            Op::Nothing => return Ok(host.encode()),
            Op::Skip => {
                host.addr = self.here();
                self.fill(u64::from(ccw.count).div_ceil(self.block))?;
            }
            Op::Output | Op::Input | Op::Backward => {
                if node.good == 0
                    && node.fault.is_some()
                    && self.profile.first_byte_fault == FirstByteFault::Stop
                {
                    return Ok(self.stop(&node));
                }
                host.addr = self.here();
                self.list(&node, ccw.count)?;
            }
        }
        host.flags |= CcwFlags::INDIRECT;
        Ok(host.encode())
    }

    /// The code of the host CCW: a guest's byte, but never one that the host would take for
    /// something else.
    #[inline]
    fn code(&self, node: &Node) -> Command {
        if self.profile.reads_chained_codes && !node.reach.contains(Reach::COMMAND) {
            node.head
        } else {
            node.raw.command()
        }
    }

    /// A CCW at which the channel stops with a program check.
    fn stop(&self, node: &Node) -> RawCcw {
        let skippable = node.reach.contains(Reach::SKIPPABLE);
        match self.profile.arrangement {
            // The host must go on copying behind it, for the case that it is skipped.
            Arrangement::Segments { .. } if skippable => {
                RawCcw([0, CcwFlags::CHAIN_COMMAND.bits(), 0, 0, 0, 0, 0, 0])
            }
            _ => RawCcw::STOP,
        }
    }

    /// Where the next list begins.
    fn here(&self) -> Addr31<Host> {
        self.lists.at(self.used)
    }

    #[inline]
    fn put(&mut self, addr: HostAddr) -> Result<(), Code> {
        let word = self
            .lists
            .words()
            .get_mut(self.used)
            .ok_or(Code::HostArena)?;
        *word = addr.get().to_be_bytes();
        self.used += 1;
        Ok(())
    }

    /// Writes `words` addresses of the scratch page.
    fn fill(&mut self, words: u64) -> Result<(), Code> {
        (0..words).try_for_each(|_| self.put(self.scratch))
    }

    /// Writes the list of `node`: the blocks whose data is good, then what stops the channel.
    #[inline]
    fn list(&mut self, node: &Node, count: u16) -> Result<(), Code> {
        let start = self.used;
        let backward = node.op == Op::Backward;
        let offset = node.first_byte(self.work) & (self.block - 1);
        let mut chunk = if backward {
            offset + 1
        } else {
            self.block - offset
        };
        let mut left = u64::from(node.good);
        while left > 0 {
            let len = left.min(chunk);
            let low = self.stream.take(len).ok_or(Code::HostMap)?;
            let addr = if backward {
                low.checked_add(len - 1).ok_or(Code::HostMap)?
            } else {
                low
            };
            self.put(addr)?;
            left -= len;
            chunk = self.block;
        }
        if node.fault.is_some() {
            let poison = match self.profile.first_byte_fault {
                FirstByteFault::Nowhere(nowhere) if node.good == 0 => nowhere,
                // Neither the first nor the last byte of a block.
                _ => self.scratch.checked_add(1).ok_or(Code::HostMap)?,
            };
            self.put(poison)?;
        }
        if self.profile.rebuilds_lists {
            let need = self.words_that_host_reads(node, count, offset);
            let have = (self.used - start) as u64;
            self.fill(need.saturating_sub(have))?;
        }
        Ok(())
    }

    /// Words that a host reads which counts blocks upward from the first address.
    fn words_that_host_reads(&self, node: &Node, count: u16, offset: u64) -> u64 {
        let upward = (offset + u64::from(count)).div_ceil(self.block);
        upward.max(u64::from(list_words(self.work, node, self.block)))
    }

    /// The first host CCW of a read-backward node that is split: the bytes down to the start of
    /// the first block.
    fn split(&mut self, node: Node) -> Result<RawCcw, Code> {
        let _ = node;
        Err(Code::EnvReadBackward)
    }
}

/// The pinned storage as one stream of bytes, in the order of the extents.
struct Stream<'a> {
    runs: core::slice::Iter<'a, Run>,
    host: HostAddr,
    left: u64,
}

impl<'a> Stream<'a> {
    fn new(runs: &'a [Run]) -> Self {
        Self {
            runs: runs.iter(),
            host: HostAddr::new(0),
            left: 0,
        }
    }

    /// Address of the next `len` bytes, which lie in one block and hence in one run.
    #[inline]
    fn take(&mut self, len: u64) -> Option<HostAddr> {
        if self.left == 0 {
            let run = self.runs.next()?;
            self.host = run.host;
            self.left = u64::from(run.len);
        }
        let at = self.host;
        self.left = self.left.checked_sub(len)?;
        self.host = at.checked_add(len)?;
        Some(at)
    }
}
