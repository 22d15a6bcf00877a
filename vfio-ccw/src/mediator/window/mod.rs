// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The shadow window: what a device finds at which I/O address.
//!
//! ```text
//! 0 ......... arena ......... 2 GiB ......... 4 GiB .................. 4 GiB + guest storage
//!      [ translated programs,   |               | guest storage, mapped once: address + 4 GiB |
//!        which no guest can write ]
//! ```

mod aliases;
mod arena;
mod discard;
mod layout;
mod lease;
#[cfg(test)]
mod lost;
mod pinner;
mod quarantine;
mod ranges;
mod region;
mod staging;
mod unmap;
#[cfg(feature = "vm-memory")]
mod vm_memory;
mod withdrawal;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use pinning::{Budget, Current, InvalidateError, Ledger, Owner, Permission, RegionError};

use crate::{Access, DmaSpace, Errno};

use arena::Arena;
pub use discard::{Discard, Left};
pub(super) use layout::Layout;
pub(super) use lease::Lease;
use pinner::Places;
pub use quarantine::{InQuarantine, ResetAcknowledged};
use ranges::Ranges;
pub use region::GuestRegion;
pub(super) use staging::Staging;
pub use unmap::Unmap;
use withdrawal::Leaving;
pub(super) use withdrawal::overlaps;
pub use withdrawal::{UnmapPolicy, Withdrawal};

/// Spans of storage that the ledger writes down for each program.
const SPANS: u32 = 1024;

/// The sizes of a [`ShadowWindow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowConfig {
    /// First I/O address of the arena, a multiple of 4 KiB. The arena, a page and all slots, must
    /// lie below 2 GiB.
    pub arena: u32,
    /// Programs that can be held at once. A subchannel holds one, and a second one while it waits
    /// for the first to end.
    pub slots: u32,
    /// Bytes of a slot for CCWs, of which vfio-ccw wants 2 KiB behind the last segment.
    pub ccw_bytes: u32,
    /// Bytes of a slot for lists: 8 for each block of data.
    pub list_bytes: u32,
    /// Bytes of a slot for copies of data, where the guest's own storage cannot be named: one needs
    /// the bytes of its data, and up to 4 KiB between them and the one before.
    pub copy_bytes: u32,
    /// What is added to a guest address.
    pub guest_offset: u64,
    /// What the guest's programs may hold; their number is that of the slots.
    pub budget: Budget,
}

impl Default for WindowConfig {
    /// Eight slots at 1 GiB, for programs as long as vfio-ccw takes them (4096 CCWs) with lists
    /// for 64 MiB of data, and copies of three of the largest counts.
    fn default() -> Self {
        Self {
            arena: 0x4000_0000,
            slots: 8,
            ccw_bytes: 36 << 10,
            list_bytes: 128 << 10,
            copy_bytes: 256 << 10,
            guest_offset: 1 << 32,
            budget: Budget::default(),
        }
    }
}

/// The I/O addresses of one guest's devices: an arena for translated programs, and guest storage
/// at its address plus 4 GiB. Every clone is the same window.
///
/// Devices that share an address space (a container, an IOAS) share a window. What it maps stays
/// mapped until it is [taken away](Unmap), or the last clone is dropped. Single pages leave a region by
/// [`Discard`].
///
/// ```
/// use ccw::GuestAddr;
/// use vfio_ccw::HostMemory;
/// use vfio_ccw::device::soft::SoftSpace;
/// use vfio_ccw::mediator::{GuestRegion, ShadowWindow, UnmapPolicy, WindowConfig};
///
/// let window = ShadowWindow::new(SoftSpace::new(), WindowConfig::default())?;
/// let ram = HostMemory::anonymous(0x10_0000).expect("memory");
/// window.add(GuestRegion::new(GuestAddr::new(0), ram))?;
///
/// let unmap = window.begin_unmap(GuestAddr::new(0), UnmapPolicy::Refuse)?;
/// assert!(unmap.is_quiet());
/// unmap.commit().map_err(|(_, error)| error)?;
/// # Ok::<(), vfio_ccw::mediator::WindowError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ShadowWindow {
    inner: Arc<Inner>,
    /// Whose programs are pinned.
    owner: Owner,
}

struct Inner {
    space: Mutex<Box<dyn DmaSpace>>,
    /// The programs, and where storage lies for them. Programs that are over keep what they saw, so no
    /// memory is in it.
    programs: Current<Places>,
    /// The same, with the memory.
    layout: RwLock<Arc<Layout>>,
    arena: Arena,
    guest_offset: u64,
    /// The withdrawals in force: their storage is known by where it lay when they began.
    leaving: Mutex<Vec<Leaving>>,
    /// Numbers that were given out.
    serials: AtomicU64,
    /// Owners that there were: few, while withdrawals are many.
    owners: AtomicU64,
}

/// Why a window is not as it was asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// The arena is empty, not on a page, or does not lie below 2 GiB as a whole.
    #[error("the arena does not lie on pages below 2 GiB")]
    Arena,
    /// No memory for the arena, or guest memory that this process may not use.
    #[error("memory: {0}")]
    Memory(Errno),
    /// The regions make no map.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The address space refused a mapping, or to take one back.
    #[error("the I/O address space: {0}")]
    Map(Errno),
    /// No region begins there.
    #[error("no region begins there")]
    NotARegion,
    /// Not whole pages of 4 KiB of storage.
    #[error("not whole pages of storage")]
    NotPages,
    /// The memory is being withdrawn where the guest has it as well.
    #[error("the memory is being withdrawn at another address")]
    Leaving,
    /// Programs in flight use the storage.
    #[error("programs in flight use the storage")]
    InUse,
    /// The storage cannot be taken away now.
    #[error(transparent)]
    Invalidate(#[from] InvalidateError),
}

