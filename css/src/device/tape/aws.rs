// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The .aws tape image: blocks and tape marks, each behind a 6-byte header.
//!
//! A header holds, little-endian, the length of the part that follows and of the part before it,
//! then a flag byte (80 first part of a block, 40 tape mark, 20 last part of a block) and a zero.

use std::io;

use crate::device::image::Image;

const HEADER: u64 = 6;
const HEADER_BYTES: usize = 6;
const FIRST: u8 = 0x80;
const MARK: u8 = 0x40;
const LAST: u8 = 0x20;

/// Longest block that is read: no tape drive writes longer ones.
const MAX_BLOCK: usize = 256 * 1024;

/// What lies on the tape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Record {
    Block(Vec<u8>),
    Mark,
}

/// Why the tape cannot be moved as wished.
#[derive(Debug)]
pub(super) enum Stop {
    /// The load point.
    LoadPoint,
    /// Nothing is recorded from here on.
    Void,
    /// The image is no tape, or cannot be read or written.
    Damaged,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        log::warn!("tape image: {error}");
        Self::Damaged
    }
}

struct Header {
    len: u16,
    previous: u16,
    flags: u8,
}

/// A tape and where it stands.
#[derive(Debug)]
pub(super) struct Aws<I> {
    image: I,
    /// Offset of the next header.
    at: u64,
    /// Length of the part in front of it.
    previous: u16,
    /// Records between the load point and here.
    block: u32,
}

impl<I: Image> Aws<I> {
    pub(super) fn new(image: I) -> Self {
        Self {
            image,
            at: 0,
            previous: 0,
            block: 0,
        }
    }

    pub(super) fn image(&mut self) -> &mut I {
        &mut self.image
    }

    pub(super) fn block(&self) -> u32 {
        self.block
    }

    pub(super) fn at_load_point(&self) -> bool {
        self.at == 0
    }

    /// Bytes of the image in front of where the tape stands.
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    pub(super) fn rewind(&mut self) {
        self.at = 0;
        self.previous = 0;
        self.block = 0;
    }

    fn header(&mut self, at: u64) -> Result<Header, Stop> {
        if at >= self.image.len()? {
            return Err(Stop::Void);
        }
        let mut bytes = [0; 6];
        self.image.read_at(at, &mut bytes)?;
        Ok(Header {
            len: u16::from_le_bytes([bytes[0], bytes[1]]),
            previous: u16::from_le_bytes([bytes[2], bytes[3]]),
            flags: bytes[4],
        })
    }

    /// Reads the next record and moves behind it.
    pub(super) fn next(&mut self) -> Result<Record, Stop> {
        let mut data = Vec::new();
        let mut at = self.at;
        let mut first = true;
        loop {
            let header = match self.header(at) {
                // The image ends between the parts of a block.
                Err(Stop::Void) if !first => return Err(Stop::Damaged),
                header => header?,
            };
            at = at.saturating_add(HEADER);
            if header.flags & MARK != 0 {
                if !first {
                    return Err(Stop::Damaged);
                }
                self.step(at, 0);
                return Ok(Record::Mark);
            }
            let length = usize::from(header.len);
            if (header.flags & FIRST != 0) != first || data.len() + length > MAX_BLOCK {
                return Err(Stop::Damaged);
            }
            let mut part = vec![0; length];
            self.image.read_at(at, &mut part)?;
            data.append(&mut part);
            at = at.saturating_add(u64::from(header.len));
            if header.flags & LAST != 0 {
                self.step(at, header.len);
                return Ok(Record::Block(data));
            }
            first = false;
        }
    }

    fn step(&mut self, at: u64, previous: u16) {
        self.at = at;
        self.previous = previous;
        self.block = self.block.saturating_add(1);
    }

    /// Moves in front of the record behind which the tape stands, and reads it.
    pub(super) fn previous(&mut self) -> Result<Record, Stop> {
        let mut at = self.at;
        let mut length = self.previous;
        loop {
            if at == 0 {
                return Err(match at == self.at {
                    true => Stop::LoadPoint,
                    false => Stop::Damaged,
                });
            }
            at = at
                .checked_sub(HEADER + u64::from(length))
                .ok_or(Stop::Damaged)?;
            let header = self.header(at)?;
            if header.len != length {
                return Err(Stop::Damaged);
            }
            if header.flags & (FIRST | MARK) != 0 {
                let block = self.block.saturating_sub(1);
                self.at = at;
                let record = self.next()?;
                self.at = at;
                self.previous = header.previous;
                self.block = block;
                return Ok(record);
            }
            length = header.previous;
        }
    }

    /// Writes a record here; whatever followed is gone.
    pub(super) fn write(&mut self, record: &Record) -> Result<(), Stop> {
        let (data, alone): (&[u8], u8) = match record {
            Record::Block(data) => (data, 0),
            Record::Mark => (&[], MARK),
        };
        let mut bytes = Vec::with_capacity(data.len().saturating_add(HEADER_BYTES));
        let mut previous = self.previous;
        let mut rest = data;
        let mut flags = if alone != 0 { alone } else { FIRST };
        loop {
            let len = u16::try_from(rest.len()).unwrap_or(u16::MAX);
            let part = rest.split_off(..usize::from(len)).unwrap_or_default();
            if rest.is_empty() && alone == 0 {
                flags |= LAST;
            }
            let [l0, l1] = len.to_le_bytes();
            let [p0, p1] = previous.to_le_bytes();
            bytes.extend([l0, l1, p0, p1, flags, 0]);
            bytes.extend(part);
            previous = len;
            flags = 0;
            if rest.is_empty() {
                break;
            }
        }
        self.replace_rest(&bytes)?;
        self.step(self.at.saturating_add(bytes.len() as u64), previous);
        Ok(())
    }

