// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What one CCW means where the walk meets it: the rules for CCWs and their sequence.
//!
//! "PoP: Program Check" lists the conditions; they are tested in the order in which a channel
//! recognises them, since a program has at most one check.

use ccw::{Ccw, CcwFlags, Class, Command, DeviceClass, Format, Guest, Orb};

use crate::{Cause, Code};

/// How the channel came to a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As a new command.
    Command,
    /// As the next storage area of the command `head`.
    Data {
        /// Code of the first CCW of the data chain.
        head: Command,
        /// That command may skip a CCW at its end.
        skips: bool,
    },
}

impl State {
    /// The command that a CCW of the code `own` belongs to.
    #[inline]
    pub(crate) fn head(self, own: Command) -> Command {
        match self {
            Self::Command => own,
            Self::Data { head, .. } => head,
        }
    }
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
    /// Storage to device, from the copy that was judged: the piece of parameters whose number is
    /// [`Node::offset`](crate::node::Node::offset).
    Copied,
    /// Transfer in channel.
    Tic,
    /// Never carried out: the channel stops here.
    Fault,
    /// Not carried out in this part: the channel stops here, and the program is fetched again.
    Break(Cause),
    /// Leads to the next part: the CCW that stood here is there.
    Onward,
}

impl Op {
    /// What commands of this code do with data, but for no-operation; [`Op::Fault`] for what is
    /// no command.
    const fn of(command: Command) -> Self {
        match command.class() {
            Class::Write | Class::Control => Self::Output,
            Class::Read | Class::Sense => Self::Input,
            Class::ReadBackward => Self::Backward,
            Class::Tic => Self::Tic,
            Class::Invalid => Self::Fault,
        }
    }

    /// Whether bytes of guest storage are used.
    #[inline]
    pub(crate) const fn transfers(self) -> bool {
        matches!(self, Self::Output | Self::Input | Self::Backward)
    }

    /// Whether a CCW with these flags names a list.
    #[inline]
    pub(crate) const fn has_list(self, flags: CcwFlags) -> bool {
        let lists = CcwFlags::INDIRECT.union(CcwFlags::MODIFIED_INDIRECT);
        self.transfers() && flags.intersects(lists)
    }
}

/// What [`judge`] makes of a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) op: Op,
    /// Why the channel stops; then the operation is [`Op::Fault`].
    pub(crate) fault: Option<Code>,
}

/// What the CCW does if it is a command as most are: with a count, none of the flags that have
/// conditions or keep data from moving, and not one that may skip.
#[inline(always)]
pub(crate) fn common(word: u64) -> Option<Op> {
    const RARE: CcwFlags = CcwFlags::CHAIN_DATA
        .union(CcwFlags::SKIP)
        .union(CcwFlags::SUSPEND)
        .union(CcwFlags::MODIFIED_INDIRECT);
    const RARE_BITS: u64 = (RARE.bits() as u64) << 48 | BIT32;
    const COUNT: u64 = 0xffff << 32;
    if word & RARE_BITS != 0 || word & COUNT == 0 {
        return None;
    }
    let [command, ..] = word.to_be_bytes();
    let op = COMMON.get(usize::from(command)).copied();
    op.filter(|&op| op != Op::Fault)
}

/// What a command does with data; [`Op::Fault`] for what is none, or may skip, or moves none.
const COMMON: [Op; 256] = {
    let mut table = [Op::Fault; 256];
    let mut rest: &mut [Op] = &mut table;
    let mut code: u8 = 0;
    while let [entry, behind @ ..] = rest {
        let command = Command(code);
        let rare = code == Command::NOP.0 || DeviceClass::Unknown.may_skip(command);
        let op = Op::of(command);
        if !rare && op.transfers() {
            *entry = op;
        }
        code = code.wrapping_add(1);
        rest = behind;
    }
    table
};

/// Bit 32 of a CCW in format 1, which must be zero.
const BIT32: u64 = 0x8000_0000;

/// What a CCW of the command `head` does with data, if it has a count.
fn operation(head: Command, flags: CcwFlags) -> Op {
    if head == Command::NOP {
        return Op::Nothing;
    }
    match Op::of(head) {
        Op::Input | Op::Backward if flags.contains(CcwFlags::SKIP) => Op::Skip,
        op => op,
    }
}

/// Judges the CCW `word`, met in `state`; `after_tic` says that a TIC led to it.
pub(crate) fn judge(word: u64, orb: &Orb<Guest>, state: State, after_tic: bool) -> Judged {
    let ccw = Ccw::<Guest>::from_format1(word);
    let in_data_chain = matches!(state, State::Data { .. });
    let (op, fault) = if ccw.command.is_tic(orb.format) {
        (Op::Tic, tic_fault(word, orb.format, after_tic))
    } else if ccw.command.class() == Class::Tic {
        // A format-1 code x8: no TIC, and no command either.
        let empty = in_data_chain && ccw.count == 0;
        let code = if empty {
            Code::Cnt1ZeroInCd
        } else {
            Code::CmdTicModifier
        };
        (Op::Fault, Some(code))
    } else {
        let op = if ccw.count == 0 {
            Op::Nothing
        } else {
            operation(state.head(ccw.command), ccw.flags)
        };
        (op, command_fault(word, orb, in_data_chain))
    };
    let op = if fault.is_some() { Op::Fault } else { op };
    Judged { op, fault }
}

fn tic_fault(word: u64, format: Format, after_tic: bool) -> Option<Code> {
    let ccw = Ccw::<Guest>::from_format1(word);
    if format == Format::One && (ccw.flags.bits() != 0 || ccw.count != 0) {
        return Some(Code::Tic1Flags);
    }
    if word & BIT32 != 0 {
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

/// The condition of a CCW that is no TIC.
fn command_fault(word: u64, orb: &Orb<Guest>, in_data_chain: bool) -> Option<Code> {
    let ccw = Ccw::<Guest>::from_format1(word);
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
    (word & BIT32 != 0).then_some(Code::Fmt1Bit32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_has_no_conditions() {
        let orb = Orb::<Guest>::decode(&ccw::RawOrb::from_words([0, 0x00c2_8000, 0]));
        for high in 0..=0xffff_u64 {
            for low in [0x1000, 0x0001_0000_1000, 0x0001_8000_1000] {
                let word = high << 48 | low;
                let Some(op) = common(word) else { continue };
                let judged = judge(word, &orb, State::Command, false);
                assert_eq!(judged, Judged { op, fault: None }, "{word:016x}");
                assert!(op.transfers(), "{word:016x}");
            }
        }
    }
}
