// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group O: the operation-request block.

use ccw::orb::word1;
use ccw_kit::program::GuestProgram;
use css::{CannotStart, Config, OperandException};
use translator::{Code, Facilities, Policy};

use crate::fault::{refused, remark, sound};
use crate::run;

/// Sense, 32 bytes to 3000: nothing wrong with it.
fn sense() -> GuestProgram {
    GuestProgram::format1("04200020 00003000")
}

/// On a machine that lacks a facility, or has one more.
fn on(machine: Facilities, program: GuestProgram) -> GuestProgram {
    program.policy(Policy {
        facilities: machine,
        ..Policy::CHECK
    })
}

/// The software channel refuses the ORB for the same reason.
fn refused_by_the_channel(program: &GuestProgram, config: Config, why: OperandException) {
    let refusal = run::refusal(program, config);
    assert_eq!(refusal, Some(CannotStart::Operand(why)));
}

#[test]
fn o02_orb_rsvd() {
    for (mask, word) in [
        (0x20, "00C28020"),
        (0x10, "00C28010"),
        (0x08, "00C28008"),
        (0x04, "00C28004"),
        (0x02, "00C28002"),
        (0x3e, "00C2803E"),
    ] {
        let program = sense().with(mask);
        refused_by_the_channel(&program, Config::default(), OperandException::Reserved);
        refused(Code::OrbRsvd, program)
            .orb(1, word, 26..=30)
            .becomes("00C28000");
    }
}

#[test]
fn o03_orb_cpa_bit0() {
    let program = sense().cpa(0x8000_1000);
    let why = OperandException::ProgramAddress;
    refused_by_the_channel(&program, Config::default(), why);
    refused(Code::OrbCpaBit0, program)
        .orb(2, "80001000", 0..=0)
        .becomes("00001000");
}

#[test]
fn o04_orb_b_unsupported() {
    let program = sense().with(word1::TRANSPORT);
    let why = OperandException::TransportMode;
    refused_by_the_channel(&program, Config::default(), why);
    refused(Code::OrbBUnsupported, program)
        .orb(1, "00C68000", 13..=13)
        .becomes("00C28000");
}

#[test]
fn o05_orb_d_unsupported() {
    let machine = Facilities {
        midaw: false,
        ..Facilities::Z
    };
    let program = on(machine, sense().with(word1::MIDAW));
    let config = Config {
        midaw: false,
        ..Config::default()
    };
    refused_by_the_channel(&program, config, OperandException::Midaw);
    refused(Code::OrbDUnsupported, program)
        .orb(1, "00C28040", 25..=25)
        .becomes("00C28000");
}

#[test]
fn o06_orb_l_unsupported() {
    let machine = Facilities {
        length_suppression: false,
        ..Facilities::Z
    };
    let program = on(machine, sense().with(word1::LENGTH_SUPPRESSION));
    refused(Code::OrbLUnsupported, program)
        .orb(1, "00C28080", 24..=24)
        .becomes("00C28000");
}

#[test]
fn o07_orb_x_unsupported() {
    let machine = Facilities {
        orb_extension: false,
        ..Facilities::Z
    };
    let program = on(machine, sense().with(word1::EXTENSION));
    refused(Code::OrbXUnsupported, program)
        .orb(1, "00C28001", 31..=31)
        .becomes("00C28000");
}

#[test]
fn o10_orb_ext_rsvd() {
    let extended = || sense().with(word1::EXTENSION);
    // Byte 13, between two priorities that count.
    remark(Code::OrbExtRsvd, extended().orb_word(3, 0x1201_3400))
        .orb(3, "12013400 00000000 00000000 00000000", 8..=15)
        .becomes("12003400 00000000 00000000 00000000");
    // Bytes 15 to 18.
    let program = extended().orb_word(3, 0x0000_0001).orb_word(4, 0x0000_0100);
    remark(Code::OrbExtRsvd, program)
        .orb(3, "00000001 00000100 00000000 00000000", 24..=55)
        .becomes("00000000 00000000 00000000 00000000");
    // Byte 31, behind what can be shown.
    let program = extended().orb_word(7, 0x0000_0001);
    remark(Code::OrbExtRsvd, program.clone())
        .orb(3, "00000000 00000000 00000000 00000000", 152..=159)
        .repaired(program.orb_word(7, 0));
    // Without X the bytes are not part of the ORB.
    let verdict = sense().orb_word(4, 1).judge();
    assert!(verdict.findings().is_empty());
}

