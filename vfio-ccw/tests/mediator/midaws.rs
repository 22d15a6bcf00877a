// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's MIDAWs on a host that has none, and data that goes by way of a copy: what the guest finds in
//! its storage, and when.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use ccw::{DeviceStatus, GuestAddr};
use css::device::scripted::Response;
use vfio_ccw::mediator::{DirtySink, WindowConfig};

use crate::common::*;

/// With the bit for MIDAWs.
const D: u32 = 0x00c2_8040;

/// 24 bytes: to 3FFA, 5004 and 4FF0, which no list of blocks names.
const AREAS: [(u8, usize); 3] = [(6, 0x3ffa), (12, 0x5004), (6, 0x4ff0)];
/// The same by CCWs that go on behind a short record, or not.
const CHAINED: u8 = 0x61;
const ALONE: u8 = 0x21;

fn midaws(areas: &[(u8, usize)]) -> Vec<u8> {
    let last = areas.len() - 1;
    let midaw = |(n, &(count, addr)): (usize, &(u8, usize))| {
        let flags = if n == last { 0x80 } else { 0_u64 };
        [flags << 16 | u64::from(count), addr as u64].map(u64::to_be_bytes)
    };
    areas.iter().enumerate().flat_map(midaw).flatten().collect()
}

/// The device has `input` for the first command. Every byte of the guest's areas is EE.
fn machine(ccws: &[[u8; 8]], responses: Vec<Response>) -> Machine {
    let mut machine = Setup::responding(responses).stepped().machine();
    filled(&mut machine, ccws);
    machine
}

fn filled(machine: &mut Machine, ccws: &[[u8; 8]]) {
    machine.program(ccws);
    machine.ram.write(0x2100, &midaws(&AREAS)).unwrap();
    machine.ram.write(0x3000, &[0xee; 0x3000]).unwrap();
}

fn ccw(code: u8, flags: u8) -> [u8; 8] {
    [code, flags, 0, 24, 0, 0, 0x21, 0]
}

const NOP: [u8; 8] = [3, 0x20, 0, 1, 0, 0, 0, 0];

/// What is in the areas; all other bytes must be what they were.
fn areas(machine: &Machine) -> Vec<u8> {
    let mut bytes = vec![0; 0x3000];
    machine.ram.read(0x3000, &mut bytes).unwrap();
    let mut found = Vec::new();
    for (count, addr) in AREAS {
        let start = addr - 0x3000;
        let area = &mut bytes[start..start + usize::from(count)];
        found.extend_from_slice(area);
        area.fill(0xee);
    }
    assert!(bytes.iter().all(|&byte| byte == 0xee));
    found
}

/// `len` bytes that were read, and what was there before.
fn read_in(len: u8) -> Vec<u8> {
    (1..=24).map(|n| if n <= len { n } else { 0xee }).collect()
}

fn record(len: u8) -> Response {
    Response::input(&(1..=len).collect::<Vec<_>>())
}

#[test]
fn by_data_chaining() {
    for (len, scsw) in [
        (24, "00c04007 00002008 0c000000"),
        (18, "00c04007 00002008 0c000006"),
        (17, "00c04007 00002008 0c000007"),
        (6, "00c04007 00002008 0c000012"),
        (1, "00c04007 00002008 0c000017"),
        (0, "00c04007 00002008 0c000018"),
    ] {
        let mut machine = machine(&[ccw(2, ALONE)], vec![record(len)]);
        assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
        machine.run(20);
        assert_eq!(areas(&machine), read_in(len));
        assert_eq!(machine.tsch(), (Cc0, scsw.into()));
        assert_eq!((machine.held(), machine.sent()), ((0, 0), 1));
    }
}

/// The data is there before the guest is told of the end, and the next command comes whatever the
/// record's length.
#[test]
fn by_way_of_a_copy() {
    for len in [24, 18, 17, 6, 1, 0] {
        let program = [ccw(2, CHAINED), NOP];
        let mut machine = machine(&program, vec![record(len), Response::immediate()]);
        assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
        machine.device().with(|soft| soft.run(20));
        assert_eq!(areas(&machine), read_in(0));
        machine.io();
        assert_eq!(areas(&machine), read_in(len));
        assert_eq!(machine.tsch(), (Cc0, "00c04007 00002010 0c000001".into()));
        assert_eq!((machine.held(), machine.sent()), ((0, 0), 2));
    }
}

#[test]
fn output_by_way_of_a_copy() {
    let program = [ccw(1, CHAINED), NOP];
    let mut machine = machine(&program, vec![Response::output(20), Response::immediate()]);
    let mut at = 0;
    for (count, addr) in AREAS {
        let bytes: Vec<u8> = (at..at + count).collect();
        machine.ram.write(addr, &bytes).unwrap();
        at += count;
    }
    assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
    machine.run(20);
    assert_eq!(machine.tsch(), (Cc0, "00c04007 00002010 0c000001".into()));
    let sent = machine
        .device()
        .with(|soft| soft.model().sent()[0].output.clone());
    assert_eq!(sent, (0..20).collect::<Vec<u8>>());
}

