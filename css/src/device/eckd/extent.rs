// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a program says of its intentions before it moves data: DEFINE EXTENT, LOCATE RECORD in its
//! two forms, and both in one as PREFIX.

use super::sense::{Fault, Message};
use super::track::Address;

/// Bytes of the parameters of DEFINE EXTENT; a longer form has more, which do not matter here.
pub(super) const EXTENT_BYTES: usize = 16;
/// Bytes of the parameters of LOCATE RECORD.
pub(super) const LOCATE_BYTES: usize = 16;
/// Bytes of the parameters of LOCATE RECORD EXTENDED that matter here.
pub(super) const LOCATE_EXTENDED_BYTES: usize = 20;
/// Bytes of the parameters of PREFIX: its own, an extent of 32, and a location.
pub(super) const PREFIX_BYTES: usize = 64;

/// Commands that move the data of tracks.
const READ_TRACK_DATA: u8 = 0xa6;
const WRITE_TRACK_DATA: u8 = 0xa5;
/// Byte 1 of the extended form: there is a length, and it is that of the last track.
const LENGTH_OF_LAST_TRACK: u8 = 0xc0;

/// What the program may do: byte 0 of an extent, and the operand of SET FILE MASK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FileMask(u8);

impl FileMask {
    pub(super) fn new(byte: u8) -> Result<Self, Fault> {
        match byte & 0x20 {
            0 => Ok(Self(byte)),
            _ => Err(Fault::rejected(Message::InvalidParameter)),
        }
    }

    /// Whether data of records that are there may be written.
    pub(super) fn updates(self) -> bool {
        self.0 & 0xc0 != 0x40
    }

    /// Whether records may be made.
    pub(super) fn formats(self) -> bool {
        matches!(self.0 & 0xc0, 0x00 | 0xc0)
    }

    /// Whether home addresses and records 0 may be written.
    pub(super) fn formats_tracks(self) -> bool {
        self.0 & 0xc0 == 0xc0
    }

    /// Whether the arm may be moved to another cylinder.
    pub(super) fn seeks_cylinders(self) -> bool {
        self.0 & 0x18 < 0x10
    }

    /// Whether another head may be used.
    pub(super) fn seeks_heads(self) -> bool {
        self.0 & 0x18 != 0x18
    }

    /// Whether SEEK may be used.
    pub(super) fn seeks(self) -> bool {
        self.0 & 0x18 == 0
    }
}

/// The tracks that the program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) mask: FileMask,
    first: Address,
    last: Address,
}

impl Extent {
    /// "DEFINE EXTENT": mask, attributes, sizes that a cache goes by, first and last track.
    pub(super) fn parse(p: &[u8; EXTENT_BYTES]) -> Result<Self, Fault> {
        let mask = FileMask::new(p[0])?;
        let extent = Self {
            mask,
            first: (
                u16::from_be_bytes([p[8], p[9]]),
                u16::from_be_bytes([p[10], p[11]]),
            ),
            last: (
                u16::from_be_bytes([p[12], p[13]]),
                u16::from_be_bytes([p[14], p[15]]),
            ),
        };
        // Attributes: only the mode for extended count-key-data is there.
        if p[1] & 0xc0 != 0xc0 || extent.first > extent.last {
            return Err(Fault::rejected(Message::InvalidParameter));
        }
        Ok(extent)
    }

    pub(super) fn contains(&self, track: Address) -> bool {
        (self.first..=self.last).contains(&track)
    }

    pub(super) fn last(&self) -> Address {
        self.last
    }
}

/// Where the device is when LOCATE RECORD ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    /// Behind the count field of the record that was searched for.
    Count,
    /// Behind the home address.
    HomeAddress,
    /// Behind the data of the record that was searched for.
    Data,
    /// At the index point.
    Index,
}

/// What the commands behind LOCATE RECORD are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// None: the device is only oriented.
    Orient,
    /// Data of records that are there.
    WriteData,
    /// New records.
    FormatWrite,
    /// Single records.
    ReadData,
    /// Whole tracks.
    ReadTracks,
    /// The data of whole tracks, without counts and keys.
    ReadTrackData,
    /// The same, of records that are there.
    WriteTrackData,
    /// Anything that reads.
    Read,
}

