// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! MIDAWs on a host that has none: by one list, by data chaining, or by way of a copy.

use std::fmt::Write;

use ccw::{DeviceStatus, HostAddr, SubchannelStatus, orb::word1};
use ccw_kit::program::GuestProgram;
use css::device::scripted::{Data, Response};
use pinning::{Budget, PlainPinner};
use translator::{Area, Code, HostProfile, Planned, Slot};

use super::host::{self, CCWS, COPIES, LISTS, OFFSET, SCRATCH, matching, refused, same, short};

/// What stands for the first CCW of a program.
#[derive(Debug, PartialEq)]
enum Form {
    Whole,
    Links(usize),
    Bounced,
}

fn form(program: &GuestProgram) -> Form {
    emitted(program).0
}

/// The form, and the host's CCWs.
fn emitted(program: &GuestProgram) -> (Form, Vec<[u8; 8]>) {
    let map = program.map(OFFSET);
    let pinner = PlainPinner::new(map.clone(), Budget::default());
    let program = program.clone().without_remarks().judge_with(&map);
    let Ok(Planned::Run(plan)) = program.plan(&HostProfile::VFIO_CCW) else {
        panic!("not run");
    };
    let (mut ccws, mut lists) = (
        vec![0; plan.ccw_bytes()],
        vec![0; plan.list_bytes_at_most()],
    );
    let mut copies = vec![0; plan.copy_bytes_at_most().next_multiple_of(8)];
    let slot = Slot::new(
        Area::new(HostAddr::new(CCWS), &mut ccws).unwrap(),
        Area::new(HostAddr::new(LISTS), &mut lists).unwrap(),
        HostAddr::new(SCRATCH),
    );
    let copies = Area::new(HostAddr::new(COPIES), &mut copies).unwrap();
    let slot = slot.unwrap().with_copies(copies).unwrap();
    let translated = plan.pin(&pinner).unwrap().emit(slot).unwrap();
    let images: Vec<_> = translated.host_ccws().collect();
    let links = images
        .iter()
        .filter(|image| image.is_some() && **image == images[0]);
    let form = match links.count() {
        _ if translated.bounced().next().is_some() => Form::Bounced,
        1 => Form::Whole,
        links => Form::Links(links),
    };
    drop(translated);
    let (raws, _) = ccws.as_chunks();
    (form, raws.to_vec())
}

fn program(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws).with(word1::MIDAW)
}

/// The MIDAW that designates `count` bytes at `addr`.
fn midaw(flags: u8, count: u16, addr: u64) -> String {
    format!("{:010X}{flags:02X}{count:04X} {addr:016X} ", 0)
}

const LAST: u8 = 0x80;
const SKIP: u8 = 0x40;

/// A list at 3000 of areas of so many bytes, the last one so marked.
fn list(areas: &[(u64, u16)]) -> String {
    let last = areas.len() - 1;
    let midaws = areas.iter().enumerate();
    midaws
        .map(|(n, &(addr, count))| midaw(if n == last { LAST } else { 0 }, count, addr))
        .collect()
}

/// One CCW of this code and these flags, with the list of `areas`, and a no-operation behind it.
fn moving(code: u8, flags: u8, areas: &[(u64, u16)]) -> GuestProgram {
    let count: u16 = areas.iter().map(|(_, count)| count).sum();
    let flags = flags | 1;
    let ccws = format!("{code:02X}{flags:02X}{count:04X} 00003000 03200001 00000000");
    program(&ccws)
        .put(0x3000, &list(areas))
        .put(0x5000, &noise(0x5000))
}

/// Storage in which every byte is another one.
fn noise(len: u32) -> String {
    let mut text = String::new();
    for n in 0..len {
        write!(text, "{:02X}", n.wrapping_mul(2_654_435_761) >> 24).unwrap();
    }
    text
}

const READ: u8 = 0x02;
const WRITE: u8 = 0x01;
const BACKWARD: u8 = 0x0c;
const CHAIN: u8 = 0x40;
const SLI: u8 = 0x20;

