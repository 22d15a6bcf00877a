// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Sequences of what can happen to a guest's subchannel, and what must hold all the time.
//!
//! [`device`] has a software device that fails as it is told; [`region`] one whose every answer is
//! any bytes at all; [`stress`] many of them at once.

pub mod device;
mod dirty;
mod guest;
pub mod region;
mod seeds;
pub(crate) mod stream;
pub mod stress;
mod window;

pub use seeds::{Seed, device_seeds, region_seeds};
