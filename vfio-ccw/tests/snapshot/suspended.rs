// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a program that stands suspended says of itself.

use super::*;

/// What a suspended program says of itself must be what its subchannel says.
#[test]
fn every_bit_of_a_suspended_program() {
    assert!(read(&standing()).is_ok());
    // The SCSW: N, Z, L and E, a deferred condition code, another function or activity, other status
    // than that of the suspension, another address. Count and what no ORB says are free.
    for (byte, free) in [
        (28, 0x00),
        (29, 0x00),
        (30, 0x00),
        (31, 0x00),
        (32, 0x00),
        (35, 0x00),
        (36, 0x00),
        (37, 0x00),
        (38, 0xff),
        (39, 0xff),
    ] {
        for mask in masks() {
            let taken = read(&turned(&standing(), "schib", byte, mask));
            let told = format!("byte {byte}, bit {mask:02x}: {taken:?}");
            assert_eq!(taken.is_ok(), free & mask != 0, "{told}");
        }
    }
    let with = |field: &str, value: Value| {
        let mut text = standing();
        text["subchannel-1"]["suspended"][field] = value;
        read(&text)
    };
    let orb = |words: &str| Value::from(hex(words) + &"0".repeat(40));
    for (what, wanted) in [
        // Not on a doubleword; beyond 2 GiB; elsewhere.
        (with("at", "0000200c".into()), "not that of the suspended"),
        (with("at", "80002008".into()), "not that of the suspended"),
        (with("at", "00002000".into()), "not that of the suspended"),
        // Without S; a reserved bit; another key; another interruption parameter.
        (
            with("orb", orb("00a0b0c0 00c28000 00002000")),
            "no program suspends",
        ),
        (
            with("orb", orb("00a0b0c0 08c28002 00002000")),
            "no program suspends",
        ),
        (
            with("orb", orb("00a0b0c0 18c28000 00002000")),
            "not that of the suspended",
        ),
        (
            with("orb", orb("00a0b0c1 08c28000 00002000")),
            "not that of the suspended",
        ),
    ] {
        let error = what.expect_err(wanted);
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
    // The guest was promised that its programs do not suspend themselves.
    let mut refused = standing();
    refused["subchannel-1"]["guest"]["policy"]["suspend"] = "refuse".into();
    assert!(read(&refused).is_err());
    // Suspended, and no program; a program, and not suspended.
    let none = self::with(standing(), "suspended", Value::Null);
    assert!(read(&none).unwrap_err().contains("function control"));
    let program = standing()["subchannel-1"]["suspended"].clone();
    assert!(read(&self::with(rest(), "suspended", program)).is_err());
    // With its status, the only kind that may be pending; and until a halt, which that tells of.
    let told = |from: Value, word0: &str| {
        let schib = from["subchannel-1"]["schib"].as_str().unwrap().to_owned();
        read(&self::with(from, "schib", schib.replace("08c04020", word0)))
    };
    assert!(told(standing(), "08c04029").is_ok());
    assert!(told(standing(), "08c04039").is_err());
    assert!(told(standing(), "08c04021").is_err());
    let halted = || self::with(standing(), "suspended", Value::Null);
    assert!(told(halted(), "08c06029").is_ok());
    assert!(told(halted(), "08c06020").is_err());
}
