// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A CCW that was read, and what is found out of it.

use bitflags::bitflags;
use ccw::{CCW_SIZE, Ccw, Command, Format, Guest, GuestAddr, IdawFormat, MIDAW_SIZE, RawCcw};

use crate::{Cause, Code, Policy, chain::Op};

bitflags! {
    /// How a CCW was reached, and what that makes of it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Reach: u8 {
        /// As a new command.
        const COMMAND = 0x01;
        /// By data chaining of an output command.
        const OUTPUT = 0x02;
        /// By data chaining of an input command.
        const INPUT = 0x04;
        /// By data chaining of a read-backward command.
        const BACKWARD = 0x08;
        /// On the path of a program in which no command skips.
        const CERTAIN = 0x10;
        /// In two ways of which one host CCW can serve only one.
        const TWO_WAYS = 0x20;
        /// Straight behind a command that may skip it.
        const SKIPPABLE = 0x40;
        /// By data chaining of a command that may skip.
        const SKIPS = 0x80;
    }
}

impl Reach {
    /// By data chaining.
    pub(crate) const CHAINED: Self = Self::OUTPUT.union(Self::INPUT).union(Self::BACKWARD);
}

/// A CCW that was read, or the place of one that could not be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Guest address. A fault may lie at 2^31, just past the last address of a CCW.
    pub(crate) addr: u32,
    /// What its bytes say, as the doubleword of format 1; zero when they could not be read.
    pub(crate) word: u64,
    /// First of its words in [`Buffers::words`].
    pub(crate) list: u32,
    /// List words that were read.
    pub(crate) list_len: u16,
    /// Bytes of its data before the one that a data fault forbids, once it is checked.
    pub(crate) good: u16,
    /// How far into a 4 KiB block its first byte of data lies, once it is checked.
    pub(crate) offset: u16,
    /// Number of its host CCW, or [`NOWHERE`]; before the layout is known, the node's own number.
    pub(crate) host: u32,
    /// What it does with data.
    pub(crate) op: Op,
    /// Code of the command that it belongs to.
    pub(crate) head: Command,
    /// How it was reached.
    pub(crate) reach: Reach,
    /// The condition that stops the channel here.
    pub(crate) fault: Option<Code>,
    /// The byte of a CCW in format 0 that the channel ignores.
    pub(crate) ignored: u8,
    /// As nearly every CCW is: first reached as a command, which transfers upward, without MIDAWs,
    /// suspension or SKIP; and nothing is wrong with it.
    pub(crate) usual: bool,
}

impl Node {
    /// What the CCW says.
    #[inline]
    pub(crate) fn ccw(&self) -> Ccw<Guest> {
        Ccw::from_format1(self.word)
    }

    /// Whether the channel may skip what stands behind it.
    pub(crate) fn may_skip(&self, policy: &Policy) -> bool {
        let itself = self.reach.contains(Reach::COMMAND) && policy.may_skip(self.ccw().command);
        let is_command = !matches!(self.op, Op::Tic | Op::Fault | Op::Break(_) | Op::Onward);
        is_command && self.ccw().chains_command() && (itself || self.reach.contains(Reach::SKIPS))
    }

    /// Whether the channel goes on behind it, by either kind of chaining.
    pub(crate) fn chains(&self, policy: &Policy) -> bool {
        self.ccw().chains_command() || (self.ccw().chains_data() && policy.chains_data(self.head))
    }

    /// A CCW that was read and neither reached nor looked at any further.
    #[inline(always)]
    pub(crate) fn new(host: u32, addr: u32, word: u64, ignored: u8, op: Op, head: Command) -> Self {
        Self {
            addr,
            word,
            list: 0,
            list_len: 0,
            good: 0,
            offset: 0,
            host,
            op,
            head,
            reach: Reach::empty(),
            fault: None,
            ignored,
            usual: false,
        }
    }

    /// Its bytes in guest storage; zero when they could not be read.
    pub(crate) fn raw(&self, format: Format) -> RawCcw {
        let [command, flags, high, low, top, a, b, c] = self.word.to_be_bytes();
        RawCcw(match format {
            Format::One => [command, flags, high, low, top, a, b, c],
            Format::Zero => [command, a, b, c, flags, self.ignored, high, low],
        })
    }

    /// Its list words among `words`.
    #[inline]
    pub(crate) fn list_in<'a>(&self, words: &'a [[u8; 8]]) -> &'a [[u8; 8]] {
        let start = self.list as usize;
        let per = if self.is_midal() { 2 } else { 1 };
        words
            .get(start..start + usize::from(self.list_len) * per)
            .unwrap_or(&[])
    }

    /// How far into a block of up to 4 KiB its data begins.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        u64::from(self.offset)
    }

    #[inline]
    pub(crate) fn is_midal(&self) -> bool {
        self.ccw().flags.contains(ccw::CcwFlags::MODIFIED_INDIRECT)
    }

    /// Whether it is the place of a CCW that could not be read.
    pub(crate) fn is_unread(&self) -> bool {
        let gone = self.fault.is_some_and(|code| code.id().starts_with('A'));
        self.word == 0 && (gone || self.op == Op::Break(Cause::Refetch))
    }

    /// Where its CCW lies, if it could be read.
    pub(crate) fn ccw_bytes(&self) -> Option<(u64, u64)> {
        let start = u64::from(self.addr);
        (!self.is_unread()).then_some((start, start + CCW_SIZE))
    }

    /// Where its list lies, if it has one.
    pub(crate) fn list_bytes(&self, idaws: IdawFormat) -> Option<(u64, u64)> {
        let size = if self.is_midal() {
            MIDAW_SIZE
        } else {
            idaws.size()
        };
        let start = u64::from(self.ccw().addr.get());
        (self.list_len > 0).then_some((start, start + u64::from(self.list_len) * size))
    }

    pub(crate) fn guest(&self) -> GuestAddr {
        GuestAddr::new(u64::from(self.addr))
    }
}

/// [`Node::host`] of a node without a host CCW.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Nodes of consecutive guest addresses that were read one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Guest address of the first.
    pub(crate) start: u32,
    /// Number of the first.
    pub(crate) first: u16,
    /// How many.
    pub(crate) len: u16,
}

/// Where a part begins that comes behind another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin {
    /// Number of its first node.
    pub(crate) node: u16,
    /// Number of its first span.
    pub(crate) span: usize,
    /// Number of its first list word.
    pub(crate) word: usize,
}

impl Span {
    /// Guest address behind the last.
    pub(crate) fn end(&self) -> u32 {
        self.start.wrapping_add(u32::from(self.len) * 8)
    }
}
