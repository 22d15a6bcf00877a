// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a run came to, in the guest's terms: status, traffic, storage.

mod json;
#[cfg(target_os = "linux")]
mod submitted;
mod text;

use ccw::{Guest, Host, Irb, Scsw, SubchannelStatus};
use css::{CannotStart, Check, Condition, ConditionCode};
use translator::{Arrival, Cause, Code, Finding, FirstByteFault, HostProfile, Segment};

use crate::exit::Exit;
use crate::input::Input;
use crate::machine::{self, Attached, Dropped, Ended, Exchange, GivenUp};
use crate::memory::Working;
use crate::translation::{Parts, Ready, Translation, translate_segment};
use crate::verbs::translate::refusal;
use crate::{dump, status};

pub(crate) use json::Entry;
#[cfg(target_os = "linux")]
pub(crate) use submitted::{refused, submitted};

/// How a run ended.
#[derive(Clone, Debug)]
enum End {
    /// With this status.
    Status(Irb<Guest>),
    /// START SUBCHANNEL did not start it: an exception or a condition code.
    NotStarted(String),
    /// It was not translated, for this reason.
    Refused(String),
    /// It stands at a CCW with the S flag.
    Suspended(Scsw<Guest>),
    /// It had not ended when the run was given up.
    GivenUp(GivenUp),
    /// It was stopped, or its device lost, for this reason; with the last status, if there is any.
    Stopped(Option<Irb<Guest>>, String),
}

/// What a run came to.
pub(crate) struct Outcome {
    end: End,
    /// Whether what passed between channel and device can be known.
    heard: bool,
    exchanges: Vec<Exchange>,
    dropped: Dropped,
    /// Sense bytes that were asked for, because the status brought none along.
    sense: Option<Vec<u8>>,
    /// The condition that a check stands for, if it is known.
    reason: Option<String>,
    /// What should not have happened.
    complaints: Vec<String>,
    /// What is worth knowing.
    remarks: Vec<String>,
    /// What came out of the device, if it is one that puts something out.
    output: Option<Vec<u8>>,
    /// The program is one of transport mode, with its TSB at this address.
    tsb: Option<u64>,
}

/// Runs the guest's own program.
pub(crate) fn direct(input: &Input, storage: &mut Working<'_>, device: Attached) -> Outcome {
    let ran = machine::run_guest(&input.orb, storage, device);
    let mut reason = None;
    let end = match ran.ended {
        Ended::Status(irb, check) => {
            reason = check.map(named);
            End::Status(irb)
        }
        Ended::NotStarted(refusal) => not_started(refusal),
        Ended::Suspended(irb) => End::Suspended(irb.scsw),
        Ended::GivenUp(why) => End::GivenUp(why),
    };
    Outcome {
        end,
        exchanges: ran.exchanges,
        dropped: ran.dropped,
        heard: true,
        sense: None,
        reason,
        complaints: damage(&ran.device),
        remarks: Vec::new(),
        output: output(&ran.device),
        tsb: None,
    }
}

/// Runs the translated program, if there is one; `findings` are those about the guest's.
pub(crate) fn translated(
    input: &Input,
    translation: Translation,
    findings: &[Finding],
    storage: &mut Working<'_>,
    device: Attached,
) -> Outcome {
    let end = match translation {
        Translation::Ready(ready) => return host(input, *ready, findings, storage, device),
        Translation::Ended(irb) => End::Status(irb),
        Translation::Arrived(_, irb) => End::Suspended(irb.scsw),
        Translation::Refused(finding) => End::refused(&finding),
    };
    let reason = match &end {
        End::Status(irb) => condition(&irb.scsw, findings),
        _ => None,
    };
    Outcome {
        end,
        exchanges: Vec::new(),
        dropped: Dropped::default(),
        heard: true,
        sense: None,
        reason,
        complaints: Vec::new(),
        remarks: Vec::new(),
        output: output(&device),
        tsb: None,
    }
}

impl Outcome {
    /// The same for a program of transport mode, if there is a TSB.
    pub(crate) fn with_tsb(self, tsb: Option<u64>) -> Self {
        Self { tsb, ..self }
    }
}

fn output(device: &Attached) -> Option<Vec<u8>> {
    device.output().map(<[u8]>::to_vec)
}

/// What is wrong with the image of `device`, if the run came upon it.
fn damage(device: &Attached) -> Vec<String> {
    let complaint =
        |at| format!("the image is no .aws tape at byte {at}, or cannot be read or written there");
    device.damaged().map(complaint).into_iter().collect()
}

