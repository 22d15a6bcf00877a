// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Parameters are judged as they reach the device, and reach it as they were judged.

use ccw::{DeviceClass, HostAddr};
use ccw_kit::program::{GuestProgram, hex};
use translator::{Code, HostProfile, Outcome, Planned, Policy, Severity};

use crate::run::{Ended, OFFSET, disk, passes, run};
use crate::{EXTENT, SEEK, ckd};

/// What READ HOME ADDRESS brings to 3000.
fn home_address(ended: &Ended) -> Vec<u8> {
    let storage = ended.storage.as_ref().expect("it ran");
    storage.read(HostAddr::new(0x3000 + OFFSET), 5)
}

#[test]
fn the_device_is_given_what_was_judged() {
    let program = ckd("63400010 00002000 07400006 00002030 1A200005 00003000");
    let later = [
        (EXTENT, "C0C00000 00000000 00000000 0003000E"),
        (SEEK, "00000003 0000"),
    ];
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = run(&program, profile, disk(), &later);
        assert_eq!(
            ended.irb.scsw.encode().0[..],
            hex("00C04007 00001018 0C000000")
        );
        assert_eq!(home_address(&ended), [0, 0, 1, 0, 0]);
    }
}

#[test]
fn parameters_come_from_wherever_they_lie() {
    let outside = |program: GuestProgram, at, bytes: &str| {
        let verdict = program.put(at, bytes).judge();
        let code = verdict
            .findings()
            .iter()
            .find(|f| f.severity == Severity::Error);
        assert_eq!(
            code.map(|f| f.code),
            Some(Code::PolicyExtent),
            "{:?}",
            verdict.findings()
        );
    };
    // By a list: bytes 0 to 3 at the end of a block, the others in another one.
    let listed = ckd("07440006 00004000 1A200005 00003000");
    let listed = listed.put(0x4000, "00000000 00005FFC 00000000 00008000");
    let listed = listed.put(0x5ffc, "00000001").put(0x8000, "0000");
    // By data chaining, over a TIC.
    let chained = ckd("07800003 00004000 08000000 00001018").put(0x4000, "000000");
    let chained = chained
        .put(0x1018, "00400003 00005000 1A200005 00003000")
        .put(0x5000, "010000");
    // By a list of MIDAWs.
    let midal = ckd("07410006 00004000 1A200005 00003000").with(ccw::orb::word1::MIDAW);
    let midal = midal.put(
        0x4000,
        "00000000 00000002 00000000 00005000 00000000 00800004 00000000 00006000",
    );
    let midal = midal.put(0x5000, "0000").put(0x6000, "00010000");
    for (program, at, elsewhere) in [
        (listed, 0x5ffe, "0000"),
        (chained, 0x5000, "00"),
        (midal, 0x6000, "0003"),
    ] {
        passes(&program, &[0x07, 0x1a]);
        for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
            let ended = run(&program, profile, disk(), &[(at, elsewhere)]);
            assert_eq!(home_address(&ended), [0, 0, 1, 0, 0], "{}", profile.name);
        }
        outside(program, at, elsewhere);
    }
}

#[test]
fn an_extent_in_two_parts_skips_nothing() {
    let program = ckd("63C00008 00002000 00400008 00002008 47400010 00002010 DE204000 00003000");
    passes(&program, &[0x63, 0x47, 0xde]);
}

#[test]
fn storage_that_is_not_there_comes_first() {
    // The last two bytes of SEEK's parameters, behind the end of storage: the device is given none.
    let program = ckd("07400006 000FFFFC 1A200005 00003000").put(0xf_fffc, "00000000");
    let verdict = program.judge();
    assert_eq!(verdict.findings()[0].code, Code::DataUnavail);
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = run(&program, profile, disk(), &[]);
        assert_eq!(ended.irb.scsw.subchannel.bits(), 0x20);
        assert_eq!(ended.irb.scsw.cpa, 0x1008);
        assert_eq!(ended.refused, None);
    }
    // However many there should be: those that are there are not judged, so they are not given either.
    for count in ["0006", "012C"] {
        let program = ckd(&format!("0740{count} 000FFFFC 1A200005 00003000"));
        match program.judge().plan(&HostProfile::SOFTWARE) {
            Ok(Planned::Run(plan)) => {
                assert!(plan.extents().iter().all(|it| it.start.get() == 0x3000))
            }
            other => panic!("{other:?}"),
        }
    }
    // Protected: no byte of what the program may not read is judged, or given to the device.
    let key3 = ckd("07400006 00004000 1A200005 00003000").with(0x3000_0000);
    let key3 = key3
        .storage_key(0x1000, 3, false)
        .storage_key(0x3000, 3, false)
        .storage_key(0x4000, 4, true);
    let verdict = key3.put(0x4000, "00000003 0000").judge();
    let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::DataProtFetch]);
    // Behind what the device takes it does not matter to the judgement.
    let long = ckd("07200008 000FFFFA").put(0xf_fffa, "00000003 0000");
    assert_eq!(long.judge().findings()[0].code, Code::PolicyExtent);
}

#[test]
fn parameters_that_the_program_reads_in_are_not_those_that_were_judged() {
    let program = ckd("63400010 00002000 07400006 00002030 1A600004 00002033 07200006 00002030");
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Indeterminate);
    let found = verdict
        .findings()
        .iter()
        .find(|f| f.code == Code::EnvOverlap);
    assert_eq!(
        found.and_then(|f| f.site.ccw).map(|at| at.get()),
        Some(0x1018)
    );
    let refuses = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    let rejected = program.policy(refuses).judge().plan(&HostProfile::SOFTWARE);
    assert_eq!(
        rejected.expect_err("a refusal").finding.code,
        Code::EnvOverlap
    );
}

#[test]
fn parameters_that_are_parts_of_two_commands_are_of_neither() {
    // Two SEEKs whose data chains go on in the same CCW.
    let program = ckd("07800004 00002030 08000000 00001020 07800004 00004000 08000000 00001020");
    let program = program.put(0x1020, "00600002 00005000 08000000 00001010");
    let verdict = program.judge();
    let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
    assert!(codes.contains(&Code::PolicyParameters), "{codes:?}");
}

/// However often its own CCWs name the parameters of other commands, a command is given those that were
/// judged.
#[test]
fn parameters_that_go_round_in_a_data_chain_are_those_of_no_command() {
    let round = "07800001 00002030 08000000 00001000";
    let codes: Vec<Code> = ckd(round)
        .judge()
        .findings()
        .iter()
        .map(|f| f.code)
        .collect();
    assert!(codes.contains(&Code::PolicyParameters), "{codes:?}");
    // SEARCH HOME ADDRESS passes over each of these.
    let mut ccws = String::from("07400006 00002030 ");
    let mut rounds = String::new();
    for n in 0..260 {
        let round = 0x8000 + 16 * n;
        ccws += &format!("39400004 00004000 08000000 {round:08X} 07600006 00002030 ");
        rounds += &format!("07800001 00002030 08000000 {round:08X} ");
    }
    ccws += "07400006 00005000 1A200005 00003000";
    let program = ckd("").put(0x1_0000, &ccws).cpa(0x1_0000);
    let program = program
        .put(0x8000, &rounds)
        .put(0x4000, "00010000")
        .put(0x5000, "00000001 0000");
    let later = [(0x5000, "00000003 0000")];
    let ended = run(&program, &HostProfile::SOFTWARE, disk(), &later);
    assert_eq!(home_address(&ended), [0, 0, 1, 0, 0]);
}
