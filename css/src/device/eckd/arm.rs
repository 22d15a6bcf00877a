// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the heads are, and what passes below them next.

use super::sense::Fault;
use super::track::{Address, Record};
use super::volume::Volume;
use crate::device::image::Image;

/// What has just passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The index point, or nothing that is known.
    Index,
    HomeAddress,
    Count(Record),
    Key(Record),
    Data(Record),
    /// All of the track.
    End,
}

/// The heads over a volume.
#[derive(Debug)]
pub(super) struct Arm<I> {
    pub(super) volume: Volume<I>,
    pub(super) place: Place,
    /// The index point has passed since something was found.
    turned: bool,
}

impl<I: Image> Arm<I> {
    pub(super) fn new(volume: Volume<I>) -> Self {
        Self {
            volume,
            place: Place::Index,
            turned: false,
        }
    }

    /// A chain begins: the disk has turned meanwhile.
    pub(super) fn begin(&mut self) {
        self.place = Place::Index;
        self.turned = false;
    }

    /// The track below the heads.
    pub(super) fn address(&self) -> Address {
        let track = self.volume.track();
        (track.cylinder, track.head)
    }

    /// Moves to a track that the volume has.
    pub(super) fn seek(&mut self, (cylinder, head): Address) -> Result<(), Fault> {
        self.volume.load(cylinder, head)?;
        self.begin();
        Ok(())
    }

    /// The record that comes next on this track.
    pub(super) fn next(&self) -> Option<Record> {
        let track = self.volume.track();
        match self.place {
            Place::Index | Place::HomeAddress => track.first(),
            Place::Count(record) | Place::Key(record) | Place::Data(record) => {
                track.record(record.end())
            }
            Place::End => None,
        }
    }

    /// The track begins again, unless it has done so before and nothing was found.
    pub(super) fn pass_index(&mut self) -> Result<(), Fault> {
        if std::mem::replace(&mut self.turned, true) {
            return Err(Fault::NO_RECORD);
        }
        self.place = Place::Index;
        Ok(())
    }

    /// The data of `record` has passed.
    pub(super) fn leave(&mut self, record: Record) {
        self.place = Place::Data(record);
        self.turned = false;
    }

    /// The record of this track with the id `id`.
    pub(super) fn find(&self, id: [u8; 5]) -> Result<Record, Fault> {
        let track = self.volume.track();
        let mut next = track.first();
        while let Some(record) = next {
            if record.id == id {
                return Ok(record);
            }
            next = track.record(record.end());
        }
        Err(Fault::NO_RECORD)
    }

    /// Passes record 0, if there is one.
    pub(super) fn pass_record_zero(&mut self) {
        if let Some(record) = self.volume.track().first() {
            self.place = Place::Data(record);
        }
    }
}
