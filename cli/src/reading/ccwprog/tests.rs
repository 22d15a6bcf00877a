// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the format says, by hand.

use super::*;
use crate::memory::KeyRange;

const ORB: &str = "0000000000c2ff00000100000000000000000000000000000000000000000000";

fn document(memory: &str) -> String {
    format!(r#"{{"schema":"ccwprog/1","name":"n","orb":{{"raw":"{ORB}"}},"memory":{memory}}}"#)
}

fn error(text: &str) -> String {
    let (place, reason) = decode(text.as_bytes(), "stem".into()).unwrap_err();
    crate::input::InputError {
        file: "f".into(),
        place,
        reason,
    }
    .to_string()
}

#[test]
fn a_small_program() {
    let text = document(
        r#"{"size":"0x10000","default_fill":"e5","ranges":[{"addr":16,"hex":"0a1B"}],
            "storage_keys":[{"addr":"0x1000","len":"4096","key":6}]}"#,
    );
    let input = decode(text.as_bytes(), "stem".into()).unwrap();
    assert_eq!((input.name.as_str(), input.device.as_str()), ("n", ""));
    assert_eq!(input.orb.word(1), 0x00c2_ff00);
    let mut buf = [0; 4];
    assert_eq!(input.memory.read(15, &mut buf), 4);
    assert_eq!(buf, [0xe5, 0x0a, 0x1b, 0xe5]);
    let key = KeyRange {
        addr: 0x1000,
        len: 0x1000,
        key: 6,
        fetch_protect: false,
    };
    assert_eq!(input.memory.key(0x1fff), Some(key));
    assert_eq!(input.memory.key(0x2000), None);
}

