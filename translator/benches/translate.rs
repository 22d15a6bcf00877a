// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The whole way of a start: fetch, validation, plan, pins, emission, release; and the way back.
//!
//! Groups `translate/<shape>` and `complete/<shape>` are ours, `floor/<shape>` is the least that
//! anybody must do: one load and store per CCW, one load, add and store per IDAW or MIDAW (for direct data
//! an add and store per page), all in the byte order of the channel. All take the same 64 programs in turn, in guest storage of three regions.
//! At the end a table gives the ratios of the minima of 15 runs each, taken in turn, also of
//! `segment-rerun`: a program that reads its own end in on a disk, between its two starts.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the shapes and the bench's storage are small"
)]

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use ccw::{DeviceClass, GuestAddr, Host, HostAddr, Irb, RawOrb, RawScsw, Scsw};
use criterion::{BenchmarkId, Criterion};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
use translator::{
    Area, Buffers, Earlier, Guards, GuestStorage, HostProfile, Part, Planned, Policy, Slot,
    Translated, fetch, fetch_part, validate,
};

const PROGRAMS: usize = 64;
/// Guest storage per program for its CCWs and lists.
const CONTROL: u64 = 0x8000;
const LOW: u64 = PROGRAMS as u64 * CONTROL;
const REGION: u64 = 0x1000_0000;

/// Guest storage: doublewords that the guest may change, read one by one.
struct Ram {
    low: Vec<AtomicU64>,
}

impl Ram {
    fn new() -> Self {
        Self {
            low: (0..LOW / 8).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn set(&self, at: u64, value: u64) {
        self.low[(at / 8) as usize].store(value.to_be(), Ordering::Relaxed);
    }

    /// The `n` doublewords from `at` on.
    fn words(&self, at: u64, n: usize) -> &[AtomicU64] {
        &self.low[(at / 8) as usize..][..n]
    }
}

impl GuestStorage for Ram {
    #[inline]
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let first = (at.get() / 8) as usize;
        assert!(at.get().is_multiple_of(8), "the bench reads doublewords");
        let Some(words) = self.low.get(first..) else {
            return 0;
        };
        let mut read = 0;
        let (chunks, _) = buf.as_chunks_mut::<8>();
        for (to, from) in chunks.iter_mut().zip(words) {
            *to = from.load(Ordering::Relaxed).to_ne_bytes();
            read += 8;
        }
        read
    }

    #[inline]
    fn read_doubleword(&self, at: GuestAddr) -> Option<[u8; 8]> {
        let word = self.low.get((at.get() / 8) as usize)?;
        Some(word.load(Ordering::Relaxed).to_ne_bytes())
    }
}

/// How a CCW names its data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    Direct,
    Idal,
    /// On a host that has none: by one list, or chained by data, which pieces of pages must be.
    Midaws {
        pieces: bool,
    },
}

impl Data {
    /// Bytes of a page that are used.
    fn bytes(self) -> u64 {
        match self {
            Self::Midaws { pieces: true } => 2048,
            _ => 4096,
        }
    }

    /// Where they begin in it.
    fn offset(self) -> u64 {
        match self {
            Self::Midaws { pieces: true } => 1024,
            _ => 0,
        }
    }

    /// Doublewords of a list word.
    fn words(self) -> u64 {
        match self {
            Self::Midaws { .. } => 2,
            _ => 1,
        }
    }
}

