// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One condition in one program: all that is to be said of it, by whom, and what repairs it.

use std::ops::RangeInclusive;

use ccw::{DeviceStatus, GuestAddr, RawScsw, Scsw, Space, SubchannelStatus};
use ccw_kit::program::{GuestProgram, hex};
use translator::{Check, Code, Finding, HostProfile, LimitAddr, Outcome, Response, Severity, Sure};

use crate::run::{self, Full, Translated};

/// Where the deciding word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Orb(usize),
    Ccw,
    /// A word of a list: its number, its address.
    List(u16, u64),
    /// A word at this address of the control blocks of transport mode.
    Block(u64),
}

/// A condition that a program is expected to meet.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before the repair is named"]
pub(crate) struct Expected {
    program: GuestProgram,
    code: Code,
    outcome: Outcome,
    severity: Severity,
    status: Option<RawScsw>,
    ccw: Option<u64>,
    place: Place,
    word: Vec<u8>,
    bits: Option<(u8, u8)>,
    data: Option<u64>,
    moved: Option<usize>,
    dcw: Option<u16>,
}

impl Expected {
    fn new(program: GuestProgram, code: Code, outcome: Outcome, severity: Severity) -> Self {
        Self {
            program,
            code,
            outcome,
            severity,
            status: None,
            ccw: None,
            place: Place::Ccw,
            word: Vec::new(),
            bits: None,
            data: None,
            moved: None,
            dcw: None,
        }
    }
}

/// `program` ends with the check of `code`.
pub(crate) fn fault(code: Code, program: GuestProgram) -> Expected {
    assert_ne!(code.check(), Check::OperandException);
    Expected::new(program, code, Outcome::Invalid, Severity::Error)
}

/// START SUBCHANNEL refuses `program` for `code`.
pub(crate) fn refused(code: Code, program: GuestProgram) -> Expected {
    assert_eq!(code.check(), Check::OperandException);
    Expected::new(program, code, Outcome::Invalid, Severity::Error)
}

/// `program` is legal, and `code` is remarked.
pub(crate) fn remark(code: Code, program: GuestProgram) -> Expected {
    Expected::new(program, code, Outcome::Valid, Severity::Warning)
}

/// Whether `program` meets `code` is for the device to say, or for the words that it reads.
pub(crate) fn doubt(code: Code, program: GuestProgram) -> Expected {
    Expected::new(program, code, Outcome::Indeterminate, Severity::Warning)
}

/// The address limit at `at`.
pub(crate) fn limit(at: u64) -> LimitAddr {
    LimitAddr::new(GuestAddr::new(at)).expect("a multiple of 64 KiB")
}

/// `program` is legal; nothing is wrong with it, and it runs to its end.
pub(crate) fn sound(program: GuestProgram) {
    let verdict = program.judge();
    let told = format!("{:?}", verdict.findings());
    assert_eq!(verdict.outcome(), Outcome::Valid, "{told}");
    assert!(verdict.scsw().is_none());
    let wrong = |finding: &&Finding| finding.code.check() != Check::None;
    assert_eq!(verdict.findings().iter().find(wrong), None);
    runs_to_its_end(&program);
}

/// `program` ends with the check of `code` at the CCW at `ccw`: so says the verdict, and so do both
/// ways of running it.
pub(crate) fn meets(code: Code, program: &GuestProgram, ccw: u64) {
    let verdict = program.judge();
    let told = format!("{code}: {:?}", verdict.findings());
    assert_eq!(verdict.outcome(), Outcome::Invalid, "{told}");
    let mut errors = verdict.findings().iter();
    let error = errors.find(|f| f.severity == Severity::Error);
    assert_eq!(error.map(|f| f.code), Some(code), "{told}");
    let status = verdict.scsw().expect("a status");
    assert_eq!(u64::from(status.cpa), ccw + 8, "{told}");
    let (ran, _) = run::direct(program, Full::default());
    assert_eq!(ran.condition, Some(code.id()), "the channel's reading");
    same_status(&ran.irb.scsw, &status.encode());
    match run::translated(program, Full::default()) {
        Translated::Refused(code) => not_carried_out(program, code),
        Translated::Shown { scsw, .. } => same_status(&scsw, &status.encode()),
    }
}

impl Expected {
    /// The status that the guest sees; the two bytes of the count mean nothing after a check.
    pub(crate) fn ends(mut self, scsw: &str) -> Self {
        let status = RawScsw(hex(scsw).try_into().expect("12 bytes"));
        self.status = Some(status);
        let cpa = Scsw::<ccw::Guest>::decode(&status).cpa;
        self.ccw = Some(u64::from(cpa) - 8);
        self
    }

    /// The same in transport mode, where the status names the TCW.
    pub(crate) fn ends_tcw(mut self, scsw: &str) -> Self {
        self.status = Some(RawScsw(hex(scsw).try_into().expect("12 bytes")));
        self
    }

