// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What CP of z/VM shows of channel programs: a trace of type I/O (TRSOURCE), and what a guest is shown
//! of its own with `TRACE I/O CCW`.
//!
//! ```text
//! TRACE TYPE IO, CPU 0000                  TIME 12:07:19.994763
//!      DEVICE = 2240, SCSW = 00C04007 00002028 0C000000
//!   -> CCW(1) = E7600040 00002108, CCW ADDRESS = 00002008
//!      DATA = 00000000 00000000 00000000 00000000  *................*
//! ```
//!
//! ```text
//! CAW 00001000
//! CCW 001000  07001020 40000006
//! ```

use ccw::{DeviceStatus, Format, SubchannelStatus};

use super::lines::MOST_PROGRAMS;
use super::lines::{self, Doubleword, Line};
use super::shown::List;
use super::traced::Traced;
use crate::input::{Input, Place, Refusal};
use crate::source::Form;

/// First word of an SCSW: format-1 CCWs, prefetching allowed.
const SCSW_FORMAT_1: u64 = 0x0080_0000;
const SCSW_PREFETCH: u64 = 0x0040_0000;

/// Whether `text` has such a trace.
pub(super) fn recognises(text: &str) -> bool {
    lines::lines(text)
        .any(|line| line.behind("CCW ADDRESS =").is_some() || guest_line(line).is_some())
}

/// Address and CCW of a line of a guest's own trace.
fn guest_line(line: Line<'_>) -> Option<(u32, Doubleword)> {
    let rest = line.text.trim_start().strip_prefix("CCW ")?;
    let address = rest.split_whitespace().next()?;
    let digits = address.trim_end_matches(['\'', '"']);
    let at = u32::from_str_radix(digits, 16)
        .ok()
        .filter(|_| matches!(digits.len(), 6 | 8))?;
    let (ccw, _) = line
        .doubleword(rest.trim_start().get(address.len()..)?, "a CCW")
        .ok()?;
    Some((at, ccw))
}

/// Decodes the trace in `text`; `stem` names its programs.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let mut programs: Vec<Traced> = Vec::new();
    let mut in_data = false;
    for line in lines::lines(text) {
        let starts = line.behind("TRACE TYPE IO").is_some();
        let caw = line.text.trim_start().strip_prefix("CAW ");
        let mut new = starts || caw.is_some();
        new |= programs.is_empty()
            && (line.behind("CCW ADDRESS =").is_some() || guest_line(line).is_some());
        if new {
            if programs.len() == MOST_PROGRAMS {
                return Err(line.refuse(line.text, format!("more than {MOST_PROGRAMS} programs")));
            }
            programs.push(Traced {
                name: format!("{stem}:{}", line.number),
                ..Traced::default()
            });
            in_data = false;
        }
        let Some(now) = programs.last_mut() else {
            continue;
        };
        if let Some(caw) = caw {
            let (caw, _) = line.hex(caw, 8, "the CAW")?;
            let [_, key, ..] = (caw >> 24 << 48).to_be_bytes();
            now.key = key >> 4;
            now.cpa = u32::try_from(caw & 0xff_ffff).ok();
            now.format = Some(Format::Zero);
            now.prefetch = Some(false);
        } else {
            in_data = tell(now, line, in_data)?;
        }
    }
    let inputs: Vec<Input> = programs.into_iter().map(Traced::finish).collect();
    match inputs.is_empty() {
        true => Err((Place::Whole, "no CCW of CP's trace in it".to_owned())),
        false => Ok(inputs),
    }
}