/// The condition of the guest's program for which it ended with the check in `scsw`.
fn condition(scsw: &Scsw<Guest>, findings: &[Finding]) -> Option<String> {
    let check = if scsw.subchannel.contains(SubchannelStatus::PROGRAM_CHECK) {
        translator::Check::ProgramCheck
    } else if scsw.subchannel.contains(SubchannelStatus::PROTECTION_CHECK) {
        translator::Check::ProtectionCheck
    } else {
        return None;
    };
    let at = u64::from(scsw.cpa.wrapping_sub(8));
    findings
        .iter()
        .find(|finding| {
            finding.code.check() == check && finding.site.ccw.is_some_and(|ccw| ccw.get() == at)
        })
        .map(|finding| finding.code.to_string())
}

/// The condition that the channel itself found.
fn named(check: Check) -> String {
    let condition = check.condition;
    Code::parse(condition.id()).map_or_else(
        || format!("{} {}", condition.id(), condition.text()),
        |code| code.to_string(),
    )
}

/// Runs the translated program, segment by segment where it must be fetched again.
fn host(
    input: &Input,
    ready: Ready,
    findings: &[Finding],
    storage: &mut Working<'_>,
    device: Attached,
) -> Outcome {
    let mut run = HostRun {
        exchanges: Vec::new(),
        dropped: Dropped::default(),
        complaints: Vec::new(),
        remarks: Vec::new(),
        reason: None,
        chain: 0,
        repeats: false,
        pci: false,
        copies: Vec::new(),
    };
    let mut device = device;
    let mut ready = ready;
    let end = loop {
        let ran = machine::run_host(&ready, storage, device);
        device = ran.device;
        run.note(ran.exchanges, ran.dropped, &ran.violations);
        run.copies = ran.copies;
        let next = match ran.ended {
            Ended::Status(irb, check) => run.ended(input, ready, &irb, check, findings, storage),
            Ended::NotStarted(refusal) => Err(Box::new(not_started(refusal))),
            Ended::Suspended(irb) => {
                let scsw = ready.translated.complete(&irb).irb.scsw;
                Err(Box::new(End::Suspended(scsw)))
            }
            Ended::GivenUp(why) => Err(Box::new(End::GivenUp(why))),
        };
        match next {
            Ok(next) => ready = *next,
            Err(end) => break *end,
        }
    };
    run.complaints.extend(damage(&device));
    Outcome {
        end,
        exchanges: run.exchanges,
        dropped: run.dropped,
        heard: true,
        sense: None,
        reason: run.reason,
        complaints: run.complaints,
        remarks: run.remarks,
        output: output(&device),
        tsb: None,
    }
}

/// A run of a translated program, as far as it has come.
struct HostRun {
    exchanges: Vec<Exchange>,
    dropped: Dropped,
    complaints: Vec<String>,
    remarks: Vec<String>,
    reason: Option<String>,
    /// How many exchanges there were when the device's chain began.
    chain: usize,
    /// What the chain has done is being repeated.
    repeats: bool,
    /// A PCI that the guest has not been shown.
    pci: bool,
    /// The area for copies as the last part left it.
    copies: Vec<u8>,
}

impl HostRun {
    /// A start of the host's is over.
    fn note(&mut self, exchanges: Vec<Exchange>, dropped: Dropped, violations: &[u64]) {
        let again = match std::mem::take(&mut self.repeats) {
            true => self.exchanges.len() - self.chain,
            false => 0,
        };
        self.exchanges.extend(exchanges.into_iter().skip(again));
        if dropped != Dropped::default() {
            self.dropped = dropped;
        }
        let nowhere = match HostProfile::SOFTWARE.first_byte_fault {
            FirstByteFault::Nowhere(at) => Some(at.get()),
            FirstByteFault::Stop => None,
        };
        for at in violations.iter().filter(|at| Some(**at) != nowhere) {
            self.complaints.push(format!(
                "the host channel touched {at:#x}, which it was not given"
            ));
        }
    }

