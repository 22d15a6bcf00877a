// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that may use a part of a volume, or only read it.

use std::sync::{Arc, Mutex};

use ccw::{DeviceClass, GuestAddr, RawIrb, RawOrb, SubsystemId};
use css::device::eckd::Eckd;
use translator::{CommandPolicy, Policy, Track, Tracks};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    DirtySink, Event, GuestRegion, Mediator, MediatorConfig, ShadowWindow, WindowConfig,
};
use vfio_ccw::{HostMemory, Source};

use crate::common::Cc0;

const PROGRAM: usize = 0x2000;
const SEEK: usize = 0x2800;
const DATA: usize = 0x3000;

/// The bytes that `text` spells.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|c| !c.is_ascii_whitespace()).collect();
    let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
    let pairs = digits.as_chunks::<2>().0;
    pairs
        .iter()
        .map(|&[a, b]| digit(a) << 4 | digit(b))
        .collect()
}

type Disk = SoftDevice<Eckd<Vec<u8>>, SoftSpace>;

#[derive(Default)]
struct Log(Mutex<Vec<(u64, u64)>>);

impl DirtySink for Log {
    fn dirty(&self, range: std::ops::Range<GuestAddr>) {
        let mut log = self.0.lock().unwrap();
        log.push((range.start.get(), range.end.get()));
    }
}

struct Guest {
    sch: Mediator<Disk>,
    ram: HostMemory,
    log: Arc<Log>,
    events: Vec<Event>,
}

/// A volume of four cylinders, of which the guest has cylinder 1, and may read it.
fn parts() -> (Disk, ShadowWindow, MediatorConfig, HostMemory, Arc<Log>) {
    let space = SoftSpace::new();
    let disk = Eckd::format(Vec::new(), 4).unwrap();
    let device = SoftDevice::new(disk, space.clone(), SoftConfig::default()).unwrap();
    let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
    let ram = HostMemory::anonymous(0x10_0000).unwrap();
    window
        .add(GuestRegion::new(GuestAddr::new(0), ram.clone()))
        .unwrap();
    let log = Arc::new(Log::default());
    let mut config = MediatorConfig::new(SubsystemId::new(0, 0).unwrap(), 0x0190);
    let tracks = Tracks::new(Track::new(1, 0), Track::new(1, 14)).unwrap();
    config.guest.policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    config.commands = Some(CommandPolicy::read_only(tracks));
    config.dirty = Some(log.clone());
    (device, window, config, ram, log)
}

impl Guest {
    /// Of four cylinders the guest has cylinder 1, and may read it.
    fn new(concurrent_sense: bool) -> Self {
        let (device, window, config, ram, log) = parts();
        let mut guest = Self {
            sch: Mediator::attach(device, window, config).unwrap(),
            ram,
            log,
            events: Vec::new(),
        };
        let mut schib = guest.sch.stsch(&mut guest.events);
        schib.0[5] |= 0x80;
        schib.0[27] = u8::from(concurrent_sense);
        assert_eq!(guest.sch.msch(&schib), Ok(Cc0));
        guest
    }

    /// Runs the program to its end, and tests the subchannel.
    fn run(&mut self, ccws: &str) -> RawIrb {
        self.run_with(0, ccws)
    }

    /// The same with these bits of ORB word 1.
    fn run_with(&mut self, bits: u32, ccws: &str) -> RawIrb {
        self.ram.write(PROGRAM, &hex(ccws)).unwrap();
        let orb = RawOrb::from_words([0, 0x00c2_8000 | bits, 0x2000]);
        self.events.clear();
        assert_eq!(self.sch.ssch(&orb, &mut self.events), Ok(Cc0));
        // Once for each part.
        for _ in 0..4 {
            self.sch.ready(Source::Io, &mut self.events);
        }
        assert!(
            matches!(self.events[..], [Event::Interrupt(_)]),
            "{:?}",
            self.events
        );
        let (code, irb) = self.sch.tsch(&mut self.events);
        assert_eq!(code, Cc0);
        irb.unwrap()
    }

    fn seek(&self, address: &str) {
        self.ram.write(SEEK, &hex(address)).unwrap();
    }

