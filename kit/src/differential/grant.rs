// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A back end that never lets the host at the guest's pages.
//!
//! It lends copies of the pages that a program uses, as grant tables or a bounce buffer would, and
//! carries back what the device stored. That shows that [`Pinner`] asks for no more than such a
//! back end has.

use std::{cell::RefCell, collections::BTreeMap, ops::Range};

use ccw::{GuestAddr, Host, HostAddr};
use css::Ram;
use pinning::{
    Access, AddrSpace, Caps, Extent, InvalidateError, PAGE_SIZE, PinError, Pinner, Run, Runs,
    Stability,
};

use crate::second_copy;

/// Lends copies of what `inner` finds.
#[derive(Debug)]
pub struct GrantPinner<'r, P> {
    inner: P,
    ram: &'r RefCell<Ram<Host>>,
    lent: RefCell<Lent>,
}

/// The pages that are lent, by the page that each is a copy of.
#[derive(Debug, Default)]
struct Lent {
    pages: BTreeMap<u64, Page>,
    /// How many pages were lent so far.
    count: u64,
}

#[derive(Debug)]
struct Page {
    copy: u64,
    /// How many pins it has.
    pins: u32,
}

/// What one program was lent.
#[derive(Debug)]
pub struct Grant<T> {
    inner: T,
    /// The pieces, where they really lie.
    pieces: Vec<(Run, Access)>,
}

impl<'r, P> GrantPinner<'r, P> {
    /// Lends copies of what is in `ram`, which lie in `ram` as well.
    pub fn new(inner: P, ram: &'r RefCell<Ram<Host>>) -> Self {
        Self {
            inner,
            ram,
            lent: RefCell::default(),
        }
    }

    /// That no page is lent any more.
    ///
    /// # Errors
    ///
    /// Which ones are, in words.
    pub fn all_given_back(&self) -> Result<(), String> {
        match &self.lent.borrow().pages {
            pages if pages.is_empty() => Ok(()),
            pages => Err(format!("still lent: {pages:x?}")),
        }
    }

    /// Where the copy of the page at `page` lies, which is made if there is none.
    fn lend(&self, page: u64) -> u64 {
        let mut lent = self.lent.borrow_mut();
        let Lent { pages, count } = &mut *lent;
        let page_lent = pages.entry(page).or_insert_with(|| {
            // From above and with gaps: neighbours in the guest are none here.
            *count += 1;
            let copy = second_copy::STORAGE.end - *count * 2 * PAGE_SIZE;
            let mut ram = self.ram.borrow_mut();
            let bytes = ram.read(HostAddr::new(page), 4096);
            ram.write(HostAddr::new(copy), &bytes);
            Page { copy, pins: 0 }
        });
        page_lent.pins += 1;
        page_lent.copy
    }

    /// Carries back what was stored into a piece of the page at `page`, and forgets the copy if
    /// nobody else has it.
    fn take_back(&self, page: u64, piece: Range<u64>, access: Access) {
        let mut lent = self.lent.borrow_mut();
        let Some(entry) = lent.pages.get_mut(&page) else {
            return;
        };
        if access == Access::DeviceWrites {
            let mut ram = self.ram.borrow_mut();
            for offset in piece {
                let stored = ram.read(HostAddr::new(entry.copy + offset), 1);
                let there = HostAddr::new(page + offset);
                // What the device left alone may have been changed by the guest.
                if ram.read(there, 1) != stored {
                    ram.write(there, &stored);
                }
            }
        }
        entry.pins -= 1;
        if entry.pins == 0 {
            lent.pages.remove(&page);
        }
    }
}

/// The parts of a run that lie in one page: the page, and which of its bytes.
fn pages(run: Run) -> impl Iterator<Item = (u64, Range<u64>)> {
    let mut at = run.host.get();
    let end = at + u64::from(run.len);
    std::iter::from_fn(move || {
        let page = at - at % PAGE_SIZE;
        let left = end.checked_sub(at).filter(|left| *left > 0)?;
        let part = at - page..(at - page + left).min(PAGE_SIZE);
        at = page + PAGE_SIZE;
        Some((page, part))
    })
}

impl<P: Pinner> Pinner for GrantPinner<'_, P> {
    type Token = Grant<P::Token>;

    fn caps(&self) -> Caps {
        Caps {
            space: AddrSpace::HostPhys,
            stability: Stability::PinnedAndSealed,
            ..self.inner.caps()
        }
    }

    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<Self::Token, PinError> {
        let inner = self.inner.pin(extents, runs)?;
        let found = runs.clone();
        let mut found = found.as_slice().iter();
        let mut pieces = Vec::new();
        runs.clear();
        for extent in extents {
            let mut left = extent.len;
            while left > 0
                && let Some(&run) = found.next()
            {
                for (page, part) in pages(run) {
                    let host = HostAddr::new(self.lend(page) + part.start);
                    runs.push(host, (part.end - part.start) as u32, false);
                }
                pieces.push((run, extent.access));
                left -= run.len;
            }
        }
        Ok(Grant { inner, pieces })
    }

    fn unpin(&self, token: Self::Token) {
        for (run, access) in token.pieces {
            for (page, part) in pages(run) {
                self.take_back(page, part, access);
            }
        }
        self.inner.unpin(token.inner);
    }

    fn quarantine(&self, token: Self::Token) {
        self.inner.quarantine(token.inner);
    }

    fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError> {
        self.inner.begin_invalidate(range)
    }

    fn quiesced(&self, range: Range<GuestAddr>) -> bool {
        self.inner.quiesced(range)
    }

    fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool) {
        self.inner.end_invalidate(range, still_mapped);
    }
}
