// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The verdict: what is wrong with a program, where, and how sure that is.

use alloc::boxed::Box;

use ccw::{
    Ccw, CcwFlags, DeviceStatus, Format, FunctionControl, Guest, GuestAddr, Orb, OrbBits, RawCcw,
    Scsw, StatusControl, SubchannelStatus,
};
use pinning::{Access, Extent, RegionMap};

use crate::{
    Buffers, Check, Code, Finding, Guards, Severity, Site, Snapshot, Sure,
    chain::Op,
    data::{Checker, DataFault, Notable, narrow},
    finding::Word,
    orb, remarks, singles,
    work::{Node, Reach},
};

/// Whether a program is legal, as far as it can be told without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It runs to its end if the device takes part.
    Valid,
    /// It ends with a check, or is refused at once.
    Invalid,
    /// The word that decides is read in by the program itself, or the device decides whether it
    /// is reached.
    Indeterminate,
}

impl Outcome {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// A program with its verdict.
#[derive(Debug)]
#[must_use]
pub struct Program {
    pub(crate) work: Box<Buffers>,
}

/// What validation found out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The first certain error: its code and the node it is placed at.
    pub(crate) error: Option<(Code, u16)>,
    /// A MIDAW list is in use, first at this node.
    pub(crate) midaw: Option<u16>,
    /// An S flag would suspend, first at this node.
    pub(crate) suspend: Option<u16>,
    /// A CCW is used in two ways, first at this node.
    pub(crate) two_ways: Option<u16>,
    /// The program reads into itself, first into this node.
    pub(crate) modified: Option<u16>,
}

impl Verdict {
    /// Nothing is wrong.
    pub(crate) const CLEAN: Self = Self {
        outcome: Outcome::Valid,
        error: None,
        midaw: None,
        suspend: None,
        two_ways: None,
        modified: None,
    };
}

/// Decides whether the program is legal: the rules for its ORB and for its data, on the copy.
///
/// `map` is the guest's storage as far as it exists; `guards` are its keys and limit.
pub fn validate(snapshot: Snapshot, map: &RegionMap, guards: &Guards<'_>) -> Program {
    let mut validator = Validator {
        work: snapshot.work,
        shadowed: false,
    };
    validator.run(map, guards);
    Program {
        work: validator.work,
    }
}

struct Validator {
    work: Box<Buffers>,
    /// An earlier error or doubt decides: what follows is reached only if the device ends early.
    shadowed: bool,
}

impl Validator {
    fn run(&mut self, map: &RegionMap, guards: &Guards<'_>) {
        if let Some(code) = self.work.orb_fault {
            self.work.verdict.outcome = Outcome::Invalid;
            let site = orb_site(&self.work, code);
            self.work.find(code, Severity::Error, site);
            return;
        }
        if self.work.policy.remarks {
            remarks::orb(&mut self.work);
        }
        if self.work.orb.transport {
            // What its TCW says is not looked at.
            self.work.verdict.outcome = Outcome::Indeterminate;
            let site = orb_site(&self.work, Code::EnvTransport);
            self.work.find(Code::EnvTransport, Severity::Warning, site);
            return;
        }
        self.data(map, guards);
        if let Some(n) = self.work.second_tic
            && !self.shadowed
        {
            self.error(Code::SeqTicTic, n, None);
        }
        if self.work.too_long {
            if !self.shadowed {
                self.work.verdict.outcome = Outcome::Indeterminate;
            }
            let last = self.work.nodes.len().saturating_sub(1);
            let site = self
                .work
                .ccw_site(u16::try_from(last).unwrap_or(u16::MAX), None);
            self.work.find(Code::EnvTooLong, Severity::Warning, site);
        }
        if self.work.policy.remarks {
            remarks::program(&mut self.work);
        }
    }

