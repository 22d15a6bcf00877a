// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How much was compared, and what was not.

use std::collections::BTreeMap;
use std::fmt;

use ccwtool::printable;

use super::{Compared, Left};
use crate::implementation::Report;

/// How many machines, and what became of them.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    names: Vec<String>,
    machines: usize,
    /// Same, or different.
    compared: usize,
    alone: usize,
    differ: usize,
    left: BTreeMap<Left, usize>,
    /// For each implementation.
    rows: Vec<Row>,
    /// Pairs of reports of which both tell.
    statuses: usize,
    traffic: usize,
    storage: usize,
    pairs: usize,
}

#[derive(Clone, Debug, Default)]
struct Row {
    ran: usize,
    failed: usize,
    unsupported: BTreeMap<String, usize>,
}

/// Reasons that are listed for one implementation.
const MOST_REASONS: usize = 100;

impl Counts {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self {
            rows: vec![Row::default(); names.len()],
            names,
            ..Self::default()
        }
    }

    pub(super) fn report(&mut self, n: usize, report: &Report) {
        let row = &mut self.rows[n];
        let Report::Unsupported(why) = report else {
            row.ran += 1;
            return;
        };
        // It may be somebody else's, and say what it likes.
        let why: String = printable(why).chars().take(80).collect();
        let known = row.unsupported.len() < MOST_REASONS || row.unsupported.contains_key(&why);
        let why = if known {
            why
        } else {
            "further reasons".to_owned()
        };
        *row.unsupported.entry(why).or_default() += 1;
    }

    pub(super) fn pair(&mut self, one: &Report, other: &Report) {
        self.pairs += 1;
        let (Report::Ran(one), Report::Ran(other)) = (one, other) else {
            return;
        };
        self.statuses += usize::from(one.statuses.is_some() && other.statuses.is_some());
        self.traffic += usize::from(one.commands.is_some() && other.commands.is_some());
        self.storage += usize::from(one.stored.is_some() && other.stored.is_some());
    }

    pub(super) fn count(&mut self, compared: &Compared) {
        self.machines += 1;
        match compared {
            Compared::Same => self.compared += 1,
            Compared::Alone => self.alone += 1,
            Compared::Left(left) => *self.left.entry(*left).or_default() += 1,
            Compared::Differs(_) => {
                self.compared += 1;
                self.differ += 1;
            }
            Compared::Failed(n, _) => self.rows[*n].failed += 1,
        }
    }

    /// Machines of which at least two reports were compared.
    pub const fn compared(&self) -> usize {
        self.compared
    }

    /// Machines on which two differ.
    pub const fn differ(&self) -> usize {
        self.differ
    }

    /// Machines of which one had no report.
    pub fn failed(&self) -> usize {
        self.rows.iter().map(|row| row.failed).sum()
    }

    /// Machines that this implementation said it does not support.
    pub fn unsupported(&self, name: &str) -> usize {
        let rows = self.names.iter().zip(&self.rows);
        let row = rows.filter(|(it, _)| *it == name);
        row.flat_map(|(_, row)| row.unsupported.values()).sum()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} programs: {} compared, {} of them with a difference",
            self.machines, self.compared, self.differ
        )?;
        if self.alone > 0 {
            writeln!(f, "  {} that fewer than two could run", self.alone)?;
        }
        for (left, n) in &self.left {
            writeln!(f, "  {n} left aside: {}", left.text())?;
        }
        let pairs = self.pairs;
        writeln!(
            f,
            "  of {pairs} pairs of reports both tell status {}, device traffic {}, storage {}",
            self.statuses, self.traffic, self.storage
        )?;
        for (name, row) in self.names.iter().zip(&self.rows) {
            let unsupported: usize = row.unsupported.values().sum();
            write!(f, "  {name}: ran {}, unsupported {unsupported}", row.ran)?;
            if row.failed > 0 {
                write!(f, ", without a report {}", row.failed)?;
            }
            writeln!(f)?;
            for (why, n) in &row.unsupported {
                writeln!(f, "    {n:6} {why}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_makes_up_reasons_fills_no_memory() {
        let mut counts = Counts::new(vec!["one".to_owned()]);
        for n in 0..1000 {
            let why = format!("reason {n} \u{1b}{}", "x".repeat(1000));
            counts.report(0, &Report::Unsupported(why));
        }
        assert_eq!(counts.unsupported("one"), 1000);
        assert_eq!(counts.rows[0].unsupported.len(), MOST_REASONS + 1);
        let text = counts.to_string();
        assert!(text.contains("   900 further reasons\n"), "{text}");
        assert!(text.lines().all(|line| line.len() < 100), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
