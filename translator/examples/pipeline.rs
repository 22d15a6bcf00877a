// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The whole way of one channel program: guest bytes in, host bytes out, guest status back.
//!
//! `cargo run -p translator --example pipeline`

use std::error::Error;

use ccw::{
    CcwLine, DeviceClass, Format, GuestAddr, Host, HostAddr, Irb, RawCcw, RawOrb, RawScsw, Scsw,
};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
use translator::{
    Area, Buffers, Guards, GuestStorage, HostProfile, Planned, Policy, Slot, fetch, validate,
};

/// 1 MiB of guest storage. A monitor reads the guest's memory by volatile loads instead.
struct Ram(Vec<u8>);

impl GuestStorage for Ram {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let from = usize::try_from(at.get()).unwrap_or(usize::MAX);
        let there = self.0.get(from..).unwrap_or_default();
        let len = there.len().min(buf.len());
        buf[..len].copy_from_slice(&there[..len]);
        len
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The guest: SENSE ID, 64 bytes to 3000, incorrect length suppressed. It starts at 2100.
    let mut ram = Ram(vec![0; 1 << 20]);
    ram.0[0x2100..0x2108].copy_from_slice(&[0xe4, 0x20, 0, 0x40, 0, 0, 0x30, 0]);
    let orb = RawOrb::from_words([0x00a0_b0c0, 0x00c2_8000, 0x2100]);

    // The host: all of guest storage is found at 4 GiB, and the program may lie at 1 MiB.
    let regions = RegionMap::new(&[Region {
        guest: GuestAddr::new(0),
        len: 1 << 20,
        host: HostAddr::new(0x1_0000_0000),
        permission: Permission::ReadWrite,
    }])?;
    let pinner = PlainPinner::new(regions, Budget::default());
    let (mut ccws, mut lists) = ([0; 64], [0; 64]);
    let slot = Slot::new(
        Area::new(HostAddr::new(0x10_0000), &mut ccws)?,
        Area::new(HostAddr::new(0x10_1000), &mut lists)?,
        HostAddr::new(0x10_2000),
    )?;

    // Read every word once, judge what was read, lay it out, pin its data, write it out.
    let guards = Guards::default();
    let snapshot = fetch(&orb, &ram, &Policy::MEDIATE, &guards, Buffers::new());
    let program = validate(snapshot, pinner.regions(), &guards);
    println!("the guest's program is {:?}", program.outcome());
    let Planned::Run(plan) = program.plan(&HostProfile::SOFTWARE)? else {
        return Err("it ends before its first byte: the guest gets its status at once".into());
    };
    let translated = plan.pin(&pinner)?.emit(slot)?;

    // What the host channel is given: `ccws` and `lists`, and an ORB that designates them.
    let host = (0x10_0000..).step_by(8).zip(ccws.as_chunks().0);
    for ((addr, &bytes), guest) in host.zip(translated.host_ccws()) {
        let raw = RawCcw(bytes);
        let line = CcwLine { addr, raw }.display(Format::One, DeviceClass::Unknown);
        match guest {
            Some(guest) => println!("{line}  for the guest's CCW at {:x}", guest.get()),
            None => println!("{line}  stop"),
        }
    }
    println!("list at 101000: {:02x?}", &lists[..8]);

    // The host channel runs it: all well, 52 of 64 bytes not moved, next CCW at 100008.
    let mut host = Irb::<Host>::IDLE;
    let ending = [0x00, 0xc0, 0x40, 0x07, 0, 0x10, 0, 8, 0x0c, 0, 0, 0x34];
    host.scsw = Scsw::decode(&RawScsw(ending));

    // The guest sees its own addresses; dropping `translated` gives the pins back.
    let scsw = translated.complete(&host).irb.scsw;
    println!("guest status: {:02x?}", scsw.encode().0);
    assert_eq!((scsw.cpa, scsw.residual), (0x2108, 0x34));
    Ok(())
}
