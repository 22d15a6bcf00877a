// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the mediator adds to a start: from the guest's START SUBCHANNEL by the interrupt to its TEST
//! SUBCHANNEL, on a device that takes no time.

#[path = "../tests/instant/mod.rs"]
mod instant;

use criterion::{Criterion, criterion_group, criterion_main};
use vfio_ccw::Source;
use vfio_ccw::mediator::ConditionCode;

use instant::{DIRECT, Instant, LISTS, orb, subchannel, telling_subchannel};

fn start(c: &mut Criterion) {
    let mut group = c.benchmark_group("start");
    for (name, cpa, tells) in [
        ("1x4k-direct", DIRECT, false),
        ("14-dasd-idal", LISTS, false),
        ("1x4k-direct, dirty pages told", DIRECT, true),
        ("14-dasd-idal, dirty pages told", LISTS, true),
    ] {
        let device = Instant::new(false);
        let mut sch = match tells {
            false => subchannel(device),
            true => telling_subchannel(device),
        };
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
