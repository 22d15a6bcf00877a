// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The buffers that a program passes through, and what stands in them.
//!
//! One set of buffers serves one subchannel: each stage owns it in turn and hands it on, so a
//! steady state allocates nothing. The stages are types of their own; this is only their storage.

use alloc::{boxed::Box, vec::Vec};

use ccw::{Guest, Host, IdawFormat, Orb, RawOrb};
use pinning::{Extent, Runs};

use crate::{
    Code, Finding, HostProfile, Part, Policy, Severity, Site,
    arrangement::{HostSlot, Laid, STOPS, Scratch},
    bounce::Bounce,
    commands::Commands,
    dirty::Reached,
    finding::{Findings, Word},
    node::{Begin, Node, Span},
    overlap::Overlap,
    transport::Transport,
    verdict::Verdict,
};

/// The reusable storage of one program.
///
/// Make one per subchannel and hand it to [`fetch`](crate::fetch); every stage that ends, well or
/// not, gives it back.
#[derive(Debug)]
pub struct Buffers {
    pub(crate) raw_orb: RawOrb,
    pub(crate) orb: Orb<Guest>,
    pub(crate) policy: Policy,
    pub(crate) nodes: Vec<Node>,
    /// In transport mode, what is there instead of CCWs.
    pub(crate) transport: Transport,
    /// Sorted by guest address, disjoint.
    pub(crate) spans: Vec<Span>,
    /// List words as they are in storage: format-1 IDAWs widened, MIDAWs as two words each.
    pub(crate) words: Vec<[u8; 8]>,
    /// Skipped-to addresses that are still to be walked.
    pub(crate) pending: Vec<u32>,
    /// Where parts begin that come behind others, which are repeated in front of them.
    pub(crate) begins: Vec<Begin>,
    /// Storage that earlier parts stored into: first byte and end.
    pub(crate) stored: Vec<(u64, u64)>,
    /// Buffers for one part more.
    pub(crate) spare: Option<Box<Buffers>>,
    /// They hold what is repeated in front of this part.
    pub(crate) behind: bool,
    /// Which part of the program it is.
    pub(crate) part: Part,
    /// Addresses at which control is stopped, ascending, because the program must be fetched again
    /// there.
    pub(crate) breaks: Vec<u32>,
    /// Nodes with input near control words.
    pub(crate) writers: Vec<u16>,
    /// Last CCWs of commands behind which there must be a break, while they are collected.
    pub(crate) ends: Vec<u16>,
    /// First byte and end of areas of input, while they are compared.
    pub(crate) areas: Vec<(u64, u64)>,
    pub(crate) findings: Findings,
    pub(crate) verdict: Verdict,
    /// The host that the program is laid out for, and how it lies.
    pub(crate) profile: HostProfile,
    pub(crate) laid: Laid,
    /// The host's CCWs; empty where they are the nodes, one by one, and stop CCWs behind them.
    pub(crate) slots: Vec<HostSlot>,
    /// How many there are.
    pub(crate) host_len: usize,
    /// The host's ORB, once the program is written.
    pub(crate) host_orb: Orb<Host>,
    /// For the arrangement in segments.
    pub(crate) segments: Scratch,
    /// The CCWs whose data goes by way of a copy, in the order of their numbers.
    pub(crate) bounces: Vec<Bounce>,
    pub(crate) extents: Vec<Extent>,
    pub(crate) runs: Runs,
    /// Lowest and highest address of control words, for the overlap check.
    pub(crate) control: (u64, u64),
    pub(crate) overlap: Overlap,
    /// What is known of its commands, if they are asked about.
    pub(crate) commands: Commands,
    /// What the device may have stored into, once that is asked.
    pub(crate) reached: Reached,
    /// Last and first node of the loop in which the certain path ends.
    pub(crate) back: Option<(u16, u16)>,
    /// First and last node of what may be executed more than once, in whatever loop.
    pub(crate) looped: Option<(u16, u16)>,
    /// A legal TIC to which the certain path comes from another one.
    pub(crate) second_tic: Option<u16>,
    /// The ORB is refused: there is no program.
    pub(crate) orb_fault: Option<Code>,
    /// The walk ended because the program is too long.
    pub(crate) too_long: bool,
}

impl Buffers {
    /// Empty buffers; they grow with the first programs and then stay.
    pub fn new() -> Box<Self> {
        Box::default()
    }

