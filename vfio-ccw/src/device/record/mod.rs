// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Exchanges with a device, written down and played back.
//!
//! A recording is text: what a device was asked and what it answered, one call a line. It holds
//! status and sense bytes, but no data: what the device stored into memory is not part of it.
//!
//! ```text
//! vfio-ccw exchange 1
//! can async schib crw request reset
//! # a line like this one is a remark
//! start 0000000100c2800000001000 000040000000000000000000 = ok
//! take io = 1
//! irb = 00c04007000010100c000000...
//! crw = none
//! schib = ENODEV
//! ```

mod format;
mod replay;

use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw};

use super::{Capabilities, CcwDevice, DeviceError, Source};
use crate::{AsyncCommand, Errno, ORB_AREA_SIZE};

use format::{Answer, Request};
pub use replay::{Divergence, NotARecording, Replayer};

/// The device `D`, with each call written to `W`.
#[derive(Debug)]
pub struct Recorder<D, W> {
    device: D,
    to: W,
    failed: Option<io::Error>,
}

impl<D: CcwDevice, W: Write> Recorder<D, W> {
    /// `device`, recorded from now on.
    pub fn new(device: D, to: W) -> Self {
        let mut recorder = Self {
            device,
            to,
            failed: None,
        };
        let can = format::show_capabilities(recorder.device.capabilities());
        recorder.line(format_args!("{}\n{can}", format::HEADER));
        recorder
    }

    /// Writes a remark; its lines begin with `#`.
    pub fn remark(&mut self, text: &str) {
        for line in text.lines() {
            self.line(format_args!("# {line}"));
        }
    }

    /// The device inside; what is done with it directly is not recorded.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// Ends the recording.
    ///
    /// # Errors
    ///
    /// The first error of writing; what came after it is not written.
    pub fn finish(mut self) -> io::Result<(D, W)> {
        match self.failed {
            Some(error) => Err(error),
            None => {
                self.to.flush()?;
                Ok((self.device, self.to))
            }
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        if self.failed.is_none() {
            self.failed = writeln!(self.to, "{line}").err();
        }
    }

    fn note(&mut self, request: Request, answer: Answer) {
        self.line(format_args!("{request} = {answer}"));
    }
}

impl<D: CcwDevice, W: Write + Send> CcwDevice for Recorder<D, W> {
    fn capabilities(&self) -> Capabilities {
        self.device.capabilities()
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        self.device.event_fd(source)
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        let result = self.device.acknowledge(source);
        let answer = result.map_or_else(|e| Answer::Failed(e.into()), Answer::Count);
        self.note(Request::Take(source), answer);
        result
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        let result = self.device.start(orb, scsw);
        let answer = result.map_or_else(Answer::Failed, |()| Answer::Done);
        self.note(Request::Start(*orb, *scsw), answer);
        result
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        let result = self.device.async_command(command);
        let answer = result.map_or_else(Answer::Failed, |()| Answer::Done);
        self.note(Request::Async(command), answer);
        result
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        let result = self.device.read_irb();
        let answer = result.map_or_else(Answer::Failed, Answer::Irb);
        self.note(Request::Irb, answer);
        result
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        let result = self.device.read_schib();
        let answer = result.map_or_else(Answer::Failed, Answer::Schib);
        self.note(Request::Schib, answer);
        result
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        let result = self.device.read_crw();
        let answer = result.map_or_else(Answer::Failed, Answer::Crw);
        self.note(Request::Crw, answer);
        result
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        let result = self.device.reset();
        let answer = result.map_or_else(Answer::Failed, |()| Answer::Done);
        self.note(Request::Reset, answer);
        result
    }
}
