// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that read into themselves: whether a condition is met depends on what is read.

use ccw_kit::program::{GuestProgram, hex};
use translator::{Code, HostProfile, Outcome, Policy, Severity};

use crate::environment::{f1, found};
use crate::fault::{doubt, fault, meets, sound};
use crate::run::{self, Full};

#[test]
fn e07_env_overlap() {
    // The third CCW is read in by the first; as it stands it is none.
    let program = f1("02600008 00001010 03600001 00000000 00000000 00000000");
    doubt(Code::EnvOverlap, program.clone())
        .at(0x1010)
        .whole_ccw("00000000 00000000")
        .repaired(
            program
                .clone()
                .put(0x1010, "03200001 00000000")
                .put(0x1004, "00003000"),
        );
    let verdict = program.judge();
    let possible = found(&verdict, Code::CmdZero, 0x1010);
    assert_eq!(possible.severity, Severity::Warning);
    assert_eq!(verdict.scsw(), None);
    // What the device sends decides.
    let (ran, _) = run::direct(&program, Full::sending(hex("03200001 00000000")));
    assert_eq!(ran.condition, None);
    let (ran, _) = run::direct(&program, Full::sending(vec![0; 8]));
    assert_eq!(ran.condition, Some("C01"));

    // The same of a list, of a CCW reached by data chaining, and of its last byte alone.
    let program = f1("02600008 00003008 02242000 00003000");
    let program = program.put(0x3000, "00000000 00004000 00000000 00005010");
    doubt(Code::EnvOverlap, program)
        .at(0x1008)
        .whole_ccw("02242000 00003000")
        .becomes_with(0x1000, "02600008 00006000 02241000 00003000");
    doubt(Code::EnvOverlap, f1("02800001 0000100F 00200010 00100000"))
        .at(0x1008)
        .whole_ccw("00200010 00100000")
        .becomes_with(0x1000, "02800001 00001010 00200010 00004000");

    // A mediator carries such a program out in parts (`late`); who fetches it once refuses it.
    let program = f1("02600008 00001010 03600001 00000000 03200001 00000000");
    let refused = program.policy(Policy::MEDIATE).judge();
    let rejected = refused.plan(&HostProfile::SOFTWARE).expect_err("a refusal");
    assert_eq!(rejected.finding.code, Code::EnvOverlap);

    // Not: CCWs that were executed before, words behind the program, skipped input, output.
    sound(f1("03600001 00000000 02200008 00001000"));
    sound(f1("02200010 00001008"));
    sound(f1("02700008 00001008 03200001 00000000"));
    sound(f1("01600008 00001008 03200001 00000000"));
}

#[test]
fn what_is_read_into_a_list_is_found_whatever_lies_in_it() {
    // Three IDAWs, of which another CCW's list is the second; the third is read in.
    let ccws = "02600008 00003010 01642000 00003000 01640010 00003008 03200001 00000000";
    let lists = "00000000 00004000 00000000 00005000 00000000 00006000";
    let program = f1(&ccws.replace("01642000", "01642001")).put(0x3000, lists);
    found(&program.judge(), Code::EnvOverlap, 0x1008);
    // Without the third the program uses nothing that it reads in.
    sound(f1(ccws).put(0x3000, lists));
}

#[test]
fn what_is_read_in_during_a_round_counts_in_the_next() {
    // READ into the third CCW, READ into the first, no-operation, and from the start.
    let ccws = "02600008 00001010 02600008 00001000 03600001 00000000 08000000 00001000";
    let verdict = f1(ccws).judge();
    assert_eq!(verdict.outcome(), Outcome::Indeterminate);
    found(&verdict, Code::EnvOverlap, 0x1010);
    found(&verdict, Code::EnvOverlap, 0x1000);
    // Only the second, and no way back.
    let verdict = f1(&ccws.replace("08000000", "01200001")).judge();
    let mut findings = verdict.findings().iter();
    assert!(findings.all(|f| f.site.ccw.map(|at| at.get()) != Some(0x1000)));
}

#[test]
fn where_no_ccw_can_be_none_is_read_in() {
    // Input to 1000000, where a format-0 CCW would follow.
    let ccws = "02003000 64000008 03000000 60000001";
    let program = GuestProgram::format0("").size(0x200_0000);
    let program = program.cpa(0xff_fff0).put(0xff_fff0, ccws);
    meets(Code::CcwaWrap, &program.put(0x3000, "01000000"), 0x100_0000);
}

#[test]
fn an_error_before_the_overwritten_word_stays_certain() {
    let program = f1("02600008 00001018 00600001 00000000 03600001 00000000 03200001 00000000");
    fault(Code::CmdZero, program)
        .ends("00C04017 00001010 00200000")
        .ccw("00600001 00000000", 0..=7)
        .becomes_with(0x1000, "02200008 00003000");
}
