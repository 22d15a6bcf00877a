// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Sense bytes in words.
//!
//! Sources: "Common I/O-Device Commands: Basic Sense" for byte 0, and what a count-key-data disk adds:
//!
//! - byte 0 bit 7, byte 1, and byte 27 bit 0, which tells 24 bytes from 32: IBM Internal Disk Subsystem
//!   Reference Guide, SA22-1025, "ECKD 32-Byte Sense Data Description"; the bits of byte 1 that it leaves
//!   out: the names that Linux has for them (`SNS1_`),
//! - the messages of format 0: what Linux tells of them (`dasd_3990_erp.c`).

use ccw::DeviceClass;

/// Bits of byte 0, which mean the same on every device; the last one is the device's own.
const FIRST: [&str; 7] = [
    "command reject",
    "intervention required",
    "bus-out check",
    "equipment check",
    "data check",
    "overrun",
    "",
];

/// Bits of byte 1 of a count-key-data disk.
const SECOND: [&str; 8] = [
    "permanent error",
    "invalid track format",
    "end of cylinder",
    "message to operator",
    "no record found",
    "file protected",
    "write inhibited",
    "imprecise ending",
];

/// Messages of format 0 of a count-key-data disk: what is wrong with the program.
const MESSAGES: [(u8, &str); 4] = [
    (1, "invalid command"),
    (2, "invalid command sequence"),
    (3, "count of the CCW too low"),
    (4, "invalid parameter"),
];

/// What `sense` says, as far as it is the same on all devices of `class`.
pub(crate) fn words(sense: &[u8], class: DeviceClass) -> String {
    let byte = |at: usize| sense.get(at).copied().unwrap_or_default();
    let mut parts = names(byte(0), &FIRST);
    if class == DeviceClass::Eckd {
        if byte(0) & 0x01 != 0 {
            parts.push("incomplete domain");
        }
        parts.extend(names(byte(1), &SECOND));
    }
    let mut text = parts.join(", ");
    if is_short(sense, class) {
        let (format, message) = (byte(7) >> 4, byte(7) & 0x0f);
        text.push_str(&format!(
            "; 24 bytes of format {format}, message {message:x}"
        ));
        let known = MESSAGES
            .iter()
            .find(|known| format == 0 && known.0 == message);
        if let Some((_, name)) = known {
            text.push_str(&format!(" ({name})"));
        }
    } else if class == DeviceClass::Eckd && sense.len() >= 32 {
        text.push_str("; 32 bytes, whose exception class is the device's own");
    }
    text.trim_start_matches("; ").to_owned()
}

/// Whether `sense` says that a parameter of this command, or of an earlier one, is wrong.
pub(crate) fn is_of_parameters(sense: &[u8], class: DeviceClass) -> bool {
    let byte = |at: usize| sense.get(at).copied().unwrap_or_default();
    is_short(sense, class) && byte(0) & 0x80 != 0 && byte(7) == 0x04
}

/// Whether only the first 24 of the bytes mean something, which byte 27 says.
fn is_short(sense: &[u8], class: DeviceClass) -> bool {
    class == DeviceClass::Eckd
        && sense.len() >= 24
        && sense.get(27).is_none_or(|byte| byte & 0x80 != 0)
}

/// The names of the bits that are one.
fn names<'a>(byte: u8, names: &[&'a str]) -> Vec<&'a str> {
    let bits = names.iter().enumerate();
    let ones = bits.filter(|(n, name)| byte & (0x80 >> n) != 0 && !name.is_empty());
    ones.map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_decides_what_more_bytes_mean() {
        let mut sense = [0; 32];
        (sense[0], sense[7], sense[27]) = (0x80, 0x04, 0x80);
        assert_eq!(
            words(&sense, DeviceClass::Eckd),
            "command reject; 24 bytes of format 0, message 4 (invalid parameter)"
        );
        assert_eq!(words(&sense, DeviceClass::Tape), "command reject");
        sense[27] = 0;
        sense[1] = 0x04;
        assert_eq!(
            words(&sense, DeviceClass::Eckd),
            "command reject, file protected; 32 bytes, whose exception class is the device's own"
        );
        assert_eq!(words(&[0x0a], DeviceClass::Unknown), "data check");
        assert_eq!(words(&[], DeviceClass::Eckd), "");
    }
}
