// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which of several faults is reported: the machine looks for them in an order of its own.
//!
//! Each list begins with everything wrong at once and takes away what was found.

use ccw::orb::word1;
use ccw_kit::program::GuestProgram;
use translator::{AddressLimit, Code};

use crate::fault::{limit, meets, sound};

fn f0(ccws: &str) -> GuestProgram {
    GuestProgram::format0(ccws)
}

fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

/// `program` with each of the words at `at` meets the condition beside it.
fn in_this_order(program: &GuestProgram, at: u64, words: &[(Code, &str)]) {
    for &(code, word) in words {
        meets(code, &program.clone().put(at, word), at);
    }
}

#[test]
fn a_ccw_that_begins_a_command() {
    let faults = [
        (Code::CmdZero, "00970000 80003004"),
        (Code::CmdTicModifier, "18970000 80003004"),
        (Code::SuspWithCd, "02970000 80003004"),
        (Code::MidaDisabled, "02170000 80003004"),
        (Code::SuspNotAllowed, "02060000 80003004"),
        (Code::Cnt1ZeroCd, "02840000 80003004"),
        (Code::Fmt1Bit32, "02840010 80003004"),
        (Code::IdalAlign, "02840010 00003004"),
    ];
    let first = f1("");
    in_this_order(&first, 0x1000, &faults);
    let second = f1("03600001 00000000");
    in_this_order(&second, 0x1008, &faults);
    let faults = [
        (Code::CmdZero, "00003002 97000000"),
        (Code::SuspWithCd, "02003002 97000000"),
        (Code::MidaDisabled, "02003002 17000000"),
        (Code::SuspNotAllowed, "02003002 06000000"),
        (Code::Cnt0Zero, "02003002 84000000"),
        (Code::IdalAlign, "02003002 84000010"),
    ];
    in_this_order(&f0(""), 0x1000, &faults);
    in_this_order(&f0("03000000 60000001"), 0x1008, &faults);
}

#[test]
fn a_ccw_reached_by_data_chaining() {
    let faults = [
        (Code::Cnt1ZeroInCd, "18970000 80003004"),
        (Code::CmdTicModifier, "18970010 80003004"),
        (Code::MidaDisabled, "00970010 80003004"),
        (Code::SuspInCd, "00860010 80003004"),
        (Code::Fmt1Bit32, "00840010 80003004"),
        (Code::IdalAlign, "00840010 00003004"),
    ];
    in_this_order(&f1("02800010 00005000"), 0x1008, &faults);
    let faults = [
        (Code::MidaDisabled, "00003002 97000000"),
        (Code::SuspInCd, "00003002 86000000"),
        (Code::Cnt0Zero, "00003002 84000000"),
        (Code::IdalAlign, "00003002 84000010"),
    ];
    in_this_order(&f0("02005000 80000010"), 0x1008, &faults);
}

#[test]
fn the_flags_of_a_list_of_midaws() {
    let program = f1("03600001 00000000").with(word1::MIDAW);
    let faults = [
        (Code::MidaConflictIda, "02170000 80003004"),
        (Code::MidaConflictSkip, "02130000 80003004"),
        (Code::SuspNotAllowed, "02030000 80003004"),
        (Code::Fmt1Bit32, "02010000 80003004"),
        (Code::MidalAlign, "02010010 00003004"),
    ];
    in_this_order(&program, 0x1008, &faults);
}

#[test]
fn a_tic() {
    let faults = [
        (Code::Tic1Flags, "08400000 80100004"),
        (Code::Tic1Bit32, "08000000 80100004"),
        (Code::SeqTicTic, "08000000 00100004"),
    ];
    let behind_tic = f1("08000000 00002000");
    in_this_order(&behind_tic, 0x2000, &faults);
    let faults = [
        (Code::Tic1Flags, "08000001 80100004"),
        (Code::Tic1Bit32, "08000000 80100004"),
        (Code::CcwaAlignTic, "08000000 00100004"),
        (Code::CcwaTicUnavail, "08000000 00100000"),
    ];
    in_this_order(&f1("03600001 00000000"), 0x1008, &faults);
    in_this_order(&f1("02800010 00003000"), 0x1008, &faults);
    // The rules of TICs precede those of other CCWs at the target.
    let misaligned = f1("08000000 00002004").put(0x2000, "00000000 00000000");
    meets(Code::CcwaAlignTic, &misaligned, 0x1000);
}

