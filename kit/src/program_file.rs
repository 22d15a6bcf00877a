// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A channel program in a file (`ccwprog/1`), as `ccwtool` takes it; `tests/programs/README.md`
//! describes the format.
//!
//! Files come from anywhere: nothing is allocated by a number in them, and what is wrong is told.

use std::fmt;

use ccw::{DeviceClass, RawOrb};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

use crate::storage::Storage;

const SCHEMA: &str = "ccwprog/1";
const PAGE: u64 = 4096;
/// Largest storage that a program may declare, as for `ccwtool`.
const SIZE_LIMIT: u64 = 1 << 46;

/// One file, as far as it says what is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct ProgramFile {
    /// Name of the program; empty if the file has none.
    pub name: String,
    /// Type of the device, such as `3390`; empty if nothing is known.
    pub device: String,
    /// The ORB.
    pub orb: RawOrb,
    /// Bytes of storage, a multiple of 4096.
    pub size: u64,
    /// Every byte that is in no range.
    pub fill: u8,
    /// Address and contents, in the file's order; they lie in storage and do not overlap.
    pub ranges: Vec<(u64, Vec<u8>)>,
    /// Storage keys, of which the last counts.
    pub keys: Vec<KeyRange>,
}

/// A storage key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First byte, a multiple of 4096.
    pub addr: u64,
    /// Bytes, a multiple of 4096.
    pub len: u64,
    /// Access-control bits, 0-15.
    pub key: u8,
    /// The key protects against fetching too.
    pub fetch_protect: bool,
}

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    device: Device,
    orb: Orb,
    memory: Memory,
}

#[derive(Default, Serialize, Deserialize)]
struct Device {
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct Orb {
    raw: Hex,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    size: Number,
    #[serde(default = "zero")]
    default_fill: Hex,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    storage_keys: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
struct Range {
    addr: Number,
    hex: Hex,
}

#[derive(Serialize, Deserialize)]
struct Key {
    addr: Number,
    len: Number,
    key: u8,
    #[serde(default)]
    fetch_protect: bool,
}

fn zero() -> Hex {
    Hex(vec![0])
}

impl ProgramFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    fn of(document: Document) -> Result<Self, String> {
        if document.schema != SCHEMA {
            return Err(format!("schema: this is not `{SCHEMA}`"));
        }
        let memory = document.memory;
        let orb = <[u8; 32]>::try_from(document.orb.raw.0.as_slice());
        let orb = orb.map_err(|_| "orb.raw: an ORB has 32 bytes".to_owned())?;
        let size = memory.size.0;
        if size > SIZE_LIMIT || !size.is_multiple_of(PAGE) {
            return Err(format!(
                "memory.size: {size:#x} is no size of storage: 4 KiB blocks, up to {SIZE_LIMIT:#x} bytes"
            ));
        }
        let &[fill] = memory.default_fill.0.as_slice() else {
            return Err("memory.default_fill: one byte is needed".to_owned());
        };
        let ranges = memory.ranges.into_iter();
        let file = Self {
            name: document.name,
            device: document.device.kind,
            orb: RawOrb(orb),
            size,
            fill,
            ranges: ranges
                .map(|range| (range.addr.0, range.hex.0))
                .filter(|(_, bytes)| !bytes.is_empty())
                .collect(),
            keys: Vec::new(),
        };
        file.apart()?;
        let keys = memory.storage_keys.into_iter().enumerate();
        let keys = keys.map(|(n, key)| {
            let (addr, len) = (key.addr.0, key.len.0);
            let blocks = addr.is_multiple_of(PAGE) && len.is_multiple_of(PAGE);
            let inside = addr.checked_add(len).is_some_and(|end| end <= size);
            if !blocks || !inside || key.key > 15 {
                return Err(format!(
                    "memory.storage_keys[{n}]: no key 0-15 of 4 KiB blocks of storage"
                ));
            }
            Ok(KeyRange {
                addr,
                len,
                key: key.key,
                fetch_protect: key.fetch_protect,
            })
        });
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self { keys, ..file })
    }

