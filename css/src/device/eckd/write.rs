// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands that write.

use super::arm::Place;
use super::read::Fields;
use super::sense::{Fault, Message};
use super::track::{self, COUNT_BYTES, Record};
use super::{Eckd, End, Outcome, parameters};
use crate::device::{Transfer, image::Image};

impl<I: Image> Eckd<I> {
    /// WRITE DATA, WRITE KEY AND DATA: of the record that was found. What the program does not give
    /// becomes zeros.
    pub(super) fn update(
        &mut self,
        fields: Fields,
        multiple: bool,
        found: bool,
        transfer: &mut dyn Transfer,
    ) -> Outcome {
        let located = self.chain.domain.is_some();
        if !found && !located {
            return Err(Fault::rejected(Message::InvalidSequence));
        }
        if !self.chain.mask.updates() {
            return Err(Fault::rejected(Message::InvalidSequence));
        }
        let record = match self.arm.place {
            Place::Key(record) if fields == Fields::Data => record,
            Place::Count(record) => record,
            _ if located => self.next_record(multiple, false)?,
            _ => return Err(Fault::rejected(Message::InvalidSequence)),
        };
        let (at, len) = match fields {
            Fields::Data => (record.data_at(), record.data_len),
            _ => (record.key_at(), record.key_len + record.data_len),
        };
        let mut bytes = vec![0; len];
        transfer.read(&mut bytes);
        self.arm.volume.write(at, &bytes, false)?;
        Ok(self.done_with(record))
    }

    /// WRITE COUNT, KEY AND DATA, behind the record where the arm is.
    pub(super) fn write_record(&mut self, found: bool, transfer: &mut dyn Transfer) -> Outcome {
        let at = self.place_for_a_record(found)?;
        self.make_record(at, transfer)
    }

    /// WRITE RECORD 0.
    pub(super) fn write_record_zero(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        if !self.chain.mask.formats_tracks() || self.arm.place != Place::HomeAddress {
            return Err(Fault::rejected(Message::InvalidSequence));
        }
        self.make_record(track::HOME_ADDRESS_BYTES, transfer)
    }

    /// ERASE: what would be written is not, and what stands behind is gone.
    pub(super) fn erase(&mut self, found: bool, transfer: &mut dyn Transfer) -> Outcome {
        let at = self.place_for_a_record(found)?;
        transfer.read(&mut [0; COUNT_BYTES]);
        self.arm.volume.write(at, &[], true)?;
        self.chain.found = true;
        Ok(End::Normal)
    }

    pub(super) fn place_for_a_record(&self, found: bool) -> Result<usize, Fault> {
        if !found || !self.chain.mask.formats() {
            return Err(Fault::rejected(Message::InvalidSequence));
        }
        match self.arm.place {
            Place::Count(record) | Place::Key(record) | Place::Data(record) => Ok(record.end()),
            _ => Err(Fault::rejected(Message::InvalidSequence)),
        }
    }

    /// Writes a record at `at`; behind it the track ends.
    pub(super) fn make_record(&mut self, at: usize, transfer: &mut dyn Transfer) -> Outcome {
        let count: [u8; COUNT_BYTES] = parameters(transfer)?;
        let record = Record::new(at, count);
        if !self.arm.volume.track().has_room(&record) {
            return Err(Fault::TRACK_FORMAT);
        }
        let mut fields = vec![0; record.key_len + record.data_len];
        transfer.read(&mut fields);
        let bytes = [&count[..], &fields].concat();
        self.arm.volume.write(at, &bytes, true)?;
        self.arm.leave(record);
        self.chain.found = true;
        Ok(End::Normal)
    }
}
