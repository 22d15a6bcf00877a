// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The image of a volume: a header, then every track with as many bytes as the longest one.
//!
//! The format is the one that Hercules calls CKD: `dasdinit` makes such images. Numbers in the
//! header are little-endian, in the tracks big-endian.

use std::io;

use thiserror::Error;

use super::super::image::Image;
use super::track::{END, Track};
use crate::bytes::put;

const HEADER_BYTES: usize = 512;
const MAGIC: &[u8; 8] = b"CKD_P370";
/// Tracks of a cylinder of a 3390.
pub(super) const HEADS: u16 = 15;
/// Bytes of the image for one track of a 3390.
const TRACK_BYTES: u16 = 56_832;
/// The last two digits of the device type.
const TYPE_3390: u8 = 0x90;

/// Why an image is no volume.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The first bytes are others than `CKD_P370`. (Compressed images begin with `CKD_C370`.)
    #[error("the image begins with {0:02x?}, not with \"CKD_P370\"")]
    Magic([u8; 8]),
    /// It is one part of several.
    #[error("the image is file {0} of several (byte 17)")]
    Part(u8),
    /// It is of another kind of disk.
    #[error("{heads} tracks a cylinder and {track} bytes a track (bytes 8-15) are no 3390's")]
    Geometry {
        /// Tracks of a cylinder.
        heads: u32,
        /// Bytes of a track.
        track: u32,
    },
    /// It does not end with a cylinder.
    #[error("{0} bytes are no whole number of cylinders, 1 to 65535")]
    Length(u64),
}

/// A 3390's tracks, one of them at hand.
#[derive(Debug)]
pub(super) struct Volume<I> {
    image: I,
    cylinders: u16,
    track: Track,
    /// Room for the next track, so that one that cannot be read leaves the track at hand alone.
    next: Vec<u8>,
}

impl<I: Image> Volume<I> {
    /// The volume that is in `image`.
    pub(super) fn open(mut image: I) -> Result<Self, VolumeError> {
        let mut header = [0; HEADER_BYTES];
        image.read_at(0, &mut header)?;
        let [magic @ .., _, _, _, _, _, _, _, _] = header.first_chunk::<16>().unwrap_or(&[0; 16]);
        if magic != MAGIC {
            return Err(VolumeError::Magic(*magic));
        }
        let word = |at: usize| {
            let bytes = header.get(at..).and_then(|rest| rest.first_chunk::<4>());
            u32::from_le_bytes(bytes.copied().unwrap_or_default())
        };
        let (heads, track) = (word(8), word(12));
        if heads != u32::from(HEADS) || track != u32::from(TRACK_BYTES) {
            return Err(VolumeError::Geometry { heads, track });
        }
        if header[17] > 1 {
            return Err(VolumeError::Part(header[17]));
        }
        let len = image.len()?;
        let cylinder = u64::from(HEADS) * u64::from(TRACK_BYTES);
        let tracks = len.saturating_sub(HEADER_BYTES as u64);
        let cylinders = u16::try_from(tracks / cylinder).ok();
        let cylinders = cylinders.filter(|n| *n > 0 && tracks.is_multiple_of(cylinder));
        let mut volume = Self {
            image,
            cylinders: cylinders.ok_or(VolumeError::Length(len))?,
            track: Track::default(),
            next: Vec::new(),
        };
        volume.load(0, 0)?;
        Ok(volume)
    }

    /// Makes of `image` a volume whose tracks have their home address and record 0 only.
    pub(super) fn create(mut image: I, cylinders: u16) -> Result<Self, VolumeError> {
        let mut header = [0; HEADER_BYTES];
        let parts: [(usize, &[u8]); 3] = [
            (0, MAGIC),
            (8, &u32::from(HEADS).to_le_bytes()),
            (12, &u32::from(TRACK_BYTES).to_le_bytes()),
        ];
        for (at, bytes) in parts {
            put(&mut header, at, bytes);
        }
        header[16] = TYPE_3390;
        let tracks = u64::from(cylinders) * u64::from(HEADS);
        image.set_len(HEADER_BYTES as u64 + tracks * u64::from(TRACK_BYTES))?;
        image.write_at(0, &header)?;
        for cylinder in 0..cylinders {
            for head in 0..HEADS {
                image.write_at(offset(cylinder, head), &Track::empty(cylinder, head))?;
            }
        }
        Self::open(image)
    }

    pub(super) fn image(&mut self) -> &mut I {
        &mut self.image
    }

    pub(super) fn cylinders(&self) -> u16 {
        self.cylinders
    }

    /// Whether there is such a track.
    pub(super) fn has(&self, cylinder: u16, head: u16) -> bool {
        cylinder < self.cylinders && head < HEADS
    }

    /// The track at hand.
    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// Takes another track, which the volume has. If it cannot be read, the one at hand stays.
    pub(super) fn load(&mut self, cylinder: u16, head: u16) -> io::Result<()> {
        if (self.track.cylinder, self.track.head) == (cylinder, head)
            && !self.track.bytes.is_empty()
        {
            return Ok(());
        }
        self.next.resize(TRACK_BYTES.into(), 0);
        self.image.read_at(offset(cylinder, head), &mut self.next)?;
        std::mem::swap(&mut self.track.bytes, &mut self.next);
        (self.track.cylinder, self.track.head) = (cylinder, head);
        Ok(())
    }

    /// Writes `bytes` at `at` into the track at hand, and with `last` the end of the track behind
    /// them. They must fit: see [`Track::has_room`].
    pub(super) fn write(&mut self, at: usize, bytes: &[u8], last: bool) -> io::Result<()> {
        let end: &[u8] = if last { &END } else { &[] };
        let place = offset(self.track.cylinder, self.track.head);
        for (at, part) in [(at, bytes), (at + bytes.len(), end)] {
            let target = self.track.bytes.get_mut(at..at + part.len());
            let target = target.ok_or(io::ErrorKind::InvalidInput)?;
            self.image.write_at(place + at as u64, part)?;
            target.copy_from_slice(part);
        }
        Ok(())
    }
}

/// Where a track lies in the image.
fn offset(cylinder: u16, head: u16) -> u64 {
    let track = u64::from(cylinder) * u64::from(HEADS) + u64::from(head);
    HEADER_BYTES as u64 + track * u64::from(TRACK_BYTES)
}
