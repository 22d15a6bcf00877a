// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The line from the guest's START SUBCHANNEL to its status, with our library between the two or
//! without.

use std::error::Error;
use std::time::{Duration, Instant};

use ccw::{Host, HostAddr, Irb, RawIrb, RawOrb};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use translator::{Area, Buffers, Guards, HostProfile, Planned, Policy, Slot, fetch, validate};
use vfio_ccw::device::kernel::{KernelOpener, KernelSpace};
use vfio_ccw::{Access, CcwDevice, DeviceError, DmaSpace, HostMemory, Source};

use crate::guest::Guest;
use crate::shared::Shared;

/// Where the window for translated programs lies.
const WINDOW: u64 = 0x4000_0000;
/// Address of the guest's storage 0.
const STORAGE: u64 = 1 << 32;
/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a start ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Condition code 0, and these statuses.
    Status(Vec<[u8; 12]>),
    /// It was refused by this name.
    Refused(String),
    /// The kernel refused it.
    Errno(DeviceError),
    /// Nothing more came.
    Silence,
}

/// A device, the guest that it belongs to, and what lies between.
pub(crate) struct Line {
    pub(crate) guest: Guest,
    pub(crate) device: Shared,
    window: HostMemory,
    pinner: PlainPinner,
}

/// Maps the storage of `guest` at its own addresses plus `offset`.
pub(crate) fn map_storage(
    space: &mut KernelSpace,
    guest: &Guest,
    offset: u64,
) -> Result<(), Box<dyn Error>> {
    for (at, memory) in guest.regions() {
        space.map(at + offset, memory, Access::Store)?;
    }
    Ok(())
}

impl Line {
    pub(crate) fn open(opener: KernelOpener) -> Result<Self, Box<dyn Error>> {
        let guest = Guest::new()?;
        let device = Shared::new(opener.open()?)?;
        let mut space = device.space();
        map_storage(&mut space, &guest, STORAGE)?;
        // For what is handed to the kernel as it is.
        map_storage(&mut space, &guest, 0)?;
        let window = HostMemory::anonymous(0x10_0000)?;
        space.map(WINDOW, &window, Access::Store)?;
        let regions: Vec<_> = guest
            .regions()
            .map(|(at, memory)| Region {
                guest: ccw::GuestAddr::new(at),
                len: memory.len() as u64,
                host: HostAddr::new(at + STORAGE),
                permission: Permission::ReadWrite,
            })
            .collect();
        let pinner = PlainPinner::new(RegionMap::new(&regions)?, Budget::default());
        Ok(Self {
            guest,
            device,
            window,
            pinner,
        })
    }

    /// Starts the program as a guest does, with our library between.
    pub(crate) fn mediated(&mut self, orb: &RawOrb) -> Ended {
        match self.translated(orb) {
            Ok(ended) => ended,
            Err(refused) => Ended::Refused(refused),
        }
    }

    fn translated(&mut self, orb: &RawOrb) -> Result<Ended, String> {
        let guards = Guards::default();
        let snapshot = fetch(orb, &self.guest, &Policy::MEDIATE, &guards, Buffers::new());
        let program = validate(snapshot, self.pinner.regions(), &guards);
        let plan = match program
            .plan(&HostProfile::VFIO_CCW)
            .map_err(|e| e.to_string())?
        {
            Planned::Run(plan) => plan,
            Planned::Ended(ended) => return Ok(Ended::Status(vec![ended.irb().scsw.encode().0])),
        };
        let (mut ccws, mut lists) = (vec![0; 0x8000], vec![0; 0x8_0000]);
        let area = |at, bytes| Area::new(HostAddr::new(WINDOW + at), bytes);
        let scratch = HostAddr::new(WINDOW + 0xf_0000);
        let ccw_area = area(0, &mut ccws).map_err(|e| e.to_string())?;
        let list_area = area(0x1_0000, &mut lists).map_err(|e| e.to_string())?;
        let slot = Slot::new(ccw_area, list_area, scratch).map_err(|e| e.to_string())?;
        let pinned = plan.pin(&self.pinner).map_err(|e| e.to_string())?;
        let translated = pinned.emit(slot).map_err(|e| e.to_string())?;
        self.window.write(0, &ccws).map_err(|e| e.to_string())?;
        self.window
            .write(0x1_0000, &lists)
            .map_err(|e| e.to_string())?;
        let orb = translated.orb();
        if let Err(error) = self.device.start_orb(orb) {
            return Ok(Ended::Errno(error));
        }
        Ok(collect(&mut self.device, |raw| {
            translated
                .complete(&Irb::<Host>::decode(raw))
                .irb
                .scsw
                .encode()
                .0
        }))
    }

    /// Starts the program as it is.
    pub(crate) fn alone(&mut self, orb: &RawOrb) -> Ended {
        let orb = ccw::Orb::<Host>::decode(orb);
        if let Err(error) = self.device.start_orb(&orb) {
            return Ended::Errno(error);
        }
        collect(&mut self.device, |raw| raw.scsw().0)
    }
}

/// Waits for the statuses of a start until one is final.
fn collect(device: &mut Shared, status: impl Fn(&RawIrb) -> [u8; 12]) -> Ended {
    let mut all = Vec::new();
    while wait(device, PATIENCE) {
        let Ok(extended) = device.read_irb() else {
            return Ended::Silence;
        };
        let (raw, _) = RawIrb::split_extended(&extended);
        let scsw = status(&raw);
        all.push(scsw);
        // Secondary status, or an alert that nothing follows.
        if scsw[3] & 0x04 != 0 || scsw[2] & 0x03 == 0 && scsw[3] & 0xe0 == 0 {
            return Ended::Status(all);
        }
    }
    Ended::Silence
}

/// Waits for an interrupt and takes it.
pub(crate) fn wait(device: &mut Shared, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    loop {
        match device.acknowledge(Source::Io) {
            Ok(0) => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let timeout = Timespec::try_from(left).ok();
        let Some(event) = device.event_fd(Source::Io) else {
            return false;
        };
        let _ = poll(&mut [PollFd::new(&event, PollFlags::IN)], timeout.as_ref());
    }
}