    /// The deciding word is the one at `at` of TCW or TCCB.
    pub(crate) fn block(self, at: u64, word: &str, bits: RangeInclusive<u8>) -> Self {
        self.word(Place::Block(at), word, bits)
    }

    /// The deciding word is DCW `n`, at `at`.
    pub(crate) fn dcw(self, n: u16, at: u64, word: &str, bits: RangeInclusive<u8>) -> Self {
        let mut expected = self.block(at, word, bits);
        expected.dcw = Some(n);
        expected
    }

    /// The CCW at fault, for what does not end a program.
    pub(crate) fn at(mut self, ccw: u64) -> Self {
        self.ccw = Some(ccw);
        self
    }

    fn word(mut self, place: Place, word: &str, bits: RangeInclusive<u8>) -> Self {
        self.place = place;
        self.word = hex(word);
        self.bits = Some((*bits.start(), *bits.end()));
        self
    }

    /// The deciding word is the CCW.
    pub(crate) fn ccw(self, word: &str, bits: RangeInclusive<u8>) -> Self {
        self.word(Place::Ccw, word, bits)
    }

    /// The whole CCW decides.
    pub(crate) fn whole_ccw(mut self, word: &str) -> Self {
        self.word = hex(word);
        self
    }

    /// The deciding word is word `n` of the ORB.
    pub(crate) fn orb(self, n: usize, word: &str, bits: RangeInclusive<u8>) -> Self {
        self.word(Place::Orb(n), word, bits)
    }

    /// The deciding word is list word `k`, at `at`.
    pub(crate) fn list(self, k: u16, at: u64, word: &str, bits: RangeInclusive<u8>) -> Self {
        self.word(Place::List(k, at), word, bits)
    }

    /// The deciding word is list word `k`, which would stand at `at` and cannot be read.
    pub(crate) fn no_list(mut self, k: u16, at: u64) -> Self {
        self.place = Place::List(k, at);
        self
    }

    /// The first byte of data that cannot be used.
    pub(crate) fn data(mut self, at: u64) -> Self {
        self.data = Some(at);
        self
    }

    /// How many bytes of the command move before it is stopped.
    pub(crate) fn after(mut self, bytes: usize) -> Self {
        self.moved = Some(bytes);
        self
    }

    /// Checks everything; the program is legal once the deciding word reads `word`, which differs
    /// only in the deciding bits.
    pub(crate) fn becomes(self, word: &str) {
        let new = hex(word);
        let (first, last) = self.bits.expect("a word that decides");
        assert_eq!(new.len(), self.word.len());
        for (byte, (old, new)) in (0..).step_by(8).zip(self.word.iter().zip(&new)) {
            for bit in (0..8).filter(|bit| (old ^ new) << bit & 0x80 != 0) {
                let bit: u8 = byte + bit;
                assert!((first..=last).contains(&bit), "bit {bit} did not decide");
            }
        }
        let program = self.program.clone();
        let repaired = match self.place {
            Place::Orb(n) => (n..)
                .zip(new.as_chunks().0)
                .fold(program, |program, (n, word)| {
                    program.orb_word(n, u32::from_be_bytes(*word))
                }),
            Place::Ccw => program.put(self.ccw.expect("a CCW"), word),
            Place::List(_, at) | Place::Block(at) => program.put(at, word),
        };
        self.repaired(repaired);
    }

    /// Checks everything; the program is legal with these bytes at `at`.
    pub(crate) fn becomes_with(self, at: u64, bytes: &str) {
        let repaired = self.program.clone().put(at, bytes);
        self.repaired(repaired);
    }

    /// Checks everything; `repaired` is legal.
    pub(crate) fn repaired(self, repaired: GuestProgram) {
        self.found();
        match (self.outcome, self.code.check()) {
            (Outcome::Invalid, Check::ProgramCheck | Check::ProtectionCheck) => self.stops(),
            (Outcome::Invalid, _) => self.is_refused(),
            (Outcome::Valid, _) => runs_to_its_end(&self.program),
            (Outcome::Indeterminate, _) => {}
        }
        let verdict = repaired.judge();
        let left = verdict.findings().iter().find(|f| f.code == self.code);
        assert_eq!(left, None, "after the repair");
        if repaired.policy_used().facilities.transport {
            // What stands at the address is no TCW.
            assert_ne!(verdict.outcome(), Outcome::Indeterminate);
            return;
        }
        sound(repaired);
    }

