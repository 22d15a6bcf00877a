// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Runs the recorded and encoded channel programs (`ccwprog/1`) of this project, and with the
//! environment variable `CCW_CORPUS` those of the folder that it names, which may not be copied here.

mod devices;
mod program;
mod replay;
mod verdicts;
mod volume;
