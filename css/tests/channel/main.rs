// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules of the channel, program by program. Expected words are written out by hand.

mod addressing;
mod chaining;
mod common;
mod examples;
mod functions;
mod length;
mod machine;
mod midaw;
mod sequence;
mod status;
mod transport;
