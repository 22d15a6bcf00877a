// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Asking an open device what it is, and having it signal its interrupts.

use std::sync::Arc;

use vfio_bindings::bindings::vfio::{
    VFIO_DEVICE_FLAGS_CCW, VFIO_DEVICE_FLAGS_RESET, VFIO_IRQ_INFO_EVENTFD,
    VFIO_REGION_INFO_FLAG_CAPS, VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE,
    vfio_device_info, vfio_irq_info,
};

use super::OpenError;
use super::capability::{BadChain, RegionType, find_type};
use super::error::During;
use super::space::quiet;
use crate::device::Source;
use crate::sys::{Fd, Ioctl, RegionInfo, Sys};
use crate::{
    ASYNC_REGION_SIZE, CRW_REGION_SIZE, IO_REGION_SIZE, REGION_TYPE_CCW, SCHIB_REGION_SIZE,
    SUBTYPE_ASYNC, SUBTYPE_CRW, SUBTYPE_SCHIB,
};

/// More regions than any device has; the kernel's number is not trusted beyond that.
const MAX_REGIONS: u32 = 64;

/// Offsets of the regions in the device's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) io: u64,
    pub(super) async_command: Option<u64>,
    pub(super) schib: Option<u64>,
    pub(super) crw: Option<u64>,
}

/// What the device says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Description {
    pub(super) regions: Regions,
    pub(super) reset: bool,
    irqs: u32,
}

/// A region as it must be.
struct Layout {
    name: &'static str,
    size: usize,
    flags: u32,
}

const IO: Layout = Layout {
    name: "I/O",
    size: IO_REGION_SIZE,
    flags: VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
};
const ASYNC: Layout = Layout {
    name: "async",
    size: ASYNC_REGION_SIZE,
    flags: VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
};
const SCHIB: Layout = Layout {
    name: "SCHIB",
    size: SCHIB_REGION_SIZE,
    flags: VFIO_REGION_INFO_FLAG_READ,
};
const CRW: Layout = Layout {
    name: "CRW",
    size: CRW_REGION_SIZE,
    flags: VFIO_REGION_INFO_FLAG_READ,
};

impl Layout {
    /// The offset of the region, if it is so.
    fn check(&self, info: &RegionInfo) -> Result<u64, OpenError> {
        let (wanted, found) = (self.size as u64, info.head.size);
        let region = self.name;
        if found != wanted {
            return Err(OpenError::RegionSize {
                region,
                wanted,
                found,
            });
        }
        let flags = info.head.flags;
        if flags & self.flags != self.flags {
            return Err(OpenError::RegionFlags { region, flags });
        }
        Ok(info.head.offset)
    }
}

/// Asks `device` what it is.
pub(super) fn describe(device: &Fd) -> Result<Description, OpenError> {
    let mut info = vfio_device_info::default();
    device
        .ioctl(Ioctl::DeviceInfo(&mut info))
        .during("VFIO_DEVICE_GET_INFO")?;
    let least = size_of::<[u32; 4]>();
    answered("VFIO_DEVICE_GET_INFO", info.argsz, least)?;
    if info.flags & VFIO_DEVICE_FLAGS_CCW == 0 {
        return Err(OpenError::NotCcw { flags: info.flags });
    }
    if info.num_regions == 0 {
        return Err(OpenError::NoIoRegion);
    }
    let mut regions = Regions {
        io: IO.check(&region(device, 0)?)?,
        async_command: None,
        schib: None,
        crw: None,
    };
    for index in 1..info.num_regions.min(MAX_REGIONS) {
        let info = region(device, index)?;
        let Some(RegionType {
            kind: REGION_TYPE_CCW,
            subtype,
        }) = region_type(index, &info)?
        else {
            continue;
        };
        let (found, layout) = match subtype {
            SUBTYPE_ASYNC => (&mut regions.async_command, ASYNC),
            SUBTYPE_SCHIB => (&mut regions.schib, SCHIB),
            SUBTYPE_CRW => (&mut regions.crw, CRW),
            _ => continue,
        };
        if found.is_none() {
            *found = Some(layout.check(&info)?);
        }
    }
    Ok(Description {
        regions,
        reset: info.flags & VFIO_DEVICE_FLAGS_RESET != 0,
        irqs: info.num_irqs,
    })
}

