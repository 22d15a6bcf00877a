// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device models, driven by channel programs.

mod eckd;
mod fba;
mod hostile;
mod rig;
mod tape;
mod transport;
mod unit_record;