    /// Checks every CCW in the order of the walk, and collects the storage that they use.
    fn data(&mut self, map: &RegionMap, guards: &Guards<'_>) {
        let mut lookup = map.lookup();
        let mut done = 0;
        let Buffers {
            orb,
            control,
            nodes,
            words,
            extents,
            policy,
            ..
        } = &mut *self.work;
        if !policy.remarks && guards.keys.is_none() && !orb.limit_check {
            let taken = singles::take(nodes, words, orb, &mut lookup, *control, extents);
            if taken == nodes.len() {
                return;
            }
            done = narrow(taken as u64);
        }
        let extents = core::mem::take(&mut self.work.extents);
        let Buffers { orb, control, .. } = &*self.work;
        let orb = *orb;
        let mut checker = Checker::new(&orb, guards, lookup, extents, *control);
        loop {
            let each = self.work.policy.remarks || self.work.overlap.any();
            let Buffers { nodes, words, .. } = &mut *self.work;
            let rest = nodes.get_mut(usize::from(done)..).unwrap_or(&mut []);
            let Some(notable) = checker.check(rest, words, each) else {
                break;
            };
            done = done.saturating_add(notable.done);
            self.note(done.saturating_sub(1), &notable, &mut checker);
        }
        self.work.extents = checker.extents;
    }

    /// What node `n` contributes to the verdict.
    #[cold]
    fn note(&mut self, n: u16, notable: &Notable, checker: &mut Checker<'_>) {
        let Some(&node) = self.work.nodes.get(usize::from(n)) else {
            return;
        };
        if node.is_midal() && node.op.transfers() {
            self.work.verdict.midaw.get_or_insert(n);
        }
        if node.suspends() {
            self.work.verdict.suspend.get_or_insert(n);
        }
        if node.reach.contains(Reach::TWO_WAYS) {
            self.work.verdict.two_ways.get_or_insert(n);
        }
        let &Notable {
            fault,
            near_control,
            mark,
            ..
        } = notable;
        let stops = fault.and_then(|fault| self.stop_at(n, fault));
        if fault.is_some() && stops.is_none() {
            mark.restore(&mut checker.extents);
        }
        let ccw_is_read_in = self.work.ccw_is_written(&node);
        if near_control {
            let new = checker.extents.get(mark.extents.saturating_sub(1)..);
            self.read_in(new.unwrap_or(&[]));
        }
        if self.work.policy.remarks {
            remarks::node(&mut self.work, n);
        }
        // Its own list is being read while it runs.
        if ccw_is_read_in || self.work.list_is_written(&node) {
            self.modified(n);
        }
        if let Some(code) = self
            .work
            .nodes
            .get(usize::from(n))
            .and_then(|node| node.fault)
        {
            self.report(code, n, stops);
        }
        self.come_back(n);
    }

    /// The data of node `n` stops at `fault`, unless no byte of it is ever asked for.
    #[cold]
    fn stop_at(&mut self, n: u16, fault: DataFault) -> Option<DataFault> {
        let device = self.work.policy.device;
        let node = self.work.nodes.get_mut(usize::from(n))?;
        let chained = Reach::OUTPUT | Reach::INPUT | Reach::BACKWARD;
        let command = node.reach.contains(Reach::COMMAND) && !node.reach.intersects(chained);
        if command && device.is_immediate(node.ccw().command) {
            // The command ends by itself, so the address does not matter.
            node.op = Op::Skip;
            node.usual = false;
            return None;
        }
        node.good = fault.good;
        node.fault = Some(fault.code);
        node.usual = false;
        Some(fault)
    }

    /// Notes the control words that input into `areas` goes into.
    #[cold]
    fn read_in(&mut self, areas: &[Extent]) {
        for area in areas {
            let start = area.start.get();
            if area.access == Access::DeviceWrites {
                let end = start.saturating_add(u64::from(area.len));
                self.work.write_control(start, end);
            }
        }
    }

    /// Behind the last node of a loop all of it comes again, with what was read in meanwhile.
    fn come_back(&mut self, n: u16) {
        let Some((first, last)) = self.work.looped else {
            return;
        };
        if n != last || !self.work.overlap.any() {
            return;
        }
        let nodes = self.work.nodes.iter().zip(0..=last);
        let hit = nodes
            .skip(usize::from(first))
            .find(|(node, _)| self.work.ccw_is_written(node) || self.work.list_is_written(node));
        if let Some((_, m)) = hit {
            self.modified(m);
        }
    }

