// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which CCW takes control next, and whether it may. "PoP: Command Chaining", "Data Chaining",
//! "Transfer in Channel".

use ccw::{Addr, CCW_SIZE, Ccw, CcwFlags, Class, Format, RawCcw, Space};

use super::Channel;
use crate::{Check, Condition, StorageFault};

/// How the channel came to a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reached {
    /// By start or resume function.
    First,
    /// By command chaining.
    Command,
    /// By data chaining.
    Data,
}

/// Where the next CCW is to be fetched. An address may lie up to 8 above the format's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cursor {
    pub(crate) at: u32,
    pub(crate) reached: Reached,
}

/// A CCW that takes control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Control<S: Space> {
    pub(crate) at: u32,
    pub(crate) ccw: Ccw<S>,
}

impl<S: Space> Control<S> {
    /// What the status shows while this CCW is in control.
    pub(crate) fn cpa(&self) -> u32 {
        self.at.wrapping_add(8)
    }
}

/// What came of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fetched<S: Space> {
    /// The CCW is valid and takes control.
    Execute(Control<S>),
    /// The CCW has the S flag, and the program may suspend itself.
    Suspend(Control<S>),
}

impl<S: Space> Channel<'_, S> {
    /// Finds the CCW that takes control at `cursor`, following TICs, and makes the checks that
    /// precede its execution, in the order in which machines make them.
    ///
    /// `resumed`: a resume function was accepted beforehand, so the S flag has no effect.
    pub(crate) fn next(&mut self, cursor: Cursor, resumed: bool) -> Result<Fetched<S>, Check> {
        let format = self.orb.format;
        let mut at = cursor.at;
        let mut tic: Option<u32> = None;
        loop {
            let raw = self.fetch_ccw(at, cursor.reached, tic)?;
            let ccw = Ccw::decode(raw, format);
            if !ccw.command.is_tic(format) {
                let control = Control { at, ccw };
                let fetched = self
                    .admit(control, raw, cursor.reached, resumed)
                    .map_err(|condition| check(condition, at))?;
                return Ok(fetched);
            }
            let target = ccw.addr.get();
            let backward = target <= at;
            self.check_tic(raw, target, tic.is_some(), backward)
                .map_err(|condition| check(condition, at))?;
            tic = Some(at);
            at = target;
        }
    }

    /// The CCW at `at`, where the channel came by `reached` and, if it was the last step, the TIC
    /// at `tic`.
    fn fetch_ccw(&mut self, at: u32, reached: Reached, tic: Option<u32>) -> Result<RawCcw, Check> {
        let first = reached == Reached::First && tic.is_none();
        if !at.is_multiple_of(8) {
            return Err(check(Condition::A01, at));
        }
        if u64::from(at) + CCW_SIZE > self.orb.format.limit() {
            let condition = if first {
                Condition::A02
            } else {
                Condition::A07
            };
            return Err(check(condition, at));
        }
        let addr = Addr::new(u64::from(at));
        let mut raw = RawCcw::default();
        match self.storage.fetch(addr, self.orb.key, &mut raw.0) {
            Ok(()) => {
                if let Some(trace) = &mut self.trace {
                    trace.push((addr, raw));
                }
                Ok(raw)
            }
            Err(error) => Err(match (error.fault, tic) {
                (StorageFault::Protected, _) => check(Condition::A08, at),
                (StorageFault::Damaged, _) => check(Condition::N04, at),
                (StorageFault::Unavailable, Some(tic)) => check(Condition::A05, tic),
                (StorageFault::Unavailable, None) if first => check(Condition::A03, at),
                (StorageFault::Unavailable, None) => check(Condition::A06, at),
            }),
        }
    }

    /// The rules of a TIC to `target`.
    fn check_tic(
        &mut self,
        raw: RawCcw,
        target: u32,
        after_tic: bool,
        backward: bool,
    ) -> Result<(), Condition> {
        let format = self.orb.format;
        if format == Format::One {
            if raw.0[1] != 0 || raw.0[2] != 0 || raw.0[3] != 0 {
                return Err(Condition::C03);
            }
            if raw.bit32(format) {
                return Err(Condition::C04);
            }
        }
        if after_tic {
            return Err(Condition::C05);
        }
        if !target.is_multiple_of(8) {
            return Err(Condition::A04);
        }
        if backward {
            *self.backward_tics = self.backward_tics.saturating_add(1);
            if Some(*self.backward_tics) == self.config.backward_tics {
                return Err(Condition::C06);
            }
        }
        Ok(())
    }

    /// The rules of a CCW that is no TIC, up to those of its data address.
    fn admit(
        &mut self,
        control: Control<S>,
        raw: RawCcw,
        reached: Reached,
        resumed: bool,
    ) -> Result<Fetched<S>, Condition> {
        let Control { at, ccw } = control;
        let format = self.orb.format;
        let has = |flag| ccw.flags.contains(flag);
        let by_data = reached == Reached::Data;

        if by_data && ccw.count == 0 && format == Format::One {
            return Err(Condition::C10);
        }
        match ccw.command.class() {
            Class::Invalid if !by_data => return Err(Condition::C01),
            // A format-1 code x8 is neither a TIC nor a command, by data chaining neither.
            Class::Tic => return Err(Condition::C02),
            _ => {}
        }
        if !by_data && has(CcwFlags::SUSPEND) && has(CcwFlags::CHAIN_DATA) {
            return Err(Condition::C17);
        }
        if has(CcwFlags::MODIFIED_INDIRECT) {
            if !self.orb.midaw {
                return Err(Condition::C12);
            }
            if has(CcwFlags::INDIRECT) {
                return Err(Condition::C13);
            }
            if has(CcwFlags::SKIP) {
                return Err(Condition::C14);
            }
        }
        if has(CcwFlags::SUSPEND) {
            if by_data {
                return Err(Condition::C16);
            }
            if !self.orb.suspend {
                return Err(Condition::C15);
            }
            if !resumed {
                self.recognise_pci(at, ccw.flags);
                return Ok(Fetched::Suspend(control));
            }
        }
        match format {
            Format::Zero if ccw.count == 0 => return Err(Condition::C08),
            Format::One if ccw.count == 0 && ccw.chains_data() => return Err(Condition::C09),
            _ => {}
        }
        if raw.bit32(format) {
            return Err(Condition::C11);
        }
        Ok(Fetched::Execute(control))
    }

    /// PCI is recognised when a CCW takes control, before its data.
    pub(crate) fn recognise_pci(&mut self, at: u32, flags: CcwFlags) {
        if flags.contains(CcwFlags::PCI) {
            self.pci = Some(at);
        }
    }
}

/// `condition` of the CCW at `at`.
pub(crate) fn check(condition: Condition, at: u32) -> Check {
    Check {
        condition,
        cpa: at.wrapping_add(8),
    }
}
