// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group E: what is legal and not carried out, or not known.

use ccw::orb::word1;
use ccw::{DeviceClass, RawScsw, Scsw};
use ccw_kit::program::{GuestProgram, hex};
use translator::{Code, Finding, HostProfile, Outcome, Policy, Program, Response, Severity};

use crate::fault::{doubt, remark, same_status, sound};
use crate::run::{self, Full, Translated};

pub(crate) fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

/// Search ID equal with the argument at 3000, and TIC back to it.
pub(crate) const SEARCH: &str = "31600005 00003000";

/// The finding of `code` at the CCW at `ccw`.
pub(crate) fn found(verdict: &Program, code: Code, ccw: u64) -> Finding {
    let mut all = verdict.findings().iter();
    let here = |f: &&Finding| f.code == code && f.site.ccw.map(|at| at.get()) == Some(ccw);
    *all.find(here)
        .unwrap_or_else(|| panic!("no {code} at {ccw:x}: {:?}", verdict.findings()))
}

#[test]
fn e01_env_noprefetch() {
    let program = f1("02200010 00003000").without(word1::PREFETCH);
    remark(Code::EnvNoprefetch, program.clone())
        .orb(1, "00828000", 9..=9)
        .becomes("00C28000");
    // A mediator carries it out in parts (`late`); who fetches it once refuses it by name.
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
