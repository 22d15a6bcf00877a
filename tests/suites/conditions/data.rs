// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group D: addresses of data.

use ccw::orb::word1;
use ccw_kit::program::GuestProgram;
use translator::{AddressLimit, Code};

use crate::fault::{fault, limit, sound};

fn f0(ccws: &str) -> GuestProgram {
    GuestProgram::format0(ccws)
}

fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

/// With key 3 in the ORB; the program's block has that key too.
fn key3(program: GuestProgram) -> GuestProgram {
    program.with(0x3000_0000).storage_key(0x1000, 3, true)
}

#[test]
fn d01_data_wrap() {
    // Storage goes on behind the limit; a direct address does not.
    for command in ["02", "01", "04"] {
        let ccw = format!("{command}FFFFF8 20000010");
        fault(Code::DataWrap, f0(&ccw).size(0x200_0000))
            .ends("00404017 00001008 0C200000")
            .ccw(&ccw, 8..=31)
            .data(0x100_0000)
            .after(8)
            .becomes(&format!("{command}FFFFF0 20000010"));
        let ccw = format!("{command}200010 7FFFFFF8");
        fault(Code::DataWrap, f1(&ccw).size(0xc000_0000))
            .ends("00C04017 00001008 0C200000")
            .ccw(&ccw, 33..=63)
            .data(0x8000_0000)
            .after(8)
            .becomes(&format!("{command}200010 7FFFFFF0"));
    }
    // In the second area of a data chain, at its second byte.
    fault(
        Code::DataWrap,
        f0("02003000 80000010 00FFFFFF 20000002").size(0x200_0000),
    )
    .ends("00404017 00001010 0C200000")
    .ccw("00FFFFFF 20000002", 8..=31)
    .data(0x100_0000)
    .after(0x11)
    .becomes("00FFFFFE 20000002");
    // Format 1 knows no limit at 16 MiB, and lists know none in format 0.
    sound(f1("02200010 00FFFFF8").size(0x200_0000));
    let high = f0("02003000 24000010").with(word1::FORMAT2_IDAWS);
    sound(
        high.size(0x200_0000)
            .put(0x3000, "00000000 00FFFFF8 00000000 01000000"),
    );
    // Read backward ends at the limit's other side.
    sound(f0("0CFFFFFF 20000010").size(0x200_0000));
}

