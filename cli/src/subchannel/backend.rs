// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device below the guest's subchannel: the kernel's, or one in software.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw};
use css::Progress;
use vfio_ccw::device::kernel::KernelDevice;
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace, Unread};
use vfio_ccw::mediator::{ShadowWindow, WindowConfig, WindowError};
use vfio_ccw::{
    AsyncCommand, Capabilities, CcwDevice, DeviceError, DmaSpace, Errno, ORB_AREA_SIZE, Source,
};

use crate::machine::{Attached, Dropped, Exchange, GivenUp, Metered, Recorder};

/// Steps that a device in software does before the clock is looked at.
const STEPS: u32 = 1000;
/// How long a device in software that has nothing to do is left alone.
const PAUSE: Duration = Duration::from_millis(10);
/// Refused requests that are remembered.
const REFUSALS: usize = 16;

type Soft = SoftDevice<Recorder<Attached>, Metered<SoftSpace>>;

/// A device, and which requests it refused.
#[derive(Debug)]
pub(crate) struct Backend {
    kind: Kind,
    refusals: Vec<String>,
}

enum Kind {
    Kernel(KernelDevice),
    Soft(Box<Soft>),
}

impl Backend {
    /// A device of the kernel's, and what it finds at its addresses.
    pub(crate) fn kernel(device: KernelDevice) -> Result<(Self, ShadowWindow), String> {
        let mappings = device.space().mappings();
        let window = window(mappings.map_err(|errno| cannot_map(&WindowError::Map(errno)))?)?;
        Ok((Self::new(Kind::Kernel(device)), window))
    }

    /// `device` behind a software channel, and what it finds at its addresses.
    pub(crate) fn soft(
        device: Attached,
        config: SoftConfig,
    ) -> Result<(Self, ShadowWindow), String> {
        let space = SoftSpace::new();
        let config = SoftConfig {
            steps: STEPS,
            // Who looks at the clock may look at status late.
            unread: Unread::Kept,
            channel: css::Config {
                // A loop ends by the clock, or when it has done enough.
                backward_tics: None,
                ..config.channel
            },
            ..config
        };
        let storage = Metered::new(space.clone());
        let device = SoftDevice::new(Recorder::new(device), storage, config)
            .map_err(|errno| format!("event file descriptors: {errno}"))?;
        Ok((Self::new(Kind::Soft(Box::new(device))), window(space)?))
    }

    fn new(kind: Kind) -> Self {
        let refusals = Vec::new();
        Self { kind, refusals }
    }

    /// Lets a device in software work. The answer is how long it may then be left alone, unless
    /// there is no need to come back; or why what it does is given up.
    pub(crate) fn work(&mut self) -> Result<Option<Duration>, GivenUp> {
        let Kind::Soft(device) = &mut self.kind else {
            return Ok(None);
        };
        let progress = device.run(STEPS);
        if device.storage_mut().is_spent() {
            Err(GivenUp::Fetches)
        } else if device.model().is_full() {
            Err(GivenUp::Bytes)
        } else if progress == Progress::Working {
            Ok(Some(Duration::ZERO))
        } else {
            Ok(Some(PAUSE))
        }
    }

    /// The device in software, if it is one.
    pub(crate) fn attached(&self) -> Option<&Attached> {
        match &self.kind {
            Kind::Soft(device) => Some(device.model().device()),
            Kind::Kernel(_) => None,
        }
    }

    /// What passed between channel and device, if that was listened to.
    pub(crate) fn take_record(&mut self) -> Option<(Vec<Exchange>, Dropped)> {
        match &mut self.kind {
            Kind::Soft(device) => Some(device.model_mut().take_record()),
            Kind::Kernel(_) => None,
        }
    }

    /// Requests that were refused, such as `start: ENOMEM`; those that were only put off are none.
    pub(crate) fn take_refusals(&mut self) -> Vec<String> {
        std::mem::take(&mut self.refusals)
    }

    fn device(&self) -> &dyn CcwDevice {
        match &self.kind {
            Kind::Kernel(device) => device,
            Kind::Soft(device) => &**device,
        }
    }

    fn device_mut(&mut self) -> &mut dyn CcwDevice {
        match &mut self.kind {
            Kind::Kernel(device) => device,
            Kind::Soft(device) => &mut **device,
        }
    }

    fn note<T>(&mut self, what: &str, result: Result<T, DeviceError>) -> Result<T, DeviceError> {
        if let Err(error) = &result
            && *error != Errno::EAGAIN.into()
            && self.refusals.len() < REFUSALS
        {
            self.refusals.push(format!("{what}: {error}"));
        }
        result
    }
}

fn window(space: impl DmaSpace + 'static) -> Result<ShadowWindow, String> {
    ShadowWindow::new(space, WindowConfig::default()).map_err(|error| cannot_map(&error))
}

/// Why storage does not become the device's.
pub(super) fn cannot_map(error: &WindowError) -> String {
    match error {
        WindowError::Map(Errno::ENOMEM | Errno::EPERM) => {
            format!("storage cannot be mapped for the device: {error}; is `ulimit -l` too small?")
        }
        _ => format!("storage cannot be mapped for the device: {error}"),
    }
}

impl CcwDevice for Backend {
    fn capabilities(&self) -> Capabilities {
        self.device().capabilities()
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        self.device().event_fd(source)
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        self.device_mut().acknowledge(source)
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        let result = self.device_mut().start(orb, scsw);
        self.note("start", result)
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        let result = self.device_mut().async_command(command);
        let what = match command {
            AsyncCommand::Halt => "halt",
            AsyncCommand::Clear => "clear",
        };
        self.note(what, result)
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        let result = self.device_mut().read_irb();
        self.note("reading the IRB", result)
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        self.device_mut().read_schib()
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        self.device_mut().read_crw()
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        let result = self.device_mut().reset();
        self.note("reset", result)
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kernel(_) => "Kernel",
            Self::Soft(_) => "Soft",
        })
    }
}
