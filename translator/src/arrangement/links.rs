// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Data that the host does not take as the guest gives it: MIDAWs where there are none, and reading
//! backward where blocks are counted upward. It is done by a list of blocks if one can name it, else
//! by several host CCWs, chained by data, else by way of a copy in one piece.
//!
//! Data chaining is not the same as one CCW where the guest goes on behind a record that ends early,
//! where the CCW may be skipped, and where the data stops at a fault within a block.

use ccw::Format;

use crate::{Buffers, Code, HostProfile, chain::Op, data::Piece, node::Node};

/// Bytes of one CCW that one host list of blocks can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// How far into a block its first byte lies.
    pub(crate) offset: u64,
    pub(crate) len: u16,
    /// They are not stored.
    pub(crate) skip: bool,
}

/// How the data of one CCW is given to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// By one list.
    Whole,
    /// By several, data chained.
    Links,
    /// By a copy.
    Bounced,
}

impl Node {
    /// Whether the host may be unable to take the data as the guest gives it.
    #[inline]
    pub(crate) fn is_lowered(&self, profile: &HostProfile) -> bool {
        let midaws = self.is_midal() && !profile.midaws;
        let backward = self.op == Op::Backward && profile.rebuilds_lists && !self.is_midal();
        self.op.transfers() && (midaws || backward)
    }
}

impl Buffers {
    /// How the data of `node` is given to the host in blocks of `block` bytes. `chains` says that
    /// other host CCWs may stand in its place.
    pub(crate) fn form(&self, node: &Node, block: u64, chains: bool) -> Result<Form, Code> {
        if !node.is_lowered(&self.profile) || node.good == 0 {
            return Ok(Form::Whole);
        }
        let mut rest = node.ccw().count;
        let mut count = 0_usize;
        let mut last: Option<Link> = None;
        for link in self.links(node, block) {
            rest = rest.saturating_sub(last.map_or(0, |last| last.len));
            count += 1;
            last = Some(link);
        }
        // What is forbidden must be where one block ends and another would begin.
        let stops = match (last, node.fault) {
            (Some(last), Some(_)) => {
                let reached = !self.profile.rebuilds_lists
                    || reaches(node.op, last.offset, last.len, rest, true, block);
                !last.skip && can_stop(node.op, last.offset, last.len, block) && reached
            }
            _ => true,
        };
        match count {
            1 if stops => Ok(Form::Whole),
            2.. if stops && chains && !self.goes_on_early(node) => Ok(Form::Links),
            _ => self.bounce_offset(node, block).map(|_| Form::Bounced),
        }
    }

    /// The good bytes of `node` as links, for lists of blocks of `block` bytes.
    pub(crate) fn links(&self, node: &Node, block: u64) -> impl Iterator<Item = Link> + '_ {
        let (op, rebuilds) = (node.op, self.profile.rebuilds_lists);
        let faulty = node.fault.is_some();
        let mut pieces = self.pieces(node, node.good).peekable();
        let mut left = node.ccw().count;
        let mut rest = None;
        core::iter::from_fn(move || {
            if let Some(link) = rest.take() {
                return Some(link);
            }
            let mut last = pieces.next()?;
            let mut link = Link {
                offset: last.first & (block - 1),
                ..Link::of(&last)
            };
            while let Some(next) = pieces.next_if(|next| joins(op, &last, next, block)) {
                link.len = link.len.saturating_add(next.len);
                last = next;
            }
            // The last one has all that is left of the count.
            let is_last = pieces.peek().is_none();
            let count = if is_last { left } else { link.len };
            left = left.saturating_sub(link.len);
            let fits = link.skip
                || !rebuilds
                || reaches(op, link.offset, link.len, count, is_last && faulty, block);
            if !fits && let Some((first, behind)) = link.split(block) {
                rest = Some(behind);
                link = first;
            }
            Some(link)
        })
    }

    /// Whether the program goes on with the next command where `node` ends before its last byte,
    /// which the first of several host CCWs would not do.
    fn goes_on_early(&self, node: &Node) -> bool {
        let quiet = self.orb.format == Format::Zero || self.orb.length_suppression;
        node.ccw().chains_command() && (node.suppresses() || quiet)
    }

    /// How far into a block the copy of the data of `node` begins: so that the data ends where a block
    /// does, if something forbids the byte behind it.
    pub(crate) fn bounce_offset(&self, node: &Node, block: u64) -> Result<u64, Code> {
        let good = u64::from(node.good);
        let faulty = node.fault.is_some();
        if node.op != Op::Backward {
            return Ok(if faulty {
                good.wrapping_neg() & (block - 1)
            } else {
                0
            });
        }
        let offset = if faulty {
            good.wrapping_sub(1) & (block - 1)
        } else {
            block - 1
        };
        let count = node.ccw().count;
        let enough = !self.profile.rebuilds_lists
            || reaches(node.op, offset, node.good, count, faulty, block);
        enough.then_some(offset).ok_or(Code::EnvReadBackward)
    }
}

impl Link {
    fn of(piece: &Piece) -> Self {
        Self {
            offset: 0,
            len: piece.len,
            skip: piece.skip,
        }
    }

    /// Reading backward: what lies in the first block, and the rest.
    fn split(self, block: u64) -> Option<(Self, Self)> {
        let len = u16::try_from(self.offset + 1).ok()?;
        let rest = self.len.checked_sub(len).filter(|&rest| rest > 0)?;
        let first = Self { len, ..self };
        let behind = Self {
            offset: block - 1,
            len: rest,
            ..self
        };
        Some((first, behind))
    }
}

/// Whether one list can name `next` behind `last`.
fn joins(op: Op, last: &Piece, next: &Piece, block: u64) -> bool {
    if last.skip || next.skip {
        return last.skip && next.skip;
    }
    let (start, end) = last.area(op);
    let (from, to) = if op == Op::Backward {
        (start, next.first.wrapping_add(1))
    } else {
        (end, next.first)
    };
    from == to || (from.is_multiple_of(block) && to.is_multiple_of(block))
}

/// Whether a list can stop the channel behind `len` bytes from `offset` bytes into a block on: where
/// a word begins that is not the first one.
fn can_stop(op: Op, offset: u64, len: u16, block: u64) -> bool {
    let len = u64::from(len);
    match op {
        Op::Backward => (offset + 1).wrapping_sub(len).is_multiple_of(block),
        _ => (offset + len).is_multiple_of(block),
    }
}

/// Whether a host that counts blocks upward, for `count` bytes, reads all words that are needed for
/// `len` of them, and one more `to_stop` at.
fn reaches(op: Op, offset: u64, len: u16, count: u16, to_stop: bool, block: u64) -> bool {
    if op != Op::Backward {
        return true;
    }
    let host = (offset + u64::from(count)).div_ceil(block);
    let needed = 1 + u64::from(len).saturating_sub(offset + 1).div_ceil(block);
    host >= needed + u64::from(to_stop)
}
