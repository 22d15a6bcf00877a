// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading `ccwprog/1` files.

use std::fs;
use std::io::{self, Write as _};

use ccw::{Guest, GuestAddr, RawOrb};
use css::storage::StorageKey;
use css::{Config, Ram, Subchannel};
use serde_json::Value;

pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) device: String,
    pub(crate) orb: RawOrb,
    pub(crate) storage: Ram<Guest>,
    pub(crate) json: Value,
}

/// All programs, in the order of their names; none, with a loud word, without a folder.
pub(crate) fn corpus() -> Vec<Program> {
    let Some(folder) = std::env::var_os("CCW_CORPUS") else {
        // Past the test harness, which keeps the output of a passing test to itself.
        let skipped = "SKIPPED: CCW_CORPUS names no folder of channel programs, NOTHING IS TESTED";
        writeln!(io::stderr(), "{skipped}").expect("standard error");
        return Vec::new();
    };
    let mut programs: Vec<Program> = fs::read_dir(folder)
        .expect("CCW_CORPUS is a folder")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| parse(&fs::read_to_string(path).expect("readable")))
        .collect();
    assert!(!programs.is_empty());
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs
}

fn parse(text: &str) -> Program {
    let json: Value = serde_json::from_str(text).expect("JSON");
    let memory = &json["memory"];
    let fill = u8::try_from(number(&memory["default_fill"])).expect("a byte");
    let mut storage = Ram::filled(number(&memory["size"]), fill);
    for range in memory["ranges"].as_array().expect("ranges") {
        let addr = GuestAddr::new(number(&range["addr"]));
        assert!(storage.write(addr, &hex(&range["hex"])));
    }
    for range in memory["storage_keys"].as_array().into_iter().flatten() {
        let key = StorageKey {
            acc: u8::try_from(number(&range["key"])).expect("0-15"),
            fetch_protect: range["fetch_protect"].as_bool().unwrap_or(false),
        };
        let start = number(&range["addr"]);
        for addr in (start..start + number(&range["len"])).step_by(4096) {
            storage.set_key(GuestAddr::new(addr), key);
        }
    }
    Program {
        name: string(&json["name"]),
        class: string(&json["class"]),
        device: string(&json["device"]["type"]),
        orb: RawOrb(hex(&json["orb"]["raw"]).try_into().expect("32 bytes")),
        storage,
        json,
    }
}

pub(crate) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A JSON number, or a string of hex digits with or without 0x.
pub(crate) fn number(value: &Value) -> u64 {
    match value {
        Value::String(text) => {
            u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hex digits")
        }
        value => value.as_u64().expect("a number"),
    }
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hex digits");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits"))
        .collect()
}

impl Program {
    /// A subchannel where this program can be started whatever path it asks for.
    pub(crate) fn subchannel(&self) -> Subchannel<Guest> {
        let config = Config {
            path_available: 0xff,
            concurrent_sense: false,
            ..Config::default()
        };
        Subchannel::new(config)
    }

    /// The ORB with a path: initial program loading and old tests name none.
    pub(crate) fn orb(&self) -> RawOrb {
        let mut orb = self.orb;
        if orb.0[6] == 0 {
            orb.0[6] = 0x80;
        }
        orb
    }
}
