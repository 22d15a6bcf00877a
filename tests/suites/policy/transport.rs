// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands of transport mode: the rules for CCWs hold for them, on a host that has the mode and on
//! one that has not.

use ccw::{DeviceClass, HostAddr};
use ccw_kit::program::{GuestProgram, hex};
use translator::{Code, CommandPolicy, HostProfile, Outcome, Severity};

use crate::minidisk;
use crate::run::{COPIES, Ended, disk, run};

/// DEFINE EXTENT for 1.0 to 2.4 with its parameters, chained.
const EXTENT: &str = "63400010 00000000 C0C00000 00000000 00010000 00020004";
/// LOCATE RECORD on track 1.0, reading one track, the same.
const LOCATE: &str = "47400010 00000000 4C000001 00010000 00010000 00000000";
/// SEEK to track 1.0.
const SEEK: &str = "07400006 00000000 00000001 00000000";
/// READ HOME ADDRESS.
const HOME: &str = "1A000000 00000005";
const UNIT_CHECK: &str = "00104017 00001000 0E000100";
const HOSTS: [HostProfile; 2] = [HostProfile::SOFTWARE, HostProfile::VFIO_CCW];

/// These commands with `count` bytes of data at 5000, which are input, or output.
fn program(direction: u8, commands: &[&str], count: u32) -> GuestProgram {
    let commands = commands.join(" ");
    let length = hex(&commands).len() + 4;
    let (written, read) = if direction == 1 {
        (count, 0)
    } else {
        (0, count)
    };
    let tcw = format!(
        "00000000 00{:02X}0000 00000000 00005000 00000000 00005000 00000000 00002100
         00000000 00002200 {written:08X} {read:08X} 00000000 00000000 00000000 00000000",
        length | usize::from(direction)
    );
    GuestProgram::transport(&tcw, &commands, count)
        .device(DeviceClass::Eckd)
        .commands(minidisk())
}

fn read(commands: &[&str], count: u32) -> GuestProgram {
    program(2, commands, count)
}

fn tsb(ended: &Ended) -> Vec<u8> {
    let tsb = ended.tsb.expect("a TSB");
    assert_eq!(tsb.at.get(), 0x2100);
    tsb.bytes.0.to_vec()
}

/// `code` refuses the command at `offset`; the disk is given those before, and the TSB has these words
/// and sense bytes 0, 1 and 7.
#[track_caller]
fn refused(program: &GuestProgram, code: Code, given: &[u8], head: &str, sense: [u8; 3]) {
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Invalid);
    let mut errors = verdict.findings().iter();
    let error = errors.find(|finding| finding.severity == Severity::Error);
    assert_eq!(error.map(|finding| finding.code), Some(code));
    assert_eq!(
        verdict.scsw().map(|it| it.encode().0.to_vec()),
        Some(hex(UNIT_CHECK))
    );
    for host in HOSTS {
        let ended = run(program, &host, disk(), &[]);
        assert_eq!(ended.given, given, "{}", host.name);
        assert_eq!(
            ended.irb.scsw.encode().0[..],
            hex(UNIT_CHECK),
            "{}",
            host.name
        );
        assert_eq!(ended.refused, Some(code));
        // The sense bytes are in the TSB, and nowhere else.
        assert_eq!(ended.irb.concurrent_sense(), None);
        assert_eq!(ended.irb.ecw, [0; 32]);
        let tsb = tsb(&ended);
        assert_eq!(tsb[..8], hex(head), "{}", host.name);
        assert_eq!(tsb[8..32], [0; 24]);
        assert_eq!([tsb[32], tsb[33], tsb[39]], sense, "{}", host.name);
    }
}

#[test]
fn what_stays_inside_is_carried_out() {
    let program = read(&[EXTENT, SEEK, HOME], 5);
    assert_eq!(program.judge().outcome(), Outcome::Valid);
    for host in HOSTS {
        let ended = run(&program, &host, disk(), &[]);
        let scsw = hex("00104007 00001000 0C000100");
        assert_eq!(ended.irb.scsw.encode().0[..], scsw, "{}", host.name);
        assert_eq!(ended.given, [0x63, 0x07, 0x1a], "{}", host.name);
    }
}

/// The parameters that the disk is given are those that were judged.
#[test]
fn the_device_is_given_what_was_judged() {
    let program = read(&[EXTENT, SEEK, HOME], 5);
    let later = [(0x2228, "07400006 00000000 00000003 00000000")];
    for host in HOSTS {
        let ended = run(&program, &host, disk(), &later);
        let storage = ended.storage.expect("it ran");
        let home = storage.read(HostAddr::new(0x5000 + crate::run::OFFSET), 5);
        assert_eq!(home, [0, 0, 1, 0, 0], "{}", host.name);
    }
}

#[test]
fn a_command_that_is_not_allowed() {
    // DIAGNOSTIC CONTROL, behind the extent.
    let program = read(&[EXTENT, "F3400000 00000000", HOME], 5);
    refused(
        &program,
        Code::PolicyCommand,
        &[0x63],
        "40C10018 00000000",
        [0x80, 0, 1],
    );
}

#[test]
fn a_write_to_a_volume_for_reading() {
    let write = program(1, &[EXTENT, "05000000 00001000"], 0x1000)
        .commands(CommandPolicy::read_only(DeviceClass::Eckd));
    refused(
        &write,
        Code::PolicyReadOnly,
        &[0x63],
        "40C10018 00001000",
        [0x80, 0x02, 0],
    );
}