    /// The verdict names the condition, its place and its status.
    fn found(&self) {
        let verdict = self.program.judge();
        let told = format!("{:?}", verdict.findings());
        assert_eq!(verdict.outcome(), self.outcome, "{told}");
        let findings: Vec<&Finding> = verdict
            .findings()
            .iter()
            .filter(|f| f.code == self.code || f.severity == Severity::Error)
            .collect();
        let [finding] = findings[..] else {
            panic!("expected {} once and no other error: {told}", self.code)
        };
        assert_eq!(finding.code, self.code, "{told}");
        assert_eq!(finding.severity, self.severity, "{told}");
        let site = &finding.site;
        assert_eq!(site.ccw.map(|at| at.get()), self.ccw, "{told}");
        let (list_word, at) = match self.place {
            Place::Orb(_) => (None, None),
            Place::Ccw => (None, self.ccw),
            Place::List(k, at) => (Some(k), Some(at)),
            Place::Block(at) => (None, Some(at)),
        };
        assert_eq!(site.list_word, list_word, "{told}");
        assert_eq!(site.at.map(|at| at.get()), at, "{told}");
        assert_eq!(site.word.as_bytes(), self.word, "{told}");
        assert_eq!(site.bits, self.bits, "{told}");
        assert_eq!(site.data.map(|at| at.get()), self.data, "{told}");
        if verdict.transport().is_some() {
            assert_eq!(site.index, self.dcw, "{told}");
        }
        if let (Some(index), None) = (site.index, verdict.transport()) {
            let step = verdict.steps().nth(usize::from(index)).expect("a step");
            assert_eq!(Some(step.at.get()), self.ccw, "the CCW with the index");
        }
        assert_eq!(verdict.scsw().map(|scsw| scsw.encode()), self.status);
    }

    /// The channel stops where the verdict says, running the guest's program or its translation.
    fn stops(&self) {
        let status = self.status.expect("a status");
        let check = match self.code.check() {
            Check::ProtectionCheck => SubchannelStatus::PROTECTION_CHECK,
            _ => SubchannelStatus::PROGRAM_CHECK,
        };
        assert_eq!(
            SubchannelStatus::from_bits_retain(status.0[9]),
            check,
            "kind of {}",
            self.code
        );
        let (ran, storage) = run::direct(&self.program, Full::default());
        self.is_read_so(ran.condition);
        same_status(&ran.irb.scsw, &status);
        let command = ran.moved.len().saturating_sub(1);
        let moved = ran.moved.last().copied().unwrap_or(0);
        if let Some(expected) = self.moved {
            assert_eq!(moved, expected, "bytes moved under the command");
        }
        match run::translated(&self.program, Full::default()) {
            Translated::Refused(code) => not_carried_out(&self.program, code),
            Translated::Shown {
                scsw,
                moved,
                storage: host,
            } => {
                same_status(&scsw, &status);
                if let Some(host) = host {
                    assert_eq!(moved, ran.moved, "bytes moved");
                    run::same_bytes(&storage, &host);
                }
            }
        }
        if self.code.sure() == Sure::Reached && self.moved.is_some() {
            self.is_not_met_early(command, moved);
        }
    }

    /// The software channel names the same condition.
    fn is_read_so(&self, condition: Option<&'static str>) {
        assert_eq!(condition, Some(self.code.id()), "the channel's reading");
    }

    /// A device that ends just before the byte at fault meets no check.
    fn is_not_met_early(&self, command: usize, moved: usize) {
        let early = Full::ending_early(command, moved);
        let (ran, _) = run::direct(&self.program, early.clone());
        assert_eq!(ran.condition, None, "a device that ends early");
        if let Translated::Shown { scsw, .. } = run::translated(&self.program, early) {
            assert_eq!(scsw.encode(), ran.irb.scsw.encode());
        }
    }

    /// START SUBCHANNEL ends with an operand exception.
    fn is_refused(&self) {
        let rejected = match self.program.judge().plan(&HostProfile::SOFTWARE) {
            Err(rejected) => rejected,
            Ok(_) => panic!("not refused"),
        };
        assert_eq!(rejected.finding.code, self.code);
        assert_eq!(rejected.response(), Response::OperandException);
    }
}

/// The program ends with channel end and device end, translated or not, with the same bytes.
fn runs_to_its_end(program: &GuestProgram) {
    let (ran, storage) = run::direct(program, Full::default());
    assert_eq!(ran.condition, None);
    let good = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
    assert_eq!(ran.irb.scsw.device, good);
    let no_check = SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH;
    assert!(no_check.contains(ran.irb.scsw.subchannel), "{ran:?}");
    match run::translated(program, Full::default()) {
        Translated::Refused(code) => not_carried_out(program, code),
        Translated::Shown {
            scsw,
            moved,
            storage: host,
        } => {
            assert_eq!(scsw.encode(), ran.irb.scsw.encode());
            assert_eq!(moved, ran.moved);
            run::same_bytes(&storage, &host.expect("it ran"));
        }
    }
}

/// Only what the architecture allows and translation leaves out may be refused.
fn not_carried_out(program: &GuestProgram, code: Code) {
    let orb = ccw::Orb::<ccw::Guest>::decode(&program.orb());
    let allowed = match code {
        Code::EnvSuspend => orb.suspend,
        _ => false,
    };
    assert!(allowed, "refused for {code}");
}

/// All bytes but those of the count are equal.
#[track_caller]
pub(crate) fn same_status<S: Space>(scsw: &Scsw<S>, expected: &RawScsw) {
    let told = scsw.encode();
    assert_eq!(told.0[..10], expected.0[..10], "{told:02x?}");
}
