// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where translated programs are put.

use std::ops::Range;

use ccw::{Host, HostAddr};
use css::{Granted, Ram};
use translator::{Area, Bounced, Plan, Slot};

use crate::generator::Scene;

/// First byte of the CCWs.
const CCWS: u64 = 0x1000_0000;
const LISTS: u64 = 0x1100_0000;
/// First byte of the copies.
pub(super) const COPIES: u64 = 0x2000_0000;
/// A page that is stored into, and means nothing.
pub(super) const SCRATCH: u64 = 0x3fff_f000;
/// The host storage that only translated programs use, with room for whatever a plan asks for: no guest's
/// pages lie there, nor a second copy.
pub(super) const ARENA: Range<u64> = CCWS..0x4000_0000;

/// Host storage for one translated program.
#[derive(Debug)]
pub struct Arena {
    /// CCWs.
    pub ccws: Vec<u8>,
    /// Lists.
    pub lists: Vec<u8>,
    /// Copies of data.
    pub copies: Vec<u8>,
}

impl Arena {
    /// Room enough for `plan`. Every byte is FF.
    pub fn for_plan(plan: &Plan) -> Self {
        Self {
            ccws: vec![0xff; plan.ccw_bytes()],
            lists: vec![0xff; plan.list_bytes_at_most()],
            copies: vec![0xff; plan.copy_bytes_at_most().next_multiple_of(8)],
        }
    }

    /// The slot that it is.
    pub fn slot(&mut self) -> Slot<'_> {
        let ccws = Area::new(HostAddr::new(CCWS), &mut self.ccws);
        let lists = Area::new(HostAddr::new(LISTS), &mut self.lists);
        let copies = Area::new(HostAddr::new(COPIES), &mut self.copies);
        let (Ok(ccws), Ok(lists), Ok(copies)) = (ccws, lists, copies) else {
            panic!("the areas lie below 2 GiB")
        };
        let slot = Slot::new(ccws, lists, HostAddr::new(SCRATCH)).expect("a page boundary");
        slot.with_copies(copies).expect("room of its own")
    }

    /// Whether the host address lies in the slot's CCWs or lists.
    pub fn contains(addr: u64) -> bool {
        (CCWS..COPIES).contains(&addr)
    }

    /// Number of the list word at the host address.
    pub fn list_word(addr: u64) -> usize {
        usize::try_from((addr - LISTS) / 8).expect("an index")
    }

    /// Whether the host address lies in this copy.
    pub fn is_copy(addr: u64, copy: &Bounced) -> bool {
        let first = COPIES + copy.at as u64;
        (first..first + copy.len as u64).contains(&addr)
    }

    /// Whether the host address lies in the slot's scratch page.
    pub fn is_scratch(addr: u64) -> bool {
        (SCRATCH..SCRATCH + 4096).contains(&addr)
    }

    /// The list words that were written.
    pub fn written_lists(&self) -> &[u8] {
        let (words, _) = self.lists.as_chunks::<8>();
        let used = words.iter().rposition(|word| *word != [0xff; 8]);
        &self.lists[..8 * used.map_or(0, |last| last + 1)]
    }

    /// Puts what was written into storage, to be fetched only; copies of input are stored into.
    pub(super) fn grant(
        &self,
        storage: &mut Granted<Host, Ram<Host>>,
        bounced: impl Iterator<Item = Bounced>,
    ) {
        storage
            .inner_mut()
            .write(HostAddr::new(COPIES), &self.copies);
        for copy in bounced {
            let access = match copy.input {
                true => css::Access::Store,
                false => css::Access::Fetch,
            };
            let at = HostAddr::new(COPIES + copy.at as u64);
            storage.grant(at, copy.len as u64, access);
        }
        for (at, bytes) in [(CCWS, &self.ccws[..]), (LISTS, self.written_lists())] {
            let at = HostAddr::new(at);
            storage.inner_mut().write(at, bytes);
            storage.grant(at, bytes.len() as u64, css::Access::Fetch);
        }
    }
}

/// Whether the host has anything at `at`: the arena, or guest storage.
pub(super) fn is_mapped(scene: &Scene, at: HostAddr) -> bool {
    let in_region = |region: &pinning::Region| {
        at.get()
            .checked_sub(region.host.get())
            .is_some_and(|offset| offset < region.len)
    };
    ARENA.contains(&at.get()) || scene.regions.regions().iter().any(in_region)
}
