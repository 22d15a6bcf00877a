// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The members of a file.

use ccw::{ORB_SIZE, RawOrb};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::misfit::Misfit;
use super::{KeyRange, ProgramFile};
use crate::fields::{Hex, Number};
use crate::memory::{PAGE, apart};

/// The only schema known.
pub(super) const SCHEMA: &str = "ccwprog/1";

/// Largest storage that a program may declare: more than any machine has had.
const SIZE_LIMIT: u64 = 1 << 46;

/// What every file must say before the rest is looked at.
#[derive(Deserialize)]
#[serde(expecting = "an object, `{...}`")]
pub(super) struct Head {
    #[serde(default, deserialize_with = "said")]
    pub(super) schema: Option<Schema>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object, `{...}`")]
pub(super) struct Document {
    schema: Schema,
    #[serde(default, deserialize_with = "or_nothing")]
    name: String,
    #[serde(default, deserialize_with = "or_nothing")]
    device: Device,
    orb: Orb,
    memory: Storage,
}

pub(super) struct Schema;

#[derive(Default, Serialize, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"3390\"}")]
struct Device {
    #[serde(rename = "type", default, deserialize_with = "or_nothing")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object such as {\"raw\": \"64 hex digits\"}")]
struct Orb {
    #[serde(deserialize_with = "orb", serialize_with = "orb_digits")]
    raw: RawOrb,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object such as {\"size\": \"0x1000000\", \"ranges\": []}")]
struct Storage {
    #[serde(deserialize_with = "size")]
    size: Number,
    #[serde(default, deserialize_with = "fill", serialize_with = "fill_digits")]
    default_fill: u8,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    storage_keys: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object such as {\"addr\": \"0x1000\", \"hex\": \"0320\"}")]
struct Range {
    addr: Number,
    hex: Hex,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object such as {\"addr\": \"0x1000\", \"len\": \"0x1000\", \"key\": 6}")]
struct Key {
    addr: Number,
    len: Number,
    #[serde(deserialize_with = "key")]
    key: u8,
    #[serde(default)]
    fetch_protect: bool,
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SCHEMA)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            SCHEMA => Ok(Self),
            other => Err(D::Error::custom(format_args!(
                "`{other}` is not known; this tool reads `{SCHEMA}`"
            ))),
        }
    }
}

impl TryFrom<Document> for ProgramFile {
    type Error = Misfit;

    fn try_from(document: Document) -> Result<Self, Misfit> {
        let memory = document.memory;
        let size = memory.size.0;
        let ranges = memory.ranges.into_iter();
        let mut ranges: Vec<(u64, Vec<u8>)> = ranges.map(|it| (it.addr.0, it.hex.0)).collect();
        let spans: Vec<(u64, usize)> = ranges.iter().map(|(at, it)| (*at, it.len())).collect();
        apart(size, spans.iter().copied()).map_err(|bad| Misfit::ranges(bad, size, &spans))?;
        ranges.retain(|(_, bytes)| !bytes.is_empty());
        let mut keys = Vec::with_capacity(memory.storage_keys.len());
        for (n, key) in memory.storage_keys.into_iter().enumerate() {
            let key = KeyRange {
                addr: key.addr.0,
                len: key.len.0,
                key: key.key,
                fetch_protect: key.fetch_protect,
            };
            Misfit::check_key(n, &key, size)?;
            keys.push(key);
        }
        Ok(Self {
            name: document.name,
            device: document.device.kind,
            orb: document.orb.raw,
            size,
            fill: memory.default_fill,
            ranges,
            keys,
        })
    }
}

impl From<ProgramFile> for Document {
    fn from(file: ProgramFile) -> Self {
        let ranges = file.ranges.into_iter().map(|(addr, bytes)| Range {
            addr: Number(addr),
            hex: Hex(bytes),
        });
        let keys = file.keys.into_iter().map(|key| Key {
            addr: Number(key.addr),
            len: Number(key.len),
            key: key.key,
            fetch_protect: key.fetch_protect,
        });
        Self {
            schema: Schema,
            name: file.name,
            device: Device { kind: file.device },
            orb: Orb { raw: file.orb },
            memory: Storage {
                size: Number(file.size),
                default_fill: file.fill,
                ranges: ranges.collect(),
                storage_keys: keys.collect(),
            },
        }
    }
}

/// What is there is no `null`.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Schema>, D::Error> {
    Schema::deserialize(deserializer).map(Some)
}

/// `null` is as good as nothing.
fn or_nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
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

fn orb_digits<S: Serializer>(orb: &RawOrb, serializer: S) -> Result<S::Ok, S::Error> {
    Hex(orb.0.to_vec()).serialize(serializer)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
    let size = Number::deserialize(deserializer)?;
    let Number(bytes) = size;
    if bytes > SIZE_LIMIT {
        return Err(D::Error::custom(format_args!(
            "{bytes:#x} bytes are more than the {SIZE_LIMIT:#x} (64 TiB) that are allowed"
        )));
    }
    if bytes % PAGE != 0 {
        return Err(D::Error::custom(format_args!(
            "{bytes:#x} is not a multiple of 0x1000: storage comes in 4 KiB blocks"
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn fill_digits<S: Serializer>(fill: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    Hex(vec![*fill]).serialize(serializer)
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let Number(key) = Number::deserialize(deserializer)?;
    let known = u8::try_from(key).ok().filter(|key| *key < 16);
    known.ok_or_else(|| D::Error::custom(format_args!("key {key} is not one of 0-15")))
}
