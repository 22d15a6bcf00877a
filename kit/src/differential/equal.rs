// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! In what two runs may differ, and in what not.

use std::fmt;

use ccw::{Esw, FieldValidity, Guest, Host, Irb, StatusControl, SubchannelStatus};
use css::Ram;

use super::arena::ARENA;
use crate::second_copy;

/// In what the two differ.
#[derive(Clone, Debug)]
pub struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Difference {}

pub(super) fn differ<T>(what: impl fmt::Display) -> Result<T, Difference> {
    Err(Difference(what.to_string()))
}

pub(super) fn same<T: PartialEq + fmt::Debug>(
    what: &str,
    guest: &T,
    host: &T,
) -> Result<(), Difference> {
    if guest == host {
        return Ok(());
    }
    differ(format_args!(
        "{what}\n  guest's program: {guest:x?}\n  translated:      {host:x?}"
    ))
}

/// `irb` without what the architecture leaves open.
pub(crate) fn canonical(irb: &Irb<Guest>) -> Irb<Guest> {
    let mut irb = *irb;
    let scsw = &mut irb.scsw;
    let checks = SubchannelStatus::PROGRAM_CHECK | SubchannelStatus::PROTECTION_CHECK;
    if scsw.subchannel.intersects(checks) {
        scsw.subchannel.remove(SubchannelStatus::PCI);
    }
    let harmless = SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH;
    let counts = scsw.status.contains(StatusControl::PRIMARY)
        && harmless.contains(scsw.subchannel)
        && scsw.deferred_cc == 0;
    if !counts {
        scsw.residual = 0;
    }
    if !addresses_a_ccw(&irb) {
        irb.scsw.cpa = 0;
    }
    irb
}

/// Whether the CCW address of a status means something: of one that is pending, unless a check of
/// the channel itself says otherwise.
fn addresses_a_ccw(irb: &Irb<Guest>) -> bool {
    let channel =
        SubchannelStatus::INTERFACE_CONTROL_CHECK | SubchannelStatus::CHANNEL_CONTROL_CHECK;
    let named = match &irb.esw {
        Esw::Logout { logout, .. } => logout.valid.contains(FieldValidity::CCW_ADDRESS),
        Esw::Path { .. } => false,
    };
    irb.scsw.status.contains(StatusControl::PENDING)
        && (named || !irb.scsw.subchannel.intersects(channel))
}

pub(super) fn same_storage(guest: &Ram<Host>, host: &Ram<Host>) -> Result<(), Difference> {
    let data = host
        .touched()
        .filter(|(at, _)| !ARENA.contains(&at.get()) && !second_copy::STORAGE.contains(&at.get()));
    let mut data = data.peekable();
    for (at, page) in guest.touched() {
        let Some((_, other)) = data.next_if(|(other, _)| *other == at) else {
            // What comes back by way of a copy comes as far as it has changed anything: of zeros that
            // went over zeros nothing does.
            if page.iter().all(|byte| *byte == 0) {
                continue;
            }
            return differ(format_args!(
                "page {at:?} was stored into by the guest's program only"
            ));
        };
        if page != other
            && let Some(n) = page.iter().zip(other).position(|(a, b)| a != b)
        {
            return differ(format_args!(
                "byte {n:x} of page {at:?}: {:02x} by the guest's program, {:02x} translated",
                page[n], other[n]
            ));
        }
    }
    match data.next() {
        Some((at, _)) => differ(format_args!(
            "page {at:?} was stored into by the translation only"
        )),
        None => Ok(()),
    }
}
