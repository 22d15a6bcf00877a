// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A finding as JSON and as a remark in a listing.

use ccw::{CcwFlags, Guest, GuestAddr, IdawFormat, RawTidaw, Tidaw};
use serde::Serialize;
use translator::{Check, Code, Finding, Program, Severity, Track, Volume};

use crate::against::Against;
use crate::change::Change;
use crate::input::Input;
use crate::place::{Place, orb_word};
use crate::{against, bits, json, undecided};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<against::Entry>,
    check: &'static str,
    message: String,
    fix: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Edit>,
}

/// A change that satisfies the rule, as JSON.
#[derive(Serialize)]
struct Edit {
    /// None for the ORB.
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orb_byte: Option<u64>,
    old: String,
    new: String,
    does: &'static str,
}

/// `findings` about `program`, which is that of `input`, as JSON.
pub(crate) fn entries(input: &Input, program: &Program, findings: &[Finding]) -> Vec<Entry> {
    findings
        .iter()
        .filter(|finding| undecided::missing(finding, input, program).is_none())
        .filter(|finding| !undecided::is_void(finding, input))
        .map(|finding| Entry::of(finding, input, program))
        .collect()
}

impl Edit {
    fn of(change: &Change) -> Self {
        let (at, orb_byte) = match change.at {
            Place::Storage(at) => (Some(json::hex(at)), None),
            Place::Orb(at) => (None, Some(at)),
        };
        Self {
            at,
            orb_byte,
            old: json::digits(&change.old),
            new: json::digits(&change.new),
            does: change.does,
        }
    }
}

impl Entry {
    /// What is there and should be instead.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// `finding` about `program`, which is that of `input`.
    pub(crate) fn of(finding: &Finding, input: &Input, program: &Program) -> Self {
        let Finding {
            code,
            severity,
            site,
        } = finding;
        let address = |addr: Option<GuestAddr>| addr.map(|addr| json::hex(addr.get()));
        let mut message = code.rule().to_owned();
        for more in here(finding, input, program)
            .into_iter()
            .chain(doubt(finding, program))
        {
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
            other: address(site.other),
            against: Against::of(finding, program).as_ref().map(Against::entry),
            check: code.check().name(),
            message,
            fix: code.fix(),
            change: Change::of(finding, input, program).as_ref().map(Edit::of),
        }
    }
}

/// A refusal in a sentence: the condition, the rule, what would satisfy it.
pub(crate) fn refusal(finding: &Finding) -> String {
    let code = finding.code;
    let place = finding
        .site
        .ccw
        .map_or_else(String::new, |ccw| format!(" at the CCW {:08x}", ccw.get()));
    format!("{code}{place}: {}; to get on, {}", code.rule(), code.fix())
}

