// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control blocks of a transport-mode program, as JSON.

use ccw::{DeviceClass, Guest, Tidaw, TidawFlags};
use serde::Serialize;
use translator::{CommandView, ListView, TransportView};

use crate::json;

/// A transport-mode program.
#[derive(Serialize)]
pub(crate) struct Blocks {
    tcw: Block,
    tsb: String,
    /// Bytes of output and of input.
    output_count: u32,
    input_count: u32,
    tccb: Block,
    commands: Vec<Command>,
    tccb_list: Vec<Entry>,
    data_list: Vec<Entry>,
}

/// Bytes as far as they were read, and where they lie.
#[derive(Serialize)]
struct Block {
    addr: String,
    bytes: Option<String>,
}

/// A DCW.
#[derive(Serialize)]
struct Command {
    addr: String,
    command: String,
    name: &'static str,
    count: u32,
    control: String,
    chains: bool,
}

/// A TIDAW.
#[derive(Serialize)]
struct Entry {
    addr: String,
    bytes: String,
    flags: Vec<&'static str>,
    count: u32,
    data: String,
}

impl Blocks {
    /// What `program` has, for a device of this class.
    pub(crate) fn of(program: &TransportView<'_>, class: DeviceClass) -> Self {
        let tcw = program.tcw();
        let command = |CommandView { at, dcw, .. }: CommandView<'_>| Command {
            addr: json::hex(at.get()),
            command: format!("{:02x}", dcw.command),
            name: class.dcw_name(dcw.command),
            count: dcw.data_count,
            control: json::digits(dcw.control),
            chains: dcw.chain_command,
        };
        Self {
            tcw: Block {
                addr: json::hex(program.at().get()),
                bytes: program.raw().map(|raw| json::digits(&raw.0)),
            },
            tsb: json::hex(tcw.tsb.get()),
            output_count: tcw.output_count,
            input_count: tcw.input_count,
            tccb: Block {
                addr: json::hex(tcw.tccb.get()),
                bytes: Some(program.tccb())
                    .filter(|bytes| !bytes.is_empty())
                    .map(json::digits),
            },
            commands: program
                .commands()
                .map_while(Result::ok)
                .map(command)
                .collect(),
            tccb_list: list(program.tccb_list()),
            data_list: list(program.data_list()),
        }
    }
}

fn list(list: ListView<'_>) -> Vec<Entry> {
    const NAMES: [(TidawFlags, &str); 5] = [
        (TidawFlags::LAST, "LAST"),
        (TidawFlags::SKIP, "SKIP"),
        (TidawFlags::DATA_TRANSFER_INTERRUPTION, "DTI"),
        (TidawFlags::TRANSFER_IN_CHANNEL, "T-TIC"),
        (TidawFlags::INSERT_CBC, "CBC"),
    ];
    let entry = |(at, raw): (ccw::GuestAddr, ccw::RawTidaw)| {
        let tidaw = Tidaw::<Guest>::decode(raw);
        let set = NAMES.iter().filter(|(flag, _)| tidaw.flags.contains(*flag));
        Entry {
            addr: json::hex(at.get()),
            bytes: json::digits(&raw.0),
            flags: set.map(|(_, name)| *name).collect(),
            count: tidaw.count,
            data: json::hex(tidaw.addr.get()),
        }
    };
    list.entries().map(entry).collect()
}
