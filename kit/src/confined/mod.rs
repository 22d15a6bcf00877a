// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whatever a guest starts, its disk stays within the part that a command policy leaves it.
//!
//! A program out of any bytes is translated with a policy, its parameters are changed behind the
//! judgement, and the host's program is run by a disk that notes which tracks it goes to, or uses. The
//! disk itself knows nothing of policies: it goes by what programs say, as disks do.
//!
//! In parts, the program is suspended, told how far it is, reads into itself, and is changed by its
//! guest between two parts; and somebody else uses the disk meanwhile.

mod disk;
mod guest;
mod program;

use ccw::{DeviceClass, GuestAddr, HostAddr, RawOrb};
use css::{Config, Subchannel};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
use translator::{
    Area, Buffers, Cause, CommandPolicy, Earlier, Guards, HostProfile, Part, Planned, Policy, Slot,
    Track, Tracks, fetch_part,
};

use crate::reached;
use disk::Disk;
use guest::{Guest, OFFSET, SIZE};
use program::{CCWS, Program};

/// Where the host's program lies.
const SLOT: [u64; 4] = [0x10_0000, 0x20_0000, 0x30_0000, 0x40_0000];
/// Parts of a program at most.
const PARTS: usize = 8;
/// Commands of a part at most: some go on for ever.
const STEPS: u32 = 300;

/// How a program is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// From one copy.
    Whole,
    /// In parts.
    InParts,
}

/// What became of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Commands that the disk was given.
    pub given: usize,
    /// What the disk did outside the extent.
    pub outside: Option<String>,
    /// Whether it wrote.
    pub wrote: bool,
    /// Whether the volume is not only to be read.
    pub writable: bool,
    /// Parts that the host was given.
    pub parts: usize,
    /// Those of them in front of which earlier ones were repeated.
    pub repeated: usize,
    /// How often it was suspended.
    pub suspended: usize,
}

/// A name, and the bytes of a program.
type Seed = (&'static str, Vec<u8>);

/// Programs that begin as most do, and go on in their own way.
pub fn seeds() -> Vec<Seed> {
    // Extent, writing, place, tameness, prefetching, honesty; DEFINE EXTENT or SEEK, and what follows.
    let head = |first, last, late| [first, last, 1, 58, late, 1 - late, 0x55];
    let even = |from: u8| {
        (0..120u8)
            .map(move |n| n.wrapping_mul(from))
            .collect::<Vec<_>>()
    };
    vec![
        ("one-track", [head(20, 20, 0).to_vec(), even(0)].concat()),
        ("cylinder", [head(15, 29, 0).to_vec(), even(3)].concat()),
        ("odd", [head(7, 41, 0).to_vec(), even(13)].concat()),
        ("nearly-all", [head(1, 58, 0).to_vec(), even(29)].concat()),
        ("in-parts", [head(15, 29, 1).to_vec(), even(13)].concat()),
    ]
}

/// Fails if the disk does anything that it must not, for any bytes.
///
/// # Panics
///
/// With what it did.
pub fn check(bytes: &[u8]) {
    for profile in HostProfile::ALL {
        for manner in [Manner::Whole, Manner::InParts] {
            let Some(report) = run(bytes, true, profile, manner) else {
                continue;
            };
            let told = || {
                let program = Program::from_bytes(bytes);
                format!("{}, {manner:?}: {program:x?}", profile.name)
            };
            assert_eq!(report.outside, None, "{}", told());
            assert!(report.writable || !report.wrote, "{}", told());
        }
    }
}

/// Runs the program in `bytes`, with or without its policy; `None` if the disk was not needed.
pub fn run(bytes: &[u8], confined: bool, profile: &HostProfile, manner: Manner) -> Option<Report> {
    let program = Program::from_bytes(bytes);
    let commands = policy(&program);
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
    let pinner = PlainPinner::new(map.clone(), Budget::default());
    let (policy, word1) = match manner {
        Manner::Whole => (Policy::CHECK, 0x00c2_8000),
        Manner::InParts => (
            Policy::MEDIATE,
            0x0882_8000 | u32::from(program.prefetch) << 22,
        ),
    };
    let policy = Policy {
        remarks: false,
        ..policy.for_device(DeviceClass::Eckd)
    };
    let orb = RawOrb::from_words([0, word1, CCWS as u32]);
    let mut guest = Guest::new(&program, manner == Manner::InParts);
    let mut disk = Disk::left_at(program.left_at, program.extent);
    let mut report = Report {
        writable: program.writes,
        ..Report::default()
    };
    let (mut part, mut earlier) = (Part::START, Earlier::NONE);
    let mut buffers = Buffers::new();
    for _ in 0..PARTS {
        let judged = fetch_part(&orb, &part, &guest, &map, &policy, &guards, buffers);
        reached::note_verdict(&judged);
        let repeats = !earlier.is_empty();
        let plan = match judged.plan_behind(earlier, profile) {
            Ok(Planned::Run(plan)) => plan,
            Ok(Planned::Arrived(arrived)) => {
                part = Part::from(arrived.arrival());
                guest.is_asked(arrived.arrival().at.get());
                (earlier, buffers) = arrived.go_on();
                continue;
            }
            Ok(Planned::Ended(_)) => break,
            Err(rejected) => {
                reached::note_refusal(&rejected);
                break;
            }
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
        report.parts += 1;
        report.repeated += usize::from(repeats);
        let pinned = plan.pin(&pinner).expect("pins");
        let translated = pinned.emit(slot).expect("room");
        guest.is_judged();
        for (at, bytes) in [(at_ccws, ccws), (at_lists, lists), (at_copies, copies)] {
            guest.ram.write(at, &bytes);
        }
        let mut subchannel = Subchannel::<ccw::Host>::new(Config::default());
        let host_orb = translated.orb().encode();
        subchannel.start_raw(&host_orb).expect("condition code 0");
        disk.leave_at(program.left_at);
        subchannel.run(&mut guest.ram, &mut disk, STEPS);
        let irb = subchannel.irb();
        let running = translated.start();
        let Some(arrival) = running.complete(&irb).arrived else {
            running.end();
            break;
        };
        let Ok((repeated, next)) = running.go_on(&irb) else {
            break;
        };
        (earlier, buffers) = (repeated, next);
        report.suspended += usize::from(arrival.cause == Cause::Suspend);
        part = Part::from(arrival);
        guest.is_asked(arrival.at.get());
    }
    report.given = disk.given;
    report.wrote = disk.is_written();
    report.outside = disk.outside;
    (report.parts > 0).then_some(report)
}

/// What `program` is confined to.
fn policy(program: &Program) -> CommandPolicy {
    let [first, last] = [program.extent.0, program.extent.1]
        .map(|(cylinder, head)| Track::new(cylinder.into(), head));
    let tracks = Tracks::new(first, last).expect("in this order");
    match program.writes {
        true => CommandPolicy::read_write(tracks),
        false => CommandPolicy::read_only(tracks),
    }
}
