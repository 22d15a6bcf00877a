// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Condition codes, exceptions and state of each instruction. PoP: I/O Instructions.

use ccw::{RawOrb, RawSchib, RawSubsystemId, SubsystemId};
use vfio_ccw::device::fault::Call;
use vfio_ccw::mediator::{Completion, Event, Exception, Instruction, Stored};
use vfio_ccw::{Errno, HostMemory};

use crate::common::*;

/// The subchannel of these tests.
const SID: RawSubsystemId = RawSubsystemId(0x0001_0012);
const ORB: RawOrb = RawOrb::from_words([INTPARM, 0x00c2_8000, PROGRAM]);

fn execute(machine: &mut Machine, instruction: Instruction) -> Result<Completion, Exception> {
    machine.sch.execute(SID, &instruction, &mut machine.events)
}

fn code(machine: &mut Machine, instruction: Instruction) -> u8 {
    execute(machine, instruction).unwrap().code.bits()
}

/// Condition codes of RSCH, HSCH, XSCH and TSCH, of which none may do anything.
fn codes(machine: &mut Machine) -> [u8; 4] {
    [
        Instruction::Rsch,
        Instruction::Hsch,
        Instruction::Xsch,
        Instruction::Tsch { at: 0 },
    ]
    .map(|instruction| code(machine, instruction))
}

#[test]
fn o01_orb_align() {
    let mut machine = machine();
    let schib = RawSchib::default();
    for at in [1, 2, 3, 0x1001, u64::MAX] {
        for instruction in [
            Instruction::Ssch { at, orb: ORB },
            Instruction::Stsch { at },
            Instruction::Msch { at, schib },
            Instruction::Tsch { at },
        ] {
            let result = execute(&mut machine, instruction);
            assert_eq!(result, Err(Exception::Specification), "{at:x}");
        }
    }
    assert_eq!(Exception::Specification.code(), 6);
    assert_eq!(machine.metrics().starts, 0);
    assert_eq!(code(&mut machine, Instruction::Ssch { at: 4, orb: ORB }), 0);
}

#[test]
fn o08_orb_sid() {
    let mut machine = machine();
    for register in [0x0000_0012, 0x0100_0012 | 0x1_0000, 0x0011_0012] {
        let register = RawSubsystemId(register);
        let instruction = Instruction::Hsch;
        let result = machine
            .sch
            .execute(register, &instruction, &mut machine.events);
        assert_eq!(result, Err(Exception::Operand), "{register:?}");
    }
    assert_eq!(Exception::Operand.code(), 0x15);
    // The boundary comes first.
    let odd = Instruction::Tsch { at: 1 };
    let none = RawSubsystemId(0);
    let result = machine.sch.execute(none, &odd, &mut machine.events);
    assert_eq!(result, Err(Exception::Specification));
}

#[test]
fn another_subchannel_is_not_operational() {
    let mut machine = machine();
    for register in [0x0001_0013, 0x0003_0012] {
        let register = RawSubsystemId(register);
        let instruction = Instruction::Ssch { at: 0, orb: ORB };
        let result = machine
            .sch
            .execute(register, &instruction, &mut machine.events);
        assert_eq!(result.unwrap().code, Cc3);
    }
    assert_eq!(machine.sent(), 0);
}

#[test]
fn o09_orb_lpm_none() {
    let mut machine = machine();
    for lpm in [0x00, 0x40, 0x7f] {
        let words = [0, 0x00c2_0000 | lpm << 8, PROGRAM];
        assert_eq!(machine.ssch_orb(words), Ok(Cc3), "{lpm:x}");
    }
    assert_eq!(machine.made(Call::Start), 0);
    assert_eq!(machine.ssch_orb([0, 0x00c2_ff00, PROGRAM]), Ok(Cc0));
}

#[test]
fn channel_subsystems_have_numbers() {
    let register = |word| RawSubsystemId(word);
    let subchannel = SubsystemId::decode(register(0xfe09_0012)).unwrap();
    let mut machine = Setup {
        subchannel,
        ..Setup::default()
    }
    .machine();
    // Its own, another one, and the one that is meant when none is named.
    for (word, code) in [(0xfe09_0012, Cc1), (0xfd09_0012, Cc3), (0x0001_0012, Cc1)] {
        let instruction = Instruction::Tsch { at: 0 };
        let result = machine
            .sch
            .execute(register(word), &instruction, &mut machine.events);
        assert_eq!(result.unwrap().code, code, "{word:x}");
    }
}

/// Operand exceptions for an ORB come before every condition code.
#[test]
fn a_wrong_orb_is_an_operand_exception() {
    let mut machine = Setup::default().disabled();
    for words in [
        [0, 0x00c2_8002, PROGRAM],
        [0, 0x00c2_8000, 0x8000_0000],
        [0, 0x00c6_8000, PROGRAM],
    ] {
        assert_eq!(machine.ssch_orb(words), Err(Exception::Operand));
        assert_eq!(machine.metrics().refused, 0, "it is the guest's fault");
    }
    // With MIDAWs and without.
    for word in [0x00c2_8040, 0x00c2_8000] {
        assert_eq!(machine.ssch_orb([0, word, PROGRAM]), Ok(Cc3));
    }
}

