// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The copy of the parameters that say where a command leads.
//!
//! They are read once, with the program, through its lists and data chains; judged; and what the
//! device is given is the copy. So the guest has no way to change them behind the judgement.

use alloc::vec::Vec;

use ccw::{DeviceClass, GuestAddr};

use super::{CommandPolicy, Refusal, State};
use crate::{
    Buffers, GuestStorage,
    chain::Op,
    dirty,
    limits::MAX_PARAMETERS,
    node::{Node, Reach},
};

/// What is known of the commands of a program, if anybody asks; kept from program to program for its
/// storage.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// Whose sense data a refusal has.
    pub(crate) class: DeviceClass,
    /// By the number of their node.
    pub(super) parameters: Vec<Parameters>,
    /// The same.
    pieces: Vec<Piece>,
    pub(crate) bytes: Vec<u8>,
    /// Where the bytes were, by the number of the node.
    areas: Vec<(u64, u64, u16)>,
    /// Nodes whose data is that of one command.
    claimed: Vec<bool>,
    /// For each node what holds where it is reached as a command, and by data chaining.
    pub(super) states: Vec<[Option<State>; 2]>,
    /// Numbers of nodes behind which the state is to be found out anew.
    pub(super) todo: Vec<(u16, bool)>,
    /// By the number of the node.
    pub(super) refusals: Vec<(u16, Refusal)>,
    /// Numbers of nodes that the judgement did not come to, ascending.
    pub(super) unjudged: Vec<u16>,
    scratch: Vec<(u64, u64)>,
    /// Pieces and bytes of before, while some of them are kept.
    old: (Vec<Piece>, Vec<u8>),
}

/// The parameters of one command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters {
    node: u16,
    /// First of the bytes.
    start: u32,
    len: u16,
    /// Nothing but these bytes will reach the device.
    pub(super) whole: bool,
}

/// The part of them that one CCW names.
#[derive(Clone, Copy, Debug)]
struct Piece {
    node: u16,
    start: u32,
    len: u16,
}

impl Commands {
    /// Forgets the last program.
    pub(crate) fn clear(&mut self) {
        if self.states.is_empty() && self.parameters.is_empty() && self.pieces.is_empty() {
            return;
        }
        self.parameters.clear();
        self.pieces.clear();
        self.bytes.clear();
        self.areas.clear();
        self.claimed.clear();
        self.states.clear();
        self.refusals.clear();
        self.unjudged.clear();
    }

    /// The parameters of node `n`, and whether they are all that the device will be given.
    pub(super) fn parameters(&self, n: u16) -> Option<(&[u8], bool)> {
        let at = self.parameters.binary_search_by_key(&n, |it| it.node);
        let found = self.parameters.get(at.ok()?)?;
        Some((self.slice(found.start, found.len), found.whole))
    }

    /// The parameters of node `n`.
    pub(crate) fn bytes_of(&self, n: u16) -> &[u8] {
        self.parameters(n).map_or(&[], |(bytes, _)| bytes)
    }

    /// Where byte `at` of the parameters of node `n` is, if its own CCW names it.
    pub(crate) fn place(&self, n: u16, at: u16) -> Option<GuestAddr> {
        let mut left = u64::from(at);
        for (start, end) in self.areas_of(n) {
            if left < end - start {
                return Some(GuestAddr::new(start + left));
            }
            left -= end - start;
        }
        None
    }

    /// Number of the piece that node `n` names. There is at most one for each node; a number that there
    /// cannot be is that of no bytes.
    pub(crate) fn piece(&self, n: u16) -> Option<u16> {
        let at = self.pieces.binary_search_by_key(&n, |it| it.node).ok()?;
        Some(u16::try_from(at).unwrap_or(u16::MAX))
    }

