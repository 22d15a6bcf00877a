// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pages that are pinned: their frames do not move.

use std::boxed::Box;
use std::fs::File;
use std::mem;
use std::sync::Arc;
use std::vec::Vec;

use thiserror::Error;

use super::RegionPinner;
use super::frames::Word;
use super::keep::{Keep, KeepError};
use super::kernel::{Kernel, Linux};
use super::pagemap::{NoFrames, frames};
use crate::sys::{BufferTable, Piece};
use crate::{AddrSpace, Budget, Errno, HostMemory, Stability};

/// Slots of a table. The kernel goes through all of them for each piece of a huge page.
const SLOTS: u32 = 64;

/// What a ring without entries takes at least: a page for each of its two queues.
const RING_BYTES: usize = 8192;

/// Most tables of a pinner.
const MAX_TABLES: usize = 64;

/// Pins regions as buffers registered with io_uring: their frames stay where they are, and the
/// addresses are those of the frames if this process may know them.
///
/// ```no_run
/// use ccw::GuestAddr;
/// use pinning::{
///     Access, Budget, Extent, HostMemory, Permission, Pinner, Pins, Runs, Stability, UringPinner,
/// };
///
/// let pinner = UringPinner::new(Budget::default())?;
/// let ram = HostMemory::sealed(0x100_0000)?;
/// pinner.add(GuestAddr::new(0), &ram, Permission::ReadWrite)?;
/// assert_eq!(pinner.caps().stability, Stability::PinnedAndSealed);
/// if let Some(why) = pinner.why_virtual() {
///     println!("addresses are virtual: {why}");
/// }
///
/// // What a program uses, and where that lies: a run for each stretch of consecutive frames.
/// let extent = Extent {
///     start: GuestAddr::new(0x8000),
///     len: 0x1_0000,
///     access: Access::DeviceWrites,
/// };
/// let mut runs = Runs::new();
/// let pins = Pins::acquire(&pinner, &[extent], &mut runs)?;
/// for run in runs.as_slice() {
///     println!("{:#x} bytes at {:?}", run.len, run.host);
/// }
/// drop(pins); // the device has stopped
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What it costs: the memory of all regions counts towards `RLIMIT_MEMLOCK`, once for each pinner. So
/// one pinner is shared by all who run programs of a guest. The pinner's rings count as well: two pages
/// for each 64 slots on Linux 6.18. A region takes a slot for each 1 GiB, and
/// one more for each hole that is made in it, of 4096 in all.
pub type UringPinner = RegionPinner<Uring>;

/// Why the addresses of a [`UringPinner`] are virtual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WhyVirtual {
    /// It was asked to.
    #[error("virtual addresses were asked for")]
    Asked,
    /// The kernel shows frames only to those with `CAP_SYS_ADMIN`.
    #[error("frames are not shown without CAP_SYS_ADMIN")]
    NotPermitted,
    /// The kernel does not tell about pages at all.
    #[error("/proc/self/pagemap failed with {0}")]
    Pagemap(Errno),
}

/// Keeps pages in their frames.
#[derive(Debug)]
pub struct Uring {
    kernel: Box<dyn Kernel>,
    tables: Vec<Table>,
    pagemap: Result<File, WhyVirtual>,
}

#[derive(Debug)]
struct Table {
    buffers: BufferTable,
    /// One bit for each slot that is taken.
    taken: u64,
}

/// A slot in which a piece is.
#[derive(Debug)]
pub struct Slot {
    table: usize,
    slot: u32,
}

impl UringPinner {
    /// A pinner without any regions. Its addresses are physical if this process may know them, which
    /// [`why_virtual`](Self::why_virtual) tells.
    ///
    /// # Errors
    ///
    /// [`KeepError::Kernel`] if there is no io_uring: `ENOSYS` in an old kernel or an emulator, `EPERM`
    /// where it is switched off (`kernel.io_uring_disabled`, seccomp), `ENOMEM` also where `RLIMIT_MEMLOCK`
    /// leaves no room for the ring, of what other pinners and processes of this user hold. It takes Linux
    /// 5.19.
    /// [`KeepError::PageSize`].
    pub fn new(budget: Budget) -> Result<Self, KeepError> {
        Self::on(Box::new(Linux), budget, true)
    }

