// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands, flags, bits and boundaries.

use ccw::{
    CcwFlags, Command, DeviceClass, DeviceStatus, InterrogateFlags, MidawFlags, ServiceAction,
    SubchannelStatus, Tcah, TcwFlags, TidawFlags, TsbFlags, orb::word1,
};
use translator::limits;

use super::Entry;
use crate::generator::FRAMES;

/// The fields of ORB word 1.
const ORB_BITS: [(&str, u32); 19] = [
    ("key", 0xf000_0000),
    ("suspend", word1::SUSPEND),
    ("streaming", word1::STREAMING),
    ("modification", word1::MODIFICATION),
    ("synchronize", word1::SYNCHRONIZE),
    ("format1", word1::FORMAT1),
    ("prefetch", word1::PREFETCH),
    ("initial_status", word1::INITIAL_STATUS),
    ("limit_check", word1::LIMIT_CHECK),
    ("suppress_suspended", word1::SUPPRESS_SUSPENDED),
    ("transport", word1::TRANSPORT),
    ("format2_idaws", word1::FORMAT2_IDAWS),
    ("idaw_2k", word1::IDAW_2K),
    ("paths", 0xff00),
    ("length_suppression", word1::LENGTH_SUPPRESSION),
    ("midaw", word1::MIDAW),
    ("reserved", word1::RESERVED),
    ("extension", word1::EXTENSION),
    ("transport_reserved", word1::TRANSPORT_RESERVED),
];

/// Words 1 of ORBs as programs have them.
const ORBS: [(&str, u32); 5] = [
    ("format0", word1::PREFETCH | 0x8000),
    (
        "format1_64",
        word1::FORMAT1 | word1::PREFETCH | word1::FORMAT2_IDAWS | 0xff00,
    ),
    (
        "format1_midaws",
        word1::FORMAT1 | word1::PREFETCH | word1::FORMAT2_IDAWS | word1::MIDAW | 0x8000,
    ),
    (
        "format1_in_parts",
        word1::FORMAT1 | word1::SUSPEND | word1::FORMAT2_IDAWS | 0x8000,
    ),
    ("transport", word1::TRANSPORT | 0x8000),
];

/// Boundaries of address fields, and what lies beside them.
const ADDRESSES: [u32; 13] = [
    0,
    8,
    0x07ff,
    0x0800,
    0x0fff,
    0x1000,
    0x1004,
    0x00ff_fff8,
    0x0100_0000,
    0x7fff_f000,
    0x7fff_fff8,
    0x8000_0000,
    0xffff_fff8,
];

/// Counts beside blocks, pages, and the most that a CCW has.
const COUNTS: [u16; 11] = [
    0, 1, 16, 0x07ff, 0x0800, 0x0801, 0x0fff, 0x1000, 0x1001, 0xfffe, 0xffff,
];

/// The words of channel programs, ORBs, lists, status and transport mode.
pub fn machine() -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |kind: &str, name: &str, bytes: &[u8]| {
        entries.push(Entry::new(&format!("{kind}_{name}"), bytes));
    };
    for code in 0..=u8::MAX {
        if let Some(name) = name(Command(code)) {
            add("command", &name, &[code]);
        }
    }
    for (name, flag) in CcwFlags::all().iter_names() {
        add("flag", name, &[flag.bits()]);
    }
    for (name, flag) in MidawFlags::all().iter_names() {
        add("midaw", name, &[flag.bits()]);
    }
    for (name, flag) in TcwFlags::all().iter_names() {
        add("tcw", name, &[flag.bits()]);
    }
    for (name, flag) in TidawFlags::all().iter_names() {
        add("tidaw", name, &[flag.bits()]);
    }
    for (name, flag) in TsbFlags::all().iter_names() {
        add("tsb", name, &[flag.bits()]);
    }
    for (name, flag) in InterrogateFlags::all().iter_names() {
        add("interrogate", name, &[flag.bits()]);
    }
    for (name, status) in DeviceStatus::all().iter_names() {
        add("device", name, &[status.bits()]);
    }
    for (name, status) in SubchannelStatus::all().iter_names() {
        add("subchannel", name, &[status.bits()]);
    }
    for (name, bits) in ORB_BITS.into_iter().chain(ORBS) {
        add("orb", name, &bits.to_be_bytes());
    }
    for (name, action) in [
        ("device_io", ServiceAction::DEVICE_IO),
        ("interrogate", ServiceAction::INTERROGATE),
    ] {
        add("tccb", name, &[[Tcah::FORMAT, 0, 0, 0], [0; 4]].concat());
        add("service", name, &action.0.to_be_bytes());
    }
    for address in ADDRESSES {
        let name = format!("{address:x}");
        add("word", &name, &address.to_be_bytes());
        add("doubleword", &name, &u64::from(address).to_be_bytes());
    }
    for frame in FRAMES {
        let address = frame * 4096;
        let name = format!("{address:x}");
        if let Ok(word) = u32::try_from(address) {
            add("frame", &name, &word.to_be_bytes());
        }
        add("frame64", &name, &address.to_be_bytes());
    }
    add("doubleword", "last", &(u64::MAX - 7).to_be_bytes());
    add("doubleword", "last_page", &(u64::MAX - 4095).to_be_bytes());
    let bounds = [limits::MAX_CCWS, limits::KERNEL_SEGMENT_CCWS];
    for count in COUNTS.into_iter().chain(bounds) {
        add("count", &format!("{count:x}"), &count.to_be_bytes());
    }
    // The first word of a format-1 CCW; a case has a CCW in that order too.
    let chained = (CcwFlags::CHAIN_COMMAND | CcwFlags::SUPPRESS_LENGTH).bits();
    let listed = (CcwFlags::CHAIN_DATA | CcwFlags::INDIRECT).bits();
    for (name, command, flags, count) in [
        ("tic", Command::TIC, 0, [0, 0]),
        ("nop", Command::NOP, chained, [0, 1]),
        ("sense_id", Command::SENSE_ID, 0x20, [0, 64]),
        ("read", Command::READ, chained, [0x10, 0]),
        ("read_listed", Command::READ, listed, [0x20, 0]),
        ("write", Command::WRITE, chained, [0, 80]),
        ("backward", Command::READ_BACKWARD, chained, [0x10, 0]),
        ("seek", Command(0x07), chained, [0, 6]),
        ("search", Command(0x31), chained, [0, 5]),
    ] {
        let [high, low] = count;
        add("ccw", name, &[command.0, flags, high, low]);
    }
    entries
}

/// What `command` is called on the first kind of device that has it.
fn name(command: Command) -> Option<String> {
    let plain = DeviceClass::Unknown.dcw_name(command);
    let own = DeviceClass::ALL.iter().map(|class| class.dcw_name(command));
    let own = own.into_iter().find(|name| *name != plain);
    let basic = [
        Command::WRITE,
        Command::READ,
        Command::NOP,
        Command::SENSE,
        Command::TIC,
        Command::READ_BACKWARD,
        Command::SENSE_ID,
        Command::INTERROGATE,
        Command::TRANSFER_TCA_EXTENSION,
    ];
    let plain = basic.contains(&command).then_some(plain);
    let name = own.or(plain)?;
    Some(format!("{:02x}_{name}", command.0))
}
