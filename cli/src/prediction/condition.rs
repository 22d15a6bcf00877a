// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What implementations do with a condition, whatever the rest of the program.

use serde::Serialize;
use translator::Code;

use super::Implementation;
use super::feature::Feature;
use super::rule::Rule;

/// What one implementation does with a condition; also as JSON.
#[derive(Serialize)]
pub(crate) struct Treatment {
    /// The implementation.
    pub(crate) implementation: &'static str,
    answer: &'static str,
    message: &'static str,
    known_by: &'static str,
    #[serde(skip)]
    short: String,
}

impl Treatment {
    /// In words.
    pub(crate) fn text(&self) -> String {
        format!("{}; {} ({})", self.short, self.message, self.known_by)
    }
}

/// What implementations do with `code`, as far as it is known.
pub(crate) fn treatments(code: Code) -> Vec<Treatment> {
    let feature = Feature::of(code);
    let of = |implementation: &Implementation| {
        let rule = decisive(*implementation, feature)?;
        Some(Treatment {
            implementation: implementation.name(),
            answer: rule.outcome.name(),
            message: rule.says,
            known_by: rule.known_by(*implementation),
            short: rule.outcome.text(),
        })
    };
    Implementation::ALL.iter().filter_map(of).collect()
}

/// The rule that decides where a program has `feature`.
pub(super) fn decisive(implementation: Implementation, feature: Feature) -> Option<&'static Rule> {
    let before = feature.under().and_then(|it| implementation.rule(it));
    before
        .filter(|rule| !rule.outcome.goes_on())
        .or_else(|| implementation.rule(feature))
}
