// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel on a device that takes no time.
#![allow(dead_code, reason = "not every user needs all of it")]

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ccw::{GuestAddr, RawCrw, RawOrb, RawSchib, RawScsw, SubsystemId};
use vfio_ccw::device::soft::SoftSpace;
use vfio_ccw::mediator::{
    DirtySink, GuestRegion, Mediator, MediatorConfig, ShadowWindow, WindowConfig,
};
use vfio_ccw::{
    AsyncCommand, Capabilities, CcwDevice, DeviceError, Errno, HostMemory, ORB_AREA_SIZE, Source,
};

/// Address of a program of 14 CCWs, each with a list for a page that is not on a boundary.
pub(crate) const LISTS: u32 = 0x2000;
/// Address of a program of one CCW for a page.
pub(crate) const DIRECT: u32 = 0x2200;
/// Address of no program at all.
pub(crate) const NOTHING: u32 = 0x2400;
/// Address of a program of two CCWs, the first one with PCI: if prefetching is forbidden the second
/// one is fetched behind it.
pub(crate) const PARTS: u32 = 0x2500;
/// Address of a program that suspends itself at its second CCW.
pub(crate) const SUSPENDS: u32 = 0x2600;
/// The same with PCI in the first one, behind which the second one is fetched.
pub(crate) const PARTS_SUSPEND: u32 = 0x2a00;
/// Address of a program of one CCW with PCI, behind which there is none.
pub(crate) const PARTS_WRONG: u32 = 0x2b00;

/// Address of a program of two CCWs with MIDAWs: the data of the first one goes by way of a copy, that
/// of the second one takes two host CCWs.
pub(crate) const MIDAWS: u32 = 0x2700;

/// The ORB of the program at `cpa`.
pub(crate) fn orb(cpa: u32) -> RawOrb {
    RawOrb::from_words([1, 0x00c2_8000, cpa])
}

/// A device that ends every program at once behind its first CCW, or refuses each second one, or comes
/// in each second one, from the first on, to a stop CCW in the second place.
#[derive(Debug)]
pub(crate) struct Instant {
    stops: bool,
    irb: [u8; 96],
    signals: u64,
    refuses: bool,
    starts: u32,
}

impl Instant {
    pub(crate) fn new(refuses: bool) -> Self {
        Self {
            irb: [0; 96],
            signals: 0,
            refuses,
            stops: false,
            starts: 0,
        }
    }

    pub(crate) fn stopping() -> Self {
        Self {
            stops: true,
            ..Self::new(false)
        }
    }
}

