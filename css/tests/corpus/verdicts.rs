// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device that goes along with everything makes the channel find what is wrong with a program.

use ccw::Guest;
use css::device::scripted::{Data, Response, Scripted};
use css::{CannotStart, Check, OperandException, Progress, Subchannel};

use crate::program::{Recording, corpus, number, string};

/// More than any chain of the corpus moves.
const PLENTY: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Valid,
    Refused(OperandException),
    Checked(Check),
}

/// Runs the program with every command moving its full count.
///
/// The device does not know counts, so it finds them out: it offers plenty to the k-th command,
/// sees how much is taken, and next time gives exactly that.
fn judge(recording: &Recording) -> Verdict {
    let (program, name) = (&recording.program, &recording.name);
    let mut lengths: Vec<Response> = Vec::new();
    loop {
        let mut script = lengths.clone();
        script.push(Response::new(Data::Length(PLENTY, 0)));
        let mut device = Scripted::new(script);
        let mut subchannel: Subchannel<Guest> = program.subchannel();
        let mut storage = program.storage.clone();
        match subchannel.start_raw(&program.orb()) {
            Ok(()) => {}
            Err(CannotStart::Operand(exception)) => return Verdict::Refused(exception),
            Err(CannotStart::Condition(cc)) => panic!("{name}: {cc:?}"),
        }
        let progress = subchannel.run(&mut storage, &mut device, 5000);
        if let Some(check) = subchannel.check() {
            return Verdict::Checked(check);
        }
        let Some(probed) = device.sent().get(lengths.len()) else {
            assert_ne!(progress, Progress::Waiting, "{name}");
            return Verdict::Valid;
        };
        let moved = probed.taken + probed.output.len();
        lengths.push(match moved {
            0 => Response::immediate(),
            _ => Response::new(Data::Length(moved, 0)),
        });
        if lengths.len() > 1000 {
            return Verdict::Valid;
        }
    }
}

/// The conditions behind a rule of the corpus, and those that this reading reports instead.
fn conditions(rule: &str) -> &'static [&'static str] {
    match rule {
        "ccw.address-specification" => &["A01", "A04"],
        "ccw.address-range-fmt0" => &["A02"],
        "ccw.address" => &["A03", "A05", "A06", "A07", "C04"],
        "ccw.command" => &["C01", "C02"],
        "ccw.count" => &["C08", "C09", "C10"],
        "ccw.flags" => &["C12", "C13", "C14"],
        "ccw.suspend-flag" => &["C15", "C16", "C17"],
        "ccw.tic-reserved" => &["C03", "C04"],
        "ccw.data-address" => &["C11", "D01", "D03"],
        "ccw.protection" => &["A08"],
        "ccw.sequence.tic-tic" => &["C05"],
        "idaw.specification" => &["I06", "I07"],
        "idaw.address-specification" => &["I01"],
        "idaw.address" => &["I02", "I03"],
        "idaw.data-address" => &["I05", "I08"],
        "midaw.address-specification" => &["M01"],
        "midaw.list-page-cross" => &["M04"],
        "midaw.reserved" => &["M05", "M06"],
        "midaw.count" => &["M08", "M09", "M10"],
        "midaw.page-cross" => &["M12"],
        "midaw.data-address" => &["M02", "M13"],
        "data.protection" => &["D04", "D05"],
        "tcw.format" => &["T02", "T03", "T05"],
        "tccb.format" => &["T08", "T09", "T10"],
        "tccb.commands" => &["T11", "T12"],
        "tidaw" => &["T15", "T16", "T18"],
        "tidaw.data" => &["T19"],
        _ => &[],
    }
}

fn disagreement(program: &Recording) -> Option<String> {
    let expect = &program.json["expect"];
    let outcome = string(&expect["outcome"]);
    let rule = string(&expect["rule"]);
    let verdict = judge(program);
    let agrees = match (outcome.as_str(), &verdict) {
        ("indeterminate", _) | ("valid", Verdict::Valid) => true,
        // A loop, or a search that finds nothing, is legal; the channel ends it.
        ("valid", Verdict::Checked(check)) => check.condition.id() == "C06",
        ("invalid", Verdict::Refused(exception)) => matches!(
            (rule.as_str(), exception),
            ("orb.reserved", OperandException::Reserved)
                | ("orb.cpa-bit0", OperandException::ProgramAddress)
                | ("orb.transport-mode", OperandException::TransportMode)
        ),
        ("invalid", Verdict::Checked(check)) => {
            // In transport mode the status names the TCW.
            let at = match expect.get("at") {
                Some(at) => number(at) + 8,
                None => u64::from(program.program.orb().word(2)),
            };
            conditions(&rule).contains(&check.condition.id()) && at == u64::from(check.cpa)
        }
        _ => false,
    };
    (!agrees).then(|| format!("{}: {expect} but {verdict:x?}", program.name))
}

#[test]
fn the_channel_finds_what_is_wrong_and_nothing_else() {
    let programs = corpus();
    let differences: Vec<String> = programs.iter().filter_map(disagreement).collect();
    println!("{} programs judged", programs.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
