// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One file per verb: its arguments and what it does.

pub(crate) mod check;
pub(crate) mod complete;
#[cfg(target_os = "linux")]
pub(crate) mod device;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod run;
pub(crate) mod show;
#[cfg(target_os = "linux")]
pub(crate) mod submit;
pub(crate) mod translate;
