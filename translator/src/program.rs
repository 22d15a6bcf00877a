// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program with its verdict, as its caller sees it.

use alloc::boxed::Box;

use ccw::{Ccw, Guest, GuestAddr, Orb, RawCcw, Scsw};
use pinning::Extent;

use crate::{
    Buffers, Finding, Outcome, Sure, TransportView, chain::Op, node::Reach, status::check_status,
};

/// A program with its verdict.
#[derive(Debug)]
#[must_use]
pub struct Program {
    pub(crate) work: Box<Buffers>,
}

/// One CCW of a program, for a listing.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Its number in the order in which CCWs were read.
    pub index: u16,
    /// Guest address.
    pub at: GuestAddr,
    /// The bytes; none where the channel would look for a CCW and finds no storage.
    pub raw: Option<RawCcw>,
    /// What they say.
    pub ccw: Ccw<Guest>,
    /// Whether it is taken for a TIC.
    pub tic: bool,
    /// Whether it was reached by data chaining, so that its command code has no meaning.
    pub in_data_chain: bool,
    /// Whether it is reached only when a command skips.
    pub possible: bool,
    /// Words of its list as far as they were read, big-endian: IDAWs widened to 8 bytes, or the
    /// two halves of each MIDAW.
    pub list: &'a [[u8; 8]],
}

impl Program {
    /// The verdict.
    pub fn outcome(&self) -> Outcome {
        self.work.verdict.outcome
    }

    /// What was found, in the order of the program; errors first met come first.
    pub fn findings(&self) -> &[Finding] {
        self.work.findings.as_slice()
    }

    /// How many further findings were not kept.
    pub fn findings_dropped(&self) -> u32 {
        self.work.findings.dropped()
    }

    /// The ORB.
    pub fn orb(&self) -> &Orb<Guest> {
        &self.work.orb
    }

    /// The storage that the program uses, as far as it was read: start, length and what the device
    /// does there.
    pub fn extents(&self) -> &[Extent] {
        &self.work.extents
    }

    /// The CCWs that were read, in that order.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let format = self.work.orb.format;
        self.work
            .nodes
            .iter()
            .zip(0..)
            .map(move |(node, index)| Step {
                index,
                at: node.guest(),
                raw: (!node.is_unread()).then(|| node.raw(format)),
                ccw: node.ccw(),
                tic: node.ccw().command.is_tic(format),
                in_data_chain: !node.reach.contains(Reach::COMMAND),
                possible: !node.reach.contains(Reach::CERTAIN),
                list: self.work.list(node),
            })
    }

    /// What a program of transport mode has instead of CCWs.
    pub fn transport(&self) -> Option<TransportView<'_>> {
        let shown = self.work.orb.transport && self.work.orb_fault.is_none();
        shown.then(|| TransportView {
            transport: &self.work.transport,
            at: self.work.orb.cpa.widen(),
        })
    }

    /// The status that the guest sees in the end, where the program alone decides it: that of
    /// the first error, if START SUBCHANNEL accepts the program.
    pub fn scsw(&self) -> Option<Scsw<Guest>> {
        if self.work.orb.transport {
            let status = self.work.transport.status(&self.work)?;
            return Some(status.carry());
        }
        let (code, n) = self.work.verdict.error?;
        let node = self.work.nodes.get(usize::from(n))?;
        let first = self.starts_at(n);
        Some(check_status(
            &self.work.orb,
            code,
            node,
            !first || code.sure() == Sure::Reached,
        ))
    }

    /// Gives the buffers back.
    pub fn into_buffers(self) -> Box<Buffers> {
        self.work
    }

    /// Whether only TICs come before node `n`.
    pub(crate) fn starts_at(&self, n: u16) -> bool {
        self.work
            .nodes
            .iter()
            .take(usize::from(n))
            .all(|node| node.op == Op::Tic)
    }
}
