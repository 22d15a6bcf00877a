// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The way back: host status in, guest status out.
//!
//! No host address leaves here. "PoP: SCSW", CCW address and count by ending.

use alloc::boxed::Box;

use ccw::{
    CCW_SIZE, DeviceStatus, Esw, FieldValidity, FunctionControl, Guest, Host, Irb, Orb, OrbBits,
    Scsw, StatusControl, SubchannelStatus,
};
use pinning::{Extent, Pinner};

use crate::{
    Arrival, Buffers, Cause, Check, Code, Doublewords, Translated,
    arrangement::HostSlot,
    chain::Op,
    node::Node,
    status::{add_sense, check_bit, guest_esw, take_sense, unit_check},
    transport::{self, StatusBlock},
};

/// Status in the guest's terms, and how far the host's could be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completion {
    /// What the guest sees.
    pub irb: Irb<Guest>,
    /// The host's CCW address is not one of this program: the guest sees 0 in its place, and a
    /// channel-control check where the status says that the address means something.
    pub unmapped: bool,
    /// The host reports a program or protection check at a CCW with which nothing is wrong.
    pub unexplained: bool,
    /// What else the guest has to find before it is told the status: the TSB of a program of transport
    /// mode that was carried out as CCWs.
    pub tsb: Option<StatusBlock>,
    /// The host's program is over, and the guest's goes on with the part that begins here. `irb` is
    /// then the status of a program that is suspended or still runs: it has intermediate status or
    /// none. Initial status is part of it if the first command was accepted since, whether or not the
    /// host has shown it by itself.
    pub arrived: Option<Arrival>,
    /// Why the command policy has refused the command in control, if it has. The device has no sense of
    /// it: a guest without concurrent sense is to be given what `irb` shows when it asks. In transport
    /// mode `irb` shows none, and the TSB has it.
    pub refused: Option<Code>,
}

/// A host CCW, as a link of what stands for a guest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Number of the node.
    pub(crate) node: u16,
    /// Bytes of its count in this link.
    pub(crate) count: u16,
    /// Bytes of its count in the links behind.
    pub(crate) left: u16,
}

impl<P: Pinner> Translated<P> {
    /// The ORB to start on the host.
    pub fn orb(&self) -> &Orb<Host> {
        &self.work.host_orb
    }

    /// The guest's ORB.
    pub fn guest_orb(&self) -> &Orb<Guest> {
        &self.work.orb
    }

    /// Number of host CCWs, and for each the guest address of the CCW that it is the image of.
    pub fn host_ccws(&self) -> impl Iterator<Item = Option<ccw::GuestAddr>> {
        (0..self.work.host_len).map(|n| match self.work.slot(n)? {
            HostSlot::Node(n) | HostSlot::Link { node: n, .. } | HostSlot::SecondTic(n) => {
                if self.work.is_lowered() {
                    return self.work.transport.command_at(n);
                }
                self.work.nodes.get(usize::from(n)).map(Node::guest)
            }
            HostSlot::Jump(_) | HostSlot::Cut | HostSlot::Stop => None,
        })
    }

    /// Why host CCW `n` stops the program, if it stands where the guest's goes on in another part.
    pub fn break_at_ccw(&self, n: usize) -> Option<Cause> {
        let HostSlot::Node(n) = self.work.slot(n)? else {
            return None;
        };
        match self.work.nodes.get(usize::from(n))?.op {
            Op::Break(cause) => Some(cause),
            _ => None,
        }
    }

    /// The storage that the program uses.
    pub fn extents(&self) -> &[Extent] {
        &self.work.extents
    }

    /// How much of the slot's areas it was written to.
    pub fn doublewords(&self) -> Doublewords {
        self.doublewords
    }

    /// Maps the status `host` of this program to what the guest sees.
    pub fn complete(&self, host: &Irb<Host>) -> Completion {
        if self.work.is_transport() {
            return transport::complete(&self.work, self.work.host_orb.cpa, host);
        }
        let from = &host.scsw;
        let mut scsw = Scsw::<Guest>::IDLE;
        scsw.orb = OrbBits::from(&self.work.orb);
        scsw.deferred_cc = from.deferred_cc;
        scsw.zero_cc = from.zero_cc;
        scsw.extended_control = from.extended_control;
        scsw.path_not_operational = from.path_not_operational;
        scsw.function = from.function;
        scsw.activity = from.activity;
        scsw.status = from.status;
        scsw.device = from.device;
        scsw.subchannel = from.subchannel;
        scsw.residual = from.residual;
        let node = self
            .spot(from.cpa)
            .and_then(|spot| Some((self.work.nodes.get(usize::from(spot.node))?, spot)));
        let mut unexplained = false;
        let mut unmapped = false;
        if let Some((&node, _)) = node
            && let Some(cause) = self.work.break_at(&node, from)
        {
            let goes_on = from.function == FunctionControl::START;
            return Completion {
                irb: match goes_on {
                    true => self.work.arrived(&node, cause, Some(host)),
                    false => self.work.halted(&node, cause, host),
                },
                unmapped: false,
                unexplained: false,
                arrived: goes_on.then(|| Arrival {
                    at: node.guest(),
                    cause,
                    accepted: true,
                }),
                refused: None,
                tsb: None,
            };
        }
        let mut refused = None;
        match node {
            Some((node, spot)) => {
                scsw.cpa = node.addr.wrapping_add(8);
                if spot.left > 0 {
                    join(&mut scsw, node, spot.left);
                }
                let stopped = scsw.subchannel.intersects(CHECKS);
                unexplained = explain(&mut scsw, node);
                if stopped && node.check() == Some(Check::UnitCheck) {
                    unit_check(&mut scsw, &self.work.orb, node);
                    refused = node.fault;
                }
            }
            // Never started: the address is still that of the ORB.
            None if from.cpa == self.work.host_orb.cpa.get() => scsw.cpa = self.work.entry_addr(),
            None => {
                unmapped = from.cpa != 0;
                if address_is_meant(host) {
                    unmapped = true;
                    scsw.subchannel |= SubchannelStatus::CHANNEL_CONTROL_CHECK;
                    scsw.subchannel -=
                        SubchannelStatus::PROGRAM_CHECK | SubchannelStatus::PROTECTION_CHECK;
                    scsw.status |= StatusControl::ALERT;
                    scsw.residual = 0;
                }
            }
        }
        let mut esw = guest_esw(&host.esw);
        if let (true, Esw::Logout { logout, .. }) = (unmapped, &mut esw) {
            logout.valid.remove(FieldValidity::CCW_ADDRESS);
        }
        scsw.extended_status_word = esw.is_format0();
        let mut irb = Irb::IDLE;
        irb.scsw = scsw;
        irb.esw = esw;
        if from.extended_control {
            take_sense(&mut irb, host);
        }
        if let Some(code) = refused {
            add_sense(&mut irb, self.work.commands.class, code);
        }
        let completion = Completion {
            irb,
            unmapped,
            unexplained,
            arrived: None,
            refused,
            tsb: None,
        };
        if self.work.is_lowered() {
            return transport::raise(&self.work, completion);
        }
        completion
    }