/// Records that end before, in, at the end of and behind each of the areas.
fn records(areas: &[(u64, u16)]) -> Vec<usize> {
    let mut lengths = vec![0, 1];
    let mut sum = 0;
    for (_, count) in areas {
        sum += usize::from(*count);
        lengths.extend([sum - 1, sum, sum + 1]);
    }
    lengths.push(sum + 1000);
    lengths
}

fn every_record(code: u8, flags: u8, areas: &[(u64, u16)], expected: Form) {
    let program = moving(code, flags, areas);
    assert_eq!(form(&program), expected, "{areas:x?}");
    for len in records(areas) {
        let data = match code {
            WRITE => Data::Output(len),
            _ => Data::Length(len, 7),
        };
        same(&program, &[Response::new(data), Response::immediate()]);
    }
    // A unit check in the middle.
    let status = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK;
    same(&program, &[short(9).with_status(status)]);
    same(&program, &[Response::immediate(), Response::immediate()]);
}

/// Areas that end and begin where blocks do, in scattered pages.
#[test]
fn areas_of_whole_blocks_are_one_list() {
    let areas = [(0x5100, 0xf00), (0x8000, 0x1000), (0x7000, 0x20)];
    for flags in [0, SLI, CHAIN, CHAIN | SLI] {
        every_record(READ, flags, &areas, Form::Whole);
        every_record(WRITE, flags, &areas, Form::Whole);
    }
    let areas = [(0x50ff, 0x100), (0x8fff, 0x1000), (0x7fff, 0x20)];
    every_record(
        BACKWARD,
        CHAIN | SLI,
        &[(0x58ff, 0x900), (0x8fff, 0x1000)],
        Form::Whole,
    );
    // This host would read too few words.
    every_record(BACKWARD, 0, &areas, Form::Links(2));
}

/// As one area they are no more than a list of blocks.
#[test]
fn areas_that_adjoin_are_one_list() {
    for flags in [SLI, CHAIN | SLI] {
        every_record(READ, flags, &[(0x5010, 0x20), (0x5030, 0x40)], Form::Whole);
        every_record(
            WRITE,
            flags,
            &[(0x5ff0, 0x10), (0x6000, 7), (0x6007, 9)],
            Form::Whole,
        );
        every_record(BACKWARD, flags, &[(0x5fff, 0x20), (0x5fdf, 9)], Form::Whole);
    }
}

/// "PoP: Data Chaining": the host CCWs are one command, and their residual counts add up.
#[test]
fn other_areas_are_chained() {
    let areas = [(0x5040, 0x20), (0x6f00, 0x30), (0x5800, 9)];
    for flags in [0, SLI, CHAIN] {
        every_record(READ, flags, &areas, Form::Links(3));
        every_record(WRITE, flags, &areas, Form::Links(3));
        every_record(BACKWARD, flags, &areas, Form::Links(3));
    }
}

/// Behind a record that is too short the next command comes, where data chaining would end.
#[test]
fn what_goes_on_early_is_copied() {
    let areas = [(0x5040, 0x20), (0x6f00, 0x30), (0x5800, 9)];
    for code in [READ, WRITE, BACKWARD] {
        every_record(code, CHAIN | SLI, &areas, Form::Bounced);
    }
}

/// An immediate command in format 0 has no wrong length, so the next command comes as well.
#[test]
fn an_immediate_command_of_format_0_goes_on_as_well() {
    let lines = "0B003000 41000010 03000000 20000001";
    let areas = list(&[(0x5004, 8), (0x6004, 8)]);
    let program = GuestProgram::format0(lines)
        .with(word1::MIDAW)
        .put(0x3000, &areas);
    assert_eq!(form(&program), Form::Bounced);
    same(&program, &[Response::immediate(), Response::immediate()]);
    same(&program, &[Response::output(16), Response::immediate()]);
    same(&program, &[Response::output(3)]);
}

