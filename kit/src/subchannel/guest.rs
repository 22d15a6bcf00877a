// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a guest does to its subchannel, and what it may see.

use std::sync::Arc;

use ccw::{
    ActivityControl, FunctionControl, RawIrb, RawOrb, RawSchib, Schib, Scsw, StatusControl,
    SubsystemId,
};
use vfio_ccw::mediator::{
    ConditionCode, Event, Mediator, MediatorConfig, NotQuiescent, Paths, Patience, ShadowWindow,
};
use vfio_ccw::{CcwDevice, HostMemory};

use super::dirty::Log;
use super::stream::Stream;
use super::window::ARENA;

/// Where programs are.
pub(super) const PROGRAM: u32 = 0x2000;

/// Programs to begin with: CCWs, and whether they end by themselves.
pub(super) const PROGRAMS: [&[[u8; 8]]; 10] = [
    &[[3, 0x20, 0, 1, 0, 0, 0, 0]],
    &[[2, 0, 0, 4, 0, 0, 0x30, 0]],
    // With PCI, in the second region, then a wrong one.
    &[
        [2, 0x48, 0x10, 0, 0, 1, 0x30, 0],
        [1, 0x60, 0, 8, 0, 0, 0x20, 0],
        [0, 0, 0, 1, 0, 0, 0, 0],
    ],
    // For ever.
    &[[3, 0x60, 0, 1, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0x20, 0]],
    // Data chained over both regions.
    &[
        [2, 0x80, 0x80, 0, 0, 0, 0xc0, 0],
        [0, 0x20, 0x80, 0, 0, 0, 0xf0, 0],
    ],
    // To nowhere.
    &[[2, 0, 0, 4, 0x7f, 0, 0, 0]],
    // Suspends itself at the second one, with PCI.
    &[[3, 0x60, 0, 1, 0, 0, 0, 0], [2, 0x0a, 0, 4, 0, 0, 0x30, 0]],
    // At the first one, for ever.
    &[[3, 0x62, 0, 1, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0x20, 0]],
    // Reads in the CCW behind it, from wherever it was read.
    &[[2, 0x60, 0, 8, 0, 0, 0x20, 8], [3, 0x20, 0, 1, 0, 0, 0, 0]],
    // Reads itself in, and goes on there.
    &[
        [2, 0x68, 0, 8, 0, 0, 0x20, 0],
        [3, 0x62, 0, 1, 0, 0, 0, 0],
        [8, 0, 0, 0, 0, 0, 0x20, 0],
    ],
];

/// Where a subchannel is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) number: u16,
    /// Where its programs are, in the first region.
    pub(super) program: u32,
    /// Whether the window is its own: then what is held there is held for it, and what changes in
    /// storage is its own doing. One of many is not looked at after every operation either.
    pub(super) alone: bool,
}

/// A guest with one subchannel.
pub(super) struct Guest<D> {
    pub(super) sch: Mediator<D>,
    pub(super) memory: [HostMemory; 2],
    pub(super) events: Vec<Event>,
    pub(super) place: Place,
    /// How often it was to be looked at.
    looks: u32,
    /// An interruption that the guest has not taken.
    interruption: bool,
    /// Programs that the device had taken when the last start was accepted.
    started: u64,
    pub(super) gone: bool,
    /// What is said to be dirty, of one that is alone.
    pub(super) dirty: Log,
}

impl<D: CcwDevice> Guest<D> {
    pub(super) fn new(
        device: D,
        window: ShadowWindow,
        memory: [HostMemory; 2],
        config: impl FnOnce(&mut MediatorConfig),
    ) -> Self {
        let place = Place {
            number: 7,
            program: PROGRAM,
            alone: true,
        };
        Self::at(place, device, window, memory, config)
    }

