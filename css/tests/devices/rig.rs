// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel with a device model behind it.

use ccw::{Guest, GuestAddr, Orb, RawOrb};
use css::{Config, Device, Progress, Ram, Subchannel};

pub(crate) struct Rig<D> {
    pub(crate) storage: Ram<Guest>,
    pub(crate) device: D,
}

/// How a program ended: device and subchannel status, residual count, sense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) status: [u8; 2],
    pub(crate) residual: u16,
    pub(crate) sense: Vec<u8>,
}

impl<D: Device> Rig<D> {
    pub(crate) fn new(device: D) -> Self {
        Self {
            storage: Ram::new(0x10_0000),
            device,
        }
    }

    pub(crate) fn put(&mut self, addr: u64, bytes: &[u8]) {
        assert!(self.storage.write(GuestAddr::new(addr), bytes));
    }

    pub(crate) fn get(&self, addr: u64, len: usize) -> Vec<u8> {
        self.storage.read(GuestAddr::new(addr), len)
    }

    /// Runs format-1 CCWs.
    pub(crate) fn run(&mut self, ccws: &[u64]) -> End {
        for (at, ccw) in (0x1000..).step_by(8).zip(ccws) {
            self.put(at, &ccw.to_be_bytes());
        }
        let orb = Orb::decode(&RawOrb::from_words([0, 0x00c2_8000, 0x1000]));
        let mut subchannel = Subchannel::<Guest>::new(Config::default());
        subchannel.start(&orb).expect("condition code 0");
        let progress = subchannel.run(&mut self.storage, &mut self.device, 1000);
        assert_eq!(progress, Progress::Pending);
        let scsw = subchannel.scsw();
        End {
            status: [scsw.device.bits(), scsw.subchannel.bits()],
            residual: scsw.residual,
            sense: subchannel.sense().to_vec(),
        }
    }

    /// Runs format-1 CCWs that end well.
    pub(crate) fn good(&mut self, ccws: &[u64]) -> u16 {
        let end = self.run(ccws);
        assert_eq!((end.status, end.sense), ([0x0c, 0], vec![]));
        end.residual
    }
}