    /// A pinner whose addresses are virtual.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_virtual_addresses(budget: Budget) -> Result<Self, KeepError> {
        Self::on(Box::new(Linux), budget, false)
    }

    /// One whose system calls fail as told.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    #[cfg(feature = "test-util")]
    pub fn with_faults(budget: Budget, faults: &super::KernelFaults) -> Result<Self, KeepError> {
        let kernel = super::kernel::Faulty(faults.clone());
        Self::on(Box::new(kernel), budget, true)
    }

    fn on(kernel: Box<dyn Kernel>, budget: Budget, physical: bool) -> Result<Self, KeepError> {
        let pagemap = match physical {
            true => pagemap(&*kernel),
            false => Err(WhyVirtual::Asked),
        };
        let mut uring = Uring {
            kernel,
            tables: Vec::new(),
            pagemap,
        };
        // Whether there is an io_uring at all is better known now than with the first region.
        uring.add_table()?;
        Self::of(uring, budget)
    }

    /// Why the addresses are virtual, if they are.
    pub fn why_virtual(&self) -> Option<WhyVirtual> {
        self.with_keep(|uring| uring.pagemap.as_ref().err().copied())
    }
}

/// The pagemap, if it shows the frame of a page that certainly has one.
fn pagemap(kernel: &dyn Kernel) -> Result<File, WhyVirtual> {
    let pagemap = kernel.pagemap().map_err(WhyVirtual::Pagemap)?;
    let memory = HostMemory::anonymous(1).map_err(WhyVirtual::Pagemap)?;
    memory.write(0, &[1]).map_err(WhyVirtual::Pagemap)?;
    let piece = Piece {
        addr: memory.addr(),
        len: memory.len(),
    };
    match frames(kernel, &pagemap, piece) {
        Ok(_) => Ok(pagemap),
        Err(NoFrames::Kernel(errno)) => Err(WhyVirtual::Pagemap(errno)),
        Err(NoFrames::Page) => Err(WhyVirtual::NotPermitted),
    }
}

impl Uring {
    fn add_table(&mut self) -> Result<(), KeepError> {
        if self.tables.len() == MAX_TABLES {
            let most = MAX_TABLES * 64;
            return Err(KeepError::Pieces { most });
        }
        let buffers = self.kernel.table(SLOTS).map_err(|errno| match errno {
            // The ring itself counts towards the limit.
            Errno::ENOMEM => KeepError::of("io_uring_setup", errno, RING_BYTES, "VmPin"),
            // Nothing is pinned yet, so `EPERM` is no limit's.
            _ => KeepError::Kernel {
                call: "io_uring_setup",
                errno,
            },
        })?;
        self.tables.push(Table { buffers, taken: 0 });
        Ok(())
    }

    /// A slot that is free.
    fn free(&mut self) -> Result<Slot, KeepError> {
        if self.tables.iter().all(|table| table.taken == u64::MAX) {
            self.add_table()?;
        }
        let mut tables = self.tables.iter().enumerate();
        let free = tables.find(|(_, table)| table.taken != u64::MAX);
        let (table, slots) = free.ok_or(KeepError::Pieces { most: 0 })?;
        let slot = slots.taken.trailing_ones();
        Ok(Slot { table, slot })
    }
}

impl Keep for Uring {
    type Kept = Slot;
    /// Of one buffer.
    const MOST: usize = 1 << 30;
    /// The kernel pins for storing, whatever the device does.
    const READ_ONLY: bool = false;

    fn space(&self) -> AddrSpace {
        match self.pagemap {
            Ok(_) => AddrSpace::HostPhys,
            Err(_) => AddrSpace::Virtual,
        }
    }

    fn stability(&self, is_sealed: bool) -> Stability {
        match is_sealed {
            true => Stability::PinnedAndSealed,
            false => Stability::Pinned,
        }
    }

    fn keep(&mut self, piece: Piece) -> Result<Slot, KeepError> {
        let free = self.free()?;
        let Slot { table, slot } = free;
        if let Some(table) = self.tables.get_mut(table) {
            let filled = self.kernel.fill(&table.buffers, slot, piece);
            filled
                .map_err(|errno| KeepError::of("io_uring_register", errno, piece.len, "VmPin"))?;
            table.taken |= 1 << slot;
        }
        Ok(free)
    }

    fn release(&mut self, kept: &Slot) -> Result<(), Errno> {
        if let Some(table) = self.tables.get_mut(kept.table) {
            self.kernel.empty(&table.buffers, kept.slot)?;
            table.taken &= !(1 << kept.slot);
        }
        Ok(())
    }

    fn frames(&mut self, piece: Piece) -> Result<Option<Arc<[Word]>>, KeepError> {
        let Ok(pagemap) = &self.pagemap else {
            return Ok(None);
        };
        match frames(&*self.kernel, pagemap, piece) {
            Ok(words) => Ok(Some(words)),
            Err(NoFrames::Page) => Err(KeepError::NoFrame),
            Err(NoFrames::Kernel(errno)) => Err(KeepError::Kernel {
                call: "pread",
                errno,
            }),
        }
    }

    /// A table that is closed lets its pages go.
    fn abandon(self) {
        self.tables.into_iter().for_each(mem::forget);
    }
}
