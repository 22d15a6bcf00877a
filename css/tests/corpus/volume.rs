// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The disk of a recorded program.
//!
//! What was on the recorded disk is not known, but how long its records were can be told from the
//! program, and nothing here looks at how it ended:
//!
//! | the program | the volume |
//! |---|---|
//! | writes or reads keys | as `dasdinit -linux` makes it: labels on track 0, room for a VTOC on track 1, blocks of 4096 bytes |
//! | formats, or reads whole tracks | as `dasdinit` makes it: labels on track 0, all other tracks empty |
//! | asks for counts | the first with track 1 empty, where formatting begins |
//! | anything else | blocks of the size that its LOCATE RECORD names, or 4096 bytes, everywhere |

use css::device::eckd::Eckd;
use css::device::image::{Image, Overlay};

use crate::program::Program;

const CYLINDERS: u64 = 1200;
const TRACK: u64 = 56_832;

/// A record: bytes of its key and of its data.
type Shape = (u8, u16);

const LABELS: [Shape; 3] = [(4, 24), (4, 144), (4, 80)];

/// A 3390 with a volume for `program`.
pub(crate) fn disk(program: &Program) -> Eckd<Overlay<Vec<u8>>> {
    let commands = commands(program);
    let has = |wanted: &[u8]| commands.iter().any(|(code, _)| wanted.contains(code));
    let block = commands.iter().find(|(code, _)| *code == 0x47);
    let block = block.map(|(_, at)| {
        let tlf = program.storage.read(ccw::GuestAddr::new(*at + 14), 2);
        u16::from_be_bytes([tlf[0], tlf[1]])
    });
    let block = block.filter(|block| *block >= 512).unwrap_or(4096);
    let blocks = |len: u16| vec![(0, len); if len == 4096 { 12 } else { 21 }];
    let linux = |track: u64| match track {
        0 => [&LABELS[..], &[(0, 4096); 9]].concat(),
        1 => vec![(44, 96); 12],
        _ => blocks(4096),
    };
    let shape: Box<dyn Fn(u64) -> Vec<Shape>> = if has(&[0x0d, 0x8d, 0x0e, 0x8e]) {
        Box::new(linux)
    } else if has(&[0x1d, 0x9d, 0xde]) {
        Box::new(|track| {
            if track == 0 {
                LABELS.to_vec()
            } else {
                Vec::new()
            }
        })
    } else if has(&[0x12, 0x92]) {
        Box::new(move |track| if track == 1 { Vec::new() } else { linux(track) })
    } else {
        Box::new(move |_| blocks(block))
    };
    let mut image = Overlay::new(Vec::new()).expect("memory");
    image.set_len(512 + CYLINDERS * 15 * TRACK).expect("sparse");
    image.write_at(0, &header()).expect("memory");
    for track in tracks(program, &commands) {
        let at = 512 + track * TRACK;
        image
            .write_at(at, &bytes(track, &shape(track)))
            .expect("memory");
    }
    Eckd::new(image).expect("a volume")
}

fn header() -> Vec<u8> {
    let mut header = b"CKD_P370".to_vec();
    header.extend([15, 0, 0, 0, 0x00, 0xde, 0, 0, 0x90, 0, 0, 0]);
    header
}

/// A track: home address, record 0, records of these shapes, and the mark of the end.
fn bytes(track: u64, shapes: &[Shape]) -> Vec<u8> {
    let cylinder = u16::try_from(track / 15).expect("a cylinder").to_be_bytes();
    let head = u16::try_from(track % 15).expect("a head").to_be_bytes();
    let address = [cylinder, head].concat();
    let mut bytes = [&[0][..], &address, &address, &[0, 0, 0, 8], &[0; 8]].concat();
    for (r, &(key, data)) in (1..).zip(shapes) {
        bytes.extend(&address);
        bytes.extend([r, key]);
        bytes.extend(data.to_be_bytes());
        bytes.extend(vec![r; usize::from(key) + usize::from(data)]);
    }
    bytes.extend([0xff; 8]);
    bytes
}

/// The tracks that the program can come to: those of its extent, or of its seek.
fn tracks(program: &Program, commands: &[(u8, u64)]) -> Vec<u64> {
    let track = |at: u64| {
        let bytes = program.storage.read(ccw::GuestAddr::new(at), 4);
        let half = |n: usize| u64::from(u16::from_be_bytes([bytes[n], bytes[n + 1]]));
        half(0) * 15 + half(2)
    };
    let mut tracks = vec![0];
    for &(code, at) in commands {
        match code {
            0x63 => tracks.extend(track(at + 8)..=track(at + 12)),
            0x07 => tracks.push(track(at + 2)),
            _ => {}
        }
    }
    tracks
}

/// Codes and data addresses of the CCWs from the first on, without TICs, until chaining ends.
fn commands(program: &Program) -> Vec<(u8, u64)> {
    let orb = program.orb();
    let (format1, mut at) = (orb.word(1) & 0x0080_0000 != 0, u64::from(orb.word(2)));
    let mut commands = Vec::new();
    loop {
        let ccw = program.storage.read(ccw::GuestAddr::new(at), 8);
        at += 8;
        let (flags, address) = match format1 {
            true => (ccw[1], u32::from_be_bytes([ccw[4], ccw[5], ccw[6], ccw[7]])),
            false => (ccw[4], u32::from_be_bytes([0, ccw[1], ccw[2], ccw[3]])),
        };
        if ccw[0] & 0x0f == 8 {
            continue;
        }
        commands.push((ccw[0], address.into()));
        if flags & 0xc0 == 0 {
            return commands;
        }
    }
}