    /// Forgets the last program.
    pub(crate) fn reset(&mut self, raw_orb: &RawOrb, part: &Part, policy: &Policy) {
        self.raw_orb = *raw_orb;
        self.part = *part;
        self.behind = false;
        self.orb = Orb::decode(raw_orb);
        self.policy = *policy;
        self.nodes.clear();
        if self.orb.transport {
            self.transport.clear();
        }
        self.spans.clear();
        self.words.clear();
        self.pending.clear();
        self.writers.clear();
        self.begins.clear();
        self.stored.clear();
        self.findings.clear();
        self.verdict = Verdict::CLEAN;
        self.slots.clear();
        self.bounces.clear();
        self.extents.clear();
        self.runs.clear();
        self.control = (u64::MAX, 0);
        self.overlap.clear();
        self.commands.clear();
        self.back = None;
        self.looped = None;
        self.second_tic = None;
        self.orb_fault = None;
        self.too_long = false;
    }

    /// The program is one span, of all nodes, from `start` to `end`.
    #[inline]
    pub(crate) fn in_one_span(&mut self, start: u32, end: u32) {
        #[expect(clippy::cast_possible_truncation, reason = "no more than a u16 counts")]
        let len = self.nodes.len() as u16;
        self.spans.push(Span {
            start,
            first: 0,
            len,
        });
        self.widen_control(u64::from(start), u64::from(end.wrapping_sub(start)));
    }

    /// Remembers that the control words `start..start + len` belong to the program.
    pub(crate) fn widen_control(&mut self, start: u64, len: u64) {
        self.control.0 = self.control.0.min(start);
        self.control.1 = self.control.1.max(start.saturating_add(len));
    }

    /// Number of the node at guest address `at`, before parts come together.
    pub(crate) fn find_node(&self, at: u32) -> Option<u16> {
        find(&self.spans, at)
    }

    /// Number of the node at guest address `at` in the part of node `n`.
    pub(crate) fn find_from(&self, n: u16, at: u32) -> Option<u16> {
        if self.begins.is_empty() {
            return self.find_node(at);
        }
        let behind = self.begins.partition_point(|begin| begin.node <= n);
        let start = behind.checked_sub(1).and_then(|k| self.begins.get(k));
        let start = start.map_or(0, |begin| begin.span);
        let end = self.begins.get(behind).map_or(self.spans.len(), |b| b.span);
        find(self.spans.get(start..end)?, at)
    }

    /// First node of the part behind the one of node `n`.
    pub(crate) fn next_entry(&self, n: u16) -> Option<u16> {
        let behind = self.begins.partition_point(|begin| begin.node <= n);
        self.begins.get(behind).map(|begin| begin.node)
    }

    /// Guest address of the first CCW, as far as there is one: an address may be beyond the limit of
    /// the format.
    #[inline]
    pub(crate) fn entry_addr(&self) -> u32 {
        match self.part.from {
            None => self.orb.cpa.get(),
            Some(arrival) => u32::try_from(arrival.at.get()).unwrap_or(u32::MAX),
        }
    }

