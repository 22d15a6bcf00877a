// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the mediator adds to a start: from the guest's START SUBCHANNEL by the interrupt to its TEST
//! SUBCHANNEL, on a device that takes no time.

#[path = "../tests/instant/mod.rs"]
mod instant;

use criterion::{Criterion, criterion_group, criterion_main};
use vfio_ccw::Source;
use vfio_ccw::mediator::ConditionCode;

use instant::{DIRECT, Instant, LISTS, orb, subchannel};

fn start(c: &mut Criterion) {
    let mut group = c.benchmark_group("start");
    for (name, cpa) in [("1x4k-direct", DIRECT), ("14-dasd-idal", LISTS)] {
        let mut sch = subchannel(Instant::new(false));
        let mut events = Vec::with_capacity(8);
        group.bench_function(name, |b| {
            b.iter(|| {
                events.clear();
                let code = sch.ssch(&orb(cpa), &mut events);
                assert_eq!(code, Ok(ConditionCode::Cc0));
                sch.ready(Source::Io, &mut events);
                sch.tsch(&mut events)
            });
        });
        assert_eq!(sch.metrics().started, sch.metrics().starts);
    }
    group.finish();
}

criterion_group!(benches, start);
criterion_main!(benches);
