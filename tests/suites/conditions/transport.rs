// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group T: TCW and TCCB. The lists are in `tidal`.

use ccw_kit::program::GuestProgram;
use translator::{Code, Facilities, HostProfile, Outcome, Policy};

use crate::fault::{Expected, fault, remark, sound};

/// Nothing is looked up of data that no list so long could name, however much a TCW says.
#[test]
fn as_much_data_as_a_list_may_name() {
    let program = |count: u32| {
        let tcw = format!(
            "00000000 000E0000 00000000 00000000 00000000 00005000 00000000 00002100
             00000000 00002200 00000000 {count:08X} 00000000 00000000 00000000 00000000"
        );
        let commands = format!("06000000 {count:08X}");
        let policy = Policy {
            facilities: Facilities::FCX,
            max_ccws: 2,
            ..Policy::CHECK
        };
        GuestProgram::transport(&tcw, &commands, count).policy(policy)
    };
    assert_eq!(program(0x2000).judge().outcome(), Outcome::Valid);
    for count in [0x2001, 0xffff_fff8] {
        let verdict = program(count).judge();
        assert_eq!(verdict.outcome(), Outcome::Indeterminate);
        let rejected = verdict.plan(&HostProfile::SOFTWARE).expect_err("refused");
        assert_eq!(rejected.finding.code, Code::EnvTooLong);
    }
}

/// The status of a channel that stops at the control blocks.
const STOPPED: &str = "00104017 00001000 00200000";

/// The status when the device finds something in its commands, of which the TSB tells.
const FOUND: &str = "00104017 00001000 0C200100";

fn read() -> GuestProgram {
    GuestProgram::transport_read()
}

fn write() -> GuestProgram {
    GuestProgram::transport_write()
}

/// `program` is stopped before the device gets its commands.
fn stopped(code: Code, program: GuestProgram) -> Expected {
    fault(code, program).ends_tcw(STOPPED)
}

#[test]
fn what_a_tcw_may_say() {
    sound(read());
    sound(write());
    // No data at all; the addresses do not matter then.
    let nothing = GuestProgram::transport(
        "00000000 000C0000 FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFF3 00000000 00002100
         00000000 00002200 12345678 12345678 00000000 00000000 00000000 00000000",
        "03000000 00000000",
        0,
    );
    sound(nothing);
    // The TCCB by a list, in two pieces.
    let list = "00000000 00000018 00000000 00002200 80000000 00000008 00000000 00003000";
    let program = read().put(0x1000, "00060000").put(0x1024, "00002040");
    sound(program.put(0x2040, list).put(0x3000, "00000000 00001004"));
}

#[test]
fn t01_tcw_unavail() {
    stopped(Code::TcwUnavail, read().cpa(0x0010_0000).with(0))
        .ends_tcw("00104017 00100000 00200000")
        .orb(2, "00100000", 1..=25)
        .becomes("00001000");
    // The TCCB.
    stopped(Code::TcwUnavail, read().put(0x1020, "00000001 00002200"))
        .block(0x1020, "00000001 00002200", 0..=63)
        .data(0x1_0000_2200)
        .becomes("00000000 00002200");
    stopped(Code::TcwUnavail, read().put(0x1020, "00000000 000FFFF8"))
        .block(0x1020, "00000000 000FFFF8", 0..=63)
        .data(0x10_0000)
        .becomes("00000000 00002200");
    // The TSB, which the channel looks for at the end.
    fault(Code::TcwUnavail, read().put(0x1018, "00000000 00100000"))
        .ends_tcw("00104017 00001000 0C200000")
        .block(0x1018, "00000000 00100000", 0..=63)
        .data(0x10_0000)
        .after(0x1000)
        .becomes("00000000 000FFFC0");
}

#[test]
fn t02_tcw_format() {
    for (at, wrong, bits, right) in [
        (0x1000, "40040000", 1..=1, "00040000"),
        (0x1000, "80040000", 0..=0, "00040000"),
        (0x1000, "01040000", 7..=7, "00040000"),
        (0x1000, "000C0000", 12..=12, "00040000"),
        (0x1000, "00042001", 18..=31, "00040000"),
        (0x1004, "800E0000", 0..=0, "000E0000"),
        (0x1004, "000E0001", 31..=31, "000E0000"),
        (0x1030, "00000100", 23..=23, "00000000"),
        (0x1038, "80000000", 0..=0, "00000000"),
    ] {
        stopped(Code::TcwFormat, read().put(at, wrong))
            .block(at, wrong, bits)
            .becomes(right);
    }
}

#[test]
fn t03_tcw_tidaw_format() {
    for wrong in ["00044000", "00048000", "0004C000"] {
        stopped(Code::TcwTidawFormat, read().put(0x1000, wrong))
            .block(0x1000, wrong, 16..=17)
            .becomes("00040000");
    }
}

#[test]
fn t04_tcw_rw() {
    stopped(Code::TcwRw, read().put(0x1004, "000F0000"))
        .block(0x1004, "000F0000", 14..=15)
        .becomes("000E0000");
}

#[test]
fn t05_tcw_tccbl() {
    // 20, 28 and 272 bytes.
    for wrong in ["00020000", "000A0000", "00FE0000"] {
        stopped(Code::TcwTccbl, read().put(0x1004, wrong))
            .block(0x1004, wrong, 8..=13)
            .becomes("000E0000");
    }
    // 264 bytes, which the last DCW need not fill.
    let tcw = "00040000 00F60000 00000000 00000000 00000000 00002000 00000000 00002100";
    let program = read().put(0x1000, tcw).put(0x2204, "000000FC");
    sound(
        program
            .put(0x2218, "00000000 00000000")
            .put(0x2300, "00000000 00001004"),
    );
}

