// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Command policies: each condition by name, with the status that the guest sees, and what the device
//! did before and does not do behind it.

use ccw::{DeviceClass, HostAddr, Irb};
use css::device::eckd::Eckd;
use css::device::fba::{Fba, Model};
use css::{Config, Device, Progress, Ram, Subchannel};
use pinning::{Budget, PlainPinner};
use tests::program::{GuestProgram, hex};
use translator::{
    Area, Blocks, Buffers, Code, CommandPolicy, Guards, HostProfile, Outcome, Planned, Policy,
    Response, Severity, Slot, Track, Tracks, fetch, validate,
};

/// How much higher guest storage lies on the host.
const OFFSET: u64 = 1 << 33;
const CCWS: u64 = 0x10_0000;
const LISTS: u64 = 0x20_0000;
const COPIES: u64 = 0x28_0000;
const SCRATCH: u64 = 0x30_0000;

/// Where the parameters of these programs lie.
const EXTENT: u64 = 0x2000;
const LOCATE: u64 = 0x2010;
const SEEK: u64 = 0x2030;

/// DEFINE EXTENT and LOCATE RECORD, chained, before whatever comes.
const FIND: &str = "63400010 00002000 47400010 00002010";

/// What became of a program.
struct Ended {
    irb: Irb<ccw::Guest>,
    refused: Option<Code>,
    /// Command codes that the device was given.
    given: Vec<u8>,
    /// Host storage, if the program ran.
    storage: Option<Ram<ccw::Host>>,
}

/// A device that notes which commands it is given.
struct Noting<D> {
    device: D,
    given: Vec<u8>,
}

impl<D: Device> Device for Noting<D> {
    fn execute(&mut self, command: ccw::Command, transfer: &mut dyn css::Transfer) -> css::Reply {
        self.given.push(command.0);
        self.device.execute(command, transfer)
    }
    fn begin(&mut self) {
        self.device.begin();
    }
    fn take_sense(&mut self) -> css::device::Sense {
        self.device.take_sense()
    }
}

/// Translates the program for `profile`, and runs it on `device`, with guest storage changed to
/// `later` once it is translated.
fn run(
    program: &GuestProgram,
    profile: &HostProfile,
    device: impl Device,
    later: &[(u64, &str)],
) -> Ended {
    let pinner = PlainPinner::new(program.map(OFFSET), Budget::default());
    let program = program.clone().without_remarks();
    let plan = match program.judge_with(pinner.regions()).plan(profile) {
        Ok(Planned::Run(plan)) => plan,
        Ok(Planned::Ended(ended)) => {
            return Ended {
                irb: *ended.irb(),
                refused: ended.refused(),
                given: Vec::new(),
                storage: None,
            };
        }
        Ok(Planned::Arrived(_)) => panic!("nothing here runs in segments"),
        Err(rejected) => panic!("{rejected}"),
    };
    let area = |at, bytes| Area::new(HostAddr::new(at), bytes).expect("below 2 GiB");
    let [mut ccws, mut lists, mut copies] = [(); 3].map(|()| vec![0xff; 0x8000]);
    let slot = Slot::new(
        area(CCWS, &mut ccws),
        area(LISTS, &mut lists),
        HostAddr::new(SCRATCH),
    )
    .and_then(|slot| slot.with_copies(area(COPIES, &mut copies)))
    .expect("a slot");
    let translated = plan.pin(&pinner).expect("pins").emit(slot).expect("room");
    let mut storage = Ram::<ccw::Host>::new(1 << 36);
    for (at, page) in program.ram().touched() {
        storage.write(HostAddr::new(at.get() + OFFSET), page);
    }
    for (at, text) in later {
        storage.write(HostAddr::new(at + OFFSET), &hex(text));
    }
    for (at, bytes) in [(CCWS, ccws), (LISTS, lists), (COPIES, copies)] {
        storage.write(HostAddr::new(at), &bytes);
    }
    let mut device = Noting {
        device,
        given: Vec::new(),
    };
    let mut subchannel = Subchannel::<ccw::Host>::new(Config::default());
    subchannel
        .start_raw(&translated.orb().encode())
        .expect("condition code 0");
    let progress = subchannel.run(&mut storage, &mut device, 100_000);
    assert_eq!(progress, Progress::Pending);
    let completion = translated.complete(&subchannel.irb());
    assert!(
        !completion.unmapped && !completion.unexplained,
        "{completion:?}"
    );
    Ended {
        irb: completion.irb,
        refused: completion.refused,
        given: device.given,
        storage: Some(storage),
    }
}

