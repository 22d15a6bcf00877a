// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What our library adds to a start, as a share of the whole way round.

use std::error::Error;
use std::time::{Duration, Instant};

use ccw::{GuestAddr, SubsystemId};
use css::device::scripted::{Response, Scripted};
use vfio_ccw::Source;
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    ConditionCode, GuestRegion, Mediator, MediatorConfig, ShadowWindow, WindowConfig,
};

use crate::case::{START, matches, text};
use crate::eckd::sense_id;
use crate::guest::{CC, Guest, STANDARD, orb};
use crate::line::Line;
use crate::report::Report;
use crate::shared::Shared;

const DATA: u32 = 0x20_0000;
/// Starts that are measured; their median counts.
const STARTS: usize = 300;

/// What one start took.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    /// From START SUBCHANNEL to TEST SUBCHANNEL.
    round: Duration,
    /// In our library, apart from the device's own requests.
    ours: Duration,
}

/// Programs that are measured: one CCW, and 14 CCWs.
fn programs() -> [(&'static str, Vec<[u8; 8]>); 2] {
    let mut many = vec![sense_id(CC, DATA + 0x100); 13];
    many.push(sense_id(0, DATA));
    [("1 CCW", vec![sense_id(0, DATA)]), ("14 CCWs", many)]
}

/// On the kernel's device: with our library, and without.
pub(crate) fn kernel(line: &mut Line, report: &mut Report) {
    // Nobody reads the log.
    let level = log::max_level();
    log::set_max_level(log::LevelFilter::Off);
    for (name, ccws) in programs() {
        line.guest.store(START.into(), ccws.as_flattened());
        let orb = orb(STANDARD, START);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let mut wrong = None;
        for _ in 0..STARTS {
            let (start, spent, inside) = (Instant::now(), line.device.spent(), line.inside);
            let found = text(&line.mediated(&orb));
            let device = line.device.spent() - spent;
            with.push(Sample {
                round: start.elapsed(),
                ours: (line.inside - inside).saturating_sub(device),
            });
            let start = Instant::now();
            let alone = text(&line.alone(&orb));
            without.push(Sample {
                round: start.elapsed(),
                ours: Duration::ZERO,
            });
            if !matches(&found, "00c04007 ........ 0c00....") || !alone.ends_with(&found[8..]) {
                wrong = Some(format!("{found}, alone {alone}"));
            }
        }
        say(name, &middle(with));
        let alone = micros(middle(without).round);
        println!("        {name}: {alone:.1} us without our library");
        report.check(
            &format!("{STARTS} measured starts of {name}"),
            wrong.map_or(Ok(()), Err),
        );
    }
    log::set_max_level(level);
}

/// On the device in software.
pub(crate) fn soft(report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (name, ccws) in programs() {
        let guest = Guest::new()?;
        guest.store(START.into(), ccws.as_flattened());
        let answers = ccws
            .iter()
            .map(|ccw| Response::input(&vec![7; usize::from(ccw[3])]));
        let all = std::iter::repeat_n(answers.collect::<Vec<_>>(), STARTS).flatten();
        let space = SoftSpace::new();
        let soft = SoftDevice::new(Scripted::new(all), space.clone(), SoftConfig::default())?;
        let device = Shared::new(soft)?;
        let window = ShadowWindow::new(space, WindowConfig::default())?;
        for (at, memory) in guest.regions() {
            window.add(GuestRegion::new(GuestAddr::new(at), memory.clone()))?;
        }
        let id = SubsystemId::new(0, 0).ok_or("subchannel 0")?;
        let config = MediatorConfig::new(id, 0);
        let mut mediator = Mediator::attach(device.another()?, window, config)?;
        let mut events = Vec::new();
        let mut schib = mediator.stsch(&mut events);
        schib.0[5] |= 0x80;
        let _ = mediator.msch(&schib);
        let orb = orb(STANDARD, START);
        let (mut samples, mut good) = (Vec::new(), 0);
        for _ in 0..STARTS {
            let (start, spent) = (Instant::now(), device.spent());
            let code = mediator.ssch(&orb, &mut events);
            mediator.ready(Source::Io, &mut events);
            let (_, irb) = mediator.tsch(&mut events);
            let round = start.elapsed();
            let ours = round.saturating_sub(device.spent() - spent);
            samples.push(Sample { round, ours });
            let ended = irb.is_some_and(|irb| irb.0[..4] == [0, 0xc0, 0x40, 7] && irb.0[8] == 0x0c);
            good += usize::from(code == Ok(ConditionCode::Cc0) && ended);
        }
        say(name, &middle(samples));
        let result = (good == STARTS)
            .then_some(())
            .ok_or(format!("{good} ended well"));
        report.check(&format!("{STARTS} measured starts of {name}"), result);
    }
    Ok(())
}

/// The median.
fn middle(mut samples: Vec<Sample>) -> Sample {
    let half = samples.len() / 2;
    samples.sort_by_key(|sample| sample.round);
    let round = samples.get(half).copied().unwrap_or_default().round;
    samples.sort_by_key(|sample| sample.ours);
    let ours = samples.get(half).copied().unwrap_or_default().ours;
    Sample { round, ours }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn say(name: &str, sample: &Sample) {
    let (round, ours) = (micros(sample.round), micros(sample.ours));
    let share = 100.0 * ours / round;
    println!("        {name}: {round:.1} us, of which our library {ours:.1} us: {share:.1} %");
}