    /// Number of the node that is read next.
    pub(crate) fn next_node(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "no more than a u16 counts")]
        {
            self.nodes.len() as u32
        }
    }

    /// Whether the host's program is one of transport mode.
    pub(crate) fn is_transport(&self) -> bool {
        self.orb.transport && self.profile.transport
    }

    /// Whether it is one of CCWs that stand for a program of transport mode.
    pub(crate) fn is_lowered(&self) -> bool {
        self.orb.transport && !self.profile.transport
    }

    /// What host CCW `n` is.
    #[inline]
    pub(crate) fn slot(&self, n: usize) -> Option<HostSlot> {
        if !self.slots.is_empty() {
            return self.slots.get(n).copied();
        }
        if n >= self.host_len {
            return None;
        }
        let node = u16::try_from(n).ok().filter(|_| n < self.in_one_piece());
        Some(node.map_or(HostSlot::Stop, HostSlot::Node))
    }

    /// How many host CCWs are the nodes of these numbers.
    pub(crate) fn in_one_piece(&self) -> usize {
        if self.slots.is_empty() {
            self.host_len.saturating_sub(STOPS)
        } else {
            0
        }
    }

    /// The largest blocks that every list of the program can be given in.
    pub(crate) fn list_block(&self) -> u64 {
        let listed = |node: &Node| node.list_len > 0 && !node.is_midal();
        match IdawFormat::of(&self.orb).block() {
            2048 if self.nodes.iter().any(listed) => 2048,
            _ => 4096,
        }
    }

    /// Number of the node that was read last.
    pub(crate) fn last_node(&self) -> u16 {
        u16::try_from(self.nodes.len().saturating_sub(1)).unwrap_or(u16::MAX)
    }

    /// The list words of `node`.
    #[inline]
    pub(crate) fn list(&self, node: &Node) -> &[[u8; 8]] {
        node.list_in(&self.words)
    }

    /// Number of the host CCW that takes control behind number `n`, which chains.
    pub(crate) fn next_slot(&self, n: usize) -> usize {
        match self.slot(n + 1) {
            Some(HostSlot::Cut) => n + 2 + STOPS,
            _ => n + 1,
        }
    }

    /// Bytes of the guest's count that were left behind the link before host CCW `n`, if that is the
    /// next link of the same node.
    pub(crate) fn link_before(&self, n: usize) -> Option<u16> {
        let mut before = n.checked_sub(1)?;
        if let Some(end) = n.checked_sub(1 + STOPS)
            && self.slot(end) == Some(HostSlot::Cut)
        {
            before = end.checked_sub(1)?;
        }
        match self.slot(before) {
            Some(HostSlot::Link { left, .. }) => Some(left),
            _ => None,
        }
    }

    /// Input goes into `start..end`, which is near control words.
    pub(crate) fn write_control(&mut self, start: u64, end: u64) {
        let idaws = IdawFormat::of(&self.orb);
        if self.overlap.is_unset() {
            let copied = self.commands.areas();
            self.overlap.set_up(&self.spans, &self.nodes, idaws, copied);
        }
        self.overlap.write(start, end);
    }

    /// Whether input went into the CCW of `node`.
    pub(crate) fn ccw_is_written(&self, node: &Node) -> bool {
        let ccw = node.ccw_bytes();
        self.overlap.any() && ccw.is_some_and(|ccw| self.overlap.is_written(ccw))
    }

    /// Whether input went into the list of `node`.
    pub(crate) fn list_is_written(&self, node: &Node) -> bool {
        let list = node.list_bytes(IdawFormat::of(&self.orb));
        self.overlap.any() && list.is_some_and(|list| self.overlap.is_written(list))
    }

    /// Whether input went into the data of node `n` that were copied.
    pub(crate) fn data_is_written(&self, n: u16) -> bool {
        self.overlap.any()
            && self
                .commands
                .areas_of(n)
                .any(|area| self.overlap.is_written(area))
    }

    /// A site that names the CCW of node `index` and the bits of it that decided.
    pub(crate) fn ccw_site(&self, index: u16, bits: Option<(u8, u8)>) -> Site {
        let Some(node) = self.nodes.get(usize::from(index)) else {
            return Site::default();
        };
        Site {
            ccw: Some(node.guest()),
            index: Some(index),
            at: Some(node.guest()),
            word: Word::new(&node.raw(self.orb.format).0),
            bits,
            ..Site::default()
        }
    }

    pub(crate) fn find(&mut self, code: Code, severity: Severity, site: Site) {
        self.findings.push(Finding {
            code,
            severity,
            site,
        });
    }
}

/// Number of the node at guest address `at` among those of `spans`.
fn find(spans: &[Span], at: u32) -> Option<u16> {
    let above = spans.partition_point(|span| span.start <= at);
    let span = spans.get(above.checked_sub(1)?)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "less than the span's length"
    )]
    (at < span.end()).then(|| span.first + ((at - span.start) / 8) as u16)
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            raw_orb: RawOrb::default(),
            orb: Orb::decode(&RawOrb::default()),
            policy: Policy::CHECK,
            nodes: Vec::new(),
            transport: Transport::default(),
            spans: Vec::new(),
            words: Vec::new(),
            pending: Vec::new(),
            begins: Vec::new(),
            stored: Vec::new(),
            spare: None,
            behind: false,
            part: Part::START,
            breaks: Vec::new(),
            writers: Vec::new(),
            ends: Vec::new(),
            areas: Vec::new(),
            findings: Findings::default(),
            verdict: Verdict::CLEAN,
            profile: HostProfile::SOFTWARE,
            laid: Laid::default(),
            slots: Vec::new(),
            host_len: 0,
            host_orb: Orb::decode(&RawOrb::default()),
            segments: Scratch::default(),
            bounces: Vec::new(),
            extents: Vec::new(),
            runs: Runs::new(),
            control: (u64::MAX, 0),
            overlap: Overlap::default(),
            commands: Commands::default(),
            reached: Reached::default(),
            back: None,
            looped: None,
            second_tic: None,
            orb_fault: None,
            too_long: false,
        }
    }
}
