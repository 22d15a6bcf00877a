// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that are carried out in parts: each part is judged as it is fetched, and as if nothing had
//! come before it; what is repeated in front of it is what was judged then.

use ccw::DeviceClass;
use ccw_kit::in_parts::{HostRam, run};
use ccw_kit::program::{GuestProgram, hex};
use translator::{CommandPolicy, HostProfile, Policy};

use crate::run::{Noting, disk};
use crate::{EXTENT, SEEK, ckd};

/// A program that must not be prefetched.
fn not_prefetched(ccws: &str) -> GuestProgram {
    in_parts(ccws, 0x0082_8000)
}

/// One that may suspend itself.
fn suspending(ccws: &str) -> GuestProgram {
    in_parts(ccws, 0x08c2_8000)
}

fn in_parts(ccws: &str, word1: u32) -> GuestProgram {
    let policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    ckd(ccws).policy(policy).orb_word(1, word1)
}

/// The program ends with this status when its guest puts `late` there between its two parts; the
/// disk was given these commands.
#[track_caller]
fn ends(program: &GuestProgram, late: &[(u64, &str)], scsw: &str, given: &[u8]) {
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let mut disk = Noting {
            device: disk(),
            given: Vec::new(),
        };
        let mut arrivals = 0;
        let change = |ram: &mut HostRam| {
            for (at, bytes) in late {
                ram.write(*at, &hex(bytes));
            }
        };
        let course = run(program, profile, &mut disk, |_, _, ram| {
            arrivals += 1;
            change(ram);
        });
        let course = course.expect("it is carried out");
        assert_eq!(arrivals, 1, "{}", profile.name);
        assert_eq!(course.scsw.encode().0[..], hex(scsw), "{}", profile.name);
        assert_eq!(disk.given, given, "{}", profile.name);
    }
}

#[test]
fn a_later_part_is_judged_as_it_is_fetched() {
    // DEFINE EXTENT with a PCI; SEEK, READ HOME ADDRESS.
    let program = not_prefetched("63480010 00002000 07400006 00002030 1A200005 00003000");
    let given = [0x63, 0x63, 0x07, 0x1a];
    ends(&program, &[], "00804007 00001018 0C000000", &given);
    // To cylinder 3.
    let late = [(SEEK, "00000003 0000")];
    ends(&program, &late, "00824017 00001010 0E000000", &[0x63]);
    // To cylinder 0, by words that are changed as well: SEEK CYLINDER, of what lies at 4000.
    let late = [(0x1008, "0B400006 00004000"), (0x4000, "00000000 0000")];
    ends(&program, &late, "00824017 00001010 0E000000", &[0x63]);
    // Writing what is only to be read.
    let read_only = CommandPolicy::read_only(DeviceClass::Eckd);
    let late = [(0x1010, "05200010 00003000")];
    ends(
        &program.commands(read_only),
        &late,
        "00824017 00001018 0E000010",
        &[0x63, 0x63, 0x07],
    );
}

/// An extent whose end lies before its beginning is what the disk would refuse.
#[test]
fn what_is_repeated_is_what_was_judged() {
    let program = not_prefetched("63480010 00002000 07400006 00002030 1A200005 00003000");
    let late = [(EXTENT, "C0C00000 00000000 00030000 00000000")];
    let given = [0x63, 0x63, 0x07, 0x1a];
    ends(&program, &late, "00804007 00001018 0C000000", &given);
}

/// The disk is given DEFINE EXTENT and LOCATE RECORD once more in front of the second part, but may take
/// another course then.
#[test]
fn nothing_of_an_earlier_part_is_relied_upon() {
    // LOCATE RECORD with a PCI; READ DATA of the record it leads to.
    let domain = not_prefetched("63400010 00002000 47480010 00002010 06200010 00003000");
    ends(&domain, &[], "00824017 00001018 0E000010", &[0x63, 0x47]);
    // DEFINE EXTENT with a PCI; LOCATE RECORD.
    let extent = not_prefetched("63480010 00002000 47400010 00002010 06200010 00003000");
    ends(&extent, &[], "00824017 00001010 0E000000", &[0x63]);
    // SEEK with a PCI; a change of the head; what goes on with the next track.
    let head = not_prefetched("07480006 00002030 1B200006 00002038");
    ends(&head, &[], "00824017 00001010 0E000006", &[0x07]);
}

/// While it is suspended, the disk is anybody's.
#[test]
fn behind_a_suspension_the_disk_stands_anywhere() {
    // DEFINE EXTENT, SEEK; READ HOME ADDRESS, suspended.
    let program = suspending("63400010 00002000 07400006 00002030 1A220005 00003000");
    let resumed = [(0x1010, "1A200005 00003000")];
    ends(
        &program,
        &resumed,
        "08C24017 00001018 0E000005",
        &[0x63, 0x07],
    );
    // With a SEEK of its own it goes on.
    let program = suspending("07400006 00002030 07420006 00002030 1A200005 00003000");
    let resumed = [(0x1008, "07400006 00002030")];
    ends(
        &program,
        &resumed,
        "08C04007 00001018 0C000000",
        &[0x07, 0x07, 0x1a],
    );
    // The track that it goes to is looked at when it is resumed.
    let elsewhere = [(0x1008, "07400006 00002030"), (SEEK, "00000000 0000")];
    ends(&program, &elsewhere, "08C24017 00001010 0E000000", &[0x07]);
}
