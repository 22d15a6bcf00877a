// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `translate`: the program that a host would be given.

use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use ccw::{DeviceClass, RawCcw};
use serde::Serialize;
use translator::HostProfile;

use super::{check, show};
use crate::batch::{Batch, Report};
use crate::commands::Limits;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::Input;
use crate::listing::{self, Data, host};
use crate::reading::Reading;
use crate::translation::{COPIES_AT, Ready, Translation, begin, profile};
use crate::{analysis, finding, json, undecided};

/// Translate channel programs for a host: its CCWs and lists, the guest CCW behind each, and the
/// guest storage that must stay in place.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files with programs; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// The host to translate for: software or vfio-ccw
    #[arg(long, value_name = "HOST", default_value = "software", value_parser = profile)]
    profile: HostProfile,
    #[command(flatten)]
    limits: Limits,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    let batch = Batch {
        files: &args.files,
        reading: &args.reading,
        limits: args.limits,
        format: args.format,
    };
    batch.run(|input| one(input, args))
}

fn one(input: &Input, args: &Args) -> Report {
    let program = analysis::judge(input);
    let exit = check::exit(undecided::outcome(input, &program));
    let mut text = show::title(input);
    if args.format == Format::Text {
        for line in listing::lines(input, &program, program.findings(), Data::Hidden) {
            line.render(&mut text);
        }
    }
    let findings = finding::entries(input, &program, program.findings());
    let translation = begin(input, program, &args.profile);
    let exit = match &translation {
        Translation::Refused(_) => Exit::Refused,
        Translation::Unknown(_) => Exit::Undecided,
        Translation::Ready(_) | Translation::Ended(_) | Translation::Arrived(..) => exit,
    };
    let out = match args.format {
        Format::Text => text + &describe(input, &translation, args.profile.name),
        Format::Json => json::line(&Entry {
            name: &input.name,
            profile: args.profile.name,
            findings,
            host: Host::of(&translation, input.device_class()),
        }),
    };
    Report::new(out, exit)
}

/// What the host is given, as text.
pub(crate) fn describe(input: &Input, translation: &Translation, profile: &str) -> String {
    let ready = match translation {
        Translation::Ready(ready) => ready,
        Translation::Ended(irb) => {
            return format!(
                "\nnothing for the host to do: the program ends before its first byte moves, SCSW {}\n",
                crate::dump::words(&irb.scsw.encode().0)
            );
        }
        Translation::Arrived(arrival, irb, _) => {
            return format!(
                "\nnothing for the host to do: the program goes on at {:08x}, SCSW {}\n",
                arrival.at.get(),
                crate::dump::words(&irb.scsw.encode().0)
            );
        }
        Translation::Unknown(missing) => {
            return format!("\nnot translated for {profile}: {}\n", missing.text());
        }
        Translation::Refused(finding) => {
            return format!(
                "\nnot translated for {profile}: {}\n",
                finding::refusal(finding)
            );
        }
    };
    let mut text = format!("\ntranslated for {profile}:\n");
    text.push_str(&host::listing(ready, input.device_class()));
    text.push_str("\nguest storage in use:\n");
    if ready.extents.is_empty() {
        text.push_str("          none\n");
    }
    for extent in &ready.extents {
        let _ = writeln!(
            text,
            "          {:08x} at host {:09x}: {}, {}",
            extent.guest.get(),
            extent.host.get(),
            crate::dump::count(extent.len.into()),
            access(extent.access)
        );
    }
    if !ready.bounced.is_empty() {
        text.push_str("\ndata that goes by way of a copy:\n");
    }
    for copy in &ready.bounced {
        let _ = writeln!(
            text,
            "          of CCW {:08x} at host {:09x}: {}, copied {}",
            copy.ccw.get(),
            COPIES_AT + copy.at as u64,
            crate::dump::count(copy.len as u64),
            match copy.input {
                true => "back after the status",
                false => "before the start",
            }
        );
    }
    text
}

const fn access(access: pinning::Access) -> &'static str {
    match access {
        pinning::Access::DeviceReads => "the device fetches",
        pinning::Access::DeviceWrites => "the device stores",
    }
}

/// A translation, as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    profile: &'static str,
    findings: Vec<finding::Entry>,
    #[serde(flatten)]
    host: Host,
}

