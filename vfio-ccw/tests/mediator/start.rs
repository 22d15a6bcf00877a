// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs of all forms through the shadow window.

use css::device::scripted::Response;
use translator::{Stance, Suspension};
use vfio_ccw::mediator::WindowConfig;

use crate::common::*;

/// One IDAL word for each page: the data is scattered, the device's bytes are where they belong.
#[test]
fn data_by_a_list() {
    let bytes: Vec<u8> = (0..=255).cycle().take(0x1100).collect();
    let mut machine = Setup::responding([Response::input(&bytes)]).machine();
    machine.program(&[[2, 0x04, 0x11, 0, 0, 0, 0x28, 0]]);
    let list = [0x5f00u64, 0x9000, 0x7000].map(u64::to_be_bytes);
    machine.ram.write(0x2800, list.as_flattened()).unwrap();
    machine.ssch();
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    for (at, from) in [(0x5f00, 0), (0x9000, 0x100)] {
        let mut found = [0; 0x100];
        machine.ram.read(at, &mut found).unwrap();
        assert_eq!(found, bytes[from..from + 0x100]);
    }
    let mut next = [9];
    machine.ram.read(0x7000, &mut next).unwrap();
    assert_eq!(next, [0], "not used");
}

/// A format-0 program in the last doubleword of guest storage.
#[test]
fn the_last_doubleword_of_storage() {
    let mut machine = Setup::default().machine();
    machine
        .ram
        .write(RAM - 8, &[2, 0, 0x30, 0, 0, 0, 0, 4])
        .unwrap();
    let last = u32::try_from(RAM).unwrap() - 8;
    assert_eq!(machine.ssch_orb([0, 0x0042_8000, last]), Ok(Cc0));
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, "00404007 00100000 0c000000".into()));
    assert_eq!(machine.data(4), [1, 2, 3, 4]);
}

/// What the guest writes to its program once it is started changes nothing.
#[test]
fn a_program_is_read_once() {
    let mut machine = Setup::default().stepped().machine();
    machine.ssch();
    machine.program(&[[0xff; 8], [0xff; 8]]);
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.data(4), [1, 2, 3, 4]);
}

/// Longer than the kernel takes in one segment: 600 CCWs.
#[test]
fn a_long_program() {
    let responses = vec![Response::immediate(); 600];
    let mut machine = Setup::responding(responses).machine();
    let mut nops = vec![[3, 0x60, 0, 1, 0, 0, 0, 0]; 600];
    nops[599][1] = 0x20;
    machine.program(&nops);
    machine.ssch();
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, "00c04007 000032c0 0c000001".into()));
    assert_eq!(machine.sent(), 600);
}

/// Only by a guest that was promised no more.
#[test]
fn what_is_not_carried_out_is_refused_by_name() {
    let mut setup = Setup::default();
    setup.guest.policy.no_prefetch = Stance::Refuse;
    setup.guest.policy.suspend = Suspension::Refuse;
    let mut machine = setup.machine();
    // Prefetch not allowed; the S flag.
    assert_eq!(machine.ssch_orb([0, 0x0082_8000, PROGRAM]), Ok(Cc0));
    assert_eq!(machine.tsch(), (Cc0, "00804017 00000000 00040000".into()));
    machine.program(&[[2, 2, 0, 4, 0, 0, 0x30, 0]]);
    assert_eq!(machine.ssch_orb([0, 0x08c2_8000, PROGRAM]), Ok(Cc0));
    assert_eq!(machine.tsch(), (Cc0, "08c04017 00000000 00040000".into()));
    assert_eq!(machine.metrics().refused, 2);
    assert_eq!((machine.sent(), machine.held()), (0, (0, 0)));
    machine.works();
}

/// A program for which there is no room.
#[test]
fn what_does_not_fit_is_a_channel_control_check() {
    let window = WindowConfig {
        list_bytes: 4096,
        ..WindowConfig::default()
    };
    let mut machine = Setup {
        window,
        ..Setup::default()
    }
    .machine();
    // 40 x 16 list words are more than 512.
    let read = [2, 0x40, 0xff, 0xff, 0, 0, 0x40, 0];
    let mut program = [read; 40];
    program[39][1] = 0;
    machine.program(&program);
    machine.ssch();
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert_eq!(machine.held(), (0, 0));
    machine.works();
}