/// A search that matches would land on the second link.
#[test]
fn what_may_be_skipped_is_copied() {
    let ccws = "31400005 00004000 02410010 00003000 02210010 00003020";
    let areas = [
        list(&[(0x5004, 8), (0x6004, 8)]),
        list(&[(0x7004, 8), (0x8004, 8)]),
    ];
    let program = program(ccws)
        .put(0x3000, &areas.concat())
        .device(ccw::DeviceClass::Eckd);
    assert_eq!(form(&program), Form::Bounced);
    same(&program, &[matching(), short(16)]);
    same(&program, &[Response::output(5), short(16), short(16)]);
    same(&program, &[Response::output(5), short(3)]);
}

#[test]
fn what_is_skipped_goes_to_the_scratch_page() {
    let areas = midaw(0, 8, 0x5014) + &midaw(SKIP, 0x1800, 0) + &midaw(LAST, 8, 0x6014);
    for (flags, expected) in [(0x21, Form::Links(3)), (0x61, Form::Bounced)] {
        for code in [READ, BACKWARD] {
            let ccws = format!("{code:02X}{flags:02X}1810 00003000 03200001 00000000");
            let program = program(&ccws)
                .put(0x3000, &areas)
                .put(0x5000, &noise(0x2000));
            let (found, ccws) = emitted(&program);
            if expected != Form::Bounced {
                let skips: Vec<_> = ccws[..3].iter().map(|ccw| ccw[1] & 0x10 != 0).collect();
                assert_eq!(skips, [false, true, false]);
            }
            assert_eq!(found, expected);
            for len in [0, 7, 8, 9, 0x1000, 0x1807, 0x1808, 0x1809, 0x1810, 0x2000] {
                same(&program, &[short(len), Response::immediate()]);
            }
        }
    }
}

/// The guest's own data chaining goes on in between, and the count is that of its CCW.
#[test]
fn the_guests_own_data_chaining_stays() {
    let ccws = "02810010 00003000 00800020 00007000 00610018 00003020 03200001 00000000";
    let areas = list(&[(0x5004, 8), (0x6004, 8)]) + &list(&[(0x8004, 8), (0x9004, 16)]);
    let program = program(ccws).put(0x3000, &areas);
    for len in [
        0, 1, 7, 8, 9, 15, 16, 17, 47, 48, 49, 55, 56, 57, 71, 72, 73, 100,
    ] {
        same(&program, &[short(len), Response::immediate()]);
    }
}

/// PCI is recognised once, when the guest's CCW takes control.
#[test]
fn a_pci_comes_with_the_first_part_alone() {
    let program = moving(READ, 0x08, &[(0x5010, 8), (0x6010, 8)]);
    let (_, ccws) = emitted(&program);
    assert_eq!(
        ccws[..2].iter().map(|ccw| ccw[1]).collect::<Vec<_>>(),
        [0x8c, 0x04]
    );
}

/// 256 areas and a command behind are more CCWs than a segment has; where they are more than 16 have, a
/// copy takes fewer.
#[test]
fn a_list_as_long_as_lists_get() {
    let areas: Vec<(u64, u16)> = (0..256).map(|n| (0x5001 + n * 8, 3)).collect();
    let program = moving(READ, CHAIN, &areas);
    assert_eq!(form(&program), Form::Links(256));
    for len in [0, 1, 253 * 3, 254 * 3, 254 * 3 + 1, 255 * 3, 768, 900] {
        let segments = same(&program, &[short(len), Response::immediate()]);
        assert_eq!(segments.len(), 2, "{segments:?}");
    }
    // 17 lists of 256 links are more than 16 segments hold.
    let mut ccws = String::new();
    for n in 0..17 {
        let flags = if n == 16 { "21" } else { "41" };
        write!(ccws, "02{flags}0300 {:08X}", 0x1_0000 + n * 0x1000).unwrap();
    }
    let mut many = self::program(&ccws);
    for n in 0..17 {
        let areas: Vec<(u64, u16)> = (0..256)
            .map(|k| (0x3_0001 + n * 0x800 + k * 8, 3))
            .collect();
        many = many.put(0x1_0000 + n * 0x1000, &list(&areas));
    }
    assert_eq!(form(&many), Form::Bounced);
    assert_eq!(same(&many, &vec![short(768); 17]).len(), 1);
    same(&many, &[short(768), short(767)]);
}

