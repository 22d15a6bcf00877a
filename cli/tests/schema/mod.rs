// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! As much of JSON Schema (draft 7) as the schema of SARIF uses. A keyword that is not known here is a
//! failure of the test, not passed over.

use serde_json::Value;

/// What is wrong with `value` by `schema`, which is a part of `root`; each with its place.
pub(crate) fn errors(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let object = schema.as_object().unwrap();
    if let Some(reference) = object.get("$ref") {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        return self::errors(root, root.pointer(pointer).unwrap(), value, at);
    }
    let mut require = |kept: bool, what: String| {
        if !kept {
            errors.push(format!("{at}: {what}"));
        }
    };
    let mut parts: Vec<(&Value, &Value, String)> = Vec::new();
    for (keyword, rule) in object {
        match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "default" | "definitions" => {}
            "type" => {
                let types = rule.as_array().cloned().unwrap_or(vec![rule.clone()]);
                let is = types.iter().any(|name| is(value, name.as_str().unwrap()));
                require(is, format!("not of type {rule}"));
            }
            "enum" => {
                let known = rule.as_array().unwrap().contains(value);
                require(known, format!("{value} is none of {rule}"));
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    let there = value.get(name.as_str().unwrap()).is_some();
                    require(!value.is_object() || there, format!("no member {name}"));
                }
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = rule.get(name) {
                        parts.push((rule, value, format!("{at}/{name}")));
                    }
                }
            }
            "additionalProperties" => {
                let named = object.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    if named.is_some_and(|named| named.contains_key(name)) {
                        continue;
                    }
                    match rule {
                        Value::Bool(allowed) => {
                            require(*allowed, format!("there is no member {name}"));
                        }
                        rule => parts.push((rule, value, format!("{at}/{name}"))),
                    }
                }
            }
            "items" => {
                for (n, value) in value.as_array().into_iter().flatten().enumerate() {
                    parts.push((rule, value, format!("{at}/{n}")));
                }
            }
            "minItems" => {
                let count = value.as_array().map_or(usize::MAX, Vec::len) as u64;
                require(count >= rule.as_u64().unwrap(), "too few items".to_owned());
            }
            "uniqueItems" => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                let twice = items
                    .iter()
                    .enumerate()
                    .any(|(n, item)| items[..n].contains(item));
                require(!twice, "an item is there twice".to_owned());
            }
            "minimum" | "maximum" => {
                if let Some(number) = value.as_f64() {
                    let limit = rule.as_f64().unwrap();
                    let kept = if keyword == "minimum" {
                        number >= limit
                    } else {
                        number <= limit
                    };
                    require(kept, format!("{number} is beyond {limit}"));
                }
            }
            "format" => {
                assert!(["uri", "uri-reference", "date-time"].contains(&rule.as_str().unwrap()));
                let text = value.as_str().unwrap_or_default();
                let plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
                require(text.chars().all(plain), format!("{text} is no URI"));
                if rule == "uri" {
                    require(text.contains(':'), format!("{text} has no scheme"));
                }
            }
            "anyOf" | "oneOf" => {
                let all = rule.as_array().unwrap().iter();
                let fits = all.filter(|rule| self::errors(root, rule, value, at).is_empty());
                let fits = fits.count();
                let kept = fits == 1 || keyword == "anyOf" && fits > 0;
                require(kept, format!("{fits} of the cases of {keyword} fit"));
            }
            other => panic!("{at}: the keyword {other} is not known to this test"),
        }
    }
    for (rule, value, at) in parts {
        errors.extend(self::errors(root, rule, value, &at));
    }
    errors
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the type {other} is not known to this test"),
    }
}
