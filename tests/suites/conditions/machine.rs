// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group N: what a host reports though the program breaks no rule, in the guest's terms. The host's
//! status is written out by hand; the two CCWs of the guest are at 1000, those of the host at 100000.

use ccw::{HostAddr, Irb, RawIrb};
use ccw_kit::program::{GuestProgram, hex};
use pinning::{Budget, PlainPinner};
use translator::{Area, Completion, HostProfile, Planned, Slot};

/// READ of 16 bytes, and another one by command chaining.
const PROGRAM: &str = "02400010 00003000 02000010 00004000";

/// What becomes of the host's IRB: SCSW, ESW, then zeros.
fn complete(program: &str, host: &str) -> Completion {
    let program = GuestProgram::format1(program);
    let pinner = PlainPinner::new(program.map(1 << 33), Budget::default());
    let verdict = program.judge_with(pinner.regions());
    let Ok(Planned::Run(plan)) = verdict.plan(&HostProfile::SOFTWARE) else {
        panic!("the program can be run");
    };
    let (mut ccws, mut lists) = (vec![0; 0x1000], vec![0; 0x1000]);
    let slot = Slot::new(
        Area::new(HostAddr::new(0x10_0000), &mut ccws).expect("below 2 GiB"),
        Area::new(HostAddr::new(0x20_0000), &mut lists).expect("below 2 GiB"),
        HostAddr::new(0x30_0000),
    );
    let pinned = plan.pin(&pinner).expect("pins");
    let translated = pinned.emit(slot.expect("a page")).expect("room");
    translated.complete(&Irb::decode(&irb(host)))
}

fn irb(text: &str) -> RawIrb {
    let mut raw = RawIrb::default();
    let bytes = hex(text);
    raw.0[..bytes.len()].copy_from_slice(&bytes);
    raw
}

/// The guest sees `guest` for `host`, to the bit.
fn shows(host: &str, guest: &str) {
    let completion = complete(PROGRAM, host);
    assert_eq!(completion.irb.encode(), irb(guest), "{host}");
    assert!(!completion.unexplained, "{host}");
}

/// The extended status of a machine that has not logged out: path 80.
const PATH: &str = "00800000 00000000 00000000 00000000 00000000";

#[test]
fn n01_incorrect_length() {
    for (host, guest) in [
        ("00C04017 00100008 0C400004", "00C04017 00001008 0C400004"),
        ("00C04017 00100010 0C400000", "00C04017 00001010 0C400000"),
    ] {
        shows(&format!("{host} {PATH}"), &format!("{guest} {PATH}"));
    }
}

#[test]
fn n02_chaining_check() {
    // With PCI, and with unit check beside it.
    for (host, guest) in [
        ("00C04017 00100008 0C010002", "00C04017 00001008 0C010002"),
        ("00C04017 00100010 0E810010", "00C04017 00001010 0E810010"),
    ] {
        shows(&format!("{host} {PATH}"), &format!("{guest} {PATH}"));
    }
}

#[test]
fn n03_chan_data_check() {
    // Logged out: all fields valid, and where it was: a host address of 64 bits, and a CCW.
    let host = "00807C40 02C00000 00000002 00003008 00100008";
    // Neither can be said in the guest's terms.
    let guest = "00807C40 00000000 00000000 00000000 00000000";
    shows(
        &format!("04C04017 00100010 0C080008 {host}"),
        &format!("04C04017 00001010 0C080008 {guest}"),
    );
}

#[test]
fn n04_chan_ctl_check() {
    // The CCW address is said to be valid; it is not, whatever stands there; there was no logout.
    for (host, guest) in [
        (
            "04C04017 00100008 00040000 00807C40",
            "04C04017 00001008 00040000 00807C40",
        ),
        (
            "04C04017 12345678 00040000 00807840",
            "04C04017 00000000 00040000 00807840",
        ),
        (
            "04C04017 00000000 00040000 00007840",
            "04C04017 00000000 00040000 00007840",
        ),
        (
            "00C04017 00000000 00040000 00800000",
            "00C04017 00000000 00040000 00800000",
        ),
    ] {
        shows(host, guest);
    }
}

#[test]
fn n05_if_ctl_check() {
    for (host, guest) in [
        (
            "04C04017 00100010 0C020004 00807C40",
            "04C04017 00001010 0C020004 00807C40",
        ),
        // No address, so no reason to doubt the channel as well.
        (
            "04C04017 00000000 00020000 00807840",
            "04C04017 00000000 00020000 00807840",
        ),
        (
            "00C04017 00000000 00020000 00800000",
            "00C04017 00000000 00020000 00800000",
        ),
    ] {
        shows(host, guest);
    }
    // A check that does have an address: it should be one of this program's.
    let lost = complete(PROGRAM, "04C04017 12345678 00020000 00807C40");
    let guest = irb("04C04017 00000000 00060000 00807840");
    assert_eq!(lost.irb.encode(), guest);
    assert!(lost.unmapped);
}

/// A machine may show incorrect length beside a check, where it means nothing; the guest sees what
/// holds of its own CCW, whose host's form is another one.
#[test]
fn a_check_has_no_length() {
    let program = "02400010 00003000 00200010 00004000";
    let completion = complete(program, &format!("00C04017 00100010 0C600003 {PATH}"));
    let guest = irb(&format!("00C04017 00001010 0C200000 {PATH}"));
    assert_eq!(completion.irb.encode(), guest);
    assert!(!completion.unexplained);
}