#[test]
fn d02_data_rb_underflow() {
    fault(Code::DataRbUnderflow, f0("0C00000F 20000011"))
        .ends("00404017 00001008 0C200000")
        .ccw("0C00000F 20000011", 8..=31)
        .after(0x10)
        .becomes("0C000010 20000011");
    fault(Code::DataRbUnderflow, f1("0C200002 00000000"))
        .ends("00C04017 00001008 0C200000")
        .ccw("0C200002 00000000", 33..=63)
        .after(1)
        .becomes("0C200002 00000001");
    // The class of a data chain is that of its first CCW.
    fault(
        Code::DataRbUnderflow,
        f1("0C800010 0000300F 02200002 00000000"),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("02200002 00000000", 33..=63)
    .after(0x11)
    .becomes("02200002 00000001");
    sound(f1("02200010 00000000"));
}

#[test]
fn d03_data_unavail() {
    for command in ["02", "01", "04", "07"] {
        let ccw = format!("{command}0FFFF8 20000010");
        fault(Code::DataUnavail, f0(&ccw))
            .ends("00404017 00001008 0C200000")
            .ccw(&ccw, 8..=31)
            .data(0x10_0000)
            .after(8)
            .becomes(&format!("{command}0FFFF0 20000010"));
        let ccw = format!("{command}200010 40000000");
        fault(Code::DataUnavail, f1(&ccw))
            .ends("00C04017 00001008 0C200000")
            .ccw(&ccw, 33..=63)
            .data(0x4000_0000)
            .after(0)
            .becomes(&format!("{command}200010 00004000"));
    }
    // Behind another command, and in a data chain.
    fault(Code::DataUnavail, f1("03600001 00000000 02200010 00200000"))
        .ends("00C04017 00001010 0C200000")
        .ccw("02200010 00200000", 33..=63)
        .data(0x20_0000)
        .after(0)
        .becomes("02200010 00020000");
    fault(Code::DataUnavail, f1("02800010 00003000 00200010 00200000"))
        .ends("00C04017 00001010 0C200000")
        .ccw("00200010 00200000", 33..=63)
        .data(0x20_0000)
        .after(0x10)
        .becomes("00200010 00020000");
    // Read backward begins outside.
    fault(Code::DataUnavail, f1("0C200010 00100000"))
        .ends("00C04017 00001008 0C200000")
        .ccw("0C200010 00100000", 33..=63)
        .data(0x10_0000)
        .after(0)
        .becomes("0C200010 000FFFFF");
    // Where no byte moves, the address means nothing: no-operation, skipped input, count zero.
    sound(f0("03FFFFFF 20000010"));
    sound(f1("03200010 7FFFFFFF"));
    sound(f0("02FFFFFF 30000010"));
    sound(f1("02300010 7FFFFFFF"));
    sound(f1("0C300010 00000000"));
    sound(f1("01200000 7FFFFFFF"));
    sound(f1("02900010 7FFFFFFF 00200010 00003000"));
    // Output is not skipped.
    fault(Code::DataUnavail, f1("01300010 7FFFFFF0"))
        .ends("00C04017 00001008 0C200000")
        .ccw("01300010 7FFFFFF0", 33..=63)
        .data(0x7fff_fff0)
        .after(0)
        .becomes_with(0x1000, "01200010 00003000");
}

#[test]
fn d04_data_prot_store() {
    let program = key3(f0("02002FF8 20000010"))
        .storage_key(0x2000, 3, false)
        .storage_key(0x3000, 5, false);
    fault(Code::DataProtStore, program.clone())
        .ends("30404017 00001008 0C100000")
        .ccw("02002FF8 20000010", 8..=31)
        .data(0x3000)
        .after(8)
        .repaired(program.clone().storage_key(0x3000, 3, true));
    // Fetch protection makes no difference to input; key 0 opens everything.
    let program = key3(f1("03600001 00000000 02200010 00003000"));
    for fetch_protected in [false, true] {
        let program = program.clone().storage_key(0x3000, 5, fetch_protected);
        fault(Code::DataProtStore, program.clone())
            .ends("30C04017 00001010 0C100000")
            .ccw("02200010 00003000", 33..=63)
            .data(0x3000)
            .after(0)
            .repaired(program.without(0xf000_0000));
    }
    // Downward, into the block below.
    let program = key3(f1("0C200010 00003007"))
        .storage_key(0x2000, 5, false)
        .storage_key(0x3000, 3, false);
    fault(Code::DataProtStore, program.clone())
        .ends("30C04017 00001008 0C100000")
        .ccw("0C200010 00003007", 33..=63)
        .data(0x2fff)
        .after(8)
        .repaired(program.storage_key(0x2000, 3, false));
    // By an IDAW.
    let program = key3(f1("02242000 00003000"))
        .put(0x3000, "00000000 00004000 00000000 00005000")
        .storage_key(0x3000, 5, false)
        .storage_key(0x4000, 3, false)
        .storage_key(0x5000, 5, false);
    fault(Code::DataProtStore, program.clone())
        .ends("30C04017 00001008 0C100000")
        .list(1, 0x3008, "00000000 00005000", 0..=63)
        .data(0x5000)
        .after(0x1000)
        .becomes("00000000 00004000");
    // Skipped input is stored nowhere.
    sound(key3(f1("02300010 00003000")).storage_key(0x3000, 5, true));
}

#[test]
fn d05_data_prot_fetch() {
    for command in ["01", "07"] {
        let ccw = format!("{command}002FF8 20000010");
        let program = key3(f0(&ccw))
            .storage_key(0x2000, 5, false)
            .storage_key(0x3000, 5, true);
        fault(Code::DataProtFetch, program.clone())
            .ends("30404017 00001008 0C100000")
            .ccw(&ccw, 8..=31)
            .data(0x3000)
            .after(8)
            .repaired(program.storage_key(0x3000, 5, false));
    }
    let program = key3(f1("01800010 00002000 00200010 00003000")).storage_key(0x3000, 5, true);
    fault(Code::DataProtFetch, program.clone())
        .ends("30C04017 00001010 0C100000")
        .ccw("00200010 00003000", 33..=63)
        .data(0x3000)
        .after(0x10)
        .repaired(program.storage_key(0x3000, 3, true));
    let program = key3(f0("01003000 24000010"))
        .put(0x3000, "00004000")
        .storage_key(0x4000, 5, true);
    fault(Code::DataProtFetch, program)
        .ends("30404017 00001008 0C100000")
        .list(0, 0x3000, "00004000", 1..=31)
        .data(0x4000)
        .after(0)
        .becomes("00005000");
}

#[test]
fn d06_data_limit() {
    let below = AddressLimit::Below(limit(0x2_0000));
    let above = AddressLimit::AtLeast(limit(0x1_0000));
    let checked = |program: GuestProgram| program.with(word1::LIMIT_CHECK);
    fault(
        Code::DataLimit,
        checked(f0("0201FFF8 20000010")).limit(below),
    )
    .ends("00504017 00001008 0C200000")
    .ccw("0201FFF8 20000010", 8..=31)
    .data(0x2_0000)
    .after(8)
    .becomes("0201FFF0 20000010");
    // The program itself lies below that limit, and its list: only data is compared.
    fault(
        Code::DataLimit,
        checked(f1("01200010 0000FFF8")).limit(above),
    )
    .ends("00D04017 00001008 0C200000")
    .ccw("01200010 0000FFF8", 33..=63)
    .data(0xfff8)
    .after(0)
    .becomes("01200010 00010000");
    fault(
        Code::DataLimit,
        checked(f1("02241010 00003000"))
            .put(0x3000, "00000000 00010000 00000000 0000F000")
            .limit(above),
    )
    .ends("00D04017 00001008 0C200000")
    .list(1, 0x3008, "00000000 0000F000", 0..=63)
    .data(0xf000)
    .after(0x1000)
    .becomes("00000000 00011000");
    // Downward over the lower limit.
    fault(
        Code::DataLimit,
        checked(f1("0C200010 00010007")).limit(above),
    )
    .ends("00D04017 00001008 0C200000")
    .ccw("0C200010 00010007", 33..=63)
    .data(0xffff)
    .after(8)
    .becomes("0C200010 0001000F");
    // Skipped input has no address; without A in the ORB nothing is compared.
    sound(checked(f1("02300010 0000FFF8")).limit(above));
    sound(f1("01200010 0000FFF8").limit(above));
    sound(checked(f1("01200010 0000FFF8")));
}
