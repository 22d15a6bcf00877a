// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Data that goes by way of a copy, because the host cannot be shown where the guest has it.
//!
//! No stage behind [`fetch`](crate::fetch) reaches guest storage, this one neither: it lists what is
//! to be copied, and whoever has the storage does it. Of input the number of bytes that the device
//! stored is known for the CCW in control only. Of the others it is seen by what has changed: what is
//! to be stored over is copied first, twice, and the bytes up to the last one that differs from the
//! second copy are the device's. Behind these nothing was stored, or what had been there before.

use core::ops::Range;

use ccw::{CcwFlags, GuestAddr, Host, Irb, StatusControl};
use pinning::Pinner;

use crate::{Buffers, Code, Translated, chain::Op, data::Piece, node::Node, transport};

/// A CCW whose data goes by way of a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounce {
    /// Number of the node.
    pub(crate) node: u16,
    /// Where its data is in the area for copies; reading backward, the first byte that moves is the
    /// last one there.
    pub(crate) at: u32,
    /// Of input, where the second copy is of what it stores over.
    pub(crate) kept: Option<u32>,
    /// How many bytes have to go to the guest now, and how many went before.
    moved: u16,
    done: u16,
}

/// A CCW whose data goes by way of a copy, because the host cannot be shown where the guest has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounced {
    /// Its guest address.
    pub ccw: GuestAddr,
    /// The first byte of the copy in the area for copies of the [`Slot`](crate::Slot).
    pub at: usize,
    /// How many the device may use, in this order; reading backward, the last one moves first.
    pub len: usize,
    /// The device stores them, and they are copied back.
    pub input: bool,
}

/// Bytes to be copied from guest storage to the area for copies of the [`Slot`](crate::Slot).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyOut {
    /// Their first byte in the guest, in storage that is pinned.
    pub guest: GuestAddr,
    /// Their first byte in the area.
    pub at: usize,
    /// Where the same bytes go once more: this copy is not shown to the device, and
    /// [`Running::copies_back`](crate::Running::copies_back) compares with it.
    pub kept: Option<usize>,
    /// How many.
    pub len: usize,
}

/// Bytes to be copied from the area for copies to guest storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyBack {
    /// Their first byte in the guest, in storage that is pinned for stores.
    pub guest: GuestAddr,
    /// Their first byte in the area.
    pub at: usize,
    /// How many.
    pub len: usize,
}

impl Bounce {
    pub(crate) fn new(node: u16) -> Self {
        Self {
            node,
            at: 0,
            kept: None,
            moved: 0,
            done: 0,
        }
    }
}

