// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a mediator carries out in parts of E01, E07 and E11, and what it refuses all the same
//! (E14): where control arrives, and what the guest sees there and in the end.

use ccw::{DeviceClass, DeviceStatus, orb::word1};
use ccw_kit::{
    in_parts::{self, Course, HostRam},
    program::{GuestProgram, hex},
};
use css::device::scripted::{Data, Response, Scripted};
use translator::{
    Arrival, Buffers, Cause, Code, Guards, HostProfile, Part, Planned, Policy, Stance, fetch_part,
};

use Cause::{Refetch, Suspend};

/// A program that may suspend itself, as a mediator reads it, for a device without state in a chain.
fn mediated(ccws: &str) -> GuestProgram {
    let program = GuestProgram::format1(ccws).with(word1::SUSPEND);
    program.policy(Policy::MEDIATE).device(DeviceClass::Tape)
}

/// A place where the program goes on: the CCW, why, and the SCSW that the guest sees then.
type Place = (u64, Cause, String);

/// Runs it on every host alike: where control arrives, and in the end.
fn go(
    program: &GuestProgram,
    responses: &[Response],
    mut guest: impl FnMut(&Arrival, &mut HostRam),
) -> (Vec<Place>, Course) {
    let mut runs = HostProfile::ALL.iter().map(|profile| {
        let mut device = Scripted::new(responses.to_vec());
        let mut places = Vec::new();
        let course = in_parts::run(program, profile, &mut device, |arrival, irb, ram| {
            let scsw = irb.scsw.encode().0;
            let words = scsw.chunks(4).map(|word| {
                let digits = word.iter().map(|byte| format!("{byte:02X}"));
                digits.collect::<String>()
            });
            let shown = words.collect::<Vec<_>>().join(" ");
            places.push((arrival.at.get(), arrival.cause, shown));
            guest(arrival, ram);
        });
        let course = course.unwrap_or_else(|code| panic!("{}: {code}", profile.name));
        (places, course)
    });
    let first = runs.next().expect("a host");
    for other in runs {
        assert_eq!(first.0, other.0);
        assert_eq!(first.1.scsw.encode(), other.1.scsw.encode());
    }
    first
}

fn at(at: u64, cause: Cause, scsw: &str) -> Place {
    (at, cause, scsw.to_owned())
}

/// What every host refuses it for, before anything runs.
fn refused(program: &GuestProgram) -> Code {
    let mut codes = HostProfile::ALL.iter().map(|profile| {
        let mut device = Scripted::new([]);
        let refused = in_parts::run(program, profile, &mut device, |_, _, _| {});
        assert_eq!(device.sent(), []);
        refused.err().expect("a refusal")
    });
    let first = codes.next().expect("a host");
    assert!(codes.all(|code| code == first));
    first
}

fn ends(course: &Course, scsw: &str) {
    assert_eq!(course.scsw.encode().0[..], hex(scsw)[..]);
}

/// Takes the S flag away.
fn clear_flag(arrival: &Arrival, ram: &mut HostRam) {
    let at = arrival.at.get();
    let flags = ram.bytes(at + 1, 1)[0];
    ram.write(at + 1, &[flags & !0x02]);
}

#[test]
fn e11_a_program_suspends_itself_and_goes_on_as_it_stands_then() {
    let program = mediated("02600004 00002000 03620005 00000000 07200001 00000000");
    let mut times = 0;
    let (places, course) = go(&program, &[Response::input(&[1; 4])], |arrival, ram| {
        times += 1;
        // As it was the first time: it suspends again.
        if times % 2 == 0 {
            ram.write(arrival.at.get(), &hex("0F600001"));
        }
    });
    let there = || at(0x1008, Suspend, "08C04029 00001010 00000005");
    assert_eq!(places, [there(), there()]);
    ends(&course, "08C04007 00001018 0C000001");
    // READ and a stop; then the other two. No CCW of the host's has the S flag.
    let [one, two] = &course.starts[..] else {
        panic!("{} starts", course.starts.len())
    };
    assert_eq!(one[..16], hex("02640004 40100000 00000000 00000000"));
    assert_eq!(two[..16], hex("0F640001 40100000 07240001 40100008"));
}

