// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage keys and the address limit: what a program may not use it does not use, and ends there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use ccw::{GuestAddr, SubsystemId};
use css::device::scripted::{Response, Scripted};
use translator::{LimitAddr, StorageKey, StorageKeys};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{GuestRegion, Mediator, MediatorConfig, ShadowWindow, WindowConfig};
use vfio_ccw::{HostMemory, Source};

use crate::common::{Cc0, words};
use crate::transport::{TCCB, TCW};

/// The keys of a machine, by 4 KiB block; what the channel did to them.
#[derive(Default)]
struct Keys {
    blocks: Mutex<BTreeMap<u64, StorageKey>>,
    referenced: Mutex<Vec<(u64, u64)>>,
    changed: Mutex<Vec<(u64, u64)>>,
}

impl Keys {
    fn set(&self, block: u64, access: u8, fetch_protected: bool) {
        let key = StorageKey {
            access,
            fetch_protected,
        };
        self.blocks.lock().unwrap().insert(block, key);
    }
}

impl StorageKeys for Keys {
    fn key(&self, at: GuestAddr) -> StorageKey {
        let blocks = self.blocks.lock().unwrap();
        blocks
            .get(&(at.get() & !0xfff))
            .copied()
            .unwrap_or_default()
    }
    fn referenced(&self, range: Range<GuestAddr>) {
        let mut all = self.referenced.lock().unwrap();
        all.push((range.start.get(), range.end.get()));
    }
    fn changed(&self, range: Range<GuestAddr>) {
        let mut all = self.changed.lock().unwrap();
        all.push((range.start.get(), range.end.get()));
    }
}

struct Machine {
    sch: Mediator<SoftDevice<Scripted, SoftSpace>>,
    ram: HostMemory,
    keys: Arc<Keys>,
}

/// Where the program is: its block has key 3, as its ORB.
const PROGRAM: u64 = 0x2000;
/// Key 3, format 1, prefetching, format-2 IDAWs, path 80.
const KEY3: u32 = 0x30c2_8000;

impl Machine {
    fn new(responses: impl IntoIterator<Item = Response>, with_keys: bool) -> Self {
        let space = SoftSpace::new();
        let model = Scripted::new(responses);
        let device = SoftDevice::new(model, space.clone(), SoftConfig::default()).unwrap();
        let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
        let ram = HostMemory::anonymous(0x10_0000).unwrap();
        window
            .add(GuestRegion::new(GuestAddr::new(0), ram.clone()))
            .unwrap();
        let keys = Arc::new(Keys::default());
        keys.set(PROGRAM, 3, true);
        keys.set(0x3000, 3, true);
        let mut config = MediatorConfig::new(SubsystemId::new(0, 0).unwrap(), 0x0190);
        config.guest.policy.facilities.transport = true;
        if with_keys {
            config.keys = Some(keys.clone());
        }
        let mut machine = Self {
            sch: Mediator::attach(device, window, config).unwrap(),
            ram,
            keys,
        };
        machine.enable(0);
        machine
    }

    /// Enabled, with this limit mode.
    fn enable(&mut self, limit_mode: u8) {
        let mut schib = self.sch.stsch(&mut Vec::new());
        schib.0[5] = schib.0[5] & !0x60 | 0x80 | limit_mode;
        assert_eq!(self.sch.msch(&schib), Ok(Cc0));
    }

    /// Runs the program, and says with which SCSW it ended.
    fn run(&mut self, word1: u32, ccws: &[u64]) -> String {
        let bytes: Vec<u8> = ccws.iter().flat_map(|ccw| ccw.to_be_bytes()).collect();
        self.ram.write(0x2000, &bytes).unwrap();
        let orb = ccw::RawOrb::from_words([0, word1, 0x2000]);
        let mut events = Vec::new();
        assert_eq!(self.sch.ssch(&orb, &mut events), Ok(Cc0));
        self.sch.ready(Source::Io, &mut events);
        let (code, irb) = self.sch.tsch(&mut events);
        assert_eq!(code, Cc0);
        words(&irb.unwrap().0[..12])
    }

    fn at(&self, at: usize) -> [u8; 4] {
        let mut bytes = [0; 4];
        self.ram.read(at, &mut bytes).unwrap();
        bytes
    }

    /// Bytes that the device was given, command by command.
    fn sent(&self) -> Vec<Vec<u8>> {
        let sent = self.sch.device().model().sent();
        sent.iter().map(|sent| sent.output.clone()).collect()
    }
}

fn input() -> Response {
    Response::input(&[1, 2, 3, 4])
}

