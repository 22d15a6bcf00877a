// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Snapshots as text: what is written, and what of anything else is read.

use ccw::SubsystemId;
use css::device::scripted::Scripted;
use proptest::prelude::*;
use serde_json::{Value, json};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    ConditionCode, CrwQueue, Mediator, MediatorConfig, ShadowWindow, Snapshot, WindowConfig,
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
                "suspend": "segments",
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

#[test]
fn every_version_but_the_first() {
    let one = rest()["subchannel-1"].clone();
    for version in ["subchannel-0", "subchannel-2", "1", "", "subchannel-1 "] {
        // The version comes first: nothing else is looked at.
        for content in [one.clone(), json!({ "new": 1 }), json!(7)] {
            let error = read(&json!({ version: content })).unwrap_err();
            assert!(error.contains("unknown variant"), "{error}");
        }
    }
    let both = json!({ "subchannel-1": one, "subchannel-2": one });
    assert!(read(&both).is_err());
    assert!(read(&json!("subchannel-1")).is_err());
}

/// The objects in `text`, by the way that leads to them.
fn objects(text: &Value, way: &str, found: &mut Vec<String>) {
    if let Value::Object(fields) = text {
        found.push(way.into());
        for (name, value) in fields {
            objects(value, &format!("{way}/{name}"), found);
        }
    }
}

#[test]
fn unknown_and_missing_fields_of_every_object() {
    let mut ways = Vec::new();
    objects(&rest(), "", &mut ways);
    assert_eq!(ways.len(), 8, "{ways:?}");
    for way in &ways {
        let mut more = rest();
        more.pointer_mut(way).unwrap()["more"] = 1.into();
        assert!(read(&more).is_err(), "more in {way}");
        let whole = rest();
        let fields = whole.pointer(way).unwrap().as_object().unwrap();
        for name in fields.keys() {
            let mut less = rest();
            less.pointer_mut(way)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(name);
            assert!(read(&less).is_err(), "{way} without {name}");
        }
    }
}

#[test]
fn digits_are_so_many_and_in_lower_case() {
    for wrong in [
        "",
        "0",
        "000100120",
        "0001001",
        "0001001G",
        "0001001A",
        "00é01",
        "+0010012",
    ] {
        assert!(read(&with(rest(), "id", wrong)).is_err(), "{wrong}");
    }
    // A word that names no subchannel; an address at which no limit can lie.
    assert!(read(&with(rest(), "id", "00000012")).is_err());
    assert!(read(&with(rest(), "address_limit", "00010001")).is_err());
    assert!(read(&with(rest(), "address_limit", "80000000")).is_err());
    let limit = read(&with(rest(), "address_limit", "00010000")).unwrap();
    assert_eq!(limit.address_limit().map(|at| at.get()), Some(0x1_0000));
}

#[test]
fn reports_are_few_and_different() {
    let reports = |reports: Vec<String>| with(rest(), "reports", reports);
    let path = |id: usize| format!("{:08x}", 0x0406_0000 | id);
    let most = CrwQueue::CAPACITY;
    assert!(read(&reports((0..most).map(path).collect())).is_ok());
    assert!(read(&reports((0..most + 1).map(path).collect())).is_err());
    assert!(read(&reports(vec![path(1), path(1)])).is_err());
    assert!(read(&reports(vec!["00000000".into()])).is_err());
    for bit in 0..32 {
        let report = format!("{:08x}", 0x0406_0021_u32 ^ 1 << bit);
        let taken = read(&reports(vec![report.clone()]));
        assert_eq!(taken.is_ok(), ![31, 22].contains(&bit), "{report}");
    }
}

/// A change of a text.
#[derive(Clone, Debug)]
enum Change {
    /// Bytes are replaced.
    Bytes(usize, usize, String),
    /// A digit of a field of digits is replaced.
    Digit(usize, usize, char),
    /// A value is replaced.
    Value(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), 0..4_usize, "[ -~]{0,4}").prop_map(|(at, n, by)| Change::Bytes(at, n, by)),
        (any::<usize>(), any::<usize>(), prop::char::range('0', 'f'))
            .prop_map(|(field, at, by)| Change::Digit(field, at, by)),
        (any::<usize>(), any::<usize>()).prop_map(|(at, by)| Change::Value(at, by)),
    ]
}

