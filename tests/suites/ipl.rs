// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that a machine is loaded with: they read in what they go on with, and forbid that they be
//! prefetched. Each runs to its end through the guest's subchannel, on a software device, laid out for
//! vfio-ccw. PoP: Initial Program Loading.

use std::env;
use std::path::Path;

use ccw::{DeviceClass, GuestAddr, RawOrb, SubsystemId};
use css::device::eckd::Eckd;
use css::device::unit_record::Reader;
use tests::corpus::{self, Case};
use translator::Policy;
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    ConditionCode, Event, GuestRegion, Mediator, MediatorConfig, Metrics, ShadowWindow,
    WindowConfig,
};
use vfio_ccw::{HostMemory, Source};

const RAM: usize = 0x100_0000;
/// The program that the machine makes itself: READ 24 bytes to 0, and go on at 8.
const LOAD: &[u8] = &[2, 0, 0, 0, 0x60, 0, 0, 24];
/// Format 0, no prefetching.
const IPL_ORB: [u32; 3] = [0, 0x0000_8000, 0];

/// What a load comes to: SCSW, storage, and what was counted.
struct Loaded {
    scsw: String,
    ram: HostMemory,
    metrics: Metrics,
}

impl Loaded {
    fn at(&self, at: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.ram.read(at, &mut bytes).expect("in storage");
        bytes
    }
}

/// Starts the program of `orb` in storage with `bytes`, on a device of `class`.
fn load<'a>(
    device: impl css::Device + Send,
    class: DeviceClass,
    orb: &RawOrb,
    bytes: impl IntoIterator<Item = (u64, &'a [u8])>,
) -> Loaded {
    let space = SoftSpace::new();
    let config = SoftConfig::default();
    let device = SoftDevice::new(device, space.clone(), config).expect("event descriptors");
    let window = ShadowWindow::new(space, WindowConfig::default()).expect("a window");
    let ram = HostMemory::anonymous(RAM).expect("memory");
    for (at, bytes) in bytes {
        let at = usize::try_from(at).expect("small");
        ram.write(at, bytes).expect("in storage");
    }
    let region = GuestRegion::new(GuestAddr::new(0), ram.clone());
    window.add(region).expect("a region");
    let id = SubsystemId::new(0, 0).expect("subchannel set 0");
    let mut config = MediatorConfig::new(id, 0x120);
    config.guest.policy = Policy::MEDIATE.for_device(class);
    let mut sch = Mediator::attach(device, window, config).expect("a subchannel");
    let mut events = Vec::new();
    let mut schib = sch.stsch(&mut events);
    schib.0[5] |= 0x80;
    assert_eq!(sch.msch(&schib), Ok(ConditionCode::Cc0));
    assert_eq!(sch.ssch(orb, &mut events), Ok(ConditionCode::Cc0));
    for _ in 0..100 {
        if events.iter().any(|it| matches!(it, Event::Interrupt(_))) {
            break;
        }
        sch.device_mut().run(1000);
        sch.ready(Source::Io, &mut events);
    }
    let (code, irb) = sch.tsch(&mut events);
    assert_eq!(code, ConditionCode::Cc0, "it has no end");
    assert_eq!((sch.window().in_flight(), sch.is_quiet()), (0, true));
    let irb = irb.expect("status");
    let digits = irb.0[..12].iter().map(|byte| format!("{byte:02x}"));
    Loaded {
        scsw: digits.collect(),
        ram,
        metrics: sch.metrics(),
    }
}

/// A format-0 CCW that reads.
fn read(to: u32, flags: u8, count: u8) -> [u8; 8] {
    let [_, a, b, c] = to.to_be_bytes();
    [2, a, b, c, flags, 0, 0, count]
}

/// A card.
fn card(begins: &[u8], fill: u8) -> [u8; 80] {
    let mut card = [fill; 80];
    for (to, from) in card.iter_mut().zip(begins) {
        *to = *from;
    }
    card
}

