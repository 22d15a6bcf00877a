// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a VMM does to pass a subchannel through: its event loop, with a software device for a real
//! one and a few lines in the place of the guest.
//!
//! `cargo run -p vfio-ccw --example vmm_loop`
//!
//! For a device of the host's only `SoftDevice` and `SoftSpace` change: `KernelOpener` opens it, and
//! `KernelDevice::space` is its address space.

use std::error::Error;
use std::os::fd::AsRawFd;

use ccw::{DeviceStatus, GuestAddr, Irb, RawIrb, RawOrb, RawSubsystemId, SubsystemId};
use css::device::scripted::{Response, Scripted};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    Completion, ConditionCode, Event, GuestRegion, Instruction, Mediator, MediatorConfig,
    ShadowWindow, Stored, WindowConfig,
};
use vfio_ccw::{HostMemory, Source};
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};
use vmm_sys_util::timerfd::TimerFd;

type Device = SoftDevice<Scripted, SoftSpace>;
type Done<T = ()> = Result<T, Box<dyn Error>>;

/// What epoll calls the timer; the sources have their index.
const TIMER: u64 = 3;
/// Subchannel 0.0.0012, as general register 1 names it.
const SID: RawSubsystemId = RawSubsystemId(0x0001_0012);

struct Vmm {
    subchannel: Mediator<Device>,
    events: Vec<Event>,
    epoll: Epoll,
    timer: TimerFd,
    /// The timer that the descriptor stands for.
    armed: Option<u64>,
    /// An I/O interruption that the guest has not taken.
    interruption: bool,
}

impl Vmm {
    fn new(subchannel: Mediator<Device>) -> Done<Self> {
        let epoll = Epoll::new()?;
        let timer = TimerFd::new()?;
        let watch = |fd, data| {
            let event = EpollEvent::new(EventSet::IN, data);
            epoll.ctl(ControlOperation::Add, fd, event)
        };
        for source in Source::ALL {
            if let Some(fd) = subchannel.event_fd(source) {
                watch(fd.as_raw_fd(), u64::from(source.index()))?;
            }
        }
        watch(timer.as_raw_fd(), TIMER)?;
        Ok(Self {
            subchannel,
            events: Vec::new(),
            epoll,
            timer,
            armed: None,
            interruption: false,
        })
    }

    /// The guest executes an I/O instruction: the exit handler of a vCPU.
    fn guest(&mut self, instruction: &Instruction) -> Done<Completion> {
        let result = self.subchannel.execute(SID, instruction, &mut self.events);
        self.settle()?;
        let name = format!("{instruction:?}");
        let name = name.split([' ', '{']).next().unwrap_or_default();
        match result {
            Ok(completion) => {
                println!("guest: {:<6} {}", name.to_uppercase(), completion.code);
                Ok(completion)
            }
            Err(exception) => Err(exception.into()),
        }
    }

    /// Behind every call: the events, then the timer.
    fn settle(&mut self) -> Done {
        for event in self.events.drain(..) {
            match event {
                Event::Interrupt(code) => {
                    println!("  vmm: I/O interruption, parameter {:x}", code.intparm);
                    self.interruption = true;
                }
                Event::Withdrawn => self.interruption = false,
                Event::ChannelReport => println!("  vmm: machine check, channel report"),
                Event::UnplugRequested => println!("  vmm: the host wants the device back"),
                Event::Gone => println!("  vmm: the device is gone"),
            }
        }
        let timer = self.subchannel.timer();
        if self.armed != timer.map(|timer| timer.id) {
            match timer {
                Some(timer) => self.timer.reset(timer.after, None)?,
                None => self.timer.clear()?,
            }
            self.armed = timer.map(|timer| timer.id);
        }
        Ok(())
    }

    /// One turn of the event loop: waits for a descriptor, but not for long.
    fn turn(&mut self) -> Done {
        let mut ready = [EpollEvent::default(); 4];
        let count = self.epoll.wait(100, &mut ready)?;
        for event in ready.iter().take(count) {
            let source = Source::ALL
                .into_iter()
                .find(|source| u64::from(source.index()) == event.data());
            match (source, self.armed) {
                (Some(source), _) => self.subchannel.ready(source, &mut self.events),
                (None, Some(id)) => {
                    self.timer.wait()?;
                    self.subchannel.expired(id, &mut self.events);
                }
                (None, None) => {}
            }
            self.settle()?;
        }
        Ok(())
    }