    fn data(&self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.ram.read(DATA, &mut bytes).unwrap();
        bytes
    }
}

/// SEEK, READ HOME ADDRESS to 3000.
const SEEK_AND_READ: &str = "07400006 00002800 1A200005 00003000";
/// The same behind a NO-OPERATION, so that the device is at work when it comes to the SEEK.
const LATE: &str = "03600001 00000000 07400006 00002800 1A200005 00003000";
/// SEEK, WRITE DATA.
const WRITE: &str = "07400006 00002800 05200010 00003000";
/// Basic SENSE, 32 bytes to 3000.
const SENSE: &str = "04000020 00003000";

/// File protected, and that these are 24 bytes and eight.
const PROTECTED: &str = "00040000 00000000 00000000 00000000 00000000 00000000 00000080 00000000";
/// Command reject, write inhibited.
const INHIBITED: &str = "80020000 00000000 00000000 00000000 00000000 00000000 00000080 00000000";

#[test]
fn what_is_the_guests_is_read() {
    let mut guest = Guest::new(true);
    guest.seek("00000001 0003");
    let irb = guest.run(SEEK_AND_READ);
    assert_eq!(irb.0[..12], hex("00C04007 00002010 0C000000"));
    assert_eq!(guest.data(5), [0, 0, 1, 0, 3]);
    assert_eq!(guest.sch.metrics().forbidden, 0);
}

#[test]
fn a_guest_with_concurrent_sense_is_told_at_once() {
    let mut guest = Guest::new(true);
    guest.seek("00000002 0000");
    for (program, scsw) in [
        // Without the device, and by it: E, and where the SEEK stands.
        (SEEK_AND_READ, "00C24017 00002008 0E000000"),
        (LATE, "00C24017 00002010 0E000000"),
    ] {
        let irb = guest.run(program);
        assert_eq!(irb.0[..12], hex(scsw));
        // ERW: concurrent sense, 32 bytes.
        assert_eq!(irb.0[16..20], hex("01200000"));
        assert_eq!(irb.0[32..64], hex(PROTECTED));
        assert_eq!(guest.data(5), [0; 5]);
        // So there is nothing to ask for: the device itself has nothing to say.
        guest.run(SENSE);
        assert_eq!(guest.data(32), [0; 32]);
    }
    guest.seek("00000001 0000");
    let irb = guest.run(WRITE);
    assert_eq!(irb.0[..12], hex("00C24017 00002010 0E000010"));
    assert_eq!(irb.0[32..64], hex(INHIBITED));
    assert_eq!(guest.sch.metrics().forbidden, 3);
}

#[test]
fn a_guest_without_it_asks() {
    for program in [SEEK_AND_READ, LATE] {
        let mut guest = Guest::new(false);
        guest.seek("00000002 0000");
        let irb = guest.run(program);
        assert_eq!(irb.0[0..4], hex("00C04017"));
        assert_eq!(irb.0[8..12], hex("0E000000"));
        assert_eq!(irb.0[16..20], [0; 4]);
        assert_eq!(irb.0[32..64], [0; 32]);
        // And is told once.
        let irb = guest.run(SENSE);
        assert_eq!(irb.0[..12], hex("00C04007 00002008 0C000000"));
        assert_eq!(guest.data(32), hex(PROTECTED));
        assert_eq!(guest.log.0.lock().unwrap().last(), Some(&(0x3000, 0x3020)));
        guest.run(SENSE);
        assert_eq!(guest.data(32), [0; 32]);
    }
}

#[test]
fn sense_of_another_length_is_an_incorrect_length() {
    let sense = |ccw: &str| {
        let mut guest = Guest::new(false);
        guest.seek("00000002 0000");
        guest.run(SEEK_AND_READ);
        let irb = guest.run(ccw);
        let scsw: Vec<u8> = irb.0[..12].to_vec();
        (scsw, guest.data(40))
    };
    let all = |len: usize| [&hex(PROTECTED)[..len], &vec![0; 40 - len]].concat();
    assert_eq!(
        sense("04000028 00003000"),
        (hex("00C04017 00002008 0C400008"), all(32))
    );
    assert_eq!(
        sense("04200028 00003000"),
        (hex("00C04007 00002008 0C000008"), all(32))
    );
    assert_eq!(
        sense("04000008 00003000"),
        (hex("00C04017 00002008 0C400000"), all(8))
    );
    assert_eq!(
        sense("04200002 00003000"),
        (hex("00C04007 00002008 0C000000"), all(2))
    );
    // Skipped: nothing is stored.
    assert_eq!(
        sense("04300020 00003000"),
        (hex("00C04007 00002008 0C000000"), all(0))
    );
}