    /// A control word of node `n` was read in before it is used; only the first such node counts.
    fn modified(&mut self, n: u16) {
        if self.work.verdict.modified.is_none_or(|first| n < first) {
            self.work.verdict.modified = Some(n);
            self.doubt(n);
        }
    }

    /// The word at node `n` is read in by the program.
    fn doubt(&mut self, n: u16) {
        let certain = self
            .work
            .nodes
            .get(usize::from(n))
            .is_some_and(|n| n.reach.contains(Reach::CERTAIN));
        if certain && !self.shadowed {
            self.work.verdict.outcome = Outcome::Indeterminate;
            self.shadowed = true;
        }
        let site = self.work.ccw_site(n, None);
        self.work.find(Code::EnvOverlap, Severity::Warning, site);
    }

    /// The channel stops at node `n`, if it gets there.
    fn report(&mut self, code: Code, n: u16, data: Option<DataFault>) {
        let Some(node) = self.work.nodes.get(usize::from(n)) else {
            return;
        };
        let reach = node.reach;
        if self.shadowed || !reach.contains(Reach::CERTAIN) {
            let site = site(&self.work, code, n, data);
            self.work.find(code, Severity::Warning, site);
        } else if reach.contains(Reach::SKIPPABLE)
            && node.ccw().command.is_tic(self.work.orb.format)
        {
            // A TIC behind a search: whether it is reached is for the device to say.
            self.work.verdict.outcome = Outcome::Indeterminate;
            self.shadowed = true;
            let site = site(&self.work, code, n, data);
            self.work.find(code, Severity::Warning, site);
        } else {
            self.error(code, n, data);
        }
    }

    fn error(&mut self, code: Code, n: u16, data: Option<DataFault>) {
        self.work.verdict.outcome = Outcome::Invalid;
        self.work.verdict.error = Some((code, n));
        self.shadowed = true;
        let site = site(&self.work, code, n, data);
        self.work.find(code, Severity::Error, site);
    }
}

impl Node {
    /// Whether it has more to say for the verdict than which storage it uses, whatever its data is.
    #[inline]
    pub(crate) fn is_notable(&self) -> bool {
        let rare = CcwFlags::SUSPEND.union(CcwFlags::MODIFIED_INDIRECT);
        self.fault.is_some()
            || self.ccw().flags.intersects(rare)
            || self.reach.contains(Reach::TWO_WAYS)
    }

    /// Whether the channel suspends here. It looks at count and address only when it is resumed.
    fn suspends(&self) -> bool {
        let before_faults = match self.fault {
            Some(
                Code::Cnt0Zero
                | Code::Cnt1ZeroCd
                | Code::Fmt1Bit32
                | Code::IdalAlign
                | Code::MidalAlign,
            ) => true,
            Some(_) if self.op == Op::Fault => false,
            _ => self.op != Op::Tic,
        };
        self.ccw().flags.contains(CcwFlags::SUSPEND) && before_faults
    }
}

fn orb_site(work: &Buffers, code: Code) -> Site {
    let (word, bits) = match code {
        Code::OrbTmRsvd => (1, orb::transport_reserved(&work.raw_orb)),
        _ => orb::place(code),
    };
    let bytes = work.raw_orb.word(usize::from(word)).to_be_bytes();
    Site {
        word: Word::new(&bytes),
        bits: Some(bits),
        ..Site::default()
    }
}

