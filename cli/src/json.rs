// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The shapes of what `--format json` prints.

use serde::Serialize;

/// `value` as one line of JSON.
pub(crate) fn line<T: Serialize>(value: &T) -> String {
    // Serialization of our types cannot fail: their keys are strings, and nothing is read.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// An address or another number of storage, such as `"0x1f000"`.
pub(crate) fn hex(value: u64) -> String {
    format!("{value:#x}")
}

/// Bytes as hex digits.
pub(crate) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