#[test]
fn the_address_of_a_ccw_then_its_key_then_what_it_says() {
    let program = f0("").size(0x200_0000);
    for (cpa, code) in [
        (0x0200_1004, Code::CcwaAlignCpa),
        (0x0200_1000, Code::CcwaCpa16m),
    ] {
        meets(code, &program.clone().cpa(cpa), cpa.into());
    }
    let zeros = f1("").with(0x3000_0000).cpa(0x2000);
    meets(
        Code::CcwaProt,
        &zeros.clone().storage_key(0x2000, 5, true),
        0x2000,
    );
    meets(Code::CmdZero, &zeros.storage_key(0x2000, 5, false), 0x2000);
    // Behind the last CCW below the limit there is no storage either: it is the limit.
    let last = f0("").size(0x100_0000).cpa(0xff_fff8);
    let last = last.put(0xff_fff8, "03000000 60000001");
    meets(Code::CcwaWrap, &last, 0x100_0000);
}

#[test]
fn an_idaw() {
    let program = f0("02003000 24001000");
    for (code, word) in [
        (Code::Idaw1Bit0, "80100010"),
        (Code::IdawAlign, "00100010"),
        (Code::IdawDataUnavail, "00100000"),
    ] {
        let list = format!("00004000 {word}");
        meets(code, &program.clone().put(0x3000, &list), 0x1000);
    }
    let backward = f0("0C003000 24001000").put(0x3000, "000047FF 80100010");
    meets(Code::Idaw1Bit0, &backward, 0x1000);
    let backward = f0("0C003000 24001000").put(0x3000, "000047FF 00100010");
    meets(Code::IdawAlignRb, &backward, 0x1000);
}

#[test]
fn a_byte_of_data() {
    // Outside the address limit, not there, protected.
    let limit = AddressLimit::Below(limit(0x2_0000));
    let program = |addr: &str| {
        f1(&format!("02200010 {addr}"))
            .with(0x3000_0000 | word1::LIMIT_CHECK)
            .limit(limit)
            .storage_key(0x1_f000, 5, true)
            .storage_key(0x2_0000, 5, true)
    };
    meets(Code::DataLimit, &program("00100000"), 0x1000);
    meets(Code::DataLimit, &program("00020000"), 0x1000);
    meets(Code::DataProtStore, &program("0001F000"), 0x1000);
    let elsewhere = program("00003000").storage_key(0x3000, 3, true);
    sound(elsewhere.clone());
    let unlimited = program("00100000").without(word1::LIMIT_CHECK);
    meets(Code::DataUnavail, &unlimited, 0x1000);
    // The first byte that is wrong decides, whatever is wrong with later ones.
    let crossing = elsewhere.put(0x1000, "02203000 0001E800");
    let crossing = crossing.storage_key(0x1_e000, 3, true);
    meets(Code::DataProtStore, &crossing, 0x1000);
    meets(
        Code::DataLimit,
        &crossing.storage_key(0x1_f000, 3, true),
        0x1000,
    );
}

#[test]
fn the_first_list_word_that_is_wrong_decides() {
    let list = "00000000 00004000 00000000 00100000 00000000 00005010";
    let program = f1("02243000 00003000").put(0x3000, list);
    meets(Code::IdawDataUnavail, &program, 0x1000);
    meets(
        Code::IdawAlign,
        &program.put(0x3008, "00000000 00006000"),
        0x1000,
    );
    // Two words in a row designate consecutive blocks, of which the second is not there.
    let program = f1("02242000 00003000").put(0x3000, "00000000 000FF000 00000000 00100000");
    meets(Code::IdawDataUnavail, &program, 0x1000);
}