impl<P: Pinner> Translated<P> {
    /// What is to be copied before the host is given the program, and stored where the device finds
    /// the area, with all the rest that was written there. Usually nothing.
    pub fn copies_out(&self) -> impl Iterator<Item = CopyOut> + '_ {
        let work = &*self.work;
        work.bounces.iter().flat_map(move |bounce| {
            let kept = bounce.kept.map(|kept| kept.abs_diff(bounce.at) as usize);
            work.copies(bounce, 0..u16::MAX).map(move |copy| CopyOut {
                guest: copy.guest,
                at: copy.at,
                kept: kept.map(|ahead| copy.at + ahead),
                len: copy.len,
            })
        })
    }

    /// The CCWs whose data goes by way of a copy.
    pub fn bounced(&self) -> impl Iterator<Item = Bounced> + '_ {
        self.work.bounces.iter().filter_map(|bounce| {
            let node = self.work.nodes.get(usize::from(bounce.node))?;
            Some(Bounced {
                ccw: node.guest(),
                at: bounce.at as usize,
                len: node.good.into(),
                input: bounce.kept.is_some(),
            })
        })
    }

    /// See [`Running::copies_back`](crate::Running::copies_back).
    pub(crate) fn copies_back(
        &mut self,
        host: Option<&Irb<Host>>,
        area: &[u8],
    ) -> impl Iterator<Item = CopyBack> + '_ {
        self.settle(host, area);
        let work = &*self.work;
        let tsbs = host.map(|host| transport::copies_back(work, host));
        let bounces = work.bounces.iter();
        bounces
            .flat_map(move |bounce| work.copies(bounce, bounce.done..bounce.moved))
            .chain(tsbs.into_iter().flatten().flatten())
    }

    /// Finds out how many bytes of each input have to go to the guest.
    fn settle(&mut self, host: Option<&Irb<Host>>, area: &[u8]) {
        if self.work.bounces.is_empty() {
            return;
        }
        let ended = host.is_none_or(|host| host.scsw.status.contains(StatusControl::PRIMARY));
        let known = host.and_then(|host| self.stored_at(host));
        let current = match host {
            Some(host) if !ended => self.spot(host.scsw.cpa).map(|spot| spot.node),
            _ => None,
        };
        let ordered = self.work.goes_forward();
        let mut bounces = core::mem::take(&mut self.work.bounces);
        for bounce in &mut bounces {
            let (Some(node), Some(kept)) =
                (self.work.nodes.get(usize::from(bounce.node)), bounce.kept)
            else {
                continue;
            };
            // What may come again is copied again, and until the end it may come again.
            bounce.done = if ordered { bounce.moved } else { 0 };
            let before = ordered && current.is_some_and(|current| bounce.node < current);
            if !ended && !before {
                bounce.moved = bounce.done;
                continue;
            }
            let mut moved = changed(node, area, bounce.at, kept);
            if let Some((last, Some(stored))) = known
                && last == bounce.node
            {
                moved = moved.max(stored);
            }
            bounce.moved = moved.max(bounce.done);
        }
        self.work.bounces = bounces;
    }
}

impl Buffers {
    /// The data of `bounce` from byte `range.start` up to `range.end`, without what is skipped.
    fn copies(&self, bounce: &Bounce, range: Range<u16>) -> impl Iterator<Item = CopyBack> + '_ {
        let at = bounce.at as usize;
        let node = self.nodes.get(usize::from(bounce.node));
        node.into_iter().flat_map(move |node| {
            let mut passed = 0_u16;
            let good = node.good;
            let backward = node.op == Op::Backward;
            let pieces = self.pieces(node, good.min(range.end));
            let range = range.clone();
            pieces.filter_map(move |piece| {
                let before = passed;
                passed = passed.saturating_add(piece.len);
                let gone = range.start.saturating_sub(before).min(piece.len);
                let rest = Piece {
                    first: if backward {
                        piece.first.wrapping_sub(u64::from(gone))
                    } else {
                        piece.first.wrapping_add(u64::from(gone))
                    },
                    len: piece.len - gone,
                    ..piece
                };
                if rest.skip || rest.len == 0 {
                    return None;
                }
                let offset = if backward {
                    good - passed
                } else {
                    before + gone
                };
                Some(CopyBack {
                    guest: GuestAddr::new(rest.area(node.op).0),
                    at: at + usize::from(offset),
                    len: rest.len.into(),
                })
            })
        })
    }

    /// Whether every CCW that can take control behind another one was read behind it.
    fn goes_forward(&self) -> bool {
        (0..self.nodes.len()).all(|n| self.behind(n).into_iter().flatten().all(|next| next > n))
    }

    /// Refuses a program whose copies do not come to the same as its own storage would: because
    /// another CCW uses that as well, or because the guest may look at it more often than it is copied.
    /// The number of the CCW in whose way it is, and of the one that is.
    #[inline(always)]
    pub(crate) fn keep_apart(&mut self) -> Result<(), (Code, u16, Option<u16>)> {
        if self.bounces.is_empty() {
            return Ok(());
        }
        self.compare_areas()
    }

    fn compare_areas(&mut self) -> Result<(), (Code, u16, Option<u16>)> {
        let ordered = self.goes_forward();
        let interrupts = |node: &Node| node.ccw().flags.contains(CcwFlags::PCI);
        let input = self
            .bounces
            .iter()
            .find(|bounce| self.is_input(bounce.node));
        if let Some(input) = input
            && !ordered
            && let Some((_, n)) = (self.nodes.iter().zip(0..)).find(|(node, _)| interrupts(node))
        {
            let other = (n != input.node).then_some(n);
            return Err((Code::EnvSharedCopy, input.node, other));
        }
        let mut areas = core::mem::take(&mut self.segments.areas);
        areas.clear();
        for (node, n) in self.nodes.iter().zip(0..) {
            if node.op.transfers() && node.good > 0 {
                let pieces = self.pieces(node, node.good).filter(|piece| !piece.skip);
                areas.extend(pieces.map(|piece| {
                    let (start, end) = piece.area(node.op);
                    (start, end, n)
                }));
            }
        }
        areas.sort_unstable();
        let mut shared = Shared::default();
        let mut hit = None;
        for &(start, end, n) in &areas {
            if start >= shared.end {
                shared = Shared::default();
            }
            shared.add(end, n, self.is_input(n), self.is_bounced(n));
            hit = shared.conflict(ordered);
            if hit.is_some() {
                break;
            }
        }
        self.segments.areas = areas;
        hit.map_or(Ok(()), |(n, other)| Err((Code::EnvSharedCopy, n, other)))
    }

    fn is_bounced(&self, n: u16) -> bool {
        let found = self.bounces.binary_search_by_key(&n, |bounce| bounce.node);
        found.is_ok()
    }

    fn is_input(&self, n: u16) -> bool {
        let node = self.nodes.get(usize::from(n));
        node.is_some_and(|node| node.op != Op::Output)
    }
}

