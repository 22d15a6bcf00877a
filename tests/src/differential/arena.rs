// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where translated programs are put.

use ccw::{Host, HostAddr};
use css::{Granted, Ram};
use translator::{Area, Plan, Slot};

/// First byte of the CCWs.
pub(super) const CCWS: u64 = 0x10_0000;
const LISTS: u64 = 0x20_0000;
/// A page that is stored into, and means nothing.
pub(super) const SCRATCH: u64 = 0x70_0000;
/// End of the host storage that only translated programs use.
pub(super) const ARENA_END: u64 = 0x80_0000;

/// Host storage for one translated program.
#[derive(Debug)]
pub struct Arena {
    /// CCWs.
    pub ccws: Vec<u8>,
    /// Lists.
    pub lists: Vec<u8>,
}

impl Arena {
    /// Room enough for `plan`; every byte is FF.
    pub fn for_plan(plan: &Plan) -> Self {
        Self {
            ccws: vec![0xff; plan.ccw_bytes()],
            lists: vec![0xff; plan.list_bytes_at_most()],
        }
    }

    /// The slot that it is.
    pub fn slot(&mut self) -> Slot<'_> {
        let ccws = Area::new(HostAddr::new(CCWS), &mut self.ccws);
        let lists = Area::new(HostAddr::new(LISTS), &mut self.lists);
        let (Ok(ccws), Ok(lists)) = (ccws, lists) else {
            panic!("the areas lie below 2 GiB")
        };
        Slot::new(ccws, lists, HostAddr::new(SCRATCH)).expect("a page boundary")
    }

    /// Whether the host address lies in the slot's CCWs or lists.
    pub fn contains(addr: u64) -> bool {
        (CCWS..SCRATCH).contains(&addr)
    }

    /// Number of the list word at the host address.
    pub fn list_word(addr: u64) -> usize {
        usize::try_from((addr - LISTS) / 8).expect("an index")
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

    /// Puts what was written into storage, to be fetched only.
    pub(super) fn grant(&self, storage: &mut Granted<Host, Ram<Host>>) {
        for (at, bytes) in [(CCWS, &self.ccws[..]), (LISTS, self.written_lists())] {
            let at = HostAddr::new(at);
            storage.inner_mut().write(at, bytes);
            storage.grant(at, bytes.len() as u64, css::Access::Fetch);
        }
    }
}