/// READ, chained, and WRITE, of 4 bytes.
const fn read(at: u64) -> u64 {
    0x0240_0004_0000_0000 | at
}
const fn read_last(at: u64) -> u64 {
    0x0200_0004_0000_0000 | at
}
const fn write(at: u64) -> u64 {
    0x0100_0004_0000_0000 | at
}

#[test]
fn a_store_needs_the_key_of_its_block() {
    let mut machine = Machine::new([input(), input()], true);
    machine.keys.set(0x4000, 4, false);
    // The second READ would store at 4000, which another key guards: the first is done.
    let scsw = machine.run(KEY3, &[read(0x3000), read_last(0x4000)]);
    assert_eq!(scsw, "30c04017 00002010 00100000");
    assert_eq!(
        (machine.at(0x3000), machine.at(0x4000)),
        ([1, 2, 3, 4], [0; 4])
    );
    // The first command of all: the same.
    let scsw = machine.run(KEY3, &[read_last(0x4000)]);
    assert_eq!(scsw, "30c04017 00002008 00100000");
    // Key 0 may use everything.
    let mut machine = Machine::new([input()], true);
    machine.keys.set(0x4000, 4, true);
    let scsw = machine.run(KEY3 & 0x0fff_ffff, &[read_last(0x4000)]);
    assert_eq!(scsw, "00c04007 00002008 0c000000");
    assert_eq!(machine.at(0x4000), [1, 2, 3, 4]);
}

#[test]
fn a_block_is_stored_into_as_far_as_its_key_goes() {
    let mut machine = Machine::new([Response::input(&[7; 4])], true);
    machine.keys.set(0x4000, 4, false);
    // Two bytes in front of the guarded block.
    let scsw = machine.run(KEY3, &[read_last(0x3ffe)]);
    assert_eq!(&scsw[..22], "30c04017 00002008 0c10");
    assert_eq!(machine.at(0x3ffc), [0, 0, 7, 7]);
    assert_eq!(machine.at(0x4000), [0; 4]);
}

#[test]
fn a_fetch_needs_it_where_fetching_is_protected() {
    let taken = || Response::output(4);
    let mut machine = Machine::new([taken(), taken()], true);
    machine.ram.write(0x4000, &[9; 4]).unwrap();
    // Another key, without fetch protection, and with it.
    machine.keys.set(0x4000, 4, false);
    let scsw = machine.run(KEY3, &[write(0x4000)]);
    assert_eq!(scsw, "30c04007 00002008 0c000000");
    assert_eq!(machine.sent(), [[9; 4]]);
    machine.keys.set(0x4000, 4, true);
    let scsw = machine.run(KEY3, &[write(0x4000)]);
    assert_eq!(scsw, "30c04017 00002008 00100000");
    // Of what it may not fetch the device has seen nothing.
    assert_eq!(machine.sent(), [[9; 4]]);
}

#[test]
fn ccws_and_lists_are_fetched_with_the_key_too() {
    let mut machine = Machine::new([input(), input()], true);
    // The CCW behind a TIC, in a block of its own.
    machine.keys.set(0x5000, 4, true);
    let tic = 0x0800_0000_0000_5000;
    let scsw = machine.run(KEY3, &[read(0x3000), tic]);
    assert_eq!(scsw, "30c04017 00005008 00100000");
    assert_eq!(machine.at(0x3000), [1, 2, 3, 4]);
    // A list.
    let listed = 0x0204_0004_0000_5000;
    let scsw = machine.run(KEY3, &[listed]);
    assert_eq!(scsw, "30c04017 00002008 00100000");
}

#[test]
fn a_key_counts_as_it_is_when_its_program_starts() {
    let mut machine = Machine::new(vec![input(); 3], true);
    let good = "30c04007 00002008 0c000000";
    assert_eq!(machine.run(KEY3, &[read_last(0x3000)]), good);
    machine.keys.set(0x3000, 5, false);
    assert_eq!(
        machine.run(KEY3, &[read_last(0x3000)]),
        "30c04017 00002008 00100000"
    );
    machine.keys.set(0x3000, 3, false);
    assert_eq!(machine.run(KEY3, &[read_last(0x3000)]), good);
}

#[test]
fn without_keys_every_key_will_do() {
    let mut machine = Machine::new([input()], false);
    let scsw = machine.run(0xf0c2_8000, &[read_last(0x4000)]);
    assert_eq!(scsw, "f0c04007 00002008 0c000000");
    assert_eq!(machine.at(0x4000), [1, 2, 3, 4]);
}

