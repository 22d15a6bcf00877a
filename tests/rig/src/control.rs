// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Halt and clear, of programs that run and of none; condition codes on the way.

use std::time::Duration;

use vfio_ccw::mediator::ConditionCode::{self, Cc0, Cc1, Cc2};
use vfio_ccw::mediator::Exception;

use crate::case::{START, matches, scsw, text};
use crate::dasd::SENSE_ID_HEAD;
use crate::eckd::sense_id;
use crate::guest::{CC, STANDARD, orb, tic};
use crate::line::{Ended, Line};
use crate::report::Report;

const DATA: u32 = 0x20_0000;

/// Starts a program that never ends by itself, and lets it run.
pub(crate) fn start_endless(line: &mut Line) -> Result<(), String> {
    let ccws = [sense_id(CC, DATA), tic(START)];
    line.guest.store(START.into(), ccws.as_flattened());
    line.guest.store(DATA.into(), &[0; 8]);
    code(
        line.mediator.ssch(&orb(STANDARD, START), &mut line.events),
        Cc0,
    )?;
    match line.status(Duration::from_millis(30)) {
        None => Ok(()),
        Some(irb) => Err(format!("it ended: {}", scsw(&irb.scsw().0))),
    }
}

/// Whether the program of [`start_endless`] still runs: it stores again and again.
pub(crate) fn still_runs(line: &mut Line) -> Result<(), String> {
    line.guest.store(DATA.into(), &[0; 8]);
    // On a loaded machine the emulated channel may take its time.
    for _ in 0..100 {
        if let Some(irb) = line.status(Duration::from_millis(30)) {
            return Err(format!("it ended: {}", scsw(&irb.scsw().0)));
        }
        if line.guest.fetch(DATA.into(), 7) == SENSE_ID_HEAD {
            return Ok(());
        }
    }
    Err("it stores nothing any more".to_owned())
}

pub(crate) fn code(
    found: Result<ConditionCode, Exception>,
    wanted: ConditionCode,
) -> Result<(), String> {
    match found {
        Ok(found) if found == wanted => Ok(()),
        other => Err(format!("{other:?}, not {wanted}")),
    }
}

pub(crate) fn one(line: &mut Line, wanted: &str) -> Result<(), String> {
    let ended = line.statuses();
    let found = text(&ended);
    if !matches!(ended, Ended::Status(_)) || !matches(&found, wanted) {
        return Err(format!("{found}, not {wanted}"));
    }
    if let Some(irb) = line.status(Duration::from_millis(50)) {
        return Err(format!("a second interruption: {}", scsw(&irb.scsw().0)));
    }
    Ok(())
}

/// The subchannel is as good as before.
fn works(line: &mut Line) -> Result<(), String> {
    line.guest.store(START.into(), &sense_id(0, DATA));
    line.guest.store(DATA.into(), &[0; 8]);
    let found = text(&line.mediated(&orb(STANDARD, START)));
    let id = line.guest.fetch(DATA.into(), 7);
    if found == "00c04007 00001008 0c0000f4" && id == SENSE_ID_HEAD {
        return Ok(());
    }
    Err(format!("{found} {id:02x?}"))
}

/// All of it.
pub(crate) fn control(line: &mut Line, report: &mut Report) {
    // The subchannel was active: the address is that of the CCW in control plus 8, whichever of
    // the two it was; or zero, where the kernel names none of the program.
    let halted = "00c0600. 0000.0.. ........";
    let runs = start_endless(line);
    let fine = runs.is_ok();
    report.check("a program that does not end", runs);
    if !fine {
        return;
    }
    let found = line.mediator.ssch(&orb(STANDARD, START), &mut line.events);
    report.check("SSCH while it runs", code(found, Cc2));
    let found = Ok(line.mediator.xsch(&mut line.events));
    report.check("XSCH while it runs", code(found, Cc2));
    let (found, _) = line.mediator.tsch(&mut line.events);
    report.check("TSCH while it runs", code(Ok(found), Cc1));
    report.check("it still runs", still_runs(line));
    let found = Ok(line.mediator.hsch(&mut line.events));
    report.check("HSCH while it runs", code(found, Cc0));
    report.check("one interruption, of the halt", one(line, halted));
    report.check("SENSE ID after it", works(line));

    report.check("another program that does not end", start_endless(line));
    let found = Ok(line.mediator.csch(&mut line.events));
    report.check("CSCH while it runs", code(found, Cc0));
    let cleared = "00001001 00000000 00000000";
    report.check("one interruption, of the clear", one(line, cleared));
    report.check("SENSE ID after it", works(line));

    report.check("a third", start_endless(line));
    let found = Ok(line.mediator.hsch(&mut line.events));
    report.check("HSCH", code(found, Cc0));
    let found = Ok(line.mediator.csch(&mut line.events));
    report.check("CSCH before the halt is through", code(found, Cc0));
    report.check("one interruption, of the clear", one(line, cleared));
    report.check("SENSE ID after it", works(line));

    let found = Ok(line.mediator.hsch(&mut line.events));
    report.check("HSCH of no program", code(found, Cc0));
    report.check("its interruption", one(line, "00..2001 ........ 0000...."));
    let found = Ok(line.mediator.csch(&mut line.events));
    report.check("CSCH of no program", code(found, Cc0));
    report.check("its interruption", one(line, cleared));
    report.check("SENSE ID after it", works(line));
}