fn changed(text: &Value, change: &Change) -> String {
    let mut value = text.clone();
    match change {
        Change::Bytes(at, n, by) => {
            let text = text.to_string();
            let at = at % text.len();
            let end = (at + n).min(text.len());
            format!("{}{by}{}", &text[..at], &text[end..])
        }
        Change::Digit(field, at, by) => {
            let fields = ["id", "schib", "schib", "schib", "esw", "ecw", "next"];
            let way = format!("/subchannel-1/{}", fields[field % fields.len()]);
            if let Some(field) = value.pointer_mut(&way)
                && let Some(digits) = field.as_str().filter(|digits| digits.is_ascii())
                && !digits.is_empty()
            {
                let at = at % digits.len();
                *field = format!("{}{by}{}", &digits[..at], &digits[at + 1..]).into();
            }
            value.to_string()
        }
        Change::Value(at, by) => {
            let mut ways = Vec::new();
            all(&value, "", &mut ways);
            let way = &ways[at % ways.len()];
            let others = [
                Value::Null,
                json!(true),
                json!(0),
                json!(-1),
                json!(65536),
                json!(1e300),
                json!("host"),
                json!("any"),
                json!([]),
                json!({}),
                json!([0, 1, 2, 3, 4, 5, 6, 7]),
                json!("0".repeat(128)),
            ];
            *value.pointer_mut(way).expect("there") = others[by % others.len()].clone();
            value.to_string()
        }
    }
}

/// The way to every value in `text`.
fn all(text: &Value, way: &str, found: &mut Vec<String>) {
    found.push(way.into());
    match text {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                all(value, &format!("{way}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                all(value, &format!("{way}/{n}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 8 * ProptestConfig::default().cases,
        ..ProptestConfig::default()
    })]

    /// Whatever is read is a subchannel at rest: it is set up, and it is what was read. When the
    /// guest has tested all of its status, nothing is left.
    #[test]
    fn what_is_read_can_be_gone_on_with(
        waits in 0..3,
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let mut text = match waits {
            0 => rest(),
            1 => pending(),
            _ => standing(),
        };
        let mut last = text.to_string();
        for change in &changes {
            last = changed(&text, change);
            text = match serde_json::from_str(&last) {
                Ok(text) => text,
                Err(_) => break,
            };
        }
        let Ok(snapshot) = serde_json::from_str::<Snapshot>(&last) else {
            return Ok(());
        };
        let again = serde_json::to_string(&snapshot).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Snapshot>(&again).unwrap(), &snapshot);
        if snapshot.guest().policy.max_ccws > 4096 {
            return Ok(());
        }
        let mut sch = restored(&snapshot);
        if sch.snapshot().as_ref() != Ok(&snapshot) {
            // The paths, if the guest sees the host's.
            prop_assert_eq!(snapshot.guest().paths, vfio_ccw::mediator::Paths::Host);
        }
        let mut events = Vec::new();
        let enabled = snapshot.schib().0[5] & 0x80 != 0;
        let mut tests = 0;
        while sch.tsch(&mut events).0 == ConditionCode::Cc0 {
            tests += 1;
        }
        prop_assert!(tests <= 2);
        let scsw = &sch.stsch(&mut events).0[28..40];
        // A program that stands suspended stays so.
        let stands = scsw[2] & 0x7f == 0x40 && scsw[3] == 0x20;
        prop_assert!(!enabled || stands || (scsw[2] & 0x7f == 0 && scsw[3] == 0), "{:02x?}", scsw);
        prop_assert!(sch.is_quiet());
    }
}

/// Sense that is the mediator's, and not the device's: up to 32 bytes of it.
#[test]
fn sense_that_is_still_to_be_told() {
    let sense = |len: u8| json!({ "bytes": format!("0004{}", "0".repeat(60)), "len": len });
    for len in [0, 24, 32] {
        let text = with(rest(), "sense", sense(len));
        let snapshot = read(&text).unwrap();
        assert_eq!(serde_json::to_value(&snapshot).unwrap(), text);
    }
    assert!(read(&with(rest(), "sense", sense(33))).is_err());
    // Usually there is none, and nothing is written down.
    let none = serde_json::to_value(read(&rest()).unwrap()).unwrap();
    assert_eq!(none["subchannel-1"].get("sense"), None);
}
