// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The arrangement in segments, on a model of the host that it is made for: one that copies every
//! program once more. Each program must do there what it does on guest storage, or be refused by
//! name.

mod midaws;

use std::fmt::Write;

use ccw::{
    DeviceClass, DeviceStatus, Guest, GuestAddr, Host, HostAddr, Scsw, Space, StatusControl,
    SubchannelStatus,
};
use css::{
    Access as Grant, Config, Granted, Progress, Ram, Storage, Subchannel,
    device::scripted::{Data, Response, Scripted, Sent},
};
use pinning::{Access, Budget, PlainPinner};
use tests::{
    differential::Recorder,
    program::GuestProgram,
    second_copy::{self, Refused},
};
use translator::{Area, Code, HostProfile, Planned, Slot};

const OFFSET: u64 = 1 << 32;
const CCWS: u64 = 0x4000_0000;
const LISTS: u64 = 0x4010_0000;
const SCRATCH: u64 = 0x4030_0000;
const COPIES: u64 = 0x4040_0000;
const ARENA_END: u64 = 0x4060_0000;

/// What a program came to.
#[derive(Debug, PartialEq)]
struct Ran {
    scsw: Scsw<Guest>,
    sent: Vec<Sent>,
    data: Vec<(u64, Vec<u8>)>,
}

/// What the architecture leaves open, taken out.
fn canonical(mut scsw: Scsw<Guest>) -> Scsw<Guest> {
    let harmless = SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH;
    if !harmless.contains(scsw.subchannel) {
        scsw.residual = 0;
    }
    scsw
}

fn pages<S: Space>(ram: &Ram<S>, offset: u64) -> Vec<(u64, Vec<u8>)> {
    ram.touched()
        .filter(|(at, _)| at.get() >= offset)
        .map(|(at, page)| (at.get() - offset, page.to_vec()))
        .filter(|(_, page)| page.iter().any(|&byte| byte != 0))
        .collect()
}

fn run<S: Space>(
    subchannel: &mut Subchannel<S>,
    storage: &mut dyn Storage<S>,
    device: &mut Scripted,
) {
    let progress = subchannel.run(storage, device, 200_000);
    assert_eq!(progress, Progress::Pending, "{:?}", device.sent());
}

/// The guest's program on guest storage.
fn direct(program: &GuestProgram, responses: &[Response]) -> Ran {
    let mut ram = program.ram();
    let mut device = Scripted::new(responses.to_vec());
    let mut subchannel = Subchannel::<Guest>::new(Config::default());
    subchannel
        .start_raw(&program.orb())
        .expect("condition code 0");
    run(&mut subchannel, &mut ram, &mut device);
    Ran {
        scsw: canonical(subchannel.irb().scsw),
        sent: device.sent().to_vec(),
        data: pages(&ram, 0),
    }
}

/// How a program was cut: CCWs of each segment as the host finds them.
type Segments = Vec<usize>;

/// The translated program on the host that copies it.
fn copied(program: &GuestProgram, responses: &[Response]) -> Result<(Ran, Segments), Code> {
    let map = program.map(OFFSET);
    let pinner = Recorder::new(PlainPinner::new(map.clone(), Budget::default()));
    let plan = match program
        .clone()
        .without_remarks()
        .judge_with(&map)
        .plan(&HostProfile::VFIO_CCW)
    {
        Ok(Planned::Run(plan)) => plan,
        Ok(Planned::Ended(ended)) => {
            let scsw = canonical(ended.irb().scsw);
            let data = pages(&program.ram(), 0);
            return Ok((
                Ran {
                    scsw,
                    sent: Vec::new(),
                    data,
                },
                Vec::new(),
            ));
        }
        Ok(Planned::Arrived(_)) => panic!("it was fetched as a whole"),
        Err(rejected) => return Err(rejected.finding.code),
    };
    let (mut ccws, mut lists) = (vec![0xee; 0x2_0000], vec![0xee; 0x20_0000]);
    let slot = Slot::new(
        Area::new(HostAddr::new(CCWS), &mut ccws).unwrap(),
        Area::new(HostAddr::new(LISTS), &mut lists).unwrap(),
        HostAddr::new(SCRATCH),
    );
    let mut copies = vec![0xee; 0x4_0000];
    let area = Area::new(HostAddr::new(COPIES), &mut copies).unwrap();
    let slot = slot.unwrap().with_copies(area).unwrap();
    let translated = plan.pin(&pinner).unwrap().emit(slot).unwrap();
    let mut ram = Ram::<Host>::new(1 << 40);
    for (at, page) in program.ram().touched() {
        ram.write(HostAddr::new(at.get() + OFFSET), page);
    }
    for copy in translated.copies_out() {
        let bytes = ram.read(HostAddr::new(copy.guest.get() + OFFSET), copy.len);
        for at in [Some(copy.at), copy.kept].into_iter().flatten() {
            copies[at..at + copy.len].copy_from_slice(&bytes);
        }
    }
    ram.write(HostAddr::new(CCWS), &ccws);
    ram.write(HostAddr::new(LISTS), &lists);
    let used = translated.doublewords().copies * 8;
    ram.write(HostAddr::new(COPIES), &copies[..used]);
    let mut storage = Granted::new(ram);
    for bounced in translated.bounced() {
        let access = match bounced.input {
            true => Grant::Store,
            false => Grant::Fetch,
        };
        let at = HostAddr::new(COPIES + bounced.at as u64);
        storage.grant(at, bounced.len as u64, access);
    }
    storage.grant(HostAddr::new(SCRATCH), 4096, Grant::Store);
    for (run, access) in pinner.granted() {
        let access = match access {
            Access::DeviceReads => Grant::Fetch,
            Access::DeviceWrites => Grant::Store,
        };
        storage.grant(run.host, u64::from(run.len), access);
    }
    let mapped = |at: HostAddr| {
        let guest = at.get().checked_sub(OFFSET).map(GuestAddr::new);
        (CCWS..ARENA_END).contains(&at.get()) || guest.is_some_and(|at| map.find(at).is_some())
    };
    let copy = second_copy::copy(translated.orb(), &mut storage, mapped)
        .unwrap_or_else(|refused: Refused| panic!("{refused:?}"));
    let mut device = Scripted::new(responses.to_vec());
    let mut subchannel = Subchannel::<Host>::new(Config {
        examine_skipped: true,
        ..Config::default()
    });
    subchannel.start(copy.orb()).expect("condition code 0");
    run(&mut subchannel, &mut storage, &mut device);
    assert_eq!(storage.violations(), []);
    let status = copy.map_back(&subchannel.irb());
    let completion = translated.complete(&status);
    let mut running = translated.start();
    let area = storage.inner().read(HostAddr::new(COPIES), used);
    for back in running.copies_back(Some(&status), &area) {
        let at = HostAddr::new(back.guest.get() + OFFSET);
        let bytes = &area[back.at..back.at + back.len];
        storage.inner_mut().write(at, bytes);
    }
    running.end();
    assert!(
        !completion.unmapped && !completion.unexplained,
        "{completion:?}"
    );
    let ran = Ran {
        scsw: canonical(completion.irb.scsw),
        sent: device.sent().to_vec(),
        data: pages(storage.inner(), OFFSET),
    };
    Ok((ran, copy.segments()))
}

