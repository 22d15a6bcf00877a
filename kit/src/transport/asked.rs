// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program that is interrogated while it runs, on a host that has transport mode.

use ccw::{GuestAddr, Host, HostAddr};
use css::device::scripted::{Response, Scripted};
use css::{ConditionCode, Config, Ram, Subchannel};
use pinning::{Budget, PlainPinner};
use translator::{Area, HostProfile, Planned, Slot};

use super::case::OFFSET;
use super::{CCWS, COPIES, LISTS, SCRATCH};
use crate::program::GuestProgram;

/// SCSW of the answer and of the end, and the TSBs that are copied back with each.
pub type Answered = (Vec<u8>, Vec<u8>, [Vec<u8>; 2]);

/// Interrogates the translation of `program` before its one command, which reads 4096 bytes; none where
/// the host finds nothing to ask.
///
/// # Panics
///
/// When it does not run.
pub fn interrogate(program: &GuestProgram) -> Option<Answered> {
    let pinner = PlainPinner::new(program.map(OFFSET), Budget::default());
    let judged = program.judge_with(pinner.regions());
    let Ok(Planned::Run(plan)) = judged.plan(&HostProfile::SOFTWARE) else {
        panic!("it does not run");
    };
    let mut areas = [(); 3].map(|()| vec![0xee; 0x2000]);
    let [ccws, lists, copies] = &mut areas;
    let area = |at, bytes| Area::new(HostAddr::new(at), bytes).expect("below 2 GiB");
    let slot = Slot::new(area(CCWS, ccws), area(LISTS, lists), HostAddr::new(SCRATCH));
    let slot = slot.and_then(|slot| slot.with_copies(area(COPIES, copies)));
    let pinned = plan.pin(&pinner).expect("pins");
    let translated = pinned
        .emit(slot.expect("areas of their own"))
        .expect("room");
    let mut storage = Ram::<Host>::new(1 << 36);
    for (at, bytes) in [CCWS, LISTS, COPIES].into_iter().zip(&areas) {
        storage.write(HostAddr::new(at), bytes);
    }
    let mut running = translated.start();
    let mut subchannel = Subchannel::<Host>::new(Config {
        transport: true,
        ..Config::default()
    });
    let mut device = Scripted::new([Response::input(&[7; 0x1000])]);
    subchannel
        .start_raw(&running.orb().encode())
        .expect("started");
    subchannel.step(&mut storage, &mut device);
    let mut tell = |subchannel: &mut Subchannel<Host>, storage: &Ram<Host>| {
        let (_, irb) = subchannel.test();
        let area = storage.read(HostAddr::new(COPIES), 0x2000);
        let copies = running.copies_back(Some(&irb), &area);
        let copies: Vec<(GuestAddr, Vec<u8>)> = copies
            .map(|copy| (copy.guest, area[copy.at..][..copy.len].to_vec()))
            .collect();
        let done = running.complete(&irb);
        assert!(!done.unmapped && !done.unexplained, "{done:x?}");
        (done.irb.scsw.encode().0.to_vec(), copies)
    };
    match subchannel.cancel() {
        ConditionCode::Cc0 => {}
        _ => return None,
    }
    subchannel.step(&mut storage, &mut device);
    let (answer, mut first) = tell(&mut subchannel, &storage);
    subchannel.run(&mut storage, &mut device, 1000);
    let (end, mut second) = tell(&mut subchannel, &storage);
    let places: Vec<u64> = [&first, &second]
        .into_iter()
        .flatten()
        .map(|(at, _)| at.get())
        .collect();
    assert_eq!(places, [0x2300, 0x2100]);
    Some((answer, end, [first.remove(0).1, second.remove(0).1]))
}
