// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each condition by its name.

use ccw::DeviceClass;
use ccw_kit::program::GuestProgram;
use translator::{Code, CommandPolicy, Severity, Track, Tracks};

use crate::run::{Expected, passes, refused};
use crate::{EXTENT, FIND, LOCATE, SEEK, ckd, fba, minidisk};

const REJECTED: [u8; 3] = [0x80, 0x00, 0x01];
const INHIBITED: [u8; 3] = [0x80, 0x02, 0x00];
const PROTECTED: [u8; 3] = [0x00, 0x04, 0x00];
const PARAMETER: [u8; 3] = [0x80, 0x00, 0x04];

#[test]
fn p01_policy_command() {
    // WRITE HOME ADDRESS, behind NO-OPERATION; the count is left as it was, and that is no incorrect
    // length when SLI says so.
    let expected = |scsw| Expected {
        code: Code::PolicyCommand,
        scsw,
        sense: REJECTED,
        given: &[0x03],
        at: 0x1008,
        bits: (0, 7),
    };
    refused(
        &ckd("03600001 00000000 19200005 00003000"),
        &expected("00C04017 00001010 0E000005"),
    );
    refused(
        &ckd("03600001 00000000 19000005 00003000"),
        &expected("00C04017 00001010 0E400005"),
    );
    // The first command of all: nothing is given to the device.
    let first = Expected {
        given: &[],
        at: 0x1000,
        ..expected("00C04017 00001008 0E000020")
    };
    refused(&ckd("B4200020 00003000"), &first);
    // A command that is allowed by name passes, wherever it leads.
    let more = minidisk().allow(ccw::Command(0xb4));
    passes(&ckd("B4200020 00003000").commands(more), &[0xb4]);
    // And one that is taken away does not.
    let less = minidisk().deny(ccw::Command(0xe4));
    refused(&ckd("E4200020 00003000").commands(less), &first);
    passes(&ckd("E4200020 00003000"), &[0xe4]);
}

#[test]
fn p02_policy_read_only() {
    let read_only = CommandPolicy::read_only(DeviceClass::Eckd);
    let program = |operation: &str, command: &str| {
        let ccws = format!("{FIND} {command}200010 00003000");
        ckd(&ccws).commands(read_only).put(LOCATE, operation)
    };
    // The write itself, behind a location for reading.
    let at_write = Expected {
        code: Code::PolicyReadOnly,
        scsw: "00C04017 00001018 0E000010",
        sense: INHIBITED,
        given: &[0x63, 0x47],
        at: 0x1010,
        bits: (0, 7),
    };
    refused(&program("06", "05"), &at_write);
    refused(&program("06", "1D"), &at_write);
    // A location for writing: of the parameters the device takes all 16 bytes.
    let at_locate = Expected {
        scsw: "00C04017 00001010 0E000000",
        given: &[0x63],
        at: LOCATE,
        bits: (2, 7),
        ..at_write
    };
    for operation in ["01", "03", "83"] {
        refused(&program(operation, "05"), &at_locate);
    }
    // Reading is free, and so is writing on a volume that may be written.
    passes(&program("4C", "DE"), &[0x63, 0x47, 0xde]);
    // A fixed-block disk is refused when it is told what comes.
    let blocks = CommandPolicy::read_only(DeviceClass::Fba);
    let write = fba(&format!(
        "{} 41000200 00003000",
        FIND.replace("47400010", "43400008")
    ));
    let write = write.put(LOCATE, "01000001 00000003");
    passes(&write, &[0x63, 0x43, 0x41]);
    let at_locate = Expected {
        sense: INHIBITED,
        bits: (0, 7),
        ..at_locate
    };
    refused(&write.commands(blocks), &at_locate);
}

