// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group C: the command code, and the sequence of CCWs.

use ccw_kit::program::GuestProgram;
use translator::{Code, Outcome};

use crate::fault::{fault, remark, same_status, sound};
use crate::run::{self, Full, Translated};

pub(crate) fn f0(ccws: &str) -> GuestProgram {
    GuestProgram::format0(ccws)
}

pub(crate) fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

/// In front of another CCW: no-operation, which chains; and the status of what comes second.
pub(crate) const NOP0: &str = "03000000 60000001";

pub(crate) const NOP1: &str = "03600001 00000000";

#[test]
fn c01_cmd_zero() {
    for code in (0x00..=0xf0).step_by(0x10) {
        let ccw = format!("{code:02X}003000 20000010");
        fault(Code::CmdZero, f0(&ccw))
            .ends("00404017 00001008 00200000")
            .ccw(&ccw, 0..=7)
            .becomes("02003000 20000010");
    }
    fault(Code::CmdZero, f1(&format!("{NOP1} 10200010 00003000")))
        .ends("00C04017 00001010 00200000")
        .ccw("10200010 00003000", 0..=7)
        .becomes("04200010 00003000");
    // Storage that nobody has written.
    fault(Code::CmdZero, f1("").cpa(0x8000))
        .ends("00C04017 00008008 00200000")
        .ccw("00000000 00000000", 0..=7)
        .becomes("03000000 00000000");
    // By data chaining the code is not looked at.
    sound(f0("02003000 80000010 00004000 20000010"));
    sound(f1("01800010 00003000 F0200010 00004000"));
    sound(f1("02800010 00003000 08000000 00002000").put(0x2000, "00200010 00004000"));
}

