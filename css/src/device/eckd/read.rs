// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands that read.

use super::arm::Place;
use super::sense::{Fault, Message};
use super::track::{self, Record};
use super::{Eckd, End, Outcome, give};
use crate::device::{Transfer, image::Image};

/// Which fields of a record a command moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fields {
    Count,
    Data,
    KeyAndData,
    All,
}

impl<I: Image> Eckd<I> {
    pub(super) fn read(
        &mut self,
        fields: Fields,
        multiple: bool,
        transfer: &mut dyn Transfer,
    ) -> Outcome {
        let record = match (fields, self.arm.place) {
            // Behind the key there is still the data.
            (Fields::Data, Place::Key(record)) => record,
            (Fields::Data | Fields::KeyAndData, _) => self.coming(multiple)?,
            _ => self.next_record(multiple, false)?,
        };
        let track = self.arm.volume.track();
        match fields {
            Fields::Count => {
                transfer.write(track.count(&record));
                self.arm.place = Place::Count(record);
                return Ok(End::Normal);
            }
            Fields::Data => transfer.write(track.data(&record)),
            Fields::KeyAndData => transfer.write(track.key_and_data(&record)),
            Fields::All => {
                transfer.write(track.count(&record));
                transfer.write(track.key_and_data(&record))
            }
        };
        Ok(self.done_with(record))
    }

    /// The data of `record` were read or written.
    pub(super) fn done_with(&mut self, record: Record) -> End {
        self.arm.leave(record);
        match record.data_len {
            0 => End::NoData,
            _ => End::Normal,
        }
    }

    pub(super) fn read_record_zero(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        let record = self.arm.volume.track().first().ok_or(Fault::NO_RECORD)?;
        transfer.write(self.arm.volume.track().count(&record));
        transfer.write(self.arm.volume.track().key_and_data(&record));
        Ok(self.done_with(record))
    }

    /// The home address with what stands before it, which no image has.
    pub(super) fn read_special_home_address(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        let mut bytes = [0; 28];
        let here = self.arm.volume.track().home_address();
        for (to, from) in bytes.iter_mut().skip(14).zip(here) {
            *to = *from;
        }
        self.arm.place = Place::HomeAddress;
        give(transfer, &bytes)
    }

    /// READ MULTIPLE COUNT, KEY AND DATA: what is left of the track. READ TRACK: all of it, and the
    /// mark of its end.
    pub(super) fn read_tracks(&mut self, whole: bool, transfer: &mut dyn Transfer) -> Outcome {
        let track = self.arm.volume.track();
        if whole {
            if self.chain.domain.is_none() {
                return Err(Fault::rejected(Message::InvalidSequence));
            }
            let mut bytes = track.rest(track.first());
            bytes.extend(track::END);
            transfer.write(&bytes);
            let more = self.chain.domain.is_some_and(|domain| domain.left > 0);
            if more {
                self.next_track(true)?;
                self.arm.place = Place::HomeAddress;
            }
            return Ok(End::Normal);
        }
        let record = self.next_record(false, false)?;
        let bytes = self.arm.volume.track().rest(Some(record));
        transfer.write(&bytes);
        self.arm.place = Place::End;
        Ok(End::Normal)
    }
}
