// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The error report of Linux's disk drivers: status, sense, and the channel program.
//!
//! ```text
//! dasd(eckd): I/O status report for device 0.0.0120:
//! dasd(eckd): in req: 0000000080573c64 CC:00 FC:04 AC:00 SC:17 DS:0E CS:00 RC:0
//! dasd(eckd): device 0.0.0120: Failing CCW: 00000000bd2b3f4f
//! dasd(eckd): Sense(hex)  0- 7: 80 00 00 00 00 00 04 04
//! dasd(eckd): CCW 00000000bd2b3f4f: 9524DFEE 02827F80 DAT: 00000000
//! ```
//!
//! The addresses of the CCWs are the kernel's own, or hashes of them.

use ccw::{DeviceClass, DeviceStatus, SubchannelStatus};

use super::draft::{Draft, flag, free_place, orb};
use super::lines::MOST_PROGRAMS;
use super::lines::{self, Doubleword, Line, Piece};
use crate::input::Recorded;
use crate::input::{Input, Place, Refusal};

/// Whether `text` has such a report.
pub(super) fn recognises(text: &str) -> bool {
    text.contains("I/O status report for device") || text.contains("Related CP in req")
}

/// A report as far as it is read.
#[derive(Default)]
struct Report {
    line: usize,
    device: String,
    class: DeviceClass,
    recorded: Recorded,
    failing: Option<u64>,
    /// Name and bytes of each CCW; none where some are left out.
    ccws: Vec<Option<(u64, Doubleword)>>,
    data: Vec<(u64, Piece)>,
}

/// Decodes the reports in `text`; `stem` names them.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let mut reports: Vec<Report> = Vec::new();
    for line in lines::lines(text).filter(|line| line.text.contains("dasd")) {
        if let Some(device) = line.behind("status report for device") {
            if reports.len() == MOST_PROGRAMS {
                return Err(line.refuse(line.text, format!("more than {MOST_PROGRAMS} reports")));
            }
            reports.push(Report {
                line: line.number,
                device: device.trim().trim_end_matches(':').to_owned(),
                class: class(line),
                ..Report::default()
            });
            continue;
        }
        if reports.is_empty() && (line.text.contains("CCW ") || line.text.contains("Related CP")) {
            reports.push(Report {
                line: line.number,
                class: class(line),
                ..Report::default()
            });
        }
        if let Some(report) = reports.last_mut() {
            report.read(line)?;
        }
    }
    let inputs: Vec<Input> = reports
        .into_iter()
        .map(|report| report.input(stem))
        .collect();
    match inputs.is_empty() {
        true => Err((
            Place::Whole,
            "no report of a disk driver's in it".to_owned(),
        )),
        false => Ok(inputs),
    }
}

/// What kind of disk the driver that wrote `line` is for.
fn class(line: Line<'_>) -> DeviceClass {
    if line.text.contains("dasd(eckd)") {
        DeviceClass::Eckd
    } else if line.text.contains("dasd(fba)") {
        DeviceClass::Fba
    } else {
        DeviceClass::Unknown
    }
}

impl Report {
    fn read(&mut self, line: Line<'_>) -> Result<(), Refusal> {
        if let Some(name) = line.behind("Failing CCW:") {
            let (digits, _) = lines::hex_run(name.trim_start());
            self.failing = u64::from_str_radix(digits, 16).ok();
        } else if let Some(sense) = line.behind("Sense(hex)") {
            let Some((_, sense)) = sense.split_once(':') else {
                return Err(line.refuse(sense, "no sense bytes behind their numbers"));
            };
            let (bytes, _) = lines::bytes(sense.trim_start(), 8);
            let room = 32usize.saturating_sub(self.recorded.sense.len());
            self.recorded.sense.extend(bytes.into_iter().take(room));
        } else if let (Some(device), Some(subchannel)) = (line.behind(" DS:"), line.behind(" CS:"))
        {
            let byte = |(value, _)| u8::try_from(value).unwrap_or_default();
            let device = line.hex(device, 2, "device status").map(byte)?;
            let subchannel = line.hex(subchannel, 2, "subchannel status").map(byte)?;
            self.recorded.device = Some(DeviceStatus::from_bits_retain(device));
            self.recorded.subchannel = Some(SubchannelStatus::from_bits_retain(subchannel));
        } else if let Some(ccw) = line.behind(": CCW ") {
            let Some((name, ccw)) = ccw.split_once(':') else {
                return Err(line.refuse(ccw, "no colon behind the name of the CCW"));
            };
            let name = u64::from_str_radix(name.trim(), 16)
                .map_err(|_| line.refuse(name, "the name of a CCW is a number in hex digits"))?;
            let (ccw, rest) = line.doubleword(ccw, "a CCW")?;
            let data = rest.split_once("DAT:").map_or("", |(_, data)| data);
            let (data, _) = line.piece(data.trim_start(), 8);
            if !data.bytes.is_empty() {
                let [.., a, b, c, d] = ccw.raw;
                self.data
                    .push((u32::from_be_bytes([a, b, c, d]).into(), data));
            }
            self.ccws.push(Some((name, ccw)));
        } else if line.text.contains("......") && !self.ccws.is_empty() {
            self.ccws.push(None);
        }
        Ok(())
    }