    /// The guest waits for an interruption, then tests the subchannel.
    fn wait(&mut self) -> Done {
        while !self.interruption {
            self.turn()?;
        }
        let test = self.guest(&Instruction::Tsch { at: 0x1000 })?;
        let Stored::Irb { bytes, .. } = test.stored else {
            return Err("no status".into());
        };
        let (raw, _) = RawIrb::split_extended(&bytes);
        let scsw = Irb::<ccw::Guest>::decode(&raw).scsw;
        println!(
            "guest: CCW address {:x}, residual count {}, device {:?}, subchannel {:?}",
            scsw.cpa, scsw.residual, scsw.device, scsw.subchannel
        );
        Ok(())
    }

    /// The guest starts the program at `cpa`, which may suspend itself.
    fn start(&mut self, title: &str, cpa: u32) -> Done {
        println!("\n{title}");
        let orb = RawOrb::from_words([cpa, 0x08c2_8000, cpa]);
        let start = self.guest(&Instruction::Ssch { at: 0x1000, orb })?;
        match start.code {
            ConditionCode::Cc0 => Ok(()),
            code => Err(code.to_string().into()),
        }
    }
}

/// The device, its address space, the guest's storage and the guest's subchannel.
fn subchannel(ram: &HostMemory) -> Done<Mediator<Device>> {
    let space = SoftSpace::new();
    let disk = Scripted::new([
        Response::input(&[0xff, 0x39, 0x90, 0xe9, 0x33, 0x90, 0x0c]),
        Response::output(4),
    ]);
    // A few steps of a program with each request, so that an endless one does not end here.
    let config = SoftConfig {
        steps: 16,
        ..SoftConfig::default()
    };
    let device = SoftDevice::new(disk, space.clone(), config)?;
    let window = ShadowWindow::new(space, WindowConfig::default())?;
    window.add(GuestRegion::new(GuestAddr::new(0), ram.clone()))?;
    let id = SubsystemId::new(0, 0x12).ok_or("there is a subchannel set 0")?;
    Ok(Mediator::attach(
        device,
        window,
        MediatorConfig::new(id, 0x0190),
    )?)
}

fn main() -> Done {
    let ram = HostMemory::anonymous(0x10_0000)?;
    for (at, ccws) in [
        // SENSE ID, up to 64 bytes to 3000, incorrect length suppressed.
        (0x2000, &[[0xe4, 0x20, 0, 64, 0, 0, 0x30, 0]][..]),
        // WRITE of 4 bytes, then command 00, which there is none.
        (
            0x2100,
            &[[1, 0x60, 0, 4, 0, 0, 0x30, 0], [0, 0, 0, 1, 0, 0, 0, 0]],
        ),
        // NO-OPERATION, TIC *-8: for ever.
        (
            0x2200,
            &[[3, 0x60, 0, 1, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0x22, 0]],
        ),
        // NO-OPERATION, and another one with the S flag.
        (
            0x2300,
            &[[3, 0x60, 0, 1, 0, 0, 0, 0], [3, 0x22, 0, 1, 0, 0, 0, 0]],
        ),
    ] {
        ram.write(at, ccws.as_flattened())?;
    }
    let mut vmm = Vmm::new(subchannel(&ram)?)?;

    println!("the guest enables the subchannel");
    let stored = vmm.guest(&Instruction::Stsch { at: 0x1000 })?.stored;
    let Stored::Schib(mut schib) = stored else {
        return Err("no subchannel".into());
    };
    schib.0[5] |= 0x80;
    vmm.guest(&Instruction::Msch { at: 0x1000, schib })?;

    vmm.start("SENSE ID", 0x2000)?;
    vmm.wait()?;
    let mut id = [0; 7];
    ram.read(0x3000, &mut id)?;
    println!("guest: the device is {id:02x?}");

    vmm.start("a program whose second CCW is wrong", 0x2100)?;
    vmm.wait()?;

    vmm.start("a program without an end", 0x2200)?;
    vmm.turn()?;
    vmm.guest(&Instruction::Hsch)?;
    vmm.wait()?;

    vmm.start("a program that suspends itself", 0x2300)?;
    vmm.wait()?;
    ram.write(0x2309, &[0x20])?;
    vmm.guest(&Instruction::Rsch)?;
    vmm.wait()?;

    println!("\nthe device wants attention");
    let device = vmm.subchannel.device_mut();
    device.model_mut().present(DeviceStatus::ATTENTION);
    device.run(1);
    vmm.wait()?;

    println!("\nthe host takes the device away");
    vmm.subchannel.device_mut().request();
    vmm.turn()?;
    vmm.subchannel.unplug(&mut vmm.events);
    vmm.settle()?;
    if let Some(report) = vmm.subchannel.stcrw() {
        println!("guest: STCRW  {:08x}", report.0);
    }
    println!("\n{:#?}", vmm.subchannel.metrics());
    Ok(())
}
