// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Status: solicited and not, merged and kept.

use ccw::DeviceStatus;
use css::device::scripted::{Data, Response};
use vfio_ccw::device::fault::{Call, InterruptFault};
use vfio_ccw::device::soft::Unread;

use crate::common::*;

/// PoP, PMCW, E: what the device presents to a subchannel that is not enabled the program is not
/// shown. Were it pending, no instruction could take it: TSCH finds the subchannel not operational,
/// MSCH the status.
#[test]
fn a_subchannel_that_is_not_enabled_shows_no_status() {
    let late = read()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let mut machine = Setup::responding([late, read()]).stepped().machine();
    machine.ssch();
    machine.run(1);
    assert_eq!(machine.tsch().0, Cc0);
    machine.events();
    let mut schib = machine.sch.stsch(&mut machine.events);
    schib.0[5] &= !0x80;
    assert_eq!(machine.sch.msch(&schib), Ok(Cc0));
    // The device end, then an attention.
    machine.run(8);
    machine.attention();
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.scsw(), "00c00000 00002008 08000000");
    machine.enable();
    machine.works();
}

#[test]
fn unsolicited_status_of_an_idle_subchannel() {
    let mut machine = machine();
    machine.attention();
    machine.io();
    assert_eq!(machine.events(), ["interrupt 0 isc 3"]);
    assert_eq!(machine.ssch(), Cc1);
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    assert_eq!(machine.metrics().unsolicited, 1);
    machine.works();
}

#[test]
fn unsolicited_status_with_sense() {
    let mut machine = machine();
    let mut unit_check = irb([0x0002_0011, 0x4000_1008, 0x0200_0007]);
    unit_check[16..20].copy_from_slice(&[1, 2, 0, 0]);
    unit_check[32..34].copy_from_slice(&[0x40, 0x08]);
    machine.device().interrupt(unit_check);
    machine.io();
    let (_, irb) = machine.sch.tsch(&mut machine.events);
    let irb = irb.unwrap();
    // Neither address nor count.
    assert_eq!(words(&irb.0[..12]), "00020011 00000000 02000000");
    assert_eq!(
        (words(&irb.0[16..20]), words(&irb.0[32..36])),
        ("01020000".into(), "40080000".into())
    );
}

/// Behind status that is pending it waits until that was tested.
#[test]
fn unsolicited_status_waits_for_its_turn() {
    let mut machine = machine();
    machine.ssch();
    machine.io();
    machine.attention();
    machine.io();
    machine.attention();
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.events(), ["withdrawn", INTERRUPT]);
    assert_eq!(machine.ssch(), Cc1);
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    assert_eq!(machine.tsch().0, Cc1);
    assert_eq!(machine.metrics().joined, 1, "two of them are one");
    machine.works();
}

#[test]
fn unsolicited_status_while_a_program_runs_waits_for_its_end() {
    let mut machine = Setup::default().stepped().machine();
    machine.ssch();
    let attention = irb([0x0000_0011, 0, 0x8000_0000]);
    machine.device().interrupt(attention);
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    // It could have overwritten the final status; that comes all the same.
    assert_eq!(machine.timer(), Some(SETTLE));
    machine.run(8);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    assert_eq!(machine.made(Call::Clear), 0);
}

/// The guest starts a program before anybody has read the status: neither is lost.
#[test]
fn unsolicited_status_that_was_not_read_before_a_start() {
    let mut machine = Setup::default().stepped().machine();
    machine.attention();
    assert_eq!(machine.ssch(), Cc0);
    machine.io();
    assert_eq!(
        (machine.events(), machine.metrics().unsolicited),
        (vec![], 1)
    );
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    machine.works();
}

#[test]
fn csch_discards_status_that_waits() {
    let mut machine = machine();
    machine.ssch();
    machine.io();
    machine.attention();
    machine.io();
    assert_eq!(machine.csch(), Cc0);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
    assert_eq!(machine.tsch().0, Cc1);
}

/// Attention in the same status as the program's end: the guest sees both.
#[test]
fn a_status_that_says_two_things() {
    let mut machine = machine();
    machine.disturb(InterruptFault::WithAttention);
    machine.ssch();
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, "00c04017 00002008 8c000000".into()));
    machine.works();
}

/// Channel end, then device end. The program's storage is held until the second.
fn channel_end_first() -> Machine {
    let response = Response::new(Data::Input(vec![1, 2, 3, 4]))
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let mut setup = Setup::responding([response, read()]).stepped();
    setup.soft.unread = Unread::Kept;
    let mut machine = setup.machine();
    machine.ssch();
    machine.run(1);
    machine
}

#[test]
fn channel_end_and_device_end() {
    let mut machine = channel_end_first();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c04045 00002008 08000000".into()));
    assert_eq!(machine.held(), (1, 0));
    machine.run(4);
    assert_eq!(machine.events(), ["withdrawn", INTERRUPT]);
    let (code, scsw) = machine.tsch();
    assert_eq!((code, &scsw[..8], &scsw[18..20]), (Cc0, "00c00003", "04"));
    machine.works();
}

#[test]
fn device_end_before_channel_end_was_tested_is_merged() {
    let mut machine = channel_end_first();
    machine.run(4);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.held(), (0, 0));
    machine.works();
}

/// A start between the two waits for the device.
#[test]
fn a_start_between_channel_end_and_device_end_stays_pending() {
    let mut machine = channel_end_first();
    machine.tsch();
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.made(Call::Start), 1);
    assert_eq!(machine.scsw(), "00c04400 00002000 00000000");
    assert_eq!(machine.held(), (2, 0));
    machine.events.clear();
    machine.run(4);
    assert_eq!(machine.made(Call::Start), 2);
    machine.run(4);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    // The device end of the first program is told afterwards.
    assert_eq!(machine.tsch(), (Cc0, "00000011 00000000 04000000".into()));
    assert_eq!(machine.tsch().0, Cc1);
    assert_eq!(machine.held(), (0, 0));
}

