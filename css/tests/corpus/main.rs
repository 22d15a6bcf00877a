// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Runs a folder of recorded and encoded channel programs (`ccwprog/1`), named by the environment
//! variable `CCW_CORPUS`. Without it nothing is tested, and the tests say so.

mod devices;
mod program;
mod replay;
mod verdicts;
mod volume;
