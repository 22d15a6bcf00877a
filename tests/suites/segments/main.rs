// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The arrangement in segments, on a model of the host that it is made for: one that copies every
//! program once more. Each program must do there what it does on guest storage, or be refused by
//! name.

mod backward;
mod host;
mod midaws;
mod skips;

use std::fmt::Write;

use ccw::{DeviceClass, StatusControl, SubchannelStatus};
use ccw_kit::program::GuestProgram;
use css::device::scripted::{Data, Response};
use translator::Code;

use host::{copied, direct, failing_at, matching, refused, same};

/// `n` chained no-operations, the last without a chain flag.
fn nops(n: usize) -> GuestProgram {
    let mut text = "03600001 00000000".repeat(n - 1);
    text.push_str("03200001 00000000");
    GuestProgram::format1(&text).device(DeviceClass::Eckd)
}

#[test]
fn the_ccw_address_is_exact_for_every_length() {
    for n in (1..=40usize)
        .chain([64, 65, 128, 129])
        .chain(250..=262)
        .chain([509, 510, 511, 512, 765])
    {
        for command in [0, n / 2, n.saturating_sub(2), n - 1, n] {
            let segments = same(&nops(n), &failing_at(command));
            assert!(segments.iter().all(|&len| len <= 256), "{segments:?}");
            if let [_, .., last] = segments[..] {
                assert!(last >= 3 && last % 2 == 1, "{n}: {segments:?}");
            }
        }
    }
}

#[test]
fn every_ending_of_a_long_program_is_exact() {
    let program = nops(600);
    for command in (0..600).step_by(3).chain(505..515) {
        same(&program, &failing_at(command));
    }
}

#[test]
fn a_no_operation_that_chains_data_ends_a_program_of_every_length() {
    // The host goes by the flag, and copies one CCW more.
    for n in (0..=20usize).chain(248..=262).chain(507..=513) {
        let text = "03600001 00000000".repeat(n) + "03800001 00000000 01200001 7FFFFFF0";
        let program = GuestProgram::format1(&text).device(DeviceClass::Eckd);
        for command in [0, n / 2, n.saturating_sub(1), n, n + 1] {
            let segments = same(&program, &failing_at(command));
            assert!(segments.iter().all(|&len| len <= 256), "{segments:?}");
            if let [_, .., last] = segments[..] {
                assert!(last >= 3 && last % 2 == 1, "{n}: {segments:?}");
            }
        }
    }
}

#[test]
fn a_no_operation_that_chains_data_may_be_skipped() {
    let text = "31400005 00003002 03800001 00000000 06200010 00005000";
    let program = GuestProgram::format1(text).device(DeviceClass::Eckd);
    same(&program, &[matching(), Response::input(&[7; 16])]);
    same(&program, &[Response::output(5), Response::immediate()]);
}

#[test]
fn sixteen_segments_and_no_more() {
    assert_eq!(same(&nops(15 * 255 + 255), &failing_at(4000)).len(), 16);
    assert_eq!(refused(&nops(16 * 255 + 2)), Code::EnvTooLong);
}

#[test]
fn a_long_data_chain_goes_on_through_the_cut() {
    let mut text = String::from("02800001 00020000");
    for n in 1..600 {
        let flags = if n == 599 { "00" } else { "80" };
        write!(text, "00{flags}0001 {:08x}", 0x2_0000 + 3 * n).unwrap();
    }
    let program = GuestProgram::format1(&text);
    for len in [600, 599, 254, 255, 256, 1] {
        let responses = [Response::new(Data::Length(len, 1))];
        assert!(same(&program, &responses).len() > 2);
    }
}

#[test]
fn tics_between_forty_pieces_are_straightened() {
    let mut program = GuestProgram::format1("03600001 00000000 08000000 00002000");
    for n in 2..=40u64 {
        let next = if n == 40 { 0x1000 } else { (n + 1) * 0x1000 };
        let end = if n == 40 {
            "03200001 00000000"
        } else {
            "03600001 00000000"
        };
        program = program.put(n * 0x1000, &format!("{end} 08000000 {next:08x}"));
    }
    for command in [0, 1, 20, 39, 40] {
        assert_eq!(same(&program, &failing_at(command)).len(), 1);
    }
}

#[test]
fn a_loop_goes_round_in_one_segment_and_in_several() {
    for n in [3, 254, 255, 256, 700] {
        let text = "03600001 00000000".repeat(n) + "08000000 00001008";
        let program = GuestProgram::format1(&text);
        for command in [n, n + 1, 2 * n, 3 * n - 3] {
            same(&program, &failing_at(command));
        }
    }
}

#[test]
fn what_moves_no_data_needs_no_storage() {
    let wild = "7FFFFFF0";
    for text in [
        format!("03200001 {wild}"),
        format!("0324FFFF {wild}"),
        format!("02200000 {wild}"),
        format!("06300010 {wild}"),
        format!("068003e8 00020000 00900064 {wild} 00200020 00021000"),
        format!("03A00001 {wild} 03200001 {wild}"),
    ] {
        let program = GuestProgram::format1(&text);
        same(&program, &[Response::new(Data::Length(2000, 1))]);
    }
}

#[test]
fn a_program_in_the_last_doubleword_of_storage_runs() {
    let program = GuestProgram::format1("")
        .put(0xf_fff8, "e4200008 00020000")
        .cpa(0xf_fff8);
    same(&program, &[Response::input(&[1, 2, 3, 4, 5, 6, 7, 8])]);
}

#[test]
fn output_that_runs_out_of_storage_stops_at_the_block() {
    // 1 MiB of storage: two good blocks, then none.
    let program = GuestProgram::format1("03600001 00000000 01003000 000FE000");
    let responses = [Response::immediate(), Response::output(0x3000)];
    let (ran, _) = copied(&program, &responses).unwrap();
    let there = direct(&program, &responses);
    assert_eq!((ran.scsw, ran.sent), (there.scsw, there.sent));
    assert!(
        there
            .scsw
            .subchannel
            .contains(SubchannelStatus::PROGRAM_CHECK)
    );
    assert!(there.scsw.status.contains(StatusControl::ALERT));
}
