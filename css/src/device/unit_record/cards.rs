// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! 3505 card reader and 3525 card punch. A card is a line of text of 80 columns.

use std::collections::VecDeque;
use std::io::{self, Write};

use ccw::Command;

use super::{EXCEPTION, Unit, ebcdic, take_line};
use crate::device::{DONE, Device, Reply, Sense, Transfer, sense};

const COLUMNS: usize = 80;
const READ_FEED: u8 = 0x02;
const WRITE_FEED: u8 = 0x01;

/// A 3505 with cards in its hopper.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    cards: VecDeque<[u8; COLUMNS]>,
    /// The end of the file was shown: the hopper is empty.
    ended: bool,
    unit: Unit,
}

impl Reader {
    const ID: [u8; 7] = [0xff, 0x35, 0x05, 0x01, 0x35, 0x05, 0x01];

    /// One card per line of `text`, filled up with blanks; what is right of column 80 is lost.
    pub fn new(text: &str) -> Self {
        let card = |line: &str| {
            let mut card = [ebcdic::byte(' '); COLUMNS];
            for (column, c) in card.iter_mut().zip(line.chars()) {
                *column = ebcdic::byte(c);
            }
            card
        };
        Self::from_cards(text.lines().map(card))
    }

    /// Cards with any bytes on them.
    pub fn from_cards(cards: impl IntoIterator<Item = [u8; COLUMNS]>) -> Self {
        Self {
            cards: cards.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Device for Reader {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        if let Some(reply) = self.unit.common(command, Self::ID, transfer) {
            return reply;
        }
        // Bits 0-1 choose a stacker.
        if command.0 & 0x3f != READ_FEED {
            return self.unit.reject();
        }
        match self.cards.pop_front() {
            Some(card) => {
                transfer.write(&card);
                Reply::Ending(DONE)
            }
            None if self.ended => Reply::Ending(self.unit.check(sense::INTERVENTION_REQUIRED)),
            None => {
                self.ended = true;
                Reply::Ending(EXCEPTION)
            }
        }
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.unit.sense)
    }
}

/// A 3525 that punches into `W`.
#[derive(Clone, Debug)]
pub struct Punch<W> {
    cards: W,
    unit: Unit,
}

impl<W: Write> Punch<W> {
    const ID: [u8; 7] = [0xff, 0x35, 0x05, 0x01, 0x35, 0x25, 0x01];

    /// Each card becomes a line of `cards`, without the blanks at its end.
    pub fn new(cards: W) -> Self {
        Self {
            cards,
            unit: Unit::default(),
        }
    }

    /// Where the cards went.
    pub fn output(&self) -> &W {
        &self.cards
    }

    fn punch(&mut self, card: &[u8]) -> io::Result<()> {
        writeln!(self.cards, "{}", ebcdic::text(card).trim_end())
    }
}

impl<W: Write> Device for Punch<W> {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        if let Some(reply) = self.unit.common(command, Self::ID, transfer) {
            return reply;
        }
        // Bits 0-1 choose a stacker.
        if command.0 & 0x3f != WRITE_FEED {
            return self.unit.reject();
        }
        let mut bytes = [0; COLUMNS];
        let card = take_line(transfer, &mut bytes);
        match self.punch(card) {
            Ok(()) => Reply::Ending(DONE),
            Err(_) => Reply::Ending(self.unit.check(sense::EQUIPMENT_CHECK)),
        }
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.unit.sense)
    }
}
