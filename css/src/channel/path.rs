// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The data phase of one command: what the device's [`Transfer`] leads to.

use ccw::{Command, Direction, Space};

use super::area::Area;
use super::fetch::check;
use super::{Channel, Control, Cursor, Fetched, Reached};
use crate::{Check, Condition, Transfer};

/// A command in execution, with all CCWs of its data chain.
pub(crate) struct Path<'a, 'c, S: Space> {
    channel: &'a mut Channel<'c, S>,
    head: Command,
    control: Control<S>,
    area: Area,
    /// The CCW in control was reached by data chaining.
    chained: bool,
    /// Bytes moved under all CCWs of the chain.
    moved: bool,
    /// The device asked for bytes, or offered them, when the count was used up.
    wanted_more: bool,
    /// The device drove the data the wrong way.
    misbehaved: bool,
    check: Option<Check>,
}

/// What the data phase left behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<S: Space> {
    /// The CCW in control at the end.
    pub(crate) control: Control<S>,
    /// Bytes of its count that did not move.
    pub(crate) residual: u16,
    pub(crate) moved: bool,
    pub(crate) wanted_more: bool,
    pub(crate) misbehaved: bool,
    pub(crate) check: Option<Check>,
}

impl<'a, 'c, S: Space> Path<'a, 'c, S> {
    /// The command of `control`, ready to be sent to the device.
    pub(crate) fn new(channel: &'a mut Channel<'c, S>, control: Control<S>) -> Result<Self, Check> {
        let head = control.ccw.command;
        let area = Area::new(channel, &control.ccw, head)
            .map_err(|condition| check(condition, control.at))?;
        channel.recognise_pci(control.at, control.ccw.flags);
        Ok(Self {
            channel,
            head,
            control,
            area,
            chained: false,
            moved: false,
            wanted_more: false,
            misbehaved: false,
            check: None,
        })
    }

    /// The end of the data phase.
    pub(crate) fn finish(self) -> Outcome<S> {
        Outcome {
            control: self.control,
            residual: self.area.remaining(),
            moved: self.moved,
            wanted_more: self.wanted_more,
            misbehaved: self.misbehaved,
            check: self.check,
        }
    }

    /// Whether data can go in `direction` at all.
    fn open(&mut self, direction: Direction) -> bool {
        if self.head == Command::NOP {
            return false;
        }
        if self.head.class().direction() != Some(direction) {
            self.misbehaved = true;
        }
        !self.misbehaved && self.check.is_none()
    }

    /// Notes what a move did; when it used up the count, the next CCW of the data chain takes
    /// control. Returns whether the device may go on.
    fn moved(&mut self, moved: usize, result: Result<(), Condition>) -> bool {
        if moved > 0 {
            self.moved = true;
            *self.channel.backward_tics = 0;
        }
        if let Err(condition) = result {
            self.check = Some(check(condition, self.control.at));
            return false;
        }
        if self.area.remaining() > 0 {
            return true;
        }
        if moved == 0 || !self.control.ccw.chains_data() {
            return false;
        }
        match self.chain_data() {
            Ok(()) => true,
            Err(check) => {
                self.check = Some(check);
                false
            }
        }
    }

    /// The next CCW gives the next area of this command.
    fn chain_data(&mut self) -> Result<(), Check> {
        let cursor = Cursor {
            at: self.control.at.wrapping_add(8),
            reached: Reached::Data,
        };
        let (Fetched::Execute(control) | Fetched::Suspend(control)) =
            self.channel.next(cursor, false)?;
        self.area = Area::new(self.channel, &control.ccw, self.head)
            .map_err(|condition| check(condition, control.at))?;
        self.channel.recognise_pci(control.at, control.ccw.flags);
        self.control = control;
        self.chained = true;
        Ok(())
    }

    fn take(&mut self, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        if !self.open(Direction::ToDevice) {
            return 0;
        }
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let (moved, result) = self.area.fetch(self.channel, rest);
            done += moved;
            if !self.moved(moved, result) {
                break;
            }
        }
        done
    }

    /// The count is used up, and nothing else is wrong.
    fn stopped_by_count(&self) -> bool {
        self.check.is_none() && !self.misbehaved && self.area.remaining() == 0
    }
}

impl<S: Space> Transfer for Path<'_, '_, S> {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        let done = self.take(bytes);
        self.wanted_more |= done < bytes.len() && self.stopped_by_count();
        done
    }

    fn read_variable(&mut self, bytes: &mut [u8]) -> usize {
        let done = self.take(bytes);
        // With a count of zero even the first request is answered with stop.
        self.wanted_more |= done < bytes.len() && self.stopped_by_count() && !self.moved;
        done
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        if !self.open(Direction::FromDevice) {
            return 0;
        }
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let (moved, result) = self.area.store(self.channel, rest);
            done += moved;
            if !self.moved(moved, result) {
                break;
            }
        }
        self.wanted_more |= done < bytes.len() && self.stopped_by_count();
        done
    }

    fn overrun(&mut self) {
        if self.open(Direction::FromDevice) && self.chained {
            self.check = Some(check(Condition::N02, self.control.at));
        }
    }
}
