// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Opening a device, by either of the kernel's ways.
//!
//! Each step is a value that undoes it when it is dropped, and they are dropped in the reverse
//! order: by a step that fails as well as by a device that is closed.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vfio_bindings::bindings::vfio::{VFIO_GROUP_FLAGS_VIABLE, vfio_group_status};

use super::error::During;
use super::setup::{Interrupts, describe};
use super::space::{Attached, Joined, linux, quiet};
use super::{KernelDevice, KernelSpace, OpenError};
use crate::Errno;
use crate::sys::{Fd, Ioctl, KvmFile, Sys};

/// A file of the kernel's: where it is, or itself, as a process gets it that cannot open it.
#[derive(Debug)]
pub enum Node {
    /// To be opened.
    Path(PathBuf),
    /// Open, for reading and writing.
    Fd(OwnedFd),
}

impl Node {
    pub(super) fn open(self, sys: &Arc<dyn Sys>) -> Result<Fd, OpenError> {
        let fd = match self {
            Self::Path(path) => sys.open(&path).during(format!("open {}", path.display()))?,
            Self::Fd(fd) => fd,
        };
        Ok(Fd::new(sys, fd))
    }
}

impl From<&str> for Node {
    fn from(path: &str) -> Self {
        Self::Path(path.into())
    }
}

impl From<&Path> for Node {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl From<PathBuf> for Node {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<OwnedFd> for Node {
    fn from(fd: OwnedFd) -> Self {
        Self::Fd(fd)
    }
}

/// How a device is opened.
///
/// ```no_run
/// use vfio_ccw::device::kernel::KernelOpener;
/// use vfio_ccw::{Access, DmaSpace, HostMemory};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let device = KernelOpener::cdev("/dev/vfio/devices/vfio0").open()?;
/// let mut mappings = device.space().mappings()?;
/// mappings.map(0x4000_0000, &HostMemory::anonymous(0x10_0000)?, Access::Store)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KernelOpener {
    way: Way,
    space: Option<KernelSpace>,
    kvm: Option<OwnedFd>,
}

#[derive(Debug)]
enum Way {
    Group { group: Node, name: String },
    Cdev(Node),
    Opened(OwnedFd),
}

impl KernelOpener {
    /// The device `name` (the UUID of a mediated device) of a group, such as `/dev/vfio/9`.
    pub fn group(group: impl Into<Node>, name: impl Into<String>) -> Self {
        Self::by(Way::Group {
            group: group.into(),
            name: name.into(),
        })
    }

    /// The device with a file of its own, such as `/dev/vfio/devices/vfio0`.
    pub fn cdev(device: impl Into<Node>) -> Self {
        Self::by(Way::Cdev(device.into()))
    }

    /// A device that somebody else has opened, and given the address space `space`.
    pub fn opened(device: OwnedFd, space: KernelSpace) -> Self {
        Self::by(Way::Opened(device)).space(space)
    }

    fn by(way: Way) -> Self {
        let (space, kvm) = (None, None);
        Self { way, space, kvm }
    }

    /// The address space of the device. Without one, it gets a new one of `/dev/vfio/vfio` or
    /// `/dev/iommu`.
    pub fn space(mut self, space: KernelSpace) -> Self {
        self.space = Some(space);
        self
    }

    /// KVM's VFIO device, as `KVM_CREATE_DEVICE` made it. It hears of the device before that is
    /// bound, and is told to forget it in the end: with a group after the device is closed, and
    /// otherwise right before that, since it is by its open file that KVM knows it.
    ///
    /// vfio-ccw does not need KVM to know; other devices in the same VM may.
    pub fn kvm(mut self, kvm: OwnedFd) -> Self {
        self.kvm = Some(kvm);
        self
    }

    /// Opens the device, has it signal its interrupts, and reads what it can do.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; what was done until then is undone in the reverse order.
    pub fn open(self) -> Result<KernelDevice, OpenError> {
        let sys = match &self.space {
            Some(space) => Arc::clone(space.sys()),
            None => linux(),
        };
        self.open_by(&sys)
    }

