// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What one CCW means where the walk meets it: the rules for CCWs and their sequence.
//!
//! "PoP: Program Check" lists the conditions; they are tested in the order in which a channel
//! recognises them, since a program has at most one check.

use ccw::{Ccw, CcwFlags, Class, Command, Format, Guest, Orb, RawCcw};

use crate::Code;

/// How the channel came to a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As a new command.
    Command,
    /// As the next storage area of the command `head`.
    Data {
        /// Code of the first CCW of the data chain.
        head: Command,
    },
}

/// What a CCW does with data, once its operation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Moves none: no-operation, or a count of zero. Address and list have no meaning.
    Nothing,
    /// Takes input and does not store it.
    Skip,
    /// Storage to device.
    Output,
    /// Device to storage.
    Input,
    /// Device to storage, at descending addresses.
    Backward,
    /// Transfer in channel.
    Tic,
    /// Never carried out: the channel stops here.
    Fault,
}

impl Op {
    /// Whether bytes of guest storage are used.
    pub(crate) const fn transfers(self) -> bool {
        matches!(self, Self::Output | Self::Input | Self::Backward)
    }
}

/// Where the channel goes after a CCW that runs to its full count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The program ends.
    End,
    /// The next CCW is a new command.
    Command,
    /// The next CCW continues the command `head`.
    Data {
        /// Code of the first CCW of the data chain.
        head: Command,
    },
}

/// What [`judge`] makes of a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// A TIC to the CCW's address.
    Tic,
    /// An operation.
    Run {
        /// What it does with data.
        op: Op,
        /// Where the channel goes then.
        next: Next,
    },
    /// The channel stops.
    Fault(Code),
}

/// Judges the CCW `raw`, met in `state`; `after_tic` says that a TIC led to it.
#[inline]
pub(crate) fn judge(
    raw: RawCcw,
    ccw: Ccw<Guest>,
    orb: &Orb<Guest>,
    state: State,
    after_tic: bool,
) -> Judged {
    let format = orb.format;
    let head = match state {
        State::Command => ccw.command,
        State::Data { head } => head,
    };
    if let Some(code) = fault(raw, ccw, orb, state, after_tic) {
        return Judged::Fault(code);
    }
    if ccw.command.is_tic(format) {
        return Judged::Tic;
    }
    let op = operation(head, ccw);
    let next = if ccw.chains_data() {
        Next::Data { head }
    } else if ccw.chains_command() {
        Next::Command
    } else {
        Next::End
    };
    Judged::Run { op, next }
}

/// What a CCW of the command `head` does with data.
#[inline]
fn operation(head: Command, ccw: Ccw<Guest>) -> Op {
    if ccw.count == 0 || head == Command::NOP {
        return Op::Nothing;
    }
    let skip = ccw.flags.contains(CcwFlags::SKIP);
    match head.class() {
        Class::Write | Class::Control => Op::Output,
        Class::Read | Class::Sense | Class::ReadBackward if skip => Op::Skip,
        Class::Read | Class::Sense => Op::Input,
        Class::ReadBackward => Op::Backward,
        // A data chain cannot begin with these.
        Class::Invalid | Class::Tic => Op::Fault,
    }
}

/// The condition that stops the channel at this CCW, if there is one.
#[inline]
fn fault(
    raw: RawCcw,
    ccw: Ccw<Guest>,
    orb: &Orb<Guest>,
    state: State,
    after_tic: bool,
) -> Option<Code> {
    let format = orb.format;
    let in_data_chain = matches!(state, State::Data { .. });
    let class = ccw.command.class();
    if class == Class::Tic {
        if ccw.command.is_tic(format) {
            return tic_fault(raw, ccw, format, after_tic);
        }
        // A format-1 code x8: no TIC, and no command either.
        if in_data_chain && ccw.count == 0 {
            return Some(Code::Cnt1ZeroInCd);
        }
        return Some(Code::CmdTicModifier);
    }
    // Nearly every CCW passes here: a command, a count, and none of the flags with conditions.
    let special = CcwFlags::SUSPEND.union(CcwFlags::MODIFIED_INDIRECT);
    let plain = !ccw.flags.intersects(special)
        && ccw.count != 0
        && !raw.bit32(format)
        && (in_data_chain || class != Class::Invalid);
    if plain {
        None
    } else {
        rare_fault(raw, ccw, orb, in_data_chain)
    }
}

fn tic_fault(raw: RawCcw, ccw: Ccw<Guest>, format: Format, after_tic: bool) -> Option<Code> {
    if format == Format::One && (ccw.flags.bits() != 0 || ccw.count != 0) {
        return Some(Code::Tic1Flags);
    }
    if raw.bit32(format) {
        return Some(Code::Tic1Bit32);
    }
    if after_tic {
        return Some(Code::SeqTicTic);
    }
    if !ccw.addr.widen().is_aligned(ccw::CCW_SIZE) {
        return Some(Code::CcwaAlignTic);
    }
    None
}

fn rare_fault(raw: RawCcw, ccw: Ccw<Guest>, orb: &Orb<Guest>, in_data_chain: bool) -> Option<Code> {
    let format = orb.format;
    let has = |flag| ccw.flags.contains(flag);
    if in_data_chain && ccw.count == 0 && format == Format::One {
        return Some(Code::Cnt1ZeroInCd);
    }
    if !in_data_chain && ccw.command.class() == Class::Invalid {
        return Some(Code::CmdZero);
    }
    if !in_data_chain && has(CcwFlags::SUSPEND) && has(CcwFlags::CHAIN_DATA) {
        return Some(Code::SuspWithCd);
    }
    if has(CcwFlags::MODIFIED_INDIRECT) {
        if !orb.midaw {
            return Some(Code::MidaDisabled);
        }
        if has(CcwFlags::INDIRECT) {
            return Some(Code::MidaConflictIda);
        }
        if has(CcwFlags::SKIP) {
            return Some(Code::MidaConflictSkip);
        }
    }
    if has(CcwFlags::SUSPEND) {
        if in_data_chain {
            return Some(Code::SuspInCd);
        }
        if !orb.suspend {
            return Some(Code::SuspNotAllowed);
        }
    }
    if ccw.count == 0 {
        match format {
            Format::Zero => return Some(Code::Cnt0Zero),
            Format::One if has(CcwFlags::CHAIN_DATA) => return Some(Code::Cnt1ZeroCd),
            Format::One => {}
        }
    }
    raw.bit32(format).then_some(Code::Fmt1Bit32)
}