/// PCI, then the end: if nobody has looked in between, the end says both.
#[test]
fn intermediate_status_is_merged_into_the_end() {
    for tested in [false, true] {
        let mut setup = Setup::responding([Response::immediate(), read()]).stepped();
        setup.soft.unread = Unread::Kept;
        let mut machine = setup.machine();
        let pci = [3, 0x68, 0, 1, 0, 0, 0, 0];
        machine.program(&[pci, READ]);
        machine.ssch();
        machine.run(1);
        assert_eq!(machine.events(), [INTERRUPT]);
        assert_eq!(machine.scsw()[..8], *"00c040c9");
        assert_eq!(machine.ssch(), Cc1);
        if tested {
            let (code, scsw) = machine.tsch();
            assert_eq!((code, &scsw[18..22]), (Cc0, "0080"));
            assert_eq!(machine.scsw()[..8], *"00c040c0", "it goes on");
        }
        machine.run(8);
        let expected = match tested {
            false => "00c04007 00002010 0c800000",
            true => "00c04007 00002010 0c000000",
        };
        assert_eq!(machine.tsch(), (Cc0, expected.into()), "{tested}");
        assert_eq!(machine.held(), (0, 0));
    }
}

/// The same on a host that overwrites status which was not read: the end says what came before it.
#[test]
fn intermediate_status_that_was_overwritten() {
    // PCI in the first CCW, in the second; the second is wrong, and was not in control.
    let pci = |command: u8, count: u8| [command, 0x68, 0, count, 0, 0, 0x30, 0];
    for (ccws, expected) in [
        ([pci(3, 1), READ], "00c04007 00002010 0c800000"),
        (
            [[3, 0x60, 0, 1, 0, 0, 0, 0], pci(2, 4)],
            "00c04007 00002018 0c800001",
        ),
        (
            [[3, 0x60, 0, 1, 0, 0, 0, 0], pci(0, 4)],
            "00c04017 00002010 00200000",
        ),
    ] {
        let mut machine = Setup::responding([Response::immediate(), read(), Response::immediate()])
            .stepped()
            .machine();
        machine.program(&[ccws[0], ccws[1], [3, 0x20, 0, 1, 0, 0, 0, 0]]);
        machine.ssch();
        machine.device().with(|soft| {
            for _ in 0..8 {
                soft.run(1);
            }
        });
        machine.io();
        assert_eq!(machine.tsch(), (Cc0, expected.into()), "{ccws:02x?}");
        assert_eq!(machine.held(), (0, 0));
    }
}

/// What the host says of functions that the guest has not asked for is not passed on.
#[test]
fn intermediate_status_with_other_activity() {
    let mut machine = endless();
    machine.ssch();
    machine
        .device()
        .interrupt(irb([0x00c0_4ec9, 0x4000_1008, 0x0080_0000]));
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, "00c040c9 00002008 00800000".into()));
}

#[test]
fn signals_without_an_interrupt() {
    let mut machine = machine();
    machine.io();
    machine.device().spurious();
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.metrics().spurious, 2);
    machine.works();
}

/// Late status of what is over names a program that is not in flight.
#[test]
fn stale_status_of_an_idle_subchannel_is_dropped() {
    let mut machine = machine();
    machine
        .device()
        .interrupt(irb([0x00c0_4007, 0x4000_1008, 0x0c00_0000]));
    machine.io();
    machine.device().interrupt(irb([0x0000_1001, 0, 0]));
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.metrics().stale, 2);
    machine.works();
}

#[test]
fn stale_status_while_another_program_runs_is_not_taken_for_its_end() {
    for late in [
        // The end of a program in the second slot; of a clear.
        irb([0x00c0_4007, 0x4002_a008, 0x0c00_0000]),
        irb([0x0000_1001, 0, 0]),
    ] {
        let mut machine = Setup::default().stepped().machine();
        machine.ssch();
        machine.device().interrupt(late);
        machine.io();
        assert_eq!(machine.events(), [""; 0]);
        assert_eq!((machine.metrics().stale, machine.held()), (1, (1, 0)));
        // It runs, so nothing is wrong with it.
        machine.time(SETTLE);
        assert_eq!(machine.made(Call::Clear), 0);
        machine.run(8);
        assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    }
}

/// No host address reaches the guest, whatever the host says.
#[test]
fn an_address_that_is_nobodys() {
    let mut machine = machine();
    machine.disturb(InterruptFault::Replaced(irb([
        0x00c0_4007,
        0x1234_5678,
        0x0c00_0000,
    ])));
    machine.ssch();
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, "00c04017 00000000 0c040000".into()));
    assert_eq!(machine.metrics().unmapped, 1);
}

/// A signal too many finds the status that was read last, of a program that others came behind. Its slot
/// is free again, and in turn; but nobody gets it.
#[test]
fn stale_status_of_a_program_of_long_ago() {
    let mut setup = Setup::responding([read()]).stepped();
    setup.window.slots = 4;
    let mut machine = setup.machine();
    machine.ssch();
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    // Of these the device says nothing.
    for _ in 0..3 {
        assert_eq!(machine.ssch(), Cc0);
        machine.sch.reset(&mut machine.events);
        machine.enable();
    }
    assert_eq!(machine.ssch(), Cc0);
    machine.events();
    machine.device().spurious();
    machine.io();
    assert_eq!((machine.events(), machine.metrics().stale), (vec![], 1));
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, UNANSWERED.into()));
}
