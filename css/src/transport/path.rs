// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The data phase of one DCW: what the device's [`Transfer`] leads to.

use ccw::{Command as Code, Direction, Space};

use super::{Command, Keyed, Program};
use crate::bytes::put;
use crate::{Condition, Transfer};

/// A DCW in execution.
pub(crate) struct DcwPath<'a, 'k, S: Space> {
    storage: Keyed<'k, S>,
    program: &'a mut Program<S>,
    code: Code,
    /// Control data that the device has not taken.
    control: &'a [u8],
    data_count: u32,
    /// Bytes of it that have not moved.
    left: u32,
    /// The device asked for bytes, or offered them, when the count was used up.
    wanted_more: bool,
    /// The device drove the data the wrong way.
    misbehaved: bool,
    check: Option<Condition>,
}

/// What the data phase left behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Bytes announced that did not move.
    pub(crate) residual: u32,
    /// The device wanted more than were announced.
    pub(crate) wanted_more: bool,
    pub(crate) misbehaved: bool,
    pub(crate) check: Option<Condition>,
}

impl<'a, 'k, S: Space> DcwPath<'a, 'k, S> {
    pub(crate) fn new(
        storage: Keyed<'k, S>,
        program: &'a mut Program<S>,
        command: &'a Command,
    ) -> Self {
        Self {
            storage,
            program,
            code: command.code,
            control: &command.control,
            data_count: command.data_count,
            left: command.data_count,
            wanted_more: false,
            misbehaved: false,
            check: None,
        }
    }

    /// The end of the data phase.
    pub(crate) fn finish(self) -> Outcome {
        Outcome {
            residual: self.left,
            wanted_more: self.wanted_more,
            misbehaved: self.misbehaved,
            check: self.check,
        }
    }

    /// Whether data can still move in `direction`.
    fn open(&self, direction: Direction) -> bool {
        self.code != Code::NOP
            && self.code.class().direction() == Some(direction)
            && !self.misbehaved
            && self.check.is_none()
    }

    /// At most what is left of the count.
    fn limit(&self, len: usize) -> usize {
        usize::try_from(self.left).map_or(len, |left| left.min(len))
    }

    /// Notes what a move did.
    fn moved(&mut self, moved: usize, result: Result<(), Condition>) {
        self.left -= u32::try_from(moved).unwrap_or(u32::MAX).min(self.left);
        self.check = result.err();
    }

    /// Control data, then output.
    fn take(&mut self, bytes: &mut [u8]) -> usize {
        let given = self.control.len().min(bytes.len());
        put(bytes, 0, self.control);
        self.control = self.control.get(given..).unwrap_or_default();
        let data = bytes.get_mut(given..).unwrap_or_default();
        if data.is_empty() || !self.open(Direction::ToDevice) {
            return given;
        }
        let len = self.limit(data.len());
        let Some(data) = data.get_mut(..len) else {
            return given;
        };
        let (moved, result) = self.program.output.fetch(&mut self.storage, data);
        self.moved(moved, result);
        given + moved
    }
}

impl<S: Space> Transfer for DcwPath<'_, '_, S> {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        let done = self.take(bytes);
        self.wanted_more |= done < bytes.len() && self.check.is_none();
        done
    }

    fn read_variable(&mut self, bytes: &mut [u8]) -> usize {
        self.take(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        self.misbehaved |= self.code.class().direction() != Some(Direction::FromDevice);
        if !self.open(Direction::FromDevice) {
            return 0;
        }
        let len = self.limit(bytes.len());
        let data = bytes.get(..len).unwrap_or_default();
        let (moved, result) = self.program.input.store(&mut self.storage, data);
        self.moved(moved, result);
        self.wanted_more |= moved < bytes.len() && self.check.is_none();
        moved
    }

    fn data_count(&self) -> Option<u32> {
        Some(self.data_count)
    }

    fn pass_control(&mut self) {
        self.control = &[];
    }
}