/// Adds what a line tells; whether data may go on in the next one.
fn tell(now: &mut Traced, line: Line<'_>, in_data: bool) -> Result<bool, Refusal> {
    if let Some(rest) = line.behind("DEVICE =") {
        let number = rest
            .trim_start()
            .split([',', ' '])
            .next()
            .unwrap_or_default();
        now.name.push_str(&format!(" {number}"));
    }
    if let Some(scsw) = line.behind("SCSW =") {
        let (control, rest) = line.hex(scsw, 8, "a word of the SCSW")?;
        let (cpa, rest) = line.hex(rest, 8, "a word of the SCSW")?;
        let (status, _) = line.hex(rest, 8, "a word of the SCSW")?;
        let [.., device, subchannel, high, low] = status.to_be_bytes();
        let one = control & SCSW_FORMAT_1 != 0;
        now.format = Some(if one { Format::One } else { Format::Zero });
        now.prefetch = Some(control & SCSW_PREFETCH != 0);
        now.key = u8::try_from(control >> 28 & 0xf).unwrap_or_default();
        now.recorded.cpa = u32::try_from(cpa).ok();
        now.recorded.device = Some(DeviceStatus::from_bits_retain(device));
        now.recorded.subchannel = Some(SubchannelStatus::from_bits_retain(subchannel));
        now.recorded.residual = Some(u16::from_be_bytes([high, low]));
        return Ok(false);
    }
    if let Some(address) = line.behind("CCW ADDRESS =") {
        let ccw = line.behind("->").and_then(|rest| rest.split_once('='));
        let Some((_, ccw)) = ccw else {
            return Err(line.refuse(address, "no CCW (`-> CCW(1) = ..`) before its address"));
        };
        let (raw, _) = line.doubleword(ccw, "a CCW")?;
        let (at, _) = line.hex(address, 8, "the address of a CCW")?;
        now.ccw(u32::try_from(at).unwrap_or_default(), raw);
        return Ok(false);
    }
    if let Some((at, raw)) = guest_line(line) {
        now.ccw(at, raw);
        return Ok(false);
    }
    if let Some(sense) = line
        .behind("SENSE =")
        .or_else(|| line.behind("SENSE DATA ="))
    {
        now.recorded.sense = lines::bytes(sense.trim_start(), 8).0;
        return Ok(false);
    }
    let idaw = line.behind("IDAW =").or_else(|| line.behind("IDAL ="));
    if let Some(idaw) = idaw.filter(|_| !now.ccws.is_empty()) {
        let idaw = idaw.trim_start();
        let long = lines::bytes(idaw, 2).0.len() == 8;
        match long {
            true => {
                let word = line.doubleword(idaw, "an IDAW")?.0;
                now.list_word(List::Idaw8(u64::from_be_bytes(word.raw)), word.written);
            }
            false => {
                let word = line.hex(idaw, 8, "an IDAW")?.0;
                let word = List::Idaw4(u32::try_from(word).unwrap_or_default());
                now.list_word(word, line.written(idaw, 4, Form::PLAIN));
            }
        }
        return Ok(false);
    }
    let data = line
        .behind("DATA =")
        .or_else(|| in_data.then_some(line.text));
    let Some(data) = data else { return Ok(false) };
    let (data, _) = line.piece(data.trim_start(), 4);
    now.data(&data);
    Ok(!data.bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(input: &Input, at: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        (input.memory.read(at, &mut bytes) == 8).then_some(u64::from_be_bytes(bytes))
    }

    #[test]
    fn a_trace_gives_addresses_data_and_the_end() {
        let text = "\
            TRACE TYPE IO, CPU 0000                  TIME 10:00:00.000001\n\
            \x20    DEVICE = 0200, SCSW = 30C04017 00005010 0E400012\n\
            \x20 -> CCW(1) = 63400010 00006000, CCW ADDRESS = 00005000\n\
            \x20    DATA = C0C00000 00000000  *{{......*\n\
            \x20           00000000 00000005  *........*\n\
            \x20 -> CCW(1) = 02000010 00007000, CCW ADDRESS = 00005008\n\
            \x20    DATA = 01020304 05060708  *........*\n\
            TRACE TYPE IO, CPU 0000\n";
        let inputs = decode(text, "t").unwrap();
        let names: Vec<&str> = inputs.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["t:1 0200", "t:8"]);
        let input = &inputs[0];
        assert_eq!(
            (input.orb.word(1), input.orb.word(2)),
            (0x30c2_ff00, 0x5000)
        );
        assert_eq!(word(input, 0x5008), Some(0x0200_0010_0000_7000));
        assert_eq!((word(input, 0x6008), word(input, 0x7000)), (Some(5), None));
        let recorded = input.recorded.as_ref().unwrap();
        assert_eq!(
            (recorded.cpa, recorded.residual),
            (Some(0x5010), Some(0x12))
        );
        assert_eq!(recorded.device.unwrap().bits(), 0x0e);
        assert_eq!(recorded.subchannel.unwrap().bits(), 0x40);
    }

    #[test]
    fn a_guests_own_trace_begins_with_the_caw() {
        let text = "CAW 60001000\nCCW 001000 07001020 40000006\nCCW 001008' 06002000 20000050\n";
        let input = &decode(text, "t").unwrap()[0];
        assert_eq!(
            (input.orb.word(1), input.orb.word(2)),
            (0x6002_ff00, 0x1000)
        );
        assert_eq!(word(input, 0x1008), Some(0x0600_2000_2000_0050));
    }
}
