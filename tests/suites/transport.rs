// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs of transport mode, at random: translated for a host that has the mode, and for one that has
//! not.

use ccw::DeviceStatus;
use ccw_kit::program::{GuestProgram, hex};
use ccw_kit::transport::{
    Areas, Case, Change, Outcome, Step, cases, check, check_lowered, check_verdict, fetches,
    interrogate, judge,
};
use proptest::prelude::*;
use translator::{Code, CommandPolicy};

proptest! {
    #[test]
    fn a_program_and_its_translation_do_the_same(case in cases(true)) {
        check(&case).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_with_a_wrong_word_does_too(case in cases(false)) {
        let outcome = check(&case).map_err(TestCaseError::fail)?;
        // Input into the list of the input itself is nobody's to foretell.
        let read_in = Outcome::Refused(Code::EnvOverlap);
        prop_assert!([Outcome::Ran, Outcome::AtOnce, read_in].contains(&outcome), "{outcome:?}");
    }

    #[test]
    fn so_do_ccws_in_its_place(mut case in cases(true)) {
        // As the driver of a host has it.
        case.concurrent_sense = true;
        let outcome = check_lowered(&case).map_err(TestCaseError::fail)?;
        // Every command of these has either parameters or data.
        prop_assert_ne!(outcome, Outcome::Refused(Code::EnvTransportLowering));
    }

    #[test]
    fn a_verdict_is_what_the_machine_finds(case in cases(false)) {
        check_verdict(&case).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn so_do_they_with_a_wrong_word(mut case in cases(false)) {
        case.concurrent_sense = true;
        let outcome = check_lowered(&case).map_err(TestCaseError::fail)?;
        let refused = [
            Code::EnvOverlap,
            Code::EnvTransportLowering,
            Code::EnvSharedCopy,
        ]
        .map(Outcome::Refused);
        let ran = [Outcome::Ran, Outcome::AtOnce].contains(&outcome);
        prop_assert!(ran || refused.contains(&outcome), "{outcome:?}");
    }

    /// However often a list leads back into itself.
    #[test]
    fn each_word_is_read_once(case in cases(true)) {
        let mut read = fetches(&case);
        read.sort_unstable();
        for pair in read.windows(2) {
            let [(at, len), (next, _)] = pair else { continue };
            prop_assert!(at + *len as u64 <= *next, "{at:x} and {next:x}");
        }
    }
}

/// Output of three commands: the list is wrong where the second one's data begins, and the counts
/// where the third one takes control. The first one runs, and the list is what ends the program.
#[test]
fn a_wrong_list_counts_before_a_later_command() {
    let step = |count| Step {
        code: 0x40,
        control: Vec::new(),
        count,
        moves: 0,
        status: DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END,
        sense: Vec::new(),
    };
    let page = |page| (page, 0, 0x1000, false, false);
    let wrong = |block, offset, mask| Change {
        block,
        offset,
        mask,
    };
    let case = |changes| Case {
        write: true,
        steps: vec![step(0x1000), step(0x1000), step(0x1000)],
        areas: Areas::List(vec![page(0x10), page(0x11), page(0x12)]),
        tccb_list: false,
        changes,
        key: None,
        concurrent_sense: true,
    };
    // A reserved bit of the second TIDAW; the count of the third DCW: 16 is the header, 4 the word.
    let list = wrong(2, 16, 0x01);
    let count = wrong(1, 16 + 16 + 4 + 2, 0x20);
    for (changes, condition) in [
        (vec![list, count], "T15"),
        (vec![list], "T15"),
        (vec![count], "T12"),
        // The second DCW: it is refused before its data are looked for.
        (vec![list, wrong(1, 16 + 8 + 4 + 2, 0x40)], "T12"),
    ] {
        let case = case(changes);
        assert_eq!(check_verdict(&case), Ok(Some(condition)));
        assert_eq!(check(&case), Ok(Outcome::Ran));
        assert_eq!(check_lowered(&case), Ok(Outcome::Ran));
    }
}

/// Input of three commands, the second one's into the list: a count that is wrong by then is certain, a
/// later one is not, for the first TIDAW's reserved bits may have stopped the channel before.
#[test]
fn what_stops_behind_input_into_the_list_is_left_open() {
    let step = Step {
        code: 0x84,
        control: Vec::new(),
        count: 8,
        moves: 0,
        status: DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END,
        sense: Vec::new(),
    };
    let area = |page, place| (page, place, 8, false, false);
    let case = |dcw: u16| Case {
        write: false,
        steps: vec![step.clone(), step.clone(), step.clone()],
        areas: Areas::List(vec![area(0x10, 0), area(0x3, 0xf00), area(0x11, 0)]),
        tccb_list: false,
        // The count of a DCW, behind the header.
        changes: vec![Change {
            block: 1,
            offset: 16 + dcw * 8 + 6,
            mask: 0x40,
        }],
        key: None,
        concurrent_sense: true,
    };
    for (dcw, outcome, condition) in [
        (0, translator::Outcome::Invalid, Some("T12")),
        (1, translator::Outcome::Invalid, Some("T12")),
        (2, translator::Outcome::Indeterminate, None),
    ] {
        let program = judge(&case(dcw));
        assert_eq!(program.outcome(), outcome);
        let findings = program.findings();
        assert!(findings.iter().any(|it| it.code.id() == "T12"));
        assert_eq!(check_verdict(&case(dcw)), Ok(condition));
    }
}

/// Output of one command, whose list goes on behind its data with a TIDAW that has check bytes inserted: the
/// counts of TCW and command do not agree, which the device finds when the command has run.
#[test]
fn check_bytes_behind_the_data_of_the_last_command() {
    let step = Step {
        code: 0x84,
        control: Vec::new(),
        count: 8,
        moves: 0,
        status: DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END,
        sense: Vec::new(),
    };
    let change = |block, offset, mask| Change {
        block,
        offset,
        mask,
    };
    let case = Case {
        write: true,
        steps: vec![step],
        areas: Areas::List(vec![(0x10, 0, 4, false, false), (0x11, 0, 4, false, false)]),
        tccb_list: false,
        // The first TIDAW has 8 bytes; the second one is not the last, and has the flag; the counts are 20.
        changes: vec![
            change(2, 7, 4 ^ 8),
            change(2, 16, 0x08),
            change(0, 43, 8 ^ 24),
            change(1, 31, 12 ^ 28),
        ],
        key: None,
        concurrent_sense: true,
    };
    assert_eq!(check(&case), Ok(Outcome::Ran));
    assert_eq!(
        check_lowered(&case),
        Ok(Outcome::Refused(Code::EnvTransportLowering))
    );
}

/// CANCEL SUBCHANNEL of a program that runs asks the device what it is at, and the guest finds the
/// answer where its interrogate TCW says; then the program ends as ever.
#[test]
fn an_interrogation() {
    let tcw = "00000000 002E0000 00000000 00000000 00000000 00000000 00000000 00002300
               00000000 00002400 00000000 00000000 00000000 00000000 00000000 00000001";
    let tccb = "7F000000 00000034 1FFF0000 00000000 40000020 00000000
                00010280 8080001E A0000000 00000000 00112233 44556677 8899AABB CCDDEEFF
                00000000 00000004";
    let program = GuestProgram::transport_read()
        .put(0x103c, "00003040")
        .put(0x3040, tcw)
        .put(0x2400, tccb);
    let (answer, end, tsbs) = interrogate(&program).expect("asked");
    assert_eq!(answer[..4], hex("001840C9"));
    assert_eq!(answer[4..8], hex("00001000"));
    assert_eq!(end, hex("00104007 00001000 0C000100"));
    // Nothing is known of the device, which is told by an answer of format 3.
    assert_eq!(tsbs[0][..4], hex("40030000"));
    // All bytes of the one command have moved.
    assert_eq!(tsbs[1][..8], hex("20C10000 00000000"));
    // A question that is not one, an answer that cannot be stored, a list at a wrong place.
    for (at, wrong) in [
        (0x2410, "41000020"),
        (0x3058, "00000001"),
        (0x3058, "00000000 00002301"),
        (0x3044, "002D0000"),
        (0x2408, "1FFE0000"),
        (0x103c, "00003020"),
        (0x103c, "00000000"),
    ] {
        assert_eq!(interrogate(&program.clone().put(at, wrong)), None, "{at:x}");
    }
    let confined = CommandPolicy::everything(ccw::DeviceClass::Eckd).deny(ccw::Command(0xf3));
    assert_eq!(interrogate(&program.commands(confined)), None);
}