impl CcwDevice for Instant {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            async_command: true,
            schib: true,
            crw: true,
            ..Capabilities::default()
        }
    }

    fn event_fd(&self, _: Source) -> Option<BorrowedFd<'_>> {
        None
    }

    fn acknowledge(&mut self, _: Source) -> Result<u64, Errno> {
        Ok(std::mem::take(&mut self.signals))
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], _: &RawScsw) -> Result<(), DeviceError> {
        self.starts += 1;
        if self.refuses && self.starts.is_multiple_of(2) {
            return Err(Errno::EINVAL.into());
        }
        let [.., a, b, c, d] = *orb;
        let stops = self.stops && !self.starts.is_multiple_of(2);
        let cpa = u32::from_be_bytes([a, b, c, d]) + if stops { 16 } else { 8 };
        self.irb[..4].copy_from_slice(&[0, 0xc0, 0x40, if stops { 0x17 } else { 7 }]);
        self.irb[4..8].copy_from_slice(&cpa.to_be_bytes());
        (self.irb[8], self.irb[9]) = if stops { (0, 0x20) } else { (0x0c, 0) };
        self.signals += 1;
        Ok(())
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        assert_eq!(command, AsyncCommand::Clear);
        self.irb = [0; 96];
        self.irb[2..4].copy_from_slice(&[0x10, 1]);
        self.signals += 1;
        Ok(())
    }

    fn read_irb(&mut self) -> Result<[u8; 96], DeviceError> {
        Ok(self.irb)
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        let mut schib = RawSchib::default();
        (schib.0[11], schib.0[15]) = (0x80, 0x80);
        Ok(schib)
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        Ok(None)
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// Adds up what is dirty.
#[derive(Debug, Default)]
struct Dirty(AtomicU64);

impl DirtySink for Dirty {
    fn dirty(&self, range: Range<GuestAddr>) {
        let len = range.end.get() - range.start.get();
        self.0.fetch_add(len, Ordering::Relaxed);
    }
}

/// A subchannel with the programs above; what they store is told to nobody.
pub(crate) fn subchannel(device: Instant) -> Mediator<Instant> {
    telling(device, None)
}

/// The same, and what they store is added up.
pub(crate) fn telling_subchannel(device: Instant) -> Mediator<Instant> {
    telling(device, Some(Arc::new(Dirty::default())))
}

fn telling(device: Instant, dirty: Option<Arc<dyn DirtySink + Send + Sync>>) -> Mediator<Instant> {
    let window = ShadowWindow::new(SoftSpace::new(), WindowConfig::default()).unwrap();
    let ram = HostMemory::anonymous(0x10_0000).unwrap();
    for n in 0..14u8 {
        let last = if n == 13 { 0 } else { 0x40 };
        let ccw = [6, 0x04 | last, 0x10, 0, 0, 0, 0x28, n * 16];
        let at = usize::try_from(LISTS).unwrap() + usize::from(n) * 8;
        ram.write(at, &ccw).unwrap();
        let page = 0x1_0000 + u64::from(n) * 0x2000;
        let list = [page + 0x800, page + 0x1000].map(u64::to_be_bytes);
        let at = 0x2800 + usize::from(n) * 16;
        ram.write(at, list.as_flattened()).unwrap();
    }
    // READ of a page.
    let at = usize::try_from(DIRECT).unwrap();
    ram.write(at, &[6, 0, 0x10, 0, 0, 1, 0, 0]).unwrap();
    // NOP with PCI or not, and READ with the S flag or not, or nothing.
    let read = [6, 0, 0x10, 0, 0, 1, 0, 0];
    let suspending = [6, 2, 0x10, 0, 0, 1, 0, 0];
    for (at, pci, second) in [
        (PARTS, 0x08, read),
        (SUSPENDS, 0, suspending),
        (PARTS_SUSPEND, 0x08, suspending),
        (PARTS_WRONG, 0x08, [0; 8]),
    ] {
        let ccws = [[3, 0x60 | pci, 0, 1, 0, 0, 0, 0], second];
        let at = usize::try_from(at).unwrap();
        ram.write(at, ccws.as_flattened()).unwrap();
    }
    // READ of 24 bytes in two areas, with SLI and CC or not.
    for (n, flags) in [(0_usize, 0x61), (1, 0x21)] {
        let at = usize::try_from(MIDAWS).unwrap();
        let list = 0x2900 + n * 0x20;
        let [.., high, low] = list.to_be_bytes();
        let ccw = [6, flags, 0, 24, 0, 0, high, low];
        ram.write(at + n * 8, &ccw).unwrap();
        let data = 0x4_0004 + n as u64 * 0x4000;
        let midaws = [12, data, 0x80_000c, data + 0x1000].map(u64::to_be_bytes);
        ram.write(list, midaws.as_flattened()).unwrap();
    }
    window
        .add(GuestRegion::new(GuestAddr::new(0), ram))
        .unwrap();
    let id = SubsystemId::new(0, 0).unwrap();
    let config = MediatorConfig {
        dirty,
        ..MediatorConfig::new(id, 0)
    };
    let mut sch = Mediator::attach(device, window, config).unwrap();
    let mut schib = sch.stsch(&mut Vec::new());
    schib.0[5] |= 0x80;
    sch.msch(&schib).unwrap();
    sch
}