#[test]
fn e11_the_first_ccw_suspends_without_any_start() {
    let program = mediated("03220001 00000000");
    let judged = program.clone();
    let (places, course) = go(&program, &[], clear_flag);
    assert_eq!(places, [at(0x1000, Suspend, "08C04029 00001008 00000001")]);
    assert_eq!(course.starts.len(), 1);
    ends(&course, "08C04007 00001008 0C000001");
    // What is wrong with its count is looked at when it is resumed.
    let program = judged
        .orb_word(1, 0x0842_8000)
        .put(0x1000, "03000000 22000000");
    let (places, course) = go(&program, &[], |_, ram| ram.write(0x1004, &[0x20]));
    assert_eq!(places, [at(0x1000, Suspend, "08404029 00001008 00000000")]);
    ends(&course, "08404017 00001008 00200000");
    assert_eq!(course.starts.len(), 0);
}

#[test]
fn e11_behind_a_tic_and_as_one() {
    let ccws = "03600001 00000000 08000000 00001020";
    let program = mediated(ccws).put(0x1020, "03620001 00000000");
    let (places, course) = go(&program, &[], |arrival, ram| {
        // Resumed, it may be a TIC as well.
        ram.write(arrival.at.get(), &hex("08000000 00002000"));
        ram.write(0x2000, &hex("07200001 00003000"));
    });
    assert_eq!(places, [at(0x1020, Suspend, "08C04029 00001028 00000001")]);
    ends(&course, "08C04007 00002008 0C000001");
}

#[test]
fn e11_pci_and_suspension_in_one_ccw() {
    // It is shown even if suspension is not.
    let program = mediated("02600004 00002000 032A0001 00000000").with(word1::SUPPRESS_SUSPENDED);
    let (places, course) = go(&program, &[Response::input(&[1; 4])], clear_flag);
    assert_eq!(places, [at(0x1008, Suspend, "08C84029 00001010 00800001")]);
    // And once more when the CCW is executed.
    ends(&course, "08C84007 00001010 0C800001");
    let program = mediated("02600004 00002000 03220001 00000000").with(word1::SUPPRESS_SUSPENDED);
    let (places, _) = go(&program, &[Response::input(&[1; 4])], clear_flag);
    assert_eq!(places, [at(0x1008, Suspend, "08C84020 00001010 00000001")]);
}

/// Who fetches once refuses it.
#[test]
fn e11_env_suspend() {
    let program = mediated("03620001 00000000");
    let rejected = program.judge().plan(&HostProfile::SOFTWARE);
    let rejected = rejected.expect_err("a refusal");
    assert_eq!(rejected.finding.code, Code::EnvSuspend);
}

/// A CCW that a search may skip to and suspend at; in the data chain before it, the same one is wrong for
/// another reason. What is wrong with its address is looked at when it is resumed.
#[test]
fn e11_env_suspend_where_a_data_chain_leads_as_well() {
    let ccws = "31600005 00002000 02A00001 00003000 02620001 80003000";
    let program = GuestProgram::format1(ccws).with(word1::SUSPEND);
    let program = program.policy(Policy::MEDIATE).device(DeviceClass::Eckd);
    let rejected = program.judge().plan(&HostProfile::SOFTWARE);
    let rejected = rejected.expect_err("a refusal");
    assert_eq!(rejected.finding.code, Code::EnvSuspend);
}

/// The same CCW where both ways are wrong: the one that the ORB forbids and the one within a data chain. It
/// suspends by neither, and stops the channel by both.
#[test]
fn c15_a_ccw_that_suspends_by_neither_of_its_ways_needs_no_second() {
    let ccws = "31600005 00002000 02A00001 00003000 06020008 00003100";
    let program = GuestProgram::format1(ccws);
    let program = program.policy(Policy::MEDIATE).device(DeviceClass::Eckd);
    for (search, ended) in [
        (0x0c, "00C04017 00001018 0C20"),
        (0x4c, "00C04017 00001018 0020"),
    ] {
        let responses = [
            Response::new(Data::Output(5)).with_status(DeviceStatus::from_bits_retain(search)),
            Response::new(Data::Input(vec![7; 8])),
        ];
        let (places, course) = go(&program, &responses, |_, _| {});
        assert_eq!(places, []);
        assert_eq!(course.scsw.encode().0[..10], hex(ended)[..], "{search:x}");
    }
}

