// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program translated for a host whose storage is laid out as this file says.

use std::collections::HashMap;
use std::sync::Arc;

use ccw::{CcwFlags, Format, Guest, GuestAddr, Host, HostAddr, Irb, Orb, RawCcw};
use pinning::{Access, Budget, PlainPinner};
use translator::{
    Area, AreaError, Arrival, Bounced, Cause, Code, Earlier, Finding, GuestStorage, HostProfile,
    Part, Planned, Program, Rejected, Severity, Site, Slot, Translated,
};

use crate::analysis::{self, HOST_BASE};
use crate::input::Input;
use crate::undecided::{self, Missing};

/// Where host CCWs lie.
const CCWS_AT: u64 = 0x4000_0000;
/// Where host lists lie.
const LISTS_AT: u64 = 0x4100_0000;
/// Where copies of data lie.
pub(crate) const COPIES_AT: u64 = 0x6000_0000;
/// The host profile of this name.
pub(crate) fn profile(name: &str) -> Result<HostProfile, String> {
    HostProfile::parse(name).ok_or_else(|| {
        let names: Vec<&str> = HostProfile::ALL
            .iter()
            .map(|profile| profile.name)
            .collect();
        format!("known hosts are {}", names.join(", "))
    })
}

/// The page that takes what nobody wants.
pub(crate) const SCRATCH_AT: u64 = 0x7fff_f000;
/// What becomes of a program.
pub(crate) enum Translation {
    /// The host can run it.
    Ready(Box<Ready>),
    /// It ends before the first byte moves; the guest gets this status.
    Ended(Irb<Guest>),
    /// It goes on there without any command; the guest sees this status.
    Arrived(Arrival, Irb<Guest>, Earlier),
    /// It is not wholly in the input.
    Unknown(Missing),
    /// It is not started.
    Refused(Finding),
}

/// A translated program, and the host storage that it lies in.
pub(crate) struct Ready {
    /// The program with its pins.
    pub(crate) translated: Translated<Arc<PlainPinner>>,
    /// Its CCWs.
    pub(crate) ccws: Vec<HostCcw>,
    /// Guest storage that it uses.
    pub(crate) extents: Vec<Extent>,
    /// Data that goes by way of a copy.
    pub(crate) bounced: Vec<Bounced>,
    /// Host storage that is not the guest's.
    pub(crate) areas: Vec<HostArea>,
}

/// A CCW of the host.
pub(crate) struct HostCcw {
    /// Its address.
    pub(crate) at: HostAddr,
    /// Its bytes.
    pub(crate) raw: RawCcw,
    /// The guest CCW that it is the image of; stop CCWs and added TICs are the image of none.
    pub(crate) guest: Option<GuestAddr>,
    /// Its number among the host CCWs of that guest CCW, from 1, and how many these are.
    pub(crate) link: (usize, usize),
    /// The words of its list, two for a MIDAW.
    pub(crate) list: Vec<u64>,
    /// Why the program is left there, and goes on in another part.
    pub(crate) stops: Option<Cause>,
}

impl HostCcw {
    /// Whether its list is one of MIDAWs.
    pub(crate) fn has_midaws(&self) -> bool {
        let ccw = ccw::Ccw::<Host>::decode(self.raw, Format::One);
        ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT)
    }
}

/// A piece of guest storage that the program uses, and where the host sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// First byte, for the guest.
    pub(crate) guest: GuestAddr,
    /// First byte, for the host.
    pub(crate) host: HostAddr,
    /// Bytes.
    pub(crate) len: u32,
    /// What the device does there.
    pub(crate) access: Access,
}

/// Host storage that is not the guest's.
#[derive(Clone, Debug)]
pub(crate) struct HostArea {
    /// First byte.
    pub(crate) at: HostAddr,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether the device may store there.
    pub(crate) scratch: bool,
}

impl Ready {
    /// The ORB to start on the host.
    pub(crate) fn orb(&self) -> &Orb<Host> {
        self.translated.orb()
    }
}

/// Translates `program`, which is that of `input`, for `profile`.
pub(crate) fn translate(input: &Input, program: Program, profile: &HostProfile) -> Translation {
    match try_translate(input, program, profile) {
        Ok(translation) => translation,
        Err(rejected) => Translation::Refused(rejected.finding),
    }
}

/// Translates the program of `input` for `profile` up to where it must be fetched again. `program` is
/// the same as a whole, which it is taken for on the software channel where it cannot be parted. What
/// can be parted and not repeated is refused: as a whole it would end otherwise.
pub(crate) fn begin(input: &Input, program: Program, profile: &HostProfile) -> Translation {
    if let Some(missing) = undecided::first(input, &program) {
        return Translation::Unknown(missing);
    }
    let first = analysis::part(input, &input.memory, &Part::START);
    match emit_behind(input, first, Earlier::NONE, profile) {
        Translation::Refused(Finding {
            code: Code::EnvNoprefetch | Code::EnvOverlap,
            ..
        }) if *profile == HostProfile::SOFTWARE => translate(input, program, profile),
        translation => translation,
    }
}

/// Translates one `part` of the program of `input`, as it stands in `storage`, behind `earlier` ones.
pub(crate) fn translate_part(
    input: &Input,
    storage: &impl GuestStorage,
    part: &Part,
    earlier: Earlier,
    profile: &HostProfile,
) -> Translation {
    let program = analysis::part(input, storage, part);
    emit_behind(input, program, earlier, profile)
}