    /// Every range lies in storage, and none over another.
    fn apart(&self) -> Result<(), String> {
        let end = |(at, bytes): &(u64, Vec<u8>)| at.checked_add(bytes.len() as u64);
        let mut order: Vec<&(u64, Vec<u8>)> = self.ranges.iter().collect();
        order.sort_by_key(|(at, _)| *at);
        let mut free = 0;
        for range in order {
            match end(range) {
                Some(behind) if range.0 >= free && behind <= self.size => free = behind,
                _ => {
                    return Err(format!(
                        "memory.ranges: {} bytes at {:#x} lie over others, or outside of storage",
                        range.1.len(),
                        range.0
                    ));
                }
            }
        }
        Ok(())
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers");
        text.push('\n');
        text
    }

    /// The kind of device.
    pub fn device_class(&self) -> DeviceClass {
        DeviceClass::from_type(&self.device)
    }

    /// Guest storage. Keys are kept page by page: not for files of others.
    pub fn storage(&self) -> Storage {
        let mut storage = Storage::new(self.size);
        for (at, bytes) in &self.ranges {
            storage.write(*at, bytes);
        }
        for range in &self.keys {
            let key = translator::StorageKey {
                access: range.key,
                fetch_protected: range.fetch_protect,
            };
            storage.set_key(range.addr, range.len, key);
        }
        storage
    }
}

impl TryFrom<Document> for ProgramFile {
    type Error = String;

    fn try_from(document: Document) -> Result<Self, String> {
        Self::of(document)
    }
}

impl From<ProgramFile> for Document {
    fn from(file: ProgramFile) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            name: file.name.clone(),
            device: Device {
                kind: file.device.clone(),
            },
            orb: Orb {
                raw: Hex(file.orb.0.to_vec()),
            },
            memory: Memory {
                size: Number(file.size),
                default_fill: Hex(vec![file.fill]),
                ranges: file
                    .ranges
                    .iter()
                    .map(|(at, bytes)| Range {
                        addr: Number(*at),
                        hex: Hex(bytes.clone()),
                    })
                    .collect(),
                storage_keys: file
                    .keys
                    .iter()
                    .map(|key| Key {
                        addr: Number(key.addr),
                        len: Number(key.len),
                        key: key.key,
                        fetch_protect: key.fetch_protect,
                    })
                    .collect(),
            },
        }
    }
}

/// `"0x1f"`, `"31"` or 31.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(pub(crate) u64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:#x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a string such as \"0x1f000\"")
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
                    Some(digits) => (digits, 16),
                    None => (text, 10),
                };
                let digit = digits.starts_with(|c: char| c.is_digit(radix));
                let number = u64::from_str_radix(digits, radix).ok().filter(|_| digit);
                number
                    .map(Number)
                    .ok_or_else(|| E::custom(format_args!("{text:?} is not a number")))
            }
        }
        from.deserialize_any(Reader)
    }
}

/// Bytes as pairs of hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(D::Error::custom("an odd number of hex digits"));
        };
        let digit = |c: u8| char::from(c).to_digit(16).map(|digit| digit as u8);
        let pair = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(pair).collect();
        let bytes = bytes.ok_or_else(|| D::Error::custom("not only hex digits"))?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn what_is_wrong_is_told() {
        for (memory, told) in [
            (r#"{"size":1}"#, "memory.size"),
            (r#"{"size":"0xfffffffffffff000"}"#, "memory.size"),
            (r#"{"size":"+1"}"#, "not a number"),
            (r#"{"size":4096,"default_fill":""}"#, "default_fill"),
            (
                r#"{"size":4096,"ranges":[{"addr":4095,"hex":"0000"}]}"#,
                "2 bytes at 0xfff",
            ),
            (
                r#"{"size":4096,"ranges":[{"addr":8,"hex":"0000"},{"addr":7,"hex":"0000"}]}"#,
                "2 bytes at 0x8",
            ),
            (
                r#"{"size":4096,"ranges":[{"addr":"0xffffffffffffffff","hex":"00"}]}"#,
                "1 bytes at 0xffff",
            ),
            (
                r#"{"size":4096,"ranges":[{"addr":0,"hex":"0"}]}"#,
                "odd number",
            ),
            (
                r#"{"size":4096,"ranges":[{"addr":0,"hex":"+1"}]}"#,
                "hex digits",
            ),
            (
                r#"{"size":4096,"storage_keys":[{"addr":0,"len":8192,"key":1}]}"#,
                "storage_keys[0]",
            ),
            (
                r#"{"size":4096,"storage_keys":[{"addr":0,"len":4096,"key":16}]}"#,
                "storage_keys[0]",
            ),
        ] {
            let error = parse(memory).unwrap_err();
            assert!(error.contains(told), "{memory}: {error}");
        }
    }
}
