// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `ccwprog/1`: a channel program with its ORB and storage, as JSON.
//!
//! Members that are not listed here (what the program is expected to do, how it was taken) are
//! passed over.

use ccw::{ORB_SIZE, RawOrb};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::fields::{Hex, Number};
use super::{Input, Place, Refusal};
use crate::dump::count;
use crate::memory::{BadExtent, Extent, Memory, PAGE, StorageKey};

/// The only schema known.
const SCHEMA: &str = "ccwprog/1";

/// Largest storage that a program may declare: more than any machine has had. Nothing is ever
/// allocated by the declared size.
const SIZE_LIMIT: u64 = 1 << 46;

/// What every JSON file must say before the rest is looked at.
#[derive(Deserialize)]
#[serde(expecting = "an object, `{...}`")]
struct Head {
    #[serde(default, deserialize_with = "schema")]
    schema: Option<()>,
}

#[derive(Deserialize)]
struct Document {
    name: Option<String>,
    device: Option<Device>,
    orb: Orb,
    memory: Storage,
}

#[derive(Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"3390\"}")]
struct Device {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object such as {\"raw\": \"64 hex digits\"}")]
struct Orb {
    #[serde(deserialize_with = "orb")]
    raw: RawOrb,
}

#[derive(Deserialize)]
#[serde(expecting = "an object such as {\"size\": \"0x1000000\", \"ranges\": []}")]
struct Storage {
    #[serde(deserialize_with = "size")]
    size: u64,
    #[serde(default, deserialize_with = "fill")]
    default_fill: u8,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default)]
    storage_keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object such as {\"addr\": \"0x1000\", \"hex\": \"0320\"}")]
struct Range {
    addr: Number,
    hex: Hex,
}

#[derive(Deserialize)]
#[serde(expecting = "an object such as {\"addr\": \"0x1000\", \"len\": \"0x1000\", \"key\": 6}")]
struct Key {
    addr: Number,
    len: Number,
    key: Number,
    #[serde(default)]
    fetch_protect: bool,
}

/// Decodes one file; `stem` names the program if the file does not.
pub(super) fn decode(bytes: &[u8], stem: String) -> Result<Input, Refusal> {
    let head: Head = parse(bytes)?;
    if head.schema.is_none() {
        let reason = format!("no member `schema`; this tool reads `{SCHEMA}`");
        return Err((Place::Whole, reason));
    }
    let document: Document = parse(bytes)?;
    Ok(Input {
        name: document.name.unwrap_or(stem),
        device: document
            .device
            .and_then(|device| device.kind)
            .unwrap_or_default(),
        orb: document.orb.raw,
        memory: storage(document.memory)?,
        sources: crate::source::of_json(bytes),
        ..Input::default()
    })
}

/// The storage that the member `memory` describes.
fn storage(storage: Storage) -> Result<Memory, Refusal> {
    let refuse = |member: &str, reason: String| (Place::Member(format!("memory.{member}")), reason);
    let (size, fill) = (storage.size, storage.default_fill);
    let mut keys = Vec::with_capacity(storage.storage_keys.len());
    for (n, key) in storage.storage_keys.iter().enumerate() {
        keys.push(
            storage_key(key, size)
                .map_err(|reason| refuse(&format!("storage_keys[{n}]"), reason))?,
        );
    }
    let extents: Vec<Extent> = storage
        .ranges
        .into_iter()
        .map(|range| Extent {
            addr: range.addr.0,
            bytes: range.hex.0,
        })
        .collect();
    let spans: Vec<(u64, usize)> = extents.iter().map(|x| (x.addr, x.bytes.len())).collect();
    let span = |n: usize| {
        let (addr, len) = spans.get(n).copied().unwrap_or_default();
        format!("{} from {addr:#x} on", count(len as u64))
    };
    Memory::new(size, fill, extents, keys).map_err(|bad| match bad {
        BadExtent::Outside(n) => refuse(
            &format!("ranges[{n}]"),
            format!(
                "{} do not lie in the {size:#x} bytes of memory.size",
                span(n)
            ),
        ),
        BadExtent::Overlap(a, b) => refuse(
            &format!("ranges[{b}]"),
            format!("{} overlap memory.ranges[{a}], {}", span(b), span(a)),
        ),
    })
}

fn schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<()>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        SCHEMA => Ok(Some(())),
        other => Err(D::Error::custom(format_args!(
            "`{other}` is not known; this tool reads `{SCHEMA}`"
        ))),
    }
}

