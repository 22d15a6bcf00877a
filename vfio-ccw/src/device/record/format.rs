// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One line for each call: `REQUEST = ANSWER`.

use std::fmt;

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw, SCHIB_SIZE};

use crate::device::{Capabilities, DeviceError, Source};
use crate::{AsyncCommand, Errno, ORB_AREA_SIZE};

/// First line of a recording.
pub(super) const HEADER: &str = "vfio-ccw exchange 1";
/// First word of the second line, which lists what the device can do.
pub(super) const CAN: &str = "can";

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Start([u8; ORB_AREA_SIZE], RawScsw),
    Async(AsyncCommand),
    Irb,
    Schib,
    Crw,
    Take(Source),
    Reset,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Irb([u8; IRB_EXTENDED_SIZE]),
    Schib(RawSchib),
    Crw(Option<RawCrw>),
    Count(u64),
    Failed(DeviceError),
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(orb, scsw) => write!(f, "start {} {}", Hex(orb), Hex(&scsw.0)),
            Self::Async(AsyncCommand::Halt) => f.write_str("halt"),
            Self::Async(AsyncCommand::Clear) => f.write_str("clear"),
            Self::Irb => f.write_str("irb"),
            Self::Schib => f.write_str("schib"),
            Self::Crw => f.write_str("crw"),
            Self::Take(source) => write!(f, "take {source}"),
            Self::Reset => f.write_str("reset"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("ok"),
            Self::Irb(irb) => Hex(irb).fmt(f),
            Self::Schib(schib) => Hex(&schib.0).fmt(f),
            Self::Crw(Some(crw)) => write!(f, "{:08x}", crw.0),
            Self::Crw(None) => f.write_str("none"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Failed(DeviceError::Errno(errno)) => match errno.name() {
                Some(name) => f.write_str(name),
                None => write!(f, "errno {}", errno.0),
            },
            Self::Failed(DeviceError::Short { done, wanted }) => {
                write!(f, "short {done} of {wanted}")
            }
        }
    }
}

impl Request {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let request = match words.next()? {
            "start" => Self::Start(unhex(words.next()?)?, RawScsw(unhex(words.next()?)?)),
            "halt" => Self::Async(AsyncCommand::Halt),
            "clear" => Self::Async(AsyncCommand::Clear),
            "irb" => Self::Irb,
            "schib" => Self::Schib,
            "crw" => Self::Crw,
            "take" => {
                let name = words.next()?;
                Self::Take(Source::ALL.into_iter().find(|s| s.to_string() == name)?)
            }
            "reset" => Self::Reset,
            _ => return None,
        };
        words.next().is_none().then_some(request)
    }

    /// The answer to this request that `text` is.
    pub(super) fn parse_answer(&self, text: &str) -> Option<Answer> {
        if let Some(error) = parse_error(text) {
            return Some(Answer::Failed(error));
        }
        Some(match self {
            Self::Start(..) | Self::Async(_) | Self::Reset => {
                return (text == "ok").then_some(Answer::Done);
            }
            Self::Irb => Answer::Irb(unhex(text)?),
            Self::Schib => Answer::Schib(RawSchib(unhex::<SCHIB_SIZE>(text)?)),
            Self::Crw if text == "none" => Answer::Crw(None),
            Self::Crw => Answer::Crw(Some(RawCrw(u32::from_be_bytes(unhex(text)?)))),
            Self::Take(_) => Answer::Count(text.parse().ok()?),
        })
    }
}

fn parse_error(text: &str) -> Option<DeviceError> {
    if let Some(errno) = Errno::from_name(text) {
        return Some(errno.into());
    }
    if let Some(number) = text.strip_prefix("errno ") {
        return Some(Errno(number.parse().ok()?).into());
    }
    let (done, wanted) = text.strip_prefix("short ")?.split_once(" of ")?;
    Some(DeviceError::Short {
        done: done.parse().ok()?,
        wanted: wanted.parse().ok()?,
    })
}

/// The second line of a recording.
pub(super) fn show_capabilities(capabilities: Capabilities) -> String {
    let mut line = CAN.to_owned();
    for (name, there) in named(capabilities) {
        if there {
            line.push(' ');
            line.push_str(name);
        }
    }
    line
}

