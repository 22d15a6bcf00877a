// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Carrying out the functions, one command at a time.

use ccw::{
    ActivityControl, CcwFlags, DeviceStatus, FunctionControl, Scsw, Space, StatusControl,
    SubchannelStatus,
};

use super::{Ended, Phase, Progress, Subchannel};
use crate::channel::{
    Channel, Control, Cursor, Ending, Fetched, Next, Path, Reached, allows_chaining,
};
use crate::{Check, Device, Reply, Storage};

/// What came of trying to execute one command.
enum Attempt<S: Space> {
    Check(Check),
    Suspend(Control<S>),
    Done(Done<S>),
}

/// A command that the device has answered.
struct Done<S: Space> {
    control: Control<S>,
    residual: u16,
    reply: Reply,
    ending: Ending,
    check: Option<Check>,
    /// Its CCW has the S flag, which a resume function has cancelled.
    suspend_passed: bool,
}

impl<S: Space> Subchannel<S> {
    /// Steps at most `budget` times. Returns [`Progress::Working`] only if the budget was used up;
    /// intermediate status becomes pending on the way and does not stop the program.
    pub fn run(
        &mut self,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
        budget: u32,
    ) -> Progress {
        for _ in 0..budget {
            match self.step(storage, device) {
                Progress::Working => {}
                progress => return progress,
            }
        }
        Progress::Working
    }

    /// Carries out a pending function, or executes one command with its data chain, or asks the
    /// device for status that is due. In transport mode taking the TCW is a step of its own.
    pub fn step(&mut self, storage: &mut dyn Storage<S>, device: &mut dyn Device) -> Progress {
        if self.scsw.activity.contains(ActivityControl::CLEAR_PENDING) {
            return self.carry_out_clear(device);
        }
        if self.scsw.activity.contains(ActivityControl::HALT_PENDING) {
            return self.carry_out_halt(device);
        }
        let ended = StatusControl::ALERT | StatusControl::PRIMARY | StatusControl::SECONDARY;
        let alone = self.scsw.status == StatusControl::PENDING;
        if self.scsw.status.intersects(ended) || alone {
            return Progress::Pending;
        }
        if self.interrogate {
            return self.carry_out_interrogate(storage, device);
        }
        match self.phase {
            Phase::Idle => self.ask_device(device),
            Phase::Ready(cursor) => self.execute(cursor, storage, device),
            Phase::DeviceEnd(ended) => self.await_device_end(ended, device),
            Phase::Suspended { at } => self.stand(at),
            Phase::Tcw => self.take_tcw(storage, device),
            Phase::Dcw => self.execute_dcw(storage, device),
            Phase::DcwEnd(ended) => self.await_dcw_end(ended, storage, device),
        }
    }

    /// No program runs: the device may owe device end, or want attention.
    fn ask_device(&mut self, device: &mut dyn Device) -> Progress {
        match device.poll() {
            Some(status) => {
                match self.device_end_owed {
                    true => self.post_secondary(status),
                    false => self.post_unsolicited(status),
                }
                self.bring_sense(status, device);
            }
            None if self.device_end_owed => return Progress::Waiting,
            None => return Progress::Idle,
        }
        Progress::Pending
    }

    fn stand(&mut self, at: u32) -> Progress {
        if !self.scsw.activity.contains(ActivityControl::RESUME_PENDING) {
            return Progress::Suspended;
        }
        self.scsw.activity = ActivityControl::START_PENDING;
        // The device sees a new chain.
        if let Some(program) = &mut self.program {
            program.chained = false;
        }
        self.phase = Phase::Ready(Cursor {
            at,
            reached: Reached::First,
        });
        Progress::Working
    }

    fn await_device_end(&mut self, ended: Ended, device: &mut dyn Device) -> Progress {
        let Some(status) = device.poll() else {
            return Progress::Waiting;
        };
        let status = ended.status | status;
        self.proceed(Ended { status, ..ended }, device)
    }