/// A volume of four cylinders.
fn disk() -> Eckd<Vec<u8>> {
    Eckd::format(Vec::new(), 4).expect("a volume")
}

fn blocks() -> Fba<Vec<u8>> {
    Fba::new(Model::Fba9336, vec![0; 512 * 100])
}

/// Cylinder 1 and the first five tracks of cylinder 2.
fn minidisk() -> CommandPolicy {
    let tracks = Tracks::new(Track::new(1, 0), Track::new(2, 4)).expect("in this order");
    CommandPolicy::read_write(DeviceClass::Eckd).with_tracks(tracks)
}

/// For a disk, with the extent 1.0 to 2.4, and a location on track 1.0 that reads one track.
fn ckd(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
        .device(DeviceClass::Eckd)
        .commands(minidisk())
        .put(EXTENT, "C0C00000 00000000 00010000 00020004")
        .put(LOCATE, "4C000001 00010000 00010000 00000000")
        .put(SEEK, "00000001 0000")
}

/// For a fixed-block disk of which blocks 10 to 29 are the guest's; extent 20 to 29.
fn fba(ccws: &str) -> GuestProgram {
    let blocks = Blocks::new(10, 29).expect("in this order");
    GuestProgram::format1(ccws)
        .device(DeviceClass::Fba)
        .commands(CommandPolicy::read_write(DeviceClass::Fba).with_blocks(blocks))
        .put(EXTENT, "C0000000 00000014 00000000 00000009")
        .put(LOCATE, "06000001 00000003")
}

/// What a refusal is expected to be.
struct Expected<'a> {
    code: Code,
    /// SCSW, with the E bit zero.
    scsw: &'a str,
    /// Sense bytes 0, 1 and 7.
    sense: [u8; 3],
    /// Commands that the device was given before.
    given: &'a [u8],
    /// Where the deciding word stands, and its bits.
    at: u64,
    bits: (u8, u8),
}

/// The program is refused so: the verdict says it, and both kinds of host carry it out.
#[track_caller]
fn refused(program: &GuestProgram, expected: &Expected<'_>) {
    let verdict = program.judge();
    let told = format!("{:?}", verdict.findings());
    assert_eq!(verdict.outcome(), Outcome::Invalid, "{told}");
    let finding = verdict
        .findings()
        .iter()
        .find(|f| f.severity == Severity::Error);
    let finding = finding.expect("an error");
    assert_eq!(finding.code, expected.code, "{told}");
    assert_eq!(
        finding.site.at.map(|at| at.get()),
        Some(expected.at),
        "{told}"
    );
    assert_eq!(finding.site.bits, Some(expected.bits), "{told}");
    let mut scsw = hex(expected.scsw);
    assert_eq!(verdict.scsw().expect("a status").encode().0[..], scsw);
    // What is shown to a subchannel with concurrent sense.
    scsw[1] |= 0x02;
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = match program.policy_used().device {
            DeviceClass::Fba => run(program, profile, blocks(), &[]),
            _ => run(program, profile, disk(), &[]),
        };
        assert_eq!(ended.irb.scsw.encode().0[..], scsw, "{}", profile.name);
        let ecw = ended.irb.ecw;
        assert_eq!([ecw[0], ecw[1], ecw[7]], expected.sense, "{}", profile.name);
        assert_eq!(ended.refused, Some(expected.code));
        assert_eq!(ended.given, expected.given, "{}", profile.name);
        let sense = ended.irb.esw.erw().concurrent_sense;
        let len = if program.policy_used().device == DeviceClass::Fba {
            24
        } else {
            32
        };
        assert_eq!(sense, Some(len));
    }
}