    pub(super) fn open_by(self, sys: &Arc<dyn Sys>) -> Result<KernelDevice, OpenError> {
        let kvm = self.kvm.map(|fd| Fd::new(sys, fd));
        let front = match self.way {
            Way::Group { group, name } => Front::group(sys, group, &name, self.space, kvm)?,
            Way::Cdev(device) => Front::cdev(sys, device, self.space, kvm)?,
            Way::Opened(device) => Front::opened(sys, device, self.space, kvm)?,
        };
        let description = describe(front.device())?;
        let interrupts = Interrupts::set_up(sys, front.device(), &description)?;
        Ok(KernelDevice::new(front, description, interrupts))
    }
}

/// An open device, and the steps to it: fields are dropped from the first to the last.
#[derive(Debug)]
pub(super) enum Front {
    Group {
        device: Arc<Fd>,
        _joined: Joined,
        _kvm: Option<Told>,
        _group: Arc<Fd>,
        space: KernelSpace,
    },
    Cdev {
        _attached: Option<Attached>,
        space: KernelSpace,
        _kvm: Option<Told>,
        device: Arc<Fd>,
    },
}

impl Front {
    fn group(
        sys: &Arc<dyn Sys>,
        group: Node,
        name: &str,
        space: Option<KernelSpace>,
        kvm: Option<Fd>,
    ) -> Result<Self, OpenError> {
        let name = CString::new(name).map_err(|_| OpenError::Name)?;
        let space = space.map_or_else(|| KernelSpace::default_container(sys), Ok)?;
        let group = group.open(sys);
        let group = Arc::new(group.map_err(|error| error.or_in_use(&[Errno::EBUSY]))?);
        let mut status = vfio_group_status::default();
        group
            .ioctl(Ioctl::GroupStatus(&mut status))
            .during("VFIO_GROUP_GET_STATUS")?;
        if status.flags & VFIO_GROUP_FLAGS_VIABLE == 0 {
            return Err(OpenError::NotViable);
        }
        let kvm = kvm.map(|kvm| Told::tell(kvm, &group)).transpose()?;
        let joined = space.join(&group)?;
        let device = group
            .get()
            .and_then(|group| sys.device(group, &name))
            .during("VFIO_GROUP_GET_DEVICE_FD")?;
        Ok(Self::Group {
            device: Arc::new(Fd::new(sys, device)),
            _joined: joined,
            _kvm: kvm,
            _group: group,
            space,
        })
    }

    fn cdev(
        sys: &Arc<dyn Sys>,
        device: Node,
        space: Option<KernelSpace>,
        kvm: Option<Fd>,
    ) -> Result<Self, OpenError> {
        let device = device.open(sys);
        let device = Arc::new(device.map_err(|error| error.or_in_use(&[Errno::EBUSY]))?);
        let kvm = kvm.map(|kvm| Told::tell(kvm, &device)).transpose()?;
        let space = space.map_or_else(|| KernelSpace::default_iommufd(sys), Ok)?;
        let attached = space.attach(&device)?;
        Ok(Self::Cdev {
            _attached: Some(attached),
            space,
            _kvm: kvm,
            device,
        })
    }

    fn opened(
        sys: &Arc<dyn Sys>,
        device: OwnedFd,
        space: Option<KernelSpace>,
        kvm: Option<Fd>,
    ) -> Result<Self, OpenError> {
        let device = Arc::new(Fd::new(sys, device));
        let kvm = kvm.map(|kvm| Told::tell(kvm, &device)).transpose()?;
        let wanted = "the address space of the open device";
        Ok(Self::Cdev {
            _attached: None,
            space: space.ok_or(OpenError::OtherSpace { wanted })?,
            _kvm: kvm,
            device,
        })
    }

    pub(super) fn device(&self) -> &Arc<Fd> {
        let (Self::Group { device, .. } | Self::Cdev { device, .. }) = self;
        device
    }

    pub(super) fn space(&self) -> &KernelSpace {
        let (Self::Group { space, .. } | Self::Cdev { space, .. }) = self;
        space
    }
}

/// A file that KVM was told of; it is told to forget it when this is dropped.
#[derive(Debug)]
pub(super) struct Told {
    kvm: Fd,
    file: Arc<Fd>,
}

impl Told {
    fn tell(kvm: Fd, file: &Arc<Fd>) -> Result<Self, OpenError> {
        file.get()
            .and_then(|file| kvm.ioctl(Ioctl::KvmFile(KvmFile::Add, file)))
            .during("KVM_DEV_VFIO_FILE_ADD")?;
        Ok(Self {
            kvm,
            file: Arc::clone(file),
        })
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let forgotten = self.file.get().and_then(|file| {
            let forget = Ioctl::KvmFile(KvmFile::Delete, file);
            self.kvm.ioctl(forget)
        });
        quiet("KVM_DEV_VFIO_FILE_DEL", forgotten);
    }
}