/// Cards as the boot loader in a kernel's head has them: the first one has a PSW and two CCWs, each of
/// which reads ten more; these read a card each.
fn deck() -> Vec<[u8; 80]> {
    let psw = [0, 8, 0, 0, 0x80, 0, 2, 0];
    let first = [psw, read(0x18, 0x60, 80), read(0x68, 0x60, 80)];
    let mut ccws: Vec<_> = (0..20).map(|n| read(0xf0 + 80 * n, 0x60, 80)).collect();
    ccws[19][4] = 0x20;
    let mut cards = vec![
        card(first.as_flattened(), 0),
        card(ccws[..10].as_flattened(), 0),
        card(ccws[10..].as_flattened(), 0),
    ];
    cards.extend((1..=20).map(|n| card(&[], n)));
    cards
}

#[test]
fn from_a_card_reader() {
    let reader = Reader::from_cards(deck());
    let orb = RawOrb::from_words(IPL_ORB);
    let loaded = load(reader, DeviceClass::UnitRecord, &orb, [(0, LOAD)]);
    // Behind the CCW at b0.
    assert_eq!(loaded.scsw, "00004007000000b80c000000");
    assert_eq!(loaded.at(0, 8), [0, 8, 0, 0, 0x80, 0, 2, 0]);
    for n in 1..=20 {
        let at = 0xf0 + 80 * usize::from(n - 1);
        assert_eq!(loaded.at(at, 80), [n; 80], "card {n}");
    }
    // Behind each of the three cards that have CCWs.
    assert_eq!((loaded.metrics.starts, loaded.metrics.segments), (1, 3));
}

/// A 3390 volume of one cylinder per entry up to the last one: tracks, and the data of their records.
fn volume(tracks: &[(u16, u16, Vec<Vec<u8>>)]) -> Eckd<Vec<u8>> {
    const TRACK: usize = 0xde00;
    let cylinders = tracks.iter().map(|&(cylinder, ..)| cylinder).max();
    let count = 15 * (usize::from(cylinders.unwrap_or(0)) + 1);
    let mut image = vec![0; 512 + count * TRACK];
    image[..20].copy_from_slice(b"CKD_P370\x0f\0\0\0\x00\xde\0\0\x90\0\0\0");
    for track in 0..count {
        let [cylinder, head] = [track / 15, track % 15].map(|n| u16::try_from(n).expect("small"));
        let address = [cylinder.to_be_bytes(), head.to_be_bytes()].concat();
        let mut bytes = [&[0][..], &address, &address, &[0, 0, 0, 8], &[0; 8]].concat();
        let found = tracks.iter().find(|it| (it.0, it.1) == (cylinder, head));
        let records = found.map_or(&[][..], |(.., records)| records);
        for (r, data) in (1u8..).zip(records) {
            bytes.extend(&address);
            bytes.extend([r, 0]);
            bytes.extend(u16::try_from(data.len()).expect("a record").to_be_bytes());
            bytes.extend(data);
        }
        bytes.extend([0xff; 8]);
        let at = 512 + track * TRACK;
        image[at..at + bytes.len()].copy_from_slice(&bytes);
    }
    Eckd::new(image).expect("a volume")
}

/// Blocks of 4096 bytes, each full of its number.
fn blocks() -> Vec<Vec<u8>> {
    (1..=12).map(|n| vec![n; 4096]).collect()
}

