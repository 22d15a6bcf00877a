// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The address spaces of the kernel's devices: a type1 container, or an iommufd's IOAS.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vfio_bindings::bindings::vfio::{
    VFIO_API_VERSION, VFIO_TYPE1v2_IOMMU, vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd,
    vfio_device_detach_iommufd_pt,
};

use super::error::During;
use super::{Node, OpenError};
use crate::sys::{Fd, Ioctl, Linux, Mappings, Sys};
use crate::{Access, DmaSpace, Errno, HostMemory};

/// Where the container is, unless told otherwise.
const CONTAINER: &str = "/dev/vfio/vfio";
/// Where the iommufd is, unless told otherwise.
const IOMMUFD: &str = "/dev/iommu";

/// What the kernel says when a group is in another container, or a device is bound already.
const BUSY: [Errno; 2] = [Errno::EBUSY, Errno::EINVAL];

/// The addresses of one or more of the kernel's devices; every clone is the same space.
///
/// Devices are opened in it by every clone, but only one handle changes what lies where:
/// [`KernelSpace::mappings`]. A [`ShadowWindow`](crate::mediator::ShadowWindow) that has it makes sure
/// that nothing is unmapped under a program, and nobody can get past that.
///
/// Its mappings are taken back when the last clone and the last device in it are dropped. Those of
/// a container already go with its last device: such is the kernel's container.
///
/// It belongs to the process that made it, as its devices do: a child has copies, which map nothing and
/// take nothing back (`EPERM`). A VMM that forks itself into the background opens devices behind that.
#[derive(Clone, Debug)]
pub struct KernelSpace(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    sys: Arc<dyn Sys>,
    state: Mutex<State>,
    kind: Kind,
    fd: Arc<Fd>,
}

/// What changes the mappings of a [`KernelSpace`], of which there is one at a time.
///
/// ```compile_fail
/// # use vfio_ccw::device::kernel::KernelMappings;
/// fn twice(mappings: KernelMappings) -> [KernelMappings; 2] {
///     [mappings.clone(), mappings]
/// }
/// ```
#[derive(Debug)]
pub struct KernelMappings(Arc<Inner>);

#[derive(Debug)]
struct State {
    mappings: Mappings,
    /// Somebody has the [`KernelMappings`], or had them and left something mapped.
    taken: bool,
    /// Groups in the container.
    groups: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Container {
        /// It had its IOMMU when it was handed in.
        ready: bool,
    },
    Ioas {
        id: u32,
        /// It was made here.
        owned: bool,
    },
}

impl KernelSpace {
    /// The address space of the container `node`, usually `/dev/vfio/vfio`. It can be mapped into
    /// as soon as a device was opened in it.
    pub fn container(node: impl Into<Node>) -> Result<Self, OpenError> {
        Self::new_container(&linux(), node.into())
    }

    /// The address space of a container that has its group and its IOMMU already.
    pub fn ready_container(container: OwnedFd) -> Self {
        let sys = linux();
        let fd = Arc::new(Fd::new(&sys, container));
        Self::new(&sys, fd, Kind::Container { ready: true })
    }

    /// A new address space of the iommufd `node`, usually `/dev/iommu`.
    pub fn iommufd(node: impl Into<Node>) -> Result<Self, OpenError> {
        Self::new_iommufd(&linux(), node.into())
    }

    /// The address space `id` of an iommufd, which stays there in the end.
    pub fn ioas(iommufd: OwnedFd, id: u32) -> Self {
        let sys = linux();
        let fd = Arc::new(Fd::new(&sys, iommufd));
        Self::new(&sys, fd, Kind::Ioas { id, owned: false })
    }

    pub(super) fn new_container(sys: &Arc<dyn Sys>, node: Node) -> Result<Self, OpenError> {
        let fd = Arc::new(node.open(sys)?);
        let version = fd.ioctl(Ioctl::ApiVersion).during("VFIO_GET_API_VERSION")?;
        if u32::try_from(version) != Ok(VFIO_API_VERSION) {
            return Err(OpenError::ApiVersion(version));
        }
        Ok(Self::new(sys, fd, Kind::Container { ready: false }))
    }

    pub(super) fn new_iommufd(sys: &Arc<dyn Sys>, node: Node) -> Result<Self, OpenError> {
        let fd = Arc::new(node.open(sys)?);
        let mut id = 0;
        fd.ioctl(Ioctl::IoasAlloc(&mut id))
            .during("IOMMU_IOAS_ALLOC")?;
        Ok(Self::new(sys, fd, Kind::Ioas { id, owned: true }))
    }

    /// The container of this machine.
    pub(super) fn default_container(sys: &Arc<dyn Sys>) -> Result<Self, OpenError> {
        Self::new_container(sys, Node::Path(PathBuf::from(CONTAINER)))
    }

    /// The iommufd of this machine.
    pub(super) fn default_iommufd(sys: &Arc<dyn Sys>) -> Result<Self, OpenError> {
        Self::new_iommufd(sys, Node::Path(PathBuf::from(IOMMUFD)))
    }

    fn new(sys: &Arc<dyn Sys>, fd: Arc<Fd>, kind: Kind) -> Self {
        let ioas = match kind {
            Kind::Container { .. } => None,
            Kind::Ioas { id, .. } => Some(id),
        };
        let mappings = Mappings::new(sys, &fd, ioas);
        Self(Arc::new(Inner {
            sys: Arc::clone(sys),
            state: Mutex::new(State {
                mappings,
                taken: false,
                groups: 0,
            }),
            kind,
            fd,
        }))
    }

