// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A CCW as a trace shows it, with its list and some of its data.

use ccw::{CcwFlags, Command, Direction, Format};

use super::draft::{Pieces, decoded};

/// A word of a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum List {
    Idaw4(u32),
    Idaw8(u64),
    Midaw(u128),
}

/// A CCW as a trace shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Its bytes.
    pub(super) raw: [u8; 8],
    /// The first bytes of its data, if it has no list.
    pub(super) data: Vec<u8>,
    /// Its list, each word with the first bytes that it leads to.
    pub(super) list: Vec<(List, Vec<u8>)>,
}

/// Puts lists down, and of the data what was there before the program ran: what goes out.
pub(super) fn put_data<'a>(
    pieces: &mut Pieces,
    ccws: impl Iterator<Item = &'a Shown>,
    format: Format,
) {
    let mut head = Command::NOP;
    let mut chained = false;
    for shown in ccws {
        let ccw = decoded(&shown.raw, format);
        if !chained {
            head = ccw.command;
        }
        chained = ccw.flags.contains(CcwFlags::CHAIN_DATA);
        let output = head.class().direction() == Some(Direction::ToDevice);
        let lists = CcwFlags::INDIRECT | CcwFlags::MODIFIED_INDIRECT;
        if output && !ccw.flags.intersects(lists) {
            pieces.add(ccw.addr.get().into(), &shown.data);
        }
        let mut at = u64::from(ccw.addr.get());
        for (word, data) in &shown.list {
            let (bytes, addr) = match *word {
                List::Idaw4(word) => (word.to_be_bytes().to_vec(), u64::from(word)),
                List::Idaw8(word) => (word.to_be_bytes().to_vec(), word),
                List::Midaw(word) => (
                    word.to_be_bytes().to_vec(),
                    u64::try_from(word & u128::from(u64::MAX)).unwrap_or_default(),
                ),
            };
            pieces.add(at, &bytes);
            at = at.saturating_add(bytes.len() as u64);
            if output {
                pieces.add(addr, data);
            }
        }
    }
}
