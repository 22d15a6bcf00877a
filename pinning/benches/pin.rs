// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pin and unpin with each back end of this crate; `harness` says how.
//!
//! `cargo bench -p pinning --bench pin`; with `-- --test` everything runs once.

mod harness;

use std::sync::Arc;

use ccw::{GuestAddr, HostAddr};
use pinning::{
    AddrSpace, Budget, HostMemory, KeepError, LockedPinner, Owner, Permission, Pinner, Pins,
    PlainPinner, Region, RegionMap, Runs, UringPinner,
};

use vm_memory::GuestAddress;
use vm_memory::mmap::{GuestRegionMmap, MmapRegion};

use harness::{BYTES, Ours, START, Way, programs};

/// One pinner for all, each thread an owner of its own.
macro_rules! owned {
    ($pinner:expr) => {
        Box::new(Ours {
            whole: Arc::new($pinner),
            own: |pinner, thread| pinner.of_owner(Owner(thread)),
        })
    };
}

fn plain() -> PlainPinner {
    let region = Region {
        guest: GuestAddr::new(START),
        len: BYTES as u64,
        host: HostAddr::new(START * 2),
        permission: Permission::ReadWrite,
    };
    PlainPinner::new(RegionMap::new(&[region]).unwrap(), Budget::default())
}

type Open = fn(Budget) -> Result<UringPinner, KeepError>;

/// The back ends that this machine has.
fn ways() -> Vec<(&'static str, Box<dyn Way>)> {
    let at = GuestAddr::new(START);
    let writable = Permission::ReadWrite;
    let budget = Budget::default();
    let mut ways: Vec<(_, Box<dyn Way>)> = vec![(
        "plain",
        Box::new(Ours {
            whole: Arc::new(plain()),
            own: |pinner, _| Arc::clone(pinner),
        }),
    )];
    let locked = LockedPinner::new(budget).unwrap();
    let memory = HostMemory::sealed(BYTES).unwrap();
    match locked.add(at, &memory, writable) {
        Ok(()) => ways.push(("locked", owned!(locked))),
        Err(error) => println!("LEFT OUT: locked: {error}"),
    }
    let uring = |name, open: Open, kind| {
        let pinner = open(budget).map_err(|error| error.to_string())?;
        let memory = match kind {
            Kind::Huge => huge()?,
            Kind::Scattered | Kind::AsItComes => {
                HostMemory::sealed(BYTES).map_err(|error| error.to_string())?
            }
        };
        if matches!(kind, Kind::Scattered) {
            scatter(&memory);
        }
        let added = pinner.add(at, &memory, writable);
        added.map_err(|error| error.to_string())?;
        if matches!(kind, Kind::Huge) && runs_of(&pinner) > 60 {
            return Err("no huge pages".to_owned());
        }
        Ok::<_, String>((name, pinner))
    };
    for (name, open, space, kind) in [
        (
            "io_uring, virtual",
            UringPinner::with_virtual_addresses as Open,
            AddrSpace::Virtual,
            Kind::AsItComes,
        ),
        (
            "io_uring, frames",
            UringPinner::new,
            AddrSpace::HostPhys,
            Kind::AsItComes,
        ),
        (
            "io_uring, scattered frames",
            UringPinner::new,
            AddrSpace::HostPhys,
            Kind::Scattered,
        ),
        (
            "io_uring, huge frames",
            UringPinner::new,
            AddrSpace::HostPhys,
            Kind::Huge,
        ),
    ] {
        match uring(name, open, kind) {
            Ok((name, pinner)) if pinner.caps().space == space => {
                println!("{name}: {} runs for 960 pages", runs_of(&pinner));
                ways.push((name, owned!(pinner)));
            }
            Ok((name, _)) => println!("LEFT OUT: {name}: no frames without CAP_SYS_ADMIN"),
            Err(error) => println!("LEFT OUT: {name}: {error}"),
        }
    }
    ways
}

/// How the frames of a region come about.
enum Kind {
    AsItComes,
    Scattered,
    Huge,
}

/// Private memory, as guest memory may be: for that huge pages are given most readily.
fn huge() -> Result<HostMemory, String> {
    let mapping = MmapRegion::<()>::new(BYTES).map_err(|error| error.to_string())?;
    let region = GuestRegionMmap::new(mapping, GuestAddress(START)).ok_or("no region")?;
    let memory = HostMemory::of_region(&region).map_err(|error| error.to_string())?;
    memory
        .prefer_huge_pages()
        .map_err(|error| error.to_string())?;
    Ok(memory)
}

/// Uses the pages in an order in which neighbours get frames apart.
fn scatter(memory: &HostMemory) {
    let pages = memory.len() / 4096;
    for page in (0..pages).map(|n| n * 4_649 % pages) {
        memory.write(page * 4096, &[1]).unwrap();
    }
}

fn runs_of(pinner: &UringPinner) -> usize {
    let mut runs = Runs::new();
    let _pins = Pins::acquire(pinner, &programs(0, 60, 16)[0], &mut runs).unwrap();
    runs.as_slice().len()
}

fn main() {
    harness::run(ways());
}
