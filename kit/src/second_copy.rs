// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A model of a host that copies every program once more before it runs it, as vfio-ccw in Linux
//! does: written from what such hosts were seen to do, to hold the arrangement in segments against.
//!
//! It is as unkind as the real one: it reads 2 KiB from the head of every segment, copies from
//! there as long as CCWs chain or are TICs back into the part copied so far, rebuilds every list
//! upward from its first address, and finds the place of a status among its segments by a range
//! that includes the end, so that neighbours are mistaken for each other.

use ccw::{
    Addr31, CCW_SIZE, Ccw, CcwFlags, Class, Command, Format, Host, HostAddr, IdawFormat, Irb, Orb,
    RawCcw,
};
use css::{Access, Granted, Ram};

/// Host storage that copies lie in.
pub const STORAGE: std::ops::Range<u64> = 0x5000_0000..0x7000_0000;
/// Where the copies are put.
const CCWS: u32 = 0x5000_0000;
const LISTS: u32 = 0x6000_0000;
/// CCWs of one segment.
const MOST_CCWS: usize = 256;
/// Segments of one program.
const MOST_SEGMENTS: usize = 16;
/// Makes of an address one that leads nowhere.
const NOT_PINNED: u64 = 1 << 62;
/// Sizes in which storage for a segment is handed out.
const OBJECTS: [u32; 11] = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048];

/// Why a program is not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A segment of more than 256 CCWs.
    SegmentTooLong,
    /// More than 16 segments.
    TooManySegments,
    /// An address that is read or used and not mapped.
    NotMapped(HostAddr),
    /// A TIC target that is no CCW of any segment.
    BadTarget(HostAddr),
}

/// A segment of a program and its copy.
#[derive(Clone, Debug)]
struct Segment {
    from: u32,
    ccws: Vec<Ccw<Host>>,
    copy: u32,
}

impl Segment {
    fn end(&self) -> u32 {
        self.from + 8 * self.ccws.len() as u32
    }
}

/// A copied program.
#[derive(Clone, Debug)]
pub struct Copied {
    orb: Orb<Host>,
    segments: Vec<Segment>,
}

/// Storage that the copier and the channel use.
type HostStorage = Granted<Host, Ram<Host>>;

/// Copies the program of `orb` out of `storage`, and grants the copy to the channel. `is_mapped`
/// says whether there is storage behind an address.
///
/// # Errors
///
/// [`Refused`]; nothing is started then.
pub fn copy(
    orb: &Orb<Host>,
    storage: &mut HostStorage,
    is_mapped: impl Fn(HostAddr) -> bool,
) -> Result<Copied, Refused> {
    let mut segments = Vec::new();
    collect(orb.cpa.get(), storage, &is_mapped, &mut segments)?;
    // Neighbours as close as the sizes of their objects allow, the last one first.
    let mut at = CCWS;
    for segment in segments.iter_mut().rev() {
        segment.copy = at;
        let bytes = 8 * segment.ccws.len() as u32;
        at += OBJECTS
            .iter()
            .find(|&&size| size >= bytes)
            .expect("at most 2 KiB");
    }
    let mut lists = LISTS;
    let format = IdawFormat::of(orb);
    for segment in &segments {
        for (ccw, n) in segment.ccws.iter().zip(0..) {
            let raw = rebuild(*ccw, format, &segments, storage, &is_mapped, &mut lists)?;
            let to = HostAddr::new(u64::from(segment.copy + 8 * n));
            storage.inner_mut().write(to, &raw.0);
            storage.grant(to, CCW_SIZE, Access::Fetch);
        }
    }
    let mut orb = *orb;
    orb.cpa = Addr31::truncate(segments[0].copy);
    Ok(Copied { orb, segments })
}

impl Copied {
    /// The ORB to start.
    pub fn orb(&self) -> &Orb<Host> {
        &self.orb
    }

    /// Numbers of CCWs in the segments, in the order in which they were found.
    pub fn segments(&self) -> Vec<usize> {
        self.segments
            .iter()
            .map(|segment| segment.ccws.len())
            .collect()
    }

    /// The status as user space sees it: the CCW address looked up among the segments, end
    /// included, first match; left alone without one.
    pub fn map_back(&self, irb: &Irb<Host>) -> Irb<Host> {
        let mut irb = *irb;
        let cpa = irb.scsw.cpa;
        let hit = self.segments.iter().find(|segment| {
            (segment.copy..=segment.copy + 8 * segment.ccws.len() as u32).contains(&cpa)
        });
        if let Some(segment) = hit {
            irb.scsw.cpa = segment.from + (cpa - segment.copy);
        }
        irb
    }
}

