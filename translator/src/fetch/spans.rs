// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The spans of adjoining CCWs that the walk leaves behind.

use ccw::CCW_SIZE;

use crate::{
    Buffers, GuestStorage,
    node::{Node, Span},
};

use super::{
    ceiling,
    walk::{NO_SPAN, Walk},
};

impl<G: GuestStorage> Walk<'_, G> {
    /// Looks `at` up among the spans; when it is in none, starts one there.
    pub(super) fn seek(&mut self, at: u32) -> Option<u16> {
        self.leave_span();
        let known = self.work.find_node(at);
        if known.is_none() {
            self.open_span(at, self.work.next_node());
        }
        known
    }

    /// Starts a span at `at`, which is in none, with node `first`.
    pub(super) fn open_span(&mut self, at: u32, first: u32) {
        let Buffers { spans, orb, .. } = &mut *self.work;
        let limit = ceiling(orb.format);
        self.span = spans.partition_point(|span| span.start <= at);
        self.ceiling = spans.get(self.span).map_or(limit, |span| span.start);
        self.tail = at;
        #[expect(clippy::cast_possible_truncation, reason = "max_ccws is a u16")]
        let first = first as u16;
        let span = Span {
            start: at,
            first,
            len: 0,
        };
        self.work.spans.insert(self.span, span);
    }

    /// Adds a node to the growing span.
    #[inline(always)]
    pub(super) fn push(&mut self, node: Node) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "max_ccws is a u16")]
        let index = self.work.nodes.len() as u16;
        self.tail = node.addr.wrapping_add(8);
        self.work.nodes.push(node);
        index
    }

    /// Writes down the length of the growing span; without any node it is none.
    pub(super) fn leave_span(&mut self) {
        let Buffers { spans, .. } = &mut *self.work;
        let grown = if self.tail == NO_SPAN {
            None
        } else {
            spans.get_mut(self.span)
        };
        let tail = core::mem::replace(&mut self.tail, NO_SPAN);
        let Some(span) = grown else { return };
        if tail == span.start {
            spans.remove(self.span);
            return;
        }
        let bytes = tail.wrapping_sub(span.start);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "no more nodes than a u16 counts"
        )]
        let len = (bytes / CCW_SIZE as u32) as u16;
        span.len = len;
        let start = u64::from(span.start);
        self.work.widen_control(start, u64::from(bytes));
    }
}
