// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group C: the count, and the bit in front of the address.

use ccw::DeviceClass;
use translator::{Code, Outcome};

use crate::command::{NOP0, NOP1, f0, f1};
use crate::fault::{fault, meets, remark, sound};

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
