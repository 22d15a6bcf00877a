// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pin and unpin of whole programs, beside the floor and beside the obvious alternative.
//!
//! The floor is one store for each page and one atomic addition for each run of 64 KiB (or for the
//! page), on a counter of the thread's own. The alternative is a tree of pages with counts under a
//! lock. Each figure is the smallest of some runs, taken in turn with all others; a thread goes through
//! 64 programs again and again.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ccw::GuestAddr;
use pinning::{Access, Extent, Pinner, Pins, Runs};

pub(crate) const PAGE: u64 = 4096;
/// Guest storage.
pub(crate) const BYTES: usize = 256 << 20;
/// Where it begins in the guest.
pub(crate) const START: u64 = 1 << 30;
/// Programs of a thread.
const PROGRAMS: usize = 64;

/// Name, extents of a program, and pages of an extent.
const SHAPES: [(&str, u64, u64); 3] =
    [("one page", 1, 1), ("64 KiB", 1, 16), ("960 pages", 60, 16)];

/// What is measured: one program after another, `rounds` of them, on a thread.
pub(crate) trait Way: Sync {
    fn run(&self, thread: u64, programs: &[Vec<Extent>], rounds: usize);
}

/// One store for each page, one atomic addition for each run.
struct Floor;

impl Way for Floor {
    fn run(&self, _thread: u64, programs: &[Vec<Extent>], rounds: usize) {
        let counter = AtomicU64::new(0);
        let mut out = Vec::new();
        out.resize_with(960, || AtomicU64::new(0));
        for program in programs.iter().cycle().take(rounds) {
            let mut free = out.iter();
            for extent in black_box(program) {
                counter.fetch_add(1, Ordering::Relaxed);
                let pages = u64::from(extent.len) / PAGE;
                for (page, out) in (0..pages).zip(&mut free) {
                    out.store(extent.start.get() + page * PAGE, Ordering::Relaxed);
                }
            }
            black_box(&out);
        }
    }
}

/// Pages, each with its address and how often it is pinned.
struct Tree(Mutex<BTreeMap<u64, (u64, u32)>>);

impl Way for Tree {
    fn run(&self, _thread: u64, programs: &[Vec<Extent>], rounds: usize) {
        let mut out = vec![0; 960];
        let pages = |extent: &Extent| {
            let start = extent.start.get();
            (0..u64::from(extent.len) / PAGE).map(move |page| start + page * PAGE)
        };
        for program in programs.iter().cycle().take(rounds) {
            let mut table = self.0.lock().unwrap();
            for (page, out) in black_box(program).iter().flat_map(pages).zip(&mut out) {
                let entry = table.entry(page).or_insert((page + START, 0));
                entry.1 += 1;
                *out = entry.0;
            }
            drop(table);
            black_box(&out);
            let mut table = self.0.lock().unwrap();
            for page in program.iter().flat_map(pages) {
                let entry = table.get_mut(&page).unwrap();
                entry.1 -= 1;
                if entry.1 == 0 {
                    table.remove(&page);
                }
            }
        }
    }
}

/// A pinner of ours, and what of it a thread uses.
pub(crate) struct Ours<W, P> {
    pub(crate) whole: W,
    pub(crate) own: fn(&W, u64) -> P,
}

impl<W: Sync, P: Pinner> Way for Ours<W, P> {
    fn run(&self, thread: u64, programs: &[Vec<Extent>], rounds: usize) {
        let pinner = (self.own)(&self.whole, thread);
        let mut runs = Runs::with_capacity(1024);
        for program in programs.iter().cycle().take(rounds) {
            let pins = Pins::acquire(&pinner, black_box(program), &mut runs).unwrap();
            black_box(&runs);
            drop(pins);
        }
    }
}

/// The programs of a thread: extents all over the storage, none of which touches the one before.
pub(crate) fn programs(thread: u64, extents: u64, pages: u64) -> Vec<Vec<Extent>> {
    let runs = BYTES as u64 / (16 * PAGE);
    let mut next = thread * 1009;
    let mut extent = || {
        next += 1_597;
        Extent {
            start: GuestAddr::new(START + next % runs * 16 * PAGE),
            len: u32::try_from(pages * PAGE).unwrap(),
            access: Access::DeviceWrites,
        }
    };
    (0..PROGRAMS)
        .map(|_| (0..extents).map(|_| extent()).collect())
        .collect()
}

/// Lets `threads` threads go on together; a barrier of the library's wakes one much later than another.
fn meet(arrived: &AtomicUsize, threads: usize) {
    arrived.fetch_add(1, Ordering::SeqCst);
    while arrived.load(Ordering::SeqCst) < threads {
        thread::yield_now();
    }
}

/// Time for `rounds` programs of one thread, the slowest, while all threads run.
fn measure(way: &dyn Way, programs: &[Vec<Vec<Extent>>], rounds: usize) -> Duration {
    let arrived = AtomicUsize::new(0);
    let threads = programs.len();
    let longest = thread::scope(|scope| {
        let threads: Vec<_> = programs
            .iter()
            .zip(0..)
            .map(|(programs, thread)| {
                let arrived = &arrived;
                scope.spawn(move || {
                    way.run(thread, programs, rounds.min(PROGRAMS));
                    meet(arrived, threads);
                    let start = Instant::now();
                    way.run(thread, programs, rounds);
                    start.elapsed()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .max()
    });
    longest.unwrap_or_default()
}

/// Measures them all, and prints it.
pub(crate) fn run(backs: Vec<(&'static str, Box<dyn Way>)>) {
    let once = std::env::args().any(|argument| argument == "--test");
    let mut ways: Vec<(_, Box<dyn Way>)> =
        vec![("tree of pages", Box::new(Tree(Mutex::default())))];
    ways.extend(backs);
    println!("\npin and unpin of a program: time per thread, and as a multiple of the floor");
    for (shape, extents, pages) in SHAPES {
        for threads in [1, 2, 4] {
            let programs: Vec<_> = (0..threads)
                .map(|thread| programs(thread, extents, pages))
                .collect();
            let all: Vec<&dyn Way> = [&Floor as &dyn Way]
                .into_iter()
                .chain(ways.iter().map(|(_, way)| way.as_ref()))
                .collect();
            // As many as take long enough for threads to come to lie on different processors.
            let enough = Duration::from_millis(if threads == 1 { 2 } else { 20 });
            let rounds: Vec<_> = all
                .iter()
                .map(|way| match once {
                    true => 1,
                    false => {
                        let few = measure(*way, &programs, 64).as_nanos().max(1);
                        usize::try_from(64 * enough.as_nanos() / few).unwrap() + 1
                    }
                })
                .collect();
            let mut best = vec![f64::MAX; all.len()];
            for _ in 0..if once { 1 } else { 15 } {
                for ((best, way), rounds) in best.iter_mut().zip(&all).zip(&rounds) {
                    let time = measure(*way, &programs, *rounds).as_secs_f64();
                    *best = best.min(time * 1e9 / *rounds as f64);
                }
            }
            let floor = best.remove(0);
            println!("\n{shape}, {threads} threads: floor {floor:.1} ns");
            for (best, (name, _)) in best.iter().zip(&ways) {
                println!("  {name:28} {best:>10.1} ns  {:6.2}", best / floor);
            }
        }
    }
}
