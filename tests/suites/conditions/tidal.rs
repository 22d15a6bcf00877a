// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group T: lists of TIDAWs, and the data that they lead to.

use ccw_kit::program::GuestProgram;
use translator::Code;

use crate::fault::{Expected, fault, sound};

/// The status of a channel that stops in the data.
const STOPPED: &str = "00104017 00001000 0C200000";

fn read() -> GuestProgram {
    GuestProgram::transport_read()
}

/// A read by this list, which stands at 2000.
fn by(list: &str) -> GuestProgram {
    read().put(0x2000, list)
}

fn stopped(code: Code, program: GuestProgram) -> Expected {
    fault(code, program).ends_tcw(STOPPED)
}

/// The halves of the usual list.
const FIRST: &str = "00000000 00000800 00000000 00005800";
const LAST: &str = "80000000 00000800 00000000 00009000";

#[test]
fn what_a_list_may_say() {
    // One block, without the last flag; and a byte to each TIDAW at its end.
    sound(by("00000000 00001000 00000000 00005000"));
    sound(by(&format!(
        "00000000 000007FF 00000000 00005800 00000000 00000001 00000000 00005FFF {LAST}"
    )));
    // A T-TIC at once, and one to the last quadword of a page.
    let list = "10000000 00000000 00000000 00003FF0";
    sound(by(list).put(0x3ff0, "80000000 00001000 00000000 00006000"));
    // The same words again: two times the same half of a page.
    let twice = "00000000 00000800 00000000 00005800 10000000 00000000 00000000 00002000";
    sound(by(twice));
    // What the count does not need is not looked at, nor what stands behind the last one.
    sound(by(&format!(
        "{FIRST} {LAST} FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF"
    )));
    sound(by(&format!(
        "{FIRST} 00000000 00000800 00000000 00009000 {}",
        "FF".repeat(16)
    )));
    // A list may end with its page.
    let program = read().put(0x1010, "00000000 00002FE0");
    sound(program.put(0x2fe0, &format!("{FIRST} {LAST}")));
    // Skipped data need no storage.
    sound(by(&format!("40000000 00000800 FFFFFFFF FFFFF000 {LAST}")));
}

#[test]
fn t13_tidal_align() {
    for wrong in ["00000000 00002001", "00000000 00002008"] {
        stopped(Code::TidalAlign, read().put(0x1010, wrong))
            .block(0x1010, wrong, 60..=63)
            .becomes("00000000 00002000");
    }
    let wrong = "10000000 00000000 00000000 00003008";
    let list = |to: &str| by(to).put(0x3000, &format!("{FIRST} {LAST}"));
    stopped(Code::TidalAlign, list(wrong))
        .list(0, 0x2000, wrong, 64..=127)
        .after(0)
        .becomes("10000000 00000000 00000000 00003000");
}

#[test]
fn t14_tidal_page() {
    let list = format!("{FIRST} {LAST}");
    let program = read().put(0x1010, "00000000 00002FF0");
    stopped(Code::TidalPage, program.clone().put(0x2ff0, &list))
        .no_list(1, 0x3000)
        .after(0x800)
        .repaired(read().put(0x1010, "00000000 00002FE0").put(0x2fe0, &list));
    // The end of storage.
    let program = read().put(0x1010, "00000000 000FFFF0");
    stopped(Code::TidalPage, program.put(0xf_fff0, FIRST))
        .no_list(1, 0x10_0000)
        .after(0x800)
        .repaired(read());
}

#[test]
fn t15_tidaw_rsvd() {
    for (wrong, right) in [
        ("04000000 00000800 00000000 00005800", FIRST),
        ("01000000 00000800 00000000 00005800", FIRST),
        ("00800000 00000800 00000000 00005800", FIRST),
        ("00000001 00000800 00000000 00005800", FIRST),
    ] {
        stopped(Code::TidawRsvd, by(wrong))
            .list(0, 0x2000, wrong, 5..=31)
            .after(0)
            .becomes(right);
    }
    let wrong = "81000000 00000800 00000000 00009000";
    stopped(Code::TidawRsvd, by(&format!("{FIRST} {wrong}")))
        .list(1, 0x2010, wrong, 5..=31)
        .after(0x800)
        .becomes(LAST);
    // A T-TIC that is something else as well.
    for wrong in ["90000000", "50000000", "30000000", "18000000"] {
        let list = |head: &str| {
            let jump = format!("{head} 00000000 00000000 00003000");
            by(&jump).put(0x3000, &format!("{FIRST} {LAST}"))
        };
        let word = format!("{wrong} 00000000 00000000 00003000");
        stopped(Code::TidawRsvd, list(wrong))
            .list(0, 0x2000, &word, 0..=4)
            .after(0)
            .becomes("10000000 00000000 00000000 00003000");
    }
}

