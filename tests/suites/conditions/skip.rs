// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Loops and skipped CCWs: whether a condition is met is for the device to decide.

use ccw::DeviceClass;
use ccw_kit::program::GuestProgram;
use css::device::DONE;
use translator::{Code, Outcome, Policy, Severity, Skips};

use crate::environment::{SEARCH, f1, found};
use crate::fault::{meets, same_status};
use crate::run::{self, Full, Translated};

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

const LOOP: &str = "31600005 00003000 08000000 00001000";

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
