// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Machines made of what else there is: cases of the generator, and programs without a script.

use ccw::{Class, GuestAddr};
use css::device::scripted::{Data, Response, Scripted};

use super::{MOST_ANSWERS, Machine};
use crate::differential::device::input;
use crate::generator::{Amount, Answer, Case, Keys, Scene};
use crate::implementation::reference;
use crate::program_file::{KeyRange, ProgramFile};

/// Commands for which a script has answers where nobody has given it any: longer programs are mostly
/// loops.
pub(crate) const MOST_COMMANDS: usize = 64;

/// The device moves as much as there is room for.
pub(super) const ALL: Answer = Answer {
    amount: Amount::Count(0),
    seed: 0x40,
    status: 0x0c,
    later: 0,
    sense: 0,
};

impl Machine {
    /// The machine of a case, as far as every implementation can have it: storage ends behind the last
    /// frame, frames that the case lacks are zeros, and each has bytes of its own that a device may
    /// store into. There is no address limit.
    pub fn of_case(case: &Case) -> Self {
        let scene = case.build();
        let last = scene.regions.regions().last();
        let size = last.map_or(0, |region| region.guest.get() + region.len);
        let keys = scene.keys.iter().flat_map(Keys::ranges);
        let keys = keys.filter_map(|range| {
            let within = size.checked_sub(range.addr).filter(|left| *left > 0)?;
            let len = range.len.min(within);
            Some(KeyRange { len, ..range })
        });
        let mut ranges = Vec::new();
        for region in scene.regions.regions() {
            for (at, page) in scene.ram.touched() {
                let offset = at.get().checked_sub(region.host.get());
                if let Some(offset) = offset.filter(|offset| *offset < region.len) {
                    ranges.push((region.guest.get() + offset, page.to_vec()));
                }
            }
        }
        let device = ["", "3390", "3490"][usize::from(case.terms.device) % 3];
        let machine = Self {
            file: ProgramFile {
                name: "case".to_owned(),
                device: match &case.recorded.device[..] {
                    [] => device.to_owned(),
                    kind => String::from_utf8_lossy(kind).into_owned(),
                },
                orb: scene.orb,
                size,
                fill: 0,
                ranges,
                keys: keys.collect(),
            },
            concurrent_sense: case.terms.concurrent_sense,
            script: None,
        };
        let answers = scene.script.iter().map(|reply| {
            let data = match reply.answer.amount {
                Amount::Immediate => Data::Immediate,
                Amount::Variable => Data::OutputVariable(reply.bytes),
                Amount::Count(_) | Amount::Bytes(_) => Data::Length(reply.bytes, reply.answer.seed),
            };
            Response {
                data,
                status: ccw::DeviceStatus::from_bits_retain(reply.answer.status),
                later: match reply.answer.later {
                    0 => None,
                    later => Some(ccw::DeviceStatus::from_bits_retain(later)),
                },
                sense: (0..reply.answer.sense.min(32)).collect(),
            }
        });
        let answers: Vec<Response> = answers.collect();
        machine.only_fetched(&answers).written_out(answers)
    }

    /// The same with a script. Without one the device moves as much as each command has room for.
    #[must_use]
    pub fn answered(self) -> Self {
        if self.script.is_some() {
            return self;
        }
        let scene: Scene = self.scene();
        let replies = scene.answers(&[ALL; MOST_COMMANDS]);
        let length = |bytes| match bytes {
            0 => Data::Immediate,
            len => Data::Length(len, ALL.seed),
        };
        let replies = replies.iter().map(|reply| length(reply.bytes));
        self.written_out(replies.map(Response::new).collect())
    }

    /// The same with the script `answers`, of which each says all of its bytes: those of the commands
    /// that there are, in the direction in which they move. A NOP moves none.
    #[must_use]
    pub fn written_out(self, answers: Vec<Response>) -> Self {
        let mut device = Scripted::new(answers.iter().cloned());
        // A device end that comes later takes one more step.
        let most = answers.len().clamp(MOST_COMMANDS, MOST_ANSWERS);
        reference::execute(&self, &mut device, 2 * most);
        let sent = device.sent().iter().take(most);
        let rest = std::iter::repeat_with(Response::immediate);
        let written = sent.zip(answers.into_iter().chain(rest));
        let written = written.map(|(sent, mut response)| {
            let class = sent.command.class();
            let reads = matches!(class, Class::Read | Class::ReadBackward | Class::Sense);
            response.data = match response.data {
                _ if ccw::DeviceClass::Unknown.is_immediate(sent.command) => Data::Immediate,
                Data::Length(len, seed) if reads => Data::Input(pattern(len, seed)),
                Data::Length(len, _) => Data::Output(len),
                Data::OutputVariable(len) if reads => Data::Input(pattern(len, ALL.seed)),
                data => data,
            };
            response
        });
        let script = Some(written.collect());
        Self { script, ..self }
    }

    /// The same with only those bytes of storage that a channel fetches.
    fn only_fetched(mut self, answers: &[Response]) -> Self {
        let mut device = Scripted::new(answers.iter().cloned());
        let fetched = reference::execute(&self, &mut device, 2 * MOST_COMMANDS).fetched;
        let scene = self.scene();
        let ranges = merged(fetched).into_iter();
        let ranges = ranges.map(|(start, end)| {
            let bytes = scene.peek(GuestAddr::new(start), (end - start) as usize);
            (start, bytes)
        });
        self.file.ranges = ranges.collect();
        self
    }
}

/// Input that begins with `seed`, as the generator has it.
pub(super) fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|n| input(seed, n)).collect()
}

/// First byte and end of areas, in order and apart.
fn merged(mut areas: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    areas.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (start, end) in areas {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_case_are_those_of_its_machine() {
        let keys = [(0x1000, 0x3000, 6, true), (0x2000, 0x1000, 0, false)];
        let keys = keys.map(|(addr, len, key, fetch_protect)| KeyRange {
            addr,
            len,
            key,
            fetch_protect,
        });
        let file = ProgramFile {
            name: String::new(),
            device: "3390".to_owned(),
            orb: ccw::RawOrb::from_words([0, 0x00c2_8000, 0x1000]),
            size: 0x10_0000,
            fill: 0,
            ranges: vec![(0x1000, vec![3, 0x20, 0, 0, 0, 0, 0, 0])],
            keys: keys.to_vec(),
        };
        let machine = Machine::of_case(&Case::of_file(&file).expect("a case"));
        assert_eq!(machine.file.keys, keys);
        assert_eq!(machine.file.size, file.size);
        assert_eq!(machine.file.ranges, file.ranges);
    }
}
