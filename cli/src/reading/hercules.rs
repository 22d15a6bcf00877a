// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What Hercules prints of a device whose CCWs are traced.
//!
//! ```text
//! HHC01334I 0:0140 CHAN: ORB: IntP:01AF7000 Key:0 LPM:80 Flags:0C200 ....FP....H. ........ CCW:02813F98
//! HHC01315I 0:0140 CHAN: ccw 63400010 02813FE8=>00000200 00000060 00000000 00000007 .......-........
//! HHC01312I 0:0140 CHAN: stat 0C00, count 0000
//! HHC01317I 0:0140 CHAN: scsw 00C04007, stat 0C00, count 0000, ccw 02813FE8
//! ```
//!
//! Release 3 writes `HHCCP048I 0140:CCW=63400010 02813FE8=>...`, `HHCCP075I 0140:Stat=0C00 Count=0000`,
//! `HHCCP050I 0140:SCSW=... Stat=... Count=... CCW=...`, and no ORB. Neither says where a CCW lies: that
//! follows from the ORB, the order, and the address in the status. TICs are passed over in silence.

mod program;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use ccw::{DeviceStatus, SubchannelStatus};

use super::lines::MOST_PROGRAMS;
use super::lines::{self, Line, Piece};
use super::shown::{List, Shown};
use crate::input::{Input, Place, Refusal};
use crate::source::Form;
use program::{Program, Status};

/// Whether `text` has such a trace.
pub(super) fn recognises(text: &str) -> bool {
    text.lines().any(|text| {
        let line = Line { number: 0, text };
        event(line).is_some()
    })
}