/// The program runs to its end, and the device is given all of it.
#[track_caller]
fn passes(program: &GuestProgram, given: &[u8]) {
    let verdict = program.judge();
    assert_eq!(
        verdict.outcome(),
        Outcome::Valid,
        "{:?}",
        verdict.findings()
    );
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = match program.policy_used().device {
            DeviceClass::Fba => run(program, profile, blocks(), &[]),
            _ => run(program, profile, disk(), &[]),
        };
        assert_eq!(ended.irb.scsw.device.bits() & 0x02, 0, "{:?}", ended.irb);
        assert_eq!(ended.refused, None);
        assert_eq!(ended.given, given, "{}", profile.name);
    }
}

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
    let from_0 = CommandPolicy::read_write(DeviceClass::Eckd).with_tracks(tracks);
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

/// What READ HOME ADDRESS brings to 3000.
fn home_address(ended: &Ended) -> Vec<u8> {
    let storage = ended.storage.as_ref().expect("it ran");
    storage.read(HostAddr::new(0x3000 + OFFSET), 5)
}

#[test]
fn the_device_is_given_what_was_judged() {
    let program = ckd("63400010 00002000 07400006 00002030 1A200005 00003000");
    let later = [
        (EXTENT, "C0C00000 00000000 00000000 0003000E"),
        (SEEK, "00000003 0000"),
    ];
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = run(&program, profile, disk(), &later);
        assert_eq!(
            ended.irb.scsw.encode().0[..],
            hex("00C04007 00001018 0C000000")
        );
        assert_eq!(home_address(&ended), [0, 0, 1, 0, 0]);
    }
}

#[test]
fn parameters_come_from_wherever_they_lie() {
    let outside = |program: GuestProgram, at, bytes: &str| {
        let verdict = program.put(at, bytes).judge();
        let code = verdict
            .findings()
            .iter()
            .find(|f| f.severity == Severity::Error);
        assert_eq!(
            code.map(|f| f.code),
            Some(Code::PolicyExtent),
            "{:?}",
            verdict.findings()
        );
    };
    // By a list: bytes 0 to 3 at the end of a block, the others in another one.
    let listed = ckd("07440006 00004000 1A200005 00003000");
    let listed = listed.put(0x4000, "00000000 00005FFC 00000000 00008000");
    let listed = listed.put(0x5ffc, "00000001").put(0x8000, "0000");
    // By data chaining, over a TIC.
    let chained = ckd("07800003 00004000 08000000 00001018").put(0x4000, "000000");
    let chained = chained
        .put(0x1018, "00400003 00005000 1A200005 00003000")
        .put(0x5000, "010000");
    // By a list of MIDAWs.
    let midal = ckd("07410006 00004000 1A200005 00003000").with(ccw::orb::word1::MIDAW);
    let midal = midal.put(
        0x4000,
        "00000000 00000002 00000000 00005000 00000000 00800004 00000000 00006000",
    );
    let midal = midal.put(0x5000, "0000").put(0x6000, "00010000");
    for (program, at, elsewhere) in [
        (listed, 0x5ffe, "0000"),
        (chained, 0x5000, "00"),
        (midal, 0x6000, "0003"),
    ] {
        passes(&program, &[0x07, 0x1a]);
        for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
            let ended = run(&program, profile, disk(), &[(at, elsewhere)]);
            assert_eq!(home_address(&ended), [0, 0, 1, 0, 0], "{}", profile.name);
        }
        outside(program, at, elsewhere);
    }
}

#[test]
fn an_extent_in_two_parts_skips_nothing() {
    let program = ckd("63C00008 00002000 00400008 00002008 47400010 00002010 DE204000 00003000");
    passes(&program, &[0x63, 0x47, 0xde]);
}