    /// Takes `bytes` for the piece that node `n` names; nodes come in their order. Says which piece
    /// that is.
    pub(crate) fn take_piece(&mut self, n: u16, bytes: &[u8]) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "bytes that were read")]
        let (start, len) = (self.bytes.len() as u32, bytes.len() as u16);
        self.bytes.extend_from_slice(bytes);
        let number = u16::try_from(self.pieces.len()).unwrap_or(u16::MAX);
        let node = n;
        self.pieces.push(Piece { node, start, len });
        number
    }

    /// The bytes of piece `k`.
    pub(crate) fn piece_bytes(&self, k: u16) -> &[u8] {
        let piece = self.pieces.get(usize::from(k));
        piece.map_or(&[], |piece| self.slice(piece.start, piece.len))
    }

    /// Where the bytes that node `n` names were.
    pub(crate) fn areas_of(&self, n: u16) -> impl Iterator<Item = (u64, u64)> {
        let first = self.areas.partition_point(|area| area.2 < n);
        let areas = self.areas.get(first..).unwrap_or(&[]).iter();
        areas
            .take_while(move |area| area.2 == n)
            .map(|&(start, end, _)| (start, end))
    }

    /// Where all of them were.
    pub(crate) fn areas(&self) -> impl Iterator<Item = (u64, u64)> {
        self.areas.iter().map(|&(start, end, _)| (start, end))
    }

    /// Takes over what was copied for `earlier` parts; says behind how many pieces. What is known by
    /// the number of a node means nothing any more.
    pub(crate) fn put_behind(&mut self, earlier: &Self) -> u16 {
        let pieces = u16::try_from(self.pieces.len()).unwrap_or(u16::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "bytes that were read")]
        let bytes = self.bytes.len() as u32;
        let moved = earlier.pieces.iter().map(|&piece| Piece {
            start: piece.start.saturating_add(bytes),
            ..piece
        });
        self.pieces.extend(moved);
        self.bytes.extend_from_slice(&earlier.bytes);
        pieces
    }

    /// Forgets the pieces that none of `nodes` is given. What is known by the number of a node means
    /// nothing any more.
    pub(crate) fn keep_named(&mut self, nodes: &mut [Node]) {
        if self.pieces.is_empty() {
            return;
        }
        core::mem::swap(&mut self.pieces, &mut self.old.0);
        core::mem::swap(&mut self.bytes, &mut self.old.1);
        self.pieces.clear();
        self.bytes.clear();
        for node in nodes.iter_mut().filter(|node| node.op == Op::Copied) {
            let Some(&piece) = self.old.0.get(usize::from(node.offset)) else {
                continue;
            };
            let start = self.bytes.len();
            let end = piece.start as usize + usize::from(piece.len);
            let bytes = self.old.1.get(piece.start as usize..end);
            self.bytes.extend_from_slice(bytes.unwrap_or(&[]));
            node.offset = u16::try_from(self.pieces.len()).unwrap_or(u16::MAX);
            #[expect(clippy::cast_possible_truncation, reason = "bytes that were read")]
            self.pieces.push(Piece {
                start: start as u32,
                ..piece
            });
        }
    }

    /// Why the command of node `n` is refused.
    pub(crate) fn refusal(&self, n: u16) -> Option<Refusal> {
        let at = self.refusals.binary_search_by_key(&n, |it| it.0).ok()?;
        self.refusals.get(at).map(|it| it.1)
    }

    /// Whether nothing was decided of node `n`, to which no way leads that a policy leaves open.
    pub(crate) fn is_unjudged(&self, n: u16) -> bool {
        self.unjudged.binary_search(&n).is_ok()
    }

    fn slice(&self, start: u32, len: u16) -> &[u8] {
        let start = start as usize;
        self.bytes
            .get(start..start + usize::from(len))
            .unwrap_or(&[])
    }
}

