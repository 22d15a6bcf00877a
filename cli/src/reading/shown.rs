// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A CCW as a trace shows it, with its list and some of its data.

use ccw::{CcwFlags, Command, Direction, Format};

use super::draft::{Pieces, decoded};
use super::lines::{Doubleword, Piece};
use crate::source::Written;

/// A word of a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum List {
    Idaw4(u32),
    Idaw8(u64),
    Midaw(u128),
}

/// A word of a list as a trace shows it.
#[derive(Clone, Debug)]
pub(super) struct ListWord {
    /// The word.
    pub(super) word: List,
    /// What is written of it, each part from this byte on.
    pub(super) written: Vec<(u64, Written)>,
    /// The first bytes that it leads to.
    pub(super) data: Piece,
}

/// A CCW as a trace shows it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Its bytes.
    pub(super) raw: [u8; 8],
    /// Where they are written, unless they are only known.
    pub(super) written: Option<Written>,
    /// The first bytes of its data, if it has no list.
    pub(super) data: Piece,
    /// Its list.
    pub(super) list: Vec<ListWord>,
}

impl Shown {
    /// The CCW `ccw`, with these first bytes of its data.
    pub(super) const fn new(ccw: Doubleword, data: Piece) -> Self {
        Self {
            raw: ccw.raw,
            written: Some(ccw.written),
            data,
            list: Vec::new(),
        }
    }

    /// Puts the CCW down at `at`; whether what was known there is the same.
    pub(super) fn put(&self, pieces: &mut Pieces, at: u64) -> bool {
        let written = self.written.map(|written| (0, written));
        pieces.add_shown(at, &self.raw, written.as_slice())
    }
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
            pieces.add_piece(ccw.addr.get().into(), &shown.data);
        }
        let mut at = u64::from(ccw.addr.get());
        for ListWord {
            word,
            written,
            data,
        } in &shown.list
        {
            let (bytes, addr) = match *word {
                List::Idaw4(word) => (word.to_be_bytes().to_vec(), u64::from(word)),
                List::Idaw8(word) => (word.to_be_bytes().to_vec(), word),
                List::Midaw(word) => (
                    word.to_be_bytes().to_vec(),
                    u64::try_from(word & u128::from(u64::MAX)).unwrap_or_default(),
                ),
            };
            pieces.add_shown(at, &bytes, written);
            at = at.saturating_add(bytes.len() as u64);
            if output {
                pieces.add_piece(addr, data);
            }
        }
    }
}