#[test]
fn storage_that_is_not_there_comes_first() {
    // The last two bytes of SEEK's parameters, behind the end of storage: the device is given none.
    let program = ckd("07400006 000FFFFC 1A200005 00003000").put(0xf_fffc, "00000000");
    let verdict = program.judge();
    assert_eq!(verdict.findings()[0].code, Code::DataUnavail);
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = run(&program, profile, disk(), &[]);
        assert_eq!(ended.irb.scsw.subchannel.bits(), 0x20);
        assert_eq!(ended.irb.scsw.cpa, 0x1008);
        assert_eq!(ended.refused, None);
    }
    // Protected: no byte of what the program may not read is judged, or given to the device.
    let key3 = ckd("07400006 00004000 1A200005 00003000").with(0x3000_0000);
    let key3 = key3
        .storage_key(0x1000, 3, false)
        .storage_key(0x3000, 3, false)
        .storage_key(0x4000, 4, true);
    let verdict = key3.put(0x4000, "00000003 0000").judge();
    let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::DataProtFetch]);
    // Behind what the device takes it does not matter to the judgement.
    let long = ckd("07200008 000FFFFA").put(0xf_fffa, "00000003 0000");
    assert_eq!(long.judge().findings()[0].code, Code::PolicyExtent);
}

#[test]
fn what_only_a_skip_leads_to_is_not_certain() {
    // SEARCH ID; TIC back to it; behind it WRITE HOME ADDRESS.
    let program = ckd("07400006 00002030 31400005 00002032 08000000 00001008 19200005 00003000");
    let verdict = program.judge();
    assert_eq!(
        verdict.outcome(),
        Outcome::Valid,
        "{:?}",
        verdict.findings()
    );
    let found = verdict
        .findings()
        .iter()
        .find(|f| f.code == Code::PolicyCommand);
    assert_eq!(found.map(|f| f.severity), Some(Severity::Warning));
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        // Record 0 is there: 0001 0000 00.
        let ended = run(
            &program.clone().put(SEEK, "00000001 000000"),
            profile,
            disk(),
            &[],
        );
        assert_eq!(ended.given, [0x07, 0x31]);
        assert_eq!(ended.refused, Some(Code::PolicyCommand));
        assert_eq!(
            ended.irb.scsw.encode().0[..],
            hex("00C24017 00001020 0E000005")
        );
        // And record 9 is not.
        let ended = run(
            &program.clone().put(SEEK, "00000001 000009"),
            profile,
            disk(),
            &[],
        );
        assert_eq!(ended.refused, None);
    }
}

#[test]
fn parameters_that_the_program_reads_in_are_not_those_that_were_judged() {
    let program = ckd("63400010 00002000 07400006 00002030 1A600004 00002033 07200006 00002030");
    let verdict = program.judge();
    assert_eq!(verdict.outcome(), Outcome::Indeterminate);
    let found = verdict
        .findings()
        .iter()
        .find(|f| f.code == Code::EnvOverlap);
    assert_eq!(
        found.and_then(|f| f.site.ccw).map(|at| at.get()),
        Some(0x1018)
    );
    let refuses = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    let rejected = program.policy(refuses).judge().plan(&HostProfile::SOFTWARE);
    assert_eq!(
        rejected.expect_err("a refusal").finding.code,
        Code::EnvOverlap
    );
}

#[test]
fn parameters_that_are_parts_of_two_commands_are_of_neither() {
    // Two SEEKs whose data chains go on in the same CCW.
    let program = ckd("07800004 00002030 08000000 00001020 07800004 00004000 08000000 00001020");
    let program = program.put(0x1020, "00600002 00005000 08000000 00001010");
    let verdict = program.judge();
    let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
    assert!(codes.contains(&Code::PolicyParameters), "{codes:?}");
}

#[test]
fn a_data_chain_that_only_jumps_ends() {
    for tics in ["08000000 00001008", "08000000 00001010 08000000 00001008"] {
        let program = ckd(&format!("07800003 00002030 {tics}"));
        let verdict = program.judge();
        assert_eq!(
            verdict.outcome(),
            Outcome::Invalid,
            "{:?}",
            verdict.findings()
        );
    }
}

