// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What comes unasked: attention, and the loss of a device.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use vfio_ccw::mediator::{ConditionCode, Event};

use crate::case::{START, matches, scsw, text};
use crate::eckd::sense_id;
use crate::guest::{SLI, STANDARD, ccw, orb};
use crate::line::{Ended, Line, PATIENCE};
use crate::report::Report;

const DATA: u32 = 0x20_0000;
const ERASE_WRITE: u8 = 0x05;
const READ_MODIFIED: u8 = 0x06;

/// Screens that are written.
const SCREENS: usize = 40;

/// A terminal whose user answers each screen at once: the attention follows the final status so
/// closely that the kernel may lose the status.
pub(crate) fn terminal(line: &mut Line, report: &mut Report) {
    // The terminal was switched on.
    while let Some(irb) = line.status(Duration::from_millis(300)) {
        println!("        at first: {}", scsw(&irb.scsw().0));
    }
    let screen = [b"ECHO\0\x20".as_slice(), &[0x41; 32]].concat();
    let (mut wrong, mut kinds) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for n in 0..SCREENS {
        line.guest.store(DATA.into(), &screen);
        line.guest
            .store(START.into(), &ccw(ERASE_WRITE, SLI, 38, DATA));
        let mut attention = false;
        match line.mediator.ssch(&orb(STANDARD, START), &mut line.events) {
            Ok(ConditionCode::Cc0) => {}
            // Of the screen before.
            other => wrong.push(format!("start {n}: {other:?}")),
        }
        let end = Instant::now() + PATIENCE;
        let mut ended = None;
        while (ended.is_none() || !attention) && Instant::now() < end {
            let Some(irb) = line.status(Duration::from_secs(2)) else {
                break;
            };
            let found = scsw(&irb.scsw().0);
            if matches(&found, "00c04007 00001008 0c000000") {
                ended = Some("ended well");
            } else if matches(&found, "00c04017 ........ 0004....") {
                ended = Some("told that the status is lost");
            } else if matches(&found, "000000.1 ........ 8.00....") {
                attention = true;
            } else if matches(&found, "00c040.7 00001008 8c000000") {
                ended = Some("ended well, with attention in the same status");
                attention = true;
            } else if matches(&found, "00c04007 00001008 80000000") {
                // The emulated terminal puts attention in the place of what is pending.
                ended = Some("ended by attention alone");
                attention = true;
            } else {
                wrong.push(format!("status {n}: {found}"));
            }
        }
        let ended = ended.unwrap_or("no end");
        *kinds.entry(ended).or_default() += 1;
        if ended == "no end" {
            wrong.push(format!("screen {n} never ended"));
        }
        if !attention {
            wrong.push(format!("no attention after screen {n}"));
        }
        line.guest
            .store(START.into(), &ccw(READ_MODIFIED, SLI, 1000, DATA));
        let found = text(&line.mediated(&orb(STANDARD, START)));
        if !matches(&found, "00c04007 00001008 0c00....") {
            wrong.push(format!("reading {n}: {found}"));
        }
        if wrong.len() > 5 {
            break;
        }
    }
    println!("        {kinds:?} {:?}", line.mediator.metrics());
    let result = if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    };
    report.check(
        &format!("{SCREENS} screens that are answered at once"),
        result,
    );
}

/// The device is taken away while it is used.
pub(crate) fn unplug(line: &mut Line, report: &mut Report) {
    line.guest.store(START.into(), &sense_id(0, DATA));
    let good = (0..20)
        .filter(|_| text(&line.mediated(&orb(STANDARD, START))) == "00c04007 00001008 0c000000")
        .count();
    // Whoever can take it away waits for this line.
    println!("@@RIG-READY");
    let end = Instant::now() + Duration::from_secs(30);
    while !line.events.contains(&Event::UnplugRequested) && line.attend(end) {}
    let asked = line.events.contains(&Event::UnplugRequested);
    let mut odd = Vec::new();
    let gone = loop {
        if line.events.contains(&Event::Gone) {
            break true;
        }
        if Instant::now() > end {
            break false;
        }
        let ended = line.mediated(&orb(STANDARD, START));
        match (&ended, text(&ended).as_str()) {
            (_, "00c04007 00001008 0c000000") => {}
            (Ended::Answer(answer), _) if answer == "Ok(Cc3)" => {}
            (Ended::Silence, _) if line.events.contains(&Event::Gone) => {}
            (_, other) => odd.push(other.to_owned()),
        }
        line.attend(Instant::now() + Duration::from_millis(20));
    };
    let fine = |yes: bool, what: &str| yes.then_some(()).ok_or_else(|| what.to_owned());
    report.check("it worked before", fine(good == 20, "a start was not good"));
    report.check("the host asks for the device", fine(asked, "no event"));
    report.check("the device is gone", fine(gone, "no event"));
    report.check(
        "nothing else was seen on the way",
        fine(odd.is_empty(), &odd.join("; ")),
    );
    let found = line.mediator.ssch(&orb(STANDARD, START), &mut line.events);
    let cc3 = found == Ok(ConditionCode::Cc3);
    report.check("SSCH afterwards", fine(cc3, &format!("{found:?}")));
    let found = line.mediator.stcrw();
    report.check("a channel report", fine(found.is_some(), "none"));
    let schib = line.mediator.stsch(&mut line.events);
    report.check(
        "device number valid",
        fine(schib.0[5] & 0x01 == 0, "still is"),
    );
}
