// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group C: the flags of the CCW.

use ccw::DeviceClass;
use ccw::orb::word1;
use translator::{Code, Outcome, Severity};

use crate::command::{NOP1, f0, f1};
use crate::fault::{fault, remark, sound};

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
        assert_eq!(open.site.word.as_bytes(), ccw_kit::program::hex(ccw));
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