    /// The host's program has ended with the status `irb`: the next segment, or the end.
    fn ended(
        &mut self,
        input: &Input,
        ready: Ready,
        irb: &Irb<Host>,
        check: Option<Check>,
        findings: &[Finding],
        storage: &mut Working<'_>,
    ) -> Result<Box<Ready>, Box<End>> {
        let mut running = ready.translated.start();
        let completion = running.complete(irb);
        let copies = std::mem::take(&mut self.copies);
        for copy in running.copies_back(Some(irb), &copies) {
            let bytes = copies.get(copy.at..copy.at + copy.len).unwrap_or_default();
            storage.write(copy.guest.get(), bytes);
        }
        if let Some(arrival) = completion.arrived {
            self.pci |= completion
                .irb
                .scsw
                .subchannel
                .contains(SubchannelStatus::PCI);
            if arrival.cause == Cause::Suspend {
                drop(running.end());
                return Err(Box::new(End::Suspended(completion.irb.scsw)));
            }
            let earlier = match running.go_on(irb) {
                Ok((earlier, _)) => earlier,
                Err(rejected) => return Err(Box::new(End::refused(&rejected.finding))),
            };
            return self.go_on(input, arrival, earlier, storage);
        }
        drop(running.end());
        if completion.unmapped {
            self.complaints.push(format!(
                "the host's CCW address {:08x} belongs to no CCW of the guest",
                irb.scsw.cpa
            ));
        }
        // A loop goes round as often on the host.
        let loops = check.filter(|check| check.condition == Condition::C06);
        self.reason = loops
            .map(named)
            .or_else(|| condition(&completion.irb.scsw, findings));
        if completion.unexplained {
            self.complaints
                .push("the host found fault with a sound CCW".to_owned());
        }
        Err(Box::new(self.shown(completion.irb)))
    }

    /// The end of the program with the status `irb`, and what was not shown before.
    fn shown(&self, mut irb: Irb<Guest>) -> End {
        if self.pci {
            irb.scsw.subchannel |= SubchannelStatus::PCI;
        }
        End::Status(irb)
    }

    /// Control has come to `arrival`.
    fn go_on(
        &mut self,
        input: &Input,
        mut arrival: Arrival,
        mut earlier: Parts,
        storage: &Working<'_>,
    ) -> Result<Box<Ready>, Box<End>> {
        self.repeats = !earlier.is_empty();
        if !self.repeats {
            self.chain = self.exchanges.len();
        }
        let how = match self.repeats {
            true => "behind a repetition of what ran before",
            false => "as a chain of its own",
        };
        for _ in 0..2 {
            self.remarks.push(format!(
                "fetched again at {:08x}, and run {how}",
                arrival.at.get()
            ));
            let segment = Segment::from(arrival);
            let profile = &HostProfile::SOFTWARE;
            match translate_segment(input, storage, &segment, &mut earlier, profile) {
                Translation::Ready(next) if self.remarks.len() <= MOST_SEGMENTS => {
                    return Ok(next);
                }
                Translation::Ready(_) => break,
                Translation::Ended(irb) => return Err(Box::new(self.shown(irb))),
                Translation::Refused(finding) => return Err(Box::new(End::refused(&finding))),
                Translation::Arrived(next, irb) => {
                    if next.cause == Cause::Suspend {
                        return Err(Box::new(End::Suspended(irb.scsw)));
                    }
                    arrival = next;
                }
            }
        }
        Err(Box::new(End::GivenUp(GivenUp::Fetches)))
    }
}

/// Segments of a program after which a run is given up.
const MOST_SEGMENTS: usize = 256;

fn not_started(refusal: CannotStart) -> End {
    End::NotStarted(match refusal {
        CannotStart::Operand(_) => "operand exception".to_owned(),
        CannotStart::Condition(ConditionCode::Cc3) => {
            "condition code 3, no path of the ORB's mask is available (O09)".to_owned()
        }
        CannotStart::Condition(_) => refusal.to_string(),
    })
}

impl Outcome {
    /// What came out of the device.
    pub(crate) fn output(&self) -> Option<&[u8]> {
        self.output.as_deref()
    }

    /// The sense bytes, if there are any.
    fn sense(&self) -> Option<&[u8]> {
        match &self.end {
            End::Status(irb) => irb.concurrent_sense().or(self.sense.as_deref()),
            _ => None,
        }
    }

    /// The exit code that it calls for.
    pub(crate) fn exit(&self) -> Exit {
        let normal = match &self.end {
            End::Status(irb) => status::is_normal_end(&irb.scsw),
            _ => false,
        };
        if normal && self.complaints.is_empty() {
            Exit::Fine
        } else {
            Exit::Refused
        }
    }

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
    /// The program is not run, for what `finding` says.
    fn refused(finding: &Finding) -> Self {
        match finding.code.id().starts_with('O') {
            true => Self::NotStarted("operand exception".to_owned()),
            false => Self::Refused(refusal(finding)),
        }
    }

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
    use crate::machine::{Endless, Recorder};
    use crate::memory::Memory;
    use ccw::Command;
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
