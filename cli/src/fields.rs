// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Numbers and bytes as people write them into JSON.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A number: `"0x1f"`, `"31"` or 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a string such as \"0x1f000\"")
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
                    Some(digits) => (digits, 16),
                    None => (text, 10),
                };
                if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
                    return Err(E::custom(format_args!(
                        "`{text}` is not a number (hexadecimal begins with 0x)"
                    )));
                }
                u64::from_str_radix(digits, radix)
                    .map(Number)
                    .map_err(|_| E::custom(format_args!("`{text}` does not fit 64 bits")))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Bytes written as pairs of hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Hex;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string of hex digits")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hex, E> {
                let mut bytes = Vec::with_capacity(text.len() / 2);
                let mut high = None;
                for (n, c) in text.chars().enumerate() {
                    let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                    let digit = digit.ok_or_else(|| {
                        E::custom(format_args!(
                            "character {} ({c:?}) is not a hex digit",
                            n + 1
                        ))
                    })?;
                    high = match high {
                        None => Some(digit << 4),
                        Some(high) => {
                            bytes.push(high | digit);
                            None
                        }
                    };
                }
                if high.is_some() {
                    return Err(E::custom(format_args!(
                        "an odd number of hex digits ({}); a byte has two",
                        text.len()
                    )));
                }
                Ok(Hex(bytes))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}
