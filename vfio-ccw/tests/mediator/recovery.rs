// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Status that is lost, devices that do not stop: the device is left usable, the guest is told.

use vfio_ccw::Errno;
use vfio_ccw::device::fault::{Call, Fault, InterruptFault};
use vfio_ccw::mediator::{ResetAcknowledged, UnmapPolicy};

use crate::common::*;

/// The final status was overwritten in the kernel by an attention: one signal, the wrong IRB, and
/// the device busy until it is cleared.
#[test]
fn a_final_status_overwritten_in_the_kernel() {
    let mut machine = machine();
    machine.disturb(InterruptFault::Overwritten);
    machine.ssch();
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.made(Call::Clear), 0, "it may still be on its way");
    machine.time(SETTLE);
    assert_eq!((machine.made(Call::Clear), machine.held()), (1, (1, 0)));
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    // Nobody knows what became of the program; the attention is not lost.
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    assert_eq!(machine.metrics().lost, 1);
    machine.works();
}

/// As above, but both were signalled: the count proves that a status was lost.
#[test]
fn a_final_status_overwritten_before_it_was_read() {
    let mut machine = machine();
    machine.disturb(InterruptFault::Followed);
    machine.ssch();
    machine.io();
    assert_eq!(machine.metrics().overwritten, 1);
    machine.time(SETTLE);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    machine.works();
}

/// A device that cannot show its subchannel: only the count tells.
#[test]
fn without_a_schib_only_what_is_certain_is_repaired() {
    for (fault, certain) in [
        (InterruptFault::Followed, true),
        (InterruptFault::Overwritten, false),
    ] {
        let setup = Setup::default().without(|can| can.schib = false);
        let mut machine = setup.machine();
        machine.disturb(fault);
        machine.ssch();
        machine.io();
        machine.time(SETTLE);
        assert_eq!(machine.made(Call::Clear), u32::from(certain));
        if !certain {
            // The guest's own patience ends it.
            assert_eq!(machine.timer(), None);
            assert_eq!(machine.csch(), Cc0);
        }
        machine.io();
        let expected = if certain { CCC } else { CLEARED };
        assert_eq!(machine.tsch(), (Cc0, expected.into()));
    }
}

/// The host is busy with something that nobody here knows of: with a program, or with status that
/// is on its way and must not be lost.
#[test]
fn busy_with_something_else() {
    for (scsw, cleared) in [
        ([0x00c0_4080, 0, 0], true),
        ([0x0000_0000, 0, 0], true),
        ([0x0000_0011, 0, 0x8000_0000], false),
    ] {
        let mut machine = machine();
        let mut schib = machine.sch.stsch(&mut machine.events);
        schib.0[28..40].copy_from_slice(&irb(scsw)[..12]);
        machine.refuse(Call::Start, 2, Errno::EBUSY);
        machine.device().show_schib(Some(schib));
        assert_eq!(machine.ssch(), Cc2);
        assert_eq!(machine.made(Call::Clear), u32::from(cleared));
    }
}

/// The interrupt never came at all.
#[test]
fn a_final_status_that_never_came() {
    let mut machine = machine();
    machine.disturb(InterruptFault::Lost);
    machine.ssch();
    machine.io();
    machine.time(WATCH);
    machine.time(SETTLE);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    machine.works();
}

/// The subchannel is idle because the status is on its way: it is waited for.
#[test]
fn a_final_status_that_comes_late_is_no_loss() {
    let mut machine = machine();
    machine.disturb(InterruptFault::Late);
    machine.ssch();
    machine.io();
    machine.time(WATCH);
    assert_eq!(machine.timer(), Some(SETTLE));
    machine.device().release();
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!((machine.made(Call::Clear), machine.timer()), (0, None));
}

/// Channel end came, device end did not.
#[test]
fn a_device_end_that_never_came() {
    use ccw::DeviceStatus;
    let response = read()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let mut machine = Setup::responding([response]).stepped().machine();
    machine.device().disturb(2, InterruptFault::Lost);
    machine.ssch();
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, "00c04045 00002008 08000000".into()));
    machine.run(4);
    machine.time(WATCH);
    machine.time(SETTLE);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, "00c00013 00000000 00040000".into()));
    machine.works();
}

/// Status of the program that the clear has overtaken does not end the clear.
#[test]
fn a_status_that_a_clear_overtakes() {
    let mut machine = endless();
    machine.ssch();
    assert_eq!(machine.csch(), Cc0);
    machine
        .device()
        .interrupt(irb([0x00c0_4007, 0x4000_1008, 0x0c00_0000]));
    machine.io();
    assert_eq!((machine.events(), machine.held()), (vec![], (1, 0)));
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
}

