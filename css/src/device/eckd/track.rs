// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A track: its home address, then records, each with a count field that says how long its key and
//! data are.

/// Flag, cylinder, head.
pub(super) const HOME_ADDRESS_BYTES: usize = 5;
/// Cylinder, head, record, length of the key, length of the data.
pub(super) const COUNT_BYTES: usize = 8;
/// Where a count field could be and is none.
pub(super) const END: [u8; COUNT_BYTES] = [0xff; COUNT_BYTES];

/// A cylinder and a head.
pub(super) type Address = (u16, u16);

/// A track as it lies in the image.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    pub(super) cylinder: u16,
    pub(super) head: u16,
    pub(super) bytes: Vec<u8>,
}

/// A record of the track, by its count field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where its count field begins.
    at: usize,
    /// Cylinder, head and record number, as the count field says.
    pub(super) id: [u8; 5],
    /// Bytes of the key.
    pub(super) key_len: usize,
    /// Bytes of the data.
    pub(super) data_len: usize,
}

impl Record {
    /// Which record has this count field, and where.
    pub(super) fn new(at: usize, count: [u8; COUNT_BYTES]) -> Self {
        let [c, cc, h, hh, r, key, data, low] = count;
        Self {
            at,
            id: [c, cc, h, hh, r],
            key_len: usize::from(key),
            data_len: usize::from(u16::from_be_bytes([data, low])),
        }
    }

    pub(super) fn is_record_zero(&self) -> bool {
        self.id[4] == 0
    }

    pub(super) fn key_at(&self) -> usize {
        self.at + COUNT_BYTES
    }

    pub(super) fn data_at(&self) -> usize {
        self.key_at() + self.key_len
    }

    /// Where the next record begins.
    pub(super) fn end(&self) -> usize {
        self.data_at() + self.data_len
    }
}

impl Track {
    /// The bytes of a track with nothing but its home address and record 0, with eight bytes of
    /// data.
    pub(super) fn empty(cylinder: u16, head: u16) -> Vec<u8> {
        let [c, cc] = cylinder.to_be_bytes();
        let [h, hh] = head.to_be_bytes();
        let mut bytes = vec![0, c, cc, h, hh];
        bytes.extend([c, cc, h, hh, 0, 0, 0, 8]);
        bytes.extend([0; 8]);
        bytes.extend(END);
        bytes
    }

    pub(super) fn home_address(&self) -> &[u8; HOME_ADDRESS_BYTES] {
        self.bytes.first_chunk().unwrap_or(&[0; HOME_ADDRESS_BYTES])
    }

    /// The record whose count field begins at `at`; `None` at the end of the track, and where the
    /// image has none that fits.
    pub(super) fn record(&self, at: usize) -> Option<Record> {
        let count = *self.bytes.get(at..)?.first_chunk::<COUNT_BYTES>()?;
        let record = Record::new(at, count);
        (count != END && record.end() <= self.bytes.len()).then_some(record)
    }

    /// The first record.
    pub(super) fn first(&self) -> Option<Record> {
        self.record(HOME_ADDRESS_BYTES)
    }

    pub(super) fn count(&self, record: &Record) -> &[u8] {
        self.bytes
            .get(record.at..record.key_at())
            .unwrap_or_default()
    }

    pub(super) fn key(&self, record: &Record) -> &[u8] {
        let range = record.key_at()..record.data_at();
        self.bytes.get(range).unwrap_or_default()
    }

    pub(super) fn data(&self, record: &Record) -> &[u8] {
        let range = record.data_at()..record.end();
        self.bytes.get(range).unwrap_or_default()
    }

    pub(super) fn key_and_data(&self, record: &Record) -> &[u8] {
        let range = record.key_at()..record.end();
        self.bytes.get(range).unwrap_or_default()
    }

    /// Everything from the count field of `record` to the end of the track.
    pub(super) fn rest(&self, record: Option<Record>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = record;
        while let Some(record) = next {
            bytes.extend(self.bytes.get(record.at..record.end()).unwrap_or_default());
            next = self.record(record.end());
        }
        bytes
    }

    /// Whether a record with this count field fits at its place: in the image, and on the disk, which
    /// needs gaps and check bytes besides.
    pub(super) fn has_room(&self, new: &Record) -> bool {
        let mut used = cells(new);
        let mut next = self.first();
        while let Some(record) = next.filter(|record| record.at < new.at) {
            if !record.is_record_zero() {
                used += cells(&record);
            }
            next = self.record(record.end());
        }
        let on_disk = new.is_record_zero() || used <= CELLS;
        on_disk && new.end() + END.len() <= self.bytes.len()
    }
}

/// What a track of a 3390 holds behind record 0, in cells of 34 bytes.
const CELLS: usize = 1729;

/// The cells that a record takes on a 3390: ten for its count field, and for each other field nine and
/// its bytes, to which six are added at the beginning and for each 232.
fn cells(record: &Record) -> usize {
    let field = |len: usize| 9 + (len + 6 * (len + 6).div_ceil(232) + 6).div_ceil(34);
    let key = match record.key_len {
        0 => 0,
        len => field(len),
    };
    10 + key + field(record.data_len)
}
