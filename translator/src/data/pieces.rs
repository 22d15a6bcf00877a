// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The storage of one CCW, piece by piece, whatever names it.

use ccw::{Guest, IdawFormat, Midaw};

use super::{raw_midaw, skips};
use crate::{Buffers, chain::Op, node::Node};

/// Bytes that adjoin in guest storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Address of the first byte that moves: reading backward, the highest one.
    pub(crate) first: u64,
    pub(crate) len: u16,
    /// They are not stored, and the address means nothing.
    pub(crate) skip: bool,
}

impl Piece {
    /// Its lowest address and its end.
    pub(crate) fn area(&self, op: Op) -> (u64, u64) {
        let len = u64::from(self.len);
        let start = match op {
            Op::Backward => self.first.wrapping_add(1).wrapping_sub(len),
            _ => self.first,
        };
        (start, start.saturating_add(len))
    }
}

impl Buffers {
    /// The first `bytes` bytes of the data of `node`, in the order in which they move. That many must
    /// have been found good.
    pub(crate) fn pieces(&self, node: &Node, bytes: u16) -> impl Iterator<Item = Piece> + '_ {
        let node = *node;
        let words = self.list(&node);
        let block = IdawFormat::of(&self.orb).block();
        let mut left = bytes;
        let mut n = 0;
        core::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let (first, room, skip) = if node.list_len == 0 {
                (u64::from(node.ccw().addr.get()), left, false)
            } else if node.is_midal() {
                let (pairs, _) = words.as_chunks::<2>();
                let midaw = Midaw::<Guest>::decode(raw_midaw(pairs.get(n)?));
                (midaw.addr.get(), midaw.count, skips(&midaw, node.op))
            } else {
                let first = u64::from_be_bytes(*words.get(n)?);
                let offset = first & (block - 1);
                let room = match node.op {
                    Op::Backward => offset + 1,
                    _ => block - offset,
                };
                (first, super::narrow(room), false)
            };
            n += 1;
            let len = left.min(room);
            left -= len;
            Some(Piece { first, len, skip })
        })
    }
}