fn emit_behind(
    input: &Input,
    program: Program,
    earlier: Earlier,
    profile: &HostProfile,
) -> Translation {
    let planned = program.plan_behind(earlier, profile);
    let translation = planned.and_then(|planned| emit(input, planned));
    translation.unwrap_or_else(|rejected| Translation::Refused(rejected.finding))
}

fn try_translate(
    input: &Input,
    program: Program,
    profile: &HostProfile,
) -> Result<Translation, Rejected> {
    emit(input, program.plan(profile)?)
}

fn emit(input: &Input, planned: Planned) -> Result<Translation, Rejected> {
    let plan = match planned {
        Planned::Run(plan) => plan,
        Planned::Ended(ended) => return Ok(Translation::Ended(*ended.irb())),
        Planned::Arrived(arrived) => {
            let (arrival, irb) = (arrived.arrival(), *arrived.irb());
            let (earlier, _) = arrived.go_on();
            return Ok(Translation::Arrived(arrival, irb, earlier));
        }
    };
    let extents = plan
        .extents()
        .iter()
        .map(|extent| Extent {
            guest: extent.start,
            host: HostAddr::new(HOST_BASE.wrapping_add(extent.start.get())),
            len: extent.len,
            access: extent.access,
        })
        .collect();
    let mut ccws = area(CCWS_AT, plan.ccw_bytes(), false);
    let mut lists = area(LISTS_AT, plan.list_bytes_at_most(), false);
    let scratch = area(SCRATCH_AT, 4096, true);
    let copies = plan.copy_bytes_at_most().next_multiple_of(8);
    let mut copies = area(COPIES_AT, copies, true);
    let pinner = PlainPinner::new(
        analysis::regions(&input.memory),
        Budget {
            programs: 1,
            ..Budget::default()
        },
    );
    let pinned = plan.pin(Arc::new(pinner))?;
    let Ok(slot) = slot(&mut ccws, &mut lists, &mut copies, &scratch) else {
        return Ok(Translation::Refused(Finding {
            code: Code::HostArena,
            severity: Severity::Error,
            site: Site::default(),
        }));
    };
    let translated = pinned.emit(slot)?;
    let bounced = translated.bounced().collect();
    let ccws_read = read_back(&translated, &ccws, &lists);
    Ok(Translation::Ready(Box::new(Ready {
        translated,
        ccws: ccws_read,
        extents,
        bounced,
        areas: vec![ccws, lists, scratch, copies],
    })))
}

fn area(at: u64, len: usize, scratch: bool) -> HostArea {
    HostArea {
        at: HostAddr::new(at),
        bytes: vec![0; len],
        scratch,
    }
}

fn slot<'a>(
    ccws: &'a mut HostArea,
    lists: &'a mut HostArea,
    copies: &'a mut HostArea,
    scratch: &HostArea,
) -> Result<Slot<'a>, AreaError> {
    let ccws = Area::new(ccws.at, &mut ccws.bytes)?;
    let lists = Area::new(lists.at, &mut lists.bytes)?;
    let copies = Area::new(copies.at, &mut copies.bytes)?;
    Slot::new(ccws, lists, scratch.at)?.with_copies(copies)
}

/// The host's program as it stands in its storage.
fn read_back(
    translated: &Translated<Arc<PlainPinner>>,
    ccws: &HostArea,
    lists: &HostArea,
) -> Vec<HostCcw> {
    let (raws, _) = ccws.bytes.as_chunks::<8>();
    let (words, _) = lists.bytes.as_chunks::<8>();
    let words: Vec<u64> = words.iter().map(|word| u64::from_be_bytes(*word)).collect();
    let used = words
        .iter()
        .rposition(|word| *word != 0)
        .map_or(0, |last| last + 1);
    let start = |raw: &RawCcw| {
        let ccw = ccw::Ccw::<Host>::decode(*raw, Format::One);
        let at = u64::from(ccw.addr.get()).checked_sub(lists.at.get())?;
        let lists = CcwFlags::INDIRECT | CcwFlags::MODIFIED_INDIRECT;
        ccw.flags
            .intersects(lists)
            .then(|| usize::try_from(at / 8).ok())
            .flatten()
    };
    let mut starts: Vec<usize> = raws.iter().filter_map(|raw| start(&RawCcw(*raw))).collect();
    starts.push(used);
    starts.sort_unstable();
    let list = |raw: &RawCcw| {
        let first = start(raw)?;
        let end = *starts.get(starts.partition_point(|start| *start <= first))?;
        let mut list = words.get(first..end)?.to_vec();
        // Lists of MIDAWs begin on boundaries; what lies between them is zero.
        while list.last() == Some(&0) {
            list.pop();
        }
        Some(list)
    };
    let images: Vec<_> = translated.host_ccws().collect();
    // How many host CCWs each guest CCW has, and how many of them came already.
    let mut links: HashMap<GuestAddr, (usize, usize)> = HashMap::new();
    for guest in images.iter().flatten() {
        links.entry(*guest).or_default().1 += 1;
    }
    let mut link = |guest: Option<GuestAddr>| {
        let link = guest.and_then(|guest| links.get_mut(&guest));
        link.map_or((0, 0), |link| {
            link.0 += 1;
            *link
        })
    };
    (0..)
        .zip(raws.iter().zip(&images))
        .map(|(n, (raw, &guest))| {
            let raw = RawCcw(*raw);
            let at = HostAddr::new(CCWS_AT + n * 8);
            HostCcw {
                at,
                raw,
                guest,
                link: link(guest),
                list: list(&raw).unwrap_or_default(),
                stops: usize::try_from(n)
                    .ok()
                    .and_then(|n| translated.break_at_ccw(n)),
            }
        })
        .collect()
}