/// Something that a line tells.
enum Event<'a> {
    /// A start function, with what stands behind `ORB:`.
    Orb(&'a str),
    /// A CCW.
    Ccw(&'a str),
    /// A word of its list.
    Idaw(&'a str),
    Midaw(&'a str),
    /// The end of a command.
    Stat(&'a str),
    /// Sense bytes.
    Sense(&'a str),
    /// The end of the program, from the status control on.
    Scsw(&'a str),
    /// The same on an S/370 channel, which has no status control.
    Csw(&'a str),
}

/// The message of a line, and what it tells; none if it is about something else.
fn event(line: Line<'_>) -> Option<Event<'_>> {
    let at = line.text.find("HHC")?;
    let message = line.text.get(at..)?;
    let id = message.split_whitespace().next()?;
    let of = |word: &str| {
        let Line { number, .. } = line;
        let text = message;
        Line { number, text }.behind(word)
    };
    Some(match id.trim_end_matches(['I', 'D', 'E', 'W']) {
        "HHC01334" | "HHC01335" => Event::Orb(of(" CHAN: ORB:").or_else(|| of("ccw addr"))?),
        "HHCCP100" | "HHCCP101" => Event::Orb(of("ccw addr")?),
        "HHC01315" | "HHCCP048" => Event::Ccw(of("ccw")?.trim_start_matches(['=', '('])),
        "HHC01302" | "HHC01303" | "HHCCP063" | "HHCCP064" => {
            Event::Idaw(of("idaw")?.trim_start_matches(['=', '(']))
        }
        "HHC01301" | "HHCCP078" => Event::Midaw(of("midaw")?.trim_start_matches(['=', '('])),
        "HHC01312" | "HHCCP075" => Event::Stat(of("stat")?),
        "HHC01313" | "HHCCP076" => Event::Sense(of("sense")?.trim_start_matches(['=', '('])),
        "HHC01317" | "HHCCP050" => Event::Scsw(of("scsw")?),
        "HHC01316" | "HHCCP049" => Event::Csw(of("stat")?),
        _ => return None,
    })
}

/// The device that a line is about: `0:0140 CHAN:` or `0140:`.
fn device(line: Line<'_>) -> Option<String> {
    let at = line.text.find("HHC")?;
    let word = line.text.get(at..)?.split_whitespace().nth(1)?;
    let word = word.trim_start_matches("DEV");
    let mut parts = word.splitn(3, ':');
    let (first, second) = (parts.next()?, parts.next().unwrap_or_default());
    let hex = |part: &str| part.len() == 4 && part.bytes().all(|c| c.is_ascii_hexdigit());
    match (first, second) {
        (number, _) if hex(number) => Some(number.to_owned()),
        (lcss, number) if lcss.len() == 1 && hex(number) => Some(format!("{lcss}:{number}")),
        _ => None,
    }
}

/// Decodes the trace in `text`: a program for each start.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let mut programs: Vec<Program> = Vec::new();
    // The place of the program that each device is at.
    let mut running: HashMap<String, usize> = HashMap::new();
    for line in lines::lines(text) {
        let Some(event) = event(line) else { continue };
        let Some(device) = device(line) else {
            return Err(line.refuse(
                line.text,
                "no device number such as 0:0140 behind the message",
            ));
        };
        let now = running.get(&device).and_then(|n| programs.get_mut(*n));
        let starts = match (&event, &now) {
            (Event::Orb(_), _) => true,
            (Event::Ccw(_), None) => true,
            (Event::Ccw(_), Some(now)) => now.is_over(),
            _ => false,
        };
        if starts {
            if programs.len() == MOST_PROGRAMS {
                return Err(line.refuse(line.text, format!("more than {MOST_PROGRAMS} starts")));
            }
            running.insert(device.clone(), programs.len());
            programs.push(Program::new(format!("{stem}:{} {device}", line.number)));
        }
        let Some(now) = running.get(&device).and_then(|n| programs.get_mut(*n)) else {
            continue; // Its start is not in the trace.
        };
        tell(now, line, event)?;
    }
    let programs = programs.into_iter();
    let inputs: Vec<Input> = programs.map(Program::finish).collect();
    match inputs.is_empty() {
        true => Err((Place::Whole, "no CCW of Hercules' trace in it".to_owned())),
        false => Ok(inputs),
    }
}

/// Adds what a line tells to the program that it is about.
fn tell<'a>(now: &mut Program, line: Line<'a>, event: Event<'a>) -> Result<(), Refusal> {
    match event {
        Event::Orb(text) => match text.to_ascii_lowercase().contains("lpm:") {
            true => {
                let part = |name, digits, what: &str| {
                    let behind = line.behind(name).ok_or_else(|| {
                        line.refuse(text, format!("no {what} (`{name}`) in the ORB"))
                    })?;
                    let behind = behind.trim_start();
                    let value = line.hex(behind, digits, what)?.0;
                    Ok::<(u64, &str), Refusal>((value, behind))
                };
                let parts = [
                    part("IntP:", 8, "interruption parameter")?,
                    part("Key:", 1, "key")?,
                    part("LPM:", 2, "path mask")?,
                    part("Flags:", 5, "flags")?,
                    part(" CCW:", 8, "address of the first CCW")?,
                ];
                let [parameter, key, lpm, flags, cpa] =
                    parts.map(|(value, _)| u32::try_from(value).unwrap_or_default());
                let [parameter_at, _, lpm_at, flags_at, cpa_at] = parts.map(|(_, at)| at);
                let written = |at: &str, bytes| line.written(at, bytes, Form::PLAIN);
                // The first digit of the flags shares its byte with the key.
                let low = |skip| flags_at.get(skip..).unwrap_or_default();
                now.orb_shown = vec![
                    (0, written(parameter_at, 4)),
                    (5, written(low(1), 1)),
                    (6, written(lpm_at, 1)),
                    (7, written(low(3), 1)),
                    (8, written(cpa_at, 4)),
                ];
                let second = key << 28
                    | (flags & 0xf0000) << 8
                    | (flags & 0x0ff00) << 8
                    | lpm << 8
                    | flags & 0xff;
                now.orb(parameter, second, cpa);
            }
            false => {
                let text = text.trim_start();
                let (cpa, _) = line.hex(text, 8, "address of the first CCW")?;
                now.orb_shown = vec![(8, line.written(text, 4, Form::PLAIN))];
                now.start_at(u32::try_from(cpa).unwrap_or_default());
            }
        },
        Event::Ccw(text) => {
            let (ccw, rest) = line.doubleword(text, "a CCW")?;
            now.ccw(Shown::new(ccw, data(line, rest)));
        }
        Event::Idaw(text) => {
            let text = text.trim_start();
            let digits = lines::hex_run(text).0.len();
            let digits = if digits == 16 { 16 } else { 8 };
            let (word, rest) = line.hex(text, digits, "an IDAW")?;
            let word = match digits {
                16 => List::Idaw8(word),
                _ => List::Idaw4(u32::try_from(word).unwrap_or_default()),
            };
            let written = line.written(text, digits / 2, Form::PLAIN);
            now.list_word(word, vec![(0, written)], data(line, rest));
        }
        Event::Midaw(text) => {
            let mut written = Vec::new();
            let mut part = |at, text: &'a str, bytes, what: &str| {
                let text = text.trim_start();
                written.push((at, line.written(text, bytes, Form::PLAIN)));
                line.hex(text, 2 * bytes, what)
            };
            let (flags, rest) = part(5, text, 1, "flags of a MIDAW")?;
            let (count, rest) = part(6, rest, 2, "count of a MIDAW")?;
            let (addr, rest) = part(8, rest, 8, "address of a MIDAW")?;
            let word = u128::from(flags << 16 | count) << 64 | u128::from(addr);
            now.list_word(List::Midaw(word), written, data(line, rest));
        }
        Event::Stat(text) => {
            let (status, _) = status(line, text)?;
            now.ended(status);
        }
        Event::Sense(text) => now.sense(&lines::bytes(text.trim_start(), 8).0),
        Event::Scsw(text) => {
            let text = text.trim_start_matches(['=', '(']);
            let (scsw, rest) = line.hex(text, 8, "a word of the SCSW")?;
            let stat = Line { text: rest, ..line }
                .behind("stat")
                .unwrap_or_default();
            let (status, rest) = status(line, stat)?;
            let at = address(line, rest, 8)?;
            now.over(Some(u32::try_from(scsw).unwrap_or_default()), status, at);
        }
        Event::Csw(text) => {
            let (status, rest) = status(line, text)?;
            let at = address(line, rest, 6)?;
            now.over(None, status, at);
        }
    }
    Ok(())
}

/// The data behind a CCW or list word: sixteen bytes at most, behind an arrow.
fn data<'a>(line: Line<'a>, text: &'a str) -> Piece {
    let data = text.split_once("=>").map(|(_, data)| line.piece(data, 4).0);
    data.unwrap_or_default()
}

/// Status and residual count, and what stands behind.
fn status<'a>(line: Line<'a>, text: &'a str) -> Result<(Status, &'a str), Refusal> {
    let text = text.trim_start().trim_start_matches(['=', '(']);
    let (value, rest) = line.hex(text, 4, "the status of device and subchannel")?;
    let [.., device, subchannel] = value.to_be_bytes();
    let rest_of = Line { text: rest, ..line };
    let count = rest_of.behind("count").unwrap_or_default();
    let count = count.trim_start().trim_start_matches(['=', '(']);
    let (residual, rest) = line.hex(count, 4, "the residual count")?;
    let status = Status {
        device: DeviceStatus::from_bits_retain(device),
        subchannel: SubchannelStatus::from_bits_retain(subchannel),
        residual: u16::try_from(residual).unwrap_or_default(),
    };
    Ok((status, rest))
}

/// The CCW address of a status.
fn address<'a>(line: Line<'a>, text: &'a str, digits: usize) -> Result<u32, Refusal> {
    let rest = Line { text, ..line };
    let at = rest.behind("ccw").unwrap_or_default();
    let at = at.trim_start().trim_start_matches(['=', '(']);
    let (at, _) = line.hex(at, digits, "the CCW address of the status")?;
    Ok(u32::try_from(at).unwrap_or_default())
}
