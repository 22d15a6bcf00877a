// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group E, and what decides whether a condition is met at all: the device, or the program itself.

use ccw::orb::word1;
use ccw::{DeviceClass, RawScsw, Scsw};
use css::device::DONE;
use tests::program::{GuestProgram, hex};
use translator::{
    Code, CommandPolicy, Finding, HostProfile, Outcome, Policy, Program, Response, Severity, Skips,
};

use crate::fault::{doubt, fault, meets, remark, same_status, sound};
use crate::run::{self, Full, Translated};

fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

/// Search ID equal with the argument at 3000, and TIC back to it.
const SEARCH: &str = "31600005 00003000";
const LOOP: &str = "31600005 00003000 08000000 00001000";

/// The finding of `code` at the CCW at `ccw`.
fn found(verdict: &Program, code: Code, ccw: u64) -> Finding {
    let mut all = verdict.findings().iter();
    let here = |f: &&Finding| f.code == code && f.site.ccw.map(|at| at.get()) == Some(ccw);
    *all.find(here)
        .unwrap_or_else(|| panic!("no {code} at {ccw:x}: {:?}", verdict.findings()))
}

/// With `device` the program ends with the check of `code` at `ccw`, or with none; translated too.
fn ends(program: &GuestProgram, device: &Full, check: Option<(Code, u64)>) {
    let (ran, _) = run::direct(program, device.clone());
    assert_eq!(ran.condition, check.map(|(code, _)| code.id()));
    match check {
        Some((_, ccw)) => assert_eq!(u64::from(ran.irb.scsw.cpa), ccw + 8),
        None => assert_eq!(ran.irb.scsw.device, DONE),
    }
    let Translated::Shown { scsw, .. } = run::translated(program, device.clone()) else {
        panic!("refused")
    };
    same_status(&scsw, &ran.irb.scsw.encode());
}

#[test]
fn e01_env_noprefetch() {
    let program = f1("02200010 00003000").without(word1::PREFETCH);
    remark(Code::EnvNoprefetch, program.clone())
        .orb(1, "00828000", 9..=9)
        .becomes("00C28000");
    // A mediator carries it out in segments (`late`); who fetches it once refuses it by name.
    let refused = program.policy(Policy::MEDIATE).judge();
    let rejected = refused.plan(&HostProfile::SOFTWARE).expect_err("a refusal");
    assert_eq!(rejected.finding.code, Code::EnvNoprefetch);
}

/// Storage that the host does not back does not exist for the guest: it has no finding of its own.
#[test]
fn e03_env_unmapped() {
    let program = f1("02200010 0007FFF8").size(0x10_0000);
    sound(program.clone());
    // The host has the first half of it only.
    let half = program.clone().size(0x8_0000).map(1 << 33);
    let verdict = program.judge_with(&half);
    assert_eq!(verdict.outcome(), Outcome::Invalid);
    let finding = found(&verdict, Code::DataUnavail, 0x1000);
    assert_eq!(finding.site.data.map(|at| at.get()), Some(0x8_0000));
    let status = verdict.scsw().expect("a status").encode();
    assert_eq!(status.0[..10], hex("00C04017 00001008 0C20")[..]);
    let mut all = verdict.findings().iter();
    assert!(all.all(|finding| finding.code != Code::EnvUnmapped));
}

#[test]
fn e09_env_two_ways() {
    // REWIND AND UNLOAD, which uses no storage, WRITE, TIC: the first CCW is a part of WRITE, too.
    let text = "0f600001 00f00000 01800001 00003000 08000000 00001000";
    let program = f1(text).device(DeviceClass::Tape);
    let device = Full::ending_early(0, 0);
    let (ran, _) = run::direct(&program, device.clone());
    assert_eq!((ran.condition, ran.moved), (Some("D03"), vec![0, 1]));
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Indeterminate);
    let finding = found(&verdict, Code::DataUnavail, 0x1000);
    assert_eq!(finding.severity, Severity::Warning);
    let refused = run::translated(&program, device);
    assert!(matches!(refused, Translated::Refused(Code::EnvTwoWays)));
}

