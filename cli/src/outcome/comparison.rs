// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where two runs of the same program differ.

use ccw::SubchannelStatus;

use super::{End, Outcome};
use crate::dump;
use crate::memory::Working;

impl Outcome {
    /// Why this run, of the guest's own program, cannot be compared with `translated`.
    pub(crate) fn incomparable(&self, translated: &Self) -> Option<String> {
        if let End::Refused(reason) = &translated.end {
            return Some(format!("only the guest's own program was run; {reason}"));
        }
        let runs = [("guest's own", self), ("translated", translated)];
        runs.iter().find_map(|(whose, run)| match run.end {
            End::GivenUp(why) => Some(format!(
                "the run of the {whose} program was given up: {why}"
            )),
            _ => None,
        })
    }

    /// Where two runs of the same program differ, storage aside.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let (one, two) = (self.end.summary(), other.end.summary());
        if one != two {
            differences.push(format!("status: {one} directly, {two} translated"));
        }
        let pairs = self.exchanges.iter().zip(&other.exchanges);
        if let Some(n) = pairs.clone().position(|(a, b)| a != b) {
            differences.push(format!(
                "device traffic: command {n} is the first that differs"
            ));
        } else if self.exchanges.len() != other.exchanges.len() {
            differences.push(format!(
                "device traffic: {} command(s) directly, {} translated",
                self.exchanges.len(),
                other.exchanges.len()
            ));
        } else if self.dropped != other.dropped {
            differences.push(format!(
                "device traffic: a command behind the first {} differs",
                self.exchanges.len()
            ));
        }
        differences
    }
}

impl End {
    /// Everything of the ending that the architecture determines, as text.
    fn summary(&self) -> String {
        match self {
            Self::Status(irb) => {
                let mut scsw = irb.scsw;
                let lengths = SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH;
                if !lengths.contains(scsw.subchannel) {
                    scsw.residual = 0;
                }
                let sense = irb.concurrent_sense().map(dump::words).unwrap_or_default();
                format!("SCSW {} {sense}", dump::words(&scsw.encode().0))
                    .trim_end()
                    .to_owned()
            }
            Self::NotStarted(reason) | Self::Refused(reason) => reason.clone(),
            Self::Suspended(scsw) => format!("suspended at {:08x}", scsw.cpa.wrapping_sub(8)),
            Self::GivenUp(why) => why.to_string(),
            Self::Stopped(_, why) => why.clone(),
        }
    }
}

/// Where two storages differ after runs of the same program.
pub(crate) fn storage_difference(one: &Working<'_>, other: &Working<'_>) -> Option<String> {
    let ranges = one.differences(other);
    let first = ranges.first()?;
    let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    Some(format!(
        "storage: {} from {:08x} on",
        dump::count(bytes),
        first.start
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Attached, Endless, GivenUp, Recorder};
    use crate::memory::Memory;
    use ccw::{Command, Irb, Scsw};
    use css::Device;
    use css::device::scripted::{Response, Scripted};

    #[test]
    fn counts_do_not_matter_after_a_check() {
        let end = |hex: u128| {
            let mut raw = [0; 12];
            raw.copy_from_slice(&hex.to_be_bytes()[4..]);
            let mut irb = Irb::IDLE;
            irb.scsw = Scsw::decode(&ccw::RawScsw(raw));
            End::Status(irb).summary()
        };
        assert_eq!(
            end(0x00c0_4017_0000_2608_0020_1234),
            end(0x00c0_4017_0000_2608_0020_0000)
        );
        assert_ne!(
            end(0x00c0_4017_0000_2608_0c40_1234),
            end(0x00c0_4017_0000_2608_0c40_0000)
        );
        assert_ne!(
            end(0x00c0_4017_0000_2608_0020_0000),
            end(0x00c0_4017_0000_2608_0010_0000)
        );
    }

    /// The digest of exchanges that are not kept stands for each of them.
    #[test]
    fn a_difference_behind_the_exchanges_that_are_kept_is_found() {
        let last = |last: &'static [u8]| {
            let inputs: Vec<&[u8]> = std::iter::repeat_n(b"a".as_slice(), 10_001)
                .chain([last, b"a"])
                .collect();
            outcome(8, &inputs)
        };
        assert_eq!(last(b"a").differences(&last(b"a")), [""; 0]);
        assert_eq!(
            last(b"a").differences(&last(b"b")),
            ["device traffic: a command behind the first 10000 differs"]
        );
    }

    #[test]
    fn runs_that_were_given_up_are_not_compared() {
        let ended = outcome(8, &[]);
        let mut endless = outcome(8, &[]);
        endless.end = End::GivenUp(GivenUp::Fetches);
        assert_eq!(ended.incomparable(&ended), None);
        for (one, two, whose) in [(&ended, &endless, "translated"), (&endless, &ended, "own")] {
            let reason = one.incomparable(two).unwrap();
            assert!(reason.contains(whose) && reason.contains("2000000 fetches"));
        }
    }

    /// An outcome with status `cpa`, after one READ of each of `inputs`.
    fn outcome(cpa: u32, inputs: &[&[u8]]) -> Outcome {
        let script = Scripted::new(inputs.iter().map(|input| Response::input(input)));
        let mut recorder = Recorder::new(Attached::Script(script));
        for _ in inputs {
            recorder.execute(Command::READ, &mut Endless);
        }
        let (exchanges, dropped) = recorder.take_record();
        let mut irb = Irb::IDLE;
        irb.scsw.cpa = cpa;
        let (end, reason, complaints) = (End::Status(irb), None, Vec::new());
        Outcome {
            end,
            heard: true,
            exchanges,
            dropped,
            sense: None,
            reason,
            complaints,
            remarks: Vec::new(),
            output: None,
            tsb: None,
        }
    }

    #[test]
    fn differences_are_found_in_status_and_traffic() {
        let one = outcome(8, &[b"0123456789abcdefX", b"b"]);
        assert_eq!(
            one.differences(&outcome(8, &[b"0123456789abcdefX", b"b"])),
            [""; 0]
        );
        let status = one.differences(&outcome(16, &[b"0123456789abcdefX", b"b"]));
        assert!(matches!(status.as_slice(), [text] if text.starts_with("status: ")));
        let hidden = one.differences(&outcome(8, &[b"0123456789abcdefY", b"b"]));
        assert_eq!(
            hidden,
            ["device traffic: command 0 is the first that differs"]
        );
        let shorter = one.differences(&outcome(8, &[b"0123456789abcdefX"]));
        assert_eq!(
            shorter,
            ["device traffic: 2 command(s) directly, 1 translated"]
        );
    }

    #[test]
    fn a_difference_in_storage_is_placed() {
        let memory = Memory::new(0x2000, 0, vec![], vec![]).unwrap();
        let (mut one, other) = (Working::new(&memory), Working::new(&memory));
        assert_eq!(storage_difference(&one, &other), None);
        one.write(0x1ffe, b"ab");
        let found = storage_difference(&other, &one).unwrap();
        assert_eq!(found, "storage: 2 bytes from 00001ffe on");
    }
}