/// One of the shapes of programs that drivers write.
struct Shape {
    name: &'static str,
    ccws: u64,
    /// Pages per CCW, or pieces of one.
    pages: u64,
    data: Data,
    /// Whether the pages of one CCW lie side by side, as those of a kernel buffer do.
    contiguous: bool,
    /// The most that we may take, in floors.
    gate: Option<f64>,
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "1x4k-direct",
        ccws: 1,
        pages: 1,
        data: Data::Direct,
        contiguous: true,
        gate: Some(30.),
    },
    Shape {
        name: "14-dasd-idal",
        ccws: 14,
        pages: 1,
        data: Data::Idal,
        contiguous: false,
        gate: Some(12.),
    },
    Shape {
        name: "64x60k-idal",
        ccws: 64,
        pages: 15,
        data: Data::Idal,
        contiguous: true,
        gate: Some(5.),
    },
    Shape {
        name: "256-direct",
        ccws: 256,
        pages: 1,
        data: Data::Direct,
        contiguous: false,
        gate: Some(18.),
    },
    Shape {
        name: "64x60k-scattered",
        ccws: 64,
        pages: 15,
        data: Data::Idal,
        contiguous: false,
        gate: None,
    },
    Shape {
        name: "midaw-32x4k",
        ccws: 4,
        pages: 8,
        data: Data::Midaws { pieces: false },
        contiguous: false,
        gate: None,
    },
    Shape {
        name: "midaw-32x2k-chained",
        ccws: 4,
        pages: 8,
        data: Data::Midaws { pieces: true },
        contiguous: false,
        gate: None,
    },
];

/// Where everything of a shape lies.
struct Bench {
    host: &'static HostProfile,
    ram: Ram,
    pinner: PlainPinner,
    orbs: Vec<RawOrb>,
    ccws: Vec<u8>,
    lists: Vec<u8>,
    words: Vec<(Vec<u64>, Vec<u64>)>,
    out: Vec<u64>,
}

