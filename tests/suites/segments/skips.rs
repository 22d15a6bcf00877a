// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands behind which control may skip a CCW, and CCWs that serve in two ways.

use std::fmt::Write;

use ccw::DeviceClass;
use ccw_kit::program::GuestProgram;
use css::device::scripted::Response;
use translator::Code;

use super::host::{failing_at, matching, refused, same, unit_check};

const SEARCH: &str = "07400006 00003000 31400005 00003002";

#[test]
fn a_search_loop_stays_in_one_segment() {
    for (before, after) in [(0, 0), (240, 3), (252, 3), (253, 40), (254, 40), (255, 300)] {
        let mut text = "03600001 00000000".repeat(before);
        let tic = GuestProgram::CPA as usize + 8 * (before + 1);
        write!(text, "{SEARCH} 08000000 {tic:08x}").unwrap();
        text.push_str(&"03600001 00000000".repeat(after));
        text.push_str("06200010 00005000");
        let program = GuestProgram::format1(&text).device(DeviceClass::Eckd);
        let mut responses = vec![Response::immediate(); before];
        responses.push(Response::output(6));
        responses.extend([Response::output(5), Response::output(5), matching()]);
        responses.extend(vec![Response::immediate(); after]);
        responses.push(Response::input(&[7; 16]));
        same(&program, &responses);
        for at in (0..responses.len()).step_by(7) {
            let mut failing = responses[..at].to_vec();
            failing.push(unit_check());
            same(&program, &failing);
        }
    }
}

#[test]
fn e10_env_skip_layout() {
    for text in [
        // SEARCH, TIC forward, READ.
        "31400005 00003002 08000000 00001030 06000010 00005000",
        // SEARCH, READ without a chain flag, NOP.
        "31400005 00003002 06000010 00005000 03200001 00000000",
    ] {
        let program = GuestProgram::format1(text).put(0x1030, "03200001 00000000");
        assert_eq!(
            refused(&program.device(DeviceClass::Eckd)),
            Code::EnvSkipLayout
        );
    }
}

#[test]
fn a_skipped_command_is_skipped() {
    let text = "31400005 00003002 03600001 00000000 06200010 00005000";
    let program = GuestProgram::format1(text).device(DeviceClass::Eckd);
    let read = || Response::input(&[7; 16]);
    same(&program, &[matching(), read()]);
    same(
        &program,
        &[Response::output(5), Response::immediate(), read()],
    );
}

#[test]
fn a_search_in_a_data_chain_skips_where_it_is_a_command() {
    // WRITE, of which a SEARCH is the second CCW, then a TIC to it as a command of its own, READ.
    let text = "01800010 00003000 31600005 00003002 08000000 00001008 06200010 00005000";
    let program = GuestProgram::format1(text).device(DeviceClass::Eckd);
    let first = Response::output(21);
    same(
        &program,
        &[first.clone(), matching(), Response::input(&[7; 16])],
    );
    let unequal = Response::output(5);
    same(
        &program,
        &[
            first,
            unequal.clone(),
            unequal,
            matching(),
            Response::input(&[7; 16]),
        ],
    );
}

#[test]
fn a_ccw_of_a_write_and_of_a_search_is_followed_as_both() {
    // WRITE with a second CCW, TIC to SEARCH, which has the same second CCW: at its end it may skip
    // the TIC.
    let text = "01800010 00003000 01600005 00003002 08000000 00002000 06200010 00005000";
    let program = GuestProgram::format1(text)
        .put(0x2000, "31800005 00003002 08000000 00001008")
        .device(DeviceClass::Eckd);
    let verdict = program.judge();
    let steps: Vec<_> = verdict.steps().map(|step| step.at.get()).collect();
    assert_eq!(steps, [0x1000, 0x1008, 0x1010, 0x2000, 0x2008, 0x1018]);
}

#[test]
fn what_is_behind_a_wrong_ccw_is_there_for_who_skips_it() {
    // SEARCH, WRITE with a SEARCH for its second CCW, which is a command if WRITE is skipped; then
    // no command, and NOP.
    let text = "31600005 00003000 01800010 00003010 31600005 00003020 00600001 00000000 \
                03200001 00000000";
    let program = GuestProgram::format1(text).device(DeviceClass::Eckd);
    same(&program, &[Response::output(5), Response::output(21)]);
    same(&program, &[matching(), Response::output(5)]);
    same(&program, &[matching(), matching(), Response::immediate()]);
}

#[test]
fn what_is_skipped_upward_and_downward_is_refused_by_name() {
    // SEARCH, READ BACKWARD, and as its second CCW, or as a command of its own, SENSE.
    let text = "31400005 00003002 0C800001 00005000 04300002 00005000";
    let program = GuestProgram::format1(text).device(DeviceClass::Eckd);
    assert_eq!(refused(&program), Code::EnvTwoWays);
    // Both upward, it is one.
    let text = text.replace("0C800001", "02800001");
    let program = GuestProgram::format1(&text).device(DeviceClass::Eckd);
    same(&program, &[matching(), Response::input(&[7; 2])]);
    same(&program, &[Response::output(5), Response::input(&[7; 3])]);
}

#[test]
fn an_invalid_ccw_that_may_be_skipped_stops_only_who_reaches_it() {
    // SEARCH, a format-1 TIC with a count, READ.
    let text = "31400005 00003002 08000001 00001000 06200010 00005000";
    let program = GuestProgram::format1(text).device(DeviceClass::Eckd);
    same(&program, &[matching(), Response::input(&[7; 16])]);
    same(&program, &[Response::output(5)]);
}

#[test]
fn an_invalid_ccw_in_third_place_stops_there() {
    let program = GuestProgram::format1("03600001 00000000 03600001 00000000 00000010 00005000");
    same(&program, &[]);
    same(&program, &failing_at(1));
}

#[test]
fn a_tic_to_a_tic_stops_at_the_second() {
    let program = GuestProgram::format1("03600001 00000000 08000000 00001010 08000000 00001000");
    same(&program, &[]);
    // The second TIC is also reached in a legal way.
    let text = "03600001 00000000 08000000 00002000";
    let program = GuestProgram::format1(text)
        .put(0x2000, "03600001 00000000 08000000 00003000")
        .put(0x3000, "03600001 00000000 08000000 00002008");
    same(&program, &[]);
}