fn orb<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RawOrb, D::Error> {
    let bytes = Hex::deserialize(deserializer)?.0;
    <[u8; ORB_SIZE]>::try_from(bytes.as_slice())
        .map(RawOrb)
        .map_err(|_| {
            D::Error::custom(format_args!(
                "an ORB has {ORB_SIZE} bytes (64 hex digits), this one {}",
                bytes.len()
            ))
        })
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = Number::deserialize(deserializer)?.0;
    if size > SIZE_LIMIT {
        return Err(D::Error::custom(format_args!(
            "{size:#x} bytes are more than the {SIZE_LIMIT:#x} (64 TiB) that are allowed"
        )));
    }
    if size % PAGE != 0 {
        return Err(D::Error::custom(format_args!(
            "{size:#x} is not a multiple of 0x1000: storage comes in 4 KiB blocks"
        )));
    }
    Ok(size)
}

fn fill<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match Hex::deserialize(deserializer)?.0.as_slice() {
        &[fill] => Ok(fill),
        other => Err(D::Error::custom(format_args!(
            "one byte (2 hex digits) is needed, not {}",
            other.len()
        ))),
    }
}

fn storage_key(key: &Key, size: u64) -> Result<StorageKey, String> {
    let (addr, len) = (key.addr.0, key.len.0);
    let value = u8::try_from(key.key.0).ok().filter(|&value| value < 16);
    let value = value.ok_or_else(|| format!("key {} is not one of 0-15", key.key.0))?;
    if addr.checked_add(len).is_none_or(|end| end > size) {
        return Err(format!(
            "{len:#x} bytes from {addr:#x} on do not lie in the {size:#x} bytes of memory.size"
        ));
    }
    if addr % PAGE != 0 || len % PAGE != 0 {
        return Err(format!(
            "a storage key belongs to a block of 4 KiB: {addr:#x} and {len:#x} must be multiples \
             of 0x1000"
        ));
    }
    Ok(StorageKey {
        addr,
        len,
        key: value,
        fetch_protect: key.fetch_protect,
    })
}

/// Reads `bytes` as one JSON value of the shape `T`.
fn parse<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let (value, member) = match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => match json.end() {
            Ok(()) => return Ok(value),
            Err(error) => (error, None),
        },
        Err(error) => {
            let member = error.path().to_string();
            (
                error.into_inner(),
                Some(member).filter(|m| m != "." && !m.contains('?')),
            )
        }
    };
    Err(refusal(&value, member))
}

fn refusal(error: &serde_json::Error, member: Option<String>) -> Refusal {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&text);
    let (member, reason) = match error.classify() {
        Category::Eof => (
            member,
            format!("the file ends in the middle of the JSON: {text}"),
        ),
        Category::Syntax => (member, format!("not JSON: {text}")),
        Category::Data | Category::Io => (member, text.to_owned()),
    };
    (
        Place::At {
            line,
            column,
            member,
        },
        reason,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORB: &str = "0000000000c2ff00000100000000000000000000000000000000000000000000";

    fn document(memory: &str) -> String {
        format!(r#"{{"schema":"ccwprog/1","name":"n","orb":{{"raw":"{ORB}"}},"memory":{memory}}}"#)
    }

    fn error(text: &str) -> String {
        let (place, reason) = decode(text.as_bytes(), "stem".into()).unwrap_err();
        super::super::InputError {
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
        let key = StorageKey {
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
        assert!(error("[1]").contains("invalid"));
    }

    #[test]
    fn what_should_be_an_object_is_said_to_be_one() {
        assert!(
            error("7").ends_with("f:1:1: invalid type: integer `7`, expected an object, `{...}`")
        );
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
        assert!(of(r#"{"size":"12g"}"#).contains("memory.size: `12g` is not a number"));
        assert!(of(r#"{"size":"0x10000000000000000"}"#).contains("does not fit 64 bits"));
        assert!(of(r#"{"size":"0x8000000000000000"}"#).contains(
            ": memory.size: 0x8000000000000000 bytes are more than the 0x400000000000 ("
        ));
        assert!(of(r#"{"size":"0x1000","default_fill":"0000"}"#).contains("memory.default_fill"));
        let range = |ranges: &str| of(&format!(r#"{{"size":"0x1000","ranges":[{ranges}]}}"#));
        assert!(
            range(r#"{"addr":0,"hex":"012"}"#)
                .contains("memory.ranges[0].hex: an odd number of hex digits (3); a byte has two")
        );
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
}
