// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group M: lists of MIDAWs.

use ccw::orb::word1;
use ccw_kit::program::GuestProgram;
use translator::{AddressLimit, Code};

use crate::fault::{fault, limit, remark, sound};

fn f0(ccws: &str) -> GuestProgram {
    GuestProgram::format0(ccws).with(word1::MIDAW)
}

fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws).with(word1::MIDAW)
}

/// Read 16 bytes by the list at 3000.
const READ0: &str = "02003000 21000010";
const READ1: &str = "02210010 00003000";

/// A last MIDAW: 16 bytes to 5000.
const LAST: &str = "00000000 00800010 00000000 00005000";

#[test]
fn m01_midal_align() {
    for addr in ["003001", "003004", "003008", "00300F"] {
        let ccw = format!("02{addr} 21000010");
        fault(Code::MidalAlign, f0(&ccw).put(0x3000, LAST))
            .ends("00404017 00001008 00200000")
            .ccw(&ccw, 8..=31)
            .becomes(READ0);
        let ccw = format!("02210010 00{addr}");
        fault(Code::MidalAlign, f1(&ccw).put(0x3000, LAST))
            .ends("00C04017 00001008 00200000")
            .ccw(&ccw, 33..=63)
            .becomes(READ1);
    }
    let program = f1("02800010 00004000 00210010 00003008").put(0x3000, LAST);
    fault(Code::MidalAlign, program)
        .ends("00C04017 00001010 0C200000")
        .ccw("00210010 00003008", 33..=63)
        .becomes("00210010 00003000");
    // No list is used by a no-operation or a count of zero.
    sound(f1("03210010 00003001"));
    sound(f1("02210000 00003001"));
    sound(f0("03003001 21000010"));
}

#[test]
fn m02_midal_unavail() {
    fault(
        Code::MidalUnavail,
        f0("02100000 21000010").put(0x3000, LAST),
    )
    .ends("00404017 00001008 0C200000")
    .no_list(0, 0x10_0000)
    .after(0)
    .becomes_with(0x1000, READ0);
    fault(
        Code::MidalUnavail,
        f1("01210010 7FFFFFF0").put(0x3000, LAST),
    )
    .ends("00C04017 00001008 0C200000")
    .no_list(0, 0x7fff_fff0)
    .after(0)
    .becomes_with(0x1000, "01210010 00003000");
    sound(f1("02210010 000FFFF0").put(0xf_fff0, LAST));
}

#[test]
fn m03_midal_prot() {
    let program = f1(READ1)
        .put(0x3000, LAST)
        .with(0x3000_0000)
        .storage_key(0x5000, 3, false)
        .storage_key(0x3000, 5, true);
    fault(Code::MidalProt, program.clone())
        .ends("30C04017 00001008 0C100000")
        .no_list(0, 0x3000)
        .after(0)
        .repaired(program.storage_key(0x3000, 5, false));
}

#[test]
fn m04_midal_page() {
    let list = "00000000 00000010 00000000 00005000 00000000 00800010 00000000 00006000";
    for (program, status, moved) in [
        (
            f0("02003FF0 21000020"),
            "00404017 00001008 0C200000",
            "02003000 21000020",
        ),
        (
            f1("02210020 00003FF0"),
            "00C04017 00001008 0C200000",
            "02210020 00003000",
        ),
    ] {
        let program = program.put(0x3ff0, list);
        fault(Code::MidalPage, program.clone())
            .ends(status)
            .no_list(1, 0x4000)
            .after(0x10)
            .repaired(program.put(0x1000, moved).put(0x3000, list));
    }
    // It is the boundary that counts, not what lies behind: here the end of storage.
    let program = f1("02210020 000FFFF0").put(0xf_fff0, &list[..36]);
    fault(Code::MidalPage, program.clone())
        .ends("00C04017 00001008 0C200000")
        .no_list(1, 0x10_0000)
        .after(0x10)
        .repaired(program.put(0x1000, "02210020 00003FE0").put(0x3fe0, list));
}

#[test]
fn m05_midaw_rsvd() {
    for word in [
        "80000000 00800010 00000000 00005000",
        "00000001 00800010 00000000 00005000",
        "00000000 01800010 00000000 00005000",
    ] {
        fault(Code::MidawRsvd, f0(READ0).put(0x3000, word))
            .ends("00404017 00001008 0C200000")
            .list(0, 0x3000, word, 0..=39)
            .after(0)
            .becomes(LAST);
    }
    // The second word.
    let list = "00000000 00000008 00000000 00005000 00000100 00800008 00000000 00006000";
    fault(Code::MidawRsvd, f1(READ1).put(0x3000, list))
        .ends("00C04017 00001008 0C200000")
        .list(1, 0x3010, "00000100 00800008 00000000 00006000", 0..=39)
        .after(8)
        .becomes("00000000 00800008 00000000 00006000");
}

