// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The lines of a host's program.

use std::fmt::Write;

use ccw::{CcwLine, DeviceClass, Format, Midaw, MidawFlags, RawCcw, RawMidaw};
use translator::Cause;

use super::line::{ADDRESS, HEAD};
use crate::analysis::HOST_BASE;
use crate::dump;
use crate::memory::PAGE;
use crate::translation::{COPIES_AT, HostCcw, Ready, SCRATCH_AT};

/// The host's ORB, CCWs and lists, each CCW with the guest CCW that it stands for.
pub(crate) fn listing(ready: &Ready, class: DeviceClass) -> String {
    let orb = ready.orb().encode();
    let (words, _) = orb.0.split_at(12);
    let mut text = format!("{:HEAD$}{:ADDRESS$}{}\n", "ORB", "", dump::words(words));
    if ready.orb().transport {
        let at = ready.orb().cpa.get().into();
        text.push_str(&super::transport::host(at, &ready.areas, target));
    }
    let mut chained = false;
    for (n, ccw) in ready.ccws.iter().enumerate() {
        let line = ccw_line(ccw, class, chained);
        let decoded = ccw::Ccw::<ccw::Host>::decode(ccw.raw, Format::One);
        chained = decoded.chains_data() || (chained && decoded.command.is_tic(Format::One));
        let _ = writeln!(text, "{:HEAD$}{line}", format!("CCW {n}"));
        let list = u64::from(decoded.addr.get());
        let (size, per) = if ccw.has_midaws() { (16, 2) } else { (8, 1) };
        for (n, words) in (0..).zip(ccw.list.chunks(per)) {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            let what = match *words {
                [high, low] => midaw(high, low),
                [word] if per == 1 => target(word),
                // A MIDAW whose second half is zero.
                _ => "a reserved bit is one: the channel stops here".to_owned(),
            };
            let _ = writeln!(
                text,
                "{:HEAD$}{:08x}: {}  {what}",
                format!("   [{n}]"),
                list + n * size,
                dump::words(&bytes),
            );
        }
    }
    text
}

/// The line of `ccw`, to which the one before it may chain data.
fn ccw_line(ccw: &HostCcw, class: DeviceClass, chained: bool) -> String {
    let addr = u32::try_from(ccw.at.get()).unwrap_or(u32::MAX);
    if let Some(cause) = ccw.stops {
        let when = match cause {
            Cause::Suspend => "when the program is resumed",
            Cause::Refetch => "when what comes before has ended",
        };
        let guest = ccw.guest.map_or(0, |guest| guest.get());
        return format!(
            "{addr:08x}: {}  stops here: the CCW {guest:08x} is fetched {when}",
            dump::words(&ccw.raw.0)
        );
    }
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
        Some(guest) if ccw.link.1 > 1 => format!(
            "{line}  for guest {:08x}, CCW {} of {}",
            guest.get(),
            ccw.link.0,
            ccw.link.1
        ),
        Some(guest) => format!("{line}  for guest {:08x}", guest.get()),
        None => line.to_string(),
    }
}

/// What a host MIDAW leads to.
fn midaw(high: u64, low: u64) -> String {
    let raw = RawMidaw((u128::from(high) << 64 | u128::from(low)).to_be_bytes());
    let Midaw { flags, count, .. } = Midaw::<ccw::Host>::decode(raw);
    let place = match flags.contains(MidawFlags::SKIP) {
        true => "skipped".to_owned(),
        false => target(low),
    };
    let last = if flags.contains(MidawFlags::LAST) {
        ", last"
    } else {
        ""
    };
    format!("{} {place}{last}", dump::count(count.into()))
}

/// What a host IDAW leads to.
fn target(word: u64) -> String {
    match word.checked_sub(HOST_BASE) {
        Some(guest) if guest < HOST_BASE << 14 => format!("guest {guest:08x}"),
        _ if word == SCRATCH_AT + 1 => "off its block: the channel stops here".to_owned(),
        // Its first byte, or the last one of a block to be read backward.
        _ if (SCRATCH_AT..SCRATCH_AT + PAGE).contains(&word) => "scratch page".to_owned(),
        // Nothing else of the host's is named by a list.
        _ if (COPIES_AT..SCRATCH_AT).contains(&word) => "copy".to_owned(),
        _ => "no storage: the channel stops here".to_owned(),
    }
}