/// The README of `tests/programs` says which members must be there.
#[test]
fn members_that_must_be_there_are_named_and_others_have_defaults() {
    let orb = format!(r#""orb":{{"raw":"{ORB}"}}"#);
    let of = |memory: &str| format!(r#"{{"schema":"ccwprog/1",{orb},"memory":{memory}}}"#);
    let input = decode(of(r#"{"size":4096}"#).as_bytes(), "stem".into()).unwrap();
    assert_eq!((input.name.as_str(), input.device.as_str()), ("stem", ""));
    let mut buf = [0xff; 1];
    assert_eq!(input.memory.read(0xfff, &mut buf), 1);
    assert_eq!((buf, input.memory.has_keys()), ([0], false));
    let unnamed = of(r#"{"size":4096}"#).replacen('{', r#"{"name":"","device":null,"#, 1);
    assert_eq!(
        decode(unnamed.as_bytes(), "stem".into()).unwrap().name,
        "stem"
    );
    for (text, missing) in [
        (r#"{"memory":{"size":0}}"#.to_owned(), "no member `schema`"),
        (of("{}"), "memory: missing field `size`"),
        (
            of(r#"{"size":4096}"#).replace(&orb, r#""orb":{}"#),
            "orb: missing field `raw`",
        ),
        (
            of("0")
                .replace(&orb, r#""name":"n""#)
                .replace(r#","memory":0"#, ""),
            "missing field `orb`",
        ),
        (
            of("0").replace(r#","memory":0"#, ""),
            "missing field `memory`",
        ),
        (
            of(r#"{"size":4096,"ranges":[{"hex":"00"}]}"#),
            "ranges[0]: missing field `addr`",
        ),
        (
            of(r#"{"size":4096,"ranges":[{"addr":0}]}"#),
            "ranges[0]: missing field `hex`",
        ),
        (
            of(r#"{"size":4096,"storage_keys":[{"len":4096,"key":1}]}"#),
            "missing field `addr`",
        ),
        (
            of(r#"{"size":4096,"storage_keys":[{"addr":0,"key":1}]}"#),
            "missing field `len`",
        ),
        (
            of(r#"{"size":4096,"storage_keys":[{"addr":0,"len":4096}]}"#),
            "missing field `key`",
        ),
    ] {
        let error = error(&text);
        assert!(error.contains(missing), "{missing}: {error}");
    }
}

#[test]
fn what_is_not_json_is_placed_by_line_and_column() {
    assert_eq!(
        error(""),
        "f:1:0: the file ends in the middle of the JSON: EOF while parsing a value"
    );
    assert!(error("{\n\"schema\": \"ccwp").starts_with("f:2:15: "));
    assert!(error("HHC01315I ccw E4200028").starts_with("f:1:1: not JSON: "));
    assert!(error(&(document(r#"{"size":4096}"#) + " x")).contains(": not JSON: trailing"));
}

#[test]
fn other_schemas_are_named() {
    assert_eq!(
        error(r#"{"schema":"ccwprog/2","orb":7}"#),
        "f:1:21: schema: `ccwprog/2` is not known; this tool reads `ccwprog/1`"
    );
    assert_eq!(
        error("{}"),
        "f: no member `schema`; this tool reads `ccwprog/1`"
    );
    assert!(error(r#"{"schema":null}"#).starts_with("f:1:14: schema: invalid type: null"));
    assert!(error("[1]").contains("invalid"));
}

#[test]
fn what_should_be_an_object_is_said_to_be_one() {
    assert!(error("7").ends_with("f:1:1: invalid type: integer `7`, expected an object, `{...}`"));
    let text = document("{}").replace(r#""name""#, r#""device":"3390","name""#);
    let expected =
        r#"device: invalid type: string "3390", expected an object such as {"type": "3390"}"#;
    assert!(error(&text).ends_with(expected), "{}", error(&text));
    for memory in [
        "7",
        r#"{"size":0,"ranges":[7]}"#,
        r#"{"size":0,"storage_keys":[7]}"#,
    ] {
        let error = error(&document(memory));
        assert!(error.contains("expected an object such as {"), "{error}");
    }
}

#[test]
fn members_that_make_no_sense_are_named() {
    let of = |memory: &str| error(&document(memory));
    assert!(of(r#"{"size":-1}"#).contains("memory.size: invalid type: integer `-1`"));
    assert!(of(r#"{"size":1}"#).contains("memory.size: 0x1 is not a multiple of 0x1000"));
    for number in ["12g", "+1", ""] {
        let told = of(&format!(r#"{{"size":"{number}"}}"#));
        assert!(told.contains(&format!("memory.size: `{number}` is not a number")));
    }
    assert!(of(r#"{"size":"0x10000000000000000"}"#).contains("does not fit 64 bits"));
    assert!(
        of(r#"{"size":"0x8000000000000000"}"#)
            .contains(": memory.size: 0x8000000000000000 bytes are more than the 0x400000000000 (")
    );
    assert!(of(r#"{"size":"0x1000","default_fill":"0000"}"#).contains("memory.default_fill"));
    let range = |ranges: &str| of(&format!(r#"{{"size":"0x1000","ranges":[{ranges}]}}"#));
    assert!(
        range(r#"{"addr":0,"hex":"012"}"#)
            .contains("memory.ranges[0].hex: an odd number of hex digits (3); a byte has two")
    );
    assert!(range(r#"{"addr":0,"hex":"+1"}"#).contains("character 1 ('+') is not a hex digit"));
    assert!(range(r#"{"addr":0,"hex":"0x"}"#).contains("character 2 ('x') is not a hex digit"));
    assert!(range(r#"{"addr":"0xfff","hex":"0102"}"#).contains(
        "f: memory.ranges[0]: 2 bytes from 0xfff on do not lie in the 0x1000 bytes of memory.size"
    ));
    assert!(
        range(r#"{"addr":0,"hex":"0102"},{"addr":1,"hex":"03"}"#).contains(
            "memory.ranges[1]: 1 byte from 0x1 on overlap memory.ranges[0], 2 bytes from 0x0 on"
        )
    );
    let key = |key: &str| of(&format!(r#"{{"size":"0x2000","storage_keys":[{key}]}}"#));
    assert!(key(r#"{"addr":0,"len":4096,"key":16}"#).contains("key 16 is not one of 0-15"));
    assert!(key(r#"{"addr":2048,"len":4096,"key":1}"#).contains("block of 4 KiB"));
    assert!(key(r#"{"addr":4096,"len":8192,"key":1}"#).contains("storage_keys[0]: 0x2000"));
}

#[test]
fn an_orb_is_32_bytes() {
    let text = document(r#"{"size":4096}"#).replace(ORB, "00000000");
    assert!(error(&text).contains("orb.raw: an ORB has 32 bytes (64 hex digits), this one 4"));
}
