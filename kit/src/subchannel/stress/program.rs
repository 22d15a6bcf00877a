// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The programs of a stress, and what each may end with.

use ccw::{
    ActivityControl, DeviceStatus, FunctionControl, Guest, Irb, RawIrb, Scsw, StatusControl,
    SubchannelStatus,
};

use super::counts::Kind;
use super::device::{CHECKED, LATE};
use super::random::Random;
use super::storage::{REGIONS, start};

/// Where the list of IDAWs is, behind the program.
const LIST: u32 = 0x800;
const CD: u8 = 0x80;
const CC: u8 = 0x40;
const S: u8 = 0x02;
const SLI: u8 = 0x20;
const PCI: u8 = 0x08;
const IDA: u8 = 0x04;

/// How a program ends, if nothing comes between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Channel end and device end.
    Well,
    /// The same with incorrect length.
    IncorrectLength,
    /// Channel end, then device end.
    Late,
    UnitCheck,
    ProgramCheck,
    Never,
}

/// A channel program, and where the data goes: region and offset.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) ccws: Vec<[u8; 8]>,
    /// Format-2 IDAWs at [`Self::list_at`].
    pub(super) list: Vec<u64>,
    at: u32,
    /// Word 1 of its ORB.
    pub(super) word1: u32,
    /// It suspends itself at its second CCW.
    suspends: bool,
    ending: Ending,
    /// Behind which CCW it ends.
    last: u32,
    /// Storage that it names, and how often that had changed when it was started.
    pub(super) data: Vec<Named>,
    /// All of it was there.
    pub(super) there: bool,
}

/// Storage that a program names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) region: usize,
    pub(super) offset: u64,
    /// It is input.
    pub(super) input: bool,
    pub(super) changes: u64,
}

fn ccw(command: u8, flags: u8, count: u16, addr: u64) -> [u8; 8] {
    let [h, l] = count.to_be_bytes();
    let [a, b, c, d] = u32::try_from(addr).expect("below 2 GiB").to_be_bytes();
    [command, flags, h, l, a, b, c, d]
}

impl Program {
    /// A program of subchannel `number`, at `at`.
    pub(super) fn any(random: &mut Random, number: u16, at: u32) -> Self {
        let page = u64::from(number) * 0x1000;
        let place = |random: &mut Random| {
            let region = random.index(REGIONS);
            (region, page + 16 * random.below(8))
        };
        let (one, other) = (place(random), place(random));
        let addr = |place: (usize, u64)| start(place.0) + place.1;
        let named = |place: (usize, u64), input| Named {
            region: place.0,
            offset: place.1,
            input,
            changes: 0,
        };
        let mut program = Self {
            ccws: Vec::new(),
            list: Vec::new(),
            at,
            word1: 0x00c2_8000,
            suspends: false,
            ending: Ending::Well,
            last: 1,
            data: Vec::new(),
            there: true,
        };
        match random.index(16) {
            0 => program.ccws = vec![ccw(3, SLI, 1, 0)],
            1..=3 => {
                program.ccws = vec![ccw(2, SLI, 16, addr(one))];
                program.data = vec![named(one, true)];
            }
            4 => {
                program.ccws = vec![ccw(1, SLI, 16, addr(one))];
                program.data = vec![named(one, false)];
            }
            // Two commands, in two regions, the first with PCI.
            5 | 6 => {
                program.ccws = vec![
                    ccw(2, CC | SLI | PCI, 16, addr(one)),
                    ccw(2, SLI, 16, addr(other)),
                ];
                program.data = vec![named(one, true), named(other, true)];
                program.last = 2;
            }
            // The same when it must not be prefetched: in two parts.
            14 => {
                program.word1 = 0x0082_8000;
                program.ccws = vec![
                    ccw(2, CC | SLI | PCI, 16, addr(one)),
                    ccw(2, SLI, 16, addr(other)),
                ];
                program.data = vec![named(one, true), named(other, true)];
                program.last = 2;
            }
            // The guest takes the S flag away and resumes it.
            15 => {
                program.word1 = 0x08c2_8000;
                program.suspends = true;
                program.ccws = vec![
                    ccw(2, CC | SLI, 16, addr(one)),
                    ccw(2, SLI | S, 16, addr(other)),
                ];
                program.data = vec![named(one, true), named(other, true)];
                program.last = 2;
            }
            // Data chained over two regions.
            7 => {
                program.ccws = vec![ccw(2, CD, 32, addr(one)), ccw(0, SLI, 16, addr(other))];
                program.data = vec![named(one, true), named(other, true)];
                program.last = 2;
            }
            8 => {
                program.ccws = vec![ccw(2, IDA | SLI, 16, (at + LIST).into())];
                program.list = vec![addr(one)];
                program.data = vec![named(one, true)];
            }
            // The second CCW is wrong.
            9 => {
                program.ccws = vec![ccw(2, CC | SLI, 16, addr(one)), [0; 8]];
                program.data = vec![named(one, true)];
                program.ending = Ending::ProgramCheck;
                program.last = 2;
            }
            10 => {
                program.ccws = vec![ccw(CHECKED, SLI, 1, addr(one))];
                program.data = vec![named(one, false)];
                program.ending = Ending::UnitCheck;
            }
            11 => {
                program.ccws = vec![ccw(LATE, SLI, 1, addr(one))];
                program.data = vec![named(one, false)];
                program.ending = Ending::Late;
            }
            12 => {
                program.ccws = vec![ccw(2, 0, 16, addr(one))];
                program.data = vec![named(one, true)];
                program.ending = Ending::IncorrectLength;
            }
            // Stores for ever.
            _ => {
                program.ccws = vec![ccw(2, CC | SLI, 16, addr(one)), ccw(8, 0, 0, at.into())];
                program.data = vec![named(one, true)];
                program.ending = Ending::Never;
                program.last = 2;
            }
        }
        program
    }