    /// Goes on behind a command with all the status that it has brought.
    fn proceed(&mut self, ended: Ended, device: &mut dyn Device) -> Progress {
        let device_end = ended.status.contains(DeviceStatus::DEVICE_END);
        let goes_on = match ended.next {
            Next::End => false,
            Next::ChainCommand => allows_chaining(ended.status),
            Next::Retry => true,
        };
        if !goes_on {
            self.bring_sense(ended.status, device);
            let none = SubchannelStatus::empty();
            self.post_ending(ended.cpa(), ended.residual, ended.status, none);
            return Progress::Pending;
        }
        self.scsw.cpa = ended.cpa();
        let resume = self.scsw.activity & ActivityControl::RESUME_PENDING;
        self.scsw.activity =
            resume | ActivityControl::SUBCHANNEL_ACTIVE | ActivityControl::DEVICE_ACTIVE;
        self.phase = if !device_end {
            Phase::DeviceEnd(ended)
        } else if ended.next == Next::Retry {
            Phase::Ready(ended.head)
        } else {
            let modified = ended.status.contains(DeviceStatus::STATUS_MODIFIER);
            Phase::Ready(Cursor {
                at: ended.at.wrapping_add(if modified { 16 } else { 8 }),
                reached: Reached::Command,
            })
        };
        Progress::Working
    }

