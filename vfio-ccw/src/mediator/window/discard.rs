// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Taking pages out of a region, and giving them back: ballooning.

use std::ops::{Deref, DerefMut, Range};

use ccw::GuestAddr;
use pinning::PAGE_SIZE;

use super::withdrawal::Withdrawal;
use super::{Layout, ShadowWindow, UnmapPolicy, WindowError};

/// Pages whose contents are to be thrown away: a [`Withdrawal`] that ends with
/// [`finish`](Self::finish). While it [is quiet](Withdrawal::is_quiet) no device has the pages, and the
/// VMM may free or replace them (`MADV_DONTNEED`, `MADV_REMOVE`, punching a hole): a program that came
/// before would go on storing into the old ones. Dropping it leaves them as they are.
///
/// The mapping for the devices stays, for it pins nothing: the kernel looks the pages up anew for each
/// program.
///
/// ```
/// # use ccw::GuestAddr;
/// # use vfio_ccw::HostMemory;
/// # use vfio_ccw::device::soft::SoftSpace;
/// # use vfio_ccw::mediator::{
/// #     GuestRegion, Left, ShadowWindow, UnmapPolicy, WindowConfig, WindowError,
/// # };
/// # let window = ShadowWindow::new(SoftSpace::new(), WindowConfig::default())?;
/// # let ram = HostMemory::anonymous(0x10_0000).expect("memory");
/// # window.add(GuestRegion::new(GuestAddr::new(0), ram))?;
/// let page = GuestAddr::new(0x8000)..GuestAddr::new(0x9000);
/// // The balloon is inflated. If a program uses the page it is kept: the guest may be told to wait.
/// let discard = window.begin_discard(page.clone(), UnmapPolicy::Refuse)?;
/// assert!(discard.is_quiet());
/// // ... MADV_DONTNEED ...
/// discard.finish(Left::Gone).map_err(|(_, error)| error)?;
/// // And deflated: programs may use the page again.
/// window.give_back(page)?;
/// # Ok::<(), WindowError>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it leaves the pages as they are"]
pub struct Discard(Withdrawal);

/// What has become of pages that were discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// There is no storage any more, until it is [given back](ShadowWindow::give_back): a program that
    /// names it ends with a program check, as for any address without storage.
    Gone,
    /// There is storage with other contents, such as zeros when it is first touched: for a guest that
    /// may use pages again without saying so (free page reporting, and a balloon without "must tell
    /// host").
    Usable,
}

impl ShadowWindow {
    /// First phase of discarding the pages in `range`, and all others that are the same memory.
    ///
    /// # Errors
    ///
    /// [`WindowError::NotPages`] if `range` is not of whole pages of 4 KiB within regions;
    /// [`WindowError::InUse`] by [`UnmapPolicy::Refuse`]; [`WindowError::Invalidate`] while too many
    /// are being taken away.
    pub fn begin_discard(
        &self,
        range: Range<GuestAddr>,
        policy: UnmapPolicy,
    ) -> Result<Discard, WindowError> {
        // No other address of the pages is added meanwhile.
        let _space = self.inner.space();
        let ranges = pages(&self.layout(), &range)?;
        Withdrawal::begin(self, ranges, policy).map(Discard)
    }

    /// Programs may use the pages in `range`, and all others that are the same memory, if they were
    /// [gone](Left::Gone).
    ///
    /// # Errors
    ///
    /// [`WindowError::NotPages`].
    pub fn give_back(&self, range: Range<GuestAddr>) -> Result<(), WindowError> {
        self.lay_out(|layout| {
            let ranges = pages(layout, &range)?;
            let holes = layout.with_holes(|holes| {
                for range in &ranges {
                    holes.remove(&(range.start.get()..range.end.get()));
                }
            });
            Ok(holes?)
        })
    }

    /// Storage that programs cannot use although regions have it: see [`Left::Gone`].
    pub fn gone(&self) -> Vec<Range<GuestAddr>> {
        let layout = self.layout();
        let holes = layout.holes().as_slice().iter();
        holes
            .map(|it| GuestAddr::new(it.start)..GuestAddr::new(it.end))
            .collect()
    }
}

/// The pages in `range`, wherever the guest has them.
fn pages(layout: &Layout, range: &Range<GuestAddr>) -> Result<Vec<Range<GuestAddr>>, WindowError> {
    let whole = (range.start.get() | range.end.get()).is_multiple_of(PAGE_SIZE);
    if !whole || range.is_empty() || !layout.has(range) {
        return Err(WindowError::NotPages);
    }
    Ok(layout.same_storage(range))
}

impl Discard {
    /// Second phase: the pages are left like this.
    ///
    /// # Errors
    ///
    /// [`WindowError::InUse`] while it is not quiet, and [`WindowError::Region`] if storage is in more
    /// pieces than [`pinning::MAX_REGIONS`], which [`Left::Usable`] never is; nothing has changed then.
    pub fn finish(self, left: Left) -> Result<(), (Self, WindowError)> {
        if !self.is_quiet() {
            return Err((self, WindowError::InUse));
        }
        if left == Left::Usable {
            return Ok(());
        }
        let result = self.window().lay_out(|layout| {
            let holes = layout.with_holes(|holes| {
                for range in self.ranges() {
                    holes.insert(range.start.get()..range.end.get());
                }
            });
            Ok(holes?)
        });
        match result {
            Ok(()) => Ok(()),
            Err(error) => Err((self, error)),
        }
    }
}

impl Deref for Discard {
    type Target = Withdrawal;

    fn deref(&self) -> &Withdrawal {
        &self.0
    }
}

impl DerefMut for Discard {
    fn deref_mut(&mut self) -> &mut Withdrawal {
        &mut self.0
    }
}