#[test]
fn t16_tidaw_count() {
    for (count, addr) in [
        ("00000000", "00005800"),
        ("00000801", "00005800"),
        ("00001001", "00005000"),
        ("00000002", "00005FFF"),
        ("80000000", "00005000"),
    ] {
        let wrong = format!("00000000 {count} 00000000 {addr}");
        stopped(Code::TidawCount, by(&wrong))
            .list(0, 0x2000, &wrong, 32..=63)
            .after(0)
            .becomes_with(0x2000, FIRST);
    }
    let wrong = "10000000 00000001 00000000 00003000";
    let list = by(wrong).put(0x3000, &format!("{FIRST} {LAST}"));
    stopped(Code::TidawCount, list)
        .list(0, 0x2000, wrong, 32..=63)
        .after(0)
        .becomes("10000000 00000000 00000000 00003000");
}

#[test]
fn t17_tidaw_ttic_seq() {
    let second = "10000000 00000000 00000000 00003100";
    let list = by("10000000 00000000 00000000 00003000").put(0x3000, second);
    let list = list.put(0x3100, &format!("{FIRST} {LAST}"));
    stopped(Code::TidawTticSeq, list.clone())
        .list(1, 0x3000, second, 3..=3)
        .after(0)
        .repaired(list.put(0x2000, second));
    // To itself.
    let itself = "10000000 00000000 00000000 00002010";
    stopped(Code::TidawTticSeq, by(&format!("{FIRST} {itself}")))
        .list(2, 0x2010, itself, 3..=3)
        .after(0x800)
        .becomes_with(0x2010, LAST);
}

#[test]
fn t18_tidaw_sum() {
    // The last TIDAW comes too early.
    let early = "80000000 00000800 00000000 00005800";
    stopped(Code::TidawSum, by(early))
        .list(0, 0x2000, early, 0..=0)
        .after(0)
        .becomes(FIRST);
    let short = "80000000 000007FF 00000000 00009000";
    stopped(Code::TidawSum, by(&format!("{FIRST} {short}")))
        .list(1, 0x2010, short, 0..=0)
        .after(0x800)
        .becomes_with(0x2010, LAST);
    // It has more than is left.
    let long = "80000000 00000801 00000000 00009000";
    stopped(Code::TidawSum, by(&format!("{FIRST} {long}")))
        .list(1, 0x2010, long, 32..=63)
        .after(0x800)
        .becomes_with(0x2010, LAST);
}

#[test]
fn t19_tidaw_data() {
    for addr in [
        "00000000 00100000",
        "00000001 00009000",
        "FFFFFFFF FFFFF000",
    ] {
        let wrong = format!("80000000 00000800 {addr}");
        let at = u64::from_str_radix(&addr.replace(' ', ""), 16).unwrap();
        stopped(Code::TidawData, by(&format!("{FIRST} {wrong}")))
            .list(1, 0x2010, &wrong, 64..=127)
            .data(at)
            .after(0x800)
            .becomes(LAST);
    }
    // Without a list, in the middle of the area.
    let write = GuestProgram::transport_write();
    stopped(
        Code::TidawData,
        write.clone().put(0x1008, "00000000 000FF800"),
    )
    .block(0x1008, "00000000 000FF800", 0..=63)
    .data(0x10_0000)
    .after(0x800)
    .becomes("00000000 00005800");
    // Where the list goes on.
    let list = "10000000 00000000 00000001 00003000";
    stopped(Code::TidawData, by(list))
        .no_list(1, 0x1_0000_3000)
        .after(0)
        .repaired(read());
}

/// What a key or a map forbids is told of data in this mode as in the other.
#[test]
fn data_that_is_protected() {
    let keyed = |page| {
        let program = read().with(0x3000_0000);
        let pages = [0x1000, 0x2000, 0x5000, 0x9000].into_iter();
        pages.fold(program, |program, at| {
            program.storage_key(at, if at == page { 5 } else { 3 }, false)
        })
    };
    fault(Code::DataProtStore, keyed(0x9000))
        .ends_tcw("30104017 00001000 0C100000")
        .list(1, 0x2010, LAST, 64..=127)
        .data(0x9000)
        .after(0x800)
        .repaired(keyed(0));
}
