// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Runs a translated program, part by part where it must be fetched again.

use ccw::{Guest, Host, Irb, SubchannelStatus};
use css::{Check, Condition};
use translator::{Arrival, Cause, Earlier, Finding, FirstByteFault, HostProfile, Part};

use super::{End, Outcome, condition, damage, named, not_started, output};
use crate::input::Input;
use crate::machine::{self, Attached, Dropped, Ended, Exchange, GivenUp};
use crate::memory::Working;
use crate::translation::{Ready, Translation, translate_part};

/// Runs the translated program, part by part where it must be fetched again.
pub(super) fn host(
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

    /// The host's program has ended with the status `irb`: the next part, or the end.
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
        mut earlier: Earlier,
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
            let part = Part::from(arrival);
            let profile = &HostProfile::SOFTWARE;
            match translate_part(input, storage, &part, earlier, profile) {
                Translation::Ready(next) if self.remarks.len() <= MOST_PARTS => {
                    return Ok(next);
                }
                Translation::Ready(_) => break,
                Translation::Ended(irb) => return Err(Box::new(self.shown(irb))),
                Translation::Unknown(missing) => {
                    let why = GivenUp::NotInInput(missing.at);
                    return Err(Box::new(End::GivenUp(why)));
                }
                Translation::Refused(finding) => return Err(Box::new(End::refused(&finding))),
                Translation::Arrived(next, irb, before) => {
                    if next.cause == Cause::Suspend {
                        return Err(Box::new(End::Suspended(irb.scsw)));
                    }
                    (arrival, earlier) = (next, before);
                }
            }
        }
        Err(Box::new(End::GivenUp(GivenUp::Fetches)))
    }
}

/// Parts of a program after which a run is given up.
const MOST_PARTS: usize = 256;
