// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! 3390 volumes of which each record is written out.

use css::device::{
    eckd::Eckd,
    image::{Image, Overlay},
};

/// Tracks in a cylinder.
const HEADS: u16 = 15;
/// Bytes of an image for each track.
const TRACK: u64 = 56_832;

/// Cylinder and head.
pub type Track = (u16, u16);

/// What follows the count of a record.
#[derive(Clone, Debug)]
pub struct Record {
    /// The key area, which may be empty.
    pub key: Vec<u8>,
    /// The data area.
    pub data: Vec<u8>,
}

/// A volume that is formatted up to the cylinder of the last of `tracks`: each track has its home
/// address and record 0, and those of `tracks` have these records behind, numbered from 1.
///
/// # Panics
///
/// If a record, or the records of a track, are longer than can be.
pub fn volume(tracks: &[(Track, Vec<Record>)]) -> Eckd<Overlay<Vec<u8>>> {
    let last = tracks.iter().map(|((cylinder, _), _)| *cylinder).max();
    let cylinders = last.unwrap_or(0) + 1;
    let mut image = Overlay::new(Vec::new()).expect("memory");
    let len = 512 + u64::from(cylinders) * u64::from(HEADS) * TRACK;
    image.set_len(len).expect("sparse");
    // The tracks' bytes are little-endian.
    let header = [&b"CKD_P370"[..], &[15, 0, 0, 0, 0x00, 0xde, 0, 0, 0x90]];
    image.write_at(0, &header.concat()).expect("memory");
    let all = (0..cylinders).flat_map(|cylinder| (0..HEADS).map(move |head| (cylinder, head)));
    for (at, track) in (512..).step_by(TRACK as usize).zip(all) {
        let found = tracks.iter().find(|(it, _)| *it == track);
        let bytes = bytes(track, found.map_or(&[], |(_, records)| records));
        assert!(bytes.len() as u64 <= TRACK, "too many records");
        image.write_at(at, &bytes).expect("memory");
    }
    Eckd::new(image).expect("a volume")
}

/// A track: home address, record 0, `records`, and the mark of the end.
fn bytes((cylinder, head): Track, records: &[Record]) -> Vec<u8> {
    let address = [cylinder.to_be_bytes(), head.to_be_bytes()].concat();
    let mut bytes = [&[0][..], &address, &address, &[0, 0, 0, 8], &[0; 8]].concat();
    for (r, Record { key, data }) in (1..).zip(records) {
        let key_len = u8::try_from(key.len()).expect("a key");
        let data_len = u16::try_from(data.len()).expect("a record");
        bytes.extend(&address);
        bytes.extend([r, key_len]);
        bytes.extend(data_len.to_be_bytes());
        bytes.extend(key);
        bytes.extend(data);
    }
    bytes.extend([0xff; 8]);
    bytes
}
