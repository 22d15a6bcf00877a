// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pins a guest's memory by io_uring, and 64 KiB of it for a program.
//!
//! `cargo run -p pinning --example pin`, as root to see frames, or as anybody else.

use ccw::GuestAddr;
use pinning::{
    Access, Budget, Extent, HostMemory, KeepError, Permission, Pinner, Pins, Runs, UringPinner,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pinner = match UringPinner::new(Budget::default()) {
        Err(error @ KeepError::Kernel { .. }) => {
            println!("no io_uring here: {error}");
            return Ok(());
        }
        other => other?,
    };
    if let Some(why) = pinner.why_virtual() {
        println!("addresses are virtual: {why}");
    }
    // 1. A region is pinned when it is added, and sealed memory cannot be replaced behind our back.
    let ram = HostMemory::sealed(0x10_0000)?;
    pinner.add(GuestAddr::new(0), &ram, Permission::ReadWrite)?;
    let caps = pinner.caps();
    println!("{:?}, fit for DMA: {}", caps.stability, caps.fit_for_dma());

    // 2. A program holds what it uses, and learns where that is.
    let extent = Extent {
        start: GuestAddr::new(0x2_0800),
        len: 0x1_0000,
        access: Access::DeviceWrites,
    };
    let mut runs = Runs::new();
    let pins = Pins::acquire(&pinner, &[extent], &mut runs)?;
    println!("64 KiB in {} runs:", runs.as_slice().len());
    for run in runs.as_slice() {
        println!("  {:#x}, {} bytes", run.host.get(), run.len);
    }

    // 3. Storage leaves in two phases: nothing new gets it, and what holds it is waited for.
    let page = GuestAddr::new(0x2_0000)..GuestAddr::new(0x2_1000);
    pinner.begin_invalidate(page.clone())?;
    println!("quiet: {}", pinner.quiesced(page.clone()));
    drop(pins); // the device is done
    println!("quiet: {}", pinner.quiesced(page.clone()));
    pinner.end_invalidate(page, false);
    let gone = Pins::acquire(&pinner, &[extent], &mut runs);
    println!("afterwards: {}", gone.map(drop).unwrap_err());
    Ok(())
}
