// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The human at QEMU's 3270 terminal: answers each screen that begins with `ECHO` and a length with
//! that many of the bytes behind, at once. An attention that follows a final status so closely is
//! what makes the kernel lose the status.
//!
//! `peer SOCKET`, on the machine that runs QEMU; it ends with QEMU. The stream is that of TN3270
//! (RFC 1576): records end with IAC EOR, and IAC in a record is doubled.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::{env, io, thread};

const IAC: u8 = 0xff;
const SE: u8 = 0xf0;
const SB: u8 = 0xfa;
const WILL_TO_DONT: std::ops::RangeInclusive<u8> = 0xfb..=0xfe;
const EOR: u8 = 0xef;
/// The answer to the question for the terminal's type.
const TERMINAL: &[u8] = b"\xff\xfa\x18\x00IBM-3278-2\xff\xf0";

fn main() -> io::Result<()> {
    let path = env::args().nth(1).ok_or(io::ErrorKind::InvalidInput)?;
    let mut stream = connect(&path)?;
    stream.write_all(TERMINAL)?;
    let (mut decoder, mut bytes) = (Decoder::default(), [0; 4096]);
    loop {
        let n = stream.read(&mut bytes)?;
        if n == 0 {
            return Ok(());
        }
        for byte in &bytes[..n] {
            if let Some(record) = decoder.next(*byte)
                && let Some(answer) = answer(&record)
            {
                stream.write_all(&answer)?;
            }
        }
    }
}

/// QEMU makes the socket some time after it was started.
fn connect(path: &str) -> io::Result<UnixStream> {
    for _ in 0..600 {
        if let Ok(stream) = UnixStream::connect(path) {
            return Ok(stream);
        }
        thread::sleep(Duration::from_millis(50));
    }
    UnixStream::connect(path)
}

/// What the human types when that screen comes: command, `ECHO`, length, bytes.
fn answer(record: &[u8]) -> Option<Vec<u8>> {
    let rest = record.get(1..)?.strip_prefix(b"ECHO")?;
    let len = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
    let mut answer = rest.get(2..)?.to_vec();
    answer.truncate(len);
    answer.extend([IAC, EOR]);
    Some(answer)
}

/// Takes the records out of the stream.
#[derive(Default)]
struct Decoder {
    record: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Data,
    Iac,
    Option,
    Sub,
    SubIac,
}

impl Decoder {
    fn next(&mut self, byte: u8) -> Option<Vec<u8>> {
        self.state = match (self.state, byte) {
            (State::Data, IAC) => State::Iac,
            (State::Data, _) => {
                self.record.push(byte);
                State::Data
            }
            (State::Iac, IAC) => {
                self.record.push(IAC);
                State::Data
            }
            (State::Iac, EOR) => {
                self.state = State::Data;
                return Some(std::mem::take(&mut self.record));
            }
            (State::Iac, SB) => State::Sub,
            (State::Iac, other) if WILL_TO_DONT.contains(&other) => State::Option,
            (State::Sub, IAC) => State::SubIac,
            (State::Sub, _) => State::Sub,
            (State::SubIac, SE) | (State::Option | State::Iac, _) => State::Data,
            (State::SubIac, _) => State::Sub,
        };
        None
    }
}