#[test]
fn a_program_that_runs_is_only_looked_at() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    for _ in 0..3 {
        machine.time(WATCH);
    }
    assert_eq!(machine.made(Call::Clear), 0);
    assert_eq!(machine.held(), (1, 0));
}

#[test]
fn a_doubled_interrupt_is_one() {
    let mut machine = machine();
    machine.disturb(InterruptFault::Doubled);
    machine.ssch();
    machine.io();
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.metrics().overwritten, 1);
    machine.works();
}

#[test]
fn an_irb_that_cannot_be_read_is_a_lost_status() {
    let mut machine = machine();
    machine.refuse(Call::ReadIrb, 1, Errno::EFAULT);
    machine.ssch();
    machine.io();
    machine.time(SETTLE);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    machine.works();
}

#[test]
fn an_irb_of_a_device_that_is_gone() {
    let mut machine = machine();
    machine.refuse(Call::ReadIrb, 1, Errno::ENODEV);
    machine.ssch();
    machine.io();
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    assert_eq!((machine.held(), machine.metrics().quarantined), ((1, 1), 1));
}

/// The kernel resets a device when storage of its program is unmapped, and says so with a status
/// that nobody asked for (halted, activity bits on).
#[test]
fn a_program_that_was_stopped_behind_our_back() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    machine.device().with(vfio_ccw::CcwDevice::reset).unwrap();
    machine
        .device()
        .interrupt(irb([0x00c0_60c1, 0x4000_1008, 0]));
    machine.io();
    machine.time(SETTLE);
    assert_eq!(machine.made(Call::Clear), 1);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    machine.works();
}

/// The kernel does not take primary and secondary status for the end while activity bits are on.
#[test]
fn a_final_status_with_activity_bits_is_followed_by_a_clear() {
    let mut machine = machine();
    machine.disturb(InterruptFault::Replaced(irb([
        0x00c0_40c7,
        0x4000_1008,
        0x0c00_0000,
    ])));
    machine.ssch();
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.made(Call::Clear), 1);
    assert_eq!(machine.held(), (1, 0), "until the device says so");
    // The guest knows nothing of that: it goes on.
    assert_eq!(machine.tsch().0, Cc0);
    assert_eq!(machine.ssch(), Cc0);
    machine.events.clear();
    machine.io();
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.held(), (0, 0));
}

/// The status of the clear is lost as well: cleared once more, then reset.
#[test]
fn a_clear_that_never_ends() {
    let mut machine = endless();
    machine.ssch();
    machine.device().disturb(1, InterruptFault::Lost);
    machine.device().disturb(2, InterruptFault::Lost);
    assert_eq!(machine.csch(), Cc0);
    machine.run(1);
    machine.time(STOP);
    assert_eq!(machine.made(Call::Clear), 2);
    machine.run(1);
    machine.time(STOP);
    assert_eq!(machine.made(Call::Reset), 1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
    assert_eq!((machine.held(), machine.timer()), ((0, 0), None));
    machine.works();
}

/// A device that acknowledges nothing: what its program uses is never given back.
#[test]
fn a_device_that_does_not_stop_is_quarantined() {
    let mut machine = endless();
    machine.ssch();
    machine.disturb(InterruptFault::Lost);
    machine.device().disturb(2, InterruptFault::Lost);
    machine
        .device()
        .fail(Call::Reset, 1, Fault::Refused(Errno::EINVAL.into()));
    machine.csch();
    machine.run(1);
    machine.time(STOP);
    machine.run(1);
    machine.time(STOP);
    assert_eq!(machine.held(), (1, 1));
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    assert_eq!(machine.csch(), Cc3);
    assert_eq!(machine.timer(), None);
    assert_eq!(machine.metrics().quarantined, 1);
    // Nothing of it is unmapped, and it takes the word of the VMM to give it back.
    let start = ccw::GuestAddr::new(0);
    let window = machine.sch.window().clone();
    let owner = machine.sch.owner();
    drop(machine);
    assert_eq!(window.in_flight(), 1);
    assert_eq!(window.release_quarantined(ResetAcknowledged(owner)), 1);
    assert_eq!(window.in_flight(), 0);
    assert!(window.begin_unmap(start, UnmapPolicy::Refuse).is_ok());
}

/// A timer that was replaced means nothing.
#[test]
fn timers_have_generations() {
    let mut machine = endless();
    machine.ssch();
    let first = machine.sch.timer().unwrap();
    machine.refuse(Call::Halt, 3, Errno::EAGAIN);
    machine.hsch();
    let second = machine.sch.timer().unwrap();
    assert_ne!(first.id, second.id);
    machine.sch.expired(first.id, &mut machine.events);
    assert_eq!(machine.made(Call::Halt), 3);
    assert_eq!(machine.sch.timer(), Some(second));
    machine.sch.expired(second.id, &mut machine.events);
    assert_eq!(machine.made(Call::Halt), 4);
}