/// Read backward with suppressed length and command chaining, from a byte that leaves this host a word
/// short.
#[test]
fn read_backward_by_way_of_a_copy() {
    let backward = [0x0c, 0x60, 0, 24, 0, 0, 0x40, 3];
    let mut machine = machine(&[backward, NOP], vec![record(22), Response::immediate()]);
    assert_eq!(machine.ssch(), Cc0);
    machine.run(20);
    assert_eq!(machine.tsch(), (Cc0, "00c04007 00002010 0c000001".into()));
    let mut bytes = [0; 26];
    machine.ram.read(0x3feb, &mut bytes).unwrap();
    let expected: Vec<u8> = [0xee; 3]
        .into_iter()
        .chain((1..=22).rev())
        .chain([0xee])
        .collect();
    assert_eq!(bytes[..], expected);
}

/// A guest that a PCI has told of the command before finds its data, and may use the storage again.
#[test]
fn what_came_before_a_pci_is_there_and_stays() {
    let pci = [3, 0x68, 0, 1, 0, 0, 0, 0];
    let program = [ccw(2, CHAINED), pci, NOP];
    let responses = vec![record(20), Response::immediate(), Response::immediate()];
    let mut machine = machine(&program, responses);
    assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
    let mut steps = 0;
    while machine.events().is_empty() {
        machine.run(1);
        steps += 1;
        assert!(steps < 20, "no PCI");
    }
    // Subchannel and device active, intermediate status.
    assert_eq!(machine.tsch().1, "00c040c9 00002010 00800000");
    assert_eq!(areas(&machine), read_in(20));
    machine.ram.write(0x3ffa, &[0xaa; 6]).unwrap();
    machine.run(20);
    assert_eq!(machine.tsch().0, Cc0);
    assert_eq!(areas(&machine)[..6], [0xaa; 6]);
    assert_eq!(areas(&machine)[6..], read_in(20)[6..]);
}

/// The device stores what was there when the program was started, and the guest has changed that since: of
/// the command that ended the program the status tells how much the device stored.
#[test]
fn what_the_device_stored_is_there_even_if_it_was_there_before() {
    let done = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
    let ends = record(20).with_status(done | DeviceStatus::UNIT_CHECK);
    let mut machine = machine(&[ccw(2, CHAINED), NOP], vec![ends]);
    let mut at = 1;
    for (count, addr) in AREAS {
        let bytes: Vec<u8> = (at..at + count).collect();
        machine.ram.write(addr, &bytes).unwrap();
        at += count;
    }
    assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
    machine.ram.write(0x3000, &[0xee; 0x3000]).unwrap();
    machine.run(20);
    assert_eq!(areas(&machine), read_in(20));
    assert_eq!(machine.tsch().1, "00c04017 00002008 0e000004");
}

/// What had moved when the program was stopped.
#[test]
fn a_halt_or_a_clear_loses_nothing() {
    for clear in [false, true] {
        let program = [ccw(2, CHAINED), ENDLESS[0], [8, 0, 0, 0, 0, 0, 0x20, 8]];
        let mut machine = machine(&program, vec![record(9)]);
        assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
        machine.run(10);
        assert_eq!(areas(&machine), read_in(0));
        let code = if clear {
            machine.csch()
        } else {
            machine.hsch()
        };
        assert_eq!(code, Cc0);
        machine.run(10);
        assert_eq!(areas(&machine), read_in(9));
        assert_eq!(machine.held(), (0, 0));
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(u64, u64)>>>);

impl DirtySink for Log {
    fn dirty(&self, range: Range<GuestAddr>) {
        let range = (range.start.get(), range.end.get());
        self.0.lock().unwrap().push(range);
    }
}

#[test]
fn what_is_copied_back_is_dirty() {
    let log = Log::default();
    let mut machine = Setup {
        dirty: Some(Arc::new(log.clone())),
        ..Setup::responding([record(10)])
    }
    .machine();
    // Of a command before the last one, all that it may have stored.
    let program = [[0x0c, 0x60, 0, 24, 0, 0, 0x40, 3], NOP];
    filled(&mut machine, &program);
    machine.ssch();
    machine.io();
    assert_eq!(*log.0.lock().unwrap(), [(0x3fec, 0x4004)]);
    log.0.lock().unwrap().clear();
    machine.tsch();
    filled(&mut machine, &[ccw(2, ALONE)]);
    assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
    machine.io();
    assert_eq!(*log.0.lock().unwrap(), []);
}

/// A copy of 24 bytes and of what it stores over needs 48.
#[test]
fn a_copy_for_which_there_is_no_room() {
    let pages = |copy_bytes| WindowConfig {
        copy_bytes,
        ..WindowConfig::default()
    };
    for (copy_bytes, scsw) in [(0, CCC), (1, "00c04007 00002010 0c000001")] {
        let mut machine = Setup {
            window: pages(copy_bytes),
            ..Setup::responding([record(24), Response::immediate()])
        }
        .machine();
        filled(&mut machine, &[ccw(2, CHAINED), NOP]);
        assert_eq!(machine.ssch_orb([INTPARM, D, PROGRAM]), Ok(Cc0));
        machine.io();
        assert_eq!(machine.tsch(), (Cc0, scsw.into()));
    }
}