#[test]
fn c02_cmd_tic_modifier() {
    for code in (0x18..=0xf8).step_by(0x10) {
        let ccw = format!("{code:02X}000000 00002000");
        let program = f1(NOP1).put(0x1008, &ccw).put(0x2000, NOP1);
        fault(
            Code::CmdTicModifier,
            program.put(0x2008, "02200010 00003000"),
        )
        .ends("00C04017 00001010 00200000")
        .ccw(&ccw, 0..=7)
        .becomes("08000000 00002000");
    }
    // As the first CCW, and by data chaining: no TIC either.
    fault(Code::CmdTicModifier, f1("18200010 00003000"))
        .ends("00C04017 00001008 00200000")
        .ccw("18200010 00003000", 0..=7)
        .becomes("02200010 00003000");
    fault(
        Code::CmdTicModifier,
        f1("02800010 00003000 18200010 00004000"),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("18200010 00004000", 0..=7)
    .becomes("00200010 00004000");
    // Format 0 ignores the high bits of a TIC.
    sound(f0(&format!("{NOP0} F8002000 00000000")).put(0x2000, "02003000 20000010"));
}

#[test]
fn c03_tic1_flags() {
    for tic in [
        "08400000 00002000",
        "08010000 00002000",
        "08000001 00002000",
        "08FF8000 00002000",
    ] {
        let program = f1(NOP1).put(0x1008, tic).put(0x2000, "02200010 00003000");
        fault(Code::Tic1Flags, program)
            .ends("00C04017 00001010 00200000")
            .ccw(tic, 8..=31)
            .becomes("08000000 00002000");
    }
    let program = f1("02800010 00003000 08200000 00002000");
    fault(Code::Tic1Flags, program.put(0x2000, "02200010 00004000"))
        .ends("00C04017 00001010 0C200000")
        .ccw("08200000 00002000", 8..=31)
        .becomes("08000000 00002000");
    // Format 0 ignores everything behind the address of a TIC.
    sound(f0(&format!("{NOP0} 08002000 FFFFFFFF")).put(0x2000, "02003000 20000010"));
}

#[test]
fn c04_tic1_bit32() {
    let read = "02200010 00003000";
    for before in [NOP1, "08000000 00001008"] {
        // Behind another TIC it is still the bit that is found first.
        let program = f1(before).put(0x1008, "08000000 80002000");
        let program = program.put(0x2000, read);
        fault(Code::Tic1Bit32, program.clone())
            .ends("00C04017 00001010 00200000")
            .ccw("08000000 80002000", 32..=32)
            .repaired(program.put(0x1000, NOP1).put(0x1008, "08000000 00002000"));
    }
    fault(
        Code::Tic1Bit32,
        f1("08000000 80002000").put(0x2000, "02200010 00003000"),
    )
    .ends("00C04017 00001008 00200000")
    .ccw("08000000 80002000", 32..=32)
    .becomes("08000000 00002000");
}

#[test]
fn c05_seq_tic_tic() {
    let program = f1(&format!("{NOP1} 08000000 00002000"))
        .put(0x2000, "08000000 00002100")
        .put(0x2100, "02200010 00003000");
    fault(Code::SeqTicTic, program)
        .ends("00C04017 00002008 00200000")
        .ccw("08000000 00002100", 0..=7)
        .becomes_with(0x1008, "08000000 00002100");
    // In format 0 disguised by the high bits of its code.
    let program = f0(&format!("{NOP0} 08002000 00000000"))
        .put(0x2000, "E8002100 00000000")
        .put(0x2100, "02003000 20000010");
    fault(Code::SeqTicTic, program)
        .ends("00404017 00002008 00200000")
        .ccw("E8002100 00000000", 0..=7)
        .becomes_with(0x1008, "08002100 00000000");
    // To itself: fetched twice in a row.
    let program = f1(&format!("{NOP1} 08000000 00001008")).put(0x2000, "02200010 00003000");
    fault(Code::SeqTicTic, program)
        .ends("00C04017 00001010 00200000")
        .ccw("08000000 00001008", 0..=7)
        .becomes_with(0x1008, "08000000 00002000");
    // Two that lead to each other.
    let program = f1("08000000 00002000").put(0x2000, "08000000 00001000");
    fault(Code::SeqTicTic, program)
        .ends("00C04017 00002008 00200000")
        .ccw("08000000 00001000", 0..=7)
        .becomes_with(0x2000, "02200010 00003000");
    let program = f1("02800010 00003000 08000000 00002000")
        .put(0x2000, "08000000 00002100")
        .put(0x2100, "02200010 00004000");
    fault(Code::SeqTicTic, program)
        .ends("00C04017 00002008 0C200000")
        .ccw("08000000 00002100", 0..=7)
        .becomes_with(0x1008, "08000000 00002100");
    // A CCW in between is enough.
    let program = f1("08000000 00002000").put(0x2000, &format!("{NOP1} 08000000 00002100"));
    sound(program.put(0x2100, "02200010 00003000"));
}

#[test]
fn c06_seq_nodata_limit() {
    // Whether a loop goes on for ever is seen only by whoever runs it; read, it is a remark.
    let program = f1("03600001 00000000 08000000 00001000 02200010 00003000");
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Valid);
    let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::EnvLoop]);
    assert_eq!(verdict.scsw(), None);

    let status = ccw::RawScsw([0, 0xc0, 0x40, 0x17, 0, 0, 0x10, 0x10, 0, 0x20, 0, 0]);
    let (ran, _) = run::direct(&program, Full::default());
    assert_eq!(ran.condition, Some(Code::SeqNodataLimit.id()));
    assert_eq!(ran.moved.len(), 256);
    same_status(&ran.irb.scsw, &status);
    let Translated::Shown { scsw, moved, .. } = run::translated(&program, Full::default()) else {
        panic!("a loop is legal")
    };
    assert_eq!(moved.len(), 256);
    same_status(&scsw, &status);

    // The last round that is allowed; the read is the command behind it.
    let (ran, _) = run::direct(&program, Full::skipping_after(255));
    assert_eq!((ran.condition, ran.moved.len()), (None, 257));
    // Data moved in between makes every loop legal, as long as it lasts.
    let program = f1("02600010 00003000 08000000 00001000 03200001 00000000");
    let (ran, _) = run::direct(&program, Full::skipping_after(1000));
    assert_eq!((ran.condition, ran.moved.len()), (None, 1002));
}

#[test]
fn c07_w_tic_first() {
    let program = f0("08002000 00000000").put(0x2000, "02003000 20000010");
    remark(Code::TicFirst, program.clone())
        .at(0x1000)
        .ccw("08002000 00000000", 0..=7)
        .repaired(program.cpa(0x2000));
    let program = f1("08000000 00002000").put(0x2000, "02200010 00003000");
    remark(Code::TicFirst, program.clone())
        .at(0x1000)
        .ccw("08000000 00002000", 0..=7)
        .repaired(program.cpa(0x2000));
}
