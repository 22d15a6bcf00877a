// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One start in Hercules' trace, and where its CCWs lie.

use std::collections::HashMap;

use ccw::{CcwFlags, DeviceClass, DeviceStatus, Format, SubchannelStatus};

use super::super::draft::{self, Draft, decoded, flag, format_of, free_place};
use super::super::lines::Piece;
use super::super::shown::{List, ListWord, Shown, put_data};
use crate::input::Input;
use crate::input::Recorded;
use crate::source::Written;

/// Status of a command or program.
#[derive(Clone, Copy)]
pub(super) struct Status {
    pub(super) device: DeviceStatus,
    pub(super) subchannel: SubchannelStatus,
    pub(super) residual: u16,
}

/// A CCW, and the status with which its command ended.
struct Done {
    shown: Shown,
    ended: Option<Status>,
}

/// A start, as far as it is read.
pub(super) struct Program {
    name: String,
    /// Interruption parameter and second word of the ORB.
    orb: Option<(u32, u32)>,
    /// Where the trace shows bytes of it.
    pub(super) orb_shown: Vec<(u64, Written)>,
    cpa: Option<u32>,
    ccws: Vec<Done>,
    sense: Vec<u8>,
    /// The first word of the SCSW if it was shown, status, and CCW address.
    end: Option<(Option<u32>, Status, u32)>,
}

/// First word of an SCSW: format-1 CCWs, prefetching allowed.
const SCSW_FORMAT_1: u32 = 0x0080_0000;
const SCSW_PREFETCH: u32 = 0x0040_0000;

/// The CCW with which IPL begins: read 24 bytes to location 0, chain commands, suppress length.
/// "PoP: Initial Program Loading".
const IPL: [u8; 8] = [0x02, 0, 0, 0, 0x60, 0, 0, 0x18];