    /// The S flag is taken away.
    pub(super) fn go_on(&mut self) {
        for ccw in &mut self.ccws {
            ccw[1] &= !S;
        }
    }

    pub(super) fn list_at(&self) -> u32 {
        self.at + LIST
    }

    /// What a status says of this program, which was started last, if it may say so. `changed` is
    /// whether storage that it names has changed since.
    pub(super) fn judge(&self, irb: &RawIrb, changed: bool) -> Result<Kind, &'static str> {
        let irb = Irb::<Guest>::decode(irb);
        let scsw = &irb.scsw;
        let device = scsw.device - DeviceStatus::ATTENTION;
        let function = scsw.function;
        if function == FunctionControl::CLEAR {
            let nothing = device.is_empty() && scsw.subchannel.is_empty();
            return nothing
                .then_some(Kind::Cleared)
                .ok_or("a clear with status");
        }
        if function.contains(FunctionControl::HALT) {
            return Ok(Kind::Halted);
        }
        if function.is_empty() {
            // Attention, or the device end of a program whose channel end was tested.
            return if device == DeviceStatus::DEVICE_END {
                Ok(Kind::DeviceEnd)
            } else if device.is_empty() && scsw.device.contains(DeviceStatus::ATTENTION) {
                Ok(Kind::Attention)
            } else if checks(scsw) {
                // Instead of that device end.
                Ok(Kind::DeviceEnd)
            } else {
                Err("unsolicited status of nothing")
            };
        }
        match scsw.deferred_cc {
            0 => {}
            // The device had status of its own to present, which this is.
            1 if !scsw.device.is_empty() && scsw.subchannel.is_empty() => {
                return Ok(Kind::DeferredCc1);
            }
            3 if scsw.device.is_empty() && scsw.cpa == 0 => return Ok(Kind::DeferredCc3),
            _ => return Err("a deferred condition code"),
        }
        let ending = StatusControl::PRIMARY | StatusControl::SECONDARY;
        if !scsw.status.intersects(ending) {
            if scsw.activity.contains(ActivityControl::SUSPENDED) {
                let there = self.suspends && scsw.cpa == self.at + 16;
                return there.then_some(Kind::Suspended).ok_or("suspended");
            }
            let pci = scsw.subchannel.contains(SubchannelStatus::PCI);
            return pci.then_some(Kind::Interruption).ok_or("intermediate");
        }
        if checks(scsw) {
            let address = scsw.cpa == 0 || self.is_own(scsw.cpa);
            let control = scsw
                .subchannel
                .contains(SubchannelStatus::CHANNEL_CONTROL_CHECK);
            return match (address, control) {
                (false, _) => Err("a check somewhere else"),
                (true, true) => Ok(Kind::ChannelControlCheck),
                (true, false) => Ok(Kind::InterfaceControlCheck),
            };
        }
        let subchannel = scsw.subchannel - SubchannelStatus::PCI;
        let at_end = scsw.cpa == self.at + 8 * self.last;
        if subchannel == SubchannelStatus::PROGRAM_CHECK {
            return match (self.ending, at_end) {
                (Ending::ProgramCheck, true) => Ok(Kind::ProgramCheck),
                _ if !self.is_own(scsw.cpa) => Err("a program check somewhere else"),
                _ if self.there && !changed => Err("a program check for storage that was there"),
                _ => Ok(Kind::NoStorage),
            };
        }
        if !at_end {
            return Err("not where the program ends");
        }
        let done = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
        match self.ending {
            Ending::Well if device == done && subchannel.is_empty() => Ok(Kind::Ended),
            Ending::IncorrectLength
                if device == done && subchannel == SubchannelStatus::INCORRECT_LENGTH =>
            {
                Ok(Kind::IncorrectLength)
            }
            Ending::Late if subchannel.is_empty() => match device {
                DeviceStatus::CHANNEL_END => Ok(Kind::ChannelEnd),
                device if device == done => Ok(Kind::Ended),
                _ => Err("a late end of another kind"),
            },
            Ending::UnitCheck if device == done | DeviceStatus::UNIT_CHECK => {
                let sense = irb
                    .concurrent_sense()
                    .is_some_and(|sense| sense.starts_with(&[0x80]));
                sense
                    .then_some(Kind::UnitCheck)
                    .ok_or("a unit check without sense")
            }
            _ => Err("another end than this program has"),
        }
    }

    /// Whether a CCW address of the program's can be `cpa`.
    fn is_own(&self, cpa: u32) -> bool {
        let len = 8 * self.ccws.len() as u32;
        cpa.checked_sub(self.at)
            .is_some_and(|behind| behind % 8 == 0 && behind <= len)
    }
}

fn checks(scsw: &Scsw<Guest>) -> bool {
    let host = SubchannelStatus::CHANNEL_CONTROL_CHECK | SubchannelStatus::INTERFACE_CONTROL_CHECK;
    scsw.subchannel.intersects(host)
}
