// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can happen to a guest's subchannel, in any order. The fuzz targets `device` and `region` do
//! the same for longer.

use ccw_kit::subchannel::{device, region};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_a_device_that_fails(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        device::check(&bytes);
    }

    #[test]
    fn on_a_host_that_answers_anything(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        region::check(&bytes);
    }
}
