// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Predictions in a report and as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::feature::Feature;
use super::rule::Outcome;
use super::{Answer, Gap, Implementation, Prediction, Reason};
use crate::listing::wrap;
use crate::{json, status};

/// Columns of a name with two spaces behind it, and of an answer.
const NAME: usize = 14;
const ANSWER: usize = 28;
/// Column at which reasons are broken into lines.
const WIDTH: usize = 100;

/// What `predictions` say, side by side.
pub(crate) fn text(predictions: &[Prediction]) -> String {
    let mut text = String::new();
    if predictions.is_empty() {
        return text;
    }
    let _ = writeln!(text, "  what becomes of the program as it is:");
    for prediction in predictions {
        let name = prediction.implementation.name();
        let answer = prediction.answer();
        let _ = write!(text, "    {name:NAME$}{answer:ANSWER$}");
        let mut column = 4 + NAME + ANSWER;
        if answer.len() >= ANSWER {
            text.push('\n');
        } else {
            column = 0;
        }
        let lines = prediction.because();
        let width = WIDTH - 4 - NAME - ANSWER;
        for line in lines.iter().flat_map(|line| wrap(line, width)) {
            let _ = writeln!(text, "{:column$}{line}", "");
            column = 4 + NAME + ANSWER;
        }
    }
    text
}

impl Prediction {
    /// The answer in a few words.
    fn answer(&self) -> String {
        let reason = match &self.answer {
            Answer::Unknown(_) => return "not known".to_owned(),
            Answer::Known(reason) => reason,
        };
        match reason.rule.outcome {
            Outcome::Errno(errno, other) if errno == other => errno.to_owned(),
            Outcome::Errno(errno, other) => format!("{errno} (iommufd: {other})"),
            Outcome::OperandException => "operand exception".to_owned(),
            Outcome::Machine => match (reason.end, reason.rule.when) {
                (Some((check, _)), _) => format!("as a machine: {}", status::subchannel(check)),
                (None, Feature::Finds(_)) => "as a machine".to_owned(),
                (None, _) => "carried out".to_owned(),
            },
            Outcome::ProgramCheck(_) => "program check".to_owned(),
            Outcome::Unseen => "does not see it".to_owned(),
            Outcome::MayCheck => "carried out, or a check".to_owned(),
            Outcome::Detail => "carried out, but".to_owned(),
            Outcome::NoDevice => "no such device".to_owned(),
            Outcome::Otherwise => "ends otherwise".to_owned(),
            Outcome::WrongData => "wrong data".to_owned(),
        }
    }

    /// The CCW that it is about.
    pub(crate) const fn ccw(&self) -> Option<u64> {
        match &self.answer {
            Answer::Known(reason) => reason.ccw,
            Answer::Unknown(Gap::NoRule(found) | Gap::Possible(found)) => found.ccw,
            Answer::Unknown(Gap::Undecided | Gap::Missing(_)) => None,
        }
    }

    /// All of it in one line.
    pub(crate) fn line(&self) -> String {
        let name = self.implementation.name();
        format!("{name}: {}; {}", self.answer(), self.because().join("; "))
    }

    /// Why, and what else is met.
    fn because(&self) -> Vec<String> {
        let why = match &self.answer {
            Answer::Known(reason) => reason.text(self.implementation),
            Answer::Unknown(gap) => gap.text(),
        };
        let also = self.also.iter();
        let also = also.map(|reason| format!("also {}", reason.text(self.implementation)));
        std::iter::once(why).chain(also).collect()
    }
}

impl Reason {
    fn text(&self, implementation: Implementation) -> String {
        let mut text = String::new();
        if let Some(ccw) = self.ccw {
            let _ = write!(text, "CCW {ccw:08x}: ");
        }
        let known = self.rule.known_by(implementation);
        let _ = write!(text, "{} ({known})", self.rule.says);
        text
    }
}

impl Gap {
    fn text(&self) -> String {
        match self {
            Self::NoRule(found) => {
                let at = found
                    .ccw
                    .map_or(String::new(), |ccw| format!("CCW {ccw:08x}: "));
                format!("{at}nothing is known of \"{}\"", found.feature.text())
            }
            Self::Possible(found) => format!(
                "it depends on a skip whether \"{}\" is met",
                found.feature.text()
            ),
            Self::Undecided => {
                "it depends on the device, or on bytes that are still to be read".to_owned()
            }
            Self::Missing(at) => format!("the word at {at:08x} is not in this input"),
        }
    }
}

/// A prediction, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    implementation: &'static str,
    answer: &'static str,
    errno: Option<Errno>,
    ccw: Option<String>,
    ccw_address: Option<String>,
    feature: Option<&'static str>,
    message: String,
    known_by: Option<&'static str>,
    source: Option<&'static str>,
    evidence: Option<String>,
    also: Vec<Also>,
}

/// The errno of a refused start, as JSON.
#[derive(Serialize)]
struct Errno {
    type1: &'static str,
    iommufd: &'static str,
}

/// What is met before or besides, as JSON.
#[derive(Serialize)]
struct Also {
    answer: &'static str,
    ccw: Option<String>,
    feature: &'static str,
    message: &'static str,
}

/// `predictions` as JSON.
pub(crate) fn entries(predictions: &[Prediction]) -> Vec<Entry> {
    predictions.iter().map(entry).collect()
}

/// `prediction` as JSON.
pub(crate) fn entry(prediction: &Prediction) -> Entry {
    let also = |reason: &Reason| Also {
        answer: reason.rule.outcome.name(),
        ccw: reason.ccw.map(json::hex),
        feature: reason.rule.when.name(),
        message: reason.rule.says,
    };
    let mut entry = Entry {
        implementation: prediction.implementation.name(),
        answer: "unknown",
        errno: None,
        ccw: None,
        ccw_address: None,
        feature: None,
        message: String::new(),
        known_by: None,
        source: None,
        evidence: None,
        also: prediction.also.iter().map(also).collect(),
    };
    match &prediction.answer {
        Answer::Unknown(gap) => {
            entry.message = gap.text();
            if let Gap::NoRule(found) | Gap::Possible(found) = gap {
                entry.feature = Some(found.feature.name());
                entry.ccw = found.ccw.map(json::hex);
            }
        }
        Answer::Known(Reason { rule, ccw, end }) => {
            entry.answer = rule.outcome.name();
            if let Outcome::Errno(type1, iommufd) = rule.outcome {
                entry.errno = Some(Errno { type1, iommufd });
            }
            entry.ccw = ccw.map(json::hex);
            entry.ccw_address = end.map(|(_, cpa)| json::hex(cpa.into()));
            entry.feature = Some(rule.when.name());
            rule.says.clone_into(&mut entry.message);
            entry.known_by = Some(rule.known_by(prediction.implementation));
            entry.source = Some(rule.source);
            if rule.is_observed(prediction.implementation) {
                entry.evidence = Some(rule.evidence.text());
            }
        }
    }
    entry
}
