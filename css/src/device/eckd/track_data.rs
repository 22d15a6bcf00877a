// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The data of tracks, without counts and keys: READ TRACK DATA and WRITE TRACK DATA, and the
//! prefixes of transport mode that do the same.

use super::sense::{Fault, Message};
use super::track::Record;
use super::{Eckd, End, Operation, Outcome};
use crate::device::{Transfer, image::Image};

impl<I: Image> Eckd<I> {
    /// The data of one track of the domain, from the record that is next to the last one, or, of the
    /// last track, as many bytes as LOCATE RECORD EXTENDED said. The next command finds the first
    /// record of the next track.
    pub(super) fn read_track_data(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        self.in_domain_of(Operation::ReadTrackData)?;
        self.read_track(transfer)?;
        Ok(End::Normal)
    }

    pub(super) fn write_track_data(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        self.in_domain_of(Operation::WriteTrackData)?;
        self.write_track(transfer)?;
        Ok(End::Normal)
    }

    /// All tracks of the domain that the prefix `command` has set up itself.
    pub(super) fn move_tracks(&mut self, command: u8, transfer: &mut dyn Transfer) -> Outcome {
        let reads = command == 0xea;
        self.in_domain_of(match reads {
            true => Operation::ReadTrackData,
            false => Operation::WriteTrackData,
        })?;
        while let Some(domain) = self.chain.domain.as_mut().filter(|domain| domain.left > 0) {
            domain.left -= 1;
            let goes_on = match reads {
                true => self.read_track(transfer)?,
                false => self.write_track(transfer)?,
            };
            if !goes_on {
                break;
            }
        }
        Ok(End::Normal)
    }

    fn in_domain_of(&self, operation: Operation) -> Result<(), Fault> {
        match self.chain.domain {
            Some(domain) if domain.operation == operation => Ok(()),
            _ => Err(Fault::rejected(Message::InvalidSequence)),
        }
    }

    /// Whether the program takes more.
    fn read_track(&mut self, transfer: &mut dyn Transfer) -> Result<bool, Fault> {
        let mut left = self.bytes_of_track();
        let mut next = Some(self.coming(false)?);
        while let Some(record) = next.filter(|_| left > 0) {
            let data = self.arm.volume.track().data(&record);
            let data = data.get(..left).unwrap_or(data);
            left -= data.len();
            if transfer.write(data) < data.len() {
                return Ok(false);
            }
            next = self.pass(record);
        }
        self.finish_track()
    }

    /// Whether the program has more. What it does not give of a record becomes zeros.
    fn write_track(&mut self, transfer: &mut dyn Transfer) -> Result<bool, Fault> {
        let mut left = self.bytes_of_track();
        let mut next = Some(self.coming(false)?);
        while let Some(record) = next.filter(|_| left > 0) {
            let mut data = vec![0; record.data_len];
            let len = left.min(data.len());
            left -= len;
            let given = match data.get_mut(..len) {
                Some(wanted) => transfer.read(wanted),
                None => 0,
            };
            if given == 0 && len > 0 {
                return Ok(false);
            }
            self.arm.volume.write(record.data_at(), &data, false)?;
            if given < len {
                return Ok(false);
            }
            next = self.pass(record);
        }
        self.finish_track()
    }

    /// How many bytes of this track are to be moved at most.
    fn bytes_of_track(&self) -> usize {
        let domain = self.chain.domain.filter(|domain| domain.left == 0);
        let length = domain.and_then(|domain| domain.last_track);
        length.map_or(usize::MAX, usize::from)
    }

    /// The record behind `record` on this track.
    fn pass(&mut self, record: Record) -> Option<Record> {
        self.arm.leave(record);
        self.arm.next()
    }

    /// On to the next track, if the domain has one.
    fn finish_track(&mut self) -> Result<bool, Fault> {
        let more = self.chain.domain.is_some_and(|domain| domain.left > 0);
        if more {
            self.next_track(true)?;
        }
        Ok(more)
    }
}
