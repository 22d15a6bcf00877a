// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The lines of a host's program.

use std::fmt::Write;

use ccw::{CcwLine, DeviceClass, Format, RawCcw};

use super::{ADDRESS, HEAD};
use crate::analysis::HOST_BASE;
use crate::dump;
use crate::memory::PAGE;
use crate::translation::{HostCcw, Ready, SCRATCH_AT};

/// The host's ORB, CCWs and lists, each CCW with the guest CCW that it stands for.
pub(crate) fn listing(ready: &Ready, class: DeviceClass) -> String {
    let orb = ready.orb().encode();
    let (words, _) = orb.0.split_at(12);
    let mut text = format!("{:HEAD$}{:ADDRESS$}{}\n", "ORB", "", dump::words(words));
    let mut chained = false;
    for (n, ccw) in ready.ccws.iter().enumerate() {
        let line = ccw_line(ccw, class, chained);
        let decoded = ccw::Ccw::<ccw::Host>::decode(ccw.raw, Format::One);
        chained = decoded.chains_data() || (chained && decoded.command.is_tic(Format::One));
        let _ = writeln!(text, "{:HEAD$}{line}", format!("CCW {n}"));
        let list = u64::from(decoded.addr.get());
        for (n, word) in (0..).zip(&ccw.list) {
            let at = list + n * 8;
            let _ = writeln!(
                text,
                "{:HEAD$}{at:08x}: {}  {}",
                format!("   [{n}]"),
                dump::words(&word.to_be_bytes()),
                target(*word)
            );
        }
    }
    text
}

/// The line of `ccw`, to which the one before it may chain data.
fn ccw_line(ccw: &HostCcw, class: DeviceClass, chained: bool) -> String {
    let addr = u32::try_from(ccw.at.get()).unwrap_or(u32::MAX);
    if ccw.raw == RawCcw::STOP {
        let what = match ccw.guest {
            Some(guest) => format!("stop: the guest's CCW {:08x} ends the program", guest.get()),
            None => "stop".to_owned(),
        };
        return format!("{addr:08x}: {}  {what}", dump::words(&ccw.raw.0));
    }
    let line = CcwLine { addr, raw: ccw.raw }.display(Format::One, class);
    let line = if chained { line.data_chained() } else { line };
    match ccw.guest {
        Some(guest) => format!("{line}  for guest {:08x}", guest.get()),
        None => line.to_string(),
    }
}

/// What a host IDAW leads to.
fn target(word: u64) -> String {
    match word.checked_sub(HOST_BASE) {
        Some(guest) if guest < HOST_BASE << 14 => format!("guest {guest:08x}"),
        _ if word == SCRATCH_AT + 1 => "off its block: the channel stops here".to_owned(),
        // Its first byte, or the last one of a block to be read backward.
        _ if (SCRATCH_AT..SCRATCH_AT + PAGE).contains(&word) => "scratch page".to_owned(),
        _ => "no storage: the channel stops here".to_owned(),
    }
}
