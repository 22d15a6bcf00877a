// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that the host executes part by part, and those that stand suspended between two.
//!
//! ```text
//!            the host's program ends where the guest's goes on
//!   Running ---------------------------------------------------> Idle, and the rest waits
//!      ^                                                               |
//!      +---------- the rest is fetched, and started -------------------+  (at once, or when
//!                                                                          the guest resumes it)
//! ```
//!
//! Between two parts nothing of the program is at the host. What is left of it waits as a start does
//! that the host has put off ([`Waiting`]), so everything that can happen to that can happen to this: it
//! is taken back, waits for storage, or ends in a check. It holds no storage and no slot; on a device that
//! keeps state in a chain, the commands are kept that are repeated in front of the next part
//! ([`Earlier`]).

use ccw::{Guest, Host, Irb, StatusControl};
use translator::{Arrival, Cause, Earlier, Rejected};

use super::flight::{Flight, Job, Waiting};
use super::place::{Place, Turn};
use super::subchannel::Posted;
use super::{ConditionCode, Event, Mediator, status};
use crate::CcwDevice;

impl<D: CcwDevice> Mediator<D> {
    /// RESUME SUBCHANNEL.
    ///
    /// A suspended program goes on at its CCW, which is fetched again; whatever is wrong with it then
    /// appears as status, as does a host that does not take the program. A program that is not
    /// suspended yet, and may suspend itself, passes over its next suspension.
    pub fn rsch(&mut self, out: &mut Vec<Event>) -> ConditionCode {
        match self.subchannel.resume_condition() {
            ConditionCode::Cc0 => {}
            code => return code,
        }
        self.subchannel.accept_resume();
        self.metrics.resumes += 1;
        if let Some(waiting) = &mut self.waiting
            && waiting.is_suspended()
        {
            waiting.place.turn = Turn::Ours;
            waiting.put_off = 0;
            self.launch_waiting(out);
        }
        ConditionCode::Cc0
    }

    /// The host's program, `job`, is over with the status `host`, and the guest's goes on.
    pub(super) fn arrived(
        &mut self,
        job: Job,
        arrival: Arrival,
        irb: &Irb<Guest>,
        host: &Irb<Host>,
        out: &mut Vec<Event>,
    ) {
        if !status::is_final(&host.scsw) {
            // The kernel does not take it for the end, and would stay busy.
            self.flight = Flight::Running(job);
            self.lost(out);
            return;
        }
        let place = Place::reached(&job.place.orb, arrival, Turn::Ours);
        let earlier = self.retire_behind(job, host);
        self.rest();
        let place = self.come_to(place, irb, out);
        match earlier {
            Ok(earlier) => {
                self.waiting = Some(Waiting {
                    earlier,
                    ..Waiting::at(place, None)
                });
                self.launch_waiting(out);
            }
            Err(rejected) => {
                let irb = self.refuse(&place, rejected);
                self.post(&irb, out);
            }
        }
    }

    /// The host has stopped using a part, of which something may have to be repeated in front of
    /// the next one.
    fn retire_behind(&mut self, mut job: Job, host: &Irb<Host>) -> Result<Earlier, Rejected> {
        self.settle(&mut job, None);
        let Job {
            program, mut lease, ..
        } = job;
        lease.stop();
        let (earlier, buffers) = program.go_on(host)?;
        self.keep(buffers);
        Ok(earlier)
    }

    /// Control has come to `place`, where `irb` is what the guest sees: the place, and whose turn it
    /// is there.
    pub(super) fn come_to(
        &mut self,
        mut place: Place,
        irb: &Irb<Guest>,
        out: &mut Vec<Event>,
    ) -> Place {
        let suspends = place.cause() == Some(Cause::Suspend);
        let passes = suspends && self.subchannel.passes_over();
        log::debug!(
            target: "vfio_ccw::mediator::start",
            "{}: comes to {:x?}, passing {passes}", self.name(), place.arrival
        );
        place.turn = match (suspends, passes) {
            (true, false) => Turn::Guest,
            (_, true) => Turn::Passing,
            (false, _) => Turn::Ours,
        };
        if place.turn == Turn::Guest {
            self.metrics.suspensions += 1;
            if self.subchannel.suspend(&irb.scsw) == Posted::Pending {
                self.interrupt(out);
            }
        } else {
            self.metrics.parts += 1;
            self.subchannel.stands_at(place.cpa());
            // What a machine would have told by now.
            let mut told = *irb;
            told.scsw.activity = self.subchannel.scsw().activity;
            let due = told.scsw.zero_cc || !told.scsw.subchannel.is_empty();
            if due {
                told.scsw.status = StatusControl::INTERMEDIATE | StatusControl::PENDING;
                self.post(&told, out);
            }
        }
        place
    }
}
