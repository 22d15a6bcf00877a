// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group I: lists of IDAWs.

use ccw::orb::word1;
use ccw_kit::program::GuestProgram;
use translator::Code;

use crate::fault::{fault, sound};

/// Format-1 IDAWs, on blocks of 2 KiB.
fn f0(ccws: &str) -> GuestProgram {
    GuestProgram::format0(ccws)
}

/// Format-2 IDAWs, on blocks of 4 KiB.
fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

fn key3(program: GuestProgram) -> GuestProgram {
    let keyed = program.with(0x3000_0000);
    keyed
        .storage_key(0x4000, 3, false)
        .storage_key(0x5000, 3, false)
}

#[test]
fn i01_idal_align() {
    let list0 = "00004000 00004800";
    let list1 = "00000000 00004000 00000000 00005000";
    for (addr, repaired) in [("003001", "003000"), ("003002", "003000")] {
        let ccw = format!("02{addr} 24000010");
        fault(Code::IdalAlign, f0(&ccw).put(0x3000, list0))
            .ends("00404017 00001008 00200000")
            .ccw(&ccw, 8..=31)
            .becomes(&format!("02{repaired} 24000010"));
    }
    for addr in ["00003001", "00003002", "00003004"] {
        let ccw = format!("02240010 {addr}");
        fault(Code::IdalAlign, f1(&ccw).put(0x3000, list1))
            .ends("00C04017 00001008 00200000")
            .ccw(&ccw, 33..=63)
            .becomes("02240010 00003000");
    }
    // By command chaining, and by data chaining.
    fault(
        Code::IdalAlign,
        f1("03600001 00000000 02240010 00003004").put(0x3000, list1),
    )
    .ends("00C04017 00001010 00200000")
    .ccw("02240010 00003004", 33..=63)
    .becomes("02240010 00003008");
    fault(
        Code::IdalAlign,
        f1("02800010 00005000 00240010 00003004").put(0x3008, list1),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("00240010 00003004", 33..=63)
    .becomes("00240010 00003008");
    // A word is enough for format-1 IDAWs, also of format-1 CCWs.
    sound(f0("02003004 24000010").put(0x3000, list0));
    let program = f1("02240010 00003004").without(word1::FORMAT2_IDAWS);
    sound(program.put(0x3000, list0));
    // No list is used by a no-operation, a count of zero, or skipped input.
    sound(f1("03240010 00003001"));
    sound(f0("03003001 24000010"));
    sound(f1("02240000 00003001"));
    sound(f1("02340010 00003001"));
}

#[test]
fn i02_idal_wrap() {
    // The second word would lie at the limit of the format; storage goes on.
    let program = f0("02FFFFFC 24001000")
        .size(0x200_0000)
        .put(0xff_fffc, "00004000 00004800");
    fault(Code::IdalWrap, program)
        .ends("00404017 00001008 0C200000")
        .no_list(1, 0x100_0000)
        .after(0x800)
        .becomes_with(0x1000, "02FFFFFC 24000800");
    let program = f1("02242000 7FFFFFF8")
        .size(0xc000_0000)
        .put(0x7fff_fff8, "00000000 00004000 00000000 00005000");
    fault(Code::IdalWrap, program)
        .ends("00C04017 00001008 0C200000")
        .no_list(1, 0x8000_0000)
        .after(0x1000)
        .becomes_with(0x1000, "02241000 7FFFFFF8");
    // In format 1 nothing is special at 16 MiB.
    let program = f1("02242000 00FFFFF8").size(0x200_0000);
    sound(program.put(0xff_fff8, "00000000 00004000 00000000 00005000"));
}

#[test]
fn i03_idal_unavail() {
    fault(Code::IdalUnavail, f0("02100000 24000010"))
        .ends("00404017 00001008 0C200000")
        .no_list(0, 0x10_0000)
        .after(0)
        .becomes_with(0x1000, "02003000 24000010");
    let program = f1("01242000 000FFFF8").put(0xf_fff8, "00000000 00004000");
    fault(Code::IdalUnavail, program)
        .ends("00C04017 00001008 0C200000")
        .no_list(1, 0x10_0000)
        .after(0x1000)
        .becomes_with(0x1000, "01241000 000FFFF8");
    // What is less than a block may lie in two.
    let program = f1("01241000 000FFFF8").put(0xf_fff8, "00000000 00004800");
    fault(Code::IdalUnavail, program)
        .ends("00C04017 00001008 0C200000")
        .no_list(1, 0x10_0000)
        .after(0x800)
        .becomes_with(0x1000, "01240800 000FFFF8");
    // Downward, and in a data chain.
    let program = f1("0C800010 0000300F 00242000 000FFFF8").put(0xf_fff8, "00000000 00004FFF");
    fault(Code::IdalUnavail, program)
        .ends("00C04017 00001010 0C200000")
        .no_list(1, 0x10_0000)
        .after(0x1010)
        .becomes_with(0x1008, "00241000 000FFFF8");
}

#[test]
fn i04_idal_prot() {
    let program = key3(f0("02006000 24000010"))
        .put(0x6000, "00004000")
        .storage_key(0x6000, 5, true);
    fault(Code::IdalProt, program.clone())
        .ends("30404017 00001008 0C100000")
        .no_list(0, 0x6000)
        .after(0)
        .repaired(program.storage_key(0x6000, 5, false));
    // The second word lies in the next block.
    let program = key3(f1("02242000 00006FF8"))
        .put(0x6ff8, "00000000 00004000 00000000 00005000")
        .storage_key(0x7000, 5, true);
    fault(Code::IdalProt, program.clone())
        .ends("30C04017 00001008 0C100000")
        .no_list(1, 0x7000)
        .after(0x1000)
        .repaired(program.clone().storage_key(0x7000, 3, true));
    // A word that is not needed is not fetched.
    sound(program.put(0x1000, "02241000 00006FF8"));
}

#[test]
fn i05_idaw1_bit0() {
    fault(
        Code::Idaw1Bit0,
        f0("02003000 24000010").put(0x3000, "80004000"),
    )
    .ends("00404017 00001008 0C200000")
    .list(0, 0x3000, "80004000", 0..=0)
    .after(0)
    .becomes("00004000");
    let program = f1("01241000 00003000").without(word1::FORMAT2_IDAWS);
    fault(
        Code::Idaw1Bit0,
        program.put(0x3000, "00004400 00004800 80005000"),
    )
    .ends("00C04017 00001008 0C200000")
    .list(2, 0x3008, "80005000", 0..=0)
    .after(0xc00)
    .becomes("00005000");
    // Format 2 has all 64 bits.
    let program = f1("02240010 00003000").put(0x3000, "00000000 80000000");
    sound(program.size(0xc000_0000));
}

#[test]
fn i06_idaw_align() {
    fault(
        Code::IdawAlign,
        f0("02003000 24001000").put(0x3000, "00004000 00005010"),
    )
    .ends("00404017 00001008 0C200000")
    .list(1, 0x3004, "00005010", 21..=31)
    .after(0x800)
    .becomes("00005000");
    for command in ["02", "01", "04"] {
        let ccw = format!("{command}242000 00003000");
        let list = "00000000 00004000 00000000 00006800";
        fault(Code::IdawAlign, f1(&ccw).put(0x3000, list))
            .ends("00C04017 00001008 0C200000")
            .list(1, 0x3008, "00000000 00006800", 52..=63)
            .after(0x1000)
            .becomes("00000000 00006000");
        // On blocks of 2 KiB the same list is in order; this one is not.
        let small = || f1(&ccw).with(word1::IDAW_2K);
        let ccw_800 = format!("{command}241000 00003000");
        sound(small().put(0x1000, &ccw_800).put(0x3000, list));
        let list = "00000000 00004000 00000000 00006400";
        fault(
            Code::IdawAlign,
            small().put(0x1000, &ccw_800).put(0x3000, list),
        )
        .ends("00C04017 00001008 0C200000")
        .list(1, 0x3008, "00000000 00006400", 53..=63)
        .after(0x800)
        .becomes("00000000 00006000");
    }
    // The third word; the first may designate any byte.
    fault(
        Code::IdawAlign,
        f1("02242000 00003000").put(
            0x3000,
            "00000000 00004FFF 00000000 00006000 00000000 00007FFF",
        ),
    )
    .ends("00C04017 00001008 0C200000")
    .list(2, 0x3010, "00000000 00007FFF", 52..=63)
    .after(0x1001)
    .becomes("00000000 00007000");
}

#[test]
fn i07_idaw_align_rb() {
    fault(
        Code::IdawAlignRb,
        f0("0C003000 24001000").put(0x3000, "000047FF 00005010"),
    )
    .ends("00404017 00001008 0C200000")
    .list(1, 0x3004, "00005010", 21..=31)
    .after(0x800)
    .becomes("000057FF");
    // The first byte of a block is what reading forward would want.
    fault(
        Code::IdawAlignRb,
        f1("0C242000 00003000").put(0x3000, "00000000 00004FFF 00000000 00006000"),
    )
    .ends("00C04017 00001008 0C200000")
    .list(1, 0x3008, "00000000 00006000", 52..=63)
    .after(0x1000)
    .becomes("00000000 00006FFF");
    fault(
        Code::IdawAlignRb,
        f1("0C241000 00003000")
            .with(word1::IDAW_2K)
            .put(0x3000, "00000000 00004FFF 00000000 00006000"),
    )
    .ends("00C04017 00001008 0C200000")
    .list(1, 0x3008, "00000000 00006000", 53..=63)
    .after(0x800)
    .becomes("00000000 000067FF");
    // The first word may designate any byte: here the only one of its block.
    let list = "00000000 00004000 00000000 00006FFF";
    sound(f1("0C240010 00003000").put(0x3000, list));
}

#[test]
fn i08_idaw_data_unavail() {
    fault(
        Code::IdawDataUnavail,
        f0("01003000 24001000").put(0x3000, "00004000 00100000"),
    )
    .ends("00404017 00001008 0C200000")
    .list(1, 0x3004, "00100000", 1..=31)
    .data(0x10_0000)
    .after(0x800)
    .becomes("00005000");
    fault(
        Code::IdawDataUnavail,
        f1("02240010 00003000").put(0x3000, "7FFFFFFF FFFFF000"),
    )
    .ends("00C04017 00001008 0C200000")
    .list(0, 0x3000, "7FFFFFFF FFFFF000", 0..=63)
    .data(0x7fff_ffff_ffff_f000)
    .after(0)
    .becomes("00000000 000FF000");
    // The last bytes of all, and then none.
    fault(
        Code::IdawDataUnavail,
        f1("02241010 00003000").put(0x3000, "00000000 00004000 FFFFFFFF FFFFF000"),
    )
    .ends("00C04017 00001008 0C200000")
    .list(1, 0x3008, "FFFFFFFF FFFFF000", 0..=63)
    .data(0xffff_ffff_ffff_f000)
    .after(0x1000)
    .becomes("00000000 000FF000");
    fault(
        Code::IdawDataUnavail,
        f1("0C242000 00003000").put(0x3000, "00000000 00004FFF 00000000 00100FFF"),
    )
    .ends("00C04017 00001008 0C200000")
    .list(1, 0x3008, "00000000 00100FFF", 0..=63)
    .data(0x10_0fff)
    .after(0x1000)
    .becomes("00000000 000FFFFF");
}

#[test]
fn words_behind_those_that_the_count_needs_are_no_idaws() {
    let garbage = "00000000 00004000 FFFFFFFF FFFFFFFF 12345678 9ABCDEF1";
    sound(f1("02241000 00003000").put(0x3000, garbage));
    sound(f1("02240001 00003000").put(0x3000, garbage));
    sound(f0("02003000 24000800").put(0x3000, "00004000 FFFFFFFF"));
    sound(f1("0C240001 00003000").put(0x3000, garbage));
    // They need not even be storage.
    sound(f1("02241000 000FFFF8").put(0xf_fff8, "00000000 00004000"));
}

#[test]
fn idaws_need_neither_order_nor_distinct_areas() {
    let downward = "00000000 00006000 00000000 00005000 00000000 00004000";
    sound(f1("02243000 00003000").put(0x3000, downward));
    let same = "00000000 00004000 00000000 00004000 00000000 00004000";
    sound(f1("01243000 00003000").put(0x3000, same));
    sound(f1("02243000 00003000").put(0x3000, same));
    sound(f0("02003000 24001000").put(0x3000, "00005800 00004800"));
    let upward = "00000000 00004FFF 00000000 00006FFF";
    sound(f1("0C242000 00003000").put(0x3000, upward));
}

#[test]
fn a_list_may_cross_a_page() {
    let list = "00000000 00004000 00000000 00005000";
    sound(f1("02242000 00002FF8").put(0x2ff8, list));
}