impl Bench {
    fn new(shape: &Shape) -> Self {
        let regions: Vec<Region> = [0, 0x2000_0000, 0x4000_0000]
            .iter()
            .zip(1..)
            .map(|(&guest, n)| Region {
                guest: GuestAddr::new(guest),
                len: REGION,
                host: HostAddr::new(0x1_0000_0000 + n * 0x7000_0000),
                permission: Permission::ReadWrite,
            })
            .collect();
        let pinner = PlainPinner::new(RegionMap::new(&regions).unwrap(), Budget::default());
        let ram = Ram::new();
        let mut orbs = Vec::new();
        let mut words = Vec::new();
        // A fixed scatter, above the control storage; the buffers of one program lie in one
        // region, those of the next in the next.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut page = move |n: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let region = [0, 0x2000_0000, 0x4000_0000][(n % 3) as usize];
            region + LOW + (seed >> 8) % ((REGION - LOW - 0x10_0000) / 4096) * 4096
        };
        for n in 0..PROGRAMS as u64 {
            let at = n * CONTROL;
            let midaws = matches!(shape.data, Data::Midaws { .. });
            let word1 = if midaws { 0x00c2_8040 } else { 0x00c2_8000 };
            orbs.push(RawOrb::from_words([n as u32, word1, at as u32]));
            let (mut own_ccws, mut own_idaws) = (Vec::new(), Vec::new());
            for c in 0..shape.ccws {
                let last = c + 1 == shape.ccws;
                let named = match shape.data {
                    Data::Direct => 0,
                    Data::Idal => 0x04,
                    Data::Midaws { .. } => 0x01,
                };
                let flags = if last { 0 } else { 0x40 } | named;
                let bytes = shape.data.bytes();
                let mut data = page(n) + shape.data.offset();
                let list = at + 0x1000 + c * shape.pages * shape.data.words() * 8;
                let direct = shape.data == Data::Direct;
                let addr = if direct { data } else { list };
                let ccw = (0x86 << 56) | (flags << 48) | ((shape.pages * bytes) << 32) | addr;
                ram.set(at + c * 8, ccw);
                own_ccws.push(ccw);
                for p in 0..shape.pages {
                    match shape.data {
                        Data::Direct => {}
                        Data::Idal => ram.set(list + p * 8, data),
                        Data::Midaws { .. } => {
                            let last = if p + 1 == shape.pages { 0x80_0000 } else { 0 };
                            ram.set(list + p * 16, last | bytes);
                            ram.set(list + p * 16 + 8, data);
                        }
                    }
                    own_idaws.push(data);
                    data = if shape.contiguous {
                        data + 4096
                    } else {
                        page(n) + shape.data.offset()
                    };
                }
            }
            words.push((own_ccws, own_idaws));
        }
        Self {
            host: match shape.data {
                Data::Midaws { .. } => &HostProfile::VFIO_CCW,
                _ => &HostProfile::SOFTWARE,
            },
            ram,
            pinner,
            orbs,
            ccws: vec![0; 0x1000],
            lists: vec![0; 0x1_0000],
            words,
            out: vec![0; 0x4000],
        }
    }

    fn translate(&mut self, n: usize, work: Box<Buffers>) -> Translated<&PlainPinner> {
        let guards = Guards::default();
        let snapshot = fetch(&self.orbs[n], &self.ram, &Policy::MEDIATE, &guards, work);
        let program = validate(snapshot, self.pinner.regions(), &guards);
        let Ok(Planned::Run(plan)) = program.plan(self.host) else {
            unreachable!()
        };
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), &mut self.ccws).unwrap(),
            Area::new(HostAddr::new(0x20_0000), &mut self.lists).unwrap(),
            HostAddr::new(0x40_0000),
        )
        .unwrap();
        plan.pin(&self.pinner).unwrap().emit(slot).unwrap()
    }

    /// All programs, the whole way.
    fn ours(&mut self, mut work: Box<Buffers>) -> Box<Buffers> {
        for n in 0..PROGRAMS {
            let translated = self.translate(n, work);
            black_box(translated.orb().cpa);
            work = translated.release();
            black_box((self.ccws.as_ptr(), self.lists.as_ptr()));
        }
        work
    }

    /// All programs, the least that must be done.
    fn floor(&mut self, data: Data) {
        let (n_ccws, n_idaws) = (self.words[0].0.len(), self.words[0].1.len());
        let (ccws, idaws) = self.out[..n_ccws + n_idaws].split_at_mut(n_ccws);
        let pages = n_idaws / n_ccws;
        for n in 0..PROGRAMS as u64 {
            let from = self.ram.words(n * CONTROL, n_ccws);
            if data == Data::Idal {
                let lists = idaws.chunks_exact_mut(pages);
                for ((to, list), from) in ccws.iter_mut().zip(lists).zip(from) {
                    *to = from.load(Ordering::Relaxed);
                    let from = self.ram.words(u64::from_be(*to) & ADDRESS, pages);
                    for (to, from) in list.iter_mut().zip(from) {
                        *to = moved(from.load(Ordering::Relaxed), u64::MAX);
                    }
                }
            } else if let Data::Midaws { .. } = data {
                let lists = idaws.chunks_exact_mut(pages);
                for ((to, list), from) in ccws.iter_mut().zip(lists).zip(from) {
                    *to = from.load(Ordering::Relaxed);
                    let from = self.ram.words(u64::from_be(*to) & ADDRESS, pages * 2);
                    let (midaws, _) = from.as_chunks::<2>();
                    for (to, [_, from]) in list.iter_mut().zip(midaws) {
                        *to = moved(from.load(Ordering::Relaxed), u64::MAX);
                    }
                }
            } else {
                for ((to, idaw), from) in ccws.iter_mut().zip(idaws.iter_mut()).zip(from) {
                    *to = from.load(Ordering::Relaxed);
                    *idaw = moved(*to, ADDRESS);
                }
            }
            black_box((ccws.as_ptr(), idaws.as_ptr()));
        }
    }
}

/// The address in a format-1 CCW.
const ADDRESS: u64 = 0x7fff_ffff;

/// The host's word for the guest address in the bits `mask` of `word`, both big-endian.
fn moved(word: u64, mask: u64) -> u64 {
    (u64::from_be(word) & mask)
        .wrapping_add(0x1_0000_0000)
        .to_be()
}