/// The first command goes on behind a short record, so its data goes by way of a copy: what the second
/// one stores at 6008 would be stored over when that is copied.
#[test]
fn e15_env_shared_copy() {
    let areas = list(&[(0x5004, 8), (0x6004, 8)]);
    let twice = program("02610010 00003000 02200010 00006008").put(0x3000, &areas);
    assert_eq!(refused(&twice), Code::EnvSharedCopy);
    // It would fetch what was there before.
    let fetched = program("02610010 00003000 01200010 00006008").put(0x3000, &areas);
    assert_eq!(refused(&fetched), Code::EnvSharedCopy);
    let itself = list(&[(0x5004, 8), (0x5008, 8)]);
    let itself = program("02610010 00003000 03200001 00000000").put(0x3000, &itself);
    assert_eq!(refused(&itself), Code::EnvSharedCopy);
    // What is in the way is named, if it is another CCW.
    let other = |program: &GuestProgram| {
        let rejected = program.judge().plan(&HostProfile::VFIO_CCW);
        let site = rejected.expect_err("a refusal").finding.site;
        (site.ccw, site.other)
    };
    let at = |at| Some(ccw::GuestAddr::new(at));
    assert_eq!(other(&twice), (at(0x1000), at(0x1008)));
    assert_eq!(other(&fetched), (at(0x1000), at(0x1008)));
    assert_eq!(other(&itself), (at(0x1000), None));
    // The guest is told of each time round, and the data comes behind the last.
    let round = program("02690010 00003000 31600005 00004000 08000000 00001000 03200001 00000000");
    let round = round.put(0x3000, &areas).device(ccw::DeviceClass::Eckd);
    assert_eq!(refused(&round), Code::EnvSharedCopy);
    let apart = program("02610010 00003000 02200010 0000600C").put(0x3000, &areas);
    same(&apart, &[short(3), short(5)]);
    // What is written before it is read into.
    let before = program("01610010 00003000 02200010 00006008").put(0x3000, &areas);
    same(&before, &[Response::output(16), short(5)]);
}

/// Each condition that a list can meet behind 8 good bytes: the list, where it lies, and the count. A list
/// that cannot be read cannot be from its first word on.
fn faults(good: u64) -> Vec<(Code, u64, String, u16)> {
    let good = |flags| midaw(flags, 8, good);
    let behind = |flags, count, addr| good(0) + &midaw(flags, count, addr);
    let reserved = |bit: &str| good(0) + bit + "0008 0000000000007000";
    vec![
        (Code::MidalPage, 0x3ff0, good(0), 24),
        (Code::MidawRsvd, 0x3000, reserved("0100000000 80"), 16),
        (Code::MidawFlagRsvd, 0x3000, reserved("0000000000 90"), 16),
        (Code::MidawDti, 0x3000, reserved("0000000000 A0"), 16),
        (Code::MidawCountZero, 0x3000, behind(LAST, 0, 0x7000), 16),
        (Code::MidawCountOver, 0x3000, behind(LAST, 9, 0x7000), 16),
        (Code::MidawSumUnder, 0x3000, behind(LAST, 4, 0x7010), 16),
        (Code::MidawPage, 0x3000, behind(LAST, 16, 0x7ff8), 24),
        (
            Code::MidawDataUnavail,
            0x3000,
            behind(LAST, 8, 0x10_0010),
            16,
        ),
        (Code::DataProtStore, 0x3000, behind(LAST, 8, 0x9010), 16),
    ]
}

fn faulty(code: Code, at: u64, list: &str, ccw: &str) -> GuestProgram {
    let program = program(&format!("{ccw} {at:08X} 03200001 00000000"))
        .put(at, list)
        .put(0x5000, &noise(0x3000));
    match code {
        Code::DataProtStore => program
            .with(0x3000_0000)
            .storage_key(0x5000, 3, false)
            .storage_key(0x9000, 5, false),
        _ => program,
    }
}

