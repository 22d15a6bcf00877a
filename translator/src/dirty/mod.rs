// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which guest storage the device may have stored into, once the host's status is there.
//!
//! The status names the CCW in control, and how many of its bytes are left. Which CCWs came before
//! it is a question to the program: those from which control can lead there. Any command is taken
//! to be able to skip here, so nothing depends on what devices are known to do.

mod reached;
#[cfg(test)]
mod tests;

use core::ops::Range;

use ccw::{CCW_SIZE, FunctionControl, GuestAddr, Host, IdawFormat, Irb, SubchannelStatus};
use pinning::Pinner;

use crate::{Translated, complete::Spot};

pub(crate) use reached::{Reached, add, merge};

impl<P: Pinner> Translated<P> {
    /// See [`Running::dirty`](crate::Running::dirty).
    pub(crate) fn dirty(
        &mut self,
        host: &Irb<Host>,
    ) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let mut reached = core::mem::take(&mut self.work.reached);
        reached.areas.clear();
        reached.areas.extend_from_slice(&self.work.stored);
        match self.end_of(host) {
            Some((last, stored)) => reached.up_to(&self.work, last, stored),
            None => reached.everything(&self.work),
        }
        self.keep(reached)
    }

    /// See [`Running::dirty_at_most`](crate::Running::dirty_at_most).
    pub(crate) fn dirty_at_most(&mut self) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let mut reached = core::mem::take(&mut self.work.reached);
        reached.areas.clear();
        reached.areas.extend_from_slice(&self.work.stored);
        reached.everything(&self.work);
        self.keep(reached)
    }

    /// See [`Running::referenced`](crate::Running::referenced).
    pub(crate) fn referenced(&self) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let work = &self.work;
        let idaws = IdawFormat::of(&work.orb);
        let ccws = work.spans.iter().map(|span| {
            let start = u64::from(span.start);
            (start, start + u64::from(span.len) * CCW_SIZE)
        });
        let lists = work
            .nodes
            .iter()
            .filter_map(move |node| node.list_bytes(idaws));
        let data = work.extents.iter().map(|extent| {
            let start = extent.start.get();
            (start, start.saturating_add(u64::from(extent.len)))
        });
        let all = ccws.chain(lists).chain(work.commands.areas()).chain(data);
        all.filter(|(start, end)| start < end)
            .map(|(start, end)| GuestAddr::new(start)..GuestAddr::new(end))
    }

    fn keep(&mut self, mut reached: Reached) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        reached.merge();
        self.work.reached = reached;
        let areas = self.work.reached.areas.iter();
        areas.map(|&(start, end)| GuestAddr::new(start)..GuestAddr::new(end))
    }

    /// Number of the node at which the program has ended, and how many bytes of it were stored, if
    /// the status is one that says so.
    fn end_of(&self, host: &Irb<Host>) -> Option<(u16, u16)> {
        let (n, stored) = self.stored_at(host)?;
        let node = self.work.nodes.get(usize::from(n))?;
        Some((n, stored.unwrap_or(node.good)))
    }

    /// The same, with `None` for how many bytes when the residual count does not tell.
    pub(crate) fn stored_at(&self, host: &Irb<Host>) -> Option<(u16, Option<u16>)> {
        let scsw = &host.scsw;
        let addressless =
            SubchannelStatus::INTERFACE_CONTROL_CHECK | SubchannelStatus::CHANNEL_CONTROL_CHECK;
        let ended = scsw.function == FunctionControl::START
            && scsw.status.contains(ccw::StatusControl::PRIMARY)
            && scsw.deferred_cc == 0
            && !scsw.subchannel.intersects(addressless);
        let Spot {
            node: n,
            count,
            left,
        } = self.spot(scsw.cpa).filter(|_| ended)?;
        let node = self.work.nodes.get(usize::from(n))?;
        if !scsw.residual_is_valid() {
            return Some((n, None));
        }
        // More left than there ever was says nothing.
        let here = count.checked_sub(scsw.residual);
        let before = node.ccw().count.saturating_sub(count).saturating_sub(left);
        let stored = here.map(|here| before.saturating_add(here).min(node.good));
        Some((n, stored))
    }
}
