// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the guest is told on the way: program-controlled interruptions and the initial status. PoP:
//! Program-Controlled Interruption, Initial-Status Interruption.

use vfio_ccw::device::soft::Unread;

use super::*;

/// PCI: where prefetching is forbidden the guest may change what comes behind, and it does.
#[test]
fn changed_behind_a_pci() {
    let mut machine = responding(vec![read(); 2]).stepped().machine();
    machine.program(&[[2, 0x48, 0, 4, 0, 0, 0x30, 0], [0; 8]]);
    let orb = [INTPARM, 0x0082_8000, PROGRAM];
    assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "008040c9 00002008 00800000".into()));
    machine.events();
    machine
        .ram
        .write(0x2008, &[2, 0, 0, 4, 0, 0, 0x30, 4])
        .unwrap();
    machine.run(8);
    machine.run(8);
    assert_eq!(machine.data(8), [1, 2, 3, 4, 1, 2, 3, 4]);
    machine.told("00804007 00002010 0c000000");
}

/// Initial status, once, whatever the number of parts.
#[test]
fn initial_status_is_told_once() {
    let mut machine = setup().stepped().machine();
    machine.program(&[READ_IN]);
    let orb = [INTPARM, 0x00e2_8000, PROGRAM];
    assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    let (code, scsw) = machine.tsch();
    assert_eq!((code, &*scsw), (Cc0, "00e440c9 00002008 00000000"));
    machine.events();
    machine.run(8);
    assert_eq!(machine.metrics().parts, 1);
    assert_eq!(machine.events(), [""; 0]);
    machine.run(8);
    machine.told("00e04007 00002010 0c000000");
}

/// Every status is seen by itself: of the later parts none is initial.
#[test]
fn the_later_parts_have_no_initial_status() {
    let seek = || Response::output(6);
    let disk = [seek(), seek(), read(), seek(), read(), read()];
    let tape = [seek(), read(), read()];
    for (class, responses) in [
        (DeviceClass::Tape, tape.to_vec()),
        (DeviceClass::Eckd, disk.to_vec()),
    ] {
        let mut setup = responding(responses).stepped();
        setup.guest.policy = Policy::MEDIATE.for_device(class);
        setup.soft.unread = Unread::Kept;
        let mut machine = setup.machine();
        // Two with PCI, and prefetching is forbidden: three parts.
        machine.program(&[
            [7, 0x48, 0, 6, 0, 0, 0x38, 0],
            [6, 0x48, 0, 4, 0, 0, 0x30, 0],
            [6, 0, 0, 4, 0, 0, 0x30, 4],
        ]);
        let orb = [INTPARM, 0x00a2_8000, PROGRAM];
        assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
        let (mut told, mut initial) = (Vec::new(), 0);
        for _ in 0..40 {
            machine.run(1);
            let (code, scsw) = machine.tsch();
            if code == Cc0 {
                // Z.
                initial += u32::from(scsw.as_bytes()[3] == b'4');
                told.push(scsw);
            }
        }
        assert_eq!(machine.metrics().parts, 2);
        assert_eq!(initial, 1, "{class:?}: {told:?}");
        assert_eq!(told.last().unwrap(), "00a04007 00002018 0c000000");
        assert_eq!(machine.data(8), [1, 2, 3, 4, 1, 2, 3, 4]);
    }
}

/// Suspended in front of its first command nothing was accepted: that comes when it is resumed.
#[test]
fn initial_status_behind_a_suspension() {
    let mut setup = responding(vec![read(); 2]).stepped();
    setup.soft.unread = Unread::Kept;
    let mut machine = setup.machine();
    machine.program(&[[2, 0x42, 0, 4, 0, 0, 0x30, 0], [2, 0, 0, 4, 0, 0, 0x30, 4]]);
    let orb = [INTPARM, 0x08e2_8000, PROGRAM];
    assert_eq!(machine.ssch_orb(orb), Ok(Cc0));
    assert_eq!(machine.tsch(), (Cc0, "08e04029 00002008 00000004".into()));
    machine.ram.write(PROGRAM as usize + 1, &[0x40]).unwrap();
    assert_eq!(machine.rsch(), Cc0);
    machine.run(1);
    let (code, scsw) = machine.tsch();
    assert_eq!((code, &*scsw), (Cc0, "08e440c9 00002008 00000000"));
    for _ in 0..4 {
        machine.run(1);
    }
    assert_eq!(machine.tsch(), (Cc0, "08e04007 00002010 0c000000".into()));
}
