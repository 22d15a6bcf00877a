// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who finds a condition, in this version.

use translator::Code;

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finder {
    /// `check`, and every verb that judges a program first.
    Check,
    /// What translates.
    Translate,
    /// What runs, for this reason.
    Run(&'static str),
    /// Only the library, for this reason.
    Library(&'static str),
    /// Nothing, for this reason.
    Nothing(&'static str),
}

impl Finder {
    /// In one word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Translate => "translate",
            Self::Run(_) => "run",
            Self::Library(_) => "library",
            Self::Nothing(_) => "nothing",
        }
    }

    /// In a sentence.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Check => "check, show, translate and run",
            Self::Translate => "translate and run, and check with --profile",
            Self::Run(text) | Self::Library(text) | Self::Nothing(text) => text,
        }
    }
}

/// Who finds `code`.
pub(super) const fn of(code: Code) -> Finder {
    match code {
        Code::OrbAlign => Finder::Nothing(
            "nothing in this version: a program's file does not say where its ORB lies",
        ),
        Code::OrbSid => Finder::Nothing(
            "nothing in this version: a program's file does not say what register 1 holds",
        ),
        Code::EnvUnmapped => Finder::Nothing(
            "nothing in this version: storage that does not exist is reported as such (D03, I08, \
             M13), storage that cannot be pinned as H05",
        ),
        Code::OrbLpmNone => {
            Finder::Run("run, whose device has all eight paths, so only for a mask of zero")
        }
        Code::SeqNodataLimit => Finder::Run(
            "run, which ends such a loop with this program check; check remarks upon a loop \
             without a way out as E08 env-loop",
        ),
        Code::OrbBUnsupported
        | Code::OrbDUnsupported
        | Code::OrbLUnsupported
        | Code::OrbXUnsupported => Finder::Library(
            "the library, for a machine without that facility; the machine of this tool has it",
        ),
        Code::EnvMidaw => Finder::Nothing(
            "MIDAWs are carried out on every host: on one that has none by IDAWs, by data chaining, \
             or by way of a copy (E15 where that would not be the same)",
        ),
        Code::DataLimit => Finder::Library(
            "the library, for a subchannel with an address limit; a program's file names none",
        ),
        Code::EnvReadonly => Finder::Library(
            "the library, for storage that is read-only; that of a program's file never is",
        ),
        Code::HostBusy | Code::HostMap | Code::HostPin => Finder::Library(
            "the library, when it starts a program; the storage that this tool lays out cannot \
             fail so",
        ),
        Code::EnvTransport => Finder::Nothing(
            "programs of transport mode are carried out on every host: on one without that mode as \
             CCWs (E13 where that would not be the same)",
        ),
        Code::PolicyCommand
        | Code::PolicyReadOnly
        | Code::PolicyExtent
        | Code::PolicyUnconfined
        | Code::PolicyParameters => Finder::Library("check, with --read-only or --extent"),
        Code::EnvSuspend => Finder::Library(
            "check with --profile; translate, run and submit carry the program out part by part",
        ),
        Code::EnvNotRepeatable => Finder::Library(
            "translate, run and submit, of a program that has to be carried out part by part",
        ),
        Code::EnvTwoWays
        | Code::EnvSkipLayout
        | Code::EnvReadBackward
        | Code::EnvSharedCopy
        | Code::EnvTransportLowering
        | Code::HostBudget
        | Code::HostArena => Finder::Translate,
        _ => Finder::Check,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The sources of the library that name conditions, but for the list of them.
    fn sources() -> String {
        let mut folders = vec![PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../translator/src"
        ))];
        let mut text = String::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name() != Some("code.rs".as_ref()) {
                    text.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        text
    }

    #[test]
    fn what_no_source_names_is_not_said_to_be_found_by_the_library() {
        let sources = sources();
        for &code in Code::ALL {
            let finder = of(code);
            let elsewhere = matches!(finder, Finder::Nothing(_) | Finder::Run(_));
            let name = format!("Code::{code:?}");
            let named = sources.match_indices(&name).any(|(at, _)| {
                let next = sources[at + name.len()..].chars().next();
                !next.is_some_and(char::is_alphanumeric)
            });
            assert_eq!(named, !elsewhere, "{code}: {finder:?}");
        }
    }

    /// As far as the programs of this repository go.
    #[test]
    fn what_check_finds_is_said_to_be_found_by_check() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs");
        let mut found = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            for input in crate::reading::Reading::default()
                .all(&path)
                .unwrap_or_default()
            {
                let program = crate::analysis::judge(&input);
                found.extend(program.findings().iter().map(|finding| finding.code));
            }
        }
        assert!(found.len() > 30, "{found:?}");
        for code in found {
            assert_eq!(of(code), Finder::Check, "{code}");
        }
    }
}
