// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that leaves the guest while programs run. The kernel would reset the device; here nothing
//! does, which the device shows: it goes on, or was stopped by one clear and nothing else.

use std::error::Error;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use ccw::GuestAddr;
use pinning::Owner;
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, ftruncate, memfd_create};
use vfio_ccw::device::kernel::KernelOpener;
use vfio_ccw::mediator::ConditionCode::Cc0;
use vfio_ccw::mediator::{
    GuestRegion, Left, Metrics, ResetAcknowledged, ShadowWindow, UnmapPolicy, WindowError,
    Withdrawal,
};
use vfio_ccw::{Access, CcwDevice, DmaSpace, Errno, HostMemory};

use crate::case::{START, matches, scsw, text};
use crate::control::{code, one};
use crate::dasd::SENSE_ID_HEAD;
use crate::eckd::SENSE_ID;
use crate::guest::{CC, IDA, SLI, STANDARD, ccw, orb, tic};
use crate::line::{Line, PATIENCE};
use crate::report::Report;
use crate::shared::SharedMappings;

/// Where the storage is that comes and goes, where it is once more, and how much of it.
const PLUGGED: u64 = 0xa000_0000;
const ALIAS: u64 = 0xb000_0000;
const LEN: usize = 1 << 20;
/// A page of it.
const PAGE: u64 = 0x3000;
/// A list of one word.
const LIST: u32 = 0x8000;
/// Where the kernel finds a guest address.
const OFFSET: u64 = 1 << 32;

const STOPPED: &str = "00c04017 00000000 00040000";
const NO_STORAGE: &str = "00c04017 00001008 0020....";
const GOOD: &str = "00c04007 00001008 0c0000f4";
const CLEARED: &str = "00001001 00000000 00000000";

struct Bench {
    line: Line,
    window: ShadowWindow,
    mappings: SharedMappings,
    file: OwnedFd,
    memory: HostMemory,
}

type Checked = Result<(), String>;

/// What went wrong, as text.
fn said<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn fact(name: &str, is_so: bool) -> Checked {
    is_so.then_some(()).ok_or_else(|| format!("not so: {name}"))
}

