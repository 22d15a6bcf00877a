// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One halt completion for each HALT SUBCHANNEL, however many statuses the host needs. PoP:
//! CCW address and count by ending, rows "halted".

use css::device::scripted::Response;
use vfio_ccw::Errno;
use vfio_ccw::device::fault::{Call, InterruptFault};

use crate::common::*;

#[test]
fn idle() {
    let mut machine = machine();
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.made(Call::Halt), 1);
    machine.io();
    assert_eq!(machine.events(), ["interrupt 0 isc 3"]);
    assert_eq!(machine.tsch(), (Cc0, "00002001 00000000 00000000".into()));
    machine.works();
}

#[test]
fn in_flight() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.scsw(), "00c062c0 00002000 00000000");
    assert_eq!(machine.held(), (1, 0));
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002008 00000000".into()));
    assert_eq!(machine.made(Call::Clear), 0);
    machine.works();
}

/// The host's halt status leaves activity bits on: the kernel stays busy with the program.
#[test]
fn that_does_not_stop_the_program_is_followed_by_a_clear() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    // In the host's terms, at the first slot's first CCW.
    let active = irb([0x00c0_60c1, 0x4000_1008, 0]);
    machine.disturb(InterruptFault::Replaced(active));
    assert_eq!(machine.hsch(), Cc0);
    machine.run(1);
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!((machine.made(Call::Clear), machine.held()), (1, (1, 0)));
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002008 00000000".into()));
    assert_eq!(machine.tsch().0, Cc1);
    machine.works();
}

/// What the halt status says beside where the program stood means nothing.
#[test]
fn only_what_is_valid_is_told() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    // Intermediate status, a residual count without primary status.
    machine.disturb(InterruptFault::Replaced(irb([0x00c0_60c9, 0x4000_1008, 7])));
    assert_eq!(machine.hsch(), Cc0);
    machine.run(1);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002008 00000000".into()));
}

/// The device could not be told to halt before the program ended by itself.
#[test]
fn of_a_program_that_ends_meanwhile() {
    let mut machine = Setup::default().stepped().machine();
    machine.ssch();
    machine.refuse(Call::Halt, 3, Errno::EAGAIN);
    assert_eq!(machine.hsch(), Cc0);
    machine.run(8);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06007 00002008 0c000000".into()));
    assert_eq!((machine.made(Call::Halt), machine.timer()), (3, None));
    machine.works();
}

/// Intermediate status that nobody has tested is gone with the halt.
#[test]
fn behind_intermediate_status() {
    let mut machine = Setup::responding([]).stepped().machine();
    let mut program = ENDLESS;
    program[0][1] = 0x68;
    machine.program(&program);
    machine.ssch();
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.scsw(), "00c040c9 00002008 00800000");
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.events(), ["withdrawn"]);
    assert_eq!(machine.scsw(), "00c062c0 00002008 00000000");
    machine.run(2);
    assert_eq!(machine.tsch().0, Cc0);
}

/// The device is being made to forget a program of before, and halting has nothing to stop.
#[test]
fn while_the_device_is_cleared() {
    let mut machine = machine();
    machine.refuse(Call::Start, 2, Errno::EBUSY);
    assert_eq!(machine.ssch(), Cc2);
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(
        (machine.made(Call::Clear), machine.made(Call::Halt)),
        (1, 0)
    );
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, "00002001 00000000 00000000".into()));
    machine.works();
}

/// The program ends by itself before the halt takes effect.
#[test]
fn that_comes_too_late_is_complete_all_the_same() {
    let mut machine = Setup::default().machine();
    machine.disturb(InterruptFault::Late);
    machine.ssch();
    assert_eq!(machine.hsch(), Cc0);
    machine.device().release();
    machine.io();
    // Of two interrupts the second has overwritten the first: what is left is the halt, and it
    // does not claim that the program has ended well.
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002008 00000000".into()));
    machine.works();
}

#[test]
fn the_end_of_the_program_waits_for_that_of_the_halt() {
    let mut machine = machine();
    // The program's status stands in the IRB; the halt's is held back.
    machine.ssch();
    machine.disturb(InterruptFault::Late);
    assert_eq!(machine.hsch(), Cc0);
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    machine.device().release();
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06007 00002008 0c000000".into()));
    machine.works();
}

#[test]
fn that_never_ends_is_followed_by_a_clear() {
    let mut machine = endless();
    machine.ssch();
    machine.disturb(InterruptFault::Lost);
    assert_eq!(machine.hsch(), Cc0);
    machine.run(1);
    machine.time(STOP);
    assert_eq!(machine.made(Call::Clear), 1);
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002000 00000000".into()));
    machine.works();
}

/// A device without the region for halt and clear.
#[test]
fn on_a_device_that_cannot() {
    let mut machine = Setup::responding([])
        .without(|can| can.async_command = false)
        .stepped()
        .machine();
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.tsch(), (Cc0, "00002001 00000000 00000000".into()));
    assert_eq!(machine.csch(), Cc0);
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
    machine.program(&ENDLESS);
    machine.ssch();
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.tsch().0, Cc1, "it still runs");
    machine.time(STOP);
    machine.time(STOP);
    assert_eq!(machine.made(Call::Reset), 1);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002000 00000000".into()));
    machine.works();
}

/// PCI in the first CCW, behind a search that could skip it, or in front of all.
fn with_pci(searches: bool) -> Machine {
    let pci = [3, 0x68, 0, 1, 0, 0, 0, 0];
    let search = [0x31, 0x60, 0, 4, 0, 0, 0x30, 0];
    let mut setup = Setup::responding([Response::immediate(), read()]).stepped();
    if searches {
        setup.responses.insert(0, Response::output(4));
    }
    let mut machine = setup.machine();
    let program = [search, pci, READ];
    machine.program(&program[usize::from(!searches)..]);
    machine.ssch();
    machine.refuse(Call::Halt, 3, Errno::EAGAIN);
    machine
}

/// The program ends by itself before the device can be told to halt. PoP, Program-Controlled
/// Interruption: one that was not accepted before appears in the ending status.
#[test]
fn the_end_of_the_program_tells_a_pci_that_was_not_told() {
    // Its status was overwritten; or it came behind HALT SUBCHANNEL, and with that no interruption.
    for step in [8, 1] {
        for searches in [false, true] {
            if searches && step == 8 {
                // Nobody knows whether it was skipped.
                continue;
            }
            let mut machine = with_pci(searches);
            assert_eq!(machine.hsch(), Cc0);
            for _ in 0..8 / step {
                machine.run(step);
            }
            assert_eq!(machine.events(), [INTERRUPT]);
            let cpa = if searches { 0x2018 } else { 0x2010 };
            let ended = format!("00c06007 {cpa:08x} 0c800000");
            assert_eq!(machine.tsch(), (Cc0, ended), "{step} {searches}");
            machine.works();
        }
    }
}

/// HALT SUBCHANNEL discards the interruption, and it does not come again.
#[test]
fn a_pci_that_was_told_is_not_told_again() {
    let mut machine = with_pci(false);
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.scsw(), "00c040c9 00002008 00800000");
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.events(), ["withdrawn"]);
    machine.run(8);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06007 00002010 0c000000".into()));
}

/// A program that the halt has stopped has no ending status: what is intermediate went with the halt.
#[test]
fn the_end_of_the_halt_tells_no_pci() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    let stopped = irb([0x00c0_6001, 0x4000_1008, 0x0080_0000]);
    machine.disturb(InterruptFault::Replaced(stopped));
    assert_eq!(machine.hsch(), Cc0);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002008 00000000".into()));
}
