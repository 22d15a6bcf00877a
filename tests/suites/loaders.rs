// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that load a system: each reads in the CCWs that follow. They run to their end in
//! segments, on the device models of `css`.

use ccw::{DeviceClass, Guest, Scsw};
use css::{
    Config, Device, Progress, Subchannel,
    device::{
        eckd::Eckd,
        image::{Image, Overlay},
        unit_record::Reader,
    },
};
use tests::{
    in_segments::{self, CCWS, Course},
    program::{GuestProgram, hex},
};
use translator::{HostProfile, Policy};

/// READ IPL of 24 bytes to 0, as a machine starts it: prefetching forbidden, format 0.
fn ipl(device: DeviceClass) -> GuestProgram {
    GuestProgram::format0("")
        .orb_word(1, 0x0000_8000)
        .cpa(0)
        .put(0, "02000000 60000018")
        .policy(Policy::MEDIATE)
        .device(device)
}

/// The guest's own program on its own storage: how it ends, and what is at `at` then.
fn direct(
    program: &GuestProgram,
    mut device: impl Device,
    at: (u64, usize),
) -> (Scsw<Guest>, Vec<u8>) {
    let mut ram = program.ram();
    let mut subchannel = Subchannel::<Guest>::new(Config::default());
    subchannel
        .start_raw(&program.orb())
        .expect("condition code 0");
    let progress = subchannel.run(&mut ram, &mut device, 10_000);
    assert_eq!(progress, Progress::Pending);
    let bytes = ram.read(ccw::GuestAddr::new(at.0), at.1);
    (subchannel.irb().scsw, bytes)
}

/// Runs `program` on `device` for every host, as the guest's own runs; `at` is what it loads.
fn loads(
    program: &GuestProgram,
    device: impl Fn() -> Box<dyn Device>,
    at: (u64, usize),
) -> Vec<Course> {
    let (scsw, bytes) = direct(program, device(), at);
    let hosts = HostProfile::ALL.iter();
    let courses = hosts.map(|profile| {
        let course = in_segments::run(program, profile, &mut *device(), |_, _, _| {});
        let course = course.unwrap_or_else(|code| panic!("{}: {code}", profile.name));
        assert_eq!(course.scsw.encode(), scsw.encode(), "{}", profile.name);
        assert_eq!(course.ram.bytes(at.0, at.1), bytes, "{}", profile.name);
        course
    });
    courses.collect()
}

/// The cards with which Linux for s390 begins: the first ones hold CCWs alone, which read the next
/// cards. What ran where it was recorded is in the corpus as `ipl-3505-02-00-1`.
#[test]
fn a_deck_of_cards_loads_itself() {
    let read = |at: u32, flags: &str| format!("02{at:06x} {flags}000050");
    let mut ccws = vec![
        // The first card: a PSW, and two CCWs. The second has those from 18 on, the third from 68.
        "00080000 80010000".to_owned(),
        read(0x18, "60"),
        read(0x68, "60"),
    ];
    ccws.extend((0..20).map(|n| read(0xf0 + 0x50 * n, if n == 19 { "20" } else { "60" })));
    let bytes = hex(&ccws.concat());
    let deck = move || {
        let mut cards = vec![[0x40; 80]; 23];
        cards[0][..24].copy_from_slice(&bytes[..24]);
        cards[1].copy_from_slice(&bytes[24..104]);
        cards[2][..80].copy_from_slice(&bytes[104..184]);
        for (n, card) in (1..).zip(&mut cards[3..]) {
            card.fill(n);
        }
        Box::new(Reader::from_cards(cards)) as Box<dyn Device>
    };
    let program = ipl(DeviceClass::UnitRecord);
    for course in loads(&program, deck, (0xf0, 20 * 0x50)) {
        let recorded = hex("00004007 000000b8 0c000000");
        assert_eq!(course.scsw.encode().0[..], recorded[..]);
        // From 0, and behind each of the first three cards: every part is a chain of its own.
        assert_eq!(course.starts.len(), 4);
        assert_eq!(course.ram.bytes(0xf0, 1), [1]);
        assert_eq!(course.ram.bytes(0xf0 + 20 * 0x50 - 1, 1), [20]);
    }
}

/// A 3390 of one cylinder whose track 0 has these records behind record 0: keys of 4 bytes, and data.
fn volume(records: &[Vec<u8>]) -> Box<dyn Device> {
    const TRACK: u64 = 56_832;
    let mut header = b"CKD_P370".to_vec();
    header.extend([15, 0, 0, 0, 0x00, 0xde, 0, 0, 0x90, 0, 0, 0]);
    let mut image = Overlay::new(Vec::new()).expect("memory");
    image.set_len(512 + 15 * TRACK).expect("sparse");
    image.write_at(0, &header).expect("memory");
    for head in 0..15 {
        let address = [0, 0, 0, head];
        let mut track = [&[0][..], &address, &address, &[0, 0, 0, 8], &[0; 8]].concat();
        let records = if head == 0 { records } else { &[] };
        for (r, data) in (1..).zip(records) {
            track.extend(address);
            track.extend([r, 4]);
            let len = u16::try_from(data.len()).expect("a short record");
            track.extend(len.to_be_bytes());
            track.extend([0xc9; 4]);
            track.extend(data);
        }
        track.extend([0xff; 8]);
        let at = 512 + u64::from(head) * TRACK;
        image.write_at(at, &track).expect("memory");
    }
    Box::new(Eckd::new(image).expect("a volume"))
}

/// As systems are loaded from a disk: the first record's CCWs read the second record, which is a
/// program of its own and finds the rest by a search. The READ behind the first record goes by
/// where the one before has left the arm, and the search by the file mask and the seek before it: so
/// what has run is repeated in front of each part.
#[test]
fn a_disk_loads_itself() {
    let first = "00080000 80003000  06000298 60000090  08000298 00000000";
    // SEEK, SEARCH ID EQUAL, TIC *-8, READ.
    let second = "070002C0 60000006  310002C2 60000005  080002A0 00000000  06003000 20000050
        00000000 00000000  00000000 00000300";
    let mut second = hex(second);
    second.resize(144, 0);
    let rest: Vec<u8> = (0..80).collect();
    let records = [hex(first), second, rest.clone()];
    let program = ipl(DeviceClass::Eckd);
    let device = || volume(&records);
    let courses = loads(&program, device, (0x3000, 80));
    for course in &courses {
        let recorded = hex("00004007 000002B8 0C000000");
        assert_eq!(course.scsw.encode().0[..], recorded[..]);
        assert_eq!(course.ram.bytes(0x3000, 80), rest);
        assert_eq!(course.starts.len(), 3);
    }
    // On the exact host: what has run, skipping; a TIC to what comes behind; then the new CCWs.
    let [one, two, _] = &courses[0].starts[..] else {
        panic!("three starts")
    };
    let ccw = |program: &[u8], n: usize| program[8 * n..8 * n + 8].to_vec();
    assert_eq!(one.len(), 4 * 8);
    assert_eq!(ccw(one, 0), hex("02640018 40100000"));
    assert_eq!(ccw(one, 1), [0; 8]);
    assert_eq!(ccw(two, 0), hex("02740018 40100000"));
    assert_eq!(ccw(two, 1), hex("08000000 40000020"));
    assert_eq!(ccw(two, 4), hex("06640090 40100008"));
    assert_eq!(CCWS + 0x20, 0x4000_0020);
}