fn in_use<T: std::fmt::Debug>(result: Result<T, WindowError>) -> Checked {
    match result {
        Err(WindowError::InUse) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn page() -> Range<GuestAddr> {
    GuestAddr::new(PLUGGED + PAGE)..GuestAddr::new(PLUGGED + PAGE + 0x1000)
}

impl Bench {
    fn new(opener: KernelOpener) -> Result<Self, Box<dyn Error>> {
        let (line, mappings) = Line::open_apart(opener)?;
        let file = memfd_create("guest", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, LEN as u64)?;
        let memory = HostMemory::of_file(&file, 0, LEN)?;
        let window = line.mediator.window().clone();
        window.add(GuestRegion::new(GuestAddr::new(PLUGGED), memory.clone()))?;
        Ok(Self {
            line,
            window,
            mappings,
            file,
            memory,
        })
    }

    /// SENSE ID to `to`, once or for ever.
    fn program(&self, to: u64, ends: bool) {
        let flags = IDA | SLI | if ends { 0 } else { CC };
        let ccws = [ccw(SENSE_ID, flags, 256, LIST), tic(START)];
        self.line.guest.store(START.into(), ccws.as_flattened());
        self.line.guest.store(LIST.into(), &to.to_be_bytes());
    }

    /// Starts a program that stores to `to` for ever.
    fn start_endless(&mut self, to: u64) -> Checked {
        self.program(to, false);
        let found = self.start();
        code(found, Cc0)?;
        match self.line.status(Duration::from_millis(30)) {
            None => Ok(()),
            Some(irb) => Err(format!("it ended: {}", scsw(&irb.scsw().0))),
        }
    }

    fn start(
        &mut self,
    ) -> Result<vfio_ccw::mediator::ConditionCode, vfio_ccw::mediator::Exception> {
        let Line {
            mediator, events, ..
        } = &mut self.line;
        mediator.ssch(&orb(STANDARD, START), events)
    }

    /// Whether the program stores at `offset` of `memory` again and again.
    fn runs(&mut self, memory: &HostMemory, offset: u64) -> Checked {
        let at = said(usize::try_from(offset))?;
        said(memory.write(at, &[0; 8]))?;
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(irb) = self.line.status(Duration::from_millis(30)) {
                return Err(format!("it ended: {}", scsw(&irb.scsw().0)));
            }
            match holds(memory, at) {
                Err(_) if Instant::now() < end => {}
                result => return result,
            }
        }
    }

    /// SENSE ID to `to` ends so.
    fn sense(&mut self, to: u64, wanted: &str) -> Checked {
        self.program(to, true);
        let found = text(&self.line.mediated(&orb(STANDARD, START)));
        matches(&found, wanted).then_some(()).ok_or(found)
    }

    fn make_way(&mut self, withdrawal: &Withdrawal) {
        let Line {
            mediator, events, ..
        } = &mut self.line;
        mediator.make_way(withdrawal, events);
    }

    fn clear(&mut self) -> Checked {
        let found = Ok(self.line.mediator.csch(&mut self.line.events));
        code(found, Cc0)?;
        one(&mut self.line, CLEARED)
    }

    fn metrics(&self) -> Metrics {
        self.line.mediator.metrics()
    }

    fn plug(&self, memory: &HostMemory) -> Checked {
        let region = GuestRegion::new(GuestAddr::new(PLUGGED), memory.clone());
        said(self.window.add(region))
    }
}

fn holds(memory: &HostMemory, at: usize) -> Checked {
    let mut found = [0; 7];
    said(memory.read(at, &mut found))?;
    let right = found == SENSE_ID_HEAD;
    right.then_some(()).ok_or_else(|| format!("{found:02x?}"))
}

/// All of it, for a device that runs a program for ever.
pub(crate) fn storage(opener: KernelOpener, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let mut bench = Bench::new(opener)?;
    report.check(
        "regions are mapped as the kernel allows",
        errnos(&mut bench),
    );
    report.check("UnmapPolicy::Refuse", refuse(&mut bench));
    report.check("UnmapPolicy::Wait", wait(&mut bench));
    report.check("UnmapPolicy::Halt", halt(&mut bench));
    report.check("other memory at the same place", plug(&mut bench));
    report.check("pages that are discarded", discard(&mut bench));
    report.check("memory at two addresses", alias(&mut bench));
    let bench = quarantine(bench, report)?;
    println!("        {:?}", bench.metrics());
    report.check("what the kernel does by itself", behind_the_back(bench));
    Ok(())
}

/// The kernel's own refusals.
fn errnos(bench: &mut Bench) -> Checked {
    let mappings = &mut bench.mappings;
    let one = said(HostMemory::anonymous(0x1000))?;
    let two = said(HostMemory::anonymous(0x2000))?;
    let at = 0x3_0000_0000;
    said(mappings.map(at, &two, Access::Store))?;
    for (iova, name, wanted) in [
        (at, "the same", Errno::EEXIST),
        (at + 0x1000, "the second half", Errno::EEXIST),
        (at + 0x2800, "no page", Errno::EINVAL),
    ] {
        let found = mappings.map(iova, &one, Access::Store);
        fact(&format!("{name}: {found:?}"), found == Err(wanted))?;
    }
    for (iova, len) in [(at, 0x1000), (at + 0x1000, 0x1000), (at + 0x8000, 0x1000)] {
        let found = mappings.unmap(iova, len);
        let refused = matches!(found, Err(Errno::EINVAL | Errno::ENOENT));
        fact(
            &format!("no mapping of its own at {iova:x}: {found:?}"),
            refused,
        )?;
    }
    said(mappings.unmap(at, 0x2000))?;
    let found = mappings.unmap(at, 0x2000);
    fact("gone", found.is_err())?;
    many(mappings, &one)
}

/// More mappings than a container takes; an IOAS takes them all.
fn many(mappings: &mut SharedMappings, page: &HostMemory) -> Checked {
    let first = 0x4_0000_0000;
    let begin = Instant::now();
    let mut made = 0;
    let result = (0..66_000).try_for_each(|n: u64| {
        mappings.map(first + 0x1000 * n, page, Access::Store)?;
        made = n + 1;
        Ok(())
    });
    println!(
        "        {made} mappings in {:?}: {result:?}",
        begin.elapsed()
    );
    said(mappings.unmap(first, 0x1000 * made))?;
    match result {
        Ok(()) => Ok(()),
        // Those of the window are counted too.
        Err(Errno::ENOSPC) => fact("nearly 65535", (65_500..65_535).contains(&made)),
        Err(error) => Err(error.to_string()),
    }
}

/// A program is not disturbed by an unmap that is refused.
fn refuse(bench: &mut Bench) -> Checked {
    let memory = bench.memory.clone();
    bench.start_endless(PLUGGED + PAGE)?;
    let before = bench.metrics().interrupts;
    let place = GuestAddr::new(PLUGGED);
    in_use(bench.window.begin_unmap(place, UnmapPolicy::Refuse))?;
    in_use(bench.window.begin_discard(page(), UnmapPolicy::Refuse))?;
    bench.runs(&memory, PAGE)?;
    fact("no interrupt", bench.metrics().interrupts == before)?;
    bench.clear()?;
    bench.sense(PLUGGED + PAGE, GOOD)
}

/// A program is waited for; a start meanwhile waits.
fn wait(bench: &mut Bench) -> Checked {
    let memory = bench.memory.clone();
    bench.start_endless(PLUGGED + PAGE)?;
    let policy = UnmapPolicy::Wait(Duration::from_millis(20));
    let place = GuestAddr::new(PLUGGED);
    let mut unmap = said(bench.window.begin_unmap(place, policy))?;
    bench.make_way(&unmap);
    bench.runs(&memory, PAGE)?;
    let timer = unmap.timer().ok_or("no timer")?;
    unmap.expired(timer.id);
    fact(
        "in use and overdue",
        unmap.is_overdue() && !unmap.is_quiet(),
    )?;
    fact(
        "known by whom",
        unmap.users() == [bench.line.mediator.owner()],
    )?;
    let unmap = match unmap.commit() {
        Err((unmap, WindowError::InUse)) => unmap,
        other => return Err(format!("{other:?}")),
    };
    bench.runs(&memory, PAGE)?;
    // The guest itself ends it.
    bench.clear()?;
    fact("quiet", unmap.is_quiet())?;
    bench.program(PLUGGED + PAGE, true);
    code(bench.start(), Cc0)?;
    let pending = bench.line.status(Duration::from_millis(10));
    fact("a start that waits", pending.is_none())?;
    said(unmap.commit().map_err(|(_, error)| error))?;
    one(&mut bench.line, NO_STORAGE)?;
    bench.plug(&memory)?;
    bench.sense(PLUGGED + PAGE, GOOD)
}

/// A program is stopped by one clear, and the guest is told.
fn halt(bench: &mut Bench) -> Checked {
    let memory = bench.memory.clone();
    bench.start_endless(PLUGGED + PAGE)?;
    let before = bench.metrics();
    let place = GuestAddr::new(PLUGGED);
    let unmap = said(bench.window.begin_unmap(place, UnmapPolicy::Halt))?;
    bench.make_way(&unmap);
    one(&mut bench.line, STOPPED)?;
    fact("quiet", unmap.is_quiet())?;
    let begin = Instant::now();
    said(unmap.commit().map_err(|(_, error)| error))?;
    println!("        unmapped in {:?}", begin.elapsed());
    // A reset would have signalled once more.
    let late = bench.line.status(Duration::from_millis(30));
    fact("no further status", late.is_none())?;
    let now = bench.metrics();
    fact("one clear", now.clears == before.clears + 1)?;
    fact("one interrupt", now.interrupts == before.interrupts + 1)?;
    fact("which was expected", now.stale == before.stale)?;
    fact("no reset", now.resets == before.resets)?;
    bench.sense(PLUGGED + PAGE, NO_STORAGE)?;
    bench.sense(0x20_0000, GOOD)?;
    bench.plug(&memory)
}

/// Hot-unplug and hot-plug.
fn plug(bench: &mut Bench) -> Checked {
    let old = bench.memory.clone();
    let new = said(HostMemory::anonymous(LEN))?;
    // While a program runs that uses other storage.
    bench.start_endless(0x20_0000)?;
    said(old.write(0x3000, &[0x11; 8]))?;
    let place = GuestAddr::new(PLUGGED);
    let unmap = said(bench.window.begin_unmap(place, UnmapPolicy::Refuse))?;
    said(unmap.commit().map_err(|(_, error)| error))?;
    bench.plug(&new)?;
    let still = bench.line.status(Duration::from_millis(30));
    fact("it still runs", still.is_none())?;
    bench.clear()?;
    bench.sense(PLUGGED + PAGE, GOOD)?;
    holds(&new, 0x3000)?;
    let mut found = [0; 8];
    said(old.read(0x3000, &mut found))?;
    fact("nothing is stored in the old memory", found == [0x11; 8])?;
    let unmap = said(bench.window.begin_unmap(place, UnmapPolicy::Refuse))?;
    said(unmap.commit().map_err(|(_, error)| error))?;
    bench.plug(&old)
}

/// A page goes, really, and comes back as another one.
fn discard(bench: &mut Bench) -> Checked {
    let memory = bench.memory.clone();
    // Beside a program that uses another page of the same region.
    bench.start_endless(PLUGGED)?;
    let discard = said(bench.window.begin_discard(page(), UnmapPolicy::Refuse))?;
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    said(memory.write(0x3000, &[0x22; 8]))?;
    said(fallocate(&bench.file, hole, PAGE, 0x1000))?;
    let finished = discard.finish(Left::Gone);
    said(finished.map_err(|(_, error)| error))?;
    bench.runs(&memory, 0)?;
    bench.clear()?;
    bench.sense(PLUGGED + PAGE, NO_STORAGE)?;
    bench.sense(PLUGGED + PAGE - 0x100, GOOD)?;
    said(bench.window.give_back(page()))?;
    bench.sense(PLUGGED + PAGE, GOOD)?;
    holds(&memory, 0x3000)?;
    // Once more, for a guest that may use the page without saying so.
    let discard = said(bench.window.begin_discard(page(), UnmapPolicy::Refuse))?;
    said(fallocate(&bench.file, hole, PAGE, 0x1000))?;
    let finished = discard.finish(Left::Usable);
    said(finished.map_err(|(_, error)| error))?;
    bench.sense(PLUGGED + PAGE, GOOD)?;
    holds(&memory, 0x3000)
}

/// A program that uses the other address of the memory is found, and not disturbed.
fn alias(bench: &mut Bench) -> Checked {
    let memory = bench.memory.clone();
    let other = said(memory.share(0, LEN))?;
    let region = GuestRegion::new(GuestAddr::new(ALIAS), other);
    said(bench.window.add(region))?;
    bench.start_endless(ALIAS + PAGE)?;
    in_use(bench.window.begin_discard(page(), UnmapPolicy::Refuse))?;
    in_use(
        bench
            .window
            .begin_unmap_memory(&memory, UnmapPolicy::Refuse),
    )?;
    // One address alone can go.
    let place = GuestAddr::new(PLUGGED);
    let unmap = said(bench.window.begin_unmap(place, UnmapPolicy::Refuse))?;
    said(unmap.commit().map_err(|(_, error)| error))?;
    bench.runs(&memory, PAGE)?;
    bench.plug(&memory)?;
    let unmap = said(bench.window.begin_unmap_memory(&memory, UnmapPolicy::Halt))?;
    fact("both", unmap.ranges().len() == 2)?;
    bench.make_way(&unmap);
    one(&mut bench.line, STOPPED)?;
    said(unmap.commit().map_err(|(_, error)| error))?;
    bench.plug(&memory)?;
    bench.sense(PLUGGED + PAGE, GOOD)
}

/// The mediator goes while a program runs: what that uses stays until the device is reset.
fn quarantine(mut bench: Bench, report: &mut Report) -> Result<Bench, Box<dyn Error>> {
    let memory = bench.memory.clone();
    let started = bench.start_endless(PLUGGED + PAGE);
    report.check("a program that does not end", started);
    let owner = bench.line.mediator.owner();
    let Bench {
        line,
        window,
        mappings,
        file,
        ..
    } = bench;
    let line = line.attach_again()?;
    let mut bench = Bench {
        line,
        window,
        mappings,
        file,
        memory: memory.clone(),
    };
    report.check("quarantine", quarantined(&mut bench, owner));
    Ok(bench)
}

fn quarantined(bench: &mut Bench, owner: Owner) -> Checked {
    let memory = bench.memory.clone();
    let list = bench.window.in_quarantine();
    fact("one program", list.len() == 1 && list[0].owner == owner)?;
    let place = GuestAddr::new(PLUGGED);
    in_use(bench.window.begin_unmap(place, UnmapPolicy::Refuse))?;
    bench.runs(&memory, PAGE)?;
    let own = ResetAcknowledged(bench.line.mediator.owner());
    fact(
        "nothing of the new one's",
        bench.window.release_quarantined(own) == 0,
    )?;
    said(bench.line.device().reset())?;
    let released = bench.window.release_quarantined(ResetAcknowledged(owner));
    fact("released", released == 1)?;
    fact("all of it", bench.window.in_flight() == 0)?;
    let unmap = said(bench.window.begin_unmap(place, UnmapPolicy::Refuse))?;
    said(unmap.commit().map_err(|(_, error)| error))?;
    bench.plug(&memory)?;
    bench.sense(PLUGGED + PAGE, GOOD)
}

/// What all of the above keeps from happening: an unmap past the window resets the device. The
/// program has stopped, and no status says so.
fn behind_the_back(mut bench: Bench) -> Checked {
    let memory = bench.memory.clone();
    bench.start_endless(PLUGGED + PAGE)?;
    bench.runs(&memory, PAGE)?;
    let before = bench.metrics();
    said(bench.mappings.unmap(PLUGGED + OFFSET, LEN as u64))?;
    said(memory.write(0x3000, &[0; 8]))?;
    let told = bench.line.status(Duration::from_millis(300));
    fact("the guest is not told", told.is_none())?;
    fact(
        "it stores nothing any more",
        holds(&memory, 0x3000).is_err(),
    )?;
    let now = bench.metrics();
    fact("status that nobody asked for", now.stale > before.stale)?;
    said(bench.mappings.map(PLUGGED + OFFSET, &memory, Access::Store))?;
    bench.clear()?;
    bench.sense(PLUGGED + PAGE, GOOD)
}
