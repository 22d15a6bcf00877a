// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The bytes that one CCW designates: directly, by IDAWs or by MIDAWs. "PoP: Data Address",
//! "CCW Indirect Data Addressing", "Modified CCW Indirect Data Addressing".
//!
//! A list word is fetched when the first byte that it designates is about to move, never earlier;
//! `list` does that.

mod list;

use ccw::{Addr, Ccw, CcwFlags, Class, Command, IdawFormat, MIDAW_SIZE, Space};

use super::Channel;
use crate::{AddressLimit, Condition, StorageFault};

/// Consecutive bytes, upward or downward from `addr`.
#[derive(Clone, Copy, Debug)]
struct Run {
    addr: u64,
    left: u64,
    /// Input bytes are not stored.
    skip: bool,
}

/// What follows when the run is used up and the count is not.
#[derive(Clone, Copy, Debug)]
enum Rest {
    /// Nothing: the address limit was reached.
    Direct,
    /// The next IDAW, at `list`.
    Idal { list: u64, first: bool },
    /// The next MIDAW, at `list`.
    Midal { list: u64, first: bool },
    /// Nothing: the last MIDAW was used up.
    LastMidaw,
}

/// The storage area of the CCW in control.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    remaining: u16,
    backward: bool,
    input: bool,
    /// The CCW has the SKIP flag, and it means something.
    skip: bool,
    run: Run,
    rest: Rest,
}

/// Some bytes to be moved at once: `len` bytes, upward or downward from `addr`.
struct Piece {
    addr: u64,
    len: usize,
    skip: bool,
}

