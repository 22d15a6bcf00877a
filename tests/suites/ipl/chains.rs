// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chains, the cards and volumes that they are loaded from, and what must come of them.

use ccw::DeviceClass;
use ccw_kit::{
    program::{GuestProgram, hex},
    volume::{Record, Track, volume},
};
use css::{Device, device::unit_record::Reader};
use translator::Policy;

/// A program, and what it comes to.
pub(crate) struct Chain {
    pub(crate) program: GuestProgram,
    /// The device as it is before.
    pub(crate) device: Box<dyn Fn() -> Box<dyn Device + Send>>,
    /// The SCSW in the end, in hexadecimal.
    pub(crate) scsw: String,
    /// What must have been loaded, and where.
    pub(crate) loaded: Vec<(u64, Vec<u8>)>,
}

/// What the machine itself starts: READ 24 bytes to 0 and go on at 8; format 0, prefetching forbidden.
fn ipl(class: DeviceClass) -> GuestProgram {
    GuestProgram::format0("")
        .orb_word(1, 0x0000_8000)
        .cpa(0)
        .put(0, "02000000 60000018")
        .policy(Policy::MEDIATE)
        .device(class)
}

/// The records that a machine is loaded from have keys, which READ IPL and READ DATA pass by.
fn keyed(data: Vec<u8>) -> Record {
    Record {
        key: vec![0xc9; 4],
        data,
    }
}

/// The block of 4096 bytes in record `r` of `track`, full of its own address.
pub(crate) fn block((cylinder, head): Track, r: u8) -> Vec<u8> {
    let address = [cylinder.to_be_bytes(), head.to_be_bytes()].concat();
    let bytes = [&address[..], &[r, 0, 0, 0]].concat();
    bytes.repeat(512)
}

/// Twelve of them, which fill a track.
pub(crate) fn blocks(track: Track) -> Vec<Record> {
    let record = |r| Record {
        key: Vec::new(),
        data: block(track, r),
    };
    (1..=12).map(record).collect()
}

/// A short volume: the second record and the data lie on track 0.0.
pub(crate) fn disk() -> Chain {
    let first = hex("00080000 80003000  06000298 60000090  08000298 00000000");
    // SEEK, SEARCH ID EQUAL, TIC *-8, READ.
    let mut second = hex(
        "070002C0 60000006  310002C2 60000005  080002A0 00000000  06003000 20000050
         00000000 00000000  00000000 00000300",
    );
    second.resize(144, 0);
    let rest: Vec<u8> = (0..80).collect();
    let records = [first.clone(), second, rest.clone()].map(keyed).to_vec();
    Chain {
        program: ipl(DeviceClass::Eckd),
        device: Box::new(move || Box::new(volume(&[((0, 0), records.clone())]))),
        // Behind the CCW at 2b0.
        scsw: "00004007 000002B8 0C000000".to_owned(),
        loaded: vec![(0, first), (0x3000, rest)],
    }
}

/// A volume that zipl has prepared: the addresses are those of one whose load was recorded, command by
/// command. The CCWs that the second record's program reads in are record 5 of track 20.14; the boot
/// loader is records 1 and 2 of track 15.6 and record 4 of track 20.14.
pub(crate) fn zipl() -> Chain {
    let first = hex("00080000 80002018  06000018 60000080  08000018 00000000");
    let mut second = hex(
        "07000060 60000006  31000062 60000005  08000020 00000000  0600E000 60001000
         0800E000 00000000  00000000 00000000  00000000 00000000  00000000 00000000
         00000000 00000000  00000014 000E0500",
    );
    assert_eq!(second[0x60 - 0x18..][..7], hex("00000014 000E05"));
    second.resize(144, 0);
    let mut ccws = hex(
        "0700E300 60000006  3100E302 60000005  0800E008 00000000  06002000 60001000
         0700E308 60000006  3100E30A 60000005  0800E028 00000000  06003000 60001000
         0700E310 60000006  3100E312 60000005  0800E048 00000000  06004000 20001000",
    );
    ccws.resize(0x300, 0);
    ccws.extend(hex(
        "0000000F 00060100  0000000F 00060200  00000014 000E0400",
    ));
    ccws.resize(4096, 0);
    let (near, far) = ((15, 6), (20, 14));
    let mut with_ccws = blocks(far);
    with_ccws[4].data.clone_from(&ccws);
    let tracks = vec![
        ((0, 0), [first.clone(), second].map(keyed).to_vec()),
        (near, blocks(near)),
        (far, with_ccws),
    ];
    Chain {
        program: ipl(DeviceClass::Eckd),
        device: Box::new(move || Box::new(volume(&tracks))),
        // Behind the CCW at e058.
        scsw: "00004007 0000E060 0C000000".to_owned(),
        loaded: vec![
            (0, hex("00080000 80002018")),
            (0xe000, ccws),
            (0x2000, block(near, 1)),
            (0x3000, block(near, 2)),
            (0x4000, block(far, 4)),
        ],
    }
}

/// Twelve blocks behind a search, by CCWs of format 1 that must not be prefetched.
pub(crate) fn list_of_blocks() -> Chain {
    let track = (18, 3);
    let mut ccws = "07600006 0000FF18  31600005 0000FF20  08000000 00008008".to_owned();
    for n in 1..=12 {
        let flags = if n == 12 { "20" } else { "60" };
        ccws.push_str(&format!("86{flags}1000 00{n:02X}0000"));
    }
    let program = GuestProgram::format1("")
        .size(0x100_0000)
        .orb_word(1, 0x0080_8000)
        .cpa(0x8000)
        .put(0x8000, &ccws)
        .put(0xff18, "00000012 0003")
        .put(0xff20, "00120003 01")
        .policy(Policy::MEDIATE)
        .device(DeviceClass::Eckd);
    let loaded = (1..=12).map(|r| (0x1_0000 * u64::from(r), block(track, r)));
    Chain {
        program,
        device: Box::new(move || Box::new(volume(&[(track, blocks(track))]))),
        // Behind the CCW at 8070.
        scsw: "00804007 00008078 0C000000".to_owned(),
        loaded: loaded.collect(),
    }
}

/// The boot loader in a kernel's head, as cards.
pub(crate) fn cards() -> Chain {
    let loaded = (0..20).map(|n| (0xf0 + 80 * u64::from(n), vec![n + 1; 80]));
    let psw = (0, hex("00080000 80000200"));
    Chain {
        program: ipl(DeviceClass::UnitRecord),
        device: Box::new(|| Box::new(Reader::from_cards(deck()))),
        // Behind the CCW at b0.
        scsw: "00004007 000000B8 0C000000".to_owned(),
        loaded: loaded.chain([psw]).collect(),
    }
}

/// The first card has a PSW and two CCWs, each of which reads ten more; these read a card each.
pub(crate) fn deck() -> Vec<[u8; 80]> {
    let read = |at: u32, flags: &str| hex(&format!("02{at:06X} {flags}000050"));
    let first = [hex("00080000 80000200"), read(0x18, "60"), read(0x68, "60")];
    let ccws = (0..20).map(|n| read(0xf0 + 80 * n, if n == 19 { "20" } else { "60" }));
    let ccws: Vec<u8> = ccws.flatten().collect();
    let mut deck = vec![[0; 80]; 3];
    deck[0][..24].copy_from_slice(&first.concat());
    deck[1].copy_from_slice(&ccws[..80]);
    deck[2].copy_from_slice(&ccws[80..]);
    deck.extend((1..=20).map(|n| [n; 80]));
    deck
}
