// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A text that was read, by its lines.

use std::sync::OnceLock;

/// Lines between two whose places are remembered.
const STEP: usize = 1024;

/// A text.
#[derive(Debug)]
pub(crate) struct Text {
    all: String,
    /// Where each [`STEP`]th line begins.
    starts: OnceLock<Vec<usize>>,
}

impl Text {
    /// The text `all`.
    pub(crate) const fn new(all: String) -> Self {
        Self {
            all,
            starts: OnceLock::new(),
        }
    }

    /// Line `number`, from 1, and all that is behind it.
    pub(crate) fn from(&self, number: usize) -> Option<&str> {
        let number = number.checked_sub(1)?;
        let starts = self.starts.get_or_init(|| self.starts());
        let mut rest = self.all.get(*starts.get(number / STEP)?..)?;
        for _ in 0..number % STEP {
            (_, rest) = rest.split_once('\n')?;
        }
        Some(rest)
    }

    fn starts(&self) -> Vec<usize> {
        let ends = self
            .all
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n');
        let behind = ends.map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(behind);
        starts.step_by(STEP).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_numbers_from_1() {
        let all: String = (1..=3000).map(|n| format!("line {n}\n")).collect();
        let text = Text::new(all);
        let line = |n| text.from(n).and_then(|rest| rest.lines().next());
        for n in [1, 2, 1024, 1025, 1026, 2048, 2049, 3000] {
            assert_eq!(line(n), Some(format!("line {n}").as_str()));
        }
        assert_eq!((line(0), line(3001), line(9999)), (None, None, None));
        assert_eq!(Text::new("a".to_owned()).from(1), Some("a"));
    }
}
