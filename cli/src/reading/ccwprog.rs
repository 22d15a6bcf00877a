// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `ccwprog/1`: a channel program with its ORB and storage, as JSON.
//!
//! Members that are not listed here (what the program is expected to do, how it was taken) are
//! passed over.

mod digits;
#[cfg(test)]
mod tests;

use ccw::{ORB_SIZE, RawOrb};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use crate::dump::count;
use crate::fields::{Hex, Number};
use crate::input::{Input, Place, Refusal};
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
        sources: digits::sources(bytes),
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