#[test]
fn e02_env_too_long() {
    // More CCWs than are read.
    let policy = Policy {
        max_ccws: 2,
        ..Policy::CHECK
    };
    let program = f1("03600001 00000000 03600001 00000000 03200001 00000000").policy(policy);
    doubt(Code::EnvTooLong, program.clone())
        .at(0x1008)
        .whole_ccw("03600001 00000000")
        .repaired(program.policy(Policy::CHECK));
    // More in a row than vfio-ccw takes is a note.
    let nops = "0360000100000000".repeat(256) + "0320000100000000";
    let verdict = f1(&nops).judge();
    let note = found(&verdict, Code::EnvTooLong, 0x1800);
    assert_eq!(note.severity, Severity::Note);
    assert_eq!(verdict.outcome(), Outcome::Valid);
    assert!(f1(&nops[16..]).judge().findings().is_empty());
}

#[test]
fn e06_env_readonly() {
    let program = f1("02200010 00002FF8").read_only_from(0x3000);
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Invalid);
    let finding = found(&verdict, Code::EnvReadonly, 0x1000);
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.site.bits, Some((33, 63)));
    assert_eq!(finding.site.data.map(|at| at.get()), Some(0x3000));
    let status = hex("00C04017 00001008 0C100000");
    let status = RawScsw(status.try_into().expect("12 bytes"));
    assert_eq!(
        verdict.scsw().map(|scsw: Scsw<_>| scsw.encode()),
        Some(status)
    );
    let Translated::Shown { scsw, moved, .. } = run::translated(&program, Full::default()) else {
        panic!("refused")
    };
    same_status(&scsw, &status);
    assert_eq!(moved, [8]);
    // So does input that lies there as a whole.
    let whole = f1("02200010 00003000").read_only_from(0x3000).judge();
    let finding = found(&whole, Code::EnvReadonly, 0x1000);
    assert_eq!(finding.site.data.map(|at| at.get()), Some(0x3000));
    // Output comes from anywhere, and skipped input goes nowhere.
    sound(f1("01200010 00003000").read_only_from(0x3000));
    sound(f1("02300010 00003000").read_only_from(0x3000));
    sound(f1("02200010 00002FF0").read_only_from(0x3000));
}

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

    // A mediator carries such a program out in segments (`late`); who fetches it once refuses it.
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

#[test]
fn e08_env_loop() {
    for (program, last, bits) in [
        (
            "03600001 00000000 08000000 00001000",
            0x1008,
            Some((33, 63)),
        ),
        (
            "01600000 00000000 08000000 00001000",
            0x1008,
            Some((33, 63)),
        ),
    ] {
        let verdict = f1(program).judge();
        assert_eq!(verdict.outcome(), Outcome::Valid);
        let finding = found(&verdict, Code::EnvLoop, last);
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.site.bits, bits);
    }
    let program = GuestProgram::format0("03000000 60000001 08001000 00000000");
    let finding = found(&program.judge(), Code::EnvLoop, 0x1008);
    assert_eq!(finding.site.bits, Some((8, 31)));
    // Closed by going on in sequence, into CCWs that were run before.
    let program = f1("03600001 00000000 08000000 00000FF0");
    let program = program.put(0xff0, "03600001 00000000 03600001 00000000");
    let finding = found(&program.judge(), Code::EnvLoop, 0xff8);
    assert_eq!(finding.site.bits, None);
    // A command that moves data, or one that can skip, is a way out.
    for program in [
        LOOP,
        "02600010 00003000 08000000 00001000",
        "01600010 00003000 08000000 00001000",
        "02700010 00003000 08000000 00001000",
        // One command that chains data for ever: how much it moves is the device's choice.
        "01800010 00003000 08000000 00001000",
    ] {
        let verdict = f1(program).judge();
        let remarked = verdict.findings().iter().any(|f| f.code == Code::EnvLoop);
        assert!(!remarked, "{program}");
        assert_eq!(verdict.outcome(), Outcome::Valid);
    }
    // On a tape no command skips, but the same code moves data there.
    let verdict = f1(LOOP).device(DeviceClass::Tape).judge();
    assert!(verdict.findings().is_empty());
}

