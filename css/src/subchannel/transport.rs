// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Carrying out a transport-mode start function, one DCW at a time, and the interrogate function.
//! "PoP: Transport-Mode Operations", "Interrogate Function".

use ccw::{
    ActivityControl, Addr31, Command, DeviceStatus, ExtendedStatus, FcxStatus, Interrogate,
    RawInterrogate, ServiceAction, Space, StatusControl, SubchannelStatus, TransportScsw, Tsa, Tsb,
    TsbFlags,
};

use super::{EndedDcw, Phase, Progress, Subchannel};
use crate::channel::allows_chaining;
use crate::device::{DONE, Sense, TransportMode};
use crate::transport::{DcwEnd, DcwPath, Ended, Keyed, Program, Refusal, block, block_fault};
use crate::{Check, Condition, Device, Reply, Storage};

/// Bits of an interrogate-TCW address that must be zero.
const INTERROGATE_RESERVED: u32 = 0x8000_003f;

impl<S: Space> Subchannel<S> {
    /// Takes the TCW with its commands. The device hears of them only if nothing is wrong so far.
    pub(super) fn take_tcw(
        &mut self,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Progress {
        if let Some(progress) = self.select_device(device) {
            return progress;
        }
        let Some(program) = &self.program else {
            self.phase = Phase::Idle;
            return Progress::Idle;
        };
        let at = program.orb.cpa;
        let mode = device.transport_mode();
        if mode == TransportMode::None {
            let status = SubchannelStatus::PROGRAM_CHECK;
            self.post_ending(at.get(), 0, DeviceStatus::empty(), status);
            self.change(|scsw| scsw.extended_status = ExtendedStatus::DEVICE_UNSUPPORTED);
            return Progress::Pending;
        }
        let both_ways = mode == TransportMode::BothWays;
        let mut storage = self.keyed(storage);
        match Program::fetch(&mut storage, at, both_ways, None) {
            Err(condition) => self.end_checked(condition, DeviceStatus::empty()),
            Ok(program) => {
                device.begin();
                self.transport = Some(program);
                self.go_on()
            }
        }
    }

    /// Lets the next DCW take control, and the device execute it.
    pub(super) fn execute_dcw(
        &mut self,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Progress {
        let key = self.scsw.orb.key;
        let Some(program) = &mut self.transport else {
            self.forget();
            return Progress::Idle;
        };
        let command = match program.next() {
            Ok(command) => command,
            Err((offset, refusal)) => {
                let ended = Ended {
                    end: DcwEnd::Refused(refusal),
                    offset,
                    residual: None,
                };
                return self.respond(ended, DONE, storage, device);
            }
        };
        let keyed = Keyed {
            storage: &mut *storage,
            key,
        };
        let mut path = DcwPath::new(keyed, program, &command);
        let reply = device.execute(command.code, &mut path);
        let outcome = path.finish();
        let status = reply.status();
        if let Some(condition) = outcome.check {
            return self.end_checked(condition, status);
        }
        let channel_end = status.contains(DeviceStatus::CHANNEL_END);
        let refused = matches!(reply, Reply::Initial(_)) && !channel_end;
        if outcome.misbehaved || !(refused || channel_end) {
            let subchannel = SubchannelStatus::INTERFACE_CONTROL_CHECK;
            self.post_ending(self.scsw.cpa, 0, status, subchannel);
            return Progress::Pending;
        }
        if refused {
            let ended = Ended {
                end: DcwEnd::Device,
                offset: command.offset,
                residual: Some(outcome.residual),
            };
            return self.respond(ended, status, storage, device);
        }
        let ended = EndedDcw {
            offset: command.offset,
            chain_command: command.chain_command,
            residual: outcome.residual,
            wanted_more: outcome.wanted_more,
            status,
        };
        self.proceed_dcw(ended, storage, device)
    }

    pub(super) fn await_dcw_end(
        &mut self,
        ended: EndedDcw,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Progress {
        let Some(status) = device.poll() else {
            return Progress::Waiting;
        };
        let status = ended.status | status;
        self.proceed_dcw(EndedDcw { status, ..ended }, storage, device)
    }

    /// Goes on behind a DCW with all the status that it has brought. The status of the program comes
    /// with device end, never before (model).
    ///
    /// A DCW whose bytes did not all move, or whose device wanted more, ends the program, and so
    /// does one with status modifier: neither is anything unusual by itself (model).
    fn proceed_dcw(
        &mut self,
        ended: EndedDcw,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Progress {
        if !ended.status.contains(DeviceStatus::DEVICE_END) {
            self.phase = Phase::DcwEnd(ended);
            return Progress::Working;
        }
        let modified = ended.status.contains(DeviceStatus::STATUS_MODIFIER);
        let exact = ended.residual == 0 && !ended.wanted_more;
        let good = allows_chaining(ended.status) && !modified && exact;
        if good && ended.chain_command {
            return self.go_on();
        }
        let program = self.transport.as_ref();
        let short = program.is_some_and(Program::is_short);
        let end = match good && short {
            true => DcwEnd::Refused(Refusal::Counts),
            false => DcwEnd::Device,
        };
        let last = Ended {
            end,
            offset: ended.offset,
            residual: Some(ended.residual),
        };
        self.respond(last, ended.status, storage, device)
    }

    /// The next DCW is to be executed.
    fn go_on(&mut self) -> Progress {
        self.scsw.activity = ActivityControl::SUBCHANNEL_ACTIVE | ActivityControl::DEVICE_ACTIVE;
        self.phase = Phase::Dcw;
        Progress::Working
    }

    /// Ends the start function with what the control unit answers: a TSB. Sense bytes go there and
    /// nowhere else. A TSB that cannot be stored is a check of its own (model).
    fn respond(
        &mut self,
        ended: Ended,
        status: DeviceStatus,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Progress {
        let Some(program) = &self.transport else {
            self.forget();
            return Progress::Idle;
        };
        let sense = match status.contains(DeviceStatus::UNIT_CHECK) {
            true => device.take_sense(),
            false => Sense::new(),
        };
        let tsb = block(&ended, &sense).encode();
        let at = program.tcw.tsb;
        let stored = self.keyed(storage).store(at, &tsb.0);
        let refused = match ended.end {
            DcwEnd::Device => None,
            DcwEnd::Refused(refusal) => Some(refusal.condition()),
        };
        let lost = stored.err().map(|error| block_fault(error.fault));
        self.check = refused.or(lost).map(|condition| self.at_tcw(condition));
        let subchannel = [refused, lost].into_iter().flatten();
        let subchannel = subchannel.map(Condition::status).collect();
        self.post_ending(self.scsw.cpa, 0, status, subchannel);
        if lost.is_none() {
            self.change(|scsw| scsw.fcx_status = FcxStatus::TSB_VALID);
        }
        Progress::Pending
    }

    /// Ends the start function with a check that the channel makes: no TSB.
    fn end_checked(&mut self, condition: Condition, status: DeviceStatus) -> Progress {
        self.check = Some(self.at_tcw(condition));
        self.post_ending(self.scsw.cpa, 0, status, condition.status());
        // That of an interrogation is told by Q alone.
        self.change(|scsw| scsw.fcx_status = FcxStatus::empty());
        Progress::Pending
    }

    /// Whether a transport-mode program runs that has an interrogate TCW.
    pub(super) fn can_interrogate(&self) -> bool {
        let active = ActivityControl::SUBCHANNEL_ACTIVE;
        let program = self.transport.as_ref();
        self.scsw.activity.contains(active)
            && program.is_some_and(|program| program.interrogate != 0)
            && !self.interrogate
    }

    /// Asks the device what the program is at, and tells so by intermediate status. The address in
    /// the status stays that of the program's TCW, and whatever is wrong with the interrogate TCW
    /// ends the program with a check (model).
    pub(super) fn carry_out_interrogate(
        &mut self,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Progress {
        self.interrogate = false;
        let Some(word) = self.transport.as_ref().map(|program| program.interrogate) else {
            self.forget();
            return Progress::Idle;
        };
        match ask(&mut self.keyed(storage), word, device) {
            Err(condition) => {
                let status = device.halt();
                self.end_checked(condition, status)
            }
            Ok(()) => {
                self.scsw.status |= StatusControl::INTERMEDIATE | StatusControl::PENDING;
                self.change(|scsw| {
                    scsw.interrogate_complete = true;
                    scsw.fcx_status = FcxStatus::TSB_VALID;
                });
                Progress::Working
            }
        }
    }

    /// The status of an interrogate function was accepted or discarded.
    pub(super) fn drop_interrogation(&mut self) {
        self.change(|scsw| {
            scsw.interrogate_complete = false;
            scsw.fcx_status = FcxStatus::empty();
        });
    }

    /// Changes what only an SCSW of transport mode has.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut TransportScsw<S>)) {
        let mut scsw = TransportScsw::of(&self.scsw);
        change(&mut scsw);
        self.scsw = scsw.carry();
    }

    fn keyed<'s>(&self, storage: &'s mut dyn Storage<S>) -> Keyed<'s, S> {
        Keyed {
            storage,
            key: self.scsw.orb.key,
        }
    }

    fn at_tcw(&self, condition: Condition) -> Check {
        Check {
            condition,
            cpa: self.scsw.cpa,
        }
    }
}

/// The interrogate function itself: the TCW at `word` must read and have one DCW, with the control
/// data of an interrogation. Another TCW is like one of the wrong direction, another DCW like none
/// (model).
fn ask<S: Space>(
    storage: &mut Keyed<'_, S>,
    word: u32,
    device: &mut dyn Device,
) -> Result<(), Condition> {
    if word & INTERROGATE_RESERVED != 0 {
        return Err(Condition::T20);
    }
    let at = Addr31::truncate(word);
    let mut program = Program::fetch(storage, at, false, Some(ServiceAction::INTERROGATE))?;
    if !program.tcw.read {
        return Err(Condition::T04);
    }
    let command = program.next().map_err(|(_, refusal)| refusal.condition())?;
    let control = command.control.first_chunk().copied();
    let (Command::INTERROGATE, Some(control)) = (command.code, control) else {
        return Err(Condition::T11);
    };
    let asked = Interrogate::decode(&RawInterrogate(control));
    let tsb = Tsb {
        length: 64,
        flags: TsbFlags::empty(),
        dcw_offset: 0,
        residual: 0,
        area: Tsa::Interrogate(device.interrogate(&asked)),
    };
    storage
        .store(program.tcw.tsb, &tsb.encode().0)
        .map_err(|error| block_fault(error.fault))
}