fn min_of<F: FnMut()>(mut run: F) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// A program that reads its own end in, on a disk: the READ and the two CCWs that it reads in.
///
/// Ours is all that is done between two starts: the READ is taken back as one that is repeated, the
/// next part is fetched and judged, and both are written. The floor is the same sentence as for
/// the others, for the four CCWs and three IDAWs that are written then.
struct Rerun {
    ram: Ram,
    pinner: PlainPinner,
    ccws: Vec<u8>,
    lists: Vec<u8>,
    out: [u64; 7],
}

/// The host's status where control has come to the CCW behind the READ.
fn arrived() -> Irb<Host> {
    let mut irb = Irb::<Host>::IDLE;
    let scsw = [0x00, 0xc0, 0x40, 0x17, 0x00, 0x10, 0, 0x10, 0, 0x20, 0, 0];
    irb.scsw = Scsw::decode(&RawScsw(scsw));
    irb
}

impl Rerun {
    fn new() -> Self {
        let bench = Bench::new(&SHAPES[0]);
        for n in 0..PROGRAMS as u64 {
            let at = n * CONTROL;
            // READ of 24 bytes to the CCW behind, without its PSW.
            bench.ram.set(at, 0x0640_0018_0000_0000 | (at + 8));
            bench.ram.set(at + 8, 0x8640_1000_2000_0000 | n << 16);
            bench.ram.set(at + 16, 0x8600_1000_2100_0000 | n << 16);
        }
        Self {
            ram: bench.ram,
            pinner: bench.pinner,
            ccws: bench.ccws,
            lists: bench.lists,
            out: [0; 7],
        }
    }

    fn translate<'p>(
        pinner: &'p PlainPinner,
        ram: &Ram,
        areas: (&mut [u8], &mut [u8]),
        n: usize,
        part: &Part,
        earlier: Earlier,
        work: Box<Buffers>,
    ) -> Translated<&'p PlainPinner> {
        let guards = Guards::default();
        let policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
        let orb = RawOrb::from_words([0, 0x00c2_8000, (n as u64 * CONTROL) as u32]);
        let map = pinner.regions();
        let program = fetch_part(&orb, part, ram, map, &policy, &guards, work);
        let Ok(Planned::Run(plan)) = program.plan_behind(earlier, &HostProfile::SOFTWARE) else {
            unreachable!()
        };
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), areas.0).unwrap(),
            Area::new(HostAddr::new(0x20_0000), areas.1).unwrap(),
            HostAddr::new(0x40_0000),
        )
        .unwrap();
        let pinned = plan.pin(pinner).unwrap();
        pinned.emit(slot).unwrap()
    }

    /// The time between the first start of each program and the second, in sum.
    fn ours(&mut self, mut work: Box<Buffers>) -> (Duration, Box<Buffers>) {
        let mut time = Duration::ZERO;
        let irb = arrived();
        for n in 0..PROGRAMS {
            let Self {
                ram,
                pinner,
                ccws,
                lists,
                ..
            } = self;
            let first = (&Part::START, Earlier::NONE);
            let areas = (&mut ccws[..], &mut lists[..]);
            let one = Self::translate(pinner, ram, areas, n, first.0, first.1, work);
            let running = one.start();
            let start = Instant::now();
            let arrival = running.complete(&irb).arrived.unwrap();
            let (earlier, buffers) = running.go_on(&irb).unwrap();
            let next = Part::from(arrival);
            let areas = (&mut ccws[..], &mut lists[..]);
            let two = Self::translate(pinner, ram, areas, n, &next, earlier, buffers);
            black_box(two.orb().cpa);
            work = two.release();
            time += start.elapsed();
        }
        (time, work)
    }

    fn floor(&mut self) {
        for n in 0..PROGRAMS as u64 {
            let from = self.ram.words(n * CONTROL, 4);
            let (ccws, idaws) = self.out.split_at_mut(4);
            for (to, from) in ccws.iter_mut().zip(from) {
                *to = from.load(Ordering::Relaxed);
            }
            for (idaw, from) in idaws.iter_mut().zip(from) {
                *idaw = moved(from.load(Ordering::Relaxed), ADDRESS);
            }
            black_box(self.out.as_ptr());
        }
    }
}