#[test]
fn m06_midaw_flag_rsvd() {
    for flags in ["81", "82", "84", "88", "90"] {
        let word = format!("00000000 00{flags}0010 00000000 00005000");
        fault(Code::MidawFlagRsvd, f1(READ1).put(0x3000, &word))
            .ends("00C04017 00001008 0C200000")
            .list(0, 0x3000, &word, 43..=47)
            .after(0)
            .becomes(LAST);
    }
}

#[test]
fn m07_midaw_dti() {
    let word = "00000000 00A00010 00000000 00005000";
    fault(Code::MidawDti, f1(READ1).put(0x3000, word))
        .ends("00C04017 00001008 0C200000")
        .list(0, 0x3000, word, 42..=42)
        .after(0)
        .becomes(LAST);
}

#[test]
fn m08_midaw_count_zero() {
    let word = "00000000 00800000 00000000 00005000";
    fault(Code::MidawCountZero, f0(READ0).put(0x3000, word))
        .ends("00404017 00001008 0C200000")
        .list(0, 0x3000, word, 48..=63)
        .after(0)
        .becomes(LAST);
    let list = "00000000 00000008 00000000 00005000 00000000 00800000 00000000 00006000";
    fault(Code::MidawCountZero, f1(READ1).put(0x3000, list))
        .ends("00C04017 00001008 0C200000")
        .list(1, 0x3010, "00000000 00800000 00000000 00006000", 48..=63)
        .after(8)
        .becomes("00000000 00800008 00000000 00006000");
}

#[test]
fn m09_midaw_count_over() {
    let word = "00000000 00800011 00000000 00005000";
    fault(Code::MidawCountOver, f0(READ0).put(0x3000, word))
        .ends("00404017 00001008 0C200000")
        .list(0, 0x3000, word, 48..=63)
        .after(0)
        .becomes(LAST);
    // What is left counts, not the whole.
    let list = "00000000 00000008 00000000 00005000 00000000 00800009 00000000 00006000";
    fault(Code::MidawCountOver, f1(READ1).put(0x3000, list))
        .ends("00C04017 00001008 0C200000")
        .list(1, 0x3010, "00000000 00800009 00000000 00006000", 48..=63)
        .after(8)
        .becomes("00000000 00800008 00000000 00006000");
}

#[test]
fn m10_midaw_sum_under() {
    let list = "00000000 00800008 00000000 00005000 00000000 00800008 00000000 00006000";
    for (program, status) in [
        (f0(READ0), "00404017 00001008 0C200000"),
        (f1(READ1), "00C04017 00001008 0C200000"),
    ] {
        fault(Code::MidawSumUnder, program.put(0x3000, list))
            .ends(status)
            .list(0, 0x3000, "00000000 00800008 00000000 00005000", 40..=40)
            .after(8)
            .becomes("00000000 00000008 00000000 00005000");
    }
}

#[test]
fn m11_w_midaw_nolast() {
    for program in [f0(READ0), f1(READ1)] {
        let word = "00000000 00000010 00000000 00005000";
        remark(Code::MidawNolast, program.put(0x3000, word))
            .at(0x1000)
            .list(0, 0x3000, word, 40..=40)
            .becomes(LAST);
    }
    // Of two, the second; what stands behind is no MIDAW.
    let list = "00000000 00000008 00000000 00005000 00000000 00000008 00000000 00006000 FF";
    remark(Code::MidawNolast, f1(READ1).put(0x3000, list))
        .at(0x1000)
        .list(1, 0x3010, "00000000 00000008 00000000 00006000", 40..=40)
        .becomes("00000000 00800008 00000000 00006000");
}