/// Copies the segment at `head`, and those that its TICs lead to.
fn collect(
    head: u32,
    storage: &HostStorage,
    is_mapped: &impl Fn(HostAddr) -> bool,
    segments: &mut Vec<Segment>,
) -> Result<(), Refused> {
    if segments.len() == MOST_SEGMENTS {
        return Err(Refused::TooManySegments);
    }
    for at in [head, head + 2047] {
        let at = HostAddr::new(u64::from(at));
        if !is_mapped(at) {
            return Err(Refused::NotMapped(at));
        }
    }
    let mut ccws: Vec<Ccw<Host>> = Vec::new();
    loop {
        if ccws.len() == MOST_CCWS {
            return Err(Refused::SegmentTooLong);
        }
        let at = head + 8 * ccws.len() as u32;
        let bytes = storage.inner().read(HostAddr::new(u64::from(at)), 8);
        let raw = RawCcw(bytes.try_into().expect("eight bytes"));
        let ccw = Ccw::decode(raw, Format::One);
        ccws.push(ccw);
        let back = ccw.command == Command::TIC && (head..=at).contains(&ccw.addr.get());
        let chains = ccw
            .flags
            .intersects(CcwFlags::CHAIN_DATA | CcwFlags::CHAIN_COMMAND);
        if !chains && !back {
            break;
        }
    }
    let targets: Vec<u32> = ccws
        .iter()
        .filter(|ccw| ccw.command == Command::TIC)
        .map(|ccw| ccw.addr.get())
        .collect();
    segments.push(Segment {
        from: head,
        ccws,
        copy: 0,
    });
    for target in targets {
        let known = segments
            .iter()
            .any(|segment| (segment.from..segment.end()).contains(&target));
        if !known {
            collect(target, storage, is_mapped, segments)?;
        }
    }
    Ok(())
}

/// One CCW of the copy: a TIC into the copy, or a CCW with a list of its own.
fn rebuild(
    ccw: Ccw<Host>,
    format: IdawFormat,
    segments: &[Segment],
    storage: &mut HostStorage,
    is_mapped: &impl Fn(HostAddr) -> bool,
    lists: &mut u32,
) -> Result<RawCcw, Refused> {
    if ccw.command == Command::TIC {
        let target = ccw.addr.get();
        let home = segments
            .iter()
            .find(|s| (s.from..s.end()).contains(&target));
        let home = home.ok_or(Refused::BadTarget(ccw.addr.widen()))?;
        let addr = Addr31::truncate(home.copy + (target - home.from));
        return Ok(Ccw { addr, ..ccw }.encode());
    }
    let word = |storage: &HostStorage, n: u16| -> Result<u64, Refused> {
        let at = HostAddr::new(u64::from(ccw.addr.get()) + 8 * u64::from(n));
        if !is_mapped(at) {
            return Err(Refused::NotMapped(at));
        }
        let bytes = storage.inner().read(at, 8);
        Ok(u64::from_be_bytes(bytes.try_into().expect("eight bytes")))
    };
    let indirect = ccw.flags.contains(CcwFlags::INDIRECT);
    let first = if indirect {
        word(storage, 0)?
    } else {
        u64::from(ccw.addr.get())
    };
    let words = format.words(HostAddr::new(first), ccw.count.max(1), false);
    let mut list = Vec::new();
    for n in 0..words {
        list.push(match (indirect, n) {
            (true, _) => word(storage, n)?,
            (false, 0) => first,
            (false, _) => (first & !(format.block() - 1)) + u64::from(n) * format.block(),
        });
    }
    if moves_data(&ccw) {
        for &addr in &list {
            if !is_mapped(HostAddr::new(addr)) {
                return Err(Refused::NotMapped(HostAddr::new(addr)));
            }
        }
    } else {
        // Nothing is pinned, so the words stay what they are: no addresses of the host's storage.
        for addr in &mut list {
            *addr ^= NOT_PINNED;
        }
    }
    let addr = Addr31::truncate(*lists);
    for word in list {
        let at = HostAddr::new(u64::from(*lists));
        storage.inner_mut().write(at, &word.to_be_bytes());
        storage.grant(at, 8, Access::Fetch);
        *lists += 8;
    }
    Ok(Ccw {
        addr,
        flags: ccw.flags | CcwFlags::INDIRECT,
        ..ccw
    }
    .encode())
}

/// Whether the copier takes this CCW for one that uses storage: it goes by the CCW's own code.
fn moves_data(ccw: &Ccw<Host>) -> bool {
    let input = matches!(
        ccw.command.class(),
        Class::Read | Class::ReadBackward | Class::Sense
    );
    ccw.count > 0 && ccw.command != Command::NOP && !(input && ccw.flags.contains(CcwFlags::SKIP))
}