/// Searches with TICs behind them that lead from one to the next, the last one back to where the program
/// was resumed: it must be left before each.
#[test]
fn e02_more_tics_that_lead_to_each_other_than_are_kept() {
    for (tics, expected) in [
        (33, None),
        (34, Some(Code::EnvTooLong)),
        (2000, Some(Code::EnvTooLong)),
    ] {
        let ccws: String = (1..=tics)
            .map(|n| {
                let (flags, to) = (if n == 1 { 0x62 } else { 0x60 }, 0x1000 + 16 * (n % tics));
                let to = if n == tics { to } else { to + 8 };
                format!("31{flags:02X}0005 00002000 08000000 {to:08X} ")
            })
            .collect();
        let program = GuestProgram::format1(&ccws).with(word1::SUSPEND);
        let (map, policy) = (
            program.map(0),
            Policy {
                device: DeviceClass::Eckd,
                ..Policy::MEDIATE
            },
        );
        let part = Part::START.passing_suspension();
        let (storage, guards) = (program.storage(), Guards::default());
        let orb = program.orb();
        let program = fetch_part(
            &orb,
            &part,
            &storage,
            &map,
            &policy,
            &guards,
            Buffers::new(),
        );
        let refused = program
            .plan(&HostProfile::SOFTWARE)
            .err()
            .map(|it| it.finding.code);
        assert_eq!(refused, expected, "{tics}");
    }
}

/// READ of 24 bytes that begin with a PSW, as a machine loads a system, and what it reads in.
#[test]
fn e07_the_words_that_a_program_reads_in_are_those_that_run() {
    let program = mediated("02600018 00000FF8 00000000 00000000").put(0x1010, "FFFFFFFF FFFFFFFF");
    let program = program.without(word1::SUSPEND);
    let input = hex("00000000 00000000 02600018 00000FF8 03600001 00000000 07200001 00003000");
    // Bytes 8-15 would overwrite the READ itself, which has run.
    let (places, course) = go(&program, &[Response::input(&input[..24])], |_, ram| {
        ram.write(0x1010, &input[24..]);
    });
    // Subchannel and device are active, and there is no status.
    assert_eq!(places, [at(0x1008, Refetch, "00C040C0 00001008 00000000")]);
    assert_eq!(course.starts.len(), 2);
    ends(&course, "00C04007 00001018 0C000001");
}

#[test]
fn e07_what_is_read_in_during_a_round_runs_in_the_next() {
    let program = mediated("03600001 00000000 02600008 00001000 08000000 00001000");
    let program = program.without(word1::SUSPEND);
    let input = Response::input(&hex("07200001 00003000"));
    let (places, course) = go(&program, &[Response::immediate(), input], |_, _| {});
    assert_eq!(places, [at(0x1010, Refetch, "00C040C0 00001010 00000000")]);
    ends(&course, "00C04007 00001008 0C000001");
}

#[test]
fn e07_input_into_its_own_data_chain_is_refused() {
    // The second CCW of the data chain, and the list of the one that reads.
    let chain = mediated("02800008 00001008 00200010 00003000");
    assert_eq!(refused(&chain), Code::EnvOverlap);
    let list = mediated("02641000 00003000").put(0x3000, "00000000 00003000");
    assert_eq!(refused(&list), Code::EnvOverlap);
}

/// What stands there before is not what will be executed.
#[test]
fn e07_what_is_overwritten_decides_nothing() {
    // A READ into its own list, and one into its own data chain.
    for before in ["02641000 00003000", "02800008 00001010 00200010 00003000"] {
        let program = mediated(&format!("02600010 00001008 {before}"))
            .put(0x3000, "00000000 00003000")
            .without(word1::SUSPEND);
        let input = Response::input(&hex("03600001 00000000 07200001 00003000"));
        let (places, course) = go(&program, &[input], |_, _| {});
        assert_eq!(places, [at(0x1008, Refetch, "00C040C0 00001008 00000000")]);
        ends(&course, "00C04007 00001018 0C000001");
    }
}

