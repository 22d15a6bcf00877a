// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Images that are no volumes, and such as cannot be read or written.

use std::io;
use std::ops::Range;

use css::device::eckd::{Eckd, VolumeError};
use css::device::image::Image;

use super::{CC, DATA, SEARCH, SEEK, SLI, ccw, disk, seek, seek_and_search, tic};
use crate::rig::{End, Rig};

#[test]
fn images_that_are_none() {
    let volume = disk().device.image().clone();
    let error = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut image = volume.clone();
        change(&mut image);
        Eckd::new(image).map(drop).unwrap_err()
    };
    assert!(matches!(error(&|image| image[4] = b'C'), VolumeError::Magic(m) if &m == b"CKD_C370"));
    let heads = error(&|image| image[8] = 14);
    assert!(matches!(
        heads,
        VolumeError::Geometry {
            heads: 14,
            track: 56_832
        }
    ));
    assert!(matches!(
        error(&|image| image[17] = 2),
        VolumeError::Part(2)
    ));
    let len = volume.len() - 1;
    let cut = error(&|image| image.truncate(len));
    assert!(matches!(cut, VolumeError::Length(found) if found == len as u64));
    assert!(matches!(
        error(&|image| image.truncate(100)),
        VolumeError::Io(_)
    ));
    // A track of nonsense ends where its records do not fit any more.
    let mut image = volume.clone();
    let track = 512 + 2 * 56_832;
    image[track + 5..track + 13].fill(0xfe);
    let mut rig = Rig::new(Eckd::new(image).unwrap());
    seek_and_search(&mut rig, (0, 2), 1);
    let search = [
        seek(),
        ccw(0x31, CC, 5, SEARCH),
        tic(1),
        ccw(0x06, 0, 512, DATA),
    ];
    let end = rig.run(&search);
    assert_eq!(end.status[0], 0x0e);
}

/// An image of which these bytes cannot be read, and perhaps none written.
struct Worn {
    bytes: Vec<u8>,
    unreadable: Range<u64>,
    read_only: bool,
}

impl Image for Worn {
    fn len(&mut self) -> io::Result<u64> {
        Image::len(&mut self.bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        Image::set_len(&mut self.bytes, len)
    }

    /// The bytes come all the same, as those of a read that fails at its end.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.bytes.read_at(offset, bytes)?;
        match self.unreadable.contains(&offset) {
            true => Err(io::ErrorKind::Other.into()),
            false => Ok(()),
        }
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self.read_only {
            true => Err(io::ErrorKind::Other.into()),
            false => self.bytes.write_at(offset, bytes),
        }
    }
}

fn worn(unreadable: Range<u64>, read_only: bool) -> Rig<Eckd<Worn>> {
    let bytes = disk().device.image().clone();
    let image = Worn {
        bytes,
        unreadable,
        read_only,
    };
    Rig::new(Eckd::new(image).expect("a volume"))
}

/// Reads 16 bytes of record 1 of a track of cylinder 0.
fn read_of(rig: &mut Rig<Eckd<Worn>>, head: u8) -> End {
    rig.put(SEEK, &[0, 0, 0, 0, 0, head]);
    rig.run(&[seek(), ccw(0x06, SLI, 16, DATA)])
}

#[test]
fn a_track_that_cannot_be_read_leaves_the_one_before() {
    let track_3 = 512 + 3 * 56_832;
    let mut rig = worn(track_3..track_3 + 1, false);
    assert_eq!(read_of(&mut rig, 2).status, [0x0c, 0]);
    let end = read_of(&mut rig, 3);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x10));
    rig.put(DATA, &[0; 16]);
    assert_eq!(read_of(&mut rig, 2).status, [0x0c, 0]);
    assert_eq!(rig.get(DATA, 16), [1; 16]);
}

#[test]
fn what_cannot_be_written_is_not_read_afterwards() {
    let mut rig = worn(0..0, true);
    rig.put(SEEK, &[0, 0, 0, 0, 0, 2]);
    rig.put(SEARCH, &[0, 0, 0, 2, 1]);
    rig.put(0x5000, &[0x77; 512]);
    let program = [
        seek(),
        ccw(0x31, CC, 5, SEARCH),
        tic(1),
        ccw(0x05, 0, 512, 0x5000),
    ];
    let end = rig.run(&program);
    assert_eq!((end.status[0], end.sense[0]), (0x0e, 0x10));
    assert_eq!(read_of(&mut rig, 2).status, [0x0c, 0]);
    assert_eq!(rig.get(DATA, 16), [1; 16]);
}