fn region(device: &Fd, index: u32) -> Result<RegionInfo, OpenError> {
    let mut info = RegionInfo::of(index);
    device
        .ioctl(Ioctl::RegionInfo(&mut info))
        .during(format!("VFIO_DEVICE_GET_REGION_INFO {index}"))?;
    answered(
        "VFIO_DEVICE_GET_REGION_INFO",
        info.head.argsz,
        RegionInfo::HEAD,
    )?;
    Ok(info)
}

fn region_type(index: u32, info: &RegionInfo) -> Result<Option<RegionType>, OpenError> {
    if info.head.flags & VFIO_REGION_INFO_FLAG_CAPS == 0 {
        return Ok(None);
    }
    let mut description = [0; size_of::<RegionInfo>()];
    let (_, behind) = description.split_at_mut(RegionInfo::HEAD);
    for (to, from) in behind.iter_mut().zip(info.capabilities) {
        *to = from;
    }
    // More capabilities than there was room for: the kernel has copied none.
    let len = usize::try_from(info.head.argsz).unwrap_or(usize::MAX);
    let bad = |why| OpenError::Capabilities { index, why };
    let description = description
        .get(..len)
        .ok_or(bad(BadChain::Outside(info.head.argsz)))?;
    find_type(description, RegionInfo::HEAD, info.head.cap_offset).map_err(bad)
}

/// Checks that the kernel's answer is a whole one.
fn answered(what: &'static str, argsz: u32, least: usize) -> Result<(), OpenError> {
    match usize::try_from(argsz) {
        Ok(bytes) if bytes >= least => Ok(()),
        _ => Err(OpenError::Answer { what, argsz }),
    }
}

/// The event file descriptors of a device; they are taken back, the last first, when this is
/// dropped.
#[derive(Debug)]
pub(super) struct Interrupts(Vec<Interrupt>);

#[derive(Debug)]
struct Interrupt {
    source: Source,
    device: Arc<Fd>,
    event: Fd,
}

impl Interrupts {
    /// Has `device` signal everything that it can.
    pub(super) fn set_up(
        sys: &Arc<dyn Sys>,
        device: &Arc<Fd>,
        description: &Description,
    ) -> Result<Self, OpenError> {
        let mut interrupts = Self(Vec::new());
        for source in Source::ALL {
            if source == Source::Crw && description.regions.crw.is_none() {
                continue;
            }
            if has_interrupt(device, description, source)? {
                interrupts.0.push(Interrupt::set_up(sys, device, source)?);
            } else if source == Source::Io {
                return Err(OpenError::NoIoInterrupt);
            }
        }
        Ok(interrupts)
    }

    /// The event file descriptor of `source`.
    pub(super) fn get(&self, source: Source) -> Option<&Fd> {
        let mut all = self.0.iter();
        all.find(|interrupt| interrupt.source == source)
            .map(|interrupt| &interrupt.event)
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        while let Some(interrupt) = self.0.pop() {
            drop(interrupt);
        }
    }
}

/// Whether the device signals `source`, and can do so by an event file descriptor.
fn has_interrupt(
    device: &Fd,
    description: &Description,
    source: Source,
) -> Result<bool, OpenError> {
    if source.index() >= description.irqs {
        return Ok(false);
    }
    let mut info = vfio_irq_info {
        index: source.index(),
        ..vfio_irq_info::default()
    };
    device
        .ioctl(Ioctl::IrqInfo(&mut info))
        .during(format!("VFIO_DEVICE_GET_IRQ_INFO {source}"))?;
    answered(
        "VFIO_DEVICE_GET_IRQ_INFO",
        info.argsz,
        size_of::<vfio_irq_info>(),
    )?;
    Ok(info.count > 0 && info.flags & VFIO_IRQ_INFO_EVENTFD != 0)
}

impl Interrupt {
    fn set_up(sys: &Arc<dyn Sys>, device: &Arc<Fd>, source: Source) -> Result<Self, OpenError> {
        let event = sys.eventfd().during("eventfd")?;
        let event = Fd::new(sys, event);
        let set = Ioctl::SetIrq {
            index: source.index(),
            event: Some(event.get().during("eventfd")?),
        };
        device
            .ioctl(set)
            .during(format!("VFIO_DEVICE_SET_IRQS {source}"))?;
        Ok(Self {
            source,
            device: Arc::clone(device),
            event,
        })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let off = Ioctl::SetIrq {
            index: self.source.index(),
            event: None,
        };
        quiet("VFIO_DEVICE_SET_IRQS", self.device.ioctl(off));
    }
}
