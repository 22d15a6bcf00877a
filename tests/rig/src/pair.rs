// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Two subchannels at once, in one address space.

use vfio_ccw::mediator::ConditionCode;

use crate::case::text;
use crate::control::{start_endless, still_runs};
use crate::dasd::SENSE_ID_HEAD;
use crate::eckd::sense_id;
use crate::guest::{CC, STANDARD, ccw, orb};
use crate::line::Line;
use crate::report::Report;

/// Pairs of starts.
const PAIRS: usize = 200;

/// Starts that overlap, and a clear of one that leaves the other alone.
pub(crate) fn pair(lines: &mut [Line; 2], report: &mut Report) {
    let mut wrong = Vec::new();
    for n in 0..PAIRS {
        for (place, line) in (0_u32..).zip(&mut *lines) {
            let (start, data) = (0x1000 + 0x1000 * place, 0x20_0000 + 0x1_0000 * place);
            let mut ccws = vec![ccw(0x64, CC, 64, data + 0x100); 9];
            ccws.push(sense_id(0, data));
            line.guest.store(start.into(), ccws.as_flattened());
            line.guest.store(data.into(), &[0; 0x200]);
            let code = line.mediator.ssch(&orb(STANDARD, start), &mut line.events);
            if code != Ok(ConditionCode::Cc0) {
                wrong.push(format!("start {n} of {place}: {code:?}"));
            }
        }
        for (place, line) in (0_u32..).zip(&mut *lines) {
            let (start, data) = (0x1000 + 0x1000 * place, 0x20_0000 + 0x1_0000 * place);
            let found = text(&line.statuses());
            let wanted = format!("00c04007 {:08x} 0c0000f4", start + 80);
            let right = line.guest.fetch(data.into(), 7) == SENSE_ID_HEAD
                && line.guest.fetch(u64::from(data) + 0x100, 2) == [0x39, 0x90];
            if found != wanted || !right {
                wrong.push(format!("end {n} of {place}: {found}, data {right}"));
            }
        }
    }
    let pairs = if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    };
    report.check(&format!("{PAIRS} pairs of starts"), pairs);

    let [first, second] = lines;
    report.check(
        "a program that does not end on the first",
        start_endless(first),
    );
    let code = second.mediator.csch(&mut second.events);
    let cleared = text(&second.statuses());
    let fine = code == ConditionCode::Cc0 && cleared == "00001001 00000000 00000000";
    report.check("CSCH of the second", fine.then_some(()).ok_or(cleared));
    report.check("the first still runs", still_runs(first));
    second.guest.store(0x2000, &sense_id(0, 0x30_0000));
    let found = text(&second.mediated(&orb(STANDARD, 0x2000)));
    let fine = found == "00c04007 00002008 0c0000f4";
    report.check("a program on the second", fine.then_some(()).ok_or(found));
    report.check("the first still runs", still_runs(first));
    let code = first.mediator.csch(&mut first.events);
    let cleared = text(&first.statuses());
    let fine = code == ConditionCode::Cc0 && cleared == "00001001 00000000 00000000";
    report.check("CSCH of the first", fine.then_some(()).ok_or(cleared));
}