/// Storage that several CCWs use, one way or another.
#[derive(Default)]
struct Shared {
    end: u64,
    /// A CCW that uses it by a copy.
    bounced: Option<u16>,
    /// Of these one that stores there.
    stores: bool,
    /// Areas that are stored into.
    inputs: usize,
    first_input: Option<u16>,
    last_input: Option<u16>,
    last_output: Option<u16>,
}

impl Shared {
    fn add(&mut self, end: u64, n: u16, input: bool, bounced: bool) {
        self.end = self.end.max(end);
        if bounced {
            self.bounced = Some(n);
            self.stores |= input;
        }
        if input {
            self.inputs += 1;
            self.first_input = Some(self.first_input.map_or(n, |first| first.min(n)));
            self.last_input = self.last_input.max(Some(n));
        } else {
            self.last_output = self.last_output.max(Some(n));
        }
    }

    /// The CCW whose copy is not the same as the storage itself. Only what is fetched before it is
    /// stored into is. And another one that uses it, if there is one.
    fn conflict(&self, ordered: bool) -> Option<(u16, Option<u16>)> {
        let stored_twice = self.stores && self.inputs > 1;
        let fetched_behind = match (self.first_input, self.last_output) {
            (Some(input), Some(output)) => !ordered || input < output,
            _ => false,
        };
        let n = self.bounced.filter(|_| stored_twice || fetched_behind)?;
        let users = [self.last_output, self.first_input, self.last_input];
        let mut others = users
            .into_iter()
            .skip(usize::from(!fetched_behind))
            .flatten();
        Some((n, others.find(|other| *other != n)))
    }
}

/// How many bytes of the data of `node`, which lies at `at` in `area`, the device stored, as far as
/// they differ from what was kept.
fn changed(node: &Node, area: &[u8], at: u32, kept: u32) -> u16 {
    let place = |at: u32| {
        let at = at as usize;
        area.get(at..at + usize::from(node.good))
    };
    let (Some(data), Some(kept)) = (place(at), place(kept)) else {
        return 0;
    };
    let mut bytes = data.iter().zip(kept);
    let moved = match node.op {
        Op::Backward => bytes
            .position(|(now, before)| now != before)
            .map(|n| data.len() - n),
        _ => bytes
            .rposition(|(now, before)| now != before)
            .map(|n| n + 1),
    };
    moved.map_or(0, |moved| u16::try_from(moved).unwrap_or(node.good))
}
