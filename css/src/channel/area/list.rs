// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Words of lists taking control: IDAWs and MIDAWs.

use ccw::{Addr, IdawFormat, MIDAL_PAGE, MIDAW_SIZE, Midaw, MidawFlags, RawMidaw, Space};

use super::{Area, Rest, Run};
use crate::channel::Channel;
use crate::{Condition, StorageFault};

impl Area {
    /// Lets the next list word take control.
    pub(super) fn refill<S: Space>(
        &mut self,
        channel: &mut Channel<'_, S>,
    ) -> Result<(), Condition> {
        match self.rest {
            Rest::Direct if self.backward => Err(Condition::D02),
            Rest::Direct => Err(Condition::D01),
            Rest::Idal { list, first } => self.next_idaw(channel, list, first),
            Rest::Midal { list, first } => self.next_midaw(channel, list, first),
            Rest::LastMidaw => Err(Condition::M10),
        }
    }

    fn next_idaw<S: Space>(
        &mut self,
        channel: &mut Channel<'_, S>,
        list: u64,
        first: bool,
    ) -> Result<(), Condition> {
        let format = IdawFormat::of(channel.orb);
        if list.saturating_add(format.size()) > channel.orb.format.limit() {
            return Err(Condition::I02);
        }
        let addr = match format {
            IdawFormat::One => {
                let mut word = [0; 4];
                fetch_list_word(channel, list, &mut word, Condition::I03, Condition::I04)?;
                let word = u32::from_be_bytes(word);
                if word & 0x8000_0000 != 0 {
                    return Err(Condition::I05);
                }
                u64::from(word)
            }
            IdawFormat::Two2K | IdawFormat::Two4K => {
                let mut word = [0; 8];
                fetch_list_word(channel, list, &mut word, Condition::I03, Condition::I04)?;
                u64::from_be_bytes(word)
            }
        };
        let offset = addr % format.block();
        let last = format.block() - 1;
        let left = if self.backward {
            if !first && offset != last {
                return Err(Condition::I07);
            }
            offset + 1
        } else {
            if !first && offset != 0 {
                return Err(Condition::I06);
            }
            format.block() - offset
        };
        self.run = Run {
            addr,
            left,
            skip: self.skip,
        };
        self.rest = Rest::Idal {
            list: list.saturating_add(format.size()),
            first: false,
        };
        Ok(())
    }

    fn next_midaw<S: Space>(
        &mut self,
        channel: &mut Channel<'_, S>,
        list: u64,
        first: bool,
    ) -> Result<(), Condition> {
        if !first && list.is_multiple_of(MIDAL_PAGE) {
            return Err(Condition::M04);
        }
        if list.saturating_add(MIDAW_SIZE) > channel.orb.format.limit() {
            return Err(Condition::M02);
        }
        let mut raw = RawMidaw::default();
        fetch_list_word(channel, list, &mut raw.0, Condition::M02, Condition::M03)?;
        if !raw.reserved_is_zero() {
            return Err(Condition::M05);
        }
        if raw.reserved_flags() != 0 {
            return Err(Condition::M06);
        }
        let midaw = Midaw::<S>::decode(raw);
        if midaw.flags.contains(MidawFlags::DATA_TRANSFER_INTERRUPTION) {
            return Err(Condition::M07);
        }
        if midaw.count == 0 {
            return Err(Condition::M08);
        }
        if midaw.count > self.remaining {
            return Err(Condition::M09);
        }
        // As with the flag of a CCW, output is not skipped.
        let skip = self.input && midaw.flags.contains(MidawFlags::SKIP);
        let offset = midaw.addr.get() % MIDAL_PAGE;
        let in_page = match self.backward {
            true => offset + 1,
            false => MIDAL_PAGE - offset,
        };
        let count = u64::from(midaw.count);
        if !skip && count > in_page {
            return Err(Condition::M12);
        }
        self.run = Run {
            addr: midaw.addr.get(),
            left: count,
            skip,
        };
        self.rest = match midaw.flags.contains(MidawFlags::LAST) {
            true => Rest::LastMidaw,
            false => Rest::Midal {
                list: list.saturating_add(MIDAW_SIZE),
                first: false,
            },
        };
        Ok(())
    }
}

/// Fetches an IDAW or MIDAW.
fn fetch_list_word<S: Space>(
    channel: &mut Channel<'_, S>,
    list: u64,
    word: &mut [u8],
    unavailable: Condition,
    protected: Condition,
) -> Result<(), Condition> {
    let key = channel.orb.key;
    match channel.storage.fetch(Addr::new(list), key, word) {
        Ok(()) => Ok(()),
        Err(error) => Err(match error.fault {
            StorageFault::Unavailable => unavailable,
            StorageFault::Protected => protected,
            StorageFault::Damaged => Condition::N04,
        }),
    }
}