    /// The host CCW that ends at `cpa`: the CCW in control is the one before the address.
    pub(crate) fn spot(&self, cpa: u32) -> Option<Spot> {
        let offset = cpa.checked_sub(self.base.get())?;
        let n = u64::from(offset).checked_sub(CCW_SIZE)? / CCW_SIZE;
        if !u64::from(offset).is_multiple_of(CCW_SIZE) {
            return None;
        }
        let n = usize::try_from(n).ok()?;
        let (node, left) = match self.work.slot(n)? {
            HostSlot::Node(n) | HostSlot::SecondTic(n) => (n, 0),
            HostSlot::Link { node, left } => (node, left),
            HostSlot::Jump(_) | HostSlot::Cut | HostSlot::Stop => return None,
        };
        let from_here = match self.work.link_before(n) {
            Some(left) => left,
            None => self.work.nodes.get(usize::from(node))?.ccw().count,
        };
        Some(Spot {
            node,
            count: from_here.saturating_sub(left),
            left,
        })
    }

    /// Gives the pins and the buffers back. The host must have stopped using the program.
    pub fn release(self) -> Box<Buffers> {
        drop(self.pins);
        self.work
    }

    /// Gives the buffers back and keeps the pins for ever, because the host never said that it
    /// stopped.
    pub fn quarantine(self) -> Box<Buffers> {
        self.pins.quarantine();
        self.work
    }
}

const CHECKS: SubchannelStatus =
    SubchannelStatus::PROGRAM_CHECK.union(SubchannelStatus::PROTECTION_CHECK);

/// The channel stopped in a link of `node` with others behind it: `left` bytes of these are left too,
/// and what is a wrong length for the link need not be one for all of them.
fn join(scsw: &mut Scsw<Guest>, node: &Node, left: u16) {
    scsw.residual = scsw.residual.saturating_add(left);
    if node.suppresses() {
        scsw.subchannel -= SubchannelStatus::INCORRECT_LENGTH;
        let normal =
            DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::STATUS_MODIFIER;
        if scsw.subchannel.difference(SubchannelStatus::PCI).is_empty()
            && normal.contains(scsw.device)
        {
            scsw.status -= StatusControl::ALERT;
        }
    }
}

/// Puts the condition recorded for `node` in the place of the check that its host CCW provoked;
/// says whether there is a check without a condition.
fn explain(scsw: &mut Scsw<Guest>, node: &Node) -> bool {
    if !scsw.subchannel.intersects(CHECKS) {
        return false;
    }
    match node.check() {
        Some(check) => {
            // Nor does a wrong length mean anything beside a check.
            let host = CHECKS | SubchannelStatus::INCORRECT_LENGTH;
            scsw.subchannel = scsw.subchannel.difference(host) | check_bit(check);
            // How much of the host's form of the CCW was done says nothing of the guest's.
            scsw.residual = 0;
            false
        }
        // A loop of TICs may be stopped by the channel, wherever it stands.
        None => node.op != Op::Tic,
    }
}

/// Whether the CCW address of this status means something: for primary status of a program that
/// was neither halted nor cleared, while one runs, and when it is suspended; and with a check of the
/// channel or the interface only if the logout says so.
fn address_is_meant(host: &Irb<Host>) -> bool {
    let scsw = &host.scsw;
    let ended = scsw
        .function
        .intersects(FunctionControl::HALT | FunctionControl::CLEAR);
    let started = scsw.function.contains(FunctionControl::START);
    let known = StatusControl::PRIMARY | StatusControl::INTERMEDIATE;
    let addressless =
        SubchannelStatus::INTERFACE_CONTROL_CHECK | SubchannelStatus::CHANNEL_CONTROL_CHECK;
    let logged = match host.esw {
        Esw::Logout { logout, .. } => logout.valid.contains(FieldValidity::CCW_ADDRESS),
        Esw::Path { .. } => !scsw.subchannel.intersects(addressless),
    };
    started && !ended && scsw.deferred_cc == 0 && scsw.status.intersects(known) && logged
}