/// The line of the table for programs that are carried out in parts.
fn rerun() {
    let mut bench = Rerun::new();
    let (_, mut work) = bench.ours(Buffers::new());
    let (mut ours, mut floor) = (Duration::MAX, Duration::MAX);
    let rounds = 200;
    for _ in 0..15 {
        let mut sum = Duration::ZERO;
        for _ in 0..rounds {
            let (time, back) = bench.ours(work);
            sum += time;
            work = back;
        }
        ours = ours.min(sum);
        floor = floor.min(min_of(|| (0..rounds).for_each(|_| bench.floor())));
    }
    let per = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(rounds) / PROGRAMS as f64;
    println!(
        "{:<18} {:>7.1} ns {:>7.2} ns {:>8.1} {:>6}",
        "segment-rerun",
        per(ours),
        per(floor),
        per(ours) / per(floor),
        "-",
    );
}

/// Prints ours against the floor, minima of 15 runs of each taken in turn.
fn table() {
    println!(
        "\n{:<18} {:>10} {:>10} {:>8} {:>6}",
        "shape", "ours", "floor", "ratio", "gate"
    );
    for shape in SHAPES {
        let mut bench = Bench::new(shape);
        let mut work = bench.ours(Buffers::new());
        let (mut ours, mut floor) = (Duration::MAX, Duration::MAX);
        let rounds = 20_000 / (shape.ccws * shape.pages).max(40) as u32;
        for _ in 0..15 {
            let mut held = Some(work);
            ours = ours.min(min_of(|| {
                for _ in 0..rounds {
                    held = held.take().map(|work| bench.ours(work));
                }
            }));
            work = held.expect("given back");
            floor = floor.min(min_of(|| {
                for _ in 0..rounds {
                    bench.floor(shape.data);
                }
            }));
        }
        let per = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(rounds) / PROGRAMS as f64;
        let gate = shape
            .gate
            .map_or(String::from("-"), |gate| format!("{gate:.0}"));
        println!(
            "{:<18} {:>7.1} ns {:>7.2} ns {:>8.1} {:>6}",
            shape.name,
            per(ours),
            per(floor),
            per(ours) / per(floor),
            gate,
        );
    }
    rerun();
}

fn benches(c: &mut Criterion) {
    for shape in SHAPES {
        let mut bench = Bench::new(shape);
        let mut held = Some(Buffers::new());
        c.benchmark_group("translate").bench_function(
            BenchmarkId::from_parameter(shape.name),
            |b| {
                b.iter(|| held = held.take().map(|work| bench.ours(work)));
            },
        );
        c.benchmark_group("floor")
            .bench_function(BenchmarkId::from_parameter(shape.name), |b| {
                b.iter(|| bench.floor(shape.data));
            });
        let pages = Bench::new(shape).pinner;
        let mut bench = Bench {
            pinner: pages,
            ..bench
        };
        let translated = bench.translate(0, Buffers::new());
        let mut irb = Irb::<Host>::IDLE;
        let mut scsw = RawScsw([0x00, 0xc0, 0x40, 0x07, 0, 0, 0, 0, 0x0c, 0, 0, 0]);
        let end = 0x10_0000 + 8 * shape.ccws as u32;
        scsw.0[4..8].copy_from_slice(&end.to_be_bytes());
        irb.scsw = Scsw::decode(&scsw);
        c.benchmark_group("complete").bench_function(
            BenchmarkId::from_parameter(shape.name),
            |b| {
                b.iter(|| black_box(translated.complete(black_box(&irb))));
            },
        );
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
    table();
}
