// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is written is read again; what is wrong is told.

use super::*;

const ORB: &str = "0000000000c2ff00000100000000000000000000000000000000000000000000";

fn parse(memory: &str) -> Result<ProgramFile, String> {
    let text =
        format!(r#"{{"schema":"ccwprog/1","orb":{{"raw":"{ORB}"}},"memory":{memory},"x":1}}"#);
    ProgramFile::parse(text.as_bytes())
}

#[test]
fn what_is_written_reads_the_same() {
    let file = parse(
        r#"{"size":"0x10000","default_fill":"e5","ranges":[{"addr":16,"hex":"0a1B"},
            {"addr":"18","hex":"00"}],
            "storage_keys":[{"addr":"0x1000","len":"4096","key":6,"fetch_protect":true}]}"#,
    )
    .unwrap();
    assert_eq!(file.size, 65536);
    assert_eq!(file.ranges, [(16, vec![0x0a, 0x1b]), (18, vec![0])]);
    assert_eq!((file.fill, file.keys[0].len), (0xe5, 4096));
    assert_eq!(ProgramFile::parse(file.to_json().as_bytes()), Ok(file));
}

/// Every member, by hand: that what is written reads the same would not tell one that is lost both ways.
#[test]
fn every_member_is_read_and_written() {
    let text = format!(
        r#"{{"schema":"ccwprog/1","name":"n","device":{{"type":"3390"}},"orb":{{"raw":"{ORB}"}},"memory":{{"size":"0x10000","default_fill":"e5","ranges":[{{"addr":"0x10","hex":"0a1b"}}],"storage_keys":[{{"addr":"0x1000","len":"0x2000","key":6,"fetch_protect":true}}]}}}}"#
    );
    let file = ProgramFile {
        name: "n".into(),
        device: "3390".into(),
        orb: RawOrb::from_words([0, 0x00c2_ff00, 0x0001_0000]),
        size: 0x10000,
        fill: 0xe5,
        ranges: vec![(0x10, vec![0x0a, 0x1b])],
        keys: vec![KeyRange {
            addr: 0x1000,
            len: 0x2000,
            key: 6,
            fetch_protect: true,
        }],
    };
    assert_eq!(ProgramFile::parse(text.as_bytes()).as_ref(), Ok(&file));
    assert_eq!(serde_json::to_string(&file).unwrap(), text);
}

/// What there is to be said of each member, the reader's tests say.
#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (memory, told) in [
        (
            r#"{"size":1}"#,
            "1:122: memory.size: 0x1 is not a multiple of 0x1000: storage comes in 4 KiB blocks",
        ),
        (
            r#"{"size":4096,"ranges":[{"addr":4095,"hex":"0000"}]}"#,
            "memory.ranges[0]: 2 bytes from 0xfff on do not lie in the 0x1000 bytes of memory.size",
        ),
    ] {
        assert_eq!(parse(memory).unwrap_err(), told, "{memory}");
    }
    let error = ProgramFile::parse(b"{}").unwrap_err();
    assert_eq!(error, "no member `schema`; this tool reads `ccwprog/1`");
}

/// As a part of something else, where nobody tells lines.
#[test]
fn it_can_be_a_member() {
    let text = format!(
        r#"[{{"schema":"ccwprog/1","orb":{{"raw":"{ORB}"}},
            "memory":{{"size":4096,"ranges":[{{"addr":0,"hex":"0102"}},{{"addr":1,"hex":"03"}}]}}}}]"#
    );
    let error = serde_json::from_str::<Vec<ProgramFile>>(&text).unwrap_err();
    let told = "memory.ranges[1]: 1 byte from 0x1 on overlap memory.ranges[0], 2 bytes from 0x0 on";
    assert!(error.to_string().starts_with(told), "{error}");
    let text = text.replace("4096", "7");
    let error = serde_json::from_str::<Vec<ProgramFile>>(&text).unwrap_err();
    assert!(
        error.to_string().starts_with("memory.size: 0x7 is not a"),
        "{error}"
    );
    let value = serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let error = serde_json::from_value::<Vec<ProgramFile>>(value).unwrap_err();
    assert!(
        error.to_string().starts_with("memory.size: 0x7 is not a"),
        "{error}"
    );
}
