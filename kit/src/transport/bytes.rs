// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A case that is read from any bytes; missing ones are zero.

use ccw::DeviceStatus;

use super::{Areas, Case, Change, Step, check, check_lowered, check_verdict};
use crate::subchannel::stream::Stream;

/// Bits of the first byte.
const WRITE: u8 = 0x01;
const TCCB_LIST: u8 = 0x02;
const DIRECT: u8 = 0x04;
const KEY: u8 = 0x08;
const FETCH_PROTECTED: u8 = 0x10;
const CONCURRENT_SENSE: u8 = 0x20;

/// Bits of the first byte of an area.
const SKIP: u8 = 0x01;
const JUMP: u8 = 0x02;

impl Stream<'_> {
    /// Code, length of the control data or 0, count, ending, what moves.
    fn step(&mut self) -> Step {
        let code = self.byte();
        let control = usize::from(self.byte() % 24);
        let control: Vec<u8> = (0..control).map(|_| self.byte()).collect();
        let count = self.half() % 0x1800;
        let (status, sense) = match self.byte() % 8 {
            6 => (0x0d, Vec::new()),
            7 => (0x0e, vec![0x80, 0x01, code]),
            _ => (0x0c, Vec::new()),
        };
        Step {
            code,
            count: if control.is_empty() { count } else { 0 },
            control,
            moves: i32::from(i8::from_be_bytes([self.byte()])),
            status: DeviceStatus::from_bits_retain(status),
            sense,
        }
    }

    fn area(&mut self) -> (u64, u64, u64, bool, bool) {
        let flags = self.byte();
        let page = 0x10 + u64::from(self.byte() % 0x22);
        let place = u64::from(self.half() % 0x1000);
        let most = 1 + u64::from(self.half() % 0x1000);
        (page, place, most, flags & SKIP != 0, flags & JUMP != 0)
    }
}

impl Case {
    /// The case that `bytes` say.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut rest = Stream(bytes);
        let flags = rest.byte();
        let [steps, areas, changes] = [5, 24, 4].map(|most| usize::from(rest.byte() % most));
        let key = (flags & KEY != 0).then_some((1 + flags % 3, flags & FETCH_PROTECTED != 0));
        let areas = match flags & DIRECT {
            0 => Areas::List((0..=areas).map(|_| rest.area()).collect()),
            _ => {
                let (page, place, ..) = rest.area();
                Areas::Direct(page * 0x1000 + place)
            }
        };
        Self {
            write: flags & WRITE != 0,
            areas,
            steps: (0..=steps).map(|_| rest.step()).collect(),
            tccb_list: flags & TCCB_LIST != 0,
            changes: (0..changes)
                .map(|_| Change {
                    block: rest.byte() % 4,
                    offset: u16::from(rest.byte()),
                    mask: rest.byte(),
                })
                .collect(),
            key,
            concurrent_sense: flags & CONCURRENT_SENSE != 0,
        }
    }
}

/// Holds the program that `bytes` say against its translation, and its CCWs, and the verdict.
///
/// # Panics
///
/// When they do not do the same.
pub fn check_bytes(bytes: &[u8]) {
    let mut case = Case::from_bytes(bytes);
    let told = [check(&case).err(), check_verdict(&case).err(), {
        case.concurrent_sense = true;
        check_lowered(&case).err()
    }];
    if let Some(difference) = told.into_iter().flatten().next() {
        panic!("{difference}\n{case:?}");
    }
}

/// Cases to begin with.
pub fn seeds() -> [(&'static str, Vec<u8>); 7] {
    let read = [
        // A list of two areas; control data, and 1000 bytes.
        &[0x20, 1, 1, 0][..],
        &[0, 0, 0, 0, 0x07, 0xff, 0, 4, 0, 0, 0x0f, 0xff],
        &[0x60, 4, 0xa1, 0xa2, 0xa3, 0xa4, 0, 0, 0, 0],
        &[0x84, 0, 0x10, 0x00, 0, 0],
    ];
    let write = [
        // One area, twice; the second command takes less.
        &[0x05, 1, 0, 0][..],
        &[0, 2, 0x0f, 0xf0, 0, 0],
        &[0x84, 0, 0x08, 0x00, 0, 0],
        &[0x84, 0, 0x08, 0x00, 0, 0xf0],
    ];
    let wrong = |block, offset, mask| {
        let areas = [0, 0, 0, 0, 0x07, 0xff, 0, 1, 0, 0, 0x07, 0xff];
        let step = [0x84, 0, 0x08, 0x00, 0, 0];
        [
            &[0x01, 1, 1, 1][..],
            &areas,
            &step,
            &step,
            &[block, offset, mask],
        ]
        .concat()
    };
    // Sixteen areas of 256 bytes, the last of them behind a T-TIC at the end of the page; of that the flag
    // is taken away, and it has a byte.
    let page = [
        &[0x01, 1, 0, 2][..],
        &[0, 0, 0, 0, 0, 0xff],
        &[0x84, 0, 0x08, 0x00, 0, 0],
        &[0x84, 0, 0x08, 0x00, 0, 0],
        &[2, 0xf0, 0x10],
        &[2, 0xf7, 0x01],
    ];
    // A T-TIC at once, which is made to lead to another one behind it.
    let twice = [
        &[0x01, 0, 0, 3][..],
        &[2, 0, 0, 0, 0x07, 0xff],
        &[0x84, 0, 0x08, 0x00, 0, 0],
        &[2, 14, 0xbf],
        &[2, 15, 0x10],
        &[2, 16, 0x10],
    ];
    // 64 areas, each behind a T-TIC, so that the list comes to a page with another key.
    let keyed = [
        &[0x19, 1, 0, 0][..],
        &[2, 0, 0, 0, 0, 0x3f],
        &[0x84, 0, 0x08, 0x00, 0, 0],
        &[0x84, 0, 0x08, 0x00, 0, 0],
    ];
    [
        ("another-key", keyed.concat()),
        ("wrong-page", page.concat()),
        ("wrong-t-tics", twice.concat()),
        ("read", read.concat()),
        ("write", write.concat()),
        ("wrong-list", wrong(2, 16, 1)),
        ("wrong-count", wrong(1, 30, 0x40)),
    ]
}
