// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Group A: addresses of CCWs.

use ccw::orb::word1;
use ccw_kit::program::GuestProgram;
use translator::Code;

use crate::fault::{fault, sound};

/// Read 16 bytes, in format 0 and 1.
const READ0: &str = "02003000 20000010";
const READ1: &str = "02200010 00003000";

fn f0(ccws: &str) -> GuestProgram {
    GuestProgram::format0(ccws)
}

fn f1(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
}

#[test]
fn a01_ccwa_align_cpa() {
    for (cpa, word, status) in [
        (0x1001, "00001001", "00404017 00001009 00200000"),
        (0x1002, "00001002", "00404017 0000100A 00200000"),
        (0x1004, "00001004", "00404017 0000100C 00200000"),
        (0x1007, "00001007", "00404017 0000100F 00200000"),
    ] {
        fault(Code::CcwaAlignCpa, f0(READ0).cpa(cpa))
            .ends(status)
            .orb(2, word, 29..=31)
            .becomes("00001000");
    }
    fault(Code::CcwaAlignCpa, f1(READ1).cpa(0x1004))
        .ends("00C04017 0000100C 00200000")
        .orb(2, "00001004", 29..=31)
        .becomes("00001000");
}

#[test]
fn a02_ccwa_cpa_16m() {
    let program = || f0(READ0).size(0x8000_0000);
    fault(Code::CcwaCpa16m, program().cpa(0x0100_1000))
        .ends("00404017 01001008 00200000")
        .orb(2, "01001000", 1..=7)
        .becomes("00001000");
    fault(Code::CcwaCpa16m, program().cpa(0x7f00_1000))
        .ends("00404017 7F001008 00200000")
        .orb(2, "7F001000", 1..=7)
        .becomes("00001000");
    // The last CCW below 16 MiB, and the first above it in format 1.
    sound(program().cpa(0xff_fff8).put(0xff_fff8, READ0));
    let high = f1("").size(0x8000_0000);
    sound(high.clone().cpa(0x0100_0000).put(0x0100_0000, READ1));
    sound(high.cpa(0x7fff_fff8).put(0x7fff_fff8, READ1));
}

#[test]
fn a03_ccwa_cpa_unavail() {
    fault(Code::CcwaCpaUnavail, f0(READ0).cpa(0x10_0000))
        .ends("00404017 00100008 00200000")
        .orb(2, "00100000", 1..=31)
        .becomes("00001000");
    fault(Code::CcwaCpaUnavail, f1(READ1).cpa(0x7fff_fff8))
        .ends("00C04017 80000000 00200000")
        .orb(2, "7FFFFFF8", 1..=31)
        .becomes("00001000");
    // The last doubleword of storage, and the first.
    sound(f0("").cpa(0xf_fff8).put(0xf_fff8, READ0));
    sound(f1("").cpa(0).put(0, READ1));
}

