// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which storage is said to be dirty, and when: before the guest can know.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use ccw::{DeviceStatus, GuestAddr};
use css::device::scripted::Response;
use translator::{StorageKey, StorageKeys};
use vfio_ccw::Errno;
use vfio_ccw::device::fault::{Call, InterruptFault};
use vfio_ccw::mediator::{DirtySink, GuestRegion};

use crate::common::*;

#[derive(Clone, Default)]
struct Log {
    dirty: Arc<Mutex<Vec<(u64, u64)>>>,
    changed: Arc<Mutex<Vec<(u64, u64)>>>,
}

impl DirtySink for Log {
    fn dirty(&self, range: Range<GuestAddr>) {
        let range = (range.start.get(), range.end.get());
        self.dirty.lock().unwrap().push(range);
    }
}

impl StorageKeys for Log {
    fn key(&self, _at: GuestAddr) -> StorageKey {
        StorageKey::default()
    }
    fn changed(&self, range: Range<GuestAddr>) {
        let range = (range.start.get(), range.end.get());
        self.changed.lock().unwrap().push(range);
    }
}

impl Log {
    /// What is dirty, of which the change bits are set too.
    #[track_caller]
    fn take(&self) -> Vec<(u64, u64)> {
        let [dirty, changed] =
            [&self.dirty, &self.changed].map(|log| std::mem::take(&mut *log.lock().unwrap()));
        assert_eq!(dirty, changed);
        dirty
    }
}

fn told(mut setup: Setup) -> (Machine, Log) {
    let log = Log::default();
    setup.dirty = Some(Arc::new(log.clone()));
    setup.keys = Some(Arc::new(log.clone()));
    (setup.machine(), log)
}

/// READ of 16 bytes with SLI.
const LONG: [u8; 8] = [2, 0x20, 0, 16, 0, 0, 0x30, 0];
/// WRITE that chains.
const WRITE: [u8; 8] = [1, 0x60, 0, 16, 0, 0, 0x50, 0];
/// What [`ENDLESS`] and a READ behind it may store.
const ALL: [(u64, u64); 1] = [(0x3000, 0x3010)];

#[test]
fn what_was_stored_and_no_more() {
    let (mut machine, log) = told(Setup::default());
    machine.program(&[LONG]);
    machine.ssch();
    assert_eq!(log.take(), [], "nothing has ended");
    machine.io();
    assert_eq!(log.take(), [(0x3000, 0x3004)]);
    machine.tsch();
    machine.program(&[WRITE, READ]);
    machine.ssch();
    machine.io();
    assert_eq!(log.take(), [(0x3000, 0x3004)]);
    // Later status of the device is not about the program.
    machine.attention();
    machine.io();
    assert_eq!(log.take(), []);
}

/// The guest has all of its memory at a second address.
#[test]
fn wherever_the_guest_has_it() {
    let (mut machine, log) = told(Setup::default());
    let alias = GuestRegion::new(GuestAddr::new(0x4000_0000), machine.ram.clone());
    machine.sch.window().add(alias).unwrap();
    machine.program(&[LONG]);
    machine.ssch();
    machine.io();
    assert_eq!(log.take(), [(0x3000, 0x3004), (0x4000_3000, 0x4000_3004)]);
    // And by that address.
    let there = [2, 0x20, 0, 16, 0x40, 0, 0x40, 0];
    machine.tsch();
    machine.program(&[there]);
    machine.ssch();
    machine.csch();
    machine.io();
    assert_eq!(log.take(), [(0x4000, 0x4010), (0x4000_4000, 0x4000_4010)]);
}

#[test]
fn channel_end_tells_and_device_end_has_nothing_to_add() {
    let late = read()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let (mut machine, log) = told(Setup::responding([late]).stepped());
    machine.ssch();
    machine.run(1);
    assert_eq!(log.take(), [(0x3000, 0x3004)]);
    assert_eq!(machine.held(), (1, 0));
    machine.run(8);
    assert_eq!(machine.held(), (0, 0));
    assert_eq!(log.take(), []);
}