    /// The handle by which the space is mapped into.
    ///
    /// # Errors
    ///
    /// `EBUSY` if somebody has it, or if something is still mapped that the one who had it left there,
    /// such as a window with a program that may still run.
    pub fn mappings(&self) -> Result<KernelMappings, Errno> {
        match std::mem::replace(&mut self.0.state().taken, true) {
            false => Ok(KernelMappings(Arc::clone(&self.0))),
            true => Err(Errno::EBUSY),
        }
    }

    pub(super) fn sys(&self) -> &Arc<dyn Sys> {
        &self.0.sys
    }

    /// Puts a group into the container.
    pub(super) fn join(&self, group: &Arc<Fd>) -> Result<Joined, OpenError> {
        let Kind::Container { ready } = self.0.kind else {
            let wanted = "a container";
            return Err(OpenError::OtherSpace { wanted });
        };
        let mut state = self.0.state();
        let container = self.0.fd.get().during("the container")?;
        group
            .ioctl(Ioctl::SetContainer(container))
            .during("VFIO_GROUP_SET_CONTAINER")
            .map_err(|error| error.or_in_use(&BUSY))?;
        if state.groups == 0
            && !ready
            && let Err(error) = self.set_iommu()
        {
            quiet(
                "VFIO_GROUP_UNSET_CONTAINER",
                group.ioctl(Ioctl::UnsetContainer),
            );
            return Err(error);
        }
        state.groups += 1;
        drop(state);
        Ok(Joined {
            group: Arc::clone(group),
            space: self.clone(),
        })
    }

    fn set_iommu(&self) -> Result<(), OpenError> {
        let there = self
            .0
            .fd
            .ioctl(Ioctl::CheckExtension(VFIO_TYPE1v2_IOMMU))
            .during("VFIO_CHECK_EXTENSION")?;
        if there == 0 {
            return Err(OpenError::NoType1v2);
        }
        let set = self.0.fd.ioctl(Ioctl::SetIommu(VFIO_TYPE1v2_IOMMU));
        set.during("VFIO_SET_IOMMU").map(drop)
    }

    /// Binds a device to the iommufd, and gives it the address space.
    pub(super) fn attach(&self, device: &Arc<Fd>) -> Result<Attached, OpenError> {
        use std::os::fd::AsRawFd;
        let Kind::Ioas { id, .. } = self.0.kind else {
            let wanted = "an iommufd";
            return Err(OpenError::OtherSpace { wanted });
        };
        let iommufd = self.0.fd.get().during("the iommufd")?;
        let mut bind = vfio_device_bind_iommufd {
            iommufd: iommufd.as_raw_fd(),
            ..vfio_device_bind_iommufd::default()
        };
        device
            .ioctl(Ioctl::Bind(&mut bind))
            .during("VFIO_DEVICE_BIND_IOMMUFD")
            .map_err(|error| error.or_in_use(&BUSY))?;
        let mut attach = vfio_device_attach_iommufd_pt {
            pt_id: id,
            ..vfio_device_attach_iommufd_pt::default()
        };
        device
            .ioctl(Ioctl::Attach(&mut attach))
            .during("VFIO_DEVICE_ATTACH_IOMMUFD_PT")?;
        Ok(Attached {
            device: Arc::clone(device),
        })
    }
}

impl DmaSpace for KernelMappings {
    fn map(&mut self, iova: u64, memory: &HostMemory, access: Access) -> Result<(), Errno> {
        self.0.state().mappings.map(iova, memory, access)
    }

    fn unmap(&mut self, iova: u64, len: u64) -> Result<(), Errno> {
        self.0.state().mappings.unmap(iova, len)
    }
}

impl Drop for KernelMappings {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.taken = !state.mappings.is_empty();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.state().mappings.unmap_all();
        if let Kind::Ioas { id, owned: true } = self.kind {
            quiet("IOMMU_DESTROY", self.fd.ioctl(Ioctl::Destroy(id)));
        }
    }
}

/// A group in a container; it leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Joined {
    group: Arc<Fd>,
    space: KernelSpace,
}

impl Drop for Joined {
    fn drop(&mut self) {
        let mut state = self.space.0.state();
        state.groups -= 1;
        // With its last group a container loses its IOMMU, and everything mapped in it.
        if state.groups == 0 {
            state.mappings.unmap_all();
        }
        let left = self.group.ioctl(Ioctl::UnsetContainer);
        quiet("VFIO_GROUP_UNSET_CONTAINER", left);
    }
}

/// A device with an address space of an iommufd; it loses it when this is dropped.
#[derive(Debug)]
pub(super) struct Attached {
    device: Arc<Fd>,
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut detach = vfio_device_detach_iommufd_pt::default();
        let detached = self.device.ioctl(Ioctl::Detach(&mut detach));
        quiet("VFIO_DEVICE_DETACH_IOMMUFD_PT", detached);
    }
}

/// Undoing goes on whatever happens.
pub(super) fn quiet<T>(what: &str, result: Result<T, Errno>) {
    if let Err(errno) = result {
        log::warn!(target: "vfio_ccw::kernel", "{what}: {errno}");
    }
}

pub(super) fn linux() -> Arc<dyn Sys> {
    Arc::new(Linux)
}
