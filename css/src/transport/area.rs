// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The bytes that a TCW designates as input, output or TCCB: directly, or by TIDAWs. "PoP: TIDAW".
//!
//! A TIDAW is fetched when the first byte that it designates is about to move, never earlier.

use ccw::{Addr, RawTidaw, Space, TIDAL_PAGE, TIDAW_SIZE, Tidaw, TidawFlags};

use super::{Keyed, block_fault, data_fault, list_fault};
use crate::{Condition, StorageFault};

/// Bytes that go with the data of a TIDAW that inserts check bytes, without padding.
const CBC_BYTES: u64 = 4;

/// What an area is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Input,
    Output,
    /// The TCCB: output in which no check bytes are inserted (model).
    Commands,
}

/// What follows when the run is used up and the count is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing: the area is one run.
    Direct,
    /// The next TIDAW, at `list`.
    Tidal { list: u64, first: bool },
    /// Nothing: the last TIDAW was used up.
    Last,
}

/// An area, as far as it is not used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    purpose: Purpose,
    /// Bytes of the count of the TCW that have not been used up, check bytes included.
    left: u64,
    /// Bytes used up, check bytes included.
    used: u64,
    /// Consecutive bytes from `addr` on.
    addr: u64,
    run: u64,
    /// Check bytes that follow the run.
    cbc: u64,
    /// Input bytes of the run are not stored; of output it means nothing.
    skip: bool,
    rest: Rest,
}

impl Area {
    /// `count` bytes at `addr`, or by the TIDAWs there.
    pub(super) fn new<S: Space>(purpose: Purpose, addr: Addr<S>, tida: bool, count: u32) -> Self {
        let list = addr.get();
        let (run, rest) = match tida {
            false => (count.into(), Rest::Direct),
            true => (0, Rest::Tidal { list, first: true }),
        };
        Self {
            purpose,
            left: count.into(),
            used: 0,
            addr: list,
            run,
            cbc: 0,
            skip: false,
            rest,
        }
    }

    /// Bytes of the count that are left.
    pub(super) fn left(&self) -> u32 {
        u32::try_from(self.left).unwrap_or(u32::MAX)
    }

