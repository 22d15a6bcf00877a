// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A kernel for tests: it writes down what it is asked, and fails where it is told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use vfio_bindings::bindings::vfio::vfio_region_info;

use super::{EventFd, Ioctl, KvmFile, RegionInfo, Space, Sys, number};
use crate::{Access, Errno, HostMemory};

#[derive(Debug)]
pub(crate) struct Fake(Mutex<State>);

#[derive(Debug)]
pub(crate) struct State {
    /// The number of the process.
    pub(crate) process: u32,
    /// Calls that succeeded, in order.
    pub(crate) log: Vec<String>,
    pub(crate) syscalls: BTreeSet<&'static str>,
    pub(crate) ioctls: BTreeSet<u32>,
    /// Calls so far but those that undo something, and which of them fails how.
    pub(crate) calls: usize,
    pub(crate) fail: Option<(usize, Errno)>,
    /// Files that are open.
    pub(crate) files: BTreeMap<RawFd, String>,
    pub(crate) device: Model,
    /// What the next reads and writes of regions and events end with; then all of it goes through.
    pub(crate) answers: VecDeque<Result<usize, Errno>>,
    /// What is read from a region.
    pub(crate) content: Vec<u8>,
    /// What was written to which offset.
    pub(crate) written: Vec<(u64, Vec<u8>)>,
}

/// What the device, its group and its container say of themselves.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) api: i32,
    pub(crate) type1v2: i32,
    pub(crate) group_flags: u32,
    pub(crate) flags: u32,
    pub(crate) argsz: u32,
    pub(crate) regions: Vec<Region>,
    /// Count and flags of each interrupt.
    pub(crate) irqs: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) size: u64,
    pub(crate) flags: u32,
    pub(crate) kind: (u32, u32),
    pub(crate) argsz: u32,
}

impl Region {
    pub(crate) fn new(kind: (u32, u32), size: u64, flags: u32) -> Self {
        let argsz = 80;
        Self {
            size,
            flags,
            kind,
            argsz,
        }
    }
}

impl Default for Model {
    /// As Linux: regions 0-3 with flags read, write, capabilities; three interrupts.
    fn default() -> Self {
        Self {
            api: 0,
            type1v2: 1,
            group_flags: 1,
            flags: 0x11,
            argsz: 24,
            regions: vec![
                Region::new((0, 0), 124, 0b0011),
                Region::new((2, 1), 8, 0b1011),
                Region::new((2, 2), 52, 0b1001),
                Region::new((2, 3), 8, 0b1001),
            ],
            irqs: vec![(1, 1); 3],
        }
    }
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            process: 1,
            log: Vec::new(),
            syscalls: BTreeSet::new(),
            ioctls: BTreeSet::new(),
            calls: 0,
            fail: None,
            files: BTreeMap::new(),
            device: Model::default(),
            answers: VecDeque::new(),
            content: Vec::new(),
            written: Vec::new(),
        }))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// An open file called `name`, to be handed in.
    pub(crate) fn file(&self, name: &str) -> OwnedFd {
        let fd = OwnedFd::from(EventFd::new().unwrap());
        self.state().files.insert(fd.as_raw_fd(), name.to_owned());
        fd
    }

    /// Forgets what was asked so far.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        state.log.clear();
        state.syscalls.clear();
        state.ioctls.clear();
    }
}

impl State {
    /// A call that may fail.
    fn call(&mut self, syscall: &'static str, what: String) -> Result<(), Errno> {
        self.syscalls.insert(syscall);
        self.calls += 1;
        match self.fail {
            Some((nth, errno)) if nth == self.calls => Err(errno),
            _ => {
                self.log.push(what);
                Ok(())
            }
        }
    }

    /// A call that undoes something.
    fn undo(&mut self, syscall: &'static str, what: String) -> Result<(), Errno> {
        self.syscalls.insert(syscall);
        self.log.push(what);
        Ok(())
    }