impl ShadowWindow {
    /// A window in `space`, with the arena mapped and no guest storage yet.
    ///
    /// A container of the kernel's takes mappings only when a device was opened in it.
    ///
    /// # Errors
    ///
    /// [`WindowError::Arena`], [`WindowError::Memory`] and [`WindowError::Map`].
    pub fn new(space: impl DmaSpace + 'static, config: WindowConfig) -> Result<Self, WindowError> {
        let arena = Arena::new(&config)?;
        let mut space = Box::new(space);
        // The scratch page is stored into, the slots are only read.
        space
            .map(arena.base, &arena.memory, Access::Store)
            .map_err(WindowError::Map)?;
        let budget = Budget {
            programs: config.slots,
            ..config.budget
        };
        let layout = Layout::new(config.guest_offset);
        Ok(Self {
            inner: Arc::new(Inner {
                space: Mutex::new(space),
                programs: Current::new(
                    Ledger::new(budget, SPANS.min(budget.extents)),
                    Arc::new(layout.places()),
                ),
                layout: RwLock::new(Arc::new(layout)),
                arena,
                guest_offset: config.guest_offset,
                leaving: Mutex::default(),
                serials: AtomicU64::new(0),
                owners: AtomicU64::new(0),
            }),
            owner: Owner::default(),
        })
    }

    /// Gives the devices a region of guest storage.
    ///
    /// # Errors
    ///
    /// [`WindowError::Region`] if it does not go with the others; [`WindowError::Leaving`] while its
    /// memory is being withdrawn where the guest has it as well, or had it when that began;
    /// [`WindowError::Map`]. Nothing has changed then.
    pub fn add(&self, region: GuestRegion) -> Result<(), WindowError> {
        // Held throughout: of two changes one comes first.
        let mut space = self.inner.space();
        let access = match region.permission {
            Permission::ReadWrite => Access::Store,
            Permission::ReadOnly => Access::Fetch,
        };
        let iova = region.start.get().wrapping_add(self.inner.guest_offset);
        let memory = region.memory.clone();
        let before = self.layout();
        if self.is_leaving(&region) {
            return Err(WindowError::Leaving);
        }
        let layout = before.with(region)?;
        for range in self.ledger().withdrawals() {
            if layout.same_storage(&range) != before.same_storage(&range) {
                return Err(WindowError::Leaving);
            }
        }
        space.map(iova, &memory, access).map_err(WindowError::Map)?;
        self.inner.set_layout(layout);
        Ok(())
    }

    /// Slots of programs that are not free, quarantined ones included.
    pub fn slots_in_use(&self) -> usize {
        self.arena().in_use()
    }

    /// The guest's storage, in ascending order.
    pub fn regions(&self) -> Vec<GuestRegion> {
        self.layout().regions().to_vec()
    }

    /// Programs in flight, quarantined ones included.
    pub fn in_flight(&self) -> usize {
        self.ledger().in_flight()
    }

    /// Programs whose device never said that it stopped: what they use stays as it is.
    pub fn quarantined(&self) -> usize {
        self.ledger().quarantined()
    }

    /// Guest storage as it is laid out now.
    pub(super) fn layout(&self) -> Arc<Layout> {
        let layout = self.inner.layout.read();
        Arc::clone(&layout.unwrap_or_else(PoisonError::into_inner))
    }

    /// Whose programs this handle pins.
    pub(super) fn owner(&self) -> Owner {
        self.owner
    }

    fn arena(&self) -> &Arena {
        &self.inner.arena
    }

    fn ledger(&self) -> &Ledger {
        self.inner.programs.ledger()
    }

    /// A number that was never given out before, not 0.
    fn serial(&self) -> u64 {
        self.inner.serials.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes `region` away, which nobody uses.
    fn remove(&self, region: &GuestRegion) -> Result<(), WindowError> {
        let mut space = self.inner.space();
        let layout = self.layout().without(region)?;
        let iova = region.start.get().wrapping_add(self.inner.guest_offset);
        space.unmap(iova, region.len()).map_err(WindowError::Map)?;
        self.inner.set_layout(layout);
        Ok(())
    }

    /// Replaces the layout by what `change` makes of it.
    fn lay_out(
        &self,
        change: impl FnOnce(&Layout) -> Result<Layout, WindowError>,
    ) -> Result<(), WindowError> {
        // Held throughout: of two changes one comes first.
        let _space = self.inner.space();
        let layout = change(&self.layout())?;
        self.inner.set_layout(layout);
        Ok(())
    }
}

impl Inner {
    fn space(&self) -> MutexGuard<'_, Box<dyn DmaSpace>> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_layout(&self, layout: Layout) {
        let mut current = self.layout.write().unwrap_or_else(PoisonError::into_inner);
        self.programs.publish(Arc::new(layout.places()));
        *current = Arc::new(layout);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let held = self.arena.in_use().max(self.programs.ledger().in_flight());
        if held > 0 {
            log::warn!(
                target: "vfio_ccw::window",
                "{held} programs may still run: nothing is unmapped"
            );
            return;
        }
        let layout = Arc::clone(&self.layout.read().unwrap_or_else(PoisonError::into_inner));
        let offset = self.guest_offset;
        let guest = layout.regions().iter().map(|region| {
            let iova = region.start.get().wrapping_add(offset);
            (iova, region.len())
        });
        let arena = (self.arena.base, self.arena.memory.len() as u64);
        let mut space = self.space();
        for (iova, len) in guest.chain([arena]) {
            if let Err(errno) = space.unmap(iova, len) {
                log::warn!(target: "vfio_ccw::window", "unmap {len:#x} bytes: {errno}");
            }
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShadowWindow")
            .field("arena", &self.arena)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}