/// What the host is given, as JSON.
#[derive(Serialize)]
#[serde(tag = "translation", rename_all = "kebab-case")]
pub(crate) enum Host {
    /// A program.
    Ready {
        orb: String,
        ccws: Vec<Ccw>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        blocks: Vec<Block>,
        extents: Vec<Extent>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        copies: Vec<Copied>,
    },
    /// Nothing: the guest has this status already.
    Ended { scsw: String },
    /// Nothing: the program is not wholly in the input.
    Unknown { at: String, message: String },
    /// Nothing, for a reason.
    Refused {
        id: &'static str,
        code: &'static str,
        ccw: Option<String>,
        message: String,
    },
}

/// A host CCW, as JSON.
#[derive(Serialize)]
pub(crate) struct Ccw {
    addr: String,
    bytes: String,
    name: &'static str,
    /// Address of the guest CCW that it is the image of.
    guest: Option<String>,
    list: Vec<String>,
}

/// What a transport-mode program has instead, as JSON: TCW and lists, and the TCCB behind the TSB.
#[derive(Serialize)]
pub(crate) struct Block {
    addr: String,
    bytes: String,
}

/// Guest storage in use, as JSON.
#[derive(Serialize)]
pub(crate) struct Extent {
    guest: String,
    host: String,
    len: u32,
    access: &'static str,
}

/// The areas of a transport-mode program, as far as they are written.
fn blocks(ready: &Ready) -> Vec<Block> {
    if !ready.orb().transport {
        return Vec::new();
    }
    let used = ready.translated.doublewords();
    let written = [used.ccws, used.lists, 0, used.copies];
    let areas = ready
        .areas
        .iter()
        .zip(written)
        .filter(|(_, used)| *used > 0);
    areas
        .map(|(area, used)| Block {
            addr: json::hex(area.at.get()),
            bytes: json::digits(area.bytes.get(..used * 8).unwrap_or_default()),
        })
        .collect()
}

/// Data that goes by way of a copy, as JSON.
#[derive(Serialize)]
pub(crate) struct Copied {
    /// Address of the guest CCW.
    guest: String,
    host: String,
    len: usize,
    access: &'static str,
}

impl Host {
    /// What `translation` gives the host, for a device of this class.
    pub(crate) fn of(translation: &Translation, class: DeviceClass) -> Self {
        match translation {
            Translation::Ready(ready) => Self::ready(ready, class),
            Translation::Ended(irb) | Translation::Arrived(_, irb, _) => Self::Ended {
                scsw: json::digits(&irb.scsw.encode().0),
            },
            Translation::Unknown(missing) => Self::Unknown {
                at: json::hex(missing.at),
                message: missing.text(),
            },
            Translation::Refused(finding) => Self::Refused {
                id: finding.code.id(),
                code: finding.code.name(),
                ccw: finding.site.ccw.map(|ccw| json::hex(ccw.get())),
                message: finding.code.rule().to_owned(),
            },
        }
    }

    fn ready(ready: &Ready, class: DeviceClass) -> Self {
        let ccw = |ccw: &crate::translation::HostCcw| Ccw {
            addr: json::hex(ccw.at.get()),
            bytes: json::digits(&ccw.raw.0),
            name: match ccw.raw {
                RawCcw::STOP => "stop",
                raw => class.command_name(raw.command()),
            },
            guest: ccw.guest.map(|guest| json::hex(guest.get())),
            list: ccw.list.iter().map(|word| format!("{word:016x}")).collect(),
        };
        let extent = |extent: &crate::translation::Extent| Extent {
            guest: json::hex(extent.guest.get()),
            host: json::hex(extent.host.get()),
            len: extent.len,
            access: match extent.access {
                pinning::Access::DeviceReads => "device-reads",
                pinning::Access::DeviceWrites => "device-writes",
            },
        };
        let copied = |copy: &translator::Bounced| Copied {
            guest: json::hex(copy.ccw.get()),
            host: json::hex(COPIES_AT + copy.at as u64),
            len: copy.len,
            access: match copy.input {
                true => "device-writes",
                false => "device-reads",
            },
        };
        Self::Ready {
            orb: json::digits(&ready.orb().encode().0),
            ccws: ready.ccws.iter().map(ccw).collect(),
            blocks: blocks(ready),
            extents: ready.extents.iter().map(extent).collect(),
            copies: ready.bounced.iter().map(copied).collect(),
        }
    }
}
