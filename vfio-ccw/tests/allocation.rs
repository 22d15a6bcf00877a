// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel in its steady state asks for no memory: from the guest's START SUBCHANNEL to its
//! TEST SUBCHANNEL, whatever becomes of the program.
#![expect(
    unsafe_code,
    reason = "an allocator that counts is an unsafe trait; it only forwards to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::os::fd::BorrowedFd;

use ccw::{GuestAddr, RawCrw, RawOrb, RawSchib, RawScsw, SubsystemId};
use vfio_ccw::device::soft::SoftSpace;
use vfio_ccw::mediator::{
    ConditionCode, GuestRegion, Mediator, MediatorConfig, ShadowWindow, WindowConfig,
};
use vfio_ccw::{
    AsyncCommand, Capabilities, CcwDevice, DeviceError, Errno, HostMemory, ORB_AREA_SIZE, Source,
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // A thread that ends has nothing left to count.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(at, layout, len) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A device that ends every program at once behind its first CCW, or refuses each second one.
#[derive(Debug)]
struct Instant {
    irb: [u8; 96],
    signals: u64,
    refuses: bool,
    starts: u32,
}

impl Instant {
    fn new(refuses: bool) -> Self {
        Self {
            irb: [0; 96],
            signals: 0,
            refuses,
            starts: 0,
        }
    }
}

impl CcwDevice for Instant {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            async_command: true,
            schib: true,
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
        let cpa = u32::from_be_bytes([a, b, c, d]) + 8;
        self.irb[..4].copy_from_slice(&[0, 0xc0, 0x40, 7]);
        self.irb[4..8].copy_from_slice(&cpa.to_be_bytes());
        self.irb[8] = 0x0c;
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

/// A subchannel with a program of 14 CCWs, each with a list for a page.
fn subchannel(device: Instant) -> Mediator<Instant> {
    let window = ShadowWindow::new(SoftSpace::new(), WindowConfig::default()).unwrap();
    let ram = HostMemory::anonymous(0x10_0000).unwrap();
    for n in 0..14u8 {
        let last = if n == 13 { 0 } else { 0x40 };
        let ccw = [6, 0x04 | last, 0x10, 0, 0, 0, 0x28, n * 16];
        ram.write(0x2000 + usize::from(n) * 8, &ccw).unwrap();
        let page = 0x1_0000 + u64::from(n) * 0x2000;
        let list = [page + 0x800, page + 0x1000].map(u64::to_be_bytes);
        let at = 0x2800 + usize::from(n) * 16;
        ram.write(at, list.as_flattened()).unwrap();
    }
    ram.write(0x2400, &[0; 8]).unwrap();
    window
        .add(GuestRegion::new(GuestAddr::new(0), ram))
        .unwrap();
    let id = SubsystemId::new(0, 0).unwrap();
    let mut sch = Mediator::new(device, window, MediatorConfig::new(id, 0));
    let mut schib = sch.stsch(&mut Vec::new());
    schib.0[5] |= 0x80;
    sch.msch(&schib).unwrap();
    sch
}

/// How often memory was asked for by `times` rounds, once things have settled.
fn allocations(mut round: impl FnMut(), times: u32) -> u64 {
    for _ in 0..20 {
        round();
    }
    let before = ALLOCATIONS.get();
    for _ in 0..times {
        round();
    }
    ALLOCATIONS.get() - before
}

fn orb(cpa: u32) -> RawOrb {
    RawOrb::from_words([1, 0x00c2_8000, cpa])
}

#[test]
fn programs_that_end_well() {
    let mut sch = subchannel(Instant::new(false));
    let mut events = Vec::with_capacity(8);
    let asked = allocations(
        || {
            events.clear();
            assert_eq!(sch.ssch(&orb(0x2000), &mut events), Ok(ConditionCode::Cc0));
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
        },
        1000,
    );
    assert_eq!(asked, 0);
    assert_eq!(sch.metrics().started, 1020);
}

#[test]
fn programs_that_are_refused_wrong_or_cleared() {
    let mut sch = subchannel(Instant::new(true));
    let mut events = Vec::with_capacity(8);
    let asked = allocations(
        || {
            events.clear();
            for cpa in [0x2000, 0x2400, 0x2000] {
                sch.ssch(&orb(cpa), &mut events).unwrap();
                sch.ready(Source::Io, &mut events);
                assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
            }
            assert_eq!(sch.csch(&mut events), ConditionCode::Cc0);
            sch.ready(Source::Io, &mut events);
            assert_eq!(sch.tsch(&mut events).0, ConditionCode::Cc0);
        },
        1000,
    );
    assert_eq!(asked, 0);
    let metrics = sch.metrics();
    assert_eq!((metrics.failed, metrics.ended_at_once), (1020, 1020));
}
