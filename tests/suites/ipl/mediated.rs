// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program through the guest's subchannel, on a software device behind the interface of vfio-ccw.

use ccw::{GuestAddr, SubsystemId};
use ccw_kit::program::GuestProgram;
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    ConditionCode, Event, GuestRegion, Mediator, MediatorConfig, Metrics, ShadowWindow,
    WindowConfig,
};
use vfio_ccw::{HostMemory, Source};

/// What a program comes to.
pub(crate) struct Mediated {
    pub(crate) scsw: [u8; 12],
    pub(crate) metrics: Metrics,
    ram: HostMemory,
}

impl Mediated {
    /// The `len` bytes of guest storage at `at`.
    pub(crate) fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let at = usize::try_from(at).expect("small");
        self.ram.read(at, &mut bytes).expect("in storage");
        bytes
    }
}

/// Starts `program` on `device`, and waits for its end.
pub(crate) fn run(program: &GuestProgram, device: impl css::Device + Send) -> Mediated {
    let space = SoftSpace::new();
    let config = SoftConfig::default();
    let device = SoftDevice::new(device, space.clone(), config).expect("event descriptors");
    let window = ShadowWindow::new(space, WindowConfig::default()).expect("a window");
    let size = usize::try_from(program.size_of()).expect("small");
    let ram = HostMemory::anonymous(size).expect("memory");
    for (at, page) in program.ram().touched() {
        let at = usize::try_from(at.get()).expect("small");
        ram.write(at, page).expect("in storage");
    }
    let region = GuestRegion::new(GuestAddr::new(0), ram.clone());
    window.add(region).expect("a region");
    let id = SubsystemId::new(0, 0).expect("subchannel set 0");
    let mut config = MediatorConfig::new(id, 0x120);
    config.guest.policy = program.policy_used();
    let mut sch = Mediator::attach(device, window, config).expect("a subchannel");
    let mut events = Vec::new();
    let mut schib = sch.stsch(&mut events);
    schib.0[5] |= 0x80;
    assert_eq!(sch.msch(&schib), Ok(ConditionCode::Cc0));
    let started = sch.ssch(&program.orb(), &mut events);
    assert_eq!(started, Ok(ConditionCode::Cc0));
    for _ in 0..100 {
        if events.iter().any(|it| matches!(it, Event::Interrupt(_))) {
            break;
        }
        sch.device_mut().run(1000);
        sch.ready(Source::Io, &mut events);
    }
    let (code, irb) = sch.tsch(&mut events);
    assert_eq!(code, ConditionCode::Cc0, "it has no end");
    assert_eq!((sch.window().in_flight(), sch.is_quiet()), (0, true));
    let irb = irb.expect("status");
    let mut scsw = [0; 12];
    scsw.copy_from_slice(&irb.0[..12]);
    Mediated {
        scsw,
        metrics: sch.metrics(),
        ram,
    }
}