/// Where `code` was met at node `n`.
fn site(work: &Buffers, code: Code, n: u16, data: Option<DataFault>) -> Site {
    let mut site = work.ccw_site(n, ccw_bits(code, work.orb.format));
    if matches!(
        code,
        Code::CcwaAlignCpa | Code::CcwaCpa16m | Code::CcwaCpaUnavail
    ) {
        let orb = orb_site(work, code);
        return Site {
            at: None,
            word: orb.word,
            bits: orb.bits,
            index: None,
            ..site
        };
    }
    let Some(node) = work.nodes.get(usize::from(n)) else {
        return site;
    };
    if node.is_unread() {
        site.word = Word::default();
    }
    let Some(fault) = data else { return site };
    site.data = fault.data;
    let Some(k) = fault.list_word else {
        return site;
    };
    site.list_word = Some(k);
    let list = node.ccw().addr.widen();
    let format = ccw::IdawFormat::of(&work.orb);
    let (size, words) = if node.is_midal() {
        (16, 2)
    } else {
        (format.size(), 1)
    };
    site.at = list.checked_add(u64::from(k) * size);
    site.bits = list_bits(code, size, format.block());
    let from = usize::from(k) * words;
    let mut bytes = [0; 16];
    let mut len = 0;
    for value in work.list(node).iter().skip(from).take(words) {
        let word = if size == 4 {
            value.get(4..).unwrap_or(&[])
        } else {
            value
        };
        for (to, &byte) in bytes.iter_mut().skip(len).zip(word) {
            *to = byte;
        }
        len += word.len();
    }
    site.word = Word::new(bytes.get(..len).unwrap_or(&[]));
    site
}

/// The bits of a CCW that `code` is about.
pub(crate) fn ccw_bits(code: Code, format: Format) -> Option<(u8, u8)> {
    let zero = format == Format::Zero;
    let flag = |n: u8| {
        if zero {
            (32 + n, 32 + n)
        } else {
            (8 + n, 8 + n)
        }
    };
    let count = if zero { (48, 63) } else { (16, 31) };
    let addr = if zero { (8, 31) } else { (33, 63) };
    Some(match code {
        Code::CmdZero | Code::CmdTicModifier | Code::SeqTicTic | Code::TicFirst => (0, 7),
        Code::Tic1Flags => (8, 31),
        Code::Tic1Bit32 | Code::Fmt1Bit32 => (32, 32),
        Code::Cnt0Zero | Code::Cnt1ZeroCd | Code::Cnt1ZeroInCd => count,
        Code::MidaDisabled | Code::EnvMidaw => flag(7),
        Code::MidaConflictIda => (flag(5).0, flag(7).0),
        Code::MidaConflictSkip => (flag(3).0, flag(7).0),
        Code::SuspNotAllowed | Code::SuspInCd | Code::EnvSuspend => flag(6),
        Code::SuspWithCd => (flag(0).0, flag(6).0),
        Code::CdFlags => (flag(1).0, flag(2).0),
        Code::SkipOutput => flag(3),
        Code::F0Byte5 => (40, 47),
        Code::ChainOpen => (flag(0).0, flag(1).0),
        Code::CcwaAlignTic
        | Code::CcwaTicUnavail
        | Code::IdalAlign
        | Code::MidalAlign
        | Code::DataWrap
        | Code::DataRbUnderflow
        | Code::DataUnavail
        | Code::DataProtStore
        | Code::DataProtFetch
        | Code::DataLimit
        | Code::EnvReadonly
        | Code::EnvLoop => addr,
        _ => return None,
    })
}

/// The bits of a list word of `size` bytes that `code` is about; IDAWs govern blocks of `block`
/// bytes.
fn list_bits(code: Code, size: u64, block: u64) -> Option<(u8, u8)> {
    Some(match (code, size) {
        // There is no word to show.
        (Code::IdalWrap | Code::IdalUnavail | Code::IdalProt, _) => return None,
        (Code::MidalUnavail | Code::MidalProt | Code::MidalPage, _) => return None,
        (Code::Idaw1Bit0, _) => (0, 0),
        (Code::IdawAlign | Code::IdawAlignRb, 4) => (21, 31),
        (Code::IdawAlign | Code::IdawAlignRb, _) if block == 2048 => (53, 63),
        (Code::IdawAlign | Code::IdawAlignRb, _) => (52, 63),
        (Code::MidawRsvd, _) => (0, 39),
        (Code::MidawFlagRsvd, _) => (43, 47),
        (Code::MidawDti, _) => (42, 42),
        (Code::MidawSumUnder | Code::MidawNolast, _) => (40, 40),
        (Code::MidawCountZero | Code::MidawCountOver | Code::MidawPage, _) => (48, 63),
        (_, 4) => (1, 31),
        (_, 8) => (0, 63),
        (_, _) => (64, 127),
    })
}

