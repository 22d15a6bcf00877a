// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Disks in transport mode, whole programs: as Linux writes them for a 3390, and command by command.

use ccw::{Guest, Orb, RawOrb, TransportScsw};
use css::device::fba::{Fba, Model};
use css::{Config, Device, Progress, Subchannel};

use crate::eckd::{Disk, disk, format, record};
use crate::rig::Rig;

const TCW: u64 = 0x1000;
const TCCB: u64 = 0x1100;
const TSB: u64 = 0x1300;
const TIDAL: u64 = 0x1400;
const DATA: u64 = 0x4_0000;

const READ: u8 = 0x02;
const WRITE: u8 = 0x01;

/// A command: code, control data, bytes of data.
type Dcw<'a> = (u8, &'a [u8], u32);

/// What a program left in the TSB: device status, format of the status area, DCW offset, residual
/// count, sense bytes.
#[derive(Debug, PartialEq, Eq)]
struct End {
    device: u8,
    format: u8,
    offset: u16,
    residual: u32,
    sense: Vec<u8>,
}

/// Runs `dcws` with `count` bytes of data, directly at DATA or by the list at TIDAL.
fn run<D: Device>(
    rig: &mut Rig<D>,
    direction: u8,
    count: u32,
    dcws: &[Dcw<'_>],
    listed: bool,
) -> End {
    let mut tca = Vec::new();
    for (n, (code, control, data)) in dcws.iter().enumerate() {
        let chain = if n + 1 < dcws.len() { 0x40 } else { 0 };
        tca.extend([*code, chain, 0, u8::try_from(control.len()).unwrap()]);
        tca.extend(data.to_be_bytes());
        tca.extend(*control);
        tca.resize(tca.len().next_multiple_of(4), 0);
    }
    let tca_len = u8::try_from(tca.len()).unwrap();
    let flag = match (listed, direction) {
        (false, _) => 0,
        (true, READ) => 0x04,
        (true, _) => 0x01,
    };
    let mut tcw = vec![0, flag, 0, 0, 0, (tca_len + 4) | direction, 0, 0];
    let data = if listed { TIDAL } else { DATA };
    for addr in [data, data, TSB, TCCB] {
        tcw.extend(addr.to_be_bytes());
    }
    let (written, read) = if direction == WRITE {
        (count, 0)
    } else {
        (0, count)
    };
    tcw.extend([written, read, 0, 0, 0, 0].map(u32::to_be_bytes).concat());
    let mut tccb = vec![0x7f, 0, 0, 0, 0, 0, 0, tca_len + 12, 0x1f, 0xfe];
    tccb.extend([0; 6]);
    tccb.extend(tca);
    tccb.extend([0; 4]);
    tccb.extend((count.next_multiple_of(4) + 4).to_be_bytes());
    rig.put(TCW, &tcw);
    rig.put(TCCB, &tccb);
    rig.put(TSB, &[0; 64]);

    let config = Config {
        transport: true,
        ..Config::default()
    };
    let mut subchannel = Subchannel::<Guest>::new(config);
    let orb = Orb::decode(&RawOrb::from_words([0, 0x0004_8000, 0x1000]));
    subchannel.start(&orb).expect("condition code 0");
    let progress = subchannel.run(&mut rig.storage, &mut rig.device, 100);
    assert_eq!(progress, Progress::Pending);
    let scsw = TransportScsw::of(subchannel.scsw());
    assert_eq!(subchannel.check(), None);
    assert!(scsw.tsb_is_valid());
    let tsb = rig.get(TSB, 64);
    assert_eq!(tsb[1] & 0xc0, 0xc0);
    End {
        device: scsw.device.bits(),
        format: tsb[1] & 0x07,
        offset: u16::from_be_bytes([tsb[2], tsb[3]]),
        residual: u32::from_be_bytes([tsb[4], tsb[5], tsb[6], tsb[7]]),
        sense: tsb[32..usize::from(tsb[0])].to_vec(),
    }
}

/// The same, to a good end with nothing left; the offset of the last command.
fn good<D: Device>(
    rig: &mut Rig<D>,
    direction: u8,
    count: u32,
    dcws: &[Dcw<'_>],
    listed: bool,
) -> u16 {
    let end = run(rig, direction, count, dcws, listed);
    let offset = end.offset;
    let expected = End {
        device: 0x0c,
        format: 1,
        offset,
        residual: 0,
        sense: vec![],
    };
    assert_eq!(end, expected);
    offset
}

/// Flags, count and address of each.
fn tidaws(rig: &mut Rig<impl Device>, list: &[(u8, u32, u64)]) {
    for (at, (flags, count, addr)) in (TIDAL..).step_by(16).zip(list) {
        rig.put(at, &[*flags, 0, 0, 0]);
        rig.put(at + 4, &count.to_be_bytes());
        rig.put(at + 8, &addr.to_be_bytes());
    }
}

/// Two cylinders, whose tracks 4 and 5 have twelve records of 4096 bytes, filled with the numbers
/// 41 to 4C and 51 to 5C.
fn blocks() -> Disk {
    let mut rig = disk();
    for head in [4, 5] {
        let bytes: Vec<u8> = (1..=12)
            .flat_map(|r| record((0, head), r, 0, &[head << 4 | r; 4096]))
            .collect();
        format(&mut rig, (0, head), &[4104; 12], &bytes);
    }
    rig
}

/// PREFIX with DEFINE EXTENT (tracks 4 and 5 of cylinder 0, mask 40 or 80) and LOCATE RECORD
/// EXTENDED for the data of tracks: `tracks` of them from record `r` of track 4 on, `length` bytes of
/// the last one.
fn prefix(write: bool, tracks: u8, r: u8, length: u16) -> [u8; 64] {
    let mut p = [0; 64];
    // Format 1, extent valid.
    (p[0], p[1]) = (1, 0x80);
    p[12..28].copy_from_slice(&[0x40, 0xc0, 0x10, 0, 0, 0, 0x42, 0, 0, 0, 0, 4, 0, 0, 0, 5]);
    p[44..57].copy_from_slice(&[0x0c, 0xe8, 0xa6, tracks, 0, 0, 0, 4, 0, 0, 0, 4, r]);
    if write {
        p[12] = 0x80;
        (p[44], p[45], p[46]) = (0x3f, 0xf0, 0xa5);
        p[61] = 0x23;
    }
    p[58..60].copy_from_slice(&length.to_be_bytes());
    p
}

/// The whole read in one command: the end of one track and the beginning of the next.
#[test]
fn read_as_linux_does() {
    let mut rig = blocks();
    tidaws(
        &mut rig,
        &[
            (0, 4096, 0x5_0000),
            (0, 0x800, 0x5_3800),
            (0, 0x800, 0x5_2000),
            (0x80, 4096, 0x5_6000),
        ],
    );
    let p = prefix(false, 2, 11, 4096);
    good(&mut rig, READ, 3 * 4096, &[(0xea, &p, 3 * 4096)], true);
    assert_eq!(rig.get(0x5_0000, 4096), [0x4b; 4096]);
    assert_eq!(rig.get(0x5_3800, 0x800), [0x4c; 0x800]);
    assert_eq!(rig.get(0x5_2000, 0x800), [0x4c; 0x800]);
    assert_eq!(rig.get(0x5_6000, 4096), [0x51; 4096]);
}

/// A write of four records, two on each track, with check bytes at the end of the first track.
#[test]
fn write_as_linux_does() {
    let mut rig = blocks();
    tidaws(
        &mut rig,
        &[
            (0, 4096, 0x5_0000),
            (0x08, 4096, 0x5_1000),
            (0, 4096, 0x5_2000),
            (0x80, 4096, 0x5_3000),
        ],
    );
    for n in 0..4 {
        rig.put(0x5_0000 + 4096 * u64::from(n), &[0xa0 + n; 4096]);
    }
    let p = prefix(true, 2, 11, 8192);
    let count = 4 * 4096 + 4;
    good(&mut rig, WRITE, count, &[(0xe7, &p, 4 * 4096)], true);
    // Read them again, and what lies around them.
    let p = prefix(false, 2, 10, 3 * 4096);
    let count = 6 * 4096;
    good(&mut rig, READ, count, &[(0xea, &p, count)], false);
    for (at, fill) in (DATA..)
        .step_by(4096)
        .zip([0x4a, 0xa0, 0xa1, 0xa2, 0xa3, 0x53])
    {
        assert_eq!(rig.get(at, 4096), [fill; 4096]);
    }
}

/// The prefix and what it announces as commands of their own.
#[test]
fn track_data_behind_a_prefix() {
    let mut rig = blocks();
    let p = prefix(false, 2, 11, 4096);
    let dcws: [Dcw<'_>; 3] = [(0xe7, &p, 0), (0xa6, &[], 2 * 4096), (0xa6, &[], 4096)];
    assert_eq!(good(&mut rig, READ, 3 * 4096, &dcws, false), 80);
    assert_eq!(rig.get(DATA + 4096, 1), [0x4c]);
    assert_eq!(rig.get(DATA + 8192, 4096), [0x51; 4096]);

    rig.put(DATA, &[0xee; 4096]);
    let p = prefix(true, 1, 12, 4096);
    let dcws: [Dcw<'_>; 2] = [(0xe7, &p, 0), (0xa5, &[], 4096)];
    good(&mut rig, WRITE, 4096, &dcws, false);
    let p = prefix(false, 1, 12, 4096);
    good(&mut rig, READ, 4096, &[(0xea, &p, 4096)], false);
    assert_eq!(rig.get(DATA, 4096), [0xee; 4096]);
}

/// Control data behind the parameters of a prefix are no data.
#[test]
fn a_prefix_longer_than_its_parameters() {
    let mut rig = blocks();
    rig.put(DATA, &[0xee; 4096]);
    let p = [&prefix(true, 1, 12, 4096)[..], &[0x55; 8]].concat();
    good(&mut rig, WRITE, 4096, &[(0xe7, &p, 4096)], false);
    let p = prefix(false, 1, 12, 4096);
    good(&mut rig, READ, 4096, &[(0xea, &p, 4096)], false);
    assert_eq!(rig.get(DATA, 4096), [0xee; 4096]);
}

/// Records one by one, by DEFINE EXTENT and both kinds of LOCATE RECORD.
#[test]
fn records_one_by_one() {
    let mut rig = blocks();
    let extent = |mask| [mask, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5];
    let locate = |operation, count, r| {
        let mut p = [0; 20];
        p[..13].copy_from_slice(&[operation, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4, r]);
        p
    };
    let write = locate(0x01, 2, 3);
    for (n, command) in [(0x31_u8, 0x05), (0x41, 0x85)] {
        rig.put(DATA, &[n; 4096]);
        rig.put(DATA + 4096, &[n + 1; 4096]);
        let dcws: [Dcw<'_>; 4] = [
            (0x63, &extent(0x80), 0),
            (0x47, &write[..16], 0),
            (command, &[], 4096),
            (command, &[], 4096),
        ];
        good(&mut rig, WRITE, 8192, &dcws, false);

        let read = locate(0x06, 4, 2);
        let dcws: [Dcw<'_>; 6] = [
            (0x63, &extent(0x40), 0),
            (0x4b, &read, 0),
            (0x06, &[], 4096),
            (0x86, &[], 4096),
            (0x06, &[], 4096),
            (0x12, &[], 8),
        ];
        good(&mut rig, READ, 3 * 4096 + 8, &dcws, false);
        for (at, fill) in (DATA..).step_by(4096).zip([0x42, n, n + 1]) {
            assert_eq!(rig.get(at, 4096), [fill; 4096]);
        }
        assert_eq!(rig.get(DATA + 3 * 4096, 8), [0, 0, 0, 4, 5, 0, 0x10, 0]);
    }
}

/// SENSE ID gives what it has, READ DEVICE CHARACTERISTICS as much as is wanted.
#[test]
fn identification() {
    let mut rig = blocks();
    let end = run(&mut rig, READ, 32, &[(0xe4, &[], 32)], false);
    assert_eq!((end.device, end.residual), (0x0c, 8));
    assert_eq!(rig.get(DATA, 7), [0xff, 0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a]);
    good(&mut rig, READ, 64, &[(0x64, &[], 64)], false);
    assert_eq!(rig.get(DATA, 3), [0x39, 0x90, 0xe9]);
    good(&mut rig, READ, 256, &[(0xfa, &[], 256)], false);
    assert_eq!(rig.get(DATA, 2), [0xd0, 1]);
    good(&mut rig, 0, 0, &[(0x03, &[], 0)], false);
}

/// A command that fails, with its offset, what did not move, and 32 sense bytes.
#[test]
fn sense_in_the_tsb() {
    let mut rig = blocks();
    let fails = |rig: &mut Disk, dcws: &[Dcw<'_>], direction, count, offset, sense: [u8; 3]| {
        let end = run(rig, direction, count, dcws, false);
        let found = [end.sense[0], end.sense[1], end.sense[7]];
        assert_eq!((end.device, end.format, found), (0x0e, 1, sense));
        assert_eq!((end.offset, end.sense.len()), (offset, 32));
        end.residual
    };
    // No such record; the mask forbids writing; less control data than there must be; a command
    // that is none.
    let p = prefix(false, 1, 13, 4096);
    let left = fails(&mut rig, &[(0xea, &p, 4096)], READ, 4096, 0, [0, 8, 0]);
    assert_eq!(left, 4096);
    let mut p = prefix(true, 1, 1, 4096);
    p[12] = 0x40;
    fails(&mut rig, &[(0xe7, &p, 4096)], WRITE, 4096, 0, [0x80, 0, 4]);
    let p = &prefix(true, 1, 1, 4096)[..63];
    fails(&mut rig, &[(0xe7, p, 0)], 0, 0, 0, [0x80, 0, 3]);
    let nop: Dcw<'_> = (0x03, &[], 0);
    fails(&mut rig, &[nop, (0x50, &[], 0)], 0, 0, 8, [0x80, 0, 1]);
    // The first record is there, the second one is not: more tracks than the extent has.
    let p = prefix(false, 3, 12, 4096);
    let dcws: [Dcw<'_>; 1] = [(0xea, &p, 14 * 4096)];
    let left = fails(&mut rig, &dcws, READ, 14 * 4096, 0, [0, 4, 0]);
    assert_eq!(left, 4096);
    assert_eq!(rig.get(DATA + 12 * 4096, 1), [0x5c]);
    // A prefix without a domain for data, and one of the other direction.
    let mut p = prefix(false, 1, 1, 4096);
    p[0] = 0;
    fails(&mut rig, &[(0xea, &p, 8)], READ, 8, 0, [0x80, 0, 2]);
    let p = prefix(true, 1, 1, 4096);
    fails(&mut rig, &[(0xea, &p, 8)], READ, 8, 0, [0x80, 0, 2]);
    // Data of tracks without anything before.
    fails(&mut rig, &[(0xa6, &[], 8)], READ, 8, 0, [0x80, 0, 2]);
    fails(&mut rig, &[(0xa5, &[], 8)], WRITE, 8, 0, [0x80, 0, 2]);
}

/// In command mode there is no prefix that reads, and one that writes moves no data.
#[test]
fn prefixes_in_command_mode() {
    let mut rig = blocks();
    rig.put(TCCB, &prefix(false, 2, 11, 4096));
    let a6 = |flags: u64, count: u64, at: u64| 0xa6 << 56 | flags << 48 | count << 32 | at;
    let e7 = 0xe740_0040_0000_1100;
    let program = [e7, a6(0x40, 8192, DATA), a6(0, 4096, DATA + 8192)];
    assert_eq!(rig.good(&program), 0);
    assert_eq!(rig.get(DATA, 1), [0x4b]);
    assert_eq!(rig.get(DATA + 8192, 4096), [0x51; 4096]);
    let end = rig.run(&[0xea20_0040_0000_1100]);
    assert_eq!(end.status, [0x0e, 0]);
    assert_eq!((end.sense[0], end.sense[7]), (0x80, 1));
}

#[test]
fn fixed_blocks() {
    let mut rig = Rig::new(Fba::new(Model::Fba9336, vec![0x11; 512 * 64]));
    let extent = |mask| [mask, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 63];
    let locate = |operation| [operation, 0, 0, 3, 0, 0, 0, 20];
    rig.put(DATA, &[0x77; 3 * 512]);
    let (write, read) = (extent(0xc0), extent(0x40));
    let dcws: [Dcw<'_>; 3] = [
        (0x63, &write, 0),
        (0x43, &locate(0x01), 0),
        (0x41, &[], 3 * 512),
    ];
    good(&mut rig, WRITE, 3 * 512, &dcws, false);
    rig.put(DATA, &[0; 3 * 512]);
    let dcws: [Dcw<'_>; 3] = [
        (0x63, &read, 0),
        (0x43, &locate(0x06), 0),
        (0x42, &[], 3 * 512),
    ];
    good(&mut rig, READ, 3 * 512, &dcws, false);
    assert_eq!(rig.get(DATA, 3 * 512), [0x77; 3 * 512]);
}