impl Program {
    /// A start of which nothing is known.
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            orb: None,
            orb_shown: Vec::new(),
            cpa: None,
            ccws: Vec::new(),
            sense: Vec::new(),
            end: None,
        }
    }

    /// Whether the next CCW belongs to another one.
    pub(super) fn is_over(&self) -> bool {
        let Some(last) = self.ccws.last() else {
            return self.end.is_some();
        };
        let failed = |status: &Status| {
            let checks = !(SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH);
            status.device.contains(DeviceStatus::UNIT_CHECK) || status.subchannel.intersects(checks)
        };
        // In whatever format it is.
        let chains = [Format::Zero, Format::One].iter().any(|format| {
            let chained = CcwFlags::CHAIN_DATA | CcwFlags::CHAIN_COMMAND;
            decoded(&last.shown.raw, *format).flags.intersects(chained)
        });
        let ended = last.ended.as_ref();
        self.end.is_some() || ended.is_some_and(|status| failed(status) || !chains)
    }

    pub(super) fn orb(&mut self, parameter: u32, second: u32, cpa: u32) {
        self.orb = Some((parameter, second));
        self.cpa = Some(cpa);
    }

    pub(super) fn start_at(&mut self, cpa: u32) {
        self.cpa = Some(cpa);
    }

    pub(super) fn ccw(&mut self, shown: Shown) {
        // The first CCW is shown twice, once before anything has happened.
        if self.ccws.len() == 1
            && let Some(first) = self.ccws.first_mut()
            && first.shown.raw == shown.raw
            && first.ended.is_none()
            && first.shown.list.is_empty()
        {
            first.shown.data = shown.data;
            return;
        }
        self.ccws.push(Done { shown, ended: None });
    }

    pub(super) fn list_word(&mut self, word: List, written: Vec<(u64, Written)>, data: Piece) {
        if let Some(last) = self.ccws.last_mut() {
            let word = ListWord {
                word,
                written,
                data,
            };
            last.shown.list.push(word);
        }
    }

    pub(super) fn ended(&mut self, status: Status) {
        if let Some(last) = self.ccws.last_mut() {
            last.ended = Some(status);
        }
    }

    pub(super) fn sense(&mut self, bytes: &[u8]) {
        self.sense = bytes.to_vec();
    }

    pub(super) fn over(&mut self, scsw: Option<u32>, status: Status, cpa: u32) {
        // A later one is of a second TEST SUBCHANNEL.
        self.end.get_or_insert((scsw, status, cpa));
    }

    /// The program as an input.
    pub(super) fn finish(mut self) -> Input {
        let mut draft = Draft {
            name: std::mem::take(&mut self.name),
            ..Draft::default()
        };
        let ipl = self.restore_ipl(&mut draft);
        let format = self.format(&mut draft);
        let start = self.place(&mut draft, format, ipl);
        put_data(
            &mut draft.pieces,
            self.ccws.iter().map(|it| &it.shown),
            format,
        );
        let second = self.second_word(&mut draft, format);
        let parameter = self.orb.map_or(0, |orb| orb.0);
        draft.orb = draft::orb(parameter, second, start);
        draft.orb_shown = std::mem::take(&mut self.orb_shown);
        draft.recorded = self.recorded(&mut draft);
        if self.ccws.is_empty() {
            draft.remark("no CCW of it is in this trace");
        }
        draft.finish()
    }

    /// Whether this is the start of an IPL. What the trace shows of its first CCW is the record that it
    /// has read over itself; the CCW is known all the same.
    fn restore_ipl(&mut self, draft: &mut Draft) -> bool {
        if self.orb.is_some() || self.cpa.is_some() {
            return false;
        }
        match self.ccws.first_mut() {
            Some(first)
                if first.shown.raw[0] == 0
                    && first.shown.data.bytes.starts_with(&first.shown.raw) =>
            {
                first.shown.raw = IPL;
                first.shown.written = None;
                draft.remark(
                    "an IPL: the trace shows its first CCW as the record that it read left it; the CCW \
                     is the one with which every IPL begins",
                );
                true
            }
            _ => false,
        }
    }

    fn format(&self, draft: &mut Draft) -> Format {
        let of = |one: bool| if one { Format::One } else { Format::Zero };
        if let Some((_, second)) = self.orb {
            return of(second & flag::FORMAT_1 != 0);
        }
        draft.remark("the ORB is not in this trace: key 0 and every path are taken for granted");
        if let Some((scsw, ..)) = self.end {
            return of(scsw.is_some_and(|scsw| scsw & SCSW_FORMAT_1 != 0));
        }
        let raw: Vec<[u8; 8]> = self.ccws.iter().map(|it| it.shown.raw).collect();
        let format = format_of(&raw);
        let digit = if format == Format::One { 1 } else { 0 };
        draft.remark(format!(
            "the format of the CCWs is not in this trace: they look like format {digit}"
        ));
        format
    }

    /// Gives the CCWs their places; the answer is where the first one lies.
    fn place(&self, draft: &mut Draft, format: Format, ipl: bool) -> u32 {
        let last = self.end.and_then(|(.., cpa)| cpa.checked_sub(8));
        let steps = self.steps(format, ipl);
        let ahead = steps.last().copied();
        let start = match (self.cpa, ipl) {
            (Some(cpa), _) => cpa,
            (None, true) => 0,
            (None, false) => {
                let raw: Vec<[u8; 8]> = self.ccws.iter().map(|it| it.shown.raw).collect();
                let counted = last.zip(ahead).and_then(|(last, n)| last.checked_sub(n));
                counted.filter(|at| at % 8 == 0).unwrap_or_else(|| {
                    let at = free_place(&raw, format, &draft.pieces);
                    draft.remark(format!(
                        "where the CCWs lie is not in this trace: they are shown from {at:x} on"
                    ));
                    at
                })
            }
        };
        let hidden = self.is_hidden_chain(format);
        let behind = self.ccws.len().saturating_sub(1);
        for (n, (done, step)) in self.ccws.iter().zip(&steps).enumerate() {
            let at = u64::from(start) + u64::from(*step);
            let named = last
                .map(u64::from)
                .filter(|_| n > 0 && n == behind && !hidden);
            let Some(named) = named.filter(|named| *named != at) else {
                done.shown.put(&mut draft.pieces, at);
                continue;
            };
            done.shown.put(&mut draft.pieces, named);
            draft.remark(format!(
                "the status names the CCW at {named:08x}: how the channel comes there from the CCWs before \
                 it is not in this trace"
            ));
        }
        self.infer_tics(draft, start, &steps, format);
        if hidden {
            draft.remark(
                "the CCWs that go on with data of the last command shown are not in this trace",
            );
        }
        start
    }

    /// Whether the trace ends within a chain of data.
    fn is_hidden_chain(&self, format: Format) -> bool {
        let last = self.ccws.last();
        last.is_some_and(|it| {
            decoded(&it.shown.raw, format)
                .flags
                .contains(CcwFlags::CHAIN_DATA)
        })
    }

    /// How far behind the first CCW each one lies: the next doubleword, or the one after it behind status
    /// modifier, unless the trace goes back to a CCW that was there before, by a TIC.
    fn steps(&self, format: Format, ipl: bool) -> Vec<u32> {
        let loaded = if ipl {
            self.loaded(format)
        } else {
            HashMap::new()
        };
        let mut steps: Vec<u32> = Vec::new();
        let mut at = 0u32;
        for (n, done) in self.ccws.iter().enumerate() {
            if let Some(before) = n.checked_sub(1).and_then(|n| self.ccws.get(n)) {
                let ended = before.ended.map_or(DeviceStatus::empty(), |it| it.device);
                let command = decoded(&before.shown.raw, format).command;
                let skips = ended.contains(DeviceStatus::STATUS_MODIFIER);
                let searches = DeviceClass::Unknown.may_skip(command) && !skips;
                let places = steps.iter().zip(&self.ccws).rev().take(MOST_BACK);
                let back = places
                    .filter(|(_, it)| searches && it.shown.raw == done.shown.raw)
                    .map(|(step, _)| *step)
                    .next();
                let next = at.saturating_add(if skips { 16 } else { 8 });
                let there = loaded
                    .get(&done.shown.raw)
                    .filter(|there| !there.contains(&next));
                let there = there.and_then(|there| there.first().copied());
                at = back.or(there).unwrap_or(next);
            }
            steps.push(at);
        }
        steps
    }

    /// The doublewords that an IPL is seen to read, which starts at 0, and where: CCWs may be among them.
    fn loaded(&self, format: Format) -> HashMap<[u8; 8], Vec<u32>> {
        let mut loaded: HashMap<[u8; 8], Vec<u32>> = HashMap::new();
        for Done { shown, .. } in &self.ccws {
            let ccw = decoded(&shown.raw, format);
            let words = shown.data.bytes.as_chunks().0;
            for (at, word) in (ccw.addr.get()..).step_by(8).zip(words) {
                loaded.entry(*word).or_default().push(at);
            }
        }
        loaded
    }

    /// Puts TICs where the channel must have met them: behind a search that was repeated, or what goes on
    /// elsewhere.
    fn infer_tics(&self, draft: &mut Draft, start: u32, steps: &[u32], format: Format) {
        for (pair, done) in steps.windows(2).zip(&self.ccws) {
            let (Some(&from), Some(&to)) = (pair.first(), pair.last()) else {
                continue;
            };
            let ended = done.ended.map_or(DeviceStatus::empty(), |it| it.device);
            let skips = ended.contains(DeviceStatus::STATUS_MODIFIER);
            let next = from.saturating_add(if skips { 16 } else { 8 });
            if to == next {
                continue;
            }
            let at = u64::from(start) + u64::from(next);
            let target = start.wrapping_add(to);
            let tic = match format {
                Format::Zero => (0x0800_0000 | target & 0xff_ffff, 0),
                Format::One => (0x0800_0000, target & 0x7fff_ffff),
            };
            let [a, b] = [tic.0, tic.1].map(u32::to_be_bytes);
            draft.pieces.add(at, &[a, b].concat());
            draft.remark(format!(
                "TICs are not in this trace: the one at {at:08x}, to {target:08x}, follows from the order"
            ));
        }
    }

    /// The second word of the ORB.
    fn second_word(&self, draft: &mut Draft, format: Format) -> u32 {
        if let Some((_, second)) = self.orb {
            return second;
        }
        let mut second = flag::ALL_PATHS;
        if format == Format::One {
            second |= flag::FORMAT_1;
        }
        let words = || {
            self.ccws
                .iter()
                .flat_map(|it| it.shown.list.iter().map(|it| it.word))
        };
        if words().any(|word| matches!(word, List::Midaw(_))) {
            second |= flag::MIDAW;
        }
        let indirect = |it: &Done| {
            decoded(&it.shown.raw, format)
                .flags
                .contains(CcwFlags::INDIRECT)
        };
        if words().any(|word| matches!(word, List::Idaw8(_))) {
            second |= flag::IDAW_8;
        } else if self
            .ccws
            .iter()
            .any(|it| it.shown.list.is_empty() && indirect(it))
        {
            draft.remark("the size of IDAWs is not in this trace: 4 bytes are taken for granted");
        }
        match self.end {
            Some((Some(scsw), ..)) if scsw & SCSW_PREFETCH != 0 => second |= flag::PREFETCH,
            Some((Some(_), ..)) => {}
            _ => {
                second |= flag::PREFETCH;
                draft.remark(
                    "whether prefetching is allowed is not in this trace: it is taken to be",
                );
            }
        }
        second
    }

    fn recorded(&self, draft: &mut Draft) -> Option<Recorded> {
        let last = self.ccws.last().and_then(|it| it.ended);
        let (status, cpa) = match self.end {
            Some((_, status, cpa)) => (status, Some(cpa)),
            None => {
                draft.remark(match last {
                    Some(_) => {
                        "the status of the subchannel is not in this trace: the one recorded is that of \
                         the last command"
                    }
                    None => "the status with which it ended is not in this trace",
                });
                (last?, None)
            }
        };
        Some(Recorded {
            device: Some(status.device),
            subchannel: Some(status.subchannel),
            residual: Some(status.residual),
            cpa,
            sense: self.sense.clone(),
        })
    }
}

/// CCWs that are looked back through for the one that a TIC leads to.
const MOST_BACK: usize = 64;
