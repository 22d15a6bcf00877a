// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests against hosts: a host gives a guest just what it is to see, or is not attached.

mod session;

use ccw::{DeviceClass, SubsystemId};
use translator::{Blocks, CommandPolicy, Facilities, HostProfile, Policy, Stance, Suspension};
use vfio_ccw::Capabilities;
use vfio_ccw::mediator::{Emulated, GuestProfile, MediatorConfig, Misfit, Paths, Plan, plan};

use session::Host;

const FULL: Capabilities = Capabilities {
    async_command: true,
    schib: true,
    crw: true,
    request: true,
    reset: true,
};

/// Hosts by what they lack, on the kernel's channel but for the last.
fn hosts() -> [(&'static str, Host); 9] {
    let kernel = |capabilities| Host {
        capabilities,
        channel: HostProfile::VFIO_CCW,
    };
    let without = |lack: fn(&mut Capabilities)| {
        let mut capabilities = FULL;
        lack(&mut capabilities);
        kernel(capabilities)
    };
    [
        ("everything", kernel(FULL)),
        ("no request", without(|can| can.request = false)),
        ("no reset", without(|can| can.reset = false)),
        ("no reports", without(|can| can.crw = false)),
        ("no schib", without(|can| can.schib = false)),
        ("no halt", without(|can| can.async_command = false)),
        (
            "no halt, no reset",
            without(|can| (can.async_command, can.reset) = (false, false)),
        ),
        ("nothing", kernel(Capabilities::default())),
        (
            "software",
            Host {
                capabilities: FULL,
                channel: HostProfile::SOFTWARE,
            },
        ),
    ]
}

/// Guests by what is special about them.
fn guests() -> Vec<(&'static str, GuestProfile)> {
    let usual = GuestProfile::default();
    let fixed = GuestProfile {
        paths: Paths::ONE,
        ..usual
    };
    let clears = GuestProfile {
        halt: false,
        ..fixed
    };
    let endures = GuestProfile {
        stop: false,
        ..clears
    };
    let with = |facilities| GuestProfile {
        policy: Policy {
            facilities,
            ..Policy::MEDIATE
        },
        ..usual
    };
    let most = |max_ccws| GuestProfile {
        policy: Policy {
            max_ccws,
            ..Policy::MEDIATE
        },
        ..usual
    };
    let z = Policy::MEDIATE.facilities;
    vec![
        ("usual", usual),
        ("one path", fixed),
        ("one path, never halts", clears),
        ("one path, never stops a program", endures),
        (
            "no ORB extension",
            with(Facilities {
                orb_extension: false,
                ..z
            }),
        ),
        ("no MIDAWs", with(Facilities { midaw: false, ..z })),
        (
            "transport mode",
            with(Facilities {
                transport: true,
                ..z
            }),
        ),
        (
            "in one piece",
            GuestProfile {
                policy: Policy {
                    no_prefetch: Stance::Refuse,
                    self_modifying: Stance::Refuse,
                    suspend: Suspension::Refuse,
                    ..Policy::MEDIATE
                },
                ..usual
            },
        ),
        ("4096 CCWs", most(4096)),
        ("4097 CCWs", most(4097)),
    ]
}

/// One line for each guest, one letter for each host: `N`ative, `E`mulated; else why not.
#[test]
fn which_host_fits_which_guest() {
    let hosts = hosts();
    let letter = |plan: Plan| match plan {
        Plan::Native => "N",
        Plan::Emulate(_) => "E",
        Plan::Fail(Misfit::Paths) => "paths",
        Plan::Fail(Misfit::Halt) => "halt",
        Plan::Fail(Misfit::Stop) => "stop",
        Plan::Fail(Misfit::ProgramLength {
            wanted: 4097,
            most: 4096,
        }) => "length",
        Plan::Fail(_) => "?",
    };
    let lines: Vec<String> = guests()
        .iter()
        .map(|(name, guest)| {
            let plans = hosts.iter().map(|(_, host)| host.plan(guest));
            let letters: Vec<_> = plans.map(letter).collect();
            format!("{name}: {}", letters.join(" "))
        })
        .collect();
    // everything, no request, no reset, no reports, no schib, no halt, no halt or reset, nothing,
    // software
    let expected = [
        "usual: E E E paths paths halt halt halt E",
        "one path: E E E E E halt halt halt E",
        "one path, never halts: E E E E E E stop stop E",
        "one path, never stops a program: E E E E E E E E E",
        "no ORB extension: E E E paths paths halt halt halt E",
        "no MIDAWs: E E E paths paths halt halt halt E",
        "transport mode: E E E paths paths halt halt halt E",
        "in one piece: E E E paths paths halt halt halt N",
        "4096 CCWs: E E E paths paths halt halt halt E",
        "4097 CCWs: length length length length length length length length E",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_is_emulated() {
    let [_, (_, fixed), (_, clears), ..] = guests()[..] else {
        panic!("guests");
    };
    let plan = |guest: &GuestProfile, lack: fn(&mut Capabilities)| {
        let mut capabilities = FULL;
        lack(&mut capabilities);
        let channel = HostProfile::VFIO_CCW;
        Host {
            capabilities,
            channel,
        }
        .plan(guest)
    };
    let always = Emulated::ORB_EXTENSION | Emulated::PARTS | Emulated::MIDAWS | Emulated::PATHS;
    assert_eq!(plan(&fixed, |_| {}), Plan::Emulate(always));
    assert_eq!(
        plan(&fixed, |can| can.reset = false),
        Plan::Emulate(always | Emulated::RESET)
    );
    assert_eq!(
        plan(&clears, |can| can.async_command = false),
        Plan::Emulate(always | Emulated::CLEAR)
    );
}

/// A policy judges the commands of transport mode as well, so the guest has it all the same.
#[test]
fn transport_mode_with_a_command_policy() {
    let mut config = MediatorConfig::new(SubsystemId::new(0, 5).unwrap(), 0x0190);
    let has_mode = |config: &MediatorConfig| match plan(config, FULL) {
        Plan::Emulate(emulated) => emulated.contains(Emulated::TRANSPORT),
        other => panic!("{other:?}"),
    };
    assert!(!has_mode(&config));
    config.guest.policy.facilities = Facilities::FCX;
    assert!(has_mode(&config));
    config.commands = Some(CommandPolicy::read_only(DeviceClass::Eckd));
    assert!(has_mode(&config));
}

/// A part of a fixed-block disk says nothing of where the commands of another disk lead.
#[test]
fn a_command_policy_is_for_the_kind_of_device_that_programs_are_read_for() {
    let mut config = MediatorConfig::new(SubsystemId::new(0, 5).unwrap(), 0x0190);
    let kinds = [DeviceClass::Unknown, DeviceClass::Eckd, DeviceClass::Fba];
    let blocks = Blocks::new(0, 9).unwrap();
    let [unknown, eckd, fba] = [
        CommandPolicy::read_only(DeviceClass::Unknown),
        CommandPolicy::read_only(DeviceClass::Eckd),
        CommandPolicy::read_only(blocks),
    ];
    for (policy, fits) in [
        (None, [true; 3]),
        (Some(unknown), [true; 3]),
        (Some(eckd), [true, true, false]),
        (Some(fba), [true, false, true]),
    ] {
        config.commands = policy;
        for (programs, fits) in kinds.into_iter().zip(fits) {
            config.guest.policy.device = programs;
            let commands = policy.map_or(DeviceClass::Unknown, |it| it.volume().class());
            let misfit = Plan::Fail(Misfit::Commands { programs, commands });
            assert_eq!(
                plan(&config, FULL) != misfit,
                fits,
                "{programs:?} {policy:?}"
            );
        }
    }
}

/// Wherever the plan is not to fail, the guest sees the same bytes: everything that it is answered,
/// its subchannel, its storage.
#[test]
fn a_guest_sees_the_same_bytes_on_every_host_that_fits() {
    for (guest_name, guest) in guests() {
        let mut first: Option<(&str, Vec<String>)> = None;
        for (host_name, host) in hosts() {
            let seen = host.run(&guest);
            assert_eq!(
                seen.is_err(),
                matches!(host.plan(&guest), Plan::Fail(_)),
                "{guest_name} on {host_name}"
            );
            let Ok(seen) = seen else { continue };
            assert!(seen.len() > 50, "{guest_name} sees {}", seen.len());
            match &first {
                None => first = Some((host_name, seen)),
                Some((name, first)) => {
                    for (n, (here, there)) in seen.iter().zip(first).enumerate() {
                        assert_eq!(
                            here, there,
                            "{guest_name}, line {n}, on {host_name} and on {name}"
                        );
                    }
                    assert_eq!(seen.len(), first.len());
                }
            }
        }
    }
}

/// A device that does not fit is asked for nothing, and the guest is told of nothing.
#[test]
fn a_misfit_is_not_touched() {
    let host = Host {
        capabilities: Capabilities::default(),
        channel: HostProfile::VFIO_CCW,
    };
    let (result, requests) = host.attach(&GuestProfile::default());
    assert_eq!(result.err(), Some(Misfit::Halt));
    assert_eq!(requests, 0);
}