#[test]
fn m12_midaw_page() {
    let word = "00000000 00800010 00000000 00005FF8";
    fault(Code::MidawPage, f1(READ1).put(0x3000, word))
        .ends("00C04017 00001008 0C200000")
        .list(0, 0x3000, word, 48..=63)
        .after(0)
        .becomes_with(
            0x3000,
            "00000000 00000008 00000000 00005FF8 00000000 00800008 00000000 00006000",
        );
    // More than a page never fits.
    let word = "00000000 00801001 00000000 00005000";
    fault(Code::MidawPage, f0("02003000 21001001").put(0x3000, word))
        .ends("00404017 00001008 0C200000")
        .list(0, 0x3000, word, 48..=63)
        .after(0)
        .becomes_with(0x3000, "00000000 00C01001 00000000 00005000");
    // Downward.
    let word = "00000000 00800010 00000000 0000500E";
    fault(Code::MidawPage, f1("0C210010 00003000").put(0x3000, word))
        .ends("00C04017 00001008 0C200000")
        .list(0, 0x3000, word, 48..=63)
        .after(0)
        .becomes_with(0x3000, "00000000 00800010 00000000 0000500F");
    // To the last byte of the page; and where the skip flag is one, anywhere.
    sound(f1(READ1).put(0x3000, "00000000 00800010 00000000 00005FF0"));
    sound(f1("02211000 00003000").put(0x3000, "00000000 00801000 00000000 00005000"));
    sound(f1(READ1).put(0x3000, "00000000 00C00010 FFFFFFFF FFFFFFF8"));
}

#[test]
fn m13_midaw_data_unavail() {
    let word = "00000000 00800010 00000000 00100000";
    fault(Code::MidawDataUnavail, f0(READ0).put(0x3000, word))
        .ends("00404017 00001008 0C200000")
        .list(0, 0x3000, word, 64..=127)
        .data(0x10_0000)
        .after(0)
        .becomes("00000000 00800010 00000000 000FFFF0");
    let list = "00000000 00000008 00000000 00005000 00000000 00800008 FFFFFFFF FFFFFFF8";
    fault(
        Code::MidawDataUnavail,
        f1("01210010 00003000").put(0x3000, list),
    )
    .ends("00C04017 00001008 0C200000")
    .list(1, 0x3010, "00000000 00800008 FFFFFFFF FFFFFFF8", 64..=127)
    .data(0xffff_ffff_ffff_fff8)
    .after(8)
    .becomes("00000000 00800008 00000000 00006000");
    // Skipped input goes nowhere.
    sound(f1(READ1).put(0x3000, "00000000 00C00010 00000000 00100000"));
}

#[test]
fn keys_and_limit_guard_the_data_of_midaws_too() {
    let list = "00000000 00000008 00000000 00005000 00000000 00800008 00000000 00016000";
    let keyed = |ccw: &str| {
        let program = f1(ccw).put(0x3000, list).with(0x3000_0000);
        program
            .storage_key(0x5000, 3, true)
            .storage_key(0x1_6000, 5, true)
    };
    for (code, ccw) in [
        (Code::DataProtStore, READ1),
        (Code::DataProtFetch, "01210010 00003000"),
    ] {
        fault(code, keyed(ccw))
            .ends("30C04017 00001008 0C100000")
            .list(1, 0x3010, "00000000 00800008 00000000 00016000", 64..=127)
            .data(0x1_6000)
            .after(8)
            .becomes("00000000 00800008 00000000 00005008");
    }
    let limit = AddressLimit::Below(limit(0x1_0000));
    let program = f1(READ1).put(0x3000, list).with(word1::LIMIT_CHECK);
    fault(Code::DataLimit, program.limit(limit))
        .ends("00D04017 00001008 0C200000")
        .list(1, 0x3010, "00000000 00800008 00000000 00016000", 64..=127)
        .data(0x1_6000)
        .after(8)
        .becomes("00000000 00800008 00000000 00006000");
}

#[test]
fn the_rules_of_a_midaw_in_the_order_in_which_they_are_applied() {
    // Each word breaks a rule and all that come after it.
    for (code, word, bits) in [
        (
            Code::MidawRsvd,
            "00000001 00BF0000 00000000 00100FFF",
            0..=39,
        ),
        (
            Code::MidawFlagRsvd,
            "00000000 00BF0000 00000000 00100FFF",
            43..=47,
        ),
        (
            Code::MidawDti,
            "00000000 00A00000 00000000 00100FFF",
            42..=42,
        ),
        (
            Code::MidawCountZero,
            "00000000 00800000 00000000 00100FFF",
            48..=63,
        ),
        (
            Code::MidawCountOver,
            "00000000 00800011 00000000 00100FFF",
            48..=63,
        ),
        (
            Code::MidawPage,
            "00000000 00800010 00000000 00100FFF",
            48..=63,
        ),
    ] {
        fault(code, f1(READ1).put(0x3000, word))
            .ends("00C04017 00001008 0C200000")
            .list(0, 0x3000, word, bits)
            .after(0)
            .becomes_with(0x3000, LAST);
    }
}
