// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading usual commands, one behind the other: most of most programs.

use ccw::{Ccw, CcwFlags, Format, Guest, GuestAddr, RawCcw};

use crate::{
    Buffers, Guards, GuestStorage, Skips,
    chain::{Op, common},
    node::{Node, Reach},
};

use super::list;

/// Why a CCW was not read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unread {
    /// There is no storage.
    Gone,
    /// Its key forbids it.
    Protected,
    /// Enough were read.
    TooLong,
}

/// What comes behind the usual commands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// This CCW, which was read and is something else.
    Rare(RawCcw),
    /// A CCW that cannot be read.
    Unread(Unread),
    /// The address up to which there was to be read.
    Limit,
    /// Nothing: the program ends.
    End,
}

/// Whether usual commands need no more thought than is given to them here: no storage has keys,
/// only searches skip, and there are no breaks.
#[inline]
pub(crate) fn applies(work: &Buffers, guards: &Guards<'_>) -> bool {
    guards.keys.is_none() && work.policy.skips == Skips::Searches && work.breaks.is_empty()
}

/// Reads usual commands from `at` on, none at `limit`; the first was reached as `reach` says, and
/// it lies below. Returns the address behind the last, and what is there.
#[inline(always)]
pub(crate) fn read<G: GuestStorage>(
    work: &mut Buffers,
    storage: &G,
    guards: &Guards<'_>,
    mut at: u32,
    limit: u32,
    mut reach: Reach,
) -> (u32, Stop) {
    let lists = list::Simple::new(&work.orb, guards);
    let format = work.orb.format;
    let left = u32::from(work.policy.max_ccws).saturating_sub(work.next_node());
    if left == 0 {
        return (at, Stop::Unread(Unread::TooLong));
    }
    // Both are far below 2^32.
    let limit = limit.min(at.wrapping_add(left.wrapping_mul(8)));
    loop {
        let guest = GuestAddr::new(u64::from(at));
        let Some(bytes) = storage.read_doubleword(guest) else {
            return (at, Stop::Unread(Unread::Gone));
        };
        let raw = RawCcw(bytes);
        let (word, ignored) = match format {
            Format::One => (u64::from_be_bytes(bytes), 0),
            Format::Zero => (raw.format1(format), raw.ignored(format)),
        };
        let Some(op) = common(word) else {
            return (at, Stop::Rare(raw));
        };
        let ccw = Ccw::<Guest>::from_format1(word);
        work.nodes.push(Node {
            reach,
            usual: op != Op::Backward,
            ..Node::new(work.next_node(), at, word, ignored, op, ccw.command)
        });
        at = at.wrapping_add(8);
        reach = reach.difference(Reach::SKIPPABLE);
        let listed = ccw.flags.contains(CcwFlags::INDIRECT);
        if (listed && !lists.fetch(work, storage, guards)) || !ccw.chains_command() {
            return (at, Stop::End);
        }
        if at >= limit {
            return (at, Stop::Limit);
        }
    }
}
