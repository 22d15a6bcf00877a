// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Telling which guest storage a device may have stored into.

use std::ops::Range;

use ccw::{ActivityControl, GuestAddr, Host, Irb, StatusControl};

use translator::StatusBlock;

use super::flight::{Copies, Data, Job};
use super::window::Layout;
use super::{Mediator, Name};
use crate::CcwDevice;

/// Who is told which guest storage devices may have stored into: the log of dirty pages of a VMM
/// that moves its guest, say.
///
/// It is told before the guest is told of the status, and therefore in the middle of a call of the
/// [`Mediator`]: it writes down what it hears and returns. Nobody is told of what the program itself
/// looked at, of storage that was only pinned for stores, or of data that was skipped.
///
/// * After an ending status it is told exactly, as
///   [`Running::dirty`](translator::Running::dirty) has it.
/// * After a halt, a clear, a reset, or when the status was lost, of everything that the program
///   may have stored into.
/// * The program in quarantine of a device that is gone may store on. The sink is told of what it may
///   store into when the device is lost, and once more, of all that it uses, when a reset of the
///   device has ended it.
/// * A mediator that is dropped while a program runs tells nothing of it: all that the program may have
///   stored into is in [`ShadowWindow::in_quarantine`](super::ShadowWindow::in_quarantine).
///
/// A program that goes on behind intermediate status is told of when it ends.
///
/// Where the guest has the same memory at several addresses, all of them are told, whichever the program
/// used.
///
/// With the feature `vm-memory` guest memory of that crate marks its bitmaps:
/// `config.dirty = Some(Arc::new(memory.clone()))`. A VMM that keeps storage keys is told of them by
/// [`StorageKeys`](translator::StorageKeys).
///
/// ```
/// use std::ops::Range;
/// use std::sync::Mutex;
///
/// use ccw::GuestAddr;
/// use vfio_ccw::mediator::DirtySink;
///
/// /// All of it, in the order in which it came.
/// #[derive(Default)]
/// struct Log(Mutex<Vec<Range<GuestAddr>>>);
///
/// impl DirtySink for Log {
///     fn dirty(&self, range: Range<GuestAddr>) {
///         self.0.lock().unwrap().push(range);
///     }
/// }
/// ```
pub trait DirtySink {
    /// A device may have stored into `range`, which is not empty.
    fn dirty(&self, range: Range<GuestAddr>);
}

impl<D> Mediator<D> {
    /// The program of `job` ended with the status `host`, or nobody knows how: its data goes to where
    /// the guest has it, and who wants to know is told.
    pub(super) fn settle(&mut self, job: &mut Job, host: Option<&Irb<Host>>) {
        if job.data == Data::Settled {
            return;
        }
        self.copy_back(job, host);
        self.tell_dirty(job, host);
        // Behind channel end no data moves any more.
        let stopped = host.is_none_or(|host| {
            let status = &host.scsw;
            let active = ActivityControl::SUBCHANNEL_ACTIVE;
            status.status.contains(StatusControl::PRIMARY) && !status.activity.contains(active)
        });
        if stopped {
            job.data = Data::Settled;
        }
    }

    /// Copies to guest storage what the device has left in the place of it so far, usually nothing.
    pub(super) fn copy_back(&mut self, job: &mut Job, host: Option<&Irb<Host>>) {
        let used = job.program.doublewords().copies;
        if used == 0 {
            return;
        }
        let area = match job.lease.collect(used, &mut self.staging) {
            Ok(area) => area,
            Err(errno) => {
                log::error!(target: "vfio_ccw::mediator", "{}: copies: {errno}", Name(self.config.subchannel));
                self.note_damage(job);
                return;
            }
        };
        let layout = self.window.layout();
        let mut complete = true;
        for copy in job.program.copies_back(host, area) {
            let bytes = area.get(copy.at..copy.at.saturating_add(copy.len));
            // It is pinned, so it is there, or something is wrong.
            complete &= layout.write(copy.guest, bytes.unwrap_or(&[])) == copy.len;
        }
        if !complete {
            self.note_damage(job);
        }
    }

    /// Data of `job` did not come to where the guest has it.
    pub(super) fn note_damage(&mut self, job: &mut Job) {
        self.metrics.damaged += u64::from(!job.is_damaged());
        job.copies = Copies::Damaged;
    }

