// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! MIDAWs on a host that has none: by one list, by data chaining, or by way of a copy.

use ccw::orb::word1;
use tests::program::GuestProgram;
use translator::Code;

use super::refused;

fn program(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws).with(word1::MIDAW)
}

/// 16 bytes in two areas that no list of blocks names.
const APART: &str = "00000000 00000008 00000000 00005004
                     00000000 00800008 00000000 00006004";

/// The first command goes on behind a short record, so its data goes by way of a copy: what the second
/// one stores at 6008 would be stored over when that is copied.
#[test]
fn e15_env_shared_copy() {
    let twice = program("02610010 00003000 02200010 00006008").put(0x3000, APART);
    assert_eq!(refused(&twice), Code::EnvSharedCopy);
    let apart = program("02610010 00003000 02200010 0000600C").put(0x3000, APART);
    super::same(&apart, &[super::short(3), super::short(5)]);
}