/// However many they are, control comes to one first.
#[test]
fn e01_more_places_than_are_kept() {
    let program = mediated(&"036C0001 00000000 ".repeat(50)).put(0x1190, "07200001 00003000");
    let program = program.without(word1::PREFETCH | word1::SUSPEND);
    let (places, course) = go(&program, &[], |_, _| {});
    assert_eq!((places.len(), course.starts.len()), (50, 51));
    assert_eq!(course.scsw.encode().0[4..8], hex("00001198")[..]);
}

/// A program may be let read into itself, and yet not be prefetched.
#[test]
fn e01_is_not_given_up_for_what_is_accepted() {
    let policy = Policy {
        self_modifying: Stance::Accept,
        ..Policy::MEDIATE
    };
    // A READ into its own list; behind that a PCI.
    let program = mediated("02641000 00003000 036C0001 00000000 07200001 00003000")
        .put(0x3000, "00000000 00003000")
        .without(word1::PREFETCH | word1::SUSPEND)
        .policy(policy)
        .device(DeviceClass::Tape);
    let input = Response::input(&hex("00000000 00003000"));
    let (places, course) = go(&program, &[input], |_, _| {});
    assert_eq!(places, [at(0x1010, Refetch, "008040C9 00001010 00800000")]);
    ends(&course, "00804007 00001018 0C000001");
}

#[test]
fn e01_a_program_is_left_behind_each_command_with_a_pci() {
    let program = mediated("036C0001 00000000 03600001 00000000 07200001 00003000")
        .without(word1::PREFETCH | word1::SUSPEND);
    let change = |_: &Arrival, ram: &mut HostRam| ram.write(0x1008, &hex("0F200001 00003000"));
    let (places, course) = go(&program, &[], change);
    let there = at(0x1008, Refetch, "008040C9 00001008 00800000");
    assert_eq!(places, [there]);
    ends(&course, "00804007 00001010 0C000001");
    // Without one it is carried out as if prefetching were allowed.
    let program = mediated("03600001 00000000 07200001 00003000").without(word1::PREFETCH);
    let (places, course) = go(&program, &[], |_, _| {});
    assert_eq!((places.len(), course.starts.len()), (0, 1));
}

/// A search that matches skips a CCW: the break is at either place.
#[test]
fn e01_behind_a_search_that_skips() {
    let ccws = "31680005 00003000 08000000 00001000 07200001 00003000";
    let program = GuestProgram::format1(ccws).without(word1::PREFETCH);
    let program = program.policy(Policy::MEDIATE).device(DeviceClass::Eckd);
    let matching =
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::STATUS_MODIFIER;
    let search = Response::new(Data::Output(5)).with_status(matching);
    let mut device = Scripted::new([search.clone(), search, Response::immediate()]);
    let mut places = Vec::new();
    let course = in_parts::run(
        &program,
        &HostProfile::SOFTWARE,
        &mut device,
        |arrival, _, _| {
            places.push((arrival.at.get(), arrival.cause));
        },
    );
    let course = course.expect("carried out");
    assert_eq!(places, [(0x1010, Refetch)]);
    ends(&course, "00804007 00001018 0C000001");
    // What has run is repeated in front, and nobody is told: the search, where it does not match a
    // stop, where it does a TIC to the rest.
    let repeated = "31640005 40100000 00000000 00000000 08000000 40000028";
    assert_eq!(course.starts[1][..24], hex(repeated)[..]);
    let codes: Vec<u8> = device.sent().iter().map(|sent| sent.command.0).collect();
    assert_eq!(codes, [0x31, 0x31, 0x07]);
}

/// SEARCH, TIC, READ, TIC: where the search does not match, one TIC leads to the other, and that is wrong
/// (C05) though the READ, which is skipped, would make a CCW of it.
#[test]
fn e07_a_tic_behind_a_tic_is_wrong_at_a_break_too() {
    let ccws = "31600005 00003000 08000000 00001018 06600008 00001018 08000000 00001000";
    let program = mediated(ccws)
        .device(DeviceClass::Eckd)
        .without(word1::SUSPEND);
    let search = Response::output(5);
    let (_, course) = go(&program, &[search.clone(), search], |_, _| {});
    ends(&course, "00C04017 00001020 00200000");
}

