//! What is said when something ended: what was lost, what waits on disk, and every account.

use std::fmt::Write;

use collector_pipeline::graph::DrainReport;

/// How something ended, in words for the log.
pub(super) struct Ending {
    /// Where what waits on disk goes on.
    pub(super) kept_for: &'static str,
    /// When what was lost was lost.
    pub(super) lost_at: &'static str,
}

/// The end of the process.
pub(super) const STOPPED: Ending =
    Ending { kept_for: "for the next start", lost_at: "when the process ended" };

/// The end of parts of it, in a reload.
pub(super) const LEFT: Ending =
    Ending { kept_for: "for a pipeline that left", lost_at: "between two configurations" };

/// One line per exporter that did not get everything, then one per account.
pub(super) fn account(report: &DrainReport, ending: &Ending) -> String {
    let mut text = String::new();
    for (exporter, n_items) in &report.dropped {
        let lost_at = ending.lost_at;
        let _ =
            writeln!(text, "{exporter}: {n_items} items were still waiting {lost_at} and are lost");
    }
    for (exporter, n_items) in &report.kept {
        let _ = writeln!(text, "{exporter}: {n_items} items wait on disk {}", ending.kept_for);
    }
    let _ = write!(text, "{report}");
    text
}

/// Puts it into the log, a line at a time; losses as such.
pub(super) fn log(report: &DrainReport, ending: &Ending) {
    let n_losses = report.dropped.len();
    for (i, line) in account(report, ending).lines().enumerate() {
        match i < n_losses {
            true => tracing::error!(account = line, "items are lost"),
            false => tracing::info!(account = line, "stopped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use collector_pipeline::ledger::{EdgeAccount, Reason, Snapshot};

    use super::*;

    fn edge(from: &str, to: &str, delivered: u64, n_dropped: u64, queued: u64) -> EdgeAccount {
        let dropped: BTreeMap<_, _> = match n_dropped {
            0 => BTreeMap::new(),
            n => [(Reason::Shutdown, n)].into(),
        };
        EdgeAccount {
            pipeline: "logs/audit".to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            signal: "logs",
            entered: delivered + n_dropped + queued,
            delivered,
            dropped,
            queued,
            entered_bytes: 0,
            delivered_bytes: 0,
            dropped_bytes: BTreeMap::new(),
            queued_bytes: 0,
        }
    }

    #[test]
    fn what_remains_is_told() {
        let edges = vec![
            edge("log", "loki", 5, 0, 3),
            edge("log", "otlp_http/ring", 6, 2, 0),
            edge("otlp", "log", 8, 0, 0),
        ];
        let report = DrainReport {
            n_dropped: 2,
            dropped: vec![("otlp_http/ring".to_owned(), 2)],
            kept: vec![("loki".to_owned(), 3)],
            ledger: Snapshot { edges },
        };
        let [stopped, left] = [STOPPED, LEFT].map(|ending| account(&report, &ending));
        insta::assert_snapshot!(format!("{stopped}\n{left}"));
    }
}
