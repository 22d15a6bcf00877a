// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that starts programs of transport mode, on a host without it, under a command policy.

use ccw::{Command, DeviceClass};
use translator::CommandPolicy;
use vfio_ccw::CcwDevice;
use vfio_ccw::mediator::{ConditionCode, MediatorConfig};

use crate::subchannel::guest::Guest;
use crate::subchannel::stream::Stream;

const TCW: u32 = 0x2400;
const TCCB: u32 = 0x2480;
const LIST: u32 = 0x2580;
/// What the guest may not give its device.
const DENIED: u8 = 0x0b;

/// Lets the guest of `settings` use the mode, and not everything.
pub(super) fn offer(settings: &mut MediatorConfig) {
    settings.guest.policy.facilities.transport = true;
    let everything = CommandPolicy::everything(DeviceClass::Unknown);
    settings.commands = Some(everything.deny(Command(DENIED)));
}

impl<D: CcwDevice> Guest<D> {
    /// Makes a program of up to three commands, and starts it.
    pub(super) fn start_transport(&mut self, stream: &mut Stream<'_>) -> Option<ConditionCode> {
        let [kind, counts] = stream.bytes();
        let write = kind & 1 != 0;
        let mut commands = Vec::new();
        let mut total = 0;
        let last = u32::from(kind >> 1 & 3).min(2);
        for n in 0..=last {
            let chain = if n < last { 0x40_0000 } else { 0 };
            let count = u32::from(counts >> (2 * n) & 3) * 0x7f8;
            let code = if write { 1 } else { 2 };
            match count {
                0 if kind & 8 != 0 => commands.extend([u32::from(DENIED) << 24 | chain, 0]),
                0 => commands.extend([0x0700_0004 | chain, 0, 0x0102_0304]),
                _ => commands.extend([code << 24 | chain, count]),
            }
            total += count;
        }
        // Wrong counts.
        if kind & 0x10 != 0 {
            total += 8;
        }
        let length = commands.len() as u32 * 4;
        let tccb = [0x7f00_0000, length + 12, 0x1ffe_0000, 0];
        let tccb = [&tccb[..], &commands, &[0, total.next_multiple_of(4) + 4]].concat();
        // Over the end of the first region, whose neighbour may be gone; by a list, or not.
        let by_list = kind & 0x20 != 0;
        let data = match kind & 0xc0 {
            0 => 0x3000,
            0x40 => 0xf800,
            0x80 => 0x1_f800,
            _ => 0xe800,
        };
        let named = if by_list { LIST } else { data };
        let (mut list, mut at, mut left) = (Vec::new(), data, total);
        while by_list && left > 0 {
            let here = left.min(0x1000 - at % 0x1000);
            left -= here;
            let flags = if left == 0 { 0x8000_0000 } else { 0 };
            list.extend([flags, here, 0, at]);
            at += here;
        }
        let flag = if by_list {
            if write { 1 << 16 } else { 4 << 16 }
        } else {
            0
        };
        let way = if write { 1 << 16 } else { 2 << 16 };
        let ways = |way: bool, word: u32| if way { word } else { 0 };
        // Now and then the TSB lies in the second region.
        let tsb = if counts & 0x80 == 0 { 0x2600 } else { 0x1_2600 };
        let tcw = [
            flag,
            (length + 4) << 16 | way,
            0,
            ways(write, named),
            0,
            ways(!write, named),
            0,
            tsb,
            0,
            TCCB,
            ways(write, total),
            ways(!write, total),
            0,
            0,
            0,
            0,
        ];
        for (at, words) in [(TCW, &tcw[..]), (TCCB, &tccb), (LIST, &list)] {
            let bytes: Vec<_> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            if self.memory[0].write(at as usize, &bytes).is_ok() && !bytes.is_empty() {
                self.dirty
                    .note(at.into()..u64::from(at) + bytes.len() as u64);
            }
        }
        self.ssch(0x0004_8000, TCW)
    }
}
