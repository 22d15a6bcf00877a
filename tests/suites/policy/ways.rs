// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Wherever control goes.

use ccw::HostAddr;
use ccw_kit::program::hex;
use translator::{Code, HostProfile, Outcome, Severity};

use crate::run::{CCWS, disk, run};
use crate::{SEEK, ckd};

#[test]
fn what_only_a_skip_leads_to_is_not_certain() {
    // SEARCH ID; TIC back to it; behind it WRITE HOME ADDRESS.
    let program = ckd("07400006 00002030 31400005 00002032 08000000 00001008 19200005 00003000");
    let verdict = program.judge();
    assert_eq!(
        verdict.outcome(),
        Outcome::Valid,
        "{:?}",
        verdict.findings()
    );
    let found = verdict
        .findings()
        .iter()
        .find(|f| f.code == Code::PolicyCommand);
    assert_eq!(found.map(|f| f.severity), Some(Severity::Warning));
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        // Record 0 is there: 0001 0000 00.
        let ended = run(
            &program.clone().put(SEEK, "00000001 000000"),
            profile,
            disk(),
            &[],
        );
        assert_eq!(ended.given, [0x07, 0x31]);
        assert_eq!(ended.refused, Some(Code::PolicyCommand));
        assert_eq!(
            ended.irb.scsw.encode().0[..],
            hex("00C24017 00001020 0E000005")
        );
        // And record 9 is not.
        let ended = run(
            &program.clone().put(SEEK, "00000001 000009"),
            profile,
            disk(),
            &[],
        );
        assert_eq!(ended.refused, None);
    }
}

#[test]
fn a_data_chain_that_only_jumps_ends() {
    for tics in ["08000000 00001008", "08000000 00001010 08000000 00001008"] {
        let program = ckd(&format!("07800003 00002030 {tics}"));
        let verdict = program.judge();
        assert_eq!(
            verdict.outcome(),
            Outcome::Invalid,
            "{:?}",
            verdict.findings()
        );
    }
}

/// What a refusal cuts off was not judged: the host is given zero bytes in its place, and no way into
/// the guest's storage.
#[test]
fn what_stands_behind_a_refusal_is_not_given_to_the_host() {
    // NO-OPERATION, WRITE HOME ADDRESS, SEEK, READ HOME ADDRESS; the same for what a TIC leads to.
    let inline = ckd("03600001 00000000 19600005 00003000 07400006 00002030 1A200005 00003000");
    let behind = "03600001 00000000 19600005 00003000 08000000 00001020 00000000 00000000";
    let jump = ckd(&format!("{behind} 07400006 00002030 1A200005 00003000"));
    for program in [inline, jump] {
        let verdict = program.judge();
        let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
        assert_eq!(codes, [Code::PolicyCommand]);
        assert_eq!(verdict.extents().len(), 0);
        let ended = run(&program, &HostProfile::SOFTWARE, disk(), &[]);
        assert_eq!(ended.refused, Some(Code::PolicyCommand));
        let storage = ended.storage.expect("it ran");
        let ccws = storage.read(HostAddr::new(CCWS), 0x80);
        assert_eq!(ccws[0], 0x03);
        // The host's own TIC over the gap, if there is one, leads to nothing either.
        let commands = ccws.chunks(8).skip(1).map(|ccw| ccw[0]);
        assert!(commands.into_iter().all(|code| code == 0 || code == 0xff));
    }
}

/// A CCW that is part of an open command's data, and a command only behind a refusal: what would be known
/// there is not known, so it is neither.
#[test]
fn what_is_judged_in_one_of_two_ways_is_refused_in_both() {
    // NO-OPERATION; SEEK; WRITE DATA of two CCWs, of which the TIC behind makes a command. In the other
    // case a WRITE HOME ADDRESS stands before that TIC.
    let ways = |before_tic: &str| {
        let ccws = "03600001 00000000 07400006 00002030 05800008 00003000 05600008 00003008";
        ckd(&format!("{ccws} {before_tic} 08000000 00001018"))
    };
    let codes = |before_tic: &str| -> Vec<(Code, Option<u64>)> {
        let program = ways(before_tic).without_remarks();
        let verdict = program.judge();
        let found = verdict.findings().iter();
        found
            .map(|f| (f.code, f.site.ccw.map(|at| at.get())))
            .collect()
    };
    assert_eq!(codes("03600001 00000000"), []);
    let refused = [
        (Code::PolicyUnconfined, Some(0x1018)),
        (Code::PolicyCommand, Some(0x1020)),
    ];
    assert_eq!(codes("19600005 00003000"), refused);
}