    /// Moves input to storage until `bytes` or the count is used up. Returns how many bytes moved,
    /// and what stopped them if it was neither.
    pub(super) fn store<S: Space>(
        &mut self,
        storage: &mut Keyed<'_, S>,
        bytes: &[u8],
    ) -> (usize, Result<(), Condition>) {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty())
            && self.left > 0
        {
            let want = match self.piece(storage, rest.len()) {
                Ok(want) => want,
                Err(condition) => return (done, Err(condition)),
            };
            let data = rest.get(..want).unwrap_or(rest);
            let addr = Addr::new(self.addr);
            let stored = match self.skip {
                true => Ok(()),
                false => storage.store(addr, data),
            };
            let moved = stored.map_or_else(|error| distance(addr, error.at, want), |()| want);
            self.advance(moved);
            done += moved;
            if let Err(error) = stored {
                return (done, Err(self.fault(error.fault)));
            }
        }
        (done, Ok(()))
    }

    /// Moves output from storage until `bytes` or the count is used up; as [`Self::store`].
    pub(super) fn fetch<S: Space>(
        &mut self,
        storage: &mut Keyed<'_, S>,
        bytes: &mut [u8],
    ) -> (usize, Result<(), Condition>) {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty())
            && self.left > 0
        {
            let want = match self.piece(storage, rest.len()) {
                Ok(want) => want,
                Err(condition) => return (done, Err(condition)),
            };
            let Some(data) = rest.get_mut(..want) else {
                break;
            };
            let addr = Addr::new(self.addr);
            let fetched = storage.fetch(addr, data);
            let moved = fetched.map_or_else(|error| distance(addr, error.at, want), |()| want);
            self.advance(moved);
            done += moved;
            if let Err(error) = fetched {
                return (done, Err(self.fault(error.fault)));
            }
        }
        (done, Ok(()))
    }

    /// The condition of a byte that cannot be accessed.
    fn fault(&self, fault: StorageFault) -> Condition {
        match (self.purpose, self.rest) {
            (Purpose::Commands, Rest::Direct) => block_fault(fault),
            (Purpose::Commands, _) => list_fault(fault),
            (Purpose::Input, _) => data_fault(fault, true),
            (Purpose::Output, _) => data_fault(fault, false),
        }
    }

    /// How many bytes to move next, at least 1 and at most `want`.
    fn piece<S: Space>(
        &mut self,
        storage: &mut Keyed<'_, S>,
        want: usize,
    ) -> Result<usize, Condition> {
        if self.run == 0 {
            self.refill(storage)?;
        }
        Ok(usize::try_from(self.run).map_or(want, |run| run.min(want)))
    }

    /// Counts `moved` bytes of the run. Check bytes are used up with the last byte before them.
    fn advance(&mut self, moved: usize) {
        let moved = (moved as u64).min(self.run);
        self.run -= moved;
        self.addr = self.addr.wrapping_add(moved);
        let check = match self.run {
            0 => std::mem::take(&mut self.cbc),
            _ => 0,
        };
        self.used += moved + check;
        self.left = self.left.saturating_sub(moved + check);
    }

    /// Lets the next TIDAW take control, by way of a T-TIC or not.
    fn refill<S: Space>(&mut self, storage: &mut Keyed<'_, S>) -> Result<(), Condition> {
        let Rest::Tidal { mut list, first } = self.rest else {
            return Err(Condition::T18);
        };
        let tidaw = self.next(storage, list, first, false)?;
        if !tidaw.flags.contains(TidawFlags::TRANSFER_IN_CHANNEL) {
            return self.take(tidaw, list);
        }
        list = tidaw.addr.get();
        let tidaw = self.next(storage, list, true, true)?;
        self.take(tidaw, list)
    }

    /// The TIDAW at `list`, checked but for what depends on the count of the TCW. Only one that
    /// follows another in storage may not begin a block.
    fn next<S: Space>(
        &self,
        storage: &mut Keyed<'_, S>,
        list: u64,
        anywhere: bool,
        after_tic: bool,
    ) -> Result<Tidaw<S>, Condition> {
        if !list.is_multiple_of(TIDAW_SIZE) {
            return Err(Condition::T13);
        }
        if !anywhere && list.is_multiple_of(TIDAL_PAGE) {
            return Err(Condition::T14);
        }
        let mut raw = RawTidaw::default();
        storage
            .fetch(Addr::new(list), &mut raw.0)
            .map_err(|error| list_fault(error.fault))?;
        if !raw.reserved_is_zero() {
            return Err(Condition::T15);
        }
        let tidaw = Tidaw::<S>::decode(raw);
        if tidaw.flags.contains(TidawFlags::TRANSFER_IN_CHANNEL) {
            if after_tic {
                return Err(Condition::T17);
            }
            // Flags that mean nothing here are reserved ones (model).
            if tidaw.flags != TidawFlags::TRANSFER_IN_CHANNEL {
                return Err(Condition::T15);
            }
            if tidaw.count != 0 {
                return Err(Condition::T16);
            }
            return Ok(tidaw);
        }
        // A skipped area is held to this as well (model).
        if tidaw.count == 0 || u64::from(tidaw.count) > tidaw.addr.block_remainder(TIDAL_PAGE) {
            return Err(Condition::T16);
        }
        Ok(tidaw)
    }

    /// Makes `tidaw`, which was found at `list`, the run.
    ///
    /// The counts are judged when a TIDAW takes control: the last one must end where the count of
    /// the TCW does, and no other beyond (model). Check bytes are inserted into output alone, and
    /// not behind the last TIDAW, where those of the transport follow; they fill the bytes of the
    /// whole transfer up to a multiple of 4 (model). The data-transfer-interruption flag is ignored
    /// (model), for transport mode knows no such interruption.
    fn take<S: Space>(&mut self, tidaw: Tidaw<S>, list: u64) -> Result<(), Condition> {
        let count = u64::from(tidaw.count);
        let last = tidaw.flags.contains(TidawFlags::LAST);
        let inserts = tidaw.flags.contains(TidawFlags::INSERT_CBC);
        let cbc = match self.purpose == Purpose::Output && inserts && !last {
            true => {
                let end = self.used + count;
                CBC_BYTES + (end.next_multiple_of(4) - end)
            }
            false => 0,
        };
        let bytes = count + cbc;
        if bytes > self.left || (last && bytes < self.left) {
            return Err(Condition::T18);
        }
        self.addr = tidaw.addr.get();
        self.run = count;
        self.cbc = cbc;
        self.skip = tidaw.flags.contains(TidawFlags::SKIP);
        self.rest = match last {
            true => Rest::Last,
            false => Rest::Tidal {
                list: list.wrapping_add(TIDAW_SIZE),
                first: false,
            },
        };
        Ok(())
    }
}

/// How many of `len` bytes from `addr` on precede the byte at `at`.
fn distance<S: Space>(addr: Addr<S>, at: Addr<S>, len: usize) -> usize {
    usize::try_from(at.get().wrapping_sub(addr.get())).map_or(len, |moved| moved.min(len))
}