#[test]
fn t06_tcw_tsb_align() {
    for (wrong, right) in [
        ("00000000 00002101", "00000000 00002100"),
        ("00000000 00002104", "00000000 00002100"),
        ("00000000 0000210F", "00000000 00002108"),
    ] {
        stopped(Code::TcwTsbAlign, read().put(0x1018, wrong))
            .block(0x1018, wrong, 61..=63)
            .becomes(right);
    }
}

#[test]
fn t07_tccb_align() {
    for wrong in ["00000000 00002201", "00000000 00002204"] {
        stopped(Code::TccbAlign, read().put(0x1020, wrong))
            .block(0x1020, wrong, 61..=63)
            .becomes("00000000 00002200");
    }
}

#[test]
fn t08_tcah_format() {
    stopped(Code::TcahFormat, read().put(0x2200, "7E000000"))
        .block(0x2200, "7E000000", 0..=7)
        .becomes("7F000000");
    for wrong in ["1FFD0000", "0FFE0000", "20000000"] {
        stopped(Code::TcahFormat, read().put(0x2208, wrong))
            .block(0x2208, wrong, 0..=15)
            .becomes("1FFE0000");
    }
}

#[test]
fn t09_tcah_tcal() {
    for wrong in ["00000010", "00000013", "00000015", "00000018", "000000FF"] {
        stopped(Code::TcahTcal, read().put(0x2204, wrong))
            .block(0x2204, wrong, 24..=31)
            .becomes("00000014");
    }
}

#[test]
fn t10_tcat_count() {
    for wrong in ["00001000", "00001003", "00001008", "80001004", "00000000"] {
        stopped(Code::TcatCount, read().put(0x221c, wrong))
            .block(0x221c, wrong, 0..=31)
            .becomes("00001004");
    }
    // Rounded up to the next word.
    let tcw = "00000000 000E0000 00000000 00000000 00000000 00005000 00000000 00002100
               00000000 00002200 00000000 00000FFD 00000000 00000000 00000000 00000000";
    let three_less = GuestProgram::transport(tcw, "06000000 00000FFD", 0xffd);
    stopped(Code::TcatCount, three_less.put(0x221c, "00001001"))
        .block(0x221c, "00001001", 0..=31)
        .becomes("00001004");
}

#[test]
fn t11_dcw_overrun() {
    // The control data would lie in the trailer, and the second DCW.
    fault(Code::DcwOverrun, write().put(0x2210, "07400011"))
        .ends_tcw(FOUND)
        .dcw(0, 0x2210, "07400011 00000000", 24..=31)
        .becomes("07400006 00000000");
    fault(Code::DcwOverrun, write().put(0x2220, "05400000"))
        .ends_tcw(FOUND)
        .dcw(2, 0x2228, "00000000 00001004", 0..=63)
        .becomes_with(0x2220, "05000000");
}

#[test]
fn t12_dcw_count_sum() {
    for wrong in ["00000FFF", "00001001", "00000000", "80001000"] {
        fault(Code::DcwCountSum, read().put(0x2214, wrong))
            .ends_tcw(FOUND)
            .block(0x102c, "00001000", 0..=31)
            .becomes_with(0x2214, "00001000");
        fault(Code::DcwCountSum, write().put(0x2224, wrong))
            .ends_tcw(FOUND)
            .block(0x1028, "00001000", 0..=31)
            .becomes_with(0x2224, "00001000");
    }
}

/// Data go the way of the command, whatever the sums are.
#[test]
fn t12_dcw_of_the_other_direction() {
    for wrong in ["05000000", "07000000", "08000000"] {
        fault(Code::DcwCountSum, read().put(0x2210, wrong))
            .ends_tcw(FOUND)
            .dcw(0, 0x2210, &format!("{wrong} 00001000"), 0..=7)
            .becomes("06000000 00001000");
    }
    fault(Code::DcwCountSum, write().put(0x2220, "06000000"))
        .ends_tcw(FOUND)
        .dcw(1, 0x2220, "06000000 00001000", 0..=7)
        .becomes("05000000 00001000");
}

#[test]
fn t20_tcw_intrg() {
    for wrong in ["00003001", "00003020", "80003000"] {
        remark(Code::TcwIntrg, read().put(0x103c, wrong))
            .block(0x103c, wrong, 0..=31)
            .becomes("00003000");
    }
}

#[test]
fn t21_tcw_prot() {
    let keyed = |at| read().with(0x3000_0000).storage_key(at, 5, true);
    let keyed = |at| {
        let program = [0x1000, 0x2000, 0x5000, 0x9000].into_iter();
        let program = program.fold(keyed(at), |program, page| match page == at {
            true => program,
            false => program.storage_key(page, 3, true),
        });
        fault(Code::TcwProt, program).ends_tcw("30104017 00001000 00100000")
    };
    let open = |at| {
        let pages = [0x1000, 0x2000, 0x5000, 0x9000].into_iter();
        let program = read().with(0x3000_0000);
        pages.fold(program, |program, page| {
            program.storage_key(page, 3, page != at)
        })
    };
    keyed(0x1000)
        .orb(2, "00001000", 1..=25)
        .repaired(open(0x1000));
    // TCCB, list and TSB are all there: the TCCB counts first.
    keyed(0x2000)
        .block(0x1020, "00000000 00002200", 0..=63)
        .data(0x2200)
        .repaired(open(0x2000));
}
