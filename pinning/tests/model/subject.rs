// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The back ends that are held against the model.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use ccw::{GuestAddr, HostAddr};
use pinning::{
    AddError, AddrSpace, HostMemory, InFlight, KernelFaults, Ledger, LockedPinner, Permission,
    Pinner, PlainPinner, Region, RegionMap, UringPinner,
};

use crate::{BUDGET, PAGE, REGIONS};

/// A pinner, and what the model has to know of it.
pub(crate) trait Subject: Pinner<Token = InFlight> {
    fn ledger(&self) -> &Ledger;

    /// Adds the region of that number; the addresses of its pages.
    fn add(&self, region: usize) -> Result<Vec<u64>, AddError>;

    /// Whether regions come and go. If not, they are all there, and an end of a withdrawal can bring a
    /// range back.
    fn is_dynamic(&self) -> bool {
        true
    }

    /// Lets go of what can go; bytes that are kept although they were withdrawn.
    fn settle(&self) -> u64;

    /// Whether a page that is kept twice counts twice.
    const ADDS_UP: bool;

    /// Pages that this process keeps in whatever way the subject keeps them.
    fn kept() -> u64;

    fn faults(&self) -> &KernelFaults;
}

fn permission(region: usize) -> Permission {
    match REGIONS[region].3 {
        true => Permission::ReadWrite,
        false => Permission::ReadOnly,
    }
}

fn start(region: usize) -> GuestAddr {
    GuestAddr::new(REGIONS[region].0 * PAGE)
}

/// Translation by a map.
pub(crate) struct Plain(PlainPinner, KernelFaults);

impl Plain {
    pub(crate) fn new() -> Self {
        let regions: Vec<_> = (0..REGIONS.len())
            .map(|region| Region {
                guest: start(region),
                len: REGIONS[region].1 * PAGE,
                host: HostAddr::new(REGIONS[region].2 * PAGE),
                permission: permission(region),
            })
            .collect();
        let pinner = PlainPinner::new(RegionMap::new(&regions).unwrap(), BUDGET);
        Self(pinner, KernelFaults::new())
    }
}

impl Subject for Plain {
    const ADDS_UP: bool = true;

    fn ledger(&self) -> &Ledger {
        self.0.ledger()
    }

    fn add(&self, region: usize) -> Result<Vec<u64>, AddError> {
        let (_, pages, host, _) = REGIONS[region];
        Ok((host..host + pages).map(|page| page * PAGE).collect())
    }

    fn is_dynamic(&self) -> bool {
        false
    }

    fn settle(&self) -> u64 {
        0
    }

    fn kept() -> u64 {
        0
    }

    fn faults(&self) -> &KernelFaults {
        &self.1
    }
}

/// Memory of the regions. The last one shows pages of the first once more.
fn memories() -> Vec<HostMemory> {
    let page = usize::try_from(PAGE).unwrap();
    let whole = HostMemory::memfd(100 * page).unwrap();
    let share = |&(_, pages, host, _): &(u64, u64, u64, bool)| {
        let [host, pages] = [host, pages].map(|number| usize::try_from(number).unwrap());
        whole.share(host * page, pages * page).unwrap()
    };
    let memories = REGIONS.iter().map(share).collect();
    whole.seal().unwrap();
    memories
}

fn virtual_pages(memory: &HostMemory) -> Vec<u64> {
    let pages = 0..memory.len() as u64 / PAGE;
    pages
        .map(|page| memory.addr() as u64 + page * PAGE)
        .collect()
}

fn frames(memory: &HostMemory) -> Vec<u64> {
    let pagemap = File::open("/proc/self/pagemap").unwrap();
    let mut bytes = vec![0; virtual_pages(memory).len() * 8];
    let at = memory.addr() as u64 / PAGE * 8;
    pagemap.read_exact_at(&mut bytes, at).unwrap();
    let (entries, _) = bytes.as_chunks();
    let entries = entries.iter().map(|entry| u64::from_ne_bytes(*entry));
    entries
        .map(|entry| (entry & ((1 << 55) - 1)) << 12)
        .collect()
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap_or_default().trim_start_matches(':').trim();
    number
        .trim_end_matches("kB")
        .trim()
        .parse::<u64>()
        .unwrap_or(0)
        / 4
}

/// A pinner that keeps memory of this process.
pub(crate) struct Hosted<P> {
    pinner: P,
    memories: Vec<HostMemory>,
    faults: KernelFaults,
}

impl Hosted<LockedPinner> {
    pub(crate) fn locked() -> Self {
        let faults = KernelFaults::new();
        Self {
            pinner: LockedPinner::with_faults(BUDGET, &faults).unwrap(),
            memories: memories(),
            faults,
        }
    }
}

impl Hosted<UringPinner> {
    /// `None` if this machine has no such thing. One more system call fails if it is to have virtual
    /// addresses.
    pub(crate) fn uring(space: AddrSpace) -> Option<Self> {
        let faults = KernelFaults::new();
        if space == AddrSpace::Virtual {
            faults.fail(0, pinning::Errno::EPERM);
        }
        let pinner = UringPinner::with_faults(BUDGET, &faults).ok()?;
        let memories = memories();
        let subject = Self {
            pinner,
            memories,
            faults,
        };
        (subject.pinner.caps().space == space).then_some(subject)
    }
}

macro_rules! hosted {
    ($pinner:ty, $counter:literal, $adds_up:literal) => {
        impl Subject for Hosted<$pinner> {
            const ADDS_UP: bool = $adds_up;

            fn ledger(&self) -> &Ledger {
                self.pinner.ledger()
            }

            fn add(&self, region: usize) -> Result<Vec<u64>, AddError> {
                let memory = &self.memories[region];
                self.pinner.add(start(region), memory, permission(region))?;
                Ok(match self.pinner.caps().space {
                    AddrSpace::HostPhys => frames(memory),
                    _ => virtual_pages(memory),
                })
            }

            fn settle(&self) -> u64 {
                self.pinner.settle()
            }

            fn kept() -> u64 {
                status($counter)
            }

            fn faults(&self) -> &KernelFaults {
                &self.faults
            }
        }
    };
}

hosted!(LockedPinner, "VmLck", false);
hosted!(UringPinner, "VmPin", true);

macro_rules! forward {
    ($subject:ty, $field:tt) => {
        impl Pinner for $subject {
            type Token = InFlight;

            fn caps(&self) -> pinning::Caps {
                self.$field.caps()
            }
            fn pin(
                &self,
                extents: &[pinning::Extent],
                runs: &mut pinning::Runs,
            ) -> Result<InFlight, pinning::PinError> {
                self.$field.pin(extents, runs)
            }
            fn unpin(&self, token: InFlight) {
                self.$field.unpin(token);
            }
            fn quarantine(&self, token: InFlight) {
                self.$field.quarantine(token);
            }
            fn begin_invalidate(
                &self,
                range: std::ops::Range<GuestAddr>,
            ) -> Result<(), pinning::InvalidateError> {
                self.$field.begin_invalidate(range)
            }
            fn quiesced(&self, range: std::ops::Range<GuestAddr>) -> bool {
                self.$field.quiesced(range)
            }
            fn end_invalidate(&self, range: std::ops::Range<GuestAddr>, still_mapped: bool) {
                self.$field.end_invalidate(range, still_mapped);
            }
        }
    };
}

forward!(Plain, 0);
forward!(Hosted<LockedPinner>, pinner);
forward!(Hosted<UringPinner>, pinner);
