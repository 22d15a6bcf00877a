// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The TCW and its TCCB: fetched once, and judged before the device hears of them. "PoP: TCW",
//! "TCCB".

use arrayvec::ArrayVec;
use ccw::{
    Addr, Addr31, Dcw, Dcws, Direction, RawTccb, RawTcw, ServiceAction, Space, TCA_MAX, TCCB_MAX,
    TCCB_MIN, Tcah, Tccb, Tcw, TcwFlags,
};

use super::area::{Area, Purpose};
use super::{Keyed, Refusal, block_fault};
use crate::Condition;

/// A transport-mode program as far as it has run.
#[derive(Clone, Debug)]
pub(crate) struct Program<S: Space> {
    pub(crate) tcw: Tcw<S>,
    /// The word of the interrogate-TCW address.
    pub(crate) interrogate: u32,
    /// The transport-command area.
    tca: ArrayVec<u8, TCA_MAX>,
    /// Offset there of the DCW that is next.
    next: usize,
    pub(super) input: Area,
    pub(super) output: Area,
}

/// The DCW that takes control, and its control data.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) code: ccw::Command,
    pub(crate) chain_command: bool,
    pub(crate) data_count: u32,
    pub(crate) control: ArrayVec<u8, TCA_MAX>,
    /// Offset in the transport-command area.
    pub(crate) offset: u16,
}

impl<S: Space> Program<S> {
    /// The program at `at`, whose TCCB asks for `action` (any if `None`). What is checked, in this
    /// order (model): the TCW, its TCCB's storage, header, trailer.
    pub(crate) fn fetch(
        storage: &mut Keyed<'_, S>,
        at: Addr31<S>,
        both_ways: bool,
        action: Option<ServiceAction>,
    ) -> Result<Self, Condition> {
        let mut raw = RawTcw::default();
        storage
            .fetch(at.widen(), &mut raw.0)
            .map_err(|error| block_fault(error.fault))?;
        let tcw = judge(&raw, both_ways)?;
        let tida = |flag| tcw.flags.contains(flag);
        let size = tcw.tccb_size();
        let mut bytes = [0; TCCB_MAX];
        let bytes = bytes.get_mut(..size).unwrap_or_default();
        let count = u32::try_from(size).unwrap_or_default();
        let mut block = Area::new(
            Purpose::Commands,
            tcw.tccb,
            tida(TcwFlags::TCCB_TIDA),
            count,
        );
        block.fetch(storage, bytes).1?;
        let tccb = Tccb::decode(RawTccb(bytes), tcw.is_bidirectional());
        judge_block(&tccb, &tcw, action)?;
        let area = |purpose, addr: Addr<S>, flag, on, count| {
            Area::new(purpose, addr, tida(flag), if on { count } else { 0 })
        };
        Ok(Self {
            tca: tccb.tca.iter().copied().take(TCA_MAX).collect(),
            interrogate: raw.interrogate(),
            next: 0,
            input: area(
                Purpose::Input,
                tcw.input,
                TcwFlags::INPUT_TIDA,
                tcw.read,
                tcw.input_count,
            ),
            output: area(
                Purpose::Output,
                tcw.output,
                TcwFlags::OUTPUT_TIDA,
                tcw.write,
                tcw.output_count,
            ),
            tcw,
        })
    }

    /// The DCW that takes control next, and whether it may: it must lie in the area, announce no
    /// more data than is left, and, if it is the last one, no less.
    ///
    /// The class of the command decides which way its data go. There may be check bytes among output,
    /// so whether that is less is known at the end ([`Self::is_short`]): to the control unit it does
    /// not matter in which way the channel finds it.
    pub(crate) fn next(&mut self) -> Result<Command, (u16, Refusal)> {
        let offset = offset(self.next);
        let Some(Ok((_, dcw))) = Dcws::new(self.tca.get(self.next..).unwrap_or_default()).next()
        else {
            return Err((offset, Refusal::Dcw));
        };
        let command = Command::new(&dcw, offset);
        self.next += dcw.size();
        let count = command.data_count;
        let (output, input) = match command.code.class().direction() {
            _ if count == 0 => (0, 0),
            Some(Direction::ToDevice) if self.tcw.write => (count, 0),
            Some(Direction::FromDevice) if self.tcw.read => (0, count),
            _ => return Err((offset, Refusal::Direction)),
        };
        let over = output > self.output.left() || input > self.input.left();
        let short = input < self.input.left() && !command.chain_command;
        match over || short {
            true => Err((offset, Refusal::Counts)),
            false => Ok(command),
        }
    }

    /// Whether bytes of the counts of the TCW did not move.
    pub(crate) fn is_short(&self) -> bool {
        self.input.left() > 0 || self.output.left() > 0
    }
}

impl Command {
    fn new(dcw: &Dcw<'_>, offset: u16) -> Self {
        Self {
            code: dcw.command,
            chain_command: dcw.chain_command,
            data_count: dcw.data_count,
            control: dcw.control.iter().copied().take(TCA_MAX).collect(),
            offset,
        }
    }
}

/// An offset in the transport-command area, which has at most 240 bytes.
fn offset(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// The rules of a TCW.
fn judge<S: Space>(raw: &RawTcw, both_ways: bool) -> Result<Tcw<S>, Condition> {
    let tcw = Tcw::decode(raw);
    if tcw.format != 0 || !raw.reserved_is_zero() {
        return Err(Condition::T02);
    }
    if tcw.tidaw_format != 0 {
        return Err(Condition::T03);
    }
    if tcw.is_bidirectional() && !both_ways {
        return Err(Condition::T04);
    }
    if !(TCCB_MIN..=TCCB_MAX).contains(&tcw.tccb_size()) {
        return Err(Condition::T05);
    }
    if !tcw.tsb.is_aligned(8) {
        return Err(Condition::T06);
    }
    if !tcw.flags.contains(TcwFlags::TCCB_TIDA) && !tcw.tccb.is_aligned(8) {
        return Err(Condition::T07);
    }
    Ok(tcw)
}

/// The rules of a TCCB, but for its commands.
fn judge_block<S: Space>(
    tccb: &Tccb<'_>,
    tcw: &Tcw<S>,
    action: Option<ServiceAction>,
) -> Result<(), Condition> {
    let asked = tccb.header.service_action;
    let known = match action {
        None => [ServiceAction::DEVICE_IO, ServiceAction::INTERROGATE].contains(&asked),
        Some(action) => asked == action,
    };
    if tccb.header.format != Tcah::FORMAT || !known {
        return Err(Condition::T08);
    }
    let length = Tcah::tcal_of(tccb.tca.len());
    if length != Some(tccb.header.tcal) || !(20..=252).contains(&tccb.header.tcal) {
        return Err(Condition::T09);
    }
    let [output, input] = [tcw.output_count, tcw.input_count].map(transported);
    let first = match (tcw.write, tcw.read) {
        (true, _) => output,
        (false, true) => input,
        (false, false) => transported(0),
    };
    let said = |count: u32| u64::from(count);
    let agrees = said(tccb.trailer.transport_count) == first
        && tccb
            .trailer
            .read_count
            .is_none_or(|count| said(count) == input);
    match agrees {
        true => Ok(()),
        false => Err(Condition::T10),
    }
}

/// What crosses the link for `count` bytes: up to a multiple of 4, and 4 check bytes.
fn transported(count: u32) -> u64 {
    u64::from(count).next_multiple_of(4) + 4
}