#[test]
fn a_program_that_never_runs_stores_nothing() {
    let (mut machine, log) = told(Setup::default());
    machine.program(&[[0; 8]]);
    machine.ssch();
    machine.tsch();
    machine.program(&[READ]);
    machine.refuse(Call::Start, 1, Errno::EINVAL);
    machine.ssch();
    machine.tsch();
    machine.refuse(Call::Start, 8, Errno::EAGAIN);
    machine.ssch();
    assert_eq!(machine.xsch(), Cc0);
    assert_eq!(log.take(), []);
}

/// NOP that chains, READ of 16 bytes, TIC back: for ever.
fn endless_read() -> (Machine, Log) {
    let (mut machine, log) = told(Setup::responding([]).stepped());
    let read = [2, 0x60, 0, 16, 0, 0, 0x30, 0];
    machine.program(&[ENDLESS[0], read, ENDLESS[1]]);
    machine.ssch();
    machine.run(5);
    assert_eq!(log.take(), []);
    (machine, log)
}

#[test]
fn of_what_was_stopped_everything_counts() {
    let (mut machine, log) = endless_read();
    machine.hsch();
    machine.run(1);
    assert_eq!(log.take(), ALL);

    let (mut machine, log) = endless_read();
    machine.csch();
    machine.run(1);
    assert_eq!(log.take(), ALL);

    let (mut machine, log) = endless_read();
    machine.sch.reset(&mut machine.events);
    assert_eq!(log.take(), ALL);

    let (mut machine, log) = endless_read();
    machine.sch.stop(&mut machine.events);
    machine.run(1);
    assert_eq!(log.take(), ALL);

    let (mut machine, log) = endless_read();
    machine.refuse(Call::Reset, 1, Errno::EINVAL);
    machine.sch.unplug(&mut machine.events);
    assert_eq!((machine.held(), log.take()), ((1, 1), ALL.to_vec()));
}

/// The device is gone, may store on, and stops when a reset is acknowledged.
#[test]
fn what_was_in_quarantine_counts_once_more() {
    let (mut machine, log) = endless_read();
    machine.refuse(Call::Reset, 1, Errno::EINVAL);
    machine.sch.reset(&mut machine.events);
    assert_eq!((machine.held(), log.take()), ((1, 1), ALL.to_vec()));
    machine.sch.reset(&mut machine.events);
    assert_eq!((machine.held(), log.take()), ((0, 0), ALL.to_vec()));
    machine.sch.reset(&mut machine.events);
    assert_eq!(log.take(), []);
}

/// The guest gets a channel-control check, which says nothing of the data.
#[test]
fn of_a_status_that_is_lost_everything_counts() {
    let (mut machine, log) = told(Setup::default());
    machine.program(&[LONG]);
    machine.disturb(InterruptFault::Overwritten);
    machine.ssch();
    machine.io();
    machine.time(SETTLE);
    assert_eq!(log.take(), []);
    machine.io();
    assert_eq!(log.take(), ALL);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
}

/// It ended by itself, and its status came before the halt's.
#[test]
fn a_program_that_ends_while_it_is_halted_counts_by_its_status() {
    let (mut machine, log) = told(Setup::responding([Response::input(&[1, 2])]).stepped());
    machine.program(&[LONG]);
    machine.ssch();
    machine.device().with(|soft| soft.run(8));
    machine.refuse(Call::Halt, 8, Errno::EAGAIN);
    assert_eq!(machine.hsch(), Cc0);
    machine.io();
    assert_eq!(log.take(), [(0x3000, 0x3002)]);
}

/// Primary status of a subchannel that says it is active still, as one emulator's does: no more than
/// the status tells, and when it has stopped everything.
#[test]
fn an_ending_that_is_none_counts_again() {
    let (mut machine, log) = told(Setup::default().stepped());
    machine.program(&[LONG]);
    machine.ssch();
    // In the host's terms, at the first slot's first CCW, 14 bytes left.
    let active = irb([0x00c0_4085, 0x4000_1008, 0x0800_000e]);
    machine.disturb(InterruptFault::Replaced(active));
    machine.run(8);
    assert_eq!(log.take(), [(0x3000, 0x3002)]);
    assert_eq!(machine.csch(), Cc0);
    machine.run(8);
    assert_eq!(log.take(), ALL);
}
