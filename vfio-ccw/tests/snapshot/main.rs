// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Snapshots as text: what is written, and what of anything else is read.

mod bits;
mod fields;
mod random;
mod suspended;

use ccw::SubsystemId;
use css::device::scripted::Scripted;
use serde_json::{Value, json};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    ConditionCode, Mediator, MediatorConfig, ShadowWindow, Snapshot, WindowConfig,
};

/// One that is enabled and at rest: intparm 00a0b0c0, ISC 3, device number 0190, one path of id 21.
const REST: &str = "00a0b0c0 18810190 80008080 0000ff80 21000000 00000000 00000001 \
    00c04000 00002008 0c000000 00000000 00000000 00000000";
/// With the status of a program that went well.
const ENDED: &str = "00a0b0c0 18810190 80008080 0000ff80 21000000 00000000 00000001 \
    00c04007 00002008 0c000000 00000000 00000000 00000000";
/// An attention that comes next.
const ATTENTION: &str = "00000011 00000000 80000000 00800000 00000000 00000000 00000000 00000000 \
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000";

fn hex(text: &str) -> String {
    text.replace(' ', "")
}

fn text(schib: &str) -> Value {
    json!({ "subchannel-1": {
        "id": "00010012",
        "guest": {
            "policy": {
                "facilities": {
                    "transport": false,
                    "midaw": true,
                    "length_suppression": true,
                    "orb_extension": true,
                },
                "device": "unknown",
                "skips": "searches",
                "no_prefetch": "refuse",
                "self_modifying": "refuse",
                "suspend": "parts",
                "max_ccws": 4096,
            },
            "stop": true,
            "halt": true,
            "paths": { "fixed": { "mask": 0x80, "chpid": [0x21, 0, 0, 0, 0, 0, 0, 0] } },
        },
        "identity": { "node_element": null, "characteristics": null },
        "address_limit": null,
        "schib": hex(schib),
        "esw": "0".repeat(40),
        "ecw": "0".repeat(64),
        "next": null,
        "suspended": null,
        "reports": [],
    }})
}

/// At rest: the function control was tested.
fn rest() -> Value {
    text(&REST.replace("00c04000", "00c00000"))
}

/// Status is pending, and an attention comes next.
fn pending() -> Value {
    let mut pending = text(ENDED);
    let fields = &mut pending["subchannel-1"];
    fields["esw"] = hex("00800000 00000000 00000000 00000000 00000000").into();
    fields["next"] = hex(ATTENTION).into();
    pending
}

/// A program at 2000 stands suspended at 2008, a CCW of 4 bytes, and this was told.
fn standing() -> Value {
    let schib = REST.replace("00c04000 00002008 0c000000", "08c04020 00002010 00000004");
    let mut standing = text(&schib);
    standing["subchannel-1"]["suspended"] = json!({
        "orb": hex("00a0b0c0 08c28000 00002000") + &"0".repeat(40),
        "at": "00002008",
        "accepted": true,
    });
    standing
}

fn read(text: &Value) -> Result<Snapshot, String> {
    serde_json::from_str(&text.to_string()).map_err(|error| error.to_string())
}

/// `text` with a field of the snapshot replaced.
fn with(mut text: Value, field: &str, value: impl Into<Value>) -> Value {
    text["subchannel-1"][field] = value.into();
    text
}

/// The same with a bit of a field of digits turned.
fn turned(text: &Value, field: &str, byte: usize, mask: u8) -> Value {
    let digits = text["subchannel-1"][field].as_str().expect("digits");
    let old = u8::from_str_radix(&digits[2 * byte..2 * byte + 2], 16).expect("digits");
    let new = format!("{:02x}", old ^ mask);
    let digits = format!("{}{new}{}", &digits[..2 * byte], &digits[2 * byte + 2..]);
    with(text.clone(), field, digits)
}

fn masks() -> impl Iterator<Item = u8> {
    (0..8).map(|bit| 0x80 >> bit)
}

fn restored(snapshot: &Snapshot) -> Mediator<SoftDevice<Scripted, SoftSpace>> {
    let space = SoftSpace::new();
    let device = SoftDevice::new(Scripted::new([]), space.clone(), SoftConfig::default()).unwrap();
    let config = WindowConfig {
        slots: 1,
        ccw_bytes: 4096,
        list_bytes: 4096,
        ..WindowConfig::default()
    };
    let window = ShadowWindow::new(space, config).unwrap();
    let config = MediatorConfig {
        guest: *snapshot.guest(),
        identity: *snapshot.identity(),
        ..MediatorConfig::new(snapshot.subchannel(), snapshot.device_number())
    };
    Mediator::restore(snapshot, device, window, config, &mut Vec::new()).expect("as it was")
}

#[test]
fn what_is_written_is_what_is_read() {
    let confined = with(rest(), "commands", "000102030405060708090a0b0c0d0e0f");
    for text in [rest(), pending(), standing(), confined] {
        let snapshot = read(&text).unwrap();
        assert_eq!(serde_json::to_value(&snapshot).unwrap(), text);
    }
    let snapshot = read(&pending()).unwrap();
    assert_eq!(snapshot.subchannel(), SubsystemId::new(0, 0x12).unwrap());
    assert_eq!(snapshot.device_number(), 0x190);
    let mut sch = restored(&snapshot);
    assert_eq!(sch.snapshot().as_ref(), Ok(&snapshot));
    let mut events = Vec::new();
    let (code, irb) = sch.tsch(&mut events);
    let irb = irb.expect("status");
    assert_eq!(code, ConditionCode::Cc0);
    assert_eq!(
        irb.0[..12],
        [0, 0xc0, 0x40, 7, 0, 0, 0x20, 8, 0x0c, 0, 0, 0]
    );
    let (code, irb) = sch.tsch(&mut events);
    let irb = irb.expect("status");
    assert_eq!(code, ConditionCode::Cc0);
    assert_eq!(irb.0[..12], [0, 0, 0, 0x11, 0, 0, 0, 0, 0x80, 0, 0, 0]);
}
