// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What QEMU's trace events tell of channel programs: the command codes of virtio devices, and no more.
//!
//! ```text
//! virtio_ccw_new_device VIRTIO-CCW: add subchannel fe.0.0000, devno 0x0001 (user-configured)
//! virtio_ccw_interpret_ccw VIRTIO-CCW: fe.0.0000: interpret command 0x33
//! css_io_interrupt CSS: I/O interrupt on sch fe.0.0000 (intparm 0x01b65400, isc 0x3)
//! ```

use std::collections::HashMap;

use ccw::DeviceClass;

use super::draft::{Draft, flag, orb};
use super::lines;
use super::lines::MOST_PROGRAMS;
use crate::input::{Input, Place, Refusal};

/// Whether `text` has such events.
pub(super) fn recognises(text: &str) -> bool {
    text.contains("virtio_ccw_interpret_ccw") || text.contains("css_io_interrupt")
}

/// Commands of one program that are named at most.
const MOST_NAMES: usize = 16;

/// Programs that were alike, on one device.
struct Alike {
    line: usize,
    device: String,
    commands: Vec<u8>,
    times: usize,
}

/// Decodes the events in `text`: one program for those of a device that are alike. `stem` names them.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let mut found: Vec<Alike> = Vec::new();
    let mut known: HashMap<(String, Vec<u8>), usize> = HashMap::new();
    let mut running: HashMap<String, (usize, Vec<u8>)> = HashMap::new();
    let mut dropped = false;
    let mut over = |device: &str, line: usize, commands: Vec<u8>| {
        let at = *known
            .entry((device.to_owned(), commands.clone()))
            .or_insert(found.len());
        if let Some(alike) = found.get_mut(at) {
            alike.times += 1;
        } else if found.len() < MOST_PROGRAMS {
            found.push(Alike {
                line,
                device: device.to_owned(),
                commands,
                times: 1,
            });
        } else {
            dropped = true;
        }
    };
    for line in lines::lines(text) {
        if let Some(rest) = line.behind("virtio_ccw_interpret_ccw") {
            let rest = rest
                .trim_start()
                .trim_start_matches("VIRTIO-CCW:")
                .trim_start();
            let Some((device, rest)) = rest.split_once(": interpret command 0x") else {
                return Err(line.refuse(
                    rest,
                    "no `SUBCHANNEL: interpret command 0x..` in this event",
                ));
            };
            let digits = lines::hex_run(rest).0;
            let command = u8::from_str_radix(digits, 16)
                .map_err(|_| line.refuse(rest, "a command is a byte in hex digits"))?;
            let program = running
                .entry(device.to_owned())
                .or_insert((line.number, Vec::new()));
            program.1.push(command);
        } else if let Some(rest) = line.behind("interrupt on sch ")
            && let Some(device) = rest.split_whitespace().next()
            && let Some((line, commands)) = running.remove(device)
        {
            over(device, line, commands);
        }
    }
    let mut left: Vec<_> = running.into_iter().collect();
    left.sort_by_key(|(_, (line, _))| *line);
    for (device, (line, commands)) in left {
        over(&device, line, commands);
    }
    if dropped {
        let reason = format!("more than {MOST_PROGRAMS} different programs");
        return Err((Place::Whole, reason));
    }
    match found.is_empty() {
        true => Err((
            Place::Whole,
            "no command in these events: QEMU traces those of virtio devices only".to_owned(),
        )),
        false => Ok(found.into_iter().map(|alike| alike.input(stem)).collect()),
    }
}

impl Alike {
    fn input(self, stem: &str) -> Input {
        let mut draft = Draft {
            name: format!("{stem}:{} {}", self.line, self.device),
            class: DeviceClass::Virtio,
            ..Draft::default()
        };
        for (at, command) in (0..).step_by(8).zip(&self.commands) {
            draft.pieces.add(at, &[*command]);
        }
        let names: Vec<String> = self
            .commands
            .iter()
            .take(MOST_NAMES)
            .map(|command| {
                let name = DeviceClass::Virtio.command_name(ccw::Command(*command));
                format!("{command:02x} {name}")
            })
            .collect();
        let times = match self.times {
            1 => "once".to_owned(),
            n => format!("{n} times"),
        };
        let more = match self.commands.len().saturating_sub(MOST_NAMES) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let names = names.join(", ");
        draft.remark(format!("commands: {names}{more}; seen {times}"));
        draft.remark(
            "flags, counts, addresses, data, ORB and status are not in such events; format-1 CCWs are taken \
             for granted, and shown from 0 on",
        );
        let second = flag::FORMAT_1 | flag::PREFETCH | flag::IDAW_8 | flag::ALL_PATHS;
        draft.orb = orb(0, second, 0);
        draft.finish()
    }
}
