// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded programs.

use ccw::DeviceClass;
use translator::{Blocks, Buffers, CommandPolicy, Guards, Policy, Track, Tracks, fetch, validate};

/// Linux's programs for a 3390 and a 9336 are confined to their volumes by what they say themselves,
/// but for those that do something to the device.
#[test]
fn the_programs_of_linux_pass() {
    let cases = ccw_kit::corpus::load(&ccw_kit::corpus::own_programs()).expect("programs");
    let mut refused = std::collections::BTreeSet::new();
    let mut passed = 0;
    for case in cases
        .iter()
        .filter(|case| case.name.starts_with("linux61-"))
    {
        let class = case.device_class();
        let tracks = Tracks::new(Track::new(0, 0), Track::new(0x1_0000, 14));
        let policy = match class {
            DeviceClass::Eckd => CommandPolicy::read_write(tracks.unwrap()),
            DeviceClass::Fba => CommandPolicy::read_write(Blocks::new(0, 999_999).unwrap()),
            _ => continue,
        };
        let storage = case.storage();
        let guards = Guards {
            commands: Some(&policy),
            ..Guards::default()
        };
        let read = Policy::CHECK.for_device(class);
        let snapshot = fetch(&case.orb(), &storage, &read, &guards, Buffers::new());
        let program = validate(snapshot, &storage.map(1 << 32), &guards);
        let policy = |f: &&translator::Finding| f.code.id().starts_with('P');
        match program.findings().iter().find(policy) {
            Some(finding) => {
                let command = finding.site.word.as_bytes()[0];
                refused.insert((finding.code.id(), command));
            }
            None => passed += 1,
        }
    }
    // Reserving, whatever it takes; the order by which the subsystem learns what the system can do.
    let expected = [("P01", 0x14), ("P01", 0xb4), ("P05", 0x1d)];
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), expected);
    assert!(passed >= 85, "{passed}");
}
