// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Words of texts and dumps that `ccwtool` reads.

use super::Entry;

/// Members of `ccwprog/1`, and words of traces, listings and statements.
const WORDS: [&str; 84] = [
    "\"schema\"",
    "\"ccwprog/1\"",
    "\"name\"",
    "\"device\"",
    "\"type\"",
    "\"orb\"",
    "\"raw\"",
    "\"memory\"",
    "\"size\"",
    "\"default_fill\"",
    "\"ranges\"",
    "\"storage_keys\"",
    "\"addr\"",
    "\"hex\"",
    "\"len\"",
    "\"key\"",
    "\"fetch_protect\"",
    "\"0x1000\"",
    "\"3390\"",
    "HHC01301I ",
    "HHC01302I ",
    "HHC01303I ",
    "HHC01312I ",
    "HHC01313I ",
    "HHC01315I ",
    "HHC01316I ",
    "HHC01317I ",
    "HHC01334I ",
    "HHC01335I ",
    "HHCCP048I ",
    "HHCCP049I ",
    "HHCCP050I ",
    "HHCCP063I ",
    "HHCCP064I ",
    "HHCCP075I ",
    "HHCCP076I ",
    "HHCCP078I ",
    "HHCCP100I ",
    "HHCCP101I ",
    " CHAN: ORB:",
    "lpm:",
    "ccw addr",
    "midaw",
    "sense",
    "scsw",
    "stat",
    "count",
    "ccw",
    "=>",
    "dasd(eckd): I/O status report for device 0.0.0200:",
    "dasd(fba)",
    "Related CP in req",
    ": CCW ",
    " DAT: ",
    "Failing CCW: ",
    "Sense(hex)",
    " CS:",
    " DS:",
    "virtio_ccw_interpret_ccw ",
    ": interpret command 0x",
    "css_io_interrupt ",
    "interrupt on sch ",
    "TRACE TYPE IO",
    "-> CCW(1) = ",
    "CCW ADDRESS = ",
    "IDAL = ",
    "IDAW = ",
    "DATA = ",
    "DEVICE = ",
    "SCSW = ",
    "SENSE = ",
    "SENSE DATA = ",
    "CAW ",
    "CCW CHAIN ",
    "FORMAT 1",
    "DEV..... ",
    "IDAW ",
    "MIDAW ",
    "orb: ",
    "1000: ",
    " CCW0 X'02',X'1000',X'20',80",
    " CCW1 X'02',X'1000',X'20',80",
    "B'01000000'",
    "status report for device",
];

/// The words of texts.
pub fn text() -> Vec<Entry> {
    let word = |word: &&str| Entry::new(word.trim(), word.as_bytes());
    WORDS.iter().map(word).collect()
}

/// Magic numbers and header fields of dumps, in both byte orders, and what stands in an image.
pub fn dump() -> Vec<Entry> {
    let mut entries = vec![
        Entry::new("elf", b"\x7fELF"),
        Entry::new("elf64_big", b"\x7fELF\x02\x02\x01"),
        Entry::new("elf32_big", b"\x7fELF\x01\x02\x01"),
        Entry::new("elf64_little", b"\x7fELF\x02\x01\x01"),
        Entry::new("elf_core_s390", &[0, 4, 0, 22, 0, 0, 0, 1]),
        Entry::new("kdump", b"KDUMP   "),
        Entry::new("zlib", &[0x78, 0x9c]),
    ];
    // Types of segments, flags of pages, block size, version.
    for value in [0_u32, 1, 2, 4, 6, 0x20, 0x1000] {
        let name = format!("word_{value:x}");
        entries.push(Entry::new(&name, &value.to_be_bytes()));
        entries.push(Entry::new(&format!("{name}_little"), &value.to_le_bytes()));
    }
    for value in [0x1000_u64, 0x1_0000, 0x8000_0000, 1 << 46, u64::MAX - 4095] {
        let name = format!("doubleword_{value:x}");
        entries.push(Entry::new(&name, &value.to_be_bytes()));
    }
    entries.extend(super::machine());
    entries
}