    /// Executes the command at `cursor`.
    fn execute(
        &mut self,
        cursor: Cursor,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Progress {
        if self.scsw.activity.contains(ActivityControl::START_PENDING)
            && let Some(progress) = self.select_device(device)
        {
            return progress;
        }
        match self.attempt(cursor, storage, device) {
            None => {
                self.phase = Phase::Idle;
                Progress::Idle
            }
            Some(Attempt::Check(check)) => {
                self.check = Some(check);
                let status = check.condition.status();
                self.post_ending(check.cpa, 0, DeviceStatus::empty(), status);
                Progress::Pending
            }
            Some(Attempt::Suspend(control)) => {
                self.suspend(control);
                Progress::Suspended
            }
            Some(Attempt::Done(done)) => self.conclude(cursor, done, device),
        }
    }

    /// Before the first command: status that the device presents now belongs to no program.
    pub(super) fn select_device(&mut self, device: &mut dyn Device) -> Option<Progress> {
        let status = match device.poll() {
            None if self.device_end_owed => return Some(Progress::Waiting),
            None => return None,
            Some(status) => status,
        };
        let late_end = self.device_end_owed && status == DeviceStatus::DEVICE_END;
        self.device_end_owed = false;
        if late_end {
            return None;
        }
        let cpa = match self.transport_mode {
            true => self.scsw.cpa,
            false => self.scsw.cpa.wrapping_add(8),
        };
        self.post_ending(cpa, 0, status, SubchannelStatus::empty());
        self.scsw.deferred_cc = 1;
        self.bring_sense(status, device);
        Some(Progress::Pending)
    }

    /// Fetches the command at `cursor` and lets the device execute it. `None` if there is no
    /// program.
    fn attempt(
        &mut self,
        cursor: Cursor,
        storage: &mut dyn Storage<S>,
        device: &mut dyn Device,
    ) -> Option<Attempt<S>> {
        let program = self.program.as_mut()?;
        if !program.chained {
            device.begin();
        }
        let resumed = self.scsw.activity.contains(ActivityControl::RESUME_PENDING);
        let mut channel = Channel {
            storage,
            orb: &program.orb,
            config: &self.config,
            backward_tics: &mut program.backward_tics,
            pci: None,
            trace: self.trace.as_mut(),
        };
        let attempt = match channel.next(cursor, resumed) {
            Err(check) => Attempt::Check(check),
            Ok(Fetched::Suspend(control)) => Attempt::Suspend(control),
            Ok(Fetched::Execute(control)) => match Path::new(&mut channel, control) {
                Err(check) => Attempt::Check(check),
                Ok(mut path) => {
                    let head = control.ccw.command;
                    let reply = device.execute(head, &mut path);
                    let outcome = path.finish();
                    let ending = Ending::of(&program.orb, head, &outcome, reply);
                    Attempt::Done(Done {
                        control: outcome.control,
                        residual: outcome.residual,
                        reply,
                        ending,
                        check: outcome.check,
                        suspend_passed: control.ccw.flags.contains(CcwFlags::SUSPEND),
                    })
                }
            },
        };
        if let Attempt::Done(done) = &attempt
            && done.suspend_passed
        {
            self.scsw.activity.remove(ActivityControl::RESUME_PENDING);
        }
        if let Some(at) = channel.pci {
            self.scsw.subchannel |= SubchannelStatus::PCI;
            self.post_intermediate(at.wrapping_add(8));
        }
        Some(attempt)
    }

    /// Draws the consequences of a command's ending.
    fn conclude(&mut self, head: Cursor, done: Done<S>, device: &mut dyn Device) -> Progress {
        let mut ended = Ended {
            next: done.ending.next,
            head,
            at: done.control.at,
            residual: done.residual,
            status: done.reply.status(),
        };
        self.check = done.check;
        if ended.next == Next::Retry && !self.may_retry() {
            ended.next = Next::End;
        }
        if ended.next == Next::End {
            self.bring_sense(ended.status, device);
            let subchannel = done.ending.subchannel;
            let cpa = done.check.map_or(ended.cpa(), |check| check.cpa);
            self.post_ending(cpa, ended.residual, ended.status, subchannel);
            return Progress::Pending;
        }
        let progress = self.proceed(ended, device);
        if progress == Progress::Working && ended.next == Next::ChainCommand {
            self.accept(done.control.cpa());
        }
        progress
    }

    /// Whether the current command may be tried again.
    fn may_retry(&mut self) -> bool {
        let Some(program) = &mut self.program else {
            return false;
        };
        program.retries = program.retries.saturating_add(1);
        program.retries <= self.config.retries
    }

    /// A command has ended well and the program goes on: if it was the first, that may be worth
    /// an interruption.
    fn accept(&mut self, cpa: u32) {
        let Some(program) = &mut self.program else {
            return;
        };
        program.retries = 0;
        program.chained = true;
        if !std::mem::replace(&mut program.accepted, true) && program.orb.initial_status {
            self.scsw.zero_cc = true;
            self.post_intermediate(cpa);
        }
    }

    fn suspend(&mut self, control: Control<S>) {
        self.scsw.activity = ActivityControl::SUSPENDED;
        self.scsw.residual = control.ccw.count;
        self.scsw.cpa = control.cpa();
        if !self.scsw.orb.suppress_suspended {
            self.post_intermediate(control.cpa());
        }
        self.phase = Phase::Suspended { at: control.at };
    }

    fn carry_out_halt(&mut self, device: &mut dyn Device) -> Progress {
        let signalled = device.halt();
        let phase = self.phase;
        self.forget();
        self.scsw.activity &= ActivityControl::DEVICE_ACTIVE;
        if let Phase::DeviceEnd(ended) = phase {
            let status = ended.status | signalled;
            self.bring_sense(status, device);
            let none = SubchannelStatus::empty();
            self.post_ending(ended.cpa(), ended.residual, status, none);
        } else if let Phase::DcwEnd(ended) = phase {
            // No TSB (model): the control unit has sent nothing.
            let none = SubchannelStatus::empty();
            self.post_ending(self.scsw.cpa, 0, ended.status | signalled, none);
        } else if self.device_end_owed && signalled.contains(DeviceStatus::DEVICE_END) {
            self.post_secondary(signalled);
        } else {
            self.scsw.activity = ActivityControl::empty();
            self.scsw.status = StatusControl::PENDING;
            self.scsw.device = signalled;
            self.scsw.subchannel = SubchannelStatus::empty();
        }
        Progress::Pending
    }

    fn carry_out_clear(&mut self, device: &mut dyn Device) -> Progress {
        device.clear();
        self.device_end_owed = false;
        self.transport_mode = false;
        self.lpum = 0;
        self.scsw = Scsw::IDLE;
        self.scsw.function = FunctionControl::CLEAR;
        self.scsw.status = StatusControl::PENDING;
        Progress::Pending
    }
}
