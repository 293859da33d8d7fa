//! What the sink tells: a table for people, JSON for programs.

use std::fmt::Write;

use serde_json::{Value, json};

/// Everything counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// Requests answered with success.
    pub(super) n_taken: u64,
    /// Requests refused as told.
    pub(super) n_refused: u64,
    /// Requests refused because they were faulty or too large.
    pub(super) n_faulty: u64,
    /// Items taken, those of `--take-refused` included.
    pub(super) n_items: u64,
    /// Of these, items that `perch bench send` did not make.
    pub(super) n_unmarked: u64,
    /// Of these, items for whose numbers there was no room.
    pub(super) n_untracked: u64,
    pub(super) runs: Vec<RunRow>,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunRow {
    pub(super) run: u64,
    /// Different items.
    pub(super) n_unique: u64,
    /// Items that came again.
    pub(super) n_duplicated: u64,
}

impl Report {
    /// Stable: fields are only added.
    pub(super) fn json(&self) -> Value {
        json!({
            "schema": 1,
            "requests": {"taken": self.n_taken, "refused": self.n_refused, "faulty": self.n_faulty},
            "items": self.n_items,
            "unmarked": self.n_unmarked,
            "untracked": self.n_untracked,
            "runs": self.runs.iter().map(RunRow::json).collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, n: u64| {
            let _ = writeln!(text, "{name:<20}{n:>16}");
        };
        row("requests taken", self.n_taken);
        row("requests refused", self.n_refused);
        row("requests faulty", self.n_faulty);
        row("items", self.n_items);
        row("  without a number", self.n_unmarked);
        row("  beyond the memory", self.n_untracked);
        if !self.runs.is_empty() {
            let _ = writeln!(text, "\n{:<20}{:>16}{:>16}", "run", "items", "duplicated");
        }
        for RunRow { run, n_unique, n_duplicated } in &self.runs {
            let _ = writeln!(text, "{run:016x}    {n_unique:>16}{n_duplicated:>16}");
        }
        text
    }
}

impl RunRow {
    fn json(&self) -> Value {
        json!({
            "run": format!("{:016x}", self.run),
            "unique": self.n_unique,
            "duplicated": self.n_duplicated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_and_json() {
        let report = Report {
            n_taken: 12,
            n_refused: 3,
            n_faulty: 1,
            n_items: 1_500,
            n_unmarked: 5,
            n_untracked: 0,
            runs: vec![RunRow { run: 0xfeed, n_unique: 1_200, n_duplicated: 295 }],
        };
        insta::assert_snapshot!("table", report.table());
        insta::assert_snapshot!("json", serde_json::to_string_pretty(&report.json()).unwrap());
    }
}