    pub(super) fn at(
        place: Place,
        device: D,
        window: ShadowWindow,
        memory: [HostMemory; 2],
        config: impl FnOnce(&mut MediatorConfig),
    ) -> Self {
        let id = SubsystemId::new(0, place.number).expect("subchannel set 0");
        let mut settings = MediatorConfig::new(id, 0x190);
        settings.patience = Patience {
            retries: 3,
            ..Patience::default()
        };
        // The guest counts on nothing that is not there.
        let can = device.capabilities();
        settings.guest.halt = can.async_command;
        settings.guest.stop = can.async_command || can.reset;
        if !(can.schib && can.crw) {
            settings.guest.paths = Paths::ONE;
        }
        let dirty = Log::default();
        if place.alone {
            settings.dirty = Some(Arc::new(dirty.clone()));
        }
        config(&mut settings);
        let mut guest = Self {
            sch: Mediator::attach(device, window, settings)
                .expect("asks for no more than there is"),
            memory,
            events: Vec::new(),
            place,
            looks: 0,
            interruption: false,
            started: 0,
            gone: false,
            dirty,
        };
        guest.msch(0x80, 1);
        guest.program(PROGRAMS[1]);
        guest
    }

    pub(super) fn program(&mut self, ccws: &[[u8; 8]]) {
        let at = usize::try_from(self.place.program).expect("small");
        let bytes = ccws.as_flattened();
        self.memory[0].write(at, bytes).expect("in storage");
        if self.place.alone {
            let start = self.place.program.into();
            self.dirty.note(start..start + bytes.len() as u64);
        }
    }

    pub(super) fn msch(&mut self, enabled: u8, sense: u8) {
        let mut schib = self.stsch();
        schib.0[5] = (schib.0[5] & 0x7f) | enabled;
        schib.0[27] = sense;
        // What the subchannel says of paths and device is not to be modified.
        let _ = self.sch.msch(&schib);
    }

    /// SSCH, of a program at a guest address that is far from every address of the host's.
    pub(super) fn ssch(&mut self, word1: u32, cpa: u32) -> Option<ConditionCode> {
        let before = self.sch.metrics().started;
        let orb = RawOrb::from_words([0x1234, word1, cpa & 0x1_ffff]);
        let result = self.sch.ssch(&orb, &mut self.events);
        if result == Ok(ConditionCode::Cc0) {
            self.started = before;
        }
        self.look();
        result.ok()
    }

    /// The usual ORB.
    pub(super) fn start(&mut self) -> Option<ConditionCode> {
        self.ssch(0x00c2_8000, self.place.program)
    }

    pub(super) fn hsch(&mut self) {
        self.sch.hsch(&mut self.events);
        self.look();
    }

    pub(super) fn csch(&mut self) {
        self.sch.csch(&mut self.events);
        self.look();
    }

    pub(super) fn rsch(&mut self) -> ConditionCode {
        let code = self.sch.rsch(&mut self.events);
        self.look();
        code
    }

    /// Only what the device was never given is cancelled, and what stands suspended.
    pub(super) fn xsch(&mut self) {
        self.cancel();
    }

    pub(super) fn cancel(&mut self) -> ConditionCode {
        let held = self.sch.window().in_flight();
        let stands = self.scsw().activity.contains(ActivityControl::SUSPENDED);
        let code = self.sch.xsch(&mut self.events);
        if code == ConditionCode::Cc0 {
            let never_given = self.sch.metrics().started == self.started;
            assert!(never_given || stands, "cancelled too late");
            // One that waits for storage holds nothing.
            let held_now = self.sch.window().in_flight();
            assert!(!self.place.alone || held_now == held || held_now == held - 1);
        }
        self.look();
        code
    }

    pub(super) fn tsch(&mut self) -> Option<RawIrb> {
        let (code, irb) = self.sch.tsch(&mut self.events);
        assert_eq!(irb.is_none(), code == ConditionCode::Cc3);
        if let Some(irb) = &irb {
            let pending = irb.0[3] & 1 != 0;
            assert_eq!(pending, code == ConditionCode::Cc0);
            check_scsw(&Scsw::decode(&irb.scsw()));
        }
        self.look();
        irb.filter(|_| code == ConditionCode::Cc0)
    }

    pub(super) fn stsch(&mut self) -> RawSchib {
        let schib = self.sch.stsch(&mut self.events);
        check_scsw(&Schib::decode(&schib).scsw);
        schib
    }

    pub(super) fn scsw(&mut self) -> Scsw<ccw::Guest> {
        Schib::decode(&self.stsch()).scsw
    }