    /// Puts `bytes` here and cuts off what follows. If they cannot be written, the image is as it
    /// was.
    fn replace_rest(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = self.image.len()?;
        let there = usize::try_from(len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let mut before = vec![0; there.min(bytes.len())];
        self.image.read_at(self.at, &mut before)?;
        if let Err(error) = self.image.write_at(self.at, bytes) {
            self.image.write_at(self.at, &before)?;
            self.image.set_len(len)?;
            return Err(error);
        }
        self.image
            .set_len(self.at.saturating_add(bytes.len() as u64))
    }

    /// Everything behind where the tape stands is gone.
    pub(super) fn erase(&mut self) -> Result<(), Stop> {
        Ok(self.image.set_len(self.at)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_an_image() {
        let mut tape = Aws::new(Vec::new());
        tape.write(&Record::Block(vec![0xc1, 0xc2, 0xc3])).unwrap();
        tape.write(&Record::Mark).unwrap();
        tape.write(&Record::Block(vec![0xd1])).unwrap();
        let expected = [
            3, 0, 0, 0, 0xa0, 0, 0xc1, 0xc2, 0xc3, // block
            0, 0, 3, 0, 0x40, 0, // tape mark
            1, 0, 0, 0, 0xa0, 0, 0xd1,
        ];
        assert_eq!(*tape.image(), expected);
        assert!(matches!(tape.next(), Err(Stop::Void)));
    }

    #[test]
    fn forward_and_backward_see_the_same_records() {
        let records = [
            Record::Block(vec![1; 70_000]),
            Record::Mark,
            Record::Block(vec![2]),
        ];
        let mut tape = Aws::new(Vec::new());
        for record in &records {
            tape.write(record).unwrap();
        }
        for record in records.iter().rev() {
            assert_eq!(tape.previous().unwrap(), *record);
        }
        assert!(tape.at_load_point());
        assert!(matches!(tape.previous(), Err(Stop::LoadPoint)));
        for record in &records {
            assert_eq!(tape.next().unwrap(), *record);
        }
        assert_eq!(tape.block(), 3);
    }

    #[test]
    fn writing_in_the_middle_cuts_the_rest_off() {
        let mut tape = Aws::new(Vec::new());
        for value in 1..=3 {
            tape.write(&Record::Block(vec![value])).unwrap();
        }
        tape.rewind();
        tape.next().unwrap();
        tape.write(&Record::Block(vec![9, 9])).unwrap();
        assert!(matches!(tape.next(), Err(Stop::Void)));
        assert_eq!(tape.previous().unwrap(), Record::Block(vec![9, 9]));
        assert_eq!(tape.previous().unwrap(), Record::Block(vec![1]));
    }

    /// An image in a file system with room for so many bytes: what fits of a write is written.
    struct Full(Vec<u8>, usize);

    impl Image for Full {
        fn len(&mut self) -> io::Result<u64> {
            Image::len(&mut self.0)
        }

        fn set_len(&mut self, len: u64) -> io::Result<()> {
            Image::set_len(&mut self.0, len)
        }

        fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
            self.0.read_at(offset, bytes)
        }

        fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            let room = self.1.saturating_sub(usize::try_from(offset).unwrap());
            self.0.write_at(offset, &bytes[..room.min(bytes.len())])?;
            if room < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        }
    }

    #[test]
    fn a_record_that_cannot_be_written_leaves_what_stood_there() {
        let mut tape = Aws::new(Vec::new());
        for value in 1..=3 {
            tape.write(&Record::Block(vec![value; 10])).unwrap();
        }
        let before = tape.image().clone();
        assert_eq!(before.len(), 3 * 16);
        // Behind the first record, over the two that follow it and beyond.
        for (room, block) in [(48, 50), (60, 50), (48, 70_000)] {
            let mut tape = Aws::new(Full(before.clone(), room));
            tape.next().unwrap();
            assert!(matches!(
                tape.write(&Record::Block(vec![9; block])),
                Err(Stop::Damaged)
            ));
            assert_eq!(tape.image().0, before);
            assert_eq!(tape.next().unwrap(), Record::Block(vec![2; 10]));
        }
        let mut tape = Aws::new(Full(before.clone(), 48));
        tape.write(&Record::Block(vec![9; 42])).unwrap();
        assert_eq!(tape.image().0.len(), 48, "what fits is written");
    }

    #[test]
    fn images_that_are_no_tapes_are_damaged() {
        for image in [
            vec![3, 0, 0],                                     // half a header
            vec![3, 0, 0, 0, 0xa0, 0, 1],                      // half a block
            vec![1, 0, 0, 0, 0x80, 0, 1],                      // no last part
            vec![1, 0, 0, 0, 0x20, 0, 1],                      // no first part
            vec![1, 0, 0, 0, 0x80, 0, 1, 0, 0, 1, 0, 0x40, 0], // mark within a block
        ] {
            assert!(matches!(Aws::new(image).next(), Err(Stop::Damaged)));
        }
    }
}
