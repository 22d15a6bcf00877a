// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program that waits: for the host, for storage, or as the next part of one that is under way. The guest
//! has its condition code already, so whatever becomes of it appears as status.

use translator::{Cause, Earlier};

use super::errno::{AT_ONCE, Refusal};
use super::flight::{Flight, Ready, Stage, Then, Waiting};
use super::place::Place;
use super::prepare::Prepared;
use super::{Event, Mediator};
use crate::CcwDevice;

impl<D: CcwDevice> Mediator<D> {
    /// A start is to wait for its turn.
    pub(super) fn wait(&mut self, place: Place, ready: Option<Ready>) {
        self.supersede();
        self.waiting = Some(Waiting::at(place, ready));
    }

    /// A start is accepted: of what the host still does the guest has seen the channel end, and would
    /// take more of it for status of this start.
    pub(super) fn supersede(&mut self) {
        match &mut self.flight {
            Flight::Running(job) => job.stage = Stage::Superseded,
            Flight::Clearing {
                then: then @ Then::Status(_),
                ..
            } => *then = Then::Nothing,
            _ => {}
        }
    }

    /// Gives a program that waits to the host, if there is one and the host is free: its guest has
    /// its condition code already.
    pub(super) fn launch_waiting(&mut self, out: &mut Vec<Event>) {
        if !matches!(self.flight, Flight::Idle) || !self.make_ready(out) {
            return;
        }
        let Some(Waiting { place, put_off, .. }) = &self.waiting else {
            return;
        };
        let (place, put_off) = (*place, *put_off);
        let Err(refusal) = self.launch() else {
            self.subchannel.started();
            return;
        };
        if matches!(refusal, Refusal::Again | Refusal::Busy)
            && put_off < self.config.patience.retries
            && let Some(waiting) = &mut self.waiting
        {
            waiting.put_off += 1;
            self.arm(self.config.patience.retry);
            if refusal == Refusal::Busy {
                self.heal(out);
            }
            return;
        }
        self.withdraw();
        if refusal == Refusal::Broken && self.is_device_gone(out) {
            return;
        }
        self.start_failed(&place.refused(refusal), refusal, out);
        if matches!(refusal, Refusal::NotOperational | Refusal::NoPath) {
            self.refresh_paths(out);
        }
    }

    /// Makes the program of a start that waits, if it has none yet. Says whether there is one: it may
    /// have ended, or have to wait on.
    fn make_ready(&mut self, out: &mut Vec<Event>) -> bool {
        let patience = self.config.patience;
        for _ in 0..AT_ONCE {
            let Some(waiting) = &mut self.waiting else {
                return false;
            };
            if waiting.ready.is_some() || waiting.is_suspended() {
                return waiting.ready.is_some();
            }
            let place = waiting.place;
            let earlier = std::mem::replace(&mut waiting.earlier, Earlier::NONE);
            let prepared = self.prepare(&place, earlier);
            match (prepared, &mut self.waiting) {
                (Prepared::Ready(ready), Some(waiting)) => {
                    waiting.ready = Some(ready);
                    return true;
                }
                (Prepared::Withheld(earlier), Some(waiting)) => {
                    waiting.earlier = earlier;
                    break;
                }
                (Prepared::Status(irb), _) => {
                    self.waiting = None;
                    self.post(&irb, out);
                    return false;
                }
                (Prepared::Arrived(place, irb, earlier), Some(_)) => {
                    let place = self.come_to(place, &irb, out);
                    // A program that is resumed begins a new chain.
                    let earlier = match place.cause() {
                        Some(Cause::Refetch) => earlier,
                        _ => {
                            self.discard(earlier);
                            Earlier::NONE
                        }
                    };
                    if let Some(waiting) = &mut self.waiting {
                        (waiting.place, waiting.earlier) = (place, earlier);
                    }
                }
                // The guest has its condition code: what would be another one now, because its program
                // is another one, is the channel's problem.
                (_, _) => {
                    self.break_off(&place, out);
                    return false;
                }
            }
        }
        if let Some(waiting) = &mut self.waiting {
            if waiting.put_off < patience.retries {
                waiting.put_off += 1;
                self.arm(patience.retry);
            } else {
                let place = waiting.place;
                self.break_off(&place, out);
            }
        }
        false
    }

    /// What waits at `place` is not carried on: the host has nothing of it.
    fn break_off(&mut self, place: &Place, out: &mut Vec<Event>) {
        self.withdraw();
        self.post(&place.refused(Refusal::Host), out);
    }

    /// Takes back a program that the host was not given.
    pub(super) fn withdraw(&mut self) {
        let Some(Waiting { ready, earlier, .. }) = self.waiting.take() else {
            return;
        };
        if let Some(ready) = ready {
            self.unmake(ready);
        }
        self.discard(earlier);
    }

    /// Gives back what a program holds that the host was not given.
    pub(super) fn unmake(&mut self, ready: Ready) {
        let Ready { program, lease, .. } = ready;
        self.keep(program.release());
        drop(lease);
    }
}