    /// Carries out the events: an interruption is pending exactly if status is.
    pub(super) fn look(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        if !self.place.alone && !self.looks.is_multiple_of(8) {
            return;
        }
        self.look_closely();
    }

    pub(super) fn look_closely(&mut self) {
        for event in self.events.drain(..) {
            match event {
                Event::Interrupt(_) => self.interruption = true,
                Event::Withdrawn => self.interruption = false,
                Event::Gone => self.gone = true,
                Event::ChannelReport | Event::UnplugRequested => {}
            }
        }
        let scsw = self.scsw();
        // Storing can be what finds out that the device is gone.
        for event in self.events.drain(..) {
            match event {
                Event::Withdrawn => self.interruption = false,
                Event::Gone => self.gone = true,
                _ => {}
            }
        }
        let pending = !self.gone && scsw.status.contains(StatusControl::PENDING);
        assert_eq!(self.interruption, pending, "{scsw:?}");
        let window = self.sch.window();
        assert!(!self.place.alone || window.in_flight() <= window.quarantined() + 2);
        if self.place.alone || self.looks.is_multiple_of(64) {
            self.check_snapshot();
        }
    }

    /// Whatever state the subchannel comes into, at rest it can be written down and read.
    fn check_snapshot(&self) {
        match self.sch.snapshot() {
            Ok(snapshot) => {
                let text = serde_json::to_string(&snapshot).expect("text");
                let read = serde_json::from_str(&text);
                assert_eq!(
                    read.map_err(|error| format!("{error}: {text}")),
                    Ok(snapshot)
                );
            }
            Err(NotQuiescent::StartPending | NotQuiescent::GoingOn | NotQuiescent::Gone) => {
                assert!(self.sch.is_quiet());
            }
            Err(_) => assert!(!self.sch.is_quiet()),
        }
    }

    /// A reset, which brings back a device that had not answered any more.
    pub(super) fn reset(&mut self) {
        self.sch.reset(&mut self.events);
        self.look_closely();
        let schib: Schib<ccw::Guest> = Schib::decode(&self.stsch());
        self.gone &= schib.pmcw.device_number.is_none();
    }

    /// The timer, if there is one, has come.
    pub(super) fn time(&mut self) {
        if let Some(timer) = self.sch.timer() {
            self.sch.expired(timer.id, &mut self.events);
            self.look();
        }
    }

    /// Nothing goes on any more: then no function does, unless its status is pending.
    pub(super) fn check_rest(&mut self) {
        assert!(self.sch.is_quiet());
        let window = self.sch.window();
        let lost = self.place.alone && window.in_flight() != window.quarantined();
        assert!(!lost, "pins were lost");
        let scsw = self.scsw();
        let stands = scsw.activity.contains(ActivityControl::SUSPENDED);
        let told =
            stands || scsw.function.is_empty() || scsw.status.contains(StatusControl::PENDING);
        assert!(
            told,
            "a function has ended and the guest was not told: {scsw:?}"
        );
    }
}

/// No address of the host's, and nothing that contradicts itself.
fn check_scsw(scsw: &Scsw<ccw::Guest>) {
    assert!(scsw.cpa < ARENA, "an address of the host's: {scsw:?}");
    let clear = FunctionControl::CLEAR;
    assert!(!scsw.function.contains(clear) || scsw.function == clear);
    let halt = scsw.function.contains(FunctionControl::HALT);
    assert!(halt || !scsw.activity.contains(ActivityControl::HALT_PENDING));
}

/// A choice of ORB words that a guest could make.
pub(super) fn orb(stream: &mut Stream<'_>) -> (u32, u32) {
    match stream.below(8) {
        0 => (0x00c2_8000, PROGRAM),
        1 => (0x00c2_c000, PROGRAM + 8),
        2 => (0x0040_8000, PROGRAM),
        // May suspend itself, with and without an interruption; must not be prefetched.
        3 => (0x08c2_8000, PROGRAM),
        4 => (0x08ca_8000, PROGRAM),
        5 => (0x0882_8000, PROGRAM),
        6 => (0x00a2_8000, PROGRAM),
        _ => (stream.word(), stream.word()),
    }
}
