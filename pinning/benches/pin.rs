// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pin and unpin of whole programs, beside the floor: a load, an add and a store per extent.

#![allow(
    missing_docs,
    reason = "criterion_group makes an undocumented function"
)]

use std::hint::black_box;

use ccw::{GuestAddr, HostAddr};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pinning::{
    Access, Budget, Extent, Permission, Pinner, Pins, PlainPinner, Region, RegionMap, Run, Runs,
};

const MIB: u64 = 1 << 20;

/// Three regions, the first below a hole, as a virtual machine has them.
fn pinner(budget: Budget) -> PlainPinner {
    let regions = [(0, 512), (1024, 512), (4096, 4096)].map(|(guest, len)| Region {
        guest: GuestAddr::new(guest * MIB),
        len: len * MIB,
        host: HostAddr::new((guest + 4096) * MIB),
        permission: Permission::ReadWrite,
    });
    PlainPinner::new(RegionMap::new(&regions).unwrap(), budget)
}

/// One-page extents, scattered over the last region so that none touches the one before.
fn scattered(count: u64) -> Vec<Extent> {
    (0..count)
        .map(|i| Extent {
            start: GuestAddr::new(4096 * MIB + (i * 7919 % (1 << 18)) * 4096),
            len: 4096,
            access: Access::DeviceWrites,
        })
        .collect()
}

fn programs(c: &mut Criterion) {
    let counted = Budget {
        total_bytes: 1 << 30,
        ..Budget::default()
    };
    let mut group = c.benchmark_group("pin");
    for count in [1, 14, 960] {
        let extents = scattered(count);
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("floor/{count}"), |b| {
            let mut runs = vec![
                Run {
                    host: HostAddr::new(0),
                    len: 0
                };
                extents.len()
            ];
            b.iter(|| {
                for (extent, run) in black_box(&extents).iter().zip(&mut runs) {
                    run.host = HostAddr::new(extent.start.get().wrapping_add(4096 * MIB));
                    run.len = extent.len;
                }
                black_box(&mut runs);
            });
        });
        for (name, budget) in [("plain", Budget::default()), ("counted", counted)] {
            group.bench_function(format!("{name}/{count}"), |b| {
                let pinner = pinner(budget);
                let mut runs = Runs::with_capacity(extents.len());
                b.iter(|| {
                    let pins = Pins::acquire(&pinner, black_box(&extents), &mut runs).unwrap();
                    black_box(&runs);
                    drop(pins);
                });
            });
        }
        group.bench_function(format!("withdrawn/{count}"), |b| {
            let pinner = pinner(Budget::default());
            let range = GuestAddr::new(0)..GuestAddr::new(4096);
            pinner.begin_invalidate(range).unwrap();
            let mut runs = Runs::with_capacity(extents.len());
            b.iter(|| {
                let pins = Pins::acquire(&pinner, black_box(&extents), &mut runs).unwrap();
                black_box(&runs);
                drop(pins);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, programs);
criterion_main!(benches);