/// Copies the parameters of every command that `policy` looks at, once the program is read.
#[cold]
pub(crate) fn fetch<G: GuestStorage>(work: &mut Buffers, storage: &G, policy: &CommandPolicy) {
    let mut commands = core::mem::take(&mut work.commands);
    commands.class = policy.class();
    commands.claimed.resize(work.nodes.len(), false);
    for n in 0..=work.last_node() {
        let Some(node) = work.nodes.get(usize::from(n)) else {
            break;
        };
        let command = node.reach.contains(Reach::COMMAND) && !node.reach.contains(Reach::TWO_WAYS);
        let looked_at = policy.parameters(node.ccw().command).is_some();
        if command && looked_at && matches!(node.op, Op::Output | Op::Nothing) {
            commands.read(work, storage, n);
        }
    }
    commands.pieces.sort_unstable_by_key(|piece| piece.node);
    commands.areas.sort_unstable_by_key(|area| area.2);
    // What the program reads in there it would do with other parameters.
    for &(start, end, _) in &commands.areas {
        work.widen_control(start, end - start);
    }
    work.commands = commands;
}

impl Commands {
    /// Copies the data of the command of node `head`.
    fn read<G: GuestStorage>(&mut self, work: &mut Buffers, storage: &G, head: u16) {
        let first = self.bytes.len();
        let mut n = head;
        let mut after_tic = false;
        let mut begun = false;
        let whole = loop {
            let Some(node) = work.nodes.get_mut(usize::from(n)) else {
                break false;
            };
            if node.op == Op::Tic {
                let to = node.ccw().addr.get();
                match work.find_node(to) {
                    // The channel stops at a second TIC.
                    Some(_) if after_tic => break true,
                    Some(to) => n = to,
                    None => break false,
                }
                after_tic = true;
                continue;
            }
            after_tic = false;
            // Coming round to its own first CCW, it is never whole.
            if begun && (n == head || !self.claim(n, node)) {
                break false;
            }
            begun = true;
            if node.op != Op::Output {
                // The channel stops there, or there is nothing.
                break true;
            }
            let ccw = node.ccw();
            if self.bytes.len() - first + usize::from(ccw.count) > MAX_PARAMETERS {
                break false;
            }
            node.usual = false;
            let node = *node;
            self.copy(work, storage, n, &node);
            if !ccw.chains_data() {
                break true;
            }
            match work.find_node(node.addr.wrapping_add(8)) {
                Some(next) => n = next,
                None => break true,
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "bytes that were read")]
        self.parameters.push(Parameters {
            node: head,
            start: first as u32,
            len: (self.bytes.len() - first) as u16,
            whole,
        });
    }

    /// Whether the CCW of node `n`, reached by data chaining, serves nothing but one command.
    fn claim(&mut self, n: u16, node: &Node) -> bool {
        let others = Reach::all().difference(Reach::OUTPUT | Reach::CERTAIN | Reach::SKIPPABLE);
        match self.claimed.get_mut(usize::from(n)) {
            Some(claimed) if !*claimed && !node.reach.intersects(others) => {
                *claimed = true;
                true
            }
            _ => false,
        }
    }

    /// Copies the data of the CCW of `node`, as much of it as there is.
    fn copy<G: GuestStorage>(&mut self, work: &Buffers, storage: &G, n: u16, node: &Node) {
        let start = self.bytes.len();
        self.scratch.clear();
        dirty::add(&mut self.scratch, work, node, node.ccw().count);
        for &(from, to) in &self.scratch {
            let at = self.bytes.len();
            #[expect(clippy::cast_possible_truncation, reason = "at most MAX_PARAMETERS")]
            self.bytes.resize(at + (to - from) as usize, 0);
            let bytes = self.bytes.get_mut(at..).unwrap_or(&mut []);
            let read = storage.read(GuestAddr::new(from), bytes);
            self.areas.push((from, to, n));
            if (read as u64) < to - from {
                self.bytes.truncate(at + read);
                break;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "bytes that were read")]
        self.pieces.push(Piece {
            node: n,
            start: start as u32,
            len: (self.bytes.len() - start) as u16,
        });
    }
}