    /// Stores the TSB that the guest has to find before it is told the status, if there is one. Says
    /// whether all of it is there.
    pub(super) fn store_tsb(&self, tsb: Option<&StatusBlock>) -> bool {
        tsb.is_none_or(|tsb| self.store(&self.window.layout(), tsb.at, &tsb.bytes.0))
    }

    /// Stores `bytes` at `at` in the storage of `layout`, in the device's place, and tells who wants to
    /// know. Says whether all of them are there.
    pub(super) fn store(&self, layout: &Layout, at: GuestAddr, bytes: &[u8]) -> bool {
        let stored = layout.write(at, bytes);
        if let Some(end) = at.checked_add(stored as u64).filter(|end| *end > at) {
            self.tell_referenced(layout, at..end);
            self.tell_stored(layout, at..end);
        }
        stored == bytes.len()
    }

    /// Who keeps track of what was stored into, or of reference and change bits, is told.
    fn tell_dirty(&self, job: &mut Job, host: Option<&Irb<Host>>) {
        if self.config.dirty.is_none() && self.config.keys.is_none() {
            return;
        }
        let layout = self.window.layout();
        if self.config.keys.is_some() {
            let referenced = job.program.referenced();
            referenced.for_each(|range| self.tell_referenced(&layout, range));
        }
        let tell = |range| self.tell_stored(&layout, range);
        match host {
            Some(host) => job.program.dirty(host).for_each(tell),
            None => job.program.dirty_at_most().for_each(tell),
        }
    }

    /// A device may have used the storage of `range`.
    fn tell_referenced(&self, layout: &Layout, range: Range<GuestAddr>) {
        if let Some(keys) = &self.config.keys {
            layout.wherever(range, |range| keys.referenced(range));
        }
    }

    /// A device may have stored into `range`.
    fn tell_stored(&self, layout: &Layout, range: Range<GuestAddr>) {
        layout.wherever(range, |range| {
            if let Some(sink) = &self.config.dirty {
                sink.dirty(range.clone());
            }
            if let Some(keys) = &self.config.keys {
                keys.changed(range);
            }
        });
    }
}

impl<D: CcwDevice> Mediator<D> {
    /// The device has stopped what its programs in quarantine did until now.
    pub(super) fn tell_quarantined(&self) {
        let nobody = self.config.dirty.is_none() && self.config.keys.is_none();
        if nobody || self.metrics.quarantined == self.metrics.released {
            return;
        }
        let layout = self.window.layout();
        let ours = self.window.in_quarantine().into_iter();
        for program in ours.filter(|program| program.owner == self.owner()) {
            for range in program.ranges {
                self.tell_stored(&layout, range);
            }
        }
    }
}

#[cfg(feature = "vm-memory")]
mod vm_memory {
    use std::ops::Range;

    use ccw::GuestAddr;
    use vm_memory::bitmap::Bitmap;
    use vm_memory::{GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};

    use super::DirtySink;

    /// Marks the bitmaps of the regions.
    ///
    /// ```
    /// use ccw::GuestAddr;
    /// use vfio_ccw::mediator::DirtySink;
    /// use vm_memory::bitmap::{AtomicBitmap, Bitmap};
    /// use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};
    ///
    /// type Memory = GuestMemoryMmap<AtomicBitmap>;
    /// let memory = Memory::from_ranges(&[
    ///     (GuestAddress(0), 0x4000),
    ///     (GuestAddress(0x4000), 0x4000),
    /// ])?;
    /// memory.dirty(GuestAddr::new(0x3fff)..GuestAddr::new(0x4001));
    /// let regions: Vec<_> = memory.iter().collect();
    /// assert!(!regions[0].bitmap().dirty_at(0x2fff));
    /// assert!(regions[0].bitmap().dirty_at(0x3000));
    /// assert!(regions[1].bitmap().dirty_at(0));
    /// assert!(!regions[1].bitmap().dirty_at(0x1000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    impl<B: Bitmap> DirtySink for GuestMemoryMmap<B> {
        fn dirty(&self, range: Range<GuestAddr>) {
            for region in self.iter() {
                let start = region.start_addr().0;
                let from = range.start.get().max(start);
                let end = range.end.get().min(start.saturating_add(region.len()));
                if let (Ok(offset), Ok(len)) = (
                    usize::try_from(from.saturating_sub(start)),
                    usize::try_from(end.saturating_sub(from)),
                ) && len > 0
                {
                    region.bitmap().mark_dirty(offset, len);
                }
            }
        }
    }
}