#[test]
fn o11_orb_tm_rsvd() {
    let machine = Facilities {
        transport: true,
        ..Facilities::Z
    };
    let tcw = || on(machine, sense().orb_word(1, 0x0004_8000));
    // The format bit is none of transport mode's; nor are prefetch, bit 15, and D.
    for (mask, word, bits) in [
        (word1::FORMAT1, "00848000", 8..=8),
        (
            word1::SUSPEND | word1::SUPPRESS_SUSPENDED,
            "080C8000",
            4..=12,
        ),
        (word1::IDAW_2K, "00058000", 15..=15),
        (word1::MIDAW, "00048040", 25..=25),
        (word1::PREFETCH | word1::MIDAW, "00448040", 9..=25),
    ] {
        refused(Code::OrbTmRsvd, tcw().with(mask))
            .orb(1, word, bits)
            .becomes("00048000");
    }
}

#[test]
fn o12_tcw_align() {
    let machine = Facilities {
        transport: true,
        ..Facilities::Z
    };
    let tcw = on(machine, sense().orb_word(1, 0x0004_8000));
    for (cpa, word) in [
        (0x1001, "00001001"),
        (0x1020, "00001020"),
        (0x103f, "0000103F"),
    ] {
        refused(Code::TcwAlign, tcw.clone().cpa(cpa))
            .orb(2, word, 26..=31)
            .becomes("00001000");
    }
    // Bits 4-30 first.
    let both = tcw.with(word1::MIDAW).cpa(0x1020);
    refused(Code::OrbTmRsvd, both)
        .orb(1, "00048040", 25..=25)
        .repaired(on(machine, sense().orb_word(1, 0x0004_8000)));
}

#[test]
fn what_an_orb_may_say() {
    let bits = [
        word1::STREAMING,
        word1::MODIFICATION,
        word1::SYNCHRONIZE,
        word1::INITIAL_STATUS,
        word1::LIMIT_CHECK,
        word1::SUPPRESS_SUSPENDED,
        word1::IDAW_2K,
        word1::LENGTH_SUPPRESSION,
        word1::MIDAW,
        word1::EXTENSION,
    ];
    for bit in bits {
        sound(sense().with(bit));
    }
    // M and Y without P, and T without H, mean nothing.
    for program in [
        sense()
            .with(word1::MODIFICATION | word1::SYNCHRONIZE)
            .without(word1::PREFETCH),
        sense().with(word1::IDAW_2K).without(word1::FORMAT2_IDAWS),
        sense().with(word1::SUSPEND),
        sense().with(word1::EXTENSION).orb_word(3, 0x1200_3400),
    ] {
        sound(program);
    }
}

#[test]
fn the_first_refusal_in_the_order_of_the_rules() {
    // Reserved bits, then word 2, then facilities.
    let all = sense().with(0x3e | word1::TRANSPORT).cpa(0x8000_1004);
    refused_by_the_channel(&all, Config::default(), OperandException::Reserved);
    refused(Code::OrbRsvd, all)
        .orb(1, "00C6803E", 26..=30)
        .repaired(sense());
    let two = sense().with(word1::TRANSPORT).cpa(0x8000_1004);
    refused_by_the_channel(&two, Config::default(), OperandException::ProgramAddress);
    refused(Code::OrbCpaBit0, two)
        .orb(2, "80001004", 0..=0)
        .repaired(sense());
}