/// Runs `program` both ways and says how it was cut.
fn same(program: &GuestProgram, responses: &[Response]) -> Segments {
    let (ran, segments) = copied(program, responses).unwrap_or_else(|code| panic!("{code}"));
    assert_eq!(ran, direct(program, responses));
    segments
}

fn refused(program: &GuestProgram) -> Code {
    copied(program, &[]).expect_err("a refusal")
}

/// A status that ends a chain at this command.
fn unit_check() -> Response {
    let status = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK;
    Response::immediate().with_status(status)
}

/// `responses` normal ends, then a unit check.
fn failing_at(command: usize) -> Vec<Response> {
    let mut responses = vec![Response::immediate(); command];
    responses.push(unit_check());
    responses
}

/// Input of `len` bytes.
fn short(len: usize) -> Response {
    Response::new(Data::Length(len, 1))
}

fn matching() -> Response {
    let status =
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::STATUS_MODIFIER;
    Response::output(5).with_status(status)
}

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

/// READ BACKWARD from `first`, a byte of a page, over `count` bytes.
fn backward(first: u64, count: u16, flags: u8) -> GuestProgram {
    let text = format!(
        "0C{flags:02X}{count:04X} {:08X} 03200001 00000000",
        0x2_8000 + first
    );
    GuestProgram::format1(&text)
}

#[test]
fn reading_backward_is_exact_from_every_offset() {
    let counts = [1u16, 99, 2048, 4096, 17886, 18433];
    for first in [0, 100, 1023, 1500, 2047, 2048, 4095] {
        for count in counts {
            // One record that fits, one that is longer, some that are shorter.
            for len in [count.into(), 30_000, 51, 1501] {
                for flags in [0x00, 0x20, 0x40] {
                    let program = backward(first, count, flags);
                    let responses = [Response::new(Data::Length(len, 3)), Response::immediate()];
                    same(&program, &responses);
                }
            }
        }
    }
}

/// Data chaining would not go on with the next command where the record ends early: a copy does.
#[test]
fn reading_backward_with_both_flags_is_exact() {
    for first in [0, 100, 1500, 2047, 2048, 4095] {
        for count in [1u16, 3000, 18433, 20000] {
            let program = backward(first, count, 0x60);
            for len in [count.into(), 51, 30_000] {
                let responses = [Response::new(Data::Length(len, 3)), Response::immediate()];
                same(&program, &responses);
            }
        }
    }
}

/// Below address 0 there is nothing. The list ends in the first block, where the host would not read a
/// word more, and so would a copy.
#[test]
fn e12_env_read_backward() {
    let program = GuestProgram::format1("0C2000C8 00000064");
    assert_eq!(refused(&program), Code::EnvReadBackward);
    // With a block more of count the host does read it.
    let program = GuestProgram::format1("0C200FC8 00000064");
    let responses = [Response::new(Data::Length(0x800, 3))];
    same(&program, &responses);
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
