// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Texts that were changed at random.

use proptest::prelude::*;

use super::*;

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