#[test]
fn reached_only_by_a_skip_a_fault_is_a_warning() {
    for (code, ccw) in [
        (Code::CmdZero, "00200010 00005000"),
        (Code::IdalAlign, "02240010 00005001"),
        (Code::DataUnavail, "02200010 00200000"),
        (Code::IdawDataUnavail, "02240010 00005000"),
    ] {
        let program = f1(LOOP).put(0x1010, ccw).put(0x5000, "00000000 00200000");
        let verdict = program.judge();
        assert_eq!(verdict.outcome(), Outcome::Valid, "{code}");
        assert_eq!(verdict.scsw(), None);
        assert_eq!(found(&verdict, code, 0x1010).severity, Severity::Warning);
        // The device that finds what it searched for comes there.
        ends(&program, &Full::skipping_after(3), Some((code, 0x1010)));
        // No command skips on a tape, so nothing leads there.
        let verdict = program.device(DeviceClass::Tape).judge();
        assert!(verdict.findings().is_empty());
    }
    // A TIC behind the loop is possible like any CCW, and so is what it leads to.
    let program = f1(LOOP).put(0x1010, "08000000 00002000");
    let program = program.put(0x2000, "08000000 00003000");
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Valid);
    let finding = found(&verdict, Code::SeqTicTic, 0x2000);
    assert_eq!(finding.severity, Severity::Warning);
    let tic_tic = Some((Code::SeqTicTic, 0x2000));
    ends(&program, &Full::skipping_after(0), tic_tic);
}

#[test]
fn what_may_be_skipped_takes_no_data_of_what_comes_behind() {
    // The list of the second CCW is misaligned; who finds what it searched for skips it.
    let program = f1("31600005 00003000 02640010 00005001 02200010 00004000");
    ends(&program, &Full::default(), Some((Code::IdalAlign, 0x1008)));
    let found = Full::skipping_after(0);
    ends(&program, &found, None);
    let (_, guest) = run::direct(&program, found.clone());
    let Translated::Shown { storage, .. } = run::translated(&program, found) else {
        panic!("refused")
    };
    run::same_bytes(&guest, &storage.expect("it ran"));
}

#[test]
fn where_every_command_may_skip_so_may_a_read() {
    let program = f1("02600010 00003000 03200001 00000000 00000000 00000000");
    assert!(program.judge().findings().is_empty());
    let any = program.policy(Policy {
        skips: Skips::Any,
        ..Policy::CHECK
    });
    let verdict = any.judge();
    assert_eq!(verdict.outcome(), Outcome::Valid);
    let finding = found(&verdict, Code::CmdZero, 0x1010);
    assert_eq!(finding.severity, Severity::Warning);
    ends(&any, &Full::default(), None);
    let skipped = Some((Code::CmdZero, 0x1010));
    ends(&any, &Full::skipping_after(0), skipped);
}

#[test]
fn straight_behind_a_search_a_tic_is_for_the_device_to_decide() {
    for (code, ccw) in [
        (Code::CcwaTicUnavail, "08000000 00200000"),
        (Code::CcwaAlignTic, "08000000 00001014"),
    ] {
        let program = f1(SEARCH).put(0x1008, ccw).put(0x1010, "03200001 00000000");
        let verdict = program.judge();
        assert_eq!(verdict.outcome(), Outcome::Indeterminate, "{code}");
        assert_eq!(verdict.scsw(), None);
        assert_eq!(found(&verdict, code, 0x1008).severity, Severity::Warning);
        ends(&program, &Full::default(), Some((code, 0x1008)));
        ends(&program, &Full::skipping_after(0), None);
        // On a tape the command before does not skip.
        meets(code, &program.device(DeviceClass::Tape), 0x1008);
    }
}

#[test]
fn straight_behind_a_search_any_other_fault_is_an_error() {
    for (code, ccw) in [
        (Code::CmdZero, "00200010 00005000"),
        (Code::DataUnavail, "02200010 00200000"),
    ] {
        let program = f1(SEARCH).put(0x1008, ccw).put(0x1010, "03200001 00000000");
        let verdict = program.judge();
        assert_eq!(verdict.outcome(), Outcome::Invalid, "{code}");
        assert_eq!(found(&verdict, code, 0x1008).severity, Severity::Error);
        ends(&program, &Full::default(), Some((code, 0x1008)));
        ends(&program, &Full::skipping_after(0), None);
    }
}

