// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group C: the CCW itself, and the sequence of CCWs.

use ccw::DeviceClass;
use ccw::orb::word1;
use tests::program::GuestProgram;
use translator::{Code, Outcome, Severity};

use crate::fault::{fault, meets, remark, same_status, sound};
use crate::run::{self, Full, Translated};

fn f0(ccws: &str) -> GuestProgram {
    GuestProgram::format0(ccws)
}

fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

/// In front of another CCW: no-operation, which chains; and the status of what comes second.
const NOP0: &str = "03000000 60000001";
const NOP1: &str = "03600001 00000000";

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

#[test]
fn c08_cnt0_zero() {
    // Any command, no-operation too.
    for command in ["02", "01", "03", "07", "04", "0C"] {
        let ccw = format!("{command}003000 20000000");
        fault(Code::Cnt0Zero, f0(&ccw))
            .ends("00404017 00001008 00200000")
            .ccw(&ccw, 48..=63)
            .becomes(&format!("{command}003000 20000001"));
    }
    fault(Code::Cnt0Zero, f0(&format!("{NOP0} 02003000 60000000")))
        .ends("00404017 00001010 00200000")
        .ccw("02003000 60000000", 48..=63)
        .becomes_with(0x1008, "02003000 20000010");
    // With chain data, and by data chaining.
    fault(Code::Cnt0Zero, f0("02003000 80000000 00004000 20000010"))
        .ends("00404017 00001008 00200000")
        .ccw("02003000 80000000", 48..=63)
        .becomes("02003000 80000010");
    fault(Code::Cnt0Zero, f0("02003000 80000010 00004000 20000000"))
        .ends("00404017 00001010 0C200000")
        .ccw("00004000 20000000", 48..=63)
        .becomes("00004000 2000FFFF");
    // A TIC has no count; and format 1 takes zero, whatever the address.
    sound(f0(&format!("{NOP0} 08002000 00000000")).put(0x2000, "02003000 20000001"));
    sound(f1("03200000 00000000"));
    sound(f1("02200000 7FFFFFFF"));
    sound(f1("02240000 7FFFFFFF"));
    sound(f1("01600000 7FFFFFFF 02200010 00003000"));
}

#[test]
fn c09_cnt1_zero_cd() {
    fault(Code::Cnt1ZeroCd, f1("02800000 00003000 00200010 00004000"))
        .ends("00C04017 00001008 00200000")
        .ccw("02800000 00003000", 16..=31)
        .becomes("02800001 00003000");
    // No-operation moves no data, but it has a count.
    fault(
        Code::Cnt1ZeroCd,
        f1(&format!("{NOP1} 03800000 00000000 00200010 00004000")),
    )
    .ends("00C04017 00001010 00200000")
    .ccw("03800000 00000000", 16..=31)
    .becomes_with(0x1008, "03200000 00000000");
    sound(f1("02600000 00003000 03200000 00000000"));
}

