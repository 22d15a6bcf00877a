// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What comes next on the track or behind it, and searching for it.

use super::arm::Place;
use super::sense::Fault;
use super::track::Record;
use super::{Eckd, End, Outcome};
use crate::device::{Transfer, image::Image, output};

impl<I: Image> Eckd<I> {
    /// The end of the track is reached by a command that goes on, or, not `going_on`, by one that
    /// begins again at the index point, twice at most.
    pub(super) fn next_track(&mut self, going_on: bool) -> Result<(), Fault> {
        if !going_on {
            return self.arm.pass_index();
        }
        if !self.chain.mask.seeks_heads() {
            return Err(Fault::FILE_PROTECTED);
        }
        let (cylinder, head) = self.arm.address();
        let located = self.chain.domain.is_some();
        let to = match self.arm.volume.has(cylinder, head + 1) {
            true => (cylinder, head + 1),
            false if located && self.arm.volume.has(cylinder + 1, 0) => (cylinder + 1, 0),
            false => return Err(Fault::END_OF_CYLINDER),
        };
        self.go_to(to)
    }

    /// The next record on this track, or the next one. Record 0 counts only `with_zero`.
    pub(super) fn next_record(&mut self, multiple: bool, with_zero: bool) -> Result<Record, Fault> {
        loop {
            match self.arm.next() {
                Some(record) if record.is_record_zero() && !with_zero => {
                    self.arm.place = Place::Data(record);
                }
                Some(record) => return Ok(record),
                None => self.next_track(multiple)?,
            }
        }
    }

    /// The record whose key or data come next.
    pub(super) fn coming(&mut self, multiple: bool) -> Result<Record, Fault> {
        match self.arm.place {
            Place::Count(record) => Ok(record),
            _ => self.next_record(multiple, false),
        }
    }

    pub(super) fn search_id(
        &mut self,
        how: u8,
        multiple: bool,
        transfer: &mut dyn Transfer,
    ) -> Outcome {
        let mut argument = [0; 5];
        let argument = output(transfer, &mut argument);
        let record = self.next_record(multiple, true)?;
        self.arm.place = Place::Count(record);
        Ok(self.compare(how, &record.id, argument))
    }

    pub(super) fn search_key(
        &mut self,
        how: u8,
        multiple: bool,
        transfer: &mut dyn Transfer,
    ) -> Outcome {
        let record = self.coming(multiple)?;
        let mut argument = vec![0; record.key_len];
        let argument = output(transfer, &mut argument);
        self.arm.place = Place::Key(record);
        let key = self.arm.volume.track().key(&record).to_vec();
        Ok(self.compare(how, &key, argument))
    }

    pub(super) fn search_home_address(
        &mut self,
        multiple: bool,
        transfer: &mut dyn Transfer,
    ) -> Outcome {
        let mut argument = [0; 4];
        let argument = output(transfer, &mut argument);
        if self.arm.place != Place::Index {
            self.next_track(multiple)?;
        }
        self.arm.place = Place::HomeAddress;
        let [_, here @ ..] = *self.arm.volume.track().home_address();
        Ok(self.compare(0x20, &here, argument))
    }

    /// Whether the field on the disk is equal to, or higher than, the argument: as many bytes as
    /// were given (SA22-1025: "Search ID Equal"), and with none there is nothing to find (model).
    /// Only where all bytes of the field are equal may something be written ("Write Commands").
    fn compare(&mut self, how: u8, field: &[u8], argument: &[u8]) -> End {
        let here = field.get(..argument.len()).unwrap_or(field);
        let equal = how & 0x20 != 0 && here == argument;
        let high = how & 0x40 != 0 && here > argument;
        self.chain.found = equal && argument.len() == field.len();
        if !argument.is_empty() && (equal || high) {
            End::Found
        } else {
            End::Normal
        }
    }
}
