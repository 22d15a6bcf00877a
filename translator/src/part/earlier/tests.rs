// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Earlier parts of long and of changing courses.

use alloc::{collections::BTreeMap, vec};

use ccw::{DeviceClass, GuestAddr, HostAddr, RawIrb, RawOrb};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};

use super::*;
use crate::{
    Area, CommandPolicy, Guards, GuestStorage, HostProfile, Part, Planned, Policy, Slot,
    fetch_part, words::Words,
};

/// A search leads to 2008 or to 2010, and the disk finds something else each time: what is not
/// repeated any more is not kept.
#[test]
fn another_course_leaves_nothing_of_the_last_one() {
    let mut words = BTreeMap::from([
        (0x1ff8, 0x0740_0006_0000_5000), // SEEK
        (0x5000, 0x0000_0102_0304_0000),
        (0x2000, 0x3140_0005_0000_3000), // SEARCH ID EQUAL
        (0x2008, 0x0800_0000_0000_2030),
    ]);
    // READ by two IDAWs and SEEK, with PCI, and what comes behind them.
    words.extend([
        (0x2010, 0x064c_1000_0000_4000),
        (0x2018, 0x0320_0001_0000_0000),
        (0x4000, 0x1_0800),
        (0x4008, 0x1_1000),
        (0x2030, 0x0748_0006_0000_5008),
        (0x2038, 0x0320_0001_0000_0000),
        (0x5008, 0x0000_0506_0708_0000),
    ]);
    let storage = Words(words);
    let map = RegionMap::new(&[Region {
        guest: GuestAddr::new(0),
        len: 0x10_0000,
        host: HostAddr::new(0x1_0000_0000),
        permission: Permission::ReadWrite,
    }])
    .unwrap();
    let pinner = PlainPinner::new(map.clone(), Budget::default());
    let commands = CommandPolicy::read_only(DeviceClass::Eckd);
    let (policy, guards) = (
        Policy::MEDIATE.for_device(DeviceClass::Eckd),
        Guards {
            commands: Some(&commands),
            ..Guards::default()
        },
    );
    // Format 1, prefetching not allowed, IDAWs of format 2 with blocks of 4 KiB.
    let orb = RawOrb::from_words([0, 0x0082_8000, 0x1ff8]);
    let (mut earlier, mut buffers) = (Earlier::NONE, Buffers::new());
    let mut part = Part::START;
    let mut sizes = vec![];
    for turn in 0..40 {
        let program = fetch_part(&orb, &part, &storage, &map, &policy, &guards, buffers);
        let Ok(Planned::Run(plan)) = program.plan_behind(earlier, &HostProfile::SOFTWARE) else {
            panic!("not run in turn {turn}");
        };
        let [mut ccws, mut lists, mut copies] = [(); 3].map(|()| vec![0; 4096]);
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), &mut ccws).unwrap(),
            Area::new(HostAddr::new(0x10_1000), &mut lists).unwrap(),
            HostAddr::new(0x10_2000),
        );
        let pinned = plan.pin(&pinner).unwrap();
        let copied = Area::new(HostAddr::new(0x10_3000), &mut copies).unwrap();
        let slot = slot.unwrap().with_copies(copied).unwrap();
        let program = pinned.emit(slot).unwrap();
        assert_eq!(copies[..6], [0, 0, 1, 2, 3, 4]);
        let again = turn % 2 == 0;
        assert_eq!(copies[6..12] == [0, 0, 5, 6, 7, 8], again, "{copies:x?}");
        let work = &program.work;
        let commands = &work.commands;
        sizes.push((
            work.nodes.len(),
            work.words.len(),
            work.stored.len(),
            commands.bytes.len(),
        ));
        let at = match turn {
            0 => 0x2018,
            _ if turn % 2 == 0 => 0x2010,
            _ => 0x2008,
        };
        let end = work.nodes.iter().find(|node| node.addr == at).unwrap();
        let cpa = 0x10_0000 + 8 * end.host + 8;
        let mut raw = RawIrb([0; 64]);
        let status = [0x0082_4017, cpa, 0x0020_0000_u32];
        for (to, from) in raw
            .0
            .iter_mut()
            .zip(status.iter().flat_map(|w| w.to_be_bytes()))
        {
            *to = from;
        }
        let host = Irb::decode(&raw);
        let running = program.start();
        let arrival = running.complete(&host).arrived.unwrap();
        assert_eq!(arrival.at.get(), u64::from(at));
        part = Part::from(arrival);
        (earlier, buffers) = running.go_on(&host).unwrap();
    }
    assert_eq!(sizes[2..4], sizes[38..40], "{sizes:?}");
}
/// Commands whose data lie in [`LISTS`] of MIDAWs in small pieces: 500 times READ, then SEEK, and a
/// NO-OPERATION with PCI behind them.
struct Scattered;

const LISTS: u64 = 0x20_0000;

impl Scattered {
    fn word(at: u64) -> u64 {
        if let Some(behind) = at.checked_sub(LISTS) {
            let (k, j) = (behind / 4096, behind % 4096 / 16);
            let last = u64::from(j == 255) << 23;
            return match behind % 16 {
                0 => last | 1,
                _ => 0x100_0000 + (256 * k + j) * 4,
            };
        }
        let k = (at - 0x10_0000) / 8;
        match k {
            0..500 => 0x0661_0100_0000_0000 | (LISTS + 4096 * k),
            500..1000 => 0x0761_0100_0000_0000 | (LISTS + 4096 * k),
            1000 => 0x0368_0001_0000_0000,
            _ => 0x0320_0001_0000_0000,
        }
    }
}

impl GuestStorage for Scattered {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        for (to, at) in buf.chunks_mut(8).zip((at.get()..).step_by(8)) {
            let word = Self::word(at).to_be_bytes();
            for (to, from) in to.iter_mut().zip(word) {
                *to = from;
            }
        }
        buf.len()
    }
}

/// Whether output was read in is found out without comparing every piece with every other one: else
/// this would take minutes.
#[test]
fn much_output_behind_much_input() {
    let map = RegionMap::new(&[Region {
        guest: GuestAddr::new(0),
        len: 0x400_0000,
        host: HostAddr::new(0x1_0000_0000),
        permission: Permission::ReadWrite,
    }])
    .unwrap();
    let policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    let guards = Guards::default();
    // Format 1, prefetching not allowed, MIDAWs.
    let orb = RawOrb::from_words([0, 0x0082_80c0, 0x10_0000]);
    let start = Part::START;
    let storage = &Scattered;
    let program = fetch_part(
        &orb,
        &start,
        storage,
        &map,
        &policy,
        &guards,
        Buffers::new(),
    );
    let planned = program.plan_behind(Earlier::NONE, &HostProfile::SOFTWARE);
    assert!(matches!(planned, Ok(Planned::Run(_))), "{planned:?}");
}

/// What is repeated is given back once, and is not what buffers hold of the program before.
#[test]
fn spare_buffers_are_not_what_is_repeated() {
    let mut work = Buffers::new();
    work.spare = Some(Buffers::new());
    assert!(work.take_earlier().is_empty());
    work.keep_earlier(Earlier::NONE);
    assert!(work.take_earlier().is_empty());
    work.keep_earlier(Earlier(Some(Buffers::new())));
    assert!(!work.take_earlier().is_empty());
    assert!(work.take_earlier().is_empty());
    work.keep_earlier(Earlier(Some(Buffers::new())));
    work.reset(&RawOrb::default(), &Part::START, &Policy::MEDIATE);
    assert!(work.take_earlier().is_empty());
    assert!(work.spare.is_some());
}
