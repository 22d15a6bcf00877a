// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A recording as a device.

use std::os::fd::{AsFd, BorrowedFd};

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw};
use thiserror::Error;

use super::format::{self, Answer, HEADER, Request};
use crate::device::{Capabilities, CcwDevice, DeviceError, Source};
use crate::sys::EventFd;
use crate::{AsyncCommand, Errno, ORB_AREA_SIZE};

/// A device that answers as another one did, as long as it is asked the same.
///
/// A signal comes right before the call that took it. The first call that is not the recorded one,
/// and every call after it, ends with `EIO`; [`Self::finish`] tells which it was.
///
/// ```
/// use vfio_ccw::device::record::Replayer;
/// use vfio_ccw::{AsyncCommand, CcwDevice, Source};
///
/// let recording = "vfio-ccw exchange 1\ncan async\nhalt = ok\ntake io = 1\n";
/// let mut device = Replayer::parse(recording).unwrap();
/// device.async_command(AsyncCommand::Halt).unwrap();
/// device.read_irb().unwrap_err();
/// let divergence = device.finish().unwrap_err();
/// assert_eq!(divergence.to_string(), "line 4: `take io` was recorded, `irb` was asked");
/// ```
#[derive(Debug)]
pub struct Replayer {
    capabilities: Capabilities,
    exchange: Vec<Call>,
    next: usize,
    diverged: Option<Divergence>,
    events: [EventFd; 3],
}

#[derive(Clone, Copy, Debug)]
struct Call {
    /// Line of the recording, counted from 1.
    line: usize,
    request: Request,
    answer: Answer,
}

/// Where a replay first left the recording.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Divergence {
    /// Another call was recorded.
    #[error("line {line}: `{recorded}` was recorded, `{asked}` was asked")]
    Other {
        /// Line of the recording, counted from 1.
        line: usize,
        /// The call that was recorded.
        recorded: String,
        /// The call that was made.
        asked: String,
    },
    /// The recording was at its end.
    #[error("the recording was at its end, and `{asked}` was asked")]
    End {
        /// The call that was made.
        asked: String,
    },
    /// The replay ended, and the recording did not.
    #[error("line {line}: `{recorded}` was recorded, and nothing was asked any more")]
    Unasked {
        /// Line of the recording, counted from 1.
        line: usize,
        /// The call that was recorded.
        recorded: String,
    },
}

/// A line that belongs to no recording of this version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct NotARecording {
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Replayer {
    /// The recording `text`.
    ///
    /// # Errors
    ///
    /// [`NotARecording`] names the first line that is none; an event file descriptor that cannot be
    /// had is reported so too, as line 0.
    pub fn parse(text: &str) -> Result<Self, NotARecording> {
        let wrong = |line, reason| NotARecording { line, reason };
        let mut lines = (1..).zip(text.lines());
        match lines.next() {
            Some((_, HEADER)) => {}
            _ => return Err(wrong(1, "not a recording of version 1")),
        }
        let can = lines
            .next()
            .and_then(|(_, line)| format::parse_capabilities(line));
        let capabilities = can.ok_or_else(|| wrong(2, "not what a device can do"))?;
        let mut exchange = Vec::new();
        for (line, text) in lines {
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            let (request, answer) = text
                .split_once(" = ")
                .ok_or_else(|| wrong(line, "no request and answer"))?;
            let request = Request::parse(request).ok_or_else(|| wrong(line, "not a request"))?;
            let answer = request
                .parse_answer(answer)
                .ok_or_else(|| wrong(line, "not an answer to that request"))?;
            exchange.push(Call {
                line,
                request,
                answer,
            });
        }
        let event = || EventFd::new().map_err(|_| wrong(0, "no event file descriptor"));
        let replayer = Self {
            capabilities,
            exchange,
            next: 0,
            diverged: None,
            events: [event()?, event()?, event()?],
        };
        replayer.signal();
        Ok(replayer)
    }

    /// Whether all of the recording was asked, and nothing else.
    ///
    /// # Errors
    ///
    /// The first [`Divergence`].
    pub fn finish(self) -> Result<(), Divergence> {
        if let Some(diverged) = self.diverged {
            return Err(diverged);
        }
        self.exchange.get(self.next).map_or(Ok(()), |call| {
            Err(Divergence::Unasked {
                line: call.line,
                recorded: call.request.to_string(),
            })
        })
    }

    /// The recorded answer to `request`, if that is what was recorded.
    fn answer(&mut self, request: Request) -> Result<Answer, Errno> {
        if self.diverged.is_some() {
            return Err(Errno::EIO);
        }
        let asked = request.to_string();
        match self.exchange.get(self.next) {
            Some(call) if call.request == request => {
                let answer = call.answer;
                self.next += 1;
                self.signal();
                return Ok(answer);
            }
            Some(call) => {
                self.diverged = Some(Divergence::Other {
                    line: call.line,
                    recorded: call.request.to_string(),
                    asked,
                });
            }
            None => self.diverged = Some(Divergence::End { asked }),
        }
        Err(Errno::EIO)
    }

    /// Makes the next call possible in a loop that polls.
    fn signal(&self) {
        if let Some(call) = self.exchange.get(self.next)
            && let (Request::Take(source), Answer::Count(1..)) = (call.request, call.answer)
            && let Err(errno) = self.event(source).signal()
        {
            log::warn!(target: "vfio_ccw::record", "signal {source}: {errno}");
        }
    }

    fn event(&self, source: Source) -> &EventFd {
        let [io, crw, request] = &self.events;
        match source {
            Source::Io => io,
            Source::Crw => crw,
            Source::Request => request,
        }
    }

    fn done(&mut self, request: Request) -> Result<(), DeviceError> {
        match self.answer(request)? {
            Answer::Failed(error) => Err(error),
            _ => Ok(()),
        }
    }
}

impl CcwDevice for Replayer {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        let there = match source {
            Source::Io => true,
            Source::Crw => self.capabilities.crw,
            Source::Request => self.capabilities.request,
        };
        there.then(|| self.event(source).as_fd())
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        self.event(source).take()?;
        match self.answer(Request::Take(source))? {
            Answer::Count(count) => Ok(count),
            Answer::Failed(error) => Err(error.errno().unwrap_or(Errno::EIO)),
            _ => Err(Errno::EIO),
        }
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        self.done(Request::Start(*orb, *scsw))
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        self.done(Request::Async(command))
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        match self.answer(Request::Irb)? {
            Answer::Irb(irb) => Ok(irb),
            Answer::Failed(error) => Err(error),
            _ => Err(Errno::EIO.into()),
        }
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        match self.answer(Request::Schib)? {
            Answer::Schib(schib) => Ok(schib),
            Answer::Failed(error) => Err(error),
            _ => Err(Errno::EIO.into()),
        }
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        match self.answer(Request::Crw)? {
            Answer::Crw(crw) => Ok(crw),
            Answer::Failed(error) => Err(error),
            _ => Err(Errno::EIO.into()),
        }
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.done(Request::Reset)
    }
}