pub(super) fn parse_capabilities(line: &str) -> Option<Capabilities> {
    let mut words = line.split_ascii_whitespace();
    if words.next() != Some(CAN) {
        return None;
    }
    let mut found = Capabilities::default();
    for word in words {
        *match word {
            "async" => &mut found.async_command,
            "schib" => &mut found.schib,
            "crw" => &mut found.crw,
            "request" => &mut found.request,
            "reset" => &mut found.reset,
            _ => return None,
        } = true;
    }
    Some(found)
}

fn named(capabilities: Capabilities) -> [(&'static str, bool); 5] {
    [
        ("async", capabilities.async_command),
        ("schib", capabilities.schib),
        ("crw", capabilities.crw),
        ("request", capabilities.request),
        ("reset", capabilities.reset),
    ]
}

/// Bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_by_hand() {
        let orb = [0, 0, 0, 1, 0, 0xc2, 0x80, 0, 0, 0, 0x10, 0];
        let scsw = RawScsw([0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let short = DeviceError::Short {
            done: 12,
            wanted: 124,
        };
        let rows = [
            (
                Request::Start(orb, scsw),
                "start 0000000100c2800000001000 000040000000000000000000",
                Answer::Failed(Errno::EBUSY.into()),
                "EBUSY",
            ),
            (
                Request::Async(AsyncCommand::Halt),
                "halt",
                Answer::Done,
                "ok",
            ),
            (
                Request::Async(AsyncCommand::Clear),
                "clear",
                Answer::Failed(Errno(4095).into()),
                "errno 4095",
            ),
            (
                Request::Irb,
                "irb",
                Answer::Failed(short),
                "short 12 of 124",
            ),
            (
                Request::Crw,
                "crw",
                Answer::Crw(Some(RawCrw(0x0406_0022))),
                "04060022",
            ),
            (Request::Crw, "crw", Answer::Crw(None), "none"),
            (Request::Take(Source::Io), "take io", Answer::Count(2), "2"),
            (
                Request::Take(Source::Request),
                "take request",
                Answer::Count(0),
                "0",
            ),
            (Request::Reset, "reset", Answer::Done, "ok"),
        ];
        for (request, asked, answer, answered) in rows {
            assert_eq!(request.to_string(), asked);
            assert_eq!(answer.to_string(), answered);
            assert_eq!(Request::parse(asked), Some(request));
            assert_eq!(request.parse_answer(answered), Some(answer));
        }
        let irb = "01".repeat(96);
        assert_eq!(Request::Irb.parse_answer(&irb), Some(Answer::Irb([1; 96])));
        let schib = "ab".repeat(52);
        let answer = Answer::Schib(RawSchib([0xab; 52]));
        assert_eq!(Request::Schib.parse_answer(&schib), Some(answer));
        assert_eq!(answer.to_string(), schib);
    }

    #[test]
    fn what_is_not_a_line() {
        for text in ["", "stop", "halt now", "take", "take all", "start 00 00"] {
            assert_eq!(Request::parse(text), None, "{text}");
        }
        let rows = [
            (Request::Reset, "done"),
            (Request::Irb, "00"),
            (Request::Schib, "zz"),
            (Request::Crw, "0406002"),
            (Request::Crw, "040600+2"),
            (Request::Take(Source::Io), "-1"),
            (Request::Reset, "short 1 from 2"),
        ];
        for (request, text) in rows {
            assert_eq!(request.parse_answer(text), None, "{request} = {text}");
        }
    }

    #[test]
    fn what_a_device_can_do() {
        let some = Capabilities {
            schib: true,
            reset: true,
            ..Capabilities::default()
        };
        assert_eq!(show_capabilities(some), "can schib reset");
        assert_eq!(parse_capabilities("can schib reset"), Some(some));
        let all = "can async schib crw request reset";
        assert_eq!(show_capabilities(parse_capabilities(all).unwrap()), all);
        assert_eq!(parse_capabilities("can fly"), None);
        assert_eq!(parse_capabilities("schib"), None);
    }
}