/// Record 1 has a PSW and two CCWs: the second record is read, and control goes there. That one finds
/// a track and reads two of its blocks.
#[test]
fn from_a_disk() {
    let psw = [0, 8, 0, 0, 0x80, 0, 0x30, 0];
    let next = [6, 0, 0x20, 0, 0x60, 0, 0, 0x90];
    let there = [8, 0, 0x20, 0, 0, 0, 0, 0];
    let first = [psw, next, there].as_flattened().to_vec();
    let mut second = [
        // SEEK to cylinder 1, head 2; SEARCH ID for record 3; READ two records.
        [7, 0, 0x20, 0x40, 0x40, 0, 0, 6],
        [0x31, 0, 0x20, 0x42, 0x40, 0, 0, 5],
        [8, 0, 0x20, 8, 0, 0, 0, 0],
        [6, 0, 0x30, 0, 0x40, 0, 0x10, 0],
        [6, 0, 0x40, 0, 0x00, 0, 0x10, 0],
    ]
    .as_flattened()
    .to_vec();
    second.resize(0x40, 0);
    second.extend([0, 0, 0, 1, 0, 2, 3]);
    second.resize(0x90, 0);
    let volume = volume(&[(0, 0, vec![first, second]), (1, 2, blocks())]);
    let orb = RawOrb::from_words(IPL_ORB);
    let loaded = load(volume, DeviceClass::Eckd, &orb, [(0, LOAD)]);
    // Behind the CCW at 2020.
    assert_eq!(loaded.scsw, "00004007000020280c000000");
    assert_eq!(loaded.at(0, 8), psw);
    assert_eq!(loaded.at(0x3000, 4096), vec![3; 4096]);
    assert_eq!(loaded.at(0x4000, 4096), vec![4; 4096]);
    assert_eq!(loaded.metrics.starts, 1);
    assert!(loaded.metrics.segments >= 2);
}

/// A boot loader's list of blocks, as format-1 CCWs that must not be prefetched.
#[test]
fn a_boot_loaders_list_of_blocks() {
    let mut ccws = vec![
        [7, 0x60, 0, 6, 0, 0, 0xff, 0x18],
        [0x31, 0x60, 0, 5, 0, 0, 0xff, 0x20],
        [8, 0, 0, 0, 0, 0, 0x80, 8],
    ];
    ccws.extend((1..=12).map(|n| [0x86, 0x60, 0x10, 0, 0, n, 0, 0]));
    ccws[14][1] = 0x20;
    let volume = volume(&[(0, 3, blocks())]);
    let orb = RawOrb::from_words([0, 0x0080_8000, 0x8000]);
    let storage = [
        (0x8000, ccws.as_flattened()),
        (0xff18, &[0, 0, 0, 0, 0, 3]),
        (0xff20, &[0, 0, 0, 3, 1]),
    ];
    let loaded = load(volume, DeviceClass::Eckd, &orb, storage);
    assert_eq!(loaded.scsw, "00804007000080780c000000");
    for n in 1..=12 {
        let at = 0x1_0000 * usize::from(n);
        assert_eq!(loaded.at(at, 4096), vec![n; 4096], "block {n}");
    }
}

/// Recorded loads, which may not be copied here: `CCW_CORPUS` names their folder. They end as they did.
#[test]
fn recorded_loads() {
    let Some(folder) = env::var_os("CCW_CORPUS") else {
        eprintln!("LEFT OUT: CCW_CORPUS names no folder with recorded loads (ipl-*.json)");
        return;
    };
    let cases = corpus::load(Path::new(&folder)).expect("programs");
    let loads = cases.iter().filter(|case| case.name.starts_with("ipl-"));
    let mut count = 0;
    for case in loads {
        let recorded = case.ended.as_ref().expect("it was recorded");
        let loaded = load_recorded(case);
        assert_eq!(loaded.scsw, recorded.scsw, "{}", case.name);
        count += 1;
    }
    assert!(count > 0, "no recorded loads in that folder");
}

/// The program of `case`, with what it needs to find: what was on the cards and on the volume is not
/// recorded, but where its records were follows from the program.
fn load_recorded(case: &Case) -> Loaded {
    let mut orb = case.orb();
    // A machine loads by the path that there is.
    orb.0[6] = 0x80;
    let ranges: Vec<_> = case.ranges().collect();
    let storage = || ranges.iter().map(|(at, bytes)| (*at, &bytes[..]));
    let class = case.device_class();
    match class {
        DeviceClass::UnitRecord => load(Reader::from_cards(deck()), class, &orb, storage()),
        _ => {
            let seek = ranges.iter().find(|(_, bytes)| bytes.len() == 6);
            let (_, seek) = seek.expect("where it seeks to");
            let half = |n: usize| u16::from_be_bytes([seek[n], seek[n + 1]]);
            let volume = volume(&[(half(2), half(4), blocks())]);
            load(volume, class, &orb, storage())
        }
    }
}
