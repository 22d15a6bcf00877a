// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Channel programs to test an implementation with, and what to hold it against: an emulator, a model of
//! a device, another translator, in any language.
//!
//! # Your own implementation
//!
//! Whatever can be told of a [`Machine`](machine::Machine) (storage, ORB, a device that answers by a
//! script) what becomes of its program is an [`Implementation`](implementation::Implementation):
//!
//! ```
//! use ccw_kit::compare::{Compared, Comparison, text};
//! use ccw_kit::generator::random_cases;
//! use ccw_kit::implementation::{Failure, Implementation, Reference, Report};
//! use ccw_kit::machine::Machine;
//!
//! struct Mine;
//!
//! impl Implementation for Mine {
//!     fn name(&self) -> &str {
//!         "mine"
//!     }
//!     fn run(&mut self, machine: &Machine) -> Result<Report, Failure> {
//!         // Here it runs the program of `machine.file.orb`, and tells what came of it.
//!         Reference::default().run(machine)
//!     }
//! }
//!
//! let mut comparison = Comparison::new(vec![Box::new(Reference::default()), Box::new(Mine)]);
//! for case in random_cases(390).take(50) {
//!     if let Compared::Differs(difference) = comparison.run(&Machine::of_case(&case)) {
//!         panic!("{}", text(&difference, Some(&case.to_bytes())));
//!     }
//! }
//! println!("{}", comparison.counts());
//! assert!(comparison.counts().compared() > 40);
//! ```
//!
//! One that is not Rust reads machines on standard input and writes reports, a line of JSON each
//! ([`implementation`] has the format), and is named to `ccw-compare`:
//!
//! ```sh
//! cargo run -p ccw-kit --bin ccw-compare -- --with css --with 'exec:./my-emulator' --random 1000 tests/programs
//! ```
//!
//! The first difference is shown as a listing of the program with both outcomes side by side, and as a
//! file and a fuzz input to keep.
//!
//! # What there is
//!
//! | | |
//! |---|---|
//! | a *case*: what is meant by a program, its storage and its device | [`generator::Case`] |
//! | cases at random | [`generator::cases`] for property tests, [`generator::random_cases`] by a number |
//! | cases from bytes: any bytes are one, and where they end zeros follow, so that a fuzzer needs to know nothing | [`generator::Case::from_bytes`], and back [`generator::Case::to_bytes`] |
//! | programs that were recorded, in files | [`program_file`], [`corpus`]; as fuzz inputs, and back: [`convert`] |
//! | what fuzzing starts from | [`seeds`], in `fuzz/seeds`; words of the format: [`dictionary`] |
//! | implementations held against each other | [`compare`], of [`machine`]s, by [`implementation`]s |
//! | oracles for the translator: program and translation do the same, a verdict is what the machine finds, what is dirty was stored | [`differential`], [`walk`], [`transport`], [`confined`] |
//! | oracles for words and formats | [`decode`] |
//! | a guest's subchannel against a host that fails | [`subchannel`] |
//!
//! A case that fails is printed with its bytes, which are an input of the fuzz targets and, in
//! `tests/regressions`, replayed by every `cargo test`.
#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "a test that truncates fails; the code under test does not"
)]

pub mod compare;
pub mod confined;
pub mod convert;
pub mod corpus;
pub mod decode;
pub mod dictionary;
pub mod differential;
pub mod generator;
pub mod implementation;
pub mod in_parts;
pub mod load;
pub mod machine;
pub mod minimise;
pub mod program;
pub mod reached;
pub mod say;
pub mod second_copy;
pub mod seeds;
pub mod storage;
pub mod subchannel;
pub mod targets;
pub mod transport;
pub mod volume;
pub mod walk;

pub use ccwtool::program_file;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the page for a VMM compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/vmm.md")]
struct Vmm;