impl Area {
    /// The area of `ccw` for the command `head`, which is that of the first CCW of a data chain.
    ///
    /// Only the alignment of a list is checked, and only if the list will be used: a command
    /// that moves no data and input that is skipped use no address.
    pub(super) fn new<S: Space>(
        channel: &Channel<'_, S>,
        ccw: &Ccw<S>,
        head: Command,
    ) -> Result<Self, Condition> {
        let class = head.class();
        let backward = class == Class::ReadBackward;
        let input = backward || matches!(class, Class::Read | Class::Sense);
        let addr = u64::from(ccw.addr.get());
        let skip = input && ccw.flags.contains(CcwFlags::SKIP);
        let examined = channel.config.examine_skipped && ccw.flags.contains(CcwFlags::INDIRECT);
        let unused = (skip && !examined) || ccw.count == 0 || head == Command::NOP;
        let empty = Run {
            addr,
            left: 0,
            skip: false,
        };
        let (run, rest) = if unused {
            let run = Run {
                left: u64::MAX,
                skip: true,
                ..empty
            };
            (run, Rest::Direct)
        } else if ccw.flags.contains(CcwFlags::INDIRECT) {
            if !ccw
                .addr
                .widen()
                .is_aligned(IdawFormat::of(channel.orb).size())
            {
                return Err(Condition::I01);
            }
            (
                empty,
                Rest::Idal {
                    list: addr,
                    first: true,
                },
            )
        } else if ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
            if !ccw.addr.widen().is_aligned(MIDAW_SIZE) {
                return Err(Condition::M01);
            }
            (
                empty,
                Rest::Midal {
                    list: addr,
                    first: true,
                },
            )
        } else {
            let left = match backward {
                true => addr + 1,
                false => channel.orb.format.limit().saturating_sub(addr),
            };
            (Run { left, ..empty }, Rest::Direct)
        };
        Ok(Self {
            remaining: ccw.count,
            backward,
            input,
            skip,
            run,
            rest,
        })
    }

    /// Bytes of the count that have not moved.
    pub(super) fn remaining(&self) -> u16 {
        self.remaining
    }

    /// Moves input to storage until `bytes` or the count is used up. Returns how many bytes
    /// moved, and what stopped them if it was neither.
    pub(super) fn store<S: Space>(
        &mut self,
        channel: &mut Channel<'_, S>,
        bytes: &[u8],
    ) -> (usize, Result<(), Condition>) {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty())
            && self.remaining > 0
        {
            let piece = match self.piece(channel, rest.len()) {
                Ok(piece) => piece,
                Err(condition) => return (done, Err(condition)),
            };
            let data = rest.get(..piece.len).unwrap_or(rest);
            let (moved, fault) = match (piece.skip, self.backward) {
                (true, _) => (data.len(), None),
                (false, false) => store_upward(channel, piece.addr, data),
                (false, true) => store_downward(channel, piece.addr, data),
            };
            self.advance(moved);
            done += moved;
            if let Some(fault) = fault {
                return (done, Err(self.fault(fault)));
            }
        }
        (done, Ok(()))
    }

    /// Moves output from storage until `bytes` or the count is used up; as [`Self::store`].
    pub(super) fn fetch<S: Space>(
        &mut self,
        channel: &mut Channel<'_, S>,
        bytes: &mut [u8],
    ) -> (usize, Result<(), Condition>) {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty())
            && self.remaining > 0
        {
            let piece = match self.piece(channel, rest.len()) {
                Ok(piece) => piece,
                Err(condition) => return (done, Err(condition)),
            };
            let Some(data) = rest.get_mut(..piece.len) else {
                break;
            };
            let addr = Addr::new(piece.addr);
            let fetched = channel.storage.fetch(addr, channel.orb.key, data);
            let (moved, fault) = match fetched {
                Ok(()) => (data.len(), None),
                Err(error) => {
                    let moved = distance(piece.addr, error.at.get(), data.len());
                    (moved, Some(error.fault))
                }
            };
            self.advance(moved);
            done += moved;
            if let Some(fault) = fault {
                return (done, Err(self.fault(fault)));
            }
        }
        (done, Ok(()))
    }

    /// The next bytes to move, at least 1 and at most `want`.
    fn piece<S: Space>(
        &mut self,
        channel: &mut Channel<'_, S>,
        want: usize,
    ) -> Result<Piece, Condition> {
        if self.run.left == 0 {
            self.refill(channel)?;
        }
        let Run { addr, left, skip } = self.run;
        let skip = skip && self.input;
        let mut len = left.min(u64::from(self.remaining));
        if !skip && channel.orb.limit_check {
            len = len.min(self.within_limit(channel.config.address_limit));
            if len == 0 {
                return Err(Condition::D06);
            }
        }
        let len = usize::try_from(len).map_or(want, |len| len.min(want));
        Ok(Piece { addr, len, skip })
    }

    /// How many bytes of the run lie on the right side of the address limit, before the first
    /// that does not.
    fn within_limit(&self, limit: AddressLimit) -> u64 {
        let addr = self.run.addr;
        match (limit, self.backward) {
            (AddressLimit::None, _) => u64::MAX,
            (AddressLimit::AtLeast(limit), _) if addr < limit => 0,
            (AddressLimit::AtLeast(_), false) => u64::MAX,
            (AddressLimit::AtLeast(limit), true) => (addr - limit).saturating_add(1),
            (AddressLimit::Below(limit), _) if addr >= limit => 0,
            (AddressLimit::Below(limit), false) => limit - addr,
            (AddressLimit::Below(_), true) => u64::MAX,
        }
    }

    /// Counts `moved` bytes, at most what is left of the run and of the count.
    fn advance(&mut self, moved: usize) {
        let moved = u16::try_from(moved).unwrap_or(u16::MAX).min(self.remaining);
        self.remaining -= moved;
        let moved = u64::from(moved);
        self.run.left = self.run.left.saturating_sub(moved);
        self.run.addr = match self.backward {
            true => self.run.addr.wrapping_sub(moved),
            false => self.run.addr.wrapping_add(moved),
        };
    }

    /// The condition of a data byte that cannot be accessed.
    fn fault(&self, fault: StorageFault) -> Condition {
        match (fault, self.rest) {
            (StorageFault::Protected, _) if self.input => Condition::D04,
            (StorageFault::Protected, _) => Condition::D05,
            (StorageFault::Damaged, _) => Condition::N03,
            (StorageFault::Unavailable, Rest::Direct) => Condition::D03,
            (StorageFault::Unavailable, Rest::Idal { .. }) => Condition::I08,
            (StorageFault::Unavailable, Rest::Midal { .. } | Rest::LastMidaw) => Condition::M13,
        }
    }
}

/// How many of `len` bytes from `addr` on precede the byte at `at`.
fn distance(addr: u64, at: u64, len: usize) -> usize {
    usize::try_from(at.wrapping_sub(addr)).map_or(len, |moved| moved.min(len))
}

/// Stores `data` from `addr` on; how many bytes, and what stopped it.
fn store_upward<S: Space>(
    channel: &mut Channel<'_, S>,
    addr: u64,
    data: &[u8],
) -> (usize, Option<StorageFault>) {
    let key = channel.orb.key;
    match channel.storage.store(Addr::new(addr), key, data) {
        Ok(()) => (data.len(), None),
        Err(error) => (
            distance(addr, error.at.get(), data.len()),
            Some(error.fault),
        ),
    }
}

/// Stores `data` from `addr` down, byte by byte so that a fault leaves the lower bytes alone.
fn store_downward<S: Space>(
    channel: &mut Channel<'_, S>,
    addr: u64,
    data: &[u8],
) -> (usize, Option<StorageFault>) {
    let key = channel.orb.key;
    let mut at = addr;
    for (done, byte) in data.iter().enumerate() {
        let stored = channel
            .storage
            .store(Addr::new(at), key, std::slice::from_ref(byte));
        if let Err(error) = stored {
            return (done, Some(error.fault));
        }
        at = at.wrapping_sub(1);
    }
    (data.len(), None)
}