#[test]
fn a_place_outside() {
    let elsewhere = "63400010 00000000 C0C00000 00000000 00010000 0003000E";
    let program = read(&[elsewhere, LOCATE, HOME], 5);
    refused(
        &program,
        Code::PolicyExtent,
        &[],
        "40C10000 00000000",
        [0, 0x04, 0],
    );
    let verdict = program.judge();
    let site = verdict.findings()[0].site;
    // The end of the extent, among the parameters.
    assert_eq!(
        (site.index, site.at.map(|at| at.get())),
        (Some(0), Some(0x2224))
    );
    assert_eq!(
        (site.word.as_bytes(), site.bits),
        (&hex("0003000E")[..], Some((0, 31)))
    );
    let elsewhere = "47400010 00000000 4C000001 00030000 00030000 00000000";
    let program = read(&[EXTENT, elsewhere, HOME], 5);
    refused(
        &program,
        Code::PolicyExtent,
        &[0x63],
        "40C10018 00000000",
        [0, 0x04, 0],
    );
}

#[test]
fn a_track_that_nothing_leads_to() {
    let program = read(&[EXTENT, HOME], 5);
    refused(
        &program,
        Code::PolicyUnconfined,
        &[0x63],
        "40C10018 00000005",
        [0, 0x04, 0],
    );
}

/// What is not understood is not given to the device.
#[test]
fn what_cannot_be_judged() {
    let short = "6340000F 00000000 C0C00000 00000000 00010000 00020000";
    let by_data = "63000000 00000010";
    let both = "63000010 00000010 C0C00000 00000000 00010000 00020004";
    for (program, head) in [
        // Parameters that are too short, that are data, that go on as data.
        (read(&[short, LOCATE, HOME], 5), "40C10000 00000000"),
        (program(1, &[by_data], 16), "40C10000 00000010"),
        (program(1, &[both], 16), "40C10000 00000010"),
        // Control data of a command that reads; a bit without meaning; commands among the data.
        (
            read(&["1A000004 00000005 01020304"], 5),
            "40C10000 00000005",
        ),
        (read(&["1A800000 00000005"], 5), "40C10000 00000005"),
        (read(&["1A000100 00000005"], 5), "40C10000 00000005"),
        (program(1, &["50000000 00000000"], 16), "40C10000 00000000"),
        // Another program than one of device I/O; bits of the header without meaning.
        (
            read(&[HOME], 5).put(0x2208, "1FFF0000"),
            "40C10000 00000005",
        ),
        (
            read(&[HOME], 5).put(0x2208, "1FFE0100"),
            "40C10000 00000005",
        ),
        (
            read(&[HOME], 5).put(0x220c, "00000001"),
            "40C10000 00000005",
        ),
    ] {
        refused(&program, Code::PolicyParameters, &[], head, [0x80, 0, 0x04]);
    }
}

/// Not even to whoever may do nearly everything.
#[test]
fn commands_among_the_data() {
    let nearly = CommandPolicy::everything(DeviceClass::Eckd).deny(ccw::Command(0xf3));
    let program = program(1, &["50000000 00000000"], 16).commands(nearly);
    refused(
        &program,
        Code::PolicyParameters,
        &[],
        "40C10000 00000000",
        [0x80, 0, 0x04],
    );
}

/// The host's TCCB ends where the command stands that is refused.
#[test]
fn the_host_is_not_shown_what_is_refused() {
    let program = read(&[EXTENT, "F3400004 00000000 A1A2A3A4", HOME], 5);
    let ended = run(&program, &HostProfile::SOFTWARE, disk(), &[]);
    let storage = ended.storage.expect("it ran");
    // Behind 64 bytes for the TSB.
    let tccb = storage.read(HostAddr::new(COPIES + 0x40), 48);
    let head = "7F000000 00000024 1FFE0000 00000000";
    let trailer = "00000000 0000000C";
    assert_eq!(tccb, hex(&format!("{head} {EXTENT} {trailer}")));
}

/// Whatever a device would make of its counts: data of another direction than those of the TCW.
#[test]
fn a_refused_command_with_wrong_counts() {
    let program = read(&[EXTENT, "F3000000 00000010"], 5);
    refused(
        &program,
        Code::PolicyCommand,
        &[0x63],
        "40C10018 00000010",
        [0x80, 0, 1],
    );
}

/// Where the device ends the program before, its commands end there as well: it is not relied upon to look at
/// nothing behind.
#[test]
fn the_host_is_not_shown_what_the_device_should_not_come_to() {
    let seek = format!("{EXTENT} {SEEK}");
    // More data than those of the TCW, and a command that is refused; parameters behind the end.
    let counts = "1A400000 00000006";
    for (behind, shown, reason) in [
        (&[counts, "F3000000 00000000"][..], counts, 7),
        (&["F3000020 00000000"], "", 5),
    ] {
        let program = read(&[&[EXTENT, SEEK], behind].concat(), 5);
        let ended = run(&program, &HostProfile::SOFTWARE, disk(), &[]);
        assert_eq!(ended.given, [0x63, 0x07]);
        let storage = ended.storage.expect("it ran");
        let commands = hex(&format!("{seek} {shown}"));
        let size = commands.len();
        let tccb = storage.read(HostAddr::new(COPIES + 0x40), 24 + size);
        let head = format!("7F000000 000000{:02X} 1FFE0000 00000000", size + 12);
        let trailer = "00000000 0000000C";
        assert_eq!(tccb[..16], hex(&head));
        assert_eq!(tccb[16..16 + size], commands);
        assert_eq!(tccb[16 + size..], hex(trailer));
        // As the device tells it.
        let scsw = hex("00104017 00001000 0C200100");
        assert_eq!(ended.irb.scsw.encode().0[..], scsw);
        assert_eq!(ended.tsb, None);
        let tsb = storage.read(HostAddr::new(COPIES), 16);
        assert_eq!((&tsb[..4], tsb[15]), (&hex("20820028")[..], reason));
    }
}