#[test]
fn reference_and_change_bits_are_told_of() {
    let mut machine = Machine::new([input(), Response::input(&[5; 2])], true);
    // By a list at 2100 to 3000; four bytes were asked for and two came.
    machine
        .ram
        .write(0x2100, &0x3000_u64.to_be_bytes())
        .unwrap();
    let suppressed = 0x0224_0004_0000_2100;
    machine.run(KEY3, &[read(0x3100), suppressed]);
    let changed = machine.keys.changed.lock().unwrap().clone();
    assert_eq!(changed, [(0x3000, 0x3002), (0x3100, 0x3104)]);
    let referenced = machine.keys.referenced.lock().unwrap().clone();
    for range in [
        (0x2000, 0x2010),
        (0x2100, 0x2108),
        (0x3000, 0x3004),
        (0x3100, 0x3104),
    ] {
        assert!(referenced.contains(&range), "{range:x?} in {referenced:x?}");
    }
}

/// A TSB is stored for commands that the device was never given.
#[test]
fn a_tsb_is_told_of() {
    let mut machine = Machine::new([], true);
    let mut tccb = TCCB;
    // The control data of the first DCW pass the end.
    tccb[4] = 0x0740_00ff;
    let bytes = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_be_bytes()).collect() };
    machine.ram.write(0x2200, &bytes(&tccb)).unwrap();
    let tcw: Vec<u64> = bytes(&TCW)
        .as_chunks()
        .0
        .iter()
        .map(|word| u64::from_be_bytes(*word))
        .collect();
    let scsw = machine.run(0x3004_8000, &tcw);
    assert_eq!(scsw, "30104017 00002000 0c200100");
    // At offset 0 of the commands; none has come to its count.
    assert_eq!(machine.at(0x2100), [0x20, 0x82, 0, 0]);
    let tsb = [(0x2100, 0x2140)];
    assert_eq!(machine.keys.changed.lock().unwrap()[..], tsb);
    assert_eq!(machine.keys.referenced.lock().unwrap()[..], tsb);
}

#[test]
fn the_address_limit_is_for_data_alone() {
    let limit = LimitAddr::new(GuestAddr::new(0x1_0000)).unwrap();
    // Bit A of the ORB, and of the SCSW.
    let (checked, unchecked) = (0x00d2_8000, 0x00c2_8000);
    // At or above the limit: the program itself lies below it.
    let mut machine = Machine::new(vec![input(); 4], false);
    machine.sch.set_address_limit(limit);
    machine.enable(0x20);
    let scsw = machine.run(checked, &[read(0x1_0000), read_last(0xfffc)]);
    assert_eq!(scsw, "00d04017 00002010 00200000");
    assert_eq!(
        (machine.at(0x1_0000), machine.at(0xfffc)),
        ([1, 2, 3, 4], [0; 4])
    );
    // Without bit A nobody asks.
    let scsw = machine.run(unchecked, &[read_last(0xfffc)]);
    assert_eq!(scsw, "00c04007 00002008 0c000000");
    // Below it.
    machine.enable(0x40);
    let scsw = machine.run(checked, &[read_last(0xfffe)]);
    assert_eq!(&scsw[..22], "00d04017 00002008 0c20");
    let scsw = machine.run(checked, &[read_last(0x1_0000)]);
    assert_eq!(scsw, "00d04017 00002008 00200000");
}

/// Condition M03.
#[test]
fn lists_of_midaws_are_fetched_with_the_key_too() {
    let mut machine = Machine::new(vec![input(); 3], true);
    // One MIDAW, the last one: 4 bytes to 3000.
    let midaw = [0, 0, 0, 0, 0, 0x80, 0, 4, 0, 0, 0, 0, 0, 0, 0x30, 0];
    machine.ram.write(0x5000, &midaw).unwrap();
    let listed = 0x0201_0004_0000_5000;
    // Bit D of the ORB.
    let word1 = KEY3 | 0x40;
    machine.keys.set(0x5000, 4, true);
    let scsw = machine.run(word1, &[listed]);
    assert_eq!(scsw, "30c04017 00002008 00100000");
    assert_eq!((machine.sent().len(), machine.at(0x3000)), (0, [0; 4]));
    // Behind a command that is sound.
    let scsw = machine.run(word1, &[read(0x3100), listed]);
    assert_eq!(scsw, "30c04017 00002010 00100000");
    assert_eq!((machine.sent().len(), machine.at(0x3000)), (1, [0; 4]));
    assert_eq!(machine.at(0x3100), [1, 2, 3, 4]);
    // Another key, without fetch protection.
    machine.keys.set(0x5000, 4, false);
    let scsw = machine.run(word1, &[listed]);
    assert_eq!(scsw, "30c04007 00002008 0c000000");
    assert_eq!(machine.at(0x3000), [1, 2, 3, 4]);
    // Key 0 may fetch everything.
    machine.keys.set(0x5000, 4, true);
    let scsw = machine.run(word1 & 0x0fff_ffff, &[listed]);
    assert_eq!(scsw, "00c04007 00002008 0c000000");
}
