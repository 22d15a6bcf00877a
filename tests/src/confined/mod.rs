// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whatever a guest starts, its disk stays within the part that a command policy leaves it.
//!
//! A program out of any bytes is translated with a policy, its parameters are changed behind the
//! judgement, and the host's program is run by a disk that notes which tracks it goes to, or uses. The
//! disk itself knows nothing of policies: it goes by what programs say, as disks do.

mod disk;
mod program;

use ccw::{DeviceClass, GuestAddr, HostAddr, RawOrb};
use css::{Config, Ram, Subchannel};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
use translator::{
    Area, Buffers, CommandPolicy, Guards, HostProfile, Planned, Policy, Slot, Track, Tracks, fetch,
    validate,
};

use crate::storage::Storage;
use disk::Disk;
use program::{CCWS, Program};

/// How much higher guest storage lies on the host, and how much there is.
const OFFSET: u64 = 1 << 33;
const SIZE: u64 = 0x10_0000;
/// Where the host's program lies.
const SLOT: [u64; 4] = [0x10_0000, 0x20_0000, 0x30_0000, 0x40_0000];

/// What became of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Commands that the disk was given.
    pub given: usize,
    /// What the disk did outside the extent.
    pub outside: Option<String>,
    /// Whether it wrote.
    pub wrote: bool,
    /// Whether the volume is not only to be read.
    pub writable: bool,
}

/// A name, and the bytes of a program.
type Seed = (&'static str, Vec<u8>);

/// Programs that begin as most do, and go on in their own way.
pub fn seeds() -> Vec<Seed> {
    // Extent, writing, place; DEFINE EXTENT or SEEK, and what follows.
    let head = |first, last| [first, last, 1, 58];
    let even = |from: u8| {
        (0..120u8)
            .map(move |n| n.wrapping_mul(from))
            .collect::<Vec<_>>()
    };
    vec![
        ("one-track", [head(20, 20).to_vec(), even(0)].concat()),
        ("cylinder", [head(15, 29).to_vec(), even(3)].concat()),
        ("odd", [head(7, 41).to_vec(), even(13)].concat()),
        ("nearly-all", [head(1, 58).to_vec(), even(29)].concat()),
    ]
}

/// Fails if the disk does anything that it must not, for any bytes.
///
/// # Panics
///
/// With what it did.
pub fn check(bytes: &[u8]) {
    for profile in HostProfile::ALL {
        if let Some(report) = run(bytes, true, profile) {
            let name = profile.name;
            assert_eq!(
                report.outside,
                None,
                "{name}: {:x?}",
                Program::from_bytes(bytes)
            );
            assert!(
                report.writable || !report.wrote,
                "{name}: {:x?}",
                Program::from_bytes(bytes)
            );
        }
    }
}

/// Runs the program in `bytes`, with or without its policy; `None` if the disk was not needed.
pub fn run(bytes: &[u8], confined: bool, profile: &HostProfile) -> Option<Report> {
    let program = Program::from_bytes(bytes);
    let mut guest = Storage::new(SIZE);
    for (at, bytes) in &program.storage {
        guest.write(*at, bytes);
    }
    let [first, last] = [program.extent.0, program.extent.1]
        .map(|(cylinder, head)| Track::new(cylinder.into(), head));
    let tracks = Tracks::new(first, last).expect("in this order");
    let commands = match program.writes {
        true => CommandPolicy::read_write(DeviceClass::Eckd),
        false => CommandPolicy::read_only(DeviceClass::Eckd),
    };
    let commands = commands.with_tracks(tracks);
    let guards = Guards {
        commands: confined.then_some(&commands),
        ..Guards::default()
    };
    let region = Region {
        guest: GuestAddr::new(0),
        len: SIZE,
        host: HostAddr::new(OFFSET),
        permission: Permission::ReadWrite,
    };
    let map = RegionMap::new(&[region]).expect("a region");
    let pinner = PlainPinner::new(map, Budget::default());
    let orb = RawOrb::from_words([0, 0x00c2_8000, CCWS as u32]);
    let policy = Policy::CHECK.for_device(DeviceClass::Eckd);
    let policy = Policy {
        remarks: false,
        ..policy
    };
    let snapshot = fetch(&orb, &guest, &policy, &guards, Buffers::new());
    let Ok(Planned::Run(plan)) = validate(snapshot, pinner.regions(), &guards).plan(profile) else {
        return None;
    };
    let [mut ccws, mut lists, mut copies] = [(); 3].map(|()| vec![0xff; 0x8000]);
    let [at_ccws, at_lists, at_copies, scratch] = SLOT.map(HostAddr::new);
    let area = |at, bytes| Area::new(at, bytes).expect("below 2 GiB");
    let slot = Slot::new(
        area(at_ccws, &mut ccws),
        area(at_lists, &mut lists),
        scratch,
    )
    .and_then(|slot| slot.with_copies(area(at_copies, &mut copies)))
    .expect("a slot");
    let translated = plan.pin(&pinner).expect("pins").emit(slot).expect("room");
    let mut storage = Ram::<ccw::Host>::new(1 << 36);
    for (at, bytes) in program.storage.iter().chain(&program.later) {
        storage.write(HostAddr::new(at + OFFSET), bytes);
    }
    for (at, bytes) in [(at_ccws, ccws), (at_lists, lists), (at_copies, copies)] {
        storage.write(at, &bytes);
    }
    let mut disk = Disk::left_at(program.left_at, program.extent);
    let mut subchannel = Subchannel::<ccw::Host>::new(Config::default());
    let orb = translated.orb().encode();
    subchannel.start_raw(&orb).expect("condition code 0");
    // Some go on for ever.
    subchannel.run(&mut storage, &mut disk, 300);
    Some(Report {
        given: disk.given,
        wrote: disk.is_written(),
        writable: program.writes,
        outside: disk.outside,
    })
}