#[test]
fn p03_policy_extent() {
    let expected = |scsw, given, at, bits| Expected {
        code: Code::PolicyExtent,
        scsw,
        sense: PROTECTED,
        given,
        at,
        bits,
    };
    // DEFINE EXTENT: from before the first track, to behind the last one, wholly elsewhere.
    let read = format!("{FIND} DE204000 00003000");
    for (extent, at) in [
        ("C0C00000 00000000 0000000E 00020004", 0x2008),
        ("C0C00000 00000000 00010000 00020005", 0x200c),
        ("C0C00000 00000000 00030000 00030000", 0x2008),
        // Twelve bits of the halfword for the head belong to the cylinder: 65537.
        ("C0C00000 00000000 00010000 00010010", 0x200c),
    ] {
        let expected = expected("00C04017 00001008 0E000000", &[], at, (0, 31));
        refused(&ckd(&read).put(EXTENT, extent), &expected);
    }
    passes(&ckd(&read), &[0x63, 0x47, 0xde]);
    passes(
        &ckd(&read).put(EXTENT, "40C00000 00000000 00010000 00010000"),
        &[0x63, 0x47, 0xde],
    );
    // Of more bytes than the device takes, some are left.
    let longer = ckd("63400014 00002000").put(EXTENT, "C0C00000 00000000 00000000 00000000");
    refused(
        &longer,
        &expected("00C04017 00001008 0E400004", &[], 0x2008, (0, 31)),
    );
    // LOCATE RECORD.
    let behind = ckd(&read).put(LOCATE, "4C000001 00020005 00020005 00000000");
    refused(
        &behind,
        &expected("00C04017 00001010 0E000000", &[0x63], 0x2014, (0, 31)),
    );
    // SEEK, and the head alone.
    let seek = ckd("07400006 00002030 1A200005 00003000");
    passes(&seek, &[0x07, 0x1a]);
    let elsewhere = seek.put(SEEK, "00000000 000E");
    refused(
        &elsewhere,
        &expected("00C04017 00001008 0E000000", &[], 0x2032, (0, 31)),
    );
    let head = ckd("07400006 00002030 1B400006 00002038 1A200005 00003000");
    let head = head.put(SEEK, "00000002 0000").put(0x2038, "00000000 0004");
    passes(&head, &[0x07, 0x1b, 0x1a]);
    let head = head.put(0x2038, "00000000 0005");
    refused(
        &head,
        &expected("00C04017 00001010 0E000000", &[0x07], 0x203c, (0, 15)),
    );
    // Commands that lead to the first track of the volume.
    let ipl = expected("00C04017 00001008 0E000018", &[], 0x1000, (0, 7));
    refused(&ckd("02200018 00003000"), &ipl);
    refused(&ckd("13200018 00003000"), &ipl);
    // PREFIX has both in one; where its own CCW names no such byte, by data chaining, the CCW does.
    let prefix = "01800000 00000000 00000000 C0C00000 00000000 00010000 00020004 \
        00000000 00000000 00000000 00000000 4C000001 00010000 00010000 00000000 00000000";
    let program = ckd("E7400040 00004000 DE204000 00003000").put(0x4000, prefix);
    passes(&program, &[0xe7, 0xde]);
    let behind = program.clone().put(0x4018, "00020005");
    refused(
        &behind,
        &expected("00C04017 00001008 0E000000", &[], 0x4018, (0, 31)),
    );
    let behind = program.put(0x4030, "00030000");
    refused(
        &behind,
        &expected("00C04017 00001008 0E000000", &[], 0x4030, (0, 31)),
    );
    // Blocks: what the program calls them does not matter, but where they lie.
    let read = fba(&format!(
        "{} 42200200 00003000",
        FIND.replace("47400010", "43400008")
    ));
    passes(&read, &[0x63, 0x43, 0x42]);
    for (extent, at) in [
        ("C0000000 00000014 00000000 0000000A", 0x200c),
        ("C0000000 00000009 00000000 00000009", 0x2004),
        ("C0000000 0000000A 00000005 FFFFFFFF", 0x200c),
        ("C0000000 0000000A 00000005 00000004", 0x200c),
    ] {
        let expected = expected("00C04017 00001008 0E000000", &[], at, (0, 31));
        refused(&read.clone().put(EXTENT, extent), &expected);
    }
}

#[test]
fn p04_policy_unconfined() {
    let expected = |scsw, given, at| Expected {
        code: Code::PolicyUnconfined,
        scsw,
        sense: PROTECTED,
        given,
        at,
        bits: (0, 7),
    };
    // Wherever the disk stands.
    refused(
        &ckd("1A200005 00003000"),
        &expected("00C04017 00001008 0E000005", &[], 0x1000),
    );
    // With an extent, but still wherever it stands.
    let extent = ckd("63400010 00002000 1A200005 00003000");
    refused(
        &extent,
        &expected("00C04017 00001010 0E000005", &[0x63], 0x1008),
    );
    // A location without an extent; the head of a cylinder that is not known.
    refused(
        &ckd("47200010 00002010"),
        &expected("00C04017 00001008 0E000000", &[], 0x1000),
    );
    refused(
        &ckd("1B200006 00002030"),
        &expected("00C04017 00001008 0E000006", &[], 0x1000),
    );
    // Nor does an extent say in which cylinder the disk stands.
    let head = ckd("63400010 00002000 1B200006 00002038").put(0x2038, "00000000 0001");
    refused(
        &head,
        &expected("00C04017 00001010 0E000006", &[0x63], 0x1008),
    );
    // From track to track: to the end of cylinder 1, which is all the guest's, but not of cylinder 2.
    let tracks = ckd("07400006 00002030 9A200005 00003000");
    passes(&tracks, &[0x07, 0x9a]);
    let tracks = tracks.put(SEEK, "00000002 0000");
    refused(
        &tracks,
        &expected("00C04017 00001010 0E000005", &[0x07], 0x1008),
    );
    // With an extent in force when it goes there, the device sees to that.
    let held = ckd("63400010 00002000 07400006 00002030 9A200005 00003000");
    passes(
        &held.clone().put(SEEK, "00000002 0000"),
        &[0x63, 0x07, 0x9a],
    );
    // But not if the extent comes later, which may be another one.
    let later = ckd("07400006 00002030 63400010 00002000 9A200005 00003000");
    let later = later.put(SEEK, "00000002 0000");
    refused(
        &later,
        &expected("00C04017 00001018 0E000005", &[0x07, 0x63], 0x1010),
    );
    // Nor if READ IPL comes between them.
    let tracks = Tracks::new(Track::new(0, 0), Track::new(2, 4)).expect("in this order");
    let from_0 = CommandPolicy::read_write(tracks);
    let loads = ckd("63400010 00002000 02700018 00000000 07400006 00002030 9A200005 00003000");
    let loads = loads.commands(from_0).put(SEEK, "00000002 0000");
    let error = |program: &GuestProgram| {
        let verdict = program.judge();
        let mut errors = verdict.findings().iter();
        let found = errors.find(|f| f.severity == Severity::Error);
        found.map(|f| (f.code, f.site.ccw.map(|at| at.get())))
    };
    assert_eq!(error(&loads), Some((Code::PolicyUnconfined, Some(0x1018))));
    assert_eq!(error(&loads.put(SEEK, "00000001 0000")), None);
    // Where two ways meet, only what holds on both is known: here it comes back in cylinder 2.
    let meets = ckd("07400006 00002030 9A600005 00003000 07400006 00002038 08000000 00001008");
    let meets = meets.put(0x2038, "00000002 0000");
    refused(
        &meets,
        &expected("00C04017 00001010 0E000005", &[0x07], 0x1008),
    );
    // Blocks.
    let read = fba("43400008 00002010 42200200 00003000");
    refused(&read, &expected("00C04017 00001008 0E000000", &[], 0x1000));
    let read = fba("63400010 00002000 42200200 00003000");
    refused(
        &read,
        &expected("00C04017 00001010 0E000200", &[0x63], 0x1008),
    );
}

