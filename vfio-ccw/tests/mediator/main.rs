// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's subchannel, on a software device that fails as it is told.

mod checks;
mod common;
mod dirty;
mod errno;
mod halt;
mod instructions;
mod interrupts;
mod keys;
mod lifecycle;
mod midaws;
mod parts;
mod policy;
mod recovery;
mod snapshot;
mod start;
mod storage;
mod suspend;
mod transport;
