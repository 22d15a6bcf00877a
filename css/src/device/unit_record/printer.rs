// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! 1403 line printer, with the forms control of a 3211. Lines of text; a new page begins with a
//! form feed.

use std::io::{self, Write};

use ccw::Command;

use super::{EXCEPTION, Unit, ebcdic, take_line};
use crate::device::{DONE, Device, Reply, Sense, Transfer, sense};

const LOAD_FORMS_CONTROL: u8 = 0x63;
const BLOCK_DATA_CHECK: u8 = 0x73;
const ALLOW_DATA_CHECK: u8 = 0x7b;
const GATE_LOAD: u8 = 0xeb;
const FOLD: u8 = 0x43;
const UNFOLD: u8 = 0x23;
const LOAD_CHARACTERS: u8 = 0xfb;
/// Sense byte 0: channel 9 was met while spacing.
const CHANNEL_9: u8 = 0x01;
/// Sense byte 0: the forms control was not loaded as it should.
const LOAD_CHECK: u8 = 0x02;

const COLUMNS: usize = 150;
const LINES: usize = 66;
/// Line, from 1, of the channels 1 to 12 of a form that nobody loaded.
const CHANNEL_LINES: [usize; 12] = [1, 7, 13, 19, 25, 31, 37, 43, 63, 49, 55, 61];
/// Longest form.
const MAX_LINES: usize = 180;

/// What moves the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Space(u8),
    Skip(u8),
}

impl Move {
    /// Bits 0-4 of a command: 0 to 3 lines, or to one of the channels 1 to 12.
    fn of(command: Command) -> Option<Self> {
        let code = command.0 >> 3;
        match code {
            0..=3 => Some(Self::Space(code)),
            0x11..=0x1c => Some(Self::Skip(code - 0x10)),
            _ => None,
        }
    }
}

/// A printer that prints into `W`.
#[derive(Clone, Debug)]
pub struct Printer<W> {
    paper: W,
    /// Channel of each line of the form, 0 for none.
    form: Vec<u8>,
    /// Line on the form, from 0.
    line: usize,
    unit: Unit,
}

impl<W: Write> Printer<W> {
    const ID: [u8; 7] = [0xff, 0x28, 0x21, 0x01, 0x14, 0x03, 0x01];

    /// A form of 66 lines with channel 1 at its first, 9 and 12 near its last lines.
    pub fn new(paper: W) -> Self {
        let mut form = vec![0; LINES];
        for (channel, line) in (1..).zip(CHANNEL_LINES) {
            if let Some(hole) = form.get_mut(line - 1) {
                *hole = channel;
            }
        }
        Self {
            paper,
            form,
            line: 0,
            unit: Unit::default(),
        }
    }

    /// Where it printed.
    pub fn output(&self) -> &W {
        &self.paper
    }

    fn channel(&self) -> u8 {
        self.form.get(self.line).copied().unwrap_or(0)
    }

    /// One line on. Returns the channel there.
    fn advance(&mut self) -> io::Result<u8> {
        self.line += 1;
        if self.line >= self.form.len() {
            self.line = 0;
            self.paper.write_all(b"\n\x0c")?;
        } else {
            self.paper.write_all(b"\n")?;
        }
        Ok(self.channel())
    }

    /// Moves the paper; the text on the current line, if any, is complete.
    fn feed(&mut self, movement: Move) -> io::Result<Ended> {
        match movement {
            Move::Space(0) => {
                self.paper.write_all(b"\r")?;
                Ok(Ended::Done)
            }
            Move::Space(lines) => {
                let mut ended = Ended::Done;
                for _ in 0..lines {
                    match self.advance()? {
                        9 => ended = Ended::Channel9,
                        12 => ended = Ended::Channel12,
                        _ => {}
                    }
                }
                Ok(ended)
            }
            Move::Skip(channel) => {
                if !self.form.contains(&channel) {
                    return Ok(Ended::NoChannel);
                }
                while self.advance()? != channel {}
                Ok(Ended::Done)
            }
        }
    }

    fn finish(&mut self, ended: io::Result<Ended>) -> ccw::DeviceStatus {
        match ended {
            Ok(Ended::Done) => DONE,
            Ok(Ended::Channel9) => self.unit.check(CHANNEL_9),
            Ok(Ended::Channel12) => EXCEPTION,
            Ok(Ended::NoChannel) | Err(_) => self.unit.check(sense::EQUIPMENT_CHECK),
        }
    }

    fn print(&mut self, movement: Move, transfer: &mut dyn Transfer) -> Reply {
        let mut bytes = [0; COLUMNS];
        let text = ebcdic::text(take_line(transfer, &mut bytes));
        let printed = self.paper.write_all(text.trim_end().as_bytes());
        let ended = printed.and_then(|()| self.feed(movement));
        Reply::Ending(self.finish(ended))
    }

    /// The channel of each line, the last one marked with bit 3; an index byte may precede.
    fn load_form(&mut self, transfer: &mut dyn Transfer) -> Reply {
        let mut bytes = [0; MAX_LINES + 1];
        let mut loaded = take_line(transfer, &mut bytes);
        if let Some((first, rest)) = loaded.split_first()
            && first & 0x80 != 0
        {
            loaded = rest;
        }
        let end = loaded.iter().position(|byte| byte & 0x10 != 0);
        let form = end.and_then(|end| loaded.get(..=end)).unwrap_or(&[]);
        let valid = |byte: &u8| byte & 0xe0 == 0 && byte & 0x0f <= 12;
        if form.is_empty() || form.len() > MAX_LINES || !form.iter().all(valid) {
            return Reply::Ending(self.unit.check(LOAD_CHECK));
        }
        self.form = form.iter().map(|byte| byte & 0x0f).collect();
        self.line = 0;
        Reply::Ending(DONE)
    }
}

/// How a movement ended.
enum Ended {
    Done,
    /// A line with channel 9 was met: the form is nearly full.
    Channel9,
    /// A line with channel 12 was met: the form is full.
    Channel12,
    /// No line of the form has the channel that was asked for.
    NoChannel,
}

impl<W: Write> Device for Printer<W> {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        if let Some(reply) = self.unit.common(command, Self::ID, transfer) {
            return reply;
        }
        match (command.0, command.0 & 0x07, Move::of(command)) {
            (LOAD_FORMS_CONTROL, ..) => self.load_form(transfer),
            (BLOCK_DATA_CHECK | ALLOW_DATA_CHECK | GATE_LOAD | FOLD | UNFOLD, ..) => {
                Reply::IMMEDIATE
            }
            (LOAD_CHARACTERS, ..) => {
                take_line(transfer, &mut [0; 512]);
                Reply::Ending(DONE)
            }
            (_, 0x01, Some(movement)) => self.print(movement, transfer),
            (_, 0x03, Some(movement)) => {
                let ended = self.feed(movement);
                Reply::Initial(self.finish(ended))
            }
            _ => self.unit.reject(),
        }
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.unit.sense)
    }
}