    fn input(self, stem: &str) -> Input {
        let name = match self.device.is_empty() {
            true => format!("{stem}:{}", self.line),
            false => format!("{stem}:{} {}", self.line, self.device),
        };
        let mut draft = Draft {
            name,
            class: self.class,
            ..Draft::default()
        };
        draft.remark(
            "the ORB is not in this input: it is taken as the driver writes it, with format-1 CCWs, \
             prefetching, 8-byte IDAWs and key 0",
        );
        for (at, data) in &self.data {
            draft.pieces.add_piece(*at, data);
        }
        let raw: Vec<[u8; 8]> = self.ccws.iter().flatten().map(|it| it.1.raw).collect();
        let start = match self.addresses() {
            Some(start) => start,
            None => {
                let start = free_place(&raw, ccw::Format::One, &draft.pieces);
                draft.remark(format!(
                    "the kernel hides the addresses of the CCWs: they are shown from {start:x} on"
                ));
                start
            }
        };
        if self.ccws.is_empty() {
            draft.remark("the channel program is not in this input");
        }
        let mut recorded = self.recorded;
        for (at, ccw) in (u64::from(start)..).step_by(8).zip(&self.ccws) {
            let Some((name, ccw)) = ccw else {
                draft.remark(format!(
                    "the CCWs from {at:08x} on are left out of the report"
                ));
                continue;
            };
            draft.pieces.add_shown(at, &ccw.raw, &[(0, ccw.written)]);
            if self.failing == Some(*name) {
                recorded.cpa = u32::try_from(at + 8).ok();
            }
        }
        if recorded.cpa.is_none() && self.failing.is_some() && !self.ccws.is_empty() {
            draft.remark("the failing CCW is none of those in this input");
        }
        if recorded.residual.is_none() {
            draft.remark("the residual count is not in this input");
        }
        let second = flag::FORMAT_1 | flag::PREFETCH | flag::IDAW_8 | flag::ALL_PATHS;
        draft.orb = orb(0, second, start);
        draft.recorded = Some(recorded).filter(|it| *it != Recorded::default());
        draft.finish()
    }

    /// Where the first CCW lies, if the names are addresses: each 8 behind the one before.
    fn addresses(&self) -> Option<u32> {
        let names: Vec<u64> = self
            .ccws
            .iter()
            .map_while(|ccw| ccw.map(|it| it.0))
            .collect();
        let steps = names
            .windows(2)
            .all(|pair| pair[0].checked_add(8) == Some(pair[1]));
        let first = *names.first().filter(|_| names.len() > 1 && steps)?;
        u32::try_from(first).ok().filter(|first| *first < 1 << 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
        dasd(eckd): I/O status report for device 0.0.0120:\n\
        dasd(eckd): in req: 00000000a1b2c3d4 CC:00 FC:04 AC:00 SC:17 DS:0E CS:40 RC:-5\n\
        dasd(eckd): device 0.0.0120: Failing CCW: 00000000feedc0de\n\
        dasd(eckd): Sense(hex)  0- 7: 80 01 02 03 04 05 06 07\n\
        dasd(eckd): Sense(hex)  8-15: 08 09 0a 0b 0c 0d 0e 0f\n\
        dasd(eckd): CCW 000000000badcafe: 63400010 00104048 DAT: C0C00000 00000005\n\
        dasd(eckd): CCW 00000000feedc0de: 47000010 00104058 DAT:\n";

    #[test]
    fn the_failing_ccw_is_found_by_its_hash() {
        let inputs = decode(REPORT, "t").unwrap();
        let input = &inputs[0];
        assert_eq!(
            (input.name.as_str(), input.device_class()),
            ("t:1 0.0.0120", DeviceClass::Eckd)
        );
        assert_eq!((input.orb.word(1), input.orb.word(2)), (0x00c2_ff00, 0));
        let mut bytes = [0; 17];
        assert_eq!(input.memory.read(0, &mut bytes), 16);
        assert_eq!(bytes[8..12], [0x47, 0, 0, 0x10]);
        assert_eq!(input.memory.read(0x104048, &mut bytes), 8);
        let recorded = input.recorded.as_ref().unwrap();
        assert_eq!(recorded.cpa, Some(0x10), "that of the second CCW, plus 8");
        assert_eq!(recorded.device.unwrap().bits(), 0x0e);
        assert_eq!(recorded.subchannel.unwrap().bits(), 0x40);
        assert_eq!(recorded.sense.len(), 16);
        assert_eq!(recorded.sense[7..9], [7, 8]);
    }

    #[test]
    fn names_that_are_addresses_are_taken_for_them() {
        let text = REPORT
            .replace("0badcafe", "00104028")
            .replace("feedc0de", "00104030");
        let input = &decode(&text, "t").unwrap()[0];
        assert_eq!(input.orb.word(2), 0x104028);
        assert_eq!(input.recorded.as_ref().unwrap().cpa, Some(0x104038));
        assert!(!input.memory.lacks(0x104030) && input.memory.lacks(0));
    }

    #[test]
    fn what_cannot_be_read_is_placed() {
        for (from, to, line, column) in [
            ("DS:0E", "DS:0", 2, 65),
            ("47000010", "4700001", 7, 35),
            ("0badcafe:", "0badcafe", 6, 17),
        ] {
            let (place, reason) = decode(&REPORT.replace(from, to), "t").unwrap_err();
            assert_eq!(place, Place::at(line, column), "{reason}");
        }
    }
}