/// LOCATE RECORD, and LOCATE RECORD EXTENDED as far as it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) operation: Operation,
    pub(super) orientation: Orientation,
    /// Commands, or tracks, that belong to it.
    pub(super) count: u8,
    pub(super) track: Address,
    /// The record that is searched for.
    pub(super) id: [u8; 5],
    /// Bytes of data of the last track, if not all that are left there.
    pub(super) last_track: Option<u16>,
}

impl Location {
    pub(super) fn parse(p: &[u8; LOCATE_BYTES]) -> Result<Self, Fault> {
        let operation = match p[0] & 0x3f {
            0x00 => Operation::Orient,
            0x01 => Operation::WriteData,
            0x03 => Operation::FormatWrite,
            0x06 => Operation::ReadData,
            0x0c => Operation::ReadTracks,
            0x16 => Operation::Read,
            _ => return Err(Fault::rejected(Message::InvalidParameter)),
        };
        if p[2] != 0 {
            return Err(Fault::rejected(Message::InvalidParameter));
        }
        Self::new(p, operation)
    }

    /// The extended form names operations by the command that carries them out (byte 2) and, where
    /// byte 0 says so, by a code of their own (byte 17). Of these there are reading and writing the
    /// data of tracks; a length in bytes 14-15 is then that of the last one, if byte 1 says so.
    pub(super) fn parse_extended(p: &[u8; LOCATE_EXTENDED_BYTES]) -> Result<Self, Fault> {
        let [plain @ .., _, extended, _, _] = p;
        let operation = match (p[0] & 0x3f, p[2], extended) {
            (0x0c, READ_TRACK_DATA, _) => Operation::ReadTrackData,
            (0x3f, WRITE_TRACK_DATA, 0x23) => Operation::WriteTrackData,
            _ => return Self::parse(plain),
        };
        let length = u16::from_be_bytes([p[14], p[15]]);
        let last_track = (p[1] & LENGTH_OF_LAST_TRACK == LENGTH_OF_LAST_TRACK).then_some(length);
        Ok(Self {
            last_track,
            ..Self::new(plain, operation)?
        })
    }

    fn new(p: &[u8; LOCATE_BYTES], operation: Operation) -> Result<Self, Fault> {
        let orientation = match p[0] >> 6 {
            0 => Orientation::Count,
            1 => Orientation::HomeAddress,
            2 => Orientation::Data,
            _ => Orientation::Index,
        };
        let count = p[3];
        if (count == 0) != (operation == Operation::Orient) {
            return Err(Fault::rejected(Message::InvalidParameter));
        }
        Ok(Self {
            operation,
            orientation,
            count,
            track: (
                u16::from_be_bytes([p[4], p[5]]),
                u16::from_be_bytes([p[6], p[7]]),
            ),
            id: [p[8], p[9], p[10], p[11], p[12]],
            last_track: None,
        })
    }
}

/// PREFIX: an extent, a location, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) extent: Option<Extent>,
    pub(super) location: Option<Location>,
}

impl Prefix {
    /// Format 0 has an extent, format 1 a location too. What it says of a base volume is not for a
    /// volume without aliases.
    pub(super) fn parse(p: &[u8; PREFIX_BYTES]) -> Result<Self, Fault> {
        let mut extent = [0; EXTENT_BYTES];
        extent.copy_from_slice(&p[12..12 + EXTENT_BYTES]);
        let mut location = [0; LOCATE_EXTENDED_BYTES];
        location.copy_from_slice(&p[44..]);
        let location = match p[0] {
            0 => None,
            1 => Some(Location::parse_extended(&location)?),
            _ => return Err(Fault::rejected(Message::InvalidParameter)),
        };
        let extent = match p[1] & 0x80 {
            0 => None,
            _ => Some(Extent::parse(&extent)?),
        };
        Ok(Self { extent, location })
    }
}