/// However often its own CCWs name the parameters of other commands, a command is given those that were
/// judged.
#[test]
fn parameters_that_go_round_in_a_data_chain_are_those_of_no_command() {
    let round = "07800001 00002030 08000000 00001000";
    let codes: Vec<Code> = ckd(round)
        .judge()
        .findings()
        .iter()
        .map(|f| f.code)
        .collect();
    assert!(codes.contains(&Code::PolicyParameters), "{codes:?}");
    // SEARCH HOME ADDRESS passes over each of these.
    let mut ccws = String::from("07400006 00002030 ");
    let mut rounds = String::new();
    for n in 0..260 {
        let round = 0x8000 + 16 * n;
        ccws += &format!("39400004 00004000 08000000 {round:08X} 07600006 00002030 ");
        rounds += &format!("07800001 00002030 08000000 {round:08X} ");
    }
    ccws += "07400006 00005000 1A200005 00003000";
    let program = ckd("").put(0x1_0000, &ccws).cpa(0x1_0000);
    let program = program
        .put(0x8000, &rounds)
        .put(0x4000, "00010000")
        .put(0x5000, "00000001 0000");
    let later = [(0x5000, "00000003 0000")];
    let ended = run(&program, &HostProfile::SOFTWARE, disk(), &later);
    assert_eq!(home_address(&ended), [0, 0, 1, 0, 0]);
}

#[test]
fn transport_mode_is_not_offered_with_a_policy() {
    let mut policy = Policy::CHECK.for_device(DeviceClass::Eckd);
    policy.facilities.transport = true;
    let program = GuestProgram::format1("")
        .policy(policy)
        .commands(minidisk());
    let program = program.orb_word(1, 0x0004_8000);
    let rejected = program
        .judge()
        .plan(&HostProfile::SOFTWARE)
        .expect_err("a refusal");
    assert_eq!(rejected.finding.code, Code::EnvTransport);
    assert_eq!(rejected.response(), Response::OperandException);
}

#[test]
fn what_allows_everything_changes_nothing() {
    let everything = CommandPolicy::everything(DeviceClass::Eckd);
    assert!(everything.is_everything() && !minidisk().is_everything());
    let program = ckd("1A400005 00003000 B4200020 00003000").commands(everything);
    passes(&program, &[0x1a, 0xb4]);
}

/// Linux's programs for a 3390 and a 9336 are confined to their volumes by what they say themselves,
/// but for those that do something to the device.
#[test]
fn the_programs_of_linux_pass() {
    let cases = tests::corpus::load(&tests::corpus::own_programs()).expect("programs");
    let mut refused = std::collections::BTreeSet::new();
    let mut passed = 0;
    for case in cases
        .iter()
        .filter(|case| case.name.starts_with("linux61-"))
    {
        let class = case.device_class();
        let policy = CommandPolicy::read_write(class);
        let policy = match class {
            DeviceClass::Eckd => {
                policy.with_tracks(Tracks::new(Track::new(0, 0), Track::new(0x1_0000, 14)).unwrap())
            }
            DeviceClass::Fba => policy.with_blocks(Blocks::new(0, 999_999).unwrap()),
            _ => continue,
        };
        let storage = case.storage();
        let guards = Guards {
            commands: Some(&policy),
            ..Guards::default()
        };
        let read = Policy::CHECK.for_device(class);
        let snapshot = fetch(&case.orb(), &storage, &read, &guards, Buffers::new());
        let program = validate(snapshot, &storage.map(1 << 32), &guards);
        let policy = |f: &&translator::Finding| f.code.id().starts_with('P');
        match program.findings().iter().find(policy) {
            Some(finding) => {
                let command = finding.site.word.as_bytes()[0];
                refused.insert((finding.code.id(), command));
            }
            None => passed += 1,
        }
    }
    // Reserving, whatever it takes; the order by which the subsystem learns what the system can do.
    let expected = [("P01", 0x14), ("P01", 0xb4), ("P05", 0x1d)];
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), expected);
    assert!(passed >= 85, "{passed}");
}