#[test]
fn a_disabled_subchannel_is_not_operational() {
    let mut machine = Setup::default().disabled();
    assert_eq!(machine.ssch(), Cc3);
    assert_eq!(codes(&mut machine), [3; 4]);
    assert_eq!(machine.csch(), Cc3);
    let stored = execute(&mut machine, Instruction::Tsch { at: 0 });
    assert_eq!(stored.unwrap().stored, Stored::Nothing);
    // Device 0190, path 80, all of them to be used; disabled.
    let schib = machine.sch.stsch(&mut machine.events);
    assert_eq!(words(&schib.0[..12]), "00000000 00010190 80000080");
    assert_eq!(words(&schib.0[12..20]), "0000ff80 00000000");
}

#[test]
fn idle() {
    let mut machine = machine();
    // HSCH apart: it would do something.
    assert_eq!(machine.rsch(), Cc2);
    assert_eq!(machine.xsch(), Cc2);
    assert_eq!(machine.tsch(), (Cc1, "00000000 00000000 00000000".into()));
    assert_eq!(machine.events(), [""; 0]);
}

#[test]
fn a_program_runs() {
    let mut machine = endless();
    assert_eq!(machine.ssch(), Cc0);
    // Start function; subchannel and device active: nothing that could be cancelled.
    assert_eq!(machine.scsw(), "00c040c0 00002000 00000000");
    assert_eq!(machine.ssch(), Cc2);
    assert_eq!(machine.rsch(), Cc2);
    assert_eq!(machine.xsch(), Cc2);
    assert_eq!(machine.tsch(), (Cc1, "00c040c0 00002000 00000000".into()));
    let schib = machine.sch.stsch(&mut machine.events);
    assert_eq!(schib.0[..4], INTPARM.to_be_bytes());
    assert_eq!(machine.sch.msch(&schib), Ok(Cc2));
    assert_eq!(machine.held(), (1, 0));
}

#[test]
fn status_is_pending() {
    let mut machine = machine();
    machine.ssch();
    machine.io();
    assert_eq!(machine.scsw(), ENDED);
    assert_eq!(machine.ssch(), Cc1);
    assert_eq!(machine.hsch(), Cc1);
    assert_eq!(machine.rsch(), Cc1);
    assert_eq!(machine.xsch(), Cc1);
    let schib = machine.sch.stsch(&mut machine.events);
    assert_eq!(machine.sch.msch(&schib), Ok(Cc1));
    assert_eq!(machine.made(Call::Halt), 0);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    // All of FC and SC is gone, the rest stays to be seen.
    assert_eq!(machine.tsch(), (Cc1, "00c00000 00002008 0c000000".into()));
}

#[test]
fn tsch_stores_64_or_96_bytes() {
    let mut machine = machine();
    let mut lengths = Vec::new();
    for extended in [0, 2] {
        let mut schib = machine.sch.stsch(&mut machine.events);
        schib.0[27] = 1 | extended;
        assert_eq!(machine.sch.msch(&schib), Ok(Cc0));
        machine.ssch();
        machine.io();
        let test = execute(&mut machine, Instruction::Tsch { at: 8 }).unwrap();
        let Stored::Irb { bytes, len } = test.stored else {
            panic!("an IRB");
        };
        assert_eq!(words(&bytes[..12]), ENDED);
        assert_eq!(bytes[13], 0x80, "the path that was used");
        assert_eq!(bytes[64..], [0; 32]);
        lengths.push(len);
    }
    assert_eq!(lengths, [64, 96]);
}

#[test]
fn msch_changes_what_it_may() {
    let mut machine = machine();
    let mut schib = RawSchib([0xff; 52]);
    assert_eq!(machine.sch.msch(&schib), Err(Exception::Operand));
    schib.0[4] = 0x38;
    schib.0[5] = 0xbe;
    schib.0[24..28].copy_from_slice(&[0, 0, 0, 7]);
    assert_eq!(machine.sch.msch(&schib), Ok(Cc0));
    let stored = machine.sch.stsch(&mut machine.events);
    // Intparm, ISC, E, LM, MM and D, LPM, MBI, POM, F X S; device number and paths stay.
    assert_eq!(words(&stored.0[..12]), "ffffffff 38bd0190 ff000080");
    assert_eq!(
        words(&stored.0[12..28]),
        "ffffff80 00000000 00000000 00000007"
    );
    assert_eq!(stored.0[40..48], [0xff; 8], "measurement block");
    assert_eq!(stored.0[28..40], [0; 12], "not the status");
    schib.0[5] = 0x60 | 0x80;
    assert_eq!(machine.sch.msch(&schib), Err(Exception::Operand));
}