#[test]
fn p05_policy_parameters() {
    let expected = |scsw, given, at, bits| Expected {
        code: Code::PolicyParameters,
        scsw,
        sense: PARAMETER,
        given,
        at,
        bits,
    };
    let extent = |bytes| ckd("63400010 00002000").put(EXTENT, bytes);
    let first = |at, bits| expected("00C04017 00001008 0E000000", &[][..], at, bits);
    // Authorization to go anywhere; the mode in which parameters mean something else.
    refused(&extent("C2"), &first(0x2000, (5, 6)));
    refused(&extent("C4"), &first(0x2000, (5, 6)));
    refused(&extent("C000"), &first(0x2001, (0, 1)));
    refused(
        &ckd("1F200001 00002000").put(EXTENT, "02"),
        &first(0x2000, (5, 6)),
    );
    // Operations that are not known, or go beyond an extent.
    let locate = |bytes| ckd(FIND).put(LOCATE, bytes);
    let second = |at, bits| expected("00C04017 00001010 0E000000", &[0x63][..], at, bits);
    refused(&locate("02"), &second(0x2010, (2, 7)));
    refused(&locate("3F"), &second(0x2010, (2, 7)));
    let extended = ckd("63400010 00002000 4B000014 00004000");
    let read_tracks = "4C000001 00010000 00010000 00000000 00000000";
    passes(&extended.clone().put(0x4000, read_tracks), &[0x63, 0x4b]);
    let prestage = extended.put(0x4000, "3F000001 00010000 00010000 00000000 00100000");
    refused(&prestage, &second(0x4011, (0, 7)));
    // The order of PERFORM SUBSYSTEM FUNCTION; the bit of PREFIX that leads to another volume, and a
    // format of which nothing is known.
    passes(&ckd("2720000C 00004000").put(0x4000, "18"), &[0x27]);
    let order = ckd("2720000C 00004000").put(0x4000, "1D");
    refused(
        &order,
        &expected("00C04017 00001008 0E00000A", &[], 0x4000, (0, 7)),
    );
    let prefix = ckd("E7200040 00004000");
    refused(
        &prefix.clone().put(0x4000, "0090"),
        &expected("00C04017 00001008 0E000014", &[], 0x4001, (3, 7)),
    );
    refused(
        &prefix.put(0x4000, "0280"),
        &expected("00C04017 00001008 0E000034", &[], 0x4000, (0, 7)),
    );
    // Too few bytes, and too many.
    let whole = |count| expected(count, &[][..], 0x1000, (0, 7));
    refused(
        &ckd("6320000F 00002000"),
        &whole("00C04017 00001008 0E000000"),
    );
    refused(
        &ckd("63200000 00002000"),
        &whole("00C04017 00001008 0E000000"),
    );
    refused(
        &ckd("63200101 00002000"),
        &whole("00C04017 00001008 0E0000F1"),
    );
    passes(&ckd("63200100 00002000"), &[0x63]);
    // A fixed-block disk's.
    let blocks = |bytes| fba("63400010 00002000").put(EXTENT, bytes);
    let fba_first = |at, bits| Expected {
        sense: [0x80, 0, 0],
        ..first(at, bits)
    };
    refused(&blocks("C8"), &fba_first(0x2000, (2, 7)));
}
