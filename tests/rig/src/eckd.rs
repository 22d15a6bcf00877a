// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands of a 3390 disk and their parameters. "IBM 3990 Storage Control Reference".

use crate::guest::{CC, SLI, ccw, tic};

pub(crate) const SENSE_ID: u8 = 0xe4;
pub(crate) const NOP: u8 = 0x03;
pub(crate) const READ_IPL: u8 = 0x02;
pub(crate) const READ_DATA: u8 = 0x06;
pub(crate) const SEEK: u8 = 0x07;
pub(crate) const WRITE_CKD: u8 = 0x1d;
pub(crate) const SEARCH_ID_EQUAL: u8 = 0x31;
pub(crate) const LOCATE_RECORD: u8 = 0x47;
pub(crate) const DEFINE_EXTENT: u8 = 0x63;
pub(crate) const READ_CHARACTERISTICS: u8 = 0x64;
pub(crate) const WRITE_DATA_MT: u8 = 0x85;
pub(crate) const READ_DATA_MT: u8 = 0x86;
pub(crate) const READ_TRACK: u8 = 0xde;

/// Bytes of each record that is written here, and records of a track.
pub(crate) const RECORD: u16 = 4096;
pub(crate) const RECORDS: u8 = 12;

/// Where the parameters below are put.
pub(crate) const EXTENT_AT: u32 = 0x2000;
pub(crate) const LOCATE_AT: u32 = 0x2010;
pub(crate) const SEEK_AT: u32 = 0x2100;
pub(crate) const ID_AT: u32 = 0x2110;

/// What Define Extent allows.
pub(crate) const MASK_READ: u8 = 0x40;
pub(crate) const MASK_WRITE: u8 = 0x80;
pub(crate) const MASK_FORMAT: u8 = 0xc0;

/// Parameters of Define Extent for one track.
pub(crate) fn extent(mask: u8, track: (u16, u16)) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = mask;
    bytes[1] = 0xc0;
    for place in [8, 12] {
        bytes[place..place + 2].copy_from_slice(&track.0.to_be_bytes());
        bytes[place + 2..place + 4].copy_from_slice(&track.1.to_be_bytes());
    }
    bytes
}

/// Operations of Locate Record.
pub(crate) const LOCATE_WRITE: u8 = 0x01;
pub(crate) const LOCATE_FORMAT: u8 = 0x03;
pub(crate) const LOCATE_READ: u8 = 0x06;
pub(crate) const LOCATE_READ_TRACK: u8 = 0x0c;

/// Parameters of Locate Record.
pub(crate) fn locate(
    operation: u8,
    count: u8,
    track: (u16, u16),
    record: u8,
    len: u16,
) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = operation;
    bytes[1] = if operation == LOCATE_READ_TRACK {
        0
    } else {
        0x80
    };
    bytes[3] = count;
    for place in [4, 8] {
        bytes[place..place + 2].copy_from_slice(&track.0.to_be_bytes());
        bytes[place + 2..place + 4].copy_from_slice(&track.1.to_be_bytes());
    }
    bytes[12] = record;
    bytes[13] = 0xff;
    bytes[14..].copy_from_slice(&len.to_be_bytes());
    bytes
}

/// The two CCWs that lead to records: Define Extent and Locate Record.
pub(crate) fn locating() -> Vec<[u8; 8]> {
    vec![
        ccw(DEFINE_EXTENT, CC, 16, EXTENT_AT),
        ccw(LOCATE_RECORD, CC, 16, LOCATE_AT),
    ]
}

/// Parameters of Seek.
pub(crate) fn seek(track: (u16, u16)) -> [u8; 6] {
    let ([a, b], [c, d]) = (track.0.to_be_bytes(), track.1.to_be_bytes());
    [0, 0, a, b, c, d]
}

/// Parameters of Search ID.
pub(crate) fn id(track: (u16, u16), record: u8) -> [u8; 5] {
    let ([a, b], [c, d]) = (track.0.to_be_bytes(), track.1.to_be_bytes());
    [a, b, c, d, record]
}

/// The three CCWs at `at` that wait for a record: Seek, Search ID, and the search again.
pub(crate) fn searching(at: u32) -> Vec<[u8; 8]> {
    vec![
        ccw(SEEK, CC, 6, SEEK_AT),
        ccw(SEARCH_ID_EQUAL, CC, 5, ID_AT),
        tic(at + 8),
    ]
}

/// A count field: record, no key, data.
pub(crate) fn count(track: (u16, u16), record: u8) -> [u8; 8] {
    let [h, l] = RECORD.to_be_bytes();
    let [a, b, c, d, r] = id(track, record);
    [a, b, c, d, r, 0, h, l]
}

/// The contents of a record: the same for the same numbers, and for no others.
pub(crate) fn contents(generation: u32, record: u8) -> Vec<u8> {
    noise(generation << 8 | u32::from(record), RECORD.into())
}

/// Bytes without order.
pub(crate) fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        state.to_be_bytes()[1]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// SENSE ID of all that there is, to `at`.
pub(crate) fn sense_id(flags: u8, at: u32) -> [u8; 8] {
    ccw(SENSE_ID, flags | SLI, 256, at)
}
