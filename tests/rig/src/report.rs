// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was checked, and what came of it.

/// Checks that were made; each was printed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Where the checks are made, such as the kind of device and front end.
    place: String,
    passed: usize,
    failed: Vec<String>,
}

impl Report {
    /// The checks that follow are made there.
    pub(crate) fn at(&mut self, place: &str) {
        place.clone_into(&mut self.place);
    }

    /// One check: nothing, or the difference.
    pub(crate) fn check(&mut self, name: &str, result: Result<(), String>) {
        let name = format!("{}: {name}", self.place);
        match result {
            Ok(()) => {
                self.passed += 1;
                println!("ok      {name}");
            }
            Err(difference) => {
                println!("FAILED  {name}: {difference}");
                self.failed.push(name);
            }
        }
    }

    /// Whether all is well: something was checked, and nothing failed.
    pub(crate) fn finish(self) -> bool {
        println!(
            "{} checks passed, {} failed",
            self.passed,
            self.failed.len()
        );
        for name in &self.failed {
            println!("FAILED  {name}");
        }
        self.failed.is_empty() && self.passed > 0
    }
}