/// What a MIDAW skips is not stored, and takes its bytes of the sense all the same.
#[test]
fn sense_goes_where_its_list_leads() {
    let mut guest = Guest::new(false);
    guest.seek("00000002 0000");
    guest.run(SEEK_AND_READ);
    // Bytes 0 and 1 to 3000, 2 to 26 nowhere, and the others to 3002.
    let list = "00000000 00000002 00000000 00003000
                00000000 00400019 00000000 00000000
                00000000 00800005 00000000 00003002";
    guest.ram.write(0x4000, &hex(list)).unwrap();
    let irb = guest.run_with(ccw::orb::word1::MIDAW, "04010020 00004000");
    assert_eq!(irb.0[..12], hex("00C04007 00002008 0C000000"));
    assert_eq!(guest.data(8), hex("00048000 00000000"));
    let told = guest.log.0.lock().unwrap().clone();
    assert_eq!(told, [(0x3000, 0x3002), (0x3002, 0x3007)]);
}

#[test]
fn another_command_clears_the_sense() {
    let mut guest = Guest::new(false);
    guest.seek("00000002 0000");
    guest.run(SEEK_AND_READ);
    guest.run("03200001 00000000");
    guest.run(SENSE);
    assert_eq!(guest.data(32), [0; 32]);
    // As does a clear.
    guest.run(SEEK_AND_READ);
    assert_eq!(guest.sch.csch(&mut guest.events), Cc0);
    guest.sch.ready(Source::Io, &mut guest.events);
    guest.sch.tsch(&mut guest.events);
    guest.run(SENSE);
    assert_eq!(guest.data(32), [0; 32]);
}

/// A program that reads into what is still to come is carried out in parts; in front of the second one
/// DEFINE EXTENT and SEEK are repeated, as they were judged.
#[test]
fn what_was_judged_is_repeated_in_front_of_a_later_part() {
    let mut guest = Guest::new(true);
    guest.seek("00000001 0003 0000 0000 0001 0005");
    let extent = hex("40C00000 00000000 00010000 0001000E");
    guest.ram.write(0x2900, &extent).unwrap();
    // The home address of track 1.3 becomes count and address of the last CCW.
    let irb = guest.run(
        "63400010 00002900 07400006 00002800 1A600005 00002023 07400006 00002808 1A2001FF FFFFFFFF",
    );
    assert_eq!(irb.0[..12], hex("00C04007 00002028 0C0000FB"));
    let mut read = [0; 5];
    guest.ram.read(0x1_0003, &mut read).unwrap();
    assert_eq!(read, [0, 0, 1, 0, 5]);
    assert_eq!(guest.sch.metrics().parts, 1);
    // And a later part is judged as the first is.
    guest.ram.write(0x280a, &hex("0002")).unwrap();
    let irb = guest.run(
        "63400010 00002900 07400006 00002800 1A600005 00002023 07400006 00002808 1A2001FF FFFFFFFF",
    );
    assert_eq!(irb.0[..12], hex("00C24017 00002020 0E000000"));
}

#[test]
fn sense_that_was_kept_is_part_of_a_snapshot() {
    let mut guest = Guest::new(false);
    guest.seek("00000002 0000");
    guest.run(SEEK_AND_READ);
    let snapshot = guest.sch.snapshot().unwrap();
    let (device, window, config, ram, log) = parts();
    let mut events = Vec::new();
    let sch = Mediator::restore(&snapshot, device, window, config, &mut events).unwrap();
    let mut there = Guest {
        sch,
        ram,
        log,
        events,
    };
    there.run(SENSE);
    assert_eq!(there.data(32), hex(PROTECTED));
}
