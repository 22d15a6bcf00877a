// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The verdict on every recorded program, against what really happened to it.

use std::{env, fs, path::Path};

use ccw_kit::corpus::{self, Case};
use translator::{Buffers, Code, Finding, Guards, Outcome, Policy, Severity, fetch, validate};

/// The conditions that a coarse rule name of the corpus may stand for.
fn conditions(rule: &str) -> &'static [Code] {
    match rule {
        "orb.reserved" => &[Code::OrbRsvd],
        "orb.cpa-bit0" => &[Code::OrbCpaBit0],
        "orb.transport-mode" => &[Code::OrbBUnsupported],
        "ccw.address-specification" => &[Code::CcwaAlignCpa, Code::CcwaAlignTic],
        "ccw.address-range-fmt0" => &[Code::CcwaCpa16m],
        // A TIC with bit 32 one: the corpus names the effect, the validator the bit.
        "ccw.address" => &[
            Code::CcwaCpaUnavail,
            Code::CcwaTicUnavail,
            Code::CcwaSeqUnavail,
            Code::Tic1Bit32,
        ],
        "ccw.command" => &[Code::CmdZero, Code::CmdTicModifier],
        "ccw.count" => &[Code::Cnt0Zero, Code::Cnt1ZeroCd, Code::Cnt1ZeroInCd],
        "ccw.flags" => &[
            Code::MidaDisabled,
            Code::MidaConflictIda,
            Code::MidaConflictSkip,
        ],
        "ccw.suspend-flag" => &[Code::SuspNotAllowed, Code::SuspInCd, Code::SuspWithCd],
        "ccw.tic-reserved" => &[Code::Tic1Flags, Code::Tic1Bit32],
        "ccw.data-address" => &[Code::Fmt1Bit32, Code::DataWrap, Code::DataUnavail],
        "ccw.protection" => &[Code::CcwaProt],
        "ccw.sequence.tic-tic" => &[Code::SeqTicTic],
        "ccw.sequence.tic-first" | "W-TIC-FIRST" => &[Code::TicFirst],
        "idaw.specification" => &[Code::IdawAlign, Code::IdawAlignRb],
        "idaw.address-specification" => &[Code::IdalAlign],
        "idaw.address" => &[Code::IdalWrap, Code::IdalUnavail],
        "idaw.data-address" => &[Code::Idaw1Bit0, Code::IdawDataUnavail],
        "midaw.address-specification" => &[Code::MidalAlign],
        "midaw.list-page-cross" => &[Code::MidalPage],
        "midaw.reserved" => &[Code::MidawRsvd, Code::MidawFlagRsvd],
        "midaw.count" => &[
            Code::MidawCountZero,
            Code::MidawCountOver,
            Code::MidawSumUnder,
        ],
        "midaw.page-cross" => &[Code::MidawPage],
        "midaw.data-address" => &[Code::MidalUnavail, Code::MidawDataUnavail],
        "data.protection" => &[Code::DataProtStore, Code::DataProtFetch],
        "tcw.format" => &[Code::TcwFormat, Code::TcwTidawFormat, Code::TcwTccbl],
        "tccb.format" => &[Code::TcahFormat, Code::TcahTcal, Code::TcatCount],
        "tccb.commands" => &[Code::DcwOverrun, Code::DcwCountSum],
        "tidaw" => &[Code::TidawRsvd, Code::TidawCount, Code::TidawSum],
        "tidaw.data" => &[Code::TidawData],
        "limit.chain-length" => &[Code::EnvTooLong],
        "limit.loop" => &[Code::EnvLoop, Code::SeqNodataLimit],
        "W-MIDAW-NOLAST" => &[Code::MidawNolast],
        "chain-continues-in-read-data" => &[Code::EnvOverlap],
        other => panic!("{other} is no rule of the corpus"),
    }
}

/// Says in what the verdict on `case` differs from what is expected.
fn disagreement(case: &Case) -> Option<String> {
    let storage = case.storage();
    let guards = Guards {
        keys: Some(&storage),
        ..Guards::default()
    };
    let mut policy = Policy::CHECK.for_device(case.device_class());
    // A program that is there for being refused is one of a machine without transport mode.
    policy.facilities.transport = case.expect.rule.as_deref() != Some("orb.transport-mode");
    let snapshot = fetch(&case.orb(), &storage, &policy, &guards, Buffers::new());
    let program = validate(snapshot, &storage.map(1 << 32), &guards);
    let told = format!("{:?} {:?}", program.outcome(), program.findings());
    let outcome = match case.expect.outcome.as_str() {
        "valid" => Outcome::Valid,
        "invalid" => Outcome::Invalid,
        "indeterminate" => Outcome::Indeterminate,
        other => panic!("{other} is no outcome of the corpus"),
    };
    if program.outcome() != outcome {
        return Some(format!("expected {outcome:?}, got {told}"));
    }
    let Some(rule) = case.expect.rule.as_deref() else {
        let error = program
            .findings()
            .iter()
            .any(|f| f.severity == Severity::Error);
        return error.then(|| format!("an error in a sound program: {told}"));
    };
    let codes = conditions(rule);
    let fits = |finding: &&Finding| {
        codes.contains(&finding.code)
            && (case.at().is_none() || finding.site.ccw.map(|at| at.get()) == case.at())
            && (outcome == Outcome::Invalid) == (finding.severity == Severity::Error)
    };
    let Some(finding) = program.findings().iter().find(fits) else {
        return Some(format!("expected {rule} at {:x?}, got {told}", case.at()));
    };
    let check = match case.expect.subchannel_status.as_deref() {
        Some("operand-exception-at-ssch") => "operand-exception",
        Some(check) => check,
        None => return None,
    };
    (finding.code.check().name() != check).then(|| format!("expected {check}, got {told}"))
}

fn agree(folder: &Path) -> usize {
    let cases = corpus::load(folder).expect("the programs can be read");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| disagreement(case).map(|what| format!("{}: {what}", case.name)))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    cases.len()
}

#[test]
fn verdicts_on_our_own_programs() {
    let programs = agree(&corpus::own_programs());
    assert!(programs >= 400, "only {programs} programs found");
}

/// More programs of the same format, which may not be copied: `CCW_CORPUS` names their folder.
#[test]
fn verdicts_on_a_further_corpus() {
    let Some(folder) = env::var_os("CCW_CORPUS") else {
        eprintln!("LEFT OUT: CCW_CORPUS names no folder with further programs");
        return;
    };
    assert!(agree(Path::new(&folder)) > 0);
}

/// What the README of `tests/programs` says that each program there has.
#[test]
fn the_members_that_each_program_here_has() {
    let mut count = 0;
    for entry in fs::read_dir(corpus::own_programs()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        let program: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        for member in [
            "/class",
            "/source/kind",
            "/device/type",
            "/orb/raw",
            "/memory/size",
            "/memory/default_fill",
            "/memory/ranges",
            "/expect/outcome",
            "/expect/confidence",
        ] {
            assert!(program.pointer(member).is_some(), "{path:?}: {member}");
        }
        assert_eq!(program["schema"], "ccwprog/1", "{path:?}");
        assert_eq!(
            program["name"].as_str(),
            path.file_stem().and_then(|it| it.to_str())
        );
        count += 1;
    }
    assert!(count > 400, "{count}");
}
