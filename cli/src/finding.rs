// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A finding as JSON and as a remark in a listing.

use ccw::{CcwFlags, GuestAddr};
use serde::Serialize;
use translator::{Check, Code, Finding, Program, Severity};

use crate::json;
use crate::listing::Mark;

/// A finding, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    id: &'static str,
    code: &'static str,
    severity: &'static str,
    ccw: Option<String>,
    index: Option<u16>,
    list_word: Option<u16>,
    at: Option<String>,
    bytes: String,
    bits: Option<String>,
    data: Option<String>,
    check: &'static str,
    message: String,
    fix: &'static str,
}

/// The findings of `program`, as JSON.
pub(crate) fn entries(program: &Program) -> Vec<Entry> {
    program
        .findings()
        .iter()
        .map(|finding| Entry::of(finding, program))
        .collect()
}

impl Entry {
    fn of(finding: &Finding, program: &Program) -> Self {
        let Finding {
            code,
            severity,
            site,
        } = finding;
        let address = |addr: Option<GuestAddr>| addr.map(|addr| json::hex(addr.get()));
        let mut message = code.rule().to_owned();
        for more in here(finding).into_iter().chain(doubt(finding, program)) {
            message.push_str("; ");
            message.push_str(&more);
        }
        Self {
            id: code.id(),
            code: code.name(),
            severity: severity.name(),
            ccw: address(site.ccw),
            index: site.index,
            list_word: site.list_word,
            at: address(site.at),
            bytes: json::digits(site.word.as_bytes()),
            bits: site.bits.map(|(first, last)| format!("{first}-{last}")),
            data: address(site.data),
            check: code.check().name(),
            message,
            fix: code.fix(),
        }
    }
}

/// The remark for `finding`: its name, the rule, what is there instead, what would satisfy it.
pub(crate) fn mark(finding: &Finding, program: &Program) -> Mark {
    let code = finding.code;
    let mut text = vec![
        format!("{} {code}", finding.severity.name()),
        format!("rule: {}", code.rule()),
    ];
    text.extend(here(finding).map(|here| format!("here: {here}")));
    text.extend(doubt(finding, program).map(|doubt| format!("but:  {doubt}")));
    text.push(format!("fix:  {}", code.fix()));
    let bits = finding
        .site
        .bits
        .map(|(first, last)| (first.into(), last.into()));
    Mark { bits, text }
}

/// What stands where the rule is broken.
fn here(finding: &Finding) -> Option<String> {
    let site = &finding.site;
    let bits = site.bits.and_then(|(first, last)| {
        let value = field(site.word.as_bytes(), first, last)?;
        let digits = (usize::from(last - first) + 4) / 4;
        let word = match site.at {
            Some(at) => format!("of the word at {:08x}", at.get()),
            None => format!("of ORB word {}", orb_word(finding.code)),
        };
        Some(if first == last {
            format!("bit {first} {word} is {value}")
        } else {
            format!("bits {first}-{last} {word} are {value:0digits$x}")
        })
    });
    let data = site
        .data
        .map(|data| format!("the first byte concerned is {:08x}", data.get()));
    match (bits, data) {
        (Some(bits), Some(data)) => Some(format!("{bits}; {data}")),
        (bits, data) => bits.or(data),
    }
}

/// Bits `first` to `last` of `bytes`, unless they are more than 64 or not there.
fn field(bytes: &[u8], first: u8, last: u8) -> Option<u64> {
    let width = u32::from(last.checked_sub(first)?) + 1;
    let mut wide = [0; 16];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    if width > 64 || usize::from(last) >= bytes.len() * 8 {
        return None;
    }
    let value = u128::from_be_bytes(wide) << first >> (128 - width);
    u64::try_from(value).ok()
}

/// The word of the ORB that a finding without an address is about.
pub(crate) const fn orb_word(code: Code) -> usize {
    match code {
        Code::OrbCpaBit0
        | Code::TcwAlign
        | Code::CcwaAlignCpa
        | Code::CcwaCpa16m
        | Code::CcwaCpaUnavail => 2,
        Code::OrbExtRsvd => 3,
        _ => 1,
    }
}

/// Why an error is only a possible one.
fn doubt(finding: &Finding, program: &Program) -> Option<String> {
    if finding.severity == Severity::Error || finding.code.check() == Check::None {
        return None;
    }
    let index = usize::from(finding.site.index?);
    let step = program.steps().nth(index)?;
    let before = index
        .checked_sub(1)
        .and_then(|before| program.steps().nth(before));
    let searched = before.is_some_and(|before| {
        before.at.checked_add(8) == Some(step.at)
            && before.ccw.flags.contains(CcwFlags::CHAIN_COMMAND)
            && !before.tic
    });
    let text = if step.possible {
        "the channel comes here only if the command before ends with status modifier and skips a CCW"
    } else if searched && finding.code.check() != Check::None && !after_error(finding, program) {
        "the channel passes this over if the command before ends with status modifier"
    } else {
        "whether the channel comes here at all is decided by what stands before it"
    };
    Some(text.to_owned())
}

/// Whether an error or doubt comes before `finding`.
fn after_error(finding: &Finding, program: &Program) -> bool {
    program
        .findings()
        .iter()
        .take_while(|other| *other != finding)
        .any(|other| other.severity == Severity::Error || other.code == Code::EnvOverlap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_count_bits_from_the_left() {
        let word = [0x12, 0x34, 0x56, 0x78];
        assert_eq!(field(&word, 0, 3), Some(1));
        assert_eq!(field(&word, 12, 19), Some(0x45));
        assert_eq!(field(&word, 31, 31), Some(0));
        assert_eq!(field(&word, 0, 31), Some(0x1234_5678));
        assert_eq!(field(&word, 24, 32), None);
        assert_eq!(field(&word, 5, 4), None);
        assert_eq!(field(&[0xff; 16], 64, 127), Some(u64::MAX));
        assert_eq!(field(&[0xff; 16], 0, 127), None);
        assert_eq!(field(&[], 0, 0), None);
    }
}