#[test]
fn a04_ccwa_align_tic() {
    fault(
        Code::CcwaAlignTic,
        f0("03000000 60000001 08002004 00000000").put(0x2000, READ0),
    )
    .ends("00404017 00001010 00200000")
    .ccw("08002004 00000000", 8..=31)
    .becomes("08002000 00000000");
    for target in ["00002001", "00002002", "00002007"] {
        let tic = format!("08000000 {target}");
        let program = f1("03600001 00000000").put(0x1008, &tic);
        fault(Code::CcwaAlignTic, program.put(0x2000, READ1))
            .ends("00C04017 00001010 00200000")
            .ccw(&tic, 33..=63)
            .becomes("08000000 00002000");
    }
    // As the first CCW, and by data chaining, where the device has ended.
    fault(
        Code::CcwaAlignTic,
        f1("08000000 00002004").put(0x2000, READ1),
    )
    .ends("00C04017 00001008 00200000")
    .ccw("08000000 00002004", 33..=63)
    .becomes("08000000 00002000");
    fault(
        Code::CcwaAlignTic,
        f1("02800010 00003000 08000000 00002004").put(0x2000, READ1),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("08000000 00002004", 33..=63)
    .becomes("08000000 00002000");
    // A TIC that nothing leads to.
    sound(f1("02200010 00003000 08000000 00002004"));
}

#[test]
fn a05_ccwa_tic_unavail() {
    fault(
        Code::CcwaTicUnavail,
        f0("03000000 60000001 08100000 00000000").put(0x2000, READ0),
    )
    .ends("00404017 00001010 00200000")
    .ccw("08100000 00000000", 8..=31)
    .becomes("08002000 00000000");
    fault(
        Code::CcwaTicUnavail,
        f1("03600001 00000000 08000000 7FFFFFF8").put(0x2000, READ1),
    )
    .ends("00C04017 00001010 00200000")
    .ccw("08000000 7FFFFFF8", 33..=63)
    .becomes("08000000 00002000");
    fault(
        Code::CcwaTicUnavail,
        f1("02800010 00003000 08000000 00100000").put(0x2000, READ1),
    )
    .ends("00C04017 00001010 0C200000")
    .ccw("08000000 00100000", 33..=63)
    .becomes("08000000 00002000");
    let last = f1("03600001 00000000 08000000 000FFFF8");
    sound(last.put(0xf_fff8, READ1));
}

#[test]
fn a06_ccwa_seq_unavail() {
    // A last CCW of storage that chains commands, or data.
    let program = f0("").cpa(0xf_fff8).put(0xf_fff8, "03000000 60000001");
    fault(Code::CcwaSeqUnavail, program)
        .ends("00404017 00100008 00200000")
        .becomes_with(0xf_fff8, "03000000 20000001");
    let program = f1("").cpa(0xf_fff8).put(0xf_fff8, "03600001 00000000");
    fault(Code::CcwaSeqUnavail, program)
        .ends("00C04017 00100008 00200000")
        .becomes_with(0xf_fff8, "03200001 00000000");
    let program = f1("").cpa(0xf_fff8).put(0xf_fff8, "02800010 00003000");
    fault(Code::CcwaSeqUnavail, program)
        .ends("00C04017 00100008 0C200000")
        .becomes_with(0xf_fff8, READ1);
    // A TIC there leads on.
    let program = f1(READ1).cpa(0xf_fff0);
    sound(program.put(0xf_fff0, "03600001 00000000 08000000 00001000"));
}

#[test]
fn a07_ccwa_wrap() {
    // Storage goes on behind the limit; the addresses of CCWs do not.
    let last0 = f0("").size(0x200_0000).cpa(0xff_fff8);
    let last1 = f1("").size(0xc000_0000).cpa(0x7fff_fff8);
    fault(
        Code::CcwaWrap,
        last0.clone().put(0xff_fff8, "03000000 60000001"),
    )
    .ends("00404017 01000008 00200000")
    .becomes_with(0xff_fff8, "03000000 20000001");
    fault(
        Code::CcwaWrap,
        last0.clone().put(0xff_fff8, "02003000 80000010"),
    )
    .ends("00404017 01000008 0C200000")
    .becomes_with(0xff_fff8, READ0);
    fault(
        Code::CcwaWrap,
        last1.clone().put(0x7fff_fff8, "03600001 00000000"),
    )
    .ends("00C04017 80000008 00200000")
    .becomes_with(0x7fff_fff8, "03200001 00000000");
    fault(
        Code::CcwaWrap,
        last1.clone().put(0x7fff_fff8, "02800010 00003000"),
    )
    .ends("00C04017 80000008 0C200000")
    .becomes_with(0x7fff_fff8, READ1);
    // Format 1 knows no limit at 16 MiB.
    let program = f1("").size(0x200_0000).cpa(0xff_fff8);
    sound(program.put(0xff_fff8, "03600001 00000000 02200010 00003000"));
}

#[test]
fn a08_ccwa_prot() {
    let keyed = |program: GuestProgram| program.with(0x3000_0000).storage_key(0x3000, 3, true);
    // The first CCW.
    let program = keyed(f0(READ0)).storage_key(0x1000, 5, true);
    fault(Code::CcwaProt, program.clone())
        .ends("30404017 00001008 00100000")
        .repaired(program.clone().storage_key(0x1000, 3, true));
    // One that a page boundary puts into another block.
    let program = keyed(f1("").cpa(0x1ff8))
        .put(0x1ff8, "03600001 00000000 02200010 00003000")
        .storage_key(0x2000, 5, true);
    fault(Code::CcwaProt, program.clone())
        .ends("30C04017 00002008 00100000")
        .repaired(program.clone().storage_key(0x2000, 5, false));
    // The target of a TIC: the status names the target, not the TIC.
    let program = keyed(f1("03600001 00000000 08000000 00002000"))
        .put(0x2000, READ1)
        .storage_key(0x2000, 5, true);
    fault(Code::CcwaProt, program.clone())
        .ends("30C04017 00002008 00100000")
        .repaired(program.clone().storage_key(0x2000, 3, true));
    // By data chaining the device has ended.
    let program = keyed(f1("02800010 00003000 08000000 00002000"))
        .put(0x2000, READ1)
        .storage_key(0x2000, 5, true);
    fault(Code::CcwaProt, program.clone())
        .ends("30C04017 00002008 0C100000")
        .repaired(program.clone().without(0xf000_0000));
    // Fetch protection guards nothing from key 0, and storage without it nothing from any key.
    sound(f1(READ1).storage_key(0x1000, 5, true));
    sound(keyed(f1(READ1)).storage_key(0x1000, 5, false));
}

#[test]
fn keys_are_compared_only_where_the_orb_has_one() {
    let program = f1(READ1).storage_key(0x3000, 9, true);
    sound(program.clone().with(0x9000_0000));
    sound(program.with(word1::FORMAT1));
}
