// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A finding as a remark in a listing.

use translator::{Check, Finding, Program};

use super::line::Mark;
use crate::change::Change;
use crate::excerpt;
use crate::finding::{doubt, here};
use crate::input::Input;
use crate::undecided;

/// The remark for `finding`: its name, the rule, what is there instead, what would satisfy it.
pub(super) fn mark(finding: &Finding, input: &Input, program: &Program) -> Mark {
    if let Some(missing) = undecided::missing(finding, input, program) {
        return Mark {
            bits: None,
            text: vec![format!("undecided: {}", missing.text())],
            excerpt: Vec::new(),
        };
    }
    let code = finding.code;
    let mut text = vec![
        format!("{} {code}", finding.severity.name()),
        format!("rule: {}", code.rule()),
    ];
    text.extend(here(finding, input, program).map(|here| format!("here: {here}")));
    text.extend(doubt(finding, program).map(|doubt| format!("but:  {doubt}")));
    text.push(format!("fix:  {}", code.fix()));
    if let Some(change) = Change::of(finding, input, program) {
        let Change { does, .. } = change;
        text.push(format!("try:  {}, which {does}", change.text()));
    }
    // Parameters are not shown, so nothing of them can be marked.
    let shown = code.check() != Check::UnitCheck || finding.site.at == finding.site.ccw;
    let bits = finding.site.bits.filter(|_| shown);
    let bits = bits.map(|(first, last)| (first.into(), last.into()));
    Mark {
        bits,
        text,
        excerpt: excerpt::of(finding, input).unwrap_or_default(),
    }
}