#[test]
fn without_concurrent_sense_none_is_shown() {
    let unit_check = || {
        let status = ccw::DeviceStatus::CHANNEL_END
            | ccw::DeviceStatus::DEVICE_END
            | ccw::DeviceStatus::UNIT_CHECK;
        css::device::scripted::Response::immediate()
            .with_status(status)
            .with_sense(&[0x80, 0x40])
    };
    let mut machine = Setup::responding([unit_check(), unit_check()]).machine();
    machine.program(&[[3, 0x20, 0, 1, 0, 0, 0, 0]]);
    for (sense, scsw, ecw) in [
        (1, "00c24017 00002008 0e000001", [0x80, 0x40, 0]),
        (0, "00c04017 00002008 0e000001", [0; 3]),
    ] {
        let mut schib = machine.sch.stsch(&mut machine.events);
        schib.0[27] = sense;
        assert_eq!(machine.sch.msch(&schib), Ok(Cc0));
        machine.ssch();
        machine.io();
        let (_, irb) = machine.sch.tsch(&mut machine.events);
        let irb = irb.unwrap();
        assert_eq!(words(&irb.0[..12]), scsw);
        assert_eq!(irb.0[32..35], ecw);
        assert_eq!(irb.0[16] & 1, sense, "ERW");
    }
}

#[test]
fn xsch_takes_back_what_the_device_was_not_given() {
    let mut machine = machine();
    machine.refuse(Call::Start, 3, Errno::EAGAIN);
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.held(), (1, 0));
    assert_eq!(machine.xsch(), Cc0);
    assert_eq!(machine.scsw(), "00c00000 00002000 00000000");
    assert_eq!((machine.held(), machine.timer()), ((0, 0), None));
    assert_eq!(machine.xsch(), Cc2);
    assert_eq!(machine.sent(), 0);
    assert_eq!(machine.events(), [""; 0], "no interruption");
    machine.works();
}

#[test]
fn csch_ends_whatever_there_is() {
    // Idle.
    let mut machine = machine();
    assert_eq!(machine.csch(), Cc0);
    machine.io();
    assert_eq!(machine.events(), [NO_PARM]);
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
    // Status pending: it is gone.
    machine.events.clear();
    machine.ssch();
    machine.io();
    assert_eq!(machine.csch(), Cc0);
    assert_eq!(machine.events(), [INTERRUPT, "withdrawn"]);
    assert_eq!(machine.ssch(), Cc2);
    assert_eq!(machine.hsch(), Cc2);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
    machine.works();
    // Running.
    let mut machine = endless();
    machine.ssch();
    assert_eq!(machine.csch(), Cc0);
    assert_eq!(machine.held(), (1, 0), "until the device says so");
    assert_eq!(machine.csch(), Cc0, "again");
    assert_eq!(machine.made(Call::Clear), 1);
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
    assert_eq!((machine.held(), machine.timer()), ((0, 0), None));
}

const NO_PARM: &str = "interrupt 0 isc 3";

#[test]
fn csch_forgets_which_paths_were_operational() {
    let mut machine = machine();
    let mut schib = machine.sch.stsch(&mut machine.events);
    schib.0[14] = 0x12;
    assert_eq!(machine.sch.msch(&schib), Ok(Cc0));
    assert_eq!(machine.sch.stsch(&mut machine.events).0[14], 0x12);
    machine.csch();
    machine.io();
    assert_eq!(machine.sch.stsch(&mut machine.events).0[14], 0xff);
}

/// Unsolicited status had to wait for the start that is cancelled.
#[test]
fn xsch_lets_other_status_through() {
    let mut machine = machine();
    machine.refuse(Call::Start, 3, Errno::EAGAIN);
    machine.ssch();
    machine.attention();
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.xsch(), Cc0);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
}

#[test]
fn a_start_pending_is_cleared_and_halted_without_the_device() {
    for halt in [false, true] {
        let mut machine = machine();
        machine.refuse(Call::Start, 3, Errno::EAGAIN);
        machine.ssch();
        let expected = if halt {
            assert_eq!(machine.hsch(), Cc0);
            assert_eq!(machine.made(Call::Halt), 0);
            "00c06001 00002000 00000000"
        } else {
            assert_eq!(machine.csch(), Cc0);
            machine.io();
            CLEARED
        };
        assert_eq!(machine.events(), [INTERRUPT]);
        assert_eq!(machine.tsch(), (Cc0, expected.into()));
        assert_eq!((machine.held(), machine.sent()), ((0, 0), 0));
        machine.works();
    }
}

#[test]
fn a_mediator_can_go_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let machine = machine();
    is_send(&machine.sch);
    is_send(machine.sch.window());
    let _: HostMemory = machine.ram;
    let _: Vec<Event> = machine.events;
}
