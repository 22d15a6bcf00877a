// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the host reports though the program breaks no rule: the guest sees the same, with its own CCW
//! address, and the next program works.

use vfio_ccw::device::fault::InterruptFault;

use crate::common::{Cc0, INTERRUPT, Machine, Setup, UNANSWERED, irb, machine, words};

/// The host's image of [`crate::common::READ`] ends here.
const HOST_CPA: u32 = 0x4000_1008;

/// What the guest finds in SCSW and ESW when the host's READ ends so; then the next one works.
fn shown(scsw: [u32; 2], cpa: u32, esw: [u32; 5]) -> String {
    let mut machine = machine();
    let mut host = irb([scsw[0], cpa, scsw[1]]);
    for (to, word) in host[12..].as_chunks_mut().0.iter_mut().zip(esw) {
        *to = word.to_be_bytes();
    }
    machine.disturb(InterruptFault::Replaced(host));
    machine.ssch();
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    let found = status(&mut machine);
    machine.works();
    found
}

fn status(machine: &mut Machine) -> String {
    let (code, irb) = machine.sch.tsch(&mut machine.events);
    assert_eq!(code, Cc0);
    words(&irb.expect("an IRB").0[..32])
}

/// Path 80 and nothing else.
const PATH: [u32; 5] = [0x0080_0000, 0, 0, 0, 0];
const SHOWN_PATH: &str = "00800000 00000000 00000000 00000000 00000000";

#[test]
fn n01_incorrect_length() {
    let mut machine = Setup::responding([]).machine();
    machine.ssch();
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, UNANSWERED.into()));
}

#[test]
fn n02_chaining_check() {
    let found = shown([0x00c0_4017, 0x0c01_0002], HOST_CPA, PATH);
    assert_eq!(found, format!("00c04017 00002008 0c010002 {SHOWN_PATH}"));
}

/// A host address where storage failed stays with the host.
#[test]
fn n03_chan_data_check() {
    let logout = [0x0080_7c40, 0x02c0_0000, 1, 0x3000, HOST_CPA];
    let found = shown([0x04c0_4017, 0x0c08_0004], HOST_CPA, logout);
    let guest = "04c04017 00002008 0c080004 00807c40 00000000 00000000 00000000 00000000";
    assert_eq!(found, guest);
}

#[test]
fn n04_chan_ctl_check() {
    let logout = [0x0080_7840, 0, 0, 0, 0];
    let found = shown([0x04c0_4017, 0x0004_0000], 0, logout);
    let guest = "04c04017 00000000 00040000 00807840 00000000 00000000 00000000 00000000";
    assert_eq!(found, guest);
}

#[test]
fn n05_if_ctl_check() {
    let logout = [0x0080_7840, 0, 0, 0, 0];
    let found = shown([0x04c0_4017, 0x0002_0000], 0, logout);
    let guest = "04c04017 00000000 00020000 00807840 00000000 00000000 00000000 00000000";
    assert_eq!(found, guest);
    let logout = [0x0080_7c40, 0, 0, 0, 0];
    let found = shown([0x04c0_4017, 0x0c02_0000], HOST_CPA, logout);
    let guest = "04c04017 00002008 0c020000 00807c40 00000000 00000000 00000000 00000000";
    assert_eq!(found, guest);
}