/// The good bytes move and the next one does not, by a list that ends with the block (from 5FF8 on) or
/// by a copy that does; and a record that ends before does not meet the condition.
#[test]
fn a_condition_behind_good_bytes_stops_the_channel_there() {
    let mut forms = Vec::new();
    for good in [0x5ff8, 0x5014] {
        for (code, at, list, count) in faults(good) {
            for command in [READ, WRITE] {
                if (command, code) == (WRITE, Code::DataProtStore) {
                    continue;
                }
                for flags in [0x01, 0x21, 0x41, 0x61] {
                    let program = faulty(
                        code,
                        at,
                        &list,
                        &format!("{command:02X}{flags:02X}{count:04X}"),
                    );
                    let found = program.judge().findings().iter().any(|it| it.code == code);
                    assert!(found, "{code}");
                    forms.push(form(&program));
                    let moved = if code == Code::MidawSumUnder { 12 } else { 8 };
                    for len in [1, 7, moved - 1, moved, moved + 1, 16, 30] {
                        let data = match command {
                            WRITE => Data::Output(len),
                            _ => Data::Length(len, 7),
                        };
                        same(&program, &[Response::new(data), Response::immediate()]);
                    }
                }
            }
        }
    }
    for expected in [Form::Whole, Form::Bounced] {
        assert!(forms.contains(&expected), "{expected:?}");
    }
}

/// The same at once, where no byte is good: the program ends without the device.
#[test]
fn a_condition_of_the_first_byte_ends_the_program_at_once() {
    let lists = [
        (0x3004, midaw(LAST, 16, 0x5000)),
        (0x7fff_fff0, String::new()),
        (0x3000, midaw(LAST | 1, 16, 0x5000)),
        (0x3000, midaw(LAST | 0x20, 16, 0x5000)),
        (0x3000, midaw(LAST, 0, 0x5000)),
        (0x3000, midaw(LAST, 17, 0x5000)),
        (0x3000, midaw(LAST, 16, 0x5ff8)),
        (0x3000, midaw(LAST, 16, 0x10_0000)),
    ];
    for (at, list) in lists {
        let program = program(&format!("02010010 {at:08X}")).put(0x3000, &list);
        let (ran, _) = host::copied(&program, &[short(16)]).unwrap();
        let there = host::direct(&program, &[short(16)]);
        assert_eq!(ran.sent, []);
        assert_eq!(
            (ran.scsw.cpa, ran.scsw.subchannel),
            (there.scsw.cpa, there.scsw.subchannel)
        );
        assert_eq!(ran.data, there.data);
    }
    // The list is protected.
    let program = program("02010010 00003000")
        .put(0x3000, &midaw(LAST, 16, 0x5000))
        .with(0x3000_0000)
        .storage_key(0x3000, 5, true);
    let (ran, _) = host::copied(&program, &[]).unwrap();
    assert_eq!(ran.scsw.subchannel, SubchannelStatus::PROTECTION_CHECK);
    assert_eq!(ran.scsw.cpa, 0x1008);
}

/// Reading backward the good bytes end where a block begins.
#[test]
fn a_condition_behind_bytes_read_backward_stops_the_channel_there() {
    let mut refusals = 0;
    for (first, count) in [(0x5fff, 8), (0x5017, 8), (0x5fff, 0xff8), (0x5007, 8)] {
        for total in [16, 0x1100, 0x3000] {
            let list = midaw(0, count, first) + &midaw(LAST, 16, 0x7ff8 + 0x1000 * 8);
            let list = list
                .replace("80 0010", "90 0010")
                .replace("800010", "900010");
            for flags in [0x01, 0x21, 0x61] {
                let total = total + count;
                let ccw = format!("0C{flags:02X}{total:04X}");
                let program = faulty(Code::MidawFlagRsvd, 0x3000, &list, &ccw);
                for len in [
                    1,
                    usize::from(count) - 1,
                    count.into(),
                    usize::from(count) + 1,
                ] {
                    match host::copied(&program, &[short(len), Response::immediate()]) {
                        Ok((ran, _)) => {
                            let there =
                                host::direct(&program, &[short(len), Response::immediate()]);
                            assert_eq!(ran, there, "{first:x} {count:x} {total:x} {len}");
                        }
                        Err(code) => {
                            assert_eq!(code, Code::EnvReadBackward);
                            refusals += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(refusals > 0);
}