/// One CCW of a program, for a listing.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Its number in the order in which CCWs were read.
    pub index: u16,
    /// Guest address.
    pub at: GuestAddr,
    /// The bytes; none where the channel would look for a CCW and finds no storage.
    pub raw: Option<RawCcw>,
    /// What they say.
    pub ccw: Ccw<Guest>,
    /// Whether it is taken for a TIC.
    pub tic: bool,
    /// Whether it was reached by data chaining, so that its command code has no meaning.
    pub in_data_chain: bool,
    /// Whether it is reached only when a command skips.
    pub possible: bool,
    /// Words of its list as far as they were read, big-endian: IDAWs widened to 8 bytes, or the
    /// two halves of each MIDAW.
    pub list: &'a [[u8; 8]],
}

impl Program {
    /// The verdict.
    pub fn outcome(&self) -> Outcome {
        self.work.verdict.outcome
    }

    /// What was found, in the order of the program; errors first met come first.
    pub fn findings(&self) -> &[Finding] {
        self.work.findings.as_slice()
    }

    /// How many further findings were not kept.
    pub fn findings_dropped(&self) -> u32 {
        self.work.findings.dropped()
    }

    /// The ORB.
    pub fn orb(&self) -> &Orb<Guest> {
        &self.work.orb
    }

    /// The CCWs that were read, in that order.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let format = self.work.orb.format;
        self.work
            .nodes
            .iter()
            .zip(0..)
            .map(move |(node, index)| Step {
                index,
                at: node.guest(),
                raw: (!node.is_unread()).then(|| node.raw(format)),
                ccw: node.ccw(),
                tic: node.ccw().command.is_tic(format),
                in_data_chain: !node.reach.contains(Reach::COMMAND),
                possible: !node.reach.contains(Reach::CERTAIN),
                list: self.work.list(node),
            })
    }

    /// The status that the guest sees in the end, where the program alone decides it: that of
    /// the first error, if START SUBCHANNEL accepts the program.
    pub fn scsw(&self) -> Option<Scsw<Guest>> {
        let (code, n) = self.work.verdict.error?;
        let node = self.work.nodes.get(usize::from(n))?;
        let first = self.starts_at(n);
        Some(check_status(
            &self.work.orb,
            code,
            node,
            !first || code.sure() == Sure::Reached,
        ))
    }

    /// Gives the buffers back.
    pub fn into_buffers(self) -> Box<Buffers> {
        self.work
    }

    /// Whether only TICs come before node `n`.
    pub(crate) fn starts_at(&self, n: u16) -> bool {
        self.work
            .nodes
            .iter()
            .take(usize::from(n))
            .all(|node| node.op == Op::Tic)
    }
}

/// The status of a program that ends with the condition `code` at `node`; `ended` says that a
/// device was at work and has presented its ending status. "PoP: SCSW", CCW address.
pub(crate) fn check_status(orb: &Orb<Guest>, code: Code, node: &Node, ended: bool) -> Scsw<Guest> {
    let during_command =
        matches!(code.sure(), Sure::Reached) || !node.reach.contains(Reach::COMMAND);
    let device = if ended && during_command {
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END
    } else {
        DeviceStatus::empty()
    };
    let mut scsw = Scsw::IDLE;
    scsw.orb = OrbBits::from(orb);
    scsw.function = FunctionControl::START;
    scsw.status = StatusControl::ALERT
        | StatusControl::PRIMARY
        | StatusControl::SECONDARY
        | StatusControl::PENDING;
    scsw.cpa = node.addr.wrapping_add(8);
    scsw.device = device;
    scsw.subchannel = check_bit(code.check());
    scsw
}

/// The subchannel-status bit of a check.
pub(crate) fn check_bit(check: Check) -> SubchannelStatus {
    match check {
        Check::ProtectionCheck => SubchannelStatus::PROTECTION_CHECK,
        _ => SubchannelStatus::PROGRAM_CHECK,
    }
}
