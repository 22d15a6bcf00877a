// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Basic SENSE behind a command that the policy has refused: the device knows nothing of that.

use ccw::{
    CcwFlags, Command, DeviceStatus, FunctionControl, GuestAddr, Irb, OrbBits, StatusControl,
    SubchannelStatus,
};
use pinning::Pinner;

use crate::{
    Ended, Pinned,
    chain::Op,
    node::{Node, Reach},
    plan::Plan,
};

impl<P: Pinner> Pinned<P> {
    /// Carries the program out without the device, if it is a basic SENSE and nothing else: `store` is
    /// given the bytes of `sense` that go into guest storage, which stays in place meanwhile.
    ///
    /// # Errors
    ///
    /// The program as it was, if it is another one.
    pub fn answer_sense(
        self,
        sense: &[u8],
        mut store: impl FnMut(GuestAddr, &[u8]),
    ) -> Result<Ended, Self> {
        let Some(&node) = self.plan.basic_sense() else {
            return Err(self);
        };
        let good = if node.op == Op::Input { node.good } else { 0 };
        let mut left = sense;
        for piece in self.plan.work.pieces(&node, good) {
            let (here, rest) = left.split_at(left.len().min(piece.len.into()));
            if !piece.skip && !here.is_empty() {
                store(GuestAddr::new(piece.first), here);
            }
            left = rest;
        }
        let Self { plan, pins } = self;
        drop(pins);
        let mut irb = Irb::IDLE;
        let scsw = &mut irb.scsw;
        scsw.orb = OrbBits::from(&plan.work.orb);
        scsw.function = FunctionControl::START;
        scsw.status = StatusControl::PRIMARY | StatusControl::SECONDARY | StatusControl::PENDING;
        scsw.cpa = node.addr.wrapping_add(8);
        scsw.device = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
        let count = usize::from(node.ccw().count);
        scsw.residual = u16::try_from(count.saturating_sub(sense.len())).unwrap_or(0);
        if count != sense.len() && !node.suppresses() {
            scsw.subchannel |= SubchannelStatus::INCORRECT_LENGTH;
            scsw.status |= StatusControl::ALERT;
        }
        if node.ccw().flags.contains(CcwFlags::PCI) {
            scsw.subchannel |= SubchannelStatus::PCI;
        }
        Ok(Ended::new(irb, plan.work))
    }
}

impl Plan {
    /// The basic SENSE that is all of the program, but for TICs.
    fn basic_sense(&self) -> Option<&Node> {
        let work = &self.work;
        let (node, before) = work.nodes.split_last()?;
        let alone = before.iter().all(|node| node.op == Op::Tic);
        let chains = CcwFlags::CHAIN_COMMAND | CcwFlags::CHAIN_DATA;
        let is_sense = node.ccw().command == Command::SENSE
            && !node.ccw().flags.intersects(chains)
            && !node.reach.intersects(Reach::CHAINED)
            && matches!(node.op, Op::Input | Op::Skip | Op::Nothing)
            && node.fault.is_none();
        (alone && is_sense).then_some(node)
    }
}