#[test]
fn e14_env_not_repeatable() {
    // A disk would have to write twice; a tape begins a new chain.
    let ccws = "01600008 00003000 02600008 00001010 00000000 00000000";
    let program = mediated(ccws).without(word1::SUSPEND);
    let disk = program.clone().device(DeviceClass::Eckd);
    assert_eq!(refused(&disk), Code::EnvNotRepeatable);
    assert_eq!(
        refused(&program.clone().device(DeviceClass::Unknown)),
        Code::EnvNotRepeatable
    );
    let input = Response::input(&hex("07200001 00003000"));
    let (places, course) = go(&program, &[Response::output(8), input], |_, _| {});
    assert_eq!((places.len(), course.starts.len()), (1, 2));
    // Nor where a parameter is read in, behind the command that has used it.
    let ccws = "07600006 00003000 06600008 00003000 06600008 00001018 00000000 00000000";
    let program = mediated(ccws).device(DeviceClass::Eckd);
    assert_eq!(refused(&program), Code::EnvNotRepeatable);
    // Suspension begins a new chain in any case.
    let ccws = "01600008 00003000 03220001 00000000";
    let program = mediated(ccws).device(DeviceClass::Eckd);
    let (places, _) = go(&program, &[Response::output(8)], clear_flag);
    assert_eq!(places.len(), 1);
}

/// What an earlier part read in was there when a command of this one was first carried out.
#[test]
fn e14_not_where_parameters_were_read_in_before() {
    // READ what follows, with the SEEK address; SEEK; READ the last CCW.
    let program = mediated("06600020 00001008")
        .device(DeviceClass::Eckd)
        .without(word1::SUSPEND);
    let first = "07600006 00001020 06600008 00001018 00000000 00000000 00000000 00030000";
    let first = Response::input(&hex(first));
    let seek = Response::output(6);
    let last = Response::input(&hex("03200001 00000000"));
    let one = [first];
    let two = [one[0].clone(), seek, last];
    let (places, course) = go(&program, &[&one[..], &two, &two].concat(), |_, _| {});
    let places: Vec<u64> = places.iter().map(|(at, ..)| *at).collect();
    assert_eq!(
        (&places[..], course.starts.len()),
        (&[0x1008, 0x1018][..], 3)
    );
    ends(&course, "00C04007 00001020 0C000001");
}

#[test]
fn what_ends_at_once_in_a_later_part_is_the_end() {
    let program = mediated("02600008 00001008 00000000 00000000").without(word1::SUSPEND);
    let (places, course) = go(&program, &[Response::input(&[0; 8])], |_, _| {});
    assert_eq!(places.len(), 1);
    assert_eq!(course.starts.len(), 1);
    ends(&course, "00C04017 00001010 00200000");
    // Where there is no storage it is the next CCW's that is missing, not the first one's.
    let program = mediated("03600001 00000000")
        .without(word1::SUSPEND)
        .size(0x2000);
    let program = program
        .cpa(0x1ff0)
        .put(0x1ff0, "02600008 00001FF8 03600001 00000000");
    let input = Response::input(&hex("03600001 00000000"));
    let (places, course) = go(&program, &[input], |_, _| {});
    assert_eq!(places.len(), 1);
    ends(&course, "00C04017 00002008 00200000");
}

/// A plan never leaves where nothing is to be fetched again.
#[test]
fn most_programs_are_one_part() {
    for ccws in [
        "02200010 00003000",
        "03600001 00000000 02200008 00001000",
        "02200010 00001008",
        "02700008 00001008 03200001 00000000",
    ] {
        let program = mediated(ccws);
        let (places, course) = go(&program, &[], |_, _| {});
        assert_eq!((places.len(), course.starts.len()), (0, 1), "{ccws}");
    }
    let plan = mediated("02200010 00003000")
        .judge()
        .plan(&HostProfile::SOFTWARE);
    assert!(matches!(plan, Ok(Planned::Run(_))));
}
