// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which bits of a subchannel at rest may be one, and which states there are.

use super::*;

/// Bits that may be one or zero while nothing is pending, byte by byte. PoP: SCHIB, PMCW, SCSW.
#[rustfmt::skip]
const FREE: [u8; 52] = [
    0xff, 0xff, 0xff, 0xff, // interruption parameter
    0x38, 0xfc, 0xff, 0xff, // ISC; E, LM, MM, D; device number
    0xff, 0x00, 0xff, 0x00, // LPM, PNOM, LPUM, PIM; two of these were promised to the guest
    0xff, 0xff, 0xff, 0x00, // measurement-block index, POM, PAM
    0x00, 0x00, 0x00, 0x00, // path ids
    0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x07, // F, X, S
    0xf8, 0xfc, 0x00, 0x01, // key, S; F, P, I, A, U, Z; no function, no activity; status pending
    0xff, 0xff, 0xff, 0xff, // CCW address
    0xff, 0xff, 0xff, 0xff, // device status, subchannel status, count
    0xff, 0xff, 0xff, 0xff, // measurement-block address
    0xff, 0xff, 0xff, 0xff,
    0x00, 0x00, 0x00, 0x00, // model-dependent
];

#[test]
fn every_bit_of_the_schib() {
    for (byte, free) in FREE.into_iter().enumerate() {
        for mask in masks() {
            let taken = read(&turned(&rest(), "schib", byte, mask));
            let told = format!("byte {byte}, bit {mask:02x}: {taken:?}");
            assert_eq!(taken.is_ok(), free & mask != 0, "{told}");
        }
    }
    // Address limits of both kinds at once.
    let both = turned(&turned(&rest(), "schib", 5, 0x40), "schib", 5, 0x20);
    assert!(read(&both).is_err());
}

/// The SCSW while status is pending: what is reserved, activity, a function that there is not.
#[test]
fn every_bit_of_status_that_is_pending() {
    for (byte, free) in [
        // Of format 0 an ESW with nothing in it but a path is one as well.
        (28, 0xff),
        // Sense is for a guest that asked for it, as this one did.
        (29, 0xff),
        // Without start this is status of no function, with halt that of a start that was halted.
        (30, 0x60),
        // Pending or not at all.
        (31, 0x1e),
    ] {
        for mask in masks() {
            let taken = read(&turned(&pending(), "schib", byte, mask));
            let told = format!("byte {byte}, bit {mask:02x}: {taken:?}");
            assert_eq!(taken.is_ok(), free & mask != 0, "{told}");
        }
    }
}

/// Without format 0: the path, the time and the ERW's flags without addresses.
#[test]
fn every_bit_of_the_extended_status() {
    for byte in 0..20 {
        let free = match byte {
            1..=3 => 0xff,
            4 => 0x7d,
            // The count of sense bytes only goes with sense.
            _ => 0,
        };
        for mask in masks() {
            let taken = read(&turned(&pending(), "esw", byte, mask));
            let told = format!("byte {byte}, bit {mask:02x}: {taken:?}");
            assert_eq!(taken.is_ok(), free & mask != 0, "{told}");
        }
    }
}

/// Status that nobody asked for: device and subchannel status, and that there is sense.
#[test]
fn every_bit_of_the_status_that_comes_next() {
    for byte in 0..12 {
        let free = match byte {
            1 => 0x02,
            8 | 9 => 0xff,
            _ => 0,
        };
        for mask in masks() {
            let taken = read(&turned(&pending(), "next", byte, mask));
            let told = format!("byte {byte}, bit {mask:02x}: {taken:?}");
            assert_eq!(taken.is_ok(), free & mask != 0, "{told}");
        }
    }
}

#[test]
fn states_that_no_subchannel_comes_into() {
    let scsw = |word0: &str| text(&REST.replace("00c04000", word0));
    for (state, wanted) in [
        (scsw("00c04000"), "no status is pending"),
        (scsw("00002000"), "no status is pending"),
        (scsw("00c04004"), "not pending"),
        (scsw("02000000"), "not pending"),
        (scsw("00c04009"), "goes on"),
        (scsw("00c05001"), "function control"),
        (scsw("00003001"), "function control"),
        (scsw("00c04407"), "activity"),
        (scsw("00c040c7"), "activity"),
        (turned(&pending(), "schib", 5, 0x80), "not enabled"),
        (with(rest(), "esw", "01".repeat(20)), "ESW"),
        (
            with(rest(), "esw", hex("00800000 00000000") + &"0".repeat(24)),
            "not pending",
        ),
        (with(rest(), "ecw", "01".repeat(32)), "not pending"),
        (with(rest(), "next", hex(ATTENTION)), "none is pending"),
        (
            with(
                pending(),
                "next",
                hex(&ATTENTION.replace("00000011", "00c04007")),
            ),
            "unasked",
        ),
        (
            with(turned(&pending(), "schib", 27, 1), "ecw", "01".repeat(32)),
            "did not ask",
        ),
    ] {
        let error = read(&state).expect_err(wanted);
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}