#[test]
fn behind_data_that_cannot_move_a_fault_is_a_warning() {
    let program = f1("02600010 000FFFF8 00600001 00000000 03200001 00000000");
    let verdict = program.judge();
    let finding = found(&verdict, Code::CmdZero, 0x1008);
    assert_eq!(finding.severity, Severity::Warning);
    meets(Code::DataUnavail, &program, 0x1000);
    // A device that ends early, with the length suppressed, goes on to it.
    let early = Full::ending_early(0, 8);
    ends(&program, &early, Some((Code::CmdZero, 0x1008)));
    // Behind a CCW that stops the channel in any case nothing is looked at.
    let verdict = f1("00600010 00003000 00600001 00000000").judge();
    assert_eq!(verdict.steps().count(), 1);
    assert_eq!(verdict.findings().len(), 1);
}

#[test]
fn an_immediate_command_asks_for_no_byte() {
    // A tape rewinds whatever the address; on a disk 07 is a seek with an argument.
    let rewind = f1("07200001 7FFFFFFF");
    meets(Code::DataUnavail, &rewind, 0x1000);
    let verdict = rewind.device(DeviceClass::Tape).judge();
    assert_eq!(verdict.outcome(), Outcome::Valid);
    assert!(verdict.findings().is_empty());
}

/// Where a guest may not give every command, nobody looks at those of a TCCB.
#[test]
fn e04_env_transport() {
    let program =
        GuestProgram::transport_read().commands(CommandPolicy::read_only(DeviceClass::Fba));
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Invalid);
    let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::EnvTransport]);
    assert_eq!(verdict.findings()[0].site.word.as_bytes(), hex("00048000"));
    assert_eq!(verdict.findings()[0].site.bits, Some((13, 13)));
    let rejected = verdict.plan(&HostProfile::SOFTWARE).expect_err("refused");
    assert_eq!(rejected.response(), Response::OperandException);
}

/// What CCWs cannot say is refused, and the DCW is named; the guest sees a channel-control check.
#[test]
fn e13_env_transport_lowering() {
    let refused = |program: GuestProgram, index: Option<u16>, bits: (u8, u8)| {
        assert_eq!(program.judge().outcome(), Outcome::Valid);
        let rejected = program
            .judge()
            .plan(&HostProfile::VFIO_CCW)
            .expect_err("refused");
        assert_eq!(rejected.finding.code, Code::EnvTransportLowering);
        assert_eq!(rejected.finding.site.index, index);
        assert_eq!(rejected.finding.site.bits, Some(bits));
        let Response::Status(irb) = rejected.response() else {
            panic!("a status");
        };
        assert_eq!(irb.scsw.encode().0[..], hex("00104017 00001000 00040000"));
        drop(rejected.into_buffers());
        assert!(program.judge().plan(&HostProfile::SOFTWARE).is_ok());
    };
    let tcw = |length: u8, count: u32| {
        format!(
            "00000000 00{:02X}0000 00000000 00000000 00000000 00005000 00000000 00002100
             00000000 00002200 00000000 {count:08X} 00000000 00000000 00000000 00000000",
            length | 2
        )
    };
    let read = |commands: &str, length, count| {
        GuestProgram::transport(&tcw(length, count), commands, count)
    };
    // Control data and data under one command; a flag that is new; a code that no CCW has; a skip.
    refused(
        read("EA000004 00001000 01020304", 0x10, 0x1000),
        Some(0),
        (24, 63),
    );
    refused(read("06800000 00001000", 0x0c, 0x1000), Some(0), (8, 23));
    refused(read("40000004 00000000 01020304", 0x10, 0), Some(0), (0, 7));
    refused(
        read(
            "31400005 00000000 00000000 01000000 06000000 00001000",
            0x1c,
            0x1000,
        ),
        Some(0),
        (0, 7),
    );
    // More than a count holds.
    refused(read("06000000 00010000", 0x0c, 0x1_0000), Some(0), (32, 63));
    assert!(
        read("06000000 0000FFFF", 0x0c, 0xffff)
            .judge()
            .plan(&HostProfile::VFIO_CCW)
            .is_ok()
    );
    // Interrogation.
    let asked = read("06000000 00001000", 0x0c, 0x1000).put(0x2208, "1FFF0000");
    refused(asked, None, (0, 15));
}