#[test]
fn c10_cnt1_zero_in_cd() {
    fault(
        Code::Cnt1ZeroInCd,
        f1("01800008 00006000 00000000 00006100"),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("00000000 00006100", 16..=31)
    .becomes("00000008 00006100");
    // It is this rule also when the CCW chains data on.
    fault(
        Code::Cnt1ZeroInCd,
        f1("01800008 00006000 00800000 00006100 00200008 00006200"),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("00800000 00006100", 16..=31)
    .becomes("00800008 00006100");
    // Through a TIC.
    let program = f1("02800010 00003000 08000000 00002000").put(0x2000, "00200000 00004000");
    fault(Code::Cnt1ZeroInCd, program)
        .ends("00C04017 00002008 0C200000")
        .ccw("00200000 00004000", 16..=31)
        .becomes_with(0x1000, "02200010 00003000");
    sound(f1("02800001 00003000 00200001 00004000"));
}

#[test]
fn nothing_comes_behind_an_immediate_command_that_chains_data() {
    // The command is over under its first CCW, so no second one takes control.
    let behind = "00000000 00006100";
    sound(f1(&format!("03800010 00000000 {behind}")));
    sound(f1(&format!("03E00010 00000000 {behind}")));
    sound(f0(&format!("03000000 80000010 {behind}")));
    sound(f0(&format!("03000000 E0000010 {behind}")));
    // To a tape, 07 is rewind; to a disk it is a seek, which takes an address.
    for (device, outcome) in [
        (DeviceClass::Tape, Outcome::Valid),
        (DeviceClass::Eckd, Outcome::Invalid),
        (DeviceClass::Unknown, Outcome::Invalid),
    ] {
        let program = f1(&format!("07800006 00003000 {behind}")).device(device);
        assert_eq!(program.judge().outcome(), outcome, "{device:?}");
    }
    // As a part of a data chain the code means nothing.
    meets(
        Code::Cnt1ZeroInCd,
        &f1(&format!("01800010 00003000 03800010 00003000 {behind}")),
        0x1010,
    );
}

#[test]
fn c11_fmt1_bit32() {
    fault(Code::Fmt1Bit32, f1("02200010 80003000"))
        .ends("00C04017 00001008 00200000")
        .ccw("02200010 80003000", 32..=32)
        .becomes("02200010 00003000");
    // Also where no address is used: no-operation, count zero, skipped input.
    for (ccw, repaired) in [
        ("03200001 80000000", "03200001 00000000"),
        ("02200000 80003000", "02200000 00003000"),
        ("02300010 80003000", "02300010 00003000"),
        ("02240010 80003000", "02240010 00003000"),
    ] {
        let program = f1(NOP1).put(0x1008, ccw);
        fault(Code::Fmt1Bit32, program)
            .ends("00C04017 00001010 00200000")
            .ccw(ccw, 32..=32)
            .becomes(repaired);
    }
    fault(Code::Fmt1Bit32, f1("02800010 00003000 00200010 FFFFF000"))
        .ends("00C04017 00001010 0C200000")
        .ccw("00200010 FFFFF000", 32..=32)
        .becomes_with(0x1008, "00200010 00005000");
    // In format 0 it is the flag that chains data.
    sound(f0("02003000 80000010 00004000 20000010"));
}

#[test]
fn c12_mida_disabled() {
    fault(Code::MidaDisabled, f0("02003000 21000010"))
        .ends("00404017 00001008 00200000")
        .ccw("02003000 21000010", 39..=39)
        .becomes("02003000 20000010");
    fault(Code::MidaDisabled, f1("02210010 00003000"))
        .ends("00C04017 00001008 00200000")
        .ccw("02210010 00003000", 15..=15)
        .becomes("02200010 00003000");
    // Also where no data moves, and by data chaining.
    fault(Code::MidaDisabled, f1(&format!("{NOP1} 03210001 00000000")))
        .ends("00C04017 00001010 00200000")
        .ccw("03210001 00000000", 15..=15)
        .becomes("03200001 00000000");
    fault(
        Code::MidaDisabled,
        f0("02003000 80000010 00004000 21000010"),
    )
    .ends("00404017 00001010 0C200000")
    .ccw("00004000 21000010", 39..=39)
    .becomes("00004000 20000010");
    // The ORB can allow it.
    let program = f1("02210010 00003000").with(word1::MIDAW);
    sound(program.put(0x3000, "00000000 00800010 00000000 00004000"));
}

#[test]
fn c13_mida_conflict_ida() {
    fault(
        Code::MidaConflictIda,
        f0("02003000 25000010")
            .put(0x3000, "00004000")
            .with(word1::MIDAW),
    )
    .ends("00404017 00001008 00200000")
    .ccw("02003000 25000010", 37..=39)
    .becomes("02003000 24000010");
    fault(
        Code::MidaConflictIda,
        f1("02250010 00003000")
            .put(0x3000, "00000000 00800010 00000000 00004000")
            .with(word1::MIDAW),
    )
    .ends("00C04017 00001008 00200000")
    .ccw("02250010 00003000", 13..=15)
    .becomes("02210010 00003000");
    fault(
        Code::MidaConflictIda,
        f1("02800010 00003000 00250010 00004000").with(word1::MIDAW),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("00250010 00004000", 13..=15)
    .becomes("00200010 00004000");
}

#[test]
fn c14_mida_conflict_skip() {
    fault(
        Code::MidaConflictSkip,
        f0("02003000 31000010").with(word1::MIDAW),
    )
    .ends("00404017 00001008 00200000")
    .ccw("02003000 31000010", 35..=39)
    .becomes("02003000 30000010");
    // The skip flag belongs into the MIDAW.
    fault(
        Code::MidaConflictSkip,
        f1(&format!("{NOP1} 02310010 00003000"))
            .put(0x3000, "00000000 00C00010 00000000 00000000")
            .with(word1::MIDAW),
    )
    .ends("00C04017 00001010 00200000")
    .ccw("02310010 00003000", 11..=15)
    .becomes("02210010 00003000");
    fault(
        Code::MidaConflictSkip,
        f1("02800010 00003000 00310010 00004000").with(word1::MIDAW),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("00310010 00004000", 11..=15)
    .becomes("00300010 00004000");
}

#[test]
fn c15_susp_not_allowed() {
    fault(Code::SuspNotAllowed, f0("03000000 22000001"))
        .ends("00404017 00001008 00200000")
        .ccw("03000000 22000001", 38..=38)
        .becomes("03000000 20000001");
    let program = f1(&format!("{NOP1} 02220010 00003000"));
    let expected = fault(Code::SuspNotAllowed, program.clone())
        .ends("00C04017 00001010 00200000")
        .ccw("02220010 00003000", 14..=14);
    expected.clone().becomes("02200010 00003000");
    // Or the ORB allows it.
    expected.repaired(program.with(word1::SUSPEND));
}

#[test]
fn c16_susp_in_cd() {
    fault(
        Code::SuspInCd,
        f0("02003000 80000010 00004000 22000010").with(word1::SUSPEND),
    )
    .ends("08404017 00001010 0C200000")
    .ccw("00004000 22000010", 38..=38)
    .becomes("00004000 20000010");
    // Whether or not it also chains data on, and whether or not the ORB allows the flag.
    for bits in [0, word1::SUSPEND] {
        let s = if bits == 0 { "00" } else { "08" };
        let program = f1("02800010 00003000 00820010 00004000 00200010 00005000");
        fault(Code::SuspInCd, program.with(bits))
            .ends(&format!("{s}C04017 00001010 0C200000"))
            .ccw("00820010 00004000", 14..=14)
            .becomes("00800010 00004000");
    }
    sound(f1("02220010 00003000").with(word1::SUSPEND));
}

#[test]
fn c17_susp_with_cd() {
    fault(
        Code::SuspWithCd,
        f0("02003000 82000010 00004000 20000010").with(word1::SUSPEND),
    )
    .ends("08404017 00001008 00200000")
    .ccw("02003000 82000010", 32..=38)
    .becomes("02003000 80000010");
    fault(
        Code::SuspWithCd,
        f1(&format!("{NOP1} 02820010 00003000 00200010 00004000")).with(word1::SUSPEND),
    )
    .ends("08C04017 00001010 00200000")
    .ccw("02820010 00003000", 8..=14)
    .becomes("02020010 00003000");
    // S with CC is what suspended programs are made of.
    sound(f1("02620010 00003000 03200001 00000000").with(word1::SUSPEND));
}

#[test]
fn c18_w_cd_flags() {
    for flags in ["C0", "A0", "E0"] {
        let ccw = format!("02003000 {flags}000010");
        remark(Code::CdFlags, f0(&ccw).put(0x1008, "00004000 20000010"))
            .at(0x1000)
            .ccw(&ccw, 33..=34)
            .becomes("02003000 80000010");
        let ccw = format!("02{flags}0010 00003000");
        remark(Code::CdFlags, f1(&ccw).put(0x1008, "00200010 00004000"))
            .at(0x1000)
            .ccw(&ccw, 9..=10)
            .becomes("02800010 00003000");
    }
}

#[test]
fn c19_w_skip_output() {
    for command in ["01", "07", "03"] {
        let ccw = format!("{command}003000 30000010");
        remark(Code::SkipOutput, f0(&ccw))
            .at(0x1000)
            .ccw(&ccw, 35..=35)
            .becomes(&format!("{command}003000 20000010"));
        let ccw = format!("{command}300010 00003000");
        remark(Code::SkipOutput, f1(&ccw))
            .at(0x1000)
            .ccw(&ccw, 11..=11)
            .becomes(&format!("{command}200010 00003000"));
    }
    // Input is what the flag is for.
    for command in ["02", "04", "0C"] {
        let program = f1(&format!("{command}300010 00003010"));
        assert!(program.judge().findings().is_empty());
        sound(program);
    }
}

#[test]
fn c20_w_f0_byte5() {
    for byte in ["01", "80", "FF"] {
        let ccw = format!("02003000 20{byte}0010");
        remark(Code::F0Byte5, f0(&ccw))
            .at(0x1000)
            .ccw(&ccw, 40..=47)
            .becomes("02003000 20000010");
    }
    // A TIC's is nobody's; in format 1 byte 5 is part of the address.
    let tic = f0(&format!("{NOP0} 08002000 00FF0000")).put(0x2000, "02003000 20000010");
    assert!(tic.judge().findings().is_empty());
    assert!(f1("02200010 000F3000").judge().findings().is_empty());
}

#[test]
fn c21_w_chain_open() {
    // The remark beside the program check for the CCW that is not there.
    for (program, ccw, bits) in [
        (f0(""), "03000000 60000001", (32, 33)),
        (f0(""), "02003000 80000010", (32, 33)),
        (f1(""), "03600001 00000000", (8, 9)),
        (f1(""), "02800010 00003000", (8, 9)),
    ] {
        let verdict = program.cpa(0xf_fff8).put(0xf_fff8, ccw).judge();
        let [open, error] = verdict.findings() else {
            panic!("{:?}", verdict.findings())
        };
        let codes = (open.code, error.code);
        assert_eq!(codes, (Code::ChainOpen, Code::CcwaSeqUnavail));
        assert_eq!(open.severity, Severity::Warning);
        assert_eq!(open.site.ccw.map(|at| at.get()), Some(0xf_fff8));
        assert_eq!(open.site.word.as_bytes(), tests::program::hex(ccw));
        assert_eq!(open.site.bits, Some(bits));
    }
    // Behind a command that may be skipped over, the remark is on the command.
    let program = f1("08000000 000FFFF0").put(0xf_fff0, "31600005 00003000 08000000 000FFFF0");
    let verdict = program.device(DeviceClass::Eckd).judge();
    assert_eq!(verdict.outcome(), Outcome::Valid);
    let open = verdict
        .findings()
        .iter()
        .find(|f| f.code == Code::ChainOpen)
        .expect("the remark");
    assert_eq!(open.site.ccw.map(|at| at.get()), Some(0xf_fff0));
}
