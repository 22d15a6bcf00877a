// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The requests, answered as the kernel answers them.

use std::os::fd::{AsFd, BorrowedFd};

use ccw::{
    FunctionControl, Host, IRB_EXTENDED_SIZE, Orb, RawCrw, RawOrb, RawSchib, RawScsw, Schib, Scsw,
};
use css::{CannotStart, ConditionCode, Storage, Subchannel};

use super::{SoftDevice, State, channel};
use crate::device::{Capabilities, CcwDevice, DeviceError, Source};
use crate::{AsyncCommand, Errno, ORB_AREA_SIZE};

impl<D: css::Device + Send, S: Storage<Host> + Send> CcwDevice for SoftDevice<D, S> {
    fn capabilities(&self) -> Capabilities {
        self.config.capabilities
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        self.has(source).then(|| self.event(source).as_fd())
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        match self.has(source) {
            true => self.event(source).take(),
            false => Ok(0),
        }
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        self.operational()?;
        if self.program {
            return Err(Errno::EBUSY.into());
        }
        let function = Scsw::<Host>::decode(scsw).function;
        if function.contains(FunctionControl::START) {
            self.start_function(orb)?;
            self.program = true;
            self.run(self.config.steps);
        } else if !function.is_empty() {
            return Err(Errno::EOPNOTSUPP.into());
        }
        Ok(())
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        if !self.config.capabilities.async_command {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.operational()?;
        let code = match command {
            AsyncCommand::Halt => self.subchannel.halt(),
            AsyncCommand::Clear => self.subchannel.clear(),
        };
        match code {
            ConditionCode::Cc0 => self.run(self.config.steps),
            ConditionCode::Cc1 | ConditionCode::Cc2 => return Err(Errno::EBUSY.into()),
            ConditionCode::Cc3 => return Err(Errno::ENODEV.into()),
        };
        Ok(())
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        let irb = self.irb;
        self.unread = false;
        self.deliver();
        Ok(irb)
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        if !self.config.capabilities.schib {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.operational().map_err(|_| Errno::ENODEV)?;
        let mut schib = Schib::<Host>::decode(&RawSchib::default());
        schib.pmcw = self.pmcw;
        schib.scsw = *self.subchannel.scsw();
        Ok(schib.encode())
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        let crw = self.reports.pop_front();
        if !self.reports.is_empty() {
            self.signal(Source::Crw);
        }
        Ok(crw)
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        if !self.config.capabilities.reset {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.operational().map_err(|_| Errno::EINVAL)?;
        self.model.clear();
        self.subchannel = Subchannel::new(channel(&self.config));
        self.program = false;
        self.taken.clear();
        self.unread = false;
        Ok(())
    }
}

impl<D: css::Device + Send, S: Storage<Host> + Send> SoftDevice<D, S> {
    /// Whether a request reaches the device at all.
    fn operational(&self) -> Result<(), Errno> {
        match self.state {
            State::Operational => Ok(()),
            State::Gone => Err(Errno::EIO),
        }
    }

    /// The start function.
    fn start_function(&mut self, orb: &[u8; ORB_AREA_SIZE]) -> Result<(), Errno> {
        let mut raw = RawOrb::default();
        for (to, from) in raw.0.iter_mut().zip(orb) {
            *to = *from;
        }
        let mut asked = Orb::<Host>::decode(&raw);
        if asked.transport {
            return Err(Errno::EOPNOTSUPP);
        }
        if raw.reserved() != 0 || raw.cpa_bit0() {
            return Err(Errno::EIO);
        }
        if asked.lpm == 0 {
            asked.lpm = self.pmcw.lpm;
        }
        let available = asked.lpm & self.pmcw.pam;
        if available == 0 {
            self.pmcw.pnom |= asked.lpm & self.pmcw.pim;
            self.pmcw.lpm &= !asked.lpm;
            return Err(match self.pmcw.lpm {
                0 => Errno::ENODEV,
                _ => Errno::EACCES,
            });
        }
        asked.lpm = available;
        self.subchannel.start(&asked).map_err(|why| match why {
            CannotStart::Operand(_) => Errno::EIO,
            CannotStart::Condition(ConditionCode::Cc3) => Errno::ENODEV,
            CannotStart::Condition(_) => Errno::EBUSY,
        })
    }
}
