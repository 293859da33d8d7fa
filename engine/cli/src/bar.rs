//! The progress line on a terminal; nothing at all where standard error is none.

use std::io::{self, IsTerminal as _, Write as _};

use nestr_pellets::{PackObserver, Phase, Progress, RestoreObserver, RestorePhase};

use crate::output;

const WIDTH: u64 = 24;
/// Returns to the start of the line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// Draws progress.
pub(crate) struct Bar {
    shown: bool,
}

impl Bar {
    /// A bar that is shown only on a terminal and unless results go to a program.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { shown: wanted && io::stderr().is_terminal() }
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        self.draw("");
    }

    fn draw(&self, line: &str) {
        if self.shown {
            // A bar that cannot be drawn must not stop the work.
            let _ = io::stderr().write_all(format!("{CLEAR}{line}").as_bytes());
        }
    }
}

impl PackObserver for Bar {
    fn phase_started(&self, phase: Phase) {
        match phase {
            Phase::Walk => self.draw("walking the tree"),
            Phase::Pack => {}
            Phase::Seal => self.draw("writing to disk"),
        }
    }

    fn progress(&self, progress: &Progress) {
        self.draw(&line(progress));
    }
}

impl RestoreObserver for Bar {
    fn phase_started(&self, phase: RestorePhase) {
        match phase {
            RestorePhase::Check => self.draw("checking the sidecar"),
            RestorePhase::Extract => {}
            RestorePhase::Place => self.draw("putting the tree in its place"),
        }
    }

    fn progress(&self, progress: &Progress) {
        self.draw(&line(progress));
    }
}

fn line(progress: &Progress) -> String {
    if progress.bytes_total == 0 {
        return format!("walking the tree: {} entries", progress.entries_total);
    }
    let done = progress.bytes_done.min(progress.bytes_total);
    let part = |of: u64| u128::from(done) * u128::from(of) / u128::from(progress.bytes_total);
    let filled = usize::try_from(part(WIDTH)).unwrap_or_default();
    let empty = usize::try_from(WIDTH).unwrap_or_default().saturating_sub(filled);
    // Nothing is written smaller than it is where a tree is brought back.
    let written = match progress.bytes_out {
        0 => String::new(),
        n => format!(" → {}", output::bytes(n)),
    };
    format!(
        "[{}{}] {:>3} %  {}/{} entries  {} of {}{written}",
        "=".repeat(filled),
        " ".repeat(empty),
        part(100),
        progress.entries_done,
        progress.entries_total,
        output::bytes(done),
        output::bytes(progress.bytes_total),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_from_nothing_to_all() {
        let at = |bytes_done, bytes_total| Progress {
            bytes_done,
            bytes_total,
            entries_done: 1,
            entries_total: 4,
            bytes_out: bytes_done / 2,
        };
        assert_eq!(line(&at(0, 0)), "walking the tree: 4 entries");
        let half = "[============            ]  50 %  1/4 entries  500 B of 1.00 kB → 250 B";
        assert_eq!(line(&at(500, 1_000)), half);
        assert!(line(&at(2_000, 1_000)).contains("] 100 %"), "a tree that grew is not overdrawn");
        assert!(line(&at(u64::MAX, u64::MAX)).contains("100 %"));
    }
}
