// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Versions, fields and digits: what is not as it is written is not read.

use vfio_ccw::mediator::CrwQueue;

use super::*;

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
