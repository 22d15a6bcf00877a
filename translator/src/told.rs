// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whether a program has told the guest how far it is. "PoP: Program-Controlled Interruption".

use ccw::{CcwFlags, Host, Irb};
use pinning::Pinner;

use crate::{Running, Translated, chain::Op};

/// The flag, in the doubleword of a CCW of format 1.
const PCI: u64 = (CcwFlags::PCI.bits() as u64) << 48;

impl<P: Pinner> Translated<P> {
    /// Whether a CCW with the PCI flag has been in control for sure when the host has stopped with the
    /// status `host`: on the way to the CCW that it names, as far as no command could skip one.
    ///
    /// For a host of which not every status is seen. What was not told by itself belongs to the status
    /// that ends the program.
    pub fn has_told(&self, host: &Irb<Host>) -> bool {
        // With a deferred condition code nothing was.
        let started = host.scsw.deferred_cc == 0;
        let tells = started && self.work.nodes.iter().any(|node| node.word & PCI != 0);
        tells && self.comes_by_pci(host).unwrap_or(false)
    }

    fn comes_by_pci(&self, host: &Irb<Host>) -> Option<bool> {
        let work = &self.work;
        let last = self.spot(host.scsw.cpa)?.node;
        let behind = u16::try_from(work.nodes.len().checked_sub(1)?).ok()?;
        let mut at = work.entry_addr();
        for _ in 0..work.nodes.len() {
            let n = work.find_from(behind, at)?;
            let node = work.nodes.get(usize::from(n))?;
            match node.op {
                Op::Tic => {
                    at = node.ccw().addr.get();
                    continue;
                }
                Op::Fault | Op::Break(_) | Op::Onward => return None,
                _ => {}
            }
            // Where the CCW itself is wrong, it may not have come to that.
            if node.word & PCI != 0 && (n != last || node.check().is_none()) {
                return Some(true);
            }
            if n == last || node.may_skip(&work.policy) || !node.chains(&work.policy) {
                return None;
            }
            at = node.addr.wrapping_add(8);
        }
        None
    }
}

impl<P: Pinner> Running<P> {
    /// [`Translated::has_told`].
    pub fn has_told(&self, host: &Irb<Host>) -> bool {
        let program = self.program();
        program.is_some_and(|program| program.has_told(host))
    }
}