    fn name(&self, fd: BorrowedFd<'_>) -> String {
        let name = self.files.get(&fd.as_raw_fd());
        name.expect("a file that is open").clone()
    }

    fn transfer(&mut self, len: usize) -> Result<usize, Errno> {
        self.answers.pop_front().unwrap_or(Ok(len))
    }
}

impl Sys for Fake {
    fn process(&self) -> u32 {
        let mut state = self.state();
        state.syscalls.insert("getpid");
        state.process
    }

    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let path = path.display().to_string();
        self.state().call("openat", format!("open {path}"))?;
        Ok(self.file(&path))
    }

    fn close(&self, fd: OwnedFd) {
        let mut state = self.state();
        let name = state.files.remove(&fd.as_raw_fd()).unwrap();
        state.undo("close", format!("close {name}")).unwrap();
    }

    fn eventfd(&self) -> Result<OwnedFd, Errno> {
        self.state().call("eventfd2", "open eventfd".into())?;
        Ok(self.file("eventfd"))
    }

    fn read(&self, fd: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<usize, Errno> {
        let mut state = self.state();
        let what = format!("read {}", state.name(fd));
        state.call("read", what)?;
        let done = state.transfer(bytes.len())?;
        bytes.copy_from_slice(&3u64.to_ne_bytes());
        Ok(done)
    }

    fn pread(&self, fd: BorrowedFd<'_>, bytes: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let mut state = self.state();
        let what = format!("pread {} {} at {offset:#x}", state.name(fd), bytes.len());
        state.call("pread64", what)?;
        let done = state.transfer(bytes.len())?;
        for (to, from) in bytes.iter_mut().zip(&state.content) {
            *to = *from;
        }
        Ok(done)
    }

    fn pwrite(&self, fd: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        let mut state = self.state();
        let what = format!("pwrite {} {} at {offset:#x}", state.name(fd), bytes.len());
        state.call("pwrite64", what)?;
        let done = state.transfer(bytes.len())?;
        state.written.push((offset, bytes.to_vec()));
        Ok(done)
    }

    fn ioctl(&self, fd: BorrowedFd<'_>, request: Ioctl<'_>) -> Result<i32, Errno> {
        let mut state = self.state();
        state.ioctls.insert(request.number());
        let file = state.name(fd);
        let mut call = |what: &str| state.call("ioctl", format!("{what} {file}"));
        match request {
            Ioctl::ApiVersion => {
                call("API_VERSION")?;
                return Ok(state.device.api);
            }
            Ioctl::CheckExtension(which) => {
                call(&format!("CHECK_EXTENSION {which}"))?;
                return Ok(state.device.type1v2);
            }
            Ioctl::SetIommu(which) => call(&format!("SET_IOMMU {which}"))?,
            Ioctl::GroupStatus(status) => {
                call("GROUP_STATUS")?;
                status.flags = state.device.group_flags;
            }
            Ioctl::SetContainer(container) => {
                call("SET_CONTAINER")?;
                state.name(container);
            }
            Ioctl::UnsetContainer => state.undo("ioctl", format!("UNSET_CONTAINER {file}"))?,
            Ioctl::DeviceInfo(info) => {
                call("DEVICE_INFO")?;
                let device = &state.device;
                (info.argsz, info.flags) = (device.argsz, device.flags);
                info.num_regions = u32::try_from(device.regions.len()).unwrap();
                info.num_irqs = u32::try_from(device.irqs.len()).unwrap();
            }
            Ioctl::RegionInfo(info) => {
                call(&format!("REGION_INFO {}", info.head.index))?;
                let index = info.head.index;
                *info = state.device.regions[index as usize].describe(index);
            }
            Ioctl::IrqInfo(info) => {
                call(&format!("IRQ_INFO {}", info.index))?;
                (info.count, info.flags) = state.device.irqs[info.index as usize];
                info.argsz = 16;
            }
            Ioctl::SetIrq { index, event } => match event {
                Some(event) => {
                    assert_eq!(state.name(event), "eventfd");
                    state.call("ioctl", format!("SET_IRQS {index} {file}"))?;
                }
                None => state.undo("ioctl", format!("UNSET_IRQS {index} {file}"))?,
            },
            Ioctl::Reset => call("RESET")?,
            Ioctl::Bind(bind) => {
                call("BIND")?;
                assert!(state.files.contains_key(&bind.iommufd));
                assert_eq!(bind.flags, 0);
            }
            Ioctl::Attach(attach) => call(&format!("ATTACH_PT {}", attach.pt_id))?,
            Ioctl::Detach(_) => state.undo("ioctl", format!("DETACH_PT 7 {file}"))?,
            Ioctl::IoasAlloc(id) => {
                call("IOAS_ALLOC")?;
                *id = 7;
            }
            Ioctl::Destroy(id) => {
                assert_eq!(id, 7);
                state.undo("ioctl", format!("DESTROY {file}"))?;
            }
            Ioctl::KvmFile(what, of) => {
                let of = state.name(of);
                match what {
                    KvmFile::Add => state.call("ioctl", format!("KVM_ADD {of} {file}"))?,
                    KvmFile::Delete => state.undo("ioctl", format!("KVM_DEL {of} {file}"))?,
                }
            }
        }
        Ok(0)
    }

    fn device(&self, group: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
        let mut state = self.state();
        state.ioctls.insert(number::GET_DEVICE_FD);
        state.name(group);
        let name = name.to_str().unwrap();
        state.call("ioctl", format!("open {name}"))?;
        drop(state);
        Ok(self.file(name))
    }

    unsafe fn map(
        &self,
        space: Space<'_>,
        iova: u64,
        memory: &HostMemory,
        access: Access,
    ) -> Result<(), Errno> {
        let mut state = self.state();
        let (fd, number) = match space {
            Space::Container(fd) => (fd, number::MAP_DMA),
            Space::Ioas(fd, id) => {
                assert_eq!(id, 7);
                (fd, number::IOAS_MAP)
            }
        };
        state.ioctls.insert(number);
        let what = format!("map {iova:#x} {:#x} {}", memory.len(), state.name(fd));
        assert_eq!(access, Access::Store);
        state.call("ioctl", what)
    }

    fn unmap(&self, space: Space<'_>, iova: u64, len: u64) -> Result<u64, Errno> {
        let mut state = self.state();
        let (fd, number) = match space {
            Space::Container(fd) => (fd, number::UNMAP_DMA),
            Space::Ioas(fd, _) => (fd, number::IOAS_UNMAP),
        };
        state.ioctls.insert(number);
        let what = format!("unmap {iova:#x} {len:#x} {}", state.name(fd));
        state.undo("ioctl", what)?;
        let answer = state.answers.pop_front();
        answer.map_or(Ok(len), |answer| answer.map(|len| len as u64))
    }
}

impl Region {
    /// Its description: a capability that nobody knows, then its type.
    fn describe(self, index: u32) -> RegionInfo {
        let mut info = RegionInfo::of(index);
        info.head = vfio_region_info {
            argsz: self.argsz,
            flags: self.flags,
            index,
            cap_offset: if self.flags & 8 == 0 { 0 } else { 32 },
            size: self.size,
            offset: u64::from(index) << 10,
        };
        let (kind, subtype) = self.kind;
        put(&mut info, 0, [0x1234, 64, 2, 1]);
        put(&mut info, 32, [2, 0, kind, subtype]);
        info
    }
}

/// A capability: id, offset of the next, and two words.
fn put(info: &mut RegionInfo, at: usize, [id, next, first, second]: [u32; 4]) {
    let id = u16::try_from(id).unwrap().to_ne_bytes();
    let words = [next, first, second].map(u32::to_ne_bytes);
    info.capabilities[at..at + 2].copy_from_slice(&id);
    info.capabilities[at + 4..at + 16].copy_from_slice(words.as_flattened());
}