/// What stands where the rule is broken.
pub(crate) fn here(finding: &Finding, input: &Input, program: &Program) -> Option<String> {
    let facts: Vec<String> = [
        value(finding),
        Some(storage(finding, input)).filter(|text| !text.is_empty()),
        measure(finding, program),
        reach(finding, input),
        finding
            .site
            .other
            .map(|other| format!("the CCW at {:08x} is in its way", other.get())),
        Against::of(finding, program).map(|against| against.text()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!facts.is_empty()).then(|| facts.join("; "))
}

/// The value of the bits that decided.
fn value(finding: &Finding) -> Option<String> {
    let site = &finding.site;
    let bits = site.bits?;
    let place = match site.at {
        Some(at) => format!("of the word at {:08x}", at.get()),
        None if finding.code.check() == Check::UnitCheck => {
            "of the parameters, which another CCW names,".to_owned()
        }
        None => format!("of ORB word {}", orb_word(finding.code)),
    };
    bits::text(site.word.as_bytes(), bits, &place)
}

/// What storage has to do with it: the byte that decided, the end of storage, keys.
fn storage(finding: &Finding, input: &Input) -> String {
    let Finding { code, site, .. } = finding;
    let mut facts = Vec::new();
    if let Some(data) = site.data {
        facts.push(format!(
            "the byte at {:08x} is the first that cannot be used",
            data.get()
        ));
    }
    if code.check() == Check::ProtectionCheck {
        let key = input.orb.0[4] >> 4;
        let guarded = site
            .data
            .or(site.at)
            .and_then(|at| input.memory.key(at.get()));
        let storage_key = guarded.map_or(0, |guarded| guarded.key);
        facts.push(format!("the ORB has key {key}, the storage {storage_key}"));
    }
    if code.name().ends_with("unavail") {
        facts.push(match input.memory.size().checked_sub(1) {
            Some(last) => format!("storage ends with {last:08x}"),
            None => "there is no storage".to_owned(),
        });
    }
    if *code == Code::EnvOverlap {
        facts.push("the program reads this word in before the channel uses it".to_owned());
    }
    facts.join("; ")
}

/// What a rule that names several cases, or a sum, comes to in this program.
fn measure(finding: &Finding, program: &Program) -> Option<String> {
    let orb = program.orb();
    Some(match finding.code {
        Code::IdalAlign => format!("IDAWs have {} bytes here", IdawFormat::of(orb).size()),
        Code::IdawAlign | Code::IdawAlignRb => {
            format!("blocks have {} bytes here", IdawFormat::of(orb).block())
        }
        Code::CcwaWrap | Code::DataWrap | Code::IdalWrap | Code::MidalUnavail => {
            let limit = orb.format.limit();
            format!(
                "addresses of this format end with {:08x}",
                limit.saturating_sub(1)
            )
        }
        Code::EnvTooLong if finding.severity == Severity::Note => {
            "256 CCWs in a row come before this one".to_owned()
        }
        Code::EnvTooLong if program.transport().is_some() => {
            "the list is not read to its end".to_owned()
        }
        Code::EnvTooLong => format!("only the first {} CCWs are read", program.steps().count()),
        Code::MidawPage => {
            let (_, addr) = finding.site.word.as_bytes().split_last_chunk::<8>()?;
            format!("the area begins at {:08x}", u64::from_be_bytes(*addr))
        }
        Code::DcwCountSum => {
            let commands = program.transport()?.commands().flatten();
            let sum: u64 = commands.map(|it| u64::from(it.dcw.data_count)).sum();
            format!("the DCWs' counts add up to {sum}")
        }
        Code::TidawSum => {
            let transport = program.transport()?;
            let before = match transport.block() {
                Some(_) => transport.data_list(),
                None => transport.tccb_list(),
            };
            let count = |raw: &[u8; 16]| u64::from(Tidaw::<Guest>::decode(RawTidaw(*raw)).count);
            let this = count(finding.site.word.as_bytes().first_chunk()?);
            let sum = before
                .entries()
                .fold(this, |sum, (_, raw)| sum + count(&raw.0));
            format!("the counts up to this one add up to {sum}")
        }
        Code::MidawCountOver | Code::MidawSumUnder => {
            let site = &finding.site;
            let step = program.steps().nth(usize::from(site.index?))?;
            let (midaws, _) = step.list.as_chunks::<2>();
            let upto = midaws.get(..=usize::from(site.list_word?))?;
            let counts = upto
                .iter()
                .map(|[first, _]| u16::from_be_bytes([first[6], first[7]]));
            let sum: u64 = counts.map(u64::from).sum();
            format!(
                "the counts up to this one add up to {sum}, the CCW's is {}",
                step.ccw.count
            )
        }
        _ => return None,
    })
}

/// Where a command leads that leaves what the guest has of its disk, and what that is.
fn reach(finding: &Finding, input: &Input) -> Option<String> {
    if finding.code != Code::PolicyExtent {
        return None;
    }
    let site = &finding.site;
    let word = site.word.as_bytes().first_chunk::<4>();
    let where_to = word.filter(|_| site.at != site.ccw && site.bits == Some((0, 31)));
    Some(match input.commands?.volume() {
        Volume::Tracks(tracks) => {
            let place = match where_to {
                Some(&[c, cc, h, hh]) => {
                    // Twelve bits of the second halfword belong to the cylinder.
                    let (low, high) = (u16::from_be_bytes([c, cc]), u16::from_be_bytes([h, hh]));
                    let cylinder = u32::from(high >> 4) << 16 | u32::from(low);
                    format!("that is track {}, ", Track::new(cylinder, high & 0xf))
                }
                None if site.at == site.ccw => "it leads to track 0.0, ".to_owned(),
                None => String::new(),
            };
            format!("{place}the guest has tracks {tracks}")
        }
        Volume::Blocks(blocks) if where_to.is_none() => {
            format!("it leads to block 0, the guest has blocks {blocks}")
        }
        Volume::Blocks(blocks) => {
            format!("the extent is not in blocks {blocks}, which the guest has")
        }
        Volume::Whole(_) => return None,
    })
}

/// Why an error is only a possible one.
pub(crate) fn doubt(finding: &Finding, program: &Program) -> Option<String> {
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
    let read_in = program
        .findings()
        .iter()
        .any(|other| other.code == Code::EnvOverlap && other.site.ccw == finding.site.ccw);
    let text = if read_in {
        "by the time the channel comes here, the program has read something in here"
    } else if step.possible {
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
