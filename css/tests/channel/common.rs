// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel with 64 KiB of storage and a scripted device.

use ccw::orb::word1;
use ccw::{Guest, GuestAddr, Orb, RawOrb, Scsw};
use css::device::scripted::{Response, Scripted};
use css::storage::StorageKey;
use css::{Config, Progress, Ram, Subchannel};

/// Word 1 of an ORB for format-1 CCWs and 4 KiB IDAWs on path 80.
pub(crate) const F1: u32 = 0x00c2_8000;
/// The same for format-0 CCWs and format-1 IDAWs.
pub(crate) const F0: u32 = 0x0040_8000;
pub(crate) const SUSPEND: u32 = word1::SUSPEND;
pub(crate) const MIDAW: u32 = word1::MIDAW;

pub(crate) struct Bench {
    pub(crate) storage: Ram<Guest>,
    pub(crate) device: Scripted,
    pub(crate) subchannel: Subchannel<Guest>,
    pub(crate) word1: u32,
    pub(crate) cpa: u32,
}

/// The bytes that `hex` spells; blanks count for nothing.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16).expect("hex digit")).expect("small"))
        .collect();
    assert!(digits.len().is_multiple_of(2));
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Three words, as the tables print them.
pub(crate) fn show(scsw: &Scsw<Guest>) -> String {
    let words: Vec<String> = scsw
        .encode()
        .0
        .chunks(4)
        .map(|word| word.iter().map(|byte| format!("{byte:02X}")).collect())
        .collect();
    words.join(" ")
}

impl Bench {
    /// A program at 1000, for an ORB with `word1`, and what the device answers.
    pub(crate) fn new(
        word1: u32,
        program: &str,
        responses: impl IntoIterator<Item = Response>,
    ) -> Self {
        Self {
            storage: Ram::new(0x1_0000),
            device: Scripted::new(responses),
            subchannel: Subchannel::new(Config::default()),
            word1,
            cpa: 0x1000,
        }
        .with(0x1000, program)
    }

    /// With more storage.
    pub(crate) fn sized(mut self, size: u64) -> Self {
        let small = std::mem::replace(&mut self.storage, Ram::new(size));
        for (addr, page) in small.touched() {
            self.storage.write(addr, page);
        }
        self
    }

    /// With other settings.
    pub(crate) fn config(mut self, config: Config) -> Self {
        self.subchannel = Subchannel::new(config);
        self
    }

    /// With storage at `addr`.
    pub(crate) fn with(mut self, addr: u64, hex: &str) -> Self {
        assert!(self.storage.write(GuestAddr::new(addr), &bytes(hex)));
        self
    }

    /// With the storage key of a 4 KiB block.
    pub(crate) fn key(mut self, addr: u64, acc: u8, fetch_protect: bool) -> Self {
        let key = StorageKey { acc, fetch_protect };
        self.storage.set_key(GuestAddr::new(addr), key);
        self
    }

    pub(crate) fn start(&mut self) {
        let raw = RawOrb::from_words([0, self.word1, self.cpa]);
        self.subchannel
            .start(&Orb::decode(&raw))
            .expect("condition code 0");
    }

    pub(crate) fn go(&mut self) -> Progress {
        self.subchannel
            .run(&mut self.storage, &mut self.device, 10_000)
    }

    pub(crate) fn step(&mut self) -> Progress {
        self.subchannel.step(&mut self.storage, &mut self.device)
    }

    /// Starts the program and runs it until its status is pending: the SCSW.
    pub(crate) fn run(&mut self) -> String {
        self.start();
        assert_eq!(self.go(), Progress::Pending);
        self.scsw()
    }

    /// The same, with x for the residual count, which means nothing after a check.
    pub(crate) fn run_to_check(&mut self) -> String {
        let mut scsw = self.run();
        scsw.truncate(scsw.len() - 4);
        scsw + "xxxx"
    }

    pub(crate) fn scsw(&self) -> String {
        show(self.subchannel.scsw())
    }

    /// The id of the condition that ended the program.
    pub(crate) fn condition(&self) -> &'static str {
        match self.subchannel.check() {
            Some(check) => check.condition.id(),
            None => "none",
        }
    }

    pub(crate) fn read(&self, addr: u64, len: usize) -> Vec<u8> {
        self.storage.read(GuestAddr::new(addr), len)
    }

    /// Command codes that the device was sent.
    pub(crate) fn commands(&self) -> Vec<u8> {
        self.device
            .sent()
            .iter()
            .map(|sent| sent.command.0)
            .collect()
    }
}
